"""Arguments of calls: part of the judge."""

from __future__ import annotations

import itertools
import operator
import unicodedata
from typing import Any

from .patterns import NO, OPEN, YES, braces, most, negate, sequence

MISSING = object()
ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}


def members(value: Any) -> list[Any]:
    """The value once for each way to choose a member of every list in it; None stands for what is no value."""
    if isinstance(value, list):
        return [m for one in value for m in ([None] if isinstance(one, list) else members(one))] or [None]
    if isinstance(value, dict):
        each = itertools.product(*map(members, value.values()))
        return [dict(zip(value, chosen, strict=True)) for chosen in each]
    return [value]


def value_of(name: str, arguments: Any) -> Any:
    for step in name.split(".")[1:]:
        if arguments is MISSING or not isinstance(arguments, dict):
            return arguments if arguments is MISSING else None
        arguments = arguments.get(step, MISSING)
    return arguments


def clear(text: str) -> bool:
    parts = text.split("/")
    inner = parts[2 if len(parts) > 2 and parts[0].endswith(":") else 1 :]
    plain = text == text.strip() == unicodedata.normalize("NFKC", text) and text.isprintable() and len(text) <= 4096
    return plain and "" not in inner and not {".", ".."} & set(parts) and not any(c in text for c in ("\\", "%2"))


def compared(kind: str, value: Any, other: Any) -> str:
    if kind == "given":
        return OPEN if value is None else NO if value is MISSING else YES
    if type(value) in (int, float) and type(other) in (int, list) and abs(value) <= 2**53:
        return YES if (value in other if kind == "in" else ORDER[kind](value, other)) else NO
    if type(value) is bool and type(other) is bool:
        return YES if ORDER[kind](value, other) else NO
    if not isinstance(value, str) or not clear(value) or not isinstance(other, (str, tuple)):
        return OPEN
    alike = most([text(one, value, kind != "pattern") for one in (other if isinstance(other, tuple) else [other])])
    return negate(alike) if kind == "!=" else alike


def text(pattern: str, value: str, exactly: bool) -> str:
    if exactly:
        return YES if pattern == value else OPEN if pattern.lower() == value.lower() else NO
    every = [[*p[:-1], "*", "**"] if p[-1] == "**" else p for p in (b.split("/") for b in braces(pattern))]
    if any(sequence(p, value.split("/")) for p in every):
        return YES
    return OPEN if any(sequence([c.lower() for c in p], value.lower().split("/")) for p in every) else NO
