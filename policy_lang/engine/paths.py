"""Verdicts on what commands do to paths: to one that may be partly known, and to what lies below it."""

from __future__ import annotations

import os

from ..automata.glob import Glob
from ..automata.pattern import ANY, MANY, Label, Sequence, Word, segment_label
from ..domain.actions import DENY
from ..domain.decision import Verdict
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..domain.regex import regex
from ..domain.request import Request
from ..facts.paths import ROOT, path_forms, roots_of
from ..facts.words import Names
from ..shell.acts import Act
from ..shell.values import Hole, Value
from .combine import Environment
from .evaluator import Evaluator
from .labels import UnknownResourceError, split_path

ORDINARY = "\ue000"
"""A name that no pattern speaks of: an ordinary file."""
_MOST_FILES = limit("tree_files")
_UNTRACKED = frozenset({"untracked", "every"})
_THERE = _UNTRACKED | {"existing", "copied"}
"""Trees of what lies below a folder already."""
_OF_GIT = _UNTRACKED | {"tracked"}
_WILD = regex(r"[*?]+")


def path_verdict(evaluator: Evaluator, act: Act, request: Request, env: Environment) -> Verdict:
    """The verdict on what a command does to a path, and to what lies below it."""
    table = evaluator.table(act.action)
    if act.folders is None and not _absolute(act.value):
        raise UnknownResourceError("the working folder is not known here, so neither is the path")
    inside_only = act.tree in _OF_GIT and act.value.text == "."  # git leaves the folder that it stands in
    verdicts: list[Verdict] = []
    for folder in act.folders if act.folders is not None else ("",):
        known, rest = split_path(act.value, folder)
        forms = path_forms(known, roots_of(request))
        for names in forms if not inside_only else ():
            verdicts.append(evaluator.named(act.action, table, Names(names.definite, names.possible, rest), env))
        if act.tree:
            verdicts.append(_below(evaluator, act, known, rest, forms, request, env))
    return evaluator.strictest(verdicts)


def _absolute(value: Value) -> bool:
    first = value.parts[0] if value.parts else ""
    return first in {Hole.HOME, Hole.TMP} or (isinstance(first, str) and first.startswith("/"))


def _below(
    evaluator: Evaluator,
    act: Act,
    known: str,
    rest: Sequence,
    forms: tuple[Names, ...],
    request: Request,
    env: Environment,
) -> Verdict:
    """What lies below a path, or is put there."""
    table = evaluator.table(act.action)
    looks = (
        request.workspace is not None and roots_of(request).disk.is_folder(request.workspace) and not request.lexical
    )
    wanted = _filters(act.names)
    if act.tree == "tracked" and not rest:
        return _checked_out(evaluator, act, known, forms, request, env, looks)
    if act.tree == "own" or (request.lexical and act.tree in _THERE):
        last = _ordinary(act.names)
        if not rest:
            deeper = [()] if act.supposed else [(), (ORDINARY,)]
            found = [_extended(n, (*inside, name)) for n in forms for name in last for inside in deeper]
            if act.action != "read" and not act.names and act.tree not in _UNTRACKED:
                found += [_extended(n, tail) for n in forms for tail in _repository(n, request.workspace)]
            return evaluator.strictest(evaluator.named(act.action, table, n, env) for n in found)
        tails: list[Sequence] = [t for name in last for t in ((*rest, name), (*rest, ORDINARY, name))]
    elif looks and act.tree in _THERE and not rest:
        return _on_disk(evaluator, act, known, forms, request, env)
    else:
        tails = [(*rest, MANY, name) for name in wanted or [ANY]]
    verdicts = [
        evaluator.members(act.action, table, env, (tail,), names.definite, bool(names.possible))
        for names in forms
        for tail in tails
    ]
    return evaluator.strictest(verdicts)


def _repository(names: Names, workspace: str | None) -> list[Word]:
    """Where a workspace at or below a folder has its `.git`: one file that is not an ordinary one."""
    inside = tuple(p for p in (workspace or "").split("/") if p)
    roots = [n[1:] for n in names.definite if n[0] == ROOT]
    return [(*inside[len(r) :], ".git", "config") for r in roots if workspace and inside[: len(r)] == r]


def _ordinary(names: str) -> list[str]:
    """An ordinary file's name for each glob of a filter."""
    return [_WILD.sub(ORDINARY, name) for name in names.split("|")] if names else [ORDINARY]


def _filters(names: str) -> list[Label]:
    return [segment_label(name) for name in names.split("|")] if names else []


def _on_disk(
    evaluator: Evaluator, act: Act, known: str, forms: tuple[Names, ...], request: Request, env: Environment
) -> Verdict:
    """The verdict on everything that exists below a folder, file by file."""
    table = evaluator.table(act.action)
    where = known
    if act.like is not None:
        text = act.like.text
        if text is None:
            raise UnknownResourceError("what is copied is not known")
        where = split_path(act.like, (act.folders or ("",))[0])[0]
    disk = roots_of(request).disk
    root = disk.real(_placed(where, request))
    wanted = _filters(act.names)
    verdicts: dict[Verdict, None] = {}
    every = act.tree == "every"
    found_below = disk.untracked(root, every) if act.tree in _UNTRACKED else disk.below(root, act.visible)
    for count, (word, location, is_link) in enumerate(found_below, 1):
        if count > _MOST_FILES:
            raise SearchLimitError(f"more than {_MOST_FILES} files lie below; name a smaller folder")
        if wanted and not any(_carries(label, word[-1]) for label in wanted):
            continue
        if is_link and act.action == "read":
            found = [evaluator.named(act.action, table, n, env) for n in path_forms(location, roots_of(request))]
        else:
            found = [evaluator.named(act.action, table, _extended(n, word), env) for n in forms]
        for verdict in found:
            if verdict.effect == DENY:
                why = f"it reaches `{'/'.join((known.rstrip('/'), *word))}`"
                return Verdict(DENY, (), verdict.rules, (*verdict.reasons, why))
            verdicts[verdict] = None
    for names in forms:
        inside = [_extended(names, (name,)) for name in _ordinary(act.names)] if act.tree in _UNTRACKED else [names]
        verdicts.update(dict.fromkeys(evaluator.named(act.action, table, n, env) for n in inside))
    return evaluator.strictest(verdicts)


def _checked_out(
    evaluator: Evaluator,
    act: Act,
    known: str,
    forms: tuple[Names, ...],
    request: Request,
    env: Environment,
    looks: bool,
) -> Verdict:
    """The verdict on what git has checked out below a folder: an ordinary file in each visible folder that is there.

    Which of the files change hangs on commits. So rules about folders hold, and those about single names and hidden
    folders do not: what a commit holds was written through these rules, or came from a remote that people configured.
    """
    table = evaluator.table(act.action)
    disk = roots_of(request).disk
    root = disk.real(_placed(known, request)) if looks else ""
    words: dict[Word, None] = {(ORDINARY,): None, (ORDINARY, ORDINARY): None}
    if looks and not disk.is_folder(root):
        words = {(): None}
    elif looks:
        for count, (word, _, is_link) in enumerate(disk.below(root, True), 1):
            if count > _MOST_FILES:
                raise SearchLimitError(f"more than {_MOST_FILES} files lie below; name a smaller folder")
            if not is_link and len(word) > 1:
                words[(*word[:-1], ORDINARY)] = None
    found = (evaluator.named(act.action, table, _extended(n, word), env) for n in forms for word in words)
    return evaluator.strictest(found)


def _carries(label: Label, name: str) -> bool:
    return name == label if isinstance(label, str) else not isinstance(label, Glob) or label.matches(name)


def _extended(names: Names, word: Word) -> Names:
    return Names(tuple((*n, *word) for n in names.definite), tuple((*n, *word) for n in names.possible))


def _placed(text: str, request: Request) -> str:
    base = request.cwd or request.workspace or "/"
    if text == "~" or text.startswith("~/"):
        if request.home is None:
            raise UnknownResourceError("`~` is the home folder, which the request does not give")
        text = request.home + text[1:]
    elif text.startswith("${tmp}"):
        text = (request.tmp or "/tmp") + text[6:]  # noqa: S108 (the documented default)
    return os.path.join(base, text)
