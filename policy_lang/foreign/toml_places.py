"""TOML as people write it in settings, with the places of its tables."""

from __future__ import annotations

import re
import tomllib

from ..domain.errors import Span
from .located import unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.errors import Source

_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def toml_of(source: Source) -> dict[str, object]:
    """The value of a TOML text. Raises PolicyError."""
    try:
        return tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        found = _AT.search(said)
        start = len(source.text)
        if found is not None and found[1]:
            start = sum(map(len, source.text.splitlines(keepends=True)[: int(found[1]) - 1])) + int(found[2]) - 1
        message = said[: found.start()] if found is not None else said
        raise unreadable(source, start, f"this is no TOML: {message[:1].lower()}{message[1:]}") from None
    except RecursionError:
        raise unreadable(source, 0, "the TOML is nested too deep") from None


def table_spans(source: Source, name: str, count: int) -> list[Span]:
    """The places of the tables `[[name]]`, in their order; the file's beginning where they cannot be told."""
    found = list(re.finditer(rf"^[ \t]*\[\[[ \t]*{re.escape(name)}[ \t]*\]\]", source.text, re.MULTILINE))
    if len(found) != count:
        return [Span(source, 0, min(1, len(source.text)))] * count
    return [Span(source, one.end() - len(one.group().lstrip()), one.end()) for one in found]
