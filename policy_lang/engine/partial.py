"""Verdicts on requests whose resource is only partly known: a pattern, and the strictest over every member of it."""

from __future__ import annotations

from ..automata.pattern import Sequence
from ..domain.actions import HOST, PATH, SORT_OF
from ..domain.decision import Verdict
from ..domain.errors import RequestError
from ..domain.request import Request
from ..facts.paths import path_forms, roots_of
from ..facts.words import Names
from ..ir.patterns import compile_pattern
from ..ir.scopes import PatternError
from .combine import Environment
from .connections import methods_of
from .evaluator import Evaluator


def pattern_verdict(evaluator: Evaluator, request: Request, env: Environment) -> Verdict:
    """The verdict on a request whose resource is a pattern. Raises RequestError for a malformed one."""
    action, sort = request.action, SORT_OF[request.action]
    table = evaluator.table(action)
    if not isinstance(request.resource, str):
        raise RequestError("PLR061", "a pattern is a string")
    if request.resolved:
        raise RequestError("PLR061", "a host that is only partly known has no addresses")
    try:
        sequences = compile_pattern(sort, request.resource, methods_of(request.method, table) if sort == HOST else ())
    except PatternError as error:
        raise RequestError("PLR061", f"the pattern is malformed: {error.message}") from None
    if sort != PATH:
        return evaluator.members(action, table, env, sequences)
    verdicts: list[Verdict] = []
    for sequence in sequences:
        text, rest = _known_part(sequence)
        for names in path_forms(text, roots_of(request)):
            if rest:
                verdicts.append(evaluator.named(action, table, Names(names.definite, names.possible, rest), env))
            else:
                prefixes, everything = names.definite, bool(names.possible)
                verdicts.append(evaluator.members(action, table, env, ((),), prefixes, everything))
    return evaluator.strictest(verdicts)


def _known_part(sequence: Sequence) -> tuple[str, Sequence]:
    """The path before the first wildcard, as text, and the labels after it."""
    from ..ir.sorts.path import ANCHORS

    first = sequence[0]
    assert isinstance(first, str)
    known: list[str] = []
    for label in sequence[1:]:
        if not isinstance(label, str):
            break
        known.append(label)
    return ANCHORS[first] + "/".join(known), sequence[1 + len(known) :]
