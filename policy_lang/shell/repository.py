"""The repository that commands work in, as far as a script tells: where it is looked for, and whether its branch holds.

What git does to its own state is from git-checkout(1), git-switch(1), git-branch(1), git-rebase(1), git-bisect(1),
git-stash(1) and git-symbolic-ref(1).
"""

from __future__ import annotations

import re

from ..domain.regex import regex
from .acts import Act
from .profile import Parsed
from .values import literal
from .walk import Walk

PROGRAMS = frozenset({"git", "hub", "jj"})
"""Programs that obey the configuration of the repository around the folder they stand in."""
_CORE = regex(
    r"(?:/usr/lib/git-core/|/usr/libexec/git-core/|/usr/local/libexec/git-core/|/opt/homebrew/opt/git/libexec/git-core/"
    r"|/Library/Developer/CommandLineTools/usr/libexec/git-core/|(?:/usr)?(?:/local)?/bin/)?git-([a-z][a-z0-9-]*)",
    re.ASCII,
)
"""Sub-commands of git as programs of their own, where git is installed."""
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
_OWN_FILES = regex(r"(?:.*/)?\.git(?:/.*)?")


def place_of(parsed: Parsed, inside: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The folders around which a command looks for its repository, empty for one that obeys none.

    `inside` are those that it works in.
    """
    if len(parsed.path) < 2 or parsed.path[1] in _AROUND:
        return ()
    return parsed.repository or inside


def core_command(program: str) -> str | None:
    """The sub-command of git that a program is, such as `/usr/lib/git-core/git-push`."""
    match = _CORE.fullmatch(program)
    return match[1] if match else None


def elsewhere(walk: Walk) -> bool:
    """True when a variable that was set may make git work in another repository."""
    return any(
        a.action == "setenv" and (a.value.text is None or a.value.text.startswith(_VARIABLES)) for a in walk.acts
    )


def write_tree(walk: Walk, supposed: bool = False) -> None:
    """Record that what git has checked out is written: all of the working tree, wherever the command stands."""
    folders, walk.state.folders = walk.state.folders, (walk.context.root,)
    walk.act("write", literal("."), tree="tracked", supposed=supposed)
    walk.state.folders = folders


def branch_holds(walk: Walk) -> bool:
    """True when nothing before in the script may have changed the current branch."""
    return not any(_switches(act) for act in walk.acts)


def _switches(act: Act) -> bool:
    if act.opaque:
        return True
    if act.action != "run":
        text = act.value.text
        return act.action in {"write", "delete"} and text is not None and _OWN_FILES.fullmatch(text) is not None
    if act.parsed is None:
        return bool(act.note)  # a program without a profile: it may do anything
    if act.parsed.path[:2] == ("git", "checkout"):
        return not names_files(tuple(v.text for v in act.argv))
    switches = _SWITCHING.get(act.parsed.path[:3]) or _SWITCHING.get(act.parsed.path[:2])
    return switches is not None and switches(act.parsed)


def names_files(words: tuple[str | None, ...]) -> bool:
    """True when a `git checkout` has words behind `--`: those are files, and the branch stays."""
    return "--" in words[:-1]


def _always(_: Parsed) -> bool:
    return True


def _rebase(parsed: Parsed) -> bool:
    return len(parsed.operands) > 1 or any(o.many for o in parsed.operands)


def _branch(parsed: Parsed) -> bool:
    return parsed.has("-m") or parsed.has("-M")


def _symbolic(parsed: Parsed) -> bool:
    return parsed.has("-d") or len(parsed.operands) > 1 or any(o.many for o in parsed.operands)


def _stash(parsed: Parsed) -> bool:
    return any(o.text in {None, "branch"} for o in parsed.operands[:1])


_SWITCHING = {
    ("git", "switch"): _always, ("git", "rebase"): _rebase, ("git", "branch"): _branch,
    ("git", "symbolic-ref"): _symbolic, ("git", "stash"): _stash, ("git", "bisect"): _always,
    ("gh", "pr", "checkout"): _always, ("gh", "pr", "merge"): _always, ("gh", "pr", "close"): _always,
    ("gh", "issue", "develop"): _always, ("glab", "mr", "checkout"): _always, ("glab", "mr", "merge"): _always,
    ("hub", "checkout"): _always, ("hub", "pr"): _always, ("hub", "sync"): _always,
}  # fmt: skip
"""Commands that may leave the repository on another branch. `git merge`, `pull` and `commit` stay on theirs."""
