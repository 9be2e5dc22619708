# ruff: noqa: T201
"""Attempts that change what was looked at between the look and the use."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator

from tests.walls.escapes.kit import NET, Context, attempt, call, goes_on

CHANGED = "a denied file is changed"


@contextlib.contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    """Does something over and over in another thread."""
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            with contextlib.suppress(OSError):
                act()

    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def over_and_over(c: Context, act: Callable[[], bool | None]) -> None:
    """Does something until it says that it is enough, or the time is over."""
    end = time.monotonic() + c.race_seconds
    count = 0
    while time.monotonic() < end:
        count += 1
        with contextlib.suppress(OSError):
            if act():
                break
    print(count, "times", flush=True)


class TwoNames:
    """Memory that holds one name and then the other, changed by a thread."""

    def __init__(self, one: str, other: str) -> None:
        self.buffer = ctypes.create_string_buffer(max(len(one), len(other)) + 2)
        self.names = [os.fsencode(n) + b"\0" for n in (one, other)]
        self.address = ctypes.c_void_p(ctypes.addressof(self.buffer))

    def flip(self) -> None:
        for name in self.names:
            ctypes.memmove(self.buffer, name, len(name))


def written(fd: int, c: Context) -> None:
    """Through the descriptor that was got, wherever it leads."""
    os.write(fd, c.data)
    os.close(fd)


def got(c: Context) -> bool:
    """Whether the denied file is changed: only to end early."""
    with contextlib.suppress(OSError), open(c.kept, "rb") as f:
        return c.data in f.read()
    return False


@attempt(CHANGED, seconds=60)
def race_name_changed(c: Context) -> None:
    names = TwoNames(f"{c.own}/plain.txt", c.kept)
    with meanwhile(names.flip):
        over_and_over(c, lambda: written(call(257, -100, names.address, os.O_WRONLY, 0), c) or got(c))


@attempt(CHANGED, seconds=60)
def race_name_changed_creat(c: Context) -> None:
    names = TwoNames(f"{c.own}/plain.txt", c.kept)
    with meanwhile(names.flip):
        over_and_over(c, lambda: written(call(85, names.address, 0o644), c) or got(c))


@attempt(CHANGED, seconds=60)
def race_letter_changed(c: Context) -> None:
    """Only one letter, so that every mixture is one of two names."""
    os.makedirs(f"{c.own}/a", exist_ok=True)
    text = bytearray(os.fsencode(f"{c.own}/x/../../../src/{c.name}/plain.txt"))
    names = TwoNames(text.decode(), f"{c.own}/x/../../../generated/{c.name}.txt")
    os.makedirs(f"{c.own}/x", exist_ok=True)
    with meanwhile(names.flip):
        over_and_over(c, lambda: written(call(2, names.address, os.O_WRONLY, 0), c) or got(c))


@attempt("a denied file is gone", seconds=60)
def race_unlink(c: Context) -> None:
    names = TwoNames(f"{c.own}/none.txt", c.kept)
    with meanwhile(names.flip):
        over_and_over(c, lambda: call(87, names.address) == 0)


@attempt("a denied file is gone", seconds=60)
def race_rename(c: Context) -> None:
    names = TwoNames(f"{c.own}/none.txt", c.kept)
    with meanwhile(names.flip):
        over_and_over(c, lambda: call(82, names.address, f"{c.own}/taken.txt") == 0)


@attempt("a denied name appears", seconds=60)
def race_rename_target(c: Context) -> None:
    names = TwoNames(f"{c.own}/target.txt", f"{c.own}/new.pem")

    def act() -> bool:
        with contextlib.suppress(OSError):
            os.close(os.open(f"{c.own}/f", os.O_WRONLY | os.O_CREAT, 0o644))
        call(82, f"{c.own}/f", names.address)
        return os.path.lexists(f"{c.own}/new.pem")

    with meanwhile(names.flip):
        over_and_over(c, act)


@attempt(CHANGED, seconds=60)
def race_link(c: Context) -> None:
    names = TwoNames(f"{c.own}/plain.txt", c.kept)

    def act() -> bool:
        with contextlib.suppress(OSError):
            os.unlink(f"{c.own}/x.txt")
        call(86, names.address, f"{c.own}/x.txt")
        return os.stat(f"{c.own}/x.txt").st_ino == os.stat(c.kept).st_ino

    with meanwhile(names.flip):
        over_and_over(c, act)


@attempt("a denied name appears", seconds=60)
def race_mkdir(c: Context) -> None:
    names = TwoNames(f"{c.own}/made", f"{c.ws}/generated/{c.token}")

    def act() -> bool:
        call(83, names.address, 0o755)
        with contextlib.suppress(OSError):
            os.rmdir(f"{c.own}/made")
        return os.path.lexists(f"{c.ws}/generated/{c.token}")

    with meanwhile(names.flip):
        over_and_over(c, act)


@attempt("a denied name appears", seconds=60)
def race_symlink_name(c: Context) -> None:
    names = TwoNames(f"{c.own}/made.txt", f"{c.own}/new.pem")

    def act() -> bool:
        call(88, "/nowhere", names.address)
        with contextlib.suppress(OSError):
            os.unlink(f"{c.own}/made.txt")
        return os.path.lexists(f"{c.own}/new.pem")

    with meanwhile(names.flip):
        over_and_over(c, act)


@attempt("a denied file's mode is changed", seconds=60)
def race_chmod(c: Context) -> None:
    names = TwoNames(f"{c.own}/plain.txt", c.kept)
    with meanwhile(names.flip):
        over_and_over(c, lambda: bool(call(90, names.address, 0o755)) or os.stat(c.kept).st_mode & 0o777 == 0o755)


@attempt("a denied file is emptied", seconds=60)
def race_truncate(c: Context) -> None:
    names = TwoNames(f"{c.own}/plain.txt", c.kept)
    with meanwhile(names.flip):
        over_and_over(c, lambda: bool(call(76, names.address, 0)) or os.stat(c.kept).st_size == 0)


@attempt("a denied file's attributes are changed", seconds=60)
def race_attribute(c: Context) -> None:
    names = TwoNames(f"{c.own}/plain.txt", c.kept)

    def act() -> bool:
        call(188, names.address, "user.note", c.data, len(c.data), 0)
        return "user.note" in os.listxattr(c.kept)

    with meanwhile(names.flip):
        over_and_over(c, act)


@attempt("a denied file's time is changed", seconds=60)
def race_utimes(c: Context) -> None:
    names = TwoNames(f"{c.own}/plain.txt", c.kept)
    times = struct.pack("4q", 1, 0, 1, 0)
    with meanwhile(names.flip):
        over_and_over(c, lambda: bool(call(280, -100, names.address, times, 0)) or os.stat(c.kept).st_mtime == 1)


@attempt(CHANGED, seconds=60)
def race_symlink_swapped(c: Context) -> None:
    """A name that is a file, and then a link: exchanged by rename."""
    os.symlink(c.kept, f"{c.own}/l")
    with meanwhile(lambda: call(316, -100, f"{c.own}/plain.txt", -100, f"{c.own}/l", 2) and None):
        over_and_over(c, lambda: written(os.open(f"{c.own}/plain.txt", os.O_WRONLY), c) or got(c))


@attempt(CHANGED, seconds=60)
def race_folder_swapped(c: Context) -> None:
    """A folder above that is a folder, and then a link."""
    os.mkdir(f"{c.own}/d")
    with open(f"{c.own}/d/{c.name}.txt", "w") as f:
        f.write("x")
    os.symlink("../../generated", f"{c.own}/l")
    with meanwhile(lambda: call(316, -100, f"{c.own}/d", -100, f"{c.own}/l", 2) and None):
        over_and_over(c, lambda: written(os.open(f"{c.own}/d/{c.name}.txt", os.O_WRONLY), c) or got(c))


@attempt("a denied name appears", seconds=60)
def race_folder_renamed(c: Context) -> None:
    """The folder is called `locked` while a file is made in it."""
    os.makedirs(f"{c.own}/s/d")

    def flip() -> None:
        for old, new in (("d", "locked"), ("locked", "d")):
            with contextlib.suppress(OSError):
                os.rename(f"{c.own}/s/{old}", f"{c.own}/s/{new}")

    with meanwhile(flip):
        over_and_over(c, lambda: os.close(os.open(f"{c.own}/s/d/{c.token}", os.O_WRONLY | os.O_CREAT, 0o644)))
    with contextlib.suppress(OSError):
        os.rename(f"{c.own}/s/d", f"{c.own}/s/locked")


@attempt(CHANGED, seconds=60)
def race_folder_moved(c: Context) -> None:
    """`..` of a folder that is moved to another depth while the name is walked."""
    os.makedirs(f"{c.own}/a/b/src")
    os.makedirs(f"{c.own}/a/generated")
    with open(f"{c.own}/a/generated/{c.name}.txt", "w") as f:
        f.write("x")
    os.makedirs(f"{c.ws}/src/generated", exist_ok=True)

    def flip() -> None:
        with contextlib.suppress(OSError):
            os.rename(f"{c.own}/a/b", f"{c.ws}/src/{c.name}.b")
        with contextlib.suppress(OSError):
            os.rename(f"{c.ws}/src/{c.name}.b", f"{c.own}/a/b")

    fd = os.open(f"{c.own}/a/b/src", os.O_PATH)
    with meanwhile(flip):
        for name in (f"../../generated/{c.name}.txt", f"../../../generated/{c.name}.txt"):
            over_and_over(c, lambda name=name: written(os.open(name, os.O_WRONLY, dir_fd=fd), c) or got(c))


@attempt(CHANGED, seconds=60)
def race_descriptor_swapped(c: Context) -> None:
    """The descriptor that the name begins at becomes another folder's."""
    ours, theirs = os.open(c.own, os.O_PATH), os.open(f"{c.ws}/generated", os.O_PATH)
    with open(f"{c.own}/{c.name}.txt", "w") as f:
        f.write("x")
    os.dup2(ours, 99)

    def flip() -> None:
        os.dup2(theirs, 99)
        os.dup2(ours, 99)

    with meanwhile(flip):
        over_and_over(c, lambda: written(os.open(f"{c.name}.txt", os.O_WRONLY, dir_fd=99), c) or got(c))


@attempt(CHANGED, seconds=60)
def race_folder_entered(c: Context) -> None:
    """The folder that names begin at is left and entered."""
    with open(f"{c.own}/{c.name}.txt", "w") as f:
        f.write("x")

    def flip() -> None:
        os.chdir(f"{c.ws}/generated")
        os.chdir(c.own)

    with meanwhile(flip):
        over_and_over(c, lambda: written(os.open(f"{c.name}.txt", os.O_WRONLY), c) or got(c))


@attempt(CHANGED, seconds=60)
def race_other_process(c: Context) -> None:
    """Another process, which shares the memory's page, changes the name."""
    import mmap

    memory = mmap.mmap(-1, 4096)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    one, other = (os.fsencode(n) + b"\0" for n in (f"{c.own}/plain.txt", c.kept))
    pid = os.fork()
    if not pid:
        end = time.monotonic() + c.race_seconds + 1
        while time.monotonic() < end:
            memory[: len(one)] = one
            memory[: len(other)] = other
        os._exit(0)
    over_and_over(c, lambda: written(call(257, -100, ctypes.c_void_p(address), os.O_WRONLY, 0), c) or got(c))
    os.kill(pid, 9)
    os.waitpid(pid, 0)


@attempt("a listener outside hears", NET, seconds=60)
def race_address_changed(c: Context) -> None:
    """The address of a socket is one's own, and then another's."""
    own = f"{c.ws}/src/{c.name}/o.sock"[-100:]
    os.chdir(c.ws)
    own = f"src/{c.name}/o.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(own)
    listener.listen(1000)
    theirs = "host.sock"
    buffer = ctypes.create_string_buffer(110)
    one, other = (struct.pack("H", 1) + n.encode() + b"\0" for n in (own, theirs))

    def flip() -> None:
        ctypes.memmove(buffer, one, len(one))
        ctypes.memmove(buffer, other, len(other))

    def act() -> bool:
        with socket.socket(socket.AF_UNIX) as s:
            call(42, s.fileno(), ctypes.c_void_p(ctypes.addressof(buffer)), len(one))
            s.sendall(c.data)
            with contextlib.suppress(OSError):
                listener.setblocking(False)
                listener.accept()[0].close()
                return False
            return True

    with meanwhile(flip):
        over_and_over(c, act)


def own_datagrams(c: Context, own: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(own)
    listener.setblocking(False)
    return listener


def drained(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            listener.recv(1000)


def addresses(own: str, theirs: str) -> tuple[object, Callable[[], None], int]:
    """An address in memory that is one's own and then another's, what changes it, and its length."""
    names = [struct.pack("H", 1) + n.encode() + b"\0" for n in (own, theirs)]
    size = max(map(len, names))
    buffer = ctypes.create_string_buffer(size)

    def flip() -> None:
        for name in names:
            ctypes.memmove(buffer, name.ljust(size, b"\0"), size)

    flip()
    return buffer, flip, size


@attempt("a listener outside hears", NET, seconds=60)
def race_datagram_address(c: Context) -> None:
    os.chdir(c.ws)
    own = f"src/{c.name}/o"
    listener = own_datagrams(c, own)
    buffer, flip, size = addresses(own, "host.dgram")

    def act() -> None:
        drained(listener)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as s:
            call(44, s.fileno(), c.data, len(c.data), 0, ctypes.c_void_p(ctypes.addressof(buffer)), size)

    with meanwhile(flip):
        over_and_over(c, act)


@attempt("a listener outside hears", NET, seconds=60)
def race_message_address(c: Context) -> None:
    """The address lies behind a pointer, and the pointer is changed too."""
    os.chdir(c.ws)
    own = f"src/{c.name}/o"
    listener = own_datagrams(c, own)
    buffer, flip, size = addresses(own, "host.dgram")
    data = ctypes.create_string_buffer(c.data)
    vector = ctypes.create_string_buffer(struct.pack("QQ", ctypes.addressof(data), len(c.data)))
    header = ctypes.create_string_buffer(
        struct.pack("QIxxxxQQQQQ", ctypes.addressof(buffer), size, ctypes.addressof(vector), 1, 0, 0, 0)
    )

    def act() -> None:
        drained(listener)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as s:
            call(46, s.fileno(), header, 0)

    with meanwhile(flip):
        over_and_over(c, act)


@attempt("a socket's name appears where nothing may be made", seconds=60)
def race_bound_name(c: Context) -> None:
    os.chdir(c.ws)
    own, theirs = f"src/{c.name}/o", f"generated/{c.token}"
    buffer, flip, size = addresses(own, theirs)

    def act() -> bool:
        with socket.socket(socket.AF_UNIX) as s, contextlib.suppress(OSError):
            call(49, s.fileno(), ctypes.c_void_p(ctypes.addressof(buffer)), size)
        with contextlib.suppress(OSError):
            os.unlink(own)
        return os.path.lexists(theirs)

    with meanwhile(flip):
        over_and_over(c, act)


@attempt("a listener outside hears", NET, seconds=60)
def race_socket_swapped(c: Context) -> None:
    """The descriptor of the call becomes another socket's while its address is looked at."""
    os.chdir(c.ws)
    own = f"src/{c.name}/o"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(own)
    listener.listen(1000)
    listener.setblocking(False)
    buffer, flip, size = addresses(own, "host.sock")

    def act() -> None:
        with contextlib.suppress(OSError):
            listener.accept()[0].close()
        one, other = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        with one, other:
            os.dup2(one.fileno(), 97)
            threading.Thread(target=os.dup2, args=(other.fileno(), 97)).start()
            call(42, 97, ctypes.c_void_p(ctypes.addressof(buffer)), size)
            os.write(97, c.data)

    with meanwhile(flip):
        over_and_over(c, act)


@attempt(CHANGED, seconds=60)
def race_signal_handler(c: Context) -> None:
    """A handler changes the name while the answer is awaited, and the call begins anew."""
    import signal

    names = TwoNames(f"{c.own}/plain.txt", c.kept)
    at = [0]

    def handler(*_: object) -> None:
        at[0] ^= 1
        name = names.names[at[0]]
        ctypes.memmove(names.buffer, name, len(name))

    names.flip()
    signal.signal(signal.SIGALRM, handler)
    signal.siginterrupt(signal.SIGALRM, False)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
    try:
        over_and_over(c, lambda: written(call(257, -100, names.address, os.O_WRONLY, 0), c) or got(c))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@attempt(CHANGED, seconds=60)
def race_page_taken(c: Context) -> None:
    """The memory of the name is given back and mapped anew with other words."""
    import mmap

    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    files = []
    for name in (f"{c.own}/plain.txt", c.kept):
        fd = os.memfd_create("name")
        os.write(fd, (os.fsencode(name) + b"\0").ljust(4096, b"\0"))
        files.append(fd)
    address = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, files[0], 0)

    def flip() -> None:
        for fd in files:
            libc.mmap(address, 4096, mmap.PROT_READ, mmap.MAP_SHARED | 0x10, fd, 0)

    with meanwhile(flip):
        over_and_over(c, lambda: written(call(257, -100, ctypes.c_void_p(address), os.O_WRONLY, 0), c) or got(c))


@attempt(CHANGED, seconds=60)
def race_answer_delayed(c: Context) -> None:
    """The memory of the name is a page that this process brings only when it likes."""
    names = TwoNames(f"{c.own}/plain.txt", c.kept)
    with goes_on():
        call(323, 1)
    with meanwhile(names.flip):
        over_and_over(c, lambda: written(call(257, -100, names.address, os.O_RDWR, 0), c) or got(c))
