"""grep, rg and their kin: the first operand is a pattern unless an option gives it. From grep(1) and rg(1)."""

from __future__ import annotations

import re

from ..access import path
from ..call import ProgramCall
from ..profile import Parsed
from ..values import literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost


def search(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`grep pattern files`: recursive ones read what lies below."""
    operands = list(parsed.operands)
    if any(parsed.has(n) for n in ("--version", "--help", "--type-list")):
        return True
    given = parsed.has("-e") or parsed.has("-f") or parsed.has("--files")
    if not given and operands and not operands[0].many:
        operands.pop(0)
    walks = parsed.path[0] in {"rg", "ag"} or parsed.changes.tree
    hidden = parsed.path[0] not in {"rg", "ag"} or parsed.changes.hidden
    tree = "" if not walks else "existing" if hidden else "visible"
    if not operands and walks:
        operands = [literal(".")]
    only = [
        g.value for g in parsed.options if {"--include", "-g", "--glob"} & set(g.option.names) and g.value is not None
    ]
    names = (only[0].text or "") if len(only) == 1 and walks else ""
    wanted = re.fullmatch(r"[A-Za-z0-9_.*?-]+", names) is not None
    follows = parsed.changes.linked or (parsed.path[0] in {"rg", "ag"} and parsed.has("-L"))
    for value in operands:
        if wanted and not follows:
            path(shell.walk, "read", value)
        path(shell.walk, "read", value, tree, names if wanted and not follows else "", follows=follows)
    return True
