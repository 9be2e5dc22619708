"""Running the command line in a process of its own, as users do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/examples"


@dataclass
class Result:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def git(folder: Path, *words: str) -> None:
    """A git command that depends on nobody's settings."""
    settings = ["user.name=x", "user.email=x@example.com", "init.defaultBranch=main", "commit.gpgsign=false"]
    options = [word for setting in settings for word in ("-c", setting)]
    subprocess.run(["git", *options, *words], cwd=folder, check=True, capture_output=True)


def policy(*arguments: str | Path, stdin: str | bytes = "", cwd: Path | None = None, **env: str) -> Result:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "policy_lang", *map(str, arguments)], input=data, capture_output=True, check=False, timeout=60,
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "PYTHONWARNINGS": "error", **env},
    )  # fmt: skip
    result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in result.out + result.err
    return result
