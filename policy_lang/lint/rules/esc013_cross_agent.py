"""ESC013 cross-agent."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from ...domain.limits import limit
from ...shell.dialect import DIALECTS
from ..check import Check
from ..closure import LoadedFiles, Trace, loaded, minimal, pairs, program_of
from ..context import Grant, LintContext, sayable
from ..escalations import traced
from ..loaders import alternatives


def _across(context: LintContext) -> list[Trace]:
    agents = list(dict.fromkeys(str(g["agent"]) for g in context.principals() if "agent" in g))[:_MOST_AGENTS]
    if len(agents) < 2:
        return []
    instructions = context.capabilities.group("agent-instructions")
    texts = context.find_grants("write", [r.pattern for r in instructions], [r.example for r in instructions])
    scripts = [
        (pair, context.find_grants("run", pair.commands, (), pair.but), context.find_grants("write", here))
        for pair in loaded(context, ("config", "source"))
        if (here := [f for f in pair.files if not f.startswith("~")])
    ]
    elsewhere = [
        (pair, context.find_grants("run", pair.commands, (), pair.but), found)
        for pair in pairs(context, ("config", "source"))
        if (found := _named(context, pair))
    ]
    mine = {
        a: [r for action, p in _MORE for r in _allowed(context, context.find_grants(action, [p]), a)] for a in agents
    }
    out: list[Trace] = []
    for strong, weak in itertools.permutations(agents, 2):
        out += _files(context, weak, strong)
        more = next((r for r in mine[strong] if not _may(context, r, weak)), None)
        if more is not None:
            out += _instructions(context, weak, strong, more, texts)
            for pair, commands, writes in [*scripts, *elsewhere]:
                out += _scripts(context, weak, strong, pair, commands, writes)
    return minimal(out)


_MORE = (("push", "*:refs/**"), ("do", "**"), ("use", "**"), ("run", "**"), ("connect", "**:*"))
_MOST_AGENTS = limit("lint_agents")
"""Agents that are compared with each other, pair by pair."""


def _by(grant: Grant, agent: str) -> Grant:
    witness = replace(grant.step.witness, given={**grant.step.witness.given, "agent": agent})
    return replace(grant, step=replace(grant.step, witness=witness))


def _may(context: LintContext, grant: Grant, agent: str) -> bool:
    return context.allowed(_by(grant, agent).step.witness)


def _allowed(context: LintContext, grants: list[Grant], agent: str) -> list[Grant]:
    return [_by(r, agent) for r in grants if _may(context, r, agent)]


def _instructions(context: LintContext, weak: str, strong: str, more: Grant, texts: list[Grant]) -> Iterator[Trace]:
    for grant in _allowed(context, texts, weak):
        steps = (
            context.step(grant.step.witness, f"`{strong}` reads it as instructions"),
            context.step(more.step.witness, f"only `{strong}` may do that"),
        )
        yield Trace(steps, (grant.rule, more.rule), (), f"`{weak}` writes what `{strong}` obeys")


def _named(context: LintContext, pair: LoadedFiles) -> list[Grant]:
    """Grants of writing files in other folders than where programs start, by rules that name one: `packages/*/Makefile`."""
    files = [n for f in pair.files if "/" not in f for n in alternatives(f)]
    rules = list(context.own_rules("allow", "write"))
    named = [r for r in rules if any(p.text.endswith(f"/{n}") for p in r.include for n in files)]
    found = context.find_grants("write", [f"**/{n}" for n in files]) if named else []
    return [g for g in found if g.rule in named and g.step.witness.resource not in files]


_READERS = {*DIALECTS, "dash", "python", "python3", "node", "perl", "ruby", "php", "tsx", "ts-node", "lua"}
"""Programs whose first operand is a script."""


def _files(context: LintContext, weak: str, strong: str) -> Iterator[Trace]:
    """Files that one agent writes and another runs by their path, in whatever folder."""
    for rule in context.own_rules("allow", "run"):
        for pattern in rule.include:
            words = pattern.text.split()
            at = 1 if len(words) > 1 and words[0] in _READERS else 0
            path = words[at].removeprefix("./")
            if "/" not in words[at] or words[at].startswith(("-", "/", "~")) or not sayable("write", path):
                continue
            for written in _allowed(context, context.find_grants("write", [path]), weak):
                file = str(written.step.witness.resource)
                shown = (*words[:at], file if at else f"./{file}")
                for command in _allowed(context, context.ask("run", shown), strong):
                    if not _may(context, command, weak):
                        steps = (
                            context.step(written.step.witness, f"`{strong}` runs it"),
                            context.step(command.step.witness, f"as `{strong}`"),
                        )
                        yield Trace(steps, (written.rule, command.rule), (), f"`{weak}` writes what `{strong}` runs")


def _scripts(
    context: LintContext, weak: str, strong: str, pair: LoadedFiles, commands: list[Grant], writes: list[Grant]
) -> Iterator[Trace]:
    for command in _allowed(context, commands, strong):
        if _may(context, command, weak):
            continue
        for written in _allowed(context, writes, weak):
            steps = (
                context.step(written.step.witness, f"`{program_of(command)}` loads it"),
                context.step(command.step.witness, f"as `{strong}`"),
            )
            yield Trace(steps, (written.rule, command.rule), (pair.row,), f"`{weak}` writes what `{strong}` runs")


CHECK = Check(
    code="ESC013",
    name="cross-agent",
    severity="error",
    evidence="fact",
    finds="One agent may write what another agent, that may do more, runs or reads as instructions.",
    why="The weaker agent, or whoever talked it over, acts with the rights of the stronger one.",
    remediation="Take instruction files and scripts out of what the weaker agent writes, or ask for them.",
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
        """agent "writer" { allow write "scripts/*.txt" }
agent "runner" { allow run "bash */*.sh"  allow read "./" }
import std.baseline""",
    ),
    shows="releaser",
    function=traced(_across, "{what}"),
)
