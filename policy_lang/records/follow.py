"""A log that is being written, read as it grows: every whole record once."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..audit.chain import DamagedRecordError, opened
from ..audit.read import LogReadError, log_files, log_lines
from ..domain.strict_json import Json

_TAIL = 67
"""Bytes of a record's digest, the `"}` behind it and the end of the line."""


class Follower:
    """Remembers up to which byte of which file a log was read. `place` may be kept, and given again later.

    A writer whose flush fails takes its records back. When the record before `place` is not the one that was given,
    the file is given anew from its beginning: rather twice than never.
    """

    def __init__(self, log: str, place: tuple[str, int, str] = ("", 0, "")) -> None:
        self.log = log
        self.file, self.offset, self.digest = place

    @property
    def place(self) -> tuple[str, int, str]:
        """The file's name, the byte behind the last record that was given, and that record's digest."""
        return self.file, self.offset, self.digest

    def records(self) -> Iterator[Json]:
        """The records that are there and were not given yet. Raises LogReadError for a line that is none."""
        for path in log_files(self.log):
            name = os.path.basename(path).removesuffix(".gz")
            if name < self.file:
                continue
            start = self.offset if name == self.file and self._stands(path) else 0
            for line in log_lines(path, start):
                if not line.ended:
                    break  # a writer is in the middle of it
                try:
                    value = opened(line.data)
                except DamagedRecordError as error:
                    raise LogReadError(
                        f"`{name}` is damaged at byte {start}: {error}; see `policy log verify`"
                    ) from None
                start += len(line.data) + 1
                self.file, self.offset, self.digest = name, start, str(value.get("hash", ""))
                yield value

    def _stands(self, path: str) -> bool:
        if not self.offset:
            return True
        line = next(log_lines(path, max(self.offset - _TAIL, 0)), None)
        return line is not None and line.data == f'{self.digest}"}}'.encode("ascii")
