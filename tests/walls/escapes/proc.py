"""Attempts by way of `/proc`: other processes' roots, folders, descriptors, memory, and the kernel's own files."""

from __future__ import annotations

import mmap
import os

from tests.walls.escapes.kit import (
    OUTPUT,
    PROCESS,
    WORD,
    Context,
    add,
    attempt,
    goes_on,
    kin,
    openable,
    put,
    show,
    word,
)

READ = "what a process outside has is read"


def of_victim(name: str, path: object, means: str = READ, **options: object) -> None:
    add(name, lambda c: show(path(c)), means, OUTPUT, victim=True, **options)


of_victim("victim_environ", lambda c: f"/proc/{c.victim}/environ")
of_victim("victim_task_environ", lambda c: f"/proc/{c.victim}/task/{c.victim}/environ")
of_victim("victim_root", lambda c: f"/proc/{c.victim}/root{c.outside}")
of_victim("victim_cwd", lambda c: f"/proc/{c.victim}/cwd/{c.name}.txt")
of_victim("victim_descriptor", lambda c: f"/proc/{c.victim}/fd/0")
of_victim("victim_program", lambda c: f"/proc/{c.victim}/exe")


def stack_of(pid: int) -> tuple[int, int]:
    with open(f"/proc/{pid}/maps") as f:
        for line in f:
            if line.rstrip().endswith("[stack]"):
                low, high = line.split()[0].split("-")
                return int(low, 16), int(high, 16)
    raise OSError(0, "no stack")


def memory_of(pid: int) -> bytes:
    """The stack of a process, where its environment lies."""
    low, high = stack_of(pid)
    with open(f"/proc/{pid}/mem", "rb", 0) as f:
        f.seek(low)
        return f.read(high - low)


@attempt(READ, OUTPUT, victim=True)
def victim_memory(c: Context) -> None:
    os.write(1, memory_of(c.victim)[-8192:])


@attempt("the memory of a process outside is changed", PROCESS, victim=True)
def victim_memory_written(c: Context) -> None:
    low, _ = stack_of(c.victim)
    at = memory_of(c.victim).rindex(b"VICTIM=")
    with open(f"/proc/{c.victim}/mem", "r+b", 0) as f:
        f.seek(low + at)
        f.write(c.token.encode())


@attempt("a file outside is changed", victim=True)
def victim_descriptor_written(c: Context) -> None:
    put(f"/proc/{c.victim}/fd/0", c, os.O_WRONLY)


@attempt("a file outside is changed", victim=True)
def victim_root_written(c: Context) -> None:
    put(f"/proc/{c.victim}/root{c.kept}", c, os.O_WRONLY)


@attempt("a file outside is changed", victim=True)
def victim_cwd_written(c: Context) -> None:
    put(f"/proc/{c.victim}/cwd/{c.name}.txt", c, os.O_WRONLY)


@attempt(READ, OUTPUT, victim=True, root=True)
def victim_mapped_files(c: Context) -> None:
    folder = f"/proc/{c.victim}/map_files"
    for name in os.listdir(folder):
        with goes_on():
            show(f"{folder}/{name}")


@attempt("how likely a process outside is ended is changed", PROCESS, victim=True)
def victim_oom_score(c: Context) -> None:
    with open(f"/proc/{c.victim}/oom_score_adj", "w") as f:
        f.write("777")


@attempt("what a process outside dumps is changed", PROCESS, victim=True)
def victim_dump_filter(c: Context) -> None:
    with open(f"/proc/{c.victim}/coredump_filter", "w") as f:
        f.write("0x7f")


@attempt("the caller's variables are read from processes above", OUTPUT)
def first_process_environ(c: Context) -> None:
    above = os.getpid()
    for _ in range(20):
        with goes_on():
            show(f"/proc/{above}/environ")
        with open(f"/proc/{above}/stat") as f:
            above = int(f.read().rpartition(")")[2].split()[1])
        if above in {0, 1}:
            break
    if os.readlink("/proc/self/ns/pid") != c.pidns:
        with goes_on():
            show("/proc/1/environ")


@attempt("the caller's variables are read from the memory of processes above", OUTPUT)
def parent_memory(c: Context) -> None:
    for pid in [os.getppid(), *kin(c)]:
        with goes_on():
            os.write(1, memory_of(pid)[-16384:])


@attempt("a denied file is read in the root of another process of the box", OUTPUT)
def kin_roots(c: Context) -> None:
    for pid in [os.getppid(), *kin(c)]:
        for path in (c.outside, c.pem, c.vault, f"/oldroot{c.outside}", f"/newroot{c.outside}"):
            with goes_on():
                show(f"/proc/{pid}/root{path}")


@attempt("a denied file is changed in the root of another process of the box")
def kin_roots_written(c: Context) -> None:
    for pid in [os.getppid(), *kin(c)]:
        for path in (c.kept, c.outside):
            with goes_on():
                put(f"/proc/{pid}/root{path}", c, os.O_WRONLY)


@attempt("a denied file is changed from the folder of another process of the box")
def kin_folders_written(c: Context) -> None:
    for pid in [os.getppid(), *kin(c)]:
        with goes_on():
            put(f"/proc/{pid}/cwd/generated/{c.name}.txt", c, os.O_WRONLY)
        with goes_on():
            put(f"/proc/{pid}/cwd/{c.name}.txt", c, os.O_WRONLY)


@attempt("an open file of another process of the box leads out", victim=True)
def kin_descriptors(c: Context) -> None:
    for pid in [c.victim, *kin(c)]:
        with goes_on():
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with goes_on():
                    if f"{c.name}.txt" in (os.readlink(f"/proc/{pid}/fd/{fd}")):
                        put(f"/proc/{pid}/fd/{fd}", c, os.O_WRONLY)


@attempt("the names of sockets outside are read", OUTPUT)
def names_of_sockets(c: Context) -> None:
    show("/proc/net/unix")


@attempt("the names of sockets outside are read of a process outside", OUTPUT, victim=True)
def names_of_sockets_of_victim(c: Context) -> None:
    show(f"/proc/{c.victim}/net/unix")


@attempt("a mapping for reading is written", bare="the kernel refuses it for shared mappings")
def own_memory_of_mapping(c: Context) -> None:
    import ctypes

    fd = os.open(c.kept, os.O_RDONLY)
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    address = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
    with open("/proc/self/mem", "r+b", 0) as f:
        f.seek(address)
        f.write(c.data)


def setting(name: str, path: str, **options: object) -> None:
    """An attempt that opens a setting of the kernel for writing, and writes nothing."""

    def run(c: Context) -> None:
        os.close(os.open(path, os.O_WRONLY))
        word()

    add(name, run, f"`{path}` is opened for writing", WORD, root=True, bare=openable(path, os.O_WRONLY), **options)


setting("core_pattern", "/proc/sys/kernel/core_pattern")
setting("modprobe_path", "/proc/sys/kernel/modprobe")
setting("sysrq", "/proc/sysrq-trigger")
setting("address_space_setting", "/proc/sys/kernel/randomize_va_space")
setting("forwarding_setting", "/proc/sys/net/ipv4/ip_forward")
setting("binary_formats", "/proc/sys/fs/protected_symlinks")
setting("interrupts", "/proc/irq/default_smp_affinity")
setting("uevent_helper", "/sys/kernel/mm/transparent_hugepage/enabled")
setting("device_event", "/sys/class/mem/null/uevent")


@attempt("a control group is made outside", root=True)
def control_group(c: Context) -> None:
    for folder in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory", "/sys/fs/cgroup"):
        with goes_on():
            os.mkdir(f"{folder}/{c.token}")
            return


@attempt("a process outside is moved to another control group", PROCESS, victim=True, root=True)
def control_group_of_victim(c: Context) -> None:
    for folder in ("/sys/fs/cgroup/cpu", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
        with goes_on():
            os.mkdir(f"{folder}/{c.token}")
            with open(f"{folder}/{c.token}/cgroup.procs", "w") as f:
                f.write(str(c.victim))
            return


@attempt("the kernel's memory is opened", WORD, root=True, bare=openable("/proc/kcore", os.O_RDONLY))
def kernel_memory(c: Context) -> None:
    os.close(os.open("/proc/kcore", os.O_RDONLY))
    word()


@attempt("the program of another process of the box is changed")
def program_of_launcher(c: Context) -> None:
    """Outside, for lack of a launcher, a program that stands for it."""
    for pid in [*kin(c)]:
        with goes_on():
            put(f"/proc/{pid}/exe", c, os.O_WRONLY)
    with goes_on():
        put(f"{os.path.dirname(c.package)}/{c.token}", c)
