"""Attempts that have somebody else do it: the supervisor, which may do more, or a program outside that follows a link."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import stat
import time
from collections.abc import Callable

from tests.walls.escapes.kit import (
    NET,
    OUTPUT,
    WORD,
    Context,
    add,
    attempt,
    call,
    connect,
    goes_on,
    openable,
    put,
    show,
    word,
)

CHANGED = "a file whose writing is denied is changed"
FOLLOWED = "a program outside writes through a link that the agent made, to what the agent may not write"
EXCHANGE = 2


def obliged(c: Context, what: str) -> None:
    """Waits until somebody outside has done something."""
    put_text(f"{c.own}/asking", what)
    os.rename(f"{c.own}/asking", f"{c.own}/please")
    end = time.monotonic() + 6
    while not os.path.exists(f"{c.own}/done") and time.monotonic() < end:
        time.sleep(0.05)


def put_text(path: str, text: str) -> None:
    with open(path, "w") as f:
        f.write(text)


def followed(name: str, make: Callable[[Context], None], **options: object) -> None:
    """An attempt that makes `note`, which somebody outside then writes."""

    def run(c: Context) -> None:
        with goes_on():
            make(c)
        obliged(c, "follow")

    add(name, run, FOLLOWED, **options)


def _up_behind_a_link(c: Context) -> None:
    """By its words it stays in `src`; a link on the way makes it lead out of there."""
    os.mkdir(f"{c.own}/d")
    os.symlink(".", f"{c.own}/d/s")
    os.symlink(f"d/s/../../../generated/{c.name}.txt", f"{c.own}/note")


def _up_behind_a_later_link(c: Context) -> None:
    os.symlink(f"d/s/../../../generated/{c.name}.txt", f"{c.own}/note")
    os.mkdir(f"{c.own}/d")
    os.symlink(".", f"{c.own}/d/s")


def _up_behind_a_folder_that_becomes_a_link(c: Context) -> None:
    os.makedirs(f"{c.own}/d/s")
    os.symlink(f"d/s/../../../generated/{c.name}.txt", f"{c.own}/note")
    os.rmdir(f"{c.own}/d/s")
    os.symlink(".", f"{c.own}/d/s")


def _absolute_up_behind_a_link(c: Context) -> None:
    os.mkdir(f"{c.own}/d")
    os.symlink(".", f"{c.own}/d/s")
    os.symlink(f"{c.own}/d/s/../../../generated/{c.name}.txt", f"{c.own}/note")


def _by_system_folder(c: Context) -> None:
    """By its words it lies in the system, whose files nobody can write."""
    os.symlink(f"/usr/../{c.kept}", f"{c.own}/note")


def _by_link_of_the_system(c: Context) -> None:
    os.symlink(f"/usr/bin/../../proc/self/root{c.kept}", f"{c.own}/note")


def _below(c: Context) -> str:
    """A link that leads to nothing of importance where it is: two folders further up it is another matter."""
    os.makedirs(f"{c.own}/a/b")
    os.symlink(f"../../generated/{c.name}.txt", f"{c.own}/a/b/l")
    return f"{c.own}/a/b/l"


def _moved_up(c: Context) -> None:
    os.rename(_below(c), f"{c.own}/note")


def _linked_up(c: Context) -> None:
    call(265, -100, _below(c), -100, f"{c.own}/note", 0)


def _exchanged_up(c: Context) -> None:
    put_text(f"{c.own}/note", "x")
    call(316, -100, _below(c), -100, f"{c.own}/note", EXCHANGE)


def _exchanged_up_the_other_way(c: Context) -> None:
    put_text(f"{c.own}/note", "x")
    call(316, -100, f"{c.own}/note", -100, _below(c), EXCHANGE)


def _folder_exchanged_with_link(c: Context) -> None:
    """A folder and a link change places, and what leads through the folder then leads through the link."""
    os.makedirs(f"{c.own}/d/generated")
    os.symlink("..", f"{c.own}/e")
    os.symlink(f"d/generated/{c.name}.txt", f"{c.own}/note")
    call(316, -100, f"{c.own}/d", -100, f"{c.own}/e", EXCHANGE)
    os.symlink("..", f"{c.own}/d/../x")


def _folder_moved_up(c: Context) -> None:
    os.makedirs(f"{c.own}/a/b/n")
    os.symlink(f"../../../generated/{c.name}.txt", f"{c.own}/a/b/n/l")
    os.rename(f"{c.own}/a/b/n", f"{c.own}/n")
    os.symlink("n/l", f"{c.own}/note")


def _through(c: Context, way: str = "a") -> None:
    """By its words a file in `src` that nobody protects."""
    os.symlink(f"{way}/made/{c.name}.txt", f"{c.own}/note")


def _through_a_later_link(c: Context) -> None:
    _through(c)
    os.symlink("../../build", f"{c.own}/a")


def _through_a_later_absolute_link(c: Context) -> None:
    _through(c, f"{c.own}/a")
    os.symlink(f"{c.ws}/build", f"{c.own}/a")


def _through_a_folder_that_becomes_a_link(c: Context) -> None:
    os.makedirs(f"{c.own}/a/made")
    _through(c)
    os.rename(f"{c.own}/a", f"{c.own}/b")
    os.symlink("../../build", f"{c.own}/a")


def _through_a_link_to_a_link(c: Context) -> None:
    _through(c)
    os.symlink("../../build", f"{c.own}/d")
    os.symlink("d", f"{c.own}/a")


def _harmless(c: Context) -> str:
    """A link that leads to a folder of the attempt's own where it is, and to `build` from the attempt's own folder."""
    os.makedirs(f"{c.own}/d/e")
    os.symlink("../../build", f"{c.own}/d/e/a")
    return f"{c.own}/d/e/a"


def _through_a_moved_link(c: Context) -> None:
    _through(c)
    os.rename(_harmless(c), f"{c.own}/a")


def _through_a_linked_link(c: Context) -> None:
    _through(c)
    call(265, -100, _harmless(c), -100, f"{c.own}/a", 0)


def _through_a_link_that_changes_places(c: Context) -> None:
    _through(c)
    link = _harmless(c)
    os.makedirs(f"{c.own}/a")
    call(316, -100, link, -100, f"{c.own}/a", EXCHANGE)


def _through_a_moved_folder(c: Context) -> None:
    _through(c, "f/a")
    os.makedirs(f"{c.own}/d/e/f")
    os.symlink("../../../build", f"{c.own}/d/e/f/a")
    os.rename(f"{c.own}/d/e/f", f"{c.own}/f")


for _name, _make in (
    ("note_through_later_link", _through_a_later_link), ("note_through_absolute_link", _through_a_later_absolute_link),
    ("note_through_replaced_folder", _through_a_folder_that_becomes_a_link),
    ("note_through_two_links", _through_a_link_to_a_link), ("note_through_moved_link", _through_a_moved_link),
    ("note_through_linked_link", _through_a_linked_link),
    ("note_through_exchanged_link", _through_a_link_that_changes_places),
    ("note_through_moved_folder", _through_a_moved_folder),
    ("note_up_behind_link", _up_behind_a_link), ("note_up_behind_later_link", _up_behind_a_later_link),
    ("note_up_behind_replaced_folder", _up_behind_a_folder_that_becomes_a_link),
    ("note_absolute_up_behind_link", _absolute_up_behind_a_link), ("note_by_system_folder", _by_system_folder),
    ("note_by_system_program", _by_link_of_the_system), ("note_moved_up", _moved_up), ("note_linked_up", _linked_up),
    ("note_exchanged_up", _exchanged_up), ("note_exchanged_up_other_way", _exchanged_up_the_other_way),
    ("note_folder_moved_up", _folder_moved_up),
):  # fmt: skip
    followed(_name, _make)
followed(
    "note_folder_exchanged_with_link",
    _folder_exchanged_with_link,
    bare="the folder of a link stays in `src`, either way",
)


@attempt("a socket outside is reached by the number of one that was bound inside", NET, alone=True)
def socket_number_again(c: Context) -> None:
    """Bound inside, replaced by a rename: its number is free, and the next socket outside may get it."""
    for i in range(40):
        s = socket.socket(socket.AF_UNIX)
        s.bind(f"{c.own}/s{i}")
    for i in range(40):
        put_text(f"{c.own}/r{i}", "x")
        os.rename(f"{c.own}/r{i}", f"{c.own}/s{i}")
    obliged(c, "listen")
    connect(f"{c.own}/late.sock", c)


def shown(name: str, path: Callable[[Context], str], **options: object) -> None:
    """An attempt to read the launcher's environment by what /proc calls oneself."""

    def run(c: Context) -> None:
        try:
            show(path(c))
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"/tmp/{c.token}")

    add(name, run, "the launcher's environment or memory is read by the name of the reader itself", OUTPUT, **options)


def _linked_to(target: str) -> Callable[[Context], str]:
    def path(c: Context) -> str:
        os.symlink(target, f"/tmp/{c.token}")
        return f"/tmp/{c.token}"

    return path


shown("self_environment", lambda c: "/proc/self/environ")
shown("self_environment_of_thread", lambda c: "/proc/thread-self/environ")
shown("self_environment_of_task", lambda c: f"/proc/self/task/{os.getpid()}/environ")
shown("self_environment_twice", lambda c: "/proc/self/../self/environ")
shown("self_environment_slashes", lambda c: "//proc//self//environ")
shown("self_environment_by_link", _linked_to("/proc/self/environ"))
shown("self_environment_by_folder", lambda c: _linked_to("/proc/self")(c) + "/environ")


@attempt("memory of the launcher is read by the name of the reader itself", OUTPUT, seconds=20)
def self_memory(c: Context) -> None:
    """The stack, on which the environment lies."""
    with open("/proc/self/maps") as f:
        rows = [row.split()[0] for row in f if "[stack]" in row]
    fd = os.open("/proc/self/mem", os.O_RDONLY)
    for row in rows:
        start, end = (int(n, 16) for n in row.split("-"))
        os.write(1, os.pread(fd, end - start, start))


def kernels(name: str, path: str) -> None:
    """An attempt to read what the kernel shows its administrator alone; the launcher may be he."""

    def run(c: Context) -> None:
        os.read(os.open(path, os.O_RDONLY | os.O_NONBLOCK), 16)
        word()

    add(
        name,
        run,
        "what the kernel shows its administrator alone is read",
        WORD,
        bare=openable(path, os.O_RDONLY),
        root=True,
    )


kernels("kernel_messages", "/proc/kmsg")
kernels("kernel_core", "/proc/kcore")
kernels("kernel_sysrq", "/proc/sysrq-trigger")


def reopened(name: str, path: Callable[[int], str], **options: object) -> None:
    """An attempt to open again for writing what is open for reading, by another spelling of its name in /proc."""

    def run(c: Context) -> None:
        fd = os.open(c.kept, os.O_RDONLY)
        os.dup2(fd, 0)
        put(path(fd), c, os.O_WRONLY)

    add(name, run, CHANGED, **options)


reopened("reopened_up_and_down", lambda fd: f"/dev/fd/../fd/{fd}")
reopened("reopened_up_to_proc", lambda fd: f"/proc/self/fd/../../self/fd/{fd}")
reopened("reopened_slashes", lambda fd: f"//dev//fd//{fd}")
reopened("reopened_dot", lambda fd: "/dev/./stdin")
reopened("reopened_from_folder_of_devices", lambda fd: "/dev/shm/../stdin")
reopened("reopened_own_number", lambda fd: f"/proc/{os.getpid()}/fd/{fd}")
reopened("reopened_thread_self", lambda fd: f"/proc/thread-self/fd/{fd}")
reopened("reopened_relative", lambda fd: os.path.relpath(f"/proc/self/fd/{fd}", os.getcwd()))


def with_child(c: Context, path: str, flags: int, do: Callable[[int, int], None]) -> None:
    """Something done by a descriptor that another process of the box has: its process and its number."""
    fd = os.open(path, flags)
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    os.close(fd)
    try:
        do(pid, fd)
    finally:
        os.close(writing)
        os.waitpid(pid, 0)


@attempt(CHANGED)
def child_descriptor_reopened(c: Context) -> None:
    with_child(c, c.kept, os.O_RDONLY, lambda pid, fd: put(f"/proc/{pid}/fd/{fd}", c, os.O_WRONLY))


@attempt("the mode of a file is changed, whose writing is denied")
def child_descriptor_mode(c: Context) -> None:
    with_child(c, c.kept, os.O_PATH, lambda pid, fd: os.chmod(f"/proc/{pid}/fd/{fd}", 0o777))


@attempt("a file whose writing is denied gets a further name")
def child_descriptor_linked(c: Context) -> None:
    with_child(
        c, c.kept, os.O_PATH, lambda pid, fd: call(265, -100, f"/proc/{pid}/fd/{fd}", -100, f"{c.own}/l", 0x400) or None
    )


@attempt(CHANGED)
def child_folder_entered(c: Context) -> None:
    with_child(c, os.path.dirname(c.kept), os.O_PATH, lambda pid, fd: put(f"/proc/{pid}/fd/{fd}/{c.name}.txt", c))


@attempt(CHANGED)
def child_folder_cut(c: Context) -> None:
    with_child(c, c.ws, os.O_PATH, lambda pid, fd: os.truncate(f"/proc/{pid}/cwd/generated/{c.name}.txt", 0))


@attempt("the times of a file are changed, whose writing is denied")
def times_of_nothing(c: Context) -> None:
    """utimensat by an empty path, of what is open for reading."""
    call(280, os.open(c.kept, os.O_RDONLY), "", bytes(32), 0x1000)


@attempt("an attribute is set on a folder whose writing is denied")
def attribute_of_folder(c: Context) -> None:
    os.setxattr(f"{c.ws}/generated/{c.name}.d", "user.note", c.data)


@attempt("a file appears under a name that is denied")
def socket_made_as_pem(c: Context) -> None:
    os.mknod(f"{c.own}/{c.token}.pem", stat.S_IFSOCK | 0o666)


@attempt("a file appears under a name that is denied")
def folder_with_slashes(c: Context) -> None:
    os.mkdir(f"{c.own}/{c.token}.pem///")


@attempt(CHANGED)
def passed_path_descriptor(c: Context) -> None:
    """A descriptor that stands for a file, sent by another process and opened again."""
    ours, theirs = socket.socketpair()
    if not os.fork():
        socket.send_fds(theirs, [b"x"], [os.open(c.kept, os.O_PATH)])
        os._exit(0)
    _, (fd,), _, _ = socket.recv_fds(ours, 1, 1)
    put(f"/proc/self/fd/{fd}", c, os.O_WRONLY)


def sent(name: str, number: int) -> None:
    """An attempt to connect by sending: no call says `connect`."""

    def run(c: Context) -> None:
        s = socket.socket()
        address = ctypes.create_string_buffer(
            b"\2\0" + int(c.fast).to_bytes(2, "big") + bytes((127, 0, 0, 1)) + bytes(8), 16
        )
        data = ctypes.create_string_buffer(c.data)
        part = (ctypes.c_uint64 * 2)(ctypes.addressof(data), len(c.data))
        head = (ctypes.c_uint64 * 8)(ctypes.addressof(address), 16, ctypes.addressof(part), 1, 0, 0, 0, 0)
        if number == 46:
            call(46, s.fileno(), head, 0x20000000)
        else:
            call(307, s.fileno(), head, 1, 0x20000000)
        time.sleep(0.2)

    add(name, run, "a listener outside hears of a connection that nobody decided", NET)


sent("fast_message", 46)
sent("fast_messages", 307)
