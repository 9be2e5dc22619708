"""Code of the agent's own that runs behind walls alone: no error, and what the walls leave is said."""

from __future__ import annotations

import pytest

from policy_lang.lint.finding import Finding
from policy_lang.lint.registry import checks
from tests.lint.support import found

BASE = "import std.baseline\n"
REACH = BASE + 'allow read, write "./"\nallow connect "api.acme.example"\n'
ERRORS = {"CMD001", "CMD002", "CMD003", "CMD014", "CMD022", "ESC001", "ESC002", "ESC003", "ESC009", "ESC011", "SEM007"}


def codes(text: str) -> set[str]:
    """The codes that are about running code."""
    return {f.code for f in found(text) if f.code in ERRORS | {"ESC014"}}


def the_info(text: str) -> Finding:
    """The only finding about code behind walls."""
    (one,) = [f for f in found(text) if f.code == "ESC014"]
    return one


ONLY_INFO = {
    "an interpreter": 'when confined { allow run "python3 **" }',
    "as a clause": 'allow run "python3 **" when confined',
    "code in its words": 'when confined { allow run "node -e *" }',
    "any command": 'when confined { allow run "**" }',
    "a wrapper": 'when confined { allow run "ifne **" }',
    "a package runner": 'when confined { allow run "npx **" }',
    "what it wrote as a script": 'when confined { allow run "./tools/*" }',
    "what it wrote for a task runner": 'when confined { allow run "make test" }',
    "what it wrote as a package script": 'when confined { allow run "npm test" }',
    "for one agent": 'agent "codex" { when confined { allow run "python3 **" } }',
    "with another condition": 'when confined and branch == "x" { allow run "python3 **" }',
    "in two scopes": 'when confined { when branch == "x" { allow run "python3 **" } }',
    "twice no": 'when not not confined { allow run "python3 **" }',
}

STAYS = {
    "no condition": ('allow run "python3 **"', "CMD001"),
    "or another": ('when confined or agent == "x" { allow run "python3 **" }', "CMD001"),
    "outside alone": ('when not confined { allow run "python3 **" }', "CMD001"),
    "a tautology": ('when confined or not confined { allow run "python3 **" }', "CMD001"),
    "granted twice": ('when confined { allow run "python3 **" }\nallow run "python3 -c *"', "CMD001"),
    "held inside instead": ('allow run "python3 **"\ndeny run "python3 **" when confined', "CMD001"),
    "package script": ('allow run "npm test"\nwhen confined { allow run "make test" }', "ESC001"),
    "a script": ('allow run "./tools/*"', "ESC002"),
}

NOTHING = {
    "no host": BASE + 'allow read, write "./"\nwhen confined { allow run "python3 **" }',
    "hosts to look at": BASE
    + 'allow read "./"\nallow connect GET, HEAD "a.example"\nwhen confined { allow run "python3 **" }',
    "the machine's own servers": (
        "import std.baseline without loopback\n"
        'allow read "./"\nallow connect "localhost:3000", "127.0.0.1:8080"\nwhen confined { allow run "python3 **" }'
    ),
    "its temporary folder": BASE + 'allow read, write "./", "${tmp}/x/**"\nwhen confined { allow run "python3 **" }',
    "a harmless command": REACH + 'when confined { allow run "git status" }',
    "asked for": REACH + 'tier review { approvers "@t" }\nwhen confined { ask review run "python3 **" }',
    "the host held inside": REACH + 'deny connect "**:*" when confined\nwhen confined { allow run "python3 **" }',
    "reading elsewhere without a way out": (
        BASE + 'allow read "./", "/srv/data/**"\nwhen confined { allow run "python3 **" }'
    ),
}


@pytest.mark.parametrize("text", ONLY_INFO.values(), ids=ONLY_INFO)
def test_what_runs_behind_walls_alone_is_no_error(text: str) -> None:
    assert codes(REACH + text) == {"ESC014"}
    finding = the_info(REACH + text)
    assert (finding.severity, "`api.acme.example`" in finding.message) == ("info", True)
    assert all(step.witness.given["confined"] is True for step in finding.steps)
    assert [step.effect for step in finding.steps] == ["allow"] * len(finding.steps)


@pytest.mark.parametrize(("text", "code"), STAYS.values(), ids=STAYS)
def test_what_runs_outside_too_stays_a_finding(text: str, code: str) -> None:
    findings = [f for f in found(REACH + text) if f.code == code]
    assert findings
    assert all("confined" not in step.witness.given for f in findings for step in f.steps)


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING)
def test_nothing_is_said_where_the_walls_leave_nothing(text: str) -> None:
    assert codes(text) == set()


def test_a_grant_outside_takes_the_place_of_the_info() -> None:
    assert "ESC014" not in codes(REACH + 'allow run "python3 **"')
    assert "ESC014" not in codes(REACH + 'when confined or not confined { allow run "python3 **" }')


def test_what_the_walls_leave_is_listed_by_the_rules_that_grant_it() -> None:
    more = 'allow read "/srv/data/**"\nallow write "~/reports/**"\nwhen confined { allow run "python3 **" }'
    finding = the_info(REACH + more)
    assert "send to `api.acme.example`; write `~/reports/**`; read `/srv/data/**`" in finding.message
    assert {step.witness.action for step in finding.steps} == {"run", "connect", "write", "read"}


def test_a_host_that_is_granted_inside_alone_counts() -> None:
    text = BASE + 'allow read "./"\nwhen confined { allow run "python3 **"  allow connect "api.acme.example" }'
    assert "`api.acme.example`" in the_info(text).message


def test_each_rule_that_runs_code_is_named_once() -> None:
    text = REACH + 'when confined { allow run "python3 **", "node **"\nallow run "npm test" }'
    assert len([f for f in found(text) if f.code == "ESC014"]) == 2


def test_the_remedy_of_an_error_names_the_walls() -> None:
    for code in ("CMD001", "CMD003", "ESC001", "ESC002", "ESC009"):
        assert "when confined" in checks()[code].remediation
        assert "policy run" in checks()[code].remediation
