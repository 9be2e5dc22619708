"""What the policy engine of Gemini CLI decides, with given policies and settings: no account, nothing is run.

What its tools refuse by themselves, such as paths outside the workspace, is no part of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from policy_lang.foreign.permissions import ClientRequest
from tests.console.support import ROOT

CORE = ROOT / ".agents/node_modules/@google/gemini-cli-core"
_ANSWERS = {"allow": "allow", "ask_user": "ask", "deny": "deny"}
_ADMIN = "/etc/gemini-cli/"


def version() -> str | None:
    """The version that is installed; None where none is."""
    about = CORE / "package.json"
    return str(json.loads(about.read_text())["version"]) if about.exists() else None


def answers(files: dict[str, str], asked: list[ClientRequest]) -> list[str]:
    """The answer to each request. `files` are policies and settings by their place; `~/` begins a user's."""
    with tempfile.TemporaryDirectory() as folder:
        home, workspace, admin = (os.path.realpath(Path(folder, name)) for name in ("home", "workspace", "admin"))
        os.mkdir(workspace)
        os.makedirs(f"{home}/.gemini")
        settings: dict[str, object] = {}
        for name, text in files.items():
            if name.endswith(".json"):
                settings = _merged(settings, json.loads(text))
                continue
            place = name.replace("~/", f"{home}/", 1) if name[0] == "~" else name.replace(_ADMIN, f"{admin}/", 1)
            os.makedirs(os.path.dirname(os.path.join(workspace, place)), exist_ok=True)
            Path(workspace, place).write_text(text)
        if any(name.startswith(_ADMIN) for name in files):
            settings["adminPolicyPaths"] = [f"{admin}/policies"]
        job = {"settings": settings, "calls": [call for one in asked for call in _calls(one)]}
        words = ["node", str(Path(__file__).parent / "gemini_engine.mjs"), str(CORE)]
        done = subprocess.run(
            words, input=json.dumps(job), capture_output=True, text=True, timeout=120, check=False, cwd=workspace,
            env={"PATH": os.environ["PATH"], "HOME": home},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        found = iter(json.loads(done.stdout.rpartition("\n")[2]))
        order = list(_ANSWERS)
        return [_ANSWERS[max((next(found) for _ in _calls(one)), key=order.index)] for one in asked]


def _calls(one: ClientRequest) -> list[dict[str, object]]:
    """The calls of a request: a write is one by either tool that writes."""
    if one.action == "run":
        return [{"name": "run_shell_command", "args": {"command": one.resource}}]
    if one.action == "read":
        return [{"name": "read_file", "args": {"file_path": one.resource}}]
    if one.action == "write":
        return [
            {"name": "write_file", "args": {"file_path": one.resource, "content": "x"}},
            {"name": "replace", "args": {"file_path": one.resource, "old_string": "x", "new_string": "y"}},
        ]
    if one.action == "connect":
        return [{"name": "web_fetch", "args": {"prompt": one.resource}}]
    if one.action == "call":
        server, _, tool = one.resource.partition(".")
        return [{"name": f"mcp_{server}_{tool}", "args": {}, "server": server}]
    return [{"name": one.resource.removeprefix("gemini."), "args": {}}]


def _merged(one: dict[str, object], other: dict[str, object]) -> dict[str, object]:
    """Settings of two files: lists are joined, single values are the later one's."""
    out = dict(one)
    for key, value in other.items():
        mine = out.get(key)
        if isinstance(mine, dict) and isinstance(value, dict):
            out[key] = _merged(mine, value)
        else:
            out[key] = [*mine, *value] if isinstance(mine, list) and isinstance(value, list) else value
    return out
