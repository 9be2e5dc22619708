"""Places for operands, as profiles write them: `read... write`, `text? command...`."""

from __future__ import annotations

from ..domain.record import record

PATH_ROLES = {
    "read": ("read", ""), "write": ("write", ""), "delete": ("delete", ""), "list": ("read", ""),
    "read-tree": ("read", "existing"), "delete-tree": ("delete", "existing"), "write-tree": ("write", "new"),
    "change-tree": ("write", "existing"), "search": ("read", "visible"), "write-tree-own": ("write", "own"),
}  # fmt: skip
"""Roles that are paths: the action, and what of the tree below is meant."""


@record(frozen=True, slots=True)
class Slot:
    """A place for operands: what one is, and whether it repeats or may be missing."""

    role: str
    repeats: bool = False
    optional: bool = False


def slots_of(text: str) -> tuple[Slot, ...]:
    """The places that a profile's text names."""
    return tuple(
        Slot(t.removesuffix("...").removesuffix("?"), t.endswith("..."), t.endswith("?")) for t in text.split()
    )
