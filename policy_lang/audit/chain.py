"""One record, one line: JSON in ASCII that ends with the digest of the record before it and of itself.

    {"v":1,"seq":7,"time":"2026-11-21T20:48:00.123456Z","kind":"decision",...,"prev":"<64 hex>","hash":"<64 hex>"}

`hash` is SHA-256 over the line's bytes up to the comma before it, so a change of any bit shows; `prev` is the `hash` of
the record before, so none can be removed, added or moved. `prev`, `hash` and `seq` stand at fixed places: a chain is
checked without reading JSON.
"""

from __future__ import annotations

from ..domain import strict_json
from ..domain.digest import sha256
from ..domain.faults import InternalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.strict_json import Json

VERSION = 1
FIRST = "0" * 64
"""The `prev` of a log's first record."""
_HEAD = b'{"v":1,"seq":'
_PREV = b',"prev":"'
_HASH = b',"hash":"'
TAIL = len(_HASH) + 64 + 2
"""Bytes of `,"hash":"..."}`."""
_LINKS = len(_PREV) + 65 + TAIL
_HEX = frozenset(b"0123456789abcdef")


class DamagedRecordError(InternalError, ValueError):
    """A line that is not a whole record; the text says why."""


def sealed(event: Json, seq: int, time: str, prev: str) -> tuple[bytes, str]:
    """The line of a record, with its end, and its digest. `event` begins with its `kind`."""
    body = strict_json.dump({"v": VERSION, "seq": seq, "time": time, **event, "prev": prev})[:-1]
    digest = sha256(body).hexdigest()
    return body + _HASH + digest.encode("ascii") + b'"}\n', digest


def links(line: bytes) -> tuple[int, str, str]:
    """The number of a record, the digest of the one before, and its own, which is checked. Raises DamagedRecordError.

    The line is given without its end.
    """
    body = line[:-TAIL]
    at = len(body) - 65 - len(_PREV)
    digest = line[-66:-2]
    if at < len(_HEAD) or line[-TAIL:-66] != _HASH or line[-2:] != b'"}' or body[at : at + len(_PREV)] != _PREV:
        raise DamagedRecordError("it is not a whole record")
    if sha256(body).hexdigest().encode("ascii") != digest:
        raise DamagedRecordError("its digest is not that of its text")
    number, comma, _ = line[len(_HEAD) : len(_HEAD) + 20].partition(b",")
    prev = body[-65:-1]
    if not line.startswith(_HEAD) or not comma or not number.isdigit() or not _HEX.issuperset(prev):
        raise DamagedRecordError("it is not a record of this version")
    return int(number), prev.decode("ascii"), digest.decode("ascii")


def followed(line: bytes, ended: bool, seq: int | None, prev: str) -> tuple[int, str]:
    """The number and digest of a record behind the one with these; any may be the first. Raises DamagedRecordError."""
    if not ended:
        raise DamagedRecordError("it has no end")
    number, before, digest = links(line)
    if seq is not None and before != prev:
        raise DamagedRecordError("it does not follow the record before it")
    if seq is not None and number != seq + 1:
        raise DamagedRecordError(f"its number is {number}, and {seq + 1} is next")
    return number, digest


def opened(line: bytes) -> Json:
    """The value of a record's line. Raises DamagedRecordError."""
    try:
        value = strict_json.load(line)
    except strict_json.MalformedError as error:
        raise DamagedRecordError(str(error)) from None
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str) or not isinstance(value.get("time"), str):
        raise DamagedRecordError("it is not a record")
    return value
