"""Groups of users: every group that a user may take on, not only the one that it has at the moment.

`sg` and `newgrp` begin a process with another group, so what a process has says little of what its user may have.
"""

from __future__ import annotations

import grp
import os
import pwd
from collections import defaultdict


class UserGroups:
    """What the machine's user database says, asked again each time. Names of one uid are noted when it is made."""

    def __init__(self) -> None:
        self._names: dict[int, list[str]] = defaultdict(list)
        for entry in pwd.getpwall():
            self._names[entry.pw_uid].append(entry.pw_name)

    def of(self, uid: int) -> frozenset[int] | None:
        """The groups of a user, primary and supplementary, by all of its names; None for one that has no name."""
        found: set[int] = set()
        for name in {*self._names.get(uid, ()), *_first_name(uid)}:
            try:
                found.update(os.getgrouplist(name, pwd.getpwnam(name).pw_gid))
            except KeyError:  # it has gone since
                continue
        return frozenset(found) or None

    def members(self, gid: int) -> set[int]:
        """The users that are in a group, as far as the database tells them all."""
        try:
            listed = grp.getgrgid(gid).gr_mem
        except KeyError:
            listed = []
        found = {e.pw_uid for e in pwd.getpwall() if e.pw_gid == gid}
        for name in listed:
            try:
                found.add(pwd.getpwnam(name).pw_uid)
            except KeyError:
                continue
        return found


def _first_name(uid: int) -> list[str]:
    try:
        return [pwd.getpwuid(uid).pw_name]
    except KeyError:
        return []
