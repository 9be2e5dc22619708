"""A bound on the work of one exact search, in elementary steps, so that no input decides how long it takes."""

from __future__ import annotations

from ..domain.errors import SearchLimitError
from ..domain.limits import limit


class Budget:
    """Steps that may still be spent. Going below zero raises SearchLimitError: the answer is "undecided"."""

    __slots__ = ("left",)

    def __init__(self, name: str = "search_work") -> None:
        self.left = limit(name)

    def spend(self, steps: int) -> None:
        """Use up some steps."""
        self.left -= steps
        if self.left < 0:
            raise SearchLimitError("the exact search met its limit of steps")
