"""Programs that tests here start are no tests."""

from __future__ import annotations

collect_ignore_glob = ["mcp_server.py", "claude_asked.py", "claude_answers.py", "sdks/*"]
