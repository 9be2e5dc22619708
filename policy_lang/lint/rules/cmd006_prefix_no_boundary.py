"""CMD006 prefix-no-boundary."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.actions import COMMAND
from ..check import Check
from ..context import LintContext, reworded, words
from ..finding import Finding, Fix
from ..places import sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules("allow", "run"):
        for pattern in rule.include if rule.sort == COMMAND else ():
            parts = pattern.text.split()
            glob = parts[1] if len(parts) == 2 else parts[0] if len(parts) == 1 else ""
            stem = glob.removesuffix("*")
            if stem == glob or not stem.isascii() or not stem.isalpha() or not parts[0].strip("*").isalnum():
                continue
            profile = context.engine.profiles(parts[0])
            known = [
                c for c in (profile.commands if profile is not None and len(parts) == 2 else ()) if c.startswith(stem)
            ]
            for word in (*(c for c in known if c != stem), f"{stem}-zz"):
                found = [r for r in context.ask("run", (*parts[:-1], word)) if r.rule is rule]
                if found:
                    spaced = f"{pattern.text[:-1]} **"
                    fixes = tuple(
                        Fix(f"write `{spaced}`", (reworded(rule, w, spaced),))
                        for w in words(context, rule) if w.text == pattern.text
                    )  # fmt: skip
                    text = sentence(found[0], f"`{glob}` is more than `{stem}`")
                    yield check.finding(
                        context, text, rule, content=(pattern.text,), steps=(found[0].step,), fixes=fixes
                    )
                    break


CHECK = Check(
    code="CMD006",
    name="prefix-no-boundary",
    severity="warning",
    evidence="proved",
    finds="A word of a command ends in a wildcard where a word of its own was probably meant: `git diff*`.",
    why="`git diff*` is `git difftool` as well, which runs a program of the caller's.",
    remediation="Put a space in between: `git diff **`.",
    bad='allow run "git diff*"',
    good='allow run "git diff **"',
    near=('allow run "npm run test:*"',),
    shows="git diff",
    function=_find,
)
