"""Two ways to an answer: the service, or a compiled policy in this very process. Never one after the other.

Behind walls there is one: the launcher that has built them, which speaks as the service does.
"""

from __future__ import annotations

import os

from ..domain import strict_json
from ..domain.actions import DENY
from .questions import HookQuestion, Outcome, RefusedError, combined, outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..compiled.reader import Contents
    from ..domain.decision import Decision
    from ..domain.request import Request
    from ..engine.pdp import Engine

_WAIT = 30  # limit: hook_poll_seconds
"""Seconds for one call that waits; then it is asked again."""
WALLS_FOLDER = "/run/policy_lang"
WALLS_SOCKET = f"{WALLS_FOLDER}/walls.sock"
"""Where a launcher listens within its walls, in a folder that is a file system of its own there."""
_KIND, _SOCKET, _OTHERS_WRITE = 0o170000, 0o140000, 0o022
"""Parts of a file's mode (inode(7)); `stat` would have to be imported."""


def behind_walls() -> bool:
    """Whether a launcher listens here. Raises RefusedError for a socket in its place that cannot be a launcher's.

    /run is root's, so no agent makes the folder, unless it runs as root without walls. What such a one makes lies in
    /run itself: it is no file system of its own.
    """
    try:
        found = os.lstat(WALLS_SOCKET)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        if isinstance(error, PermissionError) and not _own_file_system(os.lstat(WALLS_FOLDER)):
            return False  # some service's own folder
        raise RefusedError(f"what lies at `{WALLS_SOCKET}` cannot be looked at: {error.strerror}") from None
    folder = os.lstat(WALLS_FOLDER)
    if found.st_mode & _KIND != _SOCKET:
        why = "it is no socket"
    elif not _own_file_system(folder):
        why = "its folder is no file system of its own"
    elif folder.st_uid not in {0, os.geteuid()}:
        why = f"its folder belongs to the user {folder.st_uid}"
    elif folder.st_mode & _OTHERS_WRITE:
        why = "others can write its folder"
    else:
        return True
    raise RefusedError(f"what lies at `{WALLS_SOCKET}` is not the launcher's: {why}")


def _own_file_system(folder: os.stat_result) -> bool:
    """Whether the folder, a link not followed, is on another file system than what holds it."""
    return folder.st_dev != os.stat("/run").st_dev


class ServiceDecider:
    """Asks the service. `owners` are the users that it may run as."""

    def __init__(self, path: str, token: str, owners: frozenset[int]) -> None:
        self.path = path
        self.token = token
        self.owners = owners

    def decide(self, questions: list[HookQuestion], common: dict[str, object], deadline: float) -> Outcome:
        """The strictest answer. Raises ChannelError or RefusedError."""
        from .channel import exchange

        requests = [{**common, **q.fields} for q in questions]
        body = strict_json.dump({"requests": requests, "together": True, "advise": True})
        status, data = exchange(self.path, "POST", "/v1/decide/batch", body, deadline, self.token, self.owners)
        reply = strict_json.load(data)
        if status != 200:
            raise RefusedError(_fault(reply) or f"the service answered with the status {status}")
        answers = reply.get("decisions") if isinstance(reply, dict) and set(reply) == {"decisions"} else None
        if not isinstance(answers, list) or len(answers) != len(questions):
            raise RefusedError("the service answered something else")
        for answer in answers:
            fault = _fault(answer)
            if fault:
                raise RefusedError(fault)
        return combined([outcome(q, a) for q, a in zip(questions, answers, strict=True)])

    def settled(self, ticket: str, until: float) -> str:
        """Wait for what becomes of a ticket; empty when nobody has answered by then. Raises ChannelError.

        `until` is a point of `time.monotonic`.
        """
        from time import monotonic

        from .channel import exchange

        while (left := until - monotonic()) > 0:
            seconds = max(1, min(_WAIT, int(left)))
            route = f"/v1/approvals/{ticket}?wait={seconds}"
            status, data = exchange(self.path, "GET", route, b"", monotonic() + seconds + 2, self.token, self.owners)
            reply = strict_json.load(data)
            state = reply.get("state") if status == 200 and isinstance(reply, dict) else None
            if not isinstance(state, str):
                raise RefusedError(_fault(reply) or f"the service answered with the status {status}")
            if state not in {"pending", "escalated"}:
                return state
        return ""


def _fault(reply: object) -> str:
    error = reply.get("error") if isinstance(reply, dict) else None
    return f"{error.get('code')}: {error.get('message')}" if isinstance(error, dict) else ""


class CompiledDecider:
    """Decides by a compiled policy. With `held` it only observes: those rules and the protected floor hold even so."""

    def __init__(self, path: str, log: str = "", held: frozenset[str] | None = None) -> None:
        self.path = path
        self.log = log
        self.held = held

    def decide(self, questions: list[HookQuestion], common: dict[str, object], deadline: float) -> Outcome:
        """The strictest answer. Raises PolicyError for a file that is refused.

        With a log the answers are on the disk when this returns, or they are denials. Whatever is not allowed says as
        well that the sources have changed, when they have.
        """
        from time import monotonic, time

        from .._version import __version__
        from ..compiled.opened import open_compiled, stale_note
        from ..domain.request import Request
        from ..engine.pdp import Engine

        contents = open_compiled(self.path, __version__)
        engine = Engine(contents.prepared, profiles=contents.profile)
        now = time() if engine.timed else None
        requests = [Request(**{**common, **q.fields, "now": now}) for q in questions]  # type: ignore[arg-type]
        note = stale_note(self.path, contents)
        decide = engine.decide if self.held is None else self._observing(engine, contents)
        if not self.log:
            decisions = [decide(r) for r in requests]
        else:
            from ..audit.log import DecisionLog
            from ..audit.recorder import commit, watched

            source: dict[str, object] = {"by": "hook", "pid": os.getpid(), "uid": os.geteuid()}
            if note:
                source["stale"] = True
            found = [watched(decide, request, source) for request in requests]
            commit(DecisionLog(self.log), found)
            decisions = [one.decision for one in found]
        made = combined([_outcome(q, d) for q, d in zip(questions, decisions, strict=True)])
        if note:
            made.reasons = (*made.reasons[:4], note)  # five are shown
        if made.effect == DENY and monotonic() < deadline:
            from ..engine.nearest import advice

            made.advice = advice(engine, requests, decisions)
        return made

    def _observing(self, engine: Engine, contents: Contents) -> Callable[[Request], Decision]:
        """Decisions where the policy is observed. Raises RefusedError when it has not a rule that should hold."""
        from ..domain.observe import observed

        held = self.held or frozenset()
        for name in held:
            if not contents.has_rules(name):
                raise RefusedError(f"`--hold {name}`: the policy has no such rule")
        return lambda request: observed(engine.decide(request), held)


def _outcome(question: HookQuestion, decision: object) -> Outcome:
    from ..domain.decision import Decision
    from ..domain.serialize import decision_json

    assert isinstance(decision, Decision)
    return outcome(question, decision_json(decision))
