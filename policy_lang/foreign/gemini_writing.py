"""Permissions as a policy of Gemini CLI: the highest priority decides, so what denies stands above what asks.

What asks stands above what allows.

Paths are texts there, which `..` may stand in: files are granted as a whole only, and restricted by the end of a text.
"""

from __future__ import annotations

import json
import re

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.errors import Source
from .formats import ClientWriter
from .gemini_model import WRITERS
from .gemini_rules import SHELL
from .located import unreadable
from .located_toml import toml_of
from .written_globs import command_prefix, fetched_hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ir.model import Rule

_TOOLS = {"read": ("read_file",), "write": WRITERS}
_DECISIONS = {DENY: ("deny", 300), ASK: ("ask_user", 200), ALLOW: ("allow", 100)}
_FILE = '"file_path":"'
_SHOWN = 100
"""Characters of a rule that its reader shows, the decision among them."""
_SERVER = re.compile(r"[A-Za-z0-9-]+", re.ASCII)


def spell(effect: str, action: str, text: str, rule: Rule) -> list[str]:
    """A tool's name, and behind a blank how its command begins, an expression over its path, or an MCP server."""
    if action in _TOOLS:
        return [f"{tool}{more}" for tool in _TOOLS[action] for more in _path(effect, text)]
    if action == "run":
        return [f"{SHELL} {one}".rstrip() for one in command_prefix(effect, text, rule)]
    if action == "connect":
        return ["web_fetch"] if "*" in fetched_hosts(effect, text) else []
    if action == "call":
        server, _, tool = text.partition(".")
        known = {SHELL, *(name for names in _TOOLS.values() for name in names)}
        plain = _SERVER.fullmatch(server) and (tool in {"*", "**"} or tool.replace("_", "").isalnum())
        return [f"{'*' if tool == '**' else tool} {server}"] if plain and tool not in known else []
    name = text.removeprefix("gemini.")
    return [name] if action == "do" and name != text and name.replace("_", "").isalpha() else []


def _path(effect: str, text: str) -> list[str]:
    """What stands behind the tool's name: nothing for every file."""
    if text in {"./", "**"}:
        return [""]
    if effect == ALLOW or text[:1] in "/~$" or any(char in text for char in "[]?\\"):
        return []
    body = text.removeprefix("**/").removesuffix("**").rstrip("/")
    regex = ".*".join(re.escape(part) for part in re.split(r"\*+", body))
    return [f" {_FILE}(|.*/){regex}"]


def _name(effect: str, text: str) -> str:
    """A rule as its reader names it."""
    shown = f"{_DECISIONS[effect][0]} {text}"
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."


def text(entries: Sequence[tuple[str, str]], there: str) -> str:
    """The policy. Raises PolicyError for one that is there and has more than rules: this takes a file of its own."""
    source = Source("the policy that is there", there)
    if set(toml_of(source).value) - {"rule"}:
        raise unreadable(source, 0, "it holds more than rules", "write to a file of its own")
    return "\n".join(_table(effect, said) for effect, said in entries)


def _table(effect: str, text: str) -> str:
    decision, priority = _DECISIONS[effect]
    tool, _, more = text.partition(" ")
    key = "commandPrefix" if tool == SHELL else "argsPattern" if more.startswith(_FILE) else "mcpName"
    given = {"toolName": tool, **({key: more} if more else {}), "decision": decision}
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in given.items()]
    return f"[[rule]]\n{''.join(lines)}priority = {priority}\n"


WRITER = ClientWriter(spell, text, _name)
