"""curl and wget: which host, by which method, into which file. From curl(1) 7.88 and wget(1) 1.21."""

from __future__ import annotations

from ..access import connect, path
from ..call import ProgramCall
from ..profile import Parsed
from ..values import Hole, Value, joined, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost


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
        if parsed.has("-O"):
            _named(shell, value, parsed.value_of("--output-dir"))
        elif parsed.has("--remote-header-name"):
            path(shell.walk, "write", Value((Hole.NAME,)))
    return True


def wget(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """URLs are saved under their own names unless `-O` says otherwise."""
    method = "POST" if parsed.has("--post-data") or parsed.has("--post-file") else "GET"
    for value in parsed.operands:
        connect(shell.walk, value, "HEAD" if parsed.has("--spider") else method)
        if parsed.has("-r") or parsed.has("-p"):
            path(shell.walk, "write", parsed.value_of("-P") or literal("."), "new")
        elif not parsed.has("-O") and not parsed.has("--spider"):
            _named(shell, value, parsed.value_of("-P"))
    return True


def _named(shell: ProgramHost, url: Value, folder: Value | None) -> None:
    """The file that a download makes: the last part of the URL's path."""
    text = url.text
    name: list[str | Hole] = [Hole.NAME]
    if text is not None:
        rest = text.partition("://")[2] or text
        base = rest.partition("?")[0].rpartition("/")
        name = [base[2] if base[1] and base[2] else "index.html"]
    where: list[str | Hole] = [*folder.parts, "/"] if folder is not None else ["./"]
    path(shell.walk, "write", joined([*where, *name]))
