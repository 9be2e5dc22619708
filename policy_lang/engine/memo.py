"""Rules of what is remembered of decisions, and under which key.

An answer is remembered when nothing but its key decides it: not the disk, no tables of attributes, the clock only by
its minute. What a command does is known only when it is decided; so `key_of` says what may be looked up, and `is_pure`
whether what was then found may be kept.
"""

from __future__ import annotations

from ..domain.actions import ACTIONS, PATH, SORT_OF
from ..domain.limits import limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..domain.decision import Effect
    from ..domain.request import Request

MOST_PARTS = limit("remembered_effects")
_ON_DISK = tuple(action for action in ACTIONS if SORT_OF[action] == PATH)
_MOST_TEXT = limit("remembered_text")


class Memo(dict[object, "Any"]):
    """What was found before, by what it depends on. A full one starts anew: what is still asked is soon back."""

    __slots__ = ("_most",)

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: object, value: object) -> None:
        """Remember a value. Raises TypeError for a key that is not hashable."""
        if len(self) >= self._most:
            self.clear()
        self[key] = value


def key_of(
    action: str,
    workspace: str | None,
    lexical: bool,
    now: float | None,
    context: Mapping[str, object] | None,
    git: Mapping[str, object] | None,
    rest: tuple[object, ...],
    inner: bool = False,
) -> tuple[object, ...] | None:
    """The key of a request's answer, or None when it is decided anew each time. `rest` is all else that decides.

    The key may turn out not to be hashable; then nothing is remembered either.
    """
    if context or git or inner or (workspace is not None and not lexical and action in _ON_DISK):
        return None
    try:
        return (action, workspace, lexical, rest) if now is None else (action, workspace, lexical, rest, now // 60)
    except TypeError:  # not a number: it is refused
        return None


def is_pure(request: Request, parts: tuple[Effect, ...]) -> bool:
    """Whether the answer with these effects depends on its key alone, and is small enough to keep."""
    if request.inner or len(parts) > MOST_PARTS or not is_small(request.resource):
        return False
    if request.workspace is None or request.lexical:
        return True
    if request.cwd not in (None, request.workspace):  # which repository that is lies on the disk
        return False
    return request.action not in _ON_DISK and all(p.action not in _ON_DISK for p in parts)


def is_small(resource: object) -> bool:
    """True for what may be remembered: large commands that never come again must not fill the memory."""
    texts = (resource,) if isinstance(resource, str) else resource if isinstance(resource, tuple) else ()
    return sum(len(t) for t in texts if isinstance(t, str)) <= _MOST_TEXT
