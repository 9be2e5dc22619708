"""Writing a hook into a client's settings: the whole file is understood, one entry of ours is replaced, the rest stays.

The command ends in `|| exit 2`: whatever happens to the hook itself, an interpreter that is gone included, the shell that
the client starts it with turns into the exit code that denies.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..domain.faults import AuthorError

HOOK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hook.py")
_OURS = "policy_lang/pep/hook.py"
_HOST_SECONDS = 10
"""What the client is told to wait; the hook's own alarm comes long before."""


class InstallError(AuthorError):
    """The settings cannot be written; the text says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client's settings lie in one scope. `managed` ones an agent's user cannot change."""

    path: str
    managed: bool
    note: str = ""


def hook_command(client: str, options: list[str]) -> str:
    """The command that the client's settings name: absolute, without the agent's environment, closed on every fault."""
    words = [os.path.realpath(sys.executable), "-I", "-S", HOOK, client, *options]
    return shlex.join(words) + " || exit 2"


def target(client: str, scope: str, workspace: str, home: str) -> Target:
    """The settings file of a client. Raises InstallError for a scope that it does not have."""
    places: dict[tuple[str, str], Target] = {
        ("claude", "user"): Target(f"{home}/.claude/settings.json", False),
        ("claude", "project"): Target(f"{workspace}/.claude/settings.json", False),
        ("claude", "managed"): Target("/etc/claude-code/managed-settings.d/50-policy_lang.json", True),
        ("codex", "user"): Target(
            f"{home}/.codex/config.toml", False, "Codex skips hooks that nobody has trusted, without a word: run `codex`, "
            "open `/hooks`, trust this one, and run `policy doctor codex`",
        ),
        ("codex", "managed"): Target("/etc/codex/requirements.toml", True),
        ("gemini", "user"): Target(f"{home}/.gemini/settings.json", False),
        ("gemini", "project"): Target(f"{workspace}/.gemini/settings.json", False),
        ("gemini", "managed"): Target("/etc/gemini-cli/settings.json", True),
        ("copilot", "project"): Target(f"{workspace}/.github/hooks/policy_lang.json", False),
        ("cursor", "user"): Target(f"{home}/.cursor/hooks.json", False),
        ("cursor", "project"): Target(f"{workspace}/.cursor/hooks.json", False),
        ("cursor", "managed"): Target("/etc/cursor/hooks.json", True),
    }  # fmt: skip
    found = places.get((client, scope))
    if found is None:
        known = ", ".join(f"`{s}`" for c, s in places if c == client)
        raise InstallError(f"`{client}` has no {scope} settings for hooks; there are {known}")
    return found


def settings_with(client: str, before: str, command: str, managed: bool, wait: int = 0) -> str:
    """A settings file's text with our hook in it, which waits so many seconds for people. Raises InstallError.

    A text that is not understood is not written.
    """
    seconds = _HOST_SECONDS + wait
    if client == "codex":
        return _codex(before, command, managed, seconds)
    try:
        value = json.loads(before) if before.strip() else {}
    except ValueError as error:
        raise InstallError(f"the settings are not valid JSON ({error}); mend them first") from None
    if not isinstance(value, dict):
        raise InstallError("the settings are not a JSON object; mend them first")
    _FORMS[client](value, command, managed, seconds)
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _entries(value: dict[str, Any], event: str) -> list[Any]:
    hooks = value.setdefault("hooks", {})
    if not isinstance(hooks, dict):
        raise InstallError("`hooks` of the settings is not an object; mend them first")
    found = hooks.setdefault(event, [])
    if not isinstance(found, list):
        raise InstallError(f"`hooks.{event}` of the settings is not a list; mend them first")
    found[:] = [entry for entry in found if _OURS not in json.dumps(entry)]
    return found


def _claude(value: dict[str, Any], command: str, managed: bool, seconds: int) -> None:
    hook = {"type": "command", "command": command, "timeout": seconds}
    _entries(value, "PreToolUse").append({"matcher": "*", "hooks": [hook]})
    if managed:
        value["disableAllHooks"] = False


def _gemini(value: dict[str, Any], command: str, managed: bool, seconds: int) -> None:  # noqa: ARG001
    hook = {"type": "command", "name": "policy_lang", "command": command, "timeout": seconds * 1000}
    _entries(value, "BeforeTool").append({"matcher": ".*", "hooks": [hook]})


def _copilot(value: dict[str, Any], command: str, managed: bool, seconds: int) -> None:  # noqa: ARG001
    value.setdefault("version", 1)
    _entries(value, "preToolUse").append({"type": "command", "bash": command, "timeoutSec": seconds})


def _cursor(value: dict[str, Any], command: str, managed: bool, seconds: int) -> None:  # noqa: ARG001
    value.setdefault("version", 1)
    for event in ("beforeShellExecution", "beforeMCPExecution", "beforeReadFile", "preToolUse"):
        _entries(value, event).append({"command": command, "timeout": seconds, "failClosed": True})


_FORMS: dict[str, Callable[[dict[str, Any], str, bool, int], None]] = {
    "claude": _claude,
    "gemini": _gemini,
    "copilot": _copilot,
    "cursor": _cursor,
}

_BEGIN, _END = "# policy_lang: begin (written by `policy hook install`)", "# policy_lang: end"


def _codex(before: str, command: str, managed: bool, seconds: int) -> str:
    """TOML is kept as it is written, comments and all: our part stands at its end, between two marks."""
    head, begun, rest = before.partition(_BEGIN)
    kept = head + (rest.partition(_END)[2].lstrip("\n") if begun else "")
    quoted = json.dumps(command)  # a JSON text is a basic string of TOML
    lines = [_BEGIN]
    if managed:
        lines += ["[hooks]", f"managed_dir = {json.dumps(os.path.dirname(HOOK))}", ""]
    for event in ("PreToolUse", "PermissionRequest"):
        lines += [
            f"[[hooks.{event}]]", 'matcher = ".*"', f"[[hooks.{event}.hooks]]", 'type = "command"', f"command = {quoted}",
            f"timeout = {seconds}", "",
        ]  # fmt: skip
    lines.append(_END)
    text = (kept.rstrip("\n") + "\n\n" if kept.strip() else "") + "\n".join(lines) + "\n"
    if managed and not any(line.partition("=")[0].strip() == "allow_managed_hooks_only" for line in kept.splitlines()):
        text = "allow_managed_hooks_only = true\n\n" + text
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InstallError(f"the settings with the hook would be no TOML ({error}); mend them first") from None
    return text
