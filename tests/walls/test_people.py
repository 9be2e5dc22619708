"""What asks inside waits for people at the service; hooks inside are confined; nobody outside can be."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from policy_lang.pep.clients import NAMES
from tests.console.support import ROOT
from tests.service.support import Running, service
from tests.service.test_approvals import ARGUMENTS, answer, bearer, configured

from .running import WALLS, command, environment, place, run

pytestmark = WALLS
_ = place, NAMES
HOOK = ROOT / "policy_lang/pep/hook.py"
RULES = """policy "p"
tier review { approvers "@team"  expires 30m }
allow read "**"
allow write, delete "src/"
allow run "**"
ask review write "asked/"
when confined { allow read "/only/inside" }
"""


def walled(running: Running, place: Path, *words: str, wait: str = "20") -> subprocess.Popen[str]:
    options = ("--agent", "codex", "--socket", running.socket, "--wait", wait)
    token = ("--token-file", str(running.folder / "operator.token"))
    (place / "w/asked").mkdir(exist_ok=True)
    return subprocess.Popen(
        command(place, *words, options=(*options, *token), policy=Path(running.policy)),
        cwd=place / "w",
        env=environment(place),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answered(running: Running, verdict: str) -> None:
    late = time.monotonic() + 20
    while time.monotonic() < late:
        _, found = running.call("GET", "/v1/approvals", **bearer("m" * 40))
        if found["open"]:
            assert answer(running, "mia", found["open"][0]["id"], verdict)[0] == 200
            return
        time.sleep(0.1)
    raise AssertionError("nobody was asked")


@pytest.mark.parametrize(("verdict", "shown"), [("approve", "written"), ("reject", "refused")])
def test_a_write_waits_for_people(place: Path, verdict: str, shown: str) -> None:
    with service(RULES, *ARGUMENTS, prepare=configured) as running:
        script = "echo a > src/before; if echo x > asked/f; then echo written; else echo refused; fi"
        process = walled(running, place, "sh", "-c", script)
        answered(running, verdict)
        out, err = process.communicate(timeout=60)
        assert out == f"{shown}\n", err
        assert (place / "w/asked/f").exists() == (verdict == "approve")
        assert running.call("GET", "/v1/state", **bearer("o" * 40))[1]["sessions"] == []


def test_nobody_answers_in_time(place: Path) -> None:
    with service(RULES, *ARGUMENTS, prepare=configured) as running:
        process = walled(running, place, "sh", "-c", "echo x > asked/f || echo refused", wait="1")
        assert process.communicate(timeout=60)[0] == "refused\n"


def test_without_a_service_it_is_refused(place: Path) -> None:
    (place / "w/asked").mkdir()
    assert run(place, "sh", "-c", "echo x > asked/f || echo refused", policy=RULES).stdout == "refused\n"


def test_another_policy_than_the_services_starts_nothing(place: Path) -> None:
    with service(RULES, *ARGUMENTS, prepare=configured) as running:
        before = running.call("GET", "/v1/policy", **bearer("o" * 40))[1]["digest"]
        running.change(RULES + 'allow read "/else"\n')
        late = time.monotonic() + 20
        while running.call("GET", "/v1/policy", **bearer("o" * 40))[1]["digest"] == before and time.monotonic() < late:
            time.sleep(0.05)
        running.policy.write_text(RULES)
        process = walled(running, place, "touch", "src/never")
        _, err = process.communicate(timeout=60)
        assert process.returncode == 125, err
        assert "another policy" in err
        assert not (place / "w/src/never").exists()


def hook_words(place: Path) -> list[str]:
    return [
        sys.executable,
        "-I",
        "-S",
        str(HOOK),
        "claude",
        "--policy",
        "/nowhere.plc",
        "--workspace",
        str(place / "w"),
    ]


CALL = json.dumps(
    {
        "hook_event_name": "PreToolUse",
        "tool_name": "Read",
        "tool_input": {"file_path": "/only/inside"},
        "cwd": "/",
        "permission_mode": "default",
    }
)


def test_a_hook_inside_is_confined(place: Path) -> None:
    done = run(place, *hook_words(place), policy=RULES, input=CALL)
    assert done.returncode == 0, done.stderr
    assert '"allow"' in done.stdout
    bare = subprocess.run(
        hook_words(place), input=CALL, capture_output=True, text=True, check=False, env={"HOME": str(place)}
    )
    assert bare.returncode == 2


def last_child(process: int) -> int:
    """The last process of the line that begins with one."""
    while children := Path(f"/proc/{process}/task/{process}/children").read_text().split():
        process = int(children[0])
    return process


def test_nobody_outside_reaches_the_launchers_socket(place: Path) -> None:
    """Who may look into the box from outside, as the same user may, is not confined by asking there."""
    with subprocess.Popen(
        command(place, "sh", "-c", "echo ready; exec sleep 20", policy=RULES),
        cwd=place / "w",
        env=environment(place),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        inside = last_child(process.pid)
        with socket.socket(socket.AF_UNIX) as ours:
            ours.settimeout(5)
            ours.connect(f"/proc/{inside}/root/run/policy_lang/walls.sock")
            body = json.dumps({"requests": [{"action": "read", "resource": "/only/inside"}]}).encode()
            reply = b""
            try:
                ours.sendall(
                    b"POST /v1/decide/batch HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                )
                reply = ours.recv(100)
            except OSError:
                pass
            assert reply == b""
        process.kill()


def test_the_channel_answers_many_at_once(place: Path) -> None:
    script = (
        "import json,socket,threading\nout=[]\n"
        "body=json.dumps({'requests':[{'action':'read','resource':'/only/inside'}]}).encode()\n"
        "def one():\n"
        "    s=socket.socket(socket.AF_UNIX); s.connect('/run/policy_lang/walls.sock')\n"
        "    s.sendall(b'POST /v1/decide/batch HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n' % len(body) + body)\n"
        "    d=b''\n    while (c:=s.recv(65536)): d+=c\n    out.append(b'\"effect\":\"allow\"' in d.replace(b' ',b''))\n"
        "t=[threading.Thread(target=one) for _ in range(20)]\n[x.start() for x in t]; [x.join() for x in t]\nprint(sum(out))\n"
    )
    assert run(place, "python3", "-c", script, policy=RULES).stdout == "20\n"
    assert threading.active_count() < 50


def test_a_freeze_stops_what_runs_inside(place: Path) -> None:
    with service(RULES, *ARGUMENTS, prepare=configured) as running:
        script = "echo a > src/a; echo ready; i=0; while [ $i -lt 100 ] && echo $i > src/a; do i=$((i+1)); sleep 0.1; done; echo stopped; ls / >/dev/null || echo no program"
        process = walled(running, place, "sh", "-c", script)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert running.call("POST", "/v1/freeze", {"agent": "codex", "reason": "look"}, **bearer("o" * 40))[0] == 200
        out, _ = process.communicate(timeout=60)
        assert out == "stopped\nno program\n"


def test_a_service_that_is_gone_stops_what_runs_inside(place: Path) -> None:
    with service(RULES, *ARGUMENTS, prepare=configured) as running:
        script = "echo a > src/a; echo ready; i=0; while [ $i -lt 100 ] && echo $i > src/a; do i=$((i+1)); sleep 0.1; done; echo stopped"
        process = walled(running, place, "sh", "-c", script)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        running.stop()
        out, _ = process.communicate(timeout=60)
        assert out == "stopped\n"
        assert int((place / "w/src/a").read_text() or 0) < 99
