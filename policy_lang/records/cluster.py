"""The same replay as a Ray Data job: records in a shared folder or object storage, decided on any number of machines.

The policies travel as bytes with the job, so a worker needs no file of them. Each block of records becomes one partial
result; the driver merges those, which is small work however long the log is.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
from typing import Any

from ..audit.read import LogReadError, log_files
from ..domain.limits import limit
from .replay import Replayed, Replayer
from .source import is_parquet

_EXTRA = 'a Ray job needs packages more: `pip install "policy-lang[ray]"`'
_BLOCK = limit("work_block")


def replay_on_ray(log: str, new: bytes, old: bytes | None = None) -> Replayed:
    """The comparison over a log. Raises LogReadError.

    `log` is a log's folder, a file or folder of Parquet, or an address that Ray Data reads (`s3://bucket/folder`).
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it warns of its own constructor arguments
    try:
        ray = importlib.import_module("ray")
        data = importlib.import_module("ray.data")
    except ImportError:
        raise LogReadError(_EXTRA) from None
    if not ray.is_initialized():
        ray.init(logging_level="ERROR", log_to_driver=False, include_dashboard=False)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    data.DataContext.get_current().enable_progress_bars = False
    options = {"compute": data.ActorPoolStrategy(min_size=1, max_size=_slots(ray))}
    found = Replayed()
    try:
        parts = _records(data, log).map_batches(
            _Worker, fn_constructor_args=(new, old), batch_size=_BLOCK, batch_format="numpy", **options
        )
        for part in parts.iter_rows():
            found.merge(Replayed.from_json(json.loads(part["found"])))
    except ray.exceptions.RayError as error:
        raise LogReadError(f"the job has failed: {str(error).strip().splitlines()[-1][:300]}") from None
    return found


def _slots(ray: Any) -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1)) - 1)


def _records(data: Any, log: str) -> Any:
    if is_parquet(log) or (os.path.isdir(log) and any(is_parquet(n) for n in os.listdir(log))):
        return data.read_parquet(log, columns=["record", "times"])
    if "://" in log:
        return data.read_text(log)
    files = log_files(log)
    packed = [f for f in files if f.endswith(".gz")]
    plain = [f for f in files if not f.endswith(".gz")]
    found = data.read_text(plain) if plain else None
    if packed:
        more = data.read_text(packed, arrow_open_stream_args={"compression": "gzip"})
        found = more if found is None else found.union(more)
    return found


class _Worker:
    """One process of the job, with the policies opened once."""

    def __init__(self, new: bytes, old: bytes | None) -> None:
        self._replayer = Replayer(new, old)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """The partial result of one block."""
        texts = batch["record"] if "record" in batch else batch["text"]
        times = batch["times"] if "times" in batch else (1 for _ in texts)
        lines = (
            (str(t).encode("ascii", "replace"), int(n)) for t, n in zip(texts, times, strict=False)
            if '"kind":"decision"' in str(t)[:120]
        )  # fmt: skip
        return {"found": [json.dumps(self._replayer.replay(lines).json())]}
