"""Targets of copies and downloads: the name itself, or below it the source's own name when it is a folder."""

from __future__ import annotations

from ..domain.regex import regex
from .access import path
from .profile import Parsed
from .values import UNKNOWN, Value, joined, literal
from .walk import Walk

_PLAIN_NAME = regex(r"[^*?\[\]{}\\$`#~]+")
"""A name that the other side does not expand."""


def landed(
    walk: Walk, source: Value, target: Value, tree: bool = False, folder: bool = False, follows: bool = False
) -> None:
    """A copy of a file here, all of it with `tree`; the target is surely a folder with `folder`.

    Of links below, what they lead to is copied when it `follows` them.
    """
    kind = ("copied-linked" if follows else "copied") if tree else ""
    like = source if tree else None
    if not (folder or _is_folder(target)):
        path(walk, "write", target, kind, like=like)
    name = _base(source)
    if name is None:
        path(walk, "write", target if target.parts else UNKNOWN, "into-tree" if tree else "into", like=source)
    else:
        path(walk, "write", below(target, literal(name)), kind, like=like)


def fetched(walk: Walk, name: Value, target: Value, folder: bool = False) -> None:
    """One file from elsewhere that has a name there; where the other side expands that, any name may arrive."""
    if not (folder or _is_folder(target)):
        path(walk, "write", target)
    if name.text is None or _PLAIN_NAME.fullmatch(name.text):
        path(walk, "write", below(target, name))
    else:
        path(walk, "write", target if target.parts else UNKNOWN, "received")


def arrives(walk: Walk, parsed: Parsed, target: Value) -> None:
    """What a command that copies between hosts writes to its last operand; anything where folders are copied."""
    if parsed.changes.tree:
        path(walk, "write", target, "new")
        return
    sources = [o for o in parsed.operands if o is not target]
    many = len(sources) > 1 or any(o.many for o in sources)
    if not sources:
        path(walk, "write", target)
    for source in sources:
        start = source.starts()
        if source.text is None or "://" in start or ":" in start.partition("/")[0]:
            name = _base(source) or "*"
            name = name if "/" in (source.text or "") else name.rpartition(":")[2]
            fetched(walk, literal("*" if name in {"", "."} else name), target, many)
        else:
            landed(walk, source, target, folder=many)


def below(folder: Value, name: Value) -> Value:
    """What a folder holds under a name."""
    if not folder.parts:
        return UNKNOWN
    last = folder.parts[-1]
    slash = "" if isinstance(last, str) and last.endswith("/") else "/"
    return joined([*folder.parts, slash, *name.parts], False, folder.why or name.why)


def _is_folder(target: Value) -> bool:
    text = target.text
    return text is not None and (text.endswith("/") or text.rpartition("/")[2] in {".", ".."})


def _base(source: Value) -> str | None:
    text = source.text
    if text is None:
        return None
    name = text.rstrip("/").rpartition("/")[2]
    return name if name not in {"", ".", ".."} else "."
