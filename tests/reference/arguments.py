"""Arguments of calls: part of the judge."""

from __future__ import annotations

import operator
import re
import unicodedata
from itertools import product
from typing import Any

from .patterns import NO, OPEN, YES, braces, most, negate, sequence

MISSING = object()
ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}


def members(value: Any) -> list[Any]:
    """The value once for each way to choose a member of every list in it; None stands for what is no value."""
    if isinstance(value, list):
        return [m for one in value for m in ([None] if isinstance(one, list) else members(one))] or [None]
    if isinstance(value, dict):
        return [dict(zip(value, chosen, strict=True)) for chosen in product(*map(members, value.values()))]
    return [value]


def value_of(name: str, arguments: Any) -> Any:
    for step in name.split(".")[1:]:
        if arguments is MISSING or not isinstance(arguments, dict):
            return arguments if arguments is MISSING else None
        alike = [name for name in arguments if name.lower() == step.lower()]
        arguments = arguments.get(step, MISSING) if alike in ([], [step]) else None
    return arguments


def clear(text: str) -> bool:
    parts = text.split("/")
    inner = parts[2 if len(parts) > 2 and parts[0].endswith(":") else 1 :]
    plain = text == text.strip() == unicodedata.normalize("NFKC", text) and text.isprintable() and len(text) <= 4096
    hidden = re.search(r"\\|%(2[5def]|5[cf]|7e|3[0-9]|[46][1-9a-f]|[57][0-9a])", text.lower())
    return plain and "" not in inner and not {".", ".."} & set(parts) and not hidden


def compared(kind: str, value: Any, other: Any) -> str:
    if kind == "given":
        return OPEN if value is None else NO if value is MISSING else YES
    numbers = type(value) in (int, float) and type(other) in (int, list) and abs(value) <= 2**53
    if numbers or (type(value) is bool and type(other) is bool):
        return YES if (value in other if kind == "in" else ORDER[kind](value, other)) else NO
    if not isinstance(value, str) or not clear(value) or not isinstance(other, (str, tuple)):
        return OPEN
    alike = most([text(one, value, kind != "pattern") for one in (other if isinstance(other, tuple) else [other])])
    return negate(alike) if kind == "!=" else alike


def text(pattern: str, value: str, exactly: bool) -> str:
    every = [[*p[:-1], "*", "**"] if p[-1] == "**" else p for p in (b.split("/") for b in braces(pattern))]
    if pattern == value if exactly else any(sequence(p, value.split("/")) for p in every):
        return YES
    alike = any(sequence([c.lower() for c in p], value.lower().split("/")) for p in every)
    return OPEN if (pattern.lower() == value.lower() if exactly else alike) else NO
