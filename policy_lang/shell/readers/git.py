"""git: what a push updates, which files a command writes, what its configuration would run.

From git-push(1), git-config(1), git-checkout(1), git-restore(1) and git-remote(1).
"""

from __future__ import annotations

import re

from ..access import path
from ..call import ProgramCall
from ..profile import Parsed
from ..reading import Opaque
from ..roles import role
from ..values import UNKNOWN_MANY, Hole, Value, joined, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost

_CURRENT = ("simple", "current")


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
    forced = parsed.has("--force") or parsed.has("--force-with-lease")
    kinds = ["push", "force-push"] if forced else ["push"]
    if parsed.has("--mirror"):
        for kind in ("push", "force-push", "delete-ref"):
            _update(shell, kind, where, ["refs/", Hole.BELOW])
        return True
    if parsed.has("--tags") or parsed.has("--follow-tags"):
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
    remotes = [name for name, _ in shell.walk.context.remotes]
    return ["origin"] if remotes == ["origin"] else [Hole.ANY]


def _default_ref(shell: ProgramHost) -> list[str | Hole]:
    if shell.walk.context.push_default in _CURRENT:
        return ["HEAD"]
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
        for kind in kinds:
            _update(
                shell,
                kind,
                where,
                [goal] if "*" not in goal else [goal.partition("*")[0].rpartition("/")[0] + "/", Hole.BELOW],
            )


def _update(shell: ProgramHost, action: str, where: list[str | Hole], ref: list[str | Hole]) -> None:
    if ref in (["HEAD"], ["@"]) and _switched(shell):
        ref = ["refs/heads/", Hole.BELOW]
    shell.walk.act(action, joined([*where, ":", *ref]))


def _switched(shell: ProgramHost) -> bool:
    """True when the script may have changed the current branch before."""
    moving = {"checkout", "switch", "rebase", "bisect", "worktree", "symbolic-ref", "branch", "pull"}
    return any(
        a.opaque or (a.argv and a.argv[0].text == "git" and moving & {v.text for v in a.argv[1:]})
        for a in shell.walk.acts
    )


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
            path(shell.walk, "read", literal(".git/config"))
        return True
    if len(operands) < 2 and not writes and not any(v.many for v in parsed.operands):
        return True
    if parsed.has("--global"):
        path(shell.walk, "write", literal("~/.gitconfig"))
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


def bisect(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`git bisect run command` runs it."""
    if parsed.operands and parsed.operands[0].text is None:
        raise Opaque("which sub-command of `git bisect` it is cannot be known")
    if parsed.operands and parsed.operands[0].text == "run" and len(parsed.operands) > 1:
        shell.run(parsed.operands[1:])
    return True


def submodule(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`add` fetches a URL into a folder and changes the configuration; others follow .gitmodules."""
    words = [v.text for v in parsed.operands]
    if words[:1] == ["add"] and len(parsed.operands) > 1:
        role(shell, parsed, "repository", parsed.operands[1], parsed.indexes[1])
        path(shell.walk, "write", parsed.operands[2] if len(parsed.operands) > 2 else Value((Hole.NAME,)), "own")
        path(shell.walk, "write", literal(".gitmodules"))
    elif words[:1] in (["foreach"], ["set-url"]) or None in words[:1]:
        raise Opaque("`git submodule` that runs commands or goes elsewhere")
    return True


def checkout(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Files after `--`, or operands that can only be files, are written."""
    words = call.argv
    marks = [i for i, v in enumerate(words) if v.text == "--"]
    if marks:
        for value in words[marks[0] + 1 :]:
            _worktree(shell, value)
        return True
    creates = any(parsed.has(n) for n in ("-b", "-B", "--orphan", "--detach", "-t"))
    if not creates:
        first = parsed.operands[:1]
        looks_like_path = [v for v in first if re.match(r"\.{1,2}(?:/|$)|/", v.starts())]
        for value in [*looks_like_path, *parsed.operands[1:]]:
            _worktree(shell, value)
    return True


def show(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Files that are printed: `REVISION:PATH` (gitrevisions(7)), `:PATH` of the index, and pathspecs behind `--`.

    A commit that is shown whole may hold any file's change; that is not seen.
    """
    words = call.argv
    mark = next((i for i, v in enumerate(words) if v.text == "--"), len(words))
    for value in words[mark + 1 :]:
        path(shell.walk, "read", value, "existing")
    behind = {id(v) for v in words[mark:]}
    for value in parsed.operands:
        start = value.starts()
        if id(value) in behind or ":" not in start or start.startswith((":/", ":!", ":^", ":(")):
            continue
        if value.text is None:
            path(shell.walk, "read", Value((Hole.ANY,), False, value.why))
            continue
        name = re.sub(r"\A(?::[0-3])?[^:]*:", "", value.text)
        if name:
            path(shell.walk, "read", literal(name))
    return False


def paths(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Operands are files of the working tree that are written, such as `git restore`."""
    if not (parsed.has("--staged") and not parsed.has("--worktree")):
        for value in parsed.operands:
            _worktree(shell, value)
    return True


def _worktree(shell: ProgramHost, value: Value) -> None:
    text = value.text
    if text is not None and text.startswith(":"):
        raise Opaque("a pathspec with magic")
    if text is not None and re.search(r"[*?\[]", text):  # git expands it itself
        path(shell.walk, "write", Value((Hole.ANY,), False, value.why))
        return
    path(shell.walk, "write", value, "existing")


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


def apply(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """A patch names the files that it changes: they are not seen here."""
    for value in parsed.operands:
        path(shell.walk, "read", value)
    text = call.stdin.text if call.stdin is not None and not parsed.operands else None
    if text is not None and not parsed.has("--directory") and not parsed.has("-p"):
        for file in patched(text, 1):
            path(shell.walk, "write", literal(file))
            path(shell.walk, "delete", literal(file))
        return True
    if parsed.has("--check") or parsed.has("--stat") or parsed.has("--numstat") or parsed.has("--cached"):
        return True
    path(shell.walk, "write", literal("."), "new")
    return True
