"""Starts of programs: decided by their words, and left to the kernel."""

from __future__ import annotations

import errno
import os
import posixpath
import struct
import sys

from ..domain.actions import ALLOW, ASK
from ..domain.limits import limit
from ..pep.hook_places import HOOK, launcher_place
from . import kernel
from .system_call import GO_ON, AccessDeniedError, AskedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .accesses import Accesses
    from .system_call import Done, SystemCall

_MOST_WORDS = limit("argv_words")
_MOST_BYTES = limit("argv_bytes")


def _is_hook(path: str, rest: list[str]) -> bool:
    """Whether it is our own hook that a client starts, by whom it asks: no rule about words stops it."""
    return path == os.path.realpath(sys.executable) and rest[:3] == ["-I", "-S", HOOK]


class Starting:
    """Decides which programs callers start."""

    def __init__(self, accesses: Accesses) -> None:
        self._accesses = accesses

    def execute(self, call: SystemCall, base: int, address: int, words: int, flags: int) -> Done:
        """Decide the start of a program; the kernel starts it. Raises OSError, AskedError."""
        call.begins()
        if flags & kernel.AT_EMPTY_PATH and not self._accesses.resolver.text(call.thread, address):
            leaf, given = self._accesses.resolver.of_descriptor(call.thread, base), ""
        else:
            path = self._accesses.resolver.absolute(
                call.thread, base, self._accesses.resolver.text(call.thread, address)
            )
            leaf, given = self._accesses.program(call, path), posixpath.normpath(os.fsdecode(path))
        try:
            if not leaf.exists:
                return GO_ON  # the kernel says what is wrong
            if not leaf.path:
                raise PermissionError(errno.EACCES, "a program without a name")
            rest = self._words(call, words)[1:]
            folder = os.readlink(f"/proc/{call.thread}/cwd")
            if not call.is_valid():  # its number may be another's by now, whose memory was read
                raise ProcessLookupError(errno.ESRCH, "it is gone")
            if _is_hook(leaf.path, rest) or self._is_launcher(leaf.path):
                return GO_ON
            for program in dict.fromkeys(filter(None, (given, leaf.path))):
                ruling = self._accesses.port.command((program, *rest), folder)
                key = ("run", (program, *rest))
                if ruling.effect == ASK and key not in call.approved:
                    raise AskedError(ruling, key)
                if ruling.effect not in {ALLOW, ASK}:
                    raise AccessDeniedError(ruling.reason)
        finally:
            leaf.close()
        return GO_ON

    def _is_launcher(self, path: str) -> bool:
        """Whether it is the hook's launcher, which starts nothing but the hook: nobody inside can have written it."""
        mine = {launcher_place(False, self._accesses.port.like.home or ""), launcher_place(True)}
        return path in mine and self._accesses.own_paths.protects(path)

    def _words(self, call: SystemCall, address: int) -> list[str]:
        """The words of a command, from the caller's memory. Raises OSError with E2BIG for too many or too long."""
        out: list[str] = []
        size = 0
        while address:
            pointers = kernel.memory_of(call.thread, address, 512)
            for (pointer,) in struct.iter_unpack("=Q", pointers[: len(pointers) // 8 * 8]):
                if pointer == 0:
                    return out
                word = self._long_text(call, pointer, _MOST_BYTES - size)
                size += len(word) + 1
                out.append(os.fsdecode(word))
                if len(out) > _MOST_WORDS:
                    raise OSError(errno.E2BIG, "too many words")
            address += 512
        return out

    @staticmethod
    def _long_text(call: SystemCall, address: int, most: int) -> bytes:
        data = b""
        while b"\0" not in data:
            if len(data) > most:
                raise OSError(errno.E2BIG, "too long")
            data += kernel.memory_of(call.thread, address + len(data), 512 if not data else 16384)
        return data[: data.index(b"\0")]
