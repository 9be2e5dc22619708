"""git: which refs a command updates, and what changes its configuration.

From git-push(1), git-fetch(1), git-branch(1), git-config(1) and git-remote(1). The repository itself is the remote `.`,
as it is to git.
"""

from __future__ import annotations

import re

from ...facts.refs import DEFAULT_REMOTE
from ..access import path
from ..call import ProgramCall
from ..dialect import SH
from ..profile import Parsed
from ..reading import Opaque
from ..repository import current_branch, write_tree
from ..roles import role
from ..state import ShellState
from ..values import UNKNOWN_MANY, Hole, Value, joined, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost

_CURRENT = ("", "simple", "current")
"""Values of `push.default` with which the current branch is pushed to its own name; the first is for git's default."""
_FOLLOWS_TAGS = "follow-tags"
"""What a hook says in its place where `push.followTags` is set: annotated tags go along with every push."""
_HERE: list[str | Hole] = ["."]


def push(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Every ref that a push may update, from every form of refspec."""
    operands = list(parsed.operands)
    given = parsed.value_of("--repo")
    remote = operands.pop(0) if operands else given
    if remote is not None and remote.many:
        remote, operands = Value((Hole.ANY,)), [UNKNOWN_MANY]
    if remote is not None:
        role(shell, parsed, "repository", remote, 0)
    where: list[str | Hole] = list(remote.parts) if remote is not None else _default_remote(shell)
    kinds = ["push", "force-push"] if parsed.has("--force") else ["push"]  # a lease overwrites nothing unseen
    if parsed.has("--mirror"):
        for kind in ("push", "force-push", "delete-ref"):
            _update(shell, kind, where, ["refs/", Hole.BELOW])
        return True
    follows = shell.walk.context.push_default == _FOLLOWS_TAGS and not parsed.has("--no-follow-tags")
    if parsed.has("--tags") or parsed.has("--follow-tags") or follows:
        for kind in kinds:
            _update(shell, kind, where, ["refs/tags/", Hole.BELOW])
    if parsed.has("--all"):
        for kind in kinds:
            _update(shell, kind, where, ["refs/heads/", Hole.BELOW])
    if parsed.has("--prune"):
        _update(shell, "delete-ref", where, ["refs/heads/", Hole.BELOW])
    deleting = parsed.has("--delete")
    if not operands and not (parsed.has("--all") or parsed.has("--tags")):
        for kind in kinds:
            _update(shell, kind, where, _default_ref(shell))
    while operands:
        spec = operands.pop(0)
        if spec.text == "tag" and operands:
            for kind in ["delete-ref"] if deleting else kinds:
                _update(shell, kind, where, ["refs/tags/", *operands[0].parts])
            operands.pop(0)
            continue
        _refspec(shell, spec, where, kinds, deleting)
    return True


def _default_remote(shell: ProgramHost) -> list[str | Hole]:
    """Where a push goes that names no remote."""
    context = shell.walk.context
    if context.push_remote and not shell.walk.switched:
        return [context.push_remote]
    names = [name for name, _ in context.remotes]
    if len(names) == 1:
        return [names[0]]
    return [Hole.ANY] if names or context.branch is None else [DEFAULT_REMOTE]


def _default_ref(shell: ProgramHost) -> list[str | Hole]:
    """What a push updates that names no ref (`push.default` of git-config(1))."""
    context = shell.walk.context
    if context.push_default in _CURRENT:
        return ["HEAD"]
    if context.push_default in {"upstream", "tracking"} and context.upstream:
        return [context.upstream] if not shell.walk.switched else ["refs/", Hole.BELOW]
    return ["refs/", Hole.BELOW]


def _refspec(shell: ProgramHost, spec: Value, where: list[str | Hole], kinds: list[str], deleting: bool) -> None:
    text = spec.text
    if text is None:
        start = spec.starts()
        if start.startswith("+") or not start or spec.many:
            for kind in ("push", "force-push", "delete-ref"):
                _update(shell, kind, where, ["refs/", Hole.BELOW])
            return
        source, colon, target = start.partition(":")
        rest = [target if colon else source, *spec.parts[1:]]
        if not colon:  # the unknown part may hold a colon
            rest = ["refs/", Hole.BELOW]
        for kind in kinds:
            _update(shell, kind, where, rest)
        return
    if text.startswith("+"):
        kinds, text = ["push", "force-push"], text[1:]
    source, colon, target = text.partition(":")
    if deleting:
        _update(shell, "delete-ref", where, [source])
    elif colon and not source and target:
        _update(shell, "delete-ref", where, [target])
    elif text == ":":
        for kind in kinds:
            _update(shell, kind, where, ["refs/heads/", Hole.BELOW])
    else:
        goal = target if colon else source
        if not colon and source.startswith("refs/remotes/"):
            goal = source
        ref: list[str | Hole] = (
            [goal] if "*" not in goal else [goal.partition("*")[0].rpartition("/")[0] + "/", Hole.BELOW]
        )
        for kind in kinds:
            _update(shell, kind, where, ref)
            if not goal.startswith("refs/") and _may_be_tag(shell, source):
                shell.walk.act(kind, joined([*where, ":refs/tags/", *ref]), supposed=True)


_SEPARATORS = str.maketrans("_/@", "---")


def _may_be_tag(shell: ProgramHost, name: str) -> bool:
    """Whether a short name may be a tag's, which is then pushed as one: made here, or named like a version."""
    if name in {"HEAD", "@", current_branch(shell.walk)} or name.startswith("refs/"):
        return False
    return not shell.walk.tags.isdisjoint({name, None}) or _versioned(name)


def _versioned(name: str) -> bool:
    """Whether some part of a name is a version, as in `v1.2` or `web-1.2.3-rc1`."""
    parts = (part.removeprefix("v").partition(".") for part in name.translate(_SEPARATORS).split("-"))
    return any(number.isdigit() and rest[:1].isdigit() for number, _, rest in parts)


def _update(shell: ProgramHost, action: str, where: list[str | Hole], ref: list[str | Hole]) -> None:
    if ref in (["HEAD"], ["@"]):
        branch = current_branch(shell.walk)
        ref = ["refs/heads/", Hole.BELOW] if branch is None else [branch]
    shell.walk.act(action, joined([*where, ":", *ref]))


def fetch(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Local refs behind a `:` are updated. What comes from a place that nobody configured may hold any file."""
    operands = parsed.operands
    if not operands or parsed.has("--multiple"):
        return False
    place = operands[0].text
    for spec in operands[1:]:
        _, colon, target = spec.starts().removeprefix("+").partition(":")
        if spec.text is None:
            if not colon or not target.startswith("refs/remotes/"):
                _update(shell, "push", _HERE, ["refs/heads/", Hole.BELOW])
        elif target and not target.startswith("refs/remotes/"):
            _update(shell, "push", _HERE, [target] if "*" not in target else ["refs/heads/", Hole.BELOW])
    if place is None or ("/" in place or ":" in place or place in {".", ".."}):
        known = {url for _, url in shell.walk.context.remotes}
        if place not in known and place != ".":
            role(shell, parsed, "write-tree", literal("."), 0)
    return False


def branch(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """A branch that is moved, renamed over or deleted with what it alone holds is an update of a ref of this repository."""
    forced = parsed.has("-f")
    if parsed.has("-D") or (parsed.has("-d") and forced):
        for value in parsed.operands:
            _local(shell, "delete-ref", value)
        return True
    if parsed.has("-M") or parsed.has("-C") or ((parsed.has("-m") or parsed.has("-c")) and forced):
        for value in parsed.operands[-1:]:
            _local(shell, "push", value)
    elif forced and not parsed.has("-d"):
        for value in parsed.operands[:1]:
            _local(shell, "push", value)
    return True


def _local(shell: ProgramHost, action: str, value: Value) -> None:
    """A branch of this repository, which is no longer what it was."""
    if value.text is None:
        _update(shell, action, _HERE, ["refs/heads/", Hole.BELOW])
    elif value.text not in {"", "-"}:
        _update(shell, action, _HERE, [f"refs/heads/{value.text}"])


def moved_branch(shell: ProgramHost, parsed: Parsed, option: str) -> None:
    """The branch that an option such as `-B` makes anew where there is one already."""
    name = parsed.value_of(option)
    if name is not None:
        _local(shell, "push", name)


def tag(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """A tag that is moved or deleted; one that is made may be pushed by its short name."""
    if not parsed.has("-l") and not parsed.has("-d"):
        shell.walk.tags.update(value.text for value in parsed.operands[:1])
    if parsed.has("-f") or parsed.has("-d"):
        for value in parsed.operands if parsed.has("-d") else parsed.operands[:1]:
            ref: list[str | Hole] = ["refs/tags/", Hole.BELOW] if value.text is None else [f"refs/tags/{value.text}"]
            _update(shell, "delete-ref" if parsed.has("-d") else "push", _HERE, ref)
    return True


_HOME_CONFIG = Value((Hole.HOME, "/.gitconfig"))


def config(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Writing configuration is writing its file; reading it is not."""
    reads = any(
        parsed.has(n)
        for n in ("--get", "--list", "--get-all", "--get-regexp", "--get-urlmatch", "--get-color", "--get-colorbool")
    )
    operands = [v.text for v in parsed.operands]
    writes = any(
        parsed.has(n)
        for n in ("--add", "--unset", "--unset-all", "--replace-all", "--rename-section", "--remove-section", "--edit")
    )
    if operands[:1] in (["get"], ["list"]) or reads:
        if not parsed.has("--get") and operands[:1] != ["get"]:
            path(shell.walk, "read", _HOME_CONFIG if parsed.has("--global") else literal(".git/config"))
        return True
    if len(operands) < 2 and not writes and not any(v.many for v in parsed.operands):
        return True
    if parsed.has("--global"):
        path(shell.walk, "write", _HOME_CONFIG)
        shell.walk.act(
            "write", Value((Hole.HOME, "/.config/git/config")), supposed=True
        )  # where the other is not there
    elif parsed.has("--system"):
        path(shell.walk, "write", literal("/etc/gitconfig"))
    elif parsed.has("--file"):
        path(shell.walk, "write", parsed.value_of("--file") or Value((Hole.ANY,)))
    else:
        path(shell.walk, "write", literal(".git/config"))
    return True


def remote(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Changing remotes writes the configuration; looking does not."""
    words = [v.text for v in parsed.operands]
    if words[:1] in ([], ["show"], ["get-url"]) or words == ["-v"]:
        return True
    if words[0] in {"update", "prune"}:
        return True
    path(shell.walk, "write", literal(".git/config"))
    return True


def update_ref(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """A ref by its full name is moved or deleted (git-update-ref(1))."""
    if parsed.has("--stdin") or not parsed.operands:
        raise Opaque("which refs it changes is not known")
    name = parsed.operands[0]
    ref: list[str | Hole] = ["refs/", Hole.BELOW] if name.text is None or "/" not in name.text else [name.text]
    _update(shell, "delete-ref" if parsed.has("-d") else "push", _HERE, ref)
    return True


def filter_branch(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Every branch may be written anew, and what is checked out (git-filter-branch(1)); its filters are scripts."""
    _update(shell, "push", _HERE, ["refs/", Hole.BELOW])
    write_tree(shell.walk)
    return True


def hub(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Handed to git is what is none of hub's own commands (hub(1))."""
    shell.run([literal("git"), *parsed.operands])
    return True


def host_release(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """A release of a code host makes its tag, where there is none; deleting may take the tag along."""
    word, name = (*parsed.operands, None, None)[:2]
    if word is None or word.text not in {"create", "new", "delete"}:
        return False
    ref: list[str | Hole] = [f"refs/tags/{name.text}"] if name is not None and name.text else ["refs/tags/", Hole.BELOW]
    if word.text != "delete":
        _update(shell, "push", [DEFAULT_REMOTE], ref)
    elif parsed.has("--cleanup-tag") or parsed.has("--with-tag"):
        _update(shell, "delete-ref", [DEFAULT_REMOTE], ref)
    return False


def host_repository(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Synchronising moves branches, here or there; a deleted repository takes all of its refs along."""
    word = parsed.operands[0].text if parsed.operands else ""
    if word in {"sync", "mirror"}:
        _update(shell, "push", [Hole.ANY], ["refs/heads/", Hole.BELOW])
    elif word in {"delete", "transfer", "archive"}:
        _update(shell, "delete-ref", [Hole.ANY], ["refs/", Hole.BELOW])
    return True


def jj_push(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """The bookmarks that are named, else any; a bookmark that was deleted is deleted there (`jj git push --help`)."""
    remote = parsed.value_of("--remote")
    where: list[str | Hole] = list(remote.parts) if remote is not None else _default_remote(shell)
    names = [g.value for g in parsed.options if "-b" in g.option.names and g.value is not None]
    plain = [n.text.removeprefix("exact:") for n in names if n.text is not None]
    if len(plain) == len(names) and names and not any(set(p) & set('*?[:"') for p in plain):
        for name in plain:
            _update(shell, "push", where, [f"refs/heads/{name}"])
    else:
        _update(shell, "push", where, ["refs/heads/", Hole.BELOW])
    others = ("--all", "--tracked", "-r", "-c", "--named")
    if names and any(parsed.has(n) for n in others):
        _update(shell, "push", where, ["refs/heads/", Hole.BELOW])
    if parsed.has("--deleted") or not names:
        _update(shell, "delete-ref", where, ["refs/heads/", Hole.BELOW])
    return True


def jj_bookmark(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """A bookmark that is moved or deleted is a branch of this repository."""
    word, *names = parsed.operands or [literal("list")]
    action = {"set": "push", "s": "push", "move": "push", "m": "push", "delete": "delete-ref", "d": "delete-ref"}.get(
        word.text or ""
    )
    for value in names if action is not None else ():
        _local(shell, action or "", value)
    return True


def submodule(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`add` fetches a URL into a folder and changes the configuration; others follow .gitmodules."""
    words = [v.text for v in parsed.operands]
    if words[:1] == ["add"] and len(parsed.operands) > 1:
        role(shell, parsed, "repository", parsed.operands[1], parsed.indexes[1])
        path(shell.walk, "write", parsed.operands[2] if len(parsed.operands) > 2 else Value((Hole.NAME,)), "own")
        path(shell.walk, "write", literal(".gitmodules"))
    elif words[:1] == ["update"]:
        write_tree(shell.walk)
    elif words[:1] == ["foreach"] and None not in words:
        shell.nested(" ".join(w for w in words[1:] if w is not None), SH, ShellState({}, {}, None))
    elif words[:1] in (["foreach"], ["set-url"]) or None in words[:1]:
        raise Opaque("`git submodule` that runs commands or goes elsewhere")
    return True


def patched(text: str, strip: int) -> list[str]:
    """The files that a patch names, without their first `strip` folders. Raises Opaque when that cannot be told."""
    found: dict[str, None] = {}
    for line in text.split("\n"):
        match = re.match(r"(?:---|\+\+\+|\*\*\*|Index:|rename (?:from|to)|copy (?:from|to)) (.*)|diff --git (.*)", line)
        if match is None:
            continue
        if '"' in line:
            raise Opaque("a patch with quoted names")
        if match[2] is not None:
            continue  # the names stand again below, or nothing is changed but a mode
        name = match[1].split("\t")[0].rstrip()
        if name != "/dev/null":
            parts = name.split("/")
            if line.startswith(("rename", "copy")):
                found[name] = None
            elif len(parts) <= strip:
                raise Opaque("a patch whose files cannot be told")
            else:
                found["/".join(parts[strip:])] = None
    if not found:
        raise Opaque("a patch whose files cannot be told")
    return list(found)
