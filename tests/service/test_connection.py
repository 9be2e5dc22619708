"""One connection without a socket: what is read, in which order it is answered, when it closes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest

from policy_lang.daemon.api.http import Answered, DeferredReply, HttpCall, LongPoll, PendingReply, reply
from policy_lang.daemon.identity.principals import Caller
from policy_lang.daemon.metrics import Metrics
from policy_lang.daemon.transport.ports import Endpoint, PeerConnection
from tests.needs import extra

with extra():
    from policy_lang.daemon.transport.connection import Connection, admit
    from policy_lang.daemon.transport.turns import Turns


class Line(asyncio.Transport):
    """The other side: what it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False
        self.reading = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    abort = close


@dataclass
class Server:
    """The server's side of a connection: holds replies until told."""

    metrics: Metrics = field(default_factory=Metrics)
    stopping: bool = False
    held: list[Callable[[], None]] = field(default_factory=list)
    polls: list[tuple[LongPoll, Callable[[Answered], None]]] = field(default_factory=list)
    full: bool = False
    free: bool = True
    turns: list[tuple[int | None, Callable[[], None]]] = field(default_factory=list)

    def turn(self, uid: int | None, act: Callable[[], None]) -> None:
        self.turns.append((uid, act))

    def spent(self, uid: int | None, seconds: float) -> None:
        assert seconds >= 0

    def hold(self, write: Callable[[], None]) -> None:
        self.held.append(write)

    def wait(
        self, answer: LongPoll, write: Callable[[Answered], None], gone: Callable[[], bool], user: int | None
    ) -> bool:
        if not self.full:
            self.polls.append((answer, write))
        return not self.full

    def gone(self, connection: PeerConnection) -> None:
        pass


def handle(call: HttpCall) -> Answered:
    if call.path == "/wait":
        return LongPoll(lambda last: reply({"path": call.path}) if last else None, 30)
    if call.path == "/record":
        return DeferredReply(lambda: reply({"path": call.path}))
    return reply({"path": call.path, "agent": call.caller.token})


@pytest.fixture
def opened() -> tuple[Server, Connection, Line]:
    return opened_by(1000)


def opened_by(uid: int | None) -> tuple[Server, Connection, Line]:
    server, line = Server(), Line()
    connection = Connection(server, Endpoint(handle, admit), Caller(uid))
    connection.connection_made(line)
    return server, connection, line


def get(path: str, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\nx-request-id: {path[1:]}\r\n{more}\r\n".encode()


def order(line: Line) -> list[str]:
    return [part.split(b'"')[0].decode() for part in line.sent.split(b'{"path":"/')[1:]]


@pytest.mark.parametrize("at_once", [True, False])
def test_what_comes_behind_a_call_that_waits_is_not_answered(
    opened: tuple[Server, Connection, Line], at_once: bool
) -> None:
    server, connection, line = opened
    for data in [get("/wait") + get("/b")] if at_once else [get("/wait"), get("/b"), b"no HTTP at all\r\n\r\n"]:
        connection.data_received(data)
    assert line.sent == b"" and not server.held
    ((poll, write),) = server.polls
    made = poll.look(True)
    assert made is not None
    write(made)
    assert order(line) == ["wait"] and b"x-request-id: wait" in line.sent
    assert line.closed


def test_too_many_that_wait_are_refused(opened: tuple[Server, Connection, Line]) -> None:
    server, connection, line = opened
    server.full = True
    connection.data_received(get("/wait"))
    assert b" 503 " in line.sent and b"PLR216" in line.sent and line.closed


def test_replies_keep_their_order_behind_one_that_is_recorded(opened: tuple[Server, Connection, Line]) -> None:
    server, connection, line = opened
    connection.data_received(get("/a") + get("/record") + get("/b"))
    assert order(line) == ["a"]
    for write in server.held:
        write()
    assert order(line) == ["a", "record", "b"] and not line.closed
    assert [i in line.sent for i in (b"x-request-id: record", b"x-request-id: b")] == [True, True]


def test_a_call_waits_for_its_users_turn_and_so_does_what_is_behind_it(opened: tuple[Server, Connection, Line]) -> None:
    server, connection, line = opened
    server.free = False
    connection.data_received(get("/a") + get("/b") + b"no HTTP at all\r\n\r\n")
    assert line.sent == b"" and not line.reading and connection.deadline == float("inf")
    ((uid, act),) = server.turns
    server.free = True
    act()
    assert uid == 1000 and order(line) == ["a", "b"] and b" 400 " in line.sent and line.closed


@pytest.mark.parametrize("gone", [True, False])
def test_a_call_whose_work_is_done_elsewhere_goes_on_at_its_turn(gone: bool) -> None:
    async def held() -> None:
        work: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        server, line = Server(), Line()
        more = iter(
            [PendingReply(work, lambda: next(more)), PendingReply(None, lambda: next(more)), reply({"path": "/c"})]
        )
        connection = Connection(
            server, Endpoint(lambda call: next(more) if call.path == "/c" else handle(call), admit), Caller(7)
        )
        connection.connection_made(line)
        connection.data_received(get("/a") + get("/c") + get("/record") + get("/b"))
        assert order(line) == ["a"] and not line.reading
        if gone:
            connection.connection_lost(None)
            await asyncio.sleep(0)
            assert work.cancelled()
            return
        work.set_result("x")
        await asyncio.sleep(0)
        for _ in range(2):
            assert order(line) == ["a"]
            server.turns.pop()[1]()
        for write in server.held:
            write()
        assert order(line) == ["a", "c", "record", "b"] and line.reading and b"x-request-id: c" in line.sent

    asyncio.run(held())


async def users_in_turn() -> list[int]:
    """Whose calls were answered, when one user's five take long and another's come behind them."""
    turns, order = Turns(), list[int]()

    def act(user: int) -> None:
        order.append(user)
        turns.spent(user, 1.0 if user == 1 else 0.0001)

    assert turns.free
    act(1)
    assert not turns.free
    for user in (1, 1, 1, 1, 2, 2, 2):
        turns.wait(user, partial(act, user))
    for _ in range(20):
        await asyncio.sleep(0)
    assert turns.free
    return order


def test_who_was_answered_least_is_next() -> None:
    assert asyncio.run(users_in_turn()) == [1, 2, 2, 2, 1, 1, 1, 1]


def test_every_split_of_a_call_is_the_same_call() -> None:
    data = get("/a", "authorization: Bearer tok\r\n")
    for at in range(1, len(data)):
        _, connection, line = opened_by(1000)
        connection.data_received(data[:at])
        assert line.sent == b""
        connection.data_received(data[at:])
        assert b'{"path":"/a","agent":"tok"}' in line.sent


def test_over_loopback_the_host_is_loopback() -> None:
    for host, good in (("localhost", True), ("127.0.0.1:80", True), ("[::1]:80", True), ("evil.example", False)):
        _, connection, line = opened_by(None)
        connection.data_received(f"GET /a HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        assert (b" 200 " in line.sent) == good
        assert (b"PLR215" in line.sent) != good
