"""The question of a recorded decision: what was asked, of which disk and when."""

from __future__ import annotations

from datetime import datetime

from ..audit.disk_snapshot import UNSEEN, Recorded
from ..domain import strict_json
from ..domain.digest import sha256
from ..domain.errors import RequestError
from ..domain.record import replace
from ..domain.request import Request
from ..domain.strict_json import Json
from ..wire.requests import FIELDS, request_of
from .row import confined, number, table, text

NO_QUESTION = ("origin", "id", "ticket")
"""Fields of a request that decide nothing."""


def question(record: Json) -> bytes:
    """What makes two recorded decisions the same: what was asked of which disk and when, and what was answered."""
    request = {k: v for k, v in table(record.get("request")).items() if k not in NO_QUESTION}
    now = number(record.get("now")) // 60
    held = table(record.get("source")).get("frozen")
    answered = [record.get(name) for name in ("effect", "tiers", "would", "cut")]
    same = [request, record.get("disk"), now, *answered, held, confined(record)]
    return sha256(strict_json.dump(same)).digest()[:16]


def asked(record: Json) -> Request:
    """The request of a record, with the disk as it was then. Raises RequestError for what cannot be asked again."""
    if record.get("cut"):
        raise RequestError(UNSEEN, "the record was cut: it was longer than one may be")
    given = {k: v for k, v in table(record.get("request")).items() if k not in NO_QUESTION and k in FIELDS}
    disk = Recorded(table(record.get("disk")))
    return replace(request_of(given), disk=disk, now=_moment(record), confined=confined(record))


def _moment(record: Json) -> float:
    now = record.get("now")
    if isinstance(now, int) and not isinstance(now, bool):
        return float(now)
    try:
        return datetime.fromisoformat(text(record.get("time"))).timestamp()
    except ValueError:
        raise RequestError(UNSEEN, "the record does not tell when it was made") from None
