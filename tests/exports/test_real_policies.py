"""The starter of `policy init`, and the examples of the documentation, for every target; tried with bubblewrap."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang.exports.exporting import NAMES
from policy_lang.starter.repository import look
from policy_lang.starter.write import starter
from tests.console.support import ROOT
from tests.exports import world
from tests.exports.test_bubblewrap import run
from tests.walls.running import WALLS

EXAMPLES = {"web": "codex-web", "service": "codex-payments", "starter": "a"}
"""The policies, and for whom they are written."""


@pytest.fixture(scope="module")
def kept() -> Iterator[Path]:
    made = world.world()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def path_of(name: str, home: Path) -> Path:
    if name != "starter":
        return ROOT / f"docs/examples/{name}/{name}.policy"
    shutil.rmtree(home / "w/.git")
    subprocess.run(["git", "init", "-q", "."], cwd=home / "w", check=True)
    subprocess.run(["git", "add", "src", "docs", "README.md"], cwd=home / "w", check=True)
    return world.source(home, starter(look(str(home / "w"))))


@WALLS
@pytest.mark.parametrize("name", EXAMPLES)
def test_files_are_held_as_the_model_says(name: str) -> None:
    home = world.world()
    try:
        policy, made = world.export_file("bubblewrap", path_of(name, home), home, agent=EXAMPLES[name], widen=True)
        asked = [p for p in world.probes(policy, made, home) if not p.path.startswith(str(home / "w/.git/"))]
        assert len(asked) >= 100
        assert world.tried(asked, lambda script: run(made.written.text, home, script)) == []
        world.witnesses_hold(policy, made)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.mark.parametrize("target", [n for n in NAMES if n != "bubblewrap"])
def test_every_loss_is_confirmed(target: str, kept: Path) -> None:
    tmp = str(kept / "tmp")  # what else lies in the machine's own decides how much has to be listed
    policy, made = world.export_file(target, path_of("web", kept), kept, agent="codex-web", tmp=tmp, widen=True)
    assert made.losses
    world.witnesses_hold(policy, made)
