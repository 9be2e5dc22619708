"""Attempts with sockets that have names, and FIFOs: what listens outside and lies where the agent can see it."""

from __future__ import annotations

import array
import ctypes
import os
import socket
import struct

from tests.walls.escapes.kit import NET, Context, add, attempt, call, connect, put, write

HEARD = "a listener outside hears"
BOUND = "a socket's name appears where nothing may be made"


def to(name: str, which: str, **options: object) -> None:
    add(name, lambda c: connect(getattr(c, which), c), HEARD, NET, **options)


to("socket_workspace", "sock")
to("socket_denied_name", "sock_pem")
to("socket_vault", "sock_vault")
to("socket_generated", "sock_generated")
to("socket_home", "sock_home")
to("socket_message_bus", "bus")
to("socket_docker", "docker")
to("socket_podman", "podman")
to("socket_gpg_agent", "gpg")
to("socket_wayland", "wayland")
to("socket_x11", "x11")
to("socket_operator", "operator")
to("socket_host_tmp", "tmp_sock")
to("socket_system", "system", root=True)


def abstract(name: str, which: str, kind: int = socket.SOCK_STREAM) -> None:
    add(name, lambda c: connect("\0" + getattr(c, which), c, kind), HEARD, NET)


abstract("abstract_stream", "abstract")
abstract("abstract_x11", "abstract_x11")
abstract("abstract_datagram", "abstract_dgram", socket.SOCK_DGRAM)


@attempt(HEARD, NET)
def agent_of_environment(c: Context) -> None:
    """The agent that the caller's variables name."""
    connect(os.environ.get("SSH_AUTH_SOCK") or c.sock_home, c)


@attempt(HEARD, NET)
def datagram_sent(c: Context) -> None:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(c.data, c.dgram)


@attempt(HEARD, NET)
def datagram_connected(c: Context) -> None:
    connect(c.dgram, c, socket.SOCK_DGRAM)


@attempt(HEARD, NET)
def datagram_home(c: Context) -> None:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(c.data, c.dgram_home)


@attempt(HEARD, NET)
def datagram_message(c: Context) -> None:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendmsg([c.data], [], 0, c.dgram)


@attempt(HEARD, NET)
def datagram_messages(c: Context) -> None:
    """`sendmmsg`, whose addresses lie two pointers away."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    name = ctypes.create_string_buffer(struct.pack("H", 1) + c.dgram.encode() + b"\0")
    data = ctypes.create_string_buffer(c.data)
    vector = ctypes.create_string_buffer(struct.pack("QQ", ctypes.addressof(data), len(c.data)))
    header = struct.pack(
        "QIxxxxQQQQQ", ctypes.addressof(name), len(name) - 1, ctypes.addressof(vector), 1, 0, 0, 0
    ) + bytes(8)
    call(307, s.fileno(), header, 1, 0)


@attempt(HEARD, NET)
def datagram_abstract_sent(c: Context) -> None:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(c.data, "\0" + c.abstract_dgram)


@attempt(HEARD, NET)
def packets_in_sequence(c: Context) -> None:
    connect(c.seq, c, socket.SOCK_SEQPACKET)


@attempt(HEARD, NET)
def socket_pair_sends(c: Context) -> None:
    """A pair needs no name; its ends may send to one."""
    ours, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.sendto(c.data, c.dgram)


@attempt(HEARD, NET)
def socket_relative(c: Context) -> None:
    os.chdir(f"{c.ws}/vault")
    connect("host.sock", c)


@attempt(HEARD, NET)
def socket_symlink(c: Context) -> None:
    os.symlink(c.sock, f"{c.own}/s")
    connect(f"{c.own}/s", c)


@attempt(HEARD, NET)
def socket_by_descriptor(c: Context) -> None:
    connect(f"/proc/self/fd/{os.open(c.sock, os.O_PATH)}", c)


@attempt(HEARD, NET)
def socket_by_folder_descriptor(c: Context) -> None:
    connect(f"/proc/self/fd/{os.open(c.ws, os.O_PATH)}/host.sock", c)


@attempt(HEARD, NET)
def socket_by_proc_cwd(c: Context) -> None:
    connect("/proc/self/cwd/host.sock", c)


@attempt(HEARD, NET)
def socket_by_proc_root(c: Context) -> None:
    connect(f"/proc/self/root{c.sock}", c)


@attempt(HEARD, NET)
def socket_no_end(c: Context) -> None:
    """The name fills the address and has no end of its own."""
    s = socket.socket(socket.AF_UNIX)
    path = "./" * ((108 - len("host.sock")) // 2) + "host.sock"
    name = struct.pack("H", 1) + path.encode().rjust(108, b"/" if len(path) == 108 else b".")[:108]
    if len(path) == 107:
        name = struct.pack("H", 1) + b"./" + path.encode()[2:] + b"\0"
    call(42, s.fileno(), name, 110)
    s.sendall(c.data)


@attempt(HEARD, NET)
def socket_hard_link(c: Context) -> None:
    os.link(c.sock, f"{c.own}/s")
    connect(f"{c.own}/s", c)


@attempt(HEARD, NET)
def socket_moved(c: Context) -> None:
    """The socket gets a name that is granted; it is put back."""
    os.rename(c.sock_generated, f"{c.own}/s")
    try:
        connect(f"{c.own}/s", c)
    finally:
        os.rename(f"{c.own}/s", c.sock_generated)


@attempt(HEARD, NET)
def socket_high_bits(c: Context) -> None:
    fd = call(41, 1 << 40 | 1, 1 << 40 | 1, 0)
    name = struct.pack("H", 1) + c.sock.encode() + b"\0"
    call(42, 1 << 40 | fd, name, len(name))
    os.write(fd, c.data)


@attempt("a file outside is changed by a descriptor that was handed in")
def descriptor_received(c: Context) -> None:
    s = socket.socket(socket.AF_UNIX)
    s.connect(c.fds)
    s.sendall(c.name.encode())
    _, extra, _, _ = s.recvmsg(10, 200)
    write(array.array("i", extra[0][2])[0], c)


@attempt(BOUND)
def bound_in_generated(c: Context) -> None:
    socket.socket(socket.AF_UNIX).bind(f"{c.ws}/generated/{c.token[:40]}"[:107])


@attempt(BOUND)
def bound_as_pem(c: Context) -> None:
    socket.socket(socket.AF_UNIX).bind(f"src/{c.name}/new.pem")


@attempt(BOUND)
def bound_by_symlinked_folder(c: Context) -> None:
    os.symlink("../../generated", f"{c.own}/d")
    os.chdir(c.own)
    socket.socket(socket.AF_UNIX).bind(f"d/{c.token}")


@attempt(BOUND)
def bound_datagram_home(c: Context) -> None:
    os.chdir(c.home)
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind(f"{c.token}")


@attempt(BOUND)
def bound_by_descriptor(c: Context) -> None:
    fd = os.open(f"{c.ws}/generated", os.O_PATH)
    socket.socket(socket.AF_UNIX).bind(f"/proc/self/fd/{fd}/{c.token}"[:107])


def fifo(name: str, which: str) -> None:
    add(name, lambda c: put(getattr(c, which), c, os.O_WRONLY | os.O_NONBLOCK), "a reader of a FIFO outside hears", NET)


fifo("fifo_in_generated", "fifo_generated")
fifo("fifo_in_outside", "fifo_outside")
fifo("fifo_in_home", "fifo_home")
fifo("fifo_denied_name", "fifo_pem")


@attempt("a reader of a FIFO outside hears", NET)
def fifo_by_reading_descriptor(c: Context) -> None:
    put(f"/proc/self/fd/{os.open(c.fifo_generated, os.O_PATH)}", c, os.O_WRONLY | os.O_NONBLOCK)


@attempt("a reader of a FIFO outside hears", NET)
def fifo_opened_both_ways(c: Context) -> None:
    put(c.fifo_generated, c, os.O_RDWR | os.O_NONBLOCK)


@attempt("a reader of a FIFO outside hears", NET)
def fifo_hard_link(c: Context) -> None:
    os.link(c.fifo_generated, f"{c.own}/f")
    put(f"{c.own}/f", c, os.O_WRONLY | os.O_NONBLOCK)
