"""CMD007 write-by-option."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..commands import allowed_rows, findings
from ..finding import Finding
from ..ground import Ground

_FILES = {"any/file": "write", "any/victim": "delete"}


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    granted = [f for f, action in _FILES.items() if ground.probe(action, f)]
    files = [p for p, f in (("{out}", "any/file"), ("{victim}", "any/victim")) if f not in granted]
    writes = allowed_rows(
        ground, lambda r: r.gives in {"write", "delete"} and any(p in w for w in r.argv for p in files)
    )
    return findings(ground, check, writes, "no rule grants that file")


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
    mend="Give the program a profile of your own, or write the words that are needed.",
    bad="""\
import std.baseline
allow run "sponge **"
""",
    good="""\
import std.baseline
allow run "sort **"
""",
    near=(
        """\
import std.baseline
allow write "any/**"
allow run "sponge **"
""",
    ),
    shows="any/file",
    look=_look,
)
