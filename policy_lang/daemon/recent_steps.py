"""The latest steps of each agent: what it asked and what was decided, for people who are to answer the next question.

Kept as asked, for a while and in memory alone; whoever shows them takes secrets out as the decision log does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ..audit.redact import cleaned
from ..domain.decision import Decision
from ..domain.limits import limit
from ..domain.request import Request
from ..domain.strict_json import Json
from ..report.style import words

_MOST_TEXT = limit("step_characters")


@dataclass(slots=True)
class RecentSteps:
    """The steps, by agent; the agent that has done nothing for the longest time is forgotten first."""

    _of: dict[str, deque[Json]] = field(default_factory=dict)

    def note(self, request: Request, decision: Decision, now: float) -> None:
        """Something was decided."""
        agent = request.agent or ""
        found = self._of.pop(agent, None)
        if found is None:
            found = deque(maxlen=limit("steps_kept"))
            while len(self._of) >= limit("steps_agents"):
                del self._of[next(iter(self._of))]
        self._of[agent] = found
        what = request.resource if isinstance(request.resource, str) else words(request.resource)
        if len(what) > _MOST_TEXT:  # secrets go before it is cut: half of one is not recognised
            what = str(cleaned({"resource": what[: 2 * _MOST_TEXT]}).value["resource"])[:_MOST_TEXT]
        found.append(
            {"at": now, "session": request.session or "", "action": request.action, "resource": what,
             "effect": decision.effect}
        )  # fmt: skip

    def of(self, agent: str) -> list[Json]:
        """An agent's steps, the latest first, without secrets. From any thread."""
        steps = [dict(step) for step in reversed(list(self._of.get(agent, ())))]
        out: list[Json] = cleaned({"steps": steps}).value["steps"]
        for step in out:
            step["resource"] = str(step["resource"])[: limit("step_shown")]
        return out
