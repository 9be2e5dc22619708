"""Trusted folders: programs there are what they are called, as long as no rule lets anybody change them."""

from __future__ import annotations

import posixpath

from ..domain.actions import DENY
from ..domain.errors import RequestError
from ..domain.record import replace
from ..domain.request import Request
from ..facts.paths import path_forms, roots_of
from ..shell.acts import Act, GitContext
from ..shell.call import ProgramCall
from ..shell.dialect import BASH
from ..shell.interpret import Interpreter
from ..shell.values import literal
from ..shell.walk import Walk
from .combine import Marks, met_rules
from .evaluator import Evaluator
from .table import FLOOR

_WRITABLE = "the policy trusts its folder, but a rule lets somebody write there"


def by_name(evaluator: Evaluator, act: Act, request: Request, repository: GitContext) -> list[Act]:
    """A command whose program lies in a trusted folder as the command of that name; any other as it is.

    What restricts the program by its path still does.
    """
    program = _place(act, request)
    folder, _, name = program.rpartition("/")
    if act.unread is None or act.opaque or not name or folder not in _folders(evaluator, request):
        return [act]
    if not _unchangeable(evaluator, program, request):
        return [replace(act, note=_WRITABLE)]
    walk = Walk(BASH, repository)
    walk.span = (act.start, act.end)
    walk.state.folders = act.folders
    Interpreter(walk, evaluator.profiles).programs.command(
        ProgramCall((literal(name), *act.argv[1:]), act.unread.stdin)
    )
    return [*walk.acts, replace(act, supposed=True, unread=None)]


def _place(act: Act, request: Request) -> str:
    """The absolute path of a program; empty when it is not known, or found by its name alone."""
    text = act.argv[0].text if act.argv else None
    if not text or "/" not in text or act.folders is None or len(act.folders) != 1:
        return ""
    path = posixpath.join(request.cwd or request.workspace or "", act.folders[0], text)
    return posixpath.normpath(path) if path.startswith("/") else ""


def _folders(evaluator: Evaluator, request: Request) -> set[str]:
    """The trusted folders, where they lie for this request."""
    lie = {".": request.workspace, "~": request.home}
    found: set[str] = set()
    for folder in evaluator.prepared.trusts:
        start, _, rest = folder.partition("/")
        place = lie.get(start) if start else ""
        if place is not None:
            found.add(posixpath.normpath(f"{place}/{rest}"))
    return found


def _unchangeable(evaluator: Evaluator, program: str, request: Request) -> bool:
    """Whether no rule lets anybody write the program, or delete it or a folder above it (below the workspace)."""
    root = posixpath.normpath(request.workspace) if request.workspace else ""
    paths = [("write", program), ("write", posixpath.dirname(program))]
    above = program
    while above not in {"/", root}:
        paths.append(("delete", above))
        above = posixpath.dirname(above)
    return not any(_granted(evaluator, action, path, request) for action, path in paths)


def _granted(evaluator: Evaluator, action: str, path: str, request: Request) -> bool:
    """Whether rules of every layer that may grant do so for somebody, and none denies it to everybody."""
    table = evaluator.table(action)
    try:
        forms = path_forms(path, roots_of(request))
    except RequestError:
        return True
    for names in forms:
        definite = [m for word in names.definite for m in table.walker.walk(word).marks]
        possible = [m for word in names.possible for m in table.walker.walk(word).marks]
        met = met_rules(table, Marks(tuple(definite), tuple({*definite, *possible})), table.open_options)
        if any(
            e.ref.effect == DENY and e.layer != FLOOR and e.condition < 0 and include is True and exclude is False
            for e, include, exclude in met
        ):
            continue
        granting = {e.layer for e, include, exclude in met if e.grants and include is not False and exclude is not True}
        if all(i in granting for i, (_, guardrail) in enumerate(evaluator.prepared.layers) if not guardrail):
            return True
    return False
