"""Where tickets are kept: nothing is redeemed twice, and nothing comes back. The same on every store."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_lang.approvals import kinds, machine
from policy_lang.approvals.sqlite import SqliteStore
from policy_lang.approvals.store import StoreUnavailableError, TicketQuery
from policy_lang.domain.errors import RequestError
from policy_lang.domain.limits import limit

from .stores import KINDS, Place, Server, needs_postgres, postgres, server
from .test_machine import BOSS, REVIEW, TIERS, ticket, vote

DAY = 86_400.0


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=needs_postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    assert request.param in KINDS
    found = Place(request.param, tmp_path)
    yield found
    found.close()


def test_the_same_question_shares_a_ticket(place: Place) -> None:
    store = place.open()
    first, second = store.add(ticket(id="one"), 5), store.add(ticket(id="two"), 5)
    assert first is not None and second is not None and second.id == "one" and second.times_asked == 2
    store.change("one", lambda t: vote(t, "ben"))
    third = store.add(ticket(id="three"), 5)
    assert third is not None and third.id == "three"
    for other in ({"agent": "b"}, {"policy": "x"}, {"session": "x"}, {"digest": "x"}):
        made = store.add(ticket(id=str(other), **other), 5)
        assert made is not None and made.id == str(other)


def test_an_agent_has_so_many_open(place: Place) -> None:
    store = place.open()
    for number in range(3):
        assert store.add(ticket(id=str(number), digest=str(number)), 3) is not None
    assert store.add(ticket(id="x", digest="x"), 3) is None
    assert store.add(ticket(id="x", digest="0"), 3) is not None  # the same as one that is open
    assert store.add(ticket(id="y", digest="x", agent="b"), 3) is not None
    store.change("1", lambda t: machine.revoke(t, "a", "", 1.0))
    assert store.add(ticket(id="x", digest="x"), 3) is not None


def test_an_agent_asks_so_much_in_an_hour(place: Place) -> None:
    store = place.open()
    for number in range(18):
        assert store.add(ticket(id=str(number), digest=str(number), created=1000.0 + number), 3) is not None
        store.change(str(number), lambda t: machine.revoke(t, "a", "", 1.0))
    assert store.add(ticket(id="x", digest="x", created=1100.0), 3) is None
    assert store.add(ticket(id="y", digest="y", created=1100.0, agent="b"), 3) is not None
    assert store.add(ticket(id="x", digest="x", created=4600.5), 3) is not None


def test_tickets_are_found(place: Place) -> None:
    store = place.open()
    for number in range(6):
        store.add(ticket(id=str(number), digest=str(number), agent="ab"[number % 2], created=1000.0 + number), 9)
    store.change("3", lambda t: t.with_(break_glass_tier="emergency", state="approved"))
    assert [t.id for t in store.found()] == ["5", "4", "3", "2", "1", "0"]
    assert [t.id for t in store.found(TicketQuery(agent="a"), 2)] == ["4", "2"]
    assert [t.id for t in store.found(TicketQuery(states=("approved", "rejected")))] == ["3"]
    assert [t.id for t in store.found(TicketQuery(since=1004.0))] == ["5", "4"]
    assert [t.id for t in store.found(TicketQuery(unreviewed=True))] == ["3"]
    assert len(store.found(TicketQuery(question_id=ticket(agent="a").question_id))) == 3
    assert [t.id for t in store.found(TicketQuery(digest="2"))] == ["2"]
    store.change("3", lambda t: t.with_(reviewed="eva", review="fine"))
    assert store.found(TicketQuery(unreviewed=True)) == []


def test_tickets_are_searched_and_paged(place: Place) -> None:
    store = place.open()
    asked = {"npm": ("run", ["npm", "install", "100%_ÄÖ"]), "pkg": ("write", "src/Package.json"), "pat": ("read", {"pattern": "secret/**"})}  # fmt: skip
    for number, (name, (action, resource)) in enumerate(asked.items()):
        request = {"action": action, "resource": resource}
        store.add(ticket(BOSS if name == "pkg" else REVIEW, id=name, digest=name, request=request, created=1000.0 + number), 9)  # fmt: skip

    def found(**wanted: Any) -> set[str]:
        names = {t.id for t in store.found(TicketQuery(**wanted))}
        assert store.count(TicketQuery(**wanted)) == len(names)
        return names

    assert found(words=("package.json",)) == {"pkg"} == found(words=("PACKAGE", "src")) == found(tier="boss")
    assert found(words=("100%_äö",)) == {"npm"} == found(action="run")
    for text in ("%", "_", "!", "x%y", "\\", "'", "100%%"):  # nothing in a search stands for something else
        assert found(words=(text,)) == ({"npm"} if text in {"%", "_"} else set()), text
    assert found(words=("secret/**", "read")) == {"pat"}
    assert found(tier="bos") == set() == found(tier="%") == found(words=("npm", "secret"))
    assert found(policy="sha256:p") == set(asked) == found(not_policy="x") and not found(policy="x")
    assert found(over_at=1599.0) == set() and found(over_at=1600.0) == set(asked)
    store.change("npm", lambda t: machine.revoke(t, "a", "", 1.0))
    assert found(over_at=1599.0) == {"npm"}
    pages = [[t.id for t in store.found(TicketQuery(), 2, after)] for after in (0, 2, 4)]
    assert pages == [["pat", "pkg"], ["npm"], []]


def test_a_search_looks_at_so_much_of_a_ticket(place: Place) -> None:
    store = place.open()
    most = limit("ticket_search_characters")
    text = "x" * (most - len("t\na\ns\nread ") - 1) + "yz"
    store.add(ticket(request={"action": "read", "resource": text}), 9)
    assert store.count(TicketQuery(words=("xy",))) == 1 and store.count(TicketQuery(words=("yz",))) == 0


def test_what_is_over_is_forgotten_after_its_time_and_no_sooner(place: Place) -> None:
    store = place.open()
    kept = limit("approval_kept_days") * DAY
    store.add(ticket(id="old", digest="1", state="expired"), 9)
    store.add(ticket(id="emergency", digest="2", state="redeemed", break_glass_tier="x"), 9)
    store.add(ticket(id="later", digest="3", created=1000.0 + kept), 9)
    assert {t.id for t in store.found()} == {"old", "emergency", "later"}
    store.add(ticket(id="last", digest="4", created=1000.5 + kept), 9)
    assert {t.id for t in store.found()} == {"emergency", "later", "last"}


def redeemed(store: Any, results: Any) -> None:
    try:
        store.change("t", lambda t: machine.redeem(t, t.binding, 1002.0, TIERS))
        results.put("yes")
    except RequestError as error:
        results.put(error.code)


def in_a_process(kind: str, where: str, mark: str, results: Any) -> None:
    redeemed(postgres(where, mark) if kind == "postgres" else SqliteStore(where), results)


def test_of_many_who_redeem_at_once_one_does(place: Place) -> None:
    store = place.open()
    store.add(ticket(), 5)
    store.change("t", lambda t: vote(t, "ben"))
    place.close()
    for number in range(6):
        shutil.copy(f"{place.path}.mark", f"{place.path}.{number}")
    context = multiprocessing.get_context("spawn" if place.kind == "postgres" else "fork")
    results = context.Queue()
    workers = [
        context.Process(target=in_a_process, args=(place.kind, place.where, f"{place.path}.{n}", results))
        for n in range(6)
    ]
    for worker in workers:
        worker.start()
    said = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert sorted(said) == ["PLR235"] * 5 + ["yes"]


def test_threads_share_a_store(place: Place) -> None:
    store = place.open()
    store.add(ticket(), 5)
    others = [place.open(f"{place.path}.{n}") for n in range(8)]
    threads = [threading.Thread(target=lambda o=o, n=n: o.add(ticket(id=str(n)), 5)) for n, o in enumerate(others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.get("t")
    assert found is not None and found.times_asked == 9


def test_what_fails_changes_nothing(place: Place) -> None:
    store = place.open()
    store.add(ticket(), 5)

    def fails(_: Any) -> Any:
        raise RequestError("PLR230", "no")

    with pytest.raises(RequestError):
        store.change("t", fails)
    assert place.open().get("t") == ticket()
    assert store.change("none", fails) is None and store.get("none") is None


def test_an_older_copy_brings_no_approval_back(place: Place) -> None:
    store = place.open()
    store.add(ticket(), 5)
    store.change("t", lambda t: vote(t, "ben"))
    copy = place.copy()
    store = place.open()
    assert not store.rollbacks
    store.change("t", lambda t: machine.redeem(t, t.binding, 1002.0, TIERS))
    place.put_back(copy)
    again = place.open()
    found = again.get("t")
    assert found is not None and found.state == "revoked" and "it has 2 changes, and there were 3" in found.why
    assert [(r.why, r.revoked) for r in again.rollbacks] == [("it has 2 changes, and there were 3", 1)]
    assert not place.open().rollbacks


@pytest.mark.parametrize("old", [True, False])
def test_without_its_counter_nothing_that_is_open_stays_open(place: Place, old: bool) -> None:
    store = place.open()
    for name in ("t", "u", "v"):
        store.add(ticket(id=name, digest=name), 5)
    store.change("t", lambda t: vote(t, "ben"))
    store.change("v", lambda t: vote(t, "ben", "reject"))
    copy = place.copy()
    store = place.open()
    store.change("t", lambda t: machine.redeem(t, t.binding, 1002.0, TIERS))
    place.close()
    if old:
        place.put_back(copy)
    Path(f"{place.path}.mark").unlink()
    again = place.open()
    assert {t.id: t.state for t in again.found()} == {
        "t": "revoked" if old else "redeemed", "u": "revoked", "v": "rejected"
    }  # fmt: skip
    (found,) = again.rollbacks
    assert found.revoked == (2 if old else 1) and "is gone" in found.why and f"{place.path}.mark" in found.why
    # the counter is there again, ahead of every count before: an orderly end is not noticed, and the copy is once more
    place.close()
    assert not place.open().rollbacks
    place.put_back(copy)
    assert place.open().rollbacks


def test_the_counter_is_there_from_the_first_start(place: Place) -> None:
    assert not place.open().rollbacks and Path(f"{place.path}.mark").read_text() == "0\n"
    place.open().add(ticket(), 5)
    assert not place.open().rollbacks


@needs_postgres
def test_a_service_that_joins_others_brings_the_counter_of_one_of_them(tmp_path: Path) -> None:
    place = Place("postgres", tmp_path)
    first = place.open()
    first.add(ticket(), 5)
    second = place.open(f"{place.path}.2")
    assert not second.rollbacks and second.get("t") == ticket()
    second.add(ticket(id="u", digest="u"), 5)
    third = postgres(place.where, f"{place.path}.3")  # and one that does not
    assert [r.revoked for r in third.rollbacks] == [2]
    third.close()
    place.close()
    assert not place.open().rollbacks and not place.open(f"{place.path}.2").rollbacks
    place.close()


@needs_postgres
def test_a_database_that_is_put_back_under_a_service_is_told_when_it_connects_again(tmp_path: Path) -> None:
    own = Server()
    try:
        store = postgres(own.place, str(tmp_path / "mark"))
        store.add(ticket(), 5)
        own.stop()
        own.start()
        import psycopg

        with psycopg.connect(own.place, autocommit=True) as connection:
            connection.execute("update mark set changes = 0")
        found = eventually(lambda: store.get("t"))
        assert found.state == "revoked" and [r.revoked for r in store.rollbacks] == [1]
        store.close()
    finally:
        own.remove()


MARKS = {"mark": "many", "empty": "", "below": "-5", "spaces": " 3 ", "bars": "1_0", "huge": "9" * 19, "link": ""}


@pytest.mark.parametrize("damage", ["row", *MARKS, "newer", "gone"])
def test_damage_is_told_and_grants_nothing(place: Place, damage: str) -> None:
    store = place.open()
    store.add(ticket(), 5)
    store.change("t", lambda t: vote(t, "ben"))
    place.close()
    newer = "update version set number = 99" if place.kind == "postgres" else "pragma user_version = 99"
    if damage in MARKS:
        Path(f"{place.path}.mark").unlink()
        if damage == "link":
            os.symlink("/dev/null", f"{place.path}.mark")
        else:
            Path(f"{place.path}.mark").write_text(MARKS[damage])
    else:
        change = {"row": "update tickets set ticket = '{}'", "newer": newer, "gone": "drop table tickets"}[damage]
        place.execute(change)
    with pytest.raises(StoreUnavailableError):
        place.open().get("t")


@pytest.mark.parametrize("damage", ["garbage", "cut", "folder"])
def test_a_damaged_file_is_told_and_grants_nothing(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "approvals.db"
    store = SqliteStore(str(path))
    store.add(ticket(), 5)
    store.change("t", lambda t: vote(t, "ben"))
    store.close()
    if damage == "garbage":
        path.write_bytes(b"x" * 8192)
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    else:
        os.unlink(path)
        os.mkdir(path)
    with pytest.raises(StoreUnavailableError):
        SqliteStore(str(path)).get("t")


def test_a_file_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    from policy_lang.approvals.sqlite import _MIGRATIONS
    from policy_lang.approvals.store import ticket_json

    path = tmp_path / "approvals.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.executescript(_MIGRATIONS[0] + "pragma user_version = 1;")
        old = {
            k: v for k, v in ticket_json(ticket()).items() if k not in {"glass", "reviewed", "review", "user", "about"}
        }
        import json

        file.execute("insert into tickets values ('t', 'pending', 'a', 's', 'd', 'p', 1000.0, ?)", (json.dumps(old),))
    store = SqliteStore(str(path))
    assert store.get("t") == ticket()
    assert store.count(TicketQuery(tier="review", words=("read",), over_at=1600.0)) == 1
    assert store.change("t", lambda t: vote(t, "ben")).state == "approved"  # type: ignore[union-attr]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    os.symlink(tmp_path / "other", tmp_path / "approvals.db")
    with pytest.raises(StoreUnavailableError):
        SqliteStore(str(tmp_path / "approvals.db"))


# a server


def eventually(what: Any, seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(StoreUnavailableError):
            return what()
        assert time.monotonic() < end
        time.sleep(0.05)


@needs_postgres
def test_a_server_that_ends_denies_and_is_found_again(tmp_path: Path) -> None:
    own = Server()
    try:
        store = postgres(own.place, str(tmp_path / "mark"))
        store.add(ticket(), 5)
        own.stop()
        for _ in range(20):
            began = time.monotonic()
            with pytest.raises(StoreUnavailableError):
                store.get("t")
            assert time.monotonic() - began < 5
        own.start()
        assert eventually(lambda: store.get("t")) == ticket()
        store.close()
    finally:
        own.remove()


@needs_postgres
def test_a_server_that_says_nothing_any_more_holds_nobody_up(tmp_path: Path) -> None:
    own = Server()
    store = postgres(own.place, str(tmp_path / "mark"))
    store.add(ticket(), 5)
    (pids,) = [subprocess.run(["pgrep", "-f", f"postgres: policy .*|{own.folder}"], check=False, capture_output=True, text=True).stdout.split()]  # fmt: skip
    mine = [int(p) for p in pids if str(own.folder) in _maps(int(p))]
    try:
        for pid in mine:
            os.kill(pid, signal.SIGSTOP)
        slowest = 0.0
        for _ in range(3):
            began = time.monotonic()
            with pytest.raises(StoreUnavailableError):
                store.change("t", lambda t: vote(t, "ben"))
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 8 * limit("store_milliseconds") / 1000
    finally:
        for pid in mine:
            os.kill(pid, signal.SIGCONT)
    found = eventually(lambda: store.get("t"))
    assert found.state in {"pending", "approved"}
    store.close()
    own.remove()


def _maps(pid: int) -> str:
    """Where a process works: PostgreSQL's work in their data folder."""
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/cwd")
    return ""


@needs_postgres
def test_other_services_changes_are_hinted_at(tmp_path: Path) -> None:
    where = server().database()
    told = threading.Event()
    one = postgres(where, str(tmp_path / "one"))
    one.hint(told.set)
    two = postgres(where, str(tmp_path / "two"))
    end = time.monotonic() + 40
    number = 0
    while not told.wait(0.2):  # until the other one listens
        number += 1
        two.add(ticket(id=str(number), digest=str(number)), 100)
        assert time.monotonic() < end
    assert one.get("1") is not None
    one.close()
    two.close()


@needs_postgres
def test_a_lock_that_somebody_holds_denies_and_is_got_over(tmp_path: Path) -> None:
    import psycopg

    where = server().database()
    store = postgres(where, str(tmp_path / "mark"))
    store.add(ticket(), 5)
    with psycopg.connect(where) as other:
        other.execute("select pg_advisory_xact_lock(%s)", (0x706F6C69,))
        with pytest.raises(StoreUnavailableError):
            store.change("t", lambda t: vote(t, "ben"))
        assert store.get("t") == ticket()  # reading goes on
    assert store.change("t", lambda t: vote(t, "ben")).state == "approved"  # type: ignore[union-attr]
    store.close()


def test_a_kind_of_store_is_known_by_its_scheme(tmp_path: Path) -> None:
    sqlite, postgres = kinds.KINDS
    assert kinds.kind_of("") is sqlite
    assert kinds.kind_of("postgres://h/d") is kinds.kind_of("postgresql://h/d") is postgres
    assert [kinds.kind_of(p) for p in ("sqlite", "postgres", "postgresx://h", "://", "mysql://h/d")] == [None] * 5
    store = sqlite.opened("", str(tmp_path))
    assert store.add(ticket(), 9) is not None and (tmp_path / "approvals.db.mark").read_text() == "1\n"
    store.hint(lambda: None)
    store.close()
