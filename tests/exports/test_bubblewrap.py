"""The script for bubblewrap holds what its model says, tried with bubblewrap itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
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
    assert world.tried(asked, lambda script: run(made.written.text, home, script), home) == []
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
@needs("socat is not installed", there=shutil.which("socat") is not None)
def test_the_proxy_is_the_way_out(home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(home / "proxy"))
        server.listen()
        text = 'policy "p" allow read "./" allow connect "example.com"'
        _, made = world.export("bubblewrap", text, home, proxy=f"unix:{home}/proxy")
        answering = threading.Thread(target=_answer, args=(server,), daemon=True)
        answering.start()
        told = run(
            made.written.text,
            home,
            "env; printf 'GET http://x/ HTTP/1.0\\r\\n\\r\\n' | socat -t 20 - TCP:127.0.0.1:3128",
        )
    assert "HTTPS_PROXY=http://127.0.0.1:3128\n" in told
    assert "decided: GET http://x/" in told
    codes = {loss.code for loss in made.losses}
    assert "remote" in codes
    assert not codes & {"hosts", "fewer-hosts"}


def _answer(server: socket.socket) -> None:
    """Answer whoever says something, until the server is closed."""
    with contextlib.suppress(OSError):
        while True:
            peer, _ = server.accept()
            with peer:
                said = peer.recv(4096)
                if said:
                    peer.sendall(b"decided: " + said.splitlines()[0] + b"\n")


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
