"""NET002 public-suffix-wildcard."""

from __future__ import annotations

from collections.abc import Iterator

from ...analysis.members import matching
from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import sentence
from ..suffixes import is_public


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    for rule in ground.own_rules("allow", "connect"):
        for pattern in rule.include:
            host = pattern.text.partition("//")[2] or pattern.text
            for suffix in ground.wild_suffixes(host):
                if not is_public(suffix, ground.capabilities.suffixes):
                    continue
                for reach in ground.reach("connect", [f"evil.{suffix}"]):
                    if reach.rule is rule and matching((pattern,), reach.step.witness) is not None:
                        yield ground.finding(
                            check, sentence(reach, f"anyone gets a name under `{suffix}`"), rule,
                            content=(suffix,), steps=(reach.step,), rows=(f"suffix:{suffix}",),
                        )  # fmt: skip


CHECK = Check(
    code="NET002",
    name="public-suffix-wildcard",
    severity="error",
    evidence="fact",
    finds=(
        "A wildcard stands at or above a suffix under which anyone gets a name: `*.github.io`, "
        "`*.amazonaws.com`, `*.com`."
    ),
    why="It grants the attacker's host as well as yours.",
    mend="Name the hosts: `acme.github.io`.",
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
    ),
    shows="evil.github.io",
    look=_look,
)
