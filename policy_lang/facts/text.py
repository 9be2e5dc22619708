"""Checks that every resource text passes first."""

from __future__ import annotations

from ..domain.errors import RequestError


def check_text(text: object, what: str, most: int) -> None:
    """Raises RequestError unless it is a non-empty string of at most `most` UTF-8 bytes without control characters."""
    if not isinstance(text, str):
        raise RequestError("PLR001", f"the {what} is not a string")
    if not text:
        raise RequestError("PLR002", f"the {what} is empty")
    if not text.isascii():
        try:
            size = len(text.encode("utf-8"))
        except UnicodeEncodeError:
            raise RequestError("PLR003", f"the {what} is not valid Unicode (a lone surrogate)") from None
    else:
        size = len(text)
    if size > most:
        raise RequestError("PLR004", f"the {what} is longer than {most} bytes")
    if not text.isprintable():
        bad = next((c for c in text if c < " " or "\x7f" <= c <= "\x9f" or c in "\u2028\u2029"), None)
        if bad is not None:
            raise RequestError("PLR005", f"the {what} contains the control character U+{ord(bad):04X}")
