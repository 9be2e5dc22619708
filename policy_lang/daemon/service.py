"""What the service answers: a call and its caller to a reply. Pure but for the policy's own look at the disk."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..approvals.store import StoreUnavailableError
from ..audit.event import happening
from ..audit.log import DecisionLog, LogUnavailableError
from ..audit.recorder import Decided, Pending, all_watched, commit, observed
from ..domain.codes import PAGES
from ..domain.decision import Answer, Decision, Verdict
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.request import Request
from ..domain.serialize import decision_json
from ..wire import authzen
from ..wire.decisions import explanation_json
from ..wire.requests import json_object, parse_request, request_of, validated
from ..wire.service import BatchModel, EscalationModel, NamedModel, PrincipalModel, QuestionModel, SessionModel
from .active import ActivePolicy, Loaded
from .approving import Approvals, InForce
from .metrics import Metrics
from .principals import ANY, Binding, Caller, Principals, bind
from .state import AGENT, SESSION, Frozen, State

Json = dict[str, Any]


@dataclass(slots=True)
class Call:
    """One HTTP call."""

    method: str
    path: str
    body: bytes
    caller: Caller
    query: str = ""
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    """By their names in small letters."""


@dataclass(slots=True)
class Reply:
    """What is sent back."""

    status: int
    body: bytes
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A reply that is made once its records are on the disk: what they say may have become a denial until then."""

    make: Callable[[], Reply]


@dataclass(frozen=True, slots=True)
class Later:
    """A reply that waits for somebody: `look` gives it when it is there, or, when told that it is the last time, so."""

    look: Callable[[bool], Answered | None]
    seconds: float


_LONGEST = limit("wait_milliseconds") / 1000
"""Seconds for all questions of one call; others wait behind it."""


def in_time(deadline: float) -> None:
    """Raises RequestError when a call with many questions has taken its time.

    Time is the processor's: on a busy machine a call is not refused for having waited.
    """
    if time.process_time() > deadline:
        raise RequestError("PLR216", "the questions before this one took the call's time; ask again, with fewer")


Answered = Reply | Held | Later
_PID = os.getpid()
_encode = json.JSONEncoder(separators=(",", ":")).encode


def reply(value: Json | list[Json], status: int = 200) -> Reply:
    """A JSON reply; ASCII, so that no terminal or log is deceived by it."""
    return Reply(status, _encode(value).encode("ascii"))


def refusal(code: str, message: str, status: int | None = None) -> Reply:
    """A reply that answers no; it says `deny` for whoever looks only there.

    Its status is that of the code's page, unless HTTP has a more exact one for this case.
    """
    body: Json = {"error": {"code": code, "message": message}, "effect": "deny"}
    return reply(body, PAGES[code].status if status is None else status)


@dataclass(slots=True)
class Service:
    """The routes. `log` takes an event's name and its fields. With `records` every decision is recorded.

    `waiting` is called when something waits to be recorded.
    """

    active: ActivePolicy
    principals: Principals
    state: State
    metrics: Metrics = field(default_factory=Metrics)
    log: Callable[..., None] = lambda *_, **__: None
    gauges: Callable[[], dict[str, float]] = dict
    reload: Callable[[], None] = lambda: None
    description: bytes = b"{}"
    records: DecisionLog | None = None
    waiting: Callable[[], None] = lambda: None
    look_again: Callable[[], None] = lambda: None
    """Called, from any thread, when those who wait may be answered."""
    approvals: Approvals | None = None
    console: Callable[[Call], Reply] | None = None
    """Gives a person a link to the console, where there is one."""
    _pending: list[Pending] = field(default_factory=list)

    def answered(self, call: Call, answer: Callable[[], Answered]) -> Answered:
        """What a route answers. Never raises: whatever goes wrong is a refusal."""
        try:
            return answer()
        except StoreUnavailableError as error:
            return refusal("PLR237", f"approvals cannot be kept: {error}")
        except RequestError as error:
            if PAGES[error.code].recorded:
                self.tell("refused", path=call.path, code=error.code, why=error.message, uid=call.caller.uid)
            return refusal(error.code, error.message)
        except Exception as error:  # noqa: BLE001 (fail closed)
            self.log("internal-error", kind=type(error).__name__)
            return refusal("PLI001", f"internal error: {type(error).__name__}")

    # records

    def tell(self, event: str, **fields: object) -> None:
        """Something has happened: it goes to the service's own log, and into the records."""
        self.log(event, **fields)
        if self.records is not None:
            self._pending.append(Pending(happening(event, **fields)))
            self.waiting()

    def told_first(self, event: str, **fields: object) -> None:
        """Something is about to happen that must not go unrecorded. Raises RequestError when it cannot be recorded."""
        self.tell(event, **fields)
        why = self.commit()
        if why:
            raise RequestError("PLR217", why)

    def commit(self) -> str:
        """Write what waits. Why that failed, or nothing; when it failed, its decisions have become denials."""
        pending, self._pending = self._pending, []
        if self.records is None or not pending:
            return ""
        began = time.perf_counter()
        why = commit(self.records, pending)
        self.metrics.recorded(len(pending), time.perf_counter() - began, bool(why))
        return why

    def checkpoint(self) -> None:
        """Sign what was recorded since the last time. Failing to is no fault of a decision."""
        if self.records is not None:
            with suppress(LogUnavailableError):
                self.records.checkpoint()

    def close(self) -> None:
        """The service ends: sign the last of the log."""
        self.checkpoint()
        if self.records is not None:
            self.records.close()

    def held(self, make: Callable[[], Reply]) -> Reply | Held:
        """A reply with decisions in it."""
        return make() if self.records is None else Held(make)

    # decisions

    def decided(self, requests: list[Request], caller: Caller) -> list[Decided]:
        """Decisions on one thing to do, whose principal is the caller. Raises RequestError for what is not.

        What they are is known when they are recorded: a reply reads them then.
        """
        binding = self.principals.binding(caller)
        requests = [bind(r, binding) for r in requests]
        first = requests[0]
        if any((r.agent, r.session) != (first.agent, first.session) for r in requests):
            raise RequestError("PLR106", "what is done together is done by one agent in one session")
        frozen = self.state.why_frozen(first.agent, first.session)
        if frozen is None and self.active.current is not None:
            requests = [self.active.current.policy.timed(r) for r in requests]
        if self.records is None:
            return [Decided(d, {}) for d in self._decided(requests, binding, frozen, caller)]
        source: Json = {"by": "service", "pid": _PID, "uid": caller.uid}
        if frozen is not None:
            source["frozen"] = frozen.kind  # no policy's decision: a replay leaves it out
        found = all_watched(lambda asked: self._decided(asked, binding, frozen, caller), requests, source)
        self._pending += found
        self.waiting()
        return found

    def _decided(
        self, requests: list[Request], binding: Binding | None, frozen: Frozen | None, caller: Caller
    ) -> list[Decision]:
        loaded = self.active.current
        if loaded is None:
            why = "no policy is in force: " + (self.active.error or "none was loaded")
            decisions = [_denied(r, "", why) for r in requests]
        elif frozen is not None:
            why = f"the {frozen.kind} is frozen by {frozen.by}: {frozen.why}"
            decisions = [_denied(r, loaded.policy.digest, why) for r in requests]
        else:
            if self.approvals is not None:
                requests = [observed(r) for r in requests]  # what is approved are these files
            decisions = [loaded.policy.decide_request(r) for r in requests]
            effects = {d.effect for d in decisions}
            if self.approvals is not None and "ask" in effects and "deny" not in effects:
                decisions = self.approvals.decided(requests, decisions, in_force(loaded), caller.seen)
        self._count(requests, decisions, binding, loaded if frozen is None else None)
        return decisions

    def _count(
        self, requests: list[Request], decisions: list[Decision], binding: Binding | None, loaded: Loaded | None
    ) -> None:
        rules = loaded.policy.engine.prepared.freezes if loaded is not None else ()
        for request, decision in zip(requests, decisions, strict=True):
            self.metrics.decisions[decision.effect] += 1
            proved = request.session if binding is not None and binding.session is not None else None
            before = len(self.state.frozen)
            self.state.count(request.agent, proved, decision.effect, rules, time.time(), time.monotonic())
            if len(self.state.frozen) != before:
                self.tell("frozen", agent=request.agent, session=proved, by="a rule of the policy")

    def decide(self, call: Call) -> Reply | Held:
        """One request, one decision."""
        request = parse_request(call.body)
        (one,) = self.decided([request], call.caller)
        return self.held(lambda: reply(_told(one, request.id)))

    def batch(self, call: Call) -> Reply | Held:
        """Several requests; one that is malformed is answered by an error in its place, unless they are `together`."""
        out: list[Callable[[], Json]] = []
        deadline = time.process_time() + _LONGEST
        model = validated(BatchModel, json_object(call.body, limit("batch_bytes")))
        if model.together:
            requests = [request_of(value) for value in model.requests]
            found = self.decided(requests, call.caller)
            out += [partial(_told, one, r.id) for r, one in zip(requests, found, strict=True)]
            return self.held(lambda: reply({"decisions": [one() for one in out]}))
        for value in model.requests:
            try:
                in_time(deadline)
                request = request_of(value)
                out.append(partial(_told, self.decided([request], call.caller)[0], request.id))
            except RequestError as error:
                fault = {"error": {"code": error.code, "message": error.message}, "effect": "deny"}
                out.append(partial(dict, fault))
        return self.held(lambda: reply({"decisions": [one() for one in out]}))

    def explain(self, call: Call) -> Reply:
        """One request, its decision, and what every rule about the action said."""
        request = bind(parse_request(call.body), self.principals.binding(call.caller))
        loaded = self.loaded()
        return reply(explanation_json(loaded.policy.explain(request)))

    def evaluation(self, call: Call) -> Reply | Held:
        """AuthZEN: one question."""
        answer = self._evaluated(authzen.parse_evaluation(call.body), call.caller)
        return self.held(lambda: reply(answer()))

    def evaluations(self, call: Call) -> Reply | Held:
        """AuthZEN: several questions."""
        parsed = authzen.parse_evaluations(call.body)
        if isinstance(parsed, authzen.EvaluationModel):
            answer = self._evaluated(parsed, call.caller)
            return self.held(lambda: reply(answer()))
        models, semantic = parsed
        stop = {"deny_on_first_deny": False, "permit_on_first_permit": True}.get(semantic)
        out: list[Callable[[], Json]] = []
        deadline = time.process_time() + _LONGEST
        for model in models:
            in_time(deadline)
            out.append(self._evaluated(model, call.caller))
            if out[-1]()["decision"] is stop:
                break
        return self.held(lambda: reply({"evaluations": [one() for one in out]}))

    def _evaluated(self, model: authzen.EvaluationModel, caller: Caller) -> Callable[[], Json]:
        try:
            request = authzen.evaluation_request(model)
        except RequestError as error:
            return partial(authzen.refusal_json, error)
        (one,) = self.decided([request], caller)
        return lambda: authzen.answer_json(one.decision)

    # what is known

    def policy(self, call: Call) -> Reply:
        """What is in force, and whether the files say something newer that cannot be."""
        self.known(call.caller)
        loaded = self.active.current
        out: Json = {"path": self.active.path, "ready": loaded is not None, "error": self.active.error or None}
        if loaded is not None:
            prepared = loaded.contents.prepared
            out |= {
                "name": loaded.contents.name, "digest": prepared.digest, "since": loaded.since,
                "layers": [{"name": name, "guardrail": guardrail} for name, guardrail in prepared.layers],
                "tiers": list(prepared.tiers), "sources": [path for path, _ in loaded.contents.sources],
                "freezes": [{"denials": f.denials, "seconds": f.seconds} for f in prepared.freezes],
            }  # fmt: skip
        return reply(out)

    def health(self, call: Call) -> Reply:  # noqa: ARG002
        """The process answers."""
        return reply({"status": "ok"})

    def ready(self, call: Call) -> Reply:  # noqa: ARG002
        """A policy is in force."""
        ready = self.active.current is not None
        return reply({"status": "ready" if ready else "no policy"}, 200 if ready else 503)

    def numbers(self, call: Call) -> Reply:
        """Counters for Prometheus."""
        self.known(call.caller)
        loaded = self.active.current
        gauges = {
            **self.gauges(), "sessions": len(self.state.sessions), "frozen": len(self.state.frozen),
            "escalations": len(self.state.escalations), "policy_stale": bool(self.active.error and loaded),
        }  # fmt: skip
        digest = "" if loaded is None else loaded.policy.digest
        text = self.metrics.text(gauges, self.active.loads, digest)
        return Reply(200, text.encode("ascii", "replace"), "text/plain; version=0.0.4")

    def interface(self, call: Call) -> Reply:  # noqa: ARG002
        """The OpenAPI document."""
        return Reply(200, self.description)

    def metadata(self, call: Call) -> Reply:  # noqa: ARG002
        """AuthZEN: where its questions are taken."""
        base = "http://localhost"
        return reply(
            {
                "policy_decision_point": base,
                "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
                "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
            }
        )

    # sessions and steering

    def start_session(self, call: Call) -> Reply:
        """An operator begins a session; whoever shows its token is that agent, in that session."""
        self.operator(call.caller)
        model = validated(SessionModel, json_object(call.body))
        if model.agent == ANY:
            raise RequestError("PLR106", "a session is one agent's")
        self.told_first("session-starting", agent=model.agent, session=model.session)
        session = self.state.start(model.agent, time.time(), model.session)
        self.principals.sessions[session.token] = Binding(
            (model.agent,), token=session.token, repo=model.repo, workspace=model.workspace, home=model.home,
            context=tuple(sorted(model.context.items())), session=session.id,
        )  # fmt: skip
        self.tell("session-started", agent=model.agent, session=session.id)
        return reply({"session": session.id, "agent": session.agent, "token": session.token}, 201)

    def end_session(self, call: Call) -> Reply:
        """An operator ends a session, or the session itself does."""
        name = validated(NamedModel, json_object(call.body)).session
        binding = self.principals.binding(call.caller)
        if binding is None or binding.session != name:
            self.operator(call.caller)
        self.forget(self.state.end(name).token)
        self.tell("session-ended", session=name)
        return reply({"session": name})

    def forget(self, token: str) -> None:
        """A token that is worth nothing any more."""
        self.principals.sessions.pop(token, None)

    def list_state(self, call: Call) -> Reply:
        """Sessions, counts, what is frozen, and open questions."""
        self.operator(call.caller)
        state = self.state
        return reply(
            {
                "sessions": [
                    {"session": s.id, "agent": s.agent, "started": s.started, "seen": s.seen, "decisions": s.counts}
                    for s in state.sessions.values()
                ],
                "agents": [{"agent": name, "decisions": counts} for name, counts in state.agents.items()],
                "frozen": [
                    {f.kind: f.name, "reason": f.why, "by": f.by, "since": f.since} for f in state.frozen.values()
                ],
                "escalations": [
                    {
                        "escalation": e.id,
                        "agent": e.agent,
                        "session": e.session,
                        "question": e.question,
                        "since": e.since,
                    }
                    for e in state.escalations.values()
                ],
            }
        )

    def freeze(self, call: Call) -> Reply:
        """An operator freezes an agent or session."""
        by = self.operator(call.caller)
        kind, name, why = _principal(call.body)
        frozen = self.state.freeze(kind, name, why or "no reason was given", by, time.time())
        self.tell("frozen", by=by, why=frozen.why, **{kind: name})
        return reply({kind: name, "reason": frozen.why, "by": frozen.by})

    def lift(self, call: Call) -> Reply:
        """An operator lifts a freeze."""
        by = self.operator(call.caller)
        kind, name, _ = _principal(call.body)
        self.told_first("lifting", by=by, **{kind: name})
        self.state.lift(kind, name)
        self.tell("lifted", by=by, **{kind: name})
        return reply({kind: name})

    def escalate(self, call: Call) -> Reply:
        """An agent asks a person."""
        model = validated(QuestionModel, json_object(call.body))
        request = Request("do", "escalate", agent=model.agent, session=model.session)
        request = bind(request, self.principals.binding(call.caller))
        made = self.state.escalate(request.agent or "", request.session, model.question, time.time())
        self.tell("escalation", agent=made.agent, session=made.session, escalation=made.id, question=made.question)
        return reply({"escalation": made.id}, 201)

    def settle(self, call: Call) -> Reply:
        """An operator takes a question off the list."""
        self.operator(call.caller)
        made = self.state.settle(validated(EscalationModel, json_object(call.body)).escalation)
        return reply({"escalation": made.id})

    def load_again(self, call: Call) -> Reply:
        """An operator asks for the files to be read again; `/v1/policy` tells how it went."""
        self.operator(call.caller)
        self.reload()
        return reply({"status": "loading"}, 202)

    # helpers

    def loaded(self) -> Loaded:
        """What is in force. Raises RequestError when nothing is."""
        if self.active.current is None:
            raise RequestError("PLR207", "no policy is in force")
        return self.active.current

    def operator(self, caller: Caller) -> str:
        """Who steers. Raises RequestError when the caller may not."""
        if not self.principals.operator(caller):
            raise RequestError("PLR206", "only an operator may do this")
        return "a token" if caller.token else f"user {caller.uid}"

    def known(self, caller: Caller) -> None:
        """Raises RequestError for a caller who has no business here."""
        if self.principals.binding(caller) is None and not self.principals.operator(caller):
            raise RequestError("PLR201", "no agent is bound to this caller; the configuration names who may ask")


def in_force(loaded: Loaded) -> InForce:
    """What tickets are measured by."""
    return InForce(loaded.policy.digest, loaded.policy.engine.prepared.tiers)


def _told(one: Decided, request_id: str | None) -> Json:
    return decision_json(one.decision, request_id)


def _denied(request: Request, digest: str, why: str) -> Decision:
    return Decision(Answer(Verdict("deny", reasons=(why,)), digest, request.action, request.resource, pure=False))


def _principal(body: bytes) -> tuple[str, str, str]:
    model = validated(PrincipalModel, json_object(body))
    if (model.agent is None) == (model.session is None):
        raise RequestError("PLR105", "name either an `agent` or a `session`")
    if model.agent is not None:
        return AGENT, model.agent, model.reason
    return SESSION, model.session or "", model.reason
