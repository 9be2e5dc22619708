"""Codex (OpenAI): a permission profile for its config.toml, as `codex sandbox` and the agent's commands take it.

Its rules: of two paths that hold a file the longer one says, but nothing is given back below a denied one, and only
folders can be written. A path with `*?[]{}` is a glob. A domain is granted at every port.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..domain.record import replace
from ..walls.plan import SYSTEM
from .entries import sayable, without
from .hosts import HostGrant, denied, granted, host_model, kept
from .model import ExportError, HostModel, Model, PathEntry, below, pattern
from .target import ExportTarget, Task, Written

_MINIMAL = (*SYSTEM, "/etc")
"""What `:minimal` lets be read."""
_OWN = ("/proc", "/dev", "/run", "/sys")
_UNCHANGED = (".git", ".agents", ".codex")
"""What it keeps from being changed at the top of each folder that may be written."""
_PRIVATE = (
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "0.0.0.0/8", "100.64.0.0/10",
    "::1", "fc00::/7", "fe80::/10",
)  # fmt: skip
"""Networks into which it lets no name lead (its network proxy, `allow_local_binding` off)."""
_MODES = {"none": "deny", "read": "read", "write": "write"}


def write(task: Task) -> Written:
    """A part of config.toml. Raises ExportError, SearchLimitError."""
    if task.proxy:
        raise ExportError("Codex has a proxy of its own, and its profiles name no other: leave `--proxy` out")
    found = [replace(e, mode="read") if e.mode == "write" and not e.folder else e for e in task.surveyed.files]
    files = without(sayable(found, _is_plain), lambda _, around: around.mode == "none")
    system = [e for e in task.surveyed.system if e.mode == "none" or e.path not in _MINIMAL]
    lines = [f"{json.dumps(e.path, ensure_ascii=False)} = {json.dumps(_MODES[e.mode])}" for e in (*system, *files)]
    domains, hosts = _network(task)
    text = "\n".join(
        [
            *(f"# {line}" for line in task.heading),
            'default_permissions = "policy"',
            "",
            "[features]",
            f"network_proxy = {json.dumps(bool(domains))}",
            "",
            "[permissions.policy.filesystem]",
            '":minimal" = "read"',
            *lines,
            "",
            "[permissions.policy.network]",
            f"enabled = {json.dumps(bool(domains))}",
            "enable_socks5 = false",
            "",
            "[permissions.policy.network.domains]",
            *domains,
            "",
        ]
    )
    model = Model(files, task.surveyed.system, _OWN, hosts, ("**",), _unchanged(files))
    return Written(text, model, bool(domains))


def _is_plain(path: str) -> bool:
    return not any(c in path for c in "*?[]{}")


def _unchanged(files: Sequence[PathEntry]) -> tuple[str, ...]:
    paths = [f"{e.path}/{name}" for e in files if e.folder and e.mode == "write" for name in _UNCHANGED]
    return tuple(p for path in paths for p in (pattern(path), below(path)))


def _network(task: Task) -> tuple[list[str], HostModel]:
    """The lines about domains, and what they permit."""

    def model(left: Sequence[HostGrant]) -> HostModel:
        return host_model(left, _barred(task, left), _PRIVATE)

    left = kept(task, granted(task.policy, ports=False), model)
    lines = [f'{json.dumps(_domain(g))} = "allow"' for g in left]
    lines += [f'{json.dumps(_domain(g))} = "deny"' for g in _barred(task, left)]
    return list(dict.fromkeys(lines)), model(left)


def _barred(task: Task, left: Sequence[HostGrant]) -> list[HostGrant]:
    """Names that are denied at some port, at every one."""
    found = [HostGrant(g.host, g.below) for g in denied(task.policy, left)]
    return [g for g in dict.fromkeys(found) if g not in left]


def _domain(grant: HostGrant) -> str:
    return f"{'*.' if grant.below else ''}{grant.host}"


TARGET = ExportTarget("codex", write, system=_MINIMAL)
