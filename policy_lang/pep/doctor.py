"""Does the gate hold? The settings are read, the hook is run as the client runs it, then the client itself is tried.

The canary is a write below `.git/hooks`, which the protected floor denies under every policy.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import time
import tomllib
from dataclasses import dataclass

from ..facts.owners import unsafe
from . import rehearsal
from .install import InstallError, target

GOOD, BAD, WARN = "ok", "fail", "warn"
_CANARY = ".git/hooks/policy-lang-canary"
SCOPES = ("managed", "project", "user")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `ok`, `warn` or `fail`, what was found, and how to mend it."""

    state: str
    text: str
    mend: str = ""


def examine(client: str, workspace: str, home: str, live: bool) -> list[Finding]:
    """Everything that can be told about a client's gate on this machine."""
    installed = _installed(client, workspace, home)
    if not installed:
        return [Finding(BAD, f"no settings of `{client}` name the hook", f"`policy hook install {client}`")]
    out: list[Finding] = []
    for path, command, managed in installed:
        out += _settings(path, managed)
        out += _hook(client, path, command, workspace)
    if live:
        out += _live(client, workspace)
    return out


def _installed(client: str, workspace: str, home: str) -> list[tuple[str, str, bool]]:
    """(settings file, the hook's command, managed) for each settings file that names it."""
    out: list[tuple[str, str, bool]] = []
    for scope in SCOPES:
        try:
            place = target(client, scope, workspace, home)
            with open(place.path, encoding="utf-8") as stream:
                text = stream.read()
        except (InstallError, OSError, UnicodeDecodeError):
            continue
        commands = dict.fromkeys(c for c in _texts(client, text) if "policy_lang/pep/hook.py" in c)
        out += [(place.path, command, place.managed) for command in commands]
    return out


def _texts(client: str, text: str) -> list[str]:
    """Every text value of a settings file."""
    try:
        if client == "codex":
            value: object = tomllib.loads(text)
        else:
            value = json.loads(text)
    except ValueError:
        return []
    out: list[str] = []
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            out.append(one)
        elif isinstance(one, dict):
            todo.extend(one.values())
        elif isinstance(one, list):
            todo.extend(one)
    return out


def _settings(path: str, managed: bool) -> list[Finding]:
    fault = unsafe(os.stat(path))
    if fault is not None:
        return [Finding(BAD, f"`{path}`: {fault[0]}", fault[1])]
    if managed:
        return [Finding(GOOD, f"`{path}` is managed: the agent's user cannot change it")]
    mend = "install it in the managed scope, as root, with the agent under another user"
    return [
        Finding(WARN, f"`{path}` belongs to the user that the agent runs as: the agent can take the hook out", mend)
    ]


def _hook(client: str, path: str, command: str, workspace: str) -> list[Finding]:
    """Run the hook as the client does, with calls that every policy denies."""
    out: list[Finding] = []
    words = shlex.split(command.partition("||")[0])
    if not command.rstrip().endswith("|| exit 2"):
        out.append(
            Finding(BAD, f"the command in `{path}` does not end in `|| exit 2`", f"`policy hook install {client}`")
        )
    for word in [w for w in words if w.startswith("/") and os.path.exists(w)]:
        fault = unsafe(os.stat(word))
        if fault is not None:
            out.append(Finding(BAD, f"`{word}`: {fault[0]}", fault[1]))
    began = time.monotonic()
    reason = ""
    for what, data in (("a write to `.git/hooks`", _canary(client, workspace)), ("input that is not valid JSON", b"{")):
        done = _run(command, data, workspace)
        reason = reason or done.stderr.decode("utf-8", "replace").strip()
        if done.returncode == 2:
            out.append(Finding(GOOD, f"the hook denies {what}"))
        else:
            out.append(
                Finding(BAD, f"the hook does not deny {what} (exit code {done.returncode})", "run its command by hand")
            )
    took = (time.monotonic() - began) / 2
    if took > 1:
        out.append(Finding(WARN, f"the hook takes {took:.1f} seconds", "is the service busy?"))
    if "cannot be reached" in reason or "PLE0" in reason:
        out.append(
            Finding(BAD, f"the policy cannot be asked, so everything is denied: {reason[:300]}", "start the service")
        )
    return out


def _run(command: str, data: bytes, workspace: str) -> subprocess.CompletedProcess[bytes]:
    told = {"CLAUDE_PROJECT_DIR": workspace, "GEMINI_PROJECT_DIR": workspace}
    return subprocess.run(
        ["/bin/sh", "-c", command], input=data, cwd=workspace, env={**os.environ, **told}, capture_output=True, check=False, timeout=60,
    )  # fmt: skip


def _canary(client: str, workspace: str) -> bytes:
    path = f"{workspace}/{_CANARY}"
    common: dict[str, object] = {
        "cwd": workspace,
        "session_id": "doctor",
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
    }
    values: dict[str, dict[str, object]] = {
        "claude": {**common, "tool_name": "Write", "tool_input": {"file_path": path, "content": ""}},
        "codex": {**common, "tool_name": "Bash", "tool_input": {"command": f"touch {_CANARY}"}},
        "gemini": {
            **common, "hook_event_name": "BeforeTool", "tool_name": "write_file", "tool_input": {"file_path": path, "content": ""},
        },
        "copilot": {"cwd": workspace, "toolName": "create", "toolArgs": {"path": path, "file_text": ""}},
        "cursor": {"cwd": workspace, "workspace_roots": [workspace], "hook_event_name": "beforeShellExecution", "command": f"touch {_CANARY}"},
    }  # fmt: skip
    return json.dumps(values[client]).encode()


_LIVE: dict[str, rehearsal.Call] = {
    "claude": ("Bash", {"command": f"mkdir -p .git/hooks; touch {_CANARY}", "description": "canary"}),
    "codex": ("exec_command", {"cmd": f"mkdir -p .git/hooks; touch {_CANARY}"}),
    "gemini": ("run_shell_command", {"command": f"mkdir -p .git/hooks; touch {_CANARY}", "description": "canary"}),
}


def _live(client: str, workspace: str) -> list[Finding]:
    """Let the client itself try the canary."""
    if client not in _LIVE:
        return [Finding(WARN, f"`{client}` does not run without an account, so it was not tried itself")]
    if rehearsal.program(client) is None:
        return [Finding(WARN, f"`{client}` is not on this machine's PATH, so it was not tried itself")]
    path = f"{workspace}/{_CANARY}"
    if os.path.lexists(path):
        return [Finding(BAD, f"`{path}` is there already, so nothing can be proved", "remove it")]
    missing = [folder for folder in (f"{workspace}/.git", f"{workspace}/.git/hooks") if not os.path.isdir(folder)]
    made = rehearsal.rehearse(client, [_LIVE[client]], workspace)
    ran = os.path.lexists(path)
    if ran:
        os.unlink(path)
        for folder in reversed(missing):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        mend = "is the hook trusted? `policy hook install` says what the client needs"
        return [Finding(BAD, f"`{client}` did what the policy denies: the hook did not hold", mend)]
    if len(made.turns) < 2:
        return [
            Finding(
                WARN,
                f"`{client}` did not get as far as the canary: {made.printed.strip()[-300:]}",
                "run it once by hand",
            )
        ]
    return [Finding(GOOD, f"`{client}` itself was told to do what the policy denies, and did not")]
