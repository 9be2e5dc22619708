"""Commands behind real walls, as users start them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from policy_lang.walls import mounts
from tests.needs import needs

BWRAP = mounts.bubblewrap()
WALLS = needs(
    "bubblewrap is not installed, or may not make namespaces here",
    there=BWRAP is not None and not mounts.why_not(BWRAP),
)
LAUNCHER = (sys.executable, "-m", "policy_lang")
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


def command(
    place: Path,
    *words: str,
    options: tuple[str, ...] = (),
    program: tuple[str, ...] = LAUNCHER,
    policy: Path | str = POLICY,
    accepted: str = ACCEPTED,
) -> list[str]:
    """The words that start a command behind walls in `w` of `place`; a policy's text is put into `p.policy` there."""
    if isinstance(policy, str):
        (place / "p.policy").write_text(policy)
        policy = place / "p.policy"
    given = [
        "--policy",
        str(policy),
        "--workspace",
        str(place / "w"),
        *(["--accept-loss", accepted] if accepted else []),
    ]
    return [*program, "run", *given, *options, "--", *words]


def environment(place: Path, **more: str) -> dict[str, str]:
    """This process's variables, for somebody whose home is `place`."""
    return {**os.environ, "HOME": str(place), **more}


def run(
    place: Path,
    *words: str,
    policy: str = POLICY,
    options: tuple[str, ...] = (),
    env: Mapping[str, str] = MappingProxyType({}),
    program: tuple[str, ...] = LAUNCHER,
    **given: Any,
) -> subprocess.CompletedProcess[str]:
    """A command behind walls, whose home is `place`."""
    return subprocess.run(
        command(place, *words, options=options, program=program, policy=policy),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=place / "w",
        env=environment(place, **env),
        **given,
    )


def altered(code: str) -> tuple[str, ...]:
    """The launcher, with lines of Python that change it before it begins."""
    return (sys.executable, "-c", f"import sys\n{code}\nfrom policy_lang.cli.main import main\nmain()")


@pytest.fixture
def place() -> Path:
    """A home of this test's own."""
    return home()
