"""Attempts that use something up or hold it, so that the supervisor ends, or serves nobody else."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import time
from collections.abc import Callable

from tests.walls.escapes.kit import WORD, Context, add, attempt, bpf_filter, call, goes_on, libc, word

NEW_LISTENER = 8
STOPPED = "who waits keeps the supervisor from all others"
NOBODY = "there is no supervisor"


def listener(flags: int) -> int:
    """A filter of one's own that asks a listener of one's own about chmod."""
    libc.prctl(38, 1, 0, 0, 0)
    program = bpf_filter((0x20, 0, 0, 0), (0x15, 0, 1, 90), (6, 0, 0, 0x7FC00000), (6, 0, 0, 0x7FFF0000))
    return call(317, 1, flags, program)


def listens(name: str, flags: int) -> None:
    """An attempt to listen: once the supervisor has ended, that lets calls through which nobody decides."""

    def run(c: Context) -> None:
        listener(flags)
        word()

    add(name, run, "a listener of one's own is to be had", WORD)


listens("listener_that_waits", NEW_LISTENER | 1 << 5)
listens("listener_for_all_threads", NEW_LISTENER | 1 | 1 << 4)
listens("listener_without_mitigations", NEW_LISTENER | 1 << 2)
listens("listener_logged", NEW_LISTENER | 1 << 1)


@attempt("the supervisor ends for want of a thread", WORD, bare=NOBODY, alone=True, seconds=30)
def threads_used_up(c: Context) -> None:
    """As many processes as there may be; then a call that is done in a thread of its own."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{c.own}/s")
    server.listen(0)
    children = []
    with goes_on():
        while len(children) < 3000:
            children.append(os.fork())
            if not children[-1]:
                time.sleep(20)
                os._exit(0)
    for _ in range(4):
        with goes_on():
            socket.socket(socket.AF_UNIX).connect(f"{c.own}/s")
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with open(f"{c.own}/after", "w"):  # the supervisor that is left does what is granted
        return


def served(c: Context) -> bool:
    """Whether an ordinary open is answered within three seconds."""
    pid = os.fork()
    if not pid:
        os.close(os.open(f"{c.own}/other", os.O_WRONLY | os.O_CREAT, 0o644))
        os._exit(0)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    return False


def stops(name: str, begin: Callable[[Context], None]) -> None:
    """An attempt to keep the supervisor from all others."""

    def run(c: Context) -> None:
        with goes_on():
            begin(c)
        time.sleep(0.3)
        if not served(c):
            word()

    add(name, run, STOPPED, WORD, bare=NOBODY, alone=True, seconds=30)


def beside(do: Callable[[], object]) -> None:
    """Does it in a process of its own, which may wait for ever."""
    if not os.fork():
        with goes_on():
            do()
        time.sleep(20)
        os._exit(0)


def _lease(c: Context) -> None:
    path = f"{c.own}/leased"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644))
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    fcntl.fcntl(os.open(path, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK)
    beside(lambda: os.open(path, os.O_WRONLY))


def _fifos(c: Context) -> None:
    os.mkfifo(f"{c.own}/fifo")
    for _ in range(100):
        beside(lambda: os.open(f"{c.own}/fifo", os.O_WRONLY))


def _fifos_killed(c: Context) -> None:
    """Who waited is gone; what waits for it is not."""
    os.mkfifo(f"{c.own}/fifo")
    for _ in range(100):
        pid = os.fork()
        if not pid:
            os.open(f"{c.own}/fifo", os.O_WRONLY)
        time.sleep(0.005)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _connections(c: Context) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{c.own}/s")
    server.listen(0)
    os.set_inheritable(server.fileno(), True)
    for _ in range(100):
        beside(lambda: socket.socket(socket.AF_UNIX).connect(f"{c.own}/s"))


def _long_words(c: Context) -> None:
    for _ in range(20):
        beside(lambda: os.execv("/bin/true", ["true", *["x" * 130_000] * 14]))


def _many_names(c: Context) -> None:
    """A folder of many names, whose move looks at each."""
    os.makedirs(f"{c.own}/many")
    for i in range(3000):
        os.mkdir(f"{c.own}/many/{i}")

    def move() -> None:
        for _ in range(20):
            os.rename(f"{c.own}/many", f"{c.own}/moved")
            os.rename(f"{c.own}/moved", f"{c.own}/many")

    beside(move)


stops("lease_on_own_file", _lease)
stops("fifos_without_reader", _fifos)
stops("fifos_without_anybody", _fifos_killed)
stops("connections_without_room", _connections)
stops("words_without_end", _long_words)
stops("folder_of_many_names", _many_names)
