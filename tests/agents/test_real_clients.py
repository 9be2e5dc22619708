"""The real programs under the installed hook. `scripts/agents.sh` installs them below `.agents`; without them this is skipped."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang import __version__
from policy_lang.compiler.binary import compile_binary
from policy_lang.pep.clients import NAMES
from policy_lang.pep.clients import client as client_of
from policy_lang.pep.drift import drifts
from policy_lang.pep.install import hook_command, settings_with, target
from policy_lang.pep.model_turns import Call
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

OTHER_TOOLS: dict[str, list[tuple[tuple[str, ...], dict[str, str]]]] = {
    "claude": [((), {"CLAUDE_CODE_USE_POWERSHELL_TOOL": "1"})],
    "codex": [(("--enable", "code_mode"), {}), (("--enable", "request_permissions_tool"), {})],
    "copilot": [((), {"COPILOT_PROVIDER_TYPE": "openai", "COPILOT_MODEL": "gpt-5.3-codex"})],
    "opencode": [((), {"OPENCODE_EXPERIMENTAL": "1"})],
}
"""Options and variables with which a client offers its model other tools."""


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
        "goose": ("write", {"path": path, "content": "x"}),
        "opencode": ("write", {"filePath": path, "content": "x"}),
        "qwen": ("write_file", {"file_path": path, "content": "x"}),
        "gemini": ("write_file", {"file_path": path, "content": "x"}),
        "copilot": ("create", {"path": path, "file_text": "x"}),
    }[client]  # type: ignore[return-value]


@pytest.fixture(params=[name for name in NAMES if client_of(name).rehearsal is not None])
def client(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if found(name) is None:
        pytest.skip(f"{name} is not installed; `scripts/agents.sh` does it")
    return name


class Stage:
    """A home, a workspace, and the client's settings with our hook."""

    def __init__(self, client: str, folder: Path, *options: str, scope: str = "user") -> None:
        self.client = client
        self.home, self.ws = folder / "home", folder / "ws"
        (self.ws / "src").mkdir(parents=True)
        (self.ws / ".git/hooks").mkdir(parents=True)
        spec = client_of(client)
        self.place = Path(target(spec, scope, str(self.ws), str(self.home)).path)
        self.flags = FLAGS.get(client, []) if scope == "user" else []
        self.program = found(client)
        if scope == "managed":
            self._managed(folder)
        self.place.parent.mkdir(parents=True, exist_ok=True)
        (self.home / ".codex").mkdir(parents=True, exist_ok=True)
        self.before = '{"security":{"auth":{"selectedType":"gemini-api-key"}}}' if client == "gemini" else ""
        self.options = [*options, *([] if spec.tells_workspace else ["--workspace", str(self.ws)])]
        self.install(hook_command(spec, self.options), managed=scope == "managed")

    def install(self, command: str, managed: bool = False) -> None:
        self.place.write_text(settings_with(client_of(self.client), self.before, command, managed=managed))

    def _managed(self, folder: Path) -> None:
        """Another `/etc` for the program alone, in which its managed settings lie."""
        etc = folder / "etc"
        with contextlib.suppress(shutil.Error):  # what this user may not read is left out
            shutil.copytree("/etc", etc, symlinks=True, ignore=lambda *_: ["shadow", "shadow-", "gshadow", "gshadow-"])
        if self.client == "opencode":  # the step that the installation leaves to a person
            (etc / "opencode").mkdir(exist_ok=True)
            (etc / "opencode/opencode.json").write_text(json.dumps({"plugin": [f"file://{self.place}"]}))
        self.place = etc / self.place.relative_to("/etc")
        wrapper = folder / "program"
        wrapper.write_text(f'#!/bin/sh\nexec bwrap --dev-bind / / --bind "{etc}" /etc -- "{self.program}" "$@"\n')
        wrapper.chmod(0o755)
        self.program = str(wrapper)

    def play(self, calls: list[Call] | Iterator[Call], **env: str) -> Rehearsal:
        made = rehearse(
            client_of(self.client), calls, str(self.ws), path=self.program, flags=self.flags, HOME=str(self.home), CODEX_HOME=str(self.home / ".codex"), **env,
        )  # fmt: skip
        assert len(made.turns) >= 2, made.printed
        return made

    def other_turns(self) -> list[str]:
        """What the client sends its model when it is started in the other ways."""
        out: list[str] = []
        for flags, env in OTHER_TOOLS.get(self.client, ()):
            made = rehearse(
                client_of(self.client), [], str(self.ws), path=self.program, flags=[*self.flags, *flags], HOME=str(self.home), CODEX_HOME=str(self.home / ".codex"), **env,
            )  # fmt: skip
            assert made.turns, made.printed
            out += made.turns
        return out

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
    assert made.refused
    assert drifts(client_of(client), [*made.turns, *stage.other_turns()]) == []


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_managed_settings_hold_whatever_is_said_to_the_client(client: str, tmp_path: Path) -> None:
    """Nobody has trusted anything here, and Claude Code is told to leave out the user's settings."""
    if "managed" not in client_of(client).settings.paths:
        pytest.skip(f"{client} has no managed settings for hooks")
    stage = Stage(client, tmp_path, "--policy", compiled(tmp_path), scope="managed")
    stage.flags = {"claude": ["--safe-mode"]}.get(client, [])
    if stage.before:  # so that it does not ask how to sign in
        (stage.home / ".gemini").mkdir()
        (stage.home / ".gemini/settings.json").write_text(stage.before)
    made = stage.play([command(client, "touch denied"), command(client, "touch src/allowed")])
    assert made.refused, made.printed
    assert stage.there("src/allowed") and not stage.there("denied")


TIMED_OUT = {
    "claude": "blocked",
    "codex": "ran",
    "gemini": "ran",
    "copilot": "ran",
    "opencode": "blocked",
    "qwen": "ran",
    "goose": "ran",
}


def test_a_hook_that_takes_too_long(client: str, tmp_path: Path) -> None:
    """What each client makes of its own limit; ours is far below it. Claude Code is told to block by `onFailure`."""
    stage = Stage(client, tmp_path, "--policy", compiled(tmp_path))
    stage.install("sleep 15; exit 2 # policy_lang/pep/hook.py")
    text = re.sub(r'(timeout\w*"? *[:=] *)10', r"\g<1>1", stage.place.read_text())
    stage.place.write_text(text)
    stage.play([command(client, "touch src/one")])
    assert stage.there("src/one") == (TIMED_OUT[client] == "ran")
    if client == "claude":
        stage.place.write_text(text.replace('"onFailure"', '"unknown"'))
        stage.play([command(client, "touch src/two")])
        assert stage.there("src/two")


def only(name: str) -> None:
    if found(name) is None:
        pytest.skip(f"{name} is not installed; `scripts/agents.sh` does it")


def test_copilots_project_scope_is_void_where_nobody_trusts_the_folder(tmp_path: Path) -> None:
    """The reason why it is refused: the hook is not run, and the client says nothing."""
    only("copilot")
    stage = Stage("copilot", tmp_path, "--policy", compiled(tmp_path), scope="project")
    made = stage.play([command("copilot", "touch denied")])
    assert stage.there("denied") and not made.refused


SERVER = """import sys, json
for line in sys.stdin:
    m = json.loads(line)
    tool = {"name": "touch", "description": "d", "inputSchema": {"type": "object", "properties": {}}}
    said = {
        "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "t", "version": "1"}},
        "tools/list": {"tools": [tool]}, "tools/call": {"content": [{"type": "text", "text": "touched"}]},
    }
    if "id" in m:
        print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": said.get(m["method"], {})}), flush=True)
"""


def test_copilots_searches_servers_and_sub_agents(tmp_path: Path) -> None:
    only("copilot")
    (tmp_path / "more.policy").write_text(
        POLICY + 'allow do "copilot.task"\nallow call "my-srv.touch", "my.srv-touch"\n'
    )
    plc = tmp_path / "more.plc"
    plc.write_bytes(compile_binary(str(tmp_path / "more.policy"), __version__))
    plc.chmod(0o644)
    stage = Stage("copilot", tmp_path, "--policy", str(plc))
    (stage.ws / "src/a.txt").write_text("needle")
    (stage.home / "secret.txt").write_text("needle elsewhere")
    (stage.home / "server.py").write_text(SERVER)
    server = {"type": "local", "command": sys.executable, "args": [str(stage.home / "server.py")], "tools": ["*"]}
    (stage.home / ".copilot/mcp-config.json").write_text(
        json.dumps({"mcpServers": {"my-srv": server, "other-srv": server}})
    )
    made = stage.play([
        ("grep", {"pattern": "needle", "paths": ["src"], "output_mode": "content"}),
        ("grep", {"pattern": "needle", "paths": ["src", str(stage.home)], "output_mode": "content"}),
        ("glob", {"pattern": "*.txt", "paths": "src"}), ("sql", {"query": "select 40+2 as a", "description": "d"}),
        ("sql", {"query": f"attach '{stage.ws}/src/x.db' as x", "description": "d"}),
        ("my-srv-touch", {}), ("other-srv-touch", {}),
        ("task", {"description": "d", "prompt": "p", "agent_type": "general-purpose", "name": "n", "mode": "sync"}),
        command("copilot", "touch denied"), command("copilot", "touch src/by-sub-agent"),
    ])  # fmt: skip
    said = made.turns[-1]
    assert "a.txt:needle" in said and "elsewhere" not in said
    assert "42" in said and "do `copilot.sql`" in said
    assert said.count("touched") == 1 and "call `other-srv.touch`" in said
    assert stage.there("src/by-sub-agent") and not stage.there("denied")


def test_what_claude_runs_besides_commands(tmp_path: Path) -> None:
    """A monitor is a command; the lines of a skill that would run are left out by what the installation sets."""
    only("claude")
    (tmp_path / "more.policy").write_text(POLICY + 'allow do "claude.*"\n')
    plc = tmp_path / "more.plc"
    plc.write_bytes(compile_binary(str(tmp_path / "more.policy"), __version__))
    plc.chmod(0o644)
    stage = Stage("claude", tmp_path, "--policy", str(plc))
    skill = stage.home / ".claude/skills/lines/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text(
        f"---\nname: lines\ndescription: d\nallowed-tools: Bash\n---\nhello !`touch {stage.ws}/by-skill`\n"
    )
    watch: dict[str, object] = {"description": "d", "timeout_ms": 5000}
    calls: list[Call] = [
        ("Skill", {"skill": "lines"}), ("Monitor", {**watch, "command": "touch denied"}), ("Monitor", {**watch, "command": "touch src/allowed"}),
        ("Monitor", {**watch, "ws": {"url": "ws://127.0.0.1:9/"}}), ("Read", {"file_path": "src/allowed", "allow_large": True}),
    ]  # fmt: skip
    made = stage.play(calls)
    assert stage.there("src/allowed") and not stage.there("denied") and not stage.there("by-skill")
    assert "connect `http://127.0.0.1:9/`" in made.turns[-1]
    stage.place.write_text(stage.place.read_text().replace('"disableSkillShellExecution": true', '"x": 1'))
    stage.play(calls[:1])
    assert stage.there("by-skill")  # the reason for that setting


def test_the_calls_that_code_makes_are_asked_about(tmp_path: Path) -> None:
    """Codex's code mode: `exec` has no hook, but what it calls has one each."""
    only("codex")
    stage = Stage("codex", tmp_path, "--policy", compiled(tmp_path))
    stage.flags = [*stage.flags, "--enable", "code_mode"]
    patch = "*** Begin Patch\\n*** Add File: outside\\n+x\\n*** End Patch"
    made = stage.play([
        ("exec", "text(JSON.stringify(await tools.exec_command({cmd: 'touch denied'})))"), ("exec", f"await tools.apply_patch('{patch}')"),
        ("exec", "text(JSON.stringify(await tools.exec_command({cmd: 'touch src/allowed'})))"),
    ])  # fmt: skip
    assert [p.name for p in stage.ws.rglob("*") if p.is_file()] == ["allowed"], made.printed
    assert "write `denied`" in made.turns[-1] and "write `outside`" in made.turns[-1]


def test_the_agents_that_goose_starts_are_asked_about(tmp_path: Path) -> None:
    only("goose")
    (tmp_path / "more.policy").write_text(POLICY + 'allow do "goose.delegate"\n')
    plc = tmp_path / "more.plc"
    plc.write_bytes(compile_binary(str(tmp_path / "more.policy"), __version__))
    plc.chmod(0o644)
    stage = Stage("goose", tmp_path, "--policy", str(plc))
    made = stage.play([
        ("delegate", {"instructions": "do it"}), command("goose", "touch src/by-sub-agent"), command("goose", "touch denied"),
    ])  # fmt: skip
    assert any('"do it"' in turn for turn in made.turns)  # the sub-agent's own task
    assert [p.name for p in stage.ws.rglob("*") if p.is_file()] == ["by-sub-agent"], made.printed


def test_tools_that_the_model_finds_by_a_search_are_asked_about(tmp_path: Path) -> None:
    """Qwen Code's `tool_call`: the hook is shown the call that is meant."""
    only("qwen")
    stage = Stage("qwen", tmp_path, "--policy", compiled(tmp_path))
    settings = {**json.loads(stage.place.read_text()), "tools": {"toolSearch": {"enabled": True}}}
    stage.place.write_text(json.dumps(settings))
    made = stage.play([
        ("tool_call", {"name": "monitor", "arguments": {"command": f"touch {name}", "description": "d"}}) for name in ("denied", "src/allowed")
    ])  # fmt: skip
    assert stage.there("src/allowed") and not stage.there("denied")
    assert "write `denied`" in made.turns[-1]


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
    """The reason for `|| exit 2`: without it Codex goes on when the hook cannot run, and Claude Code without `onFailure`."""
    if client in {"gemini", "copilot", "opencode"}:
        pytest.skip("these stop by themselves when the program is missing; for opencode our plugin does")
    stage = Stage(client, tmp_path, "--policy", compiled(tmp_path))
    place = Path(target(client_of(client), "user", str(stage.ws), str(stage.home)).path)
    text = place.read_text().replace(" || exit 2", "").replace(os.path.realpath(os.sys.executable), "/nowhere/python3")  # type: ignore[attr-defined]
    place.write_text(text.replace('"onFailure"', '"unknown"'))
    stage.play([command(client, "touch src/one")])
    assert stage.there("src/one")
    if client == "claude":
        place.write_text(text)
        stage.play([command(client, "touch src/two")])
        assert not stage.there("src/two")


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
