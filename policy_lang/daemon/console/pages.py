"""Tickets as pages. Everything is escaped; what a reader would not see, or take for something else, is marked."""

from __future__ import annotations

import json
import os
from typing import Any

import jinja2
from markupsafe import Markup, escape

from ...domain.limits import limit
from ...report import approvals as report
from ...report.style import escaped, hidden

_HERE = os.path.dirname(os.path.abspath(__file__))


def shown(text: object) -> Markup:
    """A text as HTML: hidden characters as marked escapes, letters beyond ASCII underlined, blanks at its ends."""
    if isinstance(text, Markup):
        return text
    whole = str(text)
    inner = whole.strip(" ")
    before = len(whole) - len(whole.lstrip(" ")) if inner else len(whole)
    blank = _mark("ghost", "space", "·")
    after = len(whole) - len(inner) - before
    return Markup("").join([*[blank] * before, *map(_char, inner), *[blank] * after])


def indented(text: str) -> Markup:
    """A line of a file as HTML: as `shown`, but the spaces that it begins with are nothing strange."""
    rest = text.lstrip(" ")
    return escape(" " * (len(text) - len(rest)) if rest else "") + shown(rest or text)


def _char(char: str) -> Markup:
    if hidden(char) and char != "\n":
        return _mark("ghost", f"U+{ord(char):04X}", escaped(char))
    if not char.isascii() and char.isalpha():
        return _mark("foreign", f"U+{ord(char):04X}", char)
    return escape(char)


def _mark(kind: str, title: str, text: str) -> Markup:
    return Markup('<span class="{}" title="{}">{}</span>').format(kind, title, text)


def prose(text: object) -> Markup:
    """A sentence of ours as HTML: what stands between backticks is code."""
    parts = str(text).split("`")
    if len(parts) % 2 == 0:
        return shown(text)
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(shown(p)) if n % 2 else _inner(p) for n, p in enumerate(parts))


def _inner(text: str) -> Markup:
    """A part of a sentence: its blanks are between words."""
    return Markup("").join(map(_char, text))


def strange(text: str) -> bool:
    """True when `shown` marks something."""
    return shown(text) != escape(text)


_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
)
_environment.filters |= {
    "shown": shown, "headline": report.headline, "summary": report.summary, "moment": report.moment,
    "prose": prose, "indented": indented, "owner": report.owner,
    "resource": report.near_resource, "places": report.places,
}  # fmt: skip
_environment.globals["most_reason"] = limit("approval_reason")


def page(name: str, **values: Any) -> bytes:
    """One page. `base` is the path of the session, or empty."""
    values = {"base": "", "person": "", "out": "", "proof": None, **values}
    return _environment.get_template(f"{name}.html").render(values).encode("utf-8", "replace")


def error_of(body: bytes) -> str:
    """What an answer of the interface says is wrong."""
    fault = json.loads(body).get("error", {})
    return f"{fault.get('message', 'it failed')} ({fault.get('code', '')})"


with open(os.path.join(_HERE, "style.css"), "rb") as _stream:
    STYLE = _stream.read()
with open(os.path.join(_HERE, "webauthn.js"), "rb") as _stream:
    SCRIPT = _stream.read()
