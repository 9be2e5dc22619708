"""Policies that are sensible stay quiet; policies that grant too much are found, by the rules that should."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from policy_lang.lint.linter import Options, context_of, lint
from tests.lint.support import TODAY, found

ROOT = Path(__file__).parents[2]
QUIET = sorted(Path(__file__).parent.joinpath("quiet").glob("*.policy"))
LIBRARY = sorted(ROOT.glob("stdlib_policies/std/*.policy"))
EXAMPLES = sorted(ROOT.glob("docs/examples/*/*.policy"))
LOUD = tomli.loads(Path(__file__).with_name("loud.toml").read_text())


@pytest.mark.parametrize("path", [*QUIET, *LIBRARY, *EXAMPLES], ids=lambda p: p.stem)
def test_sensible_policies_are_quiet(path: Path) -> None:
    ceilings = ("org.policy",) if path in EXAMPLES else ()
    report = lint(str(path), Options(today=TODAY, ceilings=ceilings))
    assert [f"{f.code} {f.message}" for f in report.findings if f.severity != "info"] == []


def test_there_are_enough_of_them() -> None:
    assert len(QUIET) >= 30
    for path in QUIET:
        assert any(r.grants for layer in context_of(str(path), Options()).policy.layers for r in layer.rules)


@pytest.mark.parametrize("name", LOUD)
def test_what_grants_too_much_is_found(name: str) -> None:
    findings = found(LOUD[name]["policy"])
    missed = set(LOUD[name]["codes"]) - {f.code for f in findings}
    assert not missed, sorted({f.code for f in findings})
    assert LOUD[name]["codes"]
