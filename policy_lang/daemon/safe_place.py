"""Folders that nobody else can change: where the service listens, and where it keeps what is frozen."""

from __future__ import annotations

import os

from ..domain.faults import AuthorError
from ..facts.owners import unsafe


class UnsafePlaceError(AuthorError):
    """A place that the service must not use; the text says why and how to fix it."""


def check_folder(folder: str) -> None:
    """Every folder on the way is this user's or root's, and others cannot write it. Raises UnsafePlaceError.

    A sticky folder further up, such as /tmp, is safe: nobody can rename there what is another's.
    """
    if not os.path.isdir(folder):
        raise UnsafePlaceError(f"there is no folder `{folder}`; make it with `mkdir -m 700`")
    here = os.path.realpath(folder)
    first = True
    while True:
        status = os.lstat(here)
        fault = unsafe(status)
        if fault is None and first and status.st_mode & 0o022:
            fault = ("others can write it", "take that away with `chmod go-w`, or make a folder of your own")
        if fault is not None:
            raise UnsafePlaceError(f"the folder `{here}` is unsafe: {fault[0]}; {fault[1]}")
        if here == "/":
            return
        here, first = os.path.dirname(here), False
