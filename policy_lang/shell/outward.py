"""Outward words: what a program without a profile is told to do elsewhere, which needs a grant of its own.

Words that look like paths outside the workspace are read, those that look like hosts are connected to, and a command
that stands behind `--`, `exec`, `run` or `-c` is run. What only may be meant is in `suppositions`.
"""

from __future__ import annotations

import posixpath
import re

from ..domain.limits import limit
from ..domain.regex import regex
from ..facts.hosts import SCHEME_PORTS as SCHEMES
from .access import connect, path
from .acts import Act, GitContext
from .builtins import TABLE as BUILTINS
from .call import ProgramCall
from .dialect import BASH, SH
from .interpret import Interpreter
from .profile import Profiles
from .reading import Opaque
from .state import ShellState
from .values import Hole, Value, joined, literal
from .walk import Walk

_MOST_OPTIONS = limit("supposed_words")
_SEPARATORS = regex(r"[=:,@]")
_ASSIGNED = regex(r"[A-Za-z_][A-Za-z0-9_]*=", re.ASCII)
_BLANK = regex(r"[ \t\n]")
_URL = regex(r"([A-Za-z][A-Za-z0-9+.-]*)://([^\s\"'<>\\^`{|}/]*)[^\s\"'<>\\^`{|}]*", re.ASCII)
_BRACKETED = regex(r"\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\](?::[0-9]+)?", re.ASCII)
_HOST = regex(
    r"(?:[A-Za-z0-9-]+\.)+(?:com|org|net|io|dev|ai|co|edu|gov|mil|int|biz|cloud|xyz|online|example|invalid|internal|localhost"
    r"|de|uk|fr|eu|us|ca|au|jp|cn|ru|br|nl|ch|at|be|se|no|dk|fi|cz|kr|nz|ie|il|tv|gg|to|fm)"
    r"|localhost|(?:[0-9]{1,3}\.){3}[0-9]{1,3}",
    re.ASCII | re.IGNORECASE,
)
"""A name under a top-level domain that is no usual ending of a file, or an address."""
_SERVER = regex(r".*[.:].*|localhost", re.ASCII)
"""What stands behind a scheme that is not known and names a server; `s3://bucket` does not."""
_AT_HOST = regex(r"[A-Za-z0-9._+-]+@([A-Za-z][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(:?)", re.ASCII)
_PLAIN_HOST = regex(r"[A-Za-z][A-Za-z0-9-]*", re.ASCII)
_LEAST_PORT = 1024
"""`db:5432` is a host and its port, `redis:7` an image and its version."""
_COMMAND_NAME = regex(r"(?:[A-Za-z0-9_+-]|\.{0,2}/)[A-Za-z0-9_./+-]*", re.ASCII)
_BEFORE_COMMANDS = frozenset({"--", "exec", "run"})
_BEFORE_SCRIPTS = frozenset({"-c", "-e", "--command", "--exec", "--run"})


def outward(act: Act, profiles: Profiles, context: GitContext) -> list[Act]:
    """What the words of a command, which no profile explains, need grants for."""
    walk = Walk(BASH, context)
    walk.span = (act.start, act.end)
    walk.state.folders = act.folders
    shell = Interpreter(walk, profiles)
    done = 0
    todo = [act]
    try:
        while todo:
            one = todo.pop()
            if one.unread is None:
                continue
            for value in one.unread.argv:
                if one.parsed is None or not _ASSIGNED.match(value.starts()):  # `make PREFIX=/usr`
                    _word(walk, value)
            if one.parsed is None:
                _commands(shell, one.unread)
            todo += walk.acts[done:]
            done = len(walk.acts)
    except Opaque as fault:
        walk.opaque(fault.why, fault.remediation, act.argv)
    return walk.acts


# words


def _word(walk: Walk, value: Value) -> None:
    """One word: the paths and hosts that it looks like."""
    text = value.text
    if text is None:
        if value.parts[0] in {Hole.HOME, Hole.TMP} or value.starts().startswith(("/", "../")):
            path(walk, "read", value)
        return
    rest = text
    if not _BLANK.search(text):
        for match in _URL.finditer(text):
            host = match[2].rpartition("@")[2]
            if match[1].lower() in {*SCHEMES, "file"}:
                connect(walk, literal(match[0]))
            elif _SERVER.fullmatch(host):
                connect(walk, literal(host), scheme="https")
        rest = _URL.sub("", text)
        for host in _hosts(rest):
            walk.act("connect", literal(host))
    for part in dict.fromkeys((rest,) if _BLANK.search(rest) else _SEPARATORS.split(rest)):
        if _leads_out(part, walk.state.folders):
            path(walk, "read", joined([Hole.HOME, part[1:]]) if part.startswith("~/") else literal(part))


def _leads_out(text: str, folders: tuple[str, ...] | None) -> bool:
    """Whether a word looks like a path that does not lie below where the script began."""
    if text.startswith(("/", "~/")):
        return not text.startswith("//")
    if "/" not in text and text != "..":
        return False
    ends = [posixpath.normpath(posixpath.join(folder, text)) for folder in folders or ("",)]
    return any(end.startswith(("..", "/", "~")) for end in ends)


def _hosts(text: str) -> list[str]:
    """The hosts that a word looks like, as URLs."""
    found: dict[str, None] = {}
    at = _AT_HOST.match(text)
    if at and (at[2] or _HOST.fullmatch(at[1])):
        found[f"ssh://{at[1]}"] = None
    for part in _SEPARATORS.split(text):
        name = part.partition("/")[0]
        if _HOST.fullmatch(name):
            port = text.partition(f"{name}:")[2]
            number = port[: len(port) - len(port.lstrip("0123456789"))]
            found[f"https://{name}:{number}" if number else f"https://{name}"] = None
    for match in _BRACKETED.finditer(text):
        found[f"https://{match[0]}"] = None
    name, _, number = text.rpartition(":")
    name = name.rpartition("=")[2]
    if number.isdigit() and int(number) >= _LEAST_PORT and _PLAIN_HOST.fullmatch(name):
        found[f"https://{name}:{number}"] = None
    return list(found)


# commands


def _commands(shell: Interpreter, call: ProgramCall) -> None:
    """The first command that stands where commands do."""
    words = call.argv
    for i, value in enumerate(words):
        text = value.text or ""
        option, equals, attached = text.partition("=")
        if equals and option in _BEFORE_SCRIPTS:
            rest: tuple[Value, ...] = (literal(attached), *words[i + 1 :])
        elif text in _BEFORE_COMMANDS or text in _BEFORE_SCRIPTS:
            rest = words[i + 1 :]
        else:
            continue
        if option in _BEFORE_SCRIPTS:
            script = (rest[0].text or "") if rest else ""
            if _BLANK.search(script.strip()):
                shell.nested(script.strip().lstrip("!:+"), SH, ShellState({}, {}, shell.walk.state.folders))
                return
            at = 0 if script and _is_program(shell, script) else None
        else:
            begun = text == "exec" or any(w.text in {"exec", "run", "x"} for w in words[:i])
            at = _command_at(shell, rest, text != "--", begun)
        if at is not None:
            shell.programs.command(ProgramCall(rest[at:], call.stdin))
            return


def _command_at(shell: Interpreter, words: tuple[Value, ...], options: bool, begun: bool) -> int | None:
    """Where a command begins: at one of the first two words that are no options, if it is the name of a program.

    Where it has surely `begun` any name is one.
    """
    places = [i for i, v in enumerate(words[:_MOST_OPTIONS]) if not v.starts().startswith("-")]
    if not options and places[:1] != [0]:
        return None
    places = places[:2] if options else places[:1]
    for i in places:
        text = words[i].text
        if text is None:
            if begun:
                raise Opaque("which program it runs is not known", "write the program's name")
        elif _is_program(shell, text):
            return i
    return next((i for i in places if begun and _COMMAND_NAME.fullmatch(words[i].text or "")), None)


def _is_program(shell: Interpreter, text: str) -> bool:
    """Whether a word is a program's name, and not one of those that are ordinary words as well (`test`)."""
    name = text.rpartition("/")[2]
    return name not in BUILTINS and bool(name) and shell.programs.profiles(name) is not None
