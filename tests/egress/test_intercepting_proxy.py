"""`policy proxy --intercept`, as somebody starts it for a container: variables and authorities in files."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang.egress.interception import find_program
from tests.egress.outside import Server, certificate, read_until, tls
from tests.needs import needs, require
from tests.walls.running import altered

require("httptools", "cryptography")
pytestmark = needs("mitmproxy is not installed", there=find_program() is not None)
SECRET = "ghp_0123456789abcdefABCDEF"
POLICY = """policy "p"
allow connect GET "https://api.test:{port}/public/**"
allow connect "127.0.0.1:*"
allow use "GITHUB_TOKEN" for "api.test:{port}"
"""
ASK = """import os, sys, urllib.request
try:
    headers = {"Authorization": "token " + os.environ["GITHUB_TOKEN"]}
    print(urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers=headers), timeout=20).read().decode())
except OSError as error:
    print(error)
"""


class Api:
    """A site that the launcher trusts, and the launcher of a proxy that finds it."""

    def __init__(self, folder: Path) -> None:
        pem = certificate(folder, "api.test")
        (folder / "ca.pem").write_text(pem.read_text()[pem.read_text().index("-----BEGIN CERTIFICATE") :])
        self.seen: list[str] = []

        def answer(_: Server, sock) -> None:
            self.seen.append(read_until(sock, b"\r\n\r\n").decode("latin-1"))
            sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfine")

        self.server = Server(tls(pem, answer))
        self.folder = folder
        (folder / "p.policy").write_text(POLICY.format(port=self.server.port))
        self.program = altered(
            "import socket\nreal = socket.getaddrinfo\n"
            "socket.getaddrinfo = lambda host, *a, **k: real('127.0.0.1' if str(host).endswith('.test') else host, *a, **k)\n"
            f"from policy_lang.egress import interception\ninterception.BUNDLES = ({str(folder / 'ca.pem')!r},)"
        )

    def words(self, *options: str) -> list[str]:
        return [*self.program, "proxy", "--agent", "a", "--policy", str(self.folder / "p.policy"), *options]

    @contextlib.contextmanager
    def running(self, *options: str, **env: str) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            self.words(*options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **env}
        )
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("listening on http://127.0.0.1:")
            yield process
        finally:
            process.terminate()
            assert process.wait(20) == 0
            process.stdout.close()


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    made = Api(tmp_path)
    yield made
    made.server.close()


def test_a_container_gets_variables_and_authorities(api: Api) -> None:
    files = ("--environment", str(api.folder / "env"), "--authorities", str(api.folder / "trust.pem"))
    with api.running("--intercept", *files, GITHUB_TOKEN=SECRET):
        lines = (api.folder / "env").read_text().splitlines()
        variables = dict(line.split("=", 1) for line in lines)
        assert SECRET not in str(variables)
        assert variables["SSL_CERT_FILE"] == str(api.folder / "trust.pem")

        def ask(path: str) -> str:
            url = f"https://api.test:{api.server.port}{path}"
            words = [sys.executable, "-c", ASK, url]
            return subprocess.run(words, env=variables, capture_output=True, text=True, check=True).stdout

        assert ask("/public/a") == "fine\n"
        assert "403" in ask("/private")
    assert len(api.seen) == 1
    assert f"token {SECRET}" in api.seen[0]


def test_variables_of_a_proxy_that_does_not_intercept(api: Api) -> None:
    with api.running("--environment", str(api.folder / "env"), GITHUB_TOKEN=SECRET):
        text = (api.folder / "env").read_text()
    assert "HTTPS_PROXY=http://127.0.0.1:" in text
    assert "SSL_CERT_FILE" not in text
    assert "GITHUB_TOKEN" not in text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--intercept",), "needs `--authorities FILE`"),
        (("--pinned", "a.test"), "`--pinned` belongs to `--intercept`"),
        (("--credential", "A=env:B"), "`--credential` belongs to `--intercept`"),
        (("--remote", "a=b"), "`--remote` belongs to `--intercept`"),
        (("--authorities", "x"), "`--authorities` belongs to `--intercept`"),
        (("--intercept", "--authorities", "x", "--remote", "origin"), "is not `NAME=URL`"),
        (("--intercept", "--authorities", "x", "--credential", "A=env:HOME"), "no rule says where `A` goes"),
    ],
)
def test_what_does_not_go_together(api: Api, options: tuple[str, ...], says: str) -> None:
    done = subprocess.run(api.words(*options), capture_output=True, text=True, check=False, cwd=api.folder)
    assert done.returncode == 2
    assert says in done.stderr
