"""ESC013 cross-agent."""

from __future__ import annotations

from dataclasses import replace

from ...automata.pattern import quoted
from ..check import Check
from ..closure import Trace, minimal, writable
from ..commands import like
from ..escalations import traced
from ..ground import Ground, Reach, noted


def _across(ground: Ground) -> list[Trace]:
    agents = list(dict.fromkeys(str(g["agent"]) for g in ground.principals() if "agent" in g))
    out: list[Trace] = []
    for strong in agents:
        for weak in agents:
            if weak != strong:
                more = _only(ground, strong, weak)
                if more is not None:
                    out += _instructions(ground, weak, strong, more)
                    out += _scripts(ground, weak, strong)
    return minimal(out)


def _by(reach: Reach, agent: str) -> Reach:
    witness = replace(reach.step.witness, given={**reach.step.witness.given, "agent": agent})
    return replace(reach, step=replace(reach.step, witness=witness))


def _only(ground: Ground, strong: str, weak: str) -> Reach | None:
    """Something that the one may do and the other may not."""
    for action, resource in _MORE:
        for reach in ground.reach(action, [resource]):
            mine, theirs = _by(reach, strong), _by(reach, weak)
            if ground.allowed(mine.step.witness) and not ground.allowed(theirs.step.witness):
                return mine
    return None


_MORE = (("push", "*:refs/**"), ("do", "**"), ("use", "**"), ("run", "**"), ("connect", "**:*"))


def _instructions(ground: Ground, weak: str, strong: str, more: Reach) -> list[Trace]:
    rows = ground.capabilities.group("agent-instructions")
    found: list[Trace] = []
    for reach in ground.reach("write", [r.pattern for r in rows], [r.example for r in rows]):
        written = _by(reach, weak)
        if ground.allowed(written.step.witness):
            steps = (
                ground.step(written.step.witness, f"`{strong}` reads it as instructions"),
                ground.step(more.step.witness, f"only `{strong}` may do that"),
            )
            text = f"`{weak}` writes what `{strong}` obeys"
            found.append(Trace(steps, (reach.rule, more.rule), (), text))
    return found


def _scripts(ground: Ground, weak: str, strong: str) -> list[Trace]:
    found: list[Trace] = []
    for row in writable(ground, ("config", "source")):
        if row.file.startswith("~"):
            continue
        for command in ground.reach("run", like(ground, row)):
            run, denied = _by(command, strong), _by(command, weak)
            if not ground.allowed(run.step.witness) or ground.allowed(denied.step.witness):
                continue
            for reach in ground.reach("write", [quoted(row.file)]):
                written = _by(reach, weak)
                if ground.allowed(written.step.witness):
                    steps = (
                        ground.step(written.step.witness, f"`{row.program}` loads it"),
                        noted(ground.step(run.step.witness), f"as `{strong}`"),
                    )
                    found.append(
                        Trace(steps, (reach.rule, command.rule), (row.id,), f"`{weak}` writes what `{strong}` runs")
                    )
    return found


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
