"""An agent of LangChain whose model reads from a script; argv: compiled policy, workspace. Prints what its tools did."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool

from policy_lang.integrations.gate import Gate, reads
from policy_lang.integrations.langchain import middleware

plc, workspace = sys.argv[1:]
done: list[str] = []


@tool
def read_file(path: str) -> str:
    """Read a file."""
    done.append(path)
    return "text"


@tool
def send_mail(to: str) -> str:
    """Send a mail."""
    done.append(to)
    return "sent"


class Scripted(GenericFakeChatModel):
    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self


def agent() -> Any:
    calls = [("read_file", {"path": "src/app.ts"}), ("read_file", {"path": ".env"}), ("send_mail", {"to": "x"})]
    said = [AIMessage(content="", tool_calls=[{"name": n, "args": a, "id": f"c{i}"}]) for i, (n, a) in enumerate(calls)]
    gate = Gate(policy=plc, workspace=workspace, tools={"read_file": reads("path")})
    return create_agent(
        Scripted(messages=iter([*said, AIMessage(content="done")])),
        tools=[read_file, send_mail],
        middleware=[middleware(gate)],
    )


given: Any = {"messages": [{"role": "user", "content": "go"}]}
found = agent().invoke(given)["messages"]
found += asyncio.run(agent().ainvoke(given))["messages"]
outputs = [[m.status, m.content] for m in found if isinstance(m, ToolMessage)]
sys.stdout.write(json.dumps({"done": done, "outputs": outputs}))
