"""What containers withhold, and what the page about them says of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.support import ROOT

from .refusing import DOCKER
from .running import POLICY, WALLS, place

pytestmark = WALLS
_ = place
PAGE = (ROOT / "docs/how-to/ci-and-containers.md").read_text()
(ENTRY,) = (json.loads(text) for text in re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
NEEDED = set(ENTRY["names"])
TALK = """
import socket
with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as other:
    one.bind("src/s"), one.listen(1), other.connect("src/s")
open("src/made", "w").close()
print("works")
try:
    print("and reads " + open("k.pem").read())
except OSError:
    pass
"""


def without(names: set[str], place: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A command behind walls, where some system calls are refused to the launcher and to all that it starts."""
    (place / "p.policy").write_text(POLICY)
    policy = ["-m", "policy_lang", "run", "--policy", str(place / "p.policy"), "--workspace", str(place / "w")]
    return subprocess.run(
        [
            sys.executable, str(Path(__file__).with_name("refusing.py")), ",".join(sorted(names)),
            sys.executable, *policy, "--accept-loss", "words,remote,late-reads", *options, "--", "python3", "-c", TALK,
        ],
        capture_output=True, text=True, timeout=60, check=False, cwd=place / "w",
        env={**os.environ, "HOME": str(place), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_the_entry_of_the_page_is_enough(place: Path) -> None:
    (place / "w/k.pem").write_text("secret")
    done = without(set(DOCKER) - NEEDED, place)
    assert (done.returncode, done.stdout) == (0, "works\n"), done.stderr
    assert (place / "w/src/made").exists()


@pytest.mark.parametrize("name", sorted(NEEDED - {"unshare", "clone"}))
def test_no_call_of_the_entry_is_too_many(name: str, place: Path) -> None:
    done = without((set(DOCKER) - NEEDED) | {name}, place)
    assert done.returncode != 0 and done.stdout == "", (name, done.stdout)
    if name != "pidfd_getfd":
        assert done.returncode == 125 and done.stderr.endswith("nothing was started\n"), done.stderr


def test_without_namespaces_nothing_is_started_until_that_is_accepted(place: Path) -> None:
    refused = without({"clone"}, place)
    assert refused.returncode == 125 and "--accept-loss namespaces" in refused.stderr, refused.stderr
    assert not (place / "w/src/made").exists()


def test_what_stands_without_namespaces_still_decides(place: Path) -> None:
    (place / "w/k.pem").write_text("secret")
    done = without({"clone"}, place, "--accept-loss", "namespaces")
    assert (done.returncode, done.stdout) == (0, "works\n"), done.stderr
