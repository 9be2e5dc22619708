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


_LONGEST = 4_096  # limit: argument_text
_MOST_COMPARED = 65_536  # limit: arguments_bytes


def compared(arguments: object) -> dict[str, object] | None:
    """A tool's arguments as a policy compares them: texts too long for that are null. None when nothing is known."""
    if not isinstance(arguments, dict):
        return None
    short: dict[str, object] = _short(arguments)
    return short if len(strict_json.dump(short)) <= _MOST_COMPARED else None


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _short(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_short(v) for v in value]
    return None if isinstance(value, str) and len(value) > _LONGEST else value


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
