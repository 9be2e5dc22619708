"""Grants that hold behind walls alone, and what the walls leave to code that they let run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..domain.actions import ALLOW, COMMAND
from ..domain.conditions import atoms
from ..ir.model import Rule
from .closure import Trace, code, loaded_files, run_files
from .context import Grant, LintContext

_ELSEWHERE = "/**", "~/**"
_OWN = "./", "${tmp}/"
_LOOPBACK = "**.localhost:*", "127.0.0.0/8:*", "[::1]:*"
_ANY = "some-program", "--any-option"
_SHOWN = 4


def runs_inside(context: LintContext) -> bool:
    """True for a policy of which some grant of commands depends on walls."""
    return not context.ceiling and any(_confined(r) for r in context.granting.values())


def code_inside(context: LintContext) -> list[Trace]:
    """How code of an agent's own runs behind walls, and only there: one way for each rule that lets it run."""
    out: dict[str, Trace] = {}
    for trace in _ways(context.behind_walls):
        if not context.allowed(trace.steps[-1].witness):
            out.setdefault(trace.rules[-1].id, trace)
    return list(out.values())


def _confined(rule: Rule) -> bool:
    """True for a grant of commands that depends on walls."""
    return rule.effect == ALLOW and rule.sort == COMMAND and any(a.subject == "confined" for a in atoms(rule.condition))


def _ways(inside: LintContext) -> Iterator[Trace]:
    yield from (Trace((g.step,), (g.rule,)) for g in inside.ask("run", _ANY))
    yield from code(inside)
    yield from run_files(inside)
    yield from loaded_files(inside, "config", "dependency")


def left(context: LintContext) -> dict[str, list[Grant]]:
    """What code behind the walls may do that outlives the box or leaves it, by what it is.

    Hosts that it may send to, but for the machine's own, where the box has only what was started inside; and places
    outside the workspace and the temporary folder that the author's own rules let it write, or read and send.
    """
    inside = context.behind_walls
    sends = inside.find_grants("connect", ["POST **:*"], but=_LOOPBACK)
    found = {"send to": sends, "write": _elsewhere(inside, "write")}
    if sends:
        found["read"] = _elsewhere(inside, "read")
    return {what: grants for what, grants in found.items() if grants}


def _elsewhere(inside: LintContext, action: str) -> list[Grant]:
    return [g for g in inside.find_grants(action, _ELSEWHERE, but=_OWN) if inside.own(g.rule)]


def listed(grants: Iterable[Grant]) -> str:
    """What rules grant, in their own words."""
    texts = list(dict.fromkeys(p.text for g in grants for p in g.rule.include))
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(f"`{t}`" for t in texts[:_SHOWN]) + more
