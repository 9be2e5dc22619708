"""Anthropic's sandbox-runtime (`srt`, npm's @anthropic-ai/sandbox-runtime): its settings, for Linux.

Its rules: a denied folder is covered by an empty one, into which what may be read or written is put back, writable
paths first; so one that may be written cannot lie in one that may only be read. A path with `*?[]` is a glob, or
ignored.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from .entries import plain, sayable, spread, without
from .hosts import HostGrant, denied, denied_networks, granted, host_model, kept
from .model import ExportError, HostModel, Model, PathEntry, below, holding, pattern
from .target import TMP, ExportTarget, Task, Written

_OWN = (TMP, "/proc", "/dev", "/run")
_RUN = ".srt"
"""A folder of the home for its sockets, which must be there inside: it makes them where `TMPDIR` says."""
_KERNEL = PathEntry("/sys", "read", True)
"""It is the machine's own there, read-only."""
_LOCAL = (
    "127.0.0.0/8", "::1", "0.0.0.0/8", "::", "169.254.0.0/16", "fe80::/10", "224.0.0.0/4", "ff00::/8",
    "100.100.100.200", "168.63.129.16", "192.0.0.192",
)  # fmt: skip
"""Addresses to which it lets no name lead (its README, "Resolved-address check")."""
FILES = (
    ".gitconfig", ".gitmodules", ".bashrc", ".bash_profile", ".zshrc", ".zprofile", ".profile", ".ripgreprc",
    ".mcp.json",
)  # fmt: skip
FOLDERS = (".vscode", ".idea", ".claude/commands", ".claude/agents", ".git/hooks")
"""What it lets nobody change in the folder that it is started in (DANGEROUS_FILES in its sandbox-utils.js)."""
_LOGS = (".npm/_logs", ".claude/debug")
"""Folders of the home that it lets be written where they may be read."""


def write(task: Task) -> Written:
    """Settings in JSON. Raises ExportError, SearchLimitError."""
    entries, system = _entries(task), task.surveyed.system
    network, hosts = _network(task)
    leads_out = bool(task.proxy or network["allowedDomains"])
    run = [f"{task.home}/{_RUN}"] if leads_out else []
    known = {e.path: e for e in entries}
    read = [e.path for e in entries if e.mode == "read"]
    inside = [p for p in read if holding(p, known) is not None]
    files = {
        "denyRead": ["/", *(e.path for e in (*system, *entries) if e.mode == "none")],
        "allowRead": [*(e.path for e in system if e.mode == "read"), *(p for p in read if p not in inside), *run],
        "allowWrite": [e.path for e in entries if e.mode == "write"],
        "denyWrite": inside,
    }
    files_permitted, unchanged = _with_logs(task, entries), _unchanged(task.workspace)
    model = Model(files_permitted, (*system, _KERNEL), (*_OWN, *run), hosts, ("**",), unchanged)
    note = "start it with `TMPDIR={}`, a folder that holds nothing else: its sockets must be there inside"
    text = json.dumps({"network": network, "filesystem": files}, indent=2, ensure_ascii=False) + "\n"
    return Written(text, model, leads_out, tuple(note.format(path) for path in run))


def _entries(task: Task) -> tuple[PathEntry, ...]:
    entries = sayable(task.surveyed.files, _is_plain)
    entries = without(
        entries, lambda entry, around: entry.mode == "write" and around.mode == "read" and _nested(around, entries)
    )
    changed = [e.path for e in entries if e.mode == "write"]
    opened = [
        e.path for e in entries if e.mode == "read" and e.folder and any(p.startswith(f"{e.path}/") for p in changed)
        and not _nested(e, entries)
    ]  # fmt: skip
    return sayable(spread(entries, opened, changed), _is_plain)


def _nested(entry: PathEntry, entries: Sequence[PathEntry]) -> bool:
    """Whether an entry lies in a folder that may be written."""
    return any(e.mode == "write" and entry.path.startswith(f"{e.path}/") for e in entries)


def _is_plain(path: str) -> bool:
    return not any(c in path for c in "*?[]")


def _with_logs(task: Task, entries: tuple[PathEntry, ...]) -> tuple[PathEntry, ...]:
    known = {e.path: e for e in entries}
    logs = (PathEntry(f"{task.home}/{name}", "write", True) for name in _LOGS)
    more = [e for e in logs if (around := holding(e.path, known)) is not None and around.mode == "read"]
    return plain([*entries, *more])


def _unchanged(workspace: str) -> tuple[str, ...]:
    files = [pattern(f"{workspace}/{name}") for name in (*FILES, *FOLDERS)]
    files.append(pattern(f"{workspace}/.claude"))  # a folder is mounted in it
    return (*files, *(below(f"{workspace}/{name}") for name in FOLDERS))


def _network(task: Task) -> tuple[dict[str, object], HostModel | None]:
    """The settings, and what they permit."""
    network: dict[str, object] = {"allowedDomains": [], "deniedDomains": [], "strictAllowlist": True}
    if task.proxy:
        host, _, port = task.proxy.rpartition(":")
        if host != "127.0.0.1" or not port.isdecimal():
            raise ExportError("`srt` reaches a proxy at a port of this machine: give `--proxy 127.0.0.1:PORT`")
        return {**network, "httpProxyPort": int(port), "socksProxyPort": int(port)}, None
    networks = denied_networks(task.policy)
    grants = [g for g in granted(task.policy, ports=True) if _is_said(g)]

    def model(left: Sequence[HostGrant]) -> HostModel:
        return host_model(left, _barred(task, left), (*_LOCAL, *networks))

    left = kept(task, grants, model)
    network["allowedDomains"] = [_domain(g) for g in left]
    network["deniedDomains"] = [_domain(g) for g in _barred(task, left)]
    network["deniedResolvedAddresses"] = list(networks)
    return network, model(left)


def _barred(task: Task, left: Sequence[HostGrant]) -> list[HostGrant]:
    return [g for g in denied(task.policy, left) if _is_said(g)]


def _is_said(grant: HostGrant) -> bool:
    """Whether its settings take a host: a name with a dot, or two where all below it is meant."""
    return "." in grant.host or (not grant.below and (":" in grant.host or grant.host == "localhost"))


def _domain(grant: HostGrant) -> str:
    host = f"[{grant.host}]" if ":" in grant.host else grant.host
    return f"{'*.' if grant.below else ''}{host}{f':{grant.port}' if grant.port else ''}"


TARGET = ExportTarget("srt", write, empty=(TMP,))
