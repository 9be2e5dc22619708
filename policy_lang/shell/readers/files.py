"""cp, mv, ln, install: where copies end up. From their manuals in GNU coreutils 9.1."""

from __future__ import annotations

from ..access import path
from ..call import ProgramCall
from ..profile import Parsed
from ..reading import Opaque
from ..values import UNKNOWN, Hole, Value, joined, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost


def copy(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Sources are read (and deleted by `mv`), the target is written: itself, and below it when it is a folder."""
    name = parsed.path[0]
    operands = list(parsed.operands)
    if name == "install" and parsed.has("-d"):
        for value in operands:
            path(shell.walk, "write", value)
        return True
    into = parsed.value_of("-t")
    if into is None:
        if len(operands) < 2 and not (operands and operands[0].many):
            if parsed.has("--version") or parsed.has("--help"):
                return True
            if name == "ln" and operands:
                operands.append(literal("."))
            else:
                raise Opaque("its target is missing")
        if operands[-1].many:
            raise Opaque("its target is not known", "write the target as the last word, in quotes")
        target = operands.pop()
    else:
        target = into
    tree = name == "mv" or parsed.changes.tree
    for source in operands:
        if name == "ln" and parsed.has("-s"):
            path(shell.walk, "read", source)
        else:
            path(shell.walk, "read", source, "existing" if tree else "")
        if name == "mv":
            path(shell.walk, "delete", source, "existing")
        if name == "ln":  # whoever writes one name then writes both
            path(shell.walk, "write", source)
        _placed(shell, source, target, tree, folder=into is not None or len(operands) > 1 or source.many)
    return True


def _placed(shell: ProgramHost, source: Value, target: Value, tree: bool, folder: bool) -> None:
    text = target.text
    folder = folder or (text is not None and (text.endswith("/") or text.rpartition("/")[2] in {".", ".."}))
    like = source if tree else None
    kind = "copied" if tree else ""
    if not folder:
        path(shell.walk, "write", target, kind, like=like)
    name = _base(source)
    if name is None:
        below: Value = joined(
            [*target.parts, "/", Hole.FILE if source.starts() and source.many else Hole.NAME], False, target.why
        )
    else:
        below = joined([*target.parts, "" if text is not None and text.endswith("/") else "/", name], False, target.why)
    path(shell.walk, "write", below if target.parts else UNKNOWN, kind, like=like)


def _base(source: Value) -> str | None:
    text = source.text
    if text is None:
        return None
    name = text.rstrip("/").rpartition("/")[2]
    return name if name not in {"", ".", ".."} else "."
