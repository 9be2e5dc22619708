"""The tutorial about walls does what it shows, on the real kernel."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.support import ROOT
from tests.console.tutorial import play

from .running import WALLS

PAGE = (ROOT / "docs/tutorials/behind-walls.md").read_text()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below `/tmp`, which is the walls' own inside."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name)


@WALLS
def test_the_tutorial_as_it_stands(folder: Path) -> None:
    assert play(PAGE, folder) >= 8
