"""git in decisions: which repository it is, what its commands write on a disk, and whose branch is pushed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from policy_lang import Policy
from policy_lang.domain.limits import limit
from policy_lang.facts import git_index
from policy_lang.facts.git_index import git_folder, tracked

POLICY = Policy.loads(
    """
policy "p"
import std.shell
import std.git
import std.baseline
allow read, write, delete "./" except "docs/**"
allow read "docs/**"
allow run "{git,gh,npm} **"
allow push "**"
"""
)
STATE = {"branch": "feat/x", "git": {"remotes": {"origin": ""}, "push_default": "simple"}}


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def repository(folder: Path, *files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")
    return folder


def on_disk(folder: Path, script: str, **more: object) -> str:
    return POLICY.decide(action="run", resource=script, workspace=str(folder), home="/h", **more).effect  # type: ignore[arg-type]


def lexical(script: str, **more: object) -> str:
    where = {"workspace": "/work", "home": "/h", "lexical": True, **more}
    return POLICY.decide(action="run", resource=script, **where).effect  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("script", "effect"),
    [
        ("git config --global core.pager x", "deny"), ("git config --global --unset x.y", "deny"), ("git config set --global alias.x '!x'", "deny"),
        ("git config --system core.pager x", "deny"), ("git config core.hooksPath x", "deny"), ("git config --add include.path x", "deny"),
        ("git config --get user.name", "allow"), ("git config --global --get user.name", "allow"), ("git config get user.name", "allow"),
    ],
)  # fmt: skip
def test_configuration_is_not_written_wherever_it_lies(script: str, effect: str) -> None:
    policy = Policy.loads('policy "p"\nallow run "git **"\nallow read, write "./", "/**", "~/**"\n')
    assert policy.decide(action="run", resource=script, workspace="/work", home="/h", lexical=True).effect == effect


@pytest.mark.parametrize(
    ("script", "effect"),
    [
        ("git diff /dev/null ~/x", "deny"), ("git diff src/a ~/x", "deny"), ('git diff "$HOME/x" src/a', "deny"), ("git diff ~/x", "deny"),
        ("git diff src/../../x a", "deny"), ("git diff HEAD /etc/x", "deny"), ("git diff main ../x", "deny"), ("git log -p ~/x", "deny"),
        ("git diff /dev/null .env", "deny"), ("git diff src/a .env", "deny"), ('git diff /dev/null "src/$X"', "deny"),
        ("git diff main feature", "allow"), ("git diff main..HEAD", "allow"), ("git diff HEAD src/a", "allow"), ("git diff HEAD~1 -- src/a", "allow"),
        ('git diff "$(git merge-base main HEAD)" HEAD', "allow"), ("git diff src/a src/b", "allow"), ("git diff main...feature --stat", "allow"),
    ],
)  # fmt: skip
def test_two_files_are_compared_wherever_they_lie(script: str, effect: str) -> None:
    assert lexical(script) == effect


@pytest.mark.parametrize(
    ("script", "effect"),
    [
        ("git push", "allow"), ("git push -u origin HEAD", "allow"), ("git commit -m branch && git push", "allow"), ("git pull && git push", "allow"),
        ("git branch --show-current; git push origin @", "allow"), ("git worktree list; git push", "allow"), ("git rebase origin/main && git push", "allow"),
        ("git checkout -- a && git push", "allow"), ("git checkout main && git push", "deny"), ("git switch -; git push", "deny"), ("git rebase a main; git push", "deny"),
        ("gh pr checkout 5 && git push", "deny"), ("git branch -m main && git push origin HEAD", "deny"), ("git symbolic-ref HEAD refs/heads/main; git push", "deny"),
        ("git stash branch main && git push", "deny"), ("cp a .git/HEAD && git push", "deny"), ("./x && git push", "deny"), ("cd sub && git push", "deny"),
        ("GIT_DIR=a/.git git push", "deny"), ("git -C ../o push", "deny"), ("cd ../o; git push origin HEAD", "deny"), ("git --git-dir=../o/.git push", "deny"),
        ("git -C . push", "allow"), ("git --git-dir=.git push", "allow"), ("git --git-dir=/work/.git push", "allow"), ("cd /work && git push", "allow"),
        ("git -c push.default=matching push", "deny"), ("git branch -f main", "deny"), ("git branch -D a", "deny"), ("git stash drop", "deny"),
    ],
)  # fmt: skip
def test_the_branch_is_that_of_the_workspace_and_of_the_moment(script: str, effect: str) -> None:
    assert lexical(script, **STATE) == effect


@pytest.mark.parametrize(
    ("script", "effect"),
    [
        ("git push", "deny"), ("git checkout -b feat/y && git push -u origin HEAD", "allow"), ("git switch -c feat/y && git commit -am x && git push", "allow"),
        ("git switch feat/z && git push origin $(git branch --show-current)", "allow"), ("set -e; git checkout -b feat/y; git push origin HEAD", "allow"),
        ("if git switch -c feat/y; then git push; fi", "allow"), ("git checkout -b feat/y; git push", "deny"), ("git switch -c feat/y && git switch main && git push", "deny"),
        ("git switch main && git switch a && (git switch main) && git push", "deny"), ("(git switch -c feat/y) && git push", "deny"), ("git switch -c a | cat && git push", "deny"),
        ("git switch -c feat/y && ./x && git push", "deny"), ("git checkout feat/y && git push", "deny"), ("git switch -c feat/y || git push", "deny"),
        ("cd sub && git switch -c feat/y && cd .. && git push", "deny"), ("git switch -d feat/y && git push", "deny"), ("git switch -c main && git push", "deny"),
        ("! git switch -c feat/y && git push", "deny"), ("git switch -c a & git push", "deny"), ("git switch -c a && bash -c 'git switch main' && git push", "deny"),
    ],
)  # fmt: skip
def test_a_branch_that_is_surely_switched_to_is_the_current_one(script: str, effect: str) -> None:
    assert lexical(script, branch="main", git={"push_default": "simple"}) == effect


@pytest.mark.parametrize(
    ("script", "effect"),
    [
        ("git diff $(git merge-base main HEAD)", "allow"), ("git diff $(git merge-base main HEAD)..HEAD -- src", "allow"),
        ("cat src/x-$(git rev-parse --short HEAD).txt", "allow"), ("cat .e$(git rev-parse HEAD)nv", "deny"), ("cat $(git rev-parse .env)", "deny"),
        ("cat ./$(git rev-parse /../../.env)", "deny"), ("git $(git rev-parse HEAD)", "deny"), ("cat $(git rev-parse --show-toplevel)/src/a", "allow"),
        ('cd "$(git rev-parse --show-toplevel)" && cat a', "allow"), ('cd .. && cat "$(git rev-parse --show-toplevel)/a"', "deny"),
        ("cat $(git rev-parse --show-toplevel)/.env", "deny"), ("GIT_DIR=x/.git; cat $(git rev-parse --show-toplevel)/a", "deny"),
    ],
)  # fmt: skip
def test_what_git_prints(script: str, effect: str) -> None:
    assert lexical(script) == effect


@pytest.mark.parametrize(
    ("git_state", "effect"),
    [
        ({}, "allow"), ({"push_default": "current"}, "allow"), ({"push_default": "matching"}, "deny"), ({"push_default": "upstream"}, "deny"),
        ({"push_default": "upstream", "upstream": "refs/heads/feat/x"}, "allow"), ({"push_default": "upstream", "upstream": "refs/heads/main"}, "deny"),
        ({"remotes": {"a": "", "b": ""}}, "deny"), ({"remotes": {"a": "", "b": ""}, "push_remote": "origin"}, "allow"), ({"remotes": {"fork": ""}}, "deny"),
        ({"push_remote": 1}, "deny"),
    ],
)  # fmt: skip
def test_what_a_push_updates_by_default(git_state: dict[str, object], effect: str) -> None:
    assert lexical("git push", branch="feat/x", git=git_state) == effect


def test_a_denied_push_says_how_to_name_the_branch() -> None:
    decision = POLICY.decide(action="run", resource="git push", workspace="/work", home="/h", lexical=True)
    assert any("git push origin BRANCH" in reason for reason in decision.reasons)


def test_another_repository_has_its_own_state(tmp_path: Path) -> None:
    top = repository(tmp_path / "w", "src/a")
    repository(top / "nested", "a")
    (tmp_path / "other").mkdir()
    (top / "way").symlink_to(tmp_path / "other")
    assert on_disk(top, "cd src && git push", **STATE) == "allow"
    assert on_disk(top, "cd nested && git status", **STATE) == "allow"
    assert on_disk(top, "cd nested && git push", **STATE) == "deny"
    assert on_disk(top, "git push", **STATE, cwd=str(top / "nested")) == "deny"
    assert on_disk(top, "git -C way status") == "deny"
    assert on_disk(top, "git -C ../other status") == "deny"


def test_a_bare_repository_is_not_entered(tmp_path: Path) -> None:
    top = repository(tmp_path / "w", "src/a")
    for name in ("HEAD", "config"):
        (top / "out" / "b" / "objects").mkdir(parents=True, exist_ok=True)
        (top / "out" / "b" / name).write_text("")
    assert on_disk(top, "git -C out/b status") == "allow"
    (top / "out" / "b" / "refs").mkdir()
    assert on_disk(top, "git -C out/b status") == "deny"
    assert on_disk(top, "cd out/b/refs && git status") == "deny"
    assert on_disk(top, "git -C out status") == "allow"


@pytest.mark.parametrize(
    "path",
    [
        ".git/commondir",
        ".git/rebase-merge/git-rebase-todo",
        ".git/objects/ab/c",
        ".git/refs/heads/x",
        ".git/index",
        "out/b/HEAD",
        "HEAD",
        ".git/HEAD",
        "a/x.git/config",
        "a/x.git/hooks/pre-commit",
        "/work/b/HEAD",
    ],
)
def test_what_makes_a_repository_is_protected(path: str) -> None:
    assert POLICY.decide(action="write", resource=path, workspace="/work", home="/h", lexical=True).effect == "deny"
    assert lexical(f"cp a {path}") == "deny"


@pytest.mark.parametrize(
    ("script", "effect"),
    [
        ("git init --bare out", "deny"),
        ("git init out", "allow"),
        ("git init --bare", "deny"),
        ("cp a out/config", "allow"),
    ],
)
def test_a_bare_repository_is_not_made(script: str, effect: str) -> None:
    assert lexical(script) == effect


def test_commits_bring_their_files(tmp_path: Path) -> None:
    top = repository(tmp_path / "w", "src/a", ".claude/settings.json", ".npmrc", ".github/w.yml", "test/k.pem")
    daily = ("git switch main", "git stash", "git rebase main", "git reset --hard")
    for script in daily:
        assert on_disk(top, script) == "allow", script
    (top / "docs" / "deep").mkdir(parents=True)
    (top / "docs" / "deep" / "a.md").write_text("")
    for script in (*daily, "cd src && git reset --hard", "git restore .", "git stash -u"):
        assert on_disk(top, script) == "deny", script
    assert on_disk(top, "git checkout HEAD~1 -- docs") == "deny"
    for script in ("git restore src/a", "git checkout -- src", "git checkout HEAD -- test/k.pem", "git checkout -b x"):
        assert on_disk(top, script) == ("deny" if "pem" in script else "allow"), script
    assert on_disk(top, "git checkout main -- .claude/settings.json") == "deny"


def test_a_folder_is_what_lies_in_it(tmp_path: Path) -> None:
    policy = Policy.loads(
        'policy "p"\nallow read "./"\nallow write "src/**", "a.c"\ndeny write "src/old/**"\nallow run "git **"'
    )
    top = repository(tmp_path / "w", "src/a", "docs/a", "a.c", "b.c")

    def effect(script: str) -> str:
        return policy.decide(action="run", resource=script, workspace=str(top), home="/h").effect

    assert [effect(f"git restore {n}") for n in ("src", "src/a", "a.c", "docs", "b.c", ".")] == [
        "allow", "allow", "allow", "deny", "deny", "deny",
    ]  # fmt: skip
    assert effect("git checkout HEAD~1 -- src/old") == "deny"


def test_cleaning_leaves_what_git_tracks_or_ignores(tmp_path: Path) -> None:
    top = repository(tmp_path / "w", "src/a", ".env.d/.env", ".gitignore")
    (top / ".gitignore").write_text("*.log\n.env\n!.env.example\n")
    (top / "x.log").write_text("")
    assert on_disk(top, "git clean -fd") == "allow"
    (top / ".env").write_text("")
    assert on_disk(top, "git clean -fd") == "allow"
    assert on_disk(top, "git clean -fdx") == "deny"
    assert on_disk(top, "git clean -nfdx") == "allow"
    (top / "docs").mkdir()
    (top / "docs" / "new").write_text("")
    assert on_disk(top, "git clean -fd") == "deny"
    assert on_disk(top, "git clean -fd src") == "allow"


def test_adding_takes_along_what_is_new(tmp_path: Path) -> None:
    top = repository(tmp_path / "w", "src/a", ".npmrc")
    for script in ("git add -A", "git add .", "git add src", "git add -u"):
        assert on_disk(top, script) == "allow", script
    (top / "src" / ".env").write_text("")
    for script in ("git add -A", "git add .", "git add src", "git add -A && git commit -m x"):
        assert on_disk(top, script) == "deny", script
    assert on_disk(top, "git add -u") == "allow"
    (top / ".gitignore").write_text(".env*\n!.env.example\n")
    assert on_disk(top, "git add -A") == "allow"
    assert on_disk(top, "git add -f src") == "deny"


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_the_index_names_what_is_tracked(tmp_path: Path, version: str) -> None:
    files = [f"{'d' * i}/{'n' * j}" for i in (1, 2, 9) for j in range(1, 12)]
    top = repository(tmp_path / "w", *files)
    git(top, "update-index", f"--index-version={version}")
    if version == "3":
        git(top, "add", "-A")
        (top / "new").write_text("")
        git(top, "add", "-N", "new")  # an extended flag, which version 2 does not have
        files = [*files, "new"]
    assert tracked(str(top / "d")) == {str(top / name) for name in files}


def test_a_long_name_and_a_linked_working_tree(tmp_path: Path) -> None:
    long = "/".join(["x" * 200] * 21)  # longer than the length that an entry can say
    top = repository(tmp_path / "w", "a")
    git(top, "update-index", "--add", "--cacheinfo", f"100644,{'1' * 40},{long}")
    assert tracked(str(top)) == {str(top / "a"), f"{top}/{long}"}
    git(top, "worktree", "add", "-q", str(tmp_path / "linked"))
    assert tracked(str(tmp_path / "linked")) == {str(tmp_path / "linked" / "a")}


def test_an_index_that_is_not_one_tracks_nothing(tmp_path: Path) -> None:
    top = repository(tmp_path / "w", "a", "b")
    index = top / ".git" / "index"
    data = index.read_bytes()
    for broken in (
        b"",
        b"DIRC",
        b"X" + data[1:],
        data[:80],
        data[:8] + b"\xff" * 4 + data[12:],
        data[:7] + b"\x09" + data[8:],
    ):
        index.write_bytes(broken)
        assert tracked(str(top)) == frozenset()
    assert tracked(str(tmp_path)) == frozenset()


def test_the_index_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = repository(tmp_path / "w", "a")
    size = (top / ".git" / "index").stat().st_size
    assert limit("git_index_bytes") == git_index.MOST_BYTES
    monkeypatch.setattr(git_index, "MOST_BYTES", size)
    assert tracked(str(top))
    monkeypatch.setattr(git_index, "MOST_BYTES", size - 1)
    assert not tracked(str(top))


def test_a_link_to_the_repository_is_bounded(tmp_path: Path) -> None:
    most = limit("git_link_bytes")
    for size, found in ((most, True), (most + 1, False)):
        (tmp_path / ".git").write_text("gitdir: " + "a" * (size - 9) + "\n")
        assert (git_folder(str(tmp_path)) is not None) is found
    (tmp_path / ".git").write_text("elsewhere")
    assert git_folder(str(tmp_path)) is None


def test_a_look_at_a_folder_reads_what_git_tracks_there(tmp_path: Path) -> None:
    work = repository(tmp_path / "work", "src/app.ts", "other/.env.shared")
    (work / "src" / ".env").write_text("x")
    (work / ".gitignore").write_text(".env\n")
    git(work, "init", "-q")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "all")

    ordinary = ("git diff -- src", "git grep x src", "git log -p -- src", "git archive HEAD src", "git add src")
    assert [on_disk(work, command, **STATE) for command in ordinary] == ["allow"] * len(ordinary)
    reaching = (
        "git grep x",
        "git grep x other",
        "git diff -- other",
        "git log -p -- src/.env",
        "git grep --untracked x",
        "git add -f src",
    )
    assert [on_disk(work, command, **STATE) for command in reaching] == ["deny"] * len(reaching)


@pytest.mark.parametrize(("script", "effect"), [("git push origin feat/x", "deny"), ("git push", "deny"), ("git push --no-follow-tags origin feat/x", "allow")])  # fmt: skip
def test_tags_go_along_where_they_are_set_to(script: str, effect: str) -> None:
    state = {"branch": "feat/x", "git": {"remotes": {"origin": ""}, "push_default": "follow-tags"}}
    assert lexical(script, **state) == effect
