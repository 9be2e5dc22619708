"""Deciders: `python -I -m policy_lang.daemon.deciding.decider`, with a socket to the service as standard input.

The process reads the compiled policy in force, makes ready, and from then on only makes children like itself, each with
a socket of its own. A child decides one job after the other. The kernel ends one that takes longer than its job may
(setitimer(2), whose signals end a process that does not handle them), and whatever it had begun is gone with it, so no
memory of half a decision is left. None outlives the service: their sockets are closed then.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import socket
import sys
import time
from typing import Any, NoReturn

from ...audit.disk_snapshot import Recording
from ...audit.event import FoundRecord
from ...compiled.reader import Contents
from ...domain.limits import limit
from ...domain.record import replace
from ...domain.request import Request
from ...domain.strict_json import Json
from ...engine.nearest import advice
from ...policy import Policy
from ...wire.decisions import candidates_json
from ..memory import bound_memory
from .codec import answers_json, question_of

NUMBER = 8
"""Bytes of a number, the highest first. A message begins with its length; an answer with that and the microseconds of
the processor that it took. An empty one is too long."""
READY = b"R"
MAKE = b"M"
_WARM: tuple[tuple[str, str | tuple[str, ...]], ...] = (
    ("run", "for f in $(git ls-files -- '*.py'); do sed -i s/a/b/ \"$f\" && cat $f | head -3 > /tmp/x; done"),
    ("run", ("npm", "run", "build", "--", "--watch")),
    ("run", ("rm", "-rf", "build/", "*.o")),
    ("connect", "https://example.invalid/a"),
    ("write", "a/b"),
)
"""Ordinary questions, so that what decides them is in memory before anybody asks."""
_MOST_ANSWER = limit("decider_answer_bytes")
_NICE = 2
"""The service itself comes first: it has the calls of people and operators."""


def work(policy: Policy, job: Json) -> Json:
    """What comes of one job: a decision each, perhaps with what the disk said; or one explanation."""
    requests = [question_of(value) for value in job["requests"]]
    if job["watched"]:
        requests = [_watched(r) for r in requests]
    if job.get("explain"):
        explained = policy.explain(requests[0])
        decisions = [explained.decision]
        more = {"explanation": candidates_json(explained)}
    else:
        decisions = [policy.decide_request(r) for r in requests]
        more = {}
    out = answers_json([d.answer for d in decisions]) | more
    out["seen"] = [r.disk.seen() if isinstance(r.disk, Recording) else None for r in requests]
    if job["recorded"]:
        out["records"] = [
            FoundRecord.made(r, d, r.disk if isinstance(r.disk, Recording) else None)
            for r, d in zip(requests, decisions, strict=True)
        ]
    if job.get("advise") and any(d.effect == "deny" for d in decisions):
        out["advice"] = advice(policy.engine, requests, decisions)
    return out


def _watched(request: Request) -> Request:
    looks = request.workspace is not None and not request.lexical
    return replace(request, disk=Recording()) if looks else request


def _serve(policy: Policy, peer: socket.socket) -> NoReturn:
    """Decide what comes, until the service is gone."""
    with contextlib.suppress(OSError):
        peer.sendall(READY)
        while True:
            job: Any = json.loads(_message(peer))
            began = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, job["cpu"])
            signal.setitimer(signal.ITIMER_REAL, job["wall"])
            data = json.dumps(work(policy, job), separators=(",", ":")).encode("ascii")
            if len(data) > _MOST_ANSWER:
                data = b""
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            took = int((time.process_time() - began) * 1e6)
            peer.sendall(len(data).to_bytes(NUMBER) + took.to_bytes(NUMBER) + data)
    os._exit(0)


def _message(peer: socket.socket) -> bytes:
    """One message. Ends the process when the other side is gone."""
    size = int.from_bytes(_bytes(peer, NUMBER))
    return _bytes(peer, size)


def _bytes(peer: socket.socket, count: int) -> bytes:
    out = bytearray()
    while len(out) < count:
        data = peer.recv(min(count - len(out), 1 << 20))
        if not data:
            os._exit(0)
        out += data
    return bytes(out)


def main() -> None:
    """Read the policy, make ready, make children."""
    service = socket.socket(fileno=os.dup(0))
    bound_memory(limit("decider_bytes"))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_NICE)
    policy = Policy.of_compiled(Contents(_message(service)))
    for action, what in _WARM:
        work(policy, {"requests": [{"action": action, "resource": what, "resolved": [], "workspace": "/", "cwd": "/"}],
                      "watched": True, "recorded": True, "advise": True})  # fmt: skip
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGPROF, signal.SIGALRM))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's: the service ends in order, and takes these with it
    service.sendall(READY)
    while True:
        data, handles, _, _ = socket.recv_fds(service, 1, 1)
        if not data:
            sys.exit(0)
        if os.fork() == 0:
            service.close()
            os.close(0)
            _serve(policy, socket.socket(fileno=handles[0]))
        os.close(handles[0])


if __name__ == "__main__":
    main()
