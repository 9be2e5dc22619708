"""Records of exported permissions, so that a file which somebody has changed since is seen.

A record lies beside those of installations, which the protected floor keeps agents from writing.
"""

from __future__ import annotations

import contextlib
import os

from ..domain import strict_json
from ..domain.digest import sha256
from ..domain.errors import PolicyError
from ..domain.files import replace
from ..domain.limits import limit
from ..domain.record import record
from ..pep.hook_places import own_folder
from ..resolve.files import read_source
from .formats import format_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_BYTES = limit("source_bytes")


@record(frozen=True, slots=True)
class ExportRecord:
    """One exported file: whose it is, by which policy, and its permissions as they were written."""

    client: str
    path: str
    policy: str
    digest: str
    entries: tuple[str, ...]

    def save(self) -> None:
        """Write it. Raises OSError."""
        folder = _folder()
        os.makedirs(folder, 0o700, exist_ok=True)
        name = sha256(self.path.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        value = {**{field: getattr(self, field) for field in _TEXTS}, "entries": list(self.entries)}
        replace(f"{folder}/{name}.json", strict_json.dump(value) + b"\n", mode=0o600, durable=False)

    def changed(self) -> tuple[list[str], list[str]]:
        """The permissions that are there and were not written, and those that were written and are gone.

        Raises PolicyError when the file cannot be read.
        """
        now = permissions_in(self.client, self.path)
        return [one for one in now if one not in self.entries], [one for one in self.entries if one not in now]


_TEXTS = ("client", "path", "policy", "digest")


def permissions_in(client: str, path: str) -> list[str]:
    """The permissions of a file, as texts. Raises PolicyError."""
    found = format_named(client).read([read_source(path)])
    return [entry.text for entry in found.entries if entry.span is not None]


def export_records() -> Iterator[ExportRecord]:
    """All records; what is not understood is none."""
    folder = _folder()
    names: Sequence[str] = ()
    with contextlib.suppress(OSError):
        names = sorted(os.listdir(folder))
    for name in names:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            with open(f"{folder}/{name}", "rb") as stream:
                value = strict_json.load(stream.read(_MOST_BYTES))
            if isinstance(value, dict) and all(isinstance(value[field], str) for field in _TEXTS):
                yield ExportRecord(**{f: value[f] for f in _TEXTS}, entries=tuple(map(str, value["entries"])))


def drift(client: str) -> Iterator[tuple[ExportRecord, str]]:
    """The exported files of a client that are not as they were written, and how."""
    for one in export_records():
        if one.client != client:
            continue
        try:
            more, gone = one.changed()
        except PolicyError as error:
            yield one, str(error)
            continue
        changes = [f"`{text}` was added" for text in more] + [f"`{text}` is gone" for text in gone]
        if changes:
            yield (
                one,
                "; ".join(changes[:_NAMED]) + (f"; and {len(changes) - _NAMED} more" if len(changes) > _NAMED else ""),
            )


_NAMED = 4
"""Changes that are named: one is reason enough to look."""


def _folder() -> str:
    return f"{own_folder(False)}/exported"
