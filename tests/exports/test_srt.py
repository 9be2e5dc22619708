"""Settings for srt hold what their model says, tried with srt itself. `scripts/agents.sh` installs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang.exports.exporting import Export
from policy_lang.walls.losses import NOT_HELD
from tests.console.support import ROOT
from tests.exports import world
from tests.walls.running import WALLS

PROGRAM = ROOT / ".agents/node_modules/@anthropic-ai/sandbox-runtime/dist/cli.js"
SRT = pytest.mark.skipif(
    not (PROGRAM.exists() and all(shutil.which(p) for p in ("node", "socat", "rg"))),
    reason="srt is not installed, or node, socat, rg; `scripts/agents.sh` does the first",
)
pytestmark = [WALLS, SRT]


@pytest.fixture
def home() -> Iterator[Path]:
    made = world.world()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def further() -> tuple[str, ...]:
    return (os.path.realpath(PROGRAM.parent.parent),)


def run(made: Export, home: Path, script: str) -> str:
    (home / ".srt").mkdir(exist_ok=True)
    (home / "settings.json").write_text(made.written.text)
    done = subprocess.run(
        ["node", str(PROGRAM), "--settings", str(home / "settings.json"), "-c", script],
        capture_output=True, text=True, check=False, timeout=180, cwd=home / "w",
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "TMPDIR": str(home / ".srt")},
    )  # fmt: skip
    assert "bwrap:" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize(("name", "widen"), world.WAYS)
def test_files_are_held_as_the_model_says(name: str, widen: bool, home: Path) -> None:
    policy, made = world.export("srt", world.POLICIES[name], home, widen=widen, further=further())
    asked = world.probes(policy, made, home)
    assert len(asked) >= 100
    assert world.tried(asked, lambda script: run(made, home, script)) == []
    world.witnesses_hold(policy, made)


def test_hosts_are_held_as_the_model_says(home: Path) -> None:
    """A port of this machine that is granted answers, one that is not is refused by the proxy."""
    with world.answering() as port:
        text = (
            f'policy "p" allow read "./" allow connect "127.0.0.1:{port}", "*.example.com" deny connect "x.example.com"'
        )
        policy, made = world.export("srt", text, home, further=further())
        asked = [
            f"127.0.0.1:{port}",
            f"127.0.0.1:{port + 1}",
            f"localhost:{port}",
            "example.com:443",
            "x.example.com:443",
        ]
        told = run(made, home, world.codes(asked)).split()
    assert told[0] == "200"
    assert set(told[1:]) == {"403"}
    assert json.loads(made.written.text)["network"]["deniedDomains"] == ["x.example.com:443"]
    lost = [loss.witness for loss in made.losses if loss.code in {"hosts", "fewer-hosts"}]
    assert all(w is not None and w.resolved for w in lost), "only of names that lead to this machine"
    world.witnesses_hold(policy, made)


def test_what_a_domain_cannot_say_is_left_out_or_reported(home: Path) -> None:
    text = 'policy "p" allow read "./" allow connect GET "https://a.example.com/x/**", "api-*.example.org" allow connect "b.example.com"'
    policy, made = world.export("srt", text, home)
    assert json.loads(made.written.text)["network"]["allowedDomains"] == ["b.example.com:443"]
    assert "hosts" not in {loss.code for loss in made.losses}
    policy, made = world.export("srt", text, home, widen=True)
    assert json.loads(made.written.text)["network"]["allowedDomains"] == ["a.example.com:443", "b.example.com:443"]
    assert {loss.code for loss in made.losses if loss.held == NOT_HELD} >= {"hosts", "words", "remote"}
    world.witnesses_hold(policy, made)


def test_the_proxy_decides_in_its_place(home: Path) -> None:
    with world.answering() as port:
        text = f'policy "p" allow read "./" allow connect "127.0.0.1:{port}"'
        with world.proxied(world.source(home, text), "127.0.0.1:0") as said:
            listens = said.strip().rpartition("http://")[2]
            _, made = world.export("srt", text, home, proxy=listens, further=further())
            told = run(made, home, world.codes((f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}", "example.com"))).split()
    assert told == ["200", "403", "403"]
    assert not {"hosts", "fewer-hosts"} & {loss.code for loss in made.losses}


def test_localhost_may_lead_to_this_machine_alone(home: Path) -> None:
    text = (
        'policy "p" allow connect "localhost:3000", "a.example.com", "127.0.0.1:3000" '
        'deny connect "10.0.0.0/8:*", "192.168.0.0/16:*"'
    )
    policy, made = world.export("srt", text, home)
    network = json.loads(made.written.text)["network"]
    assert set(network["allowedDomains"]) == {"localhost:3000", "a.example.com:443", "127.0.0.1:3000"}
    assert network["deniedResolvedAddresses"] == ["10.0.0.0/8", "192.168.0.0/16"]
    assert "hosts" not in {loss.code for loss in made.losses}
    world.witnesses_hold(policy, made)
