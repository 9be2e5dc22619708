"""Attempts with memory and queues that have names of their own, outside the file system's tree or in `/dev/shm`."""

from __future__ import annotations

import ctypes
import os
import struct

from tests.walls.escapes.kit import NET, OUTPUT, WORD, Context, attempt, c_call, call, put, show, word

READ = "memory outside is read"


@attempt(READ, OUTPUT)
def shared_file_read(c: Context) -> None:
    show(f"{c.host_shm}/{c.name}.txt")


@attempt("shared memory outside is changed")
def shared_file_written(c: Context) -> None:
    put(f"{c.host_shm}/{c.name}.txt", c)


@attempt("shared memory appears outside")
def shared_file_made(c: Context) -> None:
    put(f"/dev/shm/{c.token}", c)


def attached(c: Context) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    found: int = libc.shmat(c_call("shmget", c.shm_key, 4096, 0), None, 0)
    return found


@attempt(READ, OUTPUT)
def segment_read(c: Context) -> None:
    os.write(1, ctypes.string_at(attached(c), 200))


@attempt("memory outside is changed", NET)
def segment_written(c: Context) -> None:
    at = 1024 + sum(map(ord, c.name)) % 100
    ctypes.memmove(attached(c) + at, c.data, len(c.data))


@attempt(READ, OUTPUT)
def segments_listed(c: Context) -> None:
    """Every segment that there is, by its place in the kernel's table; only those of this suite are shown."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    with open("/proc/sysvipc/shm") as f:
        for line in f.read().splitlines()[1:]:
            key, number = line.split()[:2]
            if int(key) == c.shm_key:
                os.write(1, ctypes.string_at(libc.shmat(int(number), None, 0), 200))


@attempt("a queue outside gets a message", NET)
def queue_named(c: Context) -> None:
    fd = c_call("mq_open", c.queue, os.O_WRONLY)
    c_call("mq_send", fd, c.data, len(c.data), 1)


@attempt("a queue outside gets a message", NET)
def queue_numbered(c: Context) -> None:
    number = c_call("msgget", c.message_key, 0)
    c_call("msgsnd", number, struct.pack("q", 1) + c.data, len(c.data), 0o4000)


@attempt("a key that others keep is seen", WORD)
def keyring(c: Context) -> None:
    call(250, 0, -4, 0)
    word()
