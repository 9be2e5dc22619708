"""Proposals beyond the first yes: narrowed, as a branch, in the console, over MCP; and policies within others."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from policy_lang.daemon.weighing.opened_files import opened
from policy_lang.daemon.weighing.policy_branch import PolicyBranch
from policy_lang.daemon.weighing.within import within
from policy_lang.domain.errors import RequestError
from policy_lang.domain.limits import limit
from policy_lang.domain.request import Request
from policy_lang.policy import Policy

OWN = """policy "own"
tier review { approvers "@team" }
agent "codex" {
    allow read "src/**"
    ask review write "src/**"
    allow run "git status"
}
agent "other" { allow run "**" }
"""


def git(folder: Path, *words: str) -> str:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(folder), *words], env=environment, capture_output=True, text=True, check=True)  # fmt: skip
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/p.policy").write_text("old\n")
    (tmp_path / "other").write_text("committed\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_a_branch_changes_the_file_and_nothing_else(repository: Path) -> None:
    hooks = repository / ".git/hooks"
    for name in ("post-commit", "reference-transaction", "pre-commit", "post-index-change"):
        (hooks / name).write_text("#!/bin/sh\ntouch ran\n")
        (hooks / name).chmod(0o755)
    git(repository, "config", "core.fsmonitor", "touch ran")
    git(repository, "config", "filter.x.clean", "touch ran")
    (repository / ".git/info/attributes").write_text("* filter=x\n")
    (repository / "other").write_text("being edited\n")
    index = (repository / ".git/index").read_bytes()
    to = PolicyBranch(str(repository), "mia", "mia@machine")
    commit = to.write(str(repository / "sub/p.policy"), "old\n", "new\n", "policy/proposal-0", "why\n")
    assert (repository / ".git/index").read_bytes() == index
    assert (repository / "other").read_text() == "being edited\n" and (
        repository / "sub/p.policy"
    ).read_text() == "old\n"
    assert not list(repository.rglob("ran"))
    assert git(repository, "-c", "core.fsmonitor=false", "diff", "--name-only", "main", commit) == "sub/p.policy\n"
    assert git(repository, "show", f"{commit}:sub/p.policy") == "new\n"
    assert git(repository, "log", "-1", "--format=%an %ae %s", commit) == "mia mia@machine why\n"
    assert (
        git(repository, "rev-parse", "main~0", "policy/proposal-0~1").split()[0]
        == git(repository, "rev-parse", f"{commit}~1").strip()
    )
    with pytest.raises(RequestError):  # the branch is there
        to.write(str(repository / "sub/p.policy"), "old\n", "newer\n", "policy/proposal-0", "why\n")


@pytest.mark.parametrize(
    "path, before", [("sub/p.policy", "another\n"), ("../p.policy", "old\n"), ("absent", "old\n"), ("sub", "old\n")]
)
def test_a_branch_is_made_of_what_is_in_force_alone(repository: Path, path: str, before: str) -> None:
    to = PolicyBranch(str(repository), "mia", "mia@machine")
    with pytest.raises(RequestError) as caught:
        to.write(str(repository / path), before, "new\n", "policy/proposal-1", "why\n")
    assert caught.value.code == "PLR251"
    assert "policy/proposal-1" not in git(repository, "branch")


@pytest.mark.parametrize(
    "text, answer",
    [
        ('policy "s" allow read "src/a"', "yes"),
        ('policy "s" allow run "git status"', "yes"),
        ('policy "s" agent "sub-*" { allow read "src/a/**" }', "yes"),
        ('policy "s" tier review { approvers "@team" } ask review write "src/a"', "yes"),
        ('policy "s" deny read "a"', "yes"),
        ('policy "s" allow read "**"', "no"),
        ('policy "s" allow run "git log"', "no"),  # another agent's
        ('policy "s" allow write "src/a"', "no"),  # without approval
        ('policy "s" tier review { approvers "@all" } ask review write "src/a"', "no"),
        ('policy "s" tier t { approvers "@x" } otherwise ask t', "no"),
        ('policy "s" agent "sub-*" { allow delete "src/a" }', "no"),
    ],
)
def test_a_policy_is_within_another(text: str, answer: str) -> None:
    found = within(Policy.loads(OWN), "codex", text)
    assert found["within"] == answer, found
    assert bool(found["rows"] or found["tiers"]) == (answer == "no")


@pytest.mark.parametrize(
    "text", ['import "x.policy"', 'within "/etc/passwd"', 'profile "x.toml"', "nonsense", "", "allow"]
)
def test_a_policy_that_names_files_is_not_compared(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        within(Policy.loads(OWN), "codex", text)
    assert caught.value.code == "PLR252"


def test_tracked_files_that_are_newly_opened_are_counted(repository: Path) -> None:
    old, new = (Policy.loads(f'policy "p" allow read "other" {more}') for more in ("", 'allow read, write "sub/**"'))
    call = Request("read", "x", agent="codex", workspace=str(repository))
    found = opened(old, new, call, {"read", "write", "run"})
    assert found["tracked"] == 2
    assert found["opened"] == {name: {"count": 1, "first": ["sub/p.policy"]} for name in ("read", "write")}
    assert opened(old, new, Request("read", "x"), {"read"}) == {}


def test_proposal_files(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`proposal_files` bounds what is looked at, and that is said."""
    monkeypatch.setattr("policy_lang.daemon.weighing.opened_files._MOST", 1)
    policy = Policy.loads('policy "p" allow read "sub/**"')
    found = opened(
        Policy.loads('policy "p" allow read "x"'), policy, Request("read", "x", workspace=str(repository)), {"read"}
    )
    assert (found["tracked"], found["looked_at"]) == (2, 1)
    assert limit("proposal_files") > 1
