"""A permission profile holds what its model says, tried with `codex sandbox`. `scripts/agents.sh` installs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang.exports.exporting import Export
from policy_lang.exports.model import ExportError
from policy_lang.walls.losses import NOT_HELD
from tests.console.support import ROOT
from tests.exports import world
from tests.walls.running import WALLS

MODULES = ROOT / ".agents/node_modules"
PROGRAM = MODULES / ".bin/codex"
CODEX = pytest.mark.skipif(
    not (PROGRAM.exists() and shutil.which("node")), reason="codex is not installed; `scripts/agents.sh` does it"
)


@pytest.fixture
def home() -> Iterator[Path]:
    made = world.world()
    (made / ".codex").mkdir()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def further() -> tuple[str, ...]:
    return (os.path.realpath(MODULES),)


def run(made: Export, home: Path, script: str) -> str:
    (home / ".codex/config.toml").write_text(made.written.text)
    done = subprocess.run(
        [str(PROGRAM), "sandbox", "-P", "policy", "-C", str(home / "w"), "sh", "-c", script],
        capture_output=True, text=True, check=False, timeout=180, cwd=home / "w",
        env={"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home / ".codex")},
    )  # fmt: skip
    assert "rror loading" not in done.stderr, done.stderr
    assert "panicked" not in done.stderr, done.stderr
    return done.stdout


@WALLS
@CODEX
@pytest.mark.parametrize(("name", "widen"), world.WAYS)
def test_files_are_held_as_the_model_says(name: str, widen: bool, home: Path) -> None:
    policy, made = world.export("codex", world.POLICIES[name], home, widen=widen, further=further())
    asked = world.probes(policy, made, home)
    assert len(asked) >= 100
    assert world.tried(asked, lambda script: run(made, home, script)) == []
    world.witnesses_hold(policy, made)


@WALLS
@CODEX
def test_hosts_are_held_as_the_model_says(home: Path) -> None:
    """An address that is granted answers at every port, another host is refused by the proxy."""
    with world.answering() as port:
        text = 'policy "p" allow read "./" allow connect "127.0.0.1:*"'
        _, made = world.export("codex", text, home, further=further())
        direct = f"curl -s -m 5 --noproxy '*' http://127.0.0.1:{port}/ || echo refused"
        told = run(made, home, world.codes((f"127.0.0.1:{port}", f"localhost:{port}", "example.com")) + direct).split()
    assert told == ["200", "403", "403", "refused"]
    assert not {"hosts", "fewer-hosts"} & {loss.code for loss in made.losses}


def test_a_port_cannot_be_said(home: Path) -> None:
    text = 'policy "p" allow read "./" allow connect "a.example.com", "**.example.org:*" deny connect "x.example.org"'
    _, made = world.export("codex", text, home)
    domains = tomllib.loads(made.written.text)["permissions"]["policy"]["network"]["domains"]
    assert domains == {"example.org": "allow", "*.example.org": "allow", "x.example.org": "deny"}
    assert "hosts" not in {loss.code for loss in made.losses}
    assert "fewer-hosts" in {loss.code for loss in made.losses}
    policy, made = world.export("codex", text, home, widen=True)
    assert "a.example.com" in tomllib.loads(made.written.text)["permissions"]["policy"]["network"]["domains"]
    shown = [
        loss.witness.resource for loss in made.losses if loss.code == "hosts" and loss.held == NOT_HELD and loss.witness
    ]
    assert shown
    world.witnesses_hold(policy, made)


def test_a_proxy_of_ours_is_refused(home: Path) -> None:
    with pytest.raises(ExportError, match="proxy of its own"):
        world.export("codex", 'policy "p" allow read "./"', home, proxy="127.0.0.1:1")
