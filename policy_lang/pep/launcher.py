"""The launcher of the hook: clients' settings name it, and it alone says where interpreter and package lie.

So an upgrade of either changes no settings, and no trust that a client has in them. A virtual environment that is made
anew for another version of Python is found again: its interpreter by the name that has no version, the package behind
`lib/python3*`. Of a shell it uses special built-ins alone, for which no function of the environment can stand (POSIX,
2.14).
"""

from __future__ import annotations

import os
import shlex
import sys

from ..domain.regex import regex
from .hook_places import HOOK

_HEAD = """\
#!/bin/sh
# Starts the hook of policy_lang. Written by `policy hook install`; `policy hook upgrade` writes it anew.
"""
_VERSIONED = regex(r"/python3\.[0-9]+/")


def launcher_text() -> str:
    """The launcher of this program."""
    where = _VERSIONED.sub("/python3\0/", HOOK)
    pattern = "*".join(shlex.quote(part) for part in where.split("\0"))
    start = shlex.quote(interpreter())
    return f'{_HEAD}for hook in {pattern}; do :; done\nexec {start} -I -S "$hook" "$@"\n'


def interpreter() -> str:
    """The interpreter that runs this, by a name without a version where there is one: that one outlasts an upgrade."""
    whole = os.path.abspath(sys.executable)
    names = (os.path.join(os.path.dirname(whole), name) for name in ("python", "python3"))
    return next((n for n in names if os.path.realpath(n) == os.path.realpath(whole)), whole)


def started_by(text: str) -> tuple[str, str] | None:
    """The interpreter and the hook that a launcher starts, None for what is none of ours."""
    head, _, rest = text.partition("for hook in ")
    pattern, _, start = rest.partition("; do :; done\nexec ")
    words = shlex.split(start) if head == _HEAD and start.endswith(' -I -S "$hook" "$@"\n') else []
    if len(words) != 5:
        return None
    first, star, last = pattern.partition("*")
    names = [*shlex.split(first), *shlex.split(last)] if star else shlex.split(pattern)
    if not star:
        return words[0], names[0]
    folder, stem = os.path.split(names[0])
    try:
        found = sorted(
            n for n in os.listdir(folder) if n.startswith(stem) and os.path.exists(f"{folder}/{n}{names[1]}")
        )
    except OSError:
        found = []
    return words[0], f"{folder}/{found[-1]}{names[1]}" if found else f"{names[0]}*{names[1]}"
