"""Commands that take the working tree to other commits are held where they would put another protected file in place."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from policy_lang import Policy, Request
from policy_lang.audit.disk_snapshot import Recorded, Recording
from policy_lang.domain.limits import limit
from policy_lang.facts import git_moves, git_objects
from policy_lang.facts.disk import REAL
from policy_lang.facts.git_moves import moved, unsettled
from policy_lang.facts.git_objects import GitObjects, UnreadableError

from .test_git import git

TEXT = """
policy "p"
import std.git
allow read, write, delete "./"
allow run "git **"
allow run "{bash,cat} **"
"""


def settled(path: str) -> bool:
    return list(unsettled([path])) == []


def output(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def changed(folder: Path, file: str, text: str | None, branch: str, start: str = "main") -> None:
    """A branch with one commit that changes a file, or removes it."""
    git(folder, "switch", "-qc", branch, start)
    if text is None:
        git(folder, "rm", "-q", file)
    else:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
        git(folder, "add", "-A")
    git(folder, "commit", "-qm", branch)
    git(folder, "switch", "-q", "main")


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with its policy in it, and branches that change this or that."""
    folder = tmp_path_factory.mktemp("repository") / "w"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "a.py").write_text("a = 1\n")
    (folder / ".claude").mkdir()
    (folder / ".claude" / "settings.json").write_text('{"hooks": {}}')
    (folder / "web.policy").write_text(TEXT)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    changed(folder, "src/b.py", "b", "feature")
    changed(folder, "web.policy", TEXT + "# weaker\n", "weaker")
    changed(folder, ".claude/settings.json", "{}", "unhooked")
    changed(folder, ".mcp.json", "{}", "servers")
    changed(folder, "settings.json", "{}", "rooted")
    changed(folder, "web.policy", None, "gone")
    changed(folder, "web.policy", TEXT + "# weaker\n", "washed")
    git(folder, "switch", "-q", "washed")
    git(folder, "checkout", "-q", "main", "--", "web.policy")
    git(folder, "commit", "-qm", "as it was")
    git(folder, "switch", "-q", "feature")
    (folder / "web.policy").write_text(TEXT + "# stashed\n")
    git(folder, "stash", "-q")
    git(folder, "switch", "-q", "main")
    (folder / "src" / "c.py").write_text("c")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "two")
    git(folder, "tag", "-am", "x", "v1", "weaker")
    git(folder, "update-ref", "refs/remotes/origin/elsewhere", "weaker")
    git(folder, "update-ref", "refs/remotes/origin/main", "feature")
    return folder


def asked(folder: Path, script: str) -> tuple[str, str]:
    policy = Policy.load(str(folder / "web.policy"))
    made = policy.decide(action="run", resource=script, workspace=str(folder), home="/h", branch="main")
    return made.effect, "\n".join(made.reasons)


SWAPS = (
    "git checkout weaker", "git switch weaker", "git checkout -q -f weaker", "git checkout --detach weaker", "git checkout -b x weaker", "git switch -c x weaker",
    "git switch -d v1", "git checkout v1", "git checkout elsewhere", "git checkout -t origin/elsewhere", "git checkout unhooked", "git checkout servers", "git checkout gone",
    "git checkout weaker -- .", "git checkout weaker -- web.policy", "git checkout weaker .", "git restore --source=weaker .", "git restore -s weaker -SW :/",
    "git merge weaker", "git merge --no-ff servers", "git merge feature weaker", "git pull", "git pull origin main", "git pull . weaker", "git rebase weaker",
    "git rebase main washed", "git rebase --onto weaker main feature", "git cherry-pick weaker", "git cherry-pick main..weaker", "git cherry-pick -n weaker", "git revert weaker",
    "git reset --hard weaker", "git reset --keep weaker", "git stash pop", "git stash apply stash@{0}", "git stash apply 0", "git stash branch y", "git bisect start weaker main",
    "git submodule update --init", "git sparse-checkout set src", "git -C . checkout weaker", "git -C src switch weaker", "cd src && git checkout weaker", "bash -c 'git checkout weaker'",
    "git checkout $(cat x)", "B=weaker; git checkout $B", "git switch --orphan z", "git checkout --orphan z weaker", "git checkout -p weaker", "git checkout main~1 && git checkout weaker",
    "git fetch origin weaker:feature && git switch feature", "git fetch && git merge origin/main", "git tag -f v2 weaker && git checkout v2", "git branch x weaker && git checkout x",
    "git symbolic-ref HEAD refs/heads/weaker && git reset --hard", "git reset --soft weaker && git stash", "git reset weaker && git checkout .", "git checkout weaker~0",
)  # fmt: skip


def test_a_swap_is_denied_however_it_is_written(top: Path) -> None:
    for script in SWAPS:
        effect, why = asked(top, script)
        assert effect == "deny" and ("in its place" in why or "protects it" in why or "opaque" in why), (script, why)


HONEST = (
    "git switch -c new", "git checkout -b new", "git checkout feature", "git switch feature", "git checkout -- src/a.py", "git restore src/a.py", "git restore .", "git checkout .",
    "git stash", "git stash -u", "git stash push -m x", "git rebase feature", "git rebase main feature", "git merge feature", "git merge --ff-only origin/main", "git cherry-pick feature",
    "git revert HEAD", "git reset --hard", "git reset --hard HEAD~1", "git reset --keep feature", "git commit -am x", "git add -A && git commit -m x && git switch feature",
    "git checkout -b agent/x main", "git switch -c agent/y feature", "git checkout feature -- src", "git restore --source=weaker src", "git restore --staged .", "git merge --abort",
    "git rebase --continue", "git rebase --abort", "git cherry-pick --continue", "git bisect start", "git checkout HEAD -- src",
    "git fetch", "git checkout main~1", "git log weaker", "git diff weaker", "git stash && git merge feature", "git checkout feature && git merge main",
)  # fmt: skip


NEW_TREES = (
    "git worktree add sub unhooked", "git worktree add sub servers", "git worktree add -b x sub unhooked", "git worktree add --detach sub servers", "git worktree add -f sub servers~0",
    "git worktree add unhooked", "git worktree add .worktrees/unhooked", "git worktree add .claude rooted", "B=unhooked; git worktree add sub $B", "git worktree add sub $(cat x)",
    "cd src && git worktree add ../sub unhooked", "git -C src worktree add ../sub unhooked", "git worktree add --no-checkout sub unhooked && git -C sub reset --hard",
    "git branch n unhooked && git worktree add n", "git fetch && git worktree add sub origin/main", "git worktree add sub weaker && git -C sub checkout unhooked",
    "git clone . sub -b unhooked", "git clone -b servers . sub", "git clone --branch=servers file://{top} sub", "git clone -b unhooked {top} sub", "git clone -b unhooked -- ./ sub",
    "git clone -qb unhooked .git sub", "git clone -b unhooked --depth 1 . sub", "git clone --bare . b.git && git clone -b servers b.git sub", "git clone -b servers bare sub",
)  # fmt: skip
OWN_TREES = (
    "git worktree add sub feature", "git worktree add -b new .worktrees/new", "git worktree add .worktrees/new", "git worktree add -b x sub main", "git worktree add sub weaker",
    "git worktree add --detach sub", "git worktree add sub HEAD~1", "git worktree add sub gone", "git worktree list", "git worktree remove sub", "git worktree move sub other",
)  # fmt: skip


def test_a_new_working_tree_has_protected_files_as_they_are_here(top: Path) -> None:
    git(top, "clone", "-q", "--bare", ".", "bare")
    for script in NEW_TREES:
        effect, why = asked(top, script.format(top=top))
        assert effect == "deny" and ("in its place" in why or "protects it" in why or "opaque" in why), (script, why)
    for script in OWN_TREES:
        assert asked(top, script)[0] == "allow", script


def test_what_was_committed_past_the_disk_does_not_come_by_a_new_tree(top: Path, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    git(tmp_path, "clone", "-q", str(top), "w")
    assert asked(folder, "git worktree add sub")[0] == "allow"
    (folder / "evil").write_text("{}")
    blob = output(folder, "hash-object", "-w", "evil").strip()
    git(folder, "update-index", "--add", "--cacheinfo", f"100644,{blob},.mcp.json")
    git(folder, "commit", "-qm", "x")
    git(folder, "rm", "-q", "--cached", ".mcp.json")
    for script in (
        "git worktree add sub",
        "git worktree add sub HEAD",
        "git clone . sub",
        "git checkout HEAD -- .",
        "git restore -s HEAD .",
        "git checkout -f",
        "git reset --hard",
    ):
        assert asked(folder, script)[0] == "deny", script


def test_branch_work_that_leaves_it_alone_goes_on(top: Path) -> None:
    for script in HONEST:
        assert asked(top, script)[0] == "allow", (script, asked(top, script)[1])


def test_what_a_denial_says(top: Path) -> None:
    why = asked(top, "git checkout weaker")[1]
    assert f"another `{top}/web.policy`" in why and "floor#policy-files" in why and "git restore --source=BRANCH" in why
    assert "`git fetch`, then `git merge origin/BRANCH`" in asked(top, "git pull")[1]


def test_where_nothing_protected_is_tracked_all_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "a").write_text("a")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    (tmp_path / "p.policy").write_text(TEXT)
    policy = Policy.load(str(tmp_path / "p.policy"))
    for script in (
        "git pull",
        "git pull --rebase origin main",
        "git fetch && git merge origin/x",
        "git stash pop",
        "git bisect good",
        "git switch main",
    ):
        assert policy.decide(action="run", resource=script, workspace=str(folder), home="/h").effect == "allow", script


def test_what_a_person_has_not_committed_is_not_taken_back(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "a").write_text("a")
    (folder / "web.policy").write_text(TEXT)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    back = (
        "git stash",
        "git reset --hard",
        "git checkout .",
        "git restore .",
        "git checkout -f",
        "git commit -am x && git switch main",
    )
    for script in back:
        assert asked(folder, script)[0] == "allow", script
    (folder / "web.policy").write_text(TEXT.replace("./", "src/"))
    for staged in (False, True):
        for script in back[: 3 if staged else None]:
            assert asked(folder, script)[0] == "deny", (script, staged)
        git(folder, "add", "-A")
    assert asked(folder, "git switch -c new")[0] == "allow"


def test_a_rule_that_overrides_the_floor_grants_it(top: Path, tmp_path: Path) -> None:
    (tmp_path / "p.policy").write_text(TEXT + 'allow write ".mcp.json" override protected when versioned\n')
    policy = Policy.load(str(tmp_path / "p.policy"))

    def effect(script: str) -> str:
        return policy.decide(action="run", resource=script, workspace=str(top), home="/h").effect

    assert effect("git merge servers") == "allow" and effect("git merge unhooked") == "deny"


def test_a_repository_within_and_one_around_the_workspace(top: Path, tmp_path: Path) -> None:
    policy = Policy.load(str(top / "web.policy"))
    inside = {"workspace": str(top / "src"), "home": "/h"}
    assert policy.decide(action="run", resource="git checkout unhooked", **inside).effect == "deny"
    assert policy.decide(action="run", resource="git checkout feature", **inside).effect == "allow"


def test_a_record_has_what_was_seen(top: Path) -> None:
    policy = Policy.load(str(top / "web.policy"))
    for script in ("git checkout weaker", "git checkout feature", "git stash", "git pull"):
        seen = Recording()
        request = Request("run", script, workspace=str(top), home="/h", disk=seen)
        made = policy.decide_request(request)
        again = Request("run", script, workspace=str(top), home="/h", disk=Recorded(seen.seen()))
        assert policy.decide_request(again).effect == made.effect, script


def names(folder: Path, *ways: tuple[str, str]) -> set[str]:
    return {name[len(str(folder)) + 1 :] for name in moved(str(folder), ways) or ()}


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of which all is packed, in chains of differences, with packed refs."""
    folder = tmp_path_factory.mktemp("packed") / "w"
    for number in range(60):
        (folder / f"d{number % 7}" / "deep").mkdir(parents=True, exist_ok=True)
        (folder / f"d{number % 7}" / "deep" / f"{number}").write_text("x" * number)
    git(folder, "init", "-q")
    for number in range(12):
        (folder / f"d{number % 7}" / "deep" / f"{number}").write_text(f"new {number}")
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", f"{number}")
        git(folder, "branch", f"b{number}")
    git(folder, "tag", "-am", "x", "annotated", "b3")
    git(folder, "gc", "-q")
    return folder


def test_trees_differ_as_git_says(packed: Path) -> None:
    for number in range(12):
        said = set(output(packed, "diff", "--name-only", f"b{number}", "HEAD").split())
        assert names(packed, ("to", f"b{number}")) == said
    assert names(packed, ("to", "annotated")) == names(packed, ("to", "b3"))
    assert names(packed, ("pick", "b4")) == set(output(packed, "show", "--name-only", "--format=", "b4").split())
    assert names(packed, ("pick", "b4..b9")) == set(output(packed, "diff", "--name-only", "b4", "b9").split())
    short = output(packed, "rev-parse", "--short", "b2").strip()
    for name in (short, "HEAD~9", "@~9", "b3^", "b11~9^0", "refs/heads/b2", "heads/b2"):
        assert names(packed, ("to", name)) == names(packed, ("to", "b2")), name
    for name in ("b77", "HEAD^2", "HEAD~99", "a..b", "HEAD@{yesterday}", "", ":/x", "../x", "0" * 40):
        assert len(names(packed, ("to", name))) == 60, name


def test_commits_between_are_found_as_git_finds_them(packed: Path) -> None:
    moves = git_moves._Moves(str(packed / ".git"))
    objects = GitObjects(str(packed / ".git"))
    for base, tip in (("b2", "b9"), ("b9", "b2"), ("b5", "b5"), ("b0", "main")):
        one, other = (objects.commits(n).pop() for n in (base, tip))
        assert moves._between({one}, other) == set(output(packed, "rev-list", f"{base}..{tip}").split())


def test_another_working_tree_has_a_head_of_its_own(packed: Path, tmp_path: Path) -> None:
    git(packed, "worktree", "add", "-q", str(tmp_path / "t"), "b5")
    assert names(tmp_path / "t", ("to", "b5")) == set() and names(tmp_path / "t", ("to", "main"))


def test_a_file_settled_when_disk_index_and_commit_agree(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "x")
    assert settled(str(tmp_path / "a")) and not settled(str(tmp_path / "none"))
    (tmp_path / "a").write_text("c")
    assert not settled(str(tmp_path / "a"))
    git(tmp_path, "add", "a")
    (tmp_path / "a").write_text("a")
    assert not settled(str(tmp_path / "a"))
    (tmp_path / "b").unlink()
    (tmp_path / "b").symlink_to("a")
    assert not settled(str(tmp_path / "b"))


def test_what_stands_for_another_object_is_not_believed(packed: Path) -> None:
    git(packed, "replace", "b3", "b2")
    try:
        assert len(names(packed, ("to", "b11"))) == 60
    finally:
        git(packed, "replace", "-d", "b3")
        (packed / ".git/refs/replace").rmdir()
    assert names(packed, ("to", "b11")) == set()


def test_damaged_objects_are_not_believed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "x")
    head = output(tmp_path, "rev-parse", "HEAD").strip()
    file = tmp_path / ".git/objects" / head[:2] / head[2:]
    good = file.read_bytes()
    file.chmod(0o600)
    for bad in (b"", good[:-6], b"x" + good, good[: len(good) // 2]):
        file.write_bytes(bad)
        with pytest.raises(UnreadableError):
            GitObjects(str(tmp_path / ".git")).commits("HEAD")


LIMITS = {
    "_MOST_READ": "git_objects", "_MOST_OBJECT": "git_object_bytes", "_MOST_REFS": "git_refs_bytes", "_DEEPEST": "git_delta_depth",
}  # fmt: skip


def test_all_that_is_read_is_bounded(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, row in LIMITS.items():
        assert getattr(git_objects, name) == limit(row)
        with monkeypatch.context() as smaller:
            smaller.setattr(git_objects, name, 0)
            assert len(names(packed, ("to", "b1"))) == 60, name
    assert limit("git_moved_files") == git_moves._MOST_FILES and limit("git_walked_commits") == git_moves._MOST_COMMITS
    differ = len(names(packed, ("to", "b1")))
    monkeypatch.setattr(git_moves, "_MOST_FILES", differ)
    assert len(names(packed, ("to", "b1"))) == differ
    monkeypatch.setattr(git_moves, "_MOST_FILES", differ - 1)
    assert len(names(packed, ("to", "b1"))) == 60
    monkeypatch.setattr(git_moves, "_MOST_COMMITS", 1)
    assert len(names(packed, ("pick", "b1..b9"))) == 60
    assert limit("git_hashed_bytes") == git_moves._MOST_HASHED
    assert settled(str(packed / "d0/deep/0"))
    monkeypatch.setattr(git_moves, "_MOST_HASHED", 4)
    assert not settled(str(packed / "d0/deep/0"))
    assert limit("git_pack_index_bytes") >= 1 << 20


def test_a_look_at_another_branch_takes_no_time(packed: Path) -> None:
    began = time.monotonic()
    list(REAL.moved(str(packed), (("to", "b0"), ("pick", "b0..b11"))))
    assert time.monotonic() - began < 2


def test_index_and_trees_are_read_once_for_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "-qb", "main")
    for n in range(40):
        (tmp_path / f"d{n % 4}").mkdir(exist_ok=True)
        (tmp_path / f"d{n % 4}/{n}").write_text(str(n))
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "all")
    (tmp_path / "d1/1").write_text("changed")
    (tmp_path / "d2/new").write_text("not tracked")
    looked: list[str] = []
    read, index = GitObjects.read, git_moves.entries_around
    monkeypatch.setattr(GitObjects, "read", lambda self, name: looked.append(name) or read(self, name))
    monkeypatch.setattr(git_moves, "entries_around", lambda folder: looked.append("index") or index(folder))
    paths = [str(p) for p in sorted(tmp_path.glob("d*/*"))]
    assert list(unsettled(paths)) == [str(tmp_path / "d1/1"), str(tmp_path / "d2/new")]
    assert looked.count("index") == 1 and len(looked) < 12  # the index, the commit, its tree, four folders
