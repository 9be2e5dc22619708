"""The port to the engine: what one process behind the walls does, decided as any other request, and recorded."""

from __future__ import annotations

import threading

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.limits import limit
from ..domain.record import record, replace
from ..engine.memo import Memo
from ..engine.places import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from ..audit.log import DecisionLog
    from ..domain.decision import Decision
    from ..domain.request import Request
    from ..engine.places import TreePath
    from ..policy import Policy

    class Asker(Protocol):
        """Asks people, who may take their time."""

        def asked(self, request: Request) -> Ruling:
            """What came of asking: `allow` or `deny`. Waits until somebody answered or the time is over."""


@record(frozen=True, slots=True)
class Ruling:
    """What becomes of a call: the effect, and why. `request` is what people would be asked."""

    effect: str
    reason: str = ""
    request: Request | None = None

    @property
    def allowed(self) -> bool:
        """Whether it may happen without asking anybody."""
        return self.effect == ALLOW


FREE = Ruling(ALLOW, "the walls' own")
_GRANTED = Ruling(ALLOW)
_MOST_PLAIN = limit("path_segments")
"""Characters up to which a path has no more segments than a request may have."""


class DecisionPort:
    """Decides what processes behind the walls do, for one principal and its folders; safe between threads.

    `like` is the request that all others are like: confined, lexical, with workspace, home and folder for temporary
    files. With `log` nothing is allowed that is not recorded; the same access is recorded once. What people would be
    asked about is denied unless somebody asks them (`asks`). With `held` the policy is observed: nothing is stopped but
    what the protected floor and those rules deny, and nobody is confined.
    """

    def __init__(
        self, policy: Policy, like: Request, log: DecisionLog | None = None, held: frozenset[str] | None = None
    ) -> None:
        self._policy = policy
        self._like = replace(like, confined=held is None, lexical=True)
        self._held = held
        self._log = log
        self._asker: Asker | None = None
        self.ended = ""
        """Why nothing is allowed any more, once that is so: somebody has frozen the agent, or the service is gone."""
        self._known = Memo(limit("answers"))
        self._folders = Memo(limit("answers"))
        self._approved = Memo(limit("answers"))
        self._places: dict[str, Places] = {}
        self._lock = threading.Lock()
        self._timed = policy.engine.timed

    @staticmethod
    def _observing(decide: Callable[[Request], Decision], held: frozenset[str]) -> Callable[[Request], Decision]:
        from ..domain.observe import observed

        return lambda request: observed(decide(request), held)

    @property
    def observes(self) -> bool:
        """Whether the policy is only observed."""
        return self._held is not None

    @property
    def like(self) -> Request:
        """What every request is like."""
        return self._like

    def asks(self, asker: Asker) -> None:
        """Have people asked by somebody from now on."""
        self._asker = asker

    @property
    def log(self) -> DecisionLog | None:
        """Where decisions are recorded, if anywhere."""
        return self._log

    @property
    def policy(self) -> Policy:
        """The policy that decides."""
        return self._policy

    def path(self, action: str, path: str) -> Ruling:
        """The ruling on a file's real path."""
        if self.ended:
            return Ruling(DENY, self.ended)
        if self._log is None and not self._timed and len(path) <= _MOST_PLAIN:
            return self._placed(action, path)
        return self._remembered(action, path, self._policy.decide_request)

    def _placed(self, action: str, path: str) -> Ruling:
        """The same, by following the path's names from its folder on: nothing but the path can matter."""
        folder, _, name = path.rpartition("/")
        places = self.places(action)
        key = (action, folder)
        above: TreePath | None = self._folders.get(key)
        if above is None:
            above = places.at(folder)
            self._folders.keep(key, above)
        verdict = places.verdict(places.child(above, name) if name else above)
        if verdict.effect == ALLOW:
            return _GRANTED
        request = replace(self._like, action=action, resource=path) if verdict.effect == ASK else None
        return Ruling(verdict.effect, "; ".join(verdict.reasons[:2]), request)

    def command(self, words: tuple[str, ...], folder: str) -> Ruling:
        """The ruling on starting a program: what restricts its words holds; a grant is the hook's to ask for."""
        if self.ended:
            return Ruling(DENY, self.ended)
        return self._remembered(
            "run", words, lambda request: self._policy.engine.restricting(replace(request, cwd=folder)), folder
        )

    def named(self, action: str, name: str) -> Ruling:
        """The ruling on a name: a secret, an environment variable."""
        return self._remembered(action, name, self._policy.decide_request)

    def grants(self, action: str, name: str) -> bool:
        """Whether a name is granted. A grant is recorded; a refusal is not, since nobody asked for the name."""
        request = self._policy.timed(replace(self._like, action=action, resource=name))
        return self._policy.engine.decide(request).effect == ALLOW and self.named(action, name).effect == ALLOW

    def places(self, action: str) -> Places:
        """The paths of an action, to walk over."""
        if action not in self._places:
            self._places[action] = Places(self._policy.engine, action, self._policy.timed(self._like))
        return self._places[action]

    def connection(self, url: str, method: str | None, addresses: tuple[str, ...]) -> Ruling:
        """The ruling on a connection, people's answers included; it may wait for them."""
        if self.ended:
            return Ruling(DENY, self.ended)
        request = replace(self._like, action="connect", resource=url, method=method, resolved=addresses)
        ruling = self._decided(request, self._policy.decide_request)
        key = (url, method)
        if ruling.effect == ASK and addresses and self._approved.pop(key, None) is not None:
            return _GRANTED  # before its name was looked up, by a person
        settled = self.settled(ruling)
        if ruling.effect == ASK and settled.allowed and not addresses:
            self._approved.keep(key, True)
        return settled

    def local(self, number: int) -> Request:
        """A request to connect to a port of this machine."""
        return self._policy.timed(replace(self._like, action="connect", resource=f"localhost:{number}"))

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

    def _remembered(
        self, action: str, resource: str | tuple[str, ...], decide: Callable[[Request], Decision], folder: str = ""
    ) -> Ruling:
        key = (action, resource, folder)
        found: Ruling | None = None if self._timed else self._known.get(key)
        if found is None:
            found = self._decided(replace(self._like, action=action, resource=resource), decide)
            with self._lock:
                self._known.keep(key, found)
        return found

    def _decided(self, request: Request, decide: Callable[[Request], Decision]) -> Ruling:
        request = self._policy.timed(request)
        if self._held is not None:
            decide = self._observing(decide, self._held)
        if self._log is None:
            decision = decide(request)
        else:
            from ..audit.recorder import commit, watched

            decided = watched(decide, request, {"by": "walls"})
            commit(self._log, (decided,))
            decision = decided.decision
        return Ruling(decision.effect, "; ".join(decision.reasons[:2]), request)
