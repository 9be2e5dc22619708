"""CMD007 write-by-option."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..capabilities import Capability
from ..check import Check
from ..commands import allowed_rows, findings
from ..context import LintContext
from ..finding import Finding

_FILES = {"{out}": ("write", "any/file"), "{victim}": ("delete", "any/victim")}


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for place, (action, file) in _FILES.items():
        rows = allowed_rows(context, partial(_names, place), context.without(action, file))
        yield from findings(context, check, rows, "no rule grants that file")


def _names(place: str, row: Capability) -> bool:
    return row.gives in {"write", "delete"} and any(place in w for w in row.argv)


CHECK = Check(
    code="CMD007",
    name="write-by-option",
    severity="error",
    evidence="fact",
    finds="A rule lets an agent give a program an output file that no rule about writing grants.",
    why=(
        "`git log --output=FILE` and `sort -o FILE` write anywhere the process may. The engine asks for the "
        "files of programs that have a profile; of the others it does not know."
    ),
    remediation="Give the program a profile of your own, or write the words that are needed.",
    bad="""\
import std.baseline
allow run "fallocate **"
""",
    good="""\
import std.baseline
allow run "sort **"
""",
    near=(
        """\
import std.baseline
allow write "any/**"
allow run "fallocate **"
""",
    ),
    shows="any/file",
    function=_find,
)
