"""A box: the walls of one start, built from a plan, and the command within them."""

from __future__ import annotations

import array
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys

from ..domain.faults import InternalError
from ..domain.limits import limit
from ..domain.record import field, record
from ..pep.deciders import WALLS_FOLDER
from . import mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .landlock import Ruleset
    from .own_paths import OwnPaths
    from .plan import Plan
    from .port import DecisionPort
    from .supervisor import Supervisor

_HERE = os.path.dirname(os.path.abspath(__file__))
_INSIDE = f"import sys; sys.path.append({_HERE!r}); import inside; inside.begin()"
"""Behind the standard library's folders, none of whose modules is then another one."""
_OUTSIDE = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 (a new folder of a random name)
_MOST_REPLY = limit("walls_reply_bytes")
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_FROM_KERNEL = 0x80
"""SI_KERNEL (sigaction(2)): the terminal has sent it, and to the command as well."""


class WallsError(InternalError):
    """The walls could not be built, or are not as they should be; nothing was started."""


@record(frozen=True, slots=True)
class Design:
    """What the walls of a start are made of. Without `bubblewrap` the inner ones stand alone.

    `listen` are ports of the loopback inside, 0 for any, and names of sockets in the launcher's folder there. `texts`
    are files that are there, read-only, with a text of the launcher's.
    """

    plan: Plan
    own_paths: OwnPaths
    filter: bytes
    ruleset: Ruleset | None
    bubblewrap: str | None
    listen: Sequence[int | str] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


class Box:
    """Builds walls, tries them, and runs one command within."""

    def __init__(self, design: Design, port: DecisionPort) -> None:
        self._design = design
        self._port = port
        self._folder = ""
        self._command = 0
        """The process that becomes the command."""
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self.supervisor: Supervisor | None = None
        self.sockets: list[socket.socket] = []
        """What listens inside, in the order of the design."""

    def build(self) -> None:
        """Build all walls; the first process inside then waits. Raises WallsError."""
        try:
            self._started()
            self._built()
        except (OSError, ValueError) as error:
            self.close()
            raise WallsError(f"the walls cannot be built: {error}") from None

    def _started(self) -> None:
        ours, theirs = socket.socketpair()
        self._channel = ours
        inside = [os.path.realpath(sys.executable), "-I", "-S", "-c", _INSIDE, str(theirs.fileno())]
        words, passed = inside, [theirs.fileno()]
        if self._design.bubblewrap is not None:
            outside = next((f for f in _OUTSIDE if os.access(f, os.W_OK | os.X_OK)), _OUTSIDE[0])
            self._folder = f"{outside}/policy-run-{os.urandom(8).hex()}"
            os.mkdir(self._folder, 0o700)
            covers = mounts.covers_in(self._folder, self._design.texts)
            copies = mounts.copies_of(self._design.plan)
            passed += copies.values()
            options = mounts.words_of(self._design.plan, covers, WALLS_FOLDER, copies)
            given = os.memfd_create("options")
            os.write(given, b"".join(os.fsencode(o) + b"\0" for o in options))
            os.lseek(given, 0, os.SEEK_SET)
            passed.append(given)
            words = [self._design.bubblewrap, "--args", str(given), "--", *inside]
        before = {number: signal.signal(number, signal.SIG_IGN) for number in _FORWARDED}
        self._ignored = [int(n) for n, handler in before.items() if handler == signal.SIG_IGN]
        try:
            self._process = subprocess.Popen(words, pass_fds=passed, env={}, cwd="/")  # noqa: S603 (no shell)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            theirs.close()
            for one in passed[1:]:
                os.close(one)

    def _built(self) -> None:
        design, channel = self._design, self._channel
        assert channel is not None
        rules = design.ruleset
        listen = [place if isinstance(place, int) else f"{WALLS_FOLDER}/{place}" for place in design.listen]
        given = {
            "listen": listen,
            "filter": design.filter.hex(),
            "landlock": [list(rules.handled), [list(t) for t in rules.trees]] if rules is not None else None,
        }
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            channel.sendall(json.dumps(given).encode() + b"\n")
        from .supervisor import supervised  # while the walls are built, which takes about as long

        if design.filter:
            self._port.warm_up()
        try:
            data, rights, _, _ = channel.recvmsg(_MOST_REPLY, socket.CMSG_SPACE(4 * (len(listen) + 1)))
        except ConnectionResetError:
            data, rights = b"", []
        passed = [n for _, _, part in rights for n in array.array("i", part[: len(part) // 4 * 4])]
        if not data.endswith(b"\n") or len(passed) != len(listen) + bool(design.filter):
            raise ValueError(self._why())
        self._command = self._first()
        if design.filter:
            self.supervisor = supervised(passed.pop(0), self._opened_root(), self._port, design.own_paths)
            self.supervisor.start()
            self.supervisor.ready.wait(limit("walls_seconds"))
            if self.supervisor.fault:
                raise ValueError(f"the supervisor cannot work: {self.supervisor.fault} (unshare of CLONE_FS)")
        self.sockets = [socket.socket(fileno=n) for n in passed]

    def _opened_root(self) -> int:
        self._root_place = self._root()
        return self._root_place

    def _root(self) -> int:
        """Open on the root that every process inside has."""
        if self._design.bubblewrap is None:
            return os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return os.open(f"/proc/{self._command}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def _first(self) -> int:
        """The first process inside, as it is numbered here: the last of the line that begins with bubblewrap."""
        assert self._process is not None
        process = self._process.pid
        while True:
            with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as stream:
                children = stream.read().split()
            if not children:
                return process
            process = int(children[0])

    def _why(self) -> str:
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(limit("walls_seconds"))
        program = self._design.bubblewrap
        why = mounts.why_not(program) if program is not None else ""
        hint = "; `--accept-loss namespaces` starts without it" if why else ""
        return f"bubblewrap does not work here: {why}{hint}" if why else "what is inside ended before its walls stood"

    def attempt(self, wanted: Sequence[Sequence[object]]) -> list[int]:
        """What becomes of attempts inside, each 0 or an error's number, before the command is started."""
        assert self._channel is not None
        self._channel.sendall(json.dumps({"try": wanted}).encode() + b"\n")
        data = b""
        while not data.endswith(b"\n"):
            part = self._channel.recv(_MOST_REPLY)
            if not part:
                raise WallsError(self._why())
            data += part
        return list(json.loads(data))

    def run(self, command: Sequence[str], folder: str, environment: Mapping[str, str]) -> int:
        """Start the command, pass signals on, and wait: its exit status, 128 and the number for a signal."""
        assert self._process is not None
        assert self._channel is not None
        umask = os.umask(0)
        os.umask(umask)
        given = {
            "command": list(command), "cwd": folder, "environment": dict(environment), "umask": umask,
            "ignored": self._ignored,
        }  # fmt: skip
        target = self._command
        watched = {*_FORWARDED, signal.SIGCHLD}
        before = {number: signal.signal(number, lambda *_: None) for number in _FORWARDED}
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
        try:
            self._channel.sendall(json.dumps(given).encode() + b"\n")
            self._channel.close()
            while self._process.poll() is None:
                seen = signal.sigtimedwait(watched, 1)
                if seen is None or seen.si_signo == signal.SIGCHLD or seen.si_code == _FROM_KERNEL:
                    continue
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(target, seen.si_signo)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return self._process.returncode if self._process.returncode >= 0 else 128 - self._process.returncode

    def close(self) -> None:
        """End whatever is left, and take away what was made for the walls."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self.supervisor is not None:
            self.supervisor.join(limit("walls_seconds"))
            if not self.supervisor.is_alive():
                os.close(self._root_place)
            self.supervisor = None
        for one in self.sockets:
            one.close()
        if self._channel is not None:
            self._channel.close()
        if self._folder:
            mounts.remove_covers(self._folder)
