"""Interception: TLS ends in mitmproxy, so that methods, paths and pushes are decided as they are.

mitmproxy is a program of its own, beside this one, with an authority made for one run. It asks here about every request
(`interceptor.py`), over a socket that nobody else can reach, and connects to the address that it is told.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import resource
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
from time import monotonic

from ..domain import strict_json
from ..domain.errors import RequestError
from ..domain.faults import InternalError, reason_of
from ..domain.limits import limit
from .decisions import AtOnce, Decide, Decisions, Foresee
from .messages import proxy_status
from .packs import goes_forward
from .peers import Peer, Resolve, look_up, read_peer
from .pushes import read_commands, refusal, refused
from .serving import Serving
from .wires import EgressError, Wire, read_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..domain.request import Request
    from ..domain.strict_json import Json
    from .credentials import Credentials
    from .port import Ruling
    from .pushes import PushCommands

_MEMORY = limit("interceptor_bytes")
_PLACES = ("/usr/bin/mitmdump", "/usr/local/bin/mitmdump")
"""Where distributions install it; `PATH` may have been changed by who is to be walled in."""
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep the authorities that programs trust (Debian, Fedora, SUSE, Alpine)."""
_TRUST = (
    "SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS",
    "CARGO_HTTP_CAINFO", "AWS_CA_BUNDLE", "DENO_CERT",
)  # fmt: skip
"""Variables by which programs that bring authorities of their own learn of a file with others."""
_SECONDS = limit("interceptor_seconds")
_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "interceptor.py")
_MOST_BODY = limit("push_bytes")
_OPTIONS: dict[str, bool | int | str] = {
    "connection_strategy": "lazy",  # nothing is connected before it is decided
    "upstream_cert": False,
    "rawtcp": False,
    "http3": False,
    "onboarding": False,
    "block_global": False,
    "termlog_verbosity": "error",
    "flow_detail": 0,
    "body_size_limit": str(_MOST_BODY),
    "listen_host": "127.0.0.1",
}


def _bound(pid: int) -> None:
    """Let a process have so much memory and no more: what foreign servers send must not take the machine's.

    One that cannot have more fails on that request, or ends; then nothing goes on.
    """
    with contextlib.suppress(ProcessLookupError):  # it ended at once; whoever waits for its start says why
        resource.prlimit(pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))


class InterceptionError(InternalError):
    """Interception cannot be had as it was asked for."""


def trusting(bundle: str) -> dict[str, str]:
    """The variables that have programs trust the authorities in a file."""
    return dict.fromkeys(_TRUST, bundle)


def find_program() -> str | None:
    """The path of mitmproxy's program without a user's interface, if it is installed."""
    return next((path for path in _PLACES if os.access(path, os.X_OK)), None)


def system_bundle() -> str | None:
    """The file of the authorities that the system trusts."""
    return next((os.path.realpath(path) for path in BUNDLES if os.access(path, os.R_OK)), None)


class Interception:
    """Runs mitmproxy for one agent. Raises InterceptionError where it, or what the system trusts, is not to be had.

    `decide` and what belongs to it is a proxy's, with the method and the path of a URL; `asked` decides other actions.
    `remotes` says what rules call the server of a URL. `pinned` are hosts whose TLS is left alone, `trusted` a file of
    authorities.
    """

    def __init__(
        self,
        decide: Decide,
        asked: Callable[[Request], Ruling],
        *,
        at_once: AtOnce | None = None,
        foresee: Foresee | None = None,
        resolve: Resolve = look_up,
        credentials: Credentials | None = None,
        remotes: Callable[[str], Sequence[str]] = lambda _: (),
        pinned: Sequence[str] = (),
        program: str | None = None,
        trusted: str | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        program, trusted = program or find_program(), trusted or system_bundle()
        if program is None:
            raise InterceptionError("mitmproxy is not there, as `/usr/bin/mitmdump` or `/usr/local/bin/mitmdump`")
        if trusted is None:
            raise InterceptionError("the system has no file of authorities that programs trust")
        self._program = program
        self.trusted = trusted
        """The file of the authorities that the system trusts."""
        self._decisions = Decisions(decide, resolve, at_once=at_once, foresee=foresee)
        self._asked = asked
        self._credentials = credentials
        self._remotes = remotes
        self._pinned = frozenset(pinned)
        self._tell = tell
        self._named: set[str] = set()
        self._secret = secrets.token_hex(16)
        self._started = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._serving: Serving | None = None
        self._port = 0
        self._folder = ""

    def start(self) -> None:
        """Serve from now on."""
        self._folder = tempfile.mkdtemp(prefix="policy-tls-")  # its mode is 0700
        try:
            self._begin()
        except (OSError, InterceptionError) as error:
            self.stop()
            if isinstance(error, InterceptionError):
                raise
            raise InterceptionError(f"mitmproxy cannot be started: {reason_of(error)}") from None

    def _begin(self) -> None:
        place = os.path.join(self._folder, "control")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        listener.bind(place)
        listener.listen(limit("egress_connections"))
        self._serving = Serving(listener, self._serve, "policy-interception")
        self._serving.start()
        options = {
            **_OPTIONS,
            "confdir": self._folder,
            "ssl_verify_upstream_trusted_ca": self.trusted,
            "proxyauth": f"run:{self._secret}",
        }
        # a file, since the words of a command are seen by everybody (proc(5)); YAML takes JSON
        with open(os.path.join(self._folder, "config.yaml"), "xb") as stream:
            stream.write(strict_json.dump(options))
        words = [
            self._program,
            "--quiet",
            "--mode",
            "regular@0",
            "--set",
            f"confdir={self._folder}",
            "--scripts",
            _SCRIPT,
        ]
        environment = {
            "POLICY_LANG_INTERCEPTION": place,
            "HOME": self._folder,
            "PATH": "/usr/bin:/bin",
            "PYTHONSAFEPATH": "1",
        }
        with open(os.path.join(self._folder, "log"), "xb") as log:
            self._process = subprocess.Popen(  # noqa: S603 (no shell)
                words, env=environment, cwd=self._folder, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        _bound(self._process.pid)
        end = monotonic() + _SECONDS
        while not self._started.wait(0.05):
            if self._process.poll() is not None or monotonic() > end:
                raise InterceptionError(f"mitmproxy does not start: {self._said()}")

    def _said(self) -> str:
        try:
            with open(os.path.join(self._folder, "log"), encoding="utf-8", errors="replace") as stream:
                return stream.read(2000).strip()[-300:] or "it says nothing"
        except OSError:
            return "it says nothing"

    def stop(self) -> None:
        """End mitmproxy and forget its authority. May be called again."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(limit("egress_linger_seconds"))
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            assert self._process.stdin is not None
            self._process.stdin.close()
        if self._serving is not None:
            self._serving.stop()
        self._decisions.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    @property
    def authorities(self) -> str:
        """The certificates that programs are to trust: the system's, and that of this run."""
        texts = []
        for path in (self.trusted, os.path.join(self._folder, "mitmproxy-ca-cert.pem")):
            with open(path, encoding="utf-8") as stream:
                texts.append(stream.read())
        return "\n".join(texts)

    def takes(self, peer: Peer) -> bool:
        """Whether the TLS of a connection to this host ends here."""
        return isinstance(peer.host, str) and not peer.local and peer.host not in self._pinned

    async def connected(self, peer: Peer) -> Wire:
        """A connection to mitmproxy that begins with TLS for this host. Raises EgressError."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._port))
            wire = Wire(sock)
            shown = base64.b64encode(f"run:{self._secret}".encode()).decode()
            place = f"{peer.text}:{peer.port}"
            await wire.send(
                f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: Basic {shown}\r\n\r\n".encode()
            )
            head = await read_head(wire, limit("egress_reply_head_bytes"), 502)
        except OSError as error:
            sock.close()
            raise EgressError(502, f"mitmproxy does not answer: {reason_of(error)}") from None
        if b" 200 " not in head[:16]:
            wire.abort()
            raise EgressError(502, "mitmproxy does not answer")
        return wire

    # questions of mitmproxy

    async def _serve(self, wire: Wire) -> None:
        with contextlib.suppress(OSError, ValueError):
            line = b""
            while not line.endswith(b"\n") and len(line) < limit("egress_head_bytes") * 4:
                part = await wire.receive()
                if not part:
                    return
                line += part
                if b"\n" in part:
                    break
            head, _, body = line.partition(b"\n")
            question = strict_json.load(head)
            if not isinstance(question, dict):
                return
            body = await _rest(wire, body, int(question.get("body", 0)))
            await wire.send(strict_json.dump(await self._answer(question, body)) + b"\n")
            wire.close()

    async def _answer(self, question: Json, body: bytes) -> Json:
        try:
            kind = question["ask"]
            if kind == "start":
                self._port = int(question["port"])
                self._started.set()
                return {"placeholders": self._credentials.placeholders if self._credentials is not None else {}}
            if kind == "distrusted":
                return self._distrusted(str(question["host"]))
            if kind == "push":
                return await asyncio.to_thread(self._push, question, body)
            return await self._request(question)
        except EgressError as error:
            said = {"proxy-status": proxy_status(error)}
            return {"allowed": False, "status": error.status, "reason": error.reason, "headers": said}
        except RequestError as error:
            return {"allowed": False, "status": 403, "reason": error.message}
        except Exception:  # noqa: BLE001 (fail closed)
            return {"allowed": False, "status": 502, "reason": "the request could not be decided"}

    async def _request(self, question: Json) -> Json:
        peer = read_peer(f"{question['host']}:{int(question['port'])}")
        if peer.local:
            raise EgressError(403, "this machine is not reached this way")
        path = str(question["path"])
        if not path.startswith("/"):
            raise EgressError(400, "the request names no path")
        url = f"https://{peer.text}:{peer.port}{path}"
        addresses = await self._decisions.addresses(peer, url, str(question["method"]))
        names = [str(n) for n in question["credentials"]]
        given: dict[str, str] = {}
        if names and self._credentials is not None:
            given = await asyncio.to_thread(self._credentials.secrets_for, names, peer.text, peer.port)
        first = next((a for a in addresses if ":" not in a), addresses[0])
        return {"allowed": True, "address": first, "credentials": given}

    def _push(self, question: Json, body: bytes) -> Json:
        if question["encoding"]:
            return {"allowed": False, "status": 415, "reason": "a push that is packed once more is not read"}
        url = f"https://{question['host']}:{int(question['port'])}{question['path']}"
        commands = read_commands(body)
        pack = memoryview(body)[commands.pack_at :]
        reasons = refused(
            commands.updates, self._remotes(url), lambda u: goes_forward(pack, u.old, u.new), self._asked,
            "the commits that are sent do not show that it only goes forward",
        )  # fmt: skip
        return _refusal(commands, reasons) if reasons else {"allowed": True}

    def _distrusted(self, host: str) -> Json:
        if host and host not in self._named and len(self._named) < limit("egress_connections"):
            self._named.add(host)
            self._tell(f"a program does not trust what stands for `{host}`; `--pinned {host}` leaves its TLS alone")
        return {}


def _refusal(commands: PushCommands, reasons: dict[str, str]) -> Json:
    report = refusal(commands, reasons)
    reason = "; ".join(f"{ref}: {why}" for ref, why in list(reasons.items())[:3])
    return {"allowed": False, "status": 403, "reason": reason, "report": base64.b64encode(report).decode()}


async def _rest(wire: Wire, body: bytes, size: int) -> bytes:
    """A body of this size, of which a part has come. Raises ValueError for one that is too long or cut short."""
    if not 0 <= size <= _MOST_BODY:
        raise ValueError
    parts, got = [body], len(body)
    while got < size:
        part = await wire.receive()
        if not part:
            raise ValueError
        parts.append(part)
        got += len(part)
    return b"".join(parts)
