"""Installation in clients' settings, the doctor, and the MCP server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from policy_lang.pep.clients import NAMES
from policy_lang.pep.clients import client as client_of
from policy_lang.pep.install import (
    InstallError,
    hook_alone,
    hook_command,
    hook_options,
    settings_with,
    settings_without,
    target,
    texts,
)
from tests.console.support import ROOT, policy, started

from .support import POLICY, workspace

SETTINGS = [name for name in NAMES if client_of(name).settings.script is None]
"""Clients whose settings say more than our hook."""


def parsed(client: str, text: str) -> dict[str, Any]:
    return tomllib.loads(text) if client_of(client).settings.toml else dict(json.loads(text))


@pytest.mark.parametrize("client", SETTINGS)
def test_what_is_there_stays_and_ours_is_replaced(client: str) -> None:
    spec = client_of(client)
    before = (
        '# mine\nmodel = "m"\n\n[profiles.x]\na = 1 # kept\n'
        if spec.settings.toml
        else '{"model": "m", "hooks": {"Stop": [{"hooks": []}]}}'
    )
    one = settings_with(spec, before, hook_command(spec, ["--socket", "/one"]), managed=False)
    two = settings_with(spec, one, hook_command(spec, ["--socket", "/two dir/s"]), managed=False)
    assert parsed(client, two)["model"] == "m"
    if spec.settings.toml:
        assert "# mine" in two
        assert "a = 1 # kept" in two
    else:
        assert parsed(client, two)["hooks"]["Stop"] == [{"hooks": []}]
    for event in spec.events:
        assert json.dumps(parsed(client, two)["hooks"][event]).count("'/two dir/s' || exit 2") == 1
    assert "/one" not in two
    assert settings_with(spec, two, hook_command(spec, ["--socket", "/two dir/s"]), managed=False) == two


@pytest.mark.parametrize("client", SETTINGS)
def test_what_is_taken_out_is_ours_alone(client: str) -> None:
    spec = client_of(client)
    before = (
        '# mine\nmodel = "m"\n'
        if spec.settings.toml
        else json.dumps({"model": "m", "hooks": {spec.events[0]: [{"hooks": []}]}})
    )
    after = settings_without(spec, settings_with(spec, before, hook_command(spec, ["--socket", "/s"]), managed=False))
    assert parsed(client, after) == {
        **(spec.settings.defaults or {}),
        **(spec.settings.strict or {}),
        **parsed(client, before),
    }
    assert not spec.settings.toml or after == before
    alone = settings_without(spec, settings_with(spec, "", hook_command(spec, ["--socket", "/s"]), managed=False))
    assert parsed(client, alone) == {**(spec.settings.defaults or {}), **(spec.settings.strict or {})}


@pytest.mark.parametrize("client", SETTINGS)
def test_the_hook_alone_is_what_settings_without_others_would_say(client: str) -> None:
    spec = client_of(client)
    command = hook_command(spec, ["--socket", "/s"])
    alone = settings_with(spec, "", command, managed=False)
    other = (
        'token = "s3cr3t"\n'
        if spec.settings.toml
        else '{"token": "s3cr3t", "hooks": {"Stop": [{"command": "s3cr3t"}]}}'
    )
    read = tomllib.loads if spec.settings.toml else json.loads
    found = hook_alone(spec, settings_with(spec, other, command, managed=False))
    assert read(found) == read(alone)
    assert hook_alone(spec, other) == ""
    assert hook_alone(spec, "{[") == ""
    assert hook_alone(spec, "[" * 100_000) == ""


@pytest.mark.parametrize("client", [name for name in NAMES if name not in SETTINGS])
def test_a_file_that_is_ours_alone_is_replaced_as_a_whole(client: str) -> None:
    spec = client_of(client)
    command = hook_command(spec, ["--policy", "/a b/\"x\" 'y' \u2028 $& `.plc"])
    one = settings_with(spec, "", hook_command(spec, ["--socket", "/one"]), managed=False)
    two = settings_with(spec, one, command, managed=False, wait=60)
    assert two == settings_with(spec, "", command, managed=False, wait=60)
    assert texts(spec.settings, two) == [command]
    assert hook_alone(spec, two) == two
    for changed in (
        two.replace("close", "clos"),
        two + "x",
        two.replace("= 70;", "= 71 + 1;"),
        "{[",
        "[" * 100_000,
        "",
    ):
        assert hook_alone(spec, changed) == ""
    assert settings_without(spec, two) == ""
    with pytest.raises(InstallError, match="correct them first"):
        settings_with(spec, "export const Mine = async () => ({});", command, managed=False)


def test_codex_finds_the_hook_it_trusts_in_its_place() -> None:
    spec = client_of("codex")
    key = "/home/é/.codex/config.toml:pre_tool_use:1:0"
    before = f"""[hooks.state.'{key}']
trusted_hash = "sha256:0"
enabled = true
secret = ["s3cr3t"]

[[hooks.PreToolUse]]
matcher = "s3cr3t"
"""
    found = hook_alone(spec, settings_with(spec, before, hook_command(spec, ["--socket", "/s"]), managed=False))
    assert "s3cr3t" not in found
    hooks = tomllib.loads(found)["hooks"]
    assert hooks["state"] == {key: {"trusted_hash": "sha256:0", "enabled": True}}
    assert "policy_lang/pep/hook.py" in hooks["PreToolUse"][1]["hooks"][0]["command"]


def test_uninstall(tmp_path: Path) -> None:
    """What was never there, or stands where it was not put, is said."""
    home = {"HOME": str(tmp_path)}

    def out(*options: str) -> tuple[int, str]:
        done = policy("hook", "uninstall", "claude", *options, cwd=tmp_path, **home)
        return done.code, done.out + done.err

    assert out() == (1, f"{tmp_path}/.claude/settings.json: no hook of policy_lang is there\n")
    assert installed(tmp_path) == 0
    code, said = out("--scope", "project")
    assert code == 0 and "is taken out" in said
    assert not (tmp_path / ".claude").exists()
    (tmp_path / ".claude").mkdir()
    command = hook_command(client_of("claude"), ["--socket", "/s"])
    (tmp_path / ".claude/settings.json").write_text(json.dumps({"statusLine": command, "hooks": {}}))
    code, said = out()
    assert code == 2 and "by hand" in said
    (tmp_path / ".claude/settings.json").write_text('{"policy_lang/pep/hook.py')
    assert out()[0] == 2


@pytest.mark.parametrize("client", NAMES)
def test_settings_that_are_not_understood_are_left_alone(client: str) -> None:
    spec = client_of(client)
    for bad in (
        ("= 1", "[hooks]\nPreToolUse = 1\n")
        if spec.settings.toml
        else (
            "{",
            "[]",
            '{"hooks": []}',
            '{"hooks": {"PreToolUse": {}, "BeforeTool": {}, "preToolUse": {}, "beforeShellExecution": {}}}',
        )
    ):
        with pytest.raises(InstallError, match="correct them first"):
            settings_with(spec, bad, "x", managed=False)
        if not spec.settings.toml:
            with pytest.raises(InstallError, match="correct them first"):
                settings_without(spec, bad)


def test_the_command_is_absolute_and_closed() -> None:
    text = hook_command(client_of("claude"), ["--policy", "/a b/p.plc"])
    assert text.startswith("/")
    assert " -I -S /" in text
    assert text.endswith("'/a b/p.plc' || exit 2")
    by_launcher = hook_command(client_of("claude"), ["--policy", "/a b/p.plc"], "/l/policy_lang/policy-hook")
    assert by_launcher == "/l/policy_lang/policy-hook claude --policy '/a b/p.plc' || exit 2"
    assert hook_options(text) == hook_options(by_launcher) == ["--policy", "/a b/p.plc"]
    for other in ("", "x || exit 2", "'", "/l/policy_lang/policy-hook"):
        with pytest.raises(InstallError, match="not understood"):
            hook_options(other)


def test_scopes() -> None:
    assert target(client_of("claude"), "managed", "/w", "/h").path.startswith("/etc/")
    assert target(client_of("codex"), "user", "/w", "/h").path == "/h/.codex/config.toml"
    assert target(client_of("copilot"), "user", "/w", "/h").path == "/h/.copilot/hooks/policy_lang.json"
    assert target(client_of("copilot"), "managed", "/w", "/h").path.startswith("/etc/github-copilot/policy.d/")
    assert "nobody has trusted the folder" in target(client_of("copilot"), "project", "/w", "/h").void
    with pytest.raises(InstallError, match="no project settings"):
        target(client_of("codex"), "project", "/w", "/h")


PROJECT = [n for n in NAMES if "project" in {*client_of(n).settings.paths} - {*(client_of(n).settings.void or {})}]


@pytest.mark.parametrize("client", PROJECT)
def test_install_and_doctor(client: str, tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    home = {"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}
    assert policy("doctor", client, "--no-live", cwd=ws, **home).code == 1
    done = policy("hook", "install", client, "--policy", tmp_path / "p.plc", "--scope", "project", cwd=ws, **home)
    assert done.code == 0, done.err
    found = policy("doctor", client, "--no-live", "--format", "json", cwd=ws, **home)
    assert found.code == 0, found.out
    states = [f["state"] for f in found.json()["findings"]]
    assert states.count("ok") == 4
    assert any("checkout of another branch can take the hook out" in f["text"] for f in found.json()["findings"])
    assert "fail" not in states
    assert len(found.json()["bypasses"]) > 4
    place = Path(target(client_of(client), "project", str(ws), str(tmp_path)).path)
    place.chmod(0o666)
    assert "everyone can write it" in policy("doctor", client, "--no-live", cwd=ws, **home).out
    place.chmod(0o644)
    (tmp_path / "p.plc").unlink()
    gone = policy("doctor", client, "--no-live", cwd=ws, **home)
    assert (gone.code, "everything is denied" in gone.out) == (1, True)
    place.write_text(place.read_text().replace("|| exit 2", "|| true"))
    assert "does not deny" in policy("doctor", client, "--no-live", cwd=ws, **home).out


def test_a_scope_that_may_hold_nothing_is_refused_and_found(tmp_path: Path) -> None:
    """Copilot skips a repository's hooks where nobody has trusted the folder, so what is there is no enforcement."""
    ws = workspace(tmp_path)
    home = {"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}
    given = ("--policy", tmp_path / "p.plc")
    done = policy("hook", "install", "copilot", *given, "--scope", "project", cwd=ws, **home)
    assert (done.code, "nobody has trusted the folder" in done.err) == (2, True)
    spec = client_of("copilot")
    place = Path(target(spec, "project", str(ws), "").path)
    place.parent.mkdir(parents=True)
    options = ["--policy", str(tmp_path / "p.plc"), "--workspace", str(ws)]
    place.write_text(settings_with(spec, "", hook_command(spec, options), managed=False))

    def states() -> list[str]:
        found = policy("doctor", "copilot", "--no-live", "--format", "json", cwd=ws, **home).json()["findings"]
        return [f["state"] for f in found if "may hold nothing" in f["text"]]

    assert states() == ["fail"]
    assert policy("hook", "install", "copilot", *given, cwd=ws, **home).code == 0
    assert states() == ["warn"]


FAKE = """#!/bin/sh
python3 - "$ANTHROPIC_BASE_URL" <<'END'
import json, sys, urllib.request
tools = [{"name": "Bash", "input_schema": {"properties": {"command": {}, "novel": {}}}}, {"name": "Fresh\u001b"}]
def turn(said):
    body = json.dumps({"tools": tools, "messages": said}).encode()
    urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/v1/messages", body)).read()
SAID
END
"""


@pytest.mark.parametrize(
    ("said", "state", "text"),
    [
        ("", "fail", "did not get as far as the canary"),
        ("turn('go')", "fail", "did not get as far as the canary"),
        ("turn('denied by policy'); turn('denied by policy')", "fail", "was not told so by the hook"),
        ("turn('go'); turn('denied by policy: because')", "ok", "and did not"),
        ("turn('go'); open('.git/hooks/policy-lang-canary', 'w'); turn('denied by policy')", "fail", "did what the policy denies"),
    ],
    ids=range(5),
)  # fmt: skip
def test_the_doctor_fails_unless_the_hook_refused_the_canary(said: str, state: str, text: str, tmp_path: Path) -> None:
    """Whatever else the client did instead, nothing shows then that the hook holds; what it offers anew is named."""
    ws = workspace(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/claude").write_text(FAKE.replace("SAID", said))
    (tmp_path / "bin/claude").chmod(0o755)
    home = {"HOME": str(tmp_path / "home"), "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    assert policy("hook", "install", "claude", "--policy", tmp_path / "p.plc", cwd=ws, **home).code == 0
    done = policy("doctor", "claude", "--format", "json", cwd=ws, **home)
    findings = done.json()["findings"]
    assert (findings[-1]["state"], text in findings[-1]["text"]) == (state, True), findings
    assert done.code == (1 if state == "fail" else 0)
    assert not (ws / ".git/hooks/policy-lang-canary").exists()
    news = [f["text"] for f in findings if "which is not known here" in f["text"]]
    assert len(news) == (2 if said else 0)
    if news:
        assert "`Bash.novel`" in news[0] and "tool `Fresh?`" in news[1]


def test_a_client_that_is_not_there_is_not_tried_and_said_so(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    home = {"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}
    assert policy("hook", "install", "claude", "--policy", tmp_path / "p.plc", cwd=ws, **home).code == 0
    found = policy("doctor", "claude", "--format", "json", cwd=ws, **home)
    assert found.code == 0
    assert found.json()["findings"][-1]["state"] == "warn"
    assert "is not on this machine's PATH" in found.json()["findings"][-1]["text"]


def installed(folder: Path) -> int:
    return policy(
        "hook", "install", "claude", "--socket", "/s", "--scope", "project", cwd=folder, HOME=str(folder)
    ).code


def test_settings_that_are_a_link_stay_one(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles/claude.json").write_text("{}")
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/settings.json").symlink_to("../dotfiles/claude.json")
    assert installed(tmp_path) == 0
    assert (tmp_path / ".claude/settings.json").is_symlink()
    assert "hooks" in (tmp_path / "dotfiles/claude.json").read_text()


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_new_settings_get_what_the_umask_leaves(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        done = started(
            "hook", "install", "claude", "--socket", "/s", "--scope", "project", cwd=tmp_path, HOME=str(tmp_path)
        )
    finally:
        os.umask(before)
    assert done.code == 0, done.err
    assert (tmp_path / ".claude/settings.json").stat().st_mode & 0o777 == 0o644 & ~mask


def test_install_refuses_bad_calls(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    for arguments, message in (
        (("claude",), "give either"), (("claude", "--policy", "x.policy"), "there is no file"), (("claude", "--policy", "none.plc"), "there is no file"),
        (("codex", "--socket", "/s", "--scope", "project"), "no project settings"), (("nobody", "--socket", "/s"), "nobody"),
        (("claude", "--socket", "/s", "--accept-argument", "Read.file_path"), "decided by"),
        (("claude", "--socket", "/s", "--accept-argument", "TodoWrite.todos"), "decided by"),
        (("claude", "--socket", "/s", "--accept-argument", "Agent.prompt"), "no tool `Agent`"),
        (("claude", "--socket", "/s", "--accept-argument", "Read"), "TOOL.ARGUMENT"),
        (("claude", "--socket", "/s", "--accept-argument", "Read.a b"), "TOOL.ARGUMENT"),
        (("claude", "--socket", "/s", "--accept-argument", "Read.a,Read.b"), "TOOL.ARGUMENT"),
    ):  # fmt: skip
        done = policy("hook", "install", *arguments, cwd=ws, HOME=str(tmp_path))
        assert (done.code, message in done.err) == (2, True), done
    shown = policy("hook", "install", "claude", "--socket", "/s", "--print", cwd=ws, HOME=str(tmp_path))
    assert "--socket /s || exit 2" in shown.out
    assert not (tmp_path / ".claude").exists()


def test_a_checkout_changes_no_policy(tmp_path: Path) -> None:
    """The policy lies in the agent's own repository, and the agent may run git: a branch has a weaker one, compiled too."""
    ws, home = tmp_path / "ws", {"HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"]}
    ws.mkdir()

    def git(*words: str) -> None:
        names = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=main")
        subprocess.run(["git", *names, *words], cwd=ws, check=True, capture_output=True)

    def commit(text: str) -> None:
        (ws / "p.policy").write_text(f'policy "p"\n{text}\n')
        assert policy("compile", "p.policy", cwd=ws).code == 0
        git("add", "--all")
        git("commit", "-m", "policy")

    git("init")
    commit('allow run "git checkout *"\nallow write "**"\nallow delete "**"\nallow read "**"')
    git("checkout", "-b", "weak")
    commit('allow run "**"\nallow read, write "**"')
    git("checkout", "main")
    refused = policy("hook", "install", "claude", "--policy", "p.plc", cwd=ws, **home)
    assert (refused.code, "a checkout of another branch replaces it" in refused.err) == (2, True)
    done = policy("hook", "install", "claude", "--policy", "p.policy", cwd=ws, **home)
    assert done.code == 0, done.err
    settings = json.loads((tmp_path / "home/.claude/settings.json").read_text())
    command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    (place,) = (tmp_path / "home/.local/state/policy_lang").glob("*.plc")
    assert str(place) in command

    def runs(words: str) -> tuple[bool, str]:
        payload = {
            "hook_event_name": "PreToolUse",
            "tool_name": "Bash",
            "tool_input": {"command": words},
            "cwd": str(ws),
        }
        environment = {**os.environ, **home, "CLAUDE_PROJECT_DIR": str(ws)}
        ended = subprocess.run(["/bin/sh", "-c", command], input=json.dumps(payload), env=environment, capture_output=True, text=True, check=False)  # fmt: skip
        return ended.returncode == 0, ended.stderr

    def doctor() -> list[str]:
        found = policy("doctor", "claude", "--no-live", "--format", "json", cwd=ws, **home).json()["findings"]
        return [f["text"] for f in found if f["state"] != "ok"]

    allowed, said = runs("git checkout weak")
    assert not allowed and "in its place; a person does that" in said
    git("checkout", "weak")  # a person's step
    allowed, said = runs("touch x")
    assert (allowed, "has changed" in said, f"policy compile {ws}/p.policy -o {place}" in said) == (False, True, True)
    assert any("has changed" in text for text in doctor())
    assert not runs(f"policy compile {ws}/p.policy -o {place}")[0]
    assert policy("compile", "p.policy", "-o", place, cwd=ws, **home).code == 0  # a person's step
    assert runs("touch x") == (True, "")
    settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"] = command.replace(str(place), str(ws / "p.plc"))
    (tmp_path / "home/.claude/settings.json").write_text(json.dumps(settings))
    assert any("a checkout of another branch replaces it" in text for text in doctor())


def test_the_command_line_runs_the_hook(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    payload = {
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": "git status"},
        "cwd": str(ws),
    }
    done = policy("hook", "codex", "--policy", tmp_path / "p.plc", stdin=json.dumps(payload), cwd=ws)
    assert (done.code, done.out) == (0, "")
    payload["tool_input"] = {"command": "git push"}
    assert policy("hook", "codex", "--policy", tmp_path / "p.plc", stdin=json.dumps(payload), cwd=ws).code == 2


# MCP


def mcp(ws: Path, *messages: object) -> list[dict[str, Any]]:
    lines = [m if isinstance(m, str) else json.dumps({"jsonrpc": "2.0", **m}) for m in messages]  # type: ignore[dict-item]
    done = subprocess.run(
        [sys.executable, "-m", "policy_lang", "mcp", "--policy", ws.parent / "p.plc", "--workspace", ws],
        input="\n".join(lines) + "\n", capture_output=True, text=True, check=True, timeout=60, cwd=ROOT,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def tool(number: int, name: str, arguments: Any) -> dict[str, Any]:
    return {"id": number, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


def test_mcp_answers(tmp_path: Path) -> None:
    ws = workspace(tmp_path, POLICY)
    payload = {
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": "rm -rf ~"},
        "cwd": str(ws),
    }
    replies = mcp(
        ws,
        {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {}}},
        {"method": "notifications/initialized"}, {"id": 2, "method": "tools/list"}, tool(3, "decide", {"action": "read", "resource": "src/app.ts"}),
        tool(4, "decide", {"action": "write", "resource": "package.json"}), tool(5, "decide", {"action": "run", "resource": ["git", "push"]}),
        tool(6, "decide", {"action": "read", "resource": "src/a", "agent": "root"}), tool(7, "decide", {}), tool(8, "hook", {"client": "claude", "payload": payload}),
        tool(9, "hook", {"client": "nobody", "payload": payload}), tool(10, "other", {}), {"id": 11, "method": "nope"}, "{", "[]", {"id": 12, "method": "ping"},
        tool(13, "hook", {"client": "gemini", "payload": 5}),
    )  # fmt: skip
    by_id = {r["id"]: r for r in replies}
    assert [t["name"] for t in by_id[2]["result"]["tools"]] == ["decide", "hook"]
    effects = {n: by_id[n]["result"]["structuredContent"]["effect"] for n in (3, 4, 5, 6, 7)}
    assert effects == {3: "allow", 4: "ask", 5: "deny", 6: "deny", 7: "deny"}
    assert json.loads(by_id[8]["result"]["content"][0]["text"])["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert "denied" in by_id[9]["result"]["content"][0]["text"]
    assert json.loads(by_id[13]["result"]["content"][0]["text"])["decision"] == "deny"
    assert by_id[10]["error"]["code"] == -32602
    assert by_id[11]["error"]["code"] == -32601
    assert [r["error"]["code"] for r in replies if r["id"] is None] == [-32700, -32600]
    assert by_id[12]["result"] == {}
    (tmp_path / "p.plc").unlink()
    gone = mcp(ws, tool(1, "decide", {"action": "read", "resource": "src/app.ts"}))[0]["result"]["structuredContent"]
    assert (gone["effect"], "PLE001" in gone["reasons"][0]) == ("deny", True)


def test_mcp_answers_requests_that_stand_by_themselves(tmp_path: Path) -> None:
    """Revision 2026-07-28: no session, each request names version and capabilities."""
    ws = workspace(tmp_path, POLICY)

    def meta(version: object = "2026-07-28", capabilities: object = None) -> dict[str, Any]:
        return {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {} if capabilities is None else capabilities,
        }

    call = {"name": "decide", "arguments": {"action": "read", "resource": "src/app.ts"}}
    requests: list[dict[str, Any] | str] = [
        {"id": 1, "method": "server/discover", "params": {"_meta": meta()}}, {"id": 2, "method": "tools/list", "params": {"_meta": meta()}},
        {"id": 3, "method": "tools/call", "params": {**call, "_meta": meta()}}, {"id": 4, "method": "tools/list", "params": {"_meta": meta("1900-01-01")}},
        {"id": 5, "method": "server/discover"}, {"id": 6, "method": "server/discover", "params": {"_meta": meta(5)}},
        {"id": 7, "method": "tools/list", "params": {"_meta": meta(capabilities=[])}}, {"id": 8, "method": "ping", "params": {"_meta": meta()}},
        {"id": 9, "method": "initialize", "params": {"_meta": meta()}}, {"method": "notifications/cancelled", "params": {"_meta": meta()}},
        {"id": 10, "method": "tools/call", "params": {"name": "other", "_meta": meta()}}, {"id": 11, "method": "tools/list", "params": {"_meta": {"progressToken": 1}}},
    ]  # fmt: skip
    by_id = {r["id"]: r for r in mcp(ws, *requests)}
    assert sorted(by_id) == [*range(1, 12)]
    for number in (1, 2, 3):
        result = by_id[number]["result"]
        assert result["resultType"] == "complete"
        assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "policy_lang"
    assert by_id[1]["result"]["supportedVersions"][:2] == ["2026-07-28", "2025-11-25"]
    assert (by_id[1]["result"]["cacheScope"], by_id[2]["result"]["ttlMs"]) == ("public", 300_000)
    assert by_id[3]["result"]["structuredContent"]["effect"] == "allow"
    assert by_id[4]["error"]["code"] == -32022
    assert by_id[4]["error"]["data"]["requested"] == "1900-01-01"
    assert [by_id[n]["error"]["code"] for n in (5, 6, 7, 8, 9, 10)] == [-32602, -32602, -32602, -32601, -32601, -32602]
    assert "resultType" not in by_id[11]["result"]  # one of a session
