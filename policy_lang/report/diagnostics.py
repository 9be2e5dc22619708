"""Compile errors with their line and a caret."""

from __future__ import annotations

from collections.abc import Iterable

from ..domain.errors import Diagnostic, Span
from ..domain.wording import counted
from .style import colour, visible


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """All diagnostics, one block each, and a count."""
    found = list(diagnostics)
    blocks = [render_one(d) for d in found]
    blocks.append(colour(f"{counted(len(found), 'mistake')}; `policy rule CODE` explains each kind", "dim"))
    return "\n\n".join(blocks)


def render_one(diagnostic: Diagnostic) -> str:
    """One diagnostic: what is wrong, where, and how to correct it."""
    lines = [f"{colour(f'error[{diagnostic.code}]', 'error')}: {visible(diagnostic.message)}"]
    if diagnostic.span is not None:
        lines += excerpt(diagnostic.span)
    for text, span in diagnostic.related:
        line, column = span.source.position(span.start)
        lines.append(f"   = {text}: {visible(span.source.path)}:{line}:{column}")
    if diagnostic.help:
        lines.append(f"   = {colour('help', 'help')}: {visible(diagnostic.help)}")
    return "\n".join(lines)


def excerpt(span: Span, shade: str = "error") -> list[str]:
    """The line of a place with carets below it."""
    line, column = span.source.position(span.start)
    text = span.source.line(line)
    cut = max(0, column - 60)
    shown = visible(text[cut : cut + 110].replace("\t", " "))
    before = visible(text[cut : column - 1].replace("\t", " "))
    end_line, end_column = span.source.position(span.end)
    width = (end_column if end_line == line else len(text) + 1) - column
    number = str(line)
    pad = " " * len(number)
    carets = "^" * max(1, min(width, len(shown) - len(before)))
    return [
        f"{pad}--> {visible(span.source.path)}:{line}:{column}",
        f"{pad} |",
        f"{number} | {shown}",
        f"{pad} | {' ' * len(before)}{colour(carets, shade)}",
    ]
