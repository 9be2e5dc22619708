"""Permissions as Claude Code's settings have them.

What asks about files holds for the client's own tools alone, and no command: so it is written as a denial.
"""

from __future__ import annotations

import json

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.errors import Source
from .claude_rules import EFFECTS
from .formats import ClientWriter
from .located import json_of, object_of
from .written_globs import command_texts, fetched_hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ir.model import Rule

_STARTERS = ("Bash(xargs *)", "Bash(noglob *)")
"""Programs that the client takes off a command before it compares it, and that a policy sees otherwise."""
_TOOLS = {"read": "Read", "write": "Edit"}
_FILES = ("Read(", "Edit(")


def spell(effect: str, action: str, text: str, rule: Rule) -> list[str]:
    """The rules for one pattern."""
    if action in _TOOLS:
        return [f"{_TOOLS[action]}({path})" for path in _path(text)]
    if action == "run":
        return [f"Bash({glob})" for glob in command_texts(effect, text, rule)]
    if action == "connect":
        return [f"WebFetch(domain:{host})" for host in fetched_hosts(effect, text)]
    if action == "call":
        return _call(effect, text)
    name = text.removeprefix("claude.")
    return [name] if action == "do" and name != text and name.isalpha() else []


def _path(text: str) -> list[str]:
    """A path in gitignore's words: `/` begins in the workspace, `//` in the machine's."""
    if text.startswith("${tmp}/"):
        text = f"/tmp/{text.removeprefix('${tmp}/')}"  # noqa: S108 (as the client has it)
    if "\\" in text or "(" in text or ")" in text:
        return []
    if text.startswith("~/"):
        return [text.rstrip("/") or "~/**"]
    if text.startswith("/"):
        return [f"/{text.rstrip('/') or '/**'}"]
    return ["/**"] if text in {"./", "**"} else [f"/{text.rstrip('/')}"]


def _call(effect: str, text: str) -> list[str]:
    server, _, tool = text.partition(".")
    if text == "**" and effect != ALLOW:
        return ["mcp__*"]
    plain = server.replace("-", "").replace("_", "").isalnum() and "." not in tool and "__" not in text
    return [f"mcp__{server}__{'*' if tool == '**' else tool}"] if plain and tool else []


def _kept(effect: str, text: str) -> str:
    """The list that a permission stands in."""
    return DENY if effect == ASK and text.startswith(_FILES) else effect


def _name(effect: str, text: str) -> str:
    """A permission as its reader names it."""
    return f"{_kept(effect, text)} {text}"


def text(entries: Sequence[tuple[str, str]], there: str) -> str:
    """The settings: what is there, with its permissions replaced."""
    source = Source("the settings that are there", there or "{}")
    settings = object_of(source, json_of(source))
    permissions = object_of(source, settings.get("permissions", {}))
    kept = {key: value for key, value in permissions.items() if key not in EFFECTS}
    given = dict.fromkeys((_kept(kind, said), said) for kind, said in entries)
    lists = {effect: [said for kind, said in given if kind == effect] for effect in reversed(EFFECTS)}
    if any(one.startswith("Bash") for one in lists[ALLOW]):  # what a grant covers as well, with words of its own
        lists[ASK] += [one for one in _STARTERS if one not in lists[ASK]]
    made = {**settings, "permissions": {**kept, **{k: v for k, v in lists.items() if v}}}
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


WRITER = ClientWriter(spell, text, _name)
