"""Every code has a page whose examples show what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policy_lang import Policy, PolicyError, RequestError
from policy_lang.domain.codes import PAGES
from policy_lang.wire.requests import parse_request

ROOT = Path(__file__).parents[2]
POLICY = Policy.loads("""policy "pages"
allow read, write, delete "/", "./"
allow run "**"
allow connect "**:*"
allow push, force-push "*:refs/**"
allow call, use "**"
""")


def test_every_code_in_the_source_has_a_page() -> None:
    used: set[str] = set()
    for path in (ROOT / "policy_lang").rglob("*.py"):
        if path.name != "codes.py":
            used.update(re.findall(r"\bPL[ERIU]\d{3}\b", path.read_text()))
    assert used == set(PAGES)


@pytest.mark.parametrize("code", [c for c, p in PAGES.items() if p.bad and c.startswith("PLE")])
def test_a_policy_example(code: str, tmp_path: Path) -> None:
    page = PAGES[code]
    path = tmp_path / "page.policy"
    path.write_text(page.bad)
    with pytest.raises(PolicyError) as error:
        Policy.load(str(path))
    assert [d.code for d in error.value.diagnostics] == [code]
    for diagnostic in error.value.diagnostics:
        assert diagnostic.message[0].islower() or diagnostic.message[0] == "`"
        assert not diagnostic.message.endswith(".")
    path.write_text(page.good)
    Policy.load(str(path))


@pytest.mark.parametrize("code", [c for c, p in PAGES.items() if p.bad and c.startswith("PLR")])
def test_a_request_example(code: str) -> None:
    page = PAGES[code]

    def answer(text: str) -> str:
        try:
            decision = POLICY.decide_request(parse_request(text.encode()))
        except RequestError as error:
            return error.code
        return decision.effect + " ".join(decision.reasons)

    assert code in answer(page.bad)
    assert answer(page.good).startswith("allow")
