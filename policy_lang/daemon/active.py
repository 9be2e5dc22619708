"""The policy in force: compiled apart from the serving path, swapped as a whole, the last good one kept."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import time
from dataclasses import dataclass

from .._version import __version__
from ..compiled.codec import DamagedError
from ..compiled.opened import SUFFIX, open_compiled, stale_source
from ..compiled.reader import Contents
from ..domain.errors import PolicyError
from ..domain.faults import AuthorError
from ..facts.owners import unsafe
from ..policy import Policy

_COMPILE_SECONDS = 60
"""Far beyond what a policy of 100,000 rules takes; then the compiler is stopped, and the last good policy stays."""
_MOST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy as it is in force: its contents, and since when (seconds since the epoch)."""

    policy: Policy
    contents: Contents
    since: float


class LoadError(AuthorError):
    """A policy that cannot be put in force; the text says why."""


class ActivePolicy:
    """Holds what is in force. `current` is None until a first policy could be loaded: then everything denies."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self.current: Loaded | None = None
        self.error = ""
        self.loads = {"good": 0, "bad": 0}
        self._seen: tuple[object, ...] = ()
        self._busy = asyncio.Lock()

    async def load(self) -> bool:
        """Compile, check and put in force what the files say now. False when it cannot be; `error` says why."""
        async with self._busy:
            seen = self._signature()
            try:
                contents = await self._contents()
                self._check_owners(contents)
            except LoadError as error:
                self.error = str(error)
                self.loads["bad"] += 1
                self._seen = seen
                return False
            policy = Policy.of_compiled(contents)
            self.current = Loaded(policy, contents, time.time())
            self.error = ""
            self.loads["good"] += 1
            now = self._signature()  # other files may be named than before; one that changed meanwhile is read again
            self._seen = () if stale_source(contents.sources) else now
            return True

    @property
    def changed(self) -> bool:
        """True when a file is not as it was at the last attempt."""
        return self._signature() != self._seen

    def _signature(self) -> tuple[object, ...]:
        watched = {self.path}
        if self.current is not None and not self.path.endswith(SUFFIX):
            watched.update(path for path, _ in self.current.contents.sources)
        out: list[object] = []
        for path in sorted(watched):
            try:
                status = os.stat(path)
            except OSError:
                out.append((path, None))
            else:
                out.append((path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
        return tuple(out)

    async def _contents(self) -> Contents:
        if self.path.endswith(SUFFIX):
            try:
                return open_compiled(self.path, __version__)
            except PolicyError as error:
                raise LoadError(str(error)) from None
        # a process of its own: compiling holds the interpreter, and answers must not wait for it
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            "policy_lang.daemon.compile",
            self.path,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_COMPILE_SECONDS):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise LoadError(f"compiling took longer than {_COMPILE_SECONDS} seconds") from None
        if process.returncode != 0:
            why = err.decode("utf-8", "replace").strip()[:_MOST_TEXT]
            raise LoadError(why or "the compiler failed")
        try:
            return Contents(out)
        except DamagedError as error:
            raise LoadError(f"the compiler's answer is refused: {error}") from None

    def _check_owners(self, contents: Contents) -> None:
        """Every file that the policy was made from is in the hands of this user or root alone."""
        for path in {self.path, *(path for path, _ in contents.sources)}:
            try:
                status = os.stat(path)
            except OSError:
                if path == self.path:
                    raise LoadError(f"`{path}` is gone") from None
                continue  # a compiled policy stands without its sources
            fault = unsafe(status)
            if fault is None and not stat.S_ISREG(status.st_mode):
                fault = ("it is not a regular file", "name a file")
            if fault is not None:
                raise LoadError(f"`{path}` is refused: {fault[0]}; {fault[1]}")
