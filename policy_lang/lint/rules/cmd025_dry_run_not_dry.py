"""CMD025 dry-run-not-dry."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..commands import allowed_rows, findings, words_of
from ..context import LintContext
from ..finding import Finding


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for one in allowed_rows(context, lambda r: r.kind == "dry"):
        kept = [(r, row) for r, row in zip(one.grants, one.rows, strict=True) if not _whole(context, words_of(row))]
        if kept:
            one.grants[:], one.rows[:] = [r for r, _ in kept], [row for _, row in kept]
            yield from findings(context, check, [one], "it runs what the project's files say")


def _whole(context: LintContext, words: tuple[str, ...]) -> bool:
    """True when the command is allowed without the option that makes it look harmless, so that nobody was misled."""
    bare = tuple(w for w in words if not w.startswith("-"))
    return bool(context.ask("run", bare))


CHECK = Check(
    code="CMD025",
    name="dry-run-not-dry",
    severity="warning",
    evidence="fact",
    finds=(
        "A rule lets an agent run a command that looks as if it only listed or checked, and runs the "
        "project's code: `make -n`, `pytest --collect-only`, `npm pack --dry-run`, `perl -c`."
    ),
    why="It was granted because it does nothing, and it does what the files say that the agent may write.",
    remediation="Treat it like the command without the option.",
    bad="""\
import std.baseline
allow run "make -n"
""",
    good="""\
import std.baseline
tier review { approvers "@t" }
ask review run "make -n"
""",
    near=(
        """\
import std.baseline
allow run "make test"
""",
    ),
    shows="make -n",
    function=_find,
)
