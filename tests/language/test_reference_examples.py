"""Every example in the documentation compiles and passes its tests, or fails with the code it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policy_lang import Policy, PolicyError
from policy_lang.domain.errors import Source
from policy_lang.syntax.format import format_file
from policy_lang.syntax.parse import parse
from policy_lang.testing import run_tests

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```policy(?: error=(PLE\d+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [*sorted(DOCS.rglob("*.md")), DOCS.parent / "README.md"]
EXAMPLES = [
    pytest.param(m[2], m[1], id=f"{page.name}:{page.read_text().count(chr(10), 0, m.start()) + 1}")
    for page in PAGES
    for m in BLOCK.finditer(page.read_text())
]


def test_the_reference_has_examples() -> None:
    assert len(EXAMPLES) >= 20


@pytest.mark.parametrize(("text", "error"), EXAMPLES)
def test_example(text: str, error: str | None, tmp_path: Path) -> None:
    path = tmp_path / "example.policy"
    path.write_text(text)
    if error:
        with pytest.raises(PolicyError) as raised:
            Policy.load(str(path))
        assert [d.code for d in raised.value.diagnostics] == [error]
        return
    report = run_tests(Policy.load_for_testing(str(path)))
    assert [f"{r.case.action} {r.case.resource}: {r.got} {r.decision.reasons}" for r in report.failures] == []
    formatted = format_file(parse(Source("x", text)))
    assert not parse(Source("x", formatted)).diagnostics
