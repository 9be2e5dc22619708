"""Questions that go to deciders: commands, and what is only partly known, unless the answer is remembered.

Everything else is decided where it is asked: it takes microseconds, whatever it says.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

from ...audit.disk_snapshot import Recording
from ...audit.event import FoundRecord
from ...domain.actions import COMMAND, DENY, SORT_OF
from ...domain.decision import Answer, Decision, Verdict
from ...domain.record import replace
from ...domain.request import Request
from ...domain.strict_json import Json
from ...policy import Policy
from ..fairness import User
from .codec import answers_of, question_json
from .pool import Answered, DeciderPool, OverBudgetError

OUTDATED = "the policy was changed while this was decided; ask again"


@dataclass(frozen=True, slots=True)
class DeciderAnswer:
    """What a decider answered to a request, which has the disk as it was seen there."""

    request: Request
    decision: Decision
    record: FoundRecord | None = None


@dataclass(frozen=True)
class Consultation:
    """What deciders were asked: some requests of a call, by their places in it."""

    work: asyncio.Future[Answered]
    places: tuple[int, ...]
    requests: tuple[Request, ...]
    policy: Policy

    def outdated(self, policy: Policy) -> bool:
        """Whether they answered by another policy than this one."""
        answers = self.value.get("answers", ())
        return policy.digest != self.policy.digest or any(row[1] != policy.digest for row in answers)

    @property
    def seconds(self) -> float:
        """What it took of the processor's time, where it was done."""
        return 0.0 if self.work.exception() is not None else self.work.result().seconds

    @cached_property
    def value(self) -> Json:
        """All that was answered; empty when it was not in time."""
        found: Json = {} if self.work.exception() is not None else json.loads(self.work.result().data)
        return found

    def found(self, policy: Policy) -> dict[int, DeciderAnswer]:
        """The answers by their places: denials where they were not found in time, or by another policy."""
        fault = self.work.exception()
        if fault is None and not self.outdated(policy):
            value = self.value
            answers = answers_of(value, list(self.requests))
            for request, answer in zip(self.requests, answers, strict=True):
                self.policy.remember(request, answer)
            records = value.get("records") or [None] * len(answers)
            found = [
                _found(r, Decision(a), seen, record)
                for r, a, seen, record in zip(self.requests, answers, value["seen"], records, strict=True)
            ]
        elif fault is None or isinstance(fault, OverBudgetError):
            why = f"undecided within limits: {OUTDATED if fault is None else fault}"
            verdict = Verdict(DENY, reasons=(why,), undecided=True)
            found = [
                DeciderAnswer(r, Decision(Answer(verdict, policy.digest, r.action, r.resource, pure=False)))
                for r in self.requests
            ]
        else:
            raise fault
        return dict(zip(self.places, found, strict=True))


def _found(request: Request, decision: Decision, seen: Json | None, record: Json | None) -> DeciderAnswer:
    made = None if record is None else FoundRecord(record, decision)
    return DeciderAnswer(request if seen is None else replace(request, disk=Recording.of(seen)), decision, made)


@dataclass(frozen=True, slots=True)
class Notes:
    """What deciders note besides their answers: what the disk said (`watched`), and the records of the log."""

    watched: bool
    recorded: bool


def question(
    pool: DeciderPool, policy: Policy, requests: Mapping[int, Request], user: User, notes: Notes, advise: bool
) -> Consultation | None:
    """Ask deciders what belongs to them of a call's bound requests, by their places; None when nothing does.

    When they are to `advise` they get all of them.
    """
    long = {i: r for i, r in requests.items() if belongs(r) and policy.recalled(r) is None}
    if not long:
        return None
    given = requests if advise else long
    places, chosen = tuple(given), tuple(given.values())
    job: Json = {"requests": [question_json(r) for r in chosen], **asdict(notes), "advise": advise}
    return Consultation(pool.ask(user, job), places, chosen, policy)


def explanation(pool: DeciderPool, policy: Policy, request: Request, user: User, notes: Notes) -> Consultation:
    """Ask a decider for an explanation."""
    job: Json = {"requests": [question_json(request)], **asdict(notes), "explain": True}
    return Consultation(pool.ask(user, job), (0,), (request,), policy)


def belongs(request: Request) -> bool:
    """Whether a request may take long."""
    return request.pattern or SORT_OF.get(request.action) == COMMAND
