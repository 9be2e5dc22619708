"""Output of commands, for the few whose output is known well enough to go on with: `$(pwd)`, `$(git rev-parse HEAD)`."""

from __future__ import annotations

import re

from ..domain.regex import regex
from .expand import Expander
from .repository import current_branch, elsewhere
from .tree import AndOrList, SimpleCommand, Text
from .values import DIGITS, Hole, Value, joined, literal
from .walk import Walk

_OUTPUT = Value((Hole.ANY,), False, "a command's output")


def printed(walk: Walk, expander: Expander, body: tuple[AndOrList, ...]) -> Value:
    """The output of a substitution, for the few commands where that is sure."""
    if len(body) != 1 or body[0].operators or body[0].background or len(body[0].pipelines) != 1:
        return _OUTPUT
    commands = body[0].pipelines[0].commands
    last = commands[-1]
    if not isinstance(last, SimpleCommand) or last.assigns or any(">" in r.op for r in last.redirects):
        return _OUTPUT
    words = [p.parts[0].text if len(p.parts) == 1 and isinstance(p.parts[0], Text) else None for p in last.words]
    if any(w in walk.state.functions for w in words[:1]):
        return _OUTPUT
    if (
        words == ["cat"]
        and len(last.redirects) == 1
        and last.redirects[0].op in {"<<", "<<-", "<<<"}
        and len(commands) == 1
    ):
        value = expander.value(last.redirects[0].target)
        if value.parts and isinstance(value.parts[-1], str):
            return joined([*value.parts[:-1], value.parts[-1].rstrip("\n")], False, value.why)
        return Value((Hole.ANY,), False, value.why)
    if last.redirects and words[:1] != ["wc"]:
        return _OUTPUT
    return _printed(walk, words) or _OUTPUT


_NEW = "X" * 10
"""Stands for the letters and digits of a new name: nobody can choose them, or have a file of that name before."""
_REVISION = regex(r"(?:HEAD|@)(?:[~^][0-9]*)*")
"""Names that can only be a commit's; of another word `git rev-parse` may print the word itself."""


def _commit(words: list[str | None]) -> bool:
    """True when a `git rev-parse` or `git merge-base` prints the names of commits, or nothing (git-rev-parse(1))."""
    if words[1] == "merge-base":
        return True
    sure = any(w == "--verify" or (w or "").startswith("--short") for w in words[2:])
    return all(
        w is not None and (w in {"--verify", "-q", "--quiet"} or re.fullmatch(r"--short(?:=[0-9]+)?", w) is not None)
        if w is None or w.startswith("-")
        else sure or _REVISION.fullmatch(w) is not None
        for w in words[2:]
    )


def _printed(walk: Walk, words: list[str | None]) -> Value | None:
    """The output of a command, or None where it is not sure."""
    name = words[0] if words else None
    if name == "pwd" and len(words) == 1:
        return Value((Hole.CWD,), False, "$(pwd)")
    if name == "nproc" or (name == "wc" and words[1:2] in (["-l"], ["-c"], ["-w"]) and len(words) == 2):
        return DIGITS
    if name == "date":
        formats = [w for w in words[1:] if w is not None]
        if len(formats) == len(words) - 1 and all(f.startswith("+") or f == "-u" for f in formats):
            text = "".join(formats)
            if re.fullmatch(r"(?:-u)?\+%s", text):
                return DIGITS
            if "/" not in text and not re.search(r"%[-_0^#]?[DxcE]", text) and text[-1:] != "+":
                return Value((Hole.NAME,), False, "a date")
    if (
        name == "mktemp"
        and "TMPDIR" not in walk.state.variables
        and None not in words
        and set(words[1:]) <= {"-d", "-q"}
    ):
        return Value((Hole.TMP, f"/tmp.{_NEW}"), False, "$(mktemp)")
    top = walk.context.top
    if top and words == ["git", "rev-parse", "--show-toplevel"] and walk.state.folders == ("",) and not elsewhere(walk):
        return literal(top)
    if words[:2] in (["git", "rev-parse"], ["git", "merge-base"]) and _commit(words):
        return Value((Hole.WORD,), False, "a commit's name")
    if words in (["git", "branch", "--show-current"], ["git", "rev-parse", "--abbrev-ref", "HEAD"]):
        branch = current_branch(walk)
        found = walk.context.branch if branch == "HEAD" else (branch or "").removeprefix("refs/heads/")
        if found and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", found):
            return literal(found)
    if name == "echo" and len(words) > 1 and None not in words and not str(words[1]).startswith("-"):
        text = " ".join(str(w) for w in words[1:])
        if re.fullmatch(r"[A-Za-z0-9_@%+:,./ -]*", text):
            return literal(text)
    return None
