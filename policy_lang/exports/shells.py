"""Parts of scripts that start a command: the folder that it starts in, empty folders, the way to the proxy's socket."""

from __future__ import annotations

import shlex

from .model import ExportError
from .target import TMP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .target import Task

PROXY = "/run/policy_lang/proxy.sock"
"""The proxy's socket inside."""
PORT = 3128
"""Of the loopback inside, where the proxy is to be had; the usual one of HTTP proxies."""
FORWARD = (
    f"socat TCP-LISTEN:{PORT},bind=127.0.0.1,fork,reuseaddr UNIX-CONNECT:{PROXY} & "
    f"while kill -0 $! && ! socat -u OPEN:/dev/null TCP:127.0.0.1:{PORT} 2>/dev/null; do sleep 0.1; done; "
    'exec "$@"'
)
"""Inside: the proxy's socket as a port, which is there before the command is."""
SETTINGS_NO_PROXY = dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1,::1")


def unix_socket(task: Task) -> str:
    """The path of the proxy's socket; empty without a proxy. Raises ExportError for another address."""
    proxy = task.proxy.removeprefix("unix:")
    if proxy and not proxy.startswith("/"):
        raise ExportError("inside is a loopback of its own: give `--proxy unix:/PATH`, where the proxy listens")
    return proxy


def private(task: Task) -> list[str]:
    """Folders that are empty at first: those that lie in nothing which is granted."""
    entries = [e for e in task.surveyed.files if e.folder and e.mode != "none"]
    return [p for p in sorted({TMP, task.home}) if not any(f"{p}/".startswith(f"{e.path}/") for e in entries)]


def in_workspace(task: Task) -> str:
    """The line that sets `folder`: the one that the script is started in, where it lies in the workspace."""
    workspace = shlex.quote(task.workspace)
    return f'case "$PWD/" in {workspace}/*) folder=$PWD ;; *) folder={workspace} ;; esac'
