"""Limits of the service at their value and one above, without a socket."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from policy_lang.daemon.api.http import HttpCall
from policy_lang.daemon.frozen_store import FrozenStore
from policy_lang.daemon.identity import signatures
from policy_lang.daemon.identity.config import (
    ApprovalsModel,
    NotifyModel,
    PersonModel,
    PrincipalEntryModel,
    ServiceConfigError,
    WebhookModel,
)
from policy_lang.daemon.identity.principals import Caller, Principals
from policy_lang.daemon.metrics import Metrics
from policy_lang.daemon.notify import Notifier
from policy_lang.daemon.policy_source import FileSource, PolicySourceError
from policy_lang.daemon.transport import diary
from policy_lang.domain.errors import RequestError
from policy_lang.domain.limits import limit
from tests.needs import extra

with extra():
    from policy_lang.daemon.console import routes
    from policy_lang.daemon.transport.admission import Admission

MODELS: dict[str, tuple[str, Callable[[int], object]]] = {
    "agents": ("request_name", lambda n: PrincipalEntryModel(uid=1, agents=["a" * n])),
    "signer": ("signer_name", lambda n: PersonModel(name="mia", signer="a" * n)),
    "store": ("config_address", lambda n: ApprovalsModel(store="postgres://" + "a" * (n - 11))),
    "webhook": ("config_address", lambda n: WebhookModel(url="https://h/" + "a" * (n - 10), secret_file="s")),
    "words": ("notify_words", lambda n: NotifyModel(command=["/bin/sh", *["a"] * (n - 1)])),
    "word": ("request_text", lambda n: NotifyModel(command=["/bin/sh", "a" * n])),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_configuration_holds_at_the_limit_and_is_refused_above(name: str) -> None:
    row, make = MODELS[name]
    make(limit(row))
    with pytest.raises(ValidationError):
        make(limit(row) + 1)


@pytest.mark.parametrize("above", [0, 1])
def test_names_of_what_is_frozen(tmp_path: Path, above: int) -> None:
    name = "a" * (limit("request_name") + above)
    row = {"kind": "agent", "name": name, "why": "w", "by": "b", "since": 1.0}
    (tmp_path / "frozen.json").write_text(json.dumps({"frozen": [row]}))
    (tmp_path / "frozen.json").chmod(0o600)
    tmp_path.chmod(0o700)
    if above:
        with pytest.raises(ServiceConfigError, match="damaged"):
            FrozenStore(str(tmp_path))
    else:
        assert FrozenStore(str(tmp_path)).state.why_frozen(name, None) is not None


def test_strangers_are_told_once_until_there_are_too_many() -> None:
    told: list[int] = []

    def record_event(event: str, uid: int, **_: object) -> None:
        told.append(uid)

    def connect(*_: object) -> Any:
        raise AssertionError

    principals = Principals((), frozenset(), ())
    admission = Admission({}, principals, Metrics(), connect, record_event)
    for uid in (*range(limit("strangers")), 0, 5):
        admission._stranger(uid)
    assert len(told) == limit("strangers")
    for uid in (limit("strangers"), 0, 0):
        admission._stranger(uid)
    assert told[limit("strangers") :] == [limit("strangers"), 0]


@pytest.mark.parametrize("above", [0, 1])
def test_a_line_of_the_log(monkeypatch: pytest.MonkeyPatch, above: int) -> None:
    out, into = os.pipe()
    monkeypatch.setattr(diary, "_LOG", into)
    monkeypatch.setattr(diary.time, "time", lambda: 1.5)
    empty = len(json.dumps({"time": 1.5, "event": "e", "x": ""}))
    diary.log("e", x="a" * (limit("log_line_bytes") - empty + above))
    line = os.read(out, 1 << 16)
    os.close(out), os.close(into)
    assert len(line) == limit("log_line_bytes") + 1
    assert line.endswith(b'"}\n') != bool(above)


def compiler(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> FileSource:
    """A source whose compiler is a script of ours."""
    program = folder / "compiler"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    (folder / "p.policy").write_text('policy "p"\n')
    return FileSource(str(folder / "p.policy"))


@pytest.mark.parametrize("above", [0, 1])
def test_what_is_wrong_with_a_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, above: int) -> None:
    most = limit("compile_report")
    source = compiler(tmp_path, monkeypatch, f"printf '%0{most + above}d' 0 >&2; exit 1")
    with pytest.raises(PolicySourceError) as error:
        asyncio.run(source.load())
    assert str(error.value) == "0" * most


def test_a_compiler_has_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy_lang.daemon.policy_source._COMPILE_SECONDS", 1)
    source = compiler(tmp_path, monkeypatch, "exec sleep 30")
    with pytest.raises(PolicySourceError, match="took longer than 1 seconds"):
        asyncio.run(source.load())


@pytest.mark.parametrize(("text", "good"), [("exit 0", True), ("exit 1", False), ("exec sleep 30", False)])
def test_a_verifier_has_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, good: bool) -> None:
    program = tmp_path / "ssh-keygen"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    monkeypatch.setattr(signatures, "_PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(signatures, "_SECONDS", 1)
    assert signatures.verified("mia", b"", "n", b"t", "s") is good


def test_so_many_events_are_told_at_once() -> None:
    busy: list[str] = []
    most = limit("notify_at_once")

    class Slow:
        pauses = ()

        async def send(self, event: dict[str, Any]) -> tuple[str, bool]:
            busy.append(event["id"])
            await done.wait()
            return "", False

    async def told(count: int) -> int:
        notifier = Notifier(Slow(), lambda *_, **__: None)
        for number in range(count):
            notifier.notify("asked", {"id": str(number), "agent": "a", "request": {"action": "do", "resource": "x"}})
        for _ in range(20):
            await asyncio.sleep(0)
        found = len(busy)
        done.set()
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(busy) == count
        return found

    for above in (0, 1):
        busy.clear()
        done = asyncio.Event()
        assert asyncio.run(told(most + above)) == most


def test_fields_of_a_form() -> None:
    def form(count: int) -> dict[str, str]:
        body = "&".join(f"f{i}=x" for i in range(count)).encode()
        kind = {b"content-type": b"application/x-www-form-urlencoded"}
        return routes._form(HttpCall("POST", "/", body, Caller(), headers=kind))

    assert len(form(limit("console_fields"))) == limit("console_fields")
    with pytest.raises(RequestError, match="not a form"):
        form(limit("console_fields") + 1)


def test_fields_of_a_link() -> None:
    more = "&a=b" * (limit("console_link_fields") - 1)
    assert routes._linked(f"code=x{more}") == ("x", "")
    assert routes._linked(f"code=x{more}&a=b") == ("", "")
