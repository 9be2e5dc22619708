"""The linter takes every policy that compiles: it finishes, and every request that it shows is answered as it says."""

from __future__ import annotations

import tempfile
from pathlib import Path

import tomli
from hypothesis import given, note, settings
from hypothesis import strategies as st

from policy_lang.domain.errors import PolicyError
from policy_lang.lint.fixing import fix
from policy_lang.lint.linter import Options, context_of, lint
from policy_lang.lint.registry import checks
from tests.lanes import share
from tests.lint.support import TODAY, found
from tests.lint.support import context_of as ground_of_text
from tests.reference import semantics as ref

from .strategies import files, policies

LOUD = tomli.loads((Path(__file__).parents[1] / "lint/loud.toml").read_text())
STATEMENTS = sorted(
    {
        line
        for one in LOUD.values()
        for line in one["policy"].replace(" allow ", "\nallow ").strip().split("\n")
        if line.startswith(("allow", "deny"))
    }
)
STATEMENTS += sorted(
    {line for c in checks().values() for line in f"{c.bad}\n{c.good}".split("\n") if line.startswith(("allow", "deny"))}
)
OPTIONS = Options(today=TODAY, persona="auditor")


@settings(max_examples=share(40, 1_000), deadline=None)
@given(policies())
def test_every_policy_can_be_linted(policy: ref.Policy) -> None:
    texts = files(policy)
    note(str(texts))
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            Path(folder, name).write_text(text)
        root = str(Path(folder, next(iter(texts))))
        try:
            context_of(root, OPTIONS)
        except PolicyError:
            return
        report = lint(root, OPTIONS)
    for finding in report.findings:
        assert finding.code in checks()
        assert 0 <= finding.span.start <= finding.span.end <= len(finding.span.source.text)


@settings(max_examples=share(40, 600), deadline=None)
@given(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=6, unique=True), st.booleans(), st.booleans())
def test_statements_together_can_be_linted_and_fixed(lines: list[str], baseline: bool, scoped: bool) -> None:
    """Whatever is granted beside what; a fix that is applied leaves fewer findings and never more."""
    body = "\n".join(lines)
    text = (
        'policy "x"\n'
        + ("import std.baseline\n" if baseline else "")
        + (f'agent "a" {{\n{body}\n}}\n' if scoped else body + "\n")
    )
    note(text)
    try:
        ground_of_text(text)
    except PolicyError:
        return
    before = found(text)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.policy")
        path.write_text(text)
        done = fix(str(path), Options(today=TODAY))
        for name, changed in done.texts.items():
            Path(name).write_text(changed)
        after = lint(str(path), Options(today=TODAY)).findings
    codes = {f.code for f in before}
    assert {f.code for f in after} <= codes
    assert len(after) <= len(before)
