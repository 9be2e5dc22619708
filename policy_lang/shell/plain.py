"""Read a script that is one plain command: literal words, quoted or not, and nothing a shell would act on.

Anything more is opaque and says why. Opaque is never granted by an ordinary rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..domain.errors import RequestError
from ..domain.limits import limit

DIALECTS = ("bash", "sh", "zsh")
_DECEPTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xa0\xad\u061c\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ud800-\udfff]"
)
_PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./=-]+", re.ASCII)
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"([^"$`\\!]*)"')
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=", re.ASCII)
_BLANK = re.compile(r"[ \t]+")
_RESERVED = frozenset((
    *("if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "in", "select"),
    *("function", "time", "coproc", "repeat", "foreach", "end", "nocorrect", "noglob", "exec", "eval", "source", "."),
    *("builtin", "command", "alias", "unalias", "set", "shopt", "trap", "enable", "hash", "export", "declare"),
    *("typeset", "local", "readonly", "unset", "cd", "pushd", "popd", "let", "setopt", "unsetopt"),
    *("bindkey", "zmodload"),
))  # fmt: skip
"""Reserved words, and builtins that change what the shell does next or run their arguments."""


@dataclass(frozen=True, slots=True)
class Plain:
    """`argv` when the script is one plain command, else None and `why`."""

    argv: tuple[str, ...] | None
    why: str = ""


def read_script(script: object, dialect: str | None) -> Plain:
    """Read a script. Raises RequestError when it is no text, too long, or in an unknown dialect."""
    if not isinstance(script, str):
        raise RequestError("PLR001", "the command is neither a string nor an array of words")
    if dialect is not None and dialect not in DIALECTS:
        raise RequestError("PLR052", f"unknown shell `{dialect[:20]}`; known are bash, sh and zsh")
    if len(script) > limit("script_bytes") or len(script.encode("utf-8", "surrogatepass")) > limit("script_bytes"):
        raise RequestError("PLR004", f"the script is longer than {limit('script_bytes')} bytes")
    bad = _DECEPTIVE.search(script)
    if bad:
        return Plain(None, f"it contains the invisible or control character U+{ord(bad[0]):04X}")
    text = script.strip(" \t\n")
    if not text:
        raise RequestError("PLR051", "the command has no words")
    return _words(text)


def _words(text: str) -> Plain:
    if _ASSIGNMENT.match(text):
        return Plain(None, "it begins with an assignment")
    words: list[str] = []
    at = 0
    while at < len(text):
        blank = _BLANK.match(text, at)
        if blank:
            at = blank.end()
        word, at, why = _word(text, at)
        if why:
            return Plain(None, why)
        words.append(word)
    first = words[0]
    if not first:
        return Plain(None, "its program is an empty word")
    if first.startswith("-"):
        return Plain(None, "its program begins with `-`, which zsh reads as a modifier")
    if first in _RESERVED:
        return Plain(None, f"`{first}` changes what the shell does, or runs its arguments")
    return Plain(tuple(words))


def _word(text: str, at: int) -> tuple[str, int, str]:
    """One word: its value, where it ends, and why it could not be read."""
    out: list[str] = []
    begin = at
    while at < len(text) and text[at] not in " \t":
        char = text[at]
        pattern = {"'": _SINGLE, '"': _DOUBLE}.get(char, _PLAIN)
        match = pattern.match(text, at)
        if match is None:
            return "", at, _why(char)
        if at == begin and char == "=":
            return "", at, "a word begins with `=`, which zsh expands"
        out.append(match[1] if char in "'\"" else match[0])
        at = match.end()
    return "".join(out), at, ""


def _why(char: str) -> str:
    if char in "'\"":
        return "a quoted text expands something or is not closed"
    if char == "\n":
        return "it has more than one line"
    kinds = {
        ";": "it is a list of commands",
        "&": "it is a list of commands, or runs in the background",
        "|": "it is a pipeline",
        "<": "it redirects input",
        ">": "it redirects output",
        "$": "it expands a variable",
        "`": "it substitutes a command",
        "*": "it expands file names",
        "?": "it expands file names",
        "[": "it expands file names",
        "{": "it expands braces or groups commands",
        "}": "it groups commands",
        "(": "it runs a subshell",
        ")": "it runs a subshell",
        "~": "it expands a home folder",
        "#": "it has a comment",
        "!": "it negates or recalls history",
        "\\": "it escapes characters",
        "^": "it uses `^`, which some shells expand",
    }
    return kinds.get(char, f"it contains `{char}`")
