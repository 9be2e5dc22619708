"""Verdicts on what is on the disk: the files that a glob or a search names, and those below a folder."""

from __future__ import annotations

import os

from ..automata.glob import Glob
from ..automata.pattern import MANY, Label, Sequence, Word
from ..domain.actions import DENY
from ..domain.decision import Verdict
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..domain.request import Request
from ..domain.search import ORDINARY_SEARCH
from ..facts.paths import path_forms, place_of, roots_of
from ..facts.words import Names
from ..shell.acts import Act
from ..shell.names import is_broken, is_odd
from .combine import Environment
from .evaluator import Evaluator
from .labels import UnknownResourceError, split_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..facts.disk import Found

Match = tuple[Word, str, bool]
"""Something that matches: its segments from where it was looked for, its place, and whether links lead there."""
_MOST_FILES = limit("tree_files")
REACHES = "it reaches `"
"""What comes before the file that a denial is about."""


class Existing:
    """What one act does to files that exist, each decided by itself. It ends at the first that is denied."""

    __slots__ = ("_count", "_entered", "act", "disk", "env", "evaluator", "request", "roots", "table")

    def __init__(self, evaluator: Evaluator, act: Act, request: Request, env: Environment) -> None:
        self.evaluator = evaluator
        self.act = act
        self.request = request
        self.env = env
        self.table = evaluator.table(act.action)
        self.roots = roots_of(request)
        self.disk = self.roots.disk
        self._count = 0
        self._entered: set[str] = set()

    def matched(self, known: str, rest: Sequence) -> list[Verdict]:
        """The verdicts on what matches a partly known path; none when nothing does."""
        act = self.act
        forms = path_forms(known, self.roots)
        verdicts: dict[Verdict, None] = {}
        last = act.value.parts[-1]
        entered = isinstance(last, str) and last.endswith("/")
        for word, place, linked in self._matches(self._place(known), rest):
            text = _joined(known, word)
            if not linked:
                found = tuple(_extended(n, word) for n in forms)
            elif act.action == "delete" and not entered:  # a link is deleted, not what it leads to
                found = tuple(_extended(n, word[-1:]) for n in path_forms(_joined(known, word[:-1]), self.roots))
            else:
                found = path_forms(text, self.roots)
            made = [self._named(n) for n in found]
            if act.tree and (act.action == "read" or not linked):
                made += self._tree(text, place, found)
            if self._denies(made, text, verdicts):
                return list(verdicts)
        return list(verdicts)

    def put(self, source: str, rest: Sequence, known: str, forms: tuple[Names, ...]) -> list[Verdict]:
        """The verdicts on what matches elsewhere and is put into a folder; none when nothing does."""
        verdicts: dict[Verdict, None] = {}
        for word, place, _ in self._matches(self._place(source), rest):
            name = word[-1:] or (source.rstrip("/").rpartition("/")[2],)
            text = _joined(known, name)
            found = tuple(_extended(n, name) for n in forms)
            made = [self._named(n) for n in found]
            if self.act.tree == "into-tree":
                made += self._tree(text, place, found)
            if self._denies(made, text, verdicts):
                break
        return list(verdicts)

    def is_link(self, known: str) -> bool:
        """True for the path of a link itself, which is none when a slash or a dot at its end enters the folder."""
        head, slash, name = known.rpartition("/")
        if name in {"", ".", "..", "~"}:
            return False
        return self.disk.link(os.path.join(self._place((head or "/") if slash else "."), name)) is not None

    def below(self, known: str, folder: str, forms: tuple[Names, ...]) -> list[Verdict]:
        """The verdicts on what lies below a folder, or will when something is copied there."""
        like = self.act.like
        if like is None:
            return self._tree(known, self._place(known), forms)
        source, rest = split_path(like, folder)
        if rest:
            raise UnknownResourceError("what is copied is not known")
        return self._tree(known, self._place(source), forms)

    def finds_unusual(self, folder: str) -> bool:
        """Whether something that matches is what the act asks for: a folder, a name that is split or broken."""
        known, rest = split_path(self.act.value, folder)
        found = self._matches(self._place(known), rest) if rest else ()
        if self.act.names == "dashed":
            return any(word[:1] and word[0].startswith("-") for word, _, _ in found)  # `**` is the folder itself, too
        if self.act.names == "folder":
            return any(self.disk.is_folder(place) for _, place, _ in found)
        unusual = is_odd if self.act.names == "odd" else is_broken
        return any(unusual("/".join(word)) for word, _, _ in found)

    def checked_out(self, known: str, forms: tuple[Names, ...], ordinary: str) -> list[Verdict]:
        """The verdicts on what git has checked out below a folder: an `ordinary` file in each visible folder there.

        Which of the files change hangs on commits. So rules about folders hold, and those about single names and hidden
        folders do not: what a commit holds was written through these rules, or came from a remote that people chose.
        """
        root = self._place(known)
        words: dict[Word, None] = {(ordinary,): None, (ordinary, ordinary): None}
        if not self.disk.is_folder(root):  # a file, or a folder that is to come back
            restricting = self.evaluator.restricting(self.env)
            action, table = self.act.action, self.evaluator.table(self.act.action)
            come_back = [
                self.evaluator.named(action, table, _extended(n, w), restricting) for n in forms for w in words
            ]
            return [*(self._named(n) for n in forms), *come_back]
        for word, _, is_link in self.disk.searched(root, ORDINARY_SEARCH):
            self._counted()
            if not is_link and len(word) > 1:
                words[(*word[:-1], ordinary)] = None
        return [self._named(_extended(n, word)) for n in forms for word in words]

    def swapped(self, known: str, folder: str) -> list[Verdict]:
        """The denial of what git would put in the place of a protected file when it moves; none where it does not.

        Only what the protected floor says of single files counts here: whoever changes those changes what is decided.
        """
        ways = tuple(way for way in self.act.ways if way[0] not in {"in", "forced"})
        forced = len(ways) < sum(word != "in" for word, _ in self.act.ways)
        starts = [about for word, about in self.act.ways if word == "in"]
        if self.act.tree == "own":
            return self._differing(known, starts or [folder], tuple(about for word, about in ways if word == "as"))
        below = "" if starts else self._place(known)
        known_ways = ("any", "") not in ways
        for start in starts or [folder]:
            place = self._place(start or ".")
            for path, verdict in self._protected(place, below, self.disk.moved(place, ways) if ways else ()):
                return [_swap(path, verdict, "another" if known_ways else "")]
            if forced:
                tracked = self.disk.moved(place, (("any", ""),))
                committed = self.disk.brought(place, ("HEAD",)) if ways or starts else ()
                protected = dict(self._protected(place, below, (*tracked, *committed)))
                for _, path, _ in self.disk.unsettled(place, tuple(protected)) if protected else ():
                    return [_swap(path, protected[path], "the committed")]
        return []

    def _differing(self, known: str, starts: list[str], names: tuple[str, ...]) -> list[Verdict]:
        """The denial of a protected file that a new working tree at one of the commits has otherwise than here."""
        forms, here = path_forms(known, self.roots), path_forms(".", self.roots)
        for start in starts:
            place = self._place(start or ".")
            found: dict[str, Verdict] = {}
            for word, _, _ in self.disk.brought(place, names):
                self._counted()
                verdict = self._floor(forms, word)
                if verdict is not None:
                    found["/".join(word)] = verdict
                    if self._floor(here, word) is None:  # what lies here under this name anybody may have written
                        return [_swap(_joined(known, word), verdict, "the committed")]
            for word, _, _ in self.disk.unlike(place, names, frozenset(found)) if found else ():
                return [_swap(_joined(known, word), found["/".join(word)], "another")]
        return []

    def _floor(self, forms: tuple[Names, ...], word: Word) -> Verdict | None:
        """What the floor says of a single file below a folder of these forms."""
        made = (self.evaluator.protected(self.table, _extended(names, word), self.env) for names in forms)
        return next((verdict for verdict in made if verdict is not None), None)

    def _protected(self, place: str, below: str, found: Iterable[Found]) -> Iterator[tuple[str, Verdict]]:
        """Those of the files that the floor protects, with what it says."""
        base = ""
        forms: tuple[Names, ...] = ()
        for _, path, _ in found:
            if below and path != below and not path.startswith(f"{below}/"):
                continue
            self._counted()
            if not base or not path.startswith(base):
                base = place.rstrip("/") + "/"
                while not path.startswith(base):
                    base = os.path.dirname(base.rstrip("/")).rstrip("/") + "/"
                forms = path_forms(base, self.roots)
            word = tuple(path[len(base) :].split("/"))
            verdict = self._floor(forms, word)
            if verdict is not None:
                yield path, verdict

    def _tree(self, known: str, place: str, forms: tuple[Names, ...]) -> list[Verdict]:
        verdicts: dict[Verdict, None] = {}
        tree = self.act.tree
        for word, location, is_link in self._lies_below(place):
            self._counted()
            text = _joined(known, word)
            if is_link and tree == "linked":
                found = path_forms(location, self.roots)
                made = [self._named(n) for n in found]
                real = self.disk.real(location)
                if real not in self._entered and self.disk.is_folder(real):
                    self._entered.add(real)
                    made += self._tree(text, real, found)
            else:
                found = tuple(_extended(n, word) for n in forms)
                made = [self._named(n) for n in found]
                if is_link and tree == "copied-linked":
                    made += self._copied(text, self.disk.real(location), found)
            if self._denies(made, text, verdicts):
                break
        return list(verdicts)

    def _lies_below(self, place: str) -> Iterator[Found]:
        """What of a tree the act means, link by link."""
        act = self.act
        if act.tree in {"untracked", "every"}:
            return self.disk.untracked(place, act.tree == "every")
        if act.tree == "indexed":
            return self.disk.tracked(place)
        if act.search is not None or act.tree == "visible":
            return self.disk.searched(place, act.search or ORDINARY_SEARCH)
        return self.disk.below(place)

    def _copied(self, text: str, real: str, forms: tuple[Names, ...]) -> list[Verdict]:
        """The verdicts on a copy of the folder that a link leads to, each of which is copied once here."""
        if real in self._entered or not self.disk.is_folder(real):
            return []
        self._entered.add(real)
        return self._tree(text, real, forms)

    def _matches(self, root: str, labels: Sequence) -> Iterator[Match]:
        """What matches below a folder, level by level."""
        if labels[0] is MANY and len(labels) > 1 and not self._is_folder(root):
            yield (), root, True  # a search that starts at a file finds that file
            return
        act = self.act
        made = act.action == "write"
        passes = frozenset(act.passes.split("!")[1:])
        todo: list[tuple[str, Word, bool, int]] = [(root, (), False, 0)]
        while todo:
            folder, word, linked, at = todo.pop()
            label, tail = labels[at], labels[at + 1 :]
            if label is MANY:
                if not tail:
                    yield word, folder, linked
                search = act.search if not act.tree else None
                below = self.disk.searched(folder, search) if search else self.disk.below(folder, passes=passes)
                for sub, place, is_link in below:
                    self._counted()
                    if _fits(tail, sub):
                        yield (*word, *sub), place, linked or is_link
                continue
            if made and word and all(isinstance(x, str) for x in labels[at:]):  # it need not be there
                ending = tuple(str(x) for x in labels[at:])
                yield (*word, *ending), _joined(folder, ending), True
                continue
            for sub, place, is_link in self.disk.below(folder, deep=False):
                self._counted()
                if not _carries(label, sub[0]):
                    continue
                if tail:
                    todo.append((place, (*word, *sub), linked or is_link, at + 1))
                else:
                    yield (*word, *sub), place, linked or is_link

    def _is_folder(self, place: str) -> bool:
        return self.disk.is_folder(place) and self.disk.link(place) is None

    def _named(self, names: Names) -> Verdict:
        return self.evaluator.named(self.act.action, self.table, names, self.env)

    def _denies(self, made: list[Verdict], text: str, verdicts: dict[Verdict, None]) -> bool:
        """Note verdicts; a denial tells which file it is about."""
        for verdict in made:
            if verdict.effect == DENY:
                why = f"{REACHES}{text}`"
                reasons = (
                    verdict.reasons if any(r.startswith(REACHES) for r in verdict.reasons) else (*verdict.reasons, why)
                )
                verdicts[Verdict(DENY, (), verdict.rules, reasons)] = None
                return True
            verdicts[verdict] = None
        return False

    def _counted(self) -> None:
        self._count += 1
        if self._count > _MOST_FILES:
            raise SearchLimitError(f"more than {_MOST_FILES} files lie below; name a smaller folder")

    def _place(self, text: str) -> str:
        place = place_of(text, self.request)
        if place is None:
            raise UnknownResourceError("`~` is the home folder, which the request does not give")
        return self.disk.real(place)


def _swap(path: str, verdict: Verdict, which: str) -> Verdict:
    if which:
        why = (
            f"git would put {which} `{path}` in its place; a person does that, or name the files that you want, as in "
            "`git restore --source=BRANCH src`"
        )
    else:
        why = (
            f"git may put another `{path}` in its place, as which commit it takes is not known; name one that is here, "
            "in a call of its own: `git fetch`, then `git merge origin/BRANCH`"
        )
    return Verdict(DENY, (), verdict.rules, (*verdict.reasons, why))


def _fits(tail: Sequence, word: Word) -> bool:
    """Whether what lies at any depth ends as the labels say; more than one `**` is not told apart."""
    if not tail or tail[-1] is MANY:
        return True
    if MANY in tail:
        return _carries(tail[-1], word[-1])
    return len(word) >= len(tail) and all(_carries(x, w) for x, w in zip(tail, word[-len(tail) :], strict=True))


def _carries(label: Label, name: str) -> bool:
    if isinstance(label, str):
        return name.casefold() == label.casefold()  # some disks do not tell them apart
    return not isinstance(label, Glob) or label.matches(name)


def _joined(known: str, word: Word) -> str:
    return "/".join((known.rstrip("/") if len(known) > 1 else known.removesuffix("/"), *word)) if word else known


def _extended(names: Names, word: Word) -> Names:
    return Names(tuple((*n, *word) for n in names.definite), tuple((*n, *word) for n in names.possible))


def has_unusual(evaluator: Evaluator, act: Act, request: Request, env: Environment) -> bool:
    """Whether a partly known path names a file with something unusual; so it is where nobody can look."""
    disk = roots_of(request).disk
    if request.workspace is None or not disk.is_folder(request.workspace) or act.folders is None:
        return True
    return any(Existing(evaluator, act, request, env).finds_unusual(folder) for folder in act.folders)
