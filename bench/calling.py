"""The calls of a task as each client's hook gets them, and what the hook lets through.

A line of a case becomes the input that the client sends before it does this. Where a client has no tool for it, it is the nearest
that it has: Codex reads files by `cat` and fetches pages by `curl`, as Cursor does the latter; a todo list is the client's own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from policy_lang.pep import hook
from policy_lang.pep.clients import NAMES
from policy_lang.pep.clients import client as client_of

Payload = dict[str, object]


def _nested(tool: str, **given: object) -> Payload:
    return {"tool_name": tool, "tool_input": given}


def _claude(action: str, text: str, root: str) -> Payload:  # noqa: ARG001
    if action == "call":
        return _nested("mcp__" + text.replace(".", "__", 1))
    return {
        "run": lambda: _nested("Bash", command=text, description="d"),
        "read": lambda: _nested("Read", file_path=text),
        "write": lambda: _nested("Write", file_path=text, content="x"),
        "connect": lambda: _nested("WebFetch", url=text, prompt="what does it say?"),
        "do": lambda: _nested("TodoWrite", todos=[]),
    }[action]()


def _codex(action: str, text: str, root: str) -> Payload:
    relative = os.path.relpath(text, root) if text.startswith(f"{root}/") else text
    if action == "write":
        change = f"Update File: {relative}\n@@\n-x\n+y" if os.path.exists(text) else f"Add File: {relative}\n+x"
        return _nested("apply_patch", command=f"*** Begin Patch\n*** {change}\n*** End Patch")
    if action in {"do", "call"}:
        return _nested("update_plan", plan=[]) if action == "do" else _claude(action, text, root)
    return _nested("Bash", command={"run": text, "read": f"cat {relative}", "connect": f"curl -sL {text}"}[action])


def _gemini(action: str, text: str, root: str) -> Payload:  # noqa: ARG001
    if action == "call":
        server, _, tool = text.partition(".")
        return {**_nested(f"mcp_{server}_{tool}"), "mcp_context": {"server_name": server, "tool_name": tool}}
    return {
        "run": lambda: _nested("run_shell_command", command=text, description="d"),
        "read": lambda: _nested("read_file", file_path=text),
        "write": lambda: _nested("write_file", file_path=text, content="x"),
        "connect": lambda: _nested("web_fetch", prompt=f"what does {text} say?"),
        "do": lambda: _nested("write_todos", todos=[]),
    }[action]()


def _copilot(action: str, text: str, root: str) -> Payload:  # noqa: ARG001
    tool, given = {
        "run": ("bash", {"command": text, "description": "d"}), "read": ("view", {"path": text}),
        "write": ("create", {"path": text, "file_text": "x"}), "connect": ("web_fetch", {"url": text}),
        "do": ("update_todo", {}), "call": (text.replace(".", "-", 1), {}),
    }[action]  # fmt: skip
    return {"toolName": tool, "toolArgs": given}


def _cursor(action: str, text: str, root: str) -> Payload:
    roots: Payload = {"workspace_roots": [root]}
    if action == "call":
        server, _, tool = text.partition(".")
        return {**roots, "hook_event_name": "beforeMCPExecution", "server_name": server, "tool_name": tool}
    if action == "read":
        return {**roots, "hook_event_name": "beforeReadFile", "file_path": text, "content": "x"}
    if action in {"run", "connect"}:
        command = text if action == "run" else f"curl -sL {text}"
        return {**roots, "hook_event_name": "beforeShellExecution", "command": command}
    call = _nested("TodoWrite", todos=[]) if action == "do" else _nested("Write", file_path=text, content="x")
    return {**roots, "hook_event_name": "preToolUse", **call}


def _opencode(action: str, text: str, root: str) -> Payload:
    server, _, tool = text.partition(".")
    made = {
        "run": lambda: _nested("bash", command=text, description="d"),
        "read": lambda: _nested("read", filePath=text),
        "write": lambda: _nested("write", filePath=text, content="x"),
        "connect": lambda: _nested("webfetch", url=text, format="text"),
        "do": lambda: _nested("todowrite", todos=[]),
        "call": lambda: {**_nested(f"{server}_{tool}"), "mcp_servers": [server]},
    }[action]()
    return {"workspace_roots": [root], **made}


def _qwen(action: str, text: str, root: str) -> Payload:
    if action == "connect":
        return _nested("web_fetch", url=text, prompt="what does it say?")
    if action == "do":
        return _nested("todo_write", todos=[])
    return (_claude if action == "call" else _gemini)(action, text, root)


def _goose(action: str, text: str, root: str) -> Payload:
    made = {
        "run": lambda: _nested("shell", command=text),
        "read": lambda: _nested("read", path=text),
        "write": lambda: _nested("write", path=text, content="x"),
        "connect": lambda: _nested("shell", command=f"curl -sL {text}"),
        "do": lambda: _nested("todo__todo_write", content="x"),
        "call": lambda: _nested(text.replace(".", "__", 1)),
    }[action]()
    return {"working_dir": root, **made}


_FORMS: dict[str, Callable[[str, str, str], Payload]] = {
    "claude": _claude, "codex": _codex, "gemini": _gemini, "copilot": _copilot, "cursor": _cursor,
    "opencode": _opencode, "qwen": _qwen, "goose": _goose,
}  # fmt: skip
assert set(_FORMS) == set(NAMES)


def payload_of(client: str, line: str, root: Path, home: Path) -> Payload:
    """The input of a client's hook for a line of a case. Files are named in full, as clients do."""
    action, _, text = line.partition(" ")
    text = text.replace("/workspace", str(root)).replace("/home/agent", str(home))
    if action == "run":
        text = text.replace("\\n", "\n")
    elif action in {"read", "write"}:
        text = text.replace("~", str(home), 1) if text.startswith("~/") else os.path.join(root, text)
    elif action == "connect":
        text = text.partition(" ")[0]
    made = _FORMS[client](action, text, str(root))
    return {**client_of(client).common, "cwd": str(root), "permission_mode": "default", **made}


def answer(client: str, payload: Payload, compiled: Path, root: Path, home: Path) -> str:
    """What the hook answers to a call: `allow`, or that it is stopped. Its `main` runs in a process of its own, as installed."""
    told, said = os.pipe(), os.pipe()
    spec = client_of(client)
    child = os.fork()
    if child == 0:
        try:
            os.dup2(told[0], 0)
            os.dup2(said[1], 1)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            os.chdir(root)
            os.environ["HOME"] = str(home)
            if spec.workspace_variable:
                os.environ[spec.workspace_variable] = str(root)
            fixed = [] if spec.tells_workspace else ["--workspace", str(root)]
            sys.argv = ["hook.py", client, "--policy", str(compiled), "--timeout", "30", *fixed]
            hook.main()
        finally:
            os._exit(70)
    os.close(told[0])
    os.close(said[1])
    with open(told[1], "wb") as stream:
        stream.write(json.dumps(payload).encode())
    with open(said[0], "rb") as stream:
        out = stream.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in {0, 2}:
        raise RuntimeError(f"the hook of {client} ended with {code}")
    if code == 2:
        return "deny"
    value = json.loads(out) if out else {"permission": "allow"}
    value = value.get("hookSpecificOutput", value)
    return str(next(value[name] for name in ("permission", "permissionDecision", "decision") if name in value))


def answers(lines: list[str], compiled: Path, root: Path, home: Path) -> dict[str, list[tuple[str, str]]]:
    """Of each client, the lines of a task and what its hook answers."""
    return {
        client: [(line, answer(client, payload_of(client, line, root, home), compiled, root, home)) for line in lines]
        for client in NAMES
    }
