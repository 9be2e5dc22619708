"""The part of interception that runs in mitmproxy: every request is asked about, and goes where that was decided.

mitmproxy loads it as a script of its own interpreter (`mitmdump --scripts`), so it imports nothing of the package. All
that decides, and all secrets, are on the other side of a socket whose path is in the environment; a question that is
not answered is a refusal.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import functools
import json
import os
import string
import sys
import threading
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SOCKET = os.environ.get("POLICY_LANG_INTERCEPTION", "")
_CARRIES = ("authorization", "token", "key")
"""How the names of headers end that carry credentials: `Authorization`, `Private-Token`, `X-Api-Key`."""
_KEPT = ("idempotency-key", "sec-websocket-key", "surrogate-key")
"""Headers of such names that carry none, and whose values a host may keep or show."""
_METADATA = "-meta-"
"""Within the names of headers that stores of objects hand out with the object: `X-Amz-Meta-Token`."""
_RECEIVE_PACK = "git-receive-pack"
_OVERRIDES = ("x-http-method", "x-http-method-override", "x-method-override")
"""Headers by which servers take one method for another."""
_REWRITES = ("x-original-url", "x-rewrite-url")
"""Headers by which servers take one path for another."""
_LETTERS = frozenset((string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~").encode())
"""Of methods and names of headers (RFC 9110 5.6.2)."""
_BROKEN = frozenset(range(32)) - {9} | {127}
"""What no value of a header may hold: a line that ends within one begins another header, or another request."""
_BODILESS = ("GET", "HEAD")
"""Methods whose body means nothing (RFC 9110 9.3)."""
_HOSTS = 1000
"""Hosts at most to which credentials go in one run."""
_UNPACKED = 64 << 20
"""Bytes of an answer that was packed, once it is unpacked."""
_PUSHES = 4
"""Pushes that are held in memory at once."""
_TAKEN = 1 << 20
"""Bytes of a body that are received to answer a request that is refused; a longer one is broken off."""
_PAIRS = "policy_lang"
"""Of a flow's metadata: what was put into its request, and what stood there."""


async def _asked(question: dict[str, Any], body: bytes = b"") -> dict[str, Any]:
    """The answer of who decides; a refusal when there is none."""
    try:
        reader, writer = await asyncio.open_unix_connection(_SOCKET)
        try:
            writer.write(json.dumps({**question, "body": len(body)}).encode("ascii") + b"\n" + body)
            await writer.drain()
            answer = json.loads(await reader.readline())
        finally:
            writer.close()
    except (OSError, ValueError):
        answer = None
    if isinstance(answer, dict):
        return answer
    return {"allowed": False, "status": 502, "reason": "who decides cannot be asked"}


def _end_with_launcher() -> None:
    """Nobody is asked any more once the launcher, which holds the other end, is gone."""
    sys.stdin.buffer.read()
    os._exit(0)


class _Redactor:
    """Takes secrets out of a body that comes in parts: each becomes the placeholder of the same length.

    A word at the end of a part waits for more, whatever word it is: what waited only when a secret begins like it would
    tell how secrets begin.
    """

    def __init__(self, pairs: list[tuple[bytes, bytes]]) -> None:
        self._pairs = pairs
        self._kept = b""

    def __call__(self, data: bytes) -> list[bytes]:
        """What may be passed on; an empty part is the last. An empty chunk would end the answer."""
        text = self._kept + data
        for secret, placeholder in self._pairs:
            text = text.replace(secret, placeholder)
        kept = self._open(text) if data else 0
        self._kept = text[len(text) - kept :]
        return [text[: len(text) - kept]] if kept < len(text) else []

    def _open(self, text: bytes) -> int:
        """How many bytes of the last word may be a part of a secret, which has no space and no end of a line."""
        most = max(len(secret) for secret, _ in self._pairs) - 1
        end = text[max(0, len(text) - most) :] if most else b""
        return next((n for n, byte in enumerate(reversed(end)) if not 32 < byte < 127), len(end))


def _or_nothing(hook: Any) -> Any:
    """A hook that ends its flow when it fails: mitmproxy would go on without it."""

    def end(flow: Any) -> None:
        if flow.killable:
            flow.kill()

    @functools.wraps(hook)
    def run(self: Any, flow: Any) -> None:
        try:
            hook(self, flow)
        except Exception:  # noqa: BLE001 (fail closed)
            end(flow)

    @functools.wraps(hook)
    async def run_later(self: Any, flow: Any) -> None:
        try:
            await hook(self, flow)
        except Exception:  # noqa: BLE001 (fail closed)
            end(flow)

    return run_later if asyncio.iscoroutinefunction(hook) else run


class Interceptor:
    """mitmproxy's hooks, in the order in which they are called."""

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}
        self._addresses: dict[tuple[str, str, int], str] = {}
        """Where a client's connection may lead, by its id, the host and the port."""
        self._given: dict[str, dict[str, list[tuple[bytes, bytes]]]] = {}
        """What has gone to a host, by its name and the credential's: it may come back with any later answer."""
        self._pushes: set[str] = set()
        """The flows whose push is being received."""

    async def running(self) -> None:
        """Say where it listens, and learn what stands for credentials."""
        from mitmproxy import ctx

        threading.Thread(target=_end_with_launcher, daemon=True).start()
        ((_, port, *_),) = ctx.master.addons.get("proxyserver").listen_addrs()
        answer = await _asked({"ask": "start", "port": port})
        self._placeholders = dict(answer.get("placeholders") or {})

    @_or_nothing
    async def requestheaders(self, flow: Any) -> None:
        """Decide a request by its head, before anything is connected."""
        request = flow.request
        host, port = request.host, request.port
        why = _strange(flow)
        if why:
            _refuse(flow, {"status": 400, "reason": why})
            return
        named = self._named(request)
        if named and host not in self._given and len(self._given) >= _HOSTS:
            _refuse(flow, {"status": 503, "reason": f"credentials have gone to {_HOSTS} hosts"})
            return
        question = {
            "ask": "request", "host": host, "port": port, "method": request.method, "path": request.path,
            "credentials": named,
        }  # fmt: skip
        answer = await _asked(question)
        if answer.get("allowed") is not True:
            _refuse(flow, answer)
            return
        self._addresses[flow.client_conn.id, host, port] = str(answer["address"])
        if answer.get("credentials"):
            self._put_in(flow, answer["credentials"])
        if host in self._given:  # what is packed, or a part, is not looked through as it comes
            request.headers["accept-encoding"] = "identity"
            for name in ("range", "if-range", "a-im", "sec-websocket-extensions"):
                request.headers.pop(name, None)
            if request.headers.get("te", "").strip().lower() != "trailers":  # that, gRPC needs
                request.headers.pop("te", None)
        framed = _frame(request)
        if not _is_push(request):
            request.stream = True if framed else lambda _: b""
        elif len(self._pushes) < _PUSHES:
            self._pushes.add(flow.id)  # decided by what it does, once that is here
        else:
            _refuse(flow, {"status": 503, "reason": f"{_PUSHES} pushes are being received; try again"})

    @_or_nothing
    async def request(self, flow: Any) -> None:
        """Decide a push by its commands."""
        self._pushes.discard(flow.id)
        if flow.response is not None or not _is_push(flow.request):
            return
        request = flow.request
        question = {"ask": "push", "host": request.host, "port": request.port, "path": request.path}
        question["encoding"] = ", ".join(_values(request, "content-encoding"))
        answer = await _asked(question, request.raw_content or b"")
        if answer.get("allowed") is True:
            return
        report = base64.b64decode(answer.get("report") or "")
        if report:
            from mitmproxy import http

            kind = {"content-type": "application/x-git-receive-pack-result", "cache-control": "no-cache"}
            flow.response = http.Response.make(200, report, kind)
        else:
            _answer(flow, answer)

    def server_connect(self, data: Any) -> None:
        """Connect to the address that was decided, and to nothing else."""
        host, port = data.server.address
        address = self._addresses.get((data.client.id, host, port))
        if address is None:
            data.server.error = "nobody has decided this connection"
            return
        data.server.sni = data.server.sni or host
        data.server.address = (address, port)

    @_or_nothing
    def responseheaders(self, flow: Any) -> None:
        """Pass an answer on as it comes, without the secrets that went out with its request."""
        pairs, answer = self._pairs(flow), flow.response
        if not pairs:
            answer.stream = True
            return
        answer.headers.fields = _clean(answer.headers.fields, pairs)
        answer.data.reason = _without(answer.data.reason, pairs)
        if _plain(answer) and not answer.headers.get("content-encoding", ""):
            answer.stream = _Redactor(pairs)

    @_or_nothing
    def response(self, flow: Any) -> None:
        """Look into an answer that was packed although nobody wanted that, and at what follows any."""
        pairs, answer = self._pairs(flow), flow.response
        if not pairs:
            return
        if answer.trailers:
            answer.trailers.fields = _clean(answer.trailers.fields, pairs)
        if not answer.stream and answer.raw_content:
            try:
                text = _unpacked(answer)
            except (ValueError, zlib.error):
                _answer(flow, {"status": 502, "reason": "the answer cannot be read, and may hold a credential"})
                return
            answer.headers.pop("content-encoding", None)
            answer.content = _without(text, pairs)

    @_or_nothing
    def websocket_message(self, flow: Any) -> None:
        """Take secrets out of what a host says in a WebSocket that was opened with them."""
        pairs, message = self._pairs(flow), flow.websocket.messages[-1]
        if pairs and not message.from_client:
            message.content = _without(message.content, pairs)

    def error(self, flow: Any) -> None:
        """Forget a push that has failed. The page about an answer that is malformed would quote it."""
        self._pushes.discard(flow.id)
        if flow.killable and self._pairs(flow) and flow.server_conn.timestamp_tcp_setup:
            flow.kill()

    def client_disconnected(self, client: Any) -> None:
        """Forget where a client's connections may lead."""
        self._addresses = {k: v for k, v in self._addresses.items() if k[0] != client.id}

    async def tls_failed_client(self, data: Any) -> None:
        """Say that a client does not trust the authority of this run."""
        await _asked({"ask": "distrusted", "host": data.context.client.sni or ""})

    def tcp_start(self, flow: Any) -> None:
        """Nothing that is no HTTP is passed on."""
        flow.kill()

    udp_start = tcp_start
    dns_request = tcp_start

    def _named(self, request: Any) -> list[str]:
        """The credentials for which placeholders stand in headers."""
        texts = [
            text for name, value in request.headers.items(multi=True) if _may_carry(name) for text in _texts(value)
        ]
        return [name for name, placeholder in self._placeholders.items() if any(placeholder in t for t in texts)]

    def _put_in(self, flow: Any, secrets: dict[str, str]) -> None:
        headers = flow.request.headers
        pairs: list[tuple[bytes, bytes]] = []
        for name, secret in secrets.items():
            placeholder = self._placeholders[name]
            self._given.setdefault(flow.request.host, {})[name] = _forms(secret, placeholder)
            for header in {n for n in headers if _may_carry(n)}:
                changed = []
                for value in headers.get_all(header):
                    new = value.replace(placeholder, secret)
                    user, scheme = _basic(value)
                    if user is not None and placeholder in user:
                        sent = base64.b64encode(user.replace(placeholder, secret).encode()).decode()
                        pairs.append((sent.encode(), value.removeprefix(scheme).strip().encode()))
                        new = f"{scheme}{sent}"
                    changed.append(new)
                headers.set_all(header, changed)
        flow.metadata[_PAIRS] = pairs

    def _pairs(self, flow: Any) -> list[tuple[bytes, bytes]]:
        """What is to be taken out of an answer, and what is to stand there, the longest first."""
        pairs = list(flow.metadata.get(_PAIRS, ()))
        for forms in self._given.get(flow.request.host, {}).values():
            pairs += forms
        return sorted(pairs, key=lambda pair: -len(pair[0]))


def _strange(flow: Any) -> str:
    """Why a request is none that may be asked about; empty when it is one."""
    request, client = flow.request, flow.client_conn
    if not client.tls_established:
        return "only requests within TLS come this way"
    if client.sni and client.sni.lower() != request.host.lower():
        return "the server name is not the host that was asked for"
    if not request.path.startswith("/"):
        return "the request names no path"
    method = request.data.method
    if not method or not _LETTERS.issuperset(method) or method != method.upper():
        return "the method is none, or not in capitals"
    if any(byte <= 32 or byte in b"#\x7f" for byte in request.data.path):
        return "the path holds what none may"
    for name, value in request.headers.fields:
        if not name or not _LETTERS.issuperset(name) or not _BROKEN.isdisjoint(value):
            return "a header holds what none may"
    hosts = request.headers.get_all("host")
    if request.authority:
        hosts.append(request.authority)
    for said in hosts or [""]:
        host, colon, port = said.rpartition(":")
        if not colon or not (port.isascii() and port.isdigit()):
            host, port = said, ""
        if host.lower().rstrip(".") != request.host.lower() or (port and int(port) != request.port):
            return f"the request is for `{said[:100]}`, and the connection for `{request.host}`"
    for name in _OVERRIDES:
        if any(value.strip().upper() != request.method for value in _values(request, name)):
            return f"`{name}` says another method than the request"
    for name in _REWRITES:
        if any(value != request.path for value in _values(request, name)):
            return f"`{name}` says another path than the request"
    return ""


def _values(request: Any, name: str) -> list[str]:
    """All that a header says. Many servers do not tell `_` in its name from `-` (RFC 3875 4.1.18)."""
    return [value for said, value in request.headers.items(multi=True) if said.lower().replace("_", "-") == name]


def _frame(request: Any) -> bool:
    """Whether a server sees where the body ends; it has one that does, if need be.

    HTTP/2 needs no length: mitmproxy would send such a body to a server of HTTP/1.1 as it is, behind the head, where it
    is another request.
    """
    if not request.is_http2 or "content-length" in request.headers:
        return True
    if request.method in _BODILESS:
        return False
    request.http_version = "HTTP/1.1"  # towards HTTP/2 it becomes one of that again
    if request.authority and "host" not in request.headers:
        request.headers.insert(0, "host", request.authority)
    request.authority = ""
    request.headers["transfer-encoding"] = "chunked"
    return True


def _plain(answer: Any) -> bool:
    """Whether an answer is a whole, and nothing of how it is transferred has packed it."""
    transferred: str = answer.headers.get("transfer-encoding", "chunked")
    return answer.status_code != 206 and transferred.strip().lower() == "chunked"


def _unpacked(answer: Any) -> bytes:
    """The whole text of an answer that was packed. Raises ValueError or zlib.error where it cannot be had."""
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if not _plain(answer) or coding not in {"identity", "gzip", "x-gzip", "deflate"}:
        raise ValueError
    if coding == "identity":
        return bytes(answer.raw_content)
    reader = zlib.decompressobj(zlib.MAX_WBITS | 32)  # by its head gzip or zlib
    text = reader.decompress(answer.raw_content, _UNPACKED)
    if not reader.eof or reader.unused_data:
        raise ValueError
    return text


def _is_push(request: Any) -> bool:
    """Whether a server may take the request as a push: they look at the path, some of them after decoding it."""
    from urllib.parse import unquote

    path = request.path
    for _ in range(3):
        path = unquote(path)
    said = [path, *_values(request, "content-type")]
    return request.method not in _BODILESS and any(_RECEIVE_PACK in text.lower() for text in said)


def _refuse(flow: Any, answer: dict[str, Any]) -> None:
    """Answer instead of the host, before the body has come: a long one would be received whole first."""
    length = flow.request.headers.get("content-length", "")
    if "transfer-encoding" in flow.request.headers or (length.isdigit() and int(length) > _TAKEN):
        flow.kill()
    else:
        _answer(flow, answer)


def _answer(flow: Any, answer: dict[str, Any]) -> None:
    from mitmproxy import http

    text = f"policy_lang: {answer.get('reason') or 'the request is refused'}\n"
    headers = {
        "content-type": "text/plain; charset=utf-8",
        "cache-control": "no-store",
        **(answer.get("headers") or {}),
    }
    flow.response = http.Response.make(int(answer.get("status") or 403), text.encode(), headers)


def _may_carry(name: str) -> bool:
    name = name.lower().replace("_", "-")
    return name.endswith(_CARRIES) and name not in _KEPT and _METADATA not in name


def _basic(value: str) -> tuple[str | None, str]:
    """User and password of a `Basic` value, None when it is none, and what stands in front of them."""
    scheme, _, text = value.partition(" ")
    if scheme.lower() != "basic":
        return None, ""
    try:
        return base64.b64decode(text.strip(), validate=True).decode(), f"{scheme} "
    except (binascii.Error, UnicodeDecodeError):
        return None, ""


def _texts(value: str) -> list[str]:
    user, _ = _basic(value)
    return [value] if user is None else [value, user]


def _forms(secret: str, placeholder: str) -> list[tuple[bytes, bytes]]:
    """A secret as it may come back: as it is, in a URL, in JSON, in Base64 behind anything, in hexadecimal digits."""
    from urllib.parse import quote

    raw = secret.encode()
    forms = {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1], secret.replace("/", "\\/")}
    forms |= {raw.hex(), raw.hex().upper()}
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw).decode()
        part = whole[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        forms |= {part, part.translate(str.maketrans("+/", "-_"))}
    return [(form.encode(), placeholder.encode().ljust(len(form), b"-")[: len(form)]) for form in forms]


def _clean(fields: Any, pairs: list[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((_without(name, pairs), _without(value, pairs)) for name, value in fields)


def _without(data: bytes, pairs: list[tuple[bytes, bytes]]) -> bytes:
    for secret, placeholder in pairs:
        data = data.replace(secret, placeholder)
    return data


addons = [Interceptor()]
