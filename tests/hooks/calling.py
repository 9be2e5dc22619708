"""`python -m tests.hooks.calling CLIENT TOOL ARGUMENT`: one call of a tool, as the client makes it and as it shows it.

The hook is the one that the client's settings name, started as the client starts it, by a shell; what it answers is taken as the
client takes it (`tests/agents` does the same with the clients themselves).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from policy_lang.pep.clients import client as client_of
from policy_lang.pep.hook_places import names_hook
from policy_lang.pep.install import target, texts

_ARGUMENT = {"Bash": "command", "apply_patch": "command", "Read": "file_path", "Write": "file_path"}


def call(client: str, tool: str, argument: str, workspace: str, home: str) -> str:
    """The reason that the agent or the person is given; empty when the call is let pass."""
    spec = client_of(client)
    place = Path(target(spec, "user", workspace, home).path)
    settings = place.read_text() if place.exists() else ""
    hooks = dict.fromkeys(t for t in texts(spec.settings, settings) if names_hook(t))
    if not hooks:
        return ""
    (hook,) = hooks
    given: dict[str, Any] = {_ARGUMENT[tool]: argument}
    if _ARGUMENT[tool] == "file_path":
        given[_ARGUMENT[tool]] = os.path.join(workspace, argument)
    if tool == "Write":
        given["content"] = "x"
    if tool == "apply_patch":
        given["command"] = f"*** Begin Patch\n*** Add File: {argument}\n+x\n*** End Patch"
    payload = {**spec.common, "cwd": workspace, "tool_name": tool, "tool_input": given}
    if client == "claude":
        payload["permission_mode"] = "default"
    told = {spec.workspace_variable: workspace} if spec.workspace_variable else {}
    done = subprocess.run(
        ["sh", "-c", hook], input=json.dumps(payload), cwd=workspace, env={**os.environ, **told}, capture_output=True, text=True, check=False
    )  # fmt: skip
    said = json.loads(done.stdout)["hookSpecificOutput"] if done.stdout else {"permissionDecision": "allow"}
    assert (done.returncode == 2) == (said["permissionDecision"] == "deny"), done
    assert done.returncode in {0, 2}, done
    return "" if said["permissionDecision"] == "allow" else str(said["permissionDecisionReason"])


if __name__ == "__main__":
    _client, _tool, _argument = sys.argv[1:]
    _reason = call(_client, _tool, _argument, os.getcwd(), os.environ["HOME"])
    sys.stdout.write(f"● {_tool}({_argument})\n" + (f"  {_reason}\n" if _reason else ""))
