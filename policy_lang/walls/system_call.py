"""One system call that waits for its answer: who makes it, with what, and what may become of it."""

from __future__ import annotations

import ctypes
import errno

from ..domain.faults import CallerError
from ..domain.limits import limit
from ..domain.record import record
from ..engine.memo import Memo
from . import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..egress.port import Ruling

    Approved = frozenset[tuple[str, object]]
    """Accesses that people have approved, for one call."""

READ, WRITE, DELETE = "read", "write", "delete"


class AskedError(CallerError):
    """People are to be asked before the call is done; the caller waits meanwhile."""

    def __init__(self, ruling: Ruling, key: tuple[str, object]) -> None:
        super().__init__(ruling.reason)
        self.ruling = ruling
        self.key = key


class AccessDeniedError(CallerError, PermissionError):
    """The policy denies an access, or the walls' own paths do."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EACCES, reason)


class SlowError(CallerError):
    """The call may wait for another process, so it is to be done beside the others."""


@record(frozen=True, slots=True)
class Done:
    """What becomes of a call: its value, a descriptor to hand over, or that the kernel does it."""

    value: int = 0
    descriptor: int = -1
    close_on_exec: bool = False
    goes_on: bool = False


DONE = Done()
GO_ON = Done(goes_on=True)


class SystemCall:
    """One call: who makes it, its arguments, what people have approved of it.

    `is_valid` says whether it still waits; `beside` that waiting for it holds nobody else.
    """

    __slots__ = ("a", "approved", "beside", "is_valid", "thread")

    def __init__(
        self, thread: int, arguments: tuple[int, ...], is_valid: Callable[[], bool], approved: Approved, beside: bool
    ) -> None:
        self.thread = thread
        self.a = arguments
        self.is_valid = is_valid
        self.approved = approved
        self.beside = beside

    def memory(self, address: int, size: int) -> bytes | None:
        """The caller's memory; None for no address. Raises OSError when it ends before."""
        if not address or not size:
            return None
        data = kernel.memory_of(self.thread, address, size)
        if len(data) != size:
            raise OSError(errno.EFAULT, "no memory there")
        return data

    def status(self, name: bytes) -> bytes:
        """A line of the caller's status (proc_pid_status(5))."""
        with open(f"/proc/{self.thread}/status", "rb") as stream:
            for line in stream:
                if line.startswith(name + b":"):
                    return line[len(name) + 1 :].strip()
        raise OSError(errno.EPERM, "no status")

    def umask(self) -> int:
        """What the caller takes from the modes of what it makes."""
        found: int | None = _UMASKS.get(self.thread)
        if found is None:
            found = int(self.status(b"Umask"), 8)
            _UMASKS.keep(self.thread, found)
        return found

    def forget_umasks(self) -> None:
        """Read all anew, as threads may share one."""
        _UMASKS.clear()

    def begins(self) -> None:
        """A program begins: what is known by the number of its thread may have been another's."""
        _UMASKS.pop(self.thread, None)

    def terminal(self) -> int:
        """The device number of the caller's controlling terminal, 0 when it has none (proc_pid_stat(5))."""
        return _terminal_of(f"/proc/{self.thread}/stat")


_UMASKS = Memo(limit("memo_entries"))
"""What is known of callers' umasks, by thread; a number that is another's by now gives a file another mode at most."""


def _terminal_of(path: str) -> int:
    with open(path, "rb") as stream:
        return int(stream.read().rpartition(b") ")[2].split()[4])


def own_terminal() -> int:
    """The device number of the launcher's controlling terminal, 0 when it has none."""
    return _terminal_of("/proc/self/stat")


def signed(value: int, bits: int) -> int:
    """An argument as the signed number that it is in the kernel's eyes."""
    return ctypes.c_int32(value & 0xFFFFFFFF).value if bits == 32 else ctypes.c_int64(value).value


def folder_of(value: int) -> int:
    """An argument as the descriptor of a folder, or AT_FDCWD."""
    return signed(value, 32)


def missing() -> int:
    """Raises OSError: nothing is there."""
    raise FileNotFoundError(errno.ENOENT, "nothing is there")
