"""Redirections: which files and connections they open, and what becomes standard input."""

from __future__ import annotations

import re

from .expand import Expander
from .reading import Opaque
from .tree import ProcessSubstitution, Redirect, Text
from .values import UNKNOWN, Hole, Lines, Value, literal
from .walk import Walk

_NOWHERE = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/zero"})

_OPENS = frozenset({"<", "<>", "<&", ">&"})


def doubles(redirect: Redirect) -> bool:
    """Whether a redirection may be a second way to standard input."""
    first = redirect.target.parts[0] if redirect.target.parts else None
    return redirect.op in {"<&", ">&"} and not (isinstance(first, Text) and first.text in {"1", "2"})


class Redirections:
    """Runs redirections; `words` expands their targets."""

    __slots__ = ("lines", "walk", "words")

    def __init__(self, walk: Walk, words: Expander) -> None:
        self.walk = walk
        self.words = words
        self.lines: Lines | None = None

    def run(self, redirect: Redirect) -> Value | None:
        """A redirection's act; returns what standard input becomes, with its names in `lines`."""
        op = redirect.op
        self.lines = None
        span, self.walk.span = self.walk.span, (redirect.start, redirect.end)
        try:
            target = self.target(redirect)
            text = target.text
            if op in _OPENS and text != "/dev/null" and self.walk.input is not None and target.parts != (Hole.PIPE,):
                from .given import is_apart

                if doubles(redirect) or not is_apart(self.walk, target):
                    self.walk.input = None  # it may be the same input, of which a part is read
            if op in {"<<", "<<-", "<<<"}:
                return target if redirect.fd in {"", "0"} else None
            if op in {">&", "<&"}:
                number = text if text is None or self.walk.dialect.modifiers else text.removesuffix("-")
                if text == "-" or (number is not None and number.isdigit()):  # to zsh `2-` is a file
                    return None
                if op == "<&" or target.parts == (Hole.DIGITS,):
                    return UNKNOWN if op == "<&" else None
            if target.parts == (Hole.PIPE,):
                return UNKNOWN if op == "<" and redirect.fd in {"", "0"} else None
            first = redirect.target.parts[0] if redirect.target.parts else None
            begins = first.text if isinstance(first, Text) else target.starts()
            if begins.startswith(("/dev/tcp/", "/dev/udp/")) or target.starts().startswith(("/dev/tcp/", "/dev/udp/")):
                network = re.match(r"/dev/(?:tcp|udp)/([^/]+)/([^/]+)$", text or "")
                self.walk.act("connect", literal(f"{network[1]}:{network[2]}") if network else UNKNOWN)
                if self.walk.dialect.network_redirections:
                    return UNKNOWN
            if op in {"<", "<>"} and text != "/dev/null":
                self.walk.act("read", target)
            if (op not in {"<", ">&", "<&"} or op == ">&") and text not in _NOWHERE:
                self.walk.act("write", target)
            return UNKNOWN if op in {"<", "<>"} and redirect.fd in {"", "0"} else None
        finally:
            self.walk.span = span

    def target(self, redirect: Redirect) -> Value:
        """The target; an unquoted glob may be the one file that matches."""
        if redirect.op in {"<<", "<<-", "<<<"}:
            return self.words.value(redirect.target)
        first = redirect.target.parts[0] if redirect.target.parts else None
        if redirect.op == "<" and isinstance(first, ProcessSubstitution) and len(redirect.target.parts) == 1:
            self.lines = self.words.subshells.apart(first.body)
            return Value((Hole.PIPE,))
        if (
            self.walk.dialect.redirection_marks
            and isinstance(first, Text)
            and not first.quoted
            and first.text.startswith(("!", "|"))
        ):
            raise Opaque("a redirection with `!`, which only zsh has")
        fields = self.words.fields(redirect.target)
        if len(fields) != 1:
            return UNKNOWN
        one = fields[0]
        return Value(one.parts, False, one.why)
