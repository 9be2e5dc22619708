"""cp, mv, ln, install: where copies end up. From their manuals in GNU coreutils 9.1."""

from __future__ import annotations

import re

from ...domain.regex import regex
from ..access import path
from ..call import ProgramCall
from ..landing import landed
from ..profile import Parsed
from ..reading import Opaque
from ..values import UNKNOWN, Hole, Value, joined, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost


def copy(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Sources are read (and deleted by `mv`), the target is written: itself, and below it when it is a folder."""
    name = parsed.path[0]
    if name == "ln":
        shell.walk.filled = len(shell.walk.acts) + 1
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
        if name == "ln" and parsed.has("-s") and not parsed.has("-r"):
            for place in _linked(source, target, into is not None or len(operands) > 1):
                path(shell.walk, "read", place)
                path(shell.walk, "write", place, "existing")  # whoever writes one name then writes both
            landed(shell.walk, source, target, tree, folder=into is not None or len(operands) > 1 or source.many)
            continue
        if name == "ln" and parsed.has("-s"):
            path(shell.walk, "read", source)
        else:
            path(shell.walk, "read", source, "existing" if tree else "", follows=parsed.changes.linked)
        if name == "mv":
            path(shell.walk, "delete", source, "existing")
        if name == "ln":
            path(shell.walk, "write", source)
        elif name == "cp" and (parsed.has("-l") or parsed.has("-s")):
            path(shell.walk, "write", source, "existing" if tree else "")
        folder = into is not None or len(operands) > 1 or source.many
        landed(shell.walk, source, target, tree, folder, parsed.changes.linked)
    return True


def _linked(source: Value, target: Value, folder: bool) -> list[Value]:
    """What a symbolic link leads to: a relative one begins where the link lies, which may be the target itself."""
    start = source.starts()
    if start.startswith("/") or (source.parts and source.parts[0] in {Hole.HOME, Hole.CWD, Hole.TMP}):
        return [source]
    if target.text is None:
        return [UNKNOWN]
    above = target.text.rstrip("/").rpartition("/")[0] if "/" in target.text.rstrip("/") else "."
    folders = [target.text or "."] if folder else [above, target.text or "."]
    return [
        source if f == "." else joined([f"{f.rstrip('/')}/", *source.parts], source.many, source.why) for f in folders
    ]


_RANDOM = regex(r"(.*?)X{3,}([^X/]*)", re.DOTALL)


def mktemp(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """A file or folder with a new name (mktemp(1)). One in the folder for temporary files is not worth a rule."""
    if parsed.has("-u") or parsed.has("--version") or parsed.has("--help"):
        return True
    folder = parsed.value_of("-p") or parsed.value_of("--tmpdir")
    if folder is None and "TMPDIR" in shell.walk.state.variables:
        folder = UNKNOWN
    placed = parsed.operands and not parsed.has("-t") and not parsed.has("--tmpdir") and not parsed.has("-p")
    if folder is None and not placed:
        return True
    template = parsed.operands[0] if parsed.operands else literal("tmp.XXXXXX")
    match = _RANDOM.fullmatch(template.text or "")
    name = joined([match[1], Hole.WORD, match[2]]) if match else template
    path(shell.walk, "write", name if placed or folder is None else joined([*folder.parts, "/", *name.parts]))
    return True
