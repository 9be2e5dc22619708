"""One piece of work on all cores: records in chunks, partial results as they are done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from ..audit.read import LogReadError
from ..domain.limits import limit
from .source import Counted

Found = TypeVar("Found")
Work = Callable[[list[Counted]], Found]
_CHUNK = limit("work_chunk")
_AHEAD = limit("work_ahead")
"""Chunks that are read ahead for each worker."""


def spread(
    lines: Iterable[Counted], start: Callable[..., Work[Found]], given: tuple[Any, ...], workers: int = 0
) -> Iterator[Found]:
    """What `start(*given)` makes of each chunk, in any order. Raises LogReadError.

    `start` is called once in each process. `workers` is how many there are; by default one for each core.
    """
    workers = workers or len(os.sched_getaffinity(0))
    if workers == 1:
        yield from map(start(*given), _chunks(lines))
        return
    with ProcessPoolExecutor(workers, get_context("fork"), _start, (start, given)) as pool:
        waiting: set[Future[Found]] = set()
        try:
            for chunk in _chunks(lines):
                waiting.add(pool.submit(_work, chunk))
                if len(waiting) >= workers * _AHEAD:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (d.result() for d in done)
            for future in waiting:
                yield future.result()
        except BrokenProcessPool:
            raise LogReadError("a worker has ended; perhaps memory ran out: use fewer by `--workers`") from None
        finally:
            pool.shutdown(cancel_futures=True)


def _chunks(lines: Iterable[Counted]) -> Iterator[list[Counted]]:
    chunk: list[Counted] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) >= _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


_job: Work[Any] | None = None


def _start(start: Callable[..., Work[Any]], given: tuple[Any, ...]) -> None:
    global _job  # noqa: PLW0603 (one for each process)
    _job = start(*given)


def _work(chunk: list[Counted]) -> Any:
    assert _job is not None
    return _job(chunk)
