"""Language editions. A policy file may name the one it is written in; without a name it is the newest."""

NEWEST_EDITION = 1
"""The newest edition that this program reads."""

LANGUAGE_VERSION = str(NEWEST_EDITION)
"""The same as text: what `policy --version` and compiled policies say."""


def edition(text: str) -> int | None:
    """The edition that a number as written names, known or not; None for what names none, such as `0` or `01`."""
    if not text.isascii() or not text.isdigit() or text.startswith("0"):
        return None
    return int(text) if len(text) <= _DIGITS else 10**_DIGITS  # far beyond every edition


_DIGITS = 9
