"""SEM014 twin-spelling."""

from __future__ import annotations

from collections.abc import Iterator

from ..about import twin
from ..check import Check
from ..finding import Finding
from ..ground import Ground


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    for fact in ground.facts.found:
        if fact.kind == "redundant" and ground.own(fact.rule):
            rule = ground.rule(fact.rule)
            other = twin(ground, fact)
            if other is not None and (other.file, other.line) < (rule.file, rule.line):
                yield ground.finding(
                    check, f"it says the same as `{other.id}`", rule, related=(("the other one", ground.span(other)),),
                    fixes=ground.remove(rule),
                )  # fmt: skip


CHECK = Check(
    code="SEM014",
    name="twin-spelling",
    severity="info",
    evidence="proved",
    finds="Two rules that say the same in other words.",
    why="One of them will be changed and the other forgotten.",
    mend="Delete one.",
    bad="""\
allow read "src/**"
allow read "src/*", "src/*/**"
""",
    good='allow read "src/**"',
    near=(
        """\
allow read "src/**"
allow read "src/a/**"
""",
    ),
    shows="the same as",
    look=_look,
)
