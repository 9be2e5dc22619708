"""The shell's own commands: what each does to the state, and which make the rest unreadable.

From bash(1), SHELL BUILTIN COMMANDS. A builtin that only changes the shell's state needs no grant; one that
prints or waits is a command like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..domain.limits import limit
from ..domain.regex import regex
from .dialect import UNREADABLE
from .reader import parse_script
from .reading import Opaque
from .state import ShellState
from .tree import ShellWord, SimpleCommand, Text
from .values import DIGITS, ENVIRONMENT, UNKNOWN, UNKNOWN_MANY, Hole, Value, joined, literal, numeric

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpret import Machine
    from .loops import Ends

Builtin = Callable[["Machine", list[Value], Value | None], "Ends"]

DECLARING = frozenset({"declare", "typeset", "local", "export", "readonly"})
KEEPING = frozenset(
    {":", ".", "source", "eval", "exec", "export", "readonly", "set", "shift", "trap", "unset", "return", "exit"}
)
"""Special builtins: assignments before them may stay set, depending on the shell's mode."""
_SAFE_SHOPT = frozenset(
    {"nullglob", "failglob", "nocasematch", "inherit_errexit", "checkwinsize", "histappend", "globskipdots"}
)
_SET_LETTERS = frozenset("euxvfEaCbhmn")
_SET_NAMES = frozenset(
    {
        "errexit",
        "nounset",
        "xtrace",
        "verbose",
        "pipefail",
        "noglob",
        "errtrace",
        "allexport",
        "noclobber",
        "functrace",
        "monitor",
    }
)
_IDENTIFIER = regex(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def _free(machine: Machine, fields: list[Value]) -> None:
    machine.act("run", Value(()), argv=tuple(fields), free=True)


def _both(machine: Machine) -> Ends:
    return machine.state, machine.state


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


def _nothing(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    return _both(machine)


# moving about


def _cd(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    state = machine.state
    words = [f for f in fields[1:] if f.text not in {"-L", "-P", "-e", "--"}]
    machine.moved += 1
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


def folder_text(value: Value) -> str | None:
    """A folder as a path text that means the same here, or None. The beginning may be a known place."""
    parts = value.parts
    prefix = ""
    if parts and parts[0] in _FOLDERS:
        prefix = _FOLDERS[parts[0]]
        parts = parts[1:]
        if parts and not (isinstance(parts[0], str) and parts[0].startswith("/")):
            return None
    rest = "".join(p for p in parts if isinstance(p, str))
    if len(parts) > 1 or any(not isinstance(p, str) for p in parts) or value.many:
        return None
    if prefix:
        return prefix + rest if prefix != "." else rest.lstrip("/")
    return f"./{rest}" if rest.startswith(("~", "$")) else rest


_FOLDERS = {Hole.HOME: "~", Hole.CWD: ".", Hole.TMP: "${tmp}"}


def _pushd(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    state = machine.state
    machine.moved += 1
    failed = state.copy()
    target = folder_text(fields[1]) if len(fields) == 2 else None
    if fields[0].text != "pushd" or target is None or target.startswith(("+", "-")):
        _lost(state)
    else:
        state.enter(target)
    return state, failed


# variables


def declared_fields(machine: Machine, word: ShellWord) -> list[Value]:
    """A word of `export` and its like: an assignment is not split."""
    first = word.parts[0] if word.parts else None
    if machine.dialect.splits_declarations:
        return machine.fields(word)
    if isinstance(first, Text) and first.quoted and first.text.endswith("=") and len(first.text) > 1:
        value = machine.value(ShellWord(word.parts[1:], word.start, word.end))
        return [joined([first.text, *value.parts], False, value.why)]
    return machine.fields(word)


def _declare(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    what = fields[0].text or ""
    _free(machine, fields)
    prints = len(fields) == 1
    flags = "".join(f.text or "" for f in fields[1:] if f.starts().startswith("-"))
    inner = what in {"local", "declare", "typeset"} and bool(machine.calls) and "g" not in flags
    for value in fields[1:]:
        start = value.starts()
        match = re.match(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=", start, re.ASCII)
        if match:
            rest = joined([start[match.end() :], *value.parts[1:]], False, value.why)
            if match[2]:
                old = machine.state.variables.get(match[1])
                rest = joined([*old.parts, *rest.parts]) if isinstance(old, Value) else UNKNOWN
            if inner:
                machine.state.hide(match[1])
            # outside a function bash refuses `local`, zsh takes it
            machine.assign(match[1], UNKNOWN if what == "local" and not machine.calls else rest)
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
            machine.state.hide(text)
            machine.assign(text, literal(""))
    if prints:
        machine.act("use", ENVIRONMENT)
    return _both(machine)


def _unset(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    functions = False
    for text in _texts(fields[1:], "unset"):
        if text in {"-f", "-v"}:
            functions = text == "-f"
        elif functions:
            machine.state.functions.pop(text, None)
        else:
            name = _name(text, "unset")
            machine.assigned.append(name)
            if name in {"HOME", "PWD", "TMPDIR", "IFS", "PATH"}:
                raise Opaque(f"`{name}` is unset")
            machine.state.functions.pop(name, None) if name not in machine.state.variables else None
            machine.state.variables[name] = literal("")
    return _both(machine)


def _read(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    machine.act("run", Value(()), argv=tuple(fields), free=True)
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
        machine.assign(name, (UNKNOWN_MANY,) if array else Value((Hole.ANY,), False, f"${name}"))
    return _both(machine)


def _mapfile(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    words = _texts(fields[1:], "mapfile")
    names = [w for w in words if not w.startswith("-")]
    if (
        any(w.startswith(("-C", "-c")) for w in words)
        or any(w[:1] == "-" and w != "-t" for w in words)
        or len(names) > 1
    ):
        raise Opaque("`mapfile` with unusual options")
    machine.assign(_name(names[0] if names else "MAPFILE", "mapfile"), (UNKNOWN_MANY,))
    return _both(machine)


def _printf(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    if len(fields) > 1 and (
        fields[1].starts().startswith("-v") or (fields[1].may_be_option and fields[1].text is None)
    ):
        if fields[1].text != "-v" or len(fields) < 3:
            raise Opaque("`printf` with an option that is not known", "put `--` or `'%s'` first")
        machine.assign(_name(fields[2].text, "printf -v"), UNKNOWN)
        _free(machine, fields)
        return _both(machine)
    machine.program(fields, stdin)
    return _both(machine)


def _getopts(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    if len(fields) < 3:
        raise Opaque("`getopts` without a name")
    machine.assign(_name(fields[2].text, "getopts"), UNKNOWN)
    machine.assign("OPTARG", UNKNOWN)
    machine.assign("OPTIND", DIGITS)
    return _both(machine)


def _let(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    for text in _texts(fields[1:], "let"):
        machine.arithmetic((Text(text, True),))
    return _both(machine)


def _shift(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    state = machine.state
    text = fields[1].text if len(fields) > 1 else "1"
    if state.args is not None and text is not None and text.isdigit() and not any(a.many for a in state.args):
        failed = state.copy()
        state.args = state.args[int(text) :] if int(text) <= len(state.args) else state.args
        return state, failed
    state.args = None
    return _both(machine)


def _set(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    state = machine.state
    if len(fields) == 1:
        machine.act("use", ENVIRONMENT)
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
            return _both(machine)
        if text == "-":
            if len(rest) == 1:
                return _both(machine)
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
            if option not in _SET_NAMES:
                raise Opaque(f"`set -o {option}` changes how the shell reads what follows")
            if option == "errexit":
                state.stop_on_error = on
        if not set(letters) <= _SET_LETTERS:
            raise Opaque(f"`set {text[:10]}` changes how the shell reads what follows")
        if "e" in letters:
            state.stop_on_error = on
    if rest:
        state.args = _kept(rest)
    return _both(machine)


def _kept(values: list[Value]) -> tuple[Value, ...] | None:
    return tuple(values) if len(values) <= limit("script_fields") else None


def _shopt(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    words = _texts(fields[1:], "shopt")
    names = [w for w in words if not w.startswith("-")]
    sets = any(w.startswith("-") and set(w[1:]) & set("suo") for w in words)
    if sets and not set(names) <= _SAFE_SHOPT:
        raise Opaque("`shopt` changes how the shell reads what follows")
    return _both(machine)


# running


def _eval(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    text = " ".join(_texts(fields[1:], "eval"))
    outer = machine.whole
    machine.whole = outer or machine.span
    try:
        return machine.items(parse_script(text, machine.dialect), machine.state)
    finally:
        machine.whole = outer


def _source(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    if len(fields) < 2 or fields[1].many:
        raise Opaque("`source` without a file")
    file = fields[1]
    machine.act("run", Value(()), argv=(literal("source"), *fields[1:]), note=f"runs the code of {shown(file)}")
    machine.act("read", file)
    state = machine.state
    state.variables = dict.fromkeys(state.variables, UNKNOWN)
    return _both(machine)


def shown(value: Value) -> str:
    """A word for a person to read."""
    return "`" + "".join(p if isinstance(p, str) else "…" for p in value.parts)[:80] + "`"


def _exec(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    rest = fields[1:]
    if not rest:
        return _both(machine)
    if rest[0].may_be_option:
        raise Opaque("`exec` with options")
    machine.run(rest, stdin, functions=False) if rest[0].text not in TABLE else machine.program(rest, stdin)
    return None, None


def _command(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    rest = fields[1:]
    if rest and rest[0].text in {"-v", "-V"}:
        _free(machine, fields)
        return _both(machine)
    if rest and rest[0].text == "--":
        rest = rest[1:]
    if not rest:
        return _both(machine)
    if rest[0].may_be_option:
        raise Opaque(f"`{fields[0].text}` with options")
    return machine.run(rest, stdin, functions=False)


def _trap(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    words = [f for f in fields[1:] if f.text != "--"]
    if len(words) < 2 or words[0].text in {"-l", "-p", "-", ""}:
        return _both(machine)
    text = words[0].text
    if text is None:
        raise Opaque("`trap` with a command that is not known")
    if text.isdigit():
        return _both(machine)
    body = parse_script(text, machine.dialect)
    machine.traps.append((body, machine.state.copy(), len(machine.assigned), machine.moved, machine.span))
    return _both(machine)


def _test(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
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
    return _both(machine)


# leaving


def _exit(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    sure = len(fields) == 1 or (len(fields) == 2 and (fields[1].text or "x").isdigit())
    return None, None if sure else machine.state


def _return(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    if not machine.returns:
        return _both(machine)
    machine.returns[-1].append(machine.state.copy())
    sure = len(fields) == 1 or (len(fields) == 2 and (fields[1].text or "x").isdigit())
    return None, None if sure else machine.state


def _break(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    _free(machine, fields)
    if not machine.frames:
        return _both(machine)
    level = fields[1].text if len(fields) > 1 else "1"
    if level is None or not level.isdigit() or int(level) < 1 or len(fields) > 2:
        raise Opaque("`break` with an unusual number")
    frame = machine.frames[-min(int(level), len(machine.frames))]
    (frame.breaks if fields[0].text == "break" else frame.continues).append(machine.state.copy())
    return None, None


def _hash(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    if any(t not in {"-r", "-t", "-d"} for t in _texts(fields[1:], "hash")):
        raise Opaque("`hash` changes which program a name means")
    return _nothing(machine, fields, stdin)


def _plain(machine: Machine, fields: list[Value], stdin: Value | None) -> Ends:
    machine.program(fields, stdin)
    return _both(machine)


TABLE: dict[str, Builtin] = {
    **dict.fromkeys((":", "true", "false", "wait", "jobs", "times", "umask", "ulimit", "unalias", "disown", "fg", "bg"), _nothing),
    "cd": _cd, "chdir": _cd, "pushd": _pushd, "popd": _pushd, "dirs": _plain, **dict.fromkeys(DECLARING, _declare),
    "unset": _unset, "read": _read, "mapfile": _mapfile, "readarray": _mapfile, "printf": _printf, "getopts": _getopts, "let": _let,
    "shift": _shift, "set": _set, "shopt": _shopt, "eval": _eval, "source": _source, ".": _source, "exec": _exec,
    "command": _command, "builtin": _command, "trap": _trap, "test": _test, "[": _test, "exit": _exit, "return": _return,
    "break": _break, "continue": _break, "hash": _hash, "type": _nothing, "echo": _plain, "pwd": _plain, "kill": _plain,
}  # fmt: skip
NAMES = frozenset(TABLE) | UNREADABLE


# what commands print


def _moved(machine: Machine) -> bool:
    """True when the script may have changed the current branch."""
    return any(
        a.opaque or (a.argv and a.argv[0].text == "git" and not _LOOKING & {v.text for v in a.argv})
        for a in machine.acts
    )


_PRINTS_PATHS = frozenset({
    "--abbrev-ref", "--symbolic", "--symbolic-full-name", "--show-toplevel", "--git-dir", "--absolute-git-dir", "--git-path", "--show-prefix", "--show-cdup",
    "--git-common-dir", "--show-superproject-working-tree", "--branches", "--tags", "--remotes", "--sq", "--sq-quote", "--parseopt", "--flags", "--default",
    "--verify", "-q", "--quiet", "--all", "--octopus", "--revs-only", "--no-flags", "--no-revs", "--prefix", "--resolve-git-dir", "--show-object-format", None,
})  # fmt: skip
_LOOKING = frozenset({"status", "diff", "log", "add", "commit", "branch", "rev-parse", "fetch", "push"})


def printed(machine: Machine, words: list[str | None], command: SimpleCommand) -> Value | None:
    """What a command prints, where that is sure."""
    name = words[0] if words else None
    if name == "pwd" and len(words) == 1:
        return Value((Hole.CWD,), False, "$(pwd)")
    if name == "nproc" or (name == "wc" and words[1:2] in (["-l"], ["-c"], ["-w"]) and len(words) == 2):
        return DIGITS
    if name == "date":
        formats = [w for w in words[1:] if w is not None]
        if len(formats) == len(words) - 1 and all(f.startswith("+") or f == "-u" for f in formats):
            text = "".join(formats)
            if re.fullmatch(r"(?:-u)?\+%s", text):
                return DIGITS
            if "/" not in text and not re.search(r"%[-_0^#]?[DxcE]", text) and text[-1:] != "+":
                return Value((Hole.NAME,), False, "a date")
    if (
        name == "mktemp"
        and "TMPDIR" not in machine.state.variables
        and None not in words
        and set(words[1:]) <= {"-d", "-q"}
    ):
        return Value((Hole.TMP, "/tmp.", Hole.NAME), False, "$(mktemp)")
    if words[:2] in (["git", "rev-parse"], ["git", "merge-base"]) and not _PRINTS_PATHS & set(words[2:]):
        return Value((Hole.WORD,), False, "a commit's name")
    branch = words in (["git", "branch", "--show-current"], ["git", "rev-parse", "--abbrev-ref", "HEAD"])
    if (
        branch
        and machine.context.branch
        and not _moved(machine)
        and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", machine.context.branch)
    ):
        return literal(machine.context.branch)
    if name == "echo" and len(words) > 1 and None not in words and not str(words[1]).startswith("-"):
        text = " ".join(str(w) for w in words[1:])
        if re.fullmatch(r"[A-Za-z0-9_@%+:,./ -]*", text):
            return literal(text)
    return None
