"""Dotted names: tools, secrets, variables, operations."""

from __future__ import annotations

import re

from ...automata.alphabet import Alphabet
from ...automata.glob import MAX_CODE_POINT
from ...automata.pattern import Sequence, Word, collapse, expand_braces
from ...automata.space import Phase, Space
from ...domain.limits import limit
from ...facts.names import name_word
from ...facts.words import Names
from ..scopes import PatternError, part_label
from .sort import Circumstances, Sort, only_text

NAMES = Alphabet("name", ((0, 32), (46, 46), (127, MAX_CODE_POINT)), frozenset())
_TELLING = (
    "PATH", "LD_PRELOAD", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "NPM_TOKEN", "deploy.production",
    "db.schema.change",
)  # fmt: skip


def _words(resource: str | tuple[str, ...], _seen: Circumstances) -> tuple[Names, ...]:
    return (Names((name_word(only_text(resource)),)),)


def _sequences(text: str, _methods: tuple[str, ...]) -> list[Sequence]:
    return [_name(t) for t in expand_braces(text, limit("pattern_alternatives"))]


def _resource(word: Word) -> str:
    return ".".join(word)


def _name(text: str) -> Sequence:
    if not re.fullmatch(r"[!-~]+", text, re.ASCII):
        raise PatternError("a name must be printable ASCII without spaces")
    parts = text.split(".")
    if "" in parts:
        raise PatternError("the name has an empty segment between dots", "remove a dot")
    return collapse(part_label(p) for p in parts)


class DottedNames(Space):
    """A name's parts, at least one."""

    start = (0,)

    def step(self, phase: Phase, segment: str) -> Phase | None:  # noqa: ARG002
        """See `Space`."""
        return (1,) if NAMES.admits(segment) else None

    def whole(self, phase: Phase) -> bool:
        """See `Space`."""
        return phase == (1,)


SORT = Sort(
    "name",
    NAMES,
    words=_words,
    sequences=_sequences,
    resource=_resource,
    space=lambda: DottedNames(NAMES),
    telling=_TELLING,
)
"""Names, split at `.`."""
