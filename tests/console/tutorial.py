"""Tutorials run as a reader runs them: every block of a page in its order, in one shell, and what it prints beside what is shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .support import ROOT

_BLOCK = re.compile(r"^```(sh|claude|codex)\n(.*?)^```\n(?:\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
_MARK = "=== block ==="
_CALL = re.compile(r"^● (\w+)\((.*)\)$", re.MULTILINE)
_SECONDS = 300


def fits(shown: str, real: str, whole: bool = False) -> bool:
    """Whether what was printed is what is shown, where `...` stands for anything, within a line or over several."""
    parts = [re.escape(p) for p in re.split(r"\.\.\.\n?", shown.strip("\n"))]
    pattern = r"[\s\S]*?".join(parts)
    return (re.fullmatch(pattern, real.strip("\n")) if whole else re.search(pattern, real)) is not None


def reader(folder: Path) -> dict[str, str]:
    """The environment of somebody who has just installed `policy`: a home with nothing in it, programs, a name for git."""
    (folder / "bin").mkdir()
    (folder / "home").mkdir()
    for name, module in (("policy", "policy_lang"), ("agent-calls", "tests.hooks.calling")):
        (folder / "bin" / name).write_text(f'#!/bin/sh\nexec {sys.executable} -m {module} "$@"\n')
        (folder / "bin" / name).chmod(0o755)
    (folder / "home/.gitconfig").write_text("[user]\n\tname = x\n\temail = x@example.com\n")
    return {
        **os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "NO_COLOR": "1",
        "HOME": str(folder / "home"), "CODEX_HOME": str(folder / "home/.codex"),
    }  # fmt: skip


def play(page: str, folder: Path, replaced: Mapping[str, str] | None = None) -> int:
    """Run a page's blocks, with texts `replaced` by what this machine has, and hold it to what it shows; how many there were.

    A block of `claude` or `codex` is what that client shows: `● TOOL(ARGUMENT)` for each call of a tool, and below it what
    the agent or the person is told. The calls go through the hook that the page has installed (`tests.hooks.calling`).
    """
    for old, new in (replaced or {}).items():
        page = page.replace(old, new)
    blocks = [(kind, code, shown) for kind, code, shown in _BLOCK.findall(page)]
    scripts = [code if kind == "sh" else _calls(kind, code) for kind, code, _ in blocks]
    env = reader(folder)
    script = f"\necho '{_MARK}'\n".join(scripts)
    done = subprocess.run(["bash", "-eu", "-c", script], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=_SECONDS)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.split(_MARK)
    assert len(printed) == len(blocks)
    for (kind, code, shown), real in zip(blocks, printed, strict=True):
        right = fits(shown, real) if kind == "sh" else fits(code, real, whole=True)
        assert right, f"{code}\n--- shown\n{shown}\n--- real\n{real}"
    return len(blocks)


def _calls(client: str, block: str) -> str:
    calls = _CALL.findall(block)
    assert calls
    return "".join(f"agent-calls {client} {tool} '{argument}'\n" for tool, argument in calls)
