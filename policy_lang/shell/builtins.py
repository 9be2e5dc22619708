"""Builtins: what each of the shell's own commands does to the state, and which make the rest unreadable.

From bash(1), SHELL BUILTIN COMMANDS. A builtin that only changes the shell's state needs no grant; one that
prints or waits is a command like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..domain.limits import limit
from ..domain.regex import regex
from .builtin_options import options
from .common_roles import STANDARD_INPUT
from .declarations import DECLARING, declare, free, getopts, mapfile, plain_name, read, unset
from .dialect import SETTINGS, UNREADABLE
from .reader import parse_script
from .reading import Opaque
from .state import ShellState, folder_text
from .tree import Text
from .values import ENVIRONMENT, UNKNOWN, Hole, Value, literal, numeric

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .builtin_options import BuiltinHost
    from .state import Ends

Builtin = Callable[["BuiltinHost", list[Value], Value | None], "Ends"]

KEEPING = frozenset(
    {":", ".", "source", "eval", "exec", "export", "readonly", "set", "shift", "trap", "unset", "return", "exit"}
)
"""Special builtins: assignments before them may stay set, depending on the shell's mode."""
_SAFE_SHOPT = frozenset(
    {"nullglob", "failglob", "nocasematch", "inherit_errexit", "checkwinsize", "histappend", "globskipdots"}
)
_SET_LETTERS = frozenset("euxvfEaCbhmn")
_SAFE_SETOPT = SETTINGS | frozenset({"nullglob", "nonomatch", "nomatch", "errreturn", "nobeep"})
_IDENTIFIER = regex(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


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


def _nothing(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    return free(shell, fields)


# moving about


def _cd(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    free(shell, fields)
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
    free(shell, fields)
    state = shell.walk.state
    shell.walk.moved += 1
    failed = state.copy()
    target = folder_text(fields[1]) if len(fields) == 2 else None
    if fields[0].text != "pushd" or target is None or target.startswith(("+", "-")):
        _lost(state)
    else:
        state.enter(target)
    return state, failed


_COUNTS = regex(r"(?:[^%]|%[^%A-Za-z]*[%A-Za-mo-z])*(?:%[^%A-Za-z]*)?")
"""A format without `%n`, which sets a variable."""
_EVALUATES = regex(r"%[^%A-Za-z]*[diouxXeEfFgG]")


def _printf(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    walk = shell.walk
    words = fields[1:]
    if words and (words[0].starts().startswith("-v") or (words[0].may_be_option and words[0].text is None)):
        if words[0].text != "-v" or len(words) < 2:
            raise Opaque("`printf` with an option that is not known", "put `--` or `'%s'` first")
        walk.assign(plain_name(words[1], "printf -v"), UNKNOWN)
        words = words[2:]
        free(shell, fields)
    else:
        shell.program(fields, stdin)
    words = words[1:] if words and words[0].text == "--" else words
    form = words[0].text if words else ""
    if form is None or not _COUNTS.fullmatch(form):
        for word in words[1:]:
            if word.text is None:
                walk.assigned += walk.state.variables
                walk.state.forget_values()
            elif _IDENTIFIER.fullmatch(word.text):
                walk.assign(word.text, UNKNOWN)
                if walk.dialect.arithmetic_types:
                    walk.make_odd(word.text, number=True, keep=True)
    if form is None or _EVALUATES.search(form):
        _numbers(shell, words[1:])
    return _both(shell)


def _numbers(shell: BuiltinHost, words: list[Value]) -> None:
    """Refuse words that zsh evaluates as arithmetic where they may be more than a number."""
    if all(numeric(w) for w in words):
        return
    shell.walk.differs = True
    if not shell.walk.dialect.ksh_arrays:
        raise Opaque("arithmetic with a value that is not known to be a number")


def _let(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    free(shell, fields)
    for text in _texts(options(fields)[1], "let"):
        shell.words.arithmetic((Text(text, True),))
    return _both(shell)


def _shift(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    free(shell, fields)
    state = shell.walk.state
    words = options(fields)[1]
    _numbers(shell, words)
    text = words[0].text if words else "1"
    if state.args is not None and text is not None and text.isdigit() and not any(a.many for a in state.args):
        failed = state.copy()
        state.args = state.args[int(text) :] if int(text) <= len(state.args) else state.args
        return state, failed
    state.args = None
    return _both(shell)


def _set(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    free(shell, fields)
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
        if letters == "o" and not rest:
            return _both(shell)  # it prints the options
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
    free(shell, fields)
    given, words = options(fields)
    names = set(_texts(words, "shopt"))
    if "nullglob" in names and "u" not in given:
        shell.walk.state.variables["*"] = literal("")
    if "globstar" in names and "s" in given and "u" not in given:
        shell.walk.state.variables["**"] = literal("")
        names.discard("globstar")
    if {"s", "u"} & given.keys() and not names <= _SAFE_SHOPT:
        raise Opaque("`shopt` changes how the shell reads what follows")
    return _both(shell)


def _setopt(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    free(shell, fields)
    for text in _texts(options(fields)[1], "setopt"):
        if text.lower().replace("_", "") not in _SAFE_SETOPT:
            raise Opaque("`setopt` changes how the shell reads what follows")
        if "null" in text.lower():
            shell.walk.state.variables["*"] = literal("")
    return _both(shell)


# running


def _eval(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    free(shell, fields)
    text = " ".join(_texts(options(fields)[1], "eval"))
    outer = shell.walk.whole
    shell.walk.whole = outer or shell.walk.span
    try:
        return shell.items(parse_script(text, shell.walk.dialect), shell.walk.state)
    finally:
        shell.walk.whole = outer


def _source(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    words = options(fields)[1]
    if not words or words[0].many:
        raise Opaque("`source` without a file")
    file = words[0]
    if file.text in STANDARD_INPUT:
        raise Opaque("a shell runs what comes from its standard input", "save it, read it, then run the file")
    shell.walk.act("run", Value(()), argv=(literal("source"), *words), note=f"runs the code of {shown(file)}")
    shell.walk.act("read", file)
    shell.walk.input = None
    shell.walk.assigned += shell.walk.state.variables
    shell.walk.state.forget_values()
    return _both(shell)


def shown(value: Value) -> str:
    """A word for a person to read."""
    return "`" + "".join(p if isinstance(p, str) else "…" for p in value.parts)[:80] + "`"


def _exec(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    rest = options(fields)[1]
    if not rest:
        shell.walk.input = None  # its redirections stay
        return _both(shell)
    shell.run(rest, stdin, functions=False) if rest[0].text not in TABLE else shell.program(rest, stdin)
    return None, None


def _command(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    if len(fields) > 1 and fields[1].text in {"-v", "-V"}:  # it only looks, whatever the other words are
        return free(shell, fields)
    given, rest = options(fields)
    if given.keys() & {"v", "V"}:
        return free(shell, fields)
    if not rest:
        return _both(shell)
    shell.walk.differs = shell.walk.differs or rest[0].text in TABLE
    if not shell.walk.dialect.ksh_arrays and fields[0].text == "command":
        shell.program(rest, stdin)  # zsh runs a program only
        return _both(shell)
    return shell.run(rest, stdin, functions=False)


def _trap(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    free(shell, fields)
    given, words = options(fields)
    if given or not words or words[0].text in {"-", ""} or (len(words) < 2 and not words[0].many):
        return _both(shell)
    text = words[0].text
    if text is None:
        raise Opaque("`trap` with a command that is not known")
    if not text.isdigit():
        body = parse_script(text, shell.walk.dialect)
        shell.walk.defer(body)
        if shell.walk.exits:
            shell.walk.differs = True
            shell.walk.exits[-1].append(body)
    return _both(shell)


def _test(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    free(shell, fields)
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
    free(shell, fields)
    _numbers(shell, options(fields)[1])
    sure = len(fields) == 1 or (len(fields) == 2 and (fields[1].text or "x").isdigit())
    return None, None if sure else shell.walk.state


def _return(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    free(shell, fields)
    _numbers(shell, options(fields)[1])
    if not shell.walk.returns:
        return _both(shell)
    shell.walk.returns[-1].append(shell.walk.state.copy())
    sure = len(fields) == 1 or (len(fields) == 2 and (fields[1].text or "x").isdigit())
    return None, None if sure else shell.walk.state


def _break(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    free(shell, fields)
    if not shell.walk.frames:
        return _both(shell)
    level = fields[1].text if len(fields) > 1 else "1"
    if level is None or not level.isdigit() or int(level) < 1 or len(fields) > 2:
        raise Opaque("`break` with an unusual number")
    frame = shell.walk.frames[-min(int(level), len(shell.walk.frames))]
    (frame.breaks if fields[0].text == "break" else frame.continues).append(shell.walk.state.copy())
    return None, None


def _hash(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    if any("=" in t for t in _texts(options(fields)[1], "hash")):
        raise Opaque("`hash` changes which program a name means")
    return free(shell, fields)


def _known(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    options(fields)
    return free(shell, fields)


def _wait(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    name = options(fields)[0].get("p")
    if name is not None:
        shell.walk.assign(plain_name(name, "wait -p"), UNKNOWN)
    return free(shell, fields)


def _alias(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    if options(fields)[1]:
        raise Opaque("`alias` changes how the shell works")
    return free(shell, fields)


def _history(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    given, words = options(fields)
    if files := given.keys() & {"a", "n", "r", "w"}:
        file = words[0] if words else Value((Hole.HOME, "/.bash_history"))
        shell.walk.act("read" if files <= {"n", "r"} else "write", file)
    shell.program(fields, stdin)
    return _both(shell)


def _plain(shell: BuiltinHost, fields: list[Value], stdin: Value | None) -> Ends:
    shell.program(fields, stdin)
    return _both(shell)


TABLE: dict[str, Builtin] = {
    **dict.fromkeys((":", "true", "false", "times", "umask", "ulimit", "unalias", "disown", "fg", "bg", "type"), _nothing),
    **dict.fromkeys(("jobs", "caller", "logout"), _known), "wait": _wait, "alias": _alias, "history": _history,
    "cd": _cd, "chdir": _cd, "pushd": _pushd, "popd": _pushd, "dirs": _plain, **dict.fromkeys(DECLARING, declare),
    "unset": unset, "read": read, "mapfile": mapfile, "readarray": mapfile, "printf": _printf, "getopts": getopts, "let": _let,
    "shift": _shift, "set": _set, "shopt": _shopt, "eval": _eval, "source": _source, ".": _source, "exec": _exec,
    "command": _command, "builtin": _command, "trap": _trap, "test": _test, "[": _test, "exit": _exit, "return": _return,
    "break": _break, "continue": _break, "hash": _hash, "echo": _plain, "pwd": _plain, "kill": _plain,
}  # fmt: skip
ZSH_TABLE: dict[str, Builtin] = {
    **dict.fromkeys(("whence", "where"), _nothing), **dict.fromkeys(("print", "rehash"), _known),
    "setopt": _setopt, "unsetopt": _setopt, "unfunction": unset,
}  # fmt: skip
"""Builtins of zsh alone."""
NAMES = frozenset(TABLE) | UNREADABLE
