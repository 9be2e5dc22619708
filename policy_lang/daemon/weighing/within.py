"""Policies for agents that an agent starts, compared with its own."""

from __future__ import annotations

from typing import NoReturn

from ...compiler.load import compile_collecting
from ...domain.actions import ACTIONS
from ...domain.errors import PolicyError, RequestError, Span
from ...domain.limits import limit
from ...domain.strict_json import Json
from ...exports.settled import settled
from ...policy import Policy
from ...resolve.files import unreadable
from ...wire.analysis import row_json
from .comparing import beyond, remade

_PLACE = "/sub-agents.policy"
_MOST_ROWS = limit("proposal_witnesses")


def within(own: Policy, agent: str, text: str) -> Json:
    """The exact answer, with requests where it does: `yes`, `no`, or `undecided` and why.

    What it permits with less approval counts as more. Raises RequestError (PLR252) for a text that is no policy.
    """
    of_agent = remade(settled(own.policy_set, {"agent": agent}, (), ACTIONS))
    try:
        inner = compile_collecting(_PLACE, text, library=True, read=_no_file).checked()[1]
    except PolicyError as error:
        first = error.diagnostics[0]
        line = f" (line {first.span.line})" if first.span else ""
        raise RequestError("PLR252", f"{first.message}{line}; {first.help or 'send a whole policy'}") from None
    found = beyond(of_agent, remade(inner))
    tiers = [c.text for c in found.changes if c.kind == "lowered"]
    rows = [row_json(r) for r in found.rows[:_MOST_ROWS]]
    undecided = sorted({u.why for u in found.undecided})
    answer = "no" if rows or tiers else "undecided" if undecided else "yes"
    return {
        "within": answer,
        "rows": [{name: r[name] for name in ("kind", "witness", "shortest", "old", "new")} for r in rows],
        "more": max(0, len(found.rows) - _MOST_ROWS),
        "tiers": tiers,
        "undecided": undecided,
    }


def _no_file(path: str, at: Span | None) -> NoReturn:
    raise unreadable("PLE001", f"`{path}` is a file, and a policy that is sent names none", at, "write its rules out")
