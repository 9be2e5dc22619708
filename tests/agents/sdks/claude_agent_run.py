"""The Claude Agent SDK with the real client and a model that reads from a script; argv: compiled policy, workspace, client."""

from __future__ import annotations

import asyncio
import json
import sys

from claude_agent_sdk import ClaudeAgentOptions, HookMatcher, query

from policy_lang.integrations.claude_agent import pre_tool_use
from policy_lang.integrations.gate import Gate
from policy_lang.pep.clients.claude import CLIENT
from policy_lang.pep.rehearsal import scripted_model

plc, workspace, client = sys.argv[1:]
CALLS = [
    ("Bash", {"command": "touch src/allowed", "description": "d"}), ("Bash", {"command": "touch denied", "description": "d"}),
    ("Write", {"file_path": f"{workspace}/src/written", "content": "x"}), ("Write", {"file_path": f"{workspace}/outside", "content": "x"}),
    ("Bash", {"command": "touch src/last", "description": "d"}),
]  # fmt: skip


async def main() -> None:
    assert CLIENT.rehearsal is not None
    with scripted_model(CLIENT.rehearsal, CALLS) as (port, turns):
        _, env = CLIENT.rehearsal.command(f"http://127.0.0.1:{port}")
        gate = Gate(policy=plc, workspace=workspace)
        hooks = {"PreToolUse": [HookMatcher(hooks=[pre_tool_use(gate)])]}
        options = ClaudeAgentOptions(
            hooks=hooks, cwd=workspace, env=env, cli_path=client, setting_sources=[], permission_mode="acceptEdits"
        )
        async for _message in query(prompt="go", options=options):
            pass
    sys.stdout.write(json.dumps({"last": turns[-1]}))


asyncio.run(main())
