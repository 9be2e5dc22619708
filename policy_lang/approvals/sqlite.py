"""Tickets in a file: SQLite (sqlite.org), write-ahead log, every commit on the disk before it is answered for."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ..domain.limits import limit
from .rollback_mark import RollbackMark
from .sql import Run, SqlStore, understood
from .store import StoreUnavailableError

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
    """
    alter table tickets add column what text not null default '';
    alter table tickets add column unreviewed integer not null default 0;
    create index tickets_what on tickets (what);
    create index tickets_created on tickets (created);
    """,
    """
    alter table tickets add column ends real not null default 0;
    alter table tickets add column tiers text not null default '';
    alter table tickets add column action text not null default '';
    alter table tickets add column words text not null default '';
    create index tickets_ends on tickets (state, ends);
    """,
    """
    create table proposals (
        id text primary key, state text not null, agent text not null, who text not null, created real not null,
        proposal text not null
    ) strict;
    create index proposals_state on proposals (state, created);
    """,
)
"""Each takes the file from one version to the next; the version is SQLite's own `user_version`."""
_WAIT = limit("store_milliseconds") / 1000
"""Seconds for another writer of the file; a service answers nobody meanwhile."""


class SqliteStore(SqlStore):
    """Tickets in one file, its counter beside it. Several processes may share it."""

    def __init__(self, path: str) -> None:
        super().__init__(RollbackMark(f"{path}.mark"))
        self._path = path
        self.name = os.path.abspath(path)
        self._connection: sqlite3.Connection | None = None
        with self._failing():
            self._connected()

    def close(self) -> None:
        """See `Store`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> Run:
        return _runner(self._connected())

    def _connected(self) -> sqlite3.Connection:
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
            connection.execute("begin immediate")  # no other writer is between the counter and its commit
            self._filled(_runner(connection))
            rollback = self._checked(_runner(connection))
            connection.execute("commit")
        except BaseException:
            connection.close()
            raise
        if rollback is not None:
            self.rollbacks.append(rollback)
        self._connection = connection
        return connection

    def _migrated(self, connection: sqlite3.Connection) -> None:
        while (version := connection.execute("pragma user_version").fetchone()[0]) != len(_MIGRATIONS):
            if version > len(_MIGRATIONS):
                raise StoreUnavailableError(f"`{self._path}` was written by a newer version of this program")
            connection.execute("begin immediate")
            if connection.execute("pragma user_version").fetchone()[0] == version:  # nobody else has been here
                for statement in _MIGRATIONS[version].split(";"):
                    connection.execute(statement)
                connection.execute(f"pragma user_version = {version + 1}")
            connection.execute("commit")

    @contextmanager
    def _writing(self) -> Iterator[Run]:
        with self._failing():
            connection = self._connected()
            connection.execute("begin immediate")
            try:
                run = _runner(connection)
                yield run
                changes = self._counted(run)
                connection.execute("commit")
                self.changes = changes
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """What goes wrong with the file is reported, and the file opened anew the next time."""
        try:
            with understood(self._path):
                yield
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise StoreUnavailableError(f"`{self._path}`: {error}") from None
        except StoreUnavailableError:
            self.close()
            raise


def _runner(connection: sqlite3.Connection) -> Run:
    return lambda query, values: connection.execute(query, values).fetchall()


def open_store(place: str, folder: str) -> SqliteStore:  # noqa: ARG001 (it is named by nothing but the folder)
    """See `StoreKind`: the file `approvals.db` in the service's folder."""
    return SqliteStore(os.path.join(folder, "approvals.db"))
