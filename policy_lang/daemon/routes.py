"""Which path answers what."""

from __future__ import annotations

from collections.abc import Callable

from . import answering
from .answering import TICKETS
from .service import Answered, Call, Service, refusal

Route = Callable[[Service, Call], Answered]

ROUTES: dict[str, tuple[str, Route]] = {
    "/v1/decide": ("POST", Service.decide),
    "/v1/decide/batch": ("POST", Service.batch),
    "/v1/explain": ("POST", Service.explain),
    "/access/v1/evaluation": ("POST", Service.evaluation),
    "/access/v1/evaluations": ("POST", Service.evaluations),
    "/.well-known/authzen-configuration": ("GET", Service.metadata),
    "/v1/policy": ("GET", Service.policy),
    "/v1/policy/reload": ("POST", Service.load_again),
    "/v1/state": ("GET", Service.list_state),
    "/v1/sessions/start": ("POST", Service.start_session),
    "/v1/sessions/end": ("POST", Service.end_session),
    "/v1/freeze": ("POST", Service.freeze),
    "/v1/lift": ("POST", Service.lift),
    "/v1/escalations": ("POST", Service.escalate),
    "/v1/escalations/settle": ("POST", Service.settle),
    "/v1/approvals": ("GET", answering.list_tickets),
    "/v1/approvals/vote": ("POST", answering.vote),
    "/v1/approvals/revoke": ("POST", answering.revoke),
    "/v1/approvals/review": ("POST", answering.review),
    "/v1/approvals/sign-in": ("POST", answering.sign_in),
    "/v1/approvals/stats": ("GET", answering.stats),
    "/v1/approvals/console": ("POST", answering.console),
    "/healthz": ("GET", Service.health),
    "/readyz": ("GET", Service.ready),
    "/metrics": ("GET", Service.numbers),
    "/openapi.json": ("GET", Service.interface),
}


def handle(service: Service, call: Call) -> Answered:
    """Answer a call. Never raises: whatever goes wrong is a refusal."""
    route = ROUTES.get(call.path)
    if route is None and call.method == "GET" and call.path.startswith(TICKETS):
        route = ("GET", answering.ticket)
    if route is None:
        return refusal("PLR211", "there is no such path")
    method, function = route
    if call.method != method:
        refused = refusal("PLR212", f"this path takes `{method}`")
        refused.headers = (("allow", method),)  # RFC 9110, 15.5.6
        return refused
    return service.answered(call, lambda: function(service, call))
