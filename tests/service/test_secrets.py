"""Planted secrets at a running service: of hardly one can enough be read in anything that leaves it."""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_lang.daemon.transport.diary import log_fault
from policy_lang.records.ocsf import ocsf_events
from tests.audit.planting import Planted, planted
from tests.audit.support import lines
from tests.lanes import pick
from tests.needs import extra

from .support import Running, service
from .test_approvals import AGENT, ARGUMENTS, OPERATOR, answer, ask, bearer, configured
from .test_console import opened, page, seal_of, signed_in

with extra():
    from policy_lang.records.otel import attributes, row

POLICY = """policy "p"
tier review { approvers "@team"  expires 30m }
otherwise ask review
"""
PLANTED = planted()[:: pick(14, 7, 7)]
"""An agent may ask 120 times an hour. `tests/audit` shows all of them to the redactor itself."""
OUTPUTS = (
    "log", "ocsf", "otlp", "stderr", "console ticket", "console list", "console answered", "console search", "escalations", "frozen.json",
    "freeze", "frozen state", "frozen reason", "errors",
)  # fmt: skip
Found = dict[str, dict[int, str]]


def told(running: Running, port: int, base: str, cookie: str, one: Planted) -> Iterator[tuple[str, Any]]:
    """What is answered and kept about one plant while the service runs; its session says in the logs which it is."""
    agent, operator, session, short = bearer(AGENT), bearer(OPERATOR), f"n{one.number}", one.text[:1900]
    body = {"action": "run", "resource": one.text, "session": session, "origin": {"instruction": one.text}}
    _, asked = running.call("POST", "/v1/decide", body, **agent)
    if "ticket" in asked:
        ticket = asked["ticket"]["id"]
        yield "console ticket", page(port, "GET", f"{base}t/{ticket}", Cookie=cookie)[2]
        yield "console list", page(port, "GET", base, Cookie=cookie)[2]
        assert answer(running, "mia", ticket, "reject", short)[0] == 200
        yield "console answered", page(port, "GET", f"{base}t/{ticket}", Cookie=cookie)[2]
        yield "console search", page(port, "GET", f"{base}?state=rejected", Cookie=cookie)[2]
    status, made = running.call("POST", "/v1/escalations", {"question": short, "session": session}, **agent)
    assert status == 201, made
    yield "escalations", running.call("GET", "/v1/state", **operator)[1]["escalations"]
    running.call("POST", "/v1/escalations/settle", made, **operator)
    yield "freeze", running.call("POST", "/v1/freeze", {"session": session, "reason": short}, **operator)[1]
    yield "frozen.json", json.loads((running.folder / "frozen.json").read_text())
    yield "frozen state", running.call("GET", "/v1/state", **operator)[1]["frozen"]
    frozen = {"action": "read", "resource": "x", "session": session}
    yield "frozen reason", running.call("POST", "/v1/decide", frozen, **agent)[1]
    running.call("POST", "/v1/lift", {"session": session}, **operator)
    name = one.text
    for wrong in (
        {"action": name, "resource": "x"},
        {"action": "read", "resource": "x", "agent": name},
        {"action": "read", name: 1},
    ):
        yield "errors", running.call("POST", "/v1/decide", wrong, **agent)[1]


@pytest.fixture(scope="module")
def found() -> Found:
    out: Found = {name: {one.number: "" for one in PLANTED} for name in OUTPUTS}

    def add(name: str, number: int, value: Any) -> None:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        out[name][number] += html.unescape(re.sub(r"<[^<>]*>", "", text)) + json.dumps(text)

    def of_session(name: str, records: list[Any]) -> None:
        for record in records:
            number = re.search(r'"n([0-9]+)"', json.dumps(record))
            if number:
                add(name, int(number[1]), record)

    with opened(POLICY) as (running, port):
        said: list[str] = []
        stderr = running.process.stderr
        assert stderr is not None
        reader = threading.Thread(target=lambda: said.extend(stderr))  # a full pipe drops lines
        reader.start()
        base, cookie = signed_in(running, port)
        for one in PLANTED:
            for name, value in told(running, port, base, cookie, one):
                add(name, one.number, value)
        running.stop()
        reader.join()
        of_session("stderr", [json.loads(line) for line in said])
        records = lines(running.folder / "log")
    of_session("log", records)
    of_session("ocsf", list(ocsf_events(records)))
    of_session("otlp", [attributes(row(r)) for r in records if r["kind"] == "decision"])
    return out


@pytest.mark.parametrize("output", OUTPUTS)
def test_of_planted_secrets_fewer_than_two_in_a_hundred_can_be_read(found: Found, output: str) -> None:
    texts = found[output]
    assert sum(bool(t) for t in texts.values()) > 0.8 * len(PLANTED)
    read = [one.text for one in PLANTED if one.leaked(texts[one.number])]
    assert len(read) < 0.02 * len(PLANTED), "\n".join([f"{len(read)} of {len(PLANTED)} in {output}", *read])


SECRET = "Falcon-harbor8213"
COMMAND = f"mysql -uroot -p{SECRET} app"


def test_a_person_asks_to_see_what_is_masked_and_that_is_on_record() -> None:
    with opened(POLICY) as (running, port):
        base, cookie = signed_in(running, port)
        ticket = ask(running, action="run", resource=COMMAND)["ticket"]["id"]
        masked = page(port, "GET", f"{base}t/{ticket}", Cookie=cookie)[2]
        assert SECRET not in masked and "masked here" in masked and f'href="{base}t/{ticket}?secrets=shown"' in masked
        shown = page(port, "GET", f"{base}t/{ticket}?secrets=shown", Cookie=cookie)[2]
        assert SECRET in shown and "Secrets are shown" in shown
        assert page(port, "GET", f"{base}t/{ticket}?secrets=shown")[0] == 403
        running.stop()
        (seen,) = [r for r in lines(running.folder / "log") if r["kind"] == "secrets-shown"]
        assert seen["ticket"] == ticket and seen["person"] == "mia"


@pytest.mark.parametrize("query", ["", "?secrets=shown"])
def test_an_answer_is_for_what_was_asked_however_the_page_showed_it(query: str) -> None:
    with opened(POLICY) as (running, port):
        base, cookie = signed_in(running, port)
        ticket = ask(running, action="run", resource=COMMAND)["ticket"]["id"]
        text = page(port, "GET", f"{base}t/{ticket}{query}", Cookie=cookie)[2]
        form = {"seal": seal_of(text, "answer"), "verdict": "approve", "reason": ""}
        assert page(port, "POST", f"{base}t/{ticket}/answer", form, Cookie=cookie)[0] == 303
        assert ask(running, action="run", resource=COMMAND.replace("8213", "8214"))["effect"] == "ask"
        assert ask(running, action="run", resource=COMMAND)["effect"] == "allow"


def test_nobody_hides_by_calling_a_name_a_password() -> None:
    """A secret is taken out wherever it stands, but not where a record or a page says who asks and what was decided."""
    with opened(
        POLICY.replace("tier review", "tier protected-review").replace("ask review", "ask protected-review")
    ) as (running, port):
        base, cookie = signed_in(running, port)
        names = ("protected-review", "sess-12345", "otherwise", "allow-run")
        command = "; ".join(f"mysql -p{name}" for name in names)
        ticket = ask(running, action="run", resource=command, session="sess-12345")["ticket"]["id"]
        text = page(port, "GET", f"{base}t/{ticket}", Cookie=cookie)[2]
        assert "protected-review" in text and "sess-12345" in text and "codex" in text
        running.stop()
        (record,) = [r for r in lines(running.folder / "log") if r["kind"] == "decision"]
        assert (
            record["tiers"] == ["protected-review"]
            and record["request"]["session"] == "sess-12345"
            and record["effect"] == "ask"
        )


def test_a_freeze_of_before_is_kept_without_its_secrets() -> None:
    def prepare(folder: Path) -> None:
        configured(folder)
        row = {"kind": "agent", "name": "codex", "why": f"it ran {COMMAND}", "by": "eva", "since": 1.0}
        (folder / "frozen.json").write_text(json.dumps({"frozen": [row]}))
        (folder / "frozen.json").chmod(0o600)

    with service(POLICY, *ARGUMENTS, prepare=prepare) as running:
        (frozen,) = running.call("GET", "/v1/state", **bearer(OPERATOR))[1]["frozen"]
        assert frozen["agent"] == "codex" and SECRET not in frozen["reason"] and "it ran mysql" in frozen["reason"]


def test_what_the_loop_hands_to_nobody_is_a_line_without_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    log_fault(None, {"exception": ValueError(COMMAND), "message": f"in {COMMAND}"})
    (line,) = capfd.readouterr().err.splitlines()
    assert (
        SECRET not in line
        and json.loads(line)["event"] == "internal-error"
        and json.loads(line)["kind"] == "ValueError"
    )
