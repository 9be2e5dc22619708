"""Changes that an option makes to the rest of its command: typed values, and the text that profiles write them as.

`read_change` makes the value from the text once, when a profile is read; `written_change` gives exactly that text back.
Deciding works on their sum (`summed`), never on text. The field `text` of a change is how a profile wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..domain.record import record
from .slots import Slot, slots_of


@record(frozen=True, slots=True)
class Tree:
    """`tree`: operands that are folders stand for what lies below them as well."""


@record(frozen=True, slots=True)
class Linked:
    """`linked`: links below a folder count as what they lead to; with `linked-tree` it is a tree as well."""

    tree: bool = False


@record(frozen=True, slots=True)
class Free:
    """`free`: the command itself needs no grant, only its effects do."""


@record(frozen=True, slots=True)
class Operands:
    """`operands: SLOTS`: the operands have other places."""

    slots: tuple[Slot, ...]
    text: str


@record(frozen=True, slots=True)
class ReplaceRole:
    """`role: OLD=NEW`: what has the role OLD, or that of its tree, has the role NEW."""

    old: str
    new: str
    text: str

    def applied(self, role: str) -> str:
        """The role that `role` becomes."""
        return self.new if role in {self.old, f"{self.old}-tree"} else role


@record(frozen=True, slots=True)
class AddAct:
    """`act: ROLE WORD`: the command does this besides; an unknown word when WORD is `*`."""

    role: str
    word: str
    text: str


@record(frozen=True, slots=True)
class MakeOpaque:
    """`opaque: WHY`: with this option the command cannot be read."""

    why: str
    text: str


@record(frozen=True, slots=True)
class AddNote:
    """`note: TEXT`: what cannot be seen of the command."""

    note: str
    text: str


OptionChange = Tree | Linked | Free | Operands | ReplaceRole | AddAct | MakeOpaque | AddNote

_WORDS: dict[str, OptionChange] = {
    "tree": Tree(), "linked": Linked(), "linked-tree": Linked(True), "free": Free()
}  # fmt: skip
FORMS = (*_WORDS, "operands:", "role:", "act:", "opaque:", "note:")
"""Beginnings of the texts of changes."""


def read_act(text: str, written: str = "") -> AddAct:
    """The act that `ROLE WORD` adds to a command."""
    role, _, word = text.partition(" ")
    return AddAct(role, word, written or text)


def read_change(text: str) -> OptionChange:
    """The change that a profile's text stands for. Raises ValueError when it is not one."""
    kind, colon, rest = text.partition(":")
    match kind if colon else "":
        case "operands":
            return Operands(slots_of(rest), text)
        case "role":
            old, _, new = rest.strip().partition("=")
            return ReplaceRole(old, new, text)
        case "act":
            return read_act(rest.strip(), text)
        case "opaque":
            return MakeOpaque(rest.strip() or "an option that does something unusual", text)
        case "note":
            return AddNote(rest.strip(), text)
    if text not in _WORDS:
        raise ValueError(f"`{text}` is not a change; known are {', '.join(FORMS)}")
    return _WORDS[text]


def written_change(change: OptionChange) -> str:
    """The text that `read_change` made the change from."""
    match change:
        case Tree():
            return "tree"
        case Linked():
            return "linked-tree" if change.tree else "linked"
        case Free():
            return "free"
    return change.text


@record(frozen=True, slots=True)
class CommandChanges:
    """The sum of the changes that a command's options make.

    `slots` are the operands' places, None for the profile's own; `opaque` is why the command cannot be read, empty when
    it can.
    """

    tree: bool = False
    linked: bool = False
    free: bool = False
    slots: tuple[Slot, ...] | None = None
    roles: tuple[ReplaceRole, ...] = ()
    acts: tuple[AddAct, ...] = ()
    notes: tuple[str, ...] = ()
    opaque: str = ""


UNCHANGED = CommandChanges()


def summed(changes: Iterable[OptionChange]) -> CommandChanges:
    """The sum of changes, in the order of their options: the last slots and the first reason hold."""
    tree = linked = free = False
    slots: tuple[Slot, ...] | None = None
    roles: list[ReplaceRole] = []
    acts: list[AddAct] = []
    notes: list[str] = []
    opaque = ""
    for change in changes:
        match change:
            case Tree():
                tree = True
            case Linked():
                linked = True
                tree = tree or change.tree
            case Free():
                free = True
            case Operands():
                slots = change.slots
            case ReplaceRole():
                roles.append(change)
            case AddAct():
                acts.append(change)
            case MakeOpaque():
                opaque = opaque or change.why
            case AddNote():
                notes.append(change.note)
    return CommandChanges(tree, linked, free, slots, tuple(roles), tuple(acts), tuple(notes), opaque)
