"""Names of files that a script hands on: what a command prints, and whether its lines can be taken for words."""

from __future__ import annotations

from ..domain.regex import regex
from .profile import Parsed
from .values import NAMES, Hole, Lines, Value, found_below, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .walk import Walk

_HARMLESS = {
    "head": "-n -0 -q -z", "tail": "-n -0 -q -z", "sort": "-b -d -f -g -i -M -h -n -R -r -V -s -u -z -k -t --parallel",
    "uniq": "-d -u -i -z -w", "tac": "", "cat": "-u", "grep": "-v -i -E -F -G -P -w -x -e -a -z -m --line-buffered",
}  # fmt: skip
"""Filters that print some of their lines, as they are, and the options that leave it at that."""
_KEPT = {name: frozenset(options.split()) for name, options in _HARMLESS.items()}
_LISTS = frozenset(
    [
        "-l",
        "-L",
        "-r",
        "-R",
        "-i",
        "-v",
        "-E",
        "-F",
        "-G",
        "-P",
        "-w",
        "-x",
        "-e",
        "-f",
        "-s",
        "-I",
        "-Z",
        "-n",
        "-H",
        "--include",
        "--exclude",
        "--exclude-dir",
        "-z",
    ]
)
_RG = frozenset(
    [
        "-l",
        "--files",
        "--files-without-match",
        "-0",
        "-i",
        "-s",
        "-S",
        "-w",
        "-x",
        "-F",
        "-e",
        "-f",
        "-g",
        "-t",
        "-T",
        "-.",
        "-u",
        "-n",
        "-v",
        "-m",
        "-d",
        "--sort",
        "--sortr",
    ]
)
_GIT = frozenset(
    [
        "-c",
        "-o",
        "-m",
        "-d",
        "-z",
        "-i",
        "--exclude-standard",
        "--cached",
        "--name-only",
        "--diff-filter",
        "--relative",
        "-M",
        "-C",
    ]
)
_LS = frozenset(["-1", "-t", "-r", "-S", "-U", "-v", "-X", "-c", "-u", "-d", "-A", "-h", "--sort", "--time"])
_ODD = regex(r"\A-|[\s'\"\\*?\[]")


def printed_names(walk: Walk, parsed: Parsed) -> Lines | None:
    """The names that a command prints, line by line; None when it may print anything else."""
    name = parsed.path[0]
    if walk.input is None and name == "grep" and not parsed.has("-l") and not parsed.has("-L"):
        return None
    given = {g.option.names[0] for g in parsed.options}
    folders = walk.state.folders
    if name in {"grep", "egrep", "fgrep"} and given & {"-l", "-L"} and given <= _LISTS and "-R" not in given:
        operands = parsed.operands[0 if "-e" in given or "-f" in given else 1 :]
        return _below(operands, "\0" if "-Z" in given else "\n", folders)
    if name == "rg" and given & {"-l", "--files"} and given <= _RG:
        operands = parsed.operands[0 if given & {"-e", "-f", "--files"} else 1 :]
        return _below(operands, "\0" if "-0" in given else "\n", folders, hidden=bool(given & {"-.", "-u"}))
    if (parsed.path == ("git", "ls-files") and given <= _GIT) or (
        parsed.path == ("git", "diff") and "--name-only" in given and given <= _GIT
    ):
        return _below([], "\0" if "-z" in given else "\n", folders)
    if name == "ls" and given <= _LS:
        return _entries(walk, parsed.operands, given)
    if name in _KEPT:
        lines = walk.input
        if lines is None or not given <= _KEPT[name] or len(parsed.operands) != (name == "grep" and "-e" not in given):
            return None
        return lines if ("-z" in given) == (lines.end == "\0") else None
    return None


def _below(operands: list[Value], end: str, folders: tuple[str, ...] | None, hidden: bool = True) -> Lines:
    forms = [found_below(o, "*") for o in operands]
    return Lines(
        tuple(forms) or (Value((Hole.ENTRY if hidden else Hole.FILE, Hole.BELOW), True, "a name that is printed"),),
        end,
        folders,
    )


def _entries(walk: Walk, operands: list[Value], given: set[str]) -> Lines | None:
    """What `ls` prints: the names in the working folder, or its operands themselves where none is a folder."""
    if not operands and "-d" not in given:
        return Lines(
            (Value((Hole.ENTRY if "-A" in given else Hole.FILE,), True, "a name in the folder"),),
            "\n",
            walk.state.folders,
        )
    for operand in operands if "-d" not in given else ():
        if Hole.FILE not in operand.parts or walk.wrote or "*" in walk.state.variables or not _located(operand):
            return None
        walk.act("run", operand, opaque="a folder matches, and `ls` prints the names inside", names="folder")
    return Lines(tuple(operands), "\n", walk.state.folders) if operands else None


def _located(value: Value) -> bool:
    return all(isinstance(p, str) or p in NAMES or (p is Hole.HOME and i == 0) for i, p in enumerate(value.parts))


def text_of(walk: Walk, lines: Lines) -> Value:
    """What lines are as one text: one of the names, or nothing. Several of them together name nothing that exists.

    A name with a line break would become others: a filter cuts it, or its end is taken away. So where the text
    is a path there must be no such name.
    """
    unknown = Value((Hole.ANY,), False, "a command's output")
    form = covering_form(list(lines.forms))
    if form is None or lines.end == "\0" or lines.folders != walk.state.folders or _made_odd(walk):
        return unknown
    walk.printed[form.parts] = form
    if form.parts[-1] is Hole.BELOW:  # of a tree the path is where it begins
        walk.printed[form.parts[:-1]] = form
    return Value(form.parts, True, form.why)


def covering_form(forms: list[Value]) -> Value | None:
    """A value that covers all forms: one that they have, or all that is found below where they begin."""
    if len(forms) < 2:
        return forms[0] if forms else None
    heads = {f.parts[: f.parts.index(Hole.BELOW) + 1] if Hole.BELOW in f.parts else () for f in forms}
    head = heads.pop()
    return Value(head, True, forms[0].why) if head and not heads else None


def words_of(walk: Walk, lines: Lines | None, splits: bool, fields: bool = True) -> list[Value] | None:
    """The words that lines become where they are split at blanks, or else ended as they are.

    None when they may be anything: names with blanks, quotes or wildcards become others, and one that begins with `-`
    may be an option. Whether files have such names is for the disk to say. `IFS` counts where lines become
    `fields`.
    """
    if lines is None or not lines.forms or lines.folders != walk.state.folders or (lines.end == "\0" and splits):
        return None
    if fields and "IFS" in walk.state.variables:
        return None
    out: list[Value] = []
    for form in lines.forms:
        bare = form.may_be_option
        if lines.end != "\0" or bare:
            if any(isinstance(p, str) and _ODD.search(p) for p in form.parts) or _made_odd(walk):
                return None
            why = "a name that is found has blanks, quotes or wildcards, or begins with `-`"
            walk.act("run", form, opaque=why, names="odd")
        out.append(joined(["./", *form.parts], form.many, form.why) if bare else form)
    return out


def _made_odd(walk: Walk) -> bool:
    """True when the script itself may have made names that are split."""
    made = (a.value.parts for a in walk.acts if a.action == "write")
    return any((_ODD.search(p) or "/-" in p) if isinstance(p, str) else p not in NAMES for parts in made for p in parts)


def as_files(word: Value) -> Value:
    """A glob that may begin with `-`, written so that it cannot; any other word itself."""
    if word.parts and word.parts[0] in NAMES and _located(word):
        return joined(["./", *word.parts], word.many, word.why)
    return word


def may_have_made(walk: Walk) -> bool:
    """True when the script itself may have made a file that is taken for an option."""
    return _made_odd(walk) or any(a.action == "write" and a.tree for a in walk.acts)


def is_odd(name: str) -> bool:
    """True for a name that a shell or xargs would split, unquote or expand, or a program take for an option."""
    return _ODD.search(name) is not None


def is_broken(name: str) -> bool:
    """True for a name that is several lines."""
    return "\n" in name


def listed_folder(value: Value) -> Value | None:
    """The folder whose names the last glob of a word shows; None for a word without one."""
    last = max((i for i, p in enumerate(value.parts) if p is Hole.FILE), default=-1)
    if last < 0:
        return None
    before = list(value.parts[:last])
    while before and not (isinstance(before[-1], str) and "/" in before[-1]):
        before.pop()
    if not before:
        return Value((".",))
    text = str(before[-1]).rpartition("/")[0]
    whole = text or ("/" if len(before) == 1 else "")
    return Value((*before[:-1], *([whole] if whole else [])), value.many, value.why)
