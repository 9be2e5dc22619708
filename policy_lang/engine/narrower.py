"""A narrower search than one that is denied: without the files in the way, when all the rest may be searched."""

from __future__ import annotations

from ..domain.actions import DENY
from ..domain.limits import limit
from ..domain.record import replace
from ..domain.request import Request
from ..domain.wording import LEFT_OUT
from ..facts.chosen import is_plain
from .existing import REACHES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.decision import Decision
    from .pdp import Engine

_MOST = limit("search_names_left_out")


def without_denied(engine: Engine, requests: list[Request]) -> str:
    """A sentence that names the file, and the glob with which the searches are not denied; empty when there is none."""
    names: list[str] = []
    first = ""
    while len(names) <= _MOST:
        narrower = [_without(r, names) for r in requests]
        decisions = [engine.decide(r) for r in narrower if r is not None]
        denied = next((d for d in decisions if d.effect == DENY), None)
        if denied is None:
            shown = f"!{names[0]}" if len(names) == 1 else f"!{{{','.join(names)}}}"
            return f"`{first}` is in the way: {LEFT_OUT}`{shown}`" if len(decisions) == len(requests) and names else ""
        place = _reached(denied)
        name = place.rpartition("/")[2]
        if not is_plain(name) or name in names:
            return ""
        first = first or place
        names.append(name)
    return ""


def _without(request: Request, names: list[str]) -> Request | None:
    """The search without files of these names; None for what is no search of a client's tool."""
    words = request.resource
    if not isinstance(words, tuple) or words[0] != "rg" or "-e" not in words:
        return None
    at = words.index("-e")
    return replace(request, resource=(*words[:at], *(f"--glob=!{name}" for name in names), *words[at:]))


def _reached(decision: Decision) -> str:
    """The file that a denial is about; empty when it names none."""
    for reason in decision.reasons:
        _, found, rest = reason.partition(REACHES)
        if found:
            return rest.removesuffix("`")
    return ""
