"""What the service's code promises of its own shape."""

from __future__ import annotations

import ast
import re
from http import HTTPStatus
from pathlib import Path

from policy_lang.daemon.transport.connection import REASONS
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
    assert {page.status for page in PAGES.values()} <= set(REASONS)


def test_no_reply_has_a_status_of_its_own() -> None:
    """But for the line's names of them all, and a webhook's answer, which is somebody else's."""
    wrong = {int(s) for s in HTTPStatus if s >= 400}
    for path in MODULES:
        if "daemon" not in path.parts or path.name in {"connection.py", "notify.py"}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and type(node.value) is int:
                assert node.value not in wrong, f"{path}:{node.lineno}"


def test_whoever_asks_for_what_is_not_theirs_is_recorded() -> None:
    forbidden = {code for code, page in PAGES.items() if page.status == 403}
    recorded = {code for code, page in PAGES.items() if page.recorded}
    assert forbidden - recorded == {"PLR215"}  # a web page: whoever is behind it has not asked
    # another's ticket, another policy's, another form; an answer to what was not shown, and what people have said no to
    assert recorded - forbidden == {"PLR234", "PLR238", "PLR242", "PLR246", "PLR249"}


ROOMS = sorted([*(ROOT / "daemon").rglob("*.py"), *(ROOT / "approvals").rglob("*.py"), ROOT / "cli/serve.py"])


def test_no_class_is_a_house_of_its_own() -> None:
    for path in ROOMS:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                assert (node.end_lineno or 0) - node.lineno < 200, f"{path}:{node.lineno} {node.name}"


def functions_of(trees: list[ast.Module]) -> set[str]:
    """Names of methods, of functions, and of fields that hold a function."""
    found: set[str] = set()
    for tree in trees:
        aliases = {"Callable"}
        for node in tree.body:
            if isinstance(node, ast.Assign) and "Callable[" in ast.unparse(node.value):
                aliases |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                if not any(ast.unparse(d) == "property" for d in node.decorator_list):
                    found.add(node.name)
            elif isinstance(node, ast.AnnAssign) and any(
                re.search(rf"\b{a}\b", ast.unparse(node.annotation)) for a in aliases
            ):
                found.add(ast.unparse(node.target).removeprefix("self."))
    return found


def test_nobody_overwrites_another_object_s_functions() -> None:
    """What parts tell each other goes by signals that are handed in: nothing is put in from outside."""
    trees = {path: ast.parse(path.read_text()) for path in ROOMS}
    functions = functions_of(list(trees.values()))
    for path, tree in trees.items():
        for node in ast.walk(tree):
            targets = node.targets if isinstance(node, ast.Assign) else []
            for target in targets:
                if isinstance(target, ast.Attribute) and ast.unparse(target.value) != "self":
                    assert not isinstance(node.value, ast.Lambda), f"{path}:{node.lineno}"
                    assert target.attr not in functions, f"{path}:{node.lineno} {target.attr}"
