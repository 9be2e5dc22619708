"""Names of MCP tools in which server and tool stand together, as patterns in which they are told apart."""

from __future__ import annotations


def tool_patterns(glob: str) -> list[str]:
    """The patterns for a glob over `SERVER_TOOL`: each `_` may be what joins the two, and each `*` may hold it."""
    if not glob.strip("*"):
        return ["**"]
    made = [f"{glob[:i]}.{glob[i + 1 :]}" for i, char in enumerate(glob) if char == "_" and 0 < i < len(glob) - 1]
    return made + [f"{glob[: i + 1]}.{glob[i:]}" for i, char in enumerate(glob) if char == "*"]
