"""A prepared policy set as the bytes of a compiled file. Equal policies at equal places give equal bytes."""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..automata.trie import Node, Trie
from ..domain.actions import ACTIONS
from ..domain.conditions import Atom, Formula
from ..domain.decision import RuleRef
from ..engine.table import Entry, LayerDefault, Prepared, Table
from ..shell.profile import Profile
from . import layout
from .codec import Plain, pack
from .profiles import packed


@dataclass(frozen=True, slots=True)
class Origin:
    """What a compiled policy was made from: the versions of program and language, the set's name, its sources.

    Sources are (absolute path, SHA-256 of the text), the set's own file first.
    """

    program: str
    language: str
    name: str
    sources: tuple[tuple[str, str], ...]


def write(prepared: Prepared, origin: Origin, profiles: Mapping[str, Profile]) -> bytes:
    """The compiled form. `profiles` are all that its decisions may need, by program."""
    tables = {action: table for action in ACTIONS if (table := prepared.tables.get(action)) is not None}
    writer = _Writer(tables)
    places = tuple((action, *writer.table(table)) for action, table in tables.items())
    about: Plain = (
        origin.program, origin.language, origin.name, prepared.digest, origin.sources, prepared.layers,
        tuple(
            (t.name, t.approvers, t.quorum, t.expires, t.includes, t.scope, t.reason_required, t.escalate, t.opens)
            for t in prepared.tiers.values()
        ),
        tuple((a.name, a.type, a.members, a.default) for a in prepared.attributes.values()),
        tuple(_formula(f) for f in prepared.conditions), places,
        tuple((f.denials, f.seconds, f.file, f.line) for f in prepared.freezes), prepared.trusts,
        tuple(map(_default, prepared.defaults)),
    )  # fmt: skip
    return _file({"about": pack(about), **writer.sections(), **_profiles(profiles)})


def _default(default: LayerDefault) -> Plain:
    ref = default.ref
    return (ref.id, ref.file, ref.line, ref.tier, ref.layer, default.layer, default.actions, default.condition + 1)


def _formula(formula: Formula) -> Plain:
    if isinstance(formula, Atom):
        return (formula.subject, formula.op, formula.values)
    return (formula.op, tuple(_formula(part) for part in formula.parts))


def _numbers(values: Iterable[int]) -> bytes:
    found = list(values)
    return struct.pack(f"<{len(found)}I", *found)


def _file(sections: dict[str, bytes]) -> bytes:
    assert sorted(sections) == sorted(layout.SECTIONS)
    at = layout.HEADER + 8 * len(layout.SECTIONS)
    places: list[int] = []
    body = bytearray()
    for name in layout.SECTIONS:
        data = sections[name]
        places += [at + len(body), len(data)]
        body += data + bytes(-len(data) % 4)
    rest = _numbers(places) + bytes(body)
    size = layout.HEADER + len(rest)
    return layout.MAGIC + _numbers((layout.FORMAT, binascii.crc32(rest), size)) + rest


class _Texts:
    """Every text that the file names, numbered in the order of their UTF-8 bytes."""

    def __init__(self, found: Iterable[str]) -> None:
        self.sorted = sorted({text.encode("utf-8") for text in found})
        self._numbers = {data.decode("utf-8"): i for i, data in enumerate(self.sorted)}

    def __getitem__(self, text: str) -> int:
        return self._numbers[text]

    def sections(self) -> dict[str, bytes]:
        ends: list[int] = [0]
        for data in self.sorted:
            ends.append(ends[-1] + len(data))
        return {"text-ends": _numbers(ends), "texts": b"".join(self.sorted)}


def _entry_texts(ref: RuleRef) -> tuple[str, ...]:
    return (ref.effect, ref.tier, ref.because, ref.file, ref.layer)


class _Writer:
    """Collects what all tables share."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        entries = {id(e): e for t in tables.values() for e in t.entries}
        globs = {g.text for t in tables.values() for trie in (t.trie, t.bare_trie) for g in trie.globs}
        words = {x for t in tables.values() for trie in (t.trie, t.bare_trie) for x in trie.literals}
        names = {x for e in entries.values() for x in (e.ref.id, e.sort, *_entry_texts(e.ref))}
        self.texts = _Texts({*words, *names, *globs})
        self.globs = sorted(globs)
        self.glob_numbers = {text: i for i, text in enumerate(self.globs)}
        self.trie_globs: list[int] = []
        self.labels: list[int] = []
        self.children: list[int] = []
        self.first_marks: list[int] = []
        self.marks: list[int] = []
        self.kinds: dict[tuple[int, ...], int] = {}
        self.rules: dict[int, int] = {}
        self.rule_numbers: list[int] = []
        self.entries: list[int] = []
        self.owners: list[int] = []
        self.bare_owners: list[int] = []

    def table(self, table: Table) -> tuple[Plain, ...]:
        """Where the parts of a table stand: (first, count) each."""
        entries = (len(self.entries), len(table.entries))
        self.entries += [self._rule(e) for e in table.entries]
        owners = (len(self.owners), len(table.owners))
        self.owners += [self._rule(e) << 1 | include for e, include in table.owners]
        bare = (len(self.bare_owners), len(table.bare_owners))  # two numbers each
        needed: dict[tuple[int, ...], int] = {}
        for entry, include, needs, follows in table.bare_owners:
            flags = self._rule(entry) << 2 | include << 1 | follows
            self.bare_owners += [flags, needed.setdefault(needs, len(needed))]
        return (
            self._trie(table.trie), entries, owners, self._trie(table.bare_trie), bare, tuple(needed),
            tuple(tuple(n.plain for n in group) for group in table.options), table.has_methods, table.has_paths,
        )  # fmt: skip

    def _rule(self, entry: Entry) -> int:
        number = self.rules.get(id(entry))
        if number is None:
            ref, texts = entry.ref, self.texts
            flags = (
                layout.GRANTS * entry.grants | layout.LOG * entry.log | layout.OVERRIDE * entry.override
                | layout.EXCEPTS * entry.excepts
            )  # fmt: skip
            shared = tuple(texts[x] for x in (*_entry_texts(ref), entry.sort))
            kind = (
                *shared,
                entry.layer + 1,
                flags,
                entry.condition + 1,
                entry.required_options + 1,
                entry.forbidden_options + 1,
            )
            number = self.rules[id(entry)] = len(self.rules)
            self.rule_numbers += [texts[ref.id], ref.line, self.kinds.setdefault(kind, len(self.kinds))]
        return number

    def _trie(self, trie: Trie) -> tuple[int, ...]:
        """Write a trie level by level; gives the number of its root, its size, and where its globs stand."""
        root = len(self.labels)
        globs = len(self.trie_globs)
        self.trie_globs += sorted(self.glob_numbers[g.text] for g in trie.globs)
        self.labels.append(0)
        level = [trie.root]
        following = root + 1
        while level:
            below: list[Node] = []
            for node in level:
                self.children.append(following)
                self.first_marks.append(len(self.marks))
                self.marks += node.marks
                found = sorted(self._edges(node), key=lambda edge: edge[0])
                self.labels += [label for label, _ in found]
                below += [child for _, child in found]
                following += len(found)
            level = below
        self.labels.append(0)
        self.children.append(following)
        self.first_marks.append(len(self.marks))
        return root, following - root, globs, len(trie.globs)

    def _edges(self, node: Node) -> list[tuple[int, Node]]:
        out = [(self.texts[text], child) for text, child in (node.literals or {}).items()]
        out += [(layout.GLOB + self.glob_numbers[glob.text], child) for glob, child in (node.globs or {}).items()]
        if node.any is not None:
            out.append((layout.ANY, node.any))
        if node.many is not None:
            out.append((layout.MANY, node.many))
        return out

    def sections(self) -> dict[str, bytes]:
        """The sections of numbers and texts."""
        return {
            **self.texts.sections(),
            "globs": _numbers(self.texts[text] for text in self.globs),
            "trie-globs": _numbers(self.trie_globs),
            "labels": _numbers(self.labels),
            "children": _numbers(self.children),
            "first-marks": _numbers(self.first_marks),
            "marks": _numbers(self.marks),
            "kinds": _numbers(number for kind in self.kinds for number in kind),
            "rules": _numbers(self.rule_numbers),
            "entries": _numbers(self.entries),
            "owners": _numbers(self.owners),
            "bare-owners": _numbers(self.bare_owners),
        }


def _profiles(profiles: Mapping[str, Profile]) -> dict[str, bytes]:
    values: dict[bytes, int] = {}
    lines: list[str] = []
    by_identity: dict[int, bytes] = {}
    for name, profile in sorted(profiles.items()):
        data = by_identity.get(id(profile))
        if data is None:
            data = by_identity[id(profile)] = pack(packed(profile))
        lines.append(f"\n{name} {values.setdefault(data, len(values))}")
    ends = [0]
    for data in values:
        ends.append(ends[-1] + len(data))
    names = "".join((*lines, "\n")).encode("ascii")
    return {"profile-names": names, "profile-ends": _numbers(ends), "profiles": b"".join(values)}
