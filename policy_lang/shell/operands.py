"""Operands: which word stands in which slot of a profile."""

from __future__ import annotations

from .changes import CommandChanges
from .profile import Parsed
from .reading import Opaque
from .roles import role
from .slots import PATH_ROLES, Slot
from .values import UNKNOWN, Hole, Value, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .host import ProgramHost


def operand_roles(shell: ProgramHost, parsed: Parsed, values: list[Value] | None = None) -> None:
    """Give each operand its role."""
    slots = parsed.profile.operands if parsed.changes.slots is None else parsed.changes.slots
    operands = parsed.operands if values is None else values
    missing_operands(shell, parsed, slots, len(operands))
    if not operands:
        return
    if len(slots) == 1 and slots[0].repeats and slots[0].role != "command":
        name = _changed(slots[0].role, parsed.changes)
        for i, value in enumerate(operands):
            role(shell, parsed, name, value, parsed.indexes[i] if values is None else 0)
        return
    indexes = parsed.indexes if values is None else [0] * len(values)
    placed = _placed(slots, operands)
    for value, index, roles in zip(operands, indexes, placed, strict=True):
        for name in roles if roles != ("command",) else ():
            role(shell, parsed, _changed(name, parsed.changes), value, index)
    first = next((i for i, roles in enumerate(placed) if roles == ("command",)), -1)
    if first >= 0:
        shell.run(operands[first:])


def missing_operands(shell: ProgramHost, parsed: Parsed, slots: tuple[Slot, ...], given: int) -> None:
    """Give the slots that stay empty the operand that the profile says is meant."""
    if not parsed.profile.missing or parsed.has("--help") or parsed.has("--version"):
        return
    for slot in slots[given:]:
        if slot.role != "command":
            role(shell, parsed, _changed(slot.role, parsed.changes), literal(parsed.profile.missing), 0)


def _changed(name: str, changes: CommandChanges) -> str:
    if changes.tree and f"{name}-tree" in PATH_ROLES:
        name += "-tree"
    for change in changes.roles:
        name = change.applied(name)
    return name


def _placed(slots: tuple[Slot, ...], values: list[Value]) -> list[tuple[str, ...]]:
    """The role of each operand; several when words of unknown number stand before and behind."""
    if any(s.role == "command" for s in slots):
        first = next(i for i, s in enumerate(slots) if s.role == "command")
        if any(v.many for v in values[: first + 1]):
            raise Opaque("which words are the command is not known")
        return [(slots[min(i, first)].role,) for i in range(len(values))]
    repeat = next((i for i, s in enumerate(slots) if s.repeats), len(slots))
    lead, trail = slots[:repeat], slots[repeat + 1 :]
    middle = slots[repeat].role if repeat < len(slots) else None
    count = len(values)
    if not any(v.many for v in values):
        out: list[tuple[str, ...]] = []
        behind = min(len(trail), max(0, count - len(lead)))
        for i in range(count):
            if i < len(lead):
                out.append((lead[i].role,))
            elif i >= count - behind:
                out.append((trail[len(trail) - (count - i)].role,))
            elif middle is None:
                raise Opaque("it has more operands than its profile knows")
            else:
                out.append((middle,))
        return out
    every = tuple(dict.fromkeys(s.role for s in slots))
    first = next(i for i, v in enumerate(values) if v.many)
    last = max(i for i, v in enumerate(values) if v.many)
    placed: list[tuple[str, ...]] = []
    for i in range(count):
        if i < first and i < len(lead):
            placed.append((lead[i].role,))
        elif i > last and count - i <= len(trail):
            placed.append((trail[len(trail) - (count - i)].role,))
        elif middle is not None and first >= len(lead) and (last < count - len(trail)):
            placed.append((middle,))
        else:
            placed.append(every)
    return placed


def added_word(word: str) -> Value:
    """The word of an act that a profile adds: `*` is any, `~/` begins the home folder."""
    if word == "*":
        return UNKNOWN
    return Value((Hole.HOME, word[1:])) if word.startswith("~/") else literal(word)


_RUNNABLE = frozenset({"command", "script", "code", "code-file", "program", "sql"})


def says_what_to_run(parsed: Parsed) -> bool:
    """True when an operand or an option says what the program runs, so that it does not ask its standard input."""
    slots = parsed.profile.operands if parsed.changes.slots is None else parsed.changes.slots
    first = next((i for i, s in enumerate(slots) if s.role.rstrip("!") in _RUNNABLE), None)
    if first is not None and len(parsed.operands) > first:
        return True
    return any(g.option.role.rstrip("!") in {"script", "code"} for g in parsed.options)
