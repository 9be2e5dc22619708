"""Two ways to an answer: the service, or a compiled policy in this very process. Never one after the other."""

from __future__ import annotations

from . import strictly
from .questions import Outcome, Question, RefusedError, outcome, strictest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .questions import Question as Asked


class Service:
    """Asks the service. `owners` are the users that it may run as."""

    def __init__(self, path: str, token: str, owners: frozenset[int]) -> None:
        self.path = path
        self.token = token
        self.owners = owners

    def decide(self, questions: list[Asked], common: dict[str, object], deadline: float) -> Outcome:
        """The strictest answer. Raises ChannelError or RefusedError."""
        from .channel import exchange

        requests = [{**common, **q.fields} for q in questions]
        body = strictly.dump({"requests": requests})
        status, data = exchange(self.path, "POST", "/v1/decide/batch", body, deadline, self.token, self.owners)
        reply = strictly.load(data)
        if status != 200:
            raise RefusedError(_fault(reply) or f"the service answered with the status {status}")
        answers = reply.get("decisions") if isinstance(reply, dict) and set(reply) == {"decisions"} else None
        if not isinstance(answers, list) or len(answers) != len(questions):
            raise RefusedError("the service answered something else")
        for answer in answers:
            fault = _fault(answer)
            if fault:
                raise RefusedError(fault)
        return strictest([outcome(q, a) for q, a in zip(questions, answers, strict=True)])


def _fault(reply: object) -> str:
    error = reply.get("error") if isinstance(reply, dict) else None
    return f"{error.get('code')}: {error.get('message')}" if isinstance(error, dict) else ""


class Compiled:
    """Decides by a compiled policy."""

    def __init__(self, path: str) -> None:
        self.path = path

    def decide(self, questions: list[Asked], common: dict[str, object], deadline: float) -> Outcome:  # noqa: ARG002
        """The strictest answer. Raises PolicyError for a file that is refused."""
        from time import time

        from .._version import __version__
        from ..compiled.opened import open_compiled
        from ..domain.request import Request
        from ..engine.engine import Engine

        contents = open_compiled(self.path, __version__)
        engine = Engine(contents.prepared, profiles=contents.profile)
        out: list[Outcome] = []
        for question in questions:
            request = Request(**{**common, **question.fields})  # type: ignore[arg-type]
            if engine.timed:
                request.now = time()
            out.append(_outcome(question, engine.decide(request)))
        return strictest(out)


def _outcome(question: Question, decision: object) -> Outcome:
    from ..domain.decision import Decision

    assert isinstance(decision, Decision)
    effects = [
        {"action": e.action, "resource": e.resource, "effect": e.verdict.effect, "tiers": list(e.verdict.tiers)}
        for e in decision.effects
    ]
    value = {
        "effect": decision.effect, "tiers": list(decision.tiers), "rules": [], "reasons": list(decision.reasons),
        "effects": effects, "opaque": list(decision.opaque), "obligations": list(decision.obligations),
        "policy_digest": decision.policy_digest, "decision_id": "",
    }  # fmt: skip
    return outcome(question, value)
