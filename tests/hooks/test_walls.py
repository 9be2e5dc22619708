"""Hooks behind walls ask the launcher and nobody else; what is not the launcher's socket denies."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy_lang import Policy
from policy_lang.pep import mcp
from policy_lang.pep.channel import exchange
from policy_lang.pep.clients import NAMES
from policy_lang.pep.deciders import WALLS_SOCKET
from tests.console.support import ROOT
from tests.needs import needs
from tests.service.support import service
from tests.service.test_service import OTHER, bearer, configured

from .launcher import Call, launcher
from .support import Answer, hook, workspace

BWRAP = shutil.which("bwrap") or "bwrap"


def _works() -> bool:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run([BWRAP, "--dev-bind", "/", "/", "true"], check=False, timeout=20, capture_output=True).returncode == 0  # fmt: skip
    return False


ROOTS = needs("only root can make what is another user's", there=os.geteuid() == 0)
pytestmark = needs("bubblewrap is not installed, or may not make namespaces here", there=_works())

EVERYTHING = 'policy "all"\nallow read, write, delete "/", "./", "~/"\nallow run "**", opaque\n'
READ = {"tool_name": "Read", "tool_input": {"file_path": "{ws}/src/app.ts"}}


def decision(effect: str, **more: Any) -> dict[str, Any]:
    """A decision as the service gives it."""
    empty: dict[str, Any] = {
        "tiers": [],
        "rules": [],
        "reasons": [f"the launcher says {effect}"],
        "effects": [],
        "opaque": [],
    }
    return {"effect": effect, **empty, "obligations": [], "policy_digest": "d", "decision_id": "i", **more}


def says(effect: str, **more: Any) -> Callable[[Call], tuple[int, Any]]:
    """A launcher that says the same to whatever it is asked."""
    return lambda call: (200, {"decisions": [decision(effect, **more) for _ in json.loads(call[3])["requests"]]})


def walls(folder: Path) -> tuple[str, ...]:
    """What starts a command where the folder is the launcher's."""
    return (BWRAP, "--dev-bind", "/", "/", "--tmpfs", "/run", "--bind", str(folder), os.path.dirname(WALLS_SOCKET))


@pytest.fixture
def ws(tmp_path: Path) -> Path:
    """A workspace whose compiled policy allows everything."""
    (tmp_path / "walls").mkdir(mode=0o755)
    return workspace(tmp_path, EVERYTHING)


@pytest.fixture
def place(ws: Path) -> Path:
    """The launcher's folder."""
    return ws.parent / "walls"


def asked(ws: Path, within: tuple[str, ...], *options: str, client: str = "claude", case: dict[str, Any] = READ, **env: str) -> Answer:  # fmt: skip
    payload = json.loads(json.dumps({"cwd": str(ws), "session_id": "told", **case}).replace("{ws}", str(ws)))
    chosen = options if {"--policy", "--socket"} & {*options} else ("--policy", str(ws.parent / "p.plc"), *options)
    return hook(client, payload, *chosen, cwd=ws, within=within, **env)


def test_the_launcher_is_asked_whatever_the_options_name(ws: Path, place: Path) -> None:
    assert asked(ws, ()).verdict == "allow"
    for options in (
        (),
        ("--socket", "/nowhere/s"),
        ("--socket", "/nowhere/s", "--token-file", "/nowhere/t", "--owner", "77"),
    ):
        for effect, verdict in (("allow", "allow"), ("deny", "deny")):
            with launcher(place, says(effect)) as one:
                answer = asked(ws, walls(place), *options)
                assert answer.verdict == verdict, answer
                assert len(one.calls) == 1 and (f"launcher says {effect}" in answer.err) is (effect == "deny")
            (place / "walls.sock").unlink()


def test_observing_is_not_the_agents_way_past_it(ws: Path, place: Path) -> None:
    with launcher(place, says("deny")):
        answer = asked(ws, walls(place), "--observe", "--log", str(ws.parent / "log"))
    assert answer.verdict == "deny" and not (ws.parent / "log").exists()


def test_the_hook_says_nothing_of_walls_of_tokens_and_of_sessions(ws: Path, place: Path) -> None:
    (ws.parent / "token").write_text("t" * 40)
    with launcher(place, says("allow")) as one:
        asked(ws, walls(place), "--agent", "a", "--token-file", str(ws.parent / "token"), POLICY_LANG_CONFINED="1")
        asked(ws, walls(place))
    (_, route, headers, body), _ = one.calls
    (first, second) = one.requests()
    assert route == "/v1/decide/batch" and "authorization" not in headers and b"t" * 40 not in body
    assert "confined" not in body.decode()
    assert (first["agent"], first["workspace"], first["home"]) == (
        "a",
        str(ws),
        "/home/agent",
    ) and "agent" not in second
    assert "session" not in first and "session" not in second


def test_people_are_waited_for_through_the_launcher(ws: Path, place: Path) -> None:
    answers = iter([decision("ask", tiers=["review"], ticket={"id": "0" * 16, "state": "pending"}), decision("allow")])

    def answer(call: Call) -> tuple[int, Any]:
        if call[0] == "GET":
            return 200, {"state": "approved"}
        return 200, {"decisions": [next(answers)]}

    with launcher(place, answer) as one:
        assert asked(ws, walls(place), "--wait", "5", "--socket", "/nowhere/s").verdict == "allow"
    assert [c[1].partition("?")[0] for c in one.calls] == [
        "/v1/decide/batch",
        f"/v1/approvals/{'0' * 16}",
        "/v1/decide/batch",
    ]


FAULTS: dict[str, Callable[[Call], tuple[int, Any]]] = {
    "a status": lambda _: (500, {"error": {"code": "PLI001", "message": "broken"}, "effect": "deny"}),
    "no policy": lambda _: (503, {}),
    "no json": lambda _: (200, b"allow"),
    "an answer too many": lambda _: (200, {"decisions": [decision("allow")] * 2}),
    "none": lambda _: (200, {"decisions": []}),
    "an unknown effect": lambda _: (200, {"decisions": [decision("permit")]}),
    "an unknown obligation": lambda _: (200, {"decisions": [decision("allow", obligations=["dance"])]}),
    "an unknown field": lambda _: (200, {"decisions": [decision("allow", confined=True)]}),
    "nothing in time": lambda _: (time.sleep(3), (200, {"decisions": [decision("allow")]}))[1],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_launcher_that_fails_denies(ws: Path, place: Path, fault: str) -> None:
    """The policy that the options name would allow it, and is not asked."""
    with launcher(place, FAULTS[fault]):
        answer = asked(ws, walls(place), "--timeout", "1")
    assert (answer.code, answer.verdict) == (2, "deny")


def test_a_launcher_that_is_gone_denies(ws: Path, place: Path) -> None:
    with launcher(place, says("allow")):
        pass
    assert (place / "walls.sock").exists()
    for options in ((), ("--socket", str(place / "other"))):
        answer = asked(ws, walls(place), *options)
        assert answer.code == 2 and "cannot be reached" in answer.err


@pytest.mark.parametrize("client", NAMES)
def test_every_client_is_denied_in_its_own_form(ws: Path, place: Path, client: str) -> None:
    from .test_hooks import cases, filled

    case = next(c for n, _, c in cases() if n == client and c["want"] == "allow")
    (place / "walls.sock").touch()
    answer = hook(client, filled(client, case, ws), "--policy", str(ws.parent / "p.plc"), cwd=ws, within=walls(place))
    assert (answer.code, answer.verdict) == (2, "deny") and "it is no socket" in answer.err and answer.said


def test_without_a_socket_there_the_options_say_whom_to_ask(ws: Path, place: Path) -> None:
    assert asked(ws, walls(place)).verdict == "allow"
    (place / "policy.sock").touch()  # a service's own folder
    assert asked(ws, walls(place)).verdict == "allow"
    assert asked(ws, (BWRAP, "--dev-bind", "/", "/", "--tmpfs", "/run", "--dir", "/run/policy_lang")).verdict == "allow"
    assert (
        asked(
            ws, (BWRAP, "--dev-bind", "/", "/", "--tmpfs", "/run", "--ro-bind", "/dev/null", "/run/policy_lang")
        ).verdict
        == "allow"
    )


def refused(ws: Path, within: tuple[str, ...], why: str) -> None:
    """The launcher there would allow, the policy would allow, and neither is asked."""
    answer = asked(ws, within)
    assert answer.code == 2 and "the launcher's" in answer.err and why in answer.err, answer


def test_what_an_agent_makes_in_run_is_not_the_launchers(ws: Path, place: Path) -> None:
    base = (BWRAP, "--dev-bind", "/", "/", "--tmpfs", "/run")
    with launcher(place, says("allow")) as one:
        made = (*base, "--dir", "/run/policy_lang", "--bind", str(place / "walls.sock"), WALLS_SOCKET)
        refused(ws, made, "no file system of its own")
        refused(ws, (*base, "--symlink", str(place), "/run/policy_lang"), "no file system of its own")
        elsewhere = (*base, "--bind", str(place), "/run/elsewhere", "--symlink", "elsewhere", "/run/policy_lang")
        refused(ws, elsewhere, "no file system of its own")
        assert not one.calls


def test_what_others_can_write_is_not_the_launchers(ws: Path, place: Path) -> None:
    with launcher(place, says("allow")) as one:
        for mode in (0o775, 0o757, 0o1777):
            place.chmod(mode)
            refused(ws, walls(place), "others can write")
        assert not one.calls
        place.chmod(0o755)
        assert asked(ws, walls(place)).verdict == "allow"


@ROOTS
def test_what_is_another_users_is_not_the_launchers(ws: Path, place: Path) -> None:
    with launcher(place, says("allow")) as one:
        os.chown(place, 12345, 12345)
        refused(ws, walls(place), "belongs to the user 12345")
        assert not one.calls


@ROOTS
def test_somebody_else_who_listens_is_not_asked(ws: Path, place: Path) -> None:
    """The kernel notes who listens when it begins to (unix(7))."""
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(place / "walls.sock"))
        (place / "walls.sock").chmod(0o777)
        ready, told = os.pipe()
        child = os.fork()
        if child == 0:
            os.setuid(12345)
            bound.listen()
            os.write(told, b"x")
            time.sleep(60)
            os._exit(0)
        try:
            os.read(ready, 1)
            answer = asked(ws, walls(place))
            assert answer.code == 2 and "the user 12345 listens there" in answer.err
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(ready)
            os.close(told)


@pytest.mark.parametrize("kind", ["file", "link", "dangling", "pipe", "folder"])
def test_what_is_no_socket_denies(ws: Path, place: Path, kind: str) -> None:
    at = place / "walls.sock"
    with launcher(ws.parent, says("allow")) as one:
        if kind == "file":
            at.touch()
        elif kind == "pipe":
            os.mkfifo(at)
        elif kind == "folder":
            at.mkdir()
        else:
            at.symlink_to(ws.parent / "walls.sock" if kind == "link" else "/nowhere")
        refused(ws, walls(place), "it is no socket")
        assert not one.calls


@ROOTS
def test_a_folder_that_cannot_be_entered(ws: Path, place: Path) -> None:
    """On a file system of its own it may be the launcher's, and denies; else it is some service's."""
    place.chmod(0)
    own = (BWRAP, "--dev-bind", "/", "/", "--tmpfs", "/run", "--cap-drop", "ALL")
    answer = asked(ws, (*own, "--bind", str(place), "/run/policy_lang"))
    assert answer.code == 2 and "cannot be looked at" in answer.err
    assert asked(ws, (*own, "--perms", "0000", "--dir", "/run/policy_lang")).verdict == "allow"


# nothing that an agent says makes a request confined, or sends the hook elsewhere

CONFINED = 'policy "p"\nwhen confined { allow read "src/**" }\n'


@pytest.mark.parametrize(
    "env",
    [
        {"POLICY_LANG_CONFINED": "1"}, {"CONFINED": "true"}, {"POLICY_LANG_WALLS": "{place}"}, {"WALLS_SOCKET": "{place}/walls.sock"},
        {"XDG_RUNTIME_DIR": "{place}"}, {"TMPDIR": "{place}"}, {"PYTHONPATH": "{place}"},
    ],
    ids=lambda env: next(iter(env)),
)  # fmt: skip
def test_a_variable_does_not(tmp_path: Path, env: dict[str, str]) -> None:
    place = tmp_path / "walls"
    place.mkdir()
    ws = workspace(tmp_path, CONFINED)
    with launcher(place, says("allow")) as one:
        answer = asked(ws, (), **{k: v.replace("{place}", str(place)) for k, v in env.items()})
        assert answer.verdict == "deny" and not one.calls


@pytest.mark.parametrize(
    "case",
    [{"confined": True}, {"tool_input": {**READ["tool_input"], "confined": True}}, {"context": {"confined": True}}],
)  # fmt: skip
def test_a_field_of_the_input_does_not(tmp_path: Path, case: dict[str, Any]) -> None:
    ws = workspace(tmp_path, CONFINED)
    assert asked(ws, (), case={**READ, **case}).verdict == "deny"


@pytest.mark.parametrize(
    "options", [("--confined",), ("--confined", "true"), ("--walls", "x"), ("--context", "confined=true")]
)
def test_an_option_does_not(tmp_path: Path, options: tuple[str, ...]) -> None:
    ws = workspace(tmp_path, CONFINED)
    answer = asked(ws, (), *options)
    assert answer.code == 2 and "unknown option" in answer.err


def test_only_the_launchers_session_is_confined(tmp_path: Path) -> None:
    """A launcher that hands calls on, its token shown: the same hook, the same service, allowed inside and denied outside."""
    place = tmp_path / "walls"
    place.mkdir()
    ws = workspace(tmp_path)
    policy = 'policy "p"\nagent "a" { when confined { allow read "src/**" } }\n'
    with service(policy, "--config", "{folder}/serve.toml", prepare=configured) as running:
        begun = {"agent": "a", "confined": True, "workspace": str(ws), "home": "/home/agent"}
        token = running.call("POST", "/v1/sessions/start", begun, **bearer(OTHER))[1]["token"]

        def hand_on(call: Call) -> tuple[int, Any]:
            return exchange(running.socket, call[0], call[1], call[3], time.monotonic() + 2, token)

        options = ("--socket", running.socket, "--agent", "a")
        with launcher(place, hand_on):
            inside = asked(ws, walls(place), *options)
            assert inside.verdict == "allow", inside
            wrong = asked(ws, walls(place), "--socket", running.socket, "--agent", "b")
            assert wrong.code == 2 and "PLR202" in wrong.err
            assert asked(ws, (), *options).verdict == "deny"
            running.call("POST", "/v1/sessions/end", {"session": "x"}, **bearer(token))
            running.stop()
            assert asked(ws, walls(place), *options).code == 2


def test_over_mcp_the_launcher_is_asked_too(ws: Path, place: Path) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "decide", "arguments": {"action": "read", "resource": "src/app.ts"}}}  # fmt: skip
    words = ["-m", "policy_lang", "mcp", "--policy", str(ws.parent / "p.plc"), "--workspace", str(ws)]
    for effect in ("allow", "deny"):
        with launcher(place, says(effect)) as one:
            done = subprocess.run(
                [*walls(place), sys.executable, *words], input=json.dumps(call) + "\n", capture_output=True, text=True, check=True, cwd=ROOT, timeout=30,
            )  # fmt: skip
            assert json.loads(done.stdout)["result"]["structuredContent"]["effect"] == effect
            assert len(one.calls) == 1
        (place / "walls.sock").unlink()
    sink = io.BytesIO()
    forged = {**call["params"], "arguments": {**call["params"]["arguments"], "confined": True}}  # type: ignore[index,dict-item]
    options = {"--policy": [str(ws.parent / "p.plc")], "--workspace": [str(ws)], "--home": ["/home/agent"]}
    mcp.serve(options, io.BytesIO(json.dumps({**call, "params": forged}).encode() + b"\n"), sink)
    assert json.loads(sink.getvalue())["result"]["structuredContent"]["effect"] == "deny"


@pytest.mark.parametrize("action", ["write", "delete"])
def test_the_protected_floor_holds_the_launchers_folder(action: str) -> None:
    policy = Policy.loads(EVERYTHING)
    place = {"workspace": "/w", "cwd": "/w", "home": "/root"}
    for path in (
        WALLS_SOCKET,
        os.path.dirname(WALLS_SOCKET),
        f"{os.path.dirname(WALLS_SOCKET)}/x/y",
        f"/var{WALLS_SOCKET}",
    ):
        assert policy.decide(action=action, resource=path, **place).effect == "deny", path
    assert policy.decide(action=action, resource="/run/other", **place).effect == "allow"


@pytest.mark.parametrize(
    "script",
    [
        "mkdir -p /run/policy_lang", "cd /run && mkdir policy_lang", "ln -s /tmp/x /run/policy_lang", "touch /run/policy_lang/walls.sock",
        "rm -rf /run/policy_lang", "rm -rf /run", "mv /tmp/x /run/policy_lang", "mv /run/policy_lang /tmp/x", "cp -r x /run/policy_lang",
        "ln -s /tmp/a.sock /run/policy_lang/walls.sock", "cd /run/policy_lang; rm walls.sock", "mkfifo /run/policy_lang/walls.sock",
    ],
)  # fmt: skip
def test_no_command_makes_or_takes_it_away(script: str) -> None:
    decided = Policy.loads(EVERYTHING).decide(action="run", resource=script, workspace="/w", cwd="/w", home="/root")
    assert decided.effect == "deny"
