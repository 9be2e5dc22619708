"""PTH002 write-own-policy."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ...automata.pattern import quoted
from ..capabilities import Place
from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import denial, row_of, sentence


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    rows = [*_files(ground), *ground.capabilities.group("lint-config")]
    for reach in ground.reach("write", [r.pattern for r in rows], [r.example for r in rows]):
        row = row_of(rows, reach)
        yield ground.finding(
            check, sentence(reach, row.note), reach.rule, content=(row.note,), steps=(reach.step,),
            fixes=denial(ground, ("write",), rows, reach, row),
        )  # fmt: skip


def _files(ground: Ground) -> Iterator[Place]:
    """The files of the policy set, as they lie in the agent's checkout and on this machine."""
    for module in ground.modules:
        shown = os.path.normpath(module.file.source.path)
        if not shown.startswith(("/", "..")):
            yield Place("policy", quoted(shown), shown, "it is the policy that holds the agent", "")
        yield Place("policy", quoted(module.path), module.path, "it is the policy that holds the agent", "")


CHECK = Check(
    code="PTH002",
    name="write-own-policy",
    severity="error",
    evidence="proved",
    finds=(
        "A rule lets an agent write the policy that holds it, one of the files that this policy imports or "
        "stands within, or the linter's configuration."
    ),
    why=(
        "An agent that edits its own policy has every right. The protected floor denies it, unless a rule "
        "says `override protected`."
    ),
    mend="Delete the override. Policies change by review, not by the agents that they hold.",
    bad='allow write "**" override protected',
    good="""\
import std.baseline
allow write "src/**"
""",
    near=(
        """\
import std.baseline
allow write "policies/notes.md"
""",
    ),
    shows="example.policy",
    look=_look,
    critical=True,
)
