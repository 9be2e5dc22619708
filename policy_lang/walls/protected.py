"""Paths that nobody inside may change, whatever rules say: the policy, clients' settings, the launcher itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from ..pep.clients import NAMES, client
from ..pep.hook_places import launcher_place

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_BESIDE = (
    ".claude/settings.local.json",
    ".mcp.json",
    ".codex/config.toml",
    ".gemini/settings.json",
    ".cursor/mcp.json",
    ".opencode",
    "opencode.json",
    "opencode.jsonc",
    "agent.policy",
)
"""Files in a workspace that stand beside the settings which name our hook, and may say otherwise; and the policy of a
start that names none."""


def protected_paths(workspace: str, home: str, policy: Iterable[str], further: Iterable[str] = ()) -> frozenset[str]:
    """Absolute paths, whether they exist or not; what lies below a folder of them is protected as well."""
    found = {os.path.abspath(path) for path in (*policy, *further)}
    found |= {os.path.realpath(path) for path in found}
    for name in NAMES:
        for form in client(name).settings.paths.values():
            found.add(form.format(home=home, workspace=workspace))
    found |= {os.path.join(workspace, name) for name in _BESIDE}
    found |= {launcher_place(managed, home) for managed in (False, True)}
    return frozenset(found) | frozenset(programs())


def managed_places() -> tuple[str, ...]:
    """The folders of clients' managed settings, without which they would run by laxer ones; the launcher in them."""
    found = (client(name).settings.paths.get("managed", "") for name in NAMES)
    return (*("/".join(path.split("/")[:3]) for path in found if path), launcher_place(managed=True))


def programs() -> tuple[str, ...]:
    """The folders of the interpreter and of this package: what the launcher and the hook run."""
    folders = (PACKAGE, sys.prefix, sys.base_prefix)
    return tuple(dict.fromkeys(p for f in folders for p in (f, os.path.realpath(f)) if p not in {"/", "/usr"}))
