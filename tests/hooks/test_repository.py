"""The repository's state that hooks send: what is read of it, what is not known, and the pushes that it decides."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from policy_lang.domain.limits import limit
from policy_lang.pep import repository
from policy_lang.pep.repository import repository_state
from tests.hooks.support import hook, workspace

POLICY = """policy "p"
import std.git
allow read "./"
allow run "git **"
allow push "**"
"""
PLAIN = '[core]\n\tbare = false\n[remote "origin"]\n\turl = https://h.example/r\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n'
FOLLOWS = '[branch "feat/x"]\n\tremote = origin\n\tmerge = refs/heads/feat/x\n'
STATE = {"remotes": {"origin": ""}, "push_default": "simple", "push_remote": "origin"}


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GIT_DIR", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(repository, "_SYSTEM", str(tmp_path / "no such file"))
    (tmp_path / "home").mkdir()


def repo(folder: Path, config: str = PLAIN, head: str = "ref: refs/heads/feat/x\n") -> Path:
    (folder / "ws/.git").mkdir(parents=True, exist_ok=True)
    (folder / "ws/.git/HEAD").write_text(head)
    (folder / "ws/.git/config").write_text(config)
    return folder / "ws"


def state(folder: Path) -> dict[str, object]:
    return repository_state(str(folder / "ws"), str(folder / "home"))


@pytest.mark.parametrize(
    ("config", "git"),
    [
        (PLAIN, STATE), (PLAIN + FOLLOWS, {**STATE, "upstream": "refs/heads/feat/x"}), ("", {"remotes": {}, "push_default": "simple"}),
        (PLAIN + "[push]\n\tdefault = current\n", {**STATE, "push_default": "current"}), (PLAIN + "[PUSH] Default=upstream\n", {**STATE, "push_default": "upstream"}),
        (PLAIN + '[remote "fork"]\nurl=x\n', {**STATE, "remotes": {"origin": "", "fork": ""}}), (PLAIN + "[remote]\npushDefault = fork\n", {**STATE, "push_remote": "fork"}),
        (PLAIN + '[branch "feat/x"]\npushRemote = a\nremote = b\n', {**STATE, "push_remote": "a"}), ('[remote "up"]\nurl = x\n', {"remotes": {"up": ""}, "push_default": "simple", "push_remote": "up"}),
        (PLAIN + '[remote "origin"]\npush = HEAD:main\n', {**STATE, "push_default": "unknown"}), (PLAIN + '[remote "origin"]\nmirror\n', {**STATE, "push_default": "unknown"}),
        (PLAIN + "[push]\nfollowTags\n", {**STATE, "push_default": "follow-tags"}), ("# a\n; b\n\n" + PLAIN + '[alias]\nx = "!f() { a; }; f"\n', STATE),
    ],
)  # fmt: skip
def test_what_a_plain_push_depends_on(tmp_path: Path, config: str, git: dict[str, object]) -> None:
    repo(tmp_path, config)
    assert state(tmp_path) == {"branch": "feat/x", "git": git}


@pytest.mark.parametrize(
    "config",
    ["[extensions]\nworktreeConfig = true\n", "[core]\nworktree = ../x\n", "[push]\ndefault = sim\\\nple\n", "[push\ndefault = x\n",
     '[push]\ndefault = "simple"\n', '[remote "a\\"b"]\nurl = x\n', "[include]\npath = ../other\n"],
)  # fmt: skip
def test_a_configuration_that_is_not_plain_is_not_known(tmp_path: Path, config: str) -> None:
    repo(tmp_path, config)
    (tmp_path / "ws/other").write_text("[push]\ndefault = matching\n")
    assert state(tmp_path) == {"branch": "feat/x", "git": {"push_default": "unknown"}}


def test_people_have_a_configuration_too(tmp_path: Path) -> None:
    repo(tmp_path)
    dotfiles = tmp_path / "home/dotfiles"
    dotfiles.mkdir()
    (dotfiles / "work").write_text("[user]\nname = a\n[core]\neditor = vi\n")
    (dotfiles / "git").write_text('[push]\ndefault = current\n[includeIf "gitdir:~/work/"]\npath = ~/dotfiles/work\n')
    (tmp_path / "home/.gitconfig").symlink_to(dotfiles / "git")
    assert state(tmp_path) == {"branch": "feat/x", "git": {**STATE, "push_default": "current"}}
    (dotfiles / "work").write_text("[push]\ndefault = matching\n")
    assert state(tmp_path) == {"branch": "feat/x", "git": {"push_default": "unknown"}}
    (dotfiles / "work").unlink()
    assert state(tmp_path)["git"] == {**STATE, "push_default": "current"}


@pytest.mark.parametrize(
    "head", ["1" * 40 + "\n", "ref: refs/heads/.invalid\n", "ref: refs/tags/v1\n", "", "ref: refs/heads/a b\n"]
)
def test_a_head_that_names_no_branch(tmp_path: Path, head: str) -> None:
    repo(tmp_path, head=head)
    assert state(tmp_path) == {}


def test_where_the_repository_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state(tmp_path) == {}
    top = repo(tmp_path)
    (top / "a/b").mkdir(parents=True)
    assert repository_state(str(top / "a/b"), "/h")["branch"] == "feat/x"
    (top / ".git/HEAD").unlink()
    (top / ".git/HEAD").symlink_to("refs/heads/main")
    assert state(tmp_path) == {}
    (top / "a/.git").write_text("elsewhere")
    assert repository_state(str(top / "a"), "/h") == {}
    monkeypatch.setenv("GIT_DIR", "x")
    assert repository_state(str(repo(tmp_path / "other")), "/h") == {}


def test_a_linked_working_tree_has_its_own_branch(tmp_path: Path) -> None:
    top = tmp_path / "ws"
    words = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=main")
    for line in (
        "init -q ws",
        "-C ws commit -q --allow-empty -m x",
        "-C ws remote add origin https://h.example/r",
        "-C ws worktree add -q -b feat/y ../linked",
    ):
        subprocess.run(["git", *words, *line.split()], cwd=tmp_path, check=True, capture_output=True)
    home = str(tmp_path / "home")
    assert repository_state(str(top), home) == {"branch": "main", "git": STATE}
    assert repository_state(str(tmp_path / "linked"), home) == {"branch": "feat/y", "git": STATE}


def test_files_are_read_to_their_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = limit("git_config_bytes")
    for size, known in ((most, True), (most + 1, False)):
        repo(tmp_path, PLAIN + "#" * (size - len(PLAIN)))
        assert ("remotes" in state(tmp_path)["git"]) is known  # type: ignore[operator]
    files = limit("git_config_files")
    for count, known in ((files - 1, True), (files, False)):
        repo(tmp_path, PLAIN + "[include]\n" + "path = a\n" * count)
        (tmp_path / "ws/.git/a").write_text("")
        assert ("remotes" in state(tmp_path)["git"]) is known  # type: ignore[operator]
    top = repo(tmp_path)
    assert limit("git_folders") == repository._MOST_FOLDERS
    monkeypatch.setattr(repository, "_MOST_FOLDERS", 3)
    for depth, known in ((2, True), (3, False)):
        inner = top.joinpath(*"abc"[:depth])
        inner.mkdir(parents=True, exist_ok=True)
        assert bool(repository_state(str(inner), "/h")) is known


def test_the_usual_pushes_pass_behind_a_hook(tmp_path: Path) -> None:
    top = workspace(tmp_path, POLICY)
    repo(tmp_path, PLAIN + FOLLOWS)
    plc = str(tmp_path / "p.plc")

    def push(script: str) -> str:
        payload = {
            "hook_event_name": "PreToolUse",
            "tool_name": "Bash",
            "cwd": str(top),
            "tool_input": {"command": script},
        }
        return hook(
            "claude", payload, "--policy", plc, "--workspace", str(top), "--home", str(tmp_path / "home")
        ).verdict

    assert [push(s) for s in ("git push", "git push -u origin HEAD", "git push origin main")] == [
        "allow",
        "allow",
        "deny",
    ]
    (top / ".git/HEAD").write_text("ref: refs/heads/main\n")
    assert [push(s) for s in ("git push", "git push origin HEAD", "git push origin feat/x")] == [
        "deny",
        "deny",
        "allow",
    ]
