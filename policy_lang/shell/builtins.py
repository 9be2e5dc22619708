"""Builtins: what each of the shell's own commands does to the state, and which make the rest unreadable.

From bash(1), SHELL BUILTIN COMMANDS. A builtin that only changes the shell's state needs no grant; one that
prints or waits is a command like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..domain.limits import limit
from ..domain.regex import regex
from .common_roles import STANDARD_INPUT
from .dialect import SETTINGS, UNREADABLE
from .reader import parse_script
from .reading import Opaque
from .state import ShellState, folder_text
from .tree import ShellWord, Text
from .values import DIGITS, ENVIRONMENT, UNKNOWN, UNKNOWN_MANY, Hole, Value, joined, literal, numeric

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from .expand import Expander
    from .state import Ends
    from .tree import AndOrList
    from .walk import Walk

    class BuiltinHost(Protocol):
        """The shell that a builtin runs in, as far as builtins need it."""

        @property
        def walk(self) -> Walk:
            """The walk through the script."""

        @property
        def words(self) -> Expander:
            """The expander of words."""

        def items(self, items: tuple[AndOrList, ...], state: ShellState) -> Ends:
            """Run a list of commands."""

        def run(self, fields: list[Value], stdin: Value | None, functions: bool = True) -> Ends:
            """Run words as a command."""

        def program(self, fields: list[Value], stdin: Value | None = None) -> None:
            """Record what a program does."""


Builtin = Callable[["BuiltinHost", list[Value], Value | None], "Ends"]

DECLARING = frozenset({"declare", "typeset", "local", "export", "readonly"})
KEEPING = frozenset(
    {":", ".", "source", "eval", "exec", "export", "readonly", "set", "shift", "trap", "unset", "return", "exit"}
)
"""Special builtins: assignments before them may stay set, depending on the shell's mode."""
_SAFE_SHOPT = frozenset(
    {"nullglob", "failglob", "nocasematch", "inherit_errexit", "checkwinsize", "histappend", "globskipdots"}
)
_SET_LETTERS = frozenset("euxvfEaCbhmn")
_IDENTIFIER = regex(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def _free(shell: BuiltinHost, fields: list[Value]) -> None:
    shell.walk.act("run", Value(()), argv=tuple(fields), free=True)


def _both(shell: BuiltinHost) -> Ends:
    return shell.walk.state, shell.walk.state


def _texts(fields: list[Value], what: str) -> list[str]:
    out: list[str] = []
    for value in fields:
        text = value.text
        if text is None:
            raise Opaque(f"`{what}` with words that are not known")
        out.append(text)
    return out


def _name(text: str | None, what: str) -> str:
    if text is None or not _IDENTIFIER.fullmatch(text):
        raise Opaque(f"`{what}` with something that is not a plain name")
    return text


def _nothing(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    return _both(shell)


# moving about


def _cd(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    state = shell.walk.state
    words = [f for f in fields[1:] if f.text not in {"-L", "-P", "-e", "--"}]
    shell.walk.moved += 1
    failed = state.copy()
    if len(words) > 1 or any(w.many for w in words):
        state.folders = None
        return state, failed
    if not words:
        _lost(state) if "HOME" in state.variables else state.enter("~")
    elif words[0].text == "-":
        state.folders, state.before = state.before, state.folders
    else:
        target = folder_text(words[0])
        if target is None:
            _lost(state)
        elif target:
            state.enter(target)
    return state, failed


def _lost(state: ShellState) -> None:
    state.before = state.folders
    state.folders = None


def _pushd(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    state = shell.walk.state
    shell.walk.moved += 1
    failed = state.copy()
    target = folder_text(fields[1]) if len(fields) == 2 else None
    if fields[0].text != "pushd" or target is None or target.startswith(("+", "-")):
        _lost(state)
    else:
        state.enter(target)
    return state, failed


# variables


def declared_fields(shell: BuiltinHost, word: ShellWord) -> list[Value]:
    """A word of `export` and its like: an assignment is not split."""
    first = word.parts[0] if word.parts else None
    if shell.walk.dialect.splits_declarations:
        return shell.words.fields(word)
    if isinstance(first, Text) and first.quoted and first.text.endswith("=") and len(first.text) > 1:
        value = shell.words.value(ShellWord(word.parts[1:], word.start, word.end))
        return [joined([first.text, *value.parts], False, value.why)]
    return shell.words.fields(word)


def _declare(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    what = fields[0].text or ""
    _free(shell, fields)
    prints = len(fields) == 1
    flags = "".join(f.text or "" for f in fields[1:] if f.starts().startswith("-"))
    exports = what == "export" or "x" in flags
    inner = what in {"local", "declare", "typeset"} and bool(shell.walk.calls) and "g" not in flags
    for value in fields[1:]:
        start = value.starts()
        match = re.match(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=", start, re.ASCII)
        if match:
            rest = joined([start[match.end() :], *value.parts[1:]], False, value.why)
            if match[2]:
                old = shell.walk.state.variables.get(match[1])
                rest = joined([*old.parts, *rest.parts]) if isinstance(old, Value) else UNKNOWN
            if inner:
                shell.walk.state.hide(match[1])
            # outside a function bash refuses `local`, zsh takes it
            shell.walk.assign(match[1], UNKNOWN if what == "local" and not shell.walk.calls else rest, exports)
            continue
        text = value.text
        if text is None:
            raise Opaque(f"`{what}` with words that are not known")
        if text.startswith("-"):
            if set(text[1:]) & set("inIAafF") - {"a"} or (what == "export" and "f" in text):
                if set(text[1:]) <= {"p", "F"}:
                    prints = True
                    continue
                raise Opaque(f"`{what} {text[:10]}` gives variables or functions another meaning")
            prints = prints or "p" in text
            continue
        _name(text, what)
        if inner:
            shell.walk.state.hide(text)
            shell.walk.assign(text, literal(""), exports)
        elif exports:
            shell.walk.export(text, shell.walk.state.variables.get(text))
    if prints:
        shell.walk.act("use", ENVIRONMENT)
    return _both(shell)


def _unset(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    functions = False
    for text in _texts(fields[1:], "unset"):
        if text in {"-f", "-v"}:
            functions = text == "-f"
        elif functions:
            shell.walk.define(text, None)
        else:
            name = _name(text, "unset")
            shell.walk.assigned.append(name)
            if name in {"HOME", "PWD", "TMPDIR", "IFS", "PATH"}:
                raise Opaque(f"`{name}` is unset")
            if name not in shell.walk.state.variables:
                shell.walk.define(name, None)
            shell.walk.state.variables[name] = literal("")
    return _both(shell)


def _read(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    shell.walk.act("run", Value(()), argv=tuple(fields), free=True)
    names: list[str] = []
    skip = False
    array = False
    for value in fields[1:]:
        if skip:
            skip = False
            continue
        text = value.text
        if text is None:
            raise Opaque("`read` with words that are not known")
        if text.startswith("-") and not names:
            letters = text[1:]
            for i, letter in enumerate(letters):
                if letter in "adinNptu":
                    if letter == "a":
                        array = True
                        if i + 1 < len(letters):
                            raise Opaque("`read` with attached option values")
                        continue
                    skip = i + 1 == len(letters)
                    break
                if letter not in "ersE":
                    raise Opaque("`read` with an unusual option")
            continue
        names.append(_name(text, "read"))
    for name in names or ["REPLY"]:
        shell.walk.assign(name, (UNKNOWN_MANY,) if array else Value((Hole.ANY,), False, f"${name}"))
    return _both(shell)


def _mapfile(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    words = _texts(fields[1:], "mapfile")
    names = [w for w in words if not w.startswith("-")]
    if (
        any(w.startswith(("-C", "-c")) for w in words)
        or any(w[:1] == "-" and w != "-t" for w in words)
        or len(names) > 1
    ):
        raise Opaque("`mapfile` with unusual options")
    shell.walk.assign(_name(names[0] if names else "MAPFILE", "mapfile"), (UNKNOWN_MANY,))
    return _both(shell)


def _printf(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    if len(fields) > 1 and (
        fields[1].starts().startswith("-v") or (fields[1].may_be_option and fields[1].text is None)
    ):
        if fields[1].text != "-v" or len(fields) < 3:
            raise Opaque("`printf` with an option that is not known", "put `--` or `'%s'` first")
        shell.walk.assign(_name(fields[2].text, "printf -v"), UNKNOWN)
        _free(shell, fields)
        return _both(shell)
    shell.program(fields, stdin)
    return _both(shell)


def _getopts(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    if len(fields) < 3:
        raise Opaque("`getopts` without a name")
    shell.walk.assign(_name(fields[2].text, "getopts"), UNKNOWN)
    shell.walk.assign("OPTARG", UNKNOWN)
    shell.walk.assign("OPTIND", DIGITS)
    return _both(shell)


def _let(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    for text in _texts(fields[1:], "let"):
        shell.words.arithmetic((Text(text, True),))
    return _both(shell)


def _shift(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    state = shell.walk.state
    text = fields[1].text if len(fields) > 1 else "1"
    if state.args is not None and text is not None and text.isdigit() and not any(a.many for a in state.args):
        failed = state.copy()
        state.args = state.args[int(text) :] if int(text) <= len(state.args) else state.args
        return state, failed
    state.args = None
    return _both(shell)


def _set(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    state = shell.walk.state
    if len(fields) == 1:
        shell.walk.act("use", ENVIRONMENT)
    rest = fields[1:]
    while rest:
        text = rest[0].text
        if text is None and not rest[0].may_be_option and not rest[0].starts().startswith("+"):
            break
        if text is None:
            raise Opaque("`set` with words that are not known", "write `set --`")
        if text == "--":
            rest = rest[1:]
            state.args = _kept(rest)
            return _both(shell)
        if text == "-":
            if len(rest) == 1:
                return _both(shell)
            rest = rest[1:]
            break
        if text[:1] not in {"-", "+"} or len(text) < 2:
            break
        on = text[0] == "-"
        rest = rest[1:]
        letters = text[1:]
        if letters.endswith("o"):
            letters = letters[:-1]
            option = rest[0].text if rest else None
            rest = rest[1:]
            if option not in SETTINGS:
                raise Opaque(f"`set -o {option}` changes how the shell reads what follows")
            if option == "errexit":
                state.stop_on_error = on
            if option == "allexport":
                shell.walk.every = True
        if not set(letters) <= _SET_LETTERS:
            raise Opaque(f"`set {text[:10]}` changes how the shell reads what follows")
        if "e" in letters:
            state.stop_on_error = on
        if "a" in letters:
            shell.walk.every = True
    if rest:
        state.args = _kept(rest)
    return _both(shell)


def _kept(values: list[Value]) -> tuple[Value, ...] | None:
    return tuple(values) if len(values) <= limit("script_fields") else None


def _shopt(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    words = _texts(fields[1:], "shopt")
    names = [w for w in words if not w.startswith("-")]
    sets = any(w.startswith("-") and set(w[1:]) & set("suo") for w in words)
    if sets and not set(names) <= _SAFE_SHOPT:
        raise Opaque("`shopt` changes how the shell reads what follows")
    return _both(shell)


# running


def _eval(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    text = " ".join(_texts(fields[1:], "eval"))
    outer = shell.walk.whole
    shell.walk.whole = outer or shell.walk.span
    try:
        return shell.items(parse_script(text, shell.walk.dialect), shell.walk.state)
    finally:
        shell.walk.whole = outer


def _source(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    if len(fields) < 2 or fields[1].many:
        raise Opaque("`source` without a file")
    file = fields[1]
    if file.text in STANDARD_INPUT:
        raise Opaque("a shell runs what comes from its standard input", "save it, read it, then run the file")
    shell.walk.act("run", Value(()), argv=(literal("source"), *fields[1:]), note=f"runs the code of {shown(file)}")
    shell.walk.act("read", file)
    state = shell.walk.state
    state.variables = dict.fromkeys(state.variables, UNKNOWN)
    return _both(shell)


def shown(value: Value) -> str:
    """A word for a person to read."""
    return "`" + "".join(p if isinstance(p, str) else "…" for p in value.parts)[:80] + "`"


def _exec(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    rest = fields[1:]
    if not rest:
        return _both(shell)
    if rest[0].may_be_option:
        raise Opaque("`exec` with options")
    shell.run(rest, stdin, functions=False) if rest[0].text not in TABLE else shell.program(rest, stdin)
    return None, None


def _command(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    rest = fields[1:]
    if rest and rest[0].text in {"-v", "-V"}:
        _free(shell, fields)
        return _both(shell)
    if rest and rest[0].text == "--":
        rest = rest[1:]
    if not rest:
        return _both(shell)
    if rest[0].may_be_option:
        raise Opaque(f"`{fields[0].text}` with options")
    return shell.run(rest, stdin, functions=False)


def _trap(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    words = [f for f in fields[1:] if f.text != "--"]
    if len(words) < 2 or words[0].text in {"-l", "-p", "-", ""}:
        return _both(shell)
    text = words[0].text
    if text is None:
        raise Opaque("`trap` with a command that is not known")
    if text.isdigit():
        return _both(shell)
    shell.walk.defer(parse_script(text, shell.walk.dialect))
    return _both(shell)


def _test(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    before = False
    for i, value in enumerate(fields[1:], 1):
        if value.many:
            raise Opaque("a test with an unquoted value that is not known", "quote it")
        if value.text in {"-v", "-R"}:
            following = fields[i + 1].text if i + 1 < len(fields) else ""
            if following is None or not (following in {"]", "=", "!=", "==", ""} or _IDENTIFIER.fullmatch(following)):
                raise Opaque("`test -v` evaluates what it is given")
        unknown = value.text is None and not numeric(value)
        if unknown and before:
            raise Opaque("a test with two neighbouring values that are not known")
        before = unknown
    return _both(shell)


# leaving


def _exit(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    sure = len(fields) == 1 or (len(fields) == 2 and (fields[1].text or "x").isdigit())
    return None, None if sure else shell.walk.state


def _return(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    if not shell.walk.returns:
        return _both(shell)
    shell.walk.returns[-1].append(shell.walk.state.copy())
    sure = len(fields) == 1 or (len(fields) == 2 and (fields[1].text or "x").isdigit())
    return None, None if sure else shell.walk.state


def _break(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    _free(shell, fields)
    if not shell.walk.frames:
        return _both(shell)
    level = fields[1].text if len(fields) > 1 else "1"
    if level is None or not level.isdigit() or int(level) < 1 or len(fields) > 2:
        raise Opaque("`break` with an unusual number")
    frame = shell.walk.frames[-min(int(level), len(shell.walk.frames))]
    (frame.breaks if fields[0].text == "break" else frame.continues).append(shell.walk.state.copy())
    return None, None


def _hash(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    if any(t not in {"-r", "-t", "-d"} for t in _texts(fields[1:], "hash")):
        raise Opaque("`hash` changes which program a name means")
    return _nothing(shell, fields, stdin)


def _plain(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    shell.program(fields, stdin)
    return _both(shell)


TABLE: dict[str, Builtin] = {
    **dict.fromkeys((":", "true", "false", "wait", "jobs", "times", "umask", "ulimit", "unalias", "disown", "fg", "bg"), _nothing),
    "cd": _cd, "chdir": _cd, "pushd": _pushd, "popd": _pushd, "dirs": _plain, **dict.fromkeys(DECLARING, _declare),
    "unset": _unset, "read": _read, "mapfile": _mapfile, "readarray": _mapfile, "printf": _printf, "getopts": _getopts, "let": _let,
    "shift": _shift, "set": _set, "shopt": _shopt, "eval": _eval, "source": _source, ".": _source, "exec": _exec,
    "command": _command, "builtin": _command, "trap": _trap, "test": _test, "[": _test, "exit": _exit, "return": _return,
    "break": _break, "continue": _break, "hash": _hash, "type": _nothing, "echo": _plain, "pwd": _plain, "kill": _plain,
}  # fmt: skip
NAMES = frozenset(TABLE) | UNREADABLE
