"""An imported permission file, and how each permission came over, as text."""

from __future__ import annotations

from ..domain.wording import counted
from ..foreign.permissions import EXACT, IDLE, NARROWER, UNSAID, WIDER
from .style import show_resource, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..foreign.compare import Imported, Takeover

_SAID = {
    WIDER: "permits more than it did", NARROWER: "permits less than it did", UNSAID: "cannot be said",
    IDLE: "never had an effect", EXACT: "came over exactly",
}  # fmt: skip
_SHOWN = 3
"""Requests shown of a permission: they are alike."""


def render_imported(made: Imported) -> str:
    """What did not come over exactly, with requests that show it, and how many did."""
    permissions = made.translated.permissions
    out: list[str] = []
    for fit in (WIDER, UNSAID, IDLE, NARROWER):
        for outcome in made.outcomes:
            if outcome.fit == fit:
                out += _lines(outcome, permissions.title)
    out += [f"note: {visible(text)}" for text, _ in permissions.remarks]
    own = [o for o in made.outcomes if o.entry.span is not None]
    counts = ", ".join(f"{n} {words}" for fit, words in _COUNTED.items() if (n := sum(o.fit == fit for o in own)))
    out.append(f"{counted(len(own), 'permission')} of {permissions.title}: {counts or 'nothing to take over'}")
    out.append(f"compared over {counted(made.asked, 'request')}, at the boundary of each permission")
    out.append(f"note: {SPELLINGS}")
    return "\n".join(out)


SPELLINGS = (
    "a command is decided by what it does: the same one in another spelling (`env X`, `(X)`, `X &`, `cd D && X`) is "
    "permitted as well, where a client that compares text would ask"
)
_COUNTED = {
    EXACT: "exact", NARROWER: "narrower", WIDER: "wider", UNSAID: "cannot be said", IDLE: "never had an effect",
}  # fmt: skip


def _lines(outcome: Takeover, title: str) -> list[str]:
    entry = outcome.entry
    place = f"{entry.span.source.path}:{entry.span.line}" if entry.span is not None else title
    out = [f"{visible(place)}: {visible(entry.text)}: {_SAID[outcome.fit]}"]
    if entry.why:
        out.append(f"    {visible(entry.why)}")
    for found in outcome.differences[:_SHOWN]:
        shown = f"{found.asked.action} {show_resource(found.asked.resource, 60)}"
        out.append(
            f"    {shown}: {title} {_VERBS[found.theirs]}, the policy {_VERBS[found.ours]}: {visible(found.reason)}"
        )
    if len(outcome.differences) > _SHOWN:
        out.append(f"    and {len(outcome.differences) - _SHOWN} more")
    return out


_VERBS = {"allow": "allows", "ask": "asks", "deny": "denies"}
