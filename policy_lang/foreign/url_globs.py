"""Globs over a whole URL, as some clients match them, as patterns over hosts and paths."""

from __future__ import annotations

import re

ANY = "**:*"
"""The pattern of every connection."""
_URL = re.compile(
    r"(?P<scheme>https?|\*)://(?P<below>\*\.)?(?P<host>[A-Za-z0-9.-]+)(?P<port>:\d+)?(?P<path>/[\w./~-]*)?(?P<open>\*+)?",
    re.ASCII,
)


def url_patterns(glob: str, *, grants: bool) -> tuple[str, ...] | None:
    """The patterns of a URL glob: for a grant no more than it means, else no less, hosts in any case.

    None where that cannot be said.
    """
    if not glob.strip("*"):
        return (ANY,)
    found = _URL.fullmatch(glob)
    if found is None:
        return None if grants else (ANY,)
    path, open_end = found["path"] or "", bool(found["open"])
    host = f"{'**.' if found['below'] and not grants else '*.' if found['below'] else ''}{found['host'].lower()}"
    if not grants:
        if not path and open_end:  # `https://a.example*` is `a.example.evil`, too
            return (ANY,)
        return (f"{host}:*",)
    if not open_end or not path or found["scheme"] == "*" or found["below"]:
        return None  # without a star a query of its own would be granted; with it before the path any host is
    folder = path.rpartition("/")[0]
    if path != f"{folder}/":
        return None
    return (f"{found['scheme']}://{host}{found['port'] or ''}{folder}{'/**' if folder else ''}",)
