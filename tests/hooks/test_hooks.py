"""Each client's hook input to its answer, by a compiled policy and by the service; every fault is a denial."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_lang.pep.clients import NAMES
from policy_lang.pep.clients import client as client_of
from policy_lang.pep.hook import plain_denial
from policy_lang.pep.payload import HookContext
from tests.service.support import Running, service

from .support import HOOK, POLICY, Answer, hook, workspace

FOLDER = Path(__file__).parent / "payloads"


def cases() -> list[tuple[str, int, dict[str, Any]]]:
    out = []
    for client in NAMES:
        for number, line in enumerate((FOLDER / f"{client}.jsonl").read_text().splitlines(), 1):
            out.append((client, number, json.loads(line)))
    return out


def filled(client: str, case: dict[str, Any], ws: Path) -> dict[str, Any]:
    text = json.dumps({"cwd": str(ws), **client_of(client).common, **case}).replace("{ws}", str(ws))
    made: dict[str, Any] = json.loads(text)
    for name in ("want", "says"):
        made.pop(name, None)
    return made


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace(tmp_path_factory.mktemp("hooks"))


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with service(POLICY) as one:
        yield one


@pytest.mark.parametrize(
    ("client", "number", "case"),
    cases(),
    ids=lambda v: v if isinstance(v, str) else str(v) if isinstance(v, int) else "",
)
def test_recorded_input(client: str, number: int, case: dict[str, Any], ws: Path, running: Running) -> None:
    payload = filled(client, case, ws)
    for decider in (("--policy", str(ws.parent / "p.plc")), ("--socket", running.socket)):
        answer = hook(client, payload, *decider, "--prompt", "review", cwd=ws)
        assert answer.verdict == case["want"], (decider, answer)
        if answer.verdict == "deny":
            assert answer.code == 2
            assert answer.err.strip()
            assert case.get("says", "") in answer.err
            check_denial(client, payload, answer)


RECORDED = [
    (client, json.loads(line))
    for client in NAMES
    if client_of(client).tried
    for line in (FOLDER.parent / "recorded" / f"{client}.jsonl").read_text().splitlines()
]
"""What the real programs sent, in the versions that their records name. Names of sessions are replaced."""


@pytest.mark.parametrize(("client", "payload"), RECORDED, ids=range(len(RECORDED)))
def test_what_the_real_programs_sent_is_understood(client: str, payload: dict[str, Any], tmp_path: Path) -> None:
    """Under a policy that grants everything each is allowed, so nothing in it is unknown; an empty one denies what is asked."""
    everything = 'policy "all"\nallow read, write, delete "/", "./", "~/"\nallow run "**", opaque\nallow connect "**:*"\nallow do "**"\nallow call "**"\n'
    for text, verdict in ((everything, "allow"), ('policy "none"\n', "deny")):
        folder = tmp_path / verdict
        folder.mkdir()
        ws = workspace(folder, text)
        given = json.loads(json.dumps(payload).replace("{ws}", str(ws)))
        answer = hook(client, given, "--policy", str(folder / "p.plc"), cwd=ws)
        harmless = not client_of(client).questions(given, HookContext(str(ws), str(ws), "/home/agent"))
        assert answer.verdict == ("allow" if harmless else verdict), answer


def documented(client: str, why: str) -> dict[str, object]:
    """A denial in the form that the client's own documentation gives."""
    before = {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": why}
    texts = ("user_message", "agent_message", "userMessage", "agentMessage")
    forms: dict[str, dict[str, object]] = {
        "claude": {"hookSpecificOutput": before},
        "codex": {"hookSpecificOutput": before},
        "qwen": {"hookSpecificOutput": before},
        "goose": {"decision": "block", "reason": why},
        "gemini": {"decision": "deny", "reason": why},
        "copilot": {"permissionDecision": "deny", "permissionDecisionReason": why},
        "cursor": {"permission": "deny", **dict.fromkeys(texts, why)},
        "opencode": {"decision": "deny", "reason": why},
    }
    return forms[client]


def check_denial(client: str, payload: dict[str, Any], answer: Answer) -> None:
    """The JSON form says no as well, for a client that looks there."""
    why = answer.err.rstrip("\n")
    if payload.get("hook_event_name") == "PermissionRequest":
        decision = {"behavior": "deny", "message": why}
        assert answer.said == {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}}
    else:
        assert answer.said == documented(client, why)


@pytest.mark.parametrize("client", NAMES)
def test_a_denial_without_the_package_has_the_same_form(client: str) -> None:
    assert json.loads(plain_denial(client, "why")) == documented(client, "why")


def test_an_approval_is_a_prompt_only_where_that_is_certain(ws: Path) -> None:
    plc = ("--policy", str(ws.parent / "p.plc"))
    payload = filled(
        "claude", {"tool_name": "Write", "tool_input": {"file_path": "{ws}/package.json", "content": ""}}, ws
    )
    assert hook("claude", payload, *plc, "--prompt", "review", cwd=ws).verdict == "ask"
    assert hook("claude", payload, *plc, cwd=ws).verdict == "deny"  # nobody said that a prompt may stand for this tier
    assert hook("claude", payload, *plc, "--prompt", "other", cwd=ws).verdict == "deny"
    for mode in ("bypassPermissions", "dontAsk", "auto", "new", None):
        answer = hook("claude", {**payload, "permission_mode": mode}, *plc, "--prompt", "review", cwd=ws)
        assert answer.verdict == "deny"
        assert "needs the approval `review`" in answer.err


def test_the_workspace_is_not_the_agents_choice(ws: Path) -> None:
    plc = ("--policy", str(ws.parent / "p.plc"))
    read = {"tool_name": "Bash", "tool_input": {"command": "cat src/app.ts"}}
    away = {**filled("claude", read, ws), "cwd": "/tmp"}
    assert hook("claude", away, *plc, cwd=ws).verdict == "deny"
    assert (
        hook("claude", filled("claude", read, ws), *plc, CLAUDE_PROJECT_DIR=str(ws), cwd=Path("/tmp")).verdict
        == "allow"
    )
    assert hook("claude", filled("claude", read, ws), *plc, "--workspace", str(ws), cwd=Path("/tmp")).verdict == "allow"
    assert (
        hook(
            "claude", filled("claude", read, ws), *plc, "--workspace", "/usr", CLAUDE_PROJECT_DIR=str(ws), cwd=ws
        ).verdict
        == "deny"
    )
    assert "whole disk" in hook("claude", filled("claude", read, ws), *plc, cwd=Path("/")).err
    for place in ("/", "//", "/.", "/usr/..", "/proc/self/root"):
        assert "whole disk" in hook("claude", filled("claude", read, ws), *plc, "--workspace", place, cwd=ws).err
    assert hook("claude", filled("claude", read, ws), *plc, HOME="", cwd=ws).verdict == "deny"


ALLOWED = {"tool_name": "Bash", "tool_input": {"command": "git status"}}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b"\xff", b'{"tool_name":"TodoWrite","tool_name":"TodoWrite","tool_input":{}}', b"[" * 100_000,
        b'{"a":' * 100_000, b'{"tool_name":"TodoWrite","tool_input":{},"x":NaN}', b'{"tool_name":"TodoWrite","tool_input":{}} x',
        b'{"tool_name":"\\ud800","tool_input":{}}', b'{"tool_name":"TodoWrite","tool_input":[]}', b'{"tool_name":1,"tool_input":{}}',
        b"x" * (9 << 20),
    ],
    ids=range(14),
)  # fmt: skip
@pytest.mark.parametrize("client", NAMES)
def test_bad_input_denies(client: str, data: bytes, ws: Path) -> None:
    answer = hook(client, data, "--policy", str(ws.parent / "p.plc"), cwd=ws)
    assert (answer.code, answer.verdict) == (2, "deny")
    assert answer.err.startswith("denied: ")
    assert "deny" in answer.out or '"block"' in answer.out


@pytest.mark.parametrize(
    "options",
    [
        (), ("--policy",), ("--policy", "/nowhere/p.plc"), ("--policy", "/dev/null"), ("--policy", "/"), ("--socket", "/nowhere/s"),
        ("--socket", "/dev/null"), ("--socket", "x" * 300), ("--policy", "{plc}", "--socket", "/s"), ("--policy", "{plc}", "--polcy", "x"),
        ("--policy", "{plc}", "--timeout", "0"), ("--policy", "{plc}", "--timeout", "x"), ("--policy", "{plc}", "--policy", "{plc}"),
        ("--policy", "{plc}", "--workspace", "relative"),
    ],
    ids=range(14),
)  # fmt: skip
def test_a_bad_call_denies(options: tuple[str, ...], ws: Path) -> None:
    given = [o.replace("{plc}", str(ws.parent / "p.plc")) for o in options]
    answer = hook("claude", filled("claude", ALLOWED, ws), *given, cwd=ws)
    assert (answer.code, answer.verdict) == (2, "deny")
    assert answer.err.startswith("denied: ")


def test_an_unknown_client_is_stopped_by_the_exit_code(ws: Path) -> None:
    assert hook("nobody", filled("claude", ALLOWED, ws), "--policy", str(ws.parent / "p.plc"), cwd=ws).code == 2
    assert hook("../claude", filled("claude", ALLOWED, ws), "--policy", str(ws.parent / "p.plc"), cwd=ws).code == 2


def test_a_damaged_policy_denies(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    plc = tmp_path / "p.plc"
    payload = filled("claude", ALLOWED, ws)
    assert hook("claude", payload, "--policy", str(plc), cwd=ws).verdict == "allow"
    good = plc.read_bytes()
    for data in (good[:-1], good[:100], b"", good[:5000] + bytes([good[5000] ^ 1]) + good[5001:], b"x" * 4096):
        plc.write_bytes(data)
        assert "PLE005" in hook("claude", payload, "--policy", str(plc), cwd=ws).err
    plc.write_bytes(good)
    plc.chmod(0o666)
    assert "everyone can write it" in hook("claude", payload, "--policy", str(plc), cwd=ws).err


def test_a_changed_source_stops_nobody_and_changes_nothing(tmp_path: Path) -> None:
    """What was compiled stays in force, and says so, whatever becomes of the source."""
    ws = workspace(tmp_path)
    source, log = tmp_path / "p.policy", tmp_path / "log"
    options = ("--policy", str(tmp_path / "p.plc"), "--log", str(log))
    granted, denied = filled("claude", ALLOWED, ws), {"tool_name": "Bash", "tool_input": {"command": "git push"}}
    weak = 'policy "p"\nallow read "**"\nallow run "**"\n'

    def gone() -> None:
        source.unlink()

    def pipe() -> None:
        os.mkfifo(source)

    def link() -> None:
        source.unlink()
        source.symlink_to("/dev/zero")

    changes = (lambda: None, lambda: source.write_text(weak), lambda: source.write_text("allow raed"), gone, pipe, link)
    for change, said in zip(
        changes, ("", "has changed", "has changed", "is gone", "cannot be read", "cannot be read"), strict=True
    ):
        change()
        answers = [hook("claude", filled("claude", one, ws), *options, cwd=ws) for one in (granted, denied)]
        assert [a.verdict for a in answers] == ["allow", "deny"]
        assert said in answers[1].err and ("policy compile" in answers[1].err) == bool(said)
        record = json.loads((log / "00000001.jsonl").read_text().splitlines()[-1])
        assert record["source"].get("stale", False) == bool(said)


class Impostor:
    """Listens on a socket and answers whatever it is told to."""

    def __init__(self, path: str, reply: bytes, wait: float = 0) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.reply, self.wait = reply, wait
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                time.sleep(self.wait)
                try:
                    connection.sendall(self.reply)
                except OSError:
                    continue


def framed(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


GOOD: dict[str, Any] = {
    "effect": "allow", "tiers": [], "rules": [], "reasons": [], "effects": [], "opaque": [], "obligations": [], "policy_digest": "", "decision_id": "",
}  # fmt: skip


def batch(**changes: Any) -> bytes:
    made = {**GOOD, **changes}
    return framed(json.dumps({"decisions": [{k: v for k, v in made.items() if v is not ...}]}).encode())


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (batch(), "allow"), (batch(effect="Allow"), "deny"), (batch(effect="allowed"), "deny"), (batch(effect=True), "deny"),
        (batch(effect=...), "deny"), (batch(tiers=["review"]), "deny"), (batch(effect="ask"), "deny"), (batch(more=1), "deny"),
        (batch(policy_digest=...), "deny"), (batch(obligations=["log"]), "allow"), (batch(obligations=["watermark"]), "deny"),
        (batch(reasons="x"), "deny"), (batch(effects={}), "deny"), (b"", "deny"), (b"HTTP/1.1 200 OK\r\n\r\n", "deny"),
        (framed(b'{"decisions":[]}'), "deny"), (framed(b"[]"), "deny"), (framed(b'{"effect":"allow"}'), "deny"),
        (framed(json.dumps({"decisions": [GOOD, GOOD]}).encode()), "deny"), (batch() + b"x", "deny"), (batch()[:-3], "deny"),
        (batch().replace(b"200 OK", b"500 OK"), "deny"), (batch().replace(b"HTTP/1.1", b"HTTP/1.0"), "deny"),
        (batch().replace(b"content-length", b"transfer-encoding: chunked\r\ncontent-length"), "deny"),
        (batch().replace(b"\r\ncontent-length", b"\r\ncontent-length: 5\r\ncontent-length"), "deny"), (b"x" * 100_000, "deny"),
        (framed(b'{"decisions":[{"error":{"code":"PLR201","message":"no"},"effect":"deny"}]}'), "deny"),
        (batch().replace(b'{"decisions"', b'{"decisions":[],"decisions"').replace(b"content-length: ", b"content-length: 1"), "deny"),
    ],
    ids=range(28),
)  # fmt: skip
def test_whatever_the_service_answers(reply: bytes, verdict: str, ws: Path, tmp_path: Path) -> None:
    place = str(tmp_path / "s")
    impostor = Impostor(place, reply)
    try:
        answer = hook("claude", filled("claude", ALLOWED, ws), "--socket", place, cwd=ws)
        assert answer.verdict == verdict, answer
    finally:
        impostor.listener.close()


def test_a_service_that_does_not_answer_is_given_up_in_time(ws: Path, tmp_path: Path) -> None:
    place = str(tmp_path / "s")
    impostor = Impostor(place, batch(), wait=20)
    try:
        began = time.monotonic()
        answer = hook("claude", filled("claude", ALLOWED, ws), "--socket", place, "--timeout", "0.6", cwd=ws)
        assert answer.verdict == "deny"
        assert time.monotonic() - began < 5
    finally:
        impostor.listener.close()


def test_input_that_never_ends_is_given_up_in_time(ws: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", HOOK, "codex", "--policy", ws.parent / "p.plc", "--timeout", "0.5"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.wait(10) == 2
        assert process.stdout is not None
        assert b'"deny"' in process.stdout.read()
    finally:
        process.kill()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.mark.parametrize("call", [ALLOWED, b"no JSON at all"], ids=["allowed", "denied"])
def test_an_answer_that_nobody_reads_is_a_denial_in_time(ws: Path, call: Any) -> None:
    """The pipe is full before the hook begins; it ends by itself, with the code of a denial."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, b"x" * 4096)
    os.set_blocking(write, True)
    data = call if isinstance(call, bytes) else filled("claude", call, ws)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", HOOK, "claude", "--policy", ws.parent / "p.plc", "--timeout", "0.5"],
        stdin=subprocess.PIPE, stdout=write, stderr=write, cwd=ws,
    )  # fmt: skip
    try:
        assert process.stdin is not None
        process.stdin.write(data if isinstance(data, bytes) else json.dumps(data).encode())
        process.stdin.close()
        assert process.wait(10) == 2
    finally:
        process.kill()
        process.wait(10)
        os.close(read)
        os.close(write)


def test_a_foreign_service_is_not_asked(ws: Path, tmp_path: Path) -> None:
    place = str(tmp_path / "s")
    impostor = Impostor(place, batch())
    try:
        answer = hook("claude", filled("claude", ALLOWED, ws), "--socket", place, "--owner", "12345", cwd=ws)
        assert answer.verdict == "deny"
        assert "which is not the service's" in answer.err
    finally:
        impostor.listener.close()


def test_a_killed_service_means_no(ws: Path) -> None:
    with service(POLICY) as running:
        payload = filled("codex", ALLOWED, ws)
        assert hook("codex", payload, "--socket", running.socket, cwd=ws).verdict == "allow"
        running.process.send_signal(signal.SIGKILL)
        running.process.wait(5)
        answer = hook("codex", payload, "--socket", running.socket, cwd=ws)
        assert (answer.code, "cannot be reached" in answer.err) == (2, True)


def loaded(ws: Path, *decider: str) -> tuple[int, set[str]]:
    """How a hook ends that is asked about a path, and all that it had imported by then."""
    script = (
        "import sys, posix\n"
        "real = posix._exit\n"
        "def leave(status):\n"
        "    posix.write(2, b'\\n' + ' '.join(sorted(sys.modules)).encode())\n"
        "    real(status)\n"
        "posix._exit = leave\n"
        f"sys.argv = ['hook', 'claude', *{decider!r}]\n"
        f"code = compile(open({str(HOOK)!r}).read(), {str(HOOK)!r}, 'exec')\n"
        f"exec(code, {{'__name__': '__main__', '__file__': {str(HOOK)!r}}})\n"
    )
    payload = filled("claude", {"tool_name": "Read", "tool_input": {"file_path": "{ws}/src/app.ts"}}, ws)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], input=json.dumps(payload).encode(), capture_output=True, check=False, cwd=ws,
        env={"HOME": "/home/agent", "CLAUDE_PROJECT_DIR": str(ws)}, timeout=20,
    )  # fmt: skip
    return done.returncode, set(done.stderr.decode().splitlines()[-1].split())


HEAVY = {
    "asyncio", "click", "collections", "dataclasses", "enum", "functools", "importlib", "inspect", "json", "lark", "pathlib", "pydantic", "re",
    "runpy", "socket", "typing",
}  # fmt: skip


def test_it_loads_little(ws: Path) -> None:
    """What a path's decision imports, so that nobody makes it heavy without noticing."""
    code, names = loaded(ws, "--policy", str(ws.parent / "p.plc"))
    assert code == 0
    assert not HEAVY & names
    assert "policy_lang.engine.pdp" in names
    assert not any(n.startswith(("policy_lang.shell.", "policy_lang.syntax", "policy_lang.compiler")) for n in names)


def test_asking_the_service_loads_next_to_nothing(ws: Path) -> None:
    """Its own client's module and no other's; not the table of limits, and nothing that decides."""
    code, names = loaded(ws, "--socket", "/nowhere")
    assert code == 2
    assert not HEAVY & names
    ours = {name.removeprefix("policy_lang").lstrip(".") for name in names if name.startswith("policy_lang")}
    assert ours == {
        "", "domain", "domain.actions", "domain.faults", "domain.strict_json", "pep", "pep.channel", "pep.clients", "pep.clients.base",
        "pep.clients.claude", "pep.content", "pep.deciders", "pep.enforce", "pep.payload", "pep.questions",
    }  # fmt: skip


def test_the_agents_folder_and_variables_change_nothing(ws: Path, tmp_path: Path) -> None:
    for name in ("policy_lang.py", "time.py", "posix.py", "_json.py", "sitecustomize.py"):
        (tmp_path / name).write_text("import os; os._exit(0)")
    payload = filled("claude", {"tool_name": "Bash", "tool_input": {"command": "rm -rf ~"}}, ws)
    answer = hook(
        "claude", payload, "--policy", str(ws.parent / "p.plc"), "--workspace", str(ws), cwd=tmp_path, PYTHONPATH=str(tmp_path),
        PYTHONSTARTUP=str(tmp_path / "time.py"), PYTHONHOME="",
    )  # fmt: skip
    assert answer.verdict == "deny"
    assert "denied by policy" in answer.err


def test_a_sessions_token_says_who_asks(ws: Path, tmp_path: Path) -> None:
    from tests.service.test_service import OTHER, bearer, configured

    text = POLICY.replace('allow run "git status"', 'agent "a" { allow run "git status" }\nallow run "nothing"')
    with service(text, "--config", "{folder}/serve.toml", prepare=configured) as running:
        reply = running.call("POST", "/v1/sessions/start", {"agent": "a", "workspace": str(ws)}, **bearer(OTHER))[1]
        (tmp_path / "token").write_text(reply["token"])
        options = ("--socket", running.socket, "--token-file", str(tmp_path / "token"))
        payload = filled("claude", ALLOWED, ws)
        assert hook("claude", payload, *options, cwd=ws).verdict == "allow"
        elsewhere = hook("claude", payload, *options, "--workspace", "/usr", cwd=ws)
        assert (elsewhere.verdict, "PLR203" in elsewhere.err) == ("deny", True)
        running.call("POST", "/v1/sessions/end", {"session": reply["session"]}, **bearer(OTHER))
        ended = hook("claude", payload, *options, cwd=ws)
        assert (ended.verdict, "PLR201" in ended.err) == ("deny", True)
        assert hook("claude", payload, "--socket", running.socket, "--token-file", "/nowhere", cwd=ws).verdict == "deny"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"tool_name": "Bash", "tool_input": {"command": "git log"}},
         "`log` is not granted behind `git`: keep to run `git status`, which a rule grants, or ask a person to allow run `git log`"),
        ({"tool_name": "Write", "tool_input": {"file_path": "{ws}/lib/x", "content": "x"}}, "ask a person to allow write `lib/x`"),
        ({"tool_name": "WebFetch", "tool_input": {"url": "http://docs.example/a", "prompt": "x"}},
         "port 80 is not granted there, 443 is: keep to connect `docs.example`, which a rule grants"),
    ],
)  # fmt: skip
def test_a_denial_tells_the_agent_what_it_can_do(call: dict[str, Any], said: str, ws: Path, running: Running) -> None:
    for decider in (("--policy", str(ws.parent / "p.plc")), ("--socket", running.socket)):
        answer = hook("claude", filled("claude", call, ws), *decider, cwd=ws)
        assert answer.verdict == "deny"
        assert said in answer.err
        assert said in answer.said["hookSpecificOutput"]["permissionDecisionReason"]


def test_where_a_rule_denies_nothing_else_is_offered(ws: Path, running: Running) -> None:
    call = {"tool_name": "Write", "tool_input": {"file_path": "{ws}/.git/hooks/x", "content": "x"}}
    for decider in (("--policy", str(ws.parent / "p.plc")), ("--socket", running.socket)):
        answer = hook("claude", filled("claude", call, ws), *decider, cwd=ws)
        assert answer.verdict == "deny"
        assert "ask a person" not in answer.err
