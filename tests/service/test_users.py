"""Agents and people as different users of this machine, told by the kernel."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_lang.daemon.identity.config import ServiceConfigError, read_config
from policy_lang.daemon.identity.groups import UserGroups
from policy_lang.daemon.identity.people import People, Person, token_digest
from policy_lang.daemon.identity.principals import Binding, Caller, Principals
from policy_lang.daemon.transport import sockets
from policy_lang.daemon.transport.sockets import tcp_user
from policy_lang.domain.limits import limit
from tests.needs import needs

from .inside import MIA, Inside
from .support import Running, service
from .test_console import free_port

AGENT, MIA_UID, GROUP, STRANGER = 54711, 54712, 54710, 54713
NAMED = pwd.getpwnam("nobody").pw_uid
"""Somebody without business here; of the others, who have no names, nobody knows over TCP which groups they have."""
_FIRST = {entry.pw_gid for entry in pwd.getpwall()}
AGENTS = next(g.gr_gid for g in grp.getgrall() if g.gr_gid not in _FIRST and not g.gr_mem)
"""A group that has no members but by the processes of these tests."""
POLICY = 'policy "p"\ntier review { approvers "mia" }\nask review write "src/**"\n'
CONFIG = f"""
[[principal]]
uid = {AGENT}
agents = ["codex"]
[[principal]]
group = "{grp.getgrgid(AGENTS).gr_name}"
agents = ["other"]
[operators]
token-file = "operator"
[[person]]
name = "mia"
uid = {MIA_UID}
token-sha256 = "{{digest}}"
"""
TOKEN, OPERATORS = "m" * 40, "o" * 40
as_others = needs(
    "needs root and curl to be somebody else", there=os.geteuid() == 0 and shutil.which("curl") is not None
)


def call(place: str, uid: int, path: str, body: Any = None, token: str = "", base: str = "http://localhost", group: int = GROUP, more: tuple[int, ...] = ()) -> tuple[int, Any]:  # fmt: skip
    """One call as another user, by curl. `group` and `more` are the groups of its process."""
    words = ["curl", "--silent", "--max-time", "5", "--write-out", "\n%{http_code}"]
    words += ["--unix-socket", place] if place else []
    words += ["--header", f"Authorization: Bearer {token}"] if token else []
    words += ["--header", "Host: localhost"]
    words += ["--data", json.dumps(body)] if body is not None else []
    done = subprocess.run([*words, base + path], capture_output=True, text=True, check=False, timeout=10, user=uid, group=group, extra_groups=more, cwd="/", env={"PATH": os.environ["PATH"]})  # fmt: skip
    text, _, status = done.stdout.rpartition("\n")
    return int(status or 0), json.loads(text) if text[:1] == "{" else text


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Running, str]]:
    port = free_port()

    def prepare(folder: Path) -> None:
        folder.chmod(0o755)
        (folder / "state").mkdir(mode=0o700)
        (folder / "operator").write_text(OPERATORS)
        (folder / "operator").chmod(0o600)
        (folder / "serve.toml").write_text(CONFIG.replace("{digest}", token_digest(TOKEN)))
        (folder / "serve.toml").chmod(0o600)

    words = ("--config", "{folder}/serve.toml", "--state", "{folder}/state", "--tcp", f"127.0.0.1:{port}")
    with service(POLICY, *words, prepare=prepare) as found:
        os.chown(found.socket, 0, GROUP)
        os.chmod(found.socket, 0o660)
        yield found, f"http://127.0.0.1:{port}"


@as_others
def test_the_kernel_tells_who_answers(running: tuple[Running, str]) -> None:
    place, tcp = running[0].socket, running[1]
    ask = {"action": "write", "resource": "src/a", "session": "s"}
    status, asked = call(place, AGENT, "/v1/decide", ask)
    assert (status, asked["effect"]) == (200, "ask")
    yes = {"ticket": asked["ticket"]["id"], "verdict": "approve", "reason": ""}
    tries = [
        (place, AGENT, "", "http://localhost"), (place, AGENT, TOKEN, "http://localhost"),  # with her token, over the socket
        ("", AGENT, TOKEN, tcp),  # and over TCP: the kernel tells there as well whose connection it is
        ("", AGENT, TOKEN, tcp.replace("127.0.0.1", "[::ffff:127.0.0.1]")),  # by a socket of IPv6
        (place, STRANGER, "", "http://localhost"), ("", STRANGER, "x" * 40, tcp),
    ]  # fmt: skip
    for where, uid, token, base in tries:
        status, answer = call(where, uid, "/v1/approvals/vote", yes, token, base)
        assert status in {403, 503}, (uid, token, answer)
    assert call(place, STRANGER, "/v1/decide", ask)[0] in {403, 503}
    status, answer = call(place, MIA_UID, "/v1/approvals/vote", yes)
    assert (status, answer["state"]) == (200, "approved")
    assert call(place, MIA_UID, "/v1/decide", {**ask, "ticket": yes["ticket"]})[0] == 403  # a person is not an agent
    assert call(place, AGENT, "/v1/decide", {**ask, "ticket": yes["ticket"]})[1]["effect"] == "allow"


@as_others
def test_from_another_user_a_token_is_good(running: tuple[Running, str]) -> None:
    place, tcp = running[0].socket, running[1]
    for number, (where, base) in enumerate(((place, "http://localhost"), ("", tcp))):
        asked = call(place, AGENT, "/v1/decide", {"action": "write", "resource": f"src/{number}"})[1]
        yes = {"ticket": asked["ticket"]["id"], "verdict": "approve", "reason": ""}
        assert call(where, NAMED, "/v1/approvals/vote", yes, TOKEN, base)[1]["state"] == "approved"


@as_others
def test_an_operators_token_is_worth_nothing_to_an_agent(running: tuple[Running, str]) -> None:
    place, tcp = running[0].socket, running[1]
    mapped = tcp.replace("127.0.0.1", "[::ffff:127.0.0.1]")
    for where, base in ((place, "http://localhost"), ("", tcp), ("", mapped)):
        assert call(where, AGENT, "/v1/state", None, OPERATORS, base)[0] == 403
        assert call(where, NAMED, "/v1/state", None, OPERATORS, base)[0] == 200
        assert call(where, STRANGER, "/v1/state", None, OPERATORS, base)[0] == (200 if where else 403)
    assert call(place, STRANGER, "/v1/state", None, OPERATORS, group=AGENTS)[0] in {403, 0}


@as_others
def test_the_groups_of_a_process_count_as_well(running: tuple[Running, str]) -> None:
    place = running[0].socket
    assert call(place, STRANGER, "/v1/state", None, OPERATORS, more=(AGENTS,))[0] == 403
    assert call(place, STRANGER, "/v1/state", None, OPERATORS, more=(AGENTS + 54_000,))[0] == 200
    # of more groups than can be read nobody knows what they are
    assert call(place, STRANGER, "/v1/state", None, OPERATORS, more=tuple(range(60_000, 60_256)))[0] == 200
    assert call(place, STRANGER, "/v1/state", None, OPERATORS, more=tuple(range(60_000, 60_257)))[0] == 403


def test_who_is_gone_is_nobody() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::ffff:127.0.0.1")):
        for leave in ("", "shutdown", "close", "reset"):
            peer = socket.socket(family)
            peer.connect((host, listener.getsockname()[1]))
            accepted = listener.accept()[0]
            peer.sendall(b"x")
            if leave == "shutdown":
                peer.shutdown(socket.SHUT_WR)
            elif leave:
                if leave == "reset":
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
            time.sleep(0.05)
            assert tcp_user(accepted) == (None if leave else os.geteuid()), (host, leave)
            peer.close()
            accepted.close()
    listener.close()


@pytest.mark.parametrize(("times", "known"), [(0, True), (2, True), (3, False)])
def test_a_row_that_the_kernel_left_out_is_looked_for_again(monkeypatch: pytest.MonkeyPatch, times: int, known: bool) -> None:  # fmt: skip
    whole, missed = sockets._table, [0]

    def partly(path: str) -> Iterator[list[str]]:
        missed[0] += path.endswith("tcp")
        return iter(()) if missed[0] <= times else whole(path)

    monkeypatch.setattr(sockets, "_table", partly)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert tcp_user(accepted) == (os.geteuid() if known else None)


def test_a_user_has_all_its_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    def entry(name: str, uid: int, gid: int) -> pwd.struct_passwd:
        return pwd.struct_passwd((name, "x", uid, gid, "", "/", "/"))

    users = {"alice": entry("alice", 7, 70), "alias": entry("alias", 7, 71), "bob": entry("bob", 8, 72)}

    def by_name(name: str) -> pwd.struct_passwd:
        return users[name]

    def groups(name: str, gid: int) -> list[int]:
        return [gid, *{"alias": [90], "bob": [91]}.get(name, [])]

    monkeypatch.setattr(pwd, "getpwall", lambda: list(users.values()))
    monkeypatch.setattr(pwd, "getpwnam", by_name)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: {u.pw_uid: u for u in reversed(users.values())}[uid])
    monkeypatch.setattr(os, "getgrouplist", groups)
    monkeypatch.setattr(grp, "getgrgid", lambda gid: grp.struct_group(("g", "x", gid, ["bob", "gone"])))
    found = UserGroups()
    assert found.of(7) == {70, 71, 90}
    assert found.of(8) == {72, 91}
    assert found.of(9) is None
    assert found.members(71) == {7, 8}
    users["bob"] = entry("bob", 8, 73)  # asked again each time
    assert found.of(8) == {73, 91}


def test_who_may_be_in_the_agents_group_is_neither_person_nor_operator() -> None:
    groups = {1: frozenset({5, 6}), 2: frozenset({6}), 0: frozenset({0})}
    mia = Person("mia", uid=1, token_digest=token_digest("m" * 40))
    known = Principals(
        (Binding(("a",), gid=5),), frozenset({0, 1, 2}), ("o" * 40,), people=People((mia,)), groups_of=groups.get
    )
    for caller in (
        Caller(1, 6), Caller(1, 6, "o" * 40), Caller(1, 6, "m" * 40),  # a member, with another group for now
        Caller(2, 5), Caller(2, 6, groups=frozenset({5})), Caller(2, 6, groups=None), Caller(2, 5, "o" * 40),
        Caller(user=1, token="o" * 40), Caller(user=1, token="m" * 40), Caller(token="o" * 40), Caller(token="m" * 40),
        Caller(user=3, token="o" * 40),  # a user without a name: over TCP its groups are not told
    ):  # fmt: skip
        assert known.barred(caller) and not known.operator(caller) and known.person(caller, 0.0) is None, caller
    assert known.operator(Caller(2, 6)) and known.operator(Caller(0, 0)) and not known.operator(Caller(3, 6))
    for caller in (Caller(3, 6, "o" * 40), Caller(2, 6, "o" * 40), Caller(user=2, token="o" * 40)):
        assert known.operator(caller)
    assert known.person(Caller(user=2, token="m" * 40), 0.0) is mia
    known.same_user = True
    assert known.operator(Caller(1, 6, "o" * 40)) and known.person(Caller(1, 5, "m" * 40), 0.0) is mia
    assert not known.operator(Caller(1, 6)) and known.person(Caller(1, 6), 0.0) is None
    assert not known.operator(Caller(token="o" * 40))  # whose call it is must be known all the same


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[operators]\nusers = ["root"]\n', "the operator `root` is in the group `root` that agents run with; an agent would be an operator"),
        ('[[person]]\nname = "mia"\nuser = "root"\n', "the person `mia` is in the group `root` that agents run with; an agent would approve itself"),
    ],
)  # fmt: skip
def test_nobody_of_the_agents_group_is_configured(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "serve.toml"
    path.write_text(f'[[principal]]\ngroup = "root"\nagents = ["a"]\n{text}')
    path.chmod(0o600)
    with pytest.raises(ServiceConfigError, match=message):
        read_config(str(path))
    path.write_text(f'[[principal]]\nuser = "root"\nagents = ["a"]\n{text}')
    with pytest.raises(ServiceConfigError, match="is also an agent"):
        read_config(str(path))


def test_that_users_are_shared_is_said(tmp_path: Path) -> None:
    for shared in (False, True):
        (tmp_path / str(shared)).mkdir()
        notices = Inside(tmp_path / str(shared), same_user=shared).call("GET", "/v1/state", uid=0)[1]["notices"]
        assert [n.startswith("`same-user = true`") for n in notices] == [True] * shared


def test_statistics_look_at_so_many_tickets(tmp_path: Path) -> None:
    inside = Inside(tmp_path)
    name = inside.ticket()
    approvals = inside.service.approvals
    assert approvals is not None
    store: Any = approvals.store
    one = store.get(name)
    most = limit("approval_stats")
    for count, cut in ((most - 1, False), (most, True)):
        with store._writing() as run:
            run("delete from tickets", ())
            for number in range(count + 1):
                store._put(run, one.with_(id=f"{number:016x}"))
        value = inside.call("GET", "/v1/approvals/stats", uid=MIA)[1]
        assert (value["tickets"], value["cut"]) == (min(count + 1, most), cut)
