"""A snapshot of the disk as a decision saw it, so that the decision can be made again elsewhere and later."""

from __future__ import annotations

from ..domain.errors import RequestError
from ..domain.limits import limit
from ..facts.disk import REAL, Disk, Found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..domain.search import SearchOptions
    from ..domain.strict_json import Json

UNSEEN = "PLR221"


def digest(data: bytes) -> str:
    """The digest by which a file's content is known."""
    from hashlib import sha256

    return sha256(data).hexdigest()


class Recording(Disk):
    """The machine's disk, noting what it says. Only what is not ordinary is noted: links, and files of folders."""

    __slots__ = (
        "_contents", "_cut", "_folders", "_left", "_links", "_places", "_refused", "_repositories", "_trees",
    )  # fmt: skip

    def __init__(self) -> None:
        self._contents: dict[str, str] = {}
        self._folders: dict[str, bool] = {}
        self._links: dict[str, str] = {}
        self._places: dict[str, str] = {}
        self._trees: dict[str, list[list[str]]] = {}
        self._refused: dict[str, str] = {}
        self._repositories: dict[str, str] = {}
        self._left = limit("log_disk_entries")
        self._cut = False

    @classmethod
    def of(cls, seen: Json) -> Recording:
        """One that has seen this already, in another process."""
        made = cls()
        made._folders |= seen.get("folders", {})
        made._links |= seen.get("links", {})
        made._places |= seen.get("real", {})
        made._trees |= seen.get("below", {})
        made._contents |= seen.get("contents", {})
        made._refused |= seen.get("refused", {})
        made._repositories |= seen.get("repositories", {})
        made._cut = bool(seen.get("cut"))
        noted = (made._links, made._places, made._contents, made._repositories, *made._trees.values())
        made._left = -1 if made._cut else made._left - sum(map(len, noted))
        return made

    def is_folder(self, path: str) -> bool:
        """True when the path leads to a folder."""
        found = REAL.is_folder(path)
        self._folders[path] = found
        return found

    def link(self, path: str) -> str | None:
        """The target of a symbolic link, or None."""
        try:
            target = REAL.link(path)
        except RequestError as error:
            self._refused[path] = error.message
            raise
        if target is not None and self._room():
            self._links[path] = target
        return target

    def real(self, path: str) -> str:
        """The path with all links followed."""
        found = REAL.real(path)
        if found != path and self._room():
            self._places[path] = found
        return found

    def repository(self, path: str) -> str:
        """What a folder is to git."""
        found = REAL.repository(path)
        if found and self._room():
            self._repositories[path] = found
        return found

    def content(self, path: str, most: int) -> bytes | None:
        """What a regular file holds; its digest is noted."""
        found = REAL.content(path, most)
        if found is not None and self._room():
            self._contents[path] = digest(found)
        return found

    def below(self, root: str, deep: bool = True, passes: frozenset[str] = frozenset()) -> Iterator[Found]:
        """Everything below a folder. What was not looked at is not known later either."""
        return self._noted(_tree(root, deep, passes), REAL.below(root, deep, passes))

    def searched(self, root: str, search: SearchOptions) -> Iterator[Found]:
        """What a search looks into below a folder."""
        return self._noted(_searched(root, search), REAL.searched(root, search))

    def untracked(self, root: str, every: bool = False) -> Iterator[Found]:
        """The files below a folder that git does not track."""
        return self._noted(_untracked(root, every), REAL.untracked(root, every))

    def tracked(self, root: str) -> Iterator[Found]:
        """The files below a folder that git tracks."""
        return self._noted(f"tracked {root}", REAL.tracked(root))

    def moved(self, root: str, ways: tuple[tuple[str, str], ...]) -> Iterator[Found]:
        """The files that git may write or delete when it moves between commits."""
        return self._noted(_moved(root, ways), REAL.moved(root, ways))

    def unsettled(self, root: str, paths: tuple[str, ...]) -> Iterator[Found]:
        """Those of the files that are not as git has them."""
        return self._noted(f"unsettled {root}", REAL.unsettled(root, paths))

    def brought(self, root: str, names: tuple[str, ...]) -> Iterator[Found]:
        """The files of a new working tree that git would make."""
        return self._noted(_brought("brought", root, names), REAL.brought(root, names))

    def unlike(self, root: str, names: tuple[str, ...], words: frozenset[str]) -> Iterator[Found]:
        """Those of them that may be otherwise than here."""
        return self._noted(_brought("unlike", root, names), REAL.unlike(root, names, words))

    def _noted(self, name: str, entries: Iterator[Found]) -> Iterator[Found]:
        tree: list[list[str]] = []
        before = self._trees.get(name, [])
        self._trees[name] = tree
        whole = False
        try:
            for word, path, is_link in entries:
                if self._room():
                    tree.append(["/".join(word), "link"] if is_link else ["/".join(word)])
                yield word, path, is_link
            whole = not self._cut
        except RequestError as error:
            self._refused[name] = error.message
            raise
        finally:
            if not whole:
                tree.append(["", "cut"])
            if len(before) > len(tree) or (before and before[-1][-1] != "cut"):
                self._trees[name] = before  # an earlier look saw more

    def _room(self) -> bool:
        self._left -= 1
        self._cut = self._cut or self._left < 0
        return self._left >= 0

    def seen(self) -> Json:
        """What was noted; empty when nothing was looked at."""
        out: Json = {"folders": self._folders, "links": self._links, "real": self._places, "below": self._trees,
               "contents": self._contents, "refused": self._refused, "repositories": self._repositories}  # fmt: skip
        found = {k: v for k, v in out.items() if v}
        return {**found, "cut": True} if self._cut else found


class Recorded(Disk):
    """A disk as a record tells it. What the record does not tell is refused, never guessed."""

    __slots__ = ("_seen",)

    def __init__(self, seen: Json) -> None:
        self._seen = seen

    def is_folder(self, path: str) -> bool:
        """True when the path led to a folder; one that nobody looked at counts as none."""
        return bool(self._table("folders").get(path, False))

    def link(self, path: str) -> str | None:
        """The target of a symbolic link, or None."""
        self._allowed(path)
        target = self._table("links").get(path)
        if target is None and self._seen.get("cut"):
            raise _unseen()
        return None if target is None else str(target)

    def real(self, path: str) -> str:
        """The path with all links followed."""
        return str(self._table("real").get(path, path))

    def repository(self, path: str) -> str:
        """What a folder was to git. Raises RequestError where the record ends."""
        found = self._table("repositories").get(path)
        if found is None and self._seen.get("cut"):
            raise _unseen()
        return "" if found is None else str(found)

    def content(self, path: str, most: int) -> bytes | None:  # noqa: ARG002 (as any disk)
        """Nothing: of a file its digest alone is recorded, so what its code restricts is not seen again."""
        return None

    def below(self, root: str, deep: bool = True, passes: frozenset[str] = frozenset()) -> Iterator[Found]:
        """What lay below a folder. Raises RequestError where the record ends."""
        return self._given(_tree(root, deep, passes), root)

    def searched(self, root: str, search: SearchOptions) -> Iterator[Found]:
        """What a search looked into below a folder. Raises RequestError where the record ends."""
        return self._given(_searched(root, search), root)

    def untracked(self, root: str, every: bool = False) -> Iterator[Found]:
        """The files below a folder that git did not track. Raises RequestError where the record ends."""
        return self._given(_untracked(root, every), root)

    def tracked(self, root: str) -> Iterator[Found]:
        """The files below a folder that git tracked. Raises RequestError where the record ends."""
        return self._given(f"tracked {root}", root)

    def moved(self, root: str, ways: tuple[tuple[str, str], ...]) -> Iterator[Found]:
        """The files that git might have written or deleted. Raises RequestError where the record ends."""
        for word, _, is_link in self._given(_moved(root, ways), root):
            yield word, "/".join(word), is_link

    def unsettled(self, root: str, paths: tuple[str, ...]) -> Iterator[Found]:  # noqa: ARG002 (those of then)
        """Those of the files that were not as git had them. Raises RequestError where the record ends."""
        for word, _, is_link in self._given(f"unsettled {root}", root):
            yield word, "/".join(word), is_link

    def brought(self, root: str, names: tuple[str, ...]) -> Iterator[Found]:
        """The files that a new working tree would have had. Raises RequestError where the record ends."""
        return self._given(_brought("brought", root, names), root)

    def unlike(self, root: str, names: tuple[str, ...], words: frozenset[str]) -> Iterator[Found]:  # noqa: ARG002 (those of then)
        """Those that were otherwise then. Raises RequestError where the record ends."""
        return self._given(_brought("unlike", root, names), root)

    def _given(self, name: str, root: str) -> Iterator[Found]:
        self._allowed(name)
        tree = self._table("below").get(name)
        if not isinstance(tree, list):
            raise _unseen()
        for row in tree:
            path, kind = str(row[0]), row[1] if len(row) > 1 else ""
            if kind == "cut":
                raise _unseen()
            yield tuple(path.split("/")), f"{root}/{path}", kind == "link"

    def _allowed(self, name: str) -> None:
        why = self._table("refused").get(name)
        if why is not None:
            raise RequestError("PLR017", str(why))

    def _table(self, name: str) -> Json:
        found = self._seen.get(name, {})
        return found if isinstance(found, dict) else {}


def _tree(root: str, deep: bool, passes: frozenset[str]) -> str:
    but = f" but {' '.join(sorted(passes))}" if passes else ""
    return f"{'all' if deep else 'in'}{but} {root}"


def _moved(root: str, ways: tuple[tuple[str, str], ...]) -> str:
    return " ".join(["moved", *(f"{word} {about}".rstrip() for word, about in ways), root])


def _brought(what: str, root: str, names: tuple[str, ...]) -> str:
    return " ".join([what, *names, root])


def _searched(root: str, search: SearchOptions) -> str:
    options = [n for n, given in (("hidden", search.hidden), ("ignored", search.ignored)) if given]
    return " ".join(["visible", *options, *map(repr, search.globs), *search.types, root])


def _untracked(root: str, every: bool) -> str:
    return f"untracked {root}" if every else f"untracked, not ignored {root}"


def _unseen() -> RequestError:
    return RequestError(UNSEEN, "the record does not tell what lay on the disk there")
