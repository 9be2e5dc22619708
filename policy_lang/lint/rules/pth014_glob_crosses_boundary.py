"""PTH014 glob-crosses-boundary."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.actions import PATH
from ..check import Check
from ..context import LintContext, reworded, words
from ..finding import Finding, Fix
from ..places import sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules("allow"):
        for word in words(context, rule) if rule.sort == PATH else ():
            name = word.text.rpartition("/")[2]
            stem = name.removesuffix("*")
            if stem == name or not stem.isascii() or not stem.isalnum() or not stem.islower():
                continue
            action = rule.actions[0]
            nearby = word.text[:-1] + "-secrets.key"
            for grant in (r for r in context.ask(action, nearby) if r.rule is rule):
                fix = Fix(f"write `{word.text[:-1]}/**`", (reworded(rule, word, f"{word.text[:-1]}/**"),))
                message = sentence(grant, f"`{word.text}` is about names beside `{word.text[:-1]}`, not what is in it")
                yield check.finding(context, message, rule, content=(word.text,), steps=(grant.step,), fixes=(fix,))


CHECK = Check(
    code="PTH014",
    name="glob-crosses-boundary",
    severity="warning",
    evidence="proved",
    finds="A path pattern ends in `name*`, where `name/**` was probably meant.",
    why="`*` stays inside one segment: `src*` does not match `src/app.ts`, and does match `src-secrets.key`.",
    remediation="Write `src/**` for what lies in the folder.",
    bad='import std.baseline\nallow write "src*"',
    good='allow write "src/**"',
    near=('allow write "README*", "src/test_*", "*.md"',),
    shows="src-secrets.key",
    function=_find,
)
