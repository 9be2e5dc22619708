"""Calls of the kernel that Python does not offer: openat2, seccomp's notifications, others' memory and sockets."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import threading

from ..domain.record import record

_LIBC = ctypes.CDLL(None, use_errno=True)
_OPENAT2, _RENAMEAT2, _PIDFD_OPEN, _PIDFD_GETFD = 437, 316, 434, 438
"""x86-64 (arch/x86/entry/syscalls/syscall_64.tbl)."""

RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH, RESOLVE_IN_ROOT = 0x04, 0x08, 0x10
"""openat2(2)."""
_THREAD = 0o200
"""PIDFD_THREAD (pidfd_open(2))."""
AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH = 0x100, 0x200, 0x400, 0x1000
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2

_RECEIVE, _SEND, _VALID, _ADD = 0xC0502100, 0xC0182101, 0x40082102, 0x40182103
"""SECCOMP_IOCTL_NOTIF_RECV, _SEND, _ID_VALID, _ADDFD (linux/seccomp.h)."""
_ADD_AND_SEND = 2
_CONTINUE = 1
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_PAGE = 4096
_HIGHEST = (1 << 64) - 1


_HOW = struct.Struct("=3Q")
"""`struct open_how`: flags, mode, how to resolve."""
_STRETCHES = struct.Struct("=4Q")
"""Two `struct iovec`s: address and length of each."""
_READ_MEMORY = _LIBC.process_vm_readv
_READ_MEMORY.argtypes = (
    ctypes.c_int, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_ulong,
)  # fmt: skip
_READ_MEMORY.restype = ctypes.c_ssize_t
_OPEN = _LIBC.syscall


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def open_at(folder: int, path: bytes, flags: int, resolve: int, mode: int = 0) -> int:
    """A descriptor by openat2(2), closed on exec. Raises OSError."""
    return _checked(_OPEN(_OPENAT2, folder, path, _HOW.pack(flags | os.O_CLOEXEC, mode, resolve), _HOW.size))


def rename_at(source: int, name: bytes, target: int, new: bytes, flags: int) -> None:
    """renameat2(2). Raises OSError."""
    _checked(_LIBC.syscall(_RENAMEAT2, source, name, target, new, flags))


def set_times(folder: int, path: bytes, times: bytes | None, flags: int) -> None:
    """utimensat(2); `times` holds two `struct timespec`s. Raises OSError."""
    _checked(_LIBC.utimensat(folder, path, times, flags))


def memory_of(process: int, address: int, size: int) -> bytes:
    """Up to `size` bytes of a process's memory; fewer where it ends. Raises OSError when nothing can be read."""
    if size > _PAGE:
        found = memory_of(process, address, _PAGE)
        return found + memory_of(process, address + _PAGE, size - _PAGE) if len(found) == _PAGE else found
    first = min(size, _PAGE - address % _PAGE)  # what ends with its page is read up to there
    remote = _STRETCHES.pack(address, first, (address + first) & _HIGHEST, size - first)
    count = _checked(_READ_MEMORY(process, _ROOM.local, 1, remote, 2 if size > first else 1, 0))
    return ctypes.string_at(_ROOM.address, count)


class _Room(threading.local):
    """A page of each thread's own, that memory of others is read into."""

    def __init__(self) -> None:
        self.buffer = ctypes.create_string_buffer(_PAGE)
        self.address = ctypes.addressof(self.buffer)
        self.local = struct.pack("=2Q", self.address, _PAGE)


_ROOM = _Room()


def socket_of(process: int, descriptor: int) -> int:
    """A descriptor here for what a descriptor of another process is open on; closed on exec. Raises OSError."""
    try:
        handle = _checked(_LIBC.syscall(_PIDFD_OPEN, process, _THREAD))
    except OSError:  # before Linux 6.9 only a process's first thread has one
        handle = _checked(_LIBC.syscall(_PIDFD_OPEN, process, 0))
    try:
        return _checked(_LIBC.syscall(_PIDFD_GETFD, handle, descriptor, 0))
    finally:
        os.close(handle)


def what_is_refused() -> str:
    """The call that the supervisor needs and this process may not make; empty when it may make all of them."""
    word = ctypes.create_string_buffer(b"x")
    try:
        memory_of(os.getpid(), ctypes.addressof(word), 1)
    except OSError:
        return "process_vm_readv"
    reader, writer = os.pipe()
    try:
        os.close(socket_of(os.getpid(), reader))
    except OSError:
        return "pidfd_getfd"
    finally:
        os.close(reader)
        os.close(writer)
    return ""


def connect(own: int, address: bytes) -> None:
    """Bring a socket to an address as the kernel takes it. Raises OSError."""
    _checked(_LIBC.connect(own, address, len(address)))


def bind(own: int, address: bytes) -> None:
    """Give a socket an address as the kernel takes it. Raises OSError."""
    _checked(_LIBC.bind(own, address, len(address)))


def own_umask() -> None:
    """Give this thread a umask of its own, of nothing: modes are those that callers gave. Raises OSError."""
    _checked(_LIBC.unshare(0x200))  # CLONE_FS
    os.umask(0)


@record(frozen=True, slots=True)
class Notification:
    """A system call that waits for its answer: `thread` as this process numbers it, and the six arguments."""

    id: int
    thread: int
    number: int
    arguments: tuple[int, int, int, int, int, int]


class Listener:
    """Receives and answers notifications of one filter (seccomp_unotify(2))."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def receive(self) -> Notification:
        """The next notification. Raises OSError, with ENOENT when its process was killed meanwhile."""
        buffer = bytearray(_NOTIFICATION.size)
        fcntl.ioctl(self.descriptor, _RECEIVE, buffer)
        found = _NOTIFICATION.unpack(buffer)
        return Notification(found[0], found[1], found[3], found[6:])

    def is_valid(self, notification: Notification) -> bool:
        """Whether the call still waits, so that the thread's number has not become another's."""
        try:
            fcntl.ioctl(self.descriptor, _VALID, struct.pack("=Q", notification.id))
        except OSError:
            return False
        return True

    def answer(self, notification: Notification, value: int = 0, error: int = 0) -> None:
        """End the call with a value, or with an error number."""
        self._send(struct.pack("=QqiI", notification.id, value, -error, 0))

    def go_on(self, notification: Notification) -> None:
        """Let the kernel do the call, with whatever its memory then says."""
        self._send(struct.pack("=QqiI", notification.id, 0, 0, _CONTINUE))

    def hand_over(self, notification: Notification, descriptor: int, close_on_exec: bool) -> None:
        """End the call with a descriptor of the process for what `descriptor` is open on. Raises OSError."""
        flags = os.O_CLOEXEC if close_on_exec else 0
        fcntl.ioctl(self.descriptor, _ADD, struct.pack("=QIIII", notification.id, _ADD_AND_SEND, descriptor, 0, flags))

    def _send(self, data: bytes) -> None:
        try:
            fcntl.ioctl(self.descriptor, _SEND, data)
        except OSError:  # it was killed meanwhile, or has had its answer
            return
