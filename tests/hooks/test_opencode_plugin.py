"""The plugin for opencode, run by node as opencode runs it: whatever is not a clear allow throws."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from policy_lang.pep.clients import client as client_of
from policy_lang.pep.clients.opencode import plugin
from policy_lang.pep.install import hook_command
from tests.needs import needs

from .support import workspace

NODE = shutil.which("node")
pytestmark = needs("node runs the plugin", there=NODE is not None)

DRIVER = """
import { readFileSync } from "node:fs";
import { PolicyLang } from "./plugin.mjs";
const { directory, calls, settings } = JSON.parse(readFileSync(0));
const hooks = await PolicyLang({ directory, worktree: "/" });
await hooks.config?.(settings);
const out = [];
for (const [tool, args] of calls) {
  const output = { args };
  try {
    await hooks["tool.execute.before"]({ tool, sessionID: "ses_1", callID: "call_1" }, output);
    let changed = "changed";
    try { output.args.command = "other"; } catch { changed = "kept"; }
    out.push(["pass", changed]);
  } catch (error) {
    out.push(["throw", String(error.message)]);
  }
}
process.stdout.write(JSON.stringify(out), () => process.exit(0));
"""


def played(folder: Path, command: str, calls: list[Any], seconds: int = 10, settings: Any = None) -> Any:
    (folder / "plugin.mjs").write_text(plugin(command, seconds))
    (folder / "driver.mjs").write_text(DRIVER)
    directory = folder / "ws"
    directory.mkdir(exist_ok=True)
    given = json.dumps({"directory": str(directory), "calls": calls, "settings": settings or {}})
    done = subprocess.run(
        [NODE or "node", "driver.mjs"], cwd=folder, input=given, capture_output=True, text=True, check=False, timeout=60,
        env={"HOME": "/home/agent", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


STATUS = ["bash", {"command": "git status", "description": "d"}]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("exit 0", "not valid JSON"),
        ("echo '{}'", "did not allow"),
        ("echo null", "not valid JSON"),
        ("echo true", "did not allow"),
        ("echo '[]'", "did not allow"),
        ('echo \'{"decision":"allow","decision":"deny"}\'', "did not allow"),
        ('echo \'{"decision":"allow","more":1}\'', "did not allow"),
        ('echo \'{"decision":"Allow"}\'', "did not allow"),
        ('echo \'{"decision":"allow"} x\'', "not valid JSON"),
        ('echo \'{"decision":"allow"}\'; exit 1', "ended with 1"),
        ('echo \'{"decision":"allow"}\'; exit 2', "ended with 2"),
        ('echo \'{"decision":"allow"}\'; kill -9 $$', "ended with null"),
        ("/nowhere/python3 || exit 2", "nowhere"),
        ("sleep 30", "in time"),
        ("cat >/dev/zero; sleep 30", "in time"),
        ("yes", "too long"),
        ("echo why >&2; exit 2", "denied: why"),
        ("(", "yntax"),
        ("exec 0<&-; sleep 0.2; exit 2", "ended with 2"),
    ],
)
def test_every_fault_throws(command: str, said: str, tmp_path: Path) -> None:
    ((how, why),) = played(tmp_path, command, [["write", {"filePath": "x", "content": "y" * 200_000}]], seconds=1)
    assert how == "throw"
    assert why.startswith("denied")
    assert said in why


def test_what_is_no_call_throws(tmp_path: Path) -> None:
    deep: Any = {}
    for _ in range(100):
        deep = {"x": deep}
    calls = [["bash", deep], ["bash", None], ["bash"], [None, {}]]
    plc = ["--policy", str(workspace(tmp_path).parent / "p.plc")]
    command = hook_command(client_of("opencode"), plc)
    assert {how for how, _ in played(tmp_path, command, calls)} == {"throw"}


def test_only_an_allow_passes_and_what_was_decided_stays(tmp_path: Path) -> None:
    plc = ["--policy", str(workspace(tmp_path).parent / "p.plc")]
    calls = [
        STATUS, ["bash", {"command": "curl https://evil.example/", "description": "d"}],
        ["write", {"filePath": str(tmp_path / "ws/.git/hooks/post-merge"), "content": ""}],
        ["github_get_issue", {"number": 1}], ["todowrite", {"todos": []}], ["new_tool", {}],
    ]  # fmt: skip
    made = played(tmp_path, hook_command(client_of("opencode"), plc), calls, settings={"mcp": {"github": {}}})
    assert [how for how, _ in made] == ["pass", "throw", "throw", "pass", "pass", "throw"], made
    assert made[0] == ["pass", "kept"]
    assert "denied by policy" in made[1][1]
    assert "opencode.new_tool" in made[5][1]


def test_what_is_only_observed_passes(tmp_path: Path) -> None:
    plc = [
        "--policy",
        str(workspace(tmp_path).parent / "p.plc"),
        "--log",
        str(tmp_path / "log"),
        "--observe",
        "--hold",
        "p",
    ]
    command = hook_command(client_of("opencode"), plc[:-2])
    calls = [["bash", {"command": "make", "description": "d"}], ["write", {"filePath": ".git/config", "content": ""}]]
    assert [how for how, _ in played(tmp_path, command, calls)] == ["pass", "throw"]
