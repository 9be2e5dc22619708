"""Texts of other languages in a policy, and how they are written here: comments, quotes, whole rules, whole files."""

from __future__ import annotations

import re

CLAUDE_TOOLS = {
    "Bash": "run", "PowerShell": "run", "Read": "read", "Glob": "read", "Grep": "read", "LS": "read", "Edit": "write",
    "Write": "write", "MultiEdit": "write", "NotebookEdit": "write", "WebFetch": "connect",
}  # fmt: skip
"""Names of Claude Code's permission rules, and the actions that they are about."""
_QUOTES = {
    "\u201c": "\u201d", "\u201d": "\u201d", "\u201e": "\u201c", "\u2018": "\u2019", "\u2019": "\u2019",
    "\u00ab": "\u00bb", "'": "'", "`": "`",
}  # fmt: skip
"""What texts stand between elsewhere: what opens one, and what closes it."""
_COMMENTS = ("//", "/*", "--")
_OPERATORS = {
    "&&": "write `and`", "||": "write `or`", "!": "write `not` in front of what must not hold",
    "=~": "attributes are compared with `==`, `!=` and `in`",
}  # fmt: skip
_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_DATES = re.compile(r"\d{1,2}/\d{1,2}/\d{4}|\d{4}/\d{1,2}/\d{1,2}", re.ASCII)
_RULE = 'a rule is written `allow read "src/**"`, on a line of its own'


def quote(text: str) -> str:
    """A text between double quotes, as a message shows it."""
    return '"' + text.replace('"', '\\"') + '"'


def mistake(text: str, at: int, begin: int) -> tuple[int, int, str]:
    """Where a text that is not of the language begins and ends, and the help for it; empty where there is none.

    `begin` is where the word before it begins, when nothing is between them, else `at`.
    """
    line = text.find("\n", at)
    line = len(text) if line < 0 else line
    if at == begin and text.startswith(_COMMENTS, at):
        close = text.find("*/", at) if text.startswith("/*", at) else -1
        return at, (close + 2 if close >= 0 else line), "a comment begins with `#`"
    closing = _QUOTES.get(text[at])
    if closing:
        end = text.find(closing, at + 1, line)
        if end < 0:
            return at, _word_end(text, at), "text goes in double quotes"
        name = (
            "text goes in double quotes" if text[at] in "'`" else f'`{text[at]}` is not a valid quote here; write `"`'
        )
        return at, end + 1, f"{name}: `{quote(text[at + 1 : end])}`"
    for operator, meant in _OPERATORS.items():
        if text.startswith(operator, begin):
            return begin, max(begin + len(operator), at + 1), meant
    end = _word_end(text, at)
    word = text[begin:end]
    if found := _DATE.fullmatch(word):
        return begin, end, f"dates are written `{found[3]}-{found[2]:0>2}-{found[1]:0>2}`"
    if _DATES.fullmatch(word):
        return begin, end, "dates are written `2027-12-31`"
    if text[at] == ";":
        return at, at + 1, "statements need no separator: leave it out"
    if text[at] in "@*/.~$%\\":
        return begin, end, f"text goes in double quotes: `{quote(word)}`"
    return at, end, ""


def _word_end(text: str, at: int) -> int:
    end = at + 1
    while end < len(text) and not text[end].isspace() and text[end] not in '"#{}(),' and end - at < 200:
        end += 1
    return end


def foreign_rule(text: str, at: int, name: str, effect: str) -> tuple[int, str]:
    """Where a rule of another system that begins with a name ends, and the help for it; (0, "") when it is none.

    `effect` is the word of this language before it, or empty.
    """
    end = at + len(name)
    if name.startswith("mcp__"):
        return (end, f"write `{effect} call {quote(tool_name(name))}`") if effect else (0, "")
    line = text.find("\n", end)
    close = text.rfind(")", end, len(text) if line < 0 else line)
    opened = text.find("(", end)
    if close < 0 or text[end:opened].strip():
        return 0, ""
    if name in CLAUDE_TOOLS and opened == end:
        return close + 1, f"write `{effect or 'allow'} {claude_rule(name, text[end + 1 : close])}`"
    stop = close + 1 + text.startswith(";", close + 1)
    if name == "prefix_rule" and opened == end:
        return stop, _codex_rule(text[end:close])
    if name in {"permit", "forbid"}:
        return stop, f"`{name}` is `{'allow' if name == 'permit' else 'deny'}` here, and {_RULE}"
    return 0, ""


def claude_rule(tool: str, pattern: str) -> str:
    """Action and pattern of one of Claude Code's permission rules, such as `Bash(npm run test:*)`."""
    action = CLAUDE_TOOLS[tool]
    if action == "run":
        pattern = re.sub(r"[: ]?\*$", " **", pattern) if pattern.endswith("*") else pattern
    elif action == "connect":
        pattern = pattern.removeprefix("domain:")
    elif pattern.startswith("//"):
        pattern = pattern[1:]
    else:
        pattern = pattern.removeprefix("./").removeprefix("/")
    return f"{action} {quote(pattern)}"


def tool_name(name: str) -> str:
    """What `mcp__server__tool` is called here; all of a server's tools for a server's name alone."""
    server, _, tool = name.removeprefix("mcp__").partition("__")
    return f"{server}.{tool or '*'}"


def _codex_rule(arguments: str) -> str:
    words = re.findall(r'"([^"\n]*)"', arguments.partition("]")[0])
    decided = {"forbidden": "deny", "prompt": "ask TIER"}
    effect = next((ours for theirs, ours in decided.items() if f'"{theirs}"' in arguments), "allow")
    return f"write `{effect} run {quote(' '.join([*words, '**']))}`"


def other_language(text: str) -> str:
    """The language that a whole file is written in, when it is plainly another one; empty for a policy."""
    begin = next((line.strip() for line in text.split("\n") if line.strip() and line.lstrip()[0] != "#"), "")
    if begin.startswith(("{", "[")):
        return "JSON"
    if begin.startswith("---") or re.fullmatch(r"[A-Za-z_-]+:", begin):
        return "YAML"
    return ""


FILE_HELP = 'a policy is text of its own: `policy "name"`, and rules such as `allow read "src/**"`'
