"""Folders that nobody else can change: where the service listens, and where it keeps what is frozen."""

from __future__ import annotations

import os
import stat

from ..domain.faults import AuthorError
from ..facts.owners import unsafe_place


class UnsafePlaceError(AuthorError):
    """A place that the service must not use; the text says why and how to fix it."""


def check_folder(folder: str) -> None:
    """Every folder on the way is this user's or root's, and others cannot write it. Raises UnsafePlaceError.

    A sticky folder further up, such as /tmp, is safe: nobody can rename there what is another's. The folder
    itself is not to be one: names that are not there yet are anybody's to take.
    """
    if not os.path.isdir(folder):
        raise UnsafePlaceError(f"there is no folder `{folder}`; make it with `mkdir -m 700`")
    fault = unsafe_place(folder)
    if fault is None and (status := os.stat(folder)).st_mode & 0o022 and status.st_mode & stat.S_ISVTX:
        fault = (
            f"the folder `{folder}` is unsafe: others can write it",
            "take that away with `chmod go-w`, or make a folder of your own",
        )
    if fault is not None:
        raise UnsafePlaceError(f"{fault[0]}; {fault[1]}")
