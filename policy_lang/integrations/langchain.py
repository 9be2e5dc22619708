"""LangChain agents: a middleware that asks the gate before each call of a tool."""

from __future__ import annotations

from typing import Any

from .gate import Gate, GateAnswer


def middleware(gate: Gate) -> Any:
    """A middleware for `create_agent(middleware=[...])`. Put it last: what comes after it could change a call again.

    The model reads the reason of a denial.
    """
    from langchain.agents.middleware import AgentMiddleware
    from langchain_core.messages import ToolMessage

    def refused(call: Any, answer: GateAnswer) -> Any:
        return ToolMessage(content=answer.reason, tool_call_id=call["id"], name=call["name"], status="error")

    class PolicyMiddleware(AgentMiddleware):  # type: ignore[misc, type-arg, unused-ignore]
        """Each call of a tool is decided before it is made."""

        def wrap_tool_call(self, request: Any, handler: Any) -> Any:
            call = request.tool_call
            answer = gate.check(call["name"], call["args"])
            return handler(request) if answer.allowed else refused(call, answer)

        async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
            call = request.tool_call
            answer = await gate.acheck(call["name"], call["args"])
            return await handler(request) if answer.allowed else refused(call, answer)

    return PolicyMiddleware()
