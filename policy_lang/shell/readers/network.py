"""curl and wget: which host, by which method, into which file. From curl(1) 7.88 and wget(1) 1.21."""

from __future__ import annotations

import re
from urllib.parse import unquote

from ...domain.errors import RequestError
from ...facts.hosts import host_facts, is_special
from ..access import connect, path
from ..call import ProgramCall
from ..landing import fetched
from ..profile import Parsed
from ..values import Hole, Value, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost


def _here(value: Value) -> bool:
    """True for a URL of this machine: what answers there may be the agent's own, and say where to go on."""
    if value.text is None:
        return False
    try:
        host = host_facts(value.text if "://" in value.text else f"http://{value.text}").host
    except RequestError:
        return False
    return host == "localhost" or (not isinstance(host, str) and is_special(host))


def curl(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Every operand is a URL; the method follows from the options."""
    stated = parsed.value_of("-X")
    method = "GET"
    if stated is not None:
        method = stated.text or ""
    elif parsed.has("-I"):
        method = "HEAD"
    elif parsed.has("-T"):
        method = "PUT"
    elif parsed.has("-F") or (parsed.has("-d") and not parsed.has("-G")):
        method = "POST"
    urls = [*parsed.operands, *(g.value for g in parsed.options if "--url" in g.option.names and g.value is not None)]
    known = (
        method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"} else None
    )
    for value in urls:
        connect(shell.walk, value, known)
        if parsed.has("-L") and _here(value):
            connect(shell.walk, Value((Hole.ANY,), False, "where a server on this machine sends it on"), "GET")
        if parsed.has("-O") or parsed.has("--remote-name-all"):
            folder = parsed.value_of("--output-dir") or literal(".")
            if parsed.has("-J"):
                path(shell.walk, "write", folder, "received")
            else:
                fetched(shell.walk, _name(value), folder, folder=True)
    return True


def wget(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """URLs are saved under their own names unless `-O` says otherwise."""
    method = "POST" if parsed.has("--post-data") or parsed.has("--post-file") else "GET"
    for value in parsed.operands:
        connect(shell.walk, value, "HEAD" if parsed.has("--spider") else method)
        folder = parsed.value_of("-P") or literal(".")
        if any(parsed.has(o) for o in ("-r", "-m", "-p", "-x")):
            path(shell.walk, "write", folder, "new")
        elif parsed.has("-O") or parsed.has("--spider"):
            continue
        elif parsed.has("--content-disposition") or parsed.has("--trust-server-names"):
            path(shell.walk, "write", folder, "received")
        else:
            name = _name(value)  # it decodes what the URL has encoded
            decoded = name if name.text is None else literal(unquote(name.text).replace("/", "%2F"))
            fetched(shell.walk, decoded, folder, folder=True)
    return True


def _name(url: Value) -> Value:
    """The name that a download takes from its URL: the last part of the path."""
    if url.text is None:
        return Value((Hole.NAME,), False, url.why)
    address = re.split(r"[?#]", url.text, maxsplit=1)[0]
    host, _, name = (address.partition("://")[2] or address).rpartition("/")
    return literal(name if host and name else "index.html")
