"""The content of a record: a decision with everything that was considered, or an event of the service."""

from __future__ import annotations

from time import gmtime, strftime

from ..domain import strict_json
from ..domain.limits import limit
from ..domain.record import replace
from ..domain.serialize import decision_json, request_json
from ..engine.memo import is_small
from .disk_snapshot import digest
from .redact import cleaned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..domain.decision import Decision
    from ..domain.request import Request
    from ..domain.strict_json import Json
    from .disk_snapshot import Recording

_MOST_EFFECTS = limit("log_effects")
_ROOM = limit("log_chain_bytes")
"""Bytes that are left for what the chain adds to a record."""


_BESIDE = ("content", "origin", "id", "ticket")
"""Fields of a request that a decider is not given: they decide nothing."""


def decision_event(
    request: Request,
    decision: Decision,
    micros: int,
    source: Json,
    disk: Recording | None = None,
    found: FoundRecord | None = None,
) -> Json:
    """The record of one decision, without secrets. `micros` is how long it took; `source` says who decided.

    What a decision is made of comes first, so that the record can be replayed: the request, and what the disk said.
    `found` is what was made of it already, with the answer that the decision has become of.
    """
    body = found.body(request, decision) if found is not None else _body(request, decision, disk)
    event: Json = {
        "kind": "decision", "id": decision.id, "policy": decision.policy_digest, **body, "micros": micros,
        "source": source,
    }  # fmt: skip
    if request.now is not None:
        event["now"] = int(request.now)
    if request.confined:
        event["confined"] = True
    return bounded(event)


def _body(request: Request, decision: Decision, disk: Recording | None) -> Json:
    decided = decision_json(decision, most=_MOST_EFFECTS)
    del decided["decision_id"], decided["policy_digest"]
    short = decision.verdict.undecided and not is_small(request.resource)  # nobody replays what was not decided
    if short:
        request = replace(request, resource=_short(request.resource))
        decided["effects"] = []
    made: Json = {"request": _recorded(request), **decided}
    seen = None if disk is None else disk.seen()
    if seen:
        made["disk"] = seen
    made = without_secrets(made)
    if short:
        made["cut"] = {"request": 1}
    elif len(decision.effects) > _MOST_EFFECTS:
        made["cut"] = {"effects": len(decision.effects)}
    return made


class FoundRecord:
    """What a record says of a request and of the answer to it, without secrets; made where the answer was found."""

    __slots__ = ("_made", "_reasons")

    def __init__(self, made: Json, decision: Decision) -> None:
        self._made = made
        self._reasons: dict[str, str] = dict(zip(decision.reasons, made.get("reasons", ()), strict=False))

    @classmethod
    def made(cls, request: Request, decision: Decision, disk: Recording | None) -> Json:
        """What `FoundRecord` is made of, as JSON."""
        return _body(request, decision, disk)

    def body(self, request: Request, decision: Decision) -> Json:
        """The record of the decision that it has become. Only what is new is looked through for secrets."""
        now = decision_json(decision, most=0)
        beside = {k: v for k, v in _recorded(request).items() if k in _BESIDE}
        new = [r for r in decision.reasons if r not in self._reasons]
        looked: Json = {"request": beside, "reasons": new}
        if "ticket" in now:
            looked["ticket"] = now["ticket"]
        extra = without_secrets(looked)
        known = self._reasons | dict(zip(new, extra["reasons"], strict=True))
        out = dict(self._made)
        out.update((k, now[k]) for k in ("effect", "tiers", "rules", "obligations", "would") if k in now)
        out["request"] = {**self._made["request"], **extra["request"]}
        out["reasons"] = [known[r] for r in decision.reasons]
        if "ticket" in extra:
            out["ticket"] = extra["ticket"]
        counts: dict[str, int] = dict(out.get("redacted", {}))
        for kind, count in extra.get("redacted", {}).items():
            counts[kind] = counts.get(kind, 0) + count
        return {**out, "redacted": counts} if counts else out


def _recorded(request: Request) -> Json:
    """The request as a record has it: of what a tool writes the digest alone."""
    out = request_json(request)
    if request.content:
        data = strict_json.dump(out["content"])
        tool = request.content.get("tool", "")
        out["content"] = {"tool": tool, "arguments": {"bytes": len(data), "sha256": digest(data)}}
    return out


def happening(name: str, **fields: object) -> Json:
    """The record of something that is not a decision: a freeze, a session's start, a policy that came into force."""
    given = {k: v for k, v in fields.items() if v is not None}
    return bounded(without_secrets({"kind": name, **given}))


def without_secrets(event: Json) -> Json:
    """The event without secrets; it says how many were taken out, of which kinds."""
    rules = event.pop("rules", None)  # the author's words, and much text
    found = cleaned(event)
    out: Json = found.value
    if rules is not None:
        out["rules"] = rules
    if found.kinds:
        out["redacted"] = found.kinds
    if found.random:
        out["flags"] = ["random"]
    return out


def bounded(event: Json) -> Json:
    """The event within the limit; what had to go is counted."""
    most = limit("log_record_bytes") - _ROOM
    if _small(event, most):
        return event
    cut: Json = event.get("cut", {})
    for name, keep in (("disk", 0), ("effects", 20), ("reasons", 20), ("opaque", 5), ("rules", 50)):
        value = event.get(name)
        if value and len(strict_json.dump(event)) > most:
            cut.setdefault(name, len(value))
            event[name] = value[:keep] if isinstance(value, list) else {"cut": True}
            if name == "effects":
                event[name] = [{**e, "resource": _short(e.get("resource", ""))} for e in event[name]]
    event["cut"] = cut
    if len(strict_json.dump(event)) > most:
        event["request"] = {
            **event.get("request", {}),
            "resource": _short(event.get("request", {}).get("resource", "")),
        }
        event["request"].pop("arguments", None)
        cut["request"] = 1
    return event


def _small(event: Json, most: int) -> bool:
    """True for what surely fits: most records are far smaller, and need not be measured twice."""
    request = event.get("request", {})
    rough = len(event.get("effects", ())) * 600 + len(str(request.get("resource", ""))) * 8
    return (rough < most // 8 and "disk" not in event and "arguments" not in request) or len(
        strict_json.dump(event)
    ) <= most


def _short(resource: Any) -> str:
    text = resource if isinstance(resource, str) else str(resource)
    return text[:2000]


_second = -1
_text = ""


def moment(seconds: float) -> str:
    """A time as records say it: RFC 3339, UTC, microseconds."""
    global _second, _text  # noqa: PLW0603 (a memo: a service writes thousands of records within one second)
    whole = int(seconds)
    if whole != _second:
        _text = strftime("%Y-%m-%dT%H:%M:%S", gmtime(whole))
        _second = whole
    return f"{_text}.{int((seconds - whole) * 1e6):06d}Z"
