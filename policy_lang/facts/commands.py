"""Commands: one argv in one spelling. A program without `/` is that name in the trusted directories."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.regex import regex

TRUSTED_DIRS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""The default search path of login(1) and execvp(3), which an agent's account cannot write."""

_UPWARDS = regex(r"(?:^|[/=:,;@])\.\.(?:[/:,;]|$)")

OPAQUE = "\0opaque"
"""The one-letter word of a command that could not be read."""


def argv_word(argv: Sequence[object], cwd: str | None = None, workspace: str | None = None) -> tuple[str, ...]:
    """The command's words with its program normalised. Raises RequestError when malformed."""
    if not argv:
        raise RequestError("PLR051", "the command has no words")
    if len(argv) > limit("argv_words"):
        raise RequestError("PLR004", f"the command has more than {limit('argv_words')} words")
    words: list[str] = []
    size = 0
    for word in argv:
        if not isinstance(word, str):
            raise RequestError("PLR001", "a word of the command is not a string")
        try:
            size += len(word.encode("utf-8"))
        except UnicodeEncodeError:
            raise RequestError("PLR003", "a word of the command is not valid Unicode (a lone surrogate)") from None
        if "\0" in word:
            raise RequestError("PLR005", "a word of the command contains the control character U+0000")
        words.append(word)
    if size > limit("argv_bytes"):
        raise RequestError("PLR004", f"the command is longer than {limit('argv_bytes')} bytes")
    if not words[0] or not words[0].isprintable():
        raise RequestError("PLR051", "the command's program is empty or has control characters")
    words[0] = program(words[0], cwd, workspace)
    return tuple(words)


def climbs(text: str) -> bool:
    """True for a word that leads to the folder above, alone or behind an option's name: `scripts/../x`, `--opt=..`."""
    return ".." in text and _UPWARDS.search(text) is not None


def program(word: str, cwd: str | None = None, workspace: str | None = None) -> str:
    """A program's one name: bare when it lies in a trusted directory, `./x` below the workspace, else absolute."""
    if "/" not in word:
        return word
    base = cwd or workspace
    if word.startswith("/"):
        path = posixpath.normpath("/" + word.lstrip("/"))
    elif base is None:
        path = posixpath.normpath(word)
        return path if path.startswith("../") else f"./{path}"
    else:
        path = posixpath.normpath(posixpath.join(base, word))
    folder, name = posixpath.split(path)
    if folder in TRUSTED_DIRS:
        return name
    if workspace is not None:
        root = posixpath.normpath(workspace)
        if path.startswith(root.rstrip("/") + "/"):
            return "./" + path[len(root.rstrip("/")) + 1 :]
    return path
