"""NET007 wide-cidr."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence

_WIDEST = {4: 24, 6: 48}


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules("allow", "connect"):
        for pattern in rule.include:
            try:
                network = ipaddress.ip_network(_range(pattern.text), strict=False)
            except ValueError:
                continue
            if not 0 < network.prefixlen < _WIDEST[network.version]:
                continue
            outside = network.network_address + (1 << network.max_prefixlen - _WIDEST[network.version])
            text = f"[{outside}]" if network.version == 6 else str(outside)
            for grant in context.ask("connect", f"https://{text}/"):
                if grant.rule is rule:
                    message = sentence(grant, f"`{pattern.text}` holds {network.num_addresses:,} addresses")
                    yield check.finding(context, message, rule, content=(pattern.text,), steps=(grant.step,))


def _range(text: str) -> str:
    """A host pattern without its port."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


CHECK = Check(
    code="NET007",
    name="wide-cidr",
    severity="warning",
    evidence="proved",
    finds="A range of addresses is wider than /24, or /48 for IPv6.",
    why="Nobody knows who is in it, today or tomorrow.",
    remediation="Name the subnet that is meant.",
    bad="""\
import std.baseline
allow connect "203.0.0.0/16"
""",
    good="""\
import std.baseline
allow connect "203.0.113.0/24"
""",
    near=(
        """\
import std.baseline
allow connect "2001:db8:1::/48"
""",
    ),
    shows="203.0.",
    function=_find,
)
