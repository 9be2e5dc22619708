"""A real client with a model that only reads from a script: what the client then does shows whether its hook holds.

The model answers on loopback, in the client's own protocol, with one tool call after the other; no account is needed.
Shapes were read from the clients' traffic (Codex CLI 0.169, Claude Code 2.1, Gemini CLI 0.61).
"""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Call = tuple[str, Any]
"""A tool's name and its arguments; for `apply_patch` of Codex the patch itself."""

CLIENTS = ("claude", "codex", "gemini")
_KEY = "no-key-is-needed"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How the client ended, what it printed, and what it sent to the model, one body a turn."""

    code: int
    printed: str
    turns: tuple[str, ...]


def program(client: str) -> str | None:
    """The client's program, if it is installed."""
    return shutil.which(client)


def rehearse(
    client: str,
    calls: Iterable[Call],
    folder: str,
    seconds: float = 90,
    path: str | None = None,
    flags: Sequence[str] = (),
    **env: str,
) -> Rehearsal:
    """Run the client in a folder with a model that makes these calls, one after the other.

    `path` is its program, `flags` are given to it besides. Raises OSError when it cannot be started.
    """
    with _model(_ANSWERS[client], calls) as (port, turns), _own_folder() as own:
        # Gemini CLI asks how to sign in unless some settings say it; these are the weakest of all, and it wants them
        # where nobody else can write on the way
        defaults = os.path.join(own, "defaults.json")
        with open(defaults, "w", encoding="utf-8") as stream:
            stream.write('{"security":{"auth":{"selectedType":"gemini-api-key"}}}')
        words, more = _COMMANDS[client](f"http://127.0.0.1:{port}")
        words[0] = path or program(client) or client
        words[-1:-1] = flags
        given = {**os.environ, "GEMINI_CLI_SYSTEM_DEFAULTS_PATH": defaults, **more, **env}
        try:
            done = subprocess.run(
                words, cwd=folder, env=given, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=seconds,
            )  # fmt: skip
            code, printed = done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")
        except subprocess.TimeoutExpired as error:
            code, printed = -1, f"no end within {seconds} seconds: {(error.stdout or b'')[-500:]!r}"
        return Rehearsal(code, printed, tuple(turns))


def _own_folder() -> tempfile.TemporaryDirectory[str]:
    home = os.path.expanduser("~")
    return tempfile.TemporaryDirectory(prefix=".policy-lang-", dir=home if os.access(home, os.W_OK) else None)


@contextmanager
def _model(
    answer: Callable[[str, dict[str, Any], Iterator[Call]], bytes], calls: Iterable[Call]
) -> Iterator[tuple[int, list[str]]]:
    turns: list[str] = []
    left = iter(calls)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

        def _send(self, body: bytes) -> None:
            self.send_response(200)
            kind = "text/event-stream" if body.startswith((b"event:", b"data:")) else "application/json"
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            """Lists of models and the like."""
            self._send(b'{"models":[],"data":[]}')

        def do_HEAD(self) -> None:
            """Only asked whether somebody is there."""
            self._send(b"")

        def do_POST(self) -> None:
            """One turn."""
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            try:
                value = json.loads(body)
            except ValueError:
                value = {}
            turns.append(body.decode("utf-8", "replace"))
            self._send(answer(self.path, value if isinstance(value, dict) else {}, left))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], turns
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _events(events: list[dict[str, Any]]) -> bytes:
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events).encode()


def _codex(path: str, value: dict[str, Any], left: Iterator[Call]) -> bytes:  # noqa: ARG001
    call = next(left, None)
    item: dict[str, Any]
    if call is None:
        item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]}
    elif call[0] == "apply_patch":
        item = {"type": "custom_tool_call", "name": call[0], "input": call[1]}
    else:
        item = {"type": "function_call", "name": call[0], "arguments": json.dumps(call[1])}
    name = os.urandom(6).hex()
    usage = {
        "input_tokens": 1,
        "input_tokens_details": None,
        "output_tokens": 1,
        "output_tokens_details": None,
        "total_tokens": 2,
    }
    return _events([
        {"type": "response.created", "response": {"id": name}},
        {"type": "response.output_item.done", "item": {**item, "id": f"i-{name}", "call_id": f"c-{name}"}},
        {"type": "response.completed", "response": {"id": name, "usage": usage}},
    ])  # fmt: skip


def _claude(path: str, value: dict[str, Any], left: Iterator[Call]) -> bytes:
    if "count_tokens" in path:
        return b'{"input_tokens":1}'
    tools = {t.get("name") for t in value.get("tools") or [] if isinstance(t, dict)}
    call = next(left, None) if "Bash" in tools else None  # other turns only ask for a title
    block: dict[str, Any] = {"type": "text", "text": "done"}
    if call is not None:
        block = {"type": "tool_use", "id": f"toolu_{os.urandom(6).hex()}", "name": call[0], "input": call[1]}
    stop = "end_turn" if call is None else "tool_use"
    message = {
        "id": "m", "type": "message", "role": "assistant", "model": value.get("model"), "content": [block], "stop_reason": stop,
        "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    if not value.get("stream"):
        return json.dumps(message).encode()
    delta = {"type": "text_delta", "text": "done"}
    if call is not None:
        delta = {"type": "input_json_delta", "partial_json": json.dumps(call[1])}
    empty = {**block, "text": ""} if call is None else {**block, "input": {}}
    return _events([
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": delta}, {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ])  # fmt: skip


def _gemini(path: str, value: dict[str, Any], left: Iterator[Call]) -> bytes:
    if "countTokens" in path:
        return b'{"totalTokens":1}'
    call = next(left, None) if value.get("tools") else None
    part: dict[str, Any] = {"text": "done" if value.get("tools") else "{}"}
    if call is not None:
        part = {"functionCall": {"name": call[0], "args": call[1], "id": os.urandom(6).hex()}}
    answer = {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}, "modelVersion": "none",
    }  # fmt: skip
    text = json.dumps(answer)
    return (f"data: {text}\n\n" if "stream" in path else text).encode()


_ANSWERS: dict[str, Callable[[str, dict[str, Any], Iterator[Call]], bytes]] = {
    "codex": _codex,
    "claude": _claude,
    "gemini": _gemini,
}


def _codex_command(base: str) -> tuple[list[str], dict[str, str]]:
    settings = {
        "model_provider": "rehearsal", "model_providers.rehearsal.name": "rehearsal", "model_providers.rehearsal.base_url": f"{base}/v1",
        "model_providers.rehearsal.wire_api": "responses",
    }  # fmt: skip
    words = ["codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "-m", "gpt-5.5"]
    for name, text in settings.items():
        words += ["-c", f"{name}={json.dumps(text)}"]
    return [*words, "go"], {}


def _claude_command(base: str) -> tuple[list[str], dict[str, str]]:
    # not `bypassPermissions`: it is refused to root; a hook decides in every mode
    words = ["claude", "-p", "go", "--permission-mode", "acceptEdits", "--allowedTools", "Bash,Read,Write,Edit"]
    return words, {
        "ANTHROPIC_BASE_URL": base, "ANTHROPIC_API_KEY": _KEY, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }  # fmt: skip


def _gemini_command(base: str) -> tuple[list[str], dict[str, str]]:
    words = ["gemini", "--yolo", "-m", "gemini-2.5-pro", "-p", "go"]
    return words, {
        "GOOGLE_GEMINI_BASE_URL": base, "GEMINI_API_KEY": _KEY, "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }  # fmt: skip


_COMMANDS: dict[str, Callable[[str], tuple[list[str], dict[str, str]]]] = {
    "codex": _codex_command,
    "claude": _claude_command,
    "gemini": _gemini_command,
}
