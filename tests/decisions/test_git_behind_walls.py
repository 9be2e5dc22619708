"""What git writes in a repository is granted behind walls, and what makes it run or trust something else is not.

git itself is the judge of the first half: it works in a repository, and all that it changes there is asked about.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from policy_lang import Policy
from policy_lang.domain.request import Request

POLICY = Policy.loads(
    """policy "walls"
import std.baseline
import std.git
import std.git-work
allow read, write, delete "./"
"""
)

STEPS = [
    "commit --allow-empty -qm one",
    "add .",
    "commit -qm two",
    "commit -q --amend -m three",
    "switch -qc topic",
    "commit -q --allow-empty -m topic",
    "switch -q main",
    "cherry-pick --allow-empty topic",
    "merge -q --no-ff topic -m merged",
    "rebase -q topic",
    "stash -u",
    "tag v1",
    "tag -a v2 -m two",
    "branch other",
    "update-ref -d refs/heads/other",
    "fetch -q . side",
    "fetch -q --depth=1 file://{top} main",
    "notes add -m note",
    "bisect start HEAD HEAD~1",
    "bisect reset",
    "update-server-info",
    "commit-graph write --split --reachable",
    "pack-refs --all",
    "repack -adq",
    "gc -q",
    "maintenance run --quiet",
    "reset -q --hard HEAD",
]

UNFINISHED = "merge -q side", "rebase -q side", "rebase -q --apply side", "cherry-pick side", "revert --no-edit HEAD~1"
"""What stops at a conflict and leaves its state behind."""

HELD = [
    ".git",
    ".git/config",
    ".git/config.lock",
    ".git/config.worktree",
    ".git/hooks",
    ".git/hooks/pre-commit",
    ".git/hooks/x/y",
    ".git/info",
    ".git/info/attributes",
    ".git/info/exclude",
    ".git/info/grafts",
    ".git/commondir",
    ".git/gitdir",
    ".git/objects",
    ".git/refs",
    ".git/objects/info",
    ".git/objects/info/alternates",
    ".git/objects/info/http-alternates",
    ".git/branches/x",
    ".git/remotes/origin",
    ".git/description",
    ".git/modules",
    ".git/modules/x/config",
    ".git/modules/x/hooks/pre-push",
    ".git/modules/a/b/config",
    ".git/modules/x/HEAD",
    ".git/worktrees",
    ".git/worktrees/x",
    ".git/worktrees/x/commondir",
    ".git/worktrees/x/gitdir",
    ".git/worktrees/x/config.worktree",
    ".git/worktrees/x/config",
    ".git/worktrees/x/hooks/a",
    ".git/worktrees/x/refs",
    ".git/common",
    ".git/svn/x",
    ".git/refs/../hooks/x",
    ".git/logs/../config",
    "sub/.git",
    "sub/.git/config",
    "sub/.git/hooks/x",
    "sub/.git/commondir",
    "/workspace/.git/config",
    ".git//config",
    ".git/./hooks/x",
]

OUTSIDE = "/home/other/w/.git/HEAD", "../other/.git/index", "~/w/.git/objects/ab/c", "HEAD", "x/HEAD", "x.git/config"


def _effect(action: str, name: str, *, confined: bool = True) -> str:
    asked = Request(
        action, name, agent="x", workspace="/workspace", home="/home/agent", lexical=True, confined=confined
    )
    return POLICY.decide_request(asked).effect


def _git(top: Path, *words: str) -> int:
    given = {name: os.environ[name] for name in ("PATH",)} | {"HOME": str(top.parent), "GIT_EDITOR": "true"}
    for who in ("AUTHOR", "COMMITTER"):
        given |= {f"GIT_{who}_NAME": "a", f"GIT_{who}_EMAIL": "a@example.com"}
    return subprocess.run(["git", *words], cwd=top, env=given, check=False, capture_output=True).returncode


def _files(top: Path) -> dict[str, tuple[int, int]]:
    found = {p: p.lstat() for p in (top / ".git").rglob("*")}
    return {str(p.relative_to(top)): (s.st_ino, 0 if p.is_dir() else s.st_mtime_ns) for p, s in found.items()}


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository with a commit, and a branch that conflicts with its main one."""
    place = tmp_path / "w"
    place.mkdir()
    assert _git(place, "init", "-q", "-b", "main") == 0
    (place / "a").write_text("a\n")
    for words in ("add a", "commit -qm a", "switch -qc side"):
        assert _git(place, *words.split()) == 0
    for branch, text in (("side", "b\n"), ("main", "c\n")):
        assert _git(place, "switch", "-q", branch) == 0
        (place / "a").write_text(text)
        assert _git(place, "commit", "-qam", branch) == 0
    return place


def _changed(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[tuple[str, str]]:
    written = [("write", name) for name in after if before.get(name) != after[name]]
    return written + [("delete", name) for name in before if name not in after]


def test_what_git_writes_in_the_course_of_a_day_is_granted(top: Path) -> None:
    (top / "b").write_text("b\n")
    changes: list[tuple[str, str]] = []
    for step in STEPS:
        if step.startswith("stash"):
            (top / "b").write_text("other\n")
        before = _files(top)
        assert _git(top, *step.format(top=top).split()) == 0, step
        changes += _changed(before, _files(top))
    assert len(changes) > 100
    assert [c for c in changes if _effect(*c) != "allow"] == []


@pytest.mark.parametrize("step", UNFINISHED)
def test_what_git_leaves_half_done_is_granted(top: Path, step: str) -> None:
    before = _files(top)
    assert _git(top, *step.split()) != 0
    changes = _changed(before, _files(top))
    assert len(changes) > 3
    assert [c for c in changes if _effect(*c) != "allow"] == []


@pytest.mark.parametrize("name", HELD)
@pytest.mark.parametrize("action", ["write", "delete"])
def test_what_git_obeys_stays_out_of_reach(action: str, name: str) -> None:
    assert _effect(action, name) == "deny"


@pytest.mark.parametrize("name", OUTSIDE)
def test_repositories_elsewhere_and_bare_ones_stay_out_of_reach(name: str) -> None:
    assert _effect("write", name) == "deny"


@pytest.mark.parametrize(
    "name", [".git/index", ".git/HEAD", ".git/refs/heads/a", ".git/objects/ab/c", ".git/logs/HEAD"]
)
def test_outside_walls_nothing_of_it_is_granted(name: str) -> None:
    assert _effect("write", name, confined=False) == "deny"
    assert _effect("write", name) == "allow"


@pytest.mark.parametrize("confined", [True, False])
@pytest.mark.parametrize(
    "name", [".git/HEAD", ".git/FETCH_HEAD", ".git/logs/HEAD", ".git/unheard-of", ".git/x/Dockerfile"]
)
def test_a_policy_that_does_not_say_so_grants_nothing_of_it(name: str, confined: bool) -> None:
    wide = Policy.loads('policy "wide"\nimport std.baseline\nallow read, write, delete "./", "**/Dockerfile"\n')
    for action in ("write", "delete"):
        asked = Request(action, name, workspace="/workspace", lexical=True, confined=confined)
        assert wide.decide_request(asked).effect == "deny"


@pytest.mark.parametrize("name", [".git/HOOKS/x", ".git/CONFIG", ".git/unheard-of", ".git/lfs/config", ".git/x_HEAD"])
def test_what_nobody_has_heard_of_stays_out_of_reach(name: str) -> None:
    assert _effect("write", name) == "deny"


def test_configuration_is_read_behind_walls_only() -> None:
    assert (_effect("read", ".git/config"), _effect("read", ".git/config", confined=False)) == ("allow", "deny")
    assert (_effect("read", "~/.config/git/ignore"), _effect("read", "~/.config/git/credentials")) == ("allow", "deny")
