"""Globs over a command's text with `*` and `?`, as patterns over its words: for what grants, and for what restricts."""

from __future__ import annotations

import re

from ..domain.record import record
from .command_globs import WordPatterns, word_patterns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STARS = re.compile(r"\*+")


@record(frozen=True, slots=True)
class CommandPatterns:
    """Patterns that mean no more than some globs, and patterns that mean no less; whether each means just that."""

    grants: tuple[str, ...]
    restricts: tuple[str, ...]
    granted_whole: bool
    restricted_whole: bool


def command_patterns(globs: Sequence[str]) -> CommandPatterns:
    """The patterns for the globs of one permission. Without any, no plain command has such a text."""
    narrow = [found for glob in globs if (found := word_patterns(glob)) is not None]
    wide = [found for glob in globs if (found := _wide(glob)) is not None]
    marked = any("?" in glob for glob in globs)
    return CommandPatterns(
        _distinct(p.replace("[?]", "?") for found in narrow for p in found.patterns),
        _distinct(p for found in wide for pattern in found.patterns for p in _anywhere(pattern)),
        not marked and len(narrow) == len(globs) and all(found.whole for found in narrow),
        not marked and len(wide) == len(globs) and all(found.whole for found in wide),
    )


def _wide(glob: str) -> WordPatterns | None:
    """Patterns that mean no less than a glob: where words cannot say all of it, all that begins as it does."""
    text = _STARS.sub("*", glob.replace("?", "*"))
    found = word_patterns(text, wider=True)
    if found is not None and found.whole:
        return found
    begin = text.partition("*")[0]
    if word_patterns(text.replace("*", "x")) is None:
        return None  # no plain command
    if not begin.strip():
        return WordPatterns(("**",), whole=False)
    shorter = word_patterns(f"{begin}*", wider=True)
    return WordPatterns(shorter.patterns, whole=False) if shorter is not None else WordPatterns(("**",), whole=False)


def _anywhere(pattern: str) -> tuple[str, ...]:
    """A pattern whose program has a star in its name, which in a text goes on over folders."""
    program = pattern.partition(" ")[0]
    if "*" not in program or program in {"*", "**"} or program.startswith(("/", "./", "'", '"')):
        return (pattern,)
    return (pattern, f"./{pattern}")


def _distinct(patterns: Iterable[str]) -> tuple[str, ...]:
    """Patterns without those that another one with `**` behind it means as well."""
    found = dict.fromkeys(patterns)
    return tuple(one for one in found if f"{one} **" not in found)
