"""Programs that tests here start are no tests."""

from __future__ import annotations

collect_ignore_glob = ["mcp_server.py", "*_asked.py", "answers.py", "sdks/*"]
