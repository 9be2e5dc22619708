"""Programs that talk to services: databases, ports, other hosts.

From psql(1), mysql(1), redis-cli's help, nc(1) and gzip(1).
"""

from __future__ import annotations

import re

from ..access import connect, path
from ..call import ProgramCall
from ..profile import Parsed
from ..rare_roles import sql
from ..reading import Opaque
from ..values import UNKNOWN, Hole, Value, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost


def _connect(shell: ProgramHost, host: Value | None, port: Value | None, default: str, fallback: str) -> None:
    text = host.text if host is not None else fallback
    number = port.text if port is not None else default
    if text is None or number is None:
        shell.walk.act("connect", Value((Hole.ANY,)))
    elif not text.startswith(("/", "@")):
        shell.walk.act("connect", literal(f"{text}:{number}" if ":" not in text else f"[{text}]:{number}"))


def psql(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """The host comes from an option or a URL; without one it is this machine (or `PGHOST`)."""
    if any(parsed.has(n) for n in ("-V", "-?")):
        return True
    target = parsed.value_of("-d") or (parsed.operands[0] if parsed.operands else None)
    start = target.starts() if target is not None else ""
    if "://" in start:
        authority = re.split(r"[/?]", start.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]
        if target is not None and target.text is None and authority == start.partition("://")[2].rpartition("@")[2]:
            shell.walk.act("connect", Value((Hole.ANY,)))
        elif authority:
            shell.walk.act("connect", literal(authority if re.search(r":\d+$", authority) else f"{authority}:5432"))
    elif target is not None and ("=" in start or (not start and target.parts)):
        shell.walk.act("connect", Value((Hole.ANY,)))
    else:
        _connect(shell, parsed.value_of("-h"), parsed.value_of("-p"), "5432", "localhost")
    _input(shell, call, parsed, parsed.has("-c") or parsed.has("-f") or parsed.has("-l"))
    return True


def mysql(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """The host comes from an option; without one it is this machine."""
    if not any(parsed.has(n) for n in ("-V", "-?")):
        _connect(shell, parsed.value_of("-h"), parsed.value_of("-P"), "3306", "localhost")
        _input(shell, call, parsed, parsed.has("-e"))
    return True


def redis(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """The host comes from an option; without one it is this machine."""
    if not parsed.has("-u") and not any(parsed.has(n) for n in ("--version", "--help")):
        _connect(shell, parsed.value_of("-h"), parsed.value_of("-p"), "6379", "localhost")
    return True


def _input(shell: ProgramHost, call: ProgramCall, parsed: Parsed, given: bool) -> None:
    if given:
        return
    if call.stdin is None:
        return
    sql(shell, parsed, call.stdin, 0)


def nc(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`nc host port` connects; with `-l` it listens (nc(1))."""
    if not parsed.has("-l"):
        if len(parsed.operands) != 2:
            raise Opaque("where it connects to is not known")
        _connect(shell, parsed.operands[0], parsed.operands[1], "", "")
    return True


def telnet(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`telnet host [port]` (telnet(1)); without words it asks what to do."""
    if parsed.operands:
        port = parsed.operands[1] if len(parsed.operands) > 1 else None
        _connect(shell, parsed.operands[0], port, "23", "")
    elif call.stdin is not None:
        raise Opaque("it does what comes from its standard input")
    return True


def getent(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`getent hosts name` asks a name server (getent(1)); other lists are of this machine."""
    if parsed.operands and (parsed.operands[0].text or "hosts") in {"hosts", "ahosts", "ahostsv4", "ahostsv6"}:
        for value in parsed.operands[1:]:
            connect(shell.walk, value, scheme="https")
    return True


def compress(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Each file becomes another one beside it, and goes unless `-k` keeps it (gzip(1))."""
    name = parsed.path[0]
    expands = parsed.has("-d") or name.startswith(("gun", "bun", "un"))
    for value in parsed.operands:
        path(shell.walk, "read", value)
        if any(parsed.has(n) for n in ("-c", "-l", "-t")):
            continue
        text = value.text
        if text is None:
            shell.walk.act("write", UNKNOWN)
        elif expands:
            path(shell.walk, "write", literal(re.sub(r"\.(?:gz|bz2|xz|zst|lz4|tgz|Z|lzma)$", "", text)))
            if text.endswith(".tgz"):
                path(shell.walk, "write", literal(f"{text[:-4]}.tar"))
        else:
            path(shell.walk, "write", literal(f"{text}.{_SUFFIX.get(name, 'gz')}"))
        if not parsed.has("-k") and name not in {"zstd", "unzstd", "lz4"}:
            path(shell.walk, "delete", value)
    return True


_SUFFIX = {"bzip2": "bz2", "xz": "xz", "zstd": "zst", "lz4": "lz4"}
