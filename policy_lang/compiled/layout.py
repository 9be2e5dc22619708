"""The layout of a compiled policy. `docs/explanation/compiled-policies.md` shows it in full.

    header     magic, format, checksum and length of all that follows; offset and length of each section
    sections   in the order of `SECTIONS`, each on a multiple of four bytes; numbers are 32 bit, little-endian

A trie's nodes are numbered level by level, so that the children of a node stand together: a node is the label of the
edge that leads to it, the number of its first child, and of its first mark. One node that is none follows each trie.
"""

from __future__ import annotations

MAGIC = b"\x89plc\r\n\x1a\n"
"""Shows at once that a transfer has changed line ends or dropped the eighth bit, as PNG's does (RFC 2083, 3.1)."""
FORMAT = 4
HEADER = 20
"""Magic, format, checksum, length: 8 bytes and three numbers. The sections' places follow."""

SECTIONS = (
    "about",  # a value: versions, digest, layers, tiers, attributes, conditions, sources, tables, defaults
    "text-ends",  # for each text, where it ends
    "texts",  # UTF-8, sorted, each once
    "globs",  # the text of each glob
    "trie-globs",  # the globs of each trie
    "labels",  # for each node, the label of the edge to it
    "children",  # for each node, its first child
    "first-marks",  # for each node, its first mark
    "marks",
    "kinds",  # KIND numbers for each kind of rule
    "rules",  # RULE numbers for each rule
    "entries",  # the rules of each table
    "owners",  # for each mark of a table, its rule and whether it includes
    "bare-owners",  # for each bare mark of a table two numbers: rule and flags, which options it needs
    "profile-names",  # a line for each program: its name, a blank, which profile it has
    "profile-ends",  # for each profile, where it ends
    "profiles",  # a value for each profile
)

GLOB, ANY, MANY = 1 << 30, 1 << 31, (1 << 31) + 1
"""Labels of nodes: below GLOB a text; from there a glob; one segment; any number of segments."""

KIND = 11
"""What many rules share: effect, tier, because, file, module (texts), sort, layer + 1, flags, condition, needs, bars
(+ 1 each)."""
RULE = 3
"""A rule: its id (a text), its line, its kind."""

GRANTS, LOG, OVERRIDE, EXCEPTS = 1, 2, 4, 8
"""Flags of a kind of rule."""
