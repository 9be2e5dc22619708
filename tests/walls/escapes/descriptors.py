# ruff: noqa: T201
"""Attempts with descriptors that the caller of the launcher left open, or that another process has."""

from __future__ import annotations

import os
import socket
import stat

from tests.walls.escapes.kit import NET, OUTPUT, Context, attempt, goes_on, put, show


def inherited() -> list[int]:
    return [fd for fd in range(3, 300) if os.path.lexists(f"/proc/self/fd/{fd}")]


@attempt("a file outside is changed by an inherited descriptor")
def inherited_file(c: Context) -> None:
    for fd in inherited():
        with goes_on():
            if f"{c.name}.txt" in os.readlink(f"/proc/self/fd/{fd}"):
                os.write(fd, c.data)


@attempt("a file outside is read by an inherited descriptor", OUTPUT)
def inherited_file_read(c: Context) -> None:
    for fd in inherited():
        with goes_on():
            if stat.S_ISREG(os.fstat(fd).st_mode):
                os.write(1, os.pread(fd, 4096, 0))


@attempt("a file outside is read below an inherited folder", OUTPUT)
def inherited_folder(c: Context) -> None:
    for fd in inherited():
        with goes_on():
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                show(f"{c.name}.txt", dir_fd=fd)


@attempt("a file outside is changed below an inherited folder")
def inherited_folder_written(c: Context) -> None:
    for fd in inherited():
        with goes_on():
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                put(f"{c.name}.txt", c, dir_fd=fd)


@attempt("a file is read above an inherited folder", OUTPUT)
def inherited_folder_above(c: Context) -> None:
    for fd in inherited():
        with goes_on():
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                os.fchdir(fd)
                show("../home/.ssh/id_ed25519")


@attempt("a listener outside hears by an inherited socket", NET)
def inherited_socket(c: Context) -> None:
    for fd in inherited():
        with goes_on():
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                socket.socket(fileno=os.dup(fd)).sendall(c.data)


@attempt("a file outside is changed by a descriptor of a process of the box")
def descriptor_of_parent(c: Context) -> None:
    """Of the driver, outside; and of all above, in the box."""
    pid = os.getppid()
    for _ in range(8):
        if pid <= 0 or (pid == 1 and os.readlink("/proc/self/ns/pid") == c.pidns):
            break
        with goes_on():
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with goes_on():
                    if f"{c.name}.txt" in os.readlink(f"/proc/{pid}/fd/{fd}"):
                        put(f"/proc/{pid}/fd/{fd}", c, os.O_WRONLY)
        with open(f"/proc/{pid}/stat") as f:
            pid = int(f.read().rpartition(")")[2].split()[1])


@attempt(
    "a file outside is changed by the launcher's own descriptor of the policy or the supervisor",
    bare="there is no launcher",
)
def descriptor_of_launcher(c: Context) -> None:
    """Whatever sockets and listeners were left open: spoken to."""
    import fcntl

    for fd in inherited():
        with goes_on():
            print(fd, os.readlink(f"/proc/self/fd/{fd}"), flush=True)
        with goes_on():
            fcntl.ioctl(fd, 0xC0502100, bytearray(80))
            os.write(1, b"\nGOT THROUGH\n")
