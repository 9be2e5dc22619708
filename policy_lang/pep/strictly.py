"""JSON, read strictly: no doubled keys, no NaN, bounded depth, no lone surrogates."""

from __future__ import annotations

import json

MOST_DEPTH = 64


class MalformedError(ValueError):
    """The text is no JSON that is accepted."""


def load(data: bytes) -> object:
    """The value of a JSON text. Raises MalformedError."""
    try:
        text = data.decode("utf-8")
        value: object = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant)
        text.encode("utf-8")
        _check(value, 0)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"this is no JSON: {type(error).__name__}") from None
    return value


def dump(value: object) -> bytes:
    """A JSON text, in ASCII."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise MalformedError("a key is given twice")
    return made


def _constant(name: str) -> object:
    raise MalformedError(f"`{name}` is no JSON")


def _check(value: object, depth: int) -> None:
    if depth > MOST_DEPTH:
        raise MalformedError("nested too deeply")
    if isinstance(value, str):
        if not value.isascii():
            value.encode("utf-8")  # a lone surrogate raises
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check(key, depth + 1)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)
