"""CMD002 exec-capable-option."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..commands import allowed_rows, findings
from ..context import LintContext
from ..finding import Finding


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    runs = allowed_rows(context, lambda r: r.kind == "option" and r.gives in {"run", "load"})
    return findings(context, check, runs, "the option runs any code")


CHECK = Check(
    code="CMD002",
    name="exec-capable-option",
    severity="error",
    evidence="fact",
    finds=(
        "A rule lets an agent give an option that runs a program or loads a library: `rg --pre`, `tar -I`, "
        "`git -c`, `sort --compress-program`."
    ),
    why="The command looks harmless, the option is a shell.",
    remediation=(
        "Write the words that are needed. The engine asks for what it knows such options to run; a rule that "
        "names one, or a program without a profile, gets past that."
    ),
    bad="""\
import std.baseline
allow run "apt-get -o * **"
""",
    good="""\
import std.baseline
allow run "apt-get update"
""",
    near=(
        """\
import std.baseline
allow read "src/**"
allow run "rg -n * src"
""",
    ),
    shows="apt-get",
    function=_find,
)
