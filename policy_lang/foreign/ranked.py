"""Permissions of which the first that fits decides, as rules of which the strictest does.

What stands behind a milder one leaves out what the milder one means: that is its `except`. What stands behind one that
means all that it means is idle.
"""

from __future__ import annotations

from ..domain.actions import ALLOW
from ..domain.limits import limit
from ..domain.record import record
from .located import unreadable
from .permissions import STRICTNESS, said
from .text_globs import covers, meet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..domain.errors import Source
    from ..syntax.tree import RuleNode

_MOST_EXCEPT = 200  # limit: ranked_exceptions
"""Patterns of one `except`: a rule that leaves out more is not read by anyone; it then holds for all of them."""


@record(frozen=True, slots=True)
class Ranked:
    """One permission.

    `globs` are the texts that it means, each in full; `grants` are patterns that mean no more than it, `restricts`
    patterns that mean no less. `owner` and `place` say whose it is, `whole` that its patterns mean all of it.
    """

    effect: str
    globs: tuple[str, ...]
    grants: tuple[str, ...]
    restricts: tuple[str, ...]
    owner: int = -1
    place: str = ""
    whole: bool = True


def ruled(actions: Sequence[str], ranked: Sequence[Ranked], at: int, keep: Sequence[str] = ()) -> RuleNode | None:
    """The rule of the permission at a place of an order in which the first that fits decides.

    `keep` are patterns that it never means. None for one that nothing is left of.
    """
    own = ranked[at]
    patterns = sayable(own.grants if own.effect == ALLOW else own.restricts)
    if not patterns:
        return None
    spared = [
        pattern
        for before in ranked[:at]
        if STRICTNESS[before.effect] < STRICTNESS[own.effect] and _touch(before, own)
        for pattern in before.grants
    ]
    exclude = tuple(dict.fromkeys([*keep, *sayable(spared)]))
    return said(own.effect, actions, patterns, exclude=exclude if len(exclude) <= _MOST_EXCEPT else tuple(keep))


def bounded(count: int, source: Source) -> None:
    """Refuse more permissions than are compared with each other. Raises PolicyError."""
    if count > limit("ranked_permissions"):
        raise unreadable(
            source, 0, f"more than {limit('ranked_permissions')} permissions, each compared with all others"
        )


def sayable(patterns: Iterable[str]) -> tuple[str, ...]:
    """Patterns without those that no policy can hold, such as one with NUL: no request has such a text."""
    return tuple(one for one in patterns if "\0" not in one and not any("\ud800" <= char <= "\udfff" for char in one))


def overridden(ranked: Sequence[Ranked], at: int) -> Ranked | None:
    """The permission before one that means all that it does: behind it, it is never looked at."""
    own = ranked[at]
    for before in ranked[:at]:
        if own.globs and all(any(covers(wide, glob) for wide in before.globs) for glob in own.globs):
            return before
    return None


def _touch(one: Ranked, other: Ranked) -> bool:
    return any(meet(a, b) for a in one.globs for b in other.globs)
