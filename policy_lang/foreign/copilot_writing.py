"""Permissions as flags of Copilot CLI. None of them asks: what the policy asks about is denied."""

from __future__ import annotations

import re
import shlex

from ..domain.actions import ALLOW
from ..domain.errors import Source
from .copilot_model import KINDS
from .formats import ClientWriter
from .located import unreadable
from .written_globs import command_prefix, fetched_hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ir.model import Rule

_FLAGS = ("--allow-tool", "--deny-tool")
_NAME = re.compile(r"[\w-]+", re.ASCII)
_PATH = re.compile(r"[\w./@+%-]+", re.ASCII)


def spell(effect: str, action: str, text: str, rule: Rule) -> list[str]:
    """The kind of a tool, and in parentheses what it is asked for."""
    if action in {"read", "write"}:
        return _path(effect, action, text)
    if action == "run":
        return [f"shell({one}:*)" if one else "shell" for one in command_prefix(effect, text, rule)]
    if action == "connect":
        hosts = fetched_hosts(effect, text)
        if "*" in hosts:
            return ["url"]
        return [f"url({scheme}{host})" for host in hosts for scheme in ("", *(() if effect == ALLOW else ("http://",)))]
    server, _, tool = text.partition(".")
    if action != "call" or not _NAME.fullmatch(server) or server in KINDS:
        return []
    return [server] if tool in {"*", "**"} else [f"{server}({tool})"] if _NAME.fullmatch(tool) else []


def _path(effect: str, action: str, text: str) -> list[str]:
    """A path is the end of any there: so only what is restricted is named."""
    if text in {"./", "**"}:
        return [action]
    end = text.removeprefix("**/")
    return [f"{action}({end})"] if effect != ALLOW and _PATH.fullmatch(end) and not end.endswith("/") else []


def _flag(effect: str) -> str:
    return _FLAGS[effect != ALLOW]


def _name(effect: str, text: str) -> str:
    """A flag as its reader names it."""
    return f"{_flag(effect)} {text}"


def text(entries: Sequence[tuple[str, str]], there: str) -> str:
    """One line that starts it. Raises PolicyError where there is a script already, which is more than a line."""
    source = Source("the flags that are there", there)
    try:
        words = shlex.split(there)
    except ValueError:
        raise unreadable(source, 0, "a quote is not closed") from None
    if len(there.strip().splitlines()) > 1 or (words and words[0] != "copilot"):
        raise unreadable(source, 0, "it holds more than a line that starts `copilot`", "write to a file of its own")
    kept = [word for word, before in zip(words[1:], words, strict=False) if not {word, before} & set(_FLAGS)]
    kept = [word for word in kept if word.partition("=")[0] not in _FLAGS]
    flags = dict.fromkeys((_flag(effect), said) for effect, said in entries)
    return shlex.join(["copilot", *(word for flag in flags for word in flag), *kept]) + "\n"


WRITER = ClientWriter(spell, text, _name)
