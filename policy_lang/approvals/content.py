"""The content that a tool was given besides its resource, as people approve it, and the one that it takes the place of.

`Request.content` says which `tool` it was, and one of these: `text`, the whole content of a file; `edits`, each with
`new` and what it stands for (`old`, or the `cell` of a notebook with its `mode` and `kind`; `all` for every place);
`arguments`, in JSON. A text that is too long to be shown stands as its `bytes` and `sha256`.
"""

from __future__ import annotations

from ..domain.limits import limit
from ..domain.request import Request
from ..domain.strict_json import Json
from ..facts.disk import REAL
from ..facts.paths import place_of
from .bound_files import file_state
from .ticket import parts_of, together

_MOST_SHOWN = limit("content_bytes")


def without_content(ticket: Json) -> Json:
    """A ticket in its JSON form as it stands among others: without what is written, which may be long."""
    parts = [
        {**p, "content": {"tool": p["content"]["tool"]}} if "content" in p else p for p in parts_of(ticket["request"])
    ]
    about = {name: value for name, value in ticket["about"].items() if name != "before"}
    return {**ticket, "request": together(parts), "about": about}


def before(request: Request) -> Json | None:
    """What lies at the place that a request writes as a whole: its `text`, or size and digest of what is no text.

    None where nothing lies there, where nothing is written as a whole, and where nobody looks at the disk.
    """
    place = request.resource
    if (
        request.action != "write"
        or request.lexical
        or "text" not in (request.content or ())
        or not isinstance(place, str)
    ):
        return None
    path = place_of(place, request)
    if path is None:
        return None
    text = REAL.content(path, _MOST_SHOWN)
    try:
        return file_state(path, limit("bound_bytes")) if text is None else {"text": text.decode()}
    except UnicodeDecodeError:
        return file_state(path, limit("bound_bytes"))
