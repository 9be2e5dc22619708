"""Builtins that give variables values and properties: `declare` and its like, `unset`, `read`, `mapfile`, `getopts`."""

from __future__ import annotations

import re

from ..domain.regex import regex
from .builtin_options import options
from .reading import Opaque
from .tree import ParameterExpansion, ShellWord, Text
from .values import ASSOCIATIVE, DIGITS, ENVIRONMENT, UNKNOWN, UNKNOWN_MANY, Hole, Value, either, joined, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .builtin_options import BuiltinHost
    from .state import Ends

DECLARING = frozenset({"declare", "typeset", "local", "export", "readonly"})
_IDENTIFIER = regex(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_ASSIGNED = regex(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=", re.ASCII)
_DECLARED = {
    "declare": "aAFfgilprtux", "typeset": "aAFfgilprtux", "local": "aAilprtux", "export": "np", "readonly": "aAp",
}  # fmt: skip
"""Letters that each of them is known by; the others change what a name means (`-n`), or print and run code."""
_UNDECLARED = frozenset("irtux")
_KEPT = frozenset({"HOME", "PWD", "TMPDIR", "IFS", "PATH"})


def free(shell: BuiltinHost, fields: list[Value]) -> Ends:
    """Record a command that changes nothing outside the shell."""
    shell.walk.act("run", Value(()), argv=tuple(fields), free=True)
    return shell.walk.state, shell.walk.state


def plain_name(value: Value, what: str) -> str:
    """A variable's name. Raises Opaque for a subscript, which a shell evaluates, and for what is not known."""
    text = value.text
    if text is None or not _IDENTIFIER.fullmatch(text):
        raise Opaque(f"`{what}` with something that is not a plain name")
    return text


def declared_fields(shell: BuiltinHost, word: ShellWord) -> list[Value]:
    """A word of `export` and its like: an assignment is not split."""
    first = word.parts[0] if word.parts else None
    if shell.walk.dialect.splits_declarations:
        return shell.words.fields(word)
    if isinstance(first, Text) and first.quoted and first.text.endswith("=") and len(first.text) > 1:
        value = shell.words.value(ShellWord(word.parts[1:], word.start, word.end))
        return [joined([first.text, *value.parts], False, value.why)]
    return shell.words.fields(word)


def declare(shell: BuiltinHost, fields: list[Value], _: Value | None) -> Ends:
    """`declare`, `typeset`, `local`, `export`, `readonly`."""
    what = fields[0].text or ""
    walk = shell.walk
    letters, words = _letters(what, fields[1:])
    free(shell, fields)
    if letters & {"f", "F"}:
        if not letters <= {"f", "F", "p"}:
            raise Opaque(f"`{what}` gives a function another meaning")
        return walk.state, walk.state
    if "p" in letters and words and what in {"declare", "typeset"}:
        for word in words:
            shell.words.parameter(ParameterExpansion(plain_name(word, what), "", (), True))
        return walk.state, walk.state
    if not words or "p" in letters:
        walk.act("use", ENVIRONMENT)
    if "g" in letters and len(walk.calls) > 1:
        raise Opaque(f"`{what} -g` inside several functions")
    walk.differs = walk.differs or (what == "readonly" and bool(walk.calls))
    local = what in {"local", "declare", "typeset"} or (what == "readonly" and not walk.dialect.ksh_arrays)
    for word in words:
        _declare_one(shell, what, letters, word, local and bool(walk.calls) and "g" not in letters)
    return walk.state, walk.state


def _letters(what: str, words: list[Value]) -> tuple[set[str], list[Value]]:
    given: set[str] = set()
    while words:
        text = words[0].text
        if text == "--":
            return given, words[1:]
        if text is None and words[0].may_be_option and not _ASSIGNED.match(words[0].starts()):
            raise Opaque(f"`{what}` with words that are not known")
        if text is None or len(text) < 2 or text[0] not in "-+":
            break
        if not set(text[1:]) <= (set(_DECLARED[what]) if text[0] == "-" else _UNDECLARED):
            raise Opaque(f"`{what} {text[:10]}` gives variables or functions another meaning")
        given |= set(text[1:]) if text[0] == "-" else set()
        words = words[1:]
    return given, words


def _declare_one(shell: BuiltinHost, what: str, letters: set[str], word: Value, inner: bool) -> None:
    walk = shell.walk
    start = word.starts()
    match = _ASSIGNED.match(start)
    name = match[1] if match else plain_name(word, what)
    state = walk.state
    before = state.variables.get(name)
    if inner:
        state.hide(name)
        walk.hidden.add(name)
        state.variables.pop(name, None)
    elif name in state.hidden and "g" in letters:
        state.hidden[name] = UNKNOWN
    array = letters & {"a", "A"}
    exports = (what == "export" and "n" not in letters) or "x" in letters
    if match:
        value: Value = joined([start[match.end() :], *word.parts[1:]], False, word.why)
        if match[2]:
            value = joined([*before.parts, *value.parts]) if isinstance(before, Value) and not inner else UNKNOWN
        _not_evaluated(what, value, bool(array) or isinstance(before, tuple))
        # outside a function bash refuses `local`, zsh takes it
        lost = (what == "local" and not walk.calls) or (name in state.hidden and "g" in letters)
        walk.assign(name, UNKNOWN if lost else value, exports)
    elif array and not isinstance(state.variables.get(name), tuple):
        walk.assigned.append(name)
        state.variables[name] = ASSOCIATIVE if "A" in letters else () if inner or before is None else (UNKNOWN_MANY,)
    elif inner:
        outer = before if isinstance(before, Value) else UNKNOWN
        kept = (walk.dialect.keeps_outer_values and what == "local") or name in walk.inherited
        walk.assign(name, either(literal(""), outer) if kept else literal(""), exports)
    elif exports:
        walk.export(name, before)
    if odd := letters & {"i", "l", "u", "r"} or ({"r"} if what == "readonly" else set()):
        walk.make_odd(name, "i" in odd, keep=odd == {"r"})


def _not_evaluated(what: str, value: Value, array: bool) -> None:
    """Refuse `declare -a name='(...)'`: bash reads the value as a list of words, and runs what they substitute."""
    if array and (value.starts().startswith("(") or (not value.starts() and value.parts)):
        raise Opaque(f"`{what}` evaluates the value of an array", "write `name=(...)`")


def unset(shell: BuiltinHost, fields: list[Value], _: Value | None) -> Ends:
    """`unset [-f|-v] name...`; `unfunction` of zsh."""
    free(shell, fields)
    walk = shell.walk
    given, words = options(fields)
    for word in words:
        if "f" in given or fields[0].text == "unfunction":
            if word.text is None:
                raise Opaque("`unset` with words that are not known")
            walk.define(word.text, None)
            continue
        name = plain_name(word, "unset")
        walk.assigned.append(name)
        if name in _KEPT:
            raise Opaque(f"`{name}` is unset")
        if name not in walk.state.variables and "v" not in given:
            walk.define(name, None)
        # in a function that another one calls, the variable of the outer one shows again
        lost = len(walk.calls) > 1 or name in walk.odd
        walk.state.variables[name] = UNKNOWN if lost else literal("")
    return walk.state, walk.state


def read(shell: BuiltinHost, fields: list[Value], _: Value | None) -> Ends:
    """`read [options] [name...]`: what it reads is known where standard input is names."""
    free(shell, fields)
    given, words = options(fields)
    names = [plain_name(w, "read") for w in words]
    line = None
    if shell.walk.input is not None:
        from .given import line_read

        line = line_read(shell.walk, given, len(names))
    if "a" in given:
        array = given["a"]
        assert array is not None
        shell.walk.assign(plain_name(array, "read -a"), (UNKNOWN_MANY,))
    for name in names or ([] if "a" in given else ["REPLY"]):
        shell.walk.assign(name, Value((Hole.ANY,), False, f"${name}"))
    if shell.walk.dialect.tied_variables:  # zsh has other options, so that a value may be a name
        for value in given.values():
            if value is not None and value.text is not None and _IDENTIFIER.fullmatch(value.text):
                shell.walk.assign(value.text, UNKNOWN)
    if line is None:
        return shell.walk.state, shell.walk.state
    failed = shell.walk.state.copy()  # a last line may be the beginning of a name
    shell.walk.assign(names[0], line)
    return shell.walk.state, failed


def mapfile(shell: BuiltinHost, fields: list[Value], _: Value | None) -> Ends:
    """`mapfile [options] [array]`."""
    free(shell, fields)
    given, words = options(fields)
    if len(words) > 1:
        raise Opaque("`mapfile` with several names")
    lines: list[Value] = []
    if shell.walk.input is not None:
        from .given import lines_read

        lines = lines_read(shell.walk, given)
    shell.walk.assign(plain_name(words[0], "mapfile") if words else "MAPFILE", tuple(lines) or (UNKNOWN_MANY,))
    return shell.walk.state, shell.walk.state


def getopts(shell: BuiltinHost, fields: list[Value], _: Value | None) -> Ends:
    """`getopts letters name [word...]`."""
    free(shell, fields)
    words = options(fields)[1]
    if len(words) < 2 or words[0].many:
        raise Opaque("`getopts` without a name")
    shell.walk.assign(plain_name(words[1], "getopts"), UNKNOWN)
    shell.walk.assign("OPTARG", UNKNOWN)
    shell.walk.assign("OPTIND", DIGITS)
    return shell.walk.state, shell.walk.state
