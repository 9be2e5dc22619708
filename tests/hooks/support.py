"""Running the hook as a client runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy_lang import __version__
from policy_lang.compiler.binary import compile_binary
from policy_lang.pep.clients import NAMES
from policy_lang.pep.clients import client as client_of
from tests.console.support import ROOT

HOOK = ROOT / "policy_lang/pep/hook.py"
POLICY = """policy "p"
tier review { approvers "@team" }
allow read "src/**", "src", "./" except "**/.env"
allow write "src/**"
ask review write "package.json"
allow run "git status", "pwd", "cat *", "touch *"
allow connect "docs.example"
allow call "github.get_issue"
allow do "claude.WebSearch"
"""


@dataclass
class Answer:
    """How a hook ended, and what the client reads."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> Any:
        return json.loads(self.out) if self.out else None

    @property
    def verdict(self) -> str:
        """What the client makes of it: exit 2 stops; a `deny` stops; anything else lets the call pass."""
        if self.code == 2:
            return "deny"
        assert self.code == 0, self
        if not self.out:
            return "allow"
        text = json.dumps(self.said)
        return "ask" if '"ask"' in text else "deny" if '"deny"' in text else "allow"


def workspace(folder: Path, text: str = POLICY) -> Path:
    """A workspace with a few files, and its compiled policy outside."""
    (folder / "ws/src").mkdir(parents=True)
    (folder / "ws/src/app.ts").write_text("x")
    (folder / "ws/.env").write_text("KEY=1")
    (folder / "ws/.git/hooks").mkdir(parents=True)
    (folder / "p.policy").write_text(text)
    (folder / "p.plc").write_bytes(compile_binary(str(folder / "p.policy"), __version__))
    (folder / "p.plc").chmod(0o644)
    return folder / "ws"


def hook(
    client: str, payload: Any, *options: str, cwd: Path | None = None, within: tuple[str, ...] = (), **env: str
) -> Answer:
    """Call the hook, `within` what these words start."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    told: dict[str, str] = {}
    if client in NAMES and cwd is not None:
        spec = client_of(client)
        told = {spec.workspace_variable: str(cwd)} if spec.workspace_variable else {}
        if not spec.tells_workspace and "--workspace" not in options:
            options = (*options, "--workspace", str(cwd))
    done = subprocess.run(
        [*within, sys.executable, "-I", "-S", str(HOOK), client, *options], input=data, capture_output=True, check=False, timeout=30, cwd=cwd,
        env={"HOME": "/home/agent", "PATH": os.environ["PATH"], **told, **env},
    )  # fmt: skip
    return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())
