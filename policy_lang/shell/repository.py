"""The repository that commands work in: where it is looked for, and whether its branch is still the same."""

from __future__ import annotations

from .moving import ANY, Way
from .profile import Parsed
from .switching import switches
from .values import Value, literal
from .walk import Walk

PROGRAMS = frozenset({"git", "hub", "jj"})
"""Programs that obey the configuration of the repository around the folder they stand in."""
_CORE = frozenset({
    "", "/bin", "/usr/bin", "/usr/local/bin", "/usr/lib/git-core", "/usr/libexec/git-core",
    "/usr/local/libexec/git-core",
    "/opt/homebrew/opt/git/libexec/git-core", "/Library/Developer/CommandLineTools/usr/libexec/git-core",
})  # fmt: skip
"""Folders in which sub-commands of git are programs of their own; empty for one that is called by its name."""
_AROUND = frozenset({"clone", "init", "help", "version"})
_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
)
"""Beginnings of variables that make git work in another repository, or by another configuration (git(1))."""
UNKNOWN_BRANCH = "which branch this is about is not known; name it, as in `git push origin BRANCH`"


def place_of(parsed: Parsed, inside: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The folders around which a command looks for its repository, empty for one that obeys none.

    `inside` are those that it works in.
    """
    if len(parsed.path) < 2 or parsed.path[1] in _AROUND:
        return ()
    return parsed.repository or inside


def core_command(program: str) -> str | None:
    """The sub-command of git that a program is, such as `/usr/lib/git-core/git-push`."""
    folder, _, name = program.rpartition("/")
    return name[4:] if name.startswith("git-") and folder in _CORE else None


def elsewhere(walk: Walk) -> bool:
    """True when a variable that was set may make git work in another repository."""
    return any(
        a.action == "setenv" and (a.value.text is None or a.value.text.startswith(_VARIABLES)) for a in walk.acts
    )


def write_tree(walk: Walk, supposed: bool = False, ways: tuple[Way, ...] = ANY) -> None:
    """Record that what git has checked out is written: all of the working tree, wherever the command stands.

    By the `ways` it is known which of it changes.
    """
    folders, walk.state.folders = walk.state.folders, (walk.context.root,)
    places = tuple(("in", folder) for folder in folders or ())
    walk.act("write", literal("."), tree="tracked", supposed=supposed, ways=(*places, *ways) if ways else ())
    walk.state.folders = folders


def current_branch(walk: Walk) -> str | None:
    """The current branch: `HEAD` while it is still that of the beginning, and None when it is not known."""
    if not walk.switched:
        return "HEAD"
    known = walk.state.branch
    if known is None or known[1:] != (walk.switched, walk.state.folders):
        return None
    return f"refs/heads/{known[0]}"


def branch_left(walk: Walk, words: list[Value]) -> tuple[str, int, tuple[str, ...] | None] | None:
    """The branch that a command of these words leaves when it succeeds; None for one that may leave another.

    Besides the name, what `current_branch` compares: the switches so far, and the folders.
    """
    act = next((a for a in reversed(walk.acts) if a.parsed is not None and a.argv == tuple(words)), None)
    if act is None or act.parsed is None or not switches(act):
        return None
    parsed = act.parsed
    made = next((v for v in map(parsed.value_of, ("-b", "-B", "-c", "-C")) if v is not None), None)
    if parsed.path == ("git", "switch") and made is None and len(parsed.operands) == 1 and not parsed.has("--orphan"):
        made = parsed.operands[0]
    sure = parsed.path[1:] in (("checkout",), ("switch",)) and not any(parsed.has(n) for n in ("-d", "-p"))
    name = made.text if made is not None and sure else None
    if not name or name[0] in "-.@" or not name.isprintable() or not name.isascii() or set(name) & set(" ~^:?*[\\{"):
        return None
    return name, walk.switched, walk.state.folders
