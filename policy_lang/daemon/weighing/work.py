"""Pieces of weighing given to processes of their own, one after the other, each with its time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from ...domain.errors import RequestError
from ...domain.limits import limit
from ...domain.strict_json import Json
from ..active import Loaded

_SECONDS = limit("weighing_wait_seconds")
_MOST_WAITING = limit("weighings_waiting")


class Weighing:
    """Workers: one at a time, so that agents who propose take one core at most. `done` is called in any thread."""

    def __init__(self, done: Callable[[], None] = lambda: None) -> None:
        self._pool = ThreadPoolExecutor(1, "weighing")
        self._done = done
        self._waiting = 0

    def start(self, job: Json) -> Future[Json]:
        """Begin a piece of work. Raises RequestError when too much waits."""
        if self._waiting >= _MOST_WAITING:
            raise RequestError("PLR247", f"{_MOST_WAITING} proposals are being looked at; try again in a minute")
        self._waiting += 1
        work = self._pool.submit(_worked, job)
        work.add_done_callback(self._over)
        return work

    def _over(self, _: Future[Json]) -> None:
        self._waiting -= 1
        self._done()


def _worked(job: Json) -> Json:
    """All that a worker said, in one object; `done` is missing when its time or memory did not suffice."""
    command = [sys.executable, "-I", "-m", "policy_lang.daemon.weighing.worker"]
    process = subprocess.Popen(  # noqa: S603 (our own program, fixed words)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        data = process.communicate(json.dumps(job).encode("ascii"), _SECONDS)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        data = process.communicate()[0]
    found: Json = {}
    for line in data.split(b"\n")[:-1]:
        found |= json.loads(line)
    return found


def result_of(work: Future[Json]) -> Json:
    """What a piece of work found. Raises RequestError for what is wrong with what was given."""
    found = work.result()
    fault = found.pop("fault", None)
    if fault is not None:
        raise RequestError(fault[0], fault[1])
    return found


def sources_of(loaded: Loaded) -> Json:
    """What a worker needs to know of the policy in force. Raises RequestError when it has no sources."""
    if not loaded.contents.sources:
        raise RequestError("PLR248", "the policy in force has no sources to weigh a rule by")
    return {"path": loaded.contents.sources[0][0], "digest": loaded.policy.digest}
