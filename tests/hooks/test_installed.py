"""The life of an installation: nothing of it is left behind, an upgrade of Python does not end it, its state is shown."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from policy_lang.compiler.binary import compile_binary
from policy_lang.domain.limits import limit
from policy_lang.pep import launcher
from policy_lang.pep.clients import NAMES
from policy_lang.pep.clients import client as client_of
from policy_lang.pep.install import target
from policy_lang.pep.launcher import interpreter, launcher_text, started_by
from tests.console.support import ROOT, Result, policy

TEXT = 'policy "p"\nallow read "./"\n'
PYTHON = os.path.realpath(sys.executable)
FILES: dict[str, list[str | None]] = {
    "json": [
        None, "", "{}", '{"model":"m",   "hooks": {"Stop": [{"hooks": []}]}}\r\n', '{"env": {"TOKEN": "t"}, "hooks": {}}',
        '\n{\n\t"hooks": {"PreToolUse": [], "BeforeTool": [], "preToolUse": [{"command": "x"}]}\n}\n\n',
    ],
    "toml": [None, "", '# mine\nmodel = "m"\n\n[a]\nb = 1 # kept', "[[hooks.PreToolUse]]\nmatcher = 'x'\r\n\r\n\r\n"],
    "script": [None, "", "\n"],
}  # fmt: skip


class Machine:
    """A home, and a workspace with a policy beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        (folder / "w").mkdir()
        (folder / "p.policy").write_text(TEXT)

    def run(self, *words: str | Path, **env: str) -> Result:
        return policy(*words, cwd=self.folder / "w", HOME=str(self.home), PATH="/usr/bin:/bin", **env)

    def install(self, client: str, *words: str, scope: str = "user") -> Result:
        made = self.run("hook", "install", client, "--policy", self.folder / "p.policy", "--scope", scope, *words)
        assert made.code == 0, made.err
        return made

    def settings(self, client: str, scope: str = "user") -> Path:
        return Path(target(client_of(client), scope, str(self.folder / "w"), str(self.home)).path)

    def all_files(self) -> dict[str, bytes | None]:
        return {
            str(p.relative_to(self.folder)): p.read_bytes() if p.is_file() else None for p in self.folder.rglob("*")
        }

    def hook(self, client: str = "claude", **env: str) -> subprocess.CompletedProcess[bytes]:
        """The installed command, as the client runs it."""
        value = json.loads(self.settings(client).read_text())
        command = value["hooks"]["PreToolUse"][-1]["hooks"][0]["command"]
        call = {
            "tool_name": "Read",
            "tool_input": {"file_path": str(self.folder / "w/a")},
            "cwd": str(self.folder / "w"),
        }
        return subprocess.run(
            ["/bin/sh", "-c", command], input=json.dumps(call).encode(), capture_output=True, check=False, timeout=30, cwd=self.folder / "w",
            env={"HOME": str(self.home), "PATH": "/nowhere", "CLAUDE_PROJECT_DIR": str(self.folder / "w"), **env},
        )  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def form_of(client: str) -> str:
    settings = client_of(client).settings
    return "script" if settings.script is not None else "toml" if settings.toml else "json"


CASES = [
    (client, text) for client in NAMES for text in FILES[form_of(client)] if "user" in client_of(client).settings.paths
]


@pytest.mark.parametrize(("client", "text"), CASES)
def test_uninstall_takes_all_back_byte_for_byte(machine: Machine, client: str, text: str | None) -> None:
    place = machine.settings(client)
    if text is not None:
        place.parent.mkdir(parents=True)
        place.write_bytes(text.encode())
    before = machine.all_files()
    machine.install(client)
    machine.install(client, "--agent", "a")  # over itself
    assert machine.all_files() != before
    assert machine.run("hook", "uninstall", client).code == 0
    assert machine.all_files() == before


def test_what_was_changed_since_stays(machine: Machine) -> None:
    place = machine.settings("claude")
    place.parent.mkdir(parents=True)
    place.write_text('{"model":"m"}')
    machine.install("claude")
    value = json.loads(place.read_text())
    value["hooks"]["Stop"] = [{"hooks": []}]
    place.write_text(json.dumps(value))
    assert machine.run("hook", "uninstall", "claude").code == 0
    assert json.loads(place.read_text()) == {"model": "m", "hooks": {"Stop": [{"hooks": []}]}}
    assert [p.name for p in machine.home.iterdir()] == [".claude"]
    place.write_text('{"model":"m"}')
    machine.install("claude")
    place.write_text(place.read_text().replace("\n", "\r\n"))  # formatted anew, it says the same
    assert machine.run("hook", "uninstall", "claude").code == 0
    assert place.read_text() == '{"model":"m"}'


def test_what_another_installation_needs_stays(machine: Machine) -> None:
    machine.install("claude")
    machine.install("gemini")
    assert machine.run("hook", "uninstall", "gemini").code == 0
    assert not machine.settings("gemini").exists()
    done = machine.hook()
    assert (done.returncode, json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"]) == (0, "allow")
    assert machine.run("hook", "uninstall", "claude").code == 0
    assert list(machine.home.iterdir()) == []


def test_the_last_one_takes_the_folders_away_whoever_made_them(machine: Machine) -> None:
    for client in ("claude", "gemini", "codex"):
        machine.install(client)
    for client in ("gemini", "claude", "codex"):
        assert machine.run("hook", "uninstall", client).code == 0
    assert list(machine.home.iterdir()) == []


def test_every_policy_that_was_compiled_in_turn_goes(machine: Machine) -> None:
    (machine.folder / "q.policy").write_text(TEXT)
    machine.install("claude")
    for name in ("q.policy", "p.policy", "q.policy"):
        assert machine.run("hook", "install", "claude", "--policy", machine.folder / name).code == 0
    machine.install("gemini")
    assert machine.run("hook", "uninstall", "claude").code == 0
    assert [p.name[:2] for p in machine.home.rglob("*.plc")] == ["p-"]  # which another one needs
    assert machine.run("hook", "uninstall", "gemini").code == 0
    assert list(machine.home.iterdir()) == []


def test_an_installation_that_fails_leaves_nothing(machine: Machine) -> None:
    (machine.folder / "p.policy").write_text("policy")
    before = machine.all_files()
    assert machine.run("hook", "install", "claude", "--policy", machine.folder / "p.policy").code == 2
    assert machine.all_files() == before


def test_a_link_to_settings_stays_and_what_it_leads_to_goes(machine: Machine) -> None:
    place = machine.settings("claude")
    place.parent.mkdir()
    place.symlink_to(machine.folder / "settings.json")
    before = machine.all_files()
    machine.install("claude")
    assert (machine.folder / "settings.json").is_file()
    assert machine.run("hook", "uninstall", "claude").code == 0
    assert machine.all_files() == before and place.is_symlink()


@pytest.mark.parametrize("client", ["claude", "gemini", "qwen"])
@pytest.mark.parametrize("then", ["uninstall", "install", "upgrade"])
def test_a_hook_that_was_put_into_our_group_stays(machine: Machine, client: str, then: str) -> None:
    """Clients' own menus put a hook for every call where there is a group for every call."""
    machine.install(client)
    place, event = machine.settings(client), client_of(client).events[0]
    value = json.loads(place.read_text())
    mine = {"type": "command", "command": "/usr/bin/mine"}
    value["hooks"][event][0]["hooks"].insert(0, mine)
    place.write_text(json.dumps(value))
    assert bad(machine, client) == []
    if then == "install":
        machine.install(client, "--agent", "b")
    else:
        (machine.home / ".local/state/policy_lang/policy-hook").write_text("#!/bin/sh\n")
        assert machine.run("hook", then, client).code == 0
    groups = json.loads(place.read_text())["hooks"][event]
    matcher = value["hooks"][event][0]["matcher"]
    assert groups[0] == {"matcher": matcher, "hooks": [mine]}
    assert len(groups) == (1 if then == "uninstall" else 2)
    if then != "uninstall":
        assert machine.run("hook", "uninstall", client).code == 0
        assert json.loads(place.read_text())["hooks"] == {event: groups[:1]}


def bad(machine: Machine, client: str) -> list[str]:
    """What the doctor fails for, without the client."""
    done = machine.run("doctor", client, "--no-live", "--format", "json")
    found = [f["text"] for f in done.json()["findings"] if f["state"] == "fail"]
    assert done.code == (1 if found else 0)
    return found


CHANGES: dict[str, Any] = {
    "matcher": lambda group, hook: group.update(matcher="Bash"), "if": lambda group, hook: hook.update({"if": "Bash(git *)"}),
    "async": lambda group, hook: hook.update({"async": True}), "seconds": lambda group, hook: hook.update(timeout=1),
    "prompt": lambda group, hook: hook.update(type="prompt"), "without a type": lambda group, hook: hook.pop("type"),
    "without `onFailure`": lambda group, hook: hook.pop("onFailure"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_hook_that_is_not_asked_about_all_is_seen(machine: Machine, name: str) -> None:
    machine.install("claude")
    assert bad(machine, "claude") == []
    place = machine.settings("claude")
    value = json.loads(place.read_text())
    group = value["hooks"]["PreToolUse"][0]
    CHANGES[name](group, group["hooks"][0])
    place.write_text(json.dumps(value))
    (why,) = bad(machine, "claude")
    assert "`PreToolUse` in" in why and "calls may pass" in why
    assert machine.run("hook", "upgrade", "claude").code == 0
    assert bad(machine, "claude") == []


@pytest.mark.parametrize("client", [n for n in NAMES if "user" in client_of(n).settings.paths])
def test_each_event_and_script_is_looked_at(machine: Machine, client: str) -> None:
    spec = client_of(client)
    machine.install(client, *(() if spec.tells_workspace else ("--workspace", str(machine.folder / "w"))))
    assert bad(machine, client) == []
    place, whole = machine.settings(client), machine.settings(client).read_text()
    changes = (
        [whole + "// more\n"] if spec.settings.script is not None else [whole.replace(e, "Stop") for e in spec.events]
    )
    for changed in changes:
        assert changed != whole
        place.write_text(changed)
        assert any("calls may pass" in why for why in bad(machine, client))
    place.write_text(whole.replace('"timeout": 10', '"timeout": 60'))
    assert spec.settings.script is not None or bad(machine, client) == []


def test_the_record_is_for_nobody_else(machine: Machine) -> None:
    place = machine.settings("claude")
    place.parent.mkdir(parents=True)
    place.write_text('{"env": {"TOKEN": "s3cr3t"}}')
    machine.install("claude")
    holding = [p for p in machine.home.rglob("*") if p.is_file() and b"s3cr3t" in p.read_bytes() and p != place]
    assert [p.stat().st_mode & 0o777 for p in holding] == [0o600]
    assert holding[0].parent.stat().st_mode & 0o777 == 0o700
    holding[0].write_text('{"client": 1}')  # what is not understood is no record
    assert machine.run("hook", "uninstall", "claude").code == 0
    left = {"env": {"TOKEN": "s3cr3t"}, "disableSkillShellExecution": True}  # nobody knows who wrote the last
    assert json.loads(place.read_text()) == left


def test_settings_hold_at_their_limit_and_break_above(machine: Machine) -> None:
    place = machine.settings("claude")
    place.parent.mkdir(parents=True)
    most = limit("install_settings_bytes")
    place.write_text("{" + " " * (most - 2) + "}")
    machine.install("claude")
    assert machine.run("hook", "uninstall", "claude").code == 0
    assert place.stat().st_size == most
    place.write_text("{" + " " * (most - 1) + "}")
    done = machine.run("hook", "install", "claude", "--policy", machine.folder / "p.policy")
    assert done.code == 2 and "is longer than" in done.err


def environment(folder: Path, version: str) -> Path:
    """A virtual environment as an installer makes it: interpreter by two names, this package behind `lib/pythonN`."""
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    for name in ("python", f"python{version}"):
        (folder / "bin" / name).unlink(missing_ok=True)
        (folder / "bin" / name).symlink_to(PYTHON)
    site = folder / f"lib/python{version}/site-packages"
    site.mkdir(parents=True)
    (site / "policy_lang").symlink_to(ROOT / "policy_lang")
    return site / "policy_lang/pep/hook.py"


def test_an_upgrade_of_python_does_not_end_it(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    venv = machine.folder / "an environment"
    hook = environment(venv, "3.11")
    machine.install("claude")
    monkeypatch.setattr(launcher, "HOOK", str(hook))
    monkeypatch.setattr(sys, "executable", str(venv / "bin/python3.11"))
    assert interpreter() == str(venv / "bin/python")
    place = machine.home / ".local/state/policy_lang/policy-hook"
    place.write_text(launcher_text())
    assert started_by(launcher_text()) == (str(venv / "bin/python"), str(hook))
    assert machine.hook().returncode == 0
    shutil.rmtree(venv)
    assert machine.hook().returncode == 2  # nothing starts, so nothing passes
    newer = environment(venv, "3.13")
    assert started_by(place.read_text()) == (str(venv / "bin/python"), str(newer))
    assert machine.hook().returncode == 0


@pytest.mark.parametrize("text", ["", "#!/bin/sh\nexit 0\n", launcher_text().replace("exec ", "exec env "), launcher_text() + "exit 0\n"])  # fmt: skip
def test_another_file_is_no_launcher(text: str) -> None:
    assert started_by(text) is None


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_no_variable_or_function_of_the_environment_changes_what_it_starts(machine: Machine) -> None:
    machine.install("claude")
    functions = {f"BASH_FUNC_{n}%%": "() { exit 0; }" for n in ("exec", ":", "for", "[", "printf")}
    evil = machine.folder / "evil.sh"
    evil.write_text("exit 0\n")
    for env in (functions, {"ENV": str(evil), "BASH_ENV": str(evil)}, {"hook": "/bin/true"}, {"IFS": "/o", "PATH": ""}):
        assert machine.hook(**env).returncode == 0
    value = machine.settings("claude").read_text().replace("/p-", "/gone-")
    machine.settings("claude").write_text(value)
    for env in ({}, functions):
        assert machine.hook(**env).returncode == 2


def test_upgrade_writes_anew_what_is_old(machine: Machine) -> None:
    machine.install("claude", "--agent", "a b")
    assert "up to date" in machine.run("hook", "upgrade").out
    place = machine.settings("claude")
    value = json.loads(place.read_text())
    entry = value["hooks"]["PreToolUse"][0]["hooks"][0]
    compiled = next(machine.home.rglob("*.plc"))
    entry["command"] = (
        f"/old/python3.9 -I -S /old/policy_lang/pep/hook.py claude --policy {compiled} --agent 'a b' || exit 2"
    )
    place.write_text(json.dumps(value))
    assert "may take it away" in machine.run("doctor", "claude", "--no-live").out
    (machine.home / ".local/state/policy_lang/policy-hook").write_text("#!/bin/sh\n")
    compiled.write_bytes(compile_binary(str(machine.folder / "p.policy"), "0.0.1", True))
    done = machine.run("hook", "upgrade")
    assert done.code == 0 and "compiled anew" in done.out and "written anew" in done.out
    assert machine.hook().returncode == 0
    assert "--agent 'a b' || exit 2" in place.read_text()
    assert machine.run("hook", "uninstall", "claude").code == 0
    assert not place.exists()


def test_upgrade_puts_no_changed_policy_in_force(machine: Machine) -> None:
    machine.install("claude")
    compiled = next(machine.home.rglob("*.plc"))
    old = compile_binary(str(machine.folder / "p.policy"), "0.0.1", True)
    compiled.write_bytes(old)
    (machine.folder / "p.policy").write_text('policy "p"\nallow run "**"\n')
    done = machine.run("hook", "upgrade")
    assert done.code == 1 and "has changed; look at it" in done.out
    assert compiled.read_bytes() == old
    compiled.write_bytes(b"x")
    assert machine.run("hook", "upgrade").code == 1
    assert machine.run("hook", "upgrade", "codex").code == 1


def shown(machine: Machine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = machine.run("hook", "status", "--format", "json").json()["installations"]
    return found


def test_status_says_what_holds_since_when_and_what_does_not(machine: Machine) -> None:
    none = machine.run("hook", "status")
    assert (none.code, none.out) == (1, "")
    assert shown(machine) == []
    machine.install("claude", "--agent", "web")
    machine.install("gemini", scope="project")
    claude, gemini = shown(machine)
    assert (claude["client"], claude["scope"], claude["agent"]) == ("claude", "user", "web")
    assert claude["policy"] == gemini["policy"] == str(machine.folder / "p.policy")
    assert claude["digest"].startswith("sha256:") and claude["compiled_at"].endswith("Z")
    assert len(claude["not_held"]) == len(client_of("claude").bypasses)
    assert [f for f in claude["findings"] if f["state"] == "fail"] == []
    text = machine.run("hook", "status", "claude").out
    assert "Claude Code (claude), user scope" in text and "a moment ago" in text and "not held:" in text
    place = machine.home / ".local/state/policy_lang/policy-hook"
    place.write_text("#!/bin/sh\nexit 0\n")
    assert any("not the launcher" in f["text"] for f in shown(machine)[0]["findings"])
    place.write_text(place.read_text())
    for file in machine.home.rglob("*.plc"):
        file.unlink()
    assert any("everything is denied" in f["text"] for f in shown(machine)[0]["findings"])
    assert shown(machine)[0]["digest"] is None


def test_status_of_a_service_and_of_an_observer(machine: Machine) -> None:
    assert machine.run("hook", "install", "claude", "--socket", "/nowhere/s").code == 0
    (one,) = shown(machine)
    assert (one["service"], one["policy"], one["compiled"]) == ("/nowhere/s", None, None)
    assert any("cannot be asked" in f["text"] for f in one["findings"])
    machine.install("claude", "--observe", "--log", str(machine.folder / "log"))
    assert shown(machine)[0]["observing"] is True
