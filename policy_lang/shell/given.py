"""Standard input that a script reads line by line, and which programs leave it alone meanwhile.

A program that reads a part of it may end within a line, and the next line read is then the end of a name: `/a` of
`src/a`. So only programs count as leaving it alone of which that is known. From POSIX and the programs' man pages.
"""

from __future__ import annotations

from ..domain.regex import regex
from .call import ProgramCall
from .dialect import is_handler
from .names import covering_form, words_of
from .profile import Parsed, Profiles, parse_argv
from .reading import Opaque
from .values import Hole, Lines, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .walk import Walk

_COPIES = frozenset({"cp", "mv"})
_NEVER = _COPIES.union(
    ("echo", "printf", "pwd", "ls", "basename", "dirname", "realpath", "readlink", "mkdir", "rmdir", "touch", "chmod"),
    ("stat", "rm", "ln", "du", "sleep"),
)
"""Programs that read no standard input, unless they ask questions."""
_SUMS = ("md5sum", "sha1sum", "sha256sum", "sha512sum")
_NAMED = frozenset(
    (
        "cat",
        "head",
        "tail",
        "wc",
        "grep",
        "egrep",
        "fgrep",
        "sed",
        "awk",
        "file",
        "diff",
        "cmp",
        "sort",
        "nl",
        "tac",
        *_SUMS,
    )
)
"""Programs that read files, and standard input only where no file is named."""
_GIT = {"add": "-f -v -n", "log": "-n -1 --oneline --follow", "blame": "-w", "rm": "-r -f -q --cached", "mv": "-f -k"}
_OPTIONS = {"sed": "-n -i -E -r -e -s", "awk": "-F -v", "file": "-b -i", **dict.fromkeys(_SUMS, "")}
"""The options of programs that have others which read standard input or run programs."""
_ASKS = frozenset({"-i", "-I", "--interactive"})
_FROM_LIST = "--files0-from"
"""An option that names a list of files, in which `-` is standard input."""
_LOOSE = frozenset({Hole.ANY, Hole.NAME, Hole.PIPE})
_DEVICES = regex(r"[/.]*(?:dev|proc)(?:/|$)|/[/.]*$")
_SCRIPT = ("getline", "ARG", "/dev", "/proc", "@")


def line_read(walk: Walk, given: dict[str, Value | None], names: int) -> Value | None:
    """What `read` with these options puts into one variable; None when that may be anything, and what follows too."""
    lines, walk.input = walk.input, None
    ifs = walk.state.variables.get("IFS")
    whole = isinstance(ifs, Value) and ifs.text == ""
    nul = "d" in given
    if names != 1 or not (whole or ifs is None) or (nul and not (whole and "r" in given)):
        return None
    found = _lines(walk, lines, given, "rd")
    if found is None:
        return None
    walk.input = lines
    return Value(found.parts, False, found.why)


def lines_read(walk: Walk, given: dict[str, Value | None]) -> list[Value]:
    """The words that `mapfile` makes of standard input; none when they may be anything."""
    lines, walk.input = walk.input, None
    found = _lines(walk, lines, given, "td") if "t" in given else None
    return [found] if found else []


def _lines(walk: Walk, lines: Lines | None, given: dict[str, Value | None], known: str) -> Value | None:
    nul = "d" in given
    end = given.get("d")
    if lines is None or (lines.end == "\0") != nul or not given.keys() <= set(known):
        return None
    if end is not None and end.text != "":
        return None
    if any(not d.name or is_handler(d.name) for d in walk.deferred):
        return None  # the shell may call these at any time, and they may read
    return covering_form(words_of(walk, lines, splits=not nul, fields=False) or [])


def leaves_input(walk: Walk, profiles: Profiles, call: ProgramCall) -> bool:
    """True when a program surely reads nothing of its standard input."""
    name = call.argv[0].text or ""
    git = name == "git"
    profile = profiles(name) if git or name in _NEVER or name in _NAMED else None
    if profile is None:
        return False
    try:
        parsed = parse_argv(profile, call.argv)
    except Opaque:
        return False
    given = {g.option.names[0] for g in parsed.options}
    if any(g.value is not None and not is_apart(walk, g.value) for g in parsed.options):
        return False
    if any(_FROM_LIST in g.option.names for g in parsed.options):
        return False
    if git:
        known = _GIT.get(parsed.path[-1]) if len(parsed.path) == 2 else None
        return known is not None and given <= set(known.split())
    if name in _COPIES and not all(is_apart(walk, o) for o in parsed.operands):
        return False
    if name in _NEVER:
        return not any(_ASKS & set(g.option.names) for g in parsed.options) or name in {"ls", "stat", "du", "echo"}
    if name in _OPTIONS and not given <= set(_OPTIONS[name].split()):
        return False
    return _names_files(walk, parsed, "-e" in given or "-f" in given)


def _names_files(walk: Walk, parsed: Parsed, said: bool) -> bool:
    """Whether operands name files, at least one, and none of them standard input."""
    name = parsed.path[0]
    operands = parsed.operands
    scripts = [g.value for g in parsed.options if g.value is not None]
    if name in {"grep", "egrep", "fgrep", "sed", "awk"} and not said:
        scripts += operands[:1]
        operands = operands[1:]
    if name in {"sed", "awk"} and any(v.text is None or any(t in v.text for t in _SCRIPT) for v in scripts):
        return False
    if any(not is_apart(walk, o) or (name == "awk" and _may_assign(o)) for o in operands):
        return False
    return any(not o.many for o in operands)


def _may_assign(value: Value) -> bool:
    """Whether awk takes an operand for `name=value`, which is no file."""
    start = value.starts()
    known = len(value.parts) == 1 or value.parts[1] is Hole.BELOW or "/" in start
    return "=" in start or not start or not known


def is_apart(walk: Walk, value: Value) -> bool:
    """Whether a word surely names neither standard input nor another way to it; a folder of devices has such."""
    folders = walk.state.folders
    if not value.parts or value.may_be_option or folders is None or not _LOOSE.isdisjoint(value.parts):
        return False
    texts = [p for p in value.parts if isinstance(p, str)]
    start = value.starts()
    if start.startswith("/") and value.text is None and "/" not in start.strip("/"):
        return False  # the first folder is not known
    if any(".." in t for t in (*texts, *folders)):
        return False
    return not any(_DEVICES.match(t) for t in (start, *(f for f in folders if f)))
