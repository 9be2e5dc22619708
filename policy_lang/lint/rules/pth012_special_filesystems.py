"""PTH012 special-filesystems."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import denial, row_of, sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    rows = context.capabilities.group("special")
    for action in ("read", "write"):
        patterns, examples = [r.meant for r in rows], [r.example for r in rows]
        for grant in context.find_grants(action, patterns, examples, context.capabilities.harmless):
            row = row_of(rows, grant)
            yield check.finding(
                context, sentence(grant, row.note), grant.rule, content=(action, row.id), steps=(grant.step,), rows=(row.id,),
                fixes=denial(context, ("read", "write"), rows, grant, row),
            )  # fmt: skip


CHECK = Check(
    code="PTH012",
    name="special-filesystems",
    severity="error",
    evidence="proved",
    finds="A rule reaches `/proc`, `/sys`, `/dev`, `/run` or a socket such as Docker's.",
    why=(
        "They are not files: `/proc/self/root` is another name of everything, `/proc/1/environ` another "
        "process's secrets, `/dev/sda` the disk, and whoever writes to the Docker socket is root."
    ),
    remediation="Deny them; `import std.baseline` does, and leaves `/dev/null` and its like alone.",
    bad='allow read "/proc/**"',
    good="""\
import std.baseline
allow read "/**" except "~/**"
""",
    near=('allow write "/dev/null"', 'allow read "proc/x"'),
    shows="/proc/1/environ",
    function=_find,
)
