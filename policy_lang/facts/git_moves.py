"""The files that git may write or delete when a command takes the working tree elsewhere, or makes one. No git is run.

A way is a word and what it is about: `to` another commit, `pick` of the changes of one, `replay` of those between two
onto a third (`ONTO BASE TIP`), `stash` of what was put away, `rebasing` and `picking` for what is under way. What
cannot be told is `any`.
"""

from __future__ import annotations

import os
from hashlib import sha1

from ..domain.files import open_for_reading
from ..domain.limits import limit
from .git_index import entries_around, git_folder, top_of
from .git_objects import TREE, GitObjects, UnreadableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST_FILES = limit("git_moved_files")
_MOST_COMMITS = limit("git_walked_commits")
_MOST_HASHED = limit("git_hashed_bytes")

Way = tuple[str, str]
ANY: Way = ("any", "")


def moved(folder: str, ways: tuple[Way, ...]) -> frozenset[str] | None:
    """The absolute paths of the files that these ways may change in the repository around a folder; None for all.

    Where it is not known, they are all that are tracked: what would be new is not among them.
    """
    top = top_of(folder)
    place = None if top is None else git_folder(top)
    if top is None or place is None:
        return frozenset()
    names: set[str] | None
    try:
        names = {f"{top.rstrip('/')}/{os.fsdecode(name)}" for name in _Moves(place).names(ways)}
    except (UnreadableError, RecursionError):
        known = entries_around(folder)
        names = None if known is None else set(known)
    return None if names is None else frozenset(names | _within(names))


def brought(folder: str, names: tuple[str, ...]) -> dict[str, tuple[str, set[str]]]:
    """The files that a new working tree has which stands at one of these commits, by their names below its top.

    Each with its path in the repository around a folder, or in the bare one that it is, and the objects that it may be;
    where the commits cannot be told, all that are tracked, with no object.
    """
    bare = all(os.path.lexists(f"{folder}/{name}") for name in ("HEAD", "objects", "refs"))
    top = folder if bare else top_of(folder)
    place = top if bare or top is None else git_folder(top)
    if top is None or place is None:
        return {}
    start = f"{top.rstrip('/')}/"
    try:
        return _at_one_of(GitObjects(place), names, start)
    except (UnreadableError, RecursionError):
        return {path[len(start) :]: (path, {""}) for path in entries_around(folder) or {}}


def _at_one_of(objects: GitObjects, names: tuple[str, ...], start: str) -> dict[str, tuple[str, set[str]]]:
    found: dict[str, tuple[str, set[str]]] = {}
    commits = {commit for name in names for commit in objects.known(name)}
    for commit in commits:
        for name, entry in _files(objects, objects.tree(commit), b""):
            text = os.fsdecode(name)
            found.setdefault(text, (start + text, set()))[1].add(entry)
            if len(found) > _MOST_FILES:
                raise UnreadableError("more files than are looked at")
    if not commits:
        raise UnreadableError("no commit")
    return found


def unlike(folder: str, names: tuple[str, ...], words: frozenset[str]) -> Iterator[str]:
    """Those of the files brought that may be otherwise than what lies under their names here."""
    found = brought(folder, names)
    for word in sorted(words):
        path, entries = found[word]
        if not all(entry and _is_as_in(path, entry) for entry in entries):
            yield word


def _files(objects: GitObjects, tree: str, above: bytes) -> Iterator[tuple[bytes, str]]:
    for name, (mode, entry) in objects.entries(tree).items():
        if mode == TREE:
            yield from _files(objects, entry, above + name + b"/")
        else:
            yield above + name, entry


def _within(names: set[str]) -> set[str]:
    """The tracked files of repositories within, which may go along."""
    return {inner for name in names if os.path.lexists(f"{name}/.git") for inner in entries_around(name) or ()}


def unsettled(paths: Iterable[str]) -> Iterator[str]:
    """Those of the files that are not on the disk as in the index and in the current commit.

    Nothing takes back what is. Index and trees are read once for each repository.
    """
    known: dict[str, _Committed] = {}
    for path in paths:
        top = top_of(os.path.dirname(path)) or ""
        if top not in known:
            known[top] = _Committed(top)
        if not known[top].has(path):
            yield path


class _Committed:
    """What the index and the current commit of the repository at a folder have."""

    def __init__(self, top: str) -> None:
        self._head = f"{top.rstrip('/')}/"
        self._index = entries_around(top) or {}
        self._trees: dict[bytes, dict[bytes, tuple[str, str]]] = {}
        place = git_folder(top) if self._index else None
        self._objects = GitObjects(place) if place is not None else None
        self._tree = ""
        if self._objects is not None:
            try:
                self._tree = self._objects.tree(one_of(self._objects.commits("HEAD")))
            except UnreadableError:
                self._objects = None

    def has(self, path: str) -> bool:
        """Whether a file is on the disk as both have it."""
        entry = self._index.get(path)
        if self._objects is None or entry is None:
            return False
        folder, _, last = os.fsencode(path[len(self._head) :]).rpartition(b"/")
        try:
            committed = self._entries(folder).get(last, ("", ""))[1]
        except UnreadableError:
            return False
        return committed == entry and _is_as_in(path, entry)

    def _entries(self, folder: bytes) -> dict[bytes, tuple[str, str]]:
        """The entries of a folder's tree; none for what is no folder there. Raises UnreadableError."""
        if folder not in self._trees:
            assert self._objects is not None
            tree = self._tree
            if folder:
                above, _, name = folder.rpartition(b"/")
                mode, tree = self._entries(above).get(name, ("", ""))
                tree = tree if mode == TREE else ""
            self._trees[folder] = self._objects.entries(tree) if tree else {}
        return self._trees[folder]


def _is_as_in(path: str, entry: str) -> bool:
    """Whether a file has the content that the index names, filters aside (gitattributes(5))."""
    try:
        handle = open_for_reading(path)
        with open(handle, "rb") as stream:
            data = stream.read(_MOST_HASHED + 1)
    except OSError:
        return False
    if len(data) > _MOST_HASHED or os.path.islink(path):
        return False
    return sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest() == entry


def one_of(found: set[str]) -> str:
    """The only one. Raises UnreadableError."""
    if len(found) != 1:
        raise UnreadableError("several commits")
    return next(iter(found))


class _Moves:
    """Names that differ between commits of one repository."""

    def __init__(self, place: str) -> None:
        self._objects = GitObjects(place)
        self._found: set[bytes] = set()

    def names(self, ways: tuple[Way, ...]) -> set[bytes]:
        """All names that the ways change. Raises UnreadableError."""
        for word, about in ways:
            if word == "to":
                for commit in self._objects.commits(about):
                    self._differ(self._here(), commit)
            elif word == "pick":
                self._picked(about)
            elif word == "replay":
                onto, base, tip = about.split(" ")
                self._replayed(onto, base, tip)
            elif word == "stash":
                self._stashed(about)
            elif word == "rebasing":
                self._rebasing()
            elif word == "picking":
                self._picking()
            else:
                raise UnreadableError("it may be any commit")
        return self._found

    def _here(self) -> str:
        return one_of(self._objects.commits("HEAD"))

    def _rebasing(self) -> None:
        objects = self._objects
        for state in ("rebase-merge", "rebase-apply"):
            onto, tip = objects.words_of(f"{state}/onto"), objects.words_of(f"{state}/orig-head")
            if onto and tip:
                self._differ(self._here(), tip[0])
                self._replayed(onto[0], onto[0], tip[0])

    def _picking(self) -> None:
        objects = self._objects
        head = objects.words_of("sequencer/head")
        if head:
            self._differ(self._here(), head[0])
        todo = [w for w in objects.words_of("sequencer/todo") if len(w) > 6 and set(w) <= set("0123456789abcdef")]
        for name in [*objects.words_of("CHERRY_PICK_HEAD"), *objects.words_of("REVERT_HEAD"), *todo]:
            self._picked(name)

    def _stashed(self, name: str) -> None:
        """What a stash has changed, and the files that git did not track, which are its third parent."""
        objects = self._objects
        for commit in objects.commits(name):
            parents = objects.parents(commit)
            if len(parents) < 2:
                raise UnreadableError("no stash")
            for other in (commit, parents[1]):
                self._differ(parents[0], other)
            for other in parents[2:]:
                self._compare(None, objects.tree(other), b"")

    def _picked(self, about: str) -> None:
        base, dots, tip = about.partition("..")
        if dots:
            if tip.startswith(".") or not tip or not base:
                raise UnreadableError("a range of another form")
            for one in self._objects.commits(tip):
                self._changes(self._between({*self._objects.commits(base)}, one))
        else:
            self._changes(self._objects.commits(about))

    def _replayed(self, onto: str, base: str, tip: str) -> None:
        objects = self._objects
        for last in objects.commits(tip):
            self._differ(self._here(), last)
            for first in objects.commits(onto):
                self._differ(last, first)
            self._changes(self._between(objects.commits(base), last))

    def _changes(self, commits: set[str]) -> None:
        """What each commit changed."""
        for commit in commits:
            parents = self._objects.parents(commit)
            for parent in parents:
                self._differ(parent, commit)
            if not parents:
                self._compare(None, self._objects.tree(commit), b"")

    def _between(self, bases: set[str], tip: str) -> set[str]:
        """The commits that are reached from a tip and not from a base, newest first as git walks (git-rev-list(1))."""
        from heapq import heapify, heappop, heappush

        objects = self._objects
        wanted, barred, done = {tip}, set(bases), set[str]()
        todo = [(-objects.date(one), one) for one in {tip, *bases}]
        heapify(todo)
        oldest = -todo[-1][0]
        while todo and (-todo[0][0] >= oldest or any(one in wanted and one not in barred for _, one in todo)):
            date, one = heappop(todo)
            if one in done and one not in barred:
                continue
            done.add(one)
            if len(done) > _MOST_COMMITS:
                raise UnreadableError("more commits than are looked at")
            reached = barred if one in barred else wanted
            oldest = oldest if one in barred else min(oldest, -date)
            for parent in objects.parents(one):
                if parent not in reached:
                    reached.add(parent)
                    heappush(todo, (-objects.date(parent), parent))
        return {one for one in done if one in wanted and one not in barred}

    def _differ(self, one: str, other: str) -> None:
        if one != other:
            self._compare(self._objects.tree(one), self._objects.tree(other), b"")

    def _compare(self, one: str | None, other: str | None, above: bytes) -> None:
        """Note the files in which two trees differ; None is an empty one."""
        if one == other:
            return
        here = {} if one is None else self._objects.entries(one)
        there = {} if other is None else self._objects.entries(other)
        for name in here.keys() | there.keys():
            first, second = here.get(name), there.get(name)
            if first == second:
                continue
            whole = above + name
            trees = [entry[1] if entry is not None and entry[0] == TREE else None for entry in (first, second)]
            if trees != [None, None]:
                self._compare(trees[0], trees[1], whole + b"/")
            if any(entry is not None and entry[0] != TREE for entry in (first, second)):
                self._found.add(whole)
                if len(self._found) > _MOST_FILES:
                    raise UnreadableError("more files than are looked at")
