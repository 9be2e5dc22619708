"""Colour and safe text for terminals."""

from __future__ import annotations

import os

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


def visible(text: str) -> str:
    """The text with control, bidi and other invisible characters shown as escapes, so it cannot deceive."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def show_resource(resource: str | tuple[str, ...], most: int = 120) -> str:
    """A resource on one line; a command's words are quoted where a shell would need it."""
    if isinstance(resource, str):
        text = visible(resource)
    else:
        plain = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./_-")
        text = " ".join(
            visible(w) if w and set(w) <= plain else "'" + visible(w).replace("'", "'\\''") + "'" for w in resource
        )
    return text if len(text) <= most else text[: most - 3] + "..."
