"""Records as others read them: OCSF, and OpenTelemetry with a collector that is whatever a collector may be."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.audit.support import logged
from tests.console.support import ROOT, policy
from tests.needs import extra
from tests.promises import count, tried

from .support import day, decided, lines, request

with extra():
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
        ExportLogsServiceRequest,
        ExportLogsServiceResponse,
    )
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

REQUIRED = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid", "actor", "api", "src_endpoint"}  # fmt: skip
"""What OCSF 1.9 requires of an `api_activity`."""
PROFILES = {
    "ai_operation": {"ai_agent", "ai_model", "message_context"},
    "security_control": {
        "action_id",
        "action",
        "disposition_id",
        "disposition",
        "is_alert",
        "authorizations",
        "policy",
    },
    "record_integrity": {"attestation_list"},
}
COMMON = {"activity_name", "category_name", "class_name", "message", "severity", "status", "status_id", "status_detail", "unmapped", "resources"}  # fmt: skip


def test_a_decision_is_an_ocsf_event(tmp_path: Path) -> None:
    log = day(tmp_path / "log")
    events = lines(policy("log", "export", log).out)
    records = [r for r in lines((log / "00000001.jsonl").read_text()) if r["kind"] == "decision"]
    assert len(events) == len(records) == 7
    for event, record in zip(events, records, strict=True):
        assert set(event) >= REQUIRED
        assert not set(event) - REQUIRED - COMMON - set().union(*PROFILES.values())
        assert event["class_uid"] == 6003 and event["type_uid"] == 600300 + event["activity_id"]
        assert event["metadata"]["profiles"] == list(PROFILES) and event["metadata"]["sequence"] == record["seq"]
        assert (event["action_id"], event["disposition_id"]) == {"allow": (1, 1), "ask": (0, 23), "deny": (2, 2)}[record["effect"]]  # fmt: skip
        attestation = event["attestation_list"][0]
        assert attestation["fingerprint"]["value"] == record["hash"] and attestation["fingerprint"]["algorithm_id"] == 3
        assert attestation["prev_event"]["fingerprint"]["value"] == record["prev"] and attestation["chain_uid"]
        assert event["ai_agent"]["name"] == record["request"]["agent"]
        assert (
            event["api"]["request"]["uid"] == record["id"] and event["api"]["operation"] == record["request"]["action"]
        )
        assert all(set(r) == {"name", "type"} for r in event["resources"])
        assert all(a["decision"] in {"allow", "ask", "deny"} for a in event["authorizations"])
    assert events[0]["message_context"]["prompt_text"] == "fix the build"
    assert {"name": "src/x", "type": "path"} in events[2]["resources"]
    assert events[3]["authorizations"][0]["policy"] == {"uid": "p#keys", "is_applied": True, "desc": "keys stay here"}


def test_a_model_is_named_with_who_makes_it(tmp_path: Path) -> None:
    log = decided(tmp_path / "log", [request("read", "src/a", origin={"model": "acme/m-1"})])
    (event,) = lines(policy("log", "export", log).out)
    assert event["ai_agent"]["ai_model"] == {"name": "acme/m-1", "ai_provider": "acme"}


class Collector:
    """An OTLP/HTTP receiver that takes, refuses, drips or does not answer."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self.metrics: list[Any] = []
        self.requests = 0
        self.answer = "take"
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["content-length"]))
                outer.requests += 1
                getattr(outer, f"_{outer.answer}")(self, data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _reply(self, handler: Any, status: int, body: bytes = b"") -> None:
        handler.send_response(status)
        handler.send_header("content-type", "application/x-protobuf")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _take(self, handler: Any, data: bytes) -> None:
        if handler.path == "/v1/metrics":
            asked = ExportMetricsServiceRequest.FromString(data)
            self.metrics += [m for r in asked.resource_metrics for s in r.scope_metrics for m in s.metrics]
        else:
            assert handler.path == "/v1/logs"
            asked = ExportLogsServiceRequest.FromString(data)
            self.records += [x for r in asked.resource_logs for s in r.scope_logs for x in s.log_records]
        self._reply(handler, 200)

    def _busy(self, handler: Any, data: bytes) -> None:
        self._reply(handler, 503)

    def _picky(self, handler: Any, data: bytes) -> None:
        """Refuses every request with `passwd` in it, for good."""
        if b"passwd" in data:
            self._reply(handler, 400)
        else:
            self._take(handler, data)

    def _partial(self, handler: Any, data: bytes) -> None:
        answer = ExportLogsServiceResponse()
        answer.partial_success.rejected_log_records = 2
        self._reply(handler, 200, b"" if handler.path == "/v1/metrics" else answer.SerializeToString())

    def _endless(self, handler: Any, data: bytes) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"\xff" * 65536)

    def _elsewhere(self, handler: Any, data: bytes) -> None:
        handler.send_response(307)
        handler.send_header("location", f"{self.url}/v1/logs")
        handler.send_header("content-length", "0")
        handler.end_headers()


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.server.shutdown()
    found.server.server_close()


def ship(log: Path, collector: Collector, **env: str) -> Any:
    return policy("log", "ship", log, "--otlp", collector.url, "--once", PYTHONWARNINGS="default", **env)


def attributes(record: Any) -> dict[str, Any]:
    def value(v: Any) -> Any:
        kind = v.WhichOneof("value")
        return [value(x) for x in v.array_value.values] if kind == "array_value" else getattr(v, kind)

    return {a.key: value(a.value) for a in record.attributes}


def test_a_collector_gets_every_decision_once(tmp_path: Path, collector: Collector) -> None:
    log = day(tmp_path / "log")
    assert ship(log, collector).code == 0
    assert len(collector.records) == 7
    found = attributes(collector.records[2])
    assert found["policy_lang.effect"] == "ask" and found["policy_lang.tiers"] == ["review"]
    assert found["session.id"] == "s1" and found["gen_ai.agent.name"] == "a"
    assert found["tool_use_id"] == found["gen_ai.tool.call.id"] == "toolu_2" and found["prompt.id"] == "p-1"
    assert found["gen_ai.operation.name"] == "execute_tool"
    assert collector.records[2].event_name == "policy_lang.decision" and collector.records[2].severity_number == 10
    assert {m.name for m in collector.metrics} >= {"policy_lang.decisions", "policy_lang.decision.duration"}
    decided(log, [request("read", "src/more")])
    assert ship(log, collector).code == 0
    assert [attributes(r)["policy_lang.record.seq"] for r in collector.records] == [2, 3, 4, 5, 6, 7, 8, 9]


def test_a_trace_is_carried_on(tmp_path: Path, collector: Collector) -> None:
    parent = f"00-{'ab' * 16}-{'cd' * 8}-01"
    origins = [{"trace": parent}, {"trace": "nonsense"}, {"trace": "00-" + "z" * 32 + "-" + "0" * 16 + "-01"}]
    ship(decided(tmp_path / "log", [request("read", "src/a", origin=o) for o in origins]), collector)
    assert [r.trace_id.hex() for r in collector.records] == ["ab" * 16, "", ""]
    assert collector.records[0].span_id.hex() == "cd" * 8


def test_what_is_refused_for_good_is_counted_and_left_out(tmp_path: Path, collector: Collector) -> None:
    log = day(tmp_path / "log")
    collector.answer = "picky"
    done = ship(log, collector)
    assert done.code == 0 and "refused 1" in done.err
    assert len(collector.records) == 6
    collector.answer = "partial"
    decided(log, [request("read", f"src/{n}") for n in range(5)])
    done = ship(log, collector)
    assert done.code == 0 and "refused 2 of 5 records; 3 so far" in done.err


@pytest.mark.parametrize("answer", ["busy", "elsewhere"])
def test_what_is_not_taken_is_sent_again(tmp_path: Path, collector: Collector, answer: str) -> None:
    log = day(tmp_path / "log")
    collector.answer = answer
    done = ship(log, collector, OTEL_EXPORTER_OTLP_TIMEOUT="1")
    assert done.code == 1 and "takes nothing" in done.err and not collector.records
    collector.answer = "take"
    assert ship(log, collector).code == 0 and len(collector.records) == 7


def test_what_was_deleted_before_it_was_sent_is_counted(tmp_path: Path, collector: Collector) -> None:
    log = decided(tmp_path / "log", [request("read", f"src/{n}") for n in range(4)], most_bytes=1500)
    ship(log, collector)
    sent = len(collector.records)
    decided(log, [request("read", f"src/{n}") for n in range(9)], most_bytes=1500)
    files = sorted(log.glob("*.jsonl"))
    lost = sum(len(f.read_bytes().splitlines()) for f in files[:-2])
    for file in files[:-2]:
        file.unlink()
    done = ship(log, collector)
    assert done.code == 0 and "were deleted before they were sent" in done.err
    assert len(collector.records) > sent and lost


def test_an_endless_answer_is_not_read_to_its_end(tmp_path: Path, collector: Collector) -> None:
    collector.answer = "endless"
    assert ship(day(tmp_path / "log"), collector).code == 0


def test_the_sender_waits_for_a_collector_and_stops_when_told(tmp_path: Path, collector: Collector) -> None:
    log = day(tmp_path / "log")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        command = [sys.executable, "-m", "policy_lang", "log", "ship", str(log), "--otlp", url]
        quick = {**os.environ, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, env=quick) as process:
            assert process.stderr is not None
            assert b"takes nothing" in process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    assert not (log / "shipped").exists()
    assert ship(log, collector).code == 0 and len(collector.records) == 7


@pytest.mark.parametrize("kind", ["silent", "closes", "endless"])
def test_decisions_do_not_wait_for_a_collector(tmp_path: Path, kind: str) -> None:
    """A sender that hangs at a collector, and a log that is written meanwhile."""
    for number in range(-(-count("F18") // 3)):
        unhurried(day(tmp_path / f"log-{number}"), kind)


def p99(log: Path) -> float:
    """Milliseconds of the slowest but two of 300 decisions, each of which is written."""
    asked, written = logged(log, flush=False)
    took = []
    for n in range(300):
        began = time.perf_counter()
        assert asked.decide(action="read", resource=f"src/{n}").effect == "allow"
        took.append(time.perf_counter() - began)
    written.close()
    return sorted(took)[-3] * 1000


def answering(collector: socket.socket, kind: str) -> None:
    """What the collector does with whoever comes next."""
    waiting, _ = collector.accept()
    with waiting, contextlib.suppress(OSError):
        if kind == "closes":
            return
        if kind == "endless":
            waiting.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while kind == "silent" or waiting.send(b"x" * 65536):
            if not waiting.recv(65536):
                return


def unhurried(log: Path, kind: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-m", "policy_lang", "log", "ship", str(log), "--otlp", url]
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
            alone = min(p99(log) for _ in range(4))
            threading.Thread(target=answering, args=(silent, kind), daemon=True).start()
            time.sleep(0.2)
            beside = min(p99(log) for _ in range(4))
            found = policy("log", "stats", log, "--format", "json").json()
            assert found["effects"]["allow"] == 2403
            assert beside < alone + 50
            process.kill()
    tried("F18", 1, added_p99_ms=max(0, beside - alone))
