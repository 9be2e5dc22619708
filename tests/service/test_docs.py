"""What the page about the service shows works as it is shown."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import tomli

from policy_lang import Policy
from policy_lang.daemon.identity.config import ConfigModel
from policy_lang.domain.limits import limit
from tests.console.support import ROOT

from .support import service

PAGE = (ROOT / "docs/how-to/run-the-service.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_configuration_is_one() -> None:
    text = "\n".join(blocks("toml"))
    model = ConfigModel.model_validate(tomli.loads(text))
    assert model.principal[0].agents == ["codex-web"]


def test_the_policy_compiles() -> None:
    (text,) = blocks("policy")
    assert [(f.denials, f.seconds) for f in Policy.loads(text).policy_set.freezes] == [(10, 300)]


def test_the_client_prints_what_it_got(capsys: pytest.CaptureFixture[str]) -> None:
    (text,) = blocks("python")
    with service() as running:
        code = compile(
            text.replace("/run/policy_lang/policy.sock", running.socket).replace("src/app.ts", "elsewhere"),
            "page",
            "exec",
        )
        namespace: dict[str, object] = {}
        exec(code, namespace)
        assert capsys.readouterr().out.startswith("deny () ('no rule of `p` grants `read` on this',)")


def test_the_bounds_are_those_of_the_table() -> None:
    words = {
        "connections_per_peer": "64 connections of a user", "connections": "512 in all", "request_seconds": "a second for a call",
        "http_head_bytes": "8 KiB of head", "request_bytes": "1 MiB of body", "body_bytes": "4 MiB is read", "request_depth": "16 levels", "request_values": "20,000 values",
        "drain_seconds": "within two seconds", "freeze_denials": "", "batch_requests": "at most 100",
    }  # fmt: skip
    values = (64, 512, 1, 8192, 1 << 20, 4 << 20, 16, 20_000, 2, 1000, 100)
    for (name, text), value in zip(words.items(), values, strict=True):
        assert limit(name) == value
        assert text in PAGE


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_the_units_are_understood(tmp_path: Path) -> None:
    socket, unit = blocks("ini")
    (tmp_path / "policy-lang.socket").write_text(socket)
    (tmp_path / "policy-lang.service").write_text(
        unit.replace("/opt/policy_lang/bin/policy", "/bin/true").replace("User=policy\n", "")
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "policy-lang.service"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    complaints = [
        line for line in done.stderr.splitlines() if "policy-lang" in line and ("nknown" in line or "nvalid" in line)
    ]
    assert complaints == []


def test_a_socket_that_systemd_passed_is_served(tmp_path: Path) -> None:
    """Socket activation by hand: the descriptor 3, and the variables that say so (sd_listen_fds(3))."""
    import json
    import socket as sockets
    import sys
    import time

    from .support import POLICY, UnixConnection

    (tmp_path / "p.policy").write_text(POLICY)
    place = str(tmp_path / "s")
    with sockets.socket(sockets.AF_UNIX) as listener:
        listener.bind(place)
        os.chmod(place, 0o600)
        listener.listen()
        code = (
            "import os, sys\nos.dup2(int(sys.argv[1]), 3)\nos.set_inheritable(3, True)\nos.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
            "os.execv(sys.executable, [sys.executable, '-m', 'policy_lang', 'serve', '--policy', sys.argv[2], '--agent', 'a'])\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(listener.fileno()), str(tmp_path / "p.policy")], pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    try:
        end = time.monotonic() + 15
        while True:
            connection = UnixConnection(place, timeout=5)
            try:
                connection.request("POST", "/v1/decide", json.dumps({"action": "read", "resource": "src/a"}))
                assert json.loads(connection.getresponse().read())["effect"] == "allow"
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)
            finally:
                connection.close()
        process.terminate()
        assert process.wait(10) == 0
        assert os.path.exists(place)  # it belongs to systemd
    finally:
        process.kill()
        process.wait()
