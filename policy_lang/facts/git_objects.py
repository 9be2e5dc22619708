"""Objects and refs of a repository: names of commits, commits and trees, read from its files. No git is run.

From gitrepository-layout(5), gitrevisions(7), gitformat-pack(5) and gitformat-index(5). Whatever is not understood, is
not there or is too much raises `UnreadableError`: the caller then knows nothing, and says so.
"""

from __future__ import annotations

import os
import zlib
from io import DEFAULT_BUFFER_SIZE

from ..domain.faults import AuthorError
from ..domain.files import open_for_reading
from ..domain.limits import limit
from .git_delta import DeltaError, patched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

_HEX = frozenset("0123456789abcdef")
_NAME = 40
_MOST_OBJECT = limit("git_object_bytes")
_MOST_READ = limit("git_objects")
_MOST_REFS = limit("git_refs_bytes")
_DEEPEST = limit("git_delta_depth")
_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_OFFSET_DELTA, _NAMED_DELTA = 6, 7
TREE = "40000"
"""The mode of a folder in a tree."""

Entry = tuple[str, str]
"""The mode and the object of a name in a tree."""


class UnreadableError(AuthorError):
    """What a repository holds cannot be told."""


class GitObjects:
    """The objects and refs of one repository. `folder` is its `.git`, or that of one of its working trees."""

    def __init__(self, folder: str) -> None:
        """Raises UnreadableError for a repository whose objects may mean something else than they say."""
        self._folder = folder
        self._common = os.path.join(folder, self._text("commondir", folder).strip() or ".")
        self._packed: dict[str, str] | None = None
        self._left = _MOST_READ
        self._packs: list[tuple[str, bytes]] | None = None
        if os.path.lexists(f"{self._common}/refs/replace") or os.path.lexists(f"{self._common}/info/grafts"):
            raise UnreadableError("objects stand for others")
        if any(name.startswith("refs/replace/") for name in self._packed_refs()):
            raise UnreadableError("objects stand for others")

    # names

    def commits(self, name: str) -> set[str]:
        """The commits that a name may mean: git prefers branches here and tags there. Raises UnreadableError."""
        found = self.known(name)
        if not found:
            raise UnreadableError(f"`{name}` is not known")
        return found

    def known(self, name: str) -> set[str]:
        """The commits that a name may mean, none where nothing has it. Raises UnreadableError."""
        return {self._peeled(one) for one in self._named(name)}

    def _named(self, name: str) -> set[str]:
        cut = next((i for i, c in enumerate(name) if c in "~^" or name[i : i + 2] == "@{"), len(name))
        base, rest = name[:cut], name[cut:]
        if name == "-":
            base, rest = "", "@{-1}"
        if rest.startswith("@{"):
            entry, _, rest = rest[2:].partition("}")
            found = {self._before(base, entry)}
        else:
            found = self._plain("HEAD" if base in {"@", "HEAD"} else base)
        while rest:
            sign, digits = rest[0], ""
            while rest[1 + len(digits) : 2 + len(digits)].isdigit():
                digits += rest[1 + len(digits)]
            rest = rest[1 + len(digits) :]
            number = int(digits[:6] or "1")
            if sign == "~":
                for _ in range(number):
                    found = {self._parent(one, 1) for one in found}
            elif sign == "^":
                found = {self._parent(one, number) for one in found} if number else found
            else:
                raise UnreadableError("a revision of a rare form")
        return found

    def _parent(self, name: str, number: int) -> str:
        parents = self.parents(self._peeled(name))
        if number > len(parents):
            raise UnreadableError("a parent that is not there")
        return parents[number - 1]

    def _plain(self, name: str) -> set[str]:
        if (
            not name
            or name.startswith(("/", "-"))
            or ".." in name
            or not name.isprintable()
            or "\\" in name
            or ":" in name
        ):
            raise UnreadableError("no name of a commit")
        places = [name] if name.isupper() or name.startswith("refs/") else []
        places += [
            f"refs/{name}",
            f"refs/tags/{name}",
            f"refs/heads/{name}",
            f"refs/remotes/{name}",
            f"refs/remotes/{name}/HEAD",
        ]
        found = {one for place in places if (one := self.ref(place)) is not None}
        if not found:  # of a remote, which git takes where it has the only branch of that name
            ending = f"/{name}"
            found = {one for ref in self._remotes() if ref.endswith(ending) and (one := self.ref(ref)) is not None}
        if 4 <= len(name) <= _NAME and set(name) <= _HEX:
            found |= self._abbreviated(name)
        return found

    def _remotes(self) -> set[str]:
        found = {name for name in self._packed_refs() if name.startswith("refs/remotes/")}
        top = f"{self._common}/refs/remotes"
        for folder, _, files in os.walk(top):
            found.update(f"refs/remotes{folder[len(top) :]}/{file}" for file in files)
            if len(found) > _MOST_READ:
                raise UnreadableError("too many refs")
        return found

    def ref(self, name: str) -> str | None:
        """The object that a ref by its full name has, None where there is none. Raises UnreadableError."""
        for _ in range(5):
            own = not name.startswith("refs/") or name.startswith(("refs/bisect/", "refs/worktree/"))
            text = self._text(name, self._folder if own else self._common).strip()
            if not text:
                return self._packed_refs().get(name)
            if not text.startswith("ref: "):
                if len(text) < _NAME or not set(text[:_NAME]) <= _HEX or text[_NAME : _NAME + 1].strip():
                    raise UnreadableError("a ref of another form")
                return text[:_NAME]
            name = text[5:]
            if ".." in name or name.startswith("/"):
                break
        raise UnreadableError("a ref that leads round")

    def _packed_refs(self) -> dict[str, str]:
        if self._packed is None:
            lines = self._text("packed-refs", self._common).splitlines()
            pairs = (line.split(" ", 1) for line in lines if line[:1] not in {"#", "^", ""})
            self._packed = {pair[1]: pair[0] for pair in pairs if len(pair) == 2}
        return self._packed

    def _before(self, base: str, number: str) -> str:
        """What a ref was before (`stash@{1}`), or the branch that was checked out before (`@{-1}`)."""
        if number.startswith("-") and number[1:].isdigit() and not base:
            left = int(number[1:][:6])
            for line in reversed(self._log("HEAD")):
                _, moving, words = line.partition("\tcheckout: moving from ")
                if moving:
                    left -= 1
                    if left == 0:
                        found = self._plain(words.rpartition(" to ")[0])
                        if len(found) == 1:
                            return found.pop()
                        break
        elif number.isdigit():
            lines = self._log({"": "HEAD", "stash": "refs/stash"}.get(base, base))
            if int(number[:6]) < len(lines):
                return lines[-1 - int(number[:6])].split(" ")[1]
        raise UnreadableError("what was before is not known")

    def _log(self, name: str) -> list[str]:
        if ".." in name or name.startswith("/"):
            raise UnreadableError("no ref's name")
        own = not name.startswith("refs/")
        return self._text(f"logs/{name}", self._folder if own else self._common).splitlines()

    def _text(self, name: str, folder: str) -> str:
        """What a small file holds, empty where there is none."""
        try:
            handle = open_for_reading(f"{folder}/{name}")
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except (OSError, ValueError) as error:
            raise UnreadableError(str(error)) from None
        try:
            with open(handle, "rb") as stream:
                data = stream.read(_MOST_REFS + 1)
        except IsADirectoryError:
            return ""
        except OSError as error:
            raise UnreadableError(str(error)) from None
        if len(data) > _MOST_REFS:
            raise UnreadableError("too long")
        return data.decode("utf-8", "surrogateescape")

    def words_of(self, name: str) -> list[str]:
        """The words in a file of git's own, such as `rebase-merge/onto`; none where it is not there."""
        return self._text(name, self._folder).split()

    # objects

    def parents(self, commit: str) -> list[str]:
        """The parents of a commit. Raises UnreadableError."""
        return [line[7:] for line in self._head(commit) if line.startswith("parent ")]

    def date(self, commit: str) -> int:
        """When a commit was made, as it says itself. Raises UnreadableError."""
        for line in self._head(commit):
            if line.startswith("committer "):
                words = line.rsplit(" ", 2)
                return int(words[1]) if words[1].isdigit() else 0
        return 0

    def tree(self, commit: str) -> str:
        """The tree of a commit. Raises UnreadableError."""
        for line in self._head(commit):
            if line.startswith("tree "):
                return line[5:]
        raise UnreadableError("a commit without a tree")

    def entries(self, tree: str) -> dict[bytes, Entry]:
        """What a tree names. Raises UnreadableError."""
        kind, data = self.read(tree)
        if kind != "tree":
            raise UnreadableError("no tree")
        found: dict[bytes, Entry] = {}
        at = 0
        while at < len(data):
            space, end = data.find(b" ", at), data.find(b"\0", at)
            if not at < space < end or end + 21 > len(data):
                raise UnreadableError("a tree of another form")
            found[data[space + 1 : end]] = data[at:space].decode("ascii", "replace"), data[end + 1 : end + 21].hex()
            at = end + 21
        return found

    def _peeled(self, name: str) -> str:
        for _ in range(5):
            kind, data = self.read(name)
            if kind == "commit":
                return name
            if kind != "tag" or not data.startswith(b"object "):
                break
            name = data[7 : 7 + _NAME].decode("ascii", "replace")
        raise UnreadableError("no commit")

    def _head(self, commit: str) -> list[str]:
        kind, data = self.read(commit)
        if kind != "commit":
            raise UnreadableError("no commit")
        return data.partition(b"\n\n")[0].decode("utf-8", "replace").splitlines()

    def read(self, name: str) -> tuple[str, bytes]:
        """The kind and the content of an object. Raises UnreadableError."""
        self._left -= 1
        if self._left < 0:
            raise UnreadableError("more than is looked at")
        if len(name) != _NAME or not set(name) <= _HEX:
            raise UnreadableError("no object's name")
        for place in self._places():
            try:
                handle = open_for_reading(f"{place}/{name[:2]}/{name[2:]}")
            except OSError:
                continue
            with open(handle, "rb") as stream:
                data = _inflated(stream.read(DEFAULT_BUFFER_SIZE), stream)
            head, _, body = data.partition(b"\0")
            return head.split(b" ")[0].decode("ascii", "replace"), body
        for pack, index in self._indexes():
            offset = _offset(index, bytes.fromhex(name))
            if offset is not None:
                return self._packed_object(pack, offset, 0)
        raise UnreadableError("an object that is not here")

    def _places(self) -> list[str]:
        own = f"{self._common}/objects"
        others = self._text("info/alternates", own).splitlines()
        if len(others) > _DEEPEST:
            raise UnreadableError("too many places")
        return [own, *(os.path.join(own, other) for other in others)]

    def _indexes(self) -> list[tuple[str, bytes]]:
        if self._packs is None:
            self._packs = []
            left = limit("git_pack_index_bytes")
            for place in self._places():
                try:
                    names = sorted(os.listdir(f"{place}/pack"))
                except OSError:
                    continue
                for name in names:
                    if name.endswith(".idx"):
                        try:
                            with open(open_for_reading(f"{place}/pack/{name}"), "rb") as stream:
                                data = stream.read(left + 1)
                        except OSError as error:
                            raise UnreadableError(str(error)) from None
                        left -= len(data)
                        if left < 0 or data[:8] != b"\xfftOc\0\0\0\2":
                            raise UnreadableError("an index of packs that is too large or of another form")
                        self._packs.append((f"{place}/pack/{name[:-4]}.pack", data))
        return self._packs

    def _abbreviated(self, text: str) -> set[str]:
        found: set[str] = set()
        for place in self._places():
            try:
                found.update(text[:2] + n for n in os.listdir(f"{place}/{text[:2]}") if (text[:2] + n).startswith(text))
            except OSError:
                continue
        for _, index in self._indexes():
            found.update(_beginning(index, text))
        return {name for name in found if len(name) == _NAME and self.read(name)[0] in {"commit", "tag"}}

    def _packed_object(self, pack: str, offset: int, depth: int) -> tuple[str, bytes]:
        if depth > _DEEPEST:
            raise UnreadableError("a chain of differences that is too long")
        try:
            with open(open_for_reading(pack), "rb") as stream:
                stream.seek(offset)
                head = stream.read(DEFAULT_BUFFER_SIZE)
                kind, size, at = head[0] >> 4 & 7, head[0] & 15, 1
                shift = 4
                while head[at - 1] & 0x80:
                    size |= (head[at] & 0x7F) << shift
                    at, shift = at + 1, shift + 7
                base: tuple[str, bytes] | None = None
                if kind == _OFFSET_DELTA:
                    back = head[at] & 0x7F
                    while head[at] & 0x80:
                        at += 1
                        back = ((back + 1) << 7) | (head[at] & 0x7F)
                    at += 1
                    base = self._packed_object(pack, offset - back, depth + 1)
                elif kind == _NAMED_DELTA:
                    base = self.read(head[at : at + 20].hex())
                    at += 20
                data = _sized(_inflated(head[at:], stream), size)
        except OSError as error:
            raise UnreadableError(str(error)) from None
        except IndexError:
            raise UnreadableError("a pack of another form") from None
        if base is not None:
            try:
                return base[0], patched(base[1], data, _MOST_OBJECT)
            except DeltaError as error:
                raise UnreadableError(str(error)) from None
        if kind not in _KINDS:
            raise UnreadableError("a pack of another form")
        return _KINDS[kind], data


def _sized(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise UnreadableError("an object of another length than is said")
    return data


def _inflated(start: bytes, stream: BinaryIO) -> bytes:
    """What is compressed in a stream, of which the `start` was read already."""
    made = zlib.decompressobj()
    out = bytearray()
    data = start
    try:
        while data:
            out += made.decompress(data, _MOST_OBJECT + 64 - len(out))
            if made.eof:
                return bytes(out)
            if len(out) >= _MOST_OBJECT + 64:
                raise UnreadableError("an object that is too large")
            data = made.unconsumed_tail or stream.read(DEFAULT_BUFFER_SIZE)
    except zlib.error:
        raise UnreadableError("an object that is damaged") from None
    raise UnreadableError("an object that is cut")


def _offset(index: bytes, name: bytes) -> int | None:
    """Where a pack has an object, by its index of version 2."""
    count, first, last = _bounds(index, name[0])
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        here = index[1032 + 20 * middle : 1052 + 20 * middle]
        if here == name:
            at = 1032 + 24 * count + 4 * middle
            offset = int.from_bytes(index[at : at + 4], "big")
            if offset & 0x80000000:
                at = 1032 + 28 * count + 8 * (offset & 0x7FFFFFFF)
                offset = int.from_bytes(index[at : at + 8], "big")
            return offset
        if here < name:
            low = middle + 1
        else:
            high = middle
    return None


def _bounds(index: bytes, byte: int) -> tuple[int, int, int]:
    def fan(number: int) -> int:
        return int.from_bytes(index[8 + 4 * number : 12 + 4 * number], "big")

    return fan(255), fan(byte - 1) if byte else 0, fan(byte)


def _beginning(index: bytes, text: str) -> list[str]:
    _, first, last = _bounds(index, int(text[:2], 16))
    if last - first > _MOST_READ:
        raise UnreadableError("too many objects")
    names = (index[1032 + 20 * i : 1052 + 20 * i].hex() for i in range(first, last))
    return [name for name in names if name.startswith(text)]
