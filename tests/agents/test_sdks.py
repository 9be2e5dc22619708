"""Agents that are built with the real SDKs under the gate. `scripts/agents.sh` installs them below `.agents/sdk`; else this is skipped."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.agents.test_real_clients import POLICY, found
from tests.console.support import ROOT
from tests.hooks.support import workspace

PYTHON = ROOT / ".agents/sdk/bin/python"
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="`scripts/agents.sh` installs the SDKs")


def played(name: str, folder: Path, *more: str, text: str | None = None) -> Any:
    ws = workspace(folder) if text is None else workspace(folder, text)
    done = subprocess.run(
        [str(PYTHON), str(ROOT / f"tests/agents/sdks/{name}.py"), str(folder / "p.plc"), str(ws), *more], cwd=ws, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), "LANGSMITH_TRACING": "false"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_openai_agents(tmp_path: Path) -> None:
    made = played("openai_agents_run", tmp_path)
    assert made["done"] == ["src/app.ts", "mcp get_issue"], made
    first, env, mail, more, server, hosted = made["outputs"]
    assert first == "text"
    assert all(text.startswith("denied") for text in (env, mail, more, server))
    assert "WebSearchTool" in hosted


def test_langchain(tmp_path: Path) -> None:
    made = played("langchain_run", tmp_path)
    assert made["done"] == ["src/app.ts", "src/app.ts"], made  # once each: waiting, and for asyncio
    assert [status for status, _ in made["outputs"]] == ["success", "error", "error"] * 2
    assert all(text.startswith("denied") for status, text in made["outputs"] if status == "error")


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
