"""Whether one agent can hold the service up: what another agent and an operator wait while it asks what takes longest.

Three users of this machine ask one service with a flushed log: an agent that asks ordinary things one after the other, an
operator who freezes and lifts, and an agent that sends the requests of `tests/service/hostile.py` over many connections,
singly, in batches and as explanations. First without the hostile one, which is the floor. Needs root, to be three users.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.service.hostile import HOSTILE
from tests.service.support import UnixConnection, service

HONEST, OTHER = 54711, 54712
CONNECTIONS = 24
SECONDS = 20
POLICY = """policy "p"
import std.shell
import std.git-work
import std.careful
allow read "./"
allow write "src/"
allow run "npm **"
deny write "src/kept/**"
"""
CONFIG = f"""
[[principal]]
uid = {HONEST}
agents = ["honest"]
[[principal]]
uid = {OTHER}
agents = ["other"]
[operators]
users = ["root"]
"""
ORDINARY: tuple[tuple[str, Any], ...] = (
    ("read", "src/{n}.py"), ("write", "src/{n}.py"), ("run", "git status && git diff --stat HEAD~{n}"),
    ("run", "cat src/{n}.py | head -{n}"), ("run", ["npm", "run", "t{n}"]), ("read", "docs/{n}"),
    ("run", "cd src && ls -la {n} && grep -rn 'x{n}' ."), ("write", "src/kept/{n}"),
)  # fmt: skip


def _call(connection: UnixConnection, path: str, body: Any, method: str = "POST") -> tuple[int, Any]:
    data = body if body is None or isinstance(body, bytes) else json.dumps(body)
    connection.request(method, path, data)
    reply = connection.getresponse()
    found = reply.read()
    if reply.will_close:
        connection.close()
    return reply.status, found


def _ask_ordinary(place: str, workspace: str, seconds: float) -> list[float]:
    """Milliseconds of each answer."""
    out: list[float] = []
    end = time.monotonic() + seconds
    connection = UnixConnection(place)
    while time.monotonic() < end:
        action, what = ORDINARY[len(out) % len(ORDINARY)]
        text = json.loads(json.dumps(what).replace("{n}", str(len(out))))
        began = time.perf_counter()
        _, data = _call(connection, "/v1/decide", {"action": action, "resource": text, "workspace": workspace})
        out.append((time.perf_counter() - began) * 1000)
        if b"undecided" in data:
            out[-1] = 10_000.0  # not answered at all
        time.sleep(0.002)
    return out


def _freeze(place: str, seconds: float) -> list[float]:
    """Milliseconds of each freeze, lift and look at the health."""
    out: list[float] = []
    end = time.monotonic() + seconds
    connection = UnixConnection(place)
    while time.monotonic() < end:
        for method, path, body in (("POST", "/v1/freeze", {"agent": "nobody"}), ("POST", "/v1/lift", {"agent": "nobody"}),
                                   ("GET", "/healthz", None)):  # fmt: skip
            began = time.perf_counter()
            _call(connection, path, body, method)
            out.append((time.perf_counter() - began) * 1000)
        time.sleep(0.01)
    return out


def _bodies(workspace: str) -> list[tuple[str, bytes]]:
    """What the attacker sends: each request singly, explained, and among others in batches."""
    chance = random.Random(1)
    calls = json.loads(json.dumps([c for kind in HOSTILE.values() for c in kind]).replace("{ws}", workspace))
    bodies: list[tuple[str, Any]] = [(path, c) for c in calls for path in ("/v1/decide", "/v1/explain")]
    bodies += [
        ("/v1/decide/batch", {"requests": chance.choices(calls, k=many), "together": together})
        for many in (2, 4, 20, 100) for together in (False, True) for _ in range(20)
    ]  # fmt: skip
    return [(path, json.dumps(body).encode()) for path, body in bodies]


def _attack(place: str, bodies: list[tuple[str, bytes]], seconds: float, seed: int) -> list[float]:
    """Send what takes long, one after the other. How many were answered, and how many times the service hung up."""
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    connection, answered, closed = UnixConnection(place), 0, 0
    while time.monotonic() < end:
        path, body = chance.choice(bodies)
        try:
            _call(connection, path, body)
            answered += 1
        except (OSError, http.client.HTTPException):
            closed += 1
            connection.close()
    return [float(answered), float(closed)]


def _as(user: int, act: Callable[..., list[float]], *arguments: Any) -> int:
    """Do something in a process of that user. A descriptor from which the figures can be read."""
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            os.close(read)
            os.setgid(HONEST)
            os.setuid(user)
            data = json.dumps(act(*arguments)).encode()
            with os.fdopen(write, "wb") as out:
                out.write(data)
        finally:
            os._exit(0)
    os.close(write)
    return read


def _figures(handle: int) -> list[float]:
    with os.fdopen(handle, "rb") as found:
        return [float(n) for n in json.loads(found.read() or b"[]")]


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@contextlib.contextmanager
def _serving() -> Iterator[tuple[str, str]]:
    def prepare(folder: Path) -> None:
        folder.chmod(0o755)
        (folder / "ws/src").mkdir(parents=True)
        (folder / "serve.toml").write_text(CONFIG)
        (folder / "serve.toml").chmod(0o600)

    with service(POLICY, "--config", "{folder}/serve.toml", "--log", "{folder}/log", prepare=prepare) as running:
        os.chown(running.socket, 0, HONEST)
        os.chmod(running.socket, 0o660)
        yield running.socket, str(running.folder / "ws")


def run(seconds: int = SECONDS) -> None:
    """Print the figures."""
    if os.geteuid() != 0:
        sys.exit("needs root, to be three users of this machine")
    with _serving() as (place, workspace):
        bodies = _bodies(workspace)
        _figures(_as(HONEST, _ask_ordinary, place, workspace, 3))  # warm
        for name, many in (("alone", 0), ("under attack", CONNECTIONS)):
            attackers = [_as(OTHER, _attack, place, bodies, seconds, n) for n in range(many)]
            time.sleep(1 if many else 0)
            asked = _as(HONEST, _ask_ordinary, place, workspace, seconds - 2)
            frozen = _as(0, _freeze, place, seconds - 2)
            for what, found in (("another agent", _figures(asked)), ("freeze, lift, health", _figures(frozen))):
                shares = "  ".join(f"p{share * 100:g} {percentile(found, share):7.1f}" for share in (0.5, 0.99, 0.999))
                print(f"{name:13} {what:21} {len(found):6} answers  {shares}  max {max(found):7.1f} ms")
            told = [_figures(one) for one in attackers]
            if told:
                print(
                    f"{name:13} {'the attacker':21} {sum(t[0] for t in told):6.0f} answers  {sum(t[1] for t in told):.0f} times cut"
                )
