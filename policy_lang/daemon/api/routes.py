"""The interface as one table: dispatch, the OpenAPI document and the tests read it from here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ...domain.limits import limit
from ...wire import authzen
from ...wire import proposals as asked
from ...wire import service as bodies
from ...wire.requests import RequestModel
from ..service import PolicyService
from . import access_requests, approvals, decisions, proposals, remarks, sessions, status, steering
from .guard import guarded
from .http import Answered, HttpCall, PendingReply, refusal

Handler = Callable[[PolicyService, HttpCall], Answered]


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path. `{name}` at a path's end stands for whatever follows there.

    `body` and `answer` are the models of what is taken and given, where there are models; `status` is that of a good
    answer, `kind` its media type. `unready` describes the 503 of a route that has no other fault. What uses the
    `store` of approvals is handled in its thread. The handler's name
    and the first line of its docstring identify and summarise the operation.
    """

    method: str
    path: str
    handler: Handler
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    kind: str = "application/json"
    unready: str = ""
    store: bool = False
    parameters: tuple[dict[str, Any], ...] = ()

    @property
    def prefix(self) -> str:
        """The path up to what varies; all of it when nothing does."""
        return self.path.partition("{")[0]


_TICKET_PARAMETERS: tuple[dict[str, Any], ...] = (
    {"name": "ticket", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"}},
    {
        "name": "wait", "in": "query", "required": False, "description": "Seconds to wait for an answer.",
        "schema": {"type": "integer", "minimum": 0, "maximum": limit("approval_wait_seconds")},
    },
)  # fmt: skip

_TICKET = _TICKET_PARAMETERS[:1]
_PROPOSAL_PARAMETERS: tuple[dict[str, Any], ...] = (
    {
        "name": "proposal", "in": "path", "required": True,
        "description": "The id of a proposal; `all` for the latest ones.",
        "schema": {"type": "string", "pattern": "^([0-9a-f]{16}|all)$"},
    },
)  # fmt: skip

ROUTES: tuple[Route, ...] = (
    Route("POST", "/v1/decide", decisions.decide, RequestModel, bodies.DecisionModel),
    Route("POST", "/v1/decide/batch", decisions.batch, bodies.BatchModel, bodies.DecisionsModel),
    Route("POST", "/v1/explain", decisions.explain, RequestModel),
    Route("POST", "/access/v1/evaluation", decisions.evaluation, authzen.EvaluationModel, authzen.AnswerModel),
    Route("POST", "/access/v1/evaluations", decisions.evaluations, authzen.EvaluationsModel),
    Route("POST", "/access/v1/search/action", decisions.search_actions, authzen.ActionSearchModel),
    Route(
        "POST",
        "/access/v1/requests",
        access_requests.request_access,
        authzen.AccessRequestModel,
        status=202,
        store=True,
    ),
    Route("GET", "/.well-known/authzen-configuration", decisions.metadata),
    Route("GET", "/v1/policy", status.policy),
    Route("POST", "/v1/policy/reload", steering.load_again, status=202),
    Route("GET", "/v1/state", steering.list_state, store=True),
    Route("POST", "/v1/sessions/start", sessions.start_session, bodies.SessionModel, status=201),
    Route("POST", "/v1/sessions/end", sessions.end_session, bodies.NamedModel),
    Route("POST", "/v1/freeze", steering.freeze, bodies.PrincipalModel),
    Route("POST", "/v1/lift", steering.lift, bodies.PrincipalModel),
    Route("POST", "/v1/escalations", steering.escalate, bodies.QuestionModel, status=201),
    Route("POST", "/v1/escalations/settle", steering.settle, bodies.EscalationModel),
    Route("GET", "/v1/approvals", approvals.list_tickets, store=True),
    Route("POST", "/v1/approvals/vote", approvals.vote, bodies.VoteModel, store=True),
    Route("POST", "/v1/approvals/revoke", approvals.revoke, bodies.TakenBackModel, store=True),
    Route("POST", "/v1/approvals/review", approvals.review, bodies.ReviewModel, store=True),
    Route("POST", "/v1/approvals/comment", remarks.comment, bodies.CommentModel, store=True),
    Route("POST", "/v1/approvals/assign", remarks.assign, bodies.AssignModel, store=True),
    Route("POST", "/v1/approvals/sign-in", approvals.sign_in, bodies.SignInModel, store=True),
    Route("GET", "/v1/approvals/stats", approvals.stats, store=True),
    Route("POST", "/v1/approvals/console", approvals.console, bodies.ConsoleModel, store=True),
    Route("POST", "/v1/proposals", proposals.propose, asked.ProposeModel, status=201, store=True),
    Route("POST", "/v1/proposals/narrow", proposals.narrow, asked.NarrowModel, store=True),
    Route("POST", "/v1/proposals/accept", proposals.accept, asked.AcceptModel, store=True),
    Route("POST", "/v1/proposals/reject", proposals.reject, asked.RejectModel, store=True),
    Route("POST", "/v1/proposals/withdraw", proposals.withdraw, asked.WithdrawModel, store=True),
    Route("POST", "/v1/within", proposals.within, asked.WithinModel, store=True),
    Route("GET", "/healthz", status.health),
    Route("GET", "/readyz", status.ready, unready="No policy is in force."),
    Route("GET", "/metrics", status.numbers, kind="text/plain", store=True),
    Route("GET", "/openapi.json", status.interface),
    Route("GET", proposals.PROPOSALS + "{proposal}", proposals.show, parameters=_PROPOSAL_PARAMETERS, store=True),
    Route("GET", approvals.TICKETS + "{ticket}", approvals.ticket, parameters=_TICKET_PARAMETERS, store=True),
    Route("GET", access_requests.REQUESTS + "{ticket}", access_requests.task, parameters=_TICKET, store=True),
)
_EXACT = {route.path: route for route in ROUTES if route.prefix == route.path}
_BELOW = [route for route in ROUTES if route.prefix != route.path]


def route_of(method: str, path: str) -> Route | None:
    """The route of a path. One whose path varies is met only by its own method."""
    found = _EXACT.get(path)
    if found is None:
        found = next((r for r in _BELOW if r.method == method and path.startswith(r.prefix)), None)
    return found


def handle(service: PolicyService, call: HttpCall) -> Answered:
    """Answer a call. Never raises: whatever goes wrong is a refusal."""
    route = route_of(call.method, call.path)
    if route is None:
        return refusal("PLR211", "there is no such path")
    if call.method != route.method:
        allow = (("allow", route.method),)  # RFC 9110, 15.5.6
        return refusal("PLR212", f"this path takes `{route.method}`", allow)
    thread = service.store_thread
    if not route.store or thread is None:
        return _guarded(service, call, lambda: route.handler(service, call))
    work = thread.run(
        lambda: _guarded(service, call, lambda: route.handler(service, call)), service.is_person(call.caller)
    )
    return PendingReply(work, work.result)


def _guarded(service: PolicyService, call: HttpCall, answer: Callable[[], Answered]) -> Answered:
    """What `answer` gives, and what comes of it later: whatever goes wrong is a refusal."""
    found = guarded(service.recorder, call, answer)
    if isinstance(found, PendingReply):
        made = found.make
        return PendingReply(found.work, lambda: _guarded(service, call, made))
    return found
