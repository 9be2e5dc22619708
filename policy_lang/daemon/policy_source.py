"""Sources of a policy: a file with its imports, or a compiled file. The service knows the port alone."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable
from typing import Protocol

from .._version import __version__
from ..compiled.codec import DamagedError
from ..compiled.opened import SUFFIX, open_compiled, stale_source
from ..compiled.reader import Contents
from ..domain.errors import AuthorError, PolicyError
from ..domain.limits import limit
from ..facts.owners import unsafe_place, writers

_COMPILE_SECONDS = limit("compile_seconds")
_MOST_REPORT = limit("compile_report")


class PolicySourceError(AuthorError):
    """A policy that cannot be put in force; the text says why."""


class PolicySource(Protocol):
    """Where the policy in force comes from. A new kind of source is a class with these methods."""

    def describe(self) -> str:
        """The source as an operator named it, for logs and answers."""

    def changed(self) -> bool:
        """True when the source is not as it was at the last attempt to load it. Cheap: asked several times a second."""

    def writers(self) -> set[int]:
        """The users who could have made what was loaded last; `ANYBODY` of `facts.owners` for anybody."""

    async def load(self) -> Contents:
        """The policy as the source has it now, whole and checked, with its digest. Raises PolicySourceError."""


class FileSource:
    """A policy file and what it imports, compiled by a process of its own. What the service has `kept` is protected."""

    def __init__(self, path: str, kept: tuple[str, ...] = ()) -> None:
        self._path = os.path.abspath(path)
        self._kept = kept
        self._watched = {self._path}
        self._seen: tuple[object, ...] = ()

    def describe(self) -> str:
        """See `PolicySource`: the absolute path."""
        return self._path

    def changed(self) -> bool:
        """See `PolicySource`."""
        return _signature(self._watched) != self._seen

    def writers(self) -> set[int]:
        """See `PolicySource`."""
        return set().union(*map(writers, self._watched))

    async def load(self) -> Contents:
        """See `PolicySource`."""
        self._seen = _signature(self._watched)
        contents = await self._read()
        sources = {path for path, _ in contents.sources}
        _check_owners(self._path, sources)
        self._watched = {self._path, *sources}
        # other files may be named than before; one that changed meanwhile is read again
        self._seen = () if stale_source(contents.sources) else _signature(self._watched)
        return contents

    async def _read(self) -> Contents:
        # a process of its own: compiling holds the interpreter, and answers must not wait for it
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            "policy_lang.daemon.compile",
            self._path,
            *self._kept,
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
            raise PolicySourceError(f"compiling took longer than {_COMPILE_SECONDS} seconds") from None
        if process.returncode != 0:
            why = err.decode("utf-8", "replace").strip()[:_MOST_REPORT]
            raise PolicySourceError(why or "the compiler failed")
        try:
            return Contents(out)
        except DamagedError as error:
            raise PolicySourceError(f"the compiler's answer is refused: {error}") from None


class CompiledFileSource(FileSource):
    """A compiled policy. Only that file is watched and in safe hands: it stands without its sources."""

    async def load(self) -> Contents:
        """See `PolicySource`."""
        self._seen = _signature(self._watched)
        try:
            return open_compiled(self._path, __version__)
        except PolicyError as error:
            raise PolicySourceError(str(error)) from None


def source_of(path: str, kept: tuple[str, ...] = ()) -> PolicySource:
    """The source that a path names, by its ending. What the service has `kept` elsewhere is protected."""
    return CompiledFileSource(path, kept) if path.endswith(SUFFIX) else FileSource(path, kept)


def _signature(paths: Iterable[str]) -> tuple[object, ...]:
    """What changes whenever one of the files does."""
    out: list[object] = []
    for path in sorted(paths):
        try:
            status = os.stat(path)
        except OSError:
            out.append((path, None))
        else:
            out.append((path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return tuple(out)


def _check_owners(main: str, sources: set[str]) -> None:
    """Nobody but this user and root can put something else in the place of a file that the policy was made from."""
    for path in {main, *sources}:
        if not os.path.isfile(path):
            raise PolicySourceError(f"`{path}` is gone, or it is not a regular file; name a file")
        fault = unsafe_place(path)
        if fault is not None:
            raise PolicySourceError(f"`{path}` is refused: {fault[0]}; {fault[1]}")
