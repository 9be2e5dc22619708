"""The script for bubblewrap holds what its model says, tried with bubblewrap itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exports import world
from tests.needs import needs
from tests.walls.running import WALLS


@pytest.fixture
def home() -> Iterator[Path]:
    made = world.world()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def run(text: str, home: Path, script: str, **more: str) -> str:
    (home / "box.sh").write_text(text)
    done = subprocess.run(
        ["sh", str(home / "box.sh"), "sh", "-c", script],
        capture_output=True, text=True, check=False, timeout=120, cwd=home / "w",
        env={"PATH": os.environ["PATH"], **more},
    )  # fmt: skip
    assert "bwrap:" not in done.stderr, done.stderr
    return done.stdout


@WALLS
@pytest.mark.parametrize("widen", [False, True])
@pytest.mark.parametrize("name", world.POLICIES)
def test_files_are_held_as_the_model_says(name: str, widen: bool, home: Path) -> None:
    policy, made = world.export("bubblewrap", world.POLICIES[name], home, widen=widen)
    asked = world.probes(policy, made, home)
    assert len(asked) >= 100
    assert world.tried(asked, lambda script: run(made.written.text, home, script)) == []
    world.witnesses_hold(policy, made)


@WALLS
def test_the_environment_is_made_from_nothing(home: Path) -> None:
    text = 'policy "p" allow read "./" allow use "TOKEN"'
    _, made = world.export("bubblewrap", text, home, variables={"LANG": "C", "TERM": "dumb"})
    told = run(made.written.text, home, "env; tr '\\0' '\\n' </proc/1/environ", TOKEN="t o'k", SECRET="s", LANG="C")
    assert "TOKEN=t o'k\n" in told
    assert "LANG=C\n" in told
    assert "SECRET" not in told
    assert "TERM" not in told


@WALLS
def test_there_is_no_way_out_but_the_loopback_of_its_own(home: Path) -> None:
    _, made = world.export("bubblewrap", 'policy "p" allow read "./" allow connect "**:*"', home)
    assert run(made.written.text, home, "cut -d: -f1 /proc/net/dev | tail -n +3").split() == ["lo"]
    assert {"fewer-hosts"} <= {loss.code for loss in made.losses}


@WALLS
@needs("socat or curl is not installed", there=bool(shutil.which("socat") and shutil.which("curl")))
def test_the_proxy_is_the_way_out(home: Path) -> None:
    """Our own proxy, at a socket outside: what the policy grants answers, another port does not."""
    (home / "sockets").mkdir(mode=0o700)
    with world.answering() as port:
        text = f'policy "p" allow read "./" allow connect "127.0.0.1:{port}"'
        _, made = world.export("bubblewrap", text, home, proxy=f"unix:{home}/sockets/proxy")
        with world.proxied(home / "policy/p.policy", f"unix:{home}/sockets/proxy"):
            asked = world.codes((f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}", "example.com"))
            direct = f"curl -s -m 5 --noproxy '*' http://127.0.0.1:{port}/ || echo refused"
            told = run(made.written.text, home, asked + direct).split()
    assert told == ["200", "403", "403", "refused"]
    lost = {loss.code for loss in made.losses}
    assert "remote" in lost
    assert not lost & {"hosts", "fewer-hosts"}


@WALLS
def test_every_line_is_a_shells(home: Path) -> None:
    """Names with quotes and blanks stay words; the script is one that a shell takes."""
    odd = home / "w" / 'it\'s a "$(touch gone)" `name`'
    odd.mkdir()
    (odd / "f").write_text("content\n")
    _, made = world.export("bubblewrap", 'policy "p" allow read "it*/**"', home)
    (home / "box.sh").write_text(made.written.text)
    done = subprocess.run(["sh", "-n", str(home / "box.sh")], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert run(made.written.text, home, "cat it*/f; ls") == "content\n" + odd.name + "\n"
