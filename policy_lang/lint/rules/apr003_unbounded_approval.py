"""APR003 unbounded-approval."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext, tier_definitions
from ..finding import Finding

_DAY = 86_400


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for definition, span in tier_definitions(context):
        name, days = definition.name.text, definition.expires / _DAY
        if definition.expires > 3 * _DAY:
            yield check.finding(context, f"a request to `{name}` waits {days:.0f} days", span, content=(name, "wait"))
        elif definition.scope == "session" and definition.expires > _DAY:
            text = f"an approval of `{name}` holds for the session, and may come {days:.0f} days later"
            yield check.finding(context, text, span, content=(name, "session"))


CHECK = Check(
    code="APR003",
    name="unbounded-approval",
    severity="warning",
    evidence="proved",
    finds="An approval is good for the whole session, or a request waits for days.",
    why="People approve what they see now. A day later the branch, the task and the reason are others.",
    remediation="`scope once`, which is the default, and a waiting time of hours.",
    bad="""\
tier review { approvers "@team"  expires 14d }
ask review write "x"
""",
    good="""\
tier review { approvers "@team"  expires 2h }
ask review write "x"
""",
    near=(
        """\
tier review { approvers "@team"  expires 24h }
ask review write "x"
""",
    ),
    shows="14 days",
    function=_find,
)
