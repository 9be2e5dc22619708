"""Programs that run another command: shells, env, xargs, find -exec and their kin."""

from __future__ import annotations

import re

from ...domain.regex import regex
from ..call import ProgramCall
from ..dialect import DIALECTS, SETTINGS, SH, Dialect
from ..profile import Parsed
from ..reading import Opaque
from ..roles import role
from ..state import ShellState
from ..values import ENVIRONMENT, Hole, Value, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost

_ASSIGNMENT = regex(r"[A-Za-z_][A-Za-z0-9_]*=", re.ASCII)


def inner_shell(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`sh -c script`, `sh file`, or a script on standard input (bash(1), INVOCATION)."""
    dialect = _spoken(call, parsed)
    if parsed.has("-c"):
        if not parsed.operands or parsed.operands[0].text is None:
            raise Opaque("the shell runs a script that is not known")
        args = tuple(parsed.operands[2:])
        shell.nested(parsed.operands[0].text, dialect, ShellState({}, {}, shell.walk.state.folders, None, args))
        return True
    if parsed.operands and not parsed.has("-s"):
        if parsed.operands[0].many:
            raise Opaque("which script the shell runs is not known")
        role(shell, parsed, "code-file", parsed.operands[0], parsed.indexes[0])
        return True
    if parsed.has("--version") or parsed.has("--help"):
        return True
    given = call.stdin
    if given is None:
        raise Opaque("a shell that waits for what to run", "give it the script with `-c`")
    if given.text is None:
        raise Opaque("a shell runs what comes from its standard input", "save it, read it, then run the file")
    shell.nested(given.text, dialect, ShellState({}, {}, shell.walk.state.folders, None, tuple(parsed.operands)))
    return True


_SAME = frozenset("aceilmnprsuvxfh")
"""One-letter options of every shell that leave the reading of a script as it is."""
_SAME_BASH = _SAME | frozenset("bBCEPT")
_SAME_OFF = frozenset("+emuvx")


def _spoken(call: ProgramCall, parsed: Parsed) -> Dialect:
    """What the shell speaks, by the name that it is called with. Raises Opaque for options that change it."""
    named = dialect = DIALECTS.get((call.argv[0].text or "").rpartition("/")[2], SH)
    for given in parsed.options:
        option = given.option.names[0]
        setting = given.value.text if given.value is not None else None
        same = True
        if option == "--posix" or setting == "posix":
            dialect = SH
        elif option == "-o":
            same = setting in SETTINGS
        elif option.startswith("+"):
            same = set(call.argv[given.index].text or "?") <= _SAME_OFF
        else:
            same = option[1:] in (_SAME_BASH if named.ksh_arrays else _SAME) or option.startswith("--")
        if not same:
            raise Opaque(f"`{option}` changes how the shell reads what it runs")
    return dialect


def env(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`env [NAME=VALUE]... [command]` (env(1)); alone it prints the environment."""
    at = 0
    for value in parsed.operands:
        if not _ASSIGNMENT.match(value.starts()):
            if value.many or (value.text is None and not value.starts()):
                raise Opaque("which words are the command is not known")
            break
        role(shell, parsed, "setenv", value, parsed.indexes[at])
        at += 1
    rest = parsed.operands[at:]
    if rest:
        shell.run(rest, call.stdin)
    elif not parsed.has("--version") and not parsed.has("--help"):
        shell.walk.act("use", ENVIRONMENT)
    return True


def sudo(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`sudo [NAME=VALUE]... command` (sudo(8)); `-s` and `-i` run a shell, `-e` edits files."""
    operands = list(parsed.operands)
    while operands and _ASSIGNMENT.match(operands[0].starts()):
        role(shell, parsed, "setenv", operands.pop(0), 0)
    if parsed.has("-s") or parsed.has("-i"):
        raise Opaque("it runs a shell with another account's rights")
    if parsed.has("-e"):
        for value in operands:
            role(shell, parsed, "write", value, 0)
    elif operands:
        shell.run(operands, call.stdin)
    return True


def xargs(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`xargs command`: unknown words are added, or put where the mark stands (xargs(1))."""
    words = list(parsed.operands)
    if not words:
        return True
    mark = parsed.value_of("-I") or (parsed.value_of("-i") if parsed.has("-i") else None)
    if parsed.has("-I") or parsed.has("-i"):
        text = (mark.text if mark is not None else "{}") or "{}"
        made = [_replaced(v, text) for v in words]
        if made[0] != words[0]:
            raise Opaque("which program it runs is not known")
        shell.run(made)
    else:
        shell.run([*words, Value((Hole.ANY,), True, "words from standard input")])
    return True


def _replaced(value: Value, mark: str) -> Value:
    parts: list[str | Hole] = []
    for part in value.parts:
        if not isinstance(part, str):
            parts.append(part)
            continue
        for i, piece in enumerate(part.split(mark)):
            if i:
                parts.append(Hole.ANY)
            parts.append(piece)
    return joined(parts, value.many, value.why or "a line of standard input")


def command(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`timeout 5 command`: everything from the profile's command slot on."""
    slots = parsed.profile.operands
    first = next((i for i, s in enumerate(slots) if s.role == "command"), 0)
    if any(v.many for v in parsed.operands[: first + 1]):
        raise Opaque("which words are the command is not known")
    rest = parsed.operands[first:]
    if rest:
        shell.run(rest, call.stdin)
    return True


def watch(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`watch command`: its words are joined and run by `sh -c` (watch(1))."""
    texts = [v.text for v in parsed.operands]
    if None in texts:
        raise Opaque("it runs a command that is not known")
    if texts:
        shell.nested(" ".join(t for t in texts if t is not None), SH, ShellState({}, {}, shell.walk.state.folders))
    return True


_FIND_FLAGS = frozenset({
    "-a", "-and", "-o", "-or", "-not", "!", "(", ")", ",", "-daystart", "-depth", "-d", "-follow", "-ignore_readdir_race", "-mount",
    "-noignore_readdir_race", "-noleaf", "-nowarn", "-warn", "-xdev", "-empty", "-executable", "-false", "-nogroup", "-nouser",
    "-readable", "-true", "-writable", "-ls", "-print", "-print0", "-prune", "-quit",
})  # fmt: skip
_FIND_VALUES = frozenset({
    "-maxdepth", "-mindepth", "-regextype", "-amin", "-anewer", "-atime", "-cmin", "-cnewer", "-ctime", "-fstype", "-gid", "-group", "-ilname",
    "-iname", "-inum", "-ipath", "-iregex", "-iwholename", "-links", "-lname", "-mmin", "-mtime", "-name", "-newer", "-path", "-perm", "-regex",
    "-samefile", "-size", "-type", "-uid", "-used", "-user", "-wholename", "-xtype", "-printf", "-context",
})  # fmt: skip


def find(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`find [options] [starting points] [expression]` (find(1)). What it finds exists below the starting points."""
    words = list(call.argv[1:])
    while words and words[0].text in {"-H", "-L", "-P", "-O0", "-O1", "-O2", "-O3"}:
        words.pop(0)
    starts: list[Value] = []
    while words and not _is_expression(words[0]):
        starts.append(words.pop(0))
    starts = starts or [Value((".",))]
    for start in starts:
        role(shell, parsed, "list", start, 0)
    names = _only_name(words)
    while words:
        word = words.pop(0)
        text = word.text
        if text is None:
            raise Opaque("an expression of `find` that is not known", "quote it")
        if text in {"-exec", "-execdir", "-ok", "-okdir"}:
            inner: list[Value] = []
            while words and words[0].text not in {";", "+"}:
                inner.append(words.pop(0))
            if not words or not inner:
                raise Opaque("`find -exec` without an end")
            words.pop(0)
            outer, shell.walk.found = shell.walk.found, names
            for start in starts:
                _found_command(shell, inner, start, below=text in {"-exec", "-ok"})
            shell.walk.found = outer
        elif text == "-delete":
            for start in starts:
                shell.walk.act("delete", start, tree="existing", names=names)
        elif text in {"-fprint", "-fprint0", "-fls", "-fprintf"} and words:
            role(shell, parsed, "write", words.pop(0), 0)
            words = words[1:] if text == "-fprintf" else words
        elif text in _FIND_VALUES or text.startswith("-newer"):
            if not words or words[0].many:
                raise Opaque("an expression of `find` that is not known", "quote it")
            words.pop(0)
        elif text not in _FIND_FLAGS:
            raise Opaque(f"the profile of `find` does not know the expression `{text[:40]}`")
    return True


def _is_expression(value: Value) -> bool:
    start = value.starts()
    if value.may_be_option and value.text is None:
        raise Opaque("a word that may begin with `-` stands where an expression can stand", "put `./` before it")
    return start.startswith("-") or value.text in {"(", ")", "!", ","}


def _only_name(words: list[Value]) -> str:
    """The glob that every found name must match, when that is sure; else an empty text."""
    texts = [v.text for v in words]
    if any(t in {"-o", "-or", "!", "-not", "(", ","} for t in texts) or None in texts:
        return ""
    name = next((texts[i + 1] for i, t in enumerate(texts[:-1]) if t == "-name"), None)
    action = next((i for i, t in enumerate(texts) if t in {"-delete", "-exec", "-execdir"}), len(texts))
    return (
        name
        if name and "-name" in texts[:action] and re.fullmatch(r"[A-Za-z0-9_.*?-]+", name) and "**" not in name
        else ""
    )


def _found_command(shell: ProgramHost, inner: list[Value], start: Value, below: bool) -> None:
    made: list[Value] = []
    found: list[str | Hole] = [*start.parts, Hole.BELOW]
    if not start.starts() or start.many:
        found = [Hole.ANY]
    for value in inner:
        text = value.text
        if text == "{}":
            made.append(joined(found if below else [Hole.ANY], True, "a file that is found"))
        elif text is not None and "{}" in text:
            made.append(_replaced(value, "{}"))
        else:
            made.append(value)
    if made[0].text is None:
        raise Opaque("which program it runs is not known")
    shell.run(made)
