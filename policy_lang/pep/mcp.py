"""An MCP server for the hook's questions: newline-delimited JSON-RPC 2.0 on standard input and output.

Two eras of the protocol are spoken (modelcontextprotocol.io, 2026-07-28, Versioning): a request whose `_meta` names its
version stands by itself, with `server/discover`, `tools/list`, `tools/call`; one without belongs to a session that
`initialize` has begun. The policy is opened anew for each call: a change holds at once, and one that is gone denies.
"""

from __future__ import annotations

import sys
from time import monotonic
from typing import Any, BinaryIO

from .._version import __version__
from ..domain import strict_json
from ..domain.faults import CallerError
from ..domain.limits import limit
from .channel import ChannelError, exchange
from .clients import NAMES
from .content import compared
from .enforce import Options, decider_of, enforce, owners, token
from .payload import known
from .questions import HookQuestion, Outcome, RefusedError, denied

_STATELESS = "2026-07-28"
_OF_SESSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
_PREFIX = "io.modelcontextprotocol/"
_SERVER = {"name": "policy_lang", "version": __version__}
_FRESH = 300_000  # milliseconds, as the specification's own examples have it
"""How long a client may keep the lists of versions and tools, which do not change while the server runs."""
_MOST_LINE = limit("mcp_line_bytes")
_SECONDS = limit("hook_seconds")
_INVALID, _NO_METHOD, _BAD_PARAMETERS, _OTHER_VERSION = -32600, -32601, -32602, -32022
_TEXT = {"type": "string"}
_TOOLS = [
    {
        "name": "decide",
        "description": "May the agent do this? Answers allow, ask (with the approvals) or deny, with reasons.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "action": {
                    **_TEXT,
                    "description": "read, write, delete, run, connect, push, call, use, setenv, do, ...",
                },
                "resource": {
                    "anyOf": [_TEXT, {"type": "array", "items": _TEXT}],
                    "description": "A path, command, host, ref or name.",
                },
                "cwd": {**_TEXT, "description": "The working folder, absolute."},
                "method": {**_TEXT, "description": "The HTTP method of a connection."},
                "arguments": {"type": "object", "description": "The arguments of a call."},
            },
            "required": ["action", "resource"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": True},
    },
    {
        "name": "hook",
        "description": "Answer one call of a client's hook, given as its hook gets it, in the client's own form.",
        "inputSchema": {
            "type": "object",
            "properties": {"client": {"enum": list(NAMES)}, "payload": {"type": "object"}},
            "required": ["client", "payload"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": True},
    },
]
_OF_SERVICE = [
    {
        "name": "propose",
        "description": "Ask people for rules that would allow a call which was denied, for you alone, such as "
        '`allow run "npm test"`. Nothing is permitted before a person says so.',
        "inputSchema": {
            "type": "object",
            "properties": {
                "rules": {**_TEXT, "description": "One to four rules that allow, in the policy language."},
                "purpose": {**_TEXT, "description": "One sentence that people read as your own words."},
                "action": {**_TEXT, "description": "The action that was denied."},
                "resource": {
                    "anyOf": [_TEXT, {"type": "array", "items": _TEXT}],
                    "description": "What it was denied on, as it was asked.",
                },
                "session": {**_TEXT, "description": "The session that it was asked in."},
            },
            "required": ["rules", "purpose", "action", "resource"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": False, "destructiveHint": False},
    },
    {
        "name": "within",
        "description": "Does a policy for agents that you start permit nothing beyond your own? yes, no, or undecided.",
        "inputSchema": {
            "type": "object",
            "properties": {"policy": {**_TEXT, "description": "The whole policy's text."}},
            "required": ["policy"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": True},
    },
]
_WEIGHED_SECONDS = 2 * limit("weighing_wait_seconds")


class _RpcError(CallerError):
    def __init__(self, code: int, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.error: dict[str, Any] = {"code": code, "message": message} | ({"data": data} if data else {})


def serve(options: Options, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until the input ends."""
    while line := source.readline(_MOST_LINE + 1):
        if len(line) > _MOST_LINE:
            return  # the start of the next message is unknown
        if line.strip():
            reply = _reply(line, options)
            if reply is not None:
                sink.write(strict_json.dump(reply) + b"\n")
                sink.flush()


def _reply(line: bytes, options: Options) -> dict[str, Any] | None:
    name: object = None
    try:
        message = strict_json.load(line)
        name = message.get("id") if isinstance(message, dict) else None
        result = _result(*_request(message), options)
    except strict_json.MalformedError as error:
        return {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": str(error)}}
    except _RpcError as error:
        reply = {"jsonrpc": "2.0", "id": name, "error": error.error}
        return reply if name is not None or error.error["code"] == _INVALID else None
    return None if name is None else {"jsonrpc": "2.0", "id": name, "result": result}


def _request(message: object) -> tuple[str, dict[str, Any]]:
    """The method and parameters of a message."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not isinstance(message.get("method"), str):
        raise _RpcError(_INVALID, "this is not a request")
    given = message.get("params", {})
    return message["method"], given if isinstance(given, dict) else {}


def _result(method: str, given: dict[str, Any], options: Options) -> dict[str, Any]:
    meta = given.get("_meta")
    if method == "server/discover" or (isinstance(meta, dict) and f"{_PREFIX}protocolVersion" in meta):
        _check_meta(meta)
        return _stateless(method, given, options)
    if method == "initialize":
        asked = given.get("protocolVersion")
        version = asked if asked in _OF_SESSIONS else _OF_SESSIONS[0]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": _SERVER}
    if method == "ping" or method.startswith("notifications/"):
        return {}
    return _of_tools(method, given, options)


def _check_meta(meta: object) -> None:
    """Raises _RpcError where what each stateless request has to say is missing, or names another version."""
    fields = meta if isinstance(meta, dict) else {}
    version = fields.get(f"{_PREFIX}protocolVersion")
    if not isinstance(version, str) or not isinstance(fields.get(f"{_PREFIX}clientCapabilities"), dict):
        raise _RpcError(_BAD_PARAMETERS, f"`_meta` needs `{_PREFIX}protocolVersion` and `{_PREFIX}clientCapabilities`")
    if version != _STATELESS:
        data = {"supported": [_STATELESS, *_OF_SESSIONS], "requested": version[:60]}
        raise _RpcError(_OTHER_VERSION, "unsupported protocol version", data)


def _stateless(method: str, given: dict[str, Any], options: Options) -> dict[str, Any]:
    if method == "server/discover":
        out: dict[str, Any] = {"supportedVersions": [_STATELESS, *_OF_SESSIONS], "capabilities": {"tools": {}}}
    elif method.startswith("notifications/"):
        out = {}
    else:
        out = _of_tools(method, given, options)
    if method in {"server/discover", "tools/list"}:
        out = {**out, "ttlMs": _FRESH, "cacheScope": "public"}
    return {"resultType": "complete", **out, "_meta": {f"{_PREFIX}serverInfo": _SERVER}}


def _of_tools(method: str, given: dict[str, Any], options: Options) -> dict[str, Any]:
    """What both eras have in common."""
    if method == "tools/list":
        return {"tools": [*_TOOLS, *_OF_SERVICE] if "--socket" in options else _TOOLS}
    if method != "tools/call":
        raise _RpcError(_NO_METHOD, f"there is no method `{method[:60]}`")
    arguments = given.get("arguments", {})
    if given.get("name") == "decide" and isinstance(arguments, dict):
        outcome = _decided(arguments, options)
        value: dict[str, Any] = {
            "effect": outcome.effect,
            "tiers": list(outcome.tiers),
            "reasons": list(outcome.reasons),
        }
        return {
            "content": [{"type": "text", "text": strict_json.dump(value).decode()}],
            "structuredContent": value,
            "isError": False,
        }
    if given.get("name") == "hook" and isinstance(arguments, dict) and set(arguments) == {"client", "payload"}:
        text = _hooked(str(arguments["client"]), arguments["payload"], options)
        return {"content": [{"type": "text", "text": text}], "isError": False}
    if given.get("name") in {"propose", "within"} and isinstance(arguments, dict) and "--socket" in options:
        return _asked_service(str(given["name"]), arguments, options)
    raise _RpcError(_BAD_PARAMETERS, "the tools are `decide` and `hook`, with the arguments that they list")


def _asked_service(tool: str, arguments: dict[str, Any], options: Options) -> dict[str, Any]:
    """What the service says to a call that agents make besides requests."""
    try:
        if tool == "propose":
            known("propose", arguments, "rules purpose action resource session")
            body: dict[str, object] = {n: arguments[n] for n in ("rules", "purpose", "session") if n in arguments}
            body["request"] = {n: arguments[n] for n in ("action", "resource") if n in arguments}
        else:
            known("within", arguments, "policy")
            body = dict(arguments)
        if "--agent" in options:
            body["agent"] = options["--agent"][0]
        route = "/v1/proposals" if tool == "propose" else "/v1/within"
        until = monotonic() + _WEIGHED_SECONDS
        status, data = exchange(
            options["--socket"][0], "POST", route, strict_json.dump(body), until, token(options), owners(options)
        )
        text = data.decode("utf-8", "replace")
    except (RefusedError, ChannelError) as error:
        status, text = 0, f"not asked: {error}"
    except Exception as error:  # noqa: BLE001 (whatever fails, the agent is told and the server goes on)
        status, text = 0, f"not asked: {type(error).__name__}"
    return {"content": [{"type": "text", "text": text}], "isError": status not in {200, 201}}


def _decided(arguments: dict[str, Any], options: Options) -> Outcome:
    """The answer to one question. Whatever fails is a denial."""
    try:
        known("decide", arguments, "action resource cwd method arguments")
        fields = dict(arguments)
        if "arguments" in fields:
            fields["arguments"] = compared(fields["arguments"])
        action, resource = fields.pop("action", ""), fields.pop("resource", "")
        resource = tuple(resource) if isinstance(resource, list) else resource
        common: dict[str, object] = {"origin": {"client": "mcp"}} | {
            n[2:]: options[n][0] for n in ("--agent", "--workspace", "--home") if n in options
        }  # fmt: skip
        return decider_of(options).decide([HookQuestion(action, resource, **fields)], common, monotonic() + _SECONDS)
    except (RefusedError, ChannelError) as error:
        return denied(str(error))
    except Exception as error:  # noqa: BLE001 (fail closed)
        return denied(f"{type(error).__name__}: {str(error)[:300]}")


def _hooked(client: str, payload: object, options: Options) -> str:
    from .hook import plain_denial

    if client not in NAMES:
        return f"denied: unknown client `{client[:40]}`"
    try:
        return enforce(client, options, strict_json.dump(payload))[1].decode()
    except Exception as error:  # noqa: BLE001 (fail closed)
        return plain_denial(client, f"denied: {str(error)[:1000]}").decode()


def main(options: Options) -> None:
    """Serve on standard input and output."""
    serve(options, sys.stdin.buffer, sys.stdout.buffer)
