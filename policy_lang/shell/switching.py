"""Commands that may leave a repository on another branch.

From git-checkout(1), git-switch(1), git-branch(1), git-rebase(1), git-bisect(1), git-stash(1) and git-symbolic-ref(1).
"""

from __future__ import annotations

from .acts import Act
from .profile import Parsed


def switches(act: Act) -> bool:
    """True when an act may leave the repository on another branch."""
    if act.opaque:
        return True
    if act.action != "run":
        return act.action in {"write", "delete"} and "/.git/" in f"/{act.value.text or ''}/"
    if act.parsed is None:
        return bool(act.note)  # a program without a profile: it may do anything
    if act.parsed.path[:2] == ("git", "checkout"):
        return not names_files(tuple(v.text for v in act.argv))
    found = _SWITCHING.get(act.parsed.path[:3]) or _SWITCHING.get(act.parsed.path[:2])
    return found is not None and found(act.parsed)


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
