"""Patterns of this language as the words of clients' formats that several of them share."""

from __future__ import annotations

import re

from ..domain.actions import ALLOW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ir.model import Rule

_WORD = re.compile(r"[\w./:=@+%,~-]+", re.ASCII)


def command_prefix(effect: str, text: str, rule: Rule) -> list[str]:
    """The words that a pattern's commands begin with, for a client that knows nothing else.

    A pattern with an end is a beginning for a restriction alone, and none of words with wildcards is any.
    """
    words = text.split(" ")
    open_end = words[-1] == "**"
    words = words[:-1] if open_end else words
    if not all(map(_WORD.fullmatch, words)) or text == "opaque" or (effect == ALLOW and not open_end):
        return []
    if effect != ALLOW and rule.with_options:
        return [" ".join([*words, option]) for option in rule.with_options if _WORD.fullmatch(option)]
    return [" ".join(words)]


def command_texts(effect: str, text: str, rule: Rule) -> list[str]:
    """Globs over a command's text for a pattern over its words; a restriction with options names each."""
    if any(char in text for char in "?[]\\()") or text == "opaque":
        return []
    words = text.split(" ")
    open_end = words[-1] == "**"
    middle = ["*" if word == "**" else word for word in (words[:-1] if open_end else words)]
    base = " ".join(middle)
    if effect != ALLOW and rule.with_options:
        return [f"{base} *{option}*" for option in rule.with_options] if base else []
    if not base:
        return ["*"]
    return [f"{base} *"] if open_end else [base] if effect == ALLOW else [base, f"{base} *"]


def fetched_hosts(effect: str, text: str) -> list[str]:
    """The hosts of a pattern, as a client that knows neither ports nor paths has them."""
    bare = text.partition("://")[2] or text
    host, _, rest = bare.partition("/")
    name, _, port = host.rpartition(":") if ":" in host else (host, "", "")
    if (rest or port not in {"", "*", "443", "80"} or "[" in name) and effect == ALLOW:
        return []
    if name == "**":
        return ["*"]
    if name.startswith("**."):
        return [name[3:], f"*.{name[3:]}"]
    return [] if "**" in name or "[" in name or not name else [name]
