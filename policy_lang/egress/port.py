"""The port to the engine: connections of one principal, decided as any other request, and recorded."""

from __future__ import annotations

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.limits import limit
from ..domain.record import record, replace
from ..engine.memo import Memo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from ..audit.log import DecisionLog
    from ..domain.decision import Decision
    from ..domain.request import Request
    from ..policy import Policy

    class Asker(Protocol):
        """Asks people, who may take their time."""

        def asked(self, request: Request) -> Ruling:
            """What came of asking: `allow` or `deny`. Waits until somebody answered or the time is over."""


@record(frozen=True, slots=True)
class Ruling:
    """What becomes of a call: the effect, and why. `request` is what people would be asked.

    `tiers` are those who were asked, by the `ticket`; `approved` is true where they have said yes.
    """

    effect: str
    reason: str = ""
    request: Request | None = None
    tiers: tuple[str, ...] = ()
    ticket: str = ""
    approved: bool = False

    @property
    def allowed(self) -> bool:
        """Whether it may happen without asking anybody."""
        return self.effect == ALLOW


GRANTED = Ruling(ALLOW)


class ConnectionPort:
    """Decides connections by a policy, for the principal of the request that all others are `like`.

    Safe between threads. With `log` nothing is allowed that is not recorded, as said by `source`. What people would be
    asked about is denied unless somebody asks them (`asks`). With `held` the policy is observed: nothing is stopped but
    what the protected floor and those rules deny.
    """

    source = "proxy"
    """Who decides, in records."""

    def __init__(
        self, policy: Policy, like: Request, log: DecisionLog | None = None, held: frozenset[str] | None = None
    ) -> None:
        self._policy = policy
        self._like = like
        self._held = held
        self._log = log
        self._asker: Asker | None = None
        self.ended = ""
        """Why nothing is allowed any more, once that is so: somebody has frozen the agent, or the service is gone."""
        self._approved = Memo(limit("answers"))

    @property
    def like(self) -> Request:
        """What every request is like."""
        return self._like

    @property
    def policy(self) -> Policy:
        """The policy that decides."""
        return self._policy

    @property
    def log(self) -> DecisionLog | None:
        """Where decisions are recorded, if anywhere."""
        return self._log

    @property
    def observes(self) -> bool:
        """Whether the policy is only observed."""
        return self._held is not None

    def asks(self, asker: Asker) -> None:
        """Have people asked by somebody from now on."""
        self._asker = asker

    def connection(self, url: str, method: str | None, addresses: tuple[str, ...]) -> Ruling:
        """The ruling on a connection, people's answers included; it may wait for them."""
        if self.ended:
            return Ruling(DENY, self.ended)
        request = replace(self._like, action="connect", resource=url, method=method, resolved=addresses)
        ruling = self._decided(request, self._policy.decide_request)
        key = (url, method)
        if ruling.effect == ASK and addresses and self._approved.pop(key, None) is not None:
            return GRANTED  # before its name was looked up, by a person
        settled = self.settled(ruling)
        if ruling.effect == ASK and settled.allowed and not addresses:
            self._approved.keep(key, True)
        return settled

    def asked(self, request: Request) -> Ruling:
        """The ruling on an action and resource of this principal, people's answers included; it may wait for them."""
        if self.ended:
            return Ruling(DENY, self.ended)
        one = replace(
            self._like,
            action=request.action,
            resource=request.resource,
            pattern=request.pattern,
            destination=request.destination,
        )
        return self.settled(self._decided(one, self._policy.decide_request))

    def at_once(self, url: str, method: str | None, addresses: tuple[str, ...]) -> Ruling | None:
        """The same where nobody has to be asked and nothing recorded; None otherwise."""
        if self._log is not None:
            return None
        if self.ended:
            return Ruling(DENY, self.ended)
        request = replace(self._like, action="connect", resource=url, method=method, resolved=addresses)
        ruling = self._decided(request, self._policy.decide_request)
        return None if ruling.effect == ASK else ruling

    def may_connect(self, url: str, method: str | None) -> bool:
        """Whether rules permit a connection, wherever its name leads. Nobody is asked, nothing recorded.

        A name that people are asked about is not looked up before they have answered: look-ups carry words out.
        """
        request = self._policy.timed(replace(self._like, action="connect", resource=url, method=method))
        return self._policy.engine.decide(request).effect == ALLOW

    def settled(self, ruling: Ruling) -> Ruling:
        """What comes of asking people about a ruling that is to be asked; it may wait."""
        if ruling.effect != ASK:
            return ruling
        if self._asker is None or ruling.request is None:
            return Ruling(DENY, f"{ruling.reason}; nobody can be asked here")
        return self._asker.asked(ruling.request)

    def _decided(self, request: Request, decide: Callable[[Request], Decision]) -> Ruling:
        request = self._policy.timed(request)
        if self._held is not None:
            decide = self._observing(decide, self._held)
        if self._log is None:
            decision = decide(request)
        else:
            from ..audit.recorder import commit, watched

            decided = watched(decide, request, {"by": self.source})
            commit(self._log, (decided,))
            decision = decided.decision
        return Ruling(decision.effect, "; ".join(decision.reasons[:2]), request)

    @staticmethod
    def _observing(decide: Callable[[Request], Decision], held: frozenset[str]) -> Callable[[Request], Decision]:
        from ..domain.observe import observed

        return lambda request: observed(decide(request), held)
