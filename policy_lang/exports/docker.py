"""Docker, or podman: a shell script that starts an image with the policy's files mounted, and no network but the proxy.

The image brings its own system folders; nothing of this machine's is there but what is mounted. A path with `,` or `"`
cannot be written as a mount, and nothing can be mounted in a folder that is covered.
"""

from __future__ import annotations

import shlex

from ..walls.environment import PROXIES
from ..walls.plan import SYSTEM
from .entries import sayable, without
from .model import NO_HOSTS, Model, PathEntry
from .shells import FORWARD, PORT, PROXY, SETTINGS_NO_PROXY, in_workspace, private, unix_socket
from .target import TMP, ExportTarget, Task, Written

_EMPTY = ("empty=$(mktemp -d)", """trap 'rmdir "$empty"' EXIT""")
"""What covers a folder; podman fills a new file system with what it covers."""
_OWN = (TMP, "/proc", "/dev", "/run", "/sys")


def write(task: Task) -> Written:
    """A POSIX shell script, whose arguments are the image and the command. Raises ExportError, SearchLimitError."""
    proxy = unix_socket(task)
    files = sayable(task.surveyed.files, lambda path: not any(c in path for c in ',"'))
    files = without(files, lambda _, around: around.mode == "none")
    words = [
        "--rm", "--interactive", "--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--network none",
        '--user "$(id -u):$(id -g)"',
    ]  # fmt: skip
    words += [f"--mount {shlex.quote(f'type=tmpfs,target={path}')}" for path in private(task)]
    words += [f"--mount {_mount(entry)}" for entry in files]
    covers = any(e.mode == "none" and e.folder for e in files)
    if proxy:
        words.append(f"--mount {shlex.quote(f'type=bind,source={proxy},target={PROXY},readonly')}")
        words += [f"--env {name}=http://127.0.0.1:{PORT}" for name in PROXIES]
        words += [f"--env {name}={value}" for name, value in SETTINGS_NO_PROXY.items()]
    words += [f"--env HOME={shlex.quote(task.home)}", f"--env TMPDIR={TMP}", *(f"--env {n}" for n in task.granted)]
    words += ['--workdir "$folder"']
    command = f'"$image" sh -c {shlex.quote(FORWARD)} sh "$@"' if proxy else '"$image" "$@"'
    text = "\n".join(
        [
            "#!/bin/sh",
            *(f"# {line}" for line in task.heading),
            "# Start it with an image and the command as arguments; DOCKER=podman takes another program.",
            "set -eu",
            '[ "$#" -gt 1 ] || { echo "usage: $0 IMAGE COMMAND..." >&2; exit 2; }',
            in_workspace(task),
            "image=$1",
            "shift",
            *(_EMPTY if covers else ()),
            '"${DOCKER:-docker}" run \\',
            *(f"    {line} \\" for line in words),
            f"    {command}",
            "",
        ]
    )
    model = Model(files, (), (*_OWN, *SYSTEM, "/etc"), None if proxy else NO_HOSTS, task.granted)
    return Written(text, model, bool(proxy))


def _mount(entry: PathEntry) -> str:
    if entry.mode == "none" and entry.folder:
        return f'type=bind,source="$empty",{shlex.quote(f"target={entry.path}")},readonly'
    source = "/dev/null" if entry.mode == "none" else entry.path
    return shlex.quote(f"type=bind,source={source},target={entry.path}{'' if entry.mode == 'write' else ',readonly'}")


TARGET = ExportTarget("docker", write, empty=(TMP, *SYSTEM, "/etc"), system=())
