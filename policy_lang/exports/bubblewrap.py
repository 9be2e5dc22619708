"""Bubblewrap (bwrap(1)): a shell script that starts a command behind the mounts and namespaces of the policy's plan."""

from __future__ import annotations

import shlex

from ..walls import mounts
from ..walls.environment import PROXIES
from .model import NO_HOSTS, Model, PathEntry
from .shells import FORWARD, PORT, PROXY, SETTINGS_NO_PROXY, in_workspace, private, unix_socket
from .target import TMP, ExportTarget, Task, Written

_OWN = (TMP, "/proc", "/dev", "/run", "/sys")
_USUAL = "/usr/bin/bwrap"


def write(task: Task) -> Written:
    """A POSIX shell script, whose arguments are the command. Raises ExportError."""
    proxy = unix_socket(task)
    found = task.surveyed
    words = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop ALL", "--hostname sandbox"]
    words += [f"--tmpfs {shlex.quote(path)}" for path in private(task)]
    words += [_mount(entry) for entry in found.system]
    words += [f"--symlink {shlex.quote(target)} {shlex.quote(path)}" for path, target in found.links]
    words += [_mount(entry) for entry in found.files]
    words += ["--proc /proc", "--dev /dev", '--dir "$folder"']
    if proxy:
        words.append(f"--ro-bind {shlex.quote(proxy)} {PROXY}")
    hidden = [e.path for e in (*found.system, *found.files) if e.mode == "none" and e.folder]
    words += [f"--remount-ro {shlex.quote(path)}" for path in (*hidden, "/")]
    words.append('--chdir "$folder"')
    return Written(_script(task, words, bool(proxy)), _model(task), bool(proxy))


def _model(task: Task) -> Model:
    found = task.surveyed
    hosts = None if task.proxy else NO_HOSTS
    return Model(found.files, found.system, _OWN, hosts, variables=task.granted)


def _mount(entry: PathEntry) -> str:
    path = shlex.quote(entry.path)
    if entry.mode == "none":
        return f"--perms 0555 --tmpfs {path}" if entry.folder else f"--ro-bind /dev/null {path}"
    return f"{'--bind' if entry.mode == 'write' else '--ro-bind'} {path} {path}"


def _script(task: Task, words: list[str], forwards: bool) -> str:
    settings = {"HOME": task.home, "TMPDIR": TMP, "PATH": "/usr/local/bin:/usr/bin:/bin"}
    if forwards:
        settings |= dict.fromkeys(PROXIES, f"http://127.0.0.1:{PORT}")
        settings |= SETTINGS_NO_PROXY
    fixed = " ".join(f"{name}={shlex.quote(value)}" for name, value in settings.items())
    command = f'sh -c {shlex.quote(FORWARD)} sh "$@"' if forwards else '"$@"'
    return "\n".join(
        [
            "#!/bin/sh",
            *(f"# {line}" for line in task.heading),
            "# Start it with the command as arguments. `--ro-bind /dev/null` covers a file that may not be read.",
            "set -eu",
            '[ "$#" -gt 0 ] || { echo "usage: $0 COMMAND..." >&2; exit 2; }',
            in_workspace(task),
            f"set -- {mounts.bubblewrap() or _USUAL} \\",
            *(f"    {line} \\" for line in words),
            f"    -- {command}",
            f'set -- {fixed} "$@"',
            *(f'[ -z "${{{n}+x}}" ] || set -- {n}="${n}" "$@"' for n in task.variables if n not in settings),
            'exec env -i "$@"',
            "",
        ]
    )


TARGET = ExportTarget("bubblewrap", write, empty=(TMP,))
