"""Freezes on disk: a service that starts again must not have forgotten it."""

from __future__ import annotations

import json
import os
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..audit.redact import redacted
from ..domain.files import replace
from ..domain.limits import limit
from .identity.config import ServiceConfigError, private_bytes
from .safe_place import check_folder
from .state import Frozen, ServiceState

_FILE = "frozen.json"


class _FrozenModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    kind: Literal["agent", "session"]
    name: Annotated[str, Field(max_length=limit("request_name"))]
    why: str
    by: str
    since: float


class _FileModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    frozen: list[_FrozenModel]


class FrozenStore:
    """The service's state; with a folder, what is frozen is written there before a freeze or its end is reported."""

    def __init__(self, folder: str | None) -> None:
        """Raises ServiceConfigError for a file that is damaged, UnsafePlaceError for a folder that others can write."""
        self._path = None if folder is None else os.path.join(folder, _FILE)
        self.state = ServiceState(self._write)
        if self._path is None or folder is None:
            return
        check_folder(folder)
        if not os.path.lexists(self._path):
            return
        try:
            model = _FileModel.model_validate_json(private_bytes(self._path, secret=False))
        except ValidationError:
            why = "what is frozen is not known; remove it to start afresh"
            raise ServiceConfigError(f"`{self._path}` is damaged: {why}") from None
        for one in model.frozen:
            self.state.frozen[one.kind, one.name] = Frozen(one.kind, one.name, redacted(one.why), one.by, one.since)

    def _write(self) -> None:
        if self._path is None:
            return
        rows = [
            {"kind": f.kind, "name": f.name, "why": f.why, "by": f.by, "since": f.since}
            for f in self.state.frozen.values()
        ]
        replace(self._path, json.dumps({"frozen": rows}).encode("ascii"), mode=0o600, durable=True)
