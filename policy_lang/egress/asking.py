"""People, asked through a service about a call that waits."""

from __future__ import annotations

from time import monotonic

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.faults import PolicyLangError
from ..domain.limits import limit
from ..domain.serialize import request_json
from .port import Ruling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.request import Request
    from ..pep.deciders import ServiceDecider
    from ..pep.questions import HookQuestion

_SECONDS = limit("call_seconds")
_BOUND = ("agent", "session", "lexical")
"""Fields that the session says itself, or that the service must look at the disk for."""


class ServiceAsker:
    """Asks the people of a service; what they say counts for one call. `wait` is how many seconds they have."""

    def __init__(self, decider: ServiceDecider, wait: int) -> None:
        self._decider = decider
        self._wait = wait

    def asked(self, request: Request) -> Ruling:
        """What came of it. Whatever goes wrong denies."""
        from ..pep.questions import HookQuestion

        fields = {k: v for k, v in request_json(request).items() if k not in _BOUND}
        action, resource = str(fields.pop("action")), fields.pop("resource")
        question = HookQuestion(action, tuple(resource) if isinstance(resource, list) else str(resource))
        try:
            return decided(self._decider, question, fields, self._wait)
        except PolicyLangError as error:
            return Ruling(DENY, str(error))


def decided(decider: ServiceDecider, question: HookQuestion, fields: dict[str, object], wait: int) -> Ruling:
    """What the service decides; people have `wait` seconds where they are asked. Raises ChannelError, RefusedError."""
    until = monotonic() + wait
    approved = False
    found = decider.decide([question], fields, monotonic() + _SECONDS)
    if found.effect == ASK and found.ticket:
        state = decider.settled(found.ticket, until)
        if state != "approved":
            tiers = ", ".join(f"`{tier}`" for tier in found.tiers)
            said = f"the ticket is {state}" if state else f"nobody has approved it within {wait} s"
            reason = f"{'; '.join(found.reasons[:1])}; {tiers} was asked (ticket {found.ticket}), and {said}"
            return Ruling(DENY, reason, ticket=found.ticket, tiers=found.tiers)
        approved = True
        found = decider.decide([question], fields, monotonic() + _SECONDS)
    reason = "; ".join(found.reasons[:2])
    if found.effect == ASK:
        reason += "; nobody can be asked here"
    return Ruling(ALLOW if found.effect == ALLOW else DENY, reason, approved=approved)
