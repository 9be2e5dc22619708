"""CMD008 reads-outside-path-grants."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..commands import allowed_rows, findings
from ..context import LintContext
from ..finding import Finding


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    givens = context.without("read", "any/secret")
    reads = allowed_rows(
        context, lambda r: r.gives in {"read", "upload"} and any("{secret" in w for w in r.argv), givens
    )
    return findings(context, check, reads, "no rule grants that file")


CHECK = Check(
    code="CMD008",
    name="reads-outside-path-grants",
    severity="error",
    evidence="fact",
    finds="A rule lets an agent give a program an input file that no rule about reading grants.",
    why=(
        "`git diff --no-index /dev/null ~/.netrc`, `jq --rawfile` and `date -f` print files. The engine asks "
        "for the files of programs that have a profile; of the others it does not know."
    ),
    remediation="Give the program a profile of your own, or write the words that are needed.",
    bad="""\
import std.baseline
allow run "ssh-keyscan **"
""",
    good="""\
import std.baseline
allow run "cat **"
""",
    near=(
        """\
import std.baseline
allow read "any/**"
allow run "shuf **"
""",
    ),
    shows="any/secret",
    function=_find,
)
