"""Records of installations: what was written, and what stood there before, so that all of it can be taken back.

A record lies beside the compiled policies, which the protected floor keeps agents from writing, for its owner alone to
read: settings may hold tokens.
"""

from __future__ import annotations

import contextlib
import os

from ..domain import strict_json
from ..domain.digest import sha256
from ..domain.files import replace
from ..domain.limits import limit
from ..domain.record import field, record
from .hook_places import own_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST_BYTES = 8 * limit("install_settings_bytes")


@record(frozen=True, slots=True)
class InstallRecord:
    """What one installation wrote: the settings at `path`, and what they were `before`, None where there were none.

    `digest` is that of the settings as they were written; while they are so, taking the hook out puts `before` back.
    `policy` and `compiled` are the source and the file that it was compiled to, empty where the service is asked.
    `earlier` are files to which policies were compiled for it before. `folders` were made for it, the outer ones first.
    """

    client: str
    scope: str
    path: str
    before: str | None
    digest: str
    policy: str = ""
    compiled: str = ""
    earlier: tuple[str, ...] = field(default_factory=tuple)
    folders: tuple[str, ...] = field(default_factory=tuple)

    @property
    def place(self) -> str:
        """Where the record lies."""
        name = sha256(self.path.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        return f"{records_folder(self.scope == 'managed')}/{self.client}-{self.scope}-{name}.json"

    def save(self) -> None:
        """Write it. Raises OSError."""
        fields = {name: getattr(self, name) for name in _TEXTS}
        value = {**fields, "before": self.before, "earlier": list(self.earlier), "folders": list(self.folders)}
        replace(self.place, strict_json.dump(value) + b"\n", mode=0o600, durable=False)


_TEXTS = ("client", "scope", "path", "digest", "policy", "compiled")


def records_folder(managed: bool) -> str:
    """The folder of the records of a scope."""
    return f"{own_folder(managed)}/installed"


def digest_of(text: str) -> str:
    """The digest of a settings file's text."""
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def records(managed: bool) -> Iterator[InstallRecord]:
    """The records of a scope's installations; what is not understood is none."""
    folder = records_folder(managed)
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            yield _read(os.path.join(folder, name))


def record_of(client: str, scope: str, path: str) -> InstallRecord | None:
    """The record of an installation, None where there is none."""
    wanted = (client, scope, path)
    return next((r for r in records(scope == "managed") if (r.client, r.scope, r.path) == wanted), None)


def own_mode(managed: bool) -> int:
    """The mode of our own folder: an agent's user reads what is managed."""
    return 0o755 if managed else 0o700


def made_folders(path: str, mode: int) -> tuple[str, ...]:
    """Make the folders on the way to a file; those that were not there, the outer ones first. Raises OSError.

    The innermost has the mode, as far as the umask leaves it.
    """
    missing: list[str] = []
    folder = os.path.dirname(path)
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    os.makedirs(os.path.dirname(path), mode, exist_ok=True)
    return tuple(reversed(missing))


def remove_folders(folders: Iterable[str]) -> list[str]:
    """Remove those that are empty, the inner ones first; the others, in which somebody has put something, stay."""
    left: list[str] = []
    for folder in reversed(dict.fromkeys(folders)):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
        if os.path.isdir(folder):
            left.insert(0, folder)
    return left


def _read(path: str) -> InstallRecord:
    """Raises OSError, ValueError, KeyError, TypeError."""
    with open(path, "rb") as stream:
        value = strict_json.load(stream.read(_MOST_BYTES))
    if not isinstance(value, dict):
        raise TypeError("no record")
    texts = {name: value[name] for name in _TEXTS}
    before = value["before"]
    earlier, folders = value.get("earlier", []), value["folders"]
    found = [*texts.values(), *earlier, *folders, *([] if before is None else [before])]
    if not all(isinstance(text, str) for text in found):
        raise TypeError("no record")
    return InstallRecord(**texts, before=before, earlier=tuple(earlier), folders=tuple(folders))
