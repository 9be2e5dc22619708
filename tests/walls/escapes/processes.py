# ruff: noqa: SIM105, T201
"""Attempts on processes outside, on those that hold the box, and with very many processes."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import subprocess
import threading
import time

from tests.walls.escapes.kit import PROCESS, WORD, Context, add, attempt, boxed_apart, call, goes_on, kin, put, word

ENDED = "a process outside is ended"
CHANGED = "a denied file is changed"
TOUCHED = "a process outside is changed"


def on_victim(name: str, run: object, means: str = TOUCHED, **options: object) -> None:
    add(name, run, means, PROCESS, victim=True, **options)


def information(number: int) -> bytes:
    return struct.pack("iiiiii", number, 0, -1, 0, os.getpid(), os.getuid()) + bytes(104)


on_victim("signal_kill", lambda c: os.kill(c.victim, 9), ENDED)
on_victim("signal_stop", lambda c: os.kill(c.victim, signal.SIGSTOP), "a process outside is stopped")
on_victim("signal_group", lambda c: os.killpg(c.victim, 9), ENDED)
on_victim("signal_thread", lambda c: call(200, c.victim, 9), ENDED)
on_victim("signal_thread_of_group", lambda c: call(234, c.victim, c.victim, 9), ENDED)
on_victim("signal_queued", lambda c: call(129, c.victim, 15, information(15)), ENDED)
on_victim("signal_by_descriptor", lambda c: signal.pidfd_send_signal(os.pidfd_open(c.victim), 9), ENDED)
on_victim("signal_by_folder", lambda c: call(424, os.open(f"/proc/{c.victim}", os.O_RDONLY), 9, None, 0), ENDED)
on_victim("signal_by_program", lambda c: subprocess.run(["/bin/sh", "-c", f"kill -9 {c.victim}"], check=False), ENDED)
on_victim("priority", lambda c: os.setpriority(os.PRIO_PROCESS, c.victim, 7))
on_victim("processors", lambda c: os.sched_setaffinity(c.victim, {0}))
on_victim("scheduler", lambda c: os.sched_setscheduler(c.victim, os.SCHED_BATCH, os.sched_param(0)))
on_victim("limits", lambda c: resource.prlimit(c.victim, resource.RLIMIT_NOFILE, (33, 33)))


@attempt("a process outside is ended by a signal of a descriptor's owner", PROCESS, victim=True)
def signal_by_input(c: Context) -> None:
    """Whoever owns a socket or pipe is signalled when something comes."""
    import fcntl

    reading, writing = os.pipe()
    fcntl.fcntl(reading, 8, c.victim)
    fcntl.fcntl(reading, 10, signal.SIGTERM)
    fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    os.write(writing, b"x")


@attempt(CHANGED, alone=True)
def launcher_killed(c: Context) -> None:
    """Everything that can be reached is ended; what then is still decided?"""
    for pid in kin(c):
        if pid != os.getppid():
            with goes_on():
                os.kill(pid, signal.SIGKILL)
    time.sleep(0.3)
    put(c.kept, c)


@attempt(CHANGED, alone=True)
def launcher_killed_by_all(c: Context) -> None:
    """`kill(-1)`, where ids are not the machine's; outside, only what was made for it."""
    if boxed_apart(c):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            signal.signal(number, signal.SIG_IGN)
            with goes_on():
                os.kill(-1, number)
        with goes_on():
            os.kill(1, signal.SIGKILL)
    else:
        os.kill(c.guards[0], signal.SIGTERM)
    time.sleep(0.3)
    put(c.kept, c)


@attempt(CHANGED, alone=True)
def launcher_stopped(c: Context) -> None:
    """Whoever decides is stopped, and must not be taken for one that agrees."""
    stopped = [p for p in kin(c) if p != os.getppid()]
    for pid in stopped:
        with goes_on():
            os.kill(pid, signal.SIGSTOP)
    try:
        pid = os.fork()
        if not pid:
            put(c.kept, c)
            os._exit(0)
        time.sleep(4)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    finally:
        for pid in stopped:
            with goes_on():
                os.kill(pid, signal.SIGCONT)


@attempt(CHANGED, alone=True)
def parents_killed(c: Context) -> None:
    """A daemon that waits until all above it are gone, and then writes."""
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    for _ in range(4):
        time.sleep(0.3)
        with goes_on():
            put(c.kept, c)
            break
    os._exit(0)


@attempt("a process lives on after the box", PROCESS, alone=True)
def outlives(c: Context) -> None:
    code = "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); time.sleep(20)"
    subprocess.run(
        [c.python, "-I", "-c", code, c.token], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@attempt("a process lives on after the box", PROCESS, alone=True)
def outlives_ignoring(c: Context) -> None:
    """It ignores every signal that may be ignored, and has its own group and session."""
    code = (
        "import os, signal, time; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 3, 13, 15)];"
        "os.fork() and os._exit(0); os.setsid(); time.sleep(20)"
    )
    subprocess.Popen([c.python, "-I", "-c", code, c.token], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.3)


def crowd(c: Context, count: int, act: object, hold: float = 0) -> None:
    """Very many children that all do the same."""
    pids = []
    for _ in range(count):
        try:
            pid = os.fork()
        except OSError:
            break
        if not pid:
            try:
                act()
            except OSError:
                pass
            if hold:
                time.sleep(hold)
            os._exit(0)
        pids.append(pid)
    print(len(pids), "children", flush=True)
    if hold:
        with goes_on():
            put(c.kept, c)
        for pid in pids:
            os.kill(pid, 9)
    for pid in pids:
        os.waitpid(pid, 0)


@attempt(CHANGED, alone=True, seconds=60)
def thousand_writers(c: Context) -> None:
    crowd(c, 1000, lambda: put(c.kept, c))


@attempt(CHANGED, alone=True, seconds=60)
def thousand_sleepers(c: Context) -> None:
    """Processes that only take up room, to the limit; then a write."""
    crowd(c, 1500, lambda: None, hold=20)


@attempt(CHANGED, alone=True, seconds=60)
def thousand_askers(c: Context) -> None:
    """All ask at once for what a person must answer, or for what is granted; then a write."""

    def ask() -> None:
        for _ in range(3):
            with goes_on():
                os.close(os.open(f"{c.ws}/asked/{os.getpid()}", os.O_WRONLY | os.O_CREAT))
            put(f"{c.own}/{os.getpid()}", c)

    crowd(c, 300, ask, hold=3)


@attempt(CHANGED, alone=True, seconds=40)
def crowd_of_threads(c: Context) -> None:
    """Sixty threads that open for writing without end, while one writes what is denied."""
    done = threading.Event()

    def busy(number: int) -> None:
        while not done.is_set():
            with goes_on():
                os.close(os.open(f"{c.own}/{number}", os.O_WRONLY | os.O_CREAT, 0o644))

    threads = [threading.Thread(target=busy, args=(n,), daemon=True) for n in range(60)]
    for one in threads:
        one.start()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        with goes_on():
            put(c.kept, c)
            break
    done.set()
    for one in threads:
        one.join()


@attempt(CHANGED, seconds=20)
def fork_bomb(c: Context) -> None:
    """A tree of processes that doubles, bounded at eight levels, whose leaves write."""
    level = 0
    while level < 8:
        try:
            pid = os.fork()
        except OSError:
            break
        level += 1
        if pid:
            continue
    with goes_on():
        put(c.kept, c)
    with goes_on():
        while True:
            os.wait()


@attempt(CHANGED, seconds=20)
def killed_while_asking(c: Context) -> None:
    """Processes are ended in the middle of their question, whose ids others then get."""
    for i in range(200):
        pid = os.fork()
        if not pid:
            for _ in range(50):
                with goes_on():
                    os.close(os.open(c.kept if i % 2 else f"{c.own}/{i}", os.O_WRONLY | os.O_CREAT))
            os._exit(0)
        time.sleep(0.0005)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    put(c.kept, c)


@attempt(CHANGED)
def interrupted_while_asking(c: Context) -> None:
    """Signals that come again and again while the answer is awaited."""
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        for _ in range(300):
            with goes_on():
                put(c.kept, c)
                break
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def cloned(flags: int, c: Context) -> None:
    """A child by `clone`, which writes."""
    pid = call(56, flags | 17, 0, 0, 0, 0)
    if not pid:
        with goes_on():
            put(c.kept, c)
        os._exit(0)
    with goes_on():
        os.waitpid(pid, 0x40000000)
    time.sleep(0.2)


add("cloned_untraced", lambda c: cloned(0x800000, c), CHANGED)
add("cloned_for_parent", lambda c: cloned(0x8000, c), CHANGED)
add("cloned_sharing_descriptors", lambda c: cloned(0x400, c), CHANGED)
add("cloned_sharing_folder", lambda c: cloned(0x200, c), CHANGED)
add("cloned_sharing_input_output", lambda c: cloned(0x80000000, c), CHANGED)


@attempt(CHANGED)
def thread_writes(c: Context) -> None:
    done = threading.Thread(target=lambda: put(c.kept, c))
    done.start()
    done.join()


@attempt(CHANGED)
def thread_with_own_folder(c: Context) -> None:
    """A thread whose folder is not its process's."""

    def run() -> None:
        call(272, 0x200)
        os.chdir(f"{c.ws}/generated")
        put(f"{c.name}.txt", c)

    os.chdir(c.own)
    done = threading.Thread(target=run)
    done.start()
    done.join()


@attempt(CHANGED)
def thread_with_own_descriptors(c: Context) -> None:
    """A thread whose descriptor of the same number is another folder's than its process's."""
    os.dup2(os.open(c.own, os.O_PATH), 90)

    def run() -> None:
        call(272, 0x400)
        os.dup2(os.open(f"{c.ws}/generated", os.O_PATH), 90)
        put(f"{c.name}.txt", c, dir_fd=90)

    done = threading.Thread(target=run)
    done.start()
    done.join()


@attempt(CHANGED)
def leader_gone(c: Context) -> None:
    """The first thread ends; the others go on in a process whose folder in `/proc` is half empty."""
    pid = os.fork()
    if not pid:

        def run() -> None:
            time.sleep(0.3)
            with goes_on():
                put(c.kept, c)
            os._exit(0)

        threading.Thread(target=run, daemon=True).start()
        call(60, 0)
    os.waitpid(pid, 0)


@attempt(CHANGED)
def not_dumpable(c: Context) -> None:
    """A process whose memory may not be looked at."""
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
    put(c.kept, c)


@attempt(CHANGED)
def other_user(c: Context) -> None:
    """A process of another user id, where there is one."""
    with goes_on():
        os.setresuid(0, 0, 0)
    put(c.kept, c)


@attempt("a program is run with another user's rights", WORD, root=True)
def set_user_program_run(c: Context) -> None:
    """A copy of a program that runs as nobody; its owner is seen by what it makes."""
    import shutil

    shutil.copy("/usr/bin/id", f"{c.own}/id")
    os.chown(f"{c.own}/id", 65534, 65534)
    os.chmod(f"{c.own}/id", 0o4755)
    try:
        done = subprocess.run([f"{c.own}/id"], check=False, capture_output=True)
        os.write(1, done.stdout)
        if b"euid=65534" in done.stdout:
            word()
    finally:
        os.unlink(f"{c.own}/id")


@attempt(CHANGED)
def by_shell(c: Context) -> None:
    subprocess.run(["/bin/sh", "-c", f"echo {c.token} > {c.kept}"], check=False)


@attempt(CHANGED)
def by_programs(c: Context) -> None:
    """Programs that write in ways of their own."""
    put(f"{c.own}/f", c, os.O_WRONLY | os.O_CREAT)
    for words in (
        ["cp", f"{c.own}/f", c.kept],
        ["dd", f"if={c.own}/f", f"of={c.kept}"],
        ["install", f"{c.own}/f", c.kept],
        ["tee", c.kept],
    ):
        subprocess.run(words, check=False, input=c.data)


@attempt(CHANGED)
def by_static_program(c: Context) -> None:
    """A program that asks the kernel itself, without the C library."""
    subprocess.run(
        [
            "/bin/busybox" if os.path.exists("/bin/busybox") else "/usr/bin/env",
            "sh",
            "-c",
            f"echo {c.token} > {c.kept}",
        ],
        check=False,
    )


@attempt(CHANGED)
def by_loader(c: Context) -> None:
    """The loader starts a program that may not be named."""
    loader = "/lib64/ld-linux-x86-64.so.2"
    subprocess.run([loader, "/bin/sh", "-c", f"echo {c.token} > {c.kept}"], check=False)


@attempt(CHANGED)
def by_planted_program(c: Context) -> None:
    with open(f"{c.own}/tool.txt", "w") as f:
        f.write(f"#!/bin/sh\necho {c.token} > {c.kept}\n")
    os.chmod(f"{c.own}/tool.txt", 0o755)
    subprocess.run([f"{c.own}/tool.txt"], check=False)


@attempt(CHANGED)
def by_vfork(c: Context) -> None:
    subprocess.run(["/bin/sh", "-c", f"(echo {c.token} > {c.kept}) & wait"], check=False, close_fds=False)
