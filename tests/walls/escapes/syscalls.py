# ruff: noqa: T201
"""Attempts with rare system calls, other doors to the kernel, and filters of one's own."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import signal
import struct
import time

from tests.walls.escapes.kit import (
    NET,
    OUTPUT,
    PROCESS,
    WORD,
    Context,
    Low,
    add,
    attempt,
    bpf_filter,
    call,
    goes_on,
    put,
    word,
    write,
)
from tests.walls.escapes.proc import memory_of, stack_of

CHANGED = "a denied file is changed"


def answered(
    name: str, number: int, *arguments: object, means: str = "", right: tuple[int, ...] = (), **options: object
) -> None:
    """An attempt that makes a call which the box refuses: it got through when the kernel took it up."""

    def run(c: Context) -> None:
        try:
            call(number, *arguments)
        except OSError as error:
            if error.errno not in right:
                raise
        word()

    add(name, run, means or f"the kernel takes up `{name}`", WORD, **options)


answered("bpf_map", 321, 0, struct.pack("4I", 2, 4, 4, 1) + bytes(112), 128, root=True)
answered("perf_events", 298, struct.pack("IIQQQQQ", 1, 128, 0, 0, 0, 0, 1 << 6 | 1 << 5) + bytes(80), 0, -1, -1, 0)
answered("user_faults", 323, 1)
answered("add_key", 248, "user", "escape", "x", 1, -1)
answered("keyctl_session", 250, 0, -3, 1)
answered("request_key", 249, "user", "escape-none", None, 0, right=(errno.ENOKEY,))
answered("personality", 135, 0x0400000)
answered("personality_32", 135, 0x0008)
answered("init_module", 175, b"\x7fELF" + bytes(64), 68, "", right=(errno.ENOEXEC,), root=True)
answered("finit_module", 313, -1, "", 0, right=(errno.EBADF,), root=True)
answered("swapon", 167, "/nonexistent-escape", 0, right=(errno.ENOENT,), root=True)
answered("reboot_wrong", 169, 0, 0, 0, 0, right=(errno.EINVAL,), root=True)
answered("kernel_log", 103, 3, bytes(64), 64, root=True)
answered("port_access", 173, 0x80, 1, 1, root=True)
answered("fanotify", 300, 0, 0, root=True)
answered("clock", 227, 0, struct.pack("2q", -1, -1), right=(errno.EINVAL,), root=True)
answered("accounting", 163, "/nonexistent-escape", right=(errno.ENOENT,), root=True)
answered(
    "quota",
    179,
    0x800001 << 8,
    "/nonexistent-escape",
    0,
    None,
    right=(errno.ENOENT, errno.EINVAL, errno.ENOTBLK),
    root=True,
)
answered("io_uring_made", 425, 4, bytes(120))
answered("own_process_traced", 101, 0, 0, 0, 0, means="tracing is set up")
answered("kexec", 246, 0, 0, 0, 0, bare="would take away the machine's next kernel")
answered("unknown_call", 999, 1, 2, 3, bare="there is none with that number")
answered("unknown_call_high", 0x3FFFFFFF, bare="there is none with that number")
answered("x32_getpid", 0x40000000 | 39, bare="this kernel has no x32 calls")
answered("x32_open", 0x40000000 | 2, "/etc/passwd", 0, 0, bare="this kernel has no x32 calls")
answered("x32_ptrace", 0x40000000 | 521, 0, 0, 0, 0, bare="this kernel has no x32 calls")
answered("vhangup", 153, bare="would hang up the terminal")


def low(name: str, run: object, means: str = CHANGED, evidence: str = "disk", **options: object) -> None:
    """An attempt by `int 0x80`, whose numbers are other ones."""
    add(name, lambda c: run(Low(), c), means, evidence, **options)


low("low_open", lambda low, c: write(low(5, c.kept, os.O_WRONLY, 0), c))
low("low_creat", lambda low, c: write(low(8, c.kept, 0o644), c))
low("low_openat", lambda low, c: write(low(295, -100, c.kept, os.O_WRONLY), c))
low("low_unlink", lambda low, c: low(10, c.kept), "a denied file is gone")
low("low_rename", lambda low, c: low(38, c.kept, f"{c.own}/taken.txt"), "a denied file is gone")
low("low_link", lambda low, c: low(9, f"{c.own}/plain.txt", f"{c.own}/new.pem"), "a denied name appears")
low("low_symlink", lambda low, c: low(83, "plain.txt", f"{c.own}/new.pem"), "a denied name appears")
low("low_mkdir", lambda low, c: low(39, f"{c.ws}/generated/{c.token}", 0o755), "a denied name appears")
low("low_mknod", lambda low, c: low(14, f"{c.ws}/generated/{c.token}", 0o100644), "a denied name appears")
low("low_chmod", lambda low, c: low(15, c.kept, 0o4777), "a denied file's mode is changed")
low("low_truncate", lambda low, c: low(92, c.kept, 0), "a denied file is emptied")
low("low_utime", lambda low, c: low(30, c.kept, 0), "a denied file's time is changed")
low("low_kill", lambda low, c: low(37, c.victim, 9), "a process outside is ended", PROCESS, victim=True)


def low_call(name: str, number: int, *arguments: int, **options: object) -> None:
    def run(c: Context) -> None:
        Low()(number, *arguments)
        word()

    add(name, run, f"the kernel takes up `{name}`", WORD, **options)


low_call("low_unshare", 310, 0x10000000)
low_call("low_personality", 136, 0x0400000)
low_call("low_netlink", 359, 16, 3, 0)
low_call("low_user_faults", 374, 1)


@attempt("a listener outside hears", NET)
def low_socket(c: Context) -> None:
    """`socketcall`, which a filter for 64-bit numbers does not know."""
    low = Low()
    fd = low(102, 1, low.place(struct.pack("3I", 1, 1, 0)))
    name = low.place(struct.pack("H", 1) + c.sock.encode() + b"\0")
    low(102, 3, low.place(struct.pack("3I", fd, name, 2 + len(c.sock) + 1)))
    os.write(fd, c.data)


@attempt("the memory of a process outside is read", OUTPUT, victim=True)
def process_read(c: Context) -> None:
    _lowest, high = stack_of(c.victim)
    size = 8192
    buffer = ctypes.create_string_buffer(size)
    call(
        310, c.victim, struct.pack("QQ", ctypes.addressof(buffer), size), 1, struct.pack("QQ", high - size, size), 1, 0
    )
    os.write(1, buffer.raw)


@attempt("the memory of a process outside is changed", PROCESS, victim=True)
def process_write(c: Context) -> None:
    lowest, _ = stack_of(c.victim)
    at = lowest + memory_of(c.victim).rindex(b"VICTIM=")
    buffer = ctypes.create_string_buffer(c.token.encode())
    size = len(c.token)
    call(311, c.victim, struct.pack("QQ", ctypes.addressof(buffer), size), 1, struct.pack("QQ", at, size), 1, 0)


@attempt("a process outside is traced and changed", PROCESS, victim=True)
def traced_victim(c: Context) -> None:
    call(101, 16, c.victim, 0, 0)
    os.waitpid(c.victim, 0x40000000)
    lowest, _ = stack_of(c.victim)
    at = lowest + memory_of(c.victim).rindex(b"VICTIM=")
    call(101, 5, c.victim, at, int.from_bytes(c.token.encode()[:8], "little"))
    call(101, 17, c.victim, 0, 0)


@attempt("a child is traced", WORD)
def traced_child(c: Context) -> None:
    pid = os.fork()
    if not pid:
        time.sleep(5)
        os._exit(0)
    call(101, 16, pid, 0, 0)
    os.waitpid(pid, 0x40000000)
    os.kill(pid, 9)
    word()


@attempt("an open file of a process outside is taken", victim=True)
def descriptor_taken(c: Context) -> None:
    write(call(438, os.pidfd_open(c.victim), 0, 0), c)


@attempt("an open file of another process of the box is taken and leads out", WORD)
def descriptor_taken_in_box(c: Context) -> None:
    from tests.walls.escapes.kit import boxed_apart, kin

    for pid in kin(c) if boxed_apart(c) else c.guards:
        with goes_on():
            handle = os.pidfd_open(pid)
            for number in range(64):
                with goes_on():
                    fd = call(438, handle, number, 0)
                    print(pid, number, os.readlink(f"/proc/self/fd/{fd}"), flush=True)
                    word()
                    os.close(fd)


@attempt("processes are compared", WORD, victim=True)
def compared(c: Context) -> None:
    call(312, os.getpid(), c.victim, 0, 0, 0)
    word()


@attempt(CHANGED)
def program_in_memory(c: Context) -> None:
    """A program that has no name anywhere writes."""
    fd = os.memfd_create("x", 0)
    os.write(fd, f"#!/bin/sh\necho {c.token} > {c.kept}\n".encode())
    os.execve(fd, ["x"], {"PATH": "/bin:/usr/bin"})


@attempt(CHANGED)
def binary_in_memory(c: Context) -> None:
    fd = os.memfd_create("x", 1)
    with open("/bin/dash" if os.path.exists("/bin/dash") else "/bin/sh", "rb") as f:
        os.write(fd, f.read())
    pid = os.fork()
    if not pid:
        os.execve(fd, ["sh", "-c", f"echo {c.token} > {c.kept}"], {})
    os.waitpid(pid, 0)


class Ring:
    """A ring of requests that the kernel works off by itself."""

    def __init__(self, flags: int = 0) -> None:
        params = ctypes.create_string_buffer(struct.pack("4I", 0, 0, flags, 0) + bytes(104))
        self.fd = call(425, 8, params)
        words = struct.unpack_from("30I", params.raw)
        self.sq_off, self.cq_off = words[10:20], words[20:30]
        self.ring = mmap.mmap(self.fd, self.sq_off[6] + words[0] * 4 + 4096, offset=0)
        self.entries = mmap.mmap(self.fd, words[0] * 64, offset=0x10000000)
        self.answers = mmap.mmap(self.fd, self.cq_off[5] + words[1] * 16, offset=0x8000000)
        self.flags = flags
        self.keep: list[object] = []

    def place(self, data: str | bytes) -> int:
        buffer = ctypes.create_string_buffer(os.fsencode(data))
        self.keep.append(buffer)
        return ctypes.addressof(buffer)

    def __call__(self, code: int, fd: int, address: int, size: int = 0, offset: int = 0, flags: int = 0) -> int:
        tail = struct.unpack_from("I", self.ring, self.sq_off[1])[0]
        struct.pack_into("BBHiQQIIQ24x", self.entries, (tail & 7) * 64, code, 0, 0, fd, offset, address, size, flags, 1)
        struct.pack_into("I", self.ring, self.sq_off[6] + (tail & 7) * 4, tail & 7)
        struct.pack_into("I", self.ring, self.sq_off[1], tail + 1)
        call(426, self.fd, 0 if self.flags & 2 else 1, 0 if self.flags & 2 else 1, 3 if self.flags & 2 else 1, None, 0)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            head, last = (struct.unpack_from("I", self.answers, self.cq_off[i])[0] for i in (0, 1))
            if head != last:
                mask = struct.unpack_from("I", self.answers, self.cq_off[2])[0]
                found: int = struct.unpack_from("QiI", self.answers, self.cq_off[5] + (head & mask) * 16)[1]
                struct.pack_into("I", self.answers, self.cq_off[0], head + 1)
                if found < 0:
                    raise OSError(-found, os.strerror(-found), "ring")
                return found
            time.sleep(0.01)
        raise OSError(0, "no answer from the ring")


def ring_writes(c: Context, flags: int = 0) -> None:
    ring = Ring(flags)
    fd = ring(18, -100, ring.place(c.kept), 0, 0, os.O_WRONLY)
    ring(23, fd, ring.place(c.data), len(c.data))


add("ring_write", ring_writes, CHANGED)
add("ring_write_by_kernel_thread", lambda c: ring_writes(c, 2), CHANGED)


@attempt("a denied file is gone")
def ring_unlink(c: Context) -> None:
    ring = Ring()
    ring(36, -100, ring.place(c.kept))


@attempt("a denied file is gone")
def ring_rename(c: Context) -> None:
    ring = Ring()
    ring(35, -100, ring.place(c.kept), -100 & 0xFFFFFFFF, ring.place(f"{c.own}/taken.txt"))


@attempt("a denied name appears")
def ring_mkdir(c: Context) -> None:
    ring = Ring()
    ring(37, -100, ring.place(f"{c.ws}/generated/{c.token}"), 0o755)


@attempt("a listener outside hears", NET)
def ring_connect(c: Context) -> None:
    import socket

    ring = Ring()
    s = socket.socket(socket.AF_UNIX)
    name = struct.pack("H", 1) + c.sock.encode() + b"\0"
    ring(16, s.fileno(), ring.place(name), 0, len(name))
    s.sendall(c.data)


@attempt("a secret is read", OUTPUT)
def ring_read(c: Context) -> None:
    ring = Ring()
    fd = ring(18, -100, ring.place(c.vault), 0, 0, 0)
    os.write(1, os.read(fd, 4096))


LOAD_NR, RETURN = (0x20, 0, 0, 0), 0x06
ALLOW, NOTIFY, TRACE = 0x7FFF0000, 0x7FC00000, 0x7FF00000


def own_filter(number: int, answer: int, flags: int) -> int:
    """A filter of one's own over one call."""
    call(157, 38, 1, 0, 0, 0)
    program = bpf_filter(LOAD_NR, (0x15, 0, 1, number), (RETURN, 0, 0, answer), (RETURN, 0, 0, ALLOW))
    return call(317, 1, flags, ctypes.byref(program))


@attempt(CHANGED)
def own_listener(c: Context) -> None:
    """A listener of one's own answers first, and says: go on."""
    import threading

    listener = own_filter(257, NOTIFY, 8)

    def answer() -> None:
        buffer = ctypes.create_string_buffer(80)
        libc = ctypes.CDLL(None, use_errno=True)
        while libc.ioctl(listener, ctypes.c_ulong(0xC0502100), buffer) == 0:
            number = struct.unpack_from("Q", buffer.raw)[0]
            libc.ioctl(listener, ctypes.c_ulong(0xC0182101), struct.pack("QqiI", number, 0, 0, 1))
            ctypes.memset(buffer, 0, 80)

    threading.Thread(target=answer, daemon=True).start()
    put(c.kept, c)


@attempt(CHANGED)
def own_filter_first(c: Context) -> None:
    """A filter that allows everything, on top."""
    own_filter(257, ALLOW, 0)
    put(c.kept, c)


@attempt(CHANGED)
def own_filter_for_all_threads(c: Context) -> None:
    own_filter(257, ALLOW, 1)
    put(c.kept, c)


@attempt(CHANGED)
def tracer_changes_name(c: Context) -> None:
    """A tracer changes the words of a call while its filter looks."""
    buffer = ctypes.create_string_buffer(f"{c.own}/plain.txt".ljust(400, "\0").encode())
    address = ctypes.addressof(buffer)
    pid = os.fork()
    if not pid:
        call(101, 0, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        fd = call(257, -100, ctypes.c_void_p(address), os.O_WRONLY, 0)
        os.write(fd, c.data)
        os._exit(0)
    os.waitpid(pid, 0)
    call(101, 0x4200, pid, 0, 1)
    name = os.fsencode(c.kept) + b"\0"
    name += bytes(-len(name) % 8)
    for _ in range(400):
        call(101, 24, pid, 0, 0)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            break
        for i in range(0, len(name), 8):
            with goes_on():
                call(101, 5, pid, address + i, int.from_bytes(name[i : i + 8], "little"))


@attempt("the priority of a process outside is read", WORD)
def priority_of_guard(c: Context) -> None:
    for pid in c.guards:
        call(252, 1, pid)
        word()
