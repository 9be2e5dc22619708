"""Dotted names: tools, secrets, variables, operations."""

from __future__ import annotations

import re

from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.regex import regex
from .text import check_text

_NAME = regex(r"[!-~]+", re.ASCII)


def name_word(text: str) -> tuple[str, ...]:
    """The segments of a dotted name: printable ASCII without blanks, no empty segment."""
    check_text(text, "name", limit("name_bytes"))
    if not _NAME.fullmatch(text):
        raise RequestError("PLR041", "the name has a character other than printable ASCII without blanks")
    word = tuple(text.split("."))
    if "" in word:
        raise RequestError("PLR041", "the name has an empty segment between dots")
    return word
