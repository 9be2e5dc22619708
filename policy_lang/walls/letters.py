"""Names in other letters: what some file systems, and git on any, take for a name that is protected."""

from __future__ import annotations

import re

_PASSED_OVER = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""Characters that HFS+ passes over in names (git's `utf8.c`, is_hfs_dot_generic)."""
_SHORT = {"git~1": ".git", "claude~1": ".claude", "codex~1": ".codex", "gemini~1": ".gemini", "cursor~1": ".cursor"}
"""Short names of NTFS, where the first of its kind gets the number one (git's `path.c`, is_ntfs_dotgit)."""


def in_plain_letters(path: str) -> str:
    """A path with its hidden names, which are those that are protected everywhere, spelled as they usually are."""
    return "/".join(map(_plain, path.split("/")))


def _plain(name: str) -> str:
    if name.isalpha() and name.isascii():
        return name
    found = _PASSED_OVER.sub("", name).partition(":")[0].rstrip(" .").casefold()
    found = _SHORT.get(found, found)
    return found if found.startswith(".") else name
