"""ESC004 read-secret-and-egress."""

from __future__ import annotations

from ..check import Check
from ..closure import Trace, together
from ..context import LintContext
from ..escalations import traced
from ..places import AUTHORITIES


def _leaks(context: LintContext) -> list[Trace]:
    secrets = context.capabilities.group("credentials")
    uploads = context.capabilities.group("uploads")
    # few may send: whether anybody may is found out first
    sends = context.find_grants("connect", [r.pattern for r in uploads], [r.example for r in uploads])
    if not sends:
        return []
    found = context.find_grants("read", [r.meant for r in secrets], [r.example for r in secrets], AUTHORITIES)
    return together(context, found, sends, ("a secret", "anyone can receive there"))


CHECK = Check(
    code="ESC004",
    name="read-secret-and-egress",
    severity="error",
    evidence="fact",
    finds="An agent may read a secret, and may send to a host where anyone can receive.",
    why="One prompt injection is enough, and no command looks odd.",
    remediation="Take one of the two away: `import std.baseline` denies the secrets, `connect GET, HEAD` the upload.",
    bad="""\
allow read "**"
allow connect "gist.github.com"
""",
    good="""\
import std.baseline
allow read "**"
allow connect GET "gist.github.com"
""",
    near=(
        """\
import std.baseline
allow read "**"
allow connect "gist.github.com"
""",
    ),
    shows="gist.github.com",
    function=traced(_leaks, "the secret is out"),
)
