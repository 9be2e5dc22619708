"""The port to the engine: what one process behind the walls does, decided as any other request, and recorded."""

from __future__ import annotations

import threading

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.limits import limit
from ..domain.record import replace
from ..egress.port import GRANTED, ConnectionPort, Ruling
from ..engine.memo import Memo
from ..engine.places import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..audit.log import DecisionLog
    from ..domain.decision import Decision
    from ..domain.request import Request
    from ..engine.places import TreePath
    from ..policy import Policy

FREE = Ruling(ALLOW, "the walls' own")
_MOST_PLAIN = limit("path_segments")
"""Characters up to which a path has no more segments than a request may have."""


class DecisionPort(ConnectionPort):
    """Decides what processes behind the walls do, for one principal and its folders; safe between threads.

    The request that all others are `like` is made confined and lexical, and has workspace, home and folder for
    temporary files. The same access is recorded once. With `held` nobody is confined.
    """

    source = "walls"

    def __init__(
        self, policy: Policy, like: Request, log: DecisionLog | None = None, held: frozenset[str] | None = None
    ) -> None:
        super().__init__(policy, replace(like, confined=held is None, lexical=True), log, held)
        self._known = Memo(limit("answers"))
        self._folders = Memo(limit("answers"))
        self._places: dict[str, Places] = {}
        self._lock = threading.Lock()
        self._timed = policy.engine.timed

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
            return GRANTED
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

    def warm_up(self) -> None:
        """Load what the first decision about a program needs."""
        self._policy.decide_request(replace(self._like, action="run", resource=("true",)))

    def local(self, number: int) -> Request:
        """A request to connect to a port of this machine."""
        return self._policy.timed(replace(self._like, action="connect", resource=f"localhost:{number}"))

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
