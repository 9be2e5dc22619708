"""Help that fits, and commands that load only what they need."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from policy_lang.cli.main import COMMANDS, SECTIONS, cli

from .support import ROOT, policy

HEAVY = {"lark", "pydantic", "tomli", "asyncio", "ssl", "email", "duckdb", "publicsuffixlist"}
CALLS = [
    (("--version",), 0, HEAVY | {"dataclasses", "difflib", "subprocess", "tempfile", "policy_lang.policy", "policy_lang.cli.check"}),
    (("--help",), 0, HEAVY | {"dataclasses", "difflib", "subprocess", "tempfile", "policy_lang.policy", "policy_lang.cli.check"}),
    (("check", "p.plc", "read", "src/a"), 0, HEAVY | {"difflib", "subprocess", "tempfile", "policy_lang.analysis", "policy_lang.compiler"}),
    (("check", "p.plc", "run", "git", "status"), 1, HEAVY | {"subprocess", "tempfile", "policy_lang.analysis", "policy_lang.compiler"}),
    (("explain", "p.plc", "read", "src/a"), 0, HEAVY | {"subprocess", "policy_lang.analysis", "policy_lang.compiler"}),
    (("check", "p.policy", "read", "src/a"), 0, {"asyncio", "ssl", "duckdb", "subprocess", "policy_lang.lint", "policy_lang.wire"}),
    (("compile", "p.policy", "-o", "again.plc"), 0, {"asyncio", "ssl", "duckdb", "policy_lang.lint", "policy_lang.wire"}),
    (("fmt", "--check", "p.policy"), 0, (HEAVY - {"lark"}) | {"policy_lang.engine", "policy_lang.lint"}),
    (("lint", "p.policy", "--exit-zero"), 0, {"asyncio", "duckdb", "policy_lang.daemon", "policy_lang.records"}),
    (("rule", "PLE201"), 0, HEAVY | {"policy_lang.lint", "policy_lang.policy"}),
    (("completion", "bash"), 0, HEAVY | {"policy_lang.policy"}),
    (("state", "--socket", "none"), 2, HEAVY | {"policy_lang.policy", "policy_lang.daemon"}),
    (("freeze", "--agent", "a", "--socket", "none"), 2, HEAVY | {"policy_lang.policy", "policy_lang.daemon"}),
    (("approvals", "list", "--socket", "none"), 2, HEAVY | {"policy_lang.policy", "policy_lang.daemon", "subprocess"}),
    (("hook", "install", "claude", "--policy", "p.plc", "--print"), 0, HEAVY | {"policy_lang.policy", "policy_lang.compiler"}),
    (("mcp",), 2, HEAVY | {"policy_lang.policy"}),
    (("serve", "--policy", "p.plc"), 2, HEAVY | {"policy_lang.policy", "policy_lang.daemon"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    (folder / "p.policy").write_text('policy "p"\nallow read "src/**"\n')
    assert policy("compile", "p.policy", cwd=folder).code == 0
    return folder


@pytest.mark.parametrize(("words", "code", "never"), CALLS, ids=[" ".join(words) for words, _, _ in CALLS])
def test_a_command_loads_only_what_it_needs(words: tuple[str, ...], code: int, never: set[str], place: Path) -> None:
    script = "import atexit, sys\natexit.register(lambda: print(*sys.modules, file=sys.stderr))\nfrom policy_lang.cli.main import main\nmain()\n"
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=place, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(place)},
    )  # fmt: skip
    assert done.returncode == code, done.stderr[:500]
    loaded = done.stderr.splitlines()[-1].split()
    assert sorted(never & set(loaded)) == []


def every_command() -> dict[str, click.Command]:
    found: dict[str, click.Command] = {"policy": cli}
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        found[f"policy {name}"] = command
        if isinstance(command, click.Group):
            found |= {f"policy {name} {inner}": one for inner, one in command.commands.items()}
    return found


def test_help_fits_and_nothing_is_cut() -> None:
    for name, command in every_command().items():
        text = command.get_help(click.Context(command, info_name=name, terminal_width=80, max_content_width=80))
        assert [line for line in text.splitlines() if len(line) > 80] == [], name
        assert [line for line in text.splitlines() if line.endswith("...") and "Usage:" not in line] == [], name
        short = command.get_short_help_str(limit=1000)
        assert name == "policy" or (len(short) <= 50 and not short.endswith(".")), (name, short)


def test_commands_are_grouped_by_task() -> None:
    text = policy("--help").out
    assert re.findall(r"^(\w+):$", text, re.MULTILINE) == [
        "Options",
        "Write",
        "Review",
        "Enforce",
        "Approve",
        "Records",
    ]
    listed = re.findall(r"^  ([a-z]+)  +\S", text, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS) == sorted({name for commands in SECTIONS.values() for name in commands})


def test_what_a_command_says_of_itself() -> None:
    assert "Propose a minimal, readable policy" in policy("learn", "--help").out
    assert "Verify that CLIENT enforces the policy" in policy("doctor", "--help").out
    assert "Enforce the policy with agent hooks" in policy("hook", "--help").out
