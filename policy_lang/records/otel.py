"""Sending a log to an OpenTelemetry collector (OTLP over HTTP): log records and metrics.

The log itself is the queue: the sender reads at most one batch ahead, remembers what was taken, and tries again what
was not. It runs beside whoever decides, never within: a collector that is down or slow costs a decision nothing.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Any, NoReturn

import requests
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from .._version import __version__
from ..domain.faults import reason_of
from ..domain.files import replace
from ..domain.limits import limit
from ..domain.strict_json import Json
from .follow import Follower
from .row import Row, confined, number, row, text

_BATCH = limit("ship_batch")
_ANSWER = limit("ship_answer_bytes")
_SECONDS = limit("ship_metrics_seconds")
_LONGEST = limit("ship_seconds")
"""Seconds for one export with all of the exporter's own tries; $OTEL_EXPORTER_OTLP_TIMEOUT is for one request."""
_LONGEST_PAUSE = float(limit("ship_pause_seconds"))
_LOOK = 1.0
_METRICS_EVERY = limit("ship_metrics_milliseconds")
_FOR_GOOD = frozenset(range(400, 500)) - {401, 403, 404, 408, 429}
"""Statuses that no other try changes (OTLP/HTTP, failures); credentials and addresses can be corrected meanwhile."""
_SEVERITY = {
    "allow": (SeverityNumber.INFO, "INFO"),
    "ask": (SeverityNumber.INFO2, "INFO2"),
    "deny": (SeverityNumber.WARN, "WARN"),
}
_CARRIED = {
    "client": ("policy_lang.client",),
    "tool": ("gen_ai.tool.name", "tool_name"),
    "call": ("gen_ai.tool.call.id", "tool_use_id"),
    "prompt": ("prompt.id",),
    "turn": ("turn.id",),
    "task": ("task.id",),
    "model": ("gen_ai.request.model",),
    "subagent": ("agent.id", "gen_ai.agent.id"),
    "instruction": ("policy_lang.instruction",),
}
"""What agents tell of a call, under the names that their own telemetry gives it: `prompt.id`, `tool_use_id` and
`session.id` of Claude Code and Codex, `gen_ai.*` of OpenTelemetry's semantic conventions for generative AI (v0.1.0 of
their own repository; all of them are in development)."""


def attributes(found: Row) -> Json:
    """The attributes of a decision's log record."""
    resource = found.resource if isinstance(found.resource, str) else list(found.resource)
    out: Json = {
        "policy_lang.decision.id": found.id,
        "policy_lang.action": found.action,
        "policy_lang.resource": resource,
        "policy_lang.effect": found.effect,
        "policy_lang.tiers": list(found.tiers),
        "policy_lang.rules": list(found.rules),
        "policy_lang.reason": found.reason,
        "policy_lang.policy.digest": found.policy,
        "policy_lang.duration_us": found.micros,
        "policy_lang.record.seq": found.seq,
        "policy_lang.record.hash": text(found.record.get("hash")),
    }
    if found.would:
        out["policy_lang.would"] = found.would
    if confined(found.record):
        out["policy_lang.confined"] = True
    if found.agent:
        out["gen_ai.agent.name"] = found.agent
    if found.session:
        out["session.id"] = out["gen_ai.conversation.id"] = found.session
    for name, carried in _CARRIED.items():
        value = text(found.origin.get(name))
        for key in carried if value else ():
            out[key] = value
    if "gen_ai.tool.name" in out:
        out["gen_ai.operation.name"] = "execute_tool"
    return {name: _sendable(value) for name, value in out.items()}


def _sendable(value: Any) -> Any:
    """What protobuf takes: valid Unicode, 64 bits."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_sendable(v) for v in value]
    return max(-(2**63), min(2**63 - 1, value))


def log_record(found: Row, resource: Resource) -> ReadableLogRecord:
    """A decision as OpenTelemetry's log record, within its trace when the caller told one (W3C `traceparent`)."""
    number, name = _SEVERITY[found.would or found.effect]
    shown = found.resource if isinstance(found.resource, str) else " ".join(found.resource)
    body = _sendable(f"{found.effect} {found.action} {shown}"[:1000])
    made = LogRecord(
        timestamp=_nanoseconds(found.time), observed_timestamp=time.time_ns(), severity_number=number,
        severity_text=name, body=body, attributes=attributes(found),
        event_name="policy_lang.decision", context=_trace(text(found.origin.get("trace"))),
    )  # fmt: skip
    return ReadableLogRecord(made, resource, _SCOPE)


_SCOPE = InstrumentationScope("policy_lang", __version__)


def _nanoseconds(moment: str) -> int:
    try:
        return int(datetime.fromisoformat(moment).timestamp() * 1_000_000) * 1000
    except ValueError:
        return 0


def _trace(given: str) -> Any:
    parts = given.split("-")
    if len(parts) != 4 or [len(p) for p in parts] != [2, 32, 16, 2]:
        return None
    try:
        trace, span, flags = (int(p, 16) for p in parts[1:])
    except ValueError:
        return None
    return set_span_in_context(NonRecordingSpan(SpanContext(trace, span, True, TraceFlags(flags))))


class _ExporterSession(requests.Session):
    """Follows no redirect, reads no more of an answer than it needs, and remembers what it was."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 0
        self.rejected = 0

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        self.status = self.rejected = 0
        reply = super().send(request, **{**options, "stream": True, "allow_redirects": False})
        data = reply.raw.read(_ANSWER, decode_content=True)
        reply._content, reply._content_consumed = data, True  # noqa: SLF001
        reply.close()
        self.status = reply.status_code
        if reply.ok and data:
            self.rejected = _rejected(data)
        return reply


def _rejected(data: bytes) -> int:
    answer = ExportLogsServiceResponse()
    try:
        answer.ParseFromString(data)
    except Exception:  # noqa: BLE001 (whatever a collector answers)
        return 0
    return int(answer.partial_success.rejected_log_records)


class Shipper:
    """Sends a log as it grows. `sent` and `dropped` count records over all runs; `place` is kept in a file."""

    def __init__(self, log: str, url: str | None, state: str, say: Callable[[str], None]) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # what fails is reported here, once
        self._say = say
        self._state = state
        kept = _kept(state)
        self.follower = Follower(log, kept[0])
        self.sent, self.dropped, self.seq = kept[1:]
        base = None if url is None else url.rstrip("/")
        self._session = _ExporterSession()
        self._exporter = OTLPLogExporter(None if base is None else f"{base}/v1/logs", session=self._session)
        self._resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "policy_lang")})
        self._meters = _Meters(None if base is None else f"{base}/v1/metrics", self._resource, self)
        self._trouble = ""
        self._stop = False

    def run(self, once: bool) -> int:
        """Send what is there, and go on with what comes until told to stop. 1 when `once` could not send all."""
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, self._stopped)
        signal.signal(signal.SIGALRM, _too_long)
        pause = _LOOK
        try:
            while not self._stop:
                before, at = self.follower.place, self.seq
                batch, gone = self._batch()
                if batch and not self._send(batch):
                    self.follower, self.seq = Follower(self.follower.log, before), at
                    if once:
                        return 1
                    self._wait(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                    continue
                pause = _LOOK
                if gone:
                    self._gone(gone)
                if self.follower.place != before:
                    self._keep()
                elif once:
                    return 0
                if not batch:
                    self._wait(_LOOK)
            return 0
        finally:
            self._meters.shutdown()
            self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _batch(self) -> tuple[list[Row], int]:
        """The next decisions, and how many records were deleted before them."""
        out: list[Row] = []
        gone = 0
        for record in islice(self.follower.records(), _BATCH):
            lost = number(record.get("seq")) - self.seq - 1
            gone += lost if self.seq and lost > 0 else 0
            self.seq = number(record.get("seq"))
            if record.get("kind") == "decision":
                out.append(row(record))
        return out, gone

    def _gone(self, count: int) -> None:
        self.dropped += count
        self._say(f"{count} records were deleted before they were sent; {self.dropped} dropped so far")
        self._meters.lose(count)

    def _send(self, batch: list[Row]) -> bool:
        """True when every record of the batch was taken, or refused for good. What is refused is found by halves."""
        records = [log_record(r, self._resource) for r in batch]
        self._session.status = 0
        signal.setitimer(signal.ITIMER_REAL, _LONGEST)
        try:
            taken = self._exporter.export(records) is LogRecordExportResult.SUCCESS
            taken = taken and 200 <= self._session.status < 300  # a redirect counts as taken for the exporter
        except TimeoutError:
            taken = False
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if taken:
            self._count(batch, self._session.rejected)
            return True
        status = self._session.status
        if status not in _FOR_GOOD:
            self._tell(f"the collector takes nothing ({f'status {status}' if status else 'no answer'}); trying again")
            return False
        if len(batch) == 1:
            self._count(batch, 1)
            return True
        middle = len(batch) // 2
        return self._send(batch[:middle]) and self._send(batch[middle:])

    def _count(self, batch: list[Row], refused: int) -> None:
        self._tell("")
        self.sent += len(batch) - refused
        self.dropped += refused
        if refused:
            self._say(f"the collector refused {refused} of {len(batch)} records; {self.dropped} so far")
        self._meters.count(batch, refused)

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._say(trouble or "the collector takes records again")
        self._trouble = trouble

    def _keep(self) -> None:
        """Remember what was sent; without that it would be sent twice, never not at all."""
        name, offset, digest = self.follower.place
        value = {"file": name, "offset": offset, "hash": digest, "sent": self.sent, "dropped": self.dropped,
                 "seq": self.seq}  # fmt: skip
        try:
            replace(self._state, json.dumps(value).encode("ascii"), mode=0o600, durable=False)
        except OSError as error:
            self._say(f"`{self._state}` cannot be written: {reason_of(error)}")

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stop and time.monotonic() < until:
            time.sleep(0.05)

    def _stopped(self, *_: object) -> None:
        self._stop = True


class _Meters:
    """Counts of decisions, and of the sender's own work, as OpenTelemetry's metrics."""

    def __init__(self, url: str | None, resource: Resource, shipper: Shipper) -> None:
        from opentelemetry.metrics import Observation

        exporter = OTLPMetricExporter(url, session=_ExporterSession())
        reader = PeriodicExportingMetricReader(exporter, _METRICS_EVERY, _SECONDS * 1000)
        self._provider = MeterProvider([reader], resource, shutdown_on_exit=False)
        meter = self._provider.get_meter("policy_lang", __version__)
        self._decisions = meter.create_counter("policy_lang.decisions", "{decision}", "Decisions by effect.")
        self._duration = meter.create_histogram("policy_lang.decision.duration", "s", "How long a decision took.")
        self._dropped = meter.create_counter(
            "policy_lang.records.dropped", "{record}", "Refused by the collector, or deleted before."
        )
        meter.create_observable_gauge(
            "policy_lang.records.behind", [lambda _: [Observation(_behind(shipper.follower))]], "By",
            "How much of the log is not sent yet.",
        )  # fmt: skip

    def count(self, batch: list[Row], refused: int) -> None:
        """Count a batch that is done with."""
        for one in batch:
            labels = {
                "policy_lang.effect": one.effect,
                "policy_lang.action": one.action,
                "gen_ai.agent.name": one.agent,
            }
            self._decisions.add(1, labels)
            self._duration.record(one.micros / 1e6, {"policy_lang.effect": one.effect})
        if refused:
            self.lose(refused)

    def lose(self, count: int) -> None:
        """Count what will never be sent."""
        self._dropped.add(count)

    def shutdown(self) -> None:
        """Send the last numbers, if they are taken."""
        self._provider.shutdown(_SECONDS * 1000)


def _behind(follower: Follower) -> int:
    from ..audit.read import LogReadError, log_files

    try:
        files = [f for f in log_files(follower.log) if os.path.basename(f).removesuffix(".gz") >= follower.file]
        return max(0, sum(map(os.path.getsize, files)) - follower.offset)
    except (LogReadError, OSError):
        return 0


def _too_long(*_: object) -> NoReturn:
    raise TimeoutError


def _kept(path: str) -> tuple[tuple[str, int, str], int, int, int]:
    """What a file remembers; nothing of it is needed but to send no record twice."""
    try:
        with open(path, encoding="ascii") as stream:
            value = json.loads(stream.read(4096))
        place = (str(value["file"]), int(value["offset"]), str(value["hash"]))
        return place, int(value["sent"]), int(value["dropped"]), int(value["seq"])
    except (OSError, ValueError, KeyError, TypeError):
        return ("", 0, ""), 0, 0, 0
