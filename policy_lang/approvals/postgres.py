"""Tickets in PostgreSQL (postgresql.org), by psycopg: several services share them.

Every writer takes one advisory lock for its transaction, so steps follow each other as they do in one file. A step has
its time, also when the server says nothing any more; a connection that is lost is made anew beside the answers. Until
it is there nothing can be asked or redeemed, and nobody waits for it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from ..domain.limits import limit
from .proposal import RuleProposal
from .rollback_mark import RollbackMark
from .sql import Run, SqlStore, understood
from .store import ALL, Change, ProposalChange, StoreUnavailableError, TicketQuery
from .ticket import Ticket

Result = TypeVar("Result")

_MIGRATIONS = (
    """
    create table tickets (
        id text primary key, state text not null, agent text not null, session text not null, digest text not null,
        policy text not null, what text not null, created double precision not null, unreviewed integer not null,
        ticket text not null
    );
    create index tickets_open on tickets (state, agent);
    create index tickets_same on tickets (digest, policy, agent, session, state);
    create index tickets_what on tickets (what);
    create index tickets_created on tickets (created);
    create table mark (changes bigint not null);
    insert into mark values (0);
    """,
    """
    alter table tickets add column ends double precision not null default 0;
    alter table tickets add column tiers text not null default '';
    alter table tickets add column action text not null default '';
    alter table tickets add column words text not null default '';
    create index tickets_ends on tickets (state, ends);
    """,
    """
    create table proposals (
        id text primary key, state text not null, agent text not null, who text not null,
        created double precision not null, proposal text not null
    );
    create index proposals_state on proposals (state, created);
    """,
)
"""Each takes the tables from one version to the next; the version stands in the table `version`."""
_LOCK = 0x706F6C69
"""The number of the advisory lock: one lock for all tickets of a database."""
CHANNEL = "policy_lang_approvals"
_CONNECT_SECONDS = limit("store_connect_seconds")
_MILLISECONDS = limit("store_milliseconds")
_LISTEN_SECONDS = float(limit("store_listen_seconds"))


class PostgresStore(SqlStore):
    """Tickets in the database that `place` (libpq's connection string) leads to.

    `mark` is a file of this service's own.
    """

    def __init__(self, place: str, mark: str) -> None:
        super().__init__(RollbackMark(mark))
        self._place = place
        self.name = _named(place)
        self._connection: psycopg.Connection | None = None
        self._connecting: threading.Thread | None = None
        self._why = ""
        self._ended = threading.Event()
        self._worker = ThreadPoolExecutor(1)
        with self._failing():
            self._connection = self._connected()

    def close(self) -> None:
        """See `Store`."""
        self._ended.set()
        self._worker.shutdown(wait=False)
        self._drop()

    def add(self, ticket: Ticket, most: int) -> Ticket | None:
        """See `Store`."""
        return self._in_time(lambda: super(PostgresStore, self).add(ticket, most))

    def get(self, name: str) -> Ticket | None:
        """See `Store`."""
        return self._in_time(lambda: super(PostgresStore, self).get(name))

    def change(self, name: str, change: Change) -> Ticket | None:
        """See `Store`."""
        return self._in_time(lambda: super(PostgresStore, self).change(name, change))

    def found(self, wanted: TicketQuery = ALL, most: int = limit("tickets_found"), after: int = 0) -> list[Ticket]:
        """See `Store`."""
        return self._in_time(lambda: super(PostgresStore, self).found(wanted, most, after))

    def count(self, wanted: TicketQuery = ALL) -> int:
        """See `Store`."""
        return self._in_time(lambda: super(PostgresStore, self).count(wanted))

    def propose(self, proposal: RuleProposal, most: int) -> bool:
        """See `Store`."""
        return self._in_time(lambda: super(PostgresStore, self).propose(proposal, most))

    def proposal(self, name: str) -> RuleProposal | None:
        """See `Store`."""
        return self._in_time(lambda: super(PostgresStore, self).proposal(name))

    def change_proposal(self, name: str, change: ProposalChange) -> RuleProposal | None:
        """See `Store`."""
        return self._in_time(lambda: super(PostgresStore, self).change_proposal(name, change))

    def proposals(
        self, states: tuple[str, ...] = (), since: float = 0.0, most: int = limit("proposals_found")
    ) -> list[RuleProposal]:
        """See `Store`."""
        return self._in_time(lambda: super(PostgresStore, self).proposals(states, since, most))

    def compare(self, counted: int | None, by: str) -> None:
        """See `Store`."""
        self._in_time(lambda: super(PostgresStore, self).compare(counted, by))

    def _in_time(self, step: Callable[[], Result]) -> Result:
        """What a step gives. One that takes too long is cut off: it may have happened, and nobody builds on it."""
        waiting: Future[Result] = self._worker.submit(step)
        try:
            return waiting.result(2 * _MILLISECONDS / 1000)
        except TimeoutError:
            self._worker.shutdown(wait=False, cancel_futures=True)
            self._worker = ThreadPoolExecutor(1)
            connection, self._connection = self._connection, None
            with contextlib.suppress(OSError, psycopg.Error):
                if connection is not None:
                    with socket.socket(fileno=os.dup(connection.fileno())) as line:
                        line.shutdown(socket.SHUT_RDWR)
            raise StoreUnavailableError("the database did not answer in time") from None

    # one connection

    def _connected(self) -> psycopg.Connection:
        """A connection whose tables are there and are not older than they were."""
        connection = _connect(self._place)
        try:
            with connection.transaction():
                connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
                _migrate(connection)
                self._filled(_runner(connection))
                rollback = self._checked(_runner(connection))
        except BaseException:
            connection.close()
            raise
        if rollback is not None:
            self.rollbacks.append(rollback)
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _opened(self) -> Run:
        return _runner(self._ready())

    def _ready(self) -> psycopg.Connection:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        if self._ended.is_set():
            raise StoreUnavailableError("the store is closed")
        if self._connecting is None:
            self._connecting = threading.Thread(target=self._connect_again, daemon=True)
            self._connecting.start()
        raise StoreUnavailableError(f"the database is being connected to: {self._why}".removesuffix(": "))

    def _connect_again(self) -> None:
        try:
            while not self._ended.is_set():
                try:
                    with self._failing():
                        self._connection = self._connected()
                except StoreUnavailableError as error:
                    self._why = str(error)
                    self._ended.wait(1)
                else:
                    return
        finally:
            self._connecting = None

    @contextmanager
    def _writing(self) -> Iterator[Run]:
        with self._failing():
            connection = self._ready()
            with connection.transaction():
                connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
                run = _runner(connection)
                yield run
                changes = self._counted(run)
                connection.execute("select pg_notify(%s, '')", (CHANNEL,))
            self.changes = changes

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """What goes wrong is reported; a connection that it went wrong on is not used again."""
        try:
            with understood("the database"):
                yield
        except (psycopg.Error, OSError) as error:
            connection = self._connection
            if connection is not None and connection.info.transaction_status != TransactionStatus.IDLE:
                self._drop()
            raise StoreUnavailableError(_first_line(error)) from None

    # hints

    def hint(self, changed: Callable[[], None]) -> None:
        """See `Store`."""
        threading.Thread(target=self._listen, args=(changed,), daemon=True).start()

    def _listen(self, hint: Callable[[], None]) -> None:
        """Wait for other services' changes. Whoever misses one looks again anyway, only later."""
        while not self._ended.is_set():
            try:
                with _connect(self._place) as connection:
                    connection.execute(f"listen {CHANNEL}")
                    while not self._ended.is_set():
                        for _ in connection.notifies(timeout=_LISTEN_SECONDS, stop_after=1):
                            hint()
            except (psycopg.Error, OSError):
                self._ended.wait(_LISTEN_SECONDS)


def _connect(place: str) -> psycopg.Connection:
    """A connection on which nothing takes long: the service answers nobody meanwhile."""
    options = f"-c statement_timeout={_MILLISECONDS} -c lock_timeout={_MILLISECONDS} -c synchronous_commit=on"
    return psycopg.connect(
        place, autocommit=True, connect_timeout=_CONNECT_SECONDS, options=options, tcp_user_timeout=2 * _MILLISECONDS,
        application_name="policy_lang", prepare_threshold=None,
    )  # fmt: skip


def _named(place: str) -> str:
    """What a connection string leads to, without who connects and how."""
    try:
        given = psycopg.conninfo.conninfo_to_dict(place)
    except psycopg.Error:
        return ""  # connecting says why
    return f"postgresql://{given.get('host', '')}:{given.get('port', '')}/{given.get('dbname', '')}"


def _migrate(connection: psycopg.Connection) -> None:
    connection.execute("create table if not exists version (number integer not null)")
    row = connection.execute("select number from version").fetchone()
    number = 0 if row is None else row[0]
    if number > len(_MIGRATIONS):
        raise StoreUnavailableError("the database was written by a newer version of this program")
    for text in _MIGRATIONS[number:]:
        connection.execute(text.encode())
    if row is None:
        connection.execute("insert into version values (%s)", (len(_MIGRATIONS),))
    elif number < len(_MIGRATIONS):
        connection.execute("update version set number = %s", (len(_MIGRATIONS),))


def _runner(connection: psycopg.Connection) -> Run:
    def run(query: str, values: object) -> list[tuple[object, ...]]:
        cursor = connection.execute(query.replace("?", "%s"), values)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description is not None else []

    return run


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).split("\n", 1)[0][:300]


def open_store(place: str, folder: str) -> PostgresStore:
    """See `StoreKind`: `place` is libpq's connection string."""
    return PostgresStore(place, os.path.join(folder, "approvals.mark"))
