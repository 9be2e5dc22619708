"""Addresses of sockets: connected and bound by the supervisor, on the caller's own socket."""

from __future__ import annotations

import errno
import os
import socket
import struct

from . import kernel
from .kernel import AT_FDCWD
from .system_call import DONE, WRITE, SlowError, missing, signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .accesses import Accesses
    from .bound import BoundSockets
    from .resolving import Leaf
    from .system_call import Done, SystemCall

_UNIX, _INET, _INET6 = 1, 2, 10


class Addressing:
    """Gives sockets their addresses. `bound` are the sockets that were bound inside."""

    def __init__(self, accesses: Accesses, bound: BoundSockets) -> None:
        self._accesses = accesses
        self._bound = bound

    def connect(self, call: SystemCall) -> Done:
        """Connect the caller's socket. Raises OSError, AskedError, SlowError."""
        return self._addressed(call, self._to_reach, kernel.connect)

    def bind(self, call: SystemCall) -> Done:
        """Bind the caller's socket. Raises OSError, AskedError."""
        return self._addressed(call, self._to_have, kernel.bind)

    def listen(self, call: SystemCall) -> Done:
        """Have the caller's socket listen: on the loopback, when it has no address yet. Raises OSError."""
        with socket.socket(fileno=kernel.socket_of(call.thread, signed(call.a[0], 32))) as own:
            if not call.is_valid():  # its number may be another's by now, whose socket this is
                raise ProcessLookupError(errno.ESRCH, "it is gone")
            if own.family in {_INET, _INET6} and own.getsockname()[1] == 0 and not self._accesses.own_paths.observed:
                own.bind(("127.0.0.1" if own.family == _INET else "::1", 0))
            own.listen(max(0, signed(call.a[1], 32)))
        return DONE

    def _addressed(
        self,
        call: SystemCall,
        address_of: Callable[[SystemCall, bytes], tuple[bytes, Leaf | None]],
        act: Callable[[int, bytes], None],
    ) -> Done:
        if not 2 <= call.a[2] <= 128:
            raise OSError(errno.EINVAL, "no address")
        data = call.memory(call.a[1], call.a[2]) or b""
        own = kernel.socket_of(call.thread, signed(call.a[0], 32))
        leaf = None
        try:
            if not call.is_valid():  # its number may be another's by now, whose memory and socket these are
                raise ProcessLookupError(errno.ESRCH, "it is gone")
            address, leaf = address_of(call, data)
            if act is kernel.connect and not call.beside and os.get_blocking(own):
                raise SlowError
            act(own, address)
            if act is kernel.bind and leaf is not None:
                made = kernel.open_at(leaf.folder, leaf.name, os.O_PATH | os.O_NOFOLLOW, kernel.RESOLVE_BENEATH)
                os.chmod(f"/proc/self/fd/{made}", 0o777 & ~call.umask())
                self._bound.add(made)
        finally:
            os.close(own)
            if leaf is not None:
                leaf.close()
        return DONE

    def _to_reach(self, call: SystemCall, data: bytes) -> tuple[bytes, Leaf | None]:
        path = _socket_path(data)
        if path is None:
            if not self._accesses.own_paths.closed:
                self._may_reach(data)
            return data, None
        leaf = self._accesses.resolver.leaf(self._accesses.resolver.absolute(call.thread, AT_FDCWD, path), True)
        try:
            self._may_meet(leaf)
        except BaseException:
            leaf.close()
            raise
        return struct.pack("=H", _UNIX) + leaf.held.encode() + b"\0", leaf

    def _may_meet(self, leaf: Leaf) -> None:
        """Return for a socket that was bound inside, or is the launcher's. Raises OSError."""
        if not leaf.exists:
            missing()
        own_paths = self._accesses.own_paths
        if not self._bound.has(leaf.place) and not own_paths.serves(leaf.path) and not own_paths.observed:
            raise PermissionError(errno.EACCES, "a socket of another program's outside")

    def _new_address(self, call: SystemCall, leaf: Leaf) -> bytes:
        """The address here of a socket that is to have a name inside. Raises OSError, AskedError."""
        if leaf.exists or leaf.folder < 0:
            raise OSError(errno.EADDRINUSE, "it is there")
        self._accesses.may(call, WRITE, leaf.path)
        address = f"/proc/self/fd/{leaf.folder}/".encode() + leaf.name
        if len(address) > 107:
            raise OSError(errno.ENAMETOOLONG, "longer than a socket's address")
        return address

    def _may_reach(self, data: bytes) -> None:
        """Return for the launcher's ports on the loopback, where the network is the machine's. Raises OSError."""
        family = struct.unpack_from("=H", data)[0]
        if (
            family == _UNIX and len(data) > 2 and not self._accesses.own_paths.observed
        ):  # a name that all have in common
            raise PermissionError(errno.EACCES, "a socket of another program's outside")
        if family not in {_INET, _INET6} or self._accesses.own_paths.observed:
            return
        if not _is_local(data) or struct.unpack_from("!H", data, 2)[0] not in self._accesses.own_paths.ports:
            raise OSError(errno.ENETUNREACH, "no way out but through the launcher")

    def _to_have(self, call: SystemCall, data: bytes) -> tuple[bytes, Leaf | None]:
        path = _socket_path(data)
        if path is None:
            own_paths = self._accesses.own_paths
            internet = struct.unpack_from("=H", data)[0] in {_INET, _INET6}
            if internet and not own_paths.closed and not own_paths.observed and not _is_local(data):
                raise PermissionError(errno.EACCES, "an address that others reach")
            return data, None
        leaf = self._accesses.resolver.leaf(self._accesses.resolver.absolute(call.thread, AT_FDCWD, path), False)
        try:
            address = self._new_address(call, leaf)
        except BaseException:
            leaf.close()
            raise
        return struct.pack("=H", _UNIX) + address + b"\0", leaf


def _is_local(data: bytes) -> bool:
    """Whether an address of the internet is one of the loopback."""
    if struct.unpack_from("=H", data)[0] == _INET:
        return data[4:5] == b"\x7f"
    return data[8:24] == b"\0" * 15 + b"\1"


def _socket_path(data: bytes) -> bytes | None:
    """The path in a UNIX socket's address; None for other families, and for names that are no path."""
    if struct.unpack_from("=H", data)[0] != _UNIX or len(data) <= 2 or data[2] == 0:
        return None
    return data[2:].partition(b"\0")[0]
