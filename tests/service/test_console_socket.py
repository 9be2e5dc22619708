"""The console on a Unix socket: who reaches it, by a forwarded port or a reverse proxy, and who does not."""

from __future__ import annotations

import contextlib
import http.client
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from policy_lang.daemon.identity.config import ServiceConfigError, read_config
from policy_lang.daemon.identity.people import token_digest
from policy_lang.domain.limits import limit
from tests.console.support import ROOT, policy

from .support import Running, UnixConnection, service
from .test_console import free_port
from .test_users import AGENT, CONFIG, GROUP, MIA_UID, NAMED, OPERATORS, POLICY, TOKEN, as_others
from .test_users import call as called

PROXY = pwd.getpwnam("daemon").pw_uid
BEHIND = '[console]\norigin = "https://approvals.acme.example"\nproxy-user = "daemon"\nproxy-header = "X-Remote-User"\n'
PROXIED = {"Host": "approvals.acme.example", "Origin": "https://approvals.acme.example", "X-Remote-User": "mia"}
LOCAL = {"Host": "localhost:1234", "Origin": "http://localhost:1234"}


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Running, str]]:
    """The service, and the path of its console; both are reached by the group of these tests."""

    def prepare(folder: Path) -> None:
        folder.chmod(0o755)
        (folder / "state").mkdir(mode=0o700)
        (folder / "operator").write_text(OPERATORS)
        (folder / "operator").chmod(0o600)
        people = f'[[person]]\nname = "tom"\ntoken-sha256 = "{token_digest("t" * 40)}"\n'
        (folder / "serve.toml").write_text(CONFIG.replace("{digest}", token_digest(TOKEN)) + people + BEHIND)
        (folder / "serve.toml").chmod(0o600)

    with service(
        POLICY, "--config", "{folder}/serve.toml", "--state", "{folder}/state", "--console", prepare=prepare
    ) as found:
        place = str(found.folder / "console.sock")
        for path in (found.socket, place):
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
            os.chown(path, 0, GROUP)
            os.chmod(path, 0o660)
        yield found, place


def page(place: str, uid: int, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, dict[str, str], str]:  # fmt: skip
    """One exchange of another user with the console, by curl."""
    words = ["curl", "--silent", "--include", "--max-time", "5", "--unix-socket", place]
    for name, value in headers.items():
        words += ["--header", f"{name.replace('_', '-')}: {value}"]
    words += [] if form is None else ["--data", urlencode(form)]
    done = subprocess.run([*words, f"http://x{path}"], capture_output=True, text=True, check=False, timeout=10, user=uid, group=GROUP, extra_groups=[], cwd="/", env={"PATH": os.environ["PATH"]})  # fmt: skip
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    lines = head.splitlines() or ["HTTP/1.1 0"]
    return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) if ": " in line else (line, "") for line in lines[1:]), body  # fmt: skip


def signed_in(place: str, url: str, uid: int, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The path of a session, and the headers with its cookie."""
    status, answer, _ = page(place, uid, "/sign-in", {"code": url.partition("code=")[2]}, **headers)
    assert status == 303, answer
    raw = re.search(r"policy_console=([^;]+)", answer["set-cookie"])
    assert raw is not None
    return answer["location"], {**headers, "Cookie": raw[0]}


def exact(place: str, uid: int, headers: dict[str, str], form: dict[str, str]) -> tuple[str, str, str]:
    """Location and cookie with their letters as they are."""
    words = ["curl", "--silent", "--include", "--max-time", "5", "--unix-socket", place]
    for name, value in headers.items():
        words += ["--header", f"{name}: {value}"]
    done = subprocess.run([*words, "--data", urlencode(form), "http://x/sign-in"], capture_output=True, text=True, check=True, user=uid, group=GROUP, extra_groups=[], cwd="/", env={"PATH": os.environ["PATH"]})  # fmt: skip
    found = (
        re.search(r"location: (\S+)", done.stdout),
        re.search(r"set-cookie: ((policy_console=[^;]+).*)", done.stdout),
    )
    assert found[0] is not None and found[1] is not None, done.stdout
    return found[0][1], found[1][2], found[1][1]


def link(running: Running, uid: int = MIA_UID, token: str = "", **body: Any) -> str:
    status, answer = called(running.socket, uid, "/v1/approvals/console", body, token)
    assert status == 201, answer
    return str(answer["url"]).partition("code=")[2]


@as_others
def test_a_person_answers_through_a_forwarded_port(running: tuple[Running, str]) -> None:
    found, place = running
    answer = called(found.socket, MIA_UID, "/v1/approvals/console", {"port": 1234})[1]
    assert answer["url"].startswith("http://localhost:1234/sign-in?code=") and answer["socket"] == place
    base, cookie, _ = exact(place, MIA_UID, LOCAL, {"code": link(found)})
    asked = called(found.socket, AGENT, "/v1/decide", {"action": "write", "resource": "src/a"})[1]["ticket"]["id"]
    shown = page(place, MIA_UID, f"{base}t/{asked}", Cookie=cookie, **LOCAL)[2]
    seal = re.search(r'action="[^"]*answer"[^>]*>\s*<input type="hidden" name="seal" value="([0-9a-f]+)"', shown)
    assert seal is not None, shown
    yes = {"seal": seal[1], "verdict": "approve", "reason": "r"}
    wrong = [
        {"Host": "evil.example:1234", "Origin": "http://evil.example:1234"}, {"Host": "localhost:1234", "Origin": "http://localhost:1235"},
        {"Host": "localhost:1234"}, {"Host": "localhost.evil.example", "Origin": "http://localhost.evil.example"},
        {"Host": "localhost:1234", "Origin": "https://localhost:1234"}, {**LOCAL, "Sec-Fetch-Site": "cross-site"},
        {**LOCAL, "X-Remote-User": "mia"}, {"Host": "localhost:123456", "Origin": "http://localhost:123456"},
        {"Host": "approvals.acme.example", "Origin": "https://approvals.acme.example"},
    ]  # fmt: skip
    for headers in wrong:
        assert page(place, MIA_UID, f"{base}t/{asked}/answer", yes, Cookie=cookie, **headers)[0] == 403, headers
    # whoever has stolen all of it is another user: an agent does not get in at all, anybody else not into her session
    assert page(place, AGENT, base, Cookie=cookie, **LOCAL)[0] in {0, 503}
    assert page(place, AGENT, "/style.css", **LOCAL)[0] in {0, 503}
    assert page(place, NAMED, f"{base}t/{asked}/answer", yes, Cookie=cookie, **LOCAL)[0] == 403
    assert page(place, PROXY, f"{base}t/{asked}/answer", yes, Cookie=cookie, **PROXIED)[0] == 403
    assert page(place, MIA_UID, f"{base}t/{asked}/answer", yes, Cookie=cookie, **LOCAL)[0] == 303
    assert called(found.socket, AGENT, "/v1/decide", {"action": "write", "resource": "src/a", "ticket": asked})[1]["effect"] == "allow"  # fmt: skip


@as_others
def test_a_link_is_for_the_user_of_its_person(running: tuple[Running, str]) -> None:
    found, place = running
    code = link(found, token=TOKEN)
    assert page(place, NAMED, "/sign-in", {"code": code}, **LOCAL)[0] == 403  # mia has a user, and this is another
    assert page(place, MIA_UID, "/sign-in", {"code": code}, **LOCAL)[0] == 303
    code = link(found, NAMED, "t" * 40)  # tom has none: he comes as whoever is no agent, and stays that
    base, cookie, _ = exact(place, NAMED, LOCAL, {"code": code})
    assert page(place, NAMED, base, Cookie=cookie, **LOCAL)[0] == 200
    assert page(place, MIA_UID, base, Cookie=cookie, **LOCAL)[0] == 403


@as_others
def test_a_reverse_proxy_says_who_calls(running: tuple[Running, str]) -> None:
    found, place = running
    status, _, text = page(place, PROXY, "/", **PROXIED)
    assert status == 200 and "Sign in as mia?" in text
    code = re.search(r'name="code" value="([^"]+)"', text)
    assert code is not None
    refused = [
        (PROXY, {**PROXIED, "X-Remote-User": "tom"}), (PROXY, {**PROXIED, "X-Remote-User": "nobody"}), (PROXY, {**PROXIED, "X-Remote-User": ""}),
        (MIA_UID, LOCAL), (MIA_UID, {**LOCAL, "X-Remote-User": "mia"}), (NAMED, PROXIED), (PROXY, {**PROXIED, "Host": "other.example"}),
        (PROXY, {**PROXIED, "Origin": "https://other.example"}), (PROXY, {**PROXIED, "Origin": "http://approvals.acme.example"}),
        (PROXY, {**PROXIED, "x-remote-user": "tom"}),  # twice: it names nobody
    ]  # fmt: skip
    for uid, headers in refused:
        assert page(place, uid, "/sign-in", {"code": code[1]}, **headers)[0] == 403, (uid, headers)
    assert page(place, AGENT, "/", **PROXIED)[0] in {0, 503}
    base, cookie, whole = exact(place, PROXY, PROXIED, {"code": code[1]})
    assert "; Secure" in whole and "SameSite=Strict" in whole
    assert page(place, PROXY, base, Cookie=cookie, **PROXIED)[0] == 200
    assert page(place, PROXY, base, Cookie=cookie, **{**PROXIED, "X-Remote-User": "tom"})[0] == 403
    assert page(place, PROXY, base, Cookie=cookie, **{**PROXIED, "X-Remote-User": "x"})[0] == 403
    # a notification's link leads there by the same press, also for who has nothing else
    number = "0123456789abcdef"
    text = page(place, PROXY, f"/t/{number}", **PROXIED)[2]
    assert "Sign in as mia?" in text and f'name="ticket" value="{number}"' in text
    code = re.search(r'name="code" value="([^"]+)"', text)
    assert code is not None
    assert exact(place, PROXY, PROXIED, {"code": code[1], "ticket": number})[0].endswith(f"/t/{number}")
    for path in (f"/t/{number}0", f"/t/{number[1:]}", "/t/..%2f..%2f", "/t/"):
        assert page(place, PROXY, path, **PROXIED)[0] == 404, path
    assert "Sign in as" not in page(place, MIA_UID, f"/t/{number}", **LOCAL)[2]
    assert page(place, PROXY, f"/t/{number}", **{**PROXIED, "X-Remote-User": "nobody"})[0] == 403
    # another's link is of no use to whoever comes by the proxy
    assert page(place, PROXY, "/sign-in", {"code": link(found)}, **PROXIED)[0] == 403


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[principal]]\nuser = "daemon"\nagents = ["a"]\n', "is also an agent; an agent would say who it is"),
        ('[[person]]\nname = "mia"\nuser = "daemon"\n', "`daemon` is also a person"),
    ],
)  # fmt: skip
def test_the_proxy_has_a_user_of_its_own(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "serve.toml"
    path.write_text(text + BEHIND)
    path.chmod(0o600)
    with pytest.raises(ServiceConfigError, match=message):
        read_config(str(path))
    path.write_text(BEHIND.replace("https", "http"))
    with pytest.raises(ServiceConfigError, match=r"wrong at `console\.origin`"):
        read_config(str(path))


def configured(folder: Path, more: str = "") -> None:
    (folder / "serve.toml").write_text(
        f'[operators]\nusers = []\n[[person]]\nname = "tom"\ntoken-sha256 = "{token_digest("t" * 40)}"\n{more}'
    )
    (folder / "serve.toml").chmod(0o600)
    (folder / "tom").write_text("t" * 40)
    (folder / "tom").chmod(0o600)


def test_tcp_is_by_choice_and_said(tmp_path: Path) -> None:
    words = ("--config", "{folder}/serve.toml", "--state", "{folder}")
    port = free_port()
    for where, said in (("{folder}/c", False), (f"127.0.0.1:{port}", True)):
        with service(POLICY, *words, "--console", where, prepare=configured) as running:
            notices = running.call("GET", "/v1/state")[1]["notices"]
            assert [n.startswith("the console listens on TCP") for n in notices] == [True] * said
            shown = policy("state", "--socket", running.socket)
            assert ("the console listens on TCP" in shown.out) is said
            assert (running.folder / "c").exists() is not said
            assert running.stop() == 0
            assert not (running.folder / "c").exists()
            assert any(r["event"] == "warning" and "TCP" in r["text"] for r in running.log()) is said
    configured(tmp_path, BEHIND)
    (tmp_path / "p.policy").write_text(POLICY)
    done = policy("serve", "--policy", tmp_path / "p.policy", "--socket", tmp_path / "s", "--config", tmp_path / "serve.toml", "--state", tmp_path, "--console", f"127.0.0.1:{port}")  # fmt: skip
    assert done.code == 2 and "over a Unix socket only" in done.err
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    done = policy("serve", "--policy", tmp_path / "p.policy", "--socket", tmp_path / "s", "--config", tmp_path / "serve.toml", "--state", tmp_path, "--console", tmp_path / "open/c")  # fmt: skip
    assert done.code == 2 and "unsafe" in done.err
    done = policy("serve", "--policy", tmp_path / "p.policy", "--socket", tmp_path / "s", "--agent", "a", "--console-group", "root")  # fmt: skip
    assert done.code == 2 and "`--console-group` belongs to `--console`" in done.err


@as_others
def test_the_group_of_the_console_is_its_own() -> None:
    words = ("--config", "{folder}/serve.toml", "--state", "{folder}", "--group", "root", "--console", "--console-group", "daemon")  # fmt: skip
    with service(POLICY, *words, prepare=configured) as running:
        found = os.stat(running.folder / "console.sock")
        assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o660, pwd.getpwnam("daemon").pw_gid)
        assert os.stat(running.socket).st_gid == 0


@as_others
def test_idle_connections_of_one_user_are_that_users() -> None:
    port = free_port()
    words = ("--config", "{folder}/serve.toml", "--state", "{folder}", "--console", f"127.0.0.1:{port}")
    with service(POLICY, *words, prepare=configured):
        most = limit("connections_per_peer") + 6
        script = f"for i in $(seq {most}); do exec {{h}}<>/dev/tcp/127.0.0.1/{port}; done; echo ready; read x"
        idle = subprocess.Popen(["bash", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=NAMED, group=GROUP, extra_groups=[], cwd="/")  # fmt: skip
        assert idle.stdin is not None and idle.stdout is not None
        with idle:
            assert idle.stdout.readline() == b"ready\n"
            time.sleep(0.3)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            with contextlib.closing(connection):
                connection.request("GET", "/")
                assert connection.getresponse().status == 200
            idle.stdin.close()


def test_a_connection_that_asks_nothing_is_closed_soon() -> None:
    from policy_lang.daemon.console.endpoint import endpoint
    from policy_lang.daemon.console.routes import Console
    from policy_lang.daemon.identity.browser_sessions import ConsoleAccess

    made: Any = None
    assert (
        endpoint(Console(made, ConsoleAccess("/c"))).idle == limit("console_connection_seconds") < limit("idle_seconds")
    )


@as_others
def test_a_port_of_ones_own_leads_nobody_else() -> None:
    words = ("--config", "{folder}/serve.toml", "--state", "{folder}", "--console")
    with service(POLICY, *words, prepare=configured) as running:
        port = free_port()
        words_ = [sys.executable, "-m", "policy_lang", "approvals", "console", "--listen", "--port", str(port), "--socket", running.socket, "--token-file", str(running.folder / "tom")]  # fmt: skip
        with subprocess.Popen(
            words_, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
        ) as own:
            assert own.stdout is not None
            url = own.stdout.readline().strip()
            assert url.startswith(f"http://localhost:{port}/sign-in?code=")
            end = time.monotonic() + 10
            while True:
                with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as mine:  # fmt: skip
                    mine.request("GET", f"/sign-in?{url.partition('?')[2]}")
                    assert "Sign in as tom?" in mine.getresponse().read().decode()
                    break
                assert time.monotonic() < end
                time.sleep(0.05)
            words_ = ["curl", "--silent", "--max-time", "5", f"http://127.0.0.1:{port}/"]
            other = subprocess.run(
                words_, capture_output=True, check=False, user=NAMED, group=GROUP, extra_groups=[], cwd="/"
            )
            assert other.returncode != 0 and other.stdout == b""
            own.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                own.wait(10)
            own.kill()  # where it is not gone yet, nothing waits for it for ever
            assert own.returncode == 0


def test_a_client_of_the_console_on_a_socket() -> None:
    """Cookies come in several headers: both are read."""
    words = ("--config", "{folder}/serve.toml", "--state", "{folder}", "--console")
    with service(POLICY, *words, prepare=configured) as running:
        connection = UnixConnection(str(running.folder / "console.sock"))
        with contextlib.closing(connection):
            connection.request("GET", "/", headers={"Host": "localhost:9"})
            answer = connection.getresponse()
            assert answer.status == 200 and "script" not in answer.headers["content-security-policy"]
            answer.read()
            with socket.socket(socket.AF_UNIX) as plain:
                plain.connect(str(running.folder / "console.sock"))
                plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost:9\r\nX-A: 1\r\nX-A: 2\r\nHost: localhost:9\r\n\r\n")
                assert b" 400 " in plain.recv(100)
