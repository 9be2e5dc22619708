"""The latest steps of each agent: what it asked and what was decided, for people who are to answer the next question.

Kept as asked, for a while and in memory; whoever shows them takes secrets out as the decision log does. A service that
starts anew goes on from that log.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

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
        what = request.resource if isinstance(request.resource, str) else words(request.resource)
        if len(what) > _MOST_TEXT:  # secrets go before it is cut: half of one is not recognised
            what = str(cleaned({"resource": what[: 2 * _MOST_TEXT]}).value["resource"])[:_MOST_TEXT]
        self._add(
            request.agent or "",
            {"at": now, "session": request.session or "", "action": request.action, "resource": what,
             "effect": decision.effect},
        )  # fmt: skip

    def restore(self, records: Iterable[Json]) -> None:
        """Go on from what the decision log has, the newest decisions first."""
        for record in reversed(list(islice(records, limit("steps_restored")))):
            request = record.get("request", {})
            resource = request.get("resource", "")
            if isinstance(resource, dict):
                resource = str(resource.get("pattern", ""))
            self._add(
                str(request.get("agent", "")),
                {
                    "at": datetime.fromisoformat(record["time"]).timestamp(),
                    "session": str(request.get("session", "")),
                    "action": str(request.get("action", "")),
                    "resource": (resource if isinstance(resource, str) else words(tuple(resource)))[:_MOST_TEXT],
                    "effect": str(record.get("effect", "")),
                },
            )

    def _add(self, agent: str, step: Json) -> None:
        found = self._of.pop(agent, None)
        if found is None:
            found = deque(maxlen=limit("steps_kept"))
            while len(self._of) >= limit("steps_agents"):
                del self._of[next(iter(self._of))]
        self._of[agent] = found
        found.append(step)

    def of(self, agent: str) -> list[Json]:
        """An agent's steps, the latest first, without secrets. From any thread."""
        steps = [dict(step) for step in reversed(list(self._of.get(agent, ())))]
        out: list[Json] = cleaned({"steps": steps}).value["steps"]
        for step in out:
            step["resource"] = str(step["resource"])[: limit("step_shown")]
        return out
