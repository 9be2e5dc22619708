"""ESC013 cross-agent."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from ...automata.pattern import quoted
from ..capabilities import Capability
from ..check import Check
from ..closure import Trace, minimal, writable
from ..commands import like
from ..escalations import traced
from ..ground import Ground, Reach


def _across(ground: Ground) -> list[Trace]:
    agents = list(dict.fromkeys(str(g["agent"]) for g in ground.principals() if "agent" in g))[:_MOST_AGENTS]
    if len(agents) < 2:
        return []
    told = ground.capabilities.group("agent-instructions")
    texts = ground.reach("write", [r.pattern for r in told], [r.example for r in told])
    scripts = [
        (row, ground.reach("run", like(ground, row)), ground.reach("write", [quoted(row.file)]))
        for row in writable(ground, ("config", "source"))
        if not row.file.startswith("~")
    ]
    mine = {a: [r for action, p in _MORE for r in _allowed(ground, ground.reach(action, [p]), a)] for a in agents}
    out: list[Trace] = []
    for strong, weak in itertools.permutations(agents, 2):
        more = next((r for r in mine[strong] if not _may(ground, r, weak)), None)
        if more is not None:
            out += _instructions(ground, weak, strong, more, texts)
            for row, commands, writes in scripts:
                out += _scripts(ground, weak, strong, row, commands, writes)
    return minimal(out)


_MORE = (("push", "*:refs/**"), ("do", "**"), ("use", "**"), ("run", "**"), ("connect", "**:*"))
_MOST_AGENTS = 60
"""Agents that are compared with each other, pair by pair."""


def _by(reach: Reach, agent: str) -> Reach:
    witness = replace(reach.step.witness, given={**reach.step.witness.given, "agent": agent})
    return replace(reach, step=replace(reach.step, witness=witness))


def _may(ground: Ground, reach: Reach, agent: str) -> bool:
    return ground.allowed(_by(reach, agent).step.witness)


def _allowed(ground: Ground, reaches: list[Reach], agent: str) -> list[Reach]:
    return [_by(r, agent) for r in reaches if _may(ground, r, agent)]


def _instructions(ground: Ground, weak: str, strong: str, more: Reach, texts: list[Reach]) -> Iterator[Trace]:
    for reach in _allowed(ground, texts, weak):
        steps = (
            ground.step(reach.step.witness, f"`{strong}` reads it as instructions"),
            ground.step(more.step.witness, f"only `{strong}` may do that"),
        )
        yield Trace(steps, (reach.rule, more.rule), (), f"`{weak}` writes what `{strong}` obeys")


def _scripts(
    ground: Ground, weak: str, strong: str, row: Capability, commands: list[Reach], writes: list[Reach]
) -> Iterator[Trace]:
    for command in _allowed(ground, commands, strong):
        if _may(ground, command, weak):
            continue
        for written in _allowed(ground, writes, weak):
            steps = (
                ground.step(written.step.witness, f"`{row.program}` loads it"),
                ground.step(command.step.witness, f"as `{strong}`"),
            )
            yield Trace(steps, (written.rule, command.rule), (row.id,), f"`{weak}` writes what `{strong}` runs")


CHECK = Check(
    code="ESC013",
    name="cross-agent",
    severity="error",
    evidence="fact",
    finds="One agent may write what another agent, that may do more, runs or reads as instructions.",
    why="The weaker agent, or whoever talked it over, acts with the rights of the stronger one.",
    mend="Take instruction files and scripts out of what the weaker agent writes, or ask for them.",
    bad="""agent "helper" { allow write "**" }
agent "releaser" { allow run "make release"  allow push "release/**" }
import std.baseline""",
    good="""agent "helper" { allow write "src/**" }
agent "releaser" { allow run "make release"  allow push "release/**" }
import std.baseline""",
    near=(
        """agent "helper" { allow write "src/**", "docs/**" }
agent "releaser" { allow run "make release"  allow push "release/**" }
import std.baseline""",
    ),
    shows="releaser",
    look=traced(_across, "{what}"),
)
