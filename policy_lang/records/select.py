"""Selection of records: by agent, session, action, rule, effect, time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..domain.faults import CallerError
from ..domain.strict_json import Json
from .row import Row, let_pass, row, table, tables, text, texts

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class SelectionError(CallerError):
    """A time that cannot be read; the text says what is expected."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a record must be. Empty fields ask for nothing; times are as records say them: `since`, and before `until`.

    `would` asks for what was let pass although the policy said otherwise, because it was only observed.
    `rule` is the id of a rule, or `file:line`; `call` any id of the caller's: a tool call, prompt, turn, task or trace.
    """

    agent: str = ""
    session: str = ""
    action: str = ""
    rule: str = ""
    effect: str = ""
    resource: str = ""
    call: str = ""
    since: str = ""
    until: str = ""
    would: bool = False

    def rows(self, records: Iterable[Json]) -> Iterator[Row]:
        """The selected decisions."""
        return (row(r) for r in records if self.meant(r))

    def meant(self, record: Json) -> bool:
        """True for a decision that is meant."""
        if record.get("kind") != "decision":
            return False
        time = text(record.get("time"))
        if (self.since and time < self.since) or (self.until and time >= self.until):
            return False
        if self.effect and record.get("effect") != self.effect:
            return False
        if self.would and not let_pass(record):
            return False
        request = table(record.get("request"))
        if (self.agent and request.get("agent") != self.agent) or (
            self.session and request.get("session") != self.session
        ):
            return False
        if self.call and self.call not in table(request.get("origin")).values():
            return False
        effects = tables(record.get("effects"))
        if self.action and self.action not in {request.get("action"), *(e.get("action") for e in effects)}:
            return False
        if self.resource and not any(self.resource in _text(x.get("resource")) for x in (request, *effects)):
            return False
        return not self.rule or self._rule(record, effects)

    def _rule(self, record: Json, effects: list[Json]) -> bool:
        if any(self.rule in texts(e.get("rules")) for e in effects):
            return True
        for rule in tables(record.get("rules")):
            if self.rule in {rule.get("id"), f"{rule.get('file')}:{rule.get('line')}"}:
                return True
        return False


def _text(resource: object) -> str:
    if isinstance(resource, dict):
        resource = resource.get("pattern")
    return " ".join(texts(resource)) if isinstance(resource, list) else text(resource)


def instant(given: str, now: datetime | None = None) -> str:
    """A time as records say it: from `2026-11-21`, `2026-11-21T09:00`, with `Z` or an offset, or `90m` ago.

    Without an offset it is UTC. Raises SelectionError.
    """
    if not given:
        return ""
    if given[-1:] in _UNITS and given[:-1].isascii() and given[:-1].isdigit() and len(given) < 9:
        seconds = int(given[:-1]) * _UNITS[given[-1]]
        try:
            when = (now or datetime.now(UTC)) - timedelta(seconds=seconds)
        except OverflowError:
            when = datetime(1970, 1, 1, tzinfo=UTC)
    else:
        try:
            when = datetime.fromisoformat(given)
        except ValueError:
            raise SelectionError(
                f"`{given[:40]}` is not a valid time: write `2026-11-21`, `2026-11-21T09:00Z`, or an age: `90m`, `7d`"
            ) from None
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
