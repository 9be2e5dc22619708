"""One knowledge: what the linter's rows say of a program, its profile says too.

A grant of a program with all its words, `allow run "PROGRAM **"`, permits no row: the profile gives the row an effect that
needs a grant of its own, or marks what must be named. Rows that it does permit stand in `permitted.toml` with the reason.
Programs without a profile are left out: nothing is known of their words.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from policy_lang import Policy
from policy_lang.compiler.profiles import builtin as profile_of
from policy_lang.lint.capabilities import Capability, builtin
from policy_lang.lint.commands import called, words_of
from policy_lang.shell.programs import program_name

from .support import context_of, found

GROUPS = tomli.loads((Path(__file__).parent / "permitted.toml").read_text())
LISTED = [row for group in GROUPS.values() for row in group["rows"]]
ROWS = [r for r in builtin().programs if r.kind != "env" and profile_of(program_name(r.argv[0]) or "") is not None]


def permitted(row: Capability) -> bool:
    """Whether the grant of the program alone permits the row's words."""
    policy = Policy.loads(f'policy "t"\nallow run "{row.argv[0]} **"\n')
    request = {"workspace": "/work", "home": "/home/agent", "lexical": True}
    return policy.decide(action="run", resource=list(words_of(row)), **request).effect == "allow"  # type: ignore[arg-type]


def test_no_row_is_permitted_without_a_reason() -> None:
    assert len(ROWS) >= 500
    assert [r.id for r in ROWS if r.id not in LISTED and permitted(r)] == []


def test_the_list_has_only_what_it_must() -> None:
    assert len(set(LISTED)) == len(LISTED)
    assert sorted(set(LISTED) - {r.id for r in ROWS}) == []
    assert [r.id for r in ROWS if r.id in LISTED and not permitted(r)] == []
    assert all(len(group["reason"]) > 20 for group in GROUPS.values())


@pytest.mark.parametrize(
    "program", ["ruby", "mvn", "jest", "ts-node", "nslookup", "traceroute", "journalctl", "launchctl", "brew", "dotnet", "poetry", "nano", "cypress", "flask"]
)  # fmt: skip
def test_a_witness_comes_from_the_program_that_is_named(program: str) -> None:
    text = f'allow run "{program} **"'
    steps = [step.witness for finding in found(text, persona="auditor") for step in finding.steps]
    shown = {w.resource[0] for w in steps if w.action == "run" and isinstance(w.resource, tuple)}
    assert shown <= {program}
    context = context_of(text)
    assert [r.id for r in builtin().programs if r.argv[0] != program and called(context, r.argv[0])] == []


@pytest.mark.parametrize(("program", "other"), [("nc", "ncat"), ("awk", "gawk"), ("sh", "bash"), ("docker", "podman")])
def test_what_another_program_adds_is_not_claimed(program: str, other: str) -> None:
    assert called(context_of(f'allow run "{program} **"'), other) == []


@pytest.mark.parametrize(
    ("program", "real"), [("nodejs", "node"), ("gmake", "make"), ("tofu", "terraform"), ("python", "python3")]
)
def test_another_name_of_a_program_is_that_program(program: str, real: str) -> None:
    assert called(context_of(f'allow run "{program} **"'), real) == [program]
