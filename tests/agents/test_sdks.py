"""Agents that are built with the real SDKs under the gate. `scripts/agents.sh` installs them below `.agents/sdk`; else this is skipped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from policy_lang.pep.clients import client as client_of
from policy_lang.pep.install import hook_command
from policy_lang.pep.rehearsal import scripted_model
from tests.agents.test_real_clients import POLICY, command, found, write
from tests.console.support import ROOT
from tests.hooks.support import POLICY as HOOKS_POLICY
from tests.hooks.support import workspace
from tests.service.support import service

PYTHON = ROOT / ".agents/sdk/bin/python"
python = pytest.mark.skipif(not PYTHON.exists(), reason="`scripts/agents.sh` installs the SDKs")


def played(name: str, folder: Path, *more: str, text: str | None = None) -> Any:
    ws = workspace(folder) if text is None else workspace(folder, text)
    done = subprocess.run(
        [str(PYTHON), str(ROOT / f"tests/agents/sdks/{name}.py"), str(folder / "p.plc"), str(ws), *more], cwd=ws, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), "LANGSMITH_TRACING": "false"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@python
def test_openai_agents(tmp_path: Path) -> None:
    made = played("openai_agents_run", tmp_path)
    assert made["done"] == ["src/app.ts", "mcp get_issue"], made
    first, env, mail, more, server, hosted = made["outputs"]
    assert first == "text"
    assert all(text.startswith("denied") for text in (env, mail, more, server))
    assert "WebSearchTool" in hosted


@python
def test_langchain(tmp_path: Path) -> None:
    made = played("langchain_run", tmp_path)
    assert made["done"] == ["src/app.ts", "src/app.ts"], made  # once each: waiting, and for asyncio
    assert [status for status, _ in made["outputs"]] == ["success", "error", "error"] * 2
    assert all(text.startswith("denied") for status, text in made["outputs"] if status == "error")


@python
def test_claude_agent(tmp_path: Path) -> None:
    client = found("claude")
    if client is None:
        pytest.skip("claude is not installed; `scripts/agents.sh` does it")
    made = played("claude_agent_run", tmp_path, client, text=POLICY)
    ws = tmp_path / "ws"
    assert sorted(p.name for p in (ws / "src").iterdir()) == ["allowed", "app.ts", "last", "written"], made
    assert not (ws / "denied").exists()
    assert not (ws / "outside").exists()
    assert "denied by policy" in made["last"]


TSC = ROOT / ".agents/node_modules/.bin/tsc"
typescript = pytest.mark.skipif(not TSC.exists(), reason="`scripts/agents.sh` installs TypeScript")


def compiled(folder: Path) -> Path:
    """A folder with the compiled gate and the scripts, below `.agents`, where the SDKs are found."""
    place = ROOT / ".agents" / f"run-{folder.name}"
    place.mkdir(exist_ok=True)
    for script in (ROOT / "tests/agents/sdks").glob("*.mjs"):
        shutil.copy(script, place)
    shutil.copy(ROOT / "integrations/policy_gate.ts", place)
    (place / "package.json").write_text('{"type":"module"}')
    words = [
        "--strict",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--moduleResolution",
        "nodenext",
        "--skipLibCheck",
        "--types",
        "node",
    ]
    done = subprocess.run([str(TSC), *words, "policy_gate.ts"], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return place


@typescript
def test_openai_agents_in_typescript(tmp_path: Path) -> None:
    place = compiled(tmp_path)
    ws = workspace(tmp_path)
    with service(HOOKS_POLICY) as running:
        done = subprocess.run(
            ["node", "openai_agents_run.mjs", running.socket, str(ws)], cwd=place, capture_output=True, text=True, check=False, timeout=60
        )  # fmt: skip
    shutil.rmtree(place)
    assert done.returncode == 0, done.stderr[-2000:]
    made = json.loads(done.stdout)
    assert made["done"] == ["src/app.ts"], made
    assert "text" in made["outputs"][0]
    assert all("denied" in output for output in made["outputs"][1:3]), made  # the SDK itself refuses the last
    assert not made["gone"]["allowed"]
    assert not made["nothing"]["allowed"]


@typescript
def test_claude_agent_in_typescript(tmp_path: Path) -> None:
    client = found("claude")
    protocol = client_of("claude").rehearsal
    if client is None or protocol is None:
        pytest.skip("claude is not installed; `scripts/agents.sh` does it")
    place = compiled(tmp_path)
    ws = workspace(tmp_path, POLICY)
    calls = [command("claude", "touch src/allowed"), command("claude", "touch denied"), write("claude", str(ws / "outside")), command("claude", "touch src/last")]  # fmt: skip
    hook = hook_command(client_of("claude"), ["--policy", str(tmp_path / "p.plc"), "--workspace", str(ws)])
    with scripted_model(protocol, calls) as (port, turns):
        _, env = protocol.command(f"http://127.0.0.1:{port}")
        done = subprocess.run(
            ["node", "claude_agent_run.mjs", client, str(ws), "/bin/sh", "-c", hook], cwd=place, capture_output=True, text=True, check=False, timeout=120,
            env={**os.environ, **env, "HOME": str(tmp_path)},
        )  # fmt: skip
    shutil.rmtree(place)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == {"faults": [False] * 6, "honest": True}
    assert sorted(p.name for p in (ws / "src").iterdir()) == ["allowed", "app.ts", "last"], turns[-1]
    assert not (ws / "denied").exists()
    assert not (ws / "outside").exists()
