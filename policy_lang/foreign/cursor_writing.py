"""Permissions as the file of Cursor's command line has them: what is not allowed is asked about, reads aside.

There is no list of what is asked about: what the policy asks about is denied.
"""

from __future__ import annotations

import json

from ..domain.actions import ALLOW, DENY
from ..domain.errors import Source
from .cursor_rules import FETCH, MCP, READ, SHELL, WRITE
from .formats import ClientWriter
from .located import json_of, object_of
from .written_globs import command_texts, fetched_hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ir.model import Rule

_KINDS = {"read": READ, "write": WRITE}


def spell(effect: str, action: str, text: str, rule: Rule) -> list[str]:
    """The entries for one pattern."""
    if action in _KINDS:
        return [f"{_KINDS[action]}({glob})" for glob in _path(effect, text)]
    if action == "run":
        return [f"{SHELL}({glob})" for one in command_texts(effect, text, rule) for glob in _command(one)]
    if action == "connect":
        return [f"{FETCH}({host})" for host in fetched_hosts(effect, text)]
    server, _, tool = text.partition(".")
    if action != "call" or "." in tool or ":" in text or not (tool or text == "**"):
        return []
    return [f"{MCP}({'*' if server == '**' else server}:{'*' if tool in {'', '**'} else tool})"]


def _path(effect: str, text: str) -> list[str]:
    """A whole path is compared, so a folder is what lies in it."""
    if any(char in text for char in "[]\\()") or text[:1] == "$" or (text[:1] == "~" and effect == ALLOW):
        return []
    if text in {"./", "**"}:
        return ["**"]
    if text.endswith("/"):
        return [f"{text}**"] if effect == ALLOW else [text[:-1], f"{text}**"]
    return [text] if effect == ALLOW or text.endswith("/**") else [text, f"{text}/**"]


def _command(text: str) -> list[str]:
    """The first word, and a glob over the others; nothing behind the first is written without a star."""
    first, _, rest = text.partition(" ")
    if ":" in first:
        return []
    if not rest.endswith(" *"):
        return [first if rest == "*" or text == "*" else f"{first}:{rest}"]
    return [f"{first}:{rest[:-2]}", f"{first}:{rest}"]


def _name(effect: str, text: str) -> str:
    """An entry as its reader names it."""
    return f"{ALLOW if effect == ALLOW else DENY} {text}"


def text(entries: Sequence[tuple[str, str]], there: str) -> str:
    """The file: what is there, with its permissions replaced."""
    source = Source("the file that is there", there or "{}")
    settings = object_of(source, json_of(source))
    permissions = object_of(source, settings.get("permissions", {}))
    lists: dict[str, list[str]] = {ALLOW: [], DENY: []}
    for effect, said in entries:
        lists[ALLOW if effect == ALLOW else DENY].append(said)
    made = {kind: list(dict.fromkeys(said)) for kind, said in lists.items()}
    return json.dumps({**settings, "permissions": {**permissions, **made}}, indent=2, ensure_ascii=False) + "\n"


WRITER = ClientWriter(spell, text, _name)
