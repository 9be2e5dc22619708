"""Tracked files that a proposal newly opens: each is asked of both policies."""

from __future__ import annotations

from ...domain.actions import DENY, PATH, SORT_OF
from ...domain.limits import limit
from ...domain.record import replace
from ...domain.request import Request
from ...domain.strict_json import Json
from ...facts.git_index import tracked
from ...policy import Policy

_MOST = limit("proposal_files")
_SHOWN = limit("proposal_witnesses")


def opened(old: Policy, new: Policy, call: Request, actions: set[str]) -> Json:
    """How many of the workspace's tracked files it newly opens, and which, by action.

    They are those of git's index; no git is run. Empty when the rules are about no files, or the workspace is not
    known.
    """
    about = sorted(a for a in actions if SORT_OF[a] == PATH)
    if not about or call.workspace is None or call.lexical:
        return {}
    top = call.workspace.rstrip("/")
    names = sorted(n for n in tracked(call.workspace) if n.startswith(f"{top}/") and n.isprintable())
    found: Json = {"tracked": len(names), "looked_at": min(len(names), _MOST), "opened": {}}
    for action in about:
        opened_now = [n.removeprefix(f"{top}/") for n in names[:_MOST] if _opens(old, new, call, action, n)]
        if opened_now:
            found["opened"][action] = {"count": len(opened_now), "first": opened_now[:_SHOWN]}
    return found


def _opens(old: Policy, new: Policy, call: Request, action: str, name: str) -> bool:
    asked = replace(call, action=action, resource=name, lexical=True, disk=None, git={}, method=None, shell=None)
    return old.decide_request(asked).effect == DENY and new.decide_request(asked).effect != DENY
