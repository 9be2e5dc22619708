"""What the service's code promises of its own shape."""

from __future__ import annotations

import ast
import re
from http import HTTPStatus
from pathlib import Path

from policy_lang.domain.codes import PAGES

ROOT = Path(__file__).parents[2] / "policy_lang"
MODULES = sorted(ROOT.rglob("*.py"))
CODE = re.compile(r"PL[ERUI]\d{3}\Z")


def test_only_a_code_s_page_says_its_status_and_whether_it_is_recorded() -> None:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Dict, ast.Set, ast.Tuple, ast.List)):
                parts = [*node.keys, *node.values] if isinstance(node, ast.Dict) else node.elts
                codes = [p for p in parts if isinstance(p, ast.Constant) and CODE.match(str(p.value))]
                assert len(codes) < 2, f"{path}:{node.lineno} lists codes"


def test_a_status_is_one_of_http() -> None:
    assert {page.status for page in PAGES.values()} <= {int(s) for s in HTTPStatus}


def test_whoever_asks_for_what_is_not_theirs_is_recorded() -> None:
    forbidden = {code for code, page in PAGES.items() if page.status == 403}
    recorded = {code for code, page in PAGES.items() if page.recorded}
    assert forbidden - recorded == {"PLR215"}  # a web page: whoever is behind it has not asked
    assert recorded - forbidden == {"PLR234", "PLR238", "PLR242"}  # another's ticket, another policy's, another form
