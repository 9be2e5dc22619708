"""Comparison of the tools that a client offers its model with those that are known here.

Clients change every week. What is new is denied or opaque, so nobody is let through by it; but it is seen here first,
in the turns of a rehearsal, and not by a user whose agent is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from ..domain.limits import limit
from .clients.base import HookClient

_SCHEMAS = ("input_schema", "parameters", "parametersJsonSchema")
_MOST = limit("drift_shown")


@dataclass(frozen=True, slots=True)
class Drift:
    """A tool that is not known, or an argument of one that is; what becomes of it, and what a person can do."""

    tool: str
    argument: str
    text: str
    remediation: str


def offered(turns: Iterable[str]) -> dict[str, frozenset[str]]:
    """The tools that bodies of turns offer a model, and their arguments, in whatever of the usual forms."""
    out: dict[str, frozenset[str]] = {}
    for turn in turns:
        try:
            body = json.loads(turn)
        except (ValueError, RecursionError):
            continue
        todo = [("", body.get("tools"))] if isinstance(body, dict) else []
        while todo:
            space, tools = todo.pop()
            for tool in tools if isinstance(tools, list) else ():
                if not isinstance(tool, dict):
                    continue
                name = f"{space}{tool.get('name') or tool.get('type') or ''}"
                inner = [v for v in (tool.get("functionDeclarations"), tool.get("tools")) if isinstance(v, list)]
                if inner:  # a group: of Gemini's API without a name, of the Responses API with one
                    todo += [(name, one) for one in inner]
                elif isinstance(tool.get("function", tool.get("custom")), dict):
                    todo.append((space, [tool.get("function", tool.get("custom"))]))
                elif name:
                    out[name] = out.get(name, frozenset()) | _arguments(tool)
    return out


def _arguments(tool: dict[str, object]) -> frozenset[str]:
    found: set[str] = set()
    for field in _SCHEMAS:
        schema = tool.get(field)
        properties = schema.get("properties") if isinstance(schema, dict) else None
        found.update(properties if isinstance(properties, dict) else ())
    return frozenset(found)


def drifts(client: HookClient, turns: Iterable[str], accepted: Iterable[str] = ()) -> list[Drift]:
    """What the turns of a rehearsal offer that is not known, in order; `accepted` arguments are left out."""
    unseen = client.rehearsal.unseen or {} if client.rehearsal is not None else {}
    shown = {**client.tools, **client.harmless}
    known = {**shown, **unseen}
    done = set(accepted)
    out: list[Drift] = []
    for tool, arguments in sorted(offered(turns).items()):
        name = _plain(tool)
        if tool in client.operations or (tool not in known and client.mcp_mark and client.mcp_mark in tool):
            continue
        if tool not in known:
            text = f"`{client.name}` offers its model the tool `{name}`, which is not known here"
            effect = f"its calls are `do {client.name}.{name}`, which are denied unless a rule grants them"
            out.append(Drift(tool, "", f"{text}: {effect}", "look at what it does before a rule grants it"))
            continue
        names = known[tool].split()
        for argument in () if "*" in names else sorted(arguments - set(names)):
            whole = f"{name}.{_plain(argument)}"
            if whole in done:
                continue
            text = f"`{client.name}` offers its model the argument `{whole}`, which is not known here"
            if tool not in shown:
                out.append(Drift(tool, argument, f"{text}: the hook is not shown it, and decides without it", ""))
                continue
            remediation = (
                f"if it changes nothing that counts: `policy hook install {client.name} --accept-argument {whole}`"
            )
            out.append(Drift(tool, argument, f"{text}: a call that has it is denied", remediation))
    return out[:_MOST]


def _plain(name: str) -> str:
    """A name as it can be shown: servers choose names of tools."""
    return "".join(c if c.isascii() and c.isprintable() and c != "`" else "?" for c in name[:100])
