"""An agent of the OpenAI Agents SDK whose model reads from a script; argv: compiled policy, workspace. Prints what its tools did."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from agents import Agent, Model, ModelResponse, Runner, Usage, WebSearchTool, function_tool, set_tracing_disabled
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from policy_lang.integrations.gate import Gate, GateError, reads
from policy_lang.integrations.openai_agents import guarded, guarded_server

set_tracing_disabled(True)
plc, workspace = sys.argv[1:]
done: list[str] = []
outputs: list[Any] = []


@function_tool
def read_file(path: str) -> str:
    """Read a file."""
    done.append(path)
    return "text"


@function_tool
def send_mail(to: str) -> str:
    """Send a mail."""
    done.append(to)
    return "sent"


class Scripted(Model):
    def __init__(self, calls: list[tuple[str, Any]]) -> None:
        self.left = iter(calls)

    async def get_response(self, *args: Any, **more: Any) -> ModelResponse:
        given = more.get("input", args[1] if len(args) > 1 else None)
        if isinstance(given, list):
            outputs[:] = [
                i.get("output") for i in given if isinstance(i, dict) and i.get("type") == "function_call_output"
            ]
        call = next(self.left, None)
        item: Any
        if call is None:
            text = ResponseOutputText(annotations=[], text="done", type="output_text")
            item = ResponseOutputMessage(id="m", content=[text], role="assistant", status="completed", type="message")
        else:
            item = ResponseFunctionToolCall(
                arguments=call[1], call_id=f"c{id(call)}", name=call[0], type="function_call", id="f"
            )
        return ModelResponse(output=[item], usage=Usage(), response_id=None)

    def stream_response(self, *args: Any, **more: Any) -> Any:
        raise NotImplementedError


class Server:
    name = "github"

    async def call_tool(self, tool_name: str, arguments: Any, meta: Any = None) -> Any:
        done.append(f"mcp {tool_name}")
        return "called"


async def main() -> None:
    gate = Gate(policy=plc, workspace=workspace, tools={"read_file": reads("path")})
    calls = [
        ("read_file", '{"path": "src/app.ts"}'),
        ("read_file", '{"path": ".env"}'),
        ("send_mail", '{"to": "x"}'),
        ("read_file", '{"path": "src/app.ts", "x": 1}'),
    ]
    agent = Agent(name="a", model=Scripted(calls), tools=guarded([read_file, send_mail], gate))
    await Runner.run(agent, "go")
    server = guarded_server(Server(), gate)
    await server.call_tool("get_issue", {})
    try:
        await server.call_tool("delete_repo", {})
    except PermissionError as error:
        outputs.append(str(error))
    try:
        guarded([WebSearchTool()], gate)
    except GateError as error:
        outputs.append(str(error))
    sys.stdout.write(json.dumps({"done": done, "outputs": outputs}))


asyncio.run(main())
