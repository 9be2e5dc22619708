"""Verdicts on what commands do to paths: to one that may be partly known, and to what lies below it."""

from __future__ import annotations

from ..automata.glob import Glob
from ..automata.pattern import ANY, MANY, Sequence, Word, segment_label
from ..domain.actions import DENY
from ..domain.decision import Verdict
from ..domain.request import Request
from ..facts.paths import ROOT, Roots, path_forms, roots_of
from ..facts.words import Names
from ..shell.acts import Act
from ..shell.values import NAMES, Hole, Value
from .combine import Environment
from .evaluator import Evaluator
from .labels import SOME, VISIBLE, UnknownResourceError, split_path

ORDINARY = "\ue000"
"""A name that no pattern speaks of: an ordinary file."""
_FOLDERS = 4
"""Folders of any depth in one partly known path, for which an ordinary one is tried."""
_UNTRACKED = frozenset({"untracked", "every"})
_OF_GIT = _UNTRACKED | {"tracked"}
_THERE = _UNTRACKED | {"existing", "indexed", "visible", "linked", "copied", "copied-linked"}
"""Trees of what lies below a folder already."""
_MAY_EXIST = frozenset(SOME | {Hole.BELOW})


def path_verdict(evaluator: Evaluator, act: Act, request: Request, env: Environment) -> Verdict:
    """The verdict on what a command does to a path, and to what lies below it."""
    if act.folders is None and not _absolute(act.value):
        raise UnknownResourceError("the working folder is not known here, so neither is the path")
    folders = act.folders if act.folders is not None else ("",)
    if len(folders) == 1 and not act.tree and len(act.value.parts) == 1 and isinstance(act.value.parts[0], str):
        table = evaluator.table(act.action)
        forms = path_forms(split_path(act.value, folders[0])[0], roots_of(request))
        return evaluator.strictest(evaluator.named(act.action, table, names, env) for names in forms)
    decision = _PathDecision(evaluator, act, request, env)
    return evaluator.strictest([v for folder in folders for v in decision.verdicts(folder)])


def _absolute(value: Value) -> bool:
    first = value.parts[0] if value.parts else ""
    return first in {Hole.HOME, Hole.TMP} or (isinstance(first, str) and first.startswith("/"))


class _PathDecision:
    """One act on a path: where the disk is known, on everything there that the act may mean."""

    __slots__ = ("act", "env", "evaluator", "looks", "request", "roots", "table")

    def __init__(self, evaluator: Evaluator, act: Act, request: Request, env: Environment) -> None:
        self.evaluator = evaluator
        self.act = act
        self.request = request
        self.env = env
        self.table = evaluator.table(act.action)
        self.roots: Roots = roots_of(request)
        workspace = request.workspace
        self.looks = workspace is not None and not request.lexical and self.roots.disk.is_folder(workspace)

    def verdicts(self, folder: str) -> list[Verdict]:
        """The verdicts on the act in one working folder."""
        known, rest = split_path(self.act.value, folder)
        if rest and self.act.names:
            return self._partly(known, [rest], rest)
        if rest and self.looks and self._exists():
            from .existing import Existing

            there = Existing(self.evaluator, self.act, self.request, self.env).matched(known, rest)
            tails = _ordinary(rest)
            if MANY in rest:  # a search that finds nothing names nothing
                return there or self._partly(known, [(ORDINARY,) * len(t) for t in tails])
            return there or self._partly(known, [_filled(t, self.act.action == "write") for t in tails])
        if rest:
            return self._partly(known, _ordinary(rest), rest)
        forms = path_forms(known, self.roots)
        if self.act.tree == "names":
            return [self._listing(names) for names in forms]
        if self.act.tree == "received":
            return self._members(forms, [(ANY,)])
        if self.act.tree.startswith("into"):
            return self._into(known, folder, forms)
        # git leaves the folder that it stands in; of a folder that is named it writes what is inside
        inside_only = self.act.tree in _OF_GIT and (
            self.act.value.text == "." or (self.act.tree == "tracked" and self.looks)
        )
        found = [] if inside_only else [self._named(names) for names in forms]
        if self.act.ways and self.looks and not self.request.confined:
            from .existing import Existing

            found += Existing(self.evaluator, self.act, self.request, self.env).swapped(known, folder)
        return [*found, *self._below(known, folder, forms)] if self.act.tree else found

    def _exists(self) -> bool:
        """True when only what is there matters: names come from the disk, or what is not there is not touched."""
        holes = {p for p in self.act.value.parts if isinstance(p, Hole)} - {Hole.HOME, Hole.TMP, Hole.CWD}
        return holes <= NAMES or (self.act.action != "write" and holes <= _MAY_EXIST)

    def _named(self, names: Names) -> Verdict:
        return self.evaluator.named(self.act.action, self.table, names, self.env)

    def _members(self, forms: tuple[Names, ...], tails: list[Sequence]) -> list[Verdict]:
        return [self._named(Names(n.definite, n.possible, tail)) for n in forms for tail in tails]

    def _partly(self, known: str, tails: list[Sequence], whole: Sequence = ()) -> list[Verdict]:
        """The verdicts where nobody looks: on ordinary names, or on every name that there could be."""
        forms = path_forms(known, self.roots)
        act = self.act
        if not self.request.lexical and not self.looks:
            return self._members(forms, [(*whole, MANY) if act.tree else whole])
        if act.tree in {"existing", "indexed", "visible", "linked", "own"} or (
            act.tree != "new" and act.tree and self.request.lexical
        ):
            tails = [(*t, *more) for t in tails for more in ((), (ORDINARY,), (ORDINARY, ORDINARY))]
        elif act.tree:
            tails = [(*t, MANY) for t in tails]
        found = self._members(forms, tails)
        if len(whole) > 1 and whole[0] is MANY:  # should it be no folder, then it is itself what is meant
            restricting = self.evaluator.restricting(self.env)
            found += [self.evaluator.named(act.action, self.table, n, restricting) for n in forms]
        return found

    def _into(self, known: str, folder: str, forms: tuple[Names, ...]) -> list[Verdict]:
        """The verdicts on what is put into a folder under the names that it has elsewhere."""
        assert self.act.like is not None
        source, rest = split_path(self.act.like, folder)
        if not rest:
            raise UnknownResourceError("what is copied is not known")
        if self.looks:
            from .existing import Existing

            there = Existing(self.evaluator, self.act, self.request, self.env).put(source, rest, known, forms)
            if there:
                return there
        tails = [t[-1:] for t in (_ordinary(rest) if self.looks or self.request.lexical else [rest])]
        return self._members(forms, [(*t, *more) for t in tails for more in ((), (ORDINARY,))])

    def _listing(self, folder: Names) -> Verdict:
        """The verdict on seeing the names in a folder: who may read it, or what lies in it, may see them."""
        verdict = self._named(folder)
        if verdict.effect != DENY or verdict.rules:
            return verdict
        evaluator = self.evaluator
        restricted = evaluator.named(self.act.action, self.table, folder, evaluator.restricting(self.env))
        return evaluator.strictest((restricted, self._named(_extended(folder, (ORDINARY,)))))

    def _below(self, known: str, folder: str, forms: tuple[Names, ...]) -> list[Verdict]:
        """The verdicts on what lies below a path, or is put there."""
        act = self.act
        if act.tree == "tracked" and not self.looks:
            return [self._named(_extended(n, tail)) for n in forms for tail in ((ORDINARY,), (ORDINARY, ORDINARY))]
        if act.tree == "own" or (self.request.lexical and act.tree in _THERE):
            deeper = [(ORDINARY,)] if act.supposed else [(ORDINARY,), (ORDINARY, ORDINARY)]
            found = [_extended(n, tail) for n in forms for tail in deeper]
            if act.action != "read" and not act.supposed and act.tree not in _UNTRACKED:
                found += [_extended(n, tail) for n in forms for tail in _repository(n, self.request.workspace)]
            return [self._named(n) for n in found]
        if self.looks and act.tree in _THERE | _OF_GIT:
            from .existing import Existing

            there = Existing(self.evaluator, act, self.request, self.env)
            if act.action == "delete" and act.tree == "existing" and there.is_link(known):
                return []  # it is the link that goes
            if act.tree == "tracked":
                return there.checked_out(known, forms, ORDINARY)
            found = [_extended(n, (ORDINARY,)) for n in forms] if act.tree in _UNTRACKED else []
            return [*there.below(known, folder, forms), *(self._named(n) for n in found)]
        return self._members(forms, [(MANY, ANY)])


def _ordinary(rest: Sequence) -> list[Sequence]:
    """What a partly known path may be where names are ordinary: folders of any depth, names of which nothing is known.

    Names of which something is known (`*.pem`, `.e*`) count for every name that there could be.
    """
    tails: list[Sequence] = [()]
    last = True
    for number, label in enumerate(reversed(rest)):
        if label is MANY and number < _FOLDERS:
            tails += [(ORDINARY, *t) for t in tails]
        elif label is ANY or (label == VISIBLE and last):
            tails = [(ORDINARY, *t) for t in tails]
        else:
            last = False
            if isinstance(label, Glob) and label.text.startswith("*"):  # an ordinary file is no hidden one
                label = segment_label(f"[!.]{label.text}")  # noqa: PLW2901
            tails = [(label, *t) for t in tails]
    return tails


def _filled(labels: Sequence, made: bool) -> Sequence:
    """Names that nothing has: a glob that matches nothing is a name itself, which may be `made`."""
    return tuple(((made and x.filled(ORDINARY)) or ORDINARY) if isinstance(x, Glob) else x for x in labels)


def _repository(names: Names, workspace: str | None) -> list[Word]:
    """Where a workspace at or below a folder has its `.git`: one file that is not an ordinary one."""
    inside = tuple(p for p in (workspace or "").split("/") if p)
    roots = [n[1:] for n in names.definite if n[0] == ROOT]
    return [(*inside[len(r) :], ".git", "config") for r in roots if workspace and inside[: len(r)] == r]


def _extended(names: Names, word: Word) -> Names:
    return Names(tuple((*n, *word) for n in names.definite), tuple((*n, *word) for n in names.possible))
