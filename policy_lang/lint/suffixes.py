"""Suffixes under which anyone can have a name."""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList


def is_public(suffix: str, more: frozenset[str]) -> bool:
    """True for a public suffix or something above one: names below it belong to different owners.

    From the public suffix list (https://publicsuffix.org), its private part included, and the rows `more`.
    """
    if suffix in more or "." not in suffix:
        return True
    return bool(_list().is_public(suffix))


@cache
def _list() -> PublicSuffixList:
    return PublicSuffixList()
