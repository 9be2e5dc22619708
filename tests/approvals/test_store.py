"""Where tickets are kept: nothing is redeemed twice, and nothing comes back."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from policy_lang.approvals import machine
from policy_lang.approvals.sqlite import SqliteStore
from policy_lang.approvals.store import StoreUnavailableError
from policy_lang.domain.errors import RequestError

from .test_machine import TIERS, ticket, vote


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "approvals.db")


def test_the_same_question_shares_a_ticket(path: str) -> None:
    store = SqliteStore(path)
    first, second = store.add(ticket(id="one"), 5), store.add(ticket(id="two"), 5)
    assert first is not None and second is not None and second.id == "one" and second.asked == 2
    store.change("one", lambda t: vote(t, "ben"))
    third = store.add(ticket(id="three"), 5)
    assert third is not None and third.id == "three"
    for other in ({"agent": "b"}, {"policy": "x"}, {"session": "x"}, {"digest": "x"}):
        made = store.add(ticket(id=str(other), **other), 5)
        assert made is not None and made.id == str(other)


def test_an_agent_has_so_many_open(path: str) -> None:
    store = SqliteStore(path)
    for number in range(3):
        assert store.add(ticket(id=str(number), digest=str(number)), 3) is not None
    assert store.add(ticket(id="x", digest="x"), 3) is None
    assert store.add(ticket(id="x", digest="0"), 3) is not None  # the same as one that is open
    assert store.add(ticket(id="y", digest="x", agent="b"), 3) is not None
    store.change("1", lambda t: machine.revoke(t, "a", "", 1.0))
    assert store.add(ticket(id="x", digest="x"), 3) is not None


def redeemed(path: str, results: Any) -> None:
    store = SqliteStore(path)
    try:
        store.change("t", lambda t: machine.redeem(t, t.binds(), 1002.0, TIERS))
        results.put("yes")
    except RequestError as error:
        results.put(error.code)


def test_of_many_who_redeem_at_once_one_does(path: str) -> None:
    store = SqliteStore(path)
    store.add(ticket(), 5)
    store.change("t", lambda t: vote(t, "ben"))
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    workers = [context.Process(target=redeemed, args=(path, results)) for _ in range(6)]
    for worker in workers:
        worker.start()
    said = [results.get(timeout=30) for _ in workers]
    for worker in workers:
        worker.join()
    assert sorted(said) == ["PLR235"] * 5 + ["yes"]


def test_threads_share_a_store(path: str) -> None:
    store = SqliteStore(path)
    store.add(ticket(), 5)
    threads = [threading.Thread(target=lambda n=n: SqliteStore(path).add(ticket(id=str(n)), 5)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.get("t")
    assert found is not None and found.asked == 9


def test_what_fails_changes_nothing(path: str) -> None:
    store = SqliteStore(path)
    store.add(ticket(), 5)

    def fails(_: Any) -> Any:
        raise RequestError("PLR230", "no")

    with pytest.raises(RequestError):
        store.change("t", fails)
    assert SqliteStore(path).get("t") == ticket()
    assert store.change("none", fails) is None and store.get("none") is None


def test_an_older_copy_brings_no_approval_back(path: str, tmp_path: Path) -> None:
    store = SqliteStore(path)
    store.add(ticket(), 5)
    store.change("t", lambda t: vote(t, "ben"))
    store.close()
    shutil.copy(path, tmp_path / "copy")
    store = SqliteStore(path)
    assert store.rolled_back == 0
    store.change("t", lambda t: machine.redeem(t, t.binds(), 1002.0, TIERS))
    store.close()
    shutil.copy(tmp_path / "copy", path)
    again = SqliteStore(path)
    found = again.get("t")
    assert again.rolled_back == 1 and found is not None and found.state == "revoked"
    assert SqliteStore(path).rolled_back == 0


@pytest.mark.parametrize("damage", ["garbage", "cut", "row", "mark", "newer", "folder"])
def test_a_damaged_store_is_told_and_grants_nothing(path: str, damage: str) -> None:
    store = SqliteStore(path)
    store.add(ticket(), 5)
    store.change("t", lambda t: vote(t, "ben"))
    store.close()
    data = Path(path).read_bytes()
    if damage == "garbage":
        Path(path).write_bytes(b"x" * 8192)
    elif damage == "cut":
        Path(path).write_bytes(data[:5000])
    elif damage == "mark":
        Path(f"{path}.mark").write_text("many")
    elif damage == "folder":
        os.unlink(path)
        os.mkdir(path)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("update tickets set ticket = '{}'" if damage == "row" else "pragma user_version = 99")
        connection.close()
    with pytest.raises(StoreUnavailableError):
        SqliteStore(path).get("t")


def test_a_link_is_not_followed(path: str, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    os.symlink(tmp_path / "other", path)
    with pytest.raises(StoreUnavailableError):
        SqliteStore(path)
