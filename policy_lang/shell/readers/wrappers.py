"""Programs that run another command: shells, env, xargs and their kin."""

from __future__ import annotations

import re

from ...domain.record import replace
from ...domain.regex import regex
from ..call import ProgramCall
from ..dialect import DIALECTS, SETTINGS, SH, Dialect
from ..names import words_of
from ..operands import missing_operands
from ..profile import Parsed
from ..reading import Opaque
from ..roles import role
from ..state import ShellState
from ..values import ENVIRONMENT, Hole, Value, joined, literal
from .find import run_with

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost

_ASSIGNMENT = regex(r"[^=]+=")


def inner_shell(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`sh -c script`, `sh file`, or a script on standard input (bash(1), INVOCATION)."""
    dialect = _spoken(call, parsed)
    if parsed.has("-a") or any(g.value is not None and g.value.text == "allexport" for g in parsed.options):
        shell.walk.every = True
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
    """`xargs command`: words of standard input are added, or put where the mark stands (xargs(1))."""
    words = list(parsed.operands)
    if not words:
        return True
    found = _input_words(shell, call, parsed)
    marks = [g.value for g in parsed.options if {"-I", "-i"} & set(g.option.names)]
    if not marks:
        shell.run([*words, *found])
        return True
    last = marks[-1]
    if last is not None and last.text is None:
        raise Opaque("what `xargs` replaces is not known")
    run_with(shell, words, (last.text if last else None) or "{}", found, each=True)
    return True


def _input_words(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> list[Value]:
    """The words that xargs makes of its input."""
    given = {g.option.names[0]: g.value for g in parsed.options}
    nul = "-0" in given
    lined = "-d" in given and given["-d"] is not None and given["-d"].text == "\\n"
    found = None
    if not {"-a", "-E", "-e"} & set(given) and ("-d" not in given or lined) and shell.walk.input is not None:
        fits = nul == (shell.walk.input.end == "\0")
        found = words_of(shell.walk, shell.walk.input, splits=not nul) if fits else None
    return found or [Value((Hole.ANY,), True, "words from standard input")]


def package_runner(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`npx prettier --write x`: what a program that has a profile does with these words, by whatever version (npx(1)).

    That the program runs is decided as the running of the package.
    """
    if not parsed.operands or parsed.has("-c") or (name := parsed.operands[0].text) is None:
        return False
    program = name[: name.index("@", 1)] if "@" in name[1:] else name
    if shell.profiles(program) is None or shell.profiles(program) is parsed.root:
        return False
    before = len(shell.walk.acts)
    shell.run([literal(program), *parsed.operands[1:]])
    for place, act in enumerate(shell.walk.acts[before:], before):
        if act.action == "run" and not act.opaque:
            shell.walk.acts[place] = replace(act, supposed=True)
    return True


def command(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`timeout 5 command`: everything from the profile's command slot on, or behind the option that begins it."""
    module = next((g.value for g in parsed.options if g.option.role == "python-module"), None)
    if module is not None:
        from .interpreters import run_module

        if module.text is None:
            raise Opaque("which module it runs is not known")
        run_module(shell, call, module, parsed.operands)
        return True
    rest = _command_words(shell, call, parsed)
    if rest:
        _runs(shell, call, rest)
    return True


def _command_words(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> list[Value]:
    """The words of the command; those before it are given their roles."""
    slots = parsed.profile.operands if parsed.changes.slots is None else parsed.changes.slots
    first = next((i for i, s in enumerate(slots) if s.role == "command"), len(slots))
    behind = _begins(call, parsed)
    if behind >= 0:
        before = sum(i < behind for i in parsed.indexes)
    else:
        before = min(first, len(parsed.operands))
    if any(v.many for v in parsed.operands[: before + 1]):
        raise Opaque("which words are the command is not known")
    if before and not first:
        raise Opaque("it has more words before its command than its profile knows")
    for value, index, at in zip(parsed.operands[:before], parsed.indexes, range(before), strict=False):
        role(shell, parsed, slots[min(at, first - 1)].role, value, index)
    missing_operands(shell, parsed, slots, len(parsed.operands))
    rest = parsed.operands[before:]
    return rest[1:] if rest and rest[0].text == "--" else rest


def _begins(call: ProgramCall, parsed: Parsed) -> int:
    """Where the word stands behind which the command begins, -1 when it is not given."""
    ends = parsed.profile.ends
    given = next((g.index for g in parsed.options if ends.intersection(g.option.names)), -1)
    if given < 0 and "--" in ends:
        given = next((i for i, v in enumerate(call.argv) if i and v.text == "--"), -1)
    return given


def _runs(shell: ProgramHost, call: ProgramCall, words: list[Value]) -> None:
    if words[0].starts().startswith("-"):
        raise Opaque("an option stands where the command should")
    shell.run(words, call.stdin)


def shell_words(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`tmux new-session command`: one word is a script for a shell, several are a command (tmux(1))."""
    rest = _command_words(shell, call, parsed)
    if len(rest) == 1 and not rest[0].many:
        role(shell, parsed, "script", rest[0], 0)
    elif rest:
        _runs(shell, call, rest)
    return True


def tmux(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """A command of tmux: `;` parts it from another one, and a format may run a script (tmux(1), FORMATS)."""
    for value in call.argv[1:]:
        if value.text is None or value.text.endswith(";") or "#(" in value.text:
            raise Opaque("a word of `tmux` that may begin another command")
    if any(s.role == "command" for s in parsed.profile.operands):
        return shell_words(shell, call, parsed)
    return False


def dotenv(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`dotenv command`, or `dotenv run command` and a few words on the file itself (dotenv-cli, python-dotenv)."""
    file = parsed.value_of("-e") or parsed.value_of("-f") or literal(".env")
    role(shell, parsed, "read", file, 0)
    rest = _command_words(shell, call, parsed)
    first = rest[0].text if rest else None
    if first in {"set", "unset"}:
        role(shell, parsed, "write", file, 0)
    elif first == "run":
        rest = [v for i, v in enumerate(rest) if i and not (i == 1 and v.text in {"--", "--override", "--no-override"})]
        rest = rest[1:] if rest and rest[0].text == "--" else rest
    if rest and first not in {"set", "unset", "get", "list"}:
        _runs(shell, call, rest)
    return True


def flock(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`flock file command`, `flock file -c script`, `flock number` (flock(1))."""
    if parsed.operands and (parsed.operands[0].text or "x").isdigit():
        return True
    rest = _command_words(shell, call, parsed)
    if rest and rest[0].text in {"-c", "--command"}:
        if len(rest) != 2:
            raise Opaque("what it runs is not known")
        role(shell, parsed, "script", rest[1], 0)
    elif rest:
        _runs(shell, call, rest)
    return True


def start_stop_daemon(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`start-stop-daemon --start --exec program -- words` (start-stop-daemon(8))."""
    program = parsed.value_of("--startas") or parsed.value_of("--exec")
    if parsed.has("--start") and program is not None:
        shell.run([program, *parsed.operands])
    return True


def runuser(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`runuser -u user command`; without `-u` it is as su(1): a shell, which `-c` gives its script (runuser(1))."""
    if parsed.has("-u"):
        return command(shell, call, parsed)
    if not parsed.has("-c") and not parsed.has("--help") and not parsed.has("--version"):
        raise Opaque("it runs a shell with another account's rights")
    return True


_PLAIN = regex(r"[A-Za-z0-9_./:=@%+,-]+", re.ASCII)


def parallel(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`parallel command ::: words`: each word is put behind the command, or where `{}` stands (parallel(1))."""
    words = parsed.operands
    split = next((i for i, v in enumerate(words) if (v.text or "").startswith(":::")), len(words))
    line, sources = words[:split], words[split + 1 :]
    if not line:
        if any(parsed.has(n) for n in ("--version", "--help", "--citation")):
            return True
        raise Opaque("each line of its input is a command")
    if split < len(words) and words[split].text != ":::":
        raise Opaque("what `parallel` puts into the command is not known")
    if any(not _PLAIN.fullmatch((v.text or " ").replace("{}", "x")) for v in line):
        raise Opaque("a shell reads the command of `parallel` once more", "write plain words, and `{}`")
    if any((v.text or "").startswith(":::") for v in sources):
        raise Opaque("`parallel` with several sources")
    if "{}" in (line[0].text or ""):
        raise Opaque("which program it runs is not known")
    lines = Value((Hole.ANY,), False, "a line of standard input")
    for word in [v if v.text is not None else lines for v in sources] or [lines]:
        if any("{}" in (v.text or "") for v in line):
            shell.run([_filled(v, word) for v in line])
        else:
            shell.run([*line, word])
    return True


def _filled(value: Value, word: Value) -> Value:
    """A word of `parallel` with what stands for each `{}`."""
    parts: list[str | Hole] = []
    for i, piece in enumerate((value.text or "").split("{}")):
        parts += [*(word.parts if i else ()), piece]
    return joined(parts, False, word.why)


def watch(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`watch command`: its words are joined and run by `sh -c` (watch(1))."""
    texts = [v.text for v in parsed.operands]
    if None in texts:
        raise Opaque("it runs a command that is not known")
    if texts:
        shell.nested(" ".join(t for t in texts if t is not None), SH, ShellState({}, {}, shell.walk.state.folders))
    return True
