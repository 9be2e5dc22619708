"""The common part of the stores in SQL: the same statements, the same order of steps, one writer at a time."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from ..domain.limits import limit
from .rollback_mark import RollbackMark
from .sql_proposals import SqlProposals
from .store import ALL, Change, Rollback, StoreUnavailableError, TicketQuery, ticket_json, ticket_of
from .ticket import ESCALATED, PENDING, REVOKED, UNSETTLED, Ticket, parts_of

Run = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs one statement, its values in the places of `?`, and gives its rows."""
_HOUR = 3600.0
_MOST_AN_HOUR = limit("approvals_an_hour")
_KEPT = limit("approval_kept_days") * 86_400.0


class SqlStore(SqlProposals):
    """Tickets in the table `tickets`, proposals in `proposals`.

    The table `mark` holds the count that `mark` holds beside the data.
    """

    def __init__(self, mark: RollbackMark) -> None:
        self._mark = mark
        self.rollbacks: deque[Rollback] = deque()
        self.name = ""
        self.changes = 0

    @abstractmethod
    def _opened(self) -> Run:
        """Statements on a connection whose data is as new as it was."""

    @abstractmethod
    def _failing(self) -> AbstractContextManager[None]:
        """What goes wrong in it is raised as StoreUnavailableError."""

    @contextmanager
    def _reading(self) -> Iterator[Run]:
        """Statements that change nothing."""
        with self._failing():
            yield self._opened()

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Run]:
        """One transaction, with no other writer; it counts the change and notes the count before it is committed."""

    @abstractmethod
    def close(self) -> None:
        """See `Store`."""

    def hint(self, changed: Callable[[], None]) -> None:
        """See `Store`: nobody tells of others' changes here."""

    def add(self, ticket: Ticket, most: int) -> Ticket | None:
        """See `Store`."""
        with self._writing() as run:
            same = run(
                "select ticket from tickets where digest = ? and policy = ? and agent = ? and session = ? "
                "and state in (?, ?)",
                (*ticket.binding, PENDING, ESCALATED),
            )
            if same:
                known = _ticket(same[0][0])
                known = known.with_(times_asked=known.times_asked + 1)
                self._put(run, known)
                return known
            ((count,),) = run(
                "select count(*) from tickets where agent = ? and state in (?, ?)", (ticket.agent, PENDING, ESCALATED)
            )
            ((lately,),) = run(
                "select count(*) from tickets where agent = ? and created > ?", (ticket.agent, ticket.created - _HOUR)
            )
            if count >= most or lately >= _MOST_AN_HOUR * most:
                return None
            run("delete from tickets where created < ? and unreviewed = 0", (ticket.created - _KEPT,))
            self._put(run, ticket)
            return ticket

    def get(self, name: str) -> Ticket | None:
        """See `Store`."""
        with self._reading() as run:
            rows = run("select ticket from tickets where id = ?", (name,))
            return _ticket(rows[0][0]) if rows else None

    def change(self, name: str, change: Change) -> Ticket | None:
        """See `Store`."""
        with self._writing() as run:
            rows = run("select ticket from tickets where id = ?", (name,))
            if not rows:
                return None
            before = _ticket(rows[0][0])
            after = change(before)
            if after != before:
                self._put(run, after)
            return after

    def found(self, wanted: TicketQuery = ALL, most: int = limit("tickets_found"), after: int = 0) -> list[Ticket]:
        """See `Store`."""
        where, given = _where(wanted)
        query = f"select ticket from tickets{where} order by created desc, id limit ? offset ?"
        with self._reading() as run:
            return [_ticket(r[0]) for r in run(query, (*given, most, after))]

    def count(self, wanted: TicketQuery = ALL) -> int:
        """See `Store`."""
        where, given = _where(wanted)
        query = f"select count(*) from (select 1 as one from tickets{where} limit ?) as wanted"
        with self._reading() as run:
            ((count,),) = run(query, (*given, limit("tickets_counted")))
            return int(count)

    def _filled(self, run: Run) -> None:
        """Tickets of before there were these columns have them as well."""
        for (text,) in run("select ticket from tickets where words = ''", ()):
            ticket = _ticket(text)
            run("delete from tickets where id = ?", (ticket.id,))
            self._put(run, ticket)

    @staticmethod
    def _put(run: Run, ticket: Ticket) -> None:
        text = json.dumps(ticket_json(ticket), separators=(",", ":"))
        run(
            "insert into tickets (id, state, agent, session, digest, policy, what, created, unreviewed, ends, tiers, "
            "action, words, ticket) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set "
            "state = excluded.state, unreviewed = excluded.unreviewed, ends = excluded.ends, tiers = excluded.tiers, "
            "ticket = excluded.ticket",
            (
                ticket.id, ticket.state, ticket.agent, ticket.session, ticket.digest, ticket.policy, ticket.question_id,
                ticket.created, int(ticket.unreviewed), ticket.until, _joined(t.name for t in ticket.tiers),
                str(parts_of(ticket.request)[0].get("action", "")), ticket.search_text, text,
            ),
        )  # fmt: skip

    # the counter

    def compare(self, counted: int | None, by: str) -> None:
        """See `Store`."""
        if not self.changes or (counted is not None and counted <= self.changes):
            return
        says = f"{by} counts {counted} changes, and it has {self.changes}"
        with self._writing() as run:
            rollback = self._revoked(run, max(self.changes, counted or 0), by if counted is None else says)
        if rollback.revoked or (counted is not None and not self.rollbacks):
            self.rollbacks.append(rollback)  # where nothing was open, what is not known has done no harm

    def _counted(self, run: Run) -> int:
        """Count a change: how many there are when it is committed."""
        ((changes,),) = run("update mark set changes = changes + 1 returning changes", ())
        self._mark.note(changes)
        return int(changes)

    def _checked(self, run: Run) -> Rollback | None:
        """When the data is older than it was, or may be, nothing in it may be used: what was done about that.

        In a transaction, with no other writer; who commits it tells of it.
        """
        ((changes,),) = run("select changes from mark", ())
        self.changes = changes
        noted = self._mark.noted()
        if noted is None and changes:
            return self._revoked(run, changes, f"its counter `{self._mark.path}` is gone")
        if noted is not None and changes < noted:
            return self._revoked(run, noted, f"it has {changes} changes, and there were {noted}")
        if changes != noted:
            self._mark.note(changes)  # others' changes, or the first look at all: from now on the file must be there
        return None

    def _revoked(self, run: Run, changes: int, why: str) -> Rollback:
        """Take back all that is not over. From now on the data counts as newer than `changes`."""
        marks = ", ".join("?" * len(UNSETTLED))
        rows = run(f"select ticket from tickets where state in ({marks})", UNSETTLED)
        for (text,) in rows:
            self._put(
                run, _ticket(text).with_(state=REVOKED, why=f"the store was rolled back: {why}", by="the service")
            )
        proposed = self._proposals_ended(run, f"the store was rolled back: {why}")
        run("update mark set changes = ?", (changes + 1,))
        self._mark.note(changes + 1)
        self.changes = changes + 1
        return Rollback(why, len(rows) + proposed)


def _where(wanted: TicketQuery) -> tuple[str, list[Any]]:
    """A query as SQL, and its values."""
    where: list[str] = []
    given: list[Any] = []
    if wanted.states:
        where.append(f"state in ({', '.join('?' * len(wanted.states))})")
        given += wanted.states
    for condition, value in (
        ("agent = ?", wanted.agent), ("digest = ?", wanted.digest), ("what = ?", wanted.question_id),
        ("policy = ?", wanted.policy), ("policy <> ?", wanted.not_policy), ("created >= ?", wanted.since),
        ("ends <= ?", wanted.over_at), ("action = ?", wanted.action),
        ("tiers like ? escape '!'", wanted.tier and f"%{_plain(_joined((wanted.tier,)))}%"),
        *(("words like ? escape '!'", f"%{_plain(word.casefold())}%") for word in wanted.words),
    ):  # fmt: skip
        if value:
            where.append(condition)
            given.append(value)
    if wanted.unreviewed:
        where.append("unreviewed = 1")
    return (f" where {' and '.join(where)}" if where else ""), given


def _joined(names: Iterable[str]) -> str:
    """Names in one column, each between marks."""
    return "".join(f",{name}," for name in names)


def _plain(text: str) -> str:
    """A text that stands for itself in `like`, whose mark is `!`."""
    return text.replace("\0", "").replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _ticket(text: str) -> Ticket:
    return ticket_of(json.loads(text))


@contextmanager
def understood(place: str) -> Iterator[None]:
    """Rows that are not tickets mean a store that cannot be used. Raises StoreUnavailableError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreUnavailableError(f"`{place}` holds something that is not a ticket: {error}") from None
