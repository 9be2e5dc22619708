"""Records of exported permissions, so that a file which somebody has changed since is seen.

A record lies beside those of installations, which the protected floor keeps agents from writing.
"""

from __future__ import annotations

import contextlib
import os
from glob import glob

from ..domain import strict_json
from ..domain.digest import sha256
from ..domain.errors import PolicyError
from ..domain.files import replace
from ..domain.limits import limit
from ..domain.record import record
from ..pep.hook_places import own_folder
from ..resolve.files import read_source
from .formats import format_named
from .translate import translated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_BYTES = limit("source_bytes")


@record(frozen=True, slots=True)
class ExportRecord:
    """One exported file: whose it is, where it really lies, by which policy, and its permissions as they were written.

    `meaning` is a digest of all that they come to, with what stands beside them, such as a mode. `others` are the files
    of other scopes, which the client reads as well: their permissions by their place.
    """

    client: str
    path: str
    real: str
    policy: str
    workspace: str
    meaning: str
    entries: tuple[str, ...]
    others: dict[str, tuple[str, ...]]

    def save(self) -> None:
        """Write it. Raises OSError."""
        folder = _folder()
        os.makedirs(folder, 0o700, exist_ok=True)
        name = sha256(self.path.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        value = {**{field: getattr(self, field) for field in _TEXTS}, "entries": list(self.entries)}
        value["others"] = {path: list(entries) for path, entries in self.others.items()}
        replace(f"{folder}/{name}.json", strict_json.dump(value) + b"\n", mode=0o600, durable=False)


_TEXTS = ("client", "path", "real", "policy", "workspace", "meaning")


def exported_to(client: str, path: str, policy: str, workspace: str) -> ExportRecord:
    """The record of a file as it is now. Raises PolicyError when it cannot be read."""
    source = read_source(path)
    found = format_named(client).read([source])
    entries = tuple(entry.text for entry in found.entries if entry.span is not None)
    remarks = [text for text, _ in found.remarks]
    text = "\0".join([translated(found, "exported").policy.digest, *remarks])
    meaning = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    others = {place: _entries(client, place) for place in _scopes(client, workspace) if place != path}
    return ExportRecord(client, path, os.path.realpath(path), policy, workspace, meaning, entries, others)


def _scopes(client: str, workspace: str) -> list[str]:
    """The files that are there and hold permissions of the same client."""
    globs = (os.path.join(workspace, os.path.expanduser(one)) for one in format_named(client).scopes)
    return sorted({path for one in globs for path in glob(one, include_hidden=True)})


def _entries(client: str, path: str) -> tuple[str, ...]:
    """The permissions of a file; what is wrong with it where it cannot be read."""
    try:
        found = format_named(client).read([read_source(path)])
    except PolicyError as error:
        return (str(error).partition("\n")[0],)
    own = [entry.text for entry in found.entries if entry.span is not None]
    return (*own, *(text for text, _ in found.remarks))


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
                others = {place: tuple(map(str, given)) for place, given in value["others"].items()}
                entries = tuple(map(str, value["entries"]))
                yield ExportRecord(**{f: value[f] for f in _TEXTS}, entries=entries, others=others)


def drift(client: str) -> Iterator[tuple[ExportRecord, str]]:
    """The exported files of a client that are not as they were written, and how."""
    for one in export_records():
        if client not in {one.client, format_named(one.client).module}:
            continue
        try:
            now = exported_to(one.client, one.path, one.policy, one.workspace)
        except PolicyError as error:
            yield one, str(error)
            continue
        if now.real != one.real:
            yield one, f"it lies in `{now.real}` now"
        for path in sorted({*one.others, *now.others}):
            changes = _changes(one.others.get(path, ()), now.others.get(path, ()))
            if changes:
                yield one, f"`{path}` is read with it, and has changed: {changes}"
        changes = _changes(one.entries, now.entries)
        if changes:
            yield one, changes
        elif now.meaning != one.meaning:
            yield one, "the permissions are the same, and what stands beside them changes what they mean"


def _changes(before: tuple[str, ...], now: tuple[str, ...]) -> str:
    """What was added and what is gone, in words; empty where nothing is."""
    changes = [f"`{text}` was added" for text in now if text not in before]
    changes += [f"`{text}` is gone" for text in before if text not in now]
    rest = f"; and {len(changes) - _NAMED} more" if len(changes) > _NAMED else ""
    return "; ".join(changes[:_NAMED]) + rest


_NAMED = 4
"""Changes that are named: one is reason enough to look."""


def _folder() -> str:
    return f"{own_folder(False)}/exported"
