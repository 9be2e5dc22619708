"""The real programs under the installed hook. `scripts/agents.sh` installs them below `.agents`; without them this is skipped."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang import __version__
from policy_lang.compiler.binary import compile_binary
from policy_lang.pep.clients import NAMES
from policy_lang.pep.clients import client as client_of
from policy_lang.pep.clients.base import Call
from policy_lang.pep.install import hook_command, settings_with, target
from policy_lang.pep.rehearsal import Rehearsal, rehearse
from tests.console.support import ROOT, policy
from tests.service.support import Running, service

FOLDER = ROOT / ".agents/node_modules/.bin"
POLICY = """policy "p"
allow read "./", "src/**"
allow write "src/**"
allow run "touch *", "echo *"
"""
FLAGS = {"codex": ["--dangerously-bypass-hook-trust"]}
"""Codex asks a person to trust a user's hook; managed hooks, which need no trust, lie where tests do not write."""


def found(client: str) -> str | None:
    local = FOLDER / client
    return str(local) if local.exists() else shutil.which(client)


def command(client: str, text: str) -> Call:
    protocol = client_of(client).rehearsal
    assert protocol is not None
    return protocol.run(text)


def write(client: str, path: str) -> Call:
    return {
        "claude": ("Write", {"file_path": path, "content": "x"}),
        "codex": ("apply_patch", f"*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch"),
        "opencode": ("write", {"filePath": path, "content": "x"}),
        "qwen": ("write_file", {"file_path": path, "content": "x"}),
        "gemini": ("write_file", {"file_path": path, "content": "x"}),
    }[client]  # type: ignore[return-value]


@pytest.fixture(params=[name for name in NAMES if client_of(name).rehearsal is not None])
def client(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if found(name) is None:
        pytest.skip(f"{name} is not installed; `scripts/agents.sh` does it")
    return name


class Stage:
    """A home, a workspace, and the client's settings with our hook."""

    def __init__(self, client: str, folder: Path, *options: str) -> None:
        self.client = client
        self.home, self.ws = folder / "home", folder / "ws"
        (self.ws / "src").mkdir(parents=True)
        (self.ws / ".git/hooks").mkdir(parents=True)
        place = Path(target(client_of(client), "user", str(self.ws), str(self.home)).path)
        place.parent.mkdir(parents=True)
        before = '{"security":{"auth":{"selectedType":"gemini-api-key"}}}' if client == "gemini" else ""
        place.write_text(
            settings_with(client_of(client), before, hook_command(client_of(client), list(options)), managed=False)
        )

    def play(self, calls: list[Call] | Iterator[Call]) -> Rehearsal:
        path = found(self.client)
        made = rehearse(
            client_of(self.client), calls, str(self.ws), path=path, flags=FLAGS.get(self.client, []), HOME=str(self.home), CODEX_HOME=str(self.home / ".codex"),
        )  # fmt: skip
        assert len(made.turns) >= 2, made.printed
        return made

    def there(self, path: str) -> bool:
        return (self.ws / path).exists()


def compiled(folder: Path) -> str:
    (folder / "p.policy").write_text(POLICY)
    (folder / "p.plc").write_bytes(compile_binary(str(folder / "p.policy"), __version__))
    (folder / "p.plc").chmod(0o644)
    return str(folder / "p.plc")


def test_what_is_denied_does_not_happen_and_what_is_allowed_does(client: str, tmp_path: Path) -> None:
    stage = Stage(client, tmp_path, "--policy", compiled(tmp_path))
    made = stage.play([
        command(client, "touch src/allowed"), command(client, "touch denied"), command(client, "touch .git/hooks/x; touch src/y"),
        write(client, str(stage.ws / "src/written")), write(client, str(stage.ws / "outside")), write(client, str(stage.ws / ".git/hooks/post-merge")),
        command(client, "touch src/last"),
    ])  # fmt: skip
    assert sorted(p.name for p in (stage.ws / "src").iterdir()) == ["allowed", "last", "written"], made.printed
    assert not stage.there("denied")
    assert not stage.there("outside")
    assert list((stage.ws / ".git/hooks").iterdir()) == []
    assert "denied by policy" in made.turns[-1]


def test_a_service_that_is_killed_in_between_means_no(client: str, tmp_path: Path) -> None:
    with service(POLICY) as running:
        stage = Stage(client, tmp_path, "--socket", running.socket)

        def calls(running: Running = running) -> Iterator[Call]:
            yield command(client, "touch src/before")
            running.process.send_signal(signal.SIGKILL)
            running.process.wait(5)
            yield command(client, "touch src/after")
            yield write(client, str(stage.ws / "src/written"))

        made = stage.play(calls())
    assert stage.there("src/before"), made.printed
    assert not stage.there("src/after")
    assert not stage.there("src/written")
    assert "cannot be reached" in made.turns[-1]


def test_a_hook_that_is_gone_means_no(client: str, tmp_path: Path) -> None:
    stage = Stage(client, tmp_path, "--policy", compiled(tmp_path))
    place = Path(target(client_of(client), "user", str(stage.ws), str(stage.home)).path)
    place.write_text(place.read_text().replace("policy_lang/pep/hook.py", "policy_lang/pep/gone.py"))
    stage.play([command(client, "touch src/one")])
    assert not stage.there("src/one")
    place.write_text(place.read_text().replace(os.path.realpath(os.sys.executable), "/nowhere/python3"))  # type: ignore[attr-defined]
    stage.play([command(client, "touch src/two")])
    assert not stage.there("src/two")


def test_a_failing_hook_without_our_ending_would_let_the_call_pass(client: str, tmp_path: Path) -> None:
    """The reason for `|| exit 2`: without it Claude Code and Codex go on when the hook cannot run."""
    if client in {"gemini", "opencode"}:
        pytest.skip("Gemini CLI 0.61 stops by itself when the program is missing, and so does our plugin for opencode")
    stage = Stage(client, tmp_path, "--policy", compiled(tmp_path))
    place = Path(target(client_of(client), "user", str(stage.ws), str(stage.home)).path)
    text = place.read_text().replace(" || exit 2", "").replace(os.path.realpath(os.sys.executable), "/nowhere/python3")  # type: ignore[attr-defined]
    place.write_text(text)
    stage.play([command(client, "touch src/one")])
    assert stage.there("src/one")


def test_the_doctor_tries_the_client_itself(client: str, tmp_path: Path) -> None:
    """Codex skips a user's hook that nobody has trusted; the doctor sees it, and leaves nothing behind."""
    stage = Stage(client, tmp_path, "--policy", compiled(tmp_path))
    path = os.pathsep.join([str(Path(found(client) or "").parent), os.environ["PATH"]])
    done = policy("doctor", client, "--format", "json", cwd=stage.ws, HOME=str(stage.home), PATH=path)
    live = done.json()["findings"][-1]
    if client == "codex":
        assert (done.code, live["state"]) == (1, "fail")
    else:
        assert (done.code, live["state"]) == (0, "ok"), done.out
        assert "told to do what the policy denies, and did not" in live["text"]
    assert list((stage.ws / ".git/hooks").iterdir()) == []
