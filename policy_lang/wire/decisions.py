"""Decisions, explanations and errors as JSON values."""

from __future__ import annotations

from typing import Any

from ..domain.decision import Decision, Effect, RuleRef
from ..domain.errors import Diagnostic, RequestError
from ..engine.explain import Explanation

Json = dict[str, Any]


def decision_json(decision: Decision, request_id: str | None = None) -> Json:
    """The wire form of a decision."""
    out: Json = {} if request_id is None else {"id": request_id}
    out.update(
        effect=decision.effect,
        tiers=list(decision.tiers),
        rules=[rule_json(r) for r in decision.rules],
        reasons=list(decision.reasons),
        effects=[effect_json(e) for e in decision.effects],
        opaque=list(decision.opaque),
        obligations=list(decision.obligations),
        policy_digest=decision.policy_digest,
        decision_id=decision.id,
    )
    return out


def effect_json(effect: Effect) -> Json:
    """One effect. `span` are character offsets in the script; what does not apply is left out."""
    out: Json = {
        "action": effect.action,
        "resource": list(effect.resource) if isinstance(effect.resource, tuple) else effect.resource,
        "effect": effect.verdict.effect,
        "rules": [r.id for r in effect.verdict.rules],
    }
    if effect.verdict.tiers:
        out["tiers"] = list(effect.verdict.tiers)
    if effect.end:
        out["span"] = [effect.start, effect.end]
    for name in ("note", "opaque", "mend"):
        if getattr(effect, name):
            out[name] = getattr(effect, name)
    return out


def rule_json(rule: RuleRef) -> Json:
    """How a decision names a rule."""
    out: Json = {"id": rule.id, "effect": rule.effect, "file": rule.file, "line": rule.line}
    if rule.tier:
        out["tier"] = rule.tier
    if rule.because:
        out["because"] = rule.because
    return out


def explanation_json(explanation: Explanation) -> Json:
    """A decision with every candidate rule's answer."""
    out = decision_json(explanation.decision)
    out["reading"] = list(explanation.reading)
    out["candidates"] = [
        {**rule_json(a.rule), "layer": a.layer, "holds": a.holds, "why": a.why} for a in explanation.rules
    ]
    return out


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
