"""Tools of MCP servers that a policy names by `profile "SERVER.tools.json"`: rules about them are held against these.

Such a file is what the server answers to `tools/list`. It decides nothing: it finds names and types that are wrong.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..automata.trie import Trie
from ..automata.walker import Walker
from ..domain import strict_json
from ..domain.actions import CALL
from ..domain.conditions import ARGUMENT
from ..domain.errors import Diagnostic
from ..domain.suggest import suggest
from ..ir.model import Rule
from ..resolve.resolver import ResolvedPolicy, ResolvedRule
from ..resolve.types import comparisons
from ..syntax import tree

SUFFIX = ".tools.json"
Schema = Mapping[str, Any]
Tools = dict[str, Schema]
"""For each tool of a server, the schema of its arguments."""
_MADE_OF = {"text": {"string"}, "number": {"number", "integer"}, "truth": {"boolean"}}


@dataclass(frozen=True, slots=True)
class _Called:
    """What of the servers' tools a rule is about; `complete` when it is about no others."""

    tools: dict[str, Schema]
    complete: bool


def check_tools(resolved: ResolvedPolicy, rules: Iterable[tuple[ResolvedRule, Rule]]) -> None:
    """Report what rules say of tools and arguments that do not exist, or have another type."""
    servers = _servers(resolved)
    if not servers:
        return
    for written, rule in rules:
        if CALL in rule.actions:
            called = _called(written, rule, servers, resolved)
            if called.tools and called.complete:
                _arguments(written, called.tools, resolved)


def _servers(resolved: ResolvedPolicy) -> dict[str, Tools]:
    found: dict[str, Tools] = {}
    for module in resolved.modules:
        for path, data, span in module.profiles:
            if not path.endswith(SUFFIX):
                continue
            name = os.path.basename(path).removesuffix(SUFFIX)
            tools = tools_of(data)
            if not name or "." in name:
                text = f"`{name}` is not the name of a server, as tools have it before their first dot"
                resolved.diagnostics.append(Diagnostic("PLE513", text, span, "name the file after the server"))
            elif tools is None:
                text = f"`{path}` is not what an MCP server answers to `tools/list`"
                resolved.diagnostics.append(Diagnostic("PLE513", text, span, 'save its answer, `{"tools": [...]}`'))
            elif found.setdefault(name, tools) != tools:
                text = f"the tools of `{name}` are named twice"
                resolved.diagnostics.append(Diagnostic("PLE513", text, span, "keep one file for a server"))
    return found


def tools_of(data: bytes) -> Tools | None:
    """The tools that an answer to `tools/list` names; None when it is none."""
    try:
        value: Any = strict_json.load(data)
    except strict_json.MalformedError:
        return None
    if isinstance(value, dict) and isinstance(value.get("result"), dict):
        value = value["result"]
    listed = value.get("tools") if isinstance(value, dict) else None
    if not isinstance(listed, list) or not all(isinstance(t, dict) and isinstance(t.get("name"), str) for t in listed):
        return None
    return {tool["name"]: _object(tool.get("inputSchema")) for tool in listed}


def _object(value: object) -> Schema:
    return value if isinstance(value, dict) else {}


def _called(written: ResolvedRule, rule: Rule, servers: dict[str, Tools], resolved: ResolvedPolicy) -> _Called:
    tools: dict[str, Schema] = {}
    complete = True
    for pattern in rule.include:
        known = [s for s in pattern.sequences if s and isinstance(s[0], str) and s[0] in servers]
        complete = complete and len(known) == len(pattern.sequences)
        for sequence in known:
            walker = Walker(Trie([(sequence, 0)]))
            server = str(sequence[0])
            met = {t: s for t, s in servers[server].items() if walker.walk((server, *t.split("."))).marks}
            tools.update((f"{server}.{t}", schema) for t, schema in met.items())
            if not met:
                word = next((w for w in written.rule.patterns if w.text == pattern.text), written.rule.patterns[0])
                near = suggest(pattern.text, [f"{server}.{t}" for t in servers[server]])
                text = f"the server `{server}` has no tool that `{pattern.text}` matches"
                resolved.diagnostics.append(Diagnostic("PLE514", text, written.module.file.span(word.pos), near))
    return _Called(tools, complete)


def _arguments(written: ResolvedRule, tools: dict[str, Schema], resolved: ResolvedPolicy) -> None:
    when = written.rule.clause("when")
    conditions = [*(s.condition for s in written.scopes), when.condition if when else None]
    for node in (n for c in conditions if c is not None for n in comparisons(c)):
        name = node.subject.text
        if not name.startswith(ARGUMENT):
            continue
        steps = name.split(".")[1:]
        found = [schema for tool in tools.values() for schema in _argument(tool, steps)]
        span = written.module.file.span(node.subject.pos)
        shown = next(iter(tools)) if len(tools) == 1 else f"none of {len(tools)} tools"
        if not found:
            has = f"`{shown}` has no argument" if len(tools) == 1 else f"{shown} has an argument"
            near = suggest(name, [ARGUMENT + n for tool in tools.values() for n in _object(tool.get("properties"))])
            resolved.diagnostics.append(Diagnostic("PLE514", f"{has} `{name}`", span, near))
            continue
        wanted = _wanted(node)
        types = [_types(schema) for schema in found]
        if wanted and not any(known is None or known & _MADE_OF[wanted] for known in types):
            are = ", ".join(sorted({t for known in types for t in known or ()}))
            text = f"`{name}` is compared with a {wanted} and is of the type `{are}`"
            resolved.diagnostics.append(Diagnostic("PLE515", text, span, "compare it with a value of that type"))


def _argument(schema: Schema, steps: list[str]) -> Iterator[Schema]:
    """The schema of an argument, or of the members of a list of such; an empty one where that is not told."""
    if not steps:
        yield schema
        return
    properties = schema.get("properties")
    if isinstance(properties, dict):
        if steps[0] in properties:
            inner = _object(properties[steps[0]])
            listed = inner.get("items")
            yield from _argument(_object(listed) if isinstance(listed, dict) else inner, steps[1:])
    elif "properties" not in schema and schema.get("type") in {None, "object"}:
        yield {}


def _types(schema: Schema) -> set[str] | None:
    """The JSON types that a value may have; None when that is not told."""
    given = schema.get("type")
    names = {given} if isinstance(given, str) else {t for t in given or () if isinstance(t, str)}
    return (
        None
        if not names or "array" in names or any(k in schema for k in ("anyOf", "oneOf", "allOf", "$ref"))
        else names
    )


def _wanted(node: tree.Compare) -> str:
    """Of which type an argument has to be for a comparison; empty for any."""
    kinds = {word.kind for word in node.values}
    if node.op == "truth" or kinds & {"TRUE", "FALSE"}:
        return "truth"
    return "" if node.op == "given" else "number" if kinds == {"INT"} else "text"
