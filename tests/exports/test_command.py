"""`policy export` as it is called: what it writes, what it exits with, what it refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from policy_lang.cli.export import command
from tests.exports import world

TEXT = 'policy "p" allow read "./" allow write, delete "src/" deny read, write, delete "**/.env"'


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    made = world.world()
    (made / "w/agent.policy").write_text(TEXT)
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.chdir(made / "w")
    yield made
    shutil.rmtree(made, ignore_errors=True)


def called(*words: str) -> Result:
    return CliRunner().invoke(command, ["bubblewrap", *words])


def test_nothing_is_written_before_every_loss_is_accepted(home: Path) -> None:
    done = called("--workspace", ".", "--widen", "-o", "box.sh")
    assert done.exit_code == 1
    assert not (home / "w/box.sh").exists()
    assert done.stdout == ""
    assert "not held: writes" in done.stderr
    assert "for instance: write `src/" in done.stderr
    wanted = done.stderr.rsplit("--accept-loss ", 1)[1].strip(" `\n")
    done = called("--workspace", ".", "--widen", "-o", "box.sh", "--accept-loss", wanted)
    assert done.exit_code == 0, done.stderr
    assert (home / "w/box.sh").read_text().startswith("#!/bin/sh\n# Written by `policy export bubblewrap` from")


def test_the_text_is_all_that_is_printed(home: Path) -> None:
    done = called("--workspace", str(home / "w"), "--accept-loss", "words")
    assert done.exit_code == 0
    assert done.stdout.startswith("#!/bin/sh\n")
    assert done.stdout.endswith('exec env -i "$@"\n')
    assert "not held: words (accepted)" in done.stderr


def test_json_has_text_rules_and_losses(home: Path) -> None:
    done = called("--workspace", ".", "--widen", "--format", "json", "--agent", "x", "--accept-loss", "words")
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (told["schema"], told["target"], told["agent"]) == (1, "bubblewrap", "x")
    assert told["text"].startswith("#!/bin/sh")
    assert {r["held"] for r in told["rules"]} == {"held exactly", "not held"}
    codes = {loss["code"]: loss.get("accepted") for loss in told["losses"]}
    assert codes["words"] is True
    assert codes["writes"] is False
    denied = next(loss for loss in told["losses"] if loss["code"] == "writes")
    assert denied["witness"]["agent"] == "x"
    assert "confined" not in denied["witness"]
    assert denied["rule"]["line"] >= 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--accept-loss", "wrods"], "words"), (["--policy", "gone.policy"], "gone.policy"),
        (["--policy", "agent.plc"], "compiled"), (["--proxy", "nowhere"], "--proxy"), (["--workspace", "/"], "whole disk"),
    ],
)  # fmt: skip
def test_what_is_refused(words: list[str], said: str, home: Path) -> None:
    done = called(*(["--workspace", "."] if "--workspace" not in words else []), *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert str(home) not in done.stdout
