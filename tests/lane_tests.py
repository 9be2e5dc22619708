"""The tests of a module that depend on the lane: by the names that they use, their fixtures' and helpers' included."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
LANES = ("lanes", "promises")
"""The modules that say how much is tried."""


@functools.cache
def depending(path: Path) -> frozenset[str]:
    """Names of a module's top level that hang on how much is tried."""
    body = ast.parse(path.read_text()).body
    uses = [(_defined(node), _used(node)) for node in body if not isinstance(node, (ast.Import, ast.ImportFrom))]
    found = {name for node in body for name in _imported(node, path)}
    while more := {name for defined, used in uses if used & found for name in defined} - found:
        found |= more
    return frozenset(found)


def _imported(node: ast.stmt, path: Path) -> Iterator[str]:
    """Names that an import brings from where the counts are said, or from a helper that asks there."""
    if isinstance(node, ast.ImportFrom):
        above = path.parents[node.level - 1] if node.level else TESTS.parent
        place = above.joinpath(*(node.module or "").split(".")) if node.module else above
        for alias in node.names:
            files = [place.with_suffix(".py"), place / f"{alias.name}.py"]
            if any(file.is_relative_to(TESTS) and file.is_file() and _asks(file) for file in files):
                yield alias.asname or alias.name
    elif isinstance(node, ast.Import):
        yield from (one.asname or one.name for one in node.names if one.name.rpartition(".")[2] in LANES)


@functools.cache
def _asks(file: Path) -> bool:
    """Whether a module says the counts, or asks one that does."""
    if file.parent == TESTS and file.stem in LANES:
        return True
    return any(
        (node.module or "").rpartition(".")[2] in LANES or bool({one.name for one in node.names} & set(LANES))
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ImportFrom)
    )


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}


def _used(node: ast.stmt) -> set[str]:
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    return names | {one.arg for one in ast.walk(node) if isinstance(one, ast.arg)}
