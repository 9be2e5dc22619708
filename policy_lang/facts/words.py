"""The words that a resource comes to."""

from __future__ import annotations

from ..domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..automata.pattern import Sequence, Word


@record(frozen=True, slots=True)
class Names:
    """The names of a resource in one form: those that it has, and those that it may have besides.

    A rule matches when its pattern matches one of them. Behind each name comes `rest`, labels for what is not known.
    """

    definite: tuple[Word, ...]
    possible: tuple[Word, ...] = ()
    rest: Sequence = ()
