"""The first page that a newcomer reads does what it shows, and ends at an agent that is held."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.support import ROOT, git
from tests.console.tutorial import play, reader

PAGE = (ROOT / "docs/tutorials/hold-claude-code.md").read_text()
README = (ROOT / "README.md").read_text()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below `/tmp`, where an agent may do what it likes."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name)


def test_the_tutorial_as_it_stands(folder: Path) -> None:
    assert play(PAGE, folder) >= 15


def test_the_commands_of_the_readme_in_their_order(folder: Path) -> None:
    """In one folder, to a held agent; and what comes when the policy has changed."""
    use = README[README.index("\n## Use it\n") :]
    first, later = re.findall(r"^```sh\n(.*?)^```", use, re.MULTILINE | re.DOTALL)[:2]
    env, repository = reader(folder), folder / "repository"

    def run(line: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-c", line], cwd=repository, env=env, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    (repository / "src").mkdir(parents=True)
    (repository / "src/app.ts").write_text("x")
    (repository / "package.json").write_text("{}")
    git(repository, "init")
    git(repository, "add", "-A")
    git(repository, "commit", "-m", "x")
    codes = {"git push --force": {1}, "explain": {1}, "query": {1}, "doctor": {0, 1}}
    enter, *commands = first.splitlines()
    assert enter.startswith("PATH=") and len(commands) >= 8 and "hook install codex" in first
    for line in commands:
        code, said = run(line)
        assert code in next((c for words, c in codes.items() if words in line), {0}), (line, said)
    held = "agent-calls codex Bash "
    assert run(held + "'cat src/app.ts'") == (0, "● Bash(cat src/app.ts)\n")
    assert "denied by policy" in run(held + "'git push --force'")[1]
    git(repository, "add", "-A")
    git(repository, "commit", "-m", "a policy")
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert len(later.splitlines()) >= 4
    for line in later.splitlines():
        code, said = run(line)
        assert code == 0, (line, said)
