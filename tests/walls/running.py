"""Commands behind real walls, as users start them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from policy_lang.walls import mounts
from tests.needs import needs

BWRAP = mounts.bubblewrap()
WALLS = needs(
    "bubblewrap is not installed, or may not make namespaces here",
    there=BWRAP is not None and not mounts.why_not(BWRAP),
)
ACCEPTED = "words,remote,late-reads"
POLICY = """policy "p"
allow read "**"
allow write, delete "src/", "*.txt"
deny read, write, delete "**/*.pem"
allow run "**"
"""


def home() -> Path:
    """A new home with a workspace `w`, below no folder that is the walls' own."""
    made = Path(tempfile.mkdtemp(dir="/var/tmp"))
    (made / "w" / "src").mkdir(parents=True)
    return made


def run(
    place: Path, *words: str, policy: str = POLICY, options: tuple[str, ...] = (), **given: object
) -> subprocess.CompletedProcess[str]:
    """A command behind walls, whose home is `place`."""
    (place / "p.policy").write_text(policy)
    start = [
        sys.executable,
        "-m",
        "policy_lang",
        "run",
        "--policy",
        str(place / "p.policy"),
        "--workspace",
        str(place / "w"),
    ]
    return subprocess.run(
        [*start, "--accept-loss", ACCEPTED, *options, "--", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=place / "w",
        env={**os.environ, "HOME": str(place), **given.pop("env", {})},
        **given,  # type: ignore[arg-type, call-overload]
    )


@pytest.fixture
def place() -> Path:
    """A home of this test's own."""
    return home()
