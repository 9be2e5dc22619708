"""Names of MCP servers and tools with characters that mean something in a pattern: they mean themselves, or nothing."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

import pytest

from policy_lang.domain.errors import PolicyError
from policy_lang.foreign.compare import decided
from policy_lang.foreign.permissions import STRICTNESS, ClientRequest
from policy_lang.foreign.tool_names import call_patterns
from policy_lang.foreign.translate import translated

from .clients import of

NAMES = ["a?b", "a#b", "a\nb", "a.b", "a[b]", "a{b,c}", 'a"b', "{x", "**", "a*", "*b", "!a", "é"]
ASKED = [
    "axb", "a?b", "a#b", "a\nb", "a.b", "ab", "a[b]", "ac", "a{b,c}", "a", "a.x.b", 'a"b', "{x", "x", "z", "!a", "é",
]  # fmt: skip


def _files(name: str) -> Iterator[tuple[str, str, str]]:
    claude = (
        ["allow", f"mcp__s__{name}"],
        ["allow", f"mcp__{name}__t"],
        ["allow", "mcp__s", "deny", f"mcp__s__{name}"],
    )
    for lists in claude:
        given = {lists[i]: [lists[i + 1]] for i in range(0, len(lists), 2)}
        yield "claude", ".claude/settings.json", json.dumps({"permissions": given})
    yield "cursor", ".cursor/cli.json", json.dumps({"permissions": {"allow": [f"Mcp(s:{name})"]}})
    yield "cursor", ".cursor/cli.json", json.dumps({"permissions": {"allow": ["Mcp(*:*)"], "deny": [f"Mcp(s:{name})"]}})
    yield "opencode", "opencode.json", json.dumps({"permission": {f"s_{name}": "allow"}})
    yield "opencode", "opencode.json", json.dumps({"permission": {"*": "allow", f"s_{name}": "deny"}})
    tool = shlex.quote(f"s({name})")
    yield "copilot", "copilot.flags", f"copilot --allow-tool {tool}\n"
    yield "copilot", "copilot.flags", f"copilot --allow-tool s --deny-tool {tool}\n"
    for server, one in (("s", name), (name, "t")):
        rule = f"[[rule]]\nmcpName = {json.dumps(server)}\ntoolName = {json.dumps(one)}\n"
        every = "[[rule]]\nmcpName = '*'\ndecision = 'allow'\npriority = 1\n"
        yield "gemini", "~/.gemini/policies/a.toml", f"{rule}decision = 'allow'\npriority = 1\n"
        yield "gemini", "~/.gemini/policies/a.toml", f"{every}{rule}decision = 'deny'\npriority = 2\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_means_itself(name: str) -> None:
    asked = [ClientRequest("call", one) for tool in ASKED for one in (f"s.{tool}", f"{tool}.t")]
    wider = []
    for client, path, text in _files(name):
        try:
            permissions = of(client, path, text)
        except PolicyError as error:
            assert "copilot" in str(error)  # a line of its script ends there
            continue
        policy = translated(permissions, "imported").policy
        pairs = [(one, permissions.model(one), decided(policy, one).effect) for one in asked]
        wider += [(text, one) for one, theirs, ours in pairs if STRICTNESS[ours] < STRICTNESS[theirs]]
    assert wider == []


@pytest.mark.parametrize(
    ("tool", "restricts", "patterns"),
    [
        ("get_*", False, ["s.get_*"]),
        ("get_*", True, ["s.get_*", "s.get_*.**"]),
        ("*", True, ["s.**"]),
        ("*_delete", True, ["s.*_delete", "s.**.*_delete"]),
        ("a.b", False, []),
        ("a.b", True, ["s.a.b"]),
        ("a[b]", False, ["s.a[[]b]"]),
    ],
)
def test_a_dot_in_a_tools_name_is_restricted_and_not_granted(tool: str, restricts: bool, patterns: list[str]) -> None:
    assert call_patterns("s", tool, wild="*", restricts=restricts) == patterns
