"""SEM004 dead-deny."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext, reworded, words
from ..finding import Finding, Fix
from ..nearby import meant
from ..places import sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    idle = [f for f in context.facts.found if f.kind == "idle" and f.rule.effect == "deny" and context.own(f.rule)]
    close = meant(context, [context.rule(f.rule) for f in idle])
    for fact in idle:
        rule = context.rule(fact.rule)
        near = close.get(rule.id)
        if near is None:
            text = "nothing that it denies is granted: it says what holds without it"
            yield check.finding(context, text, rule, severity="info", fixes=context.remove(rule, safe=False))
            continue
        pattern, intended, grant = near
        fixes = tuple(
            Fix(f"write `{intended}`", (reworded(rule, w, intended),))
            for w in words(context, rule) if w.text == pattern
        )  # fmt: skip
        text = f"`{pattern}` meets nothing that is granted, and {sentence(grant)}"
        yield check.finding(
            context, text, rule, content=(pattern,), related=(("granted here", context.span(grant.rule)),),
            steps=(grant.step,), fixes=fixes,
        )  # fmt: skip


CHECK = Check(
    code="SEM004",
    name="dead-deny",
    severity="error",
    evidence="proved",
    finds="A denial that meets nothing which is granted, while something that it seems to mean is granted.",
    why=(
        "A typing error in a denial is silent, and looks like protection. Where nothing that it may mean is granted "
        "either it only restates the default: a second line of defence, or a rule too many, and a word (`info`)."
    ),
    remediation="Write what is meant; `**/` in front stands for any folder. The example shows what stays allowed.",
    bad="""\
allow read "config/**"
deny read "*.pem"
""",
    good="""\
import std.baseline
allow read "config/**"
deny read "config/**/*.pem"
""",
    near=(
        """\
allow read "docs/**"
deny read "docs/*.pem"
""",
    ),
    shows="config/",
    function=_find,
)
