"""Sessions, counts, frozen principals and escalations. Pure: the clock is given, nothing is written here.

A principal is counted by its session when an operator started it (its token proves it), else by its agent: a session's
name in a request is the agent's own word, and a fresh one each time must not start a fresh count.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ..audit.redact import redacted
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.policy import FreezeRule

AGENT, SESSION = "agent", "session"
_MOST_COUNTS = 4 * limit("sessions")


@dataclass(slots=True)
class AgentSession:
    """One session: who, since when (seconds since the epoch), and what was decided in it.

    `confined` says that the agent is behind walls which hold the policy for all its processes.
    """

    id: str
    agent: str
    started: float
    seen: float
    token: str
    confined: bool = False
    counts: dict[str, int] = field(default_factory=lambda: {"allow": 0, "ask": 0, "deny": 0})


@dataclass(frozen=True, slots=True)
class Frozen:
    """A principal that everything is denied to. `kind` is `agent` or `session`."""

    kind: str
    name: str
    why: str
    by: str
    since: float


@dataclass(frozen=True, slots=True)
class Escalation:
    """A question that an agent has for a person."""

    id: str
    agent: str
    session: str | None
    question: str
    since: float


class ServiceState:
    """What the service knows of its principals. `changed` is called when what is frozen changes."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self.sessions: dict[str, AgentSession] = {}
        self.frozen: dict[tuple[str, str], Frozen] = {}
        self.escalations: dict[str, Escalation] = {}
        self.agents: dict[str, dict[str, int]] = {}
        self._denied: dict[tuple[str, str, int], deque[float]] = {}
        self._changed = changed

    # sessions

    def start(self, agent: str, now: float, name: str | None = None, confined: bool = False) -> AgentSession:
        """Begin a session. Raises RequestError when the name is taken or there are too many."""
        if len(self.sessions) >= limit("sessions"):
            raise RequestError("PLR204", f"more than {limit('sessions')} sessions at once")
        made = name if name is not None else secrets.token_hex(8)
        if made in self.sessions:
            raise RequestError("PLR205", "there is a session of this name already")
        self.sessions[made] = AgentSession(made, agent, now, now, secrets.token_hex(32), confined)
        return self.sessions[made]

    def end(self, name: str) -> AgentSession:
        """End a session: its token is worth nothing from now on. Raises RequestError for one that is not there."""
        found = self.sessions.pop(name, None)
        if found is None:
            raise RequestError("PLR205", "there is no session of this name")
        for key in [k for k in self._denied if k[:2] == (SESSION, name)]:
            del self._denied[key]
        return found

    def idle(self, now: float) -> list[AgentSession]:
        """End the sessions that have been idle for too long; a frozen one stays frozen."""
        return [self.end(s.id) for s in list(self.sessions.values()) if now - s.seen > limit("session_idle")]

    # decisions

    def why_frozen(self, agent: str | None, session: str | None) -> Frozen | None:
        """The freeze that holds for a principal, if one does."""
        if not self.frozen:
            return None
        return self.frozen.get((AGENT, agent or "")) or self.frozen.get((SESSION, session or ""))

    def count(
        self,
        agent: str | None,
        session: str | None,
        effect: str,
        rules: tuple[FreezeRule, ...],
        now: float,
        clock: float,
    ) -> None:
        """Note a decision, and freeze the principal when a rule says so. `clock` is monotonic, `now` is the date."""
        name = agent or ""
        counts = self.agents.get(name)
        if counts is None:
            if len(self.agents) >= limit("sessions"):
                self.agents.pop(next(iter(self.agents)))
            counts = self.agents[name] = {"allow": 0, "ask": 0, "deny": 0}
        counts[effect] += 1
        known = self.sessions.get(session) if session is not None else None
        if known is not None and known.agent == agent:
            known.seen = now
            known.counts[effect] += 1
        else:
            known = None
        if effect == "deny" and rules:
            self._denial((AGENT, name) if known is None else (SESSION, known.id), now, rules, clock)

    def _denial(self, who: tuple[str, str], now: float, rules: tuple[FreezeRule, ...], clock: float) -> None:
        for number, rule in enumerate(rules):
            times = self._denied.setdefault((*who, number), deque(maxlen=rule.denials))
            if len(self._denied) > _MOST_COUNTS:
                del self._denied[next(iter(self._denied))]
            times.append(clock)
            if len(times) == rule.denials and clock - times[0] <= rule.seconds:
                why = f"{rule.denials} denials within {rule.seconds} s ({rule.file}:{rule.line})"
                self.freeze(who[0], who[1], why, "a rule of the policy", now)

    # steering

    def freeze(self, kind: str, name: str, why: str, by: str, now: float) -> Frozen:
        """Deny everything to an agent or session until a person lifts it. Freezing twice keeps the first."""
        key = (kind, name)
        if key not in self.frozen:
            if len(self.frozen) >= limit("frozen"):
                raise RequestError("PLR204", f"more than {limit('frozen')} principals are frozen")
            self.frozen[key] = Frozen(kind, name, redacted(why), by, now)
            self._changed()  # when it cannot be written, the caller hears of it, and it is frozen all the same
        return self.frozen[key]

    def lift(self, kind: str, name: str) -> Frozen:
        """End a freeze. Raises RequestError when nothing of the name is frozen."""
        found = self.frozen.pop((kind, name), None)
        if found is None:
            raise RequestError("PLR205", f"no {kind} of this name is frozen")
        try:
            self._changed()
        except OSError:
            self.frozen[kind, name] = found  # it would be frozen again after a restart: then it is not lifted
            raise
        for key in [k for k in self._denied if k[:2] == (kind, name)]:
            del self._denied[key]
        return found

    def escalate(self, agent: str, session: str | None, question: str, now: float) -> Escalation:
        """Keep a question for a person, without secrets. Raises RequestError when an agent has too many open ones."""
        if sum(e.agent == agent for e in self.escalations.values()) >= limit("escalations"):
            raise RequestError("PLR204", f"more than {limit('escalations')} open questions of one agent")
        made = Escalation(secrets.token_hex(8), agent, session, redacted(question), now)
        self.escalations[made.id] = made
        return made

    def settle(self, name: str) -> Escalation:
        """Take a question off the list. Raises RequestError for one that is not there."""
        found = self.escalations.pop(name, None)
        if found is None:
            raise RequestError("PLR205", "there is no open question of this name")
        return found
