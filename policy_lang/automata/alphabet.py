"""Alphabets: which characters and segments a sort's words may have."""

from __future__ import annotations

from ..domain.record import field, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .glob import Ranges

CONTROLS: Ranges = ((0, 31), (127, 159))
"""What no text that people read has: C0 and C1 control characters."""
NEVER: Ranges = ((0, 0), (0xD800, 0xDFFF))
"""Structure and lone surrogates are in no resource, whatever its sort."""


@record(frozen=True, slots=True)
class Alphabet:
    """The segments of one sort: forbidden characters, forbidden segments, and whether one may be empty."""

    name: str
    forbidden: Ranges
    excluded: frozenset[str]
    empty: bool = False
    _plain: frozenset[str] = field(init=False, repr=False, compare=False)
    """The ASCII characters that it has: most segments have no others."""

    def __post_init__(self) -> None:
        bad = {p for lo, hi in (*NEVER, *self.forbidden) if lo < 128 for p in range(lo, min(hi, 127) + 1)}
        object.__setattr__(self, "_plain", frozenset(chr(p) for p in range(128) if p not in bad))

    def admits(self, segment: str) -> bool:
        """True when the segment can occur in a word of this sort."""
        if segment in self.excluded or (not segment and not self.empty):
            return False
        if self._plain.issuperset(segment):
            return True
        points = [ord(c) for c in segment]
        return not any(lo <= p <= hi for p in points for lo, hi in (*NEVER, *self.forbidden))
