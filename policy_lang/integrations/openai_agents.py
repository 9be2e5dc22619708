"""The OpenAI Agents SDK: function tools and MCP servers that ask the gate before each call."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from .gate import Gate, GateError


def guarded(tools: Iterable[Any], gate: Gate) -> list[Any]:
    """The same function tools, each call of which is decided first; the model reads the reason of a denial.

    Raises GateError for a tool that is none: one that the provider runs, or that has another way to be called.
    """
    return [_guarded(tool, gate) for tool in tools]


def _guarded(tool: Any, gate: Gate) -> Any:
    from agents import FunctionTool

    if not isinstance(tool, FunctionTool):
        raise GateError(f"`{type(tool).__name__}` is not a function tool: its calls cannot be held from here")
    invoke, name = tool.on_invoke_tool, tool.name

    async def asked(context: Any, arguments: str) -> Any:
        answer = await gate.acheck(name, arguments)
        return await invoke(context, arguments) if answer.allowed else answer.reason

    return dataclasses.replace(tool, on_invoke_tool=asked)


def guarded_server(server: Any, gate: Gate) -> Any:
    """The same MCP server, each call of whose tools is decided first as `call SERVER.TOOL`."""
    call = server.call_tool

    async def asked(tool_name: str, arguments: dict[str, Any] | None, *rest: Any, **more: Any) -> Any:
        answer = await gate.acheck_call(server.name, tool_name, arguments or {})
        if not answer.allowed:
            raise PermissionError(answer.reason)
        return await call(tool_name, arguments, *rest, **more)

    server.call_tool = asked
    return server
