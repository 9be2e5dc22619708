"""Turns of a scripted model in forms that several clients speak. A hook never loads this."""

from __future__ import annotations

import os

from ..domain import strict_json

Call = tuple[str, object]
"""A tool's name and its arguments, as the model gives them to the client."""


def offers(body: dict[str, object], tool: str) -> bool:
    """True when a turn offers the model the tool: other turns only ask for a title, or the like."""
    tools = body.get("tools")
    return any(isinstance(t, dict) and t.get("name") == tool for t in tools) if isinstance(tools, list) else False


def messages_turn(body: dict[str, object], call: Call | None) -> bytes:
    """A turn of the Messages API that makes the call; without one it is the last."""
    block: dict[str, object] = {"type": "text", "text": "done"}
    empty: dict[str, object] = {"type": "text", "text": ""}
    delta: dict[str, object] = {"type": "text_delta", "text": "done"}
    if call is not None:
        block = {"type": "tool_use", "id": f"toolu_{os.urandom(6).hex()}", "name": call[0], "input": call[1]}
        empty = {**block, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": strict_json.dump(call[1]).decode()}
    stop = "end_turn" if call is None else "tool_use"
    message: dict[str, object] = {
        "id": "m", "type": "message", "role": "assistant", "model": body.get("model"), "content": [block],
        "stop_reason": stop, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    if not body.get("stream"):
        return strict_json.dump(message)
    return server_sent([
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": delta}, {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ])  # fmt: skip


def chat_turn(body: dict[str, object], call: Call | None) -> bytes:
    """A turn of Chat Completions that makes the call; without one it is the last."""
    message: dict[str, object] = {"role": "assistant", "content": "done"}
    if call is not None:
        name = f"call_{os.urandom(6).hex()}"
        function = {"name": call[0], "arguments": strict_json.dump(call[1]).decode()}
        message = {
            "role": "assistant",
            "tool_calls": [{"index": 0, "id": name, "type": "function", "function": function}],
        }
    finish = "stop" if call is None else "tool_calls"
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    said = {"id": "c", "created": 1, "model": "scripted"}
    if not body.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return strict_json.dump({**said, "object": "chat.completion", "choices": [choice], "usage": usage})
    parts: list[dict[str, object]] = [
        {"choices": [{"index": 0, "delta": message, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], "usage": usage},
    ]
    lines = [b"data: %s\n\n" % strict_json.dump({**said, "object": "chat.completion.chunk", **part}) for part in parts]
    return b"".join(lines) + b"data: [DONE]\n\n"


def server_sent(events: list[dict[str, object]]) -> bytes:
    """A model's answer as a stream of server-sent events."""
    return b"".join(b"event: %s\ndata: %s\n\n" % (str(e["type"]).encode(), strict_json.dump(e)) for e in events)
