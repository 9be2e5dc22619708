"""The documented interface: the service does what its OpenAPI document says, also under generated calls."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang.daemon.api.openapi import document
from policy_lang.daemon.api.routes import ROUTES, route_of
from policy_lang.domain.codes import PAGES
from tests.console.support import ROOT
from tests.lanes import pick
from tests.needs import require

from .support import service
from .test_service import OTHER, TOKEN


def test_every_status_of_a_refusal_is_documented() -> None:
    described = json.loads(document())
    for route in ROUTES:
        found = described["paths"][route.path][route.method.lower()]["responses"]
        assert route.unready or set(found) >= {str(p.status) for p in PAGES.values() if p.code.startswith("PLR")}


def configured(folder: Path) -> None:
    for name, token in (("agent", TOKEN), ("operator", OTHER)):
        (folder / name).write_text(token)
        (folder / name).chmod(0o600)
    (folder / "serve.toml").write_text(
        '[[principal]]\ntoken-file = "agent"\nagents = ["*"]\n[operators]\ntoken-file = "operator"\n'
    )
    (folder / "serve.toml").chmod(0o600)


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ("--config", "{folder}/serve.toml", "--tcp", f"127.0.0.1:{port}")
    with service('policy "p"\nallow read "src/**"\nallow run "git **"\n', *arguments, prepare=configured):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("token", [TOKEN, OTHER], ids=["agent", "operator"])
def test_generated_calls_meet_the_document(base: str, token: str, tmp_path: Path) -> None:
    """No fault of ours, no answer that the document does not name.

    That a call which the schema admits is taken is left out: whole numbers of more than 18 digits, and neither an agent
    nor a session, are refused, which a schema cannot say.
    """
    require("schemathesis")
    (tmp_path / "api.json").write_bytes(document())
    refusals = sorted({p.status for p in PAGES.values() if p.code.startswith("PLR")})  # a body too long is one: 413
    (tmp_path / "schemathesis.toml").write_text(f"[checks]\nnegative_data_rejection.expected-statuses = {refusals}\n")
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", tmp_path / "api.json", "--url", base, "-H", f"Authorization: Bearer {token}", "--checks", "all",
            "--exclude-checks", "positive_data_acceptance", "--max-examples", str(pick(5, 15, 15)), "--workers", "1", "--no-color", "--generation-deterministic",
            "--seed", "1",
        ],
        capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def test_the_document_is_the_published_one() -> None:
    assert (ROOT / "docs/reference/openapi.json").read_bytes() == document() + b"\n"


def test_each_documented_operation_is_dispatched_and_each_route_is_documented() -> None:
    paths = json.loads(document())["paths"]
    documented = {(method.upper(), path): operation for path, at in paths.items() for method, operation in at.items()}
    for (method, path), operation in documented.items():
        route = route_of(method, path.replace("{ticket}", "0123456789abcdef"))
        assert route is not None and route.handler.__name__ == operation["operationId"]
    assert documented.keys() == {(route.method, route.path) for route in ROUTES}
    assert len({operation["operationId"] for operation in documented.values()}) == len(ROUTES)


def test_what_nobody_documents_is_not_dispatched() -> None:
    for path in ("/", "/v1", "/v1/decide/", "/v1/approvalsx", "/v1/decide/batch/x", "/console", "/{ticket}"):
        assert route_of("GET", path) is None
        assert route_of("POST", path) is None
    assert route_of("POST", "/v1/approvals/0123456789abcdef") is None
