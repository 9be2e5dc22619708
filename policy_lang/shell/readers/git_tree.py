"""git and files: which of the working tree a command writes or deletes, and which it reads.

From git-checkout(1), git-switch(1), git-restore(1), git-reset(1), git-stash(1), git-clean(1), git-merge(1),
git-rebase(1), git-bisect(1), git-sparse-checkout(1), git-add(1), git-diff(1), git-blame(1), git-grep(1),
git-archive(1), gitrevisions(7), and pathspecs of gitglossary(7).

What moves between commits is written as `tracked`: files that git has checked out, never what lies in `.git`.
"""

from __future__ import annotations

from ...domain.regex import regex
from .. import moving
from ..access import SCP, path
from ..call import ProgramCall
from ..dialect import SH
from ..moving import Way
from ..profile import Parsed
from ..reading import Opaque
from ..repository import write_tree
from ..state import ShellState, join_folder
from ..switching import names_files
from ..values import Hole, Value, joined, literal
from .git import moved_branch, patched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost

_WILD = regex(r"[*?\[]")
_SURELY_PATH = regex(r"(?:\.{0,2}/|~|\.[^.]|\.{1,2}\Z).*|(?:.*/)?\.[^./].*|.*/\.\.(?:/.*)?")
"""What no revision looks like: an absolute path, one of `.` or `..`, a name that begins with a dot (git-check-ref-format(1))."""
_PATH_LIKE = regex(r".*[^./]\.[A-Za-z][A-Za-z0-9]{0,5}")
_REVISION = regex(r"@|(?:.*/)?HEAD|[0-9a-f]{7,64}|.*(?:\.\.|[~^]|@\{).*")
_PLACES = {(Hole.HOME,), (Hole.TMP,), (Hole.CWD,)}
"""How a word begins that the shell made an absolute path."""
_LINES_FILE = regex(r"(?::|/|[0-9+,-]).*:([^:]+)")
"""`start,end:file` and `:function:file` of `git log -L`."""


def _pathspec(shell: ProgramHost, action: str, value: Value, tree: str, ways: tuple[Way, ...] = ()) -> None:
    """The files that a pathspec means. Raises Opaque for magic that is rare."""
    text = value.text
    walk = shell.walk
    if text is None or not text.startswith(":"):
        _spec(shell, action, value, tree, ways)
    elif text.startswith((":!", ":^", ":(exclude)")):
        return
    elif text.startswith((":/", ":(top)")):
        folders, walk.state.folders = walk.state.folders, (walk.context.root,)
        _spec(shell, action, literal(text.removeprefix(":/").removeprefix(":(top)") or "."), tree, ways)
        walk.state.folders = folders
    else:
        raise Opaque("a pathspec with magic")


def _spec(shell: ProgramHost, action: str, value: Value, tree: str, ways: tuple[Way, ...]) -> None:
    text = value.text or ""
    wild = _WILD.search(text)
    if text == "/dev/null":
        return
    if wild is None:
        path(shell.walk, action, value, tree, ways=ways)
    elif action == "read":  # git expands it itself, over folders as well
        folder = text[: wild.start()].rpartition("/")[0]
        whole = text.rpartition("/")[2]
        names = whole if not _WILD.search(text[: len(text) - len(whole)]) and "[" not in whole else ""
        path(shell.walk, action, literal(folder or "."), "existing", names)
    else:
        path(shell.walk, action, Value((Hole.ANY,), False, value.why))


def _behind_dashes(call: ProgramCall) -> tuple[Value, ...] | None:
    """The words behind `--`, None where there is none."""
    words = [v.text for v in call.argv]
    return call.argv[words.index("--") + 1 :] if "--" in words else None


def checkout(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Files behind `--` or a second operand are written; a branch brings its whole tree.

    A single operand may be a branch or a file: git takes it for a file where no branch has that name.
    """
    words = tuple(v.text for v in call.argv)
    acts, operands = shell.walk.acts, parsed.operands
    if names_files(words):
        behind = _behind_dashes(call) or ()
        ways = moving.to(acts, parsed, *operands[: len(operands) - len(behind)])
        for value in behind:
            _pathspec(shell, "write", value, "tracked", (*ways, *moving.back(acts, parsed)))
        return True
    moved_branch(shell, parsed, "-B")
    forced = (moving.FORCED,) if parsed.has("-f") or parsed.has("-m") or parsed.has("-p") else ()
    if any(parsed.has(n) for n in ("-b", "-B", "--orphan", "-d", "-t")):
        if operands or forced:
            write_tree(shell.walk, ways=(*moving.to(acts, parsed, *operands or ("HEAD",)), *forced))
        return True
    if not operands:
        if forced:
            write_tree(shell.walk, ways=moving.back(acts, parsed))
        return True
    first = operands[0]
    if len(operands) > 1:
        is_path = _SURELY_PATH.fullmatch(first.starts())
        ways = () if is_path else moving.to(acts, parsed, first)
        for value in operands if is_path else operands[1:]:
            _pathspec(shell, "write", value, "tracked", (*ways, *moving.back(acts, parsed)))
        return True
    text = first.text or ""
    if _SURELY_PATH.fullmatch(text) or text.startswith(":") or (_WILD.search(text) and "@{" not in text):
        _pathspec(shell, "write", first, "tracked", moving.back(acts, parsed))
        return True
    ways = (*moving.to(acts, parsed, first), *forced)
    if _PATH_LIKE.fullmatch(text) and "--" not in words:
        _pathspec(shell, "write", first, "tracked", moving.back(acts, parsed))
        write_tree(shell.walk, supposed=True, ways=ways)
    else:
        write_tree(shell.walk, ways=ways)
        if "--" not in words and not _REVISION.fullmatch(text):
            shell.walk.act("write", first, supposed=first.text is not None)
    return True


def switch(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Another branch brings its whole tree; a new one that begins here brings nothing."""
    moved_branch(shell, parsed, "-C")
    acts = shell.walk.acts
    makes = parsed.has("-c") or parsed.has("-C") or parsed.has("-d")
    if parsed.operands or not makes or parsed.has("--discard-changes") or parsed.has("-f") or parsed.has("-m"):
        ways = moving.ANY if parsed.has("--orphan") else moving.to(acts, parsed, *parsed.operands or ("HEAD",))
        forced = (moving.FORCED,) if any(parsed.has(n) for n in ("--discard-changes", "-f", "-m")) else ()
        write_tree(shell.walk, ways=(*ways, *forced))
    return True


_WAYS = {"merge": moving.merge, "rebase": moving.rebase}
_STILL = ("--quit", "--show-current-patch", "--edit-todo")


def changes(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Commands that bring commits into the working tree: merge, rebase, cherry-pick, revert."""
    if not any(parsed.has(n) for n in _STILL):
        write_tree(shell.walk, ways=_WAYS.get(parsed.path[1], moving.picked)(shell.walk.acts, parsed))
    return True


def reset(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Only `--hard`, `--merge` and `--keep` change files."""
    if any(parsed.has(n) for n in ("--hard", "--merge", "--keep")):
        ways = moving.to(shell.walk.acts, parsed, *parsed.operands or ("HEAD",))
        write_tree(shell.walk, ways=(*ways, moving.FORCED))
    return True


_STASH_LOOKS = frozenset({"list", "show", "create", "store"})


def stash(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Changes are put away or brought back; `drop` and `clear` lose them. The stash is the ref `refs/stash`."""
    operands = list(parsed.operands)
    if operands and operands[0].text is None:
        raise Opaque("which sub-command of `git stash` it is cannot be known")
    word = operands[0].text if operands else "push"
    if word in _STASH_LOOKS:
        return True
    if word in {"drop", "clear"}:
        shell.walk.act("delete-ref", literal(".:refs/stash/entry"))
        return True
    files = _behind_dashes(call) or (operands[1:] if word == "push" else ())
    for value in files:
        _pathspec(shell, "write", value, "tracked", moving.back(shell.walk.acts, parsed))
    if not files:
        entry = operands[2:3] if word == "branch" else operands[1:2]
        write_tree(shell.walk, ways=moving.stash(shell.walk.acts, parsed, word or "push", entry[0] if entry else None))
    if parsed.has("-u") or parsed.has("-a"):
        for value in files or (literal("."),):
            _pathspec(shell, "delete", value, "untracked")
    return True


def clean(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Untracked files go, of the folder that it stands in or of those that are named; nothing with `-n`, never `.git`."""
    if not parsed.has("-n"):
        tree = "every" if parsed.has("-x") or parsed.has("-X") else "untracked"
        for value in parsed.operands or (literal("."),):
            _pathspec(shell, "delete", value, tree)
    return True


def restore(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Files are written, but for `--staged` alone."""
    if not (parsed.has("--staged") and not parsed.has("--worktree")):
        source = parsed.value_of("-s")
        ways = () if source is None else moving.to(shell.walk.acts, parsed, source)
        for value in parsed.operands:
            _pathspec(shell, "write", value, "tracked", (*ways, *moving.back(shell.walk.acts, parsed)))
    return True


def sparse(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Which files are checked out changes."""
    if not parsed.operands or parsed.operands[0].text not in {"list", "check-rules"}:
        write_tree(shell.walk)
    return True


_BISECT_LOOKS = frozenset({"log", "view", "visualize", "terms", "help"})


def bisect(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Each step checks another commit out; `run` runs a command."""
    word = parsed.operands[0].text if parsed.operands else "help"
    if word is None:
        raise Opaque("which sub-command of `git bisect` it is cannot be known")
    if word not in _BISECT_LOOKS and not (word == "start" and len(parsed.operands) == 1):
        write_tree(shell.walk)
    if word == "run" and len(parsed.operands) > 1:
        shell.run(parsed.operands[1:])
    return True


def worktree(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Another working tree of the same repository, as the commit that is named has it.

    Where none is, that is the branch named as the folder, and `HEAD` where there is none or a new branch is made.
    """
    moved_branch(shell, parsed, "-B")
    word = parsed.operands[0].text if parsed.operands else None
    places, commit = parsed.operands[1:2], parsed.operands[2:3]
    if word == "add" and places:
        names: list[Value | str] = [*commit]
        if not names:
            begun = any(parsed.has(n) for n in ("-b", "-B", "--detach"))
            names = ["HEAD"] if begun else ["HEAD", _last_name(places[0])]
        bare = parsed.has("--no-checkout") or parsed.has("--orphan")
        ways = () if bare else moving.new_tree(shell.walk.acts, parsed, *names)
        path(shell.walk, "write", places[0], "own", ways=ways)
    elif word == "move":
        for value in parsed.operands[2:3]:
            path(shell.walk, "write", value, "own")
    elif word == "remove":
        for value in places:
            path(shell.walk, "delete", value, "existing")
    return True


def _last_name(value: Value) -> Value:
    """The last name of a folder's path, of which a branch may have its name; unknown where the folder is."""
    text = value.text
    return Value((Hole.NAME,)) if text is None else literal(text.rstrip("/").rpartition("/")[2])


def add(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Files are taken along: those that are named, and of a folder all that git does not track or ignore."""
    tree = "every" if parsed.has("-f") else "untracked"
    for value in parsed.operands:
        _pathspec(shell, "read", value, tree)
    if not parsed.operands and (parsed.has("-A") or parsed.has("--no-ignore-removal")):
        _pathspec(shell, "read", literal(":/"), tree)
    return True


def commit(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Files that are named go into the commit."""
    for value in parsed.operands:
        _pathspec(shell, "read", value, "tracked")
    return True


def show(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Files that are printed: `REVISION:PATH` (gitrevisions(7)), `:PATH` of the index, and pathspecs.

    A commit that is shown whole may hold any file's change; that is not seen.
    """
    if parsed.has("--no-index"):
        return False
    if parsed.has("--batch"):  # objects are named on standard input
        path(shell.walk, "read", Value((Hole.ANY,), False, "an object that is named on standard input"))
    behind = _behind_dashes(call) or ()
    for value in behind:
        _pathspec(shell, "read", value, "indexed")
    known = {id(v) for v in behind}
    for given in parsed.options:
        lines = given.value.text if given.value is not None and "-L" in given.option.names else None
        match = _LINES_FILE.fullmatch(lines) if lines is not None else None
        if match:
            path(shell.walk, "read", literal(match[1]))
        elif lines is None and given.value is not None and "-L" in given.option.names:
            path(shell.walk, "read", Value((Hole.ANY,), False, given.value.why))
    named = [v for v in parsed.operands if id(v) not in known]
    two = len(named) == 2 and parsed.path[1] == "diff"
    for value in named:
        if two and (value.text is None or any(map(_lies_elsewhere, named))):
            _side(shell, value)
        else:
            _shown(shell, value, bool(behind))
    return False


def _lies_elsewhere(value: Value) -> bool:
    """True for a path that may lie outside the repository: of two such operands git diff makes two files."""
    first = value.parts[0] if value.parts else ""
    return not isinstance(first, str) or first.startswith(("/", "~")) or ".." in first.split("/")


def _side(shell: ProgramHost, value: Value) -> None:
    """One of two operands of git diff that may be two files, wherever they lie (git-diff(1), `--no-index`)."""
    if all(p in {Hole.WORD, Hole.DIGITS} for p in value.parts):  # a commit's name
        return
    if ".." not in value.starts().replace("../", "").replace("/..", "") and value.text != "/dev/null":
        path(shell.walk, "read", value, "existing")


def _shown(shell: ProgramHost, value: Value, sure: bool) -> None:
    """An operand that may be a revision, what a revision has under a path, or a path; `sure` that it is no path."""
    start = value.starts()
    if ":" in start and not start.startswith((":/", ":!", ":^", ":(")):
        if value.text is None:
            path(shell.walk, "read", Value((Hole.ANY,), False, value.why))
            return
        name = regex(r"\A(?::[0-3])?[^:]*:").sub("", value.text)
        if name:
            path(shell.walk, "read", literal(name))
        return
    if not sure:
        _perhaps(shell, value)


def _perhaps(shell: ProgramHost, value: Value) -> None:
    """An operand that is a path where no revision has that name."""
    text = value.text
    if text is None:
        if value.parts[:1] in _PLACES or _SURELY_PATH.fullmatch(value.starts()):
            path(shell.walk, "read", value, "existing")
        return
    if _SURELY_PATH.fullmatch(text):
        _pathspec(shell, "read", value, "indexed")
    elif text.startswith(":") or _REVISION.fullmatch(text):
        return
    elif _PATH_LIKE.fullmatch(text):
        _pathspec(shell, "read", value, "indexed")
    elif not _WILD.search(text):
        shell.walk.act("read", value, supposed=True)


def blame(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """The last operand is the file."""
    for value in parsed.operands[-1:]:
        path(shell.walk, "read", value)
    return True


def grep(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Tracked files below the folder that it stands in, or those that are named; the first operand is the pattern."""
    behind = _behind_dashes(call)
    operands = list(parsed.operands)
    if not any(parsed.has(n) for n in ("-e", "-f")):
        operands = operands[1:]
    known = {id(v) for v in behind or ()}
    before = [v for v in operands if id(v) not in known]
    tree = "existing" if parsed.has("--no-index") or parsed.has("--untracked") else "indexed"
    for value in behind or ():
        _pathspec(shell, "read", value, tree)
    files = [v for v in before if v.text is None or not _REVISION.fullmatch(v.text)]
    for value in files:
        _pathspec(shell, "read", value, tree)
    if not behind and not files:
        path(shell.walk, "read", literal("."), tree)
    opened = parsed.value_of("-O")
    if opened is not None:
        if opened.text is None:
            raise Opaque("it runs a program that is not known")
        shell.nested(f'{opened.text} "$@"', SH, ShellState({}, {}, shell.walk.state.folders))
    return True


def archive(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """The files of a commit: behind it those that are named, else all below the folder that it stands in."""
    if parsed.has("--list"):
        return True
    for value in parsed.operands[1:]:
        _pathspec(shell, "read", value, "indexed")
    for value in parsed.operands[:1]:
        _shown(shell, value, True)
    if len(parsed.operands) < 2:
        path(shell.walk, "read", literal("."), "indexed")
    return True


def init(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """A bare repository lies in the folder itself: its `HEAD` and `config` are what makes it one."""
    _bare(shell, parsed, parsed.operands[-1] if parsed.operands else literal("."))
    return False


def clone(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """A copy of a repository, with a working tree; of one that lies here it is known what is in it."""
    if not parsed.operands:
        return False
    place = parsed.operands[1] if len(parsed.operands) > 1 else _guessed(parsed.operands[0])
    _bare(shell, parsed, place)
    bare = any(parsed.has(n) for n in ("--bare", "--mirror", "-n"))
    source = None if bare else _source(parsed.operands[0])
    ways: tuple[Way, ...] = ()
    if source is not None:
        places = tuple(("in", join_folder(f, source)) for f in shell.walk.state.folders or ())
        ways = (*places, *moving.new_tree(shell.walk.acts, parsed, parsed.value_of("-b") or "HEAD"))
    path(shell.walk, "write", place, "own", ways=ways)
    return False


def _bare(shell: ProgramHost, parsed: Parsed, place: Value) -> None:
    if parsed.has("--bare") or parsed.has("--mirror"):
        path(shell.walk, "write", joined([*place.parts, "/HEAD"], False, place.why))


def _source(value: Value) -> str | None:
    """The folder that a clone is made from, None for what lies elsewhere (git-clone(1), GIT URLS)."""
    text = (value.text or "").removeprefix("file://")
    return None if not text or "://" in text or SCP.match(text) else text


def _guessed(value: Value) -> Value:
    """The folder that a clone makes where none is named: the last name of what it copies (git-clone(1))."""
    text = _source(value)
    name = (
        (text or "").rstrip("/").removesuffix("/.git").rpartition("/")[2].removesuffix(".git").removesuffix(".bundle")
    )
    return literal(name) if name.strip(".") else Value((Hole.NAME,), False, "the folder that it makes")


def apply(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """A patch names the files that it changes. One that is not seen may change any, in the index as well as in the tree."""
    for value in parsed.operands:
        path(shell.walk, "read", value)
    text = call.stdin.text if call.stdin is not None and not parsed.operands else None
    if text is not None and not parsed.has("--directory") and not parsed.has("-p"):
        for file in patched(text, 1):
            path(shell.walk, "write", literal(file))
            path(shell.walk, "delete", literal(file))
        return True
    if parsed.has("--check") or parsed.has("--stat") or parsed.has("--numstat"):
        return True
    path(shell.walk, "write", literal("."), "new")
    return True
