"""The Claude Agent SDK: its hook `PreToolUse` asks the gate, with the input that Claude Code gives its own hooks.

Not its callback `can_use_tool`: that is asked only about calls for which the client would prompt, and does not hear in
which folder a command runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from .gate import Gate, GateAnswer

Callback = Callable[[Any, "str | None", Any], Awaitable[dict[str, Any]]]
"""The form of the SDK's hooks."""


def pre_tool_use(gate: Gate) -> Callback:
    """A hook for `HookMatcher(hooks=[...])`, without a matcher, so that it hears of every tool.

    Whatever happens it answers, since the client makes a call whose hook has failed.
    """

    async def callback(given: Any, tool_use_id: str | None, context: Any) -> dict[str, Any]:  # noqa: ARG001
        try:
            answer = await gate.acheck_hook("claude", _input_of(given))
        except Exception as error:
            answer = GateAnswer(False, f"denied: internal error (PLI001): {type(error).__name__}")
        return {
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse", "permissionDecision": "allow" if answer.allowed else "deny",
                "permissionDecisionReason": answer.reason,
            }
        }  # fmt: skip

    return callback


def _input_of(given: Any) -> Mapping[str, object]:
    if not isinstance(given, Mapping) or given.get("hook_event_name") != "PreToolUse":
        raise ValueError("not a call")
    return given
