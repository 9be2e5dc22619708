"""Explanations and errors as JSON values; requests and decisions are in `domain/plain.py`."""

from __future__ import annotations

from ..domain.actions import ALLOW
from ..domain.decision import Decision
from ..domain.errors import Diagnostic, RequestError
from ..domain.request import Request
from ..domain.serialize import decision_json, rule_json
from ..domain.strict_json import Json
from ..engine.explain import Explanation
from ..engine.nearest import nearest, ungranted
from ..engine.pdp import Engine


def explanation_json(explanation: Explanation) -> Json:
    """A decision with every candidate rule's answer."""
    return decision_json(explanation.decision) | candidates_json(explanation)


def candidates_json(explanation: Explanation) -> Json:
    """How a request was read, and every candidate rule's answer."""
    return {
        "reading": list(explanation.reading),
        "candidates": [
            {**rule_json(a.rule), "layer": a.layer, "holds": a.holds, "why": a.why} for a in explanation.rules
        ],
    }


def nearest_json(engine: Engine, request: Request, decision: Decision) -> Json:
    """`nearest`: the nearest rule to each thing that nothing grants, and in what they differ; empty without one."""
    found = (nearest(engine, request, effect) for effect in ungranted(engine, decision))
    rows = [
        {"action": one.action, "pattern": one.pattern, "difference": one.difference, "rule": rule_json(one.rule)}
        for one in found
        if one is not None
    ]
    return {"nearest": rows} if rows and decision.effect != ALLOW else {}


def error_json(error: RequestError, line: int | None = None) -> Json:
    """The object that stands in place of a decision when the request is invalid."""
    out: Json = {"error": {"code": error.code, "message": error.message}}
    if line is not None:
        out["error"]["line"] = line
    return out


def diagnostic_json(diagnostic: Diagnostic) -> Json:
    """A compile error."""
    out: Json = {"code": diagnostic.code, "message": diagnostic.message}
    if diagnostic.help:
        out["help"] = diagnostic.help
    span = diagnostic.span
    if span is not None:
        line, column = span.source.position(span.start)
        end_line, end_column = span.source.position(span.end)
        out.update(file=span.source.path, line=line, column=column, end_line=end_line, end_column=end_column)
    return out
