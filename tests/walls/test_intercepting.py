"""`policy run --intercept`: methods, paths, credentials and pushes behind real walls, as users start them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang.egress.interception import find_program
from tests.egress.outside import Server, certificate, read_until, tls
from tests.needs import needs, require

from .running import WALLS, altered, place, run

require("httptools", "cryptography")
_ = place
pytestmark = [WALLS, needs("mitmproxy is not installed", there=find_program() is not None)]
SECRET = "ghp_0123456789abcdefABCDEF"
POLICY = """policy "p"
import std.baseline without loopback
allow read "./", "~/ca.pem"
allow write "./"
allow run "**"
allow connect GET "https://api.test:{port}/public/**", "https://api.test:{port}/user"
allow connect "pinned.test:{port}", "127.0.0.1:*"
allow use "GITHUB_TOKEN" for "api.test:{port}"
allow use "NPM_TOKEN"
"""
ASK = """import os, urllib.request
def ask(url, method="GET", **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers, method=method), timeout=20) as reply:
            return reply.read().decode()
    except OSError as error:
        return str(error)
"""


class Api:
    """A site whose certificate the launcher trusts, and that answers with what it was sent."""

    def __init__(self, home: Path) -> None:
        pem = certificate(home, "api.test", "pinned.test")
        text = pem.read_text()
        (home / "ca.pem").write_text(text[text.index("-----BEGIN CERTIFICATE") :])
        self.seen: list[str] = []

        def answer(_: Server, sock) -> None:
            head = read_until(sock, b"\r\n\r\n")
            self.seen.append(head.decode("latin-1"))
            sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(head) + head)

        self.server = Server(tls(pem, answer))
        self.port = self.server.port
        self.home = home
        self.launcher = altered(
            "import socket\nreal = socket.getaddrinfo\n"
            "socket.getaddrinfo = lambda host, *a, **k: real('127.0.0.1' if str(host).endswith('.test') else host, *a, **k)\n"
            f"from policy_lang.egress import interception\ninterception.BUNDLES = ({str(home / 'ca.pem')!r},)"
        )

    def run(self, code: str, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
        """A script of Python behind walls."""
        return run(
            self.home,
            sys.executable,
            "-c",
            ASK + code,
            policy=POLICY.format(port=self.port),
            options=options,
            env=env,
            program=self.launcher,
        )


@pytest.fixture
def api(place: Path) -> Iterator[Api]:
    made = Api(place)
    yield made
    made.server.close()


def test_methods_paths_and_credentials(api: Api) -> None:
    done = api.run(
        f"""
at = "https://api.test:{api.port}"
print(ask(at + "/user", Authorization="token " + os.environ["GITHUB_TOKEN"]))
print(ask(at + "/private"))
print(ask(at + "/user", "POST"))
print(os.environ["GITHUB_TOKEN"], os.environ["NPM_TOKEN"], "OTHER" in os.environ)
print(open("/proc/self/environ").read())
""",
        "--intercept",
        GITHUB_TOKEN=SECRET,
        NPM_TOKEN="an-npm-token-1234",
        OTHER="x",
    )
    assert done.returncode == 0, done.stderr
    assert "GET /user" in done.stdout
    assert done.stdout.count("403") == 2
    assert SECRET not in done.stdout
    assert f"token {SECRET}" in api.seen[0]
    assert len(api.seen) == 1
    assert "an-npm-token-1234 False" in done.stdout


def test_a_pinned_host_and_a_file(api: Api) -> None:
    (api.home / "token").write_text(SECRET + "\n")
    done = api.run(
        f"""
print(ask("https://pinned.test:{api.port}/x", Authorization="token " + os.environ["GITHUB_TOKEN"]))
print(ask("https://api.test:{api.port}/user", Authorization="token " + os.environ["GITHUB_TOKEN"]))
""",
        "--intercept", "--pinned", "pinned.test", "--credential", f"GITHUB_TOKEN=file:{api.home}/token",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [SECRET in seen for seen in api.seen] == [False, True]


def test_without_interception_it_is_a_loss(api: Api) -> None:
    done = api.run('print("GITHUB_TOKEN" in os.environ)', GITHUB_TOKEN=SECRET)
    assert done.stdout == "False\n"
    plan = ("--plan", "--format", "json")
    shown = api.run("", *plan).stdout
    assert '"credentials"' in shown
    assert '"methods"' in shown
    shown = api.run("", *plan, "--intercept").stdout
    assert '"credentials"' not in shown
    assert '"methods"' not in shown
    shown = api.run("", *plan, "--intercept", "--pinned", "pinned.test").stdout
    assert '"methods"' in shown


@pytest.mark.parametrize(
    ("options", "says", "code"),
    [
        (("--pinned", "a.test"), "belongs to `--intercept`", 2),
        (("--credential", "A=env:B"), "belongs to `--intercept`", 2),
        (("--intercept", "--credential", "A=env:HOME"), "no rule says where `A` goes", 125),
        (("--intercept", "--credential", "GITHUB_TOKEN=env:NOT_THERE"), "`NOT_THERE` is not set", 125),
        (("--intercept", "--credential", "GITHUB_TOKEN"), "is not `NAME=SOURCE`", 125),
    ],
)
def test_what_cannot_be_had_starts_nothing(api: Api, options: tuple[str, ...], says: str, code: int) -> None:
    done = api.run("open('started', 'w')", *options)
    assert says in done.stderr
    assert done.returncode == code
    assert not (api.home / "w/started").exists()
