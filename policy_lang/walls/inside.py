"""The first process behind the walls: it builds the inner ones around itself, and becomes the command.

    python -I -S -c "import sys; sys.path.append(FOLDER); import inside; inside.begin()" DESCRIPTOR

The descriptor is a socket to the launcher, which says in one line of JSON what to build. It runs apart from the rest of
the package and imports the standard library alone. Whatever fails ends it before the command has started.

Every start waits for this interpreter. So it is imported, which finds it compiled, and what `json`, `signal` and
`socket` load beside what is used here takes longer than all the rest: it goes without them.
"""

import _json
import _signal
import _socket
import ctypes
import errno
import os
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

_LIBC = ctypes.CDLL(None, use_errno=True)
_SECCOMP, _LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 317, 444, 445, 446
_NO_NEW_PRIVILEGES, _DUMPABLE = 38, 4
_DROP_FROM_BOUNDING_SET, _SET_CAPABILITIES, _CAPABILITIES_VERSION = 24, 126, 0x20080522
_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 1 << 3, 1 << 5
MOST = 64 << 20  # limit: walls_message_bytes
_SECONDS = 5  # limit: walls_seconds
NOT_FOUND, NOT_STARTED, NOT_BUILT = 127, 126, 125


class _Json:
    """Values as `json.loads` makes them."""

    strict = True
    object_hook = object_pairs_hook = array_hook = parse_constant = None
    parse_float, parse_int = float, int


_VALUE = _json.make_scanner(_Json)  # type: ignore[arg-type]


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def restrict_files(handled: list, trees: list) -> None:  # type: ignore[type-arg]
    """Landlock: of `handled` rights (files, network, scopes) only those of `trees`: [path, rights, more of folders].

    Raises OSError.
    """
    attributes = struct.pack(f"={len(handled)}Q", *handled)
    ruleset = _checked(_LIBC.syscall(_LANDLOCK_CREATE, attributes, len(attributes), 0))
    for path, rights, folder_rights in trees:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        allowed = rights | (folder_rights if os.path.isdir(f"/proc/self/fd/{place}") else 0)
        _checked(_LIBC.syscall(_LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", allowed, place), 0))
        os.close(place)
    _checked(_LIBC.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(_LIBC.syscall(_LANDLOCK_RESTRICT, ruleset, 0))
    os.close(ruleset)


def filter_calls(program: bytes) -> int:
    """Put the filter of system calls in place; its listener's descriptor. Raises OSError."""
    _checked(_LIBC.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    made = _FilterProgram(len(program) // 8, program)
    return int(_checked(_LIBC.syscall(_SECCOMP, _FILTER, _NEW_LISTENER | _WAIT_KILLABLE, ctypes.byref(made))))


def give_up_capabilities() -> None:
    """What root may do besides, for this process and all that it starts (capabilities(7)). Raises OSError."""
    for number in range(64):
        _LIBC.prctl(_DROP_FROM_BOUNDING_SET, number, 0, 0, 0)  # there are fewer, and perhaps none is had
    header, none = struct.pack("=Ii", _CAPABILITIES_VERSION, 0), bytes(24)
    _checked(_LIBC.syscall(_SET_CAPABILITIES, header, none))


def _listening(places: list) -> list:  # type: ignore[type-arg]
    """Sockets that listen inside, for the launcher to serve: a port of 127.0.0.1, or a path."""
    out = []
    for place in places:
        made = _socket.socket(_socket.AF_INET if isinstance(place, int) else _socket.AF_UNIX, _socket.SOCK_STREAM)
        if isinstance(place, int):
            made.bind(("127.0.0.1", place))
        else:
            made.bind(place)
            os.chmod(place, 0o600)
        made.listen(128)
        out.append(made)
    return out


def _said(channel: _socket.socket) -> dict:  # type: ignore[type-arg]
    """What the launcher says in its next line. Raises OSError when it says no more."""
    data = b""
    while not data.endswith(b"\n"):
        part = channel.recv(1 << 20)
        if not part or len(data) > MOST:
            raise OSError("the launcher is gone")
        data += part
    given: dict = _VALUE(data.decode(), 0)[0]  # type: ignore[type-arg]
    return given


def _become(given: dict) -> None:  # type: ignore[type-arg]
    for number in _signal.valid_signals() - {_signal.SIGKILL, _signal.SIGSTOP, _signal.SIGCHLD}:
        _signal.signal(number, _signal.SIG_IGN if number in given["ignored"] else _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, [])
    command = given["command"]
    os.umask(given["umask"])
    try:
        os.chdir(given["cwd"])
        os.execvpe(command[0], command, given["environment"])  # noqa: S606 (no shell)
    except OSError as error:
        os.write(2, f"policy run: `{command[0]}` cannot be started: {(error.strerror or 'error').lower()}\n".encode())
        os._exit(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_STARTED)


def main() -> None:
    """Build the inner walls, tell the launcher, and become the command when it says so."""
    channel = _socket.socket(fileno=int(sys.argv[1]))
    given = _said(channel)
    sockets = _listening(given["listen"])
    if given["landlock"]:
        restrict_files(*given["landlock"])
        give_up_capabilities()
    passed = [filter_calls(bytes.fromhex(given["filter"]))] if given["filter"] else []
    passed += [s.fileno() for s in sockets]
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack(f"={len(passed)}i", *passed))] if passed else []
    channel.sendmsg([b"built\n"], rights)
    for one in passed[: len(passed) - len(sockets)]:
        os.close(one)
    for each in sockets:
        each.close()
    given |= _said(channel)
    while "try" in given:
        channel.sendall(f"{attempts(given.pop('try'))}\n".encode())
        given |= _said(channel)
    if "command" not in given:
        os._exit(0)
    channel.close()
    _become(given)


def attempts(wanted: list) -> list:  # type: ignore[type-arg]
    """What becomes of each attempt, [how, what, port]: 0, or the error's number."""
    out = []
    for how, what, port in wanted:
        try:
            _WAYS[how](what, port)
            out.append(0)
        except TimeoutError:
            out.append(errno.ETIMEDOUT)
        except OSError as error:
            out.append(error.errno or errno.EIO)
    return out


def _read(path: str, _: int) -> None:
    where = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        if not os.path.isdir(path):
            os.read(where, 1)
    finally:
        os.close(where)


def _write(path: str, _: int) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY))


def _create(path: str, _: int) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    os.unlink(path)


def _start(words: list, _: int) -> None:  # type: ignore[type-arg]
    """Start a program with an environment that is no memory: it is decided, and fails in the kernel (execve(2))."""
    arguments = (ctypes.c_char_p * (len(words) + 1))(*map(os.fsencode, words), None)
    _LIBC.execve(os.fsencode(words[0]), arguments, ctypes.c_void_p(1))
    if ctypes.get_errno() != errno.EFAULT:
        raise OSError(ctypes.get_errno(), "refused")


def _variable(name: str, _: int) -> None:
    """Find a variable of who starts all this, in this process or in the first one."""
    for path in ("/proc/self/environ", "/proc/1/environ"):
        try:
            with open(path, "rb") as stream:
                found = stream.read()
        except OSError:
            continue
        if any(row.partition(b"=")[0] == os.fsencode(name) for row in found.split(b"\0")):
            return
    raise FileNotFoundError(errno.ENOENT, "no such variable")


def _connected(address: str, port: int, seconds: int) -> "socket.socket":
    from socket import create_connection

    return create_connection((address, port), seconds)


def _connect(address: str, port: int) -> None:
    with _connected(address, port, 2):
        pass


def _tunnel(address: str, port: int) -> None:
    """Connect to a forwarded port; who may not have it is told nothing."""
    with _connected(address, port, _SECONDS) as way:
        if not way.recv(1):
            raise PermissionError(errno.EACCES, "closed")


def _proxy(line: str, port: int) -> None:
    """Ask the proxy for what the first line of a request says."""
    host = line.partition(" ")[2].removeprefix("http://").partition("/")[0]
    with _connected("127.0.0.1", port, _SECONDS) as way:
        way.sendall(f"{line} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        reply = way.recv(64).split(b" ")[1:2]
    if reply != [b"200"]:
        raise OSError(errno.EACCES if reply == [b"403"] else errno.EPROTO, "refused")


_WAYS: dict = {  # type: ignore[type-arg]
    "read": _read, "write": _write, "create": _create, "rename": lambda path, _: os.rename(path, path), "start": _start,
    "variable": _variable, "socket": _connect, "tunnel": _tunnel, "proxy": _proxy,
}  # fmt: skip


def begin() -> None:
    """Do it, or end with a line that says why not."""
    try:
        main()
    except OSError as fault:
        os.write(
            2, f"policy run: inside, the walls cannot be built: {(fault.strerror or str(fault)).lower()}\n".encode()
        )
        os._exit(NOT_BUILT)
