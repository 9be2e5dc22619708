"""The scanner, built from the grammar's own terminals: text to tokens, comments and lexical mistakes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from ..domain.errors import Diagnostic, Source, Span
from ..domain.limits import limit
from .foreign import foreign_rule, mistake
from .tree import Comment

if TYPE_CHECKING:
    from lark import Lark

SOFT = {
    "header": {"language"},
    "tier": {
        "approvers",
        "quorum",
        "expires",
        "includes",
        "scope",
        "once",
        "session",
        "reason",
        "required",
        "on",
        "timeout",
        "escalate",
        "break-glass",
    },
    "freeze": {"denials"},
    "prove": {"never", "always", "only", "may"},
}
"""Words that are keywords only inside their own statement or block, and names elsewhere."""

_LEXICAL = ("STRING", "DATETIME", "DATE", "TIME", "DURATION", "INT", "COMPARE", "QNAME", "NAME")
_PUNCTUATION = {
    "{": "LBRACE",
    "}": "RBRACE",
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQB",
    "]": "RSQB",
    ",": "COMMA",
    ":": "COLON",
    "=": "EQUAL",
    "|": "VBAR",
    "..": "DOTDOT",
}
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xa0\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]|\r(?!\n)"
)
"""Controls, bidi, zero-width and blank look-alikes: policies are reviewed in pull requests."""

_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|(.))", re.DOTALL)
_SIMPLE_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class Token:
    """One token: terminal name, text as written, offsets, and whether it is the first on its line."""

    __slots__ = ("end", "first", "start", "type", "value")
    start_pos = end_pos = line = column = end_line = end_column = 0  # lark reads them; the offsets above are ours

    def __init__(self, type_: str, value: str, start: int, end: int, first: bool) -> None:
        self.type = type_
        self.value = value
        self.start = start
        self.end = end
        self.first = first

    def __repr__(self) -> str:
        return f"{self.type}({self.value!r})"


@dataclass(slots=True)
class Scan:
    """The tokens, comments and mistakes of a text. A statement that contains a place in `bad` is already reported."""

    tokens: list[Token]
    comments: list[Comment]
    diagnostics: list[Diagnostic] = field(default_factory=list)


@cache
def _tables(lark: Lark) -> tuple[re.Pattern[str], dict[str, str]]:
    patterns = {t.name: t.pattern for t in lark.terminals}
    parts = [f"(?P<{name}>{patterns[name].to_regexp()})" for name in _LEXICAL]
    marks = "|".join(re.escape(p) for p in sorted(_PUNCTUATION, key=len, reverse=True))
    master = re.compile(rf"(?P<WS>[ \t\r\n]+)|(?P<COMMENT>#[^\n]*)|{'|'.join(parts)}|(?P<PUNCT>{marks})", re.ASCII)
    words: dict[str, str] = {}
    for name, pattern in patterns.items():
        if name in _LEXICAL or name in {"WS", "COMMENT"} or name in _PUNCTUATION.values():
            continue
        for word in re.findall(r"[A-Za-z][A-Za-z-]*", pattern.to_regexp().replace("\\-", "-").replace("?:", "")):
            words[word] = name
    return master, words


def keywords(lark: Lark) -> dict[str, str]:
    """Every keyword with its terminal, soft ones included."""
    return dict(_tables(lark)[1])


def scan(source: Source, lark: Lark) -> Scan:
    """Cut a text into tokens. Mistakes are reported and stepped over, one report each."""
    master, words = _tables(lark)
    soft = set().union(*SOFT.values())
    text = source.text
    out = Scan([], [])
    for bad in _INVISIBLE.finditer(text):
        if len(out.diagnostics) > limit("diagnostics"):
            break
        out.diagnostics.append(_invisible(source, bad.start()))
    at, first, length = 0, True, len(text)
    tokens, match = out.tokens, master.match
    while at < length:
        found = match(text, at)
        if found is None:
            at = _lexical_error(source, at, out)
            first = at > 0 and text[at - 1 : at] == "\n"
            continue
        kind, end = found.lastgroup or "", found.end()
        if kind == "WS":
            first = first or "\n" in found[0]
        elif kind == "COMMENT":
            out.comments.append(Comment(found[0].rstrip(), at, first))
        else:
            value = found[0]
            if kind == "NAME" and value in words and value not in soft:
                kind = words[value]
            elif kind == "NAME" and (text.startswith(("(", " ("), end) or value.startswith("mcp__")):
                if stop := _foreign_rule(source, at, value, out):
                    kind, end = "ERROR", stop
            elif kind == "PUNCT":
                kind = _PUNCTUATION[value]
            tokens.append(Token(kind, value, at, end, first))
            first = False
        at = end
    return out


def soften(tokens: list[Token], block: str) -> None:
    """Turn the words that are keywords inside `block` from names into keywords, in place."""
    for token in tokens:
        if token.type == "NAME" and token.value in SOFT[block]:
            token.type = token.value.upper().replace("-", "_")


def _invisible(source: Source, at: int) -> Diagnostic:
    char = source.text[at]
    name = "byte order mark" if char == "\ufeff" and at == 0 else f"character U+{ord(char):04X}"
    remediation = (
        "save the file as UTF-8 without it"
        if char == "\ufeff" and at == 0
        else (
            "end lines with LF or CRLF"
            if char == "\r"
            else f"remove it, or write `\\u{{{ord(char):X}}}` inside a string"
        )
    )
    return Diagnostic("PLE003", f"invisible or control {name}", Span(source, at, at + 1), remediation)


def _lexical_error(source: Source, at: int, out: Scan) -> int:
    """Report what cannot be a token, and return where to go on."""
    text = source.text
    if text[at] == '"':
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        span = Span(source, at, min(end, at + 60))
        report = Diagnostic("PLE101", "the string is not closed on its line", span, 'close it with `"`')
    else:
        before = out.tokens[-1] if out.tokens and out.tokens[-1].end == at else None
        begin, end, remediation = mistake(text, at, before.start if before and before.type in _JOINED else at)
        if text[at] == "." and [t.value for t in out.tokens[-2:-1]] == ["language"] and before:
            begin, remediation = at, "editions are whole numbers, such as `language 1`"
        elif text[begin:end] == "*" and out.tokens and out.tokens[-1].type in {"ALLOW", "DENY"}:
            remediation = "name an action, such as `read` or `run`; several are separated by commas"
        if begin < at:
            out.tokens.pop()
        at = begin
        report = _foreign(source, at, end, remediation)
    if len(out.diagnostics) <= limit("diagnostics") and not any(
        d.span and at <= d.span.start < end for d in out.diagnostics if d.code == "PLE003"
    ):
        out.diagnostics.append(report)
    out.tokens.append(Token("ERROR", text[at:end], at, end, False))
    return end


_JOINED = frozenset({"NAME", "QNAME", "INT", "ACTION", "EQUAL"})
"""What a word of another language may begin with, when it goes on with something that is not of this one."""


def _foreign(source: Source, begin: int, end: int, remediation: str) -> Diagnostic:
    shown = "".join(c if c.isprintable() else "\ufffd" for c in source.text[begin:end][:40])
    return Diagnostic("PLE102", f"`{shown}` is not part of the language", Span(source, begin, end), remediation)


def _foreign_rule(source: Source, at: int, name: str, out: Scan) -> int:
    """Report a rule of another system that begins with a name, and return where it ends; 0 when it is none."""
    before = out.tokens[-1].value if out.tokens and out.tokens[-1].type in {"ALLOW", "DENY"} else ""
    end, remediation = foreign_rule(source.text, at, name, before)
    if end and len(out.diagnostics) <= limit("diagnostics"):
        out.diagnostics.append(_foreign(source, at, end, remediation))
    return end


def unescape(raw: str) -> str:
    """The value of a string token. Raises ValueError naming an escape that does not exist."""
    body = raw[1:-1]
    if "\\" not in body:
        return body

    def one(match: re.Match[str]) -> str:
        if match[1]:
            point = int(match[1], 16)
            if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF or point == 0:
                raise ValueError(f"`{match[0]}` is not a character")
            return chr(point)
        if match[2] not in _SIMPLE_ESCAPES:
            raise ValueError(f'unknown escape `{match[0]}`; there are `\\"`, `\\\\`, `\\n`, `\\t` and `\\u{{...}}`')
        return _SIMPLE_ESCAPES[match[2]]

    return _ESCAPE.sub(one, body)


def legible(text: str) -> str:
    """A text as a comment can hold it: on one line, and question marks for what a policy must not contain."""
    return "".join("?" if _INVISIBLE.match(c) or not c.isprintable() else c for c in text)


def escape(value: str) -> str:
    """A string token for a value; `unescape` gives it back. No token can hold NUL or half of a surrogate pair."""
    out = ['"']
    for char in value:
        if char in '"\\':
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\n")
        elif char == "\t":
            out.append("\\t")
        elif _INVISIBLE.match(char) or (not char.isprintable() and char != " "):
            out.append(f"\\u{{{ord(char):X}}}")
        else:
            out.append(char)
    out.append('"')
    return "".join(out)
