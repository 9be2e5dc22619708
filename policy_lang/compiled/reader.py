"""A compiled policy as a prepared policy set: checked as a whole, then read where a decision needs it.

The tables look like those that are built from sources (`Trie`, `Node`, sequences of rules), but are filled in when they
are first touched, so opening costs one checksum, and one decision a few look-ups.
"""

from __future__ import annotations

from binascii import crc32
from sys import byteorder

from ..automata.glob import Glob
from ..automata.trie import Node, Trie
from ..domain.actions import ASK
from ..domain.conditions import Atom, Join
from ..domain.decision import RuleRef
from ..domain.limits import limit
from ..domain.policy import AttributeType, FreezeRule, Tier
from ..engine.table import Entry, LayerDefault, Prepared, Table
from . import layout
from .codec import DamagedError, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ..domain.conditions import Formula
    from ..shell.profile import Profile

_MOST_FOUND = limit("compiled_found")


class Contents:
    """What a compiled file says: the prepared set, the profiles, and where it comes from.

    `program` and `language` are the versions that it was compiled with; `sources` (absolute path, SHA-256), the set's
    own file first. `data` is all of it as it was read.
    """

    __slots__ = ("_file", "_profiles", "data", "language", "name", "prepared", "program", "sources")

    def __init__(self, data: bytes) -> None:
        """Raises DamagedError for what is not a compiled policy, with the reason."""
        self.data = data
        self._file = file = _File(data)
        about: Any = unpack(file.section("about"))
        self.program, self.language, self.name, digest, self.sources, *rest = about
        layers, tiers, attributes, conditions, tables, freezes, trusts, defaults = rest
        self._profiles: dict[str, Profile | None] = {}
        self.prepared = Prepared(
            digest,
            layers,
            {t[0]: Tier(*t) for t in tiers},
            {a[0]: AttributeType(*a) for a in attributes},
            tuple(_formula(f) for f in conditions),
            _Tables(file, tables),
            tuple(FreezeRule(*f) for f in freezes),
            trusts,
            tuple(_default(*d) for d in defaults),
        )

    def has_rules(self, name: str) -> bool:
        """Whether a rule has this id, or comes from the module of this name."""
        return self._file.find(name) >= 0 if "#" in name else self._file.begins(name + "#")

    def profile(self, name: str) -> Profile | None:
        """The profile of a program, if there is one."""
        if name not in self._profiles:
            if len(self._profiles) >= _MOST_FOUND:
                self._profiles = {}
            self._profiles[name] = self._file.profile(name)
        return self._profiles[name]


def _default(
    name: str, file: str, line: int, tier: str, module: str, layer: int, actions: tuple[str, ...], condition: int
) -> LayerDefault:
    return LayerDefault(RuleRef(name, ASK, file, line, "", tier, module), layer, actions, condition - 1)


def _formula(value: Any) -> Formula:
    if len(value) == 3:
        return Atom(*value)
    return Join(value[0], tuple(_formula(part) for part in value[1]))


class _File:
    """The sections of a file, and the texts by number and number by text."""

    def __init__(self, data: bytes) -> None:
        head = layout.HEADER
        if data[:8] != layout.MAGIC:
            raise DamagedError("it is not a compiled policy")
        if byteorder != "little":
            raise DamagedError("this machine reads numbers the other way round")
        if len(data) < head + 8 * len(layout.SECTIONS):
            raise DamagedError("it is cut short")
        version, checksum, size = memoryview(data)[8:head].cast("I")
        if version != layout.FORMAT:
            raise DamagedError(f"it has the format {version}, and this program reads {layout.FORMAT}")
        if size != len(data):
            raise DamagedError(f"it has {len(data)} bytes and should have {size}")
        view = memoryview(data)
        if crc32(view[head:]) != checksum:
            raise DamagedError("its checksum is wrong: it was damaged or changed")
        self._view = view
        self._places = view[head : head + 8 * len(layout.SECTIONS)].cast("I")
        self._text_ends = self.numbers("text-ends")
        self._texts = bytes(self.section("texts"))
        self._found: dict[str, int] = {}
        self.labels = self.numbers("labels")
        self.children = self.numbers("children")
        self.first_marks = self.numbers("first-marks")
        self.marks = self.numbers("marks")
        self._globs = self.numbers("globs")
        self.trie_globs = self.numbers("trie-globs")
        self._made_globs: dict[int, Glob] = {}
        self._kinds = self.numbers("kinds")
        self._rules = self.numbers("rules")
        self._made_rules: dict[int, Entry] = {}
        self.entries = self.numbers("entries")
        self.owners = self.numbers("owners")
        self.bare_owners = self.numbers("bare-owners")

    def section(self, name: str) -> memoryview:
        """The bytes of a section."""
        number = layout.SECTIONS.index(name)
        start, length = self._places[2 * number], self._places[2 * number + 1]
        if start + length > len(self._view):
            raise DamagedError(f"the section `{name}` is cut short")
        return self._view[start : start + length]

    def numbers(self, name: str) -> memoryview:
        """A section as numbers."""
        return self.section(name).cast("I")

    def text(self, number: int) -> str:
        """The text of a number."""
        ends = self._text_ends
        return self._texts[ends[number] : ends[number + 1]].decode("utf-8")

    def find(self, text: str) -> int:
        """The number of a text, -1 when the file does not know it."""
        found = self._found.get(text)
        if found is None:
            if len(self._found) >= _MOST_FOUND:
                self._found = {}
            found = self._found[text] = self._search(text)
        return found

    def _search(self, text: str) -> int:
        wanted = text.encode("utf-8", "surrogatepass")
        ends, texts = self._text_ends, self._texts
        low, high = 0, len(ends) - 1
        while low < high:
            middle = (low + high) // 2
            here = texts[ends[middle] : ends[middle + 1]]
            if here < wanted:
                low = middle + 1
            elif here > wanted:
                high = middle
            else:
                return middle
        return -1

    def begins(self, text: str) -> bool:
        """Whether some text begins with this one."""
        from bisect import bisect_left

        count = len(self._text_ends) - 1
        place = bisect_left(range(count), text, key=self.text)
        return place < count and self.text(place).startswith(text)

    def glob(self, number: int) -> Glob:
        """The glob of a number; one object for each."""
        made = self._made_globs.get(number)
        if made is None:
            made = self._made_globs.setdefault(number, Glob(self.text(self._globs[number])))
        return made

    def entry(self, number: int) -> Entry:
        """The rule of a number; one object for each."""
        made = self._made_rules.get(number)
        if made is None:
            at = layout.RULE * number
            name, line, kind = self._rules[at : at + layout.RULE]
            at = layout.KIND * kind
            shared = self._kinds[at : at + layout.KIND]
            effect, tier, because, file, layer, sort = (self.text(n) for n in shared[:6])
            flags = shared[7]
            made = Entry(
                RuleRef(self.text(name), effect, file, line, because, tier, layer), shared[6] - 1, sort, shared[8] - 1,
                grants=bool(flags & layout.GRANTS), log=bool(flags & layout.LOG),
                override=bool(flags & layout.OVERRIDE), excepts=bool(flags & layout.EXCEPTS),
                required_options=shared[9] - 1, forbidden_options=shared[10] - 1,
            )  # fmt: skip
            made = self._made_rules.setdefault(number, made)
        return made

    def profile(self, name: str) -> Profile | None:
        """The profile of a program."""
        names = bytes(self.section("profile-names"))
        at = names.find(b"\n%s " % name.encode("utf-8", "surrogatepass"))
        if at < 0 or not name.isascii() or "\n" in name or " " in name:
            return None
        number = int(names[names.index(b" ", at) + 1 : names.index(b"\n", at + 1)])
        ends = self.numbers("profile-ends")
        from .profiles import unpacked

        return unpacked(unpack(self.section("profiles")[ends[number] : ends[number + 1]]))


def _bisect(numbers: memoryview, wanted: int, low: int, high: int) -> int:
    """Where `wanted` stands, or would stand, between `low` and `high`."""
    while low < high:
        middle = (low + high) // 2
        if numbers[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


class _Children(dict[str, Node]):
    """The literal edges of a node, found in the file one by one. All that reads a dict reads them; nothing writes."""

    __slots__ = ("_file", "_first", "_last")

    def __init__(self, file: _File, first: int, last: int) -> None:
        super().__init__()
        self._file = file
        self._first = first
        self._last = last

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return self._last - self._first

    def __iter__(self) -> Iterator[str]:
        file = self._file
        return (file.text(file.labels[at]) for at in range(self._first, self._last))

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and self.get(text) is not None

    def __getitem__(self, text: str) -> Node:
        node: Node | None = self.get(text)
        if node is None:
            raise KeyError(text)
        return node

    def get(self, text: str, default: Any = None) -> Any:
        """The node behind a segment."""
        file = self._file
        number = file.find(text)
        if number < 0:
            return default
        at = _bisect(file.labels, number, self._first, self._last)
        return _Node(file, at) if at < self._last and file.labels[at] == number else default

    def keys(self) -> Any:
        """Every segment."""
        return list(self)

    def values(self) -> Any:
        """The node behind every segment."""
        return [_Node(self._file, at) for at in range(self._first, self._last)]

    def items(self) -> Any:
        """Every segment with the node behind it."""
        return list(zip(self, self.values(), strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and dict(self.items()) == dict(other.items())

    __hash__ = None

    def __setitem__(self, text: str, node: Node) -> None:
        raise TypeError("a compiled policy does not change")


class _Node(Node):
    """A node that is filled in when it is looked at."""

    __slots__ = ("_file",)

    def __init__(self, file: _File, number: int) -> None:
        self._file = file
        self.order = number
        self.loops = file.labels[number] == layout.MANY

    def __getattr__(self, name: str) -> Any:
        """Called once, for the first slot that is not filled yet: fills all of them."""
        if name not in Node.__slots__:
            raise AttributeError(name)
        file, number = self._file, self.order
        first, last = file.children[number], file.children[number + 1]
        self.marks = tuple(file.marks[file.first_marks[number] : file.first_marks[number + 1]])
        self.any = self.many = None
        labels = file.labels
        while last > first and labels[last - 1] >= layout.ANY:
            last -= 1
            if labels[last] == layout.ANY:
                self.any = _Node(file, last)
            else:
                self.many = _Node(file, last)
        words = _bisect(labels, layout.GLOB, first, last)
        self.literals = _Children(file, first, words) if words > first else None
        self.globs = {file.glob(labels[at] - layout.GLOB): _Node(file, at) for at in range(words, last)} or None
        return getattr(self, name)


class _Trie(Trie):
    """A trie of the file. It has no set of its literals: `knows` looks them up among the texts of the whole file."""

    __slots__ = ("_file",)

    def __init__(self, file: _File, root: int, size: int, first_glob: int, globs: int) -> None:
        self.root = _Node(file, root)
        self.size = size
        self._file = file
        found = (file.glob(number) for number in file.trie_globs[first_glob : first_glob + globs])
        self.globs = {glob: glob for glob in found}

    def knows(self, text: str) -> bool:
        """See `Trie`; also true for texts of other tries of the file, which a walk may take for known."""
        return self._file.find(text) >= 0


class _Tables:
    """The tables of the file by action, each made when it is first asked for."""

    __slots__ = ("_file", "_made", "_places")

    def __init__(self, file: _File, places: Any) -> None:
        self._file = file
        self._places = {place[0]: place[1:] for place in places}
        self._made: dict[str, Table] = {}

    def get(self, action: str) -> Table | None:
        """The table of an action, if some rule speaks of it."""
        found = self._made.get(action)
        if found is None and action in self._places:
            file = self._file
            trie, entries, owners, bare, bare_owners, needs, options, has_methods, has_paths = self._places[action]
            found = Table(
                _Trie(file, *trie),
                _entries(file, *entries),
                _owners(file, *owners),
                _Trie(file, *bare),
                _bare_owners(file, needs, *bare_owners),
                _groups(options),
                has_methods,
                has_paths,
            )
            found = self._made.setdefault(action, found)
        return found


def _groups(written: Any) -> list[Any]:
    """The groups of options of a table."""
    if not written:
        return []
    from ..engine.options import Need

    return [tuple(Need(*need) for need in group) for group in written]


class _Part:
    """A stretch of a section as a sequence."""

    __slots__ = ("_count", "_item")

    def __init__(self, count: int, item: Callable[[int], Any]) -> None:
        self._count = count
        self._item = item

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> Any:
        if not 0 <= place < self._count:
            raise IndexError(place)
        return self._item(place)

    def __iter__(self) -> Any:
        return map(self._item, range(self._count))


def _entries(file: _File, first: int, count: int) -> _Part:
    """The rules of a table."""
    return _Part(count, lambda place: file.entry(file.entries[first + place]))


def _owners(file: _File, first: int, count: int) -> _Part:
    """For each mark, the rule and whether the mark includes."""

    def item(place: int) -> tuple[Entry, bool]:
        number = file.owners[first + place]
        return file.entry(number >> 1), bool(number & 1)

    return _Part(count, item)


def _bare_owners(file: _File, needs: Any, first: int, count: int) -> _Part:
    """For each bare mark, the rule, whether it includes, the options it needs, whether more words may follow."""

    def item(place: int) -> tuple[Entry, bool, tuple[int, ...], bool]:
        number, needed = file.bare_owners[first + 2 * place : first + 2 * place + 2]
        return file.entry(number >> 2), bool(number & 2), needs[needed], bool(number & 1)

    return _Part(count, item)
