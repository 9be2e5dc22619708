"""NET002 public-suffix-wildcard."""

from __future__ import annotations

from collections.abc import Iterator

from ...analysis.members import matching
from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence
from ..suffixes import is_public

_TOPS = ("xyz", "top", "site", "online", "io", "dev", "net", "org", "com", "co", "de", "uk")
"""Top-level domains under which anyone may register a name, the cheap ones first."""


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules("allow", "connect"):
        for pattern in rule.include:
            host = pattern.text.partition("//")[2] or pattern.text
            for suffix in context.wild_suffixes(host):
                if not is_public(suffix, context.capabilities.suffixes):
                    continue
                for grant in context.find_grants("connect", [f"evil.{suffix}"]):
                    if grant.rule is rule and matching((pattern,), grant.step.witness) is not None:
                        yield check.finding(
                            context, sentence(grant, f"anyone gets a name under `{suffix}`"), rule,
                            content=(suffix,), steps=(grant.step,), rows=(f"suffix:{suffix}",),
                        )  # fmt: skip
            for name in context.wild_tops(host):
                granted = context.find_grants("connect", [f"{name}.{top}" for top in _TOPS])
                for grant in granted:
                    if grant.rule is rule and matching((pattern,), grant.step.witness) is not None:
                        yield check.finding(
                            context, sentence(grant, f"anyone may register `{name}` under another top-level domain"),
                            rule, content=(name,), steps=(grant.step,), rows=("top",),
                        )  # fmt: skip
                        break


CHECK = Check(
    code="NET002",
    name="public-suffix-wildcard",
    severity="error",
    evidence="fact",
    finds=(
        "A wildcard stands at or above a suffix under which anyone gets a name: `*.github.io`, "
        "`*.amazonaws.com`, `*.com`; or in place of a name's top: `acme.*`."
    ),
    why="It grants the attacker's host as well as yours.",
    remediation="Name the hosts: `acme.github.io`.",
    bad="""\
import std.baseline
allow connect "*.github.io"
""",
    good="""\
import std.baseline
allow connect "acme.github.io"
""",
    near=(
        """\
import std.baseline
allow connect "*.acme.github.io"
""",
        """\
import std.baseline
allow connect "acme-*.example.com"
""",
    ),
    shows="evil.github.io",
    function=_find,
)
