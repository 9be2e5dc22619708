"""The content of a tool's call, besides the file or the name that it is about: people see it, and approve it."""

from __future__ import annotations

from ..domain import strict_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MOST = 131_072  # limit: content_bytes


def whole(tool: str, text: str) -> dict[str, object]:
    """The content of a file that is written as a whole."""
    return _shown({"tool": tool, "text": text})


def edited(tool: str, *edits: dict[str, object]) -> dict[str, object]:
    """Edits of a file, each with its `new` text and what it takes the place of."""
    return _shown({"tool": tool, "edits": list(edits)})


def given(tool: str, arguments: object) -> dict[str, object]:
    """All arguments of a tool whose meaning is its own."""
    return _shown({"tool": tool, "arguments": strict_json.dump(arguments).decode()})


def _shown(content: dict[str, Any]) -> dict[str, object]:
    """The content, in which texts that nobody would read stand as their size and digest."""
    left = _MOST
    parts = [content, *content.get("edits", ())]
    for part in parts:
        for name in ("text", "arguments", "old", "new"):
            text = part.get(name)
            if not isinstance(text, str):
                continue
            if len(text) > left or len(data := text.encode()) > left:
                from ..domain.digest import sha256  # few texts are so long

                data = text.encode()
                part[name] = {"bytes": len(data), "sha256": sha256(data).hexdigest()}
            else:
                left -= len(data)
    return content
