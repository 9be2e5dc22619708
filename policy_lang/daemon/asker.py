"""The one behind a question, for people: what the kernel and the configuration say, and recent steps."""

from __future__ import annotations

import pwd

from ..domain.request import Request
from ..domain.strict_json import Json
from .approval_service import HOST
from .checkout import checkout
from .identity.principals import Binding, Caller
from .recent_steps import RecentSteps


def asker_json(request: Request, binding: Binding | None, caller: Caller, steps: RecentSteps) -> Json:
    """Who stands behind a request."""
    out: Json = {"host": HOST, "steps": steps.of(request.agent or "")}
    if caller.seen is not None:
        out["user"] = _user_name(caller.seen)
    if binding is not None:
        by = next((n for n in ("session", "token") if getattr(binding, n)), "group" if binding.uid is None else "user")
        out |= {"by": by, "fixed": [n for n in ("repo", "workspace", "session") if getattr(binding, n) is not None]}
        out |= {"owner": binding.owner} if binding.owner else {}
    if request.workspace is not None:
        out |= {"checkout": checkout(request.workspace)}
    return out


def _user_name(uid: int) -> str:
    try:
        return f"{pwd.getpwuid(uid).pw_name} ({uid})"
    except KeyError:
        return str(uid)
