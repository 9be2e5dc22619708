"""Names of MCP servers and tools as patterns: what is no wildcard of a format is the name's own text.

A name with a dot may be another server with another tool: it is restricted, and not granted.
"""

from __future__ import annotations

import re

from .plain_globs import name_pattern

DOTTED = "a name with a dot may be another server's tool as well"
"""Why such a grant cannot be said."""


def call_patterns(server: str, tool: str, *, wild: str, restricts: bool) -> list[str]:
    """The patterns for a server's tool, in which the characters `wild` are wildcards.

    A tool's name may hold a dot: what restricts means such tools too, where a star stands.
    """
    plain = f"{name_pattern(server, wild)}.{name_pattern(tool, wild)}"
    if not restricts:
        return [plain] if "." not in f"{server}{tool}" else []
    if not set(wild) & set(f"{server}{tool}"):
        return [plain]
    before = re.split(f"[{re.escape(wild)}]", tool, maxsplit=1)[0]
    if before and before != tool:
        return [plain, f"{name_pattern(server, wild)}.{name_pattern(before, wild)}*.**"]
    if not tool.strip("*"):
        return ["**" if not server.strip("*") else f"{name_pattern(server, wild)}.**"]
    behind = re.split(f"[{re.escape(wild)}.]", tool)[-1]
    end = name_pattern(behind, wild) if before else f"*{name_pattern(behind, wild)}"
    return [plain, f"{name_pattern(server, wild)}.**.{end}"]


def tool_patterns(glob: str, *, wild: str, restricts: bool) -> list[str]:
    """The patterns for a glob over `SERVER_TOOL`: each `_` may be what joins the two, and each wildcard may hold it."""
    if "*" in wild and not glob.strip("*"):
        return ["**"]
    joins = {"_"} | ({"?"} & set(wild))
    pairs = [(glob[:i], glob[i + 1 :]) for i, char in enumerate(glob) if char in joins and 0 < i < len(glob) - 1]
    pairs += [(glob[: i + 1], glob[i:]) for i, char in enumerate(glob) if char == "*" and "*" in wild]
    return [p for server, tool in pairs for p in call_patterns(server, tool, wild=wild, restricts=restricts)]
