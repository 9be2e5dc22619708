"""APR006 no-second-person."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...analysis.witness import Witness
from ...ir.model import Rule
from ..check import Check
from ..context import LintContext
from ..examples import instances
from ..finding import Finding, Step
from ..places import request_text, verb

_PRODUCTION = re.compile(r"(?:^|[^a-z])(?:prod|production|live)(?:[^a-z]|$)|^(?:terraform|tofu) (?:apply|destroy)\b")
"""Words of operations, folders and commands that change what users have."""
_BRANCHES = frozenset({"main", "master", "production"})


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    said: set[str] = set()
    for rule in context.own_rules("ask"):
        tier = context.policy.tiers.get(rule.tier)
        if tier is None or len(tier.approvers) != 1 or tier.approvers[0].startswith("@") or tier.quorum > 1:
            continue
        step = next(_asked(context, rule), None) if rule.tier not in said else None
        if step is not None:
            said.add(rule.tier)
            text = f"{verb(step.witness.action)} {request_text(step)} hangs on one person, `{tier.approvers[0]}`"
            yield check.finding(context, text, rule, content=(rule.tier,), steps=(step,))


def _asked(context: LintContext, rule: Rule) -> Iterator[Step]:
    """Requests about production for which this tier alone is asked."""
    for action in rule.actions:
        for pattern in rule.include:
            production = pattern.text in _BRANCHES if action in {"push", "merge"} else _PRODUCTION.search(pattern.text)
            for resource in instances(action, pattern.text) if production and action != "read" else ():
                for given in context.principals(action):
                    step = context.step(Witness(action, resource, given, None, context.layout))
                    if step.effect == "ask" and step.tiers == (rule.tier,):
                        yield step


CHECK = Check(
    code="APR006",
    name="no-second-person",
    severity="warning",
    evidence="proved",
    finds="A change of production is approved by one named person alone.",
    why=(
        "That person is on holiday, or asleep, or has lost a laptop. Who watches an agent all day approves what a second "
        "pair of eyes would see."
    ),
    remediation='Name a group, or several people: `approvers "@on-call"`; with `quorum 2` two of them say yes.',
    bad="""\
tier ops { approvers "joe@acme.example" }
ask ops do "deploy.production"
""",
    good="""\
tier ops { approvers "@on-call" quorum 2 }
ask ops do "deploy.production"
""",
    near=(
        """\
tier me { approvers "joe@acme.example" }
ask me do "deploy.staging"
ask me write "products/**"
""",
    ),
    shows="deploy.production",
    function=_find,
)
