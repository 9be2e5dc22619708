"""Help for a statement that does not parse: what was probably meant, from the word before and the words behind."""

from __future__ import annotations

import re

from .foreign import quote
from .tokens import Token

_EFFECTS = frozenset({"ALLOW", "ASK", "DENY"})
_COMPARISONS = frozenset(
    ("like", "matches", "match", "glob", "startswith", "startsWith", "starts_with", "endswith", "contains", "is")
)
_PLAIN = frozenset({"DATE", "DATETIME", "DURATION", "INT"})
_PATTERN = frozenset(("STRING", "COMMA", "LBRACE", "RBRACE", "COLON", "EQUAL"))


def ending_hint(text: str, last: Token) -> str:
    """Help for a statement that ended too early, behind this token; empty when there is nothing to say of it."""
    if last.type == "WHEN" and text[last.end :].lstrip().startswith("{"):
        return 'write the condition without braces: `when env == "dev"`'
    return ""


def hint_for(text: str, tokens: list[Token], token: Token, expected: set[str]) -> str:
    """Help for a token that fits nowhere; empty when there is nothing to say of it but what fits."""
    at = tokens.index(token)
    before = tokens[at - 1] if at else None
    following = text[token.end :].lstrip()
    if before is None:
        return _first(text, token)
    if token.type == "VBAR" and "EQUAL" in expected:
        return 'the members of an enumeration are strings: write `"dev" | "prod"`'
    if token.type == "EQUAL" and before.type == "COMPARE":
        return "write `==`"
    if before.type in _EFFECTS and token.type == "STRING":
        if before.type == "ASK":
            return 'a person is asked by a tier: `tier review { approvers "@team" }`, and then `ask review write ...`'
        return f"the action is missing, such as `{before.value} read {token.value}`"
    if before.type == "ACTION" and token.type in {"ACTION", "AND"}:
        other = following.split()[0] if token.type == "AND" and following else token.value
        return f"several actions are separated by commas: `{before.value}, {other}`"
    if token.type == "LBRACE" and tokens[0].type in {"POLICY", "GUARDRAIL"}:
        return f'`{tokens[0].value} "name"` stands alone, without braces; the rules follow it'
    return _punctuation(text, tokens, token, before, expected) or _written(text, token, before, expected)


def _first(text: str, token: Token) -> str:
    """Help for the first word of a statement."""
    following = re.match(r"[ \t]+(allow|deny)\b", text[token.end :])
    if token.type == "ACTION" and following:
        return f"the effect comes first: `{following[1]} {token.value}`"
    if token.value == "default" and following:
        return "leave it out: nothing is allowed that no rule grants"
    return ""


def _punctuation(text: str, tokens: list[Token], token: Token, before: Token, expected: set[str]) -> str:
    """Help for brackets and the like."""
    if token.type == "COLON" and before.type == "INT":
        return "hours have two digits: `09:00..17:00`"
    if token.type == "COLON" and "STRING" in expected:
        return "leave it out"
    if token.type not in {"LSQB", "LPAR"} or not {"STRING", "LSQB"} & expected:
        return ""
    close = text.find({"LSQB": "]", "LPAR": ")"}[token.type], token.end)
    inner = text[token.end : close] if close >= 0 and "\n" not in text[token.end : close] else '"a", "b"'
    if before.type == "IN":
        return f"write the values in brackets: `[{inner}]`"
    if token.type == "LPAR":
        return f"write it without parentheses: `{inner}`"
    hint = f"a list is written without brackets: `{inner}`"
    if any(t.value == "run" for t in tokens) and "," in inner:
        words = " ".join(re.findall(r'"([^"\n]*)"', inner))
        hint += f"; the words of one command are one text: `{quote(words)}`"
    return hint


def _written(text: str, token: Token, before: Token, expected: set[str]) -> str:
    """Help for values that are written in another way."""
    if token.type == "STRING" and _PLAIN & expected and "STRING" not in expected:
        return f"write it without quotes: `{token.value[1:-1]}`"
    if (
        before.type == "INT"
        and token.type == "NAME"
        and token.value in {"min", "mins", "minutes", "sec", "hours", "days"}
    ):
        return f"write `{before.value}{token.value[0]}`"
    if token.type == "NAME" and token.value in _COMPARISONS and "COMPARE" in expected:
        value = re.match(r'[ \t]*("[^"\n]*")', text[token.end :])
        if before.type in {"AGENT", "REPO"} and value:
            return f"a glob goes in a scope around the rule: `{before.value} {value[1]} {{ ... }}`"
        return "attributes are compared with `==`, `!=` and `in`"
    bare = before.type == "NAME" and not token.first and token.type not in _PATTERN
    if bare and not {"NAME", "STRING", "ACTION"} & expected:
        line = text[before.start : len(text) if (end := text.find("\n", before.start)) < 0 else end]
        words = re.match(r"[\w./-]+(?: [\w./-]+)*", line)
        return f"text goes in double quotes: `{quote(words[0])}`" if words else ""
    return ""
