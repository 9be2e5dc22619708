"""Requests and decisions as plain values: what goes over the wire and into records."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .decision import Decision, Effect, RuleRef
    from .request import Request
    from .strict_json import Json

_PLAIN = (
    "agent", "repo", "branch", "session", "cwd", "workspace", "home", "tmp", "shell", "method", "lexical", "inner",
    "destination",
)  # fmt: skip
_EFFECT_KEYS = (
    ("method", "method"), ("note", "note"), ("opaque", "opaque"), ("remediation", "mend"), ("free", "free"),
    ("file", "file"),
)  # fmt: skip
"""Attributes of an effect, and their keys in JSON."""
_TABLES = ("context", "git", "origin", "content")


def request_json(request: Request) -> Json:
    """A request in its JSON form; what was not given is left out. Reading it again gives the same request."""
    given = request.resource
    resource: Any = list(given) if isinstance(given, tuple) else given
    out: Json = {"action": request.action, "resource": {"pattern": resource} if request.pattern else resource}
    for name in _PLAIN:
        value = getattr(request, name)
        if value is not None and value is not False:
            out[name] = value
    for name in _TABLES:
        value = getattr(request, name)
        if value:
            out[name] = {k: _plain_table(v) for k, v in value.items()}
    if request.arguments is not None:
        out["arguments"] = _plain_table(request.arguments)
    if request.resolved:
        out["resolved"] = list(request.resolved)
    for name in ("id", "ticket"):
        if getattr(request, name) is not None:
            out[name] = getattr(request, name)
    return out


def _plain_table(value: object) -> object:
    """A table of whatever kind (one that is read only, say) as a dictionary; what else there is stays."""
    if value.__class__ in (str, int, bool, dict):
        return value
    from collections.abc import Mapping

    return dict(value) if isinstance(value, Mapping) else value


def decision_json(decision: Decision, request_id: str | None = None, most: int | None = None) -> Json:
    """The wire form of a decision; of its effects so many at most, those that decided first."""
    effects = decision.effects
    if most is not None and len(effects) > most:
        effects = tuple(sorted(effects, key=lambda e: e.verdict.effect != decision.effect)[:most])
    out: Json = {} if request_id is None else {"id": request_id}
    out.update(
        effect=decision.effect,
        tiers=list(decision.tiers),
        rules=[rule_json(r) for r in decision.rules],
        reasons=list(decision.reasons),
        effects=[effect_json(e) for e in effects],
        opaque=list(decision.opaque),
        obligations=list(decision.obligations),
        policy_digest=decision.policy_digest,
        decision_id=decision.id,
    )
    if decision.files:
        out["files"] = [{"path": path, "sha256": digest} for path, digest in decision.files]
    if decision.would is not None:
        out["would"] = {"effect": decision.would.effect, "tiers": list(decision.would.tiers)}
    if decision.ticket is not None:
        out["ticket"] = dict(decision.ticket)
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
    for name, key in _EFFECT_KEYS:
        if getattr(effect, name):
            out[key] = getattr(effect, name)
    return out


def rule_json(rule: RuleRef) -> Json:
    """How a decision names a rule."""
    out: Json = {"id": rule.id, "effect": rule.effect, "file": rule.file, "line": rule.line}
    if rule.tier:
        out["tier"] = rule.tier
    if rule.because:
        out["because"] = rule.because
    return out
