"""Colour and safe text for terminals."""

from __future__ import annotations

import os
import re

import click

COLOURS = {
    "allow": "green",
    "ask": "yellow",
    "deny": "red",
    "error": "red",
    "warning": "yellow",
    "help": "cyan",
    "dim": "bright_black",
}


def colour(text: str, kind: str) -> str:
    """The text in the colour of its kind; `NO_COLOR` switches colours off (no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return text
    return click.style(text, fg=COLOURS[kind], bold=kind in {"error", "deny"})


_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Characters that count as printable, and show nothing: fillers, selectors, the blank of Braille."""


def hidden(char: str) -> bool:
    """True for a character that a reader does not see: control, bidi, zero-width, blank look-alikes."""
    return not char.isprintable() or _BLANK.match(char) is not None


def visible(text: str) -> str:
    """The text with control, bidi and other invisible characters shown as escapes, so it cannot deceive."""
    return "".join(escaped(c) if hidden(c) else c for c in text)


def escaped(char: str) -> str:
    """A character as an escape, such as `\\u202e`."""
    return char.encode("unicode_escape", "backslashreplace").decode()


def show_resource(resource: str | tuple[str, ...], most: int = 120) -> str:
    """A resource on one line; a command's words are quoted where a shell would need it."""
    text = visible(with_ends(resource) if isinstance(resource, str) else words(resource))
    return text if len(text) <= most else text[: most - 3] + "..."


def with_ends(text: str) -> str:
    """The text with blanks at its ends as escapes: nobody sees them."""
    inner = text.strip(" ")
    if inner == text:
        return text
    before = len(text) - len(text.lstrip(" ")) if inner else 0
    return "\\x20" * before + inner + "\\x20" * (len(text) - len(inner) - before)


_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./_-")


def words(argv: tuple[str, ...]) -> str:
    """A command's words as a shell reads them; hidden characters are still in it."""
    return " ".join(w if w and set(w) <= _PLAIN else "'" + w.replace("'", "'\\''") + "'" for w in argv)
