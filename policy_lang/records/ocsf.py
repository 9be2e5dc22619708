"""Decisions as OCSF 1.9 events, so that a SIEM understands them as they are (schema.ocsf.io).

A decision is an `api_activity` (6003) with the profiles `ai_operation` (which agent, which model), `security_control`
(what was decided, by which rules) and `record_integrity` (where the record stands in the log's chain).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from .._version import __version__
from ..domain.actions import SORT_OF
from ..domain.strict_json import Json
from .row import Row, effect_of, resource_of, row, table, tables, text, texts

SCHEMA = "1.9.0"
_CLASS, _CATEGORY, _OTHER = 6003, 6, 99
_ACTIVITY = {"read": 2, "write": 3, "delete": 4}
"""`activity_id` of an action, where OCSF has one: 2 read, 3 update, 4 delete; what else is done is 99, by its name."""
_NAMES = {2: "Read", 3: "Update", 4: "Delete"}
_EFFECTS = {
    "allow": (1, "Allowed", 1, "Allowed", 1, "Informational", 1, "Success"),
    "ask": (0, "Unknown", 23, "Challenge", 2, "Low", 0, "Unknown"),
    "deny": (2, "Denied", 2, "Blocked", 3, "Medium", 2, "Failure"),
}
"""`action`, `disposition`, `severity`, `status` with their ids. OCSF has no action for what waits for a person: it says
that an unknown action may have the disposition `Challenge`."""
_SHA256, _HEX, _CUSTOM = 3, 1, 99


def ocsf_events(records: Iterable[Json]) -> Iterator[Json]:
    """The events of a log's decisions, in order."""
    chain: Json = {}
    for record in records:
        if record.get("kind") == "segment":
            chain = record
        elif record.get("kind") == "decision":
            yield ocsf_event(row(record), chain)


def ocsf_event(found: Row, chain: Json) -> Json:
    """One decision; `chain` is the record with which the log's file begins."""
    action, action_name, disposition, disposed, severity, severe, status, stated = _EFFECTS[found.effect]
    if found.effect == "allow" and found.record.get("ticket"):
        disposition, disposed = 8, "Approved"  # by people
    if found.would:  # the policy is only observed
        action, action_name, disposition, disposed = 3, "Observed", 17, "Logged"
        severity, severe = _EFFECTS[found.would][4:6]
    activity = _ACTIVITY.get(found.action, _OTHER)
    event: Json = {
        "activity_id": activity, "activity_name": _NAMES.get(activity, found.action),
        "category_uid": _CATEGORY, "category_name": "Application Activity",
        "class_uid": _CLASS, "class_name": "API Activity", "type_uid": _CLASS * 100 + activity,
        "time": _milliseconds(found.time), "severity_id": severity, "severity": severe,
        "status_id": status, "status": stated, "status_detail": found.reason,
        "message": f"{found.effect} {found.action} {_plain(found.resource)}"[:1000],
        "metadata": _metadata(found, chain),
        "actor": _actor(found),
        "api": {
            "operation": found.action, "request": {"uid": found.id},
            "service": {"name": text(found.origin.get("client")) or "policy_lang"},
        },
        "src_endpoint": {"name": text(chain.get("host")) or "unknown"},
        "resources": list(_resources(found)),
        # ai_operation
        "ai_agent": _agent(found),
        # security_control
        "action_id": action, "action": action_name, "disposition_id": disposition, "disposition": disposed,
        "is_alert": False, "authorizations": list(_authorizations(found)),
        # record_integrity
        "attestation_list": [_attestation(found, chain)],
    }  # fmt: skip
    if found.policy:
        event["policy"] = {"uid": found.policy, "is_applied": True}
    if text(found.origin.get("instruction")):
        event["message_context"] = {
            "application": {"name": text(found.origin.get("client")) or "unknown"}, "ai_role_id": 4, "ai_role": "Agent",
            "prompt_text": text(found.origin.get("instruction")), "uid": text(found.origin.get("prompt")) or found.id,
        }  # fmt: skip
    event["unmapped"] = _unmapped(found)
    return event


def _milliseconds(time: str) -> int:
    try:
        return int(datetime.fromisoformat(time).timestamp() * 1000)
    except ValueError:
        return 0


def _plain(resource: str | tuple[str, ...]) -> str:
    return resource if isinstance(resource, str) else " ".join(resource)


def _metadata(found: Row, chain: Json) -> Json:
    out: Json = {
        "version": SCHEMA, "profiles": ["ai_operation", "security_control", "record_integrity"],
        "product": {"name": "policy_lang", "vendor_name": "policy_lang", "version": __version__},
        "uid": found.id, "sequence": found.seq, "event_code": f"decision.{found.effect}",
        "original_time": found.time, "log_name": text(chain.get("log")) or "decisions",
    }  # fmt: skip
    joined = next((text(found.origin.get(n)) for n in ("trace", "call", "prompt") if text(found.origin.get(n))), "")
    if joined:
        out["correlation_uid"] = joined
    if found.record.get("cut"):
        out["is_truncated"] = True
    return out


def _actor(found: Row) -> Json:
    name = found.agent or "unknown"
    out: Json = {"user": {"name": name, "uid": name, "type_id": 4, "type": "Service"}}
    if found.session:
        out["session"] = {"uid": found.session, "is_remote": False}
    if text(found.origin.get("client")):
        out["app_name"] = text(found.origin.get("client"))
    return out


def _agent(found: Row) -> Json:
    name = found.agent or text(found.origin.get("client")) or "unknown"
    out: Json = {"name": name, "uid": name, "type_id": _OTHER, "type": text(found.origin.get("client")) or "agent"}
    instance = text(found.origin.get("subagent")) or found.session
    if instance:
        out["instance_uid"] = instance
    model = text(found.origin.get("model"))
    if model:
        provider, slash, _ = model.partition("/")
        out["ai_model"] = {"name": model, "ai_provider": provider if slash else "unknown"}
    return out


def _resources(found: Row) -> Iterator[Json]:
    seen: dict[tuple[str, str], None] = {(found.action, _plain(found.resource)): None}
    for effect in tables(found.record.get("effects")):
        seen[text(effect.get("action")), _plain(resource_of(effect.get("resource")))] = None
    for action, name in seen:
        if name:
            yield {"name": name, "type": SORT_OF.get(action, "unknown")}


def _authorizations(found: Row) -> Iterator[Json]:
    """Each effect that was considered, with the rules that decided about it."""
    reasons = {text(r.get("id")): text(r.get("because")) for r in tables(found.record.get("rules"))}
    for effect in tables(found.record.get("effects")):
        decision = effect_of(effect.get("effect"))
        for rule in texts(effect.get("rules")) or ("",):
            policy = {"uid": rule, "is_applied": True} if rule else None
            if policy is not None and reasons.get(rule):
                policy["desc"] = reasons[rule]
            yield {"decision": decision} if policy is None else {"decision": decision, "policy": policy}


def _attestation(found: Row, chain: Json) -> Json:
    out: Json = {"uid": str(found.seq), "fingerprint": _fingerprint(text(found.record.get("hash")))}
    if text(chain.get("log")):
        out["chain_uid"] = text(chain.get("log"))
    out["prev_event"] = {"uid": str(found.seq - 1), "fingerprint": _fingerprint(text(found.record.get("prev")))}
    return out


def _fingerprint(digest: str) -> Json:
    return {
        "algorithm_id": _SHA256, "algorithm": "SHA-256", "encoding_id": _HEX, "encoding": "Hex", "value": digest,
        "serialization_id": _CUSTOM, "serialization": "policy_lang record 1",
    }  # fmt: skip


def _unmapped(found: Row) -> Json:
    """What OCSF has no place for, under our own names."""
    keep = (
        "confined",
        "tiers",
        "ticket",
        "rules",
        "reasons",
        "effects",
        "opaque",
        "obligations",
        "micros",
        "source",
        "redacted",
        "flags",
    )
    out = {name: found.record[name] for name in keep if found.record.get(name)}
    request = table(found.record.get("request"))
    named = {k: v for k, v in request.items() if k not in {"action", "resource", "agent", "session"}}
    return {**out, "request": named} if named else out
