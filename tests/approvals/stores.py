"""The stores that the tests run on: a file, and a PostgreSQL server of the tests' own on loopback."""

from __future__ import annotations

import atexit
import contextlib
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from pathlib import Path

from policy_lang.approvals.sqlite import SqliteStore
from policy_lang.approvals.store import Store
from tests.needs import missing, needs

KINDS = ("sqlite", "postgres")


def _programs() -> str | None:
    """The folder of the server's programs, the newest version's."""
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb") + glob.glob("/usr/libexec/postgresql/initdb")
    found += [p] if (p := shutil.which("initdb")) else []
    return os.path.dirname(max(found, key=lambda f: [int(n) for n in f.split("/") if n.isdigit()])) if found else None


PROGRAMS = _programs()
needs_postgres = needs(
    "PostgreSQL's server or `psycopg` is not installed", there=PROGRAMS is not None and not missing("psycopg")
)


def postgres(where: str, mark: str) -> Store:
    """A store in a database."""
    from policy_lang.approvals.postgres import PostgresStore

    return PostgresStore(where, mark)


class Server:
    """A server in a folder of its own: listens on loopback, ends with the process that began it."""

    def __init__(self) -> None:
        assert PROGRAMS is not None, "PostgreSQL's server is not installed"
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.folder = Path(tempfile.mkdtemp(prefix="plpg"))
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self.run("initdb", "-D", "data", "-U", "policy", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
        with open(self.folder / "data/postgresql.conf", "a", encoding="ascii") as stream:
            stream.write(f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = ''\nfsync = off\nmax_connections = 60\n")  # fmt: skip
        self.start()

    @property
    def place(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=policy dbname=postgres"

    def run(self, program: str, *words: str) -> None:
        command = [f"{PROGRAMS}/{program}", *words]
        user = "postgres" if os.geteuid() == 0 else None
        done = subprocess.run(command, check=False, cwd=self.folder, user=user, group=user, extra_groups=[] if user else None, capture_output=True, text=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, timeout=60)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        self.run("pg_ctl", "-D", "data", "-l", "log", "-w", "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", "data", "-m", "immediate", "stop")

    def database(self) -> str:
        """A new database, and how to connect to it."""
        import psycopg

        name = f"d{uuid.uuid4().hex}"
        with psycopg.connect(self.place, autocommit=True) as connection:
            connection.execute(f"create database {name} template template0")
        return self.place.replace("dbname=postgres", f"dbname={name}")

    def remove(self) -> None:
        with contextlib.suppress(AssertionError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


_server: list[Server] = []


def server() -> Server:
    """The server of this test process."""
    if not _server:
        _server.append(Server())
        atexit.register(_server[0].remove)
    return _server[0]


class Place:
    """Somewhere to keep tickets: opened as often as wanted, copied and put back as a whole."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.path = str(folder / "approvals.db")
        self.where = server().database() if kind == "postgres" else self.path
        self._opened: list[Store] = []

    def open(self, mark: str = "") -> Store:
        """A service's store. With a `mark` it is another service, which joins with a copy of the first one's mark."""
        store: Store
        if mark and not os.path.exists(mark):
            shutil.copy(f"{self.path}.mark", mark)
        if self.kind == "postgres":
            store = postgres(self.where, mark or f"{self.path}.mark")
        else:
            store = SqliteStore(self.path)
        self._opened.append(store)
        return store

    def close(self) -> None:
        for store in self._opened:
            store.close()
        self._opened.clear()

    def execute(self, query: str) -> None:
        """Somebody else's hands in the data."""
        if self.kind == "postgres":
            import psycopg

            with psycopg.connect(self.where, autocommit=True) as connection:
                connection.execute(query)
        else:
            import sqlite3

            with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as file:
                file.execute(query)

    def copy(self) -> list[tuple[object, ...]] | bytes:
        """The data as it is now."""
        if self.kind == "sqlite":
            self.close()
            return Path(self.path).read_bytes()
        import psycopg

        with psycopg.connect(self.where) as connection:
            rows = connection.execute("select * from tickets").fetchall()
            return [*rows, *connection.execute("select changes from mark").fetchall()]

    def put_back(self, copy: list[tuple[object, ...]] | bytes) -> None:
        """The data as it was: a backup is restored."""
        self.close()
        if isinstance(copy, bytes):
            Path(self.path).write_bytes(copy)
            return
        import psycopg

        *rows, (changes,) = copy
        with psycopg.connect(self.where) as connection:
            connection.execute("delete from tickets")
            for row in rows:
                connection.execute(f"insert into tickets values ({', '.join(['%s'] * len(row))})", row)
            connection.execute("update mark set changes = %s", (changes,))
