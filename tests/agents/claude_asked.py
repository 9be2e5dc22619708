"""What Claude Code itself answers to calls, with given settings and nothing else: no hook, no flag, no account.

Each run is in a namespace of its own: a workspace and a home in memory, no network but loopback, and settings that
cannot be written. So whatever is permitted may run. `python -m tests.agents.claude_asked` is the part inside, which
reads a job of `results`.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy_lang.foreign.permissions import HOME, WORKSPACE, ClientRequest
from policy_lang.pep.clients import client as client_of
from policy_lang.pep.model_turns import Call, messages_turn
from policy_lang.pep.rehearsal import rehearse
from tests.console.support import ROOT

from .__main__ import version as version_of
from .test_real_clients import found

_ETC = ("passwd", "group", "hosts", "nsswitch.conf", "resolv.conf", "ssl", "ld.so.cache", "alternatives", "shells")
_OWN = {"proc", "dev", "etc", "home", "tmp", "run", "workspace", "root"}
_SERVERS = "/tmp/servers.json"
_KEPT = ("opencode.json", ".claude", ".git", "claude-", "servers.json", ".policy-lang-", ".cache", ".local")
_DENIED = re.compile(
    r"has been denied\b|No such tool available: |WebFetch denied access|covered by a Read deny rule"
    r"|denied by your permission settings|blockReadsOutsideWorkingDirectories"
)
FOLDERS = ("/data", "/side", f"{HOME}/more")
"""Folders besides the workspace that are there: the client takes no other as additional ones."""
_LOGIN = {"forceLoginMethod", "forceLoginOrgUUID"}


@dataclass(frozen=True)
class Result:
    """The text of a call's result, and whether the client counts it among those that it refused."""

    text: str
    refused: bool

    @property
    def answer(self) -> str:
        """Allow, ask or deny. Nobody is there to be asked, so what is refused without a denial is an ask."""
        if _DENIED.search(self.text[:600]):
            return "deny"
        return "ask" if self.refused else "allow"


def version() -> str | None:
    """The version that is installed; None where none is."""
    program = found("claude")
    return version_of(program) if program is not None else None


def answers(files: dict[str, str], asked: list[ClientRequest]) -> list[str]:
    """The answer to each call."""
    program = found("claude")
    assert program is not None
    return [one.answer for one in results(program, files, asked)]


def results(program: str, files: dict[str, str], asked: list[ClientRequest], seconds: float = 300) -> list[Result]:
    """The result of each call. `files` are settings by their place; `~/` begins a user's."""
    texts = {name: _startable(text) for name, text in files.items()}
    found = inside("tests.agents.claude_asked", texts, program, asked, seconds)
    return [Result(*one) for one in found]


def inside(
    module: str, files: dict[str, str], program: str, asked: list[ClientRequest], seconds: float
) -> list[list[Any]]:
    """What a module prints as JSON that is run behind walls, with a job on its standard input."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "bwrap",
            "--unshare-all",
            "--die-with-parent",
            "--new-session",
            "--uid",
            "1000",
            "--gid",
            "1000",
            "--tmpfs",
            "/",
        ]
        for name in sorted(set(os.listdir("/")) - _OWN):
            place = f"/{name}"
            words += ["--symlink", os.readlink(place), place] if os.path.islink(place) else ["--ro-bind", place, place]
        words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", f"{WORKSPACE}/.claude", "--dir", HOME]
        words += [word for place in FOLDERS for word in ("--dir", place)]
        words += ["--ro-bind", sys.base_prefix, sys.base_prefix, "--ro-bind", str(ROOT), str(ROOT)]
        for name in _ETC:
            words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        for i, (name, text) in enumerate(files.items()):
            own = Path(folder, str(i))
            own.write_text(text)
            words += ["--ro-bind", str(own), os.path.join(WORKSPACE, name.replace("~", HOME, 1))]
        job = {"program": program, "asked": [[one.action, one.resource] for one in asked], "seconds": seconds}
        words += [
            "--clearenv",
            "--setenv",
            "PATH",
            os.environ["PATH"],
            "--setenv",
            "HOME",
            HOME,
            "--setenv",
            "SHELL",
            "/bin/bash",
        ]
        words += ["--chdir", str(ROOT), "--", sys.executable, "-m", module]
        done = subprocess.run(
            words, input=json.dumps(job).encode(), capture_output=True, timeout=seconds + 30, check=False
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()[-3000:]
        found: list[list[Any]] = json.loads(done.stdout)
        return found


def _startable(text: str) -> str:
    """Settings without what keeps a session without an account from starting, and a sandbox that starts in another."""
    try:
        given = json.loads(text)
    except ValueError:
        return text
    given = {key: value for key, value in given.items() if key not in _LOGIN}
    if isinstance(given.get("sandbox"), dict):
        given["sandbox"] = {**given["sandbox"], "enableWeakerNestedSandbox": True}
    return json.dumps(given)


def _call(one: ClientRequest) -> Call:
    """A request as a call of a tool."""
    if one.action == "run":
        return "Bash", {"command": one.resource, "description": "d", "timeout": 2000}
    if one.action == "read":
        return "Read", {"file_path": one.resource}
    if one.action == "write":
        return "Write", {"file_path": one.resource, "content": "x"}
    if one.action == "connect":
        return "WebFetch", {"url": one.resource, "prompt": "p"}
    server, _, tool = one.resource.partition(".")
    return f"mcp__{server}__{tool}", {}


def _inside() -> None:
    job = json.load(sys.stdin)
    asked = [ClientRequest(*one) for one in job["asked"]]
    subprocess.run(["git", "init", "-q", WORKSPACE], check=True)
    projects = {WORKSPACE: {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}}
    Path(HOME, ".claude.json").write_text(json.dumps({"hasCompletedOnboarding": True, "projects": projects}))
    Path(_SERVERS).write_text(json.dumps({"mcpServers": _servers(asked)}))
    marks: list[int] = []

    def calls() -> Iterator[Call]:
        for one in asked:
            clean()
            marks.append(len(said))
            yield _call(one)
            if one.action == "run" and "cd" in one.resource:
                yield "Bash", {"command": f"cd {WORKSPACE}", "description": "back"}

    said: list[tuple[str, str]] = []
    client = client_of("claude")
    assert client.rehearsal is not None
    _, more = client.rehearsal.command("")

    def command(address: str) -> tuple[list[str], dict[str, str]]:
        flags = [
            "--output-format",
            "stream-json",
            "--verbose",
            "--strict-mcp-config",
            "--mcp-config",
            _SERVERS,
            "-p",
            "go",
        ]
        return ["claude", *flags], {**more, "ANTHROPIC_BASE_URL": address, "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1"}

    def reply(path: str, body: dict[str, object], left: Iterator[Call]) -> bytes:
        if "count_tokens" in path:
            return b'{"input_tokens":1}'
        if not body.get("tools"):
            return messages_turn(body, None)
        said.append(_last_result(body))
        return messages_turn(body, next(left, None))

    played = copy.copy(client)
    played.rehearsal = copy.copy(client.rehearsal)
    played.rehearsal.command, played.rehearsal.reply = command, reply
    made = rehearse(played, calls(), WORKSPACE, path=job["program"], seconds=job["seconds"])
    if len(marks) != len(asked) or marks[-1] >= len(said):
        sys.exit(f"{len(marks)} of {len(asked)} calls were made: {made.printed}")
    ends = [json.loads(line) for line in made.printed.splitlines() if '"permission_denials":[' in line]
    refused = {one["tool_use_id"] for end in ends for one in end["permission_denials"]}
    json.dump([(text, name in refused) for name, text in (said[mark] for mark in marks)], sys.stdout)


def _last_result(body: dict[str, object]) -> tuple[str, str]:
    """The call and the text of the newest result in a turn; empty in the first."""
    messages = body.get("messages")
    assert isinstance(messages, list)
    for message in reversed(messages):
        content = message["content"]
        for block in reversed(content if isinstance(content, list) else []):
            if block.get("type") == "tool_result":
                text = block.get("content")
                return block["tool_use_id"], text if isinstance(text, str) else json.dumps(text)
    return "", ""


def _servers(asked: list[ClientRequest]) -> dict[str, object]:
    tools: dict[str, list[str]] = {}
    for one in asked:
        if one.action == "call":
            server, _, tool = one.resource.partition(".")
            tools.setdefault(server, []).append(tool)
    script = str(ROOT / "tests/agents/mcp_server.py")
    return {name: {"command": sys.executable, "args": [script, *given]} for name, given in tools.items()}


def clean() -> None:
    """Take away what calls before have left: a file that is there is read before it is written."""
    for folder in (WORKSPACE, HOME, "/tmp"):
        for name in os.listdir(folder):
            place = os.path.join(folder, name)
            if name.startswith(_KEPT) or place in FOLDERS:
                continue
            with contextlib.suppress(OSError):
                shutil.rmtree(place) if os.path.isdir(place) else os.unlink(place)


if __name__ == "__main__":
    _inside()
