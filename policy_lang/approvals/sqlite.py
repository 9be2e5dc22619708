"""Tickets in a file: SQLite (sqlite.org), write-ahead log, every commit on the disk before it is answered for.

Whoever puts an older copy of the file in its place would bring approvals back that were used. So a counter of all
changes is kept beside the file as well; when the file is behind it, everything that is not over is revoked.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from .store import Change, StoreUnavailableError, ticket_json, ticket_of
from .ticket import APPROVED, ESCALATED, PENDING, REVOKED, Ticket

_MIGRATIONS = (
    """
    create table tickets (
        id text primary key, state text not null, agent text not null, session text not null, digest text not null,
        policy text not null, created real not null, ticket text not null
    ) strict;
    create index tickets_open on tickets (state, agent);
    create index tickets_same on tickets (digest, policy, agent, session, state);
    create table mark (changes integer not null) strict;
    insert into mark values (0);
    """,
)
"""Each takes the file from one version to the next; the version is SQLite's own `user_version`."""
_WAIT = 0.5
"""Seconds for another writer of the file; a service answers nobody meanwhile."""
_UNSETTLED = (PENDING, ESCALATED, APPROVED)


class SqliteStore:
    """Tickets in one file. Several processes may share it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self.rolled_back = 0
        """How many tickets were revoked because the file was an older one."""
        with self._failing():
            self._opened()

    def add(self, ticket: Ticket, most: int) -> Ticket | None:
        """See `Store`."""
        with self._writing() as connection:
            same = connection.execute(
                "select ticket from tickets where digest = ? and policy = ? and agent = ? and session = ? "
                "and state in (?, ?)",
                (*ticket.binds(), PENDING, ESCALATED),
            ).fetchone()
            if same is not None:
                known = ticket_of(json.loads(same[0]))
                known = known.with_(asked=known.asked + 1)
                self._put(connection, known)
                return known
            (count,) = connection.execute(
                "select count(*) from tickets where agent = ? and state in (?, ?)", (ticket.agent, PENDING, ESCALATED)
            ).fetchone()
            if count >= most:
                return None
            self._put(connection, ticket)
            return ticket

    def get(self, name: str) -> Ticket | None:
        """See `Store`."""
        with self._failing():
            row = self._opened().execute("select ticket from tickets where id = ?", (name,)).fetchone()
            return None if row is None else ticket_of(json.loads(row[0]))

    def change(self, name: str, change: Change) -> Ticket | None:
        """See `Store`."""
        with self._writing() as connection:
            row = connection.execute("select ticket from tickets where id = ?", (name,)).fetchone()
            if row is None:
                return None
            before = ticket_of(json.loads(row[0]))
            after = change(before)
            if after != before:
                self._put(connection, after)
            return after

    def found(self, states: tuple[str, ...] = (), agent: str = "", most: int = 100) -> list[Ticket]:
        """See `Store`."""
        marks = ", ".join("?" * len(states))
        where = [f"state in ({marks})"] if states else []
        where += ["agent = ?"] if agent else []
        query = "select ticket from tickets" + (f" where {' and '.join(where)}" if where else "")
        given = (*states, *((agent,) if agent else ()), most)
        with self._failing():
            rows = self._opened().execute(f"{query} order by created desc, id limit ?", given).fetchall()
            return [ticket_of(json.loads(r[0])) for r in rows]

    def close(self) -> None:
        """See `Store`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # one file

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        os.close(handle)
        connection = sqlite3.connect(self._path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            connection.execute("pragma trusted_schema = off")
            self._migrated(connection)
            self._checked(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _migrated(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("pragma user_version").fetchone()
        if version > len(_MIGRATIONS):
            raise StoreUnavailableError(f"`{self._path}` was written by a newer version of this program")
        for number in range(version, len(_MIGRATIONS)):
            connection.executescript(
                f"begin immediate; {_MIGRATIONS[number]} pragma user_version = {number + 1}; commit;"
            )

    def _checked(self, connection: sqlite3.Connection) -> None:
        """When the file is older than it was, nothing in it may be used.

        Within a transaction: no other writer is between the counter and its commit.
        """
        connection.execute("begin immediate")
        (changes,) = connection.execute("select changes from mark").fetchone()
        noted = self._noted()
        if changes < noted:
            marks = ", ".join("?" * len(_UNSETTLED))
            query = f"select ticket from tickets where state in ({marks})"
            for (text,) in connection.execute(query, _UNSETTLED).fetchall():
                ticket = ticket_of(json.loads(text))
                self._put(connection, ticket.with_(state=REVOKED, why="the store was rolled back", by="the service"))
                self.rolled_back += 1
            connection.execute("update mark set changes = ?", (noted + 1,))
            self._note(noted + 1)
        connection.execute("commit")

    @property
    def _mark(self) -> str:
        return f"{self._path}.mark"

    def _noted(self) -> int:
        try:
            with open(self._mark, encoding="ascii") as stream:
                return int(stream.read(32))
        except FileNotFoundError:
            return 0
        except ValueError:
            raise StoreUnavailableError(f"`{self._mark}` is damaged: what was redeemed is not known") from None

    def _note(self, changes: int) -> None:
        part = f"{self._mark}.part"
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(handle, b"%d\n" % changes)
            os.fdatasync(handle)
        finally:
            os.close(handle)
        os.rename(part, self._mark)

    @staticmethod
    def _put(connection: sqlite3.Connection, ticket: Ticket) -> None:
        text = json.dumps(ticket_json(ticket), separators=(",", ":"))
        connection.execute(
            "insert into tickets values (?, ?, ?, ?, ?, ?, ?, ?) "
            "on conflict (id) do update set state = excluded.state, ticket = excluded.ticket",
            (ticket.id, ticket.state, ticket.agent, ticket.session, ticket.digest, ticket.policy, ticket.created, text),
        )  # fmt: skip

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction. The counter beside the file goes first: rather ahead of the file than behind it."""
        with self._failing():
            connection = self._opened()
            connection.execute("begin immediate")
            try:
                yield connection
                (changes,) = connection.execute("update mark set changes = changes + 1 returning changes").fetchone()
                self._note(changes)
                connection.execute("commit")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """What goes wrong with the file is told, and the file opened anew the next time."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise StoreUnavailableError(f"`{self._path}`: {error}") from None
        except (KeyError, TypeError, ValueError) as error:
            self.close()
            raise StoreUnavailableError(f"`{self._path}` holds something that is no ticket: {error}") from None
