"""Labels, patterns and brace expansion: the common form of every pattern, whatever its sort."""

from __future__ import annotations

from ..domain.record import record
from .glob import Glob, GlobError, is_literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Wild:
    """Labels that are not about one particular segment: there are two."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


ANY = Wild("*")
"""Exactly one segment, whatever it is."""
MANY = Wild("**")
"""Zero or more segments."""

Label = str | Glob | Wild
Sequence = tuple[Label, ...]
Word = tuple[str, ...]

CONTROL = "\0"
"""A segment that begins with NUL is structure (an anchor, a separator): only an equal literal matches it.
No request can contain one, since NUL is refused in every resource."""


CLIMBING = f"{CONTROL}climbs "
"""Begins a segment that leads upwards (`scripts/../x`), where only what names it or stands for a whole segment, `*` or
`**`, is to match it: no glob does."""


@record(frozen=True, slots=True)
class Pattern:
    """A finite union of label sequences, with the text that the author wrote."""

    sort: str
    text: str
    sequences: tuple[Sequence, ...]


def instance(sequence: Sequence, fill: str) -> Word:
    """A short member of a sequence, with `fill` for what a glob leaves open; nothing stands for `**`."""
    out: list[str] = []
    for label in sequence:
        if isinstance(label, str):
            out.append(label)
        elif isinstance(label, Glob):
            out.append(label.filled(fill) or "a")
        elif label is ANY:
            out.append(fill or "a")
    return tuple(out)


def quoted(text: str) -> str:
    """A pattern's text that means exactly this text. A `]` alone needs no wrapping, and could not have one."""
    begin = f"[{text[0]}]" if text[:1] in {"!", "^"} else ""
    return begin + "".join(f"[{c}]" if c in "*?[{}|" else c for c in (text[1:] if begin else text))


def segment_label(text: str) -> Label:
    """The label for one segment's text. Raises GlobError when it is malformed."""
    if text == "*":
        return ANY
    if text == "**":
        return MANY
    if "**" in text:
        raise GlobError("`**` must be a whole segment; use `*` inside one")
    if is_literal(text):
        return text
    plain = _unwrapped(text) if "[" in text else None
    return Glob(text) if plain is None else plain


def _unwrapped(text: str) -> str | None:
    """The text with each class of one character as that character; None when it has other wildcards."""
    out: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "[" and text[at + 2 : at + 3] == "]" and text[at + 1] != "]":
            out.append(text[at + 1])
            at += 3
        elif char in "*?[":
            return None
        else:
            out.append(char)
            at += 1
    return "".join(out)


def collapse(labels: Iterable[Label]) -> Sequence:
    """Join neighbouring `**`: zero or more twice is zero or more."""
    out: list[Label] = []
    for label in labels:
        if label is MANY and out and out[-1] is MANY:
            continue
        out.append(label)
    return tuple(out)


def expand_braces(text: str, most: int) -> list[str]:
    """The alternatives of `{a,b}` groups, nested ones included, at most `most`.

    Groups inside `[...]` are plain characters. Raises GlobError on a lone brace, a group of fewer than two
    alternatives, or too many of them.
    """
    if "{" not in text and "}" not in text:
        return [text]
    done: list[str] = []
    todo = [text]
    while todo:
        current = todo.pop()
        group = _innermost(current)
        if group is None:
            done.append(current)
        else:
            start, end = group
            options = current[start + 1 : end].split(",")
            if len(options) < 2:
                raise GlobError(f"`{current[start : end + 1]}` offers no choice; write `{{a,b}}` or `[{{]`")
            todo.extend(current[:start] + option + current[end + 1 :] for option in reversed(options))
        if len(done) + len(todo) > most:
            raise GlobError(f"the braces expand to more than {most} alternatives")
    return done


def _innermost(text: str) -> tuple[int, int] | None:
    """The first group without a group inside: offsets of its braces."""
    start = -1
    i = 0
    while i < len(text):
        char = text[i]
        if char == "[":
            close = text.find("]", i + 1)
            if close > 0:
                i = close
        elif char == "{":
            start = i
        elif char == "}":
            if start < 0:
                raise GlobError("`}` has no opening `{`; write `[}]` for the character itself")
            return start, i
        i += 1
    if start >= 0:
        raise GlobError("`{` has no closing `}`; write `[{]` for the character itself")
    return None
