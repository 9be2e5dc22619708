"""Every rule: its page, its examples that fire, stay quiet and nearly fire, and its fixes."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang.domain.errors import PolicyError
from policy_lang.lint.check import Check
from policy_lang.lint.finding import PERSONAS, SEVERITIES, Finding
from policy_lang.lint.fixing import fix
from policy_lang.lint.linter import Options
from policy_lang.lint.registry import checks
from tests.lint.support import TODAY, context_of, found, with_header

CHECKS = list(checks().values())
FIRING = [c for c in CHECKS if c.function is not None and c.bad and c.code != "SEM009" and c.evidence != "observed"]
IMPOSSIBLE = [c for c in CHECKS if c.function is None]
FIRST_WAVE = [
    "PTH001",
    "PTH002",
    "PTH003",
    "PTH004",
    "PTH006",
    "CMD001",
    "CMD002",
    "CMD003",
    "CMD004",
    "CMD008",
    "CMD018",
    "NET002",
    "NET003",
    "NET004",
    "GIT001",
    "GIT003",
    "APR001",
    "ESC001",
    "ESC004",
    "ESC005",
    "ESC009",
    "SEM001",
    "SEM004",
    "SEM008",
    "SEM009",
    "NET001",
    "SEM010",
    "CMD005",
    "CMD006",
    "CMD016",
    "CMD025",
    "PTH005",
    "PTH007",
    "PTH008",
    "PTH009",
    "PTH011",
    "PTH012",
    "PTH013",
    "PTH014",
    "PTH015",
    "PTH017",
    "NET005",
    "NET006",
    "NET007",
    "NET010",
    "NET011",
    "NET013",
    "NET014",
    "GIT002",
    "GIT004",
    "GIT006",
    "GIT007",
    "APR002",
    "APR003",
    "APR004",
    "APR005",
    "APR007",
    "AGT001",
    "AGT004",
    "AGT005",
    "ESC002",
    "ESC003",
    "ESC006",
    "ESC010",
    "ESC011",
    "ESC012",
    "ESC013",
    "SEM002",
    "SEM003",
    "SEM005",
    "SEM006",
    "SEM007",
    "SEM013",
    "SEM014",
    "SEM015",
    "SUP001",
    "SUP002",
    "SUP003",
    "SUP004",
    "SUP005",
    "SUP006",
    "SUP007",
    "PRM001",
    "PRM002",
    "PRM003",
    "DOC003",
    "USE001",
    "USE002",
    "USE003",
    "USE004",
    "APR008",
    "USE005",
    "USE006",
]


def of(check: Check, text: str) -> list[Finding]:
    """The findings of one rule; those about suppressions need the others to have run."""
    select = () if check.code.startswith("SUP") else (check.code,)
    return [f for f in found(text, select=select, persona="auditor") if f.code == check.code]


def shown(finding: Finding) -> str:
    """Everything that a report says of a finding."""
    return " ".join([finding.message, *(str(s.witness.resource) for s in finding.steps)])


def test_the_first_wave_is_there() -> None:
    assert set(FIRST_WAVE) <= set(checks())


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_each_rule_is_one_file_with_a_whole_page(check: Check) -> None:
    folder = Path(__file__).parents[2] / "policy_lang/lint/rules"
    assert (folder / f"{check.code.lower()}_{check.name.replace('-', '_')}.py").is_file()
    assert check.severity in SEVERITIES
    assert check.evidence in {"proved", "fact", "heuristic", "observed"}
    assert check.persona in PERSONAS
    assert (check.evidence == "heuristic") <= (check.persona != "regular"), "what is not exact is not on by default"
    for text in (check.finds, check.why, check.remediation):
        assert text.endswith((".", "`.")), text
    assert check.good
    page = check.page()
    assert check.code in page
    assert check.finds in page


@pytest.mark.parametrize("check", FIRING, ids=lambda c: c.code)
def test_the_bad_example_fires_and_shows_it(check: Check) -> None:
    findings = of(check, check.bad)
    assert findings
    assert any(check.shows in shown(f) for f in findings), [shown(f) for f in findings]


@pytest.mark.parametrize("check", FIRING, ids=lambda c: c.code)
def test_the_good_example_and_the_near_misses_are_quiet(check: Check) -> None:
    assert check.near, "a rule shows what it does not mean"
    for text in (check.good, *check.near):
        assert not of(check, text), text


@pytest.mark.parametrize("check", FIRING, ids=lambda c: c.code)
def test_what_a_finding_shows_is_what_the_policy_answers(check: Check) -> None:
    context = context_of(check.bad)
    for finding in of(check, check.bad):
        for step in finding.steps:
            assert context.engine.decide(step.witness.request(context.policy)).effect == step.effect
        if finding.evidence == "fact" and not finding.code.startswith("ESC"):
            assert finding.rows


@pytest.mark.parametrize("check", IMPOSSIBLE, ids=lambda c: c.code)
def test_what_the_language_makes_impossible(check: Check) -> None:
    """The bad example does not compile, or the request that it is about is denied."""
    if check.shows.startswith("PLE"):
        with pytest.raises(PolicyError) as caught:
            context_of(check.bad)
        assert any(d.code.startswith(check.shows) for d in caught.value.diagnostics)
    else:
        _, _, asked = check.shows.partition("deny: ")
        action, _, resource = asked.partition(" ")
        context = context_of(check.bad)
        from policy_lang import Request

        request = Request(action, resource, workspace="/workspace", home="/home/agent", lexical=True)
        assert context.engine.decide(request).effect == "deny"
    context_of(check.good)


FIXED = [c for c in FIRING if any(f.fixes for f in of(c, c.bad))]


@pytest.mark.parametrize("check", FIXED, ids=lambda c: c.code)
def test_a_fix_removes_its_finding_and_adds_none(check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is called safe is proved to narrow before it is applied; comments stay."""
    monkeypatch.chdir(tmp_path)
    comment = "# kept as it is\n"
    path = tmp_path / "example.policy"
    path.write_text(with_header(check.bad) + "\n" + comment)
    persona = check.persona
    options = Options(today=TODAY, persona=persona)
    before = [f for f in of(check, path.read_text()) if f.fixes]
    assert before
    done = fix("example.policy", options)
    if check.code not in {f.code for f in done.fixed}:  # the safe one would leave a rule that does nothing
        done = fix("example.policy", options, unsafe=True)
    fixed = {f.code for f in done.fixed}
    assert check.code in fixed, done.refused
    text = done.texts["example.policy"]
    assert comment in text
    after = found(text, persona=persona)
    known = {f.code for f in found(path.read_text(), persona=persona)}
    assert {f.code for f in after if f.severity != "info"} <= known


def test_most_rules_that_can_be_fixed_are() -> None:
    assert len(FIXED) >= 25


@pytest.mark.parametrize(
    ("pattern", "name"), [("acme.*", "acme"), ("*.acme.*:*", "x.acme"), ("acme.c*", "acme"), ("{a.example,b.*}", "b")]
)
def test_a_star_at_the_top_of_a_name_is_found(pattern: str, name: str) -> None:
    told = [f for f in found(f'allow connect "{pattern}"\n') if f.code == "NET002"]
    assert [f"`{name}` under another top-level domain" in f.message for f in told] == [True]


@pytest.mark.parametrize("pattern", ["acme.q*q", "**", "a*.acme.example"])
def test_what_nobody_may_register_is_no_finding(pattern: str) -> None:
    assert all(f.code != "NET002" for f in found(f'allow connect "{pattern}"\n'))
