"""Ways by which git takes the working tree to other commits, as far as the words of a command tell.

From git-checkout(1), git-switch(1), git-merge(1), git-rebase(1), git-cherry-pick(1), git-reset(1) and git-stash(1).
What the ways change is found by `facts/git_moves.py`. `forced` says that files go back to what the commit has, whatever
they are now.
"""

from __future__ import annotations

from .profile import Parsed
from .values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .acts import Act

Way = tuple[str, str]
ANY: tuple[Way, ...] = (("any", ""),)
FORCED: Way = ("forced", "")
_ODD = frozenset(" :?*[\\\"'`$&|;<>(){}!#")
"""Characters that names of commits do not have, or by which they are looked for (`:/text`); braces stand behind `@`."""
_MOVING = frozenset({
    "fetch", "pull", "update-ref", "symbolic-ref", "remote", "bisect", "filter-branch", "replace", "reset", "worktree",
    "submodule", "svn", "p4", "notes", "config", "update-index", "apply",
})  # fmt: skip
_MOVING_HEAD = frozenset({"commit", "merge", "rebase", "cherry-pick", "revert", "checkout", "switch", "am", "stash"})
"""Commands after which a name, or the index, may stand for something else than before."""
_NAMING = {("git", "branch"), ("git", "tag")}
_FORCING = {
    "branch": ("-f", "-m", "-M", "-c", "-C", "-d", "-D"), "tag": ("-f", "-d"), "checkout": ("-B",), "switch": ("-C",),
}  # fmt: skip
"""Options with which a command moves a ref that was there, or takes it away."""


def to(acts: list[Act], parsed: Parsed, *names: Value | str) -> tuple[Way, ...]:
    """To each of the commits, as far as no command before has moved what their names mean."""
    texts = [n if isinstance(n, str) else n.text for n in names]
    if any(t is None or not _is_name(t) for t in texts) or not _as_now(acts, parsed, *(t or "" for t in texts)):
        return ANY
    forced = (FORCED,) if _has_committed(acts, parsed) else ()
    return (*(("to", t or "") for t in texts), *forced)


def new_tree(acts: list[Act], parsed: Parsed, *names: Value | str) -> tuple[Way, ...]:
    """A new working tree, as one of the commits has it; of several names some may be those of no commit."""
    if len(names) > 1 and any(a.parsed is not None and a.parsed.path[:2] in _NAMING for a in acts):
        return ANY
    ways = to(acts, parsed, *names)
    return ways if ways[0] == ANY[0] else tuple(("as", about) for word, about in ways if word == "to")


def back(acts: list[Act], parsed: Parsed) -> tuple[Way, ...]:
    """Back to what the index or the commit has, as far as no command before has changed that."""
    return (FORCED,) if _as_now(acts, parsed, "HEAD") else ANY


def pick(acts: list[Act], parsed: Parsed) -> tuple[Way, ...]:
    """The changes of commits: `cherry-pick` and `revert`."""
    texts = [o.text for o in parsed.operands]
    if any(t is None or not _is_range(t) for t in texts) or not _as_now(acts, parsed, *(t or "" for t in texts)):
        return ANY
    return tuple(("pick", t or "") for t in texts)


def merge(acts: list[Act], parsed: Parsed) -> tuple[Way, ...]:
    """To the commits that are merged; what ends a merge takes back, or commits, what is there."""
    if parsed.has("--abort"):
        return back(acts, parsed)
    if parsed.has("--continue"):
        return ()
    return to(acts, parsed, *parsed.operands) if parsed.operands else ANY


def rebase(acts: list[Act], parsed: Parsed) -> tuple[Way, ...]:
    """Onto a commit, and the changes of each commit that is replayed there."""
    if any(parsed.has(n) for n in ("--continue", "--skip", "--abort")):
        return (("rebasing", ""),)
    base, tip = (*(o.text for o in parsed.operands), None, None)[:2]
    tip = "HEAD" if len(parsed.operands) == 1 else tip
    given = parsed.value_of("--onto")
    onto = base if given is None else given.text
    names = [onto, base, tip]
    if len(parsed.operands) > 2 or parsed.has("--root") or parsed.has("-i"):
        return ANY
    if any(n is None or not _is_name(n) for n in names) or not _as_now(acts, parsed, *(n or "" for n in names)):
        return ANY
    forced = (FORCED,) if _has_committed(acts, parsed) else ()
    return (("replay", " ".join(n or "" for n in names)), *forced)


def picked(acts: list[Act], parsed: Parsed) -> tuple[Way, ...]:
    """What `cherry-pick` and `revert` change, also where one is under way."""
    if parsed.has("--abort"):
        return (("picking", ""), *back(acts, parsed))
    if parsed.has("--continue") or parsed.has("--skip"):
        return (("picking", ""),)
    return pick(acts, parsed)


def stash(acts: list[Act], parsed: Parsed, word: str, entry: Value | None) -> tuple[Way, ...]:
    """Back to the commit, or what was put away."""
    if word not in {"pop", "apply", "branch"}:
        return (FORCED,) if _as_now(acts, parsed) else ANY
    text = "stash@{0}" if entry is None else entry.text
    if text is not None and text.isdigit():
        text = f"stash@{{{text}}}"
    if text is None or not _is_name(text) or not _as_now(acts, parsed, text):
        return ANY
    ways: tuple[Way, ...] = (("stash", text),)
    return (*ways, ("to", f"{text}^")) if word == "branch" else ways


def _is_name(text: str) -> bool:
    plain = text.replace("@{", "").replace("}", "")
    return bool(text) and text.isprintable() and _ODD.isdisjoint(plain) and ".." not in text


def _is_range(text: str) -> bool:
    base, dots, tip = text.partition("..")
    return _is_name(text) if not dots else _is_name(base) and _is_name(tip) and not tip.startswith(".")


def _as_now(acts: list[Act], parsed: Parsed, *names: str) -> bool:
    """Whether no command before this one in the script may have moved what the names stand for."""
    relative = any(n.startswith(("HEAD", "@", "-")) or "@{" in n for n in names)
    for act in acts:
        if act.action in {"push", "force-push", "delete-ref"} and not act.supposed:
            if act.value.starts().startswith(".") or act.value.text is None:
                return False
        elif act.parsed is not None and act.parsed is not parsed:
            program, word = (*act.parsed.path, "")[:2]
            if program in {"gh", "glab", "hub", "jj"} or (program == "git" and _moves(act.parsed, word)):
                return False
            if relative and program == "git" and word in _MOVING_HEAD - {"stash"}:
                return False
    return True


def _moves(parsed: Parsed, word: str) -> bool:
    return word in _MOVING or any(parsed.has(n) for n in _FORCING.get(word, ()))


def _has_committed(acts: list[Act], parsed: Parsed) -> bool:
    """Whether a command before may have committed what was changed: then files are no longer as the commit had them."""
    others = (a.parsed.path for a in acts if a.parsed is not None and a.parsed is not parsed)
    return any(path[:2] in {("git", "commit"), ("git", "add")} for path in others)
