"""An MCP server on standard input and output, with the tools that it is given: one, and another that nobody grants."""

from __future__ import annotations

import json
import sys
from typing import Any


def result(call: dict[str, Any]) -> dict[str, Any]:
    if call["method"] == "initialize":
        about = {"name": "github", "version": "1"}
        return {
            "protocolVersion": call["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": about,
        }
    if call["method"] == "tools/list":
        return {
            "tools": [
                {"name": n, "description": "d", "inputSchema": {"type": "object"}}
                for n in sys.argv[1:] or ("get_issue", "close")
            ]
        }
    return {"content": [{"type": "text", "text": "the issue's text"}]} if call["method"] == "tools/call" else {}


for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked and "method" in asked:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result(asked)}) + "\n")
        sys.stdout.flush()
