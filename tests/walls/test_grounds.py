"""The walls' own ground where homes, workspaces and folders of programs lie in one another."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .running import WALLS, place, run

pytestmark = WALLS
_ = place
EVERYTHING = (
    'policy "p"\nallow read "/**"\nallow write, delete "src/"\ndeny read, write, delete "**/*.pem"\nallow run "**"\n'
)
WRITES = "echo evil >> {0}/.bashrc; echo evil > {0}/new.pem; mkdir {0}/made; echo granted > src/granted"


@pytest.fixture
def in_usr() -> Iterator[Path]:
    """A folder in the system's, as images for containers have their programs."""
    path = Path(f"/usr/src/policy-{os.getpid()}")
    try:
        (path / "src").mkdir(parents=True)
    except OSError:
        pytest.skip("not root")
    yield path
    shutil.rmtree(path)


def test_a_home_that_may_be_read_is_not_the_walls_own(place: Path) -> None:
    (place / ".bashrc").write_text("mine\n")
    done = run(place, "sh", "-c", WRITES.format(place), policy=EVERYTHING)
    assert (place / "w/src/granted").exists(), done.stderr
    assert (place / ".bashrc").read_text() == "mine\n"
    assert sorted(p.name for p in place.iterdir()) == [".bashrc", "p.policy", "w"]


def test_a_home_in_the_workspace_is_not_the_walls_own(place: Path) -> None:
    home = place / "w/home"
    home.mkdir()
    (home / ".bashrc").write_text("mine\n")
    policy = EVERYTHING.replace("/**", "./")
    done = run(place, "sh", "-c", WRITES.format(home), policy=policy, env={"HOME": str(home)})
    assert (place / "w/src/granted").exists(), done.stderr
    assert [(p.name, p.read_text()) for p in home.iterdir()] == [(".bashrc", "mine\n")]


def test_a_workspace_in_a_system_folder_is_held_like_any_other(place: Path, in_usr: Path) -> None:
    for folder in (in_usr, in_usr / "src"):
        (folder / "k.pem").write_text("secret")
    words = f"cd {in_usr}; cat k.pem src/k.pem; echo x > src/new.pem; echo x > kept; echo granted > src/granted"
    for options in ((), ("--supervise-reads",)):
        more = ("--workspace", str(in_usr), *options)
        done = run(place, "sh", "-c", words, policy=EVERYTHING.replace("/**", "./"), options=more)
        assert "secret" not in done.stdout
        assert (in_usr / "src/granted").read_text() == "granted\n", done.stderr
        assert sorted(os.listdir(in_usr / "src")) == ["granted", "k.pem"]
        assert sorted(os.listdir(in_usr)) == ["k.pem", "src"]


@pytest.mark.parametrize("what", ["workspace", "home"])
def test_what_lies_among_programs_is_refused(place: Path, in_usr: Path, what: str) -> None:
    (place / "programs/w").mkdir(parents=True)
    if what == "home":
        done = run(place, "true", env={"HOME": str(in_usr)})
    else:
        done = run(
            place, "true", options=("--workspace", str(place / "programs/w"), "--system", str(place / "programs"))
        )
    assert done.returncode == 125
    assert f"the {what} lies in" in done.stderr
