"""Paths in one spelling, as written and as resolved on a real file system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from policy_lang import Decision, Policy, RequestError
from policy_lang.facts.paths import Roots, path_forms

KNOWN = Roots(cwd="/repo/sub", workspace="/repo", home="/home/me", tmp="/tmp/agent", lexical=True)


def written(text: str, roots: Roots = KNOWN) -> set[str]:
    names = path_forms(text, roots)[0].definite
    return {{"\0/": "/", "\0W": "W:", "\0~": "~:", "\0T": "T:"}[n[0]] + "/".join(n[1:]) for n in names}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a.ts", {"/repo/sub/a.ts", "W:sub/a.ts"}),
        ("./a.ts", {"/repo/sub/a.ts", "W:sub/a.ts"}),
        ("../a.ts", {"/repo/a.ts", "W:a.ts"}),
        ("..", {"/repo", "W:"}),
        ("../..", {"/"}),
        ("../../../../etc/passwd", {"/etc/passwd"}),
        ("/repo//sub/./x/../a.ts", {"/repo/sub/a.ts", "W:sub/a.ts"}),
        ("/repo/sub/", {"/repo/sub", "W:sub"}),
        ("//etc/passwd", {"/etc/passwd"}),
        ("/repository/x", {"/repository/x"}),
        ("~/x", {"/home/me/x", "~:x"}),
        ("~", {"/home/me", "~:"}),
        ("/home/me/x", {"/home/me/x", "~:x"}),
        ("${tmp}/x", {"/tmp/agent/x", "T:x"}),
        ("routes/$id.tsx", {"/repo/sub/routes/$id.tsx", "W:sub/routes/$id.tsx"}),
        ("/proc/self/root/etc/shadow", {"/etc/shadow"}),
        ("/proc/thread-self/root/../etc/shadow", {"/etc/shadow"}),
        ("/proc/self/task/7/root/etc/shadow", {"/etc/shadow"}),
        ("/proc/self/root/proc/self/root/etc/shadow", {"/etc/shadow"}),
        ("/proc/self/cwd/x", {"/repo/sub/x", "W:sub/x"}),
        ("/proc/self/environ", {"/proc/self/environ"}),
        ("cafe\u0301", {"/repo/sub/caf\u00e9", "W:sub/caf\u00e9"}),
        ("a b", {"/repo/sub/a b", "W:sub/a b"}),
    ],
)
def test_spellings_of_one_path(text: str, names: set[str]) -> None:
    assert written(text) == names


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "PLR002"), ("a\0b", "PLR005"), ("a\nb", "PLR005"), ("a\x7fb", "PLR005"), ("a\x80b", "PLR005"), ("a\x9fb", "PLR005"), ("a\x1fb", "PLR005"), ("a\u2028b", "PLR005"),
        ("a\\b", "PLR011"), ("..\\..\\etc", "PLR011"), ("~root/x", "PLR012"), ("~root", "PLR012"),
        ("\udcff", "PLR003"), ("a" * 256, "PLR004"), ("a/" * 257, "PLR004"), ("x/" * 2049, "PLR004"),
        ("/proc/self/fd/3", "PLR016"), ("/proc/123/fd/3", "PLR016"), ("/proc/self/exe", "PLR016"),
        ("/dev/fd/0", "PLR016"), ("/proc/1/root/etc/shadow", "PLR016"), ("/proc/1/cwd/x", "PLR016"), ("/dev/stdin", "PLR016"), ("/x/../dev/fd/1", "PLR016"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused(text: str, code: str) -> None:
    with pytest.raises(RequestError) as error:
        path_forms(text, KNOWN)
    assert error.value.code == code


def test_the_limits_are_met_exactly() -> None:
    assert path_forms("a" * 255, KNOWN)
    assert path_forms("/" + "/".join(["a"] * 256), KNOWN)
    with pytest.raises(RequestError):
        path_forms("/" + "/".join(["a"] * 257), KNOWN)
    assert path_forms("/" + "/".join(["abcdefghijklmno"] * 255) + "/" + "x" * 15, KNOWN)  # 4,096 bytes
    with pytest.raises(RequestError):
        path_forms("/" + "/".join(["abcdefghijklmno"] * 255) + "/" + "x" * 16, KNOWN)


def test_above_an_unnamed_workspace_is_refused() -> None:
    for text in ("../x", "a/../../x", "..", "~/../x", "~/a/../../x"):
        with pytest.raises(RequestError) as error:
            path_forms(text)
        assert error.value.code == "PLR014"
    assert path_forms("a/../x")[0].definite == (("\0W", "x"),)


@pytest.mark.parametrize("bad", ["repo", "./repo", "~/repo", ""])
def test_folders_must_be_absolute(bad: str) -> None:
    with pytest.raises(RequestError):
        path_forms("x", Roots(workspace=bad, lexical=True))


def test_an_unknown_root_counts_against_the_agent() -> None:
    policy = Policy.loads('policy "x"\nallow read "/data/**"\ndeny read "**/.env", "~/.ssh/**"')
    for path in ("/data/.env", "/data/home/me/.ssh/key"):
        assert policy.decide(action="read", resource=path).effect == "deny"
        assert policy.decide(action="read", resource=path, workspace="/repo", home="/home/me").effect == "allow"
    assert policy.decide(action="read", resource="/data/x").effect == "allow"
    tilde = Policy.loads('policy "x"\nallow read "~/**"\ndeny read "**/.env"')
    assert tilde.decide(action="read", resource="~/repo/.env").effect == "deny"
    assert tilde.decide(action="read", resource="~/repo/.env", workspace="/w", home="/h").effect == "allow"
    grants = Policy.loads('policy "x"\nallow read "src/**"')
    assert grants.decide(action="read", resource="/repo/src/a").effect == "deny"
    assert grants.decide(action="read", resource="/repo/src/a", workspace="/repo").effect == "allow"


# the real file system

GRANT = Policy.loads('policy "x"\nallow read, write, delete "src/**", "link/**", "new/**"\ndeny read "secret/**"')


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    for folder in ("src/inner", "secret", "outside"):
        (root / folder).mkdir(parents=True)
    (root / "src/a.ts").write_text("x")
    (tmp_path / "elsewhere").mkdir()
    return root


def effect(repo: Path, path: str, action: str = "read", **more: object) -> str:
    return GRANT.decide(action=action, resource=path, workspace=str(repo), home="/home/me", **more).effect  # type: ignore[arg-type]


def test_plain_files_inside_are_granted(repo: Path) -> None:
    assert effect(repo, "src/a.ts") == "allow"
    assert effect(repo, str(repo / "src/a.ts")) == "allow"
    assert effect(repo, "src/not-yet/there.ts", "write") == "allow"


def test_a_link_out_of_the_grant_is_not_followed(repo: Path) -> None:
    (repo / "src/out").symlink_to("/etc/passwd")
    (repo / "src/dir").symlink_to(repo.parent / "elsewhere")
    (repo / "src/to-secret").symlink_to("../secret")
    (repo / "link").symlink_to("outside")
    for path in ("src/out", "src/dir/x", "src/dir/new/x", "src/to-secret/key", "link/x", "src/dir"):
        assert effect(repo, path) == "deny", path
        assert effect(repo, path, "write") == "deny", path


def test_dots_after_a_link_mean_the_targets_parent(repo: Path) -> None:
    (repo / "src/dir").symlink_to(repo.parent / "elsewhere" / "deep")
    (repo.parent / "elsewhere/deep").mkdir()
    # as written this is src/a.ts, as resolved it is elsewhere/a.ts
    assert effect(repo, "src/dir/../a.ts") == "deny"


def test_a_link_is_found_under_the_form_of_its_name_on_the_disk(repo: Path) -> None:
    decomposed = "cafe\u0301"
    (repo / "src" / decomposed).symlink_to("/etc")
    assert effect(repo, f"src/{decomposed}/passwd") == "deny"
    if not (repo / "src" / "caf\u00e9").exists():
        assert effect(repo, "src/caf\u00e9/passwd", "write") == "allow"


def test_a_link_inside_the_grant_is_fine(repo: Path) -> None:
    (repo / "src/alias").symlink_to("inner")
    (repo / "src/chain").symlink_to("alias")
    assert effect(repo, "src/alias/x") == "allow"
    assert effect(repo, "src/chain/x") == "allow"


def test_a_dangling_link_is_its_target(repo: Path) -> None:
    (repo / "src/dangling").symlink_to("/nowhere/at/all")
    assert effect(repo, "src/dangling", "write") == "deny"
    (repo / "src/future").symlink_to("inner/not-yet")
    assert effect(repo, "src/future", "write") == "allow"


def test_loops_and_long_chains_are_refused(repo: Path) -> None:
    (repo / "src/x").symlink_to("y")
    (repo / "src/y").symlink_to("x")
    (repo / "src/self").symlink_to("self")
    for path in ("src/x", "src/self/a"):
        decision = GRANT.decide(action="read", resource=path, workspace=str(repo))
        assert decision.effect == "deny"
        assert "PLR015" in decision.reasons[0]
    for number in range(41):
        target = f"n{number + 1}" if number < 40 else "inner"
        (repo / f"src/n{number}").symlink_to(target)
    assert effect(repo, "src/n1/a") == "allow"  # 40 links
    assert effect(repo, "src/n0/a") == "deny"  # 41


def test_a_link_through_proc_is_its_target(repo: Path) -> None:
    (repo / "src/magic").symlink_to("/proc/self/root")
    (repo / "src/cwd").symlink_to("/proc/self/cwd")
    assert effect(repo, "src/magic/etc/passwd") == "deny"
    assert effect(repo, "src/cwd/x", cwd=str(repo / "src")) == "allow"
    assert effect(repo, "src/cwd/x", cwd=str(repo / "outside")) == "deny"


def test_a_workspace_that_is_itself_reached_through_a_link(repo: Path) -> None:
    alias = repo.parent / "alias"
    alias.symlink_to(repo)
    assert effect(alias, "src/a.ts") == "allow"
    assert effect(alias, str(repo / "src/a.ts")) == "deny"  # as written it is outside
    assert effect(alias, "secret/x") == "deny"


def test_lexical_leaves_the_disk_alone(repo: Path) -> None:
    (repo / "src/out").symlink_to("/etc/passwd")
    assert effect(repo, "src/out", lexical=True) == "allow"


def test_a_folder_that_cannot_be_looked_into_is_refused(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.lstat

    def lstat(path: str) -> os.stat_result:
        if str(path).endswith("/inner"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "lstat", lstat)
    decision = GRANT.decide(action="read", resource="src/inner/a", workspace=str(repo))
    assert decision.effect == "deny"
    assert "PLR017" in decision.reasons[0]


def test_the_policys_own_files_are_protected(tmp_path: Path) -> None:
    folder = tmp_path / "repo" / "policies"
    folder.mkdir(parents=True)
    (folder / "web.policy").write_text('policy "w"\nimport "more.policy"\nallow write, delete "./"')
    (folder / "more.policy").write_text('policy "m"\nallow read "./"')
    policy = Policy.load(str(folder / "web.policy"))
    where = {"workspace": str(tmp_path / "repo")}
    for path in ("policies/web.policy", "policies/more.policy", "policies", "./policies/../policies/web.policy"):
        assert policy.decide(action="write", resource=path, **where).effect == "deny"
        assert policy.decide(action="delete", resource=path, **where).effect == "deny"
    # the agent's own checkout of the same repository, wherever it is
    assert policy.decide(action="write", resource="policies/web.policy").effect == "deny"
    assert policy.decide(action="write", resource="policies/other.policy", **where).effect == "allow"
    assert policy.decide(action="read", resource="policies/web.policy", **where).effect == "allow"


def test_a_policy_that_is_reached_through_a_link_is_protected_under_both_names(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/base.policy").write_text('policy "x"\nallow write "/"')
    (tmp_path / "link.policy").symlink_to("real/base.policy")
    policy = Policy.load(str(tmp_path / "link.policy"))
    for name in ("link.policy", "real/base.policy", "real"):
        assert policy.decide(action="write", resource=str(tmp_path / name), lexical=True).effect == "deny"


def test_a_folder_of_the_home_is_looked_into(tmp_path: Path) -> None:
    home, workspace = tmp_path / "home", tmp_path / "repo"
    (home / "notes").mkdir(parents=True)
    (home / "notes" / "a.md").write_text("x")
    workspace.mkdir()
    policy = Policy.loads('policy "p"\nallow run "grep **"\nallow read "~", "~/notes", "~/notes/*.md"\n')

    def decided(command: str) -> Decision:
        return policy.decide(action="run", resource=command, workspace=str(workspace), home=str(home))

    for command in ("grep -r x ~/notes", "grep -r x ~"):
        assert decided(command).effect == "allow", command
    (home / "notes" / "b.txt").write_text("x")
    for command in ("grep -r x ~/notes", "grep -r x ~"):
        found = decided(command)
        assert found.effect == "deny", command
        assert any("notes/b.txt" in reason for reason in found.reasons), found.reasons
