"""The outermost wall: a plan as words for bubblewrap (bwrap(1)), which makes the namespaces and the mounts."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess

from ..domain.files import open_for_reading
from ..domain.limits import limit
from ..domain.record import field, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .plan import Plan

_PLACES = (
    "/usr/bin/bwrap",
    "/bin/bwrap",
    "/usr/local/bin/bwrap",
    "/usr/sbin/bwrap",
    "/run/current-system/sw/bin/bwrap",
)
"""Where distributions install it; `PATH` may have been changed by who is to be walled in."""
_SECONDS = limit("walls_seconds")
_MOST_COPIED = limit("walls_copy_bytes")


@record(frozen=True, slots=True)
class Covers:
    """Something empty that nobody may read, to lay over what is hidden; and files to lay over paths, read-only."""

    file: str
    folder: str
    texts: Mapping[str, str] = field(default_factory=dict)


def bubblewrap() -> str | None:
    """The path of bubblewrap, when it is installed."""
    return next((path for path in _PLACES if os.access(path, os.X_OK)), None)


def why_not(program: str) -> str:
    """Why bubblewrap cannot make namespaces here; empty when it can."""
    words = [program, "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "/bin/true"]
    try:
        tried = subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=False, env={})  # noqa: S603 (no shell)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return "" if tried.returncode == 0 else tried.stderr.strip()[:300] or f"it ended with {tried.returncode}"


def covers_in(folder: str, texts: Mapping[str, str]) -> Covers:
    """Make what covers hidden files and folders, and a file for the text of each path in `texts`. Raises OSError."""
    files = {path: os.path.join(folder, f"text-{number}") for number, path in enumerate(texts)}
    made = Covers(os.path.join(folder, "file"), os.path.join(folder, "folder"), files)
    os.close(os.open(made.file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0))
    os.mkdir(made.folder, 0)
    for path, file in files.items():
        with open(file, "x", encoding="utf-8") as stream:
            stream.write(texts[path])
        os.chmod(file, 0o555)  # noqa: S103 (the launcher of a hook is run; nobody else gets into the folder)
    return made


def remove_covers(folder: str) -> None:
    """Remove a folder with covers; what cannot be removed stays."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            (os.rmdir if entry.is_dir(follow_symlinks=False) else os.unlink)(entry.path)
        os.rmdir(folder)


def copies_of(plan: Plan) -> dict[str, int]:
    """The files of the system's that are copied, with descriptors for them, which are the caller's to close.

    For each mount bubblewrap reads the table of all of them; a file as small as most of /etc is copied in less.
    """
    out = {}
    for path in (m.path for m in plan.mounts if m.kind == "read" and m.path in plan.system):
        with contextlib.suppress(OSError):  # what cannot be read here is mounted, and cannot be read there
            place = open_for_reading(path)
            status = os.fstat(place)
            if stat.S_ISREG(status.st_mode) and status.st_size <= _MOST_COPIED:
                out[path] = place
            else:
                os.close(place)
    return out


def words_of(plan: Plan, covers: Covers, channel: str, copies: Mapping[str, int]) -> list[str]:
    """The options for a plan: namespaces, then mounts in their order. `channel` is a folder for the launcher's."""
    words = ["--unshare-all", "--die-with-parent", "--cap-drop", "ALL", "--hostname", "walls"]
    private = [m for m in plan.mounts if m.kind == "private"]
    for mount in sorted(private, key=lambda m: m.path):
        words += ["--tmpfs", mount.path]
    for mount in (m for m in plan.mounts if m.kind != "private"):
        if mount.kind == "link":
            words += ["--symlink", mount.target, mount.path]
        elif mount.path in copies:
            place = copies[mount.path]
            words += ["--perms", f"{os.fstat(place).st_mode & 0o555:04o}", "--file", str(place), mount.path]
        elif mount.kind == "hide":
            words += ["--ro-bind", covers.file, mount.path]
        elif mount.kind == "hide-folder":
            words += ["--perms", "0555", "--tmpfs", mount.path]
        else:
            words += ["--bind" if mount.kind == "write" else "--ro-bind", mount.path, mount.path]
    for path, file in covers.texts.items():
        words += ["--ro-bind", file, path]
    words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", channel]
    for mount in (m for m in plan.mounts if m.kind == "hide-folder"):
        words += ["--remount-ro", mount.path]
    return [*words, "--remount-ro", "/", "--chdir", "/"]
