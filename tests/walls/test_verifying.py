"""Verification: for each rule what must fail and what must work is tried inside, and walls that do otherwise start nothing."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from policy_lang import Policy
from policy_lang.domain.request import Request
from policy_lang.walls.attempts import Attempt, WaysTried, attempts
from policy_lang.walls.plan import Survey
from policy_lang.walls.port import DecisionPort

from .running import WALLS, altered, place, run

_ = place
RULES = """policy "p"
tier t { approvers "@x" }
rule reads: allow read "**"
rule writes: allow write, delete "src/", "*.txt"
rule keys: deny read, write, delete "**/*.pem"
rule kept: deny delete "src/kept"
rule asked: ask t write "asked/"
rule programs: allow run "**"
rule removal: deny run "rm -rf **"
rule absent: deny run "no-such-program x"
rule hosts: allow connect "registry.example", "localhost:5432"
rule paths: allow connect GET "http://files.example/pub/"
rule mail: deny connect "**:25"
rule variables: allow use "GRANTED"
rule secrets: deny use "SECRET"
rule refs: allow push "agent/**"
"""


@pytest.fixture
def work(place: Path) -> Path:
    for name in ("k.pem", "a.txt", "src/kept"):
        (place / "w" / name).write_text("x")
    (place / "w/asked").mkdir()
    return place


def made(work: Path, ways: WaysTried, variables: dict[str, str]) -> list[Attempt]:
    like = Request("read", ".", workspace=str(work / "w"), home=str(work), tmp="/tmp", cwd=str(work / "w"))
    port = DecisionPort(Policy.loads(RULES), like)
    return attempts(port, Survey(port).plan(), ways, variables)


def test_each_rule_is_tried(work: Path) -> None:
    found = {
        (rule.id.partition("#")[2], a.how, a.works)
        for a in made(work, WaysTried(8080, (5432,)), {"SECRET": "x", "GRANTED": "x"})
        for rule in a.rules
        if rule.id.startswith("p#")
    }
    assert found == {
        ("reads", "read", True), ("keys", "read", False), ("writes", "write", True), ("writes", "create", True),
        ("keys", "write", False), ("keys", "create", False), ("writes", "rename", True), ("kept", "rename", False),
        ("keys", "rename", False), ("removal", "start", False), ("secrets", "variable", False),
        ("hosts", "tunnel", True), ("hosts", "proxy", True), ("hosts", "socket", False), ("paths", "proxy", True),
        ("paths", "socket", False), ("mail", "proxy", False), ("mail", "socket", False),
    }  # fmt: skip
    alone = made(work, WaysTried(), {})
    assert {a.how for a in alone if a.action == "connect"} == {"socket"}


def test_what_people_are_asked_about_is_not_tried(work: Path) -> None:
    assert not [a for a in made(work, WaysTried(8080), {}) if "asked" in str(a.what)]


@WALLS
def test_the_walls_do_as_planned_and_attempts_change_nothing(work: Path) -> None:
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in (work / "w").rglob("*") if p.is_file()}
    done = run(
        work, "true", policy=RULES, options=("--verify", "--forward", "5432"), env={"SECRET": "x", "GRANTED": "x"}
    )
    assert done.returncode == 0, done.stderr
    said = re.search(r"verified: (\d+) that must work, (\d+) that must fail; rules not tried: (.*)", done.stderr)
    assert said is not None, done.stderr
    assert int(said[1]) >= 7 and int(said[2]) >= 10
    assert sorted(re.split(r", (?=\d )", said[3])) == [
        "1 about programs that are not there inside, or that another rule decides",
        "1 about what servers and clients do, which hooks decide",
        "1 that ask people",
        "1 that grant programs, which need no grant inside",
        "1 that grant variables, which come with the command",
    ]
    assert before == {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in (work / "w").rglob("*") if p.is_file()}


BROKEN = {
    "a proxy that lets all through": (
        "from policy_lang.walls import ways\nways.Ways._foreseen = lambda *a: ways.FREE",
        r"proxy `CONNECT \S+:25`: it worked",
    ),
    "a proxy that lets nothing through": (
        "from policy_lang.walls import ways\nways.Ways._foreseen = lambda *a: ways.Ruling('deny')",
        r"proxy `CONNECT localhost:5432`: EACCES",
    ),
    "a supervisor that lets all programs start": (
        "from policy_lang.walls import starting\nstarting.Starting.execute = lambda *a: starting.GO_ON",
        r"start `\S+/rm -rf`: it worked",
    ),
    "a supervisor that lets all be renamed": (
        "from policy_lang.walls import naming\nnaming.Naming._may_move = lambda *a: None",
        r"rename `\S+/src/kept`: it worked",
    ),
    "a launcher that hands its variables on": (
        "import subprocess, os\nold = subprocess.Popen\n"
        "subprocess.Popen = lambda *a, **k: old(*a, **{**k, 'env': dict(os.environ)})",
        r"variable `SECRET`: it worked",
    ),
}  # fmt: skip


@WALLS
@pytest.mark.parametrize("what", BROKEN)
def test_broken_walls_start_nothing(work: Path, what: str) -> None:
    code, said = BROKEN[what]
    done = run(
        work, "touch", "src/never", policy=RULES, options=("--verify",), program=altered(code), env={"SECRET": "x"}
    )
    assert done.returncode == 125, done.stderr
    assert "the walls are not as planned" in done.stderr
    assert re.search(said, done.stderr), done.stderr
    assert not (work / "w/src/never").exists()
    assert (work / "w/k.pem").exists()


ASKS = """
import os, socket
for line in ("CONNECT registry.example:443", "GET http://files.example/pub/x", "CONNECT registry.example:25"):
    s = socket.create_connection(("127.0.0.1", int(os.environ["http_proxy"].rpartition(":")[2])))
    host = line.partition(" ")[2].removeprefix("http://").partition("/")[0]
    s.sendall(f"{line} HTTP/1.1\\r\\nHost: {host}\\r\\n\\r\\n".encode())
    print(s.recv(99).split(b" ")[1].decode())
try:
    print(socket.create_connection(("127.0.0.1", %d)).recv(9))
except ConnectionResetError:
    print(b"")
"""


@WALLS
def test_the_command_finds_no_rehearsal(work: Path) -> None:
    """What is granted is connected to again, which fails for hosts that nobody has; nothing that is sent changes that."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    rules = RULES.replace("5432", str(number))
    options = ("--verify", "--forward", str(number))
    done = run(work, "python3", "-c", ASKS % number, policy=rules, options=options)
    assert done.returncode == 0, done.stderr
    *codes, last = done.stdout.split()
    assert codes[0] in {"502", "504"} and codes[1] in {"502", "504"} and codes[2] == "403", done.stdout
    assert last == "b''"
