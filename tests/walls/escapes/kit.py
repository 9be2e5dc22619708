# ruff: noqa: BLE001, T201
"""Tools of attempts: what an attempt knows, raw system calls, and the table that they are entered in.

Standard library only, and nothing of the project: this runs inside the box.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

ATTEMPTS: dict[str, Attempt] = {}
"""Every attempt that was imported, by name."""

DISK, OUTPUT, NET, PROCESS, WORD = "disk", "output", "net", "process", "word"
"""Where it shows that an attempt got through: the disk outside, a secret in its output, a listener outside, a process outside, its own word."""


@dataclass(frozen=True)
class Attempt:
    """One way that something may get out of the box."""

    name: str
    theme: str
    run: Callable[[Any], None]
    means: str
    evidence: str
    bare: str = ""
    """Why it cannot succeed without a box either, on this kernel; empty when it does."""
    root: bool = False
    """Whether it succeeds bare only for root."""
    alone: bool = False
    """Whether it disturbs others, and needs a box of its own."""
    victim: bool = False
    """Whether it needs a process outside to attack."""
    start: str = ""
    """How the next start is led astray: `NAME=VALUE` of its environment, `{own}` being the attempt's own folder."""
    again: bool = False
    """Whether it runs a second time, in a box that is started anew (`Context.round` is 2 then)."""
    late: bool = False
    """Whether it is about files that appear later, which are held only where reads are supervised."""
    by_link: bool = False
    """Whether the launcher is given the policy by a symbolic link in the writable tree."""
    twins: bool = False
    """Whether protected files have further names, hard links that were there before the start, in its own folder."""
    seconds: int = 10


def attempt(
    means: str, evidence: str = DISK, **options: Any
) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Enters a function into the table."""

    def enter(run: Callable[[Any], None]) -> Callable[[Any], None]:
        add(run.__name__, run, means, evidence, **options)
        return run

    return enter


def add(name: str, run: Callable[[Any], None], means: str, evidence: str = DISK, **options: Any) -> None:
    """Enters an attempt whose function is made."""
    theme = sys._getframe(1).f_globals["__name__"].rpartition(".")[2]
    if theme == "kit":
        theme = sys._getframe(2).f_globals["__name__"].rpartition(".")[2]
    assert name not in ATTEMPTS, name
    ATTEMPTS[name] = Attempt(name, theme, run, means, evidence, **options)


class Context:
    """What an attempt knows: `paths` and ports of the stage, and its own things there."""

    def __init__(self, known: dict[str, Any], name: str) -> None:
        self.__dict__.update(known)
        self.name = name
        self.token = f"got@{name}@{known['nonce']}"
        self.data = (self.token + "\n").encode()
        self.own = f"{known['ws']}/src/{name}"
        """A folder that it may write."""
        self.pem = f"{self.own}/secret.pem"
        self.locked = f"{self.own}/locked/inner.txt"
        self.kept = f"{known['ws']}/generated/{name}.txt"
        self.vault = f"{known['ws']}/vault/{name}.txt"
        self.outside = f"{known['base']}/outside/{name}.txt"
        self.asked = f"{known['ws']}/asked/{name}.txt"
        self.homely = f"{known['home']}/notes/{name}.txt"
        self.victim = known["victims"].get(name, 0)

    def __getattr__(self, name: str) -> Any:  # what the stage says
        raise AttributeError(name)

    def up(self, path: str) -> str:
        """A path of the workspace, from the attempt's own folder."""
        return "../../" + os.path.relpath(path, self.ws)


def put(path: str | bytes, c: Context, flags: int = os.O_WRONLY | os.O_CREAT, **options: Any) -> None:
    """Writes the token there, with an ordinary open."""
    write(os.open(path, flags, 0o644, **options), c)


def openable(path: str, flags: int) -> str:
    """Why a device cannot be opened here; empty when it can."""
    try:
        os.close(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY))
    except OSError as error:
        return f"this machine lets nobody open `{path}`: {error.strerror}"
    return ""


def write(fd: int, c: Context) -> None:
    try:
        os.write(fd, c.data)
    finally:
        os.close(fd)


def show(path: str | bytes, **options: Any) -> None:
    """Prints what stands there."""
    fd = os.open(path, os.O_RDONLY, **options)
    try:
        while block := os.read(fd, 65536):
            os.write(1, block)
    finally:
        os.close(fd)


def word() -> None:
    """Says that it worked, where nothing outside can tell."""
    os.write(1, b"\nGOT THROUGH\n")


@contextlib.contextmanager
def goes_on() -> Iterator[None]:
    """What fails here is said, and the next way tried."""
    try:
        yield
    except OSError as error:
        print("no:", error, flush=True)


libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def as_word(value: Any) -> Any:
    if value is None:
        return ctypes.c_void_p(0)
    if isinstance(value, int):
        return ctypes.c_ulong(value & (2**64 - 1))
    if isinstance(value, str):
        return ctypes.c_char_p(os.fsencode(value))
    if isinstance(value, bytes):
        return ctypes.c_char_p(value)
    return ctypes.byref(value) if isinstance(value, (ctypes.Structure, ctypes.Array)) else value


def call(number: int, *arguments: Any) -> int:
    """A raw system call."""
    found: int = libc.syscall(ctypes.c_long(number), *map(as_word, arguments))
    if found < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), f"system call {number}")
    return found


def c_call(name: str, *arguments: Any) -> int:
    """A function of the C library that answers -1 on failure."""
    found: int = getattr(libc, name)(*map(as_word, arguments))
    if found < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), name)
    return found


CODE_80 = bytes.fromhex(
    "53"  # push rbx
    "89f8"  # mov eax, edi
    "89f3"  # mov ebx, esi
    "4189d0"  # mov r8d, edx
    "89ca"  # mov edx, ecx
    "4489c1"  # mov ecx, r8d
    "31f6"  # xor esi, esi
    "31ff"  # xor edi, edi
    "cd80"  # int 0x80
    "5b"  # pop rbx
    "c3"  # ret
)
"""A function of (number, first, second, third) that calls the kernel by the door of 32-bit programs."""
MAP_32BIT = 0x40


class Low:
    """Memory below 4 GiB, where 32-bit calls can see it."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, 65536, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_32BIT, 7)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.memory[: len(CODE_80)] = CODE_80
        self.at = 4096
        self.function = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_uint] * 4)(self.address)

    def place(self, data: str | bytes) -> int:
        data = os.fsencode(data) + b"\0"
        start = self.at
        self.memory[start : start + len(data)] = data
        self.at += len(data) + 64
        return self.address + start

    def __call__(self, number: int, *arguments: Any) -> int:
        words = [a if isinstance(a, int) else self.place(a) for a in arguments]
        words += [0] * (3 - len(words))
        found: int = self.function(number, *(w & 0xFFFFFFFF for w in words))
        if found < 0:
            raise OSError(-found, os.strerror(-found), f"32-bit call {number}")
        return found


def kin(c: Context) -> list[int]:
    """Processes that may be attacked besides a victim: all of the box that are not this one; outside a box only those made for it.

    Outside, every other process of the machine would be in the way of what is tried here.
    """
    guards = [int(p) for p in c.guards]
    if os.readlink("/proc/self/ns/pid") == c.pidns:
        return guards
    return [int(p) for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]


def boxed_apart(c: Context) -> bool:
    """Whether process ids here are not the machine's."""
    return os.readlink("/proc/self/ns/pid") != c.pidns


def connect(path: str, c: Context, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """A socket connected to that path, the token sent."""
    s = socket.socket(socket.AF_UNIX, kind)
    s.settimeout(3)
    s.connect(path)
    s.sendall(c.data)
    return s


def child(function: Callable[[], None]) -> int:
    """Runs a function in a process of its own and waits: its exit status."""
    pid = os.fork()
    if not pid:
        try:
            function()
            os._exit(0)
        except BaseException as error:
            os.write(1, f"child: {error}\n".encode())
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


NEWNS, NEWUSER, NEWPID, NEWNET, NEWIPC, NEWUTS, NEWCGROUP, NEWTIME = (
    0x20000, 0x10000000, 0x20000000, 0x40000000, 0x8000000, 0x4000000, 0x2000000, 0x80,
)  # fmt: skip


def own_namespaces(flags: int = NEWUSER | NEWNS) -> None:
    """New namespaces for this process, in which it is root."""
    uid, gid = os.geteuid(), os.getegid()
    c_call("unshare", flags)
    if flags & NEWUSER:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w") as f:
                f.write(text)


def bpf_filter(*rows: tuple[int, int, int, int]) -> Any:
    """A `sock_fprog` of these instructions."""
    code = b"".join(struct.pack("HBBI", *row) for row in rows)
    buffer = ctypes.create_string_buffer(code)

    class Program(ctypes.Structure):
        _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    program = Program(len(rows), ctypes.addressof(buffer))
    program.keep = buffer
    return program
