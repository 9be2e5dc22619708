"""The routes that say how the service is: the policy in force, health, metrics, the interface itself."""

from __future__ import annotations

from ...approvals.store import StoreUnavailableError
from ...domain.codes import PAGES
from ...domain.strict_json import Json
from ..service import PolicyService
from ..ticket_book import in_force, superseded, waiting
from .http import HttpCall, HttpReply, reply

METRICS_TYPE = "text/plain; version=0.0.4"
"""The media type of Prometheus' text format."""


def policy(service: PolicyService, call: HttpCall) -> HttpReply:
    """What is in force, whether the files say something newer that cannot be, and why the caller is frozen."""
    service.known(call.caller)
    active, loaded = service.active, service.active.current
    out: Json = {"path": active.source.describe(), "ready": loaded is not None, "error": active.error or None}
    out["held"] = active.held or None
    out["observing"] = active.observing or None
    binding = service.principals.binding(call.caller)
    one = None if binding is None or len(binding.agents) != 1 else binding.agents[0]
    frozen = service.state.why_frozen(one, None if binding is None else binding.session)
    if frozen is not None:
        out["frozen"] = frozen.why
    if loaded is not None:
        prepared = loaded.contents.prepared
        out |= {
            "name": loaded.contents.name, "digest": prepared.digest, "since": loaded.since,
            "layers": [{"name": name, "guardrail": guardrail} for name, guardrail in prepared.layers],
            "tiers": list(prepared.tiers), "sources": [path for path, _ in loaded.contents.sources],
            "freezes": [{"denials": f.denials, "seconds": f.seconds} for f in prepared.freezes],
        }  # fmt: skip
    return reply(out)


def health(service: PolicyService, call: HttpCall) -> HttpReply:  # noqa: ARG001
    """The process answers."""
    return reply({"status": "ok"})


def ready(service: PolicyService, call: HttpCall) -> HttpReply:  # noqa: ARG001
    """A policy is in force."""
    ready = service.active.current is not None
    return reply({"status": "ready" if ready else "no policy"}, 200 if ready else PAGES["PLR207"].status)


def numbers(service: PolicyService, call: HttpCall) -> HttpReply:
    """Counters for Prometheus."""
    service.known(call.caller)
    loaded = service.active.current
    gauges = {
        "connections": service.metrics.connections, "sessions": len(service.state.sessions),
        "frozen": len(service.state.frozen), "escalations": len(service.state.escalations),
        "observing": bool(service.active.observing),
        "anchors_failing": 0 if service.recorder.anchors is None else len(service.recorder.anchors.failing),
        "store_rolled_back": bool(service.approvals is not None and service.approvals.notice),
        "policy_stale": bool((service.active.error or service.active.held) and loaded),
    }  # fmt: skip
    gauges |= tickets_counted(service)
    digest = "" if loaded is None else loaded.policy.digest
    text = service.metrics.text(gauges, service.active.loads, digest)
    return HttpReply(200, text.encode("ascii", "replace"), METRICS_TYPE)


def tickets_counted(service: PolicyService) -> dict[str, int]:
    """How many tickets wait for people, and how many another policy has asked; nothing where that is not known."""
    if service.approvals is None or service.active.current is None:
        return {}
    force = in_force(service.active.loaded())
    try:
        counts = [service.approvals.count(q(force), force) for q in (waiting, superseded)]
    except StoreUnavailableError:
        return {}
    return {"tickets_waiting": counts[0], "tickets_superseded": counts[1]}


def interface(service: PolicyService, call: HttpCall) -> HttpReply:  # noqa: ARG001
    """The OpenAPI document."""
    return HttpReply(200, service.description)
