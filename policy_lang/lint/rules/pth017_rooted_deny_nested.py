"""PTH017 rooted-deny-nested."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.actions import PATH
from ..check import Check
from ..context import LintContext, reworded, words
from ..finding import Finding, Fix
from ..places import sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules("deny"):
        for word in words(context, rule) if rule.sort == PATH else ():
            if not word.text.startswith(".") or word.text.startswith("./"):
                continue
            for action in rule.actions:
                for grant in context.find_grants(action, [f"sub/{word.text}"])[:1]:
                    fix = Fix(f"write `**/{word.text}`", (reworded(rule, word, f"**/{word.text}"),), True)
                    yield check.finding(
                        context, sentence(grant, f"`{word.text}` is denied at the top only"), rule,
                        content=(action, word.text), related=(("granted here", context.span(grant.rule)),),
                        steps=(grant.step,), fixes=(fix,),
                    )  # fmt: skip
                    break


CHECK = Check(
    code="PTH017",
    name="rooted-deny-nested",
    severity="warning",
    evidence="proved",
    finds=(
        "A denial of a hidden file or folder holds at the top of the repository only, and a rule grants the "
        "same name further down."
    ),
    why=(
        "`.git/**` and `.env` mean the top level; a monorepo has them in every package, and a clone inside of "
        "the repository has its own `.git`."
    ),
    remediation="Put `**/` in front: it stands for no folder or any number of them.",
    bad="""\
import std.baseline
allow read "**"
deny read ".secrets/**"
""",
    good="""\
import std.baseline
allow read "**"
deny read "**/.secrets/**"
""",
    near=(
        """\
allow read "src/**"
deny read ".secrets/**"
""",
    ),
    shows="sub/.secrets/",
    function=_find,
)
