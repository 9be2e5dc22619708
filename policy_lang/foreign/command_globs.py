"""Patterns over a command's text, as clients match them, and as patterns over its words.

Clients compare the text of a simple command with a glob in which `*` stands for any characters, blanks too.
"""

from __future__ import annotations

import math
import re
import shlex
from itertools import product

from ..automata.pattern import quoted
from ..domain.record import record
from .shell_text import simple_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANK = " \t"
RESERVED = frozenset(
    [
        "do",
        "done",
        "for",
        "while",
        "until",
        "if",
        "then",
        "elif",
        "else",
        "fi",
        "case",
        "esac",
        "select",
        "in",
        "function",
        "{",
        "}",
        "!",
    ]
)
"""Words of a compound command (bash(1), RESERVED WORDS): no simple command begins with one."""
_PLAIN = re.compile(r"[\w\[\]{}?!@%+=:,./~^-]+", re.ASCII)
_STARS = re.compile(r"\*+")
_MOST_INNER = 2  # limit: inner_double_stars
_MOST_PATTERNS = 16  # limit: glob_readings
_STAR = "\ue000"
"""Stands for a star while quotes are read; from a private area, which no command line has."""


@record(frozen=True, slots=True)
class WordPatterns:
    """The patterns of a text glob. `whole` says that they mean all of it, and nothing else."""

    patterns: tuple[str, ...]
    whole: bool = True


def word_patterns(glob: str, *, wider: bool = False) -> WordPatterns | None:
    """The patterns over words for a glob over the text.

    A `*` behind a blank at the end stands for no or any more words where it is the only one. What words cannot say is
    left out, or with `wider` taken in with more than was meant. None where the glob is not of one plain command: an
    operator of the shell, a piece of a loop, a variable.
    """
    ended = _STARS.sub("*", glob.rstrip(_BLANK))
    open_end = ended.endswith(" *")
    marked = _marked(ended[:-2] if open_end else ended)
    found = simple_commands(marked)
    if found is None or len(found) != 1 or found[0].text.split() != marked.split() or not found[0].words:
        return None
    words = found[0].words
    if any("$" in text or "`" in text for text in found[0].texts) or words[0] in RESERVED:
        return None
    choices = [list(_readings(word, i == len(words) - 1 and not open_end, wider)) for i, word in enumerate(words)]
    alone = "*" not in ended[:-2]  # with another star, the last one stands for one word at least
    tail = (" **" if alone else " * **") if open_end else ""
    if math.prod(len(choice) for choice in choices) > _MOST_PATTERNS:
        return None
    made = dict.fromkeys(" ".join(text for text, _ in one) + tail for one in product(*choices))
    kept = tuple(p for p in made if p.removesuffix(" **").split(" ").count("**") <= _MOST_INNER)
    whole = len(kept) == len(made) and all(exact for choice in choices for _, exact in choice)
    return WordPatterns(kept, whole) if kept else None


def _marked(text: str) -> str:
    return text.replace("*", _STAR)


def _readings(word: str, last: bool, wider: bool) -> Iterator[tuple[str, bool]]:
    """What a word of a glob may be, one word, or several as a star stands for blanks; and whether that is all."""
    pieces = [_shell_quoted(quoted(piece)) for piece in word.split(_STAR)]
    if not any(pieces):
        yield ("* **", True) if len(pieces) > 1 else ("''", True)
        return
    end = " **" if last and len(pieces) > 1 and not pieces[-1] else ""
    inner = len(pieces) - (2 if end else 1)  # the stars in front of which, or behind which, something stands
    yield "*".join(pieces) + end, inner < 2 or wider
    if inner == 1 or (inner and wider):
        yield f"{pieces[0]}* ** *{pieces[-2 if end else -1]}{'*' if end else ''}{end}", True


def _shell_quoted(text: str) -> str:
    """A piece of a pattern's word, quoted where the splitting of patterns needs it."""
    return text if not text or _PLAIN.fullmatch(text) else shlex.quote(text)
