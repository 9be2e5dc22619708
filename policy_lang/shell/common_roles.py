"""Roles of words that programs often have: hosts, repositories, uploads, code, variables."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..domain.regex import regex
from .access import SCP, connect, in_tree, path, remote_host, wanted_files
from .dialect import SH
from .environment import hand_over
from .landing import arrives
from .profile import Parsed
from .reading import Opaque
from .state import ShellState
from .values import NOTHING, UNKNOWN, UNKNOWN_MANY, Hole, Piece, Value, joined, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .host import ProgramHost

Role = Callable[["ProgramHost", Parsed, Value, int], None]
"""Records what a word in a role does; the number is the word's index in the command line."""

_ASSIGNED = regex(r"([^=]+)=")


def _from(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    if not _elsewhere(shell, value):
        path(shell.walk, "read", value, "existing" if parsed.changes.tree else "", follows=parsed.changes.linked)


def _to(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    if not _elsewhere(shell, value):
        arrives(shell.walk, parsed, value)


def _elsewhere(shell: ProgramHost, value: Value) -> bool:
    """Whether a place is another host's, which is connected to."""
    if "://" in value.starts():
        connect(shell.walk, value, scheme="ssh")
        return True
    host = remote_host(value)
    if host is not None:
        shell.walk.act("connect", literal(f"ssh://{host}"))
    return host is not None


def repository(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """A git remote: its name, a URL, `host:path` or a folder."""
    text = value.text
    if text is None:
        if "://" in value.starts():
            connect(shell.walk, value, scheme="https")
            return
        shell.walk.act("connect", UNKNOWN)
        return
    if "::" in text:
        raise Opaque("a remote helper runs a program")
    if "://" in text:
        connect(shell.walk, value, scheme="https")
    elif SCP.match(text):
        shell.walk.act("connect", literal(f"ssh://{remote_host(value)}"))
    elif text.startswith(("/", "./", "../", "~")) or text in {".", ".."}:
        path(shell.walk, "read", value)
    else:
        url = dict(shell.walk.context.remotes).get(text)
        if url is not None and ("://" in url or SCP.match(url) or url.startswith(("/", "."))):
            repository(shell, parsed, literal(url), index)


def _data(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    start = value.starts()
    if start.startswith("@"):
        path(shell.walk, "read", joined([start[1:], *value.parts[1:]], False, value.why))
    elif not start and value.parts:
        path(shell.walk, "read", UNKNOWN)


def _form(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    start = value.starts()
    _, equals, rest = start.partition("=")
    if equals and rest[:1] in {"@", "<"}:
        for file in rest[1:].partition(";")[0].split(","):
            path(shell.walk, "read", joined([file, *value.parts[1:]], False, value.why))
    elif value.text is None and (not equals or not rest):
        path(shell.walk, "read", UNKNOWN)


def _cookie(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    if "=" not in value.starts():
        path(shell.walk, "read", value)


def _encoded(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    head, at, rest = value.starts().partition("@")
    if at and "=" not in head:
        path(shell.walk, "read", joined([rest, *value.parts[1:]], False, value.why))
    elif value.text is None and "=" not in head:
        path(shell.walk, "read", UNKNOWN)


def _upload(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    if re.search(r"[{\[]", value.starts()):
        raise Opaque("`curl` expands what it uploads")
    path(shell.walk, "read", value)


def _code(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    parsed.named.add(index)


def _code_file(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    parsed.runs_file = True
    if value.text in STANDARD_INPUT or value.parts == (Hole.PIPE,):
        parsed.named.add(index)  # code that nobody can see
    else:
        path(shell.walk, "read", value)


STANDARD_INPUT = frozenset({"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})


def _package(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """A package's name, or where it lies."""
    start = value.starts()
    for mark in ("git+", "npm:"):
        start = start.removeprefix(mark)
    if "://" in start:
        at = start.find("@") if "@" in start and start.find("@") < start.find("://") else -1
        connect(shell.walk, joined([start[at + 1 :].strip(), *value.parts[1:]], False, value.why), scheme="https")
    elif start.startswith(("./", "../", "/", "~", "file:")):
        path(shell.walk, "read", literal(start.removeprefix("file:")) if value.text else value)


def _script(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    text = value.text
    if text is None:
        raise Opaque("it runs a command that is not known")
    shell.nested(text, SH, ShellState({}, {}, shell.walk.state.folders))


def _program(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    if value.text is None:
        raise Opaque("it runs a program that is not known")
    shell.walk.act("run", NOTHING, argv=(value, UNKNOWN_MANY))


def _host(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    connect(shell.walk, value, scheme="https")


def _ssh_host(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    text = value.text
    shell.walk.act(
        "connect",
        UNKNOWN if text is None else literal(f"ssh://{text.rpartition('@')[2]}" if "://" not in text else text),
    )


def _opaque(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    raise Opaque("an option that can make it do anything")


def _setenv(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    match = _ASSIGNED.match(value.starts())
    if match is None:
        if value.text is None:
            shell.walk.act("setenv", UNKNOWN)
        return
    hand_over(shell, match[1], joined([value.starts()[match.end() :], *value.parts[1:]], value.many, value.why))


def _use(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    shell.walk.act("use", value if value.text else UNKNOWN_MANY)


def _mount(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """`source:target[:mode]` of a container: the source is in its hands."""
    start = value.starts()
    parts = list(value.parts)
    place: list[Piece] = []
    if parts and parts[0] in (Hole.CWD, Hole.HOME, Hole.TMP):
        place = [parts.pop(0)]
        start = next((p for p in parts[:1] if isinstance(p, str)), "")
    source, colon, _ = start.partition(":")
    if start.startswith("type=") and not place:
        fields = dict(f.partition("=")[::2] for f in start.split(","))
        source = fields.get("source", fields.get("src", "")) if fields.get("type") == "bind" else ""
    elif value.text is None and not colon:
        raise Opaque("what it mounts is not known")
    if place or source.startswith(("/", ".", "~")):
        whole = "".join(p for p in parts if isinstance(p, str))
        mode = "read" if whole.endswith((":ro", "readonly")) else "write"
        path(shell.walk, mode, joined([*place, source]), "existing" if mode == "read" else "new")
    parsed.named.add(index)


def _edit(tree: str) -> Role:
    """A file that is read and written in place; or, with a tree, those below a folder."""

    def handle(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
        names = wanted_files(parsed) if tree else ""
        for action in ("read", "write"):
            path(shell.walk, action, value, in_tree(tree, names, value), names)

    return handle


def _merge(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    shell.walk.act("merge", joined(["origin:refs/heads/", Hole.ANY]))


def _nothing(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    return None


ROLES: dict[str, Role] = {
    **dict.fromkeys(("text", "cwd", "ref", "number", "pair"), _nothing),
    "url": lambda h, p, v, i: connect(h.walk, v),
    "https": lambda h, p, v, i: connect(h.walk, v, scheme="https"),
    "package": _package,
    "pair-read": lambda h, p, v, i: path(h.walk, "read", v),
    "host": _host, "ssh-host": _ssh_host, "repository": repository,
    "from": _from, "to": _to, "data": _data, "form": _form, "cookie": _cookie, "encoded": _encoded, "upload": _upload, "code": _code,
    "code-file": _code_file, "script": _script, "program": _program, "opaque": _opaque, "setenv": _setenv, "use": _use,
    "edit": _edit(""), "edit-tree": _edit("existing"), "mount": _mount, "merge": _merge,
}  # fmt: skip
