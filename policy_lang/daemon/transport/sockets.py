"""Listening sockets, and the peer on the other side. Unsafe places are refused before anything is bound."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import stat
import struct
from collections.abc import Iterator

from ...domain.faults import reason_of
from ..safe_place import UnsafePlaceError, check_folder

_SO_PEERGROUPS = 59
_SO_PEERPIDFD = 77
"""Linux 4.13, and 6.5 and later (include/uapi/asm-generic/socket.h)."""
_GROUP_BYTES = 1024
"""Bytes of groups of a peer that Python's `getsockopt` takes at most: 256 groups."""
_ESTABLISHED = 1
"""A state of connections (include/net/tcp_states.h)."""
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_LOOKS = 3
"""The kernel writes a table in pieces: while others come and go a row may be left out, or be there twice."""
_ACTIVATED = 3
"""The first descriptor that systemd passes (sd_listen_fds(3))."""


def default_socket() -> str | None:
    """The user's own socket, below the folder that the login session provides."""
    folder = os.environ.get("XDG_RUNTIME_DIR")
    return os.path.join(folder, "policy_lang", "policy.sock") if folder else None


def listen_unix(path: str, gid: int | None = None) -> socket.socket:
    """A listening socket at the path, mode 0600, or 0660 with a group. Raises UnsafePlaceError."""
    check_folder(os.path.dirname(os.path.abspath(path)))
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    before = os.umask(0o177)
    try:
        listener.bind(path)
        if gid is not None:
            os.chown(path, -1, gid)
            os.chmod(path, 0o660)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise UnsafePlaceError(f"the socket `{path}` cannot be made: {reason_of(error)}") from None
    finally:
        os.umask(before)
    return listener


def _clear(path: str) -> None:
    """Remove a socket that nobody listens on any more; anything else in its place is refused."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "something else"
        raise UnsafePlaceError(f"`{path}` is {kind}, not a socket; remove it if nothing needs it")
    if status.st_uid != os.geteuid():
        raise UnsafePlaceError(f"the socket `{path}` belongs to the user {status.st_uid}; choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(1)
        try:
            caller.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except OSError as error:
            if error.errno == errno.ENOENT:
                return
            raise UnsafePlaceError(f"the socket `{path}` is in use: {reason_of(error, 'busy')}") from None
    raise UnsafePlaceError(f"another service listens on `{path}`")


def listen_tcp(address: str, *, anywhere: bool = False) -> socket.socket:
    """A listening socket on a loopback address, `127.0.0.1:PORT` or `[::1]:PORT`; or on any, `anywhere`.

    Raises UnsafePlaceError.
    """
    host, _, port = address.rpartition(":")
    family = {"127.0.0.1": socket.AF_INET, "[::1]": socket.AF_INET6}.get(host)
    if family is None and anywhere:
        with contextlib.suppress(ValueError):
            version = ipaddress.ip_address(host.strip("[]")).version
            family = socket.AF_INET if version == 4 else socket.AF_INET6 if host.startswith("[") else None
    if family is None or not port.isascii() or not port.isdigit() or int(port) > 65535:
        kind = "an address" if anywhere else "a loopback address"
        raise UnsafePlaceError(f"`{address[:60]}` is not {kind}; write `127.0.0.1:PORT`")
    listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), int(port)))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise UnsafePlaceError(f"`{address}` cannot be bound: {reason_of(error)}") from None
    return listener


def activated() -> socket.socket | None:
    """The socket that systemd passed to this process, if it did."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    if os.environ.get("LISTEN_FDS") != "1":
        raise UnsafePlaceError("systemd passed several sockets; the unit names one `ListenStream`")
    found = socket.socket(fileno=_ACTIVATED)
    found.setblocking(False)
    os.set_inheritable(_ACTIVATED, False)
    if found.family != socket.AF_UNIX:
        raise UnsafePlaceError("systemd passed a socket that is not a Unix socket")
    place = found.getsockname()
    check_folder(os.path.dirname(place))
    status = os.lstat(place)
    if status.st_mode & 0o007:
        raise UnsafePlaceError(f"everyone can use the socket `{place}`; set `SocketMode=0660`")
    return found


def peer(connection: socket.socket) -> tuple[int, int, int]:
    """The peer's uid, gid and pid, as the kernel noted them when it connected (unix(7), SO_PEERCRED)."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, gid = struct.unpack("3i", data)
    return uid, gid, pid


def peer_groups(connection: socket.socket) -> frozenset[int] | None:
    """The other groups of the peer's process (SO_PEERGROUPS); None when the kernel does not tell them."""
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUP_BYTES)
    except OSError:
        return None
    return frozenset(struct.unpack(f"{len(data) // 4}I", data))


def tcp_user(connection: socket.socket) -> int | None:
    """The uid of a loopback peer, from the kernel's tables of sockets (proc_pid_net(5)); None when it is not known.

    It is known of a connection that stands on both sides. The peer of one that does not is nobody, and its row may say
    0 or another's: a socket that was closed has no owner, and its address may be given to somebody else.
    """
    with contextlib.suppress(OSError, ValueError):
        theirs, ours = (_rows(n[0], n[1]) for n in (connection.getpeername(), connection.getsockname()))
        for _ in range(_LOOKS):
            found = [words for table in _TABLES for words in _table(table) if words[1] in theirs and words[2] in ours]
            if connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED:
                return None
            if len(found) == 1:
                _, _, _, state, _, _, _, uid, _, inode = found[0]
                return int(uid) if int(state, 16) == _ESTABLISHED and inode != "0" else None
    return None


def _table(path: str) -> Iterator[list[str]]:
    """The rows of a table, each up to the socket's inode."""
    with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as stream:
        for line in stream:
            words = line.split(maxsplit=10)[:10]
            if len(words) == 10:
                yield words


def _rows(host: str, port: int) -> set[str]:
    """An address as the tables write it: words of the machine's own order in hexadecimal, and the port.

    One of IPv4 stands in the table of the sockets that use it: as itself, or within IPv6 (RFC 4291, 2.5.5.2).
    """
    address = ipaddress.ip_address(host)
    inner = address if address.version == 4 else address.ipv4_mapped
    forms = {address.packed} if inner is None else {inner.packed, b"\0" * 10 + b"\xff\xff" + inner.packed}
    return {"".join(f"{w:08X}" for w in struct.unpack(f"={len(data) // 4}I", data)) + f":{port:04X}" for data in forms}


def peer_program(connection: socket.socket, pid: int) -> str:
    """The name of the peer's program, for the log; empty when it is not known for sure.

    A pid may be another process's by now. A pidfd of the peer proves that it was not while the name was read.
    """
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD, 4)
    except OSError:
        return ""
    handle = struct.unpack("i", data)[0]
    try:
        with open(f"/proc/{pid}/comm", "rb") as stream:
            name = stream.read(64).decode("utf-8", "replace").strip()
        with contextlib.suppress(OSError):
            import signal

            signal.pidfd_send_signal(handle, 0)
            return name
    except (OSError, PermissionError):
        return ""
    finally:
        os.close(handle)
    return ""
