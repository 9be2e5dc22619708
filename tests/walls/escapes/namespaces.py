# ruff: noqa: T201
"""Attempts with namespaces and mounts."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess

from tests.walls.escapes.kit import (
    NEWCGROUP,
    NEWIPC,
    NEWNET,
    NEWNS,
    NEWPID,
    NEWTIME,
    NEWUSER,
    NEWUTS,
    OUTPUT,
    WORD,
    Context,
    add,
    attempt,
    c_call,
    call,
    child,
    goes_on,
    own_namespaces,
    put,
    show,
    word,
)

BIND, REC, REMOUNT, PRIVATE = 4096, 16384, 32, 1 << 18
MADE = "a namespace is made"
MOUNTED = "something is mounted"
READ = "a file whose reading is denied is read at another place"


def mount(source: str | None, target: str, kind: str | None, flags: int = 0, data: str | None = None) -> None:
    c_call("mount", source, target, kind, flags, data)


def new_namespace(name: str, flags: int, **options: object) -> None:
    def run(c: Context) -> None:
        c_call("unshare", flags)
        word()

    add(name, run, MADE, WORD, **options)


new_namespace("unshare_user", NEWUSER)
new_namespace("unshare_user_and_mounts", NEWUSER | NEWNS)
new_namespace("unshare_user_and_network", NEWUSER | NEWNET)
new_namespace("unshare_user_and_processes", NEWUSER | NEWPID)
new_namespace("unshare_mounts", NEWNS, root=True)
new_namespace("unshare_processes", NEWPID, root=True)
new_namespace("unshare_network", NEWNET, root=True)
new_namespace("unshare_names", NEWUTS, root=True)
new_namespace("unshare_ipc", NEWIPC, root=True)
new_namespace("unshare_groups", NEWCGROUP, root=True)
new_namespace("unshare_time", NEWTIME, root=True)


@attempt(MADE, WORD)
def clone_user(c: Context) -> None:
    pid = call(56, NEWUSER | NEWNS | 17, 0, 0, 0, 0)
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    word()


@attempt(MADE, WORD)
def clone3_user(c: Context) -> None:
    """Its flags lie in memory, where a filter cannot look."""
    words = struct.pack("11Q", NEWUSER | NEWNS, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0)
    pid = call(435, words, len(words))
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    word()


@attempt(MADE, WORD)
def clone_user_high_bits(c: Context) -> None:
    pid = call(56, (1 << 40) | NEWUSER | 17, 0, 0, 0, 0)
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    word()


@attempt("a denied file is changed")
def remounted_writable(c: Context) -> None:
    own_namespaces()
    for place in (f"{c.ws}/generated", c.ws, "/"):
        with goes_on():
            mount(None, place, None, REMOUNT | BIND)
    put(c.kept, c)


@attempt("a denied file is changed")
def set_writable(c: Context) -> None:
    own_namespaces()
    with goes_on():
        call(442, -100, c.ws, 0x8000, struct.pack("4Q", 0, 1, 0, 0), 32)
    put(c.kept, c)


@attempt("a denied file is changed")
def bound_elsewhere(c: Context) -> None:
    own_namespaces()
    os.mkdir(f"{c.own}/m")
    mount(f"{c.ws}/generated", f"{c.own}/m", None, BIND)
    put(f"{c.own}/m/{c.name}.txt", c)


@attempt(READ, OUTPUT)
def vault_bound(c: Context) -> None:
    own_namespaces()
    os.mkdir(f"{c.own}/m")
    mount(f"{c.ws}/vault", f"{c.own}/m", None, BIND)
    show(f"{c.own}/m/{c.name}.txt")


@attempt(READ, OUTPUT)
def bound_without_masks(c: Context) -> None:
    own_namespaces()
    os.mkdir("/tmp/" + c.token)
    try:
        mount(c.ws, "/tmp/" + c.token, None, BIND)
        show(f"/tmp/{c.token}/src/{c.name}/secret.pem")
    finally:
        with goes_on():
            c_call("umount2", "/tmp/" + c.token, 2)
        os.rmdir("/tmp/" + c.token)


@attempt(READ, OUTPUT, root=True)
def bound_as_it_is(c: Context) -> None:
    """Without a new namespace: whoever is root in the box."""
    os.mkdir(f"{c.own}/m")
    mount(f"{c.ws}/vault", f"{c.own}/m", None, BIND)
    try:
        show(f"{c.own}/m/{c.name}.txt")
    finally:
        c_call("umount2", f"{c.own}/m", 2)


@attempt(READ, OUTPUT)
def masks_taken_off(c: Context) -> None:
    own_namespaces()
    for path in (c.pem, f"{c.ws}/.env", c.vault, f"{c.ws}/vault"):
        with goes_on():
            c_call("umount2", path, 2)
    show(c.pem)


@attempt(READ, OUTPUT, root=True)
def overlay(c: Context) -> None:
    c_call("unshare", NEWNS)
    mount(None, "/", None, REC | PRIVATE)
    os.mkdir(f"{c.own}/m")
    mount("overlay", f"{c.own}/m", "overlay", 0, f"lowerdir={c.ws}/vault:{c.ws}/generated")
    show(f"{c.own}/m/{c.name}.txt")


@attempt(READ, OUTPUT)
def overlay_in_own_namespace(c: Context) -> None:
    own_namespaces()
    for name in ("m", "u", "w"):
        os.mkdir(f"{c.own}/{name}")
    mount(
        "overlay", f"{c.own}/m", "overlay", 0, f"lowerdir={c.ws}/vault,upperdir={c.own}/u,workdir={c.own}/w,userxattr"
    )
    show(f"{c.own}/m/{c.name}.txt")


@attempt(MOUNTED, WORD)
def temporary_file_system(c: Context) -> None:
    own_namespaces()
    os.mkdir(f"{c.own}/m")
    mount("tmpfs", f"{c.own}/m", "tmpfs")
    word()


@attempt(MOUNTED, WORD)
def fresh_proc(c: Context) -> None:
    own_namespaces(NEWUSER | NEWNS | NEWPID)
    os.mkdir(f"{c.own}/m")

    def run() -> None:
        mount("proc", f"{c.own}/m", "proc")
        word()

    child(run)


@attempt(MOUNTED, WORD, root=True)
def device_file_system(c: Context) -> None:
    c_call("unshare", NEWNS)
    mount(None, "/", None, REC | PRIVATE)
    os.mkdir(f"{c.own}/m")
    mount("devtmpfs", f"{c.own}/m", "devtmpfs")
    word()


@attempt(MOUNTED, WORD)
def mount_api(c: Context) -> None:
    own_namespaces()
    fs = call(430, "tmpfs", 0)
    call(431, fs, 6, None, None, 0)
    fd = call(432, fs, 0, 0)
    os.mkdir(f"{c.own}/m")
    call(429, fd, "", -100, f"{c.own}/m", 4)
    word()


@attempt("a file system is opened", WORD, root=True)
def fsopen_alone(c: Context) -> None:
    call(430, "tmpfs", 0)
    word()


@attempt(READ, OUTPUT)
def tree_cloned(c: Context) -> None:
    """A copy of one mount, without those that lie on it."""
    own_namespaces()
    for flags in (1 | 0x8000, 1):
        with goes_on():
            fd = call(428, -100, c.ws, flags)
            show(f"src/{c.name}/secret.pem", dir_fd=fd)
            return


@attempt("a mount is opened", WORD)
def tree_opened(c: Context) -> None:
    call(428, -100, c.ws, 0)
    word()


@attempt("a mount is moved", WORD)
def root_exchanged(c: Context) -> None:
    own_namespaces()
    mount(None, "/", None, REC | PRIVATE)
    os.mkdir(f"{c.own}/m")
    mount(f"{c.own}/m", f"{c.own}/m", None, BIND)
    os.chdir(f"{c.own}/m")
    call(155, ".", ".")
    word()


@attempt("a denied file is changed", root=True)
def out_of_a_root(c: Context) -> None:
    """The old way out of `chroot`."""
    os.mkdir(f"{c.own}/jail")
    fd = os.open("/", os.O_RDONLY)
    os.chroot(f"{c.own}/jail")
    os.fchdir(fd)
    for _ in range(30):
        os.chdir("..")
    os.chroot(".")
    put(c.kept, c)


@attempt("a process outside's mounts are entered", OUTPUT, victim=True, root=True)
def entered_mounts(c: Context) -> None:
    c_call("setns", os.open(f"/proc/{c.victim}/ns/mnt", os.O_RDONLY), NEWNS)
    show(c.outside)


@attempt("a process outside's namespaces are entered", OUTPUT, victim=True, root=True)
def entered_by_descriptor_of_process(c: Context) -> None:
    c_call("setns", os.pidfd_open(c.victim), NEWNS | NEWIPC | NEWNET)
    show(c.outside)


@attempt("the network outside is entered", WORD, victim=True, root=True)
def entered_network(c: Context) -> None:
    c_call("setns", os.open(f"/proc/{c.victim}/ns/net", os.O_RDONLY), 0)
    word()


@attempt("a namespace of another process of the box is entered", WORD, victim=True, root=True)
def entered_parent(c: Context) -> None:
    from tests.walls.escapes.kit import kin

    for pid in [c.victim, *kin(c)]:
        for kind in ("user", "mnt", "net", "pid_for_children"):
            with goes_on():
                fd = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
                if os.fstat(fd).st_ino != os.stat(f"/proc/self/ns/{kind}").st_ino or kind == "net":
                    c_call("setns", fd, 0)
                    word()


@attempt("the parent of the own user namespace is entered", WORD, bare="no user namespace lies above the machine's")
def parent_namespace(c: Context) -> None:
    import fcntl

    own = os.open("/proc/self/ns/user", os.O_RDONLY)
    above = fcntl.ioctl(own, 0xB702)
    c_call("setns", above, NEWUSER)
    word()


@attempt("a denied file is changed")
def program_unshare(c: Context) -> None:
    script = f"mount -o remount,bind,rw {c.ws}/generated; mount -o remount,bind,rw /; echo {c.token} > {c.kept}"
    subprocess.run(["unshare", "-Urm", "sh", "-c", script], check=False)


@attempt("a denied file is changed")
def program_bubblewrap(c: Context) -> None:
    script = f"echo {c.token} > {c.kept}"
    subprocess.run(["bwrap", "--dev-bind", "/", "/", "--unshare-user", "sh", "-c", script], check=False)


@attempt("a denied file is changed", root=True)
def program_nsenter(c: Context) -> None:
    script = f"echo {c.token} > {c.kept}"
    subprocess.run(["nsenter", "--target", str(os.getppid()), "--mount", "sh", "-c", script], check=False)


@attempt("a namespace's map of users is written", WORD)
def map_of_users(c: Context) -> None:
    """In a child whose parent writes the map."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            c_call("unshare", NEWUSER)
            os.write(writing, b"1")
            os.pause() if hasattr(os, "pause") else __import__("time").sleep(3)
        finally:
            os.write(writing, b"0")
            os._exit(0)
    assert os.read(reading, 1) == b"1"
    with open(f"/proc/{pid}/uid_map", "w") as f:
        f.write(f"0 {os.geteuid()} 1")
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    word()


@attempt("capabilities are had in full", WORD, root=True)
def capabilities(c: Context) -> None:
    """Whoever is root in the box must have no power over mounts, networks or others' files."""
    with open("/proc/self/status") as f:
        held = int(next(line for line in f if line.startswith("CapEff")).split()[1], 16)
    dangerous = {
        2: "DAC_READ_SEARCH",
        12: "NET_ADMIN",
        16: "SYS_MODULE",
        17: "SYS_RAWIO",
        19: "SYS_PTRACE",
        21: "SYS_ADMIN",
        27: "MKNOD",
    }
    found = [name for bit, name in dangerous.items() if held >> bit & 1]
    print(found)
    if found:
        print("has", ", ".join(found), flush=True)
        word()


@attempt("privileges can be gained by starting programs", WORD)
def new_privileges(c: Context) -> None:
    if ctypes.CDLL(None).prctl(39, 0, 0, 0, 0) == 0:
        word()
