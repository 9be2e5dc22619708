"""What opencode itself answers to calls, with given configurations: one session a call, behind walls, without an account.

Nobody is there to be asked, so it says that it asks, and rejects. `python -m tests.agents.opencode_asked` is the part
inside.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys

from policy_lang.foreign.permissions import HOME, WORKSPACE, ClientRequest
from policy_lang.pep.clients import client as client_of
from policy_lang.pep.model_turns import Call
from policy_lang.pep.rehearsal import rehearse

from .__main__ import version as version_of
from .claude_asked import clean, inside
from .test_real_clients import found

_SECONDS = 60
_DENIED = ("which prevents you from using", "unavailable tool")


def version() -> str | None:
    """The version that is installed; None where none is."""
    program = found("opencode")
    return version_of(program) if program is not None else None


def answers(files: dict[str, str], asked: list[ClientRequest]) -> list[str]:
    """The answer to each call."""
    program = found("opencode")
    assert program is not None
    printed = inside("tests.agents.opencode_asked", files, program, asked, _SECONDS * len(asked))
    return [_answer(str(text)) for (text,) in printed]


def _answer(printed: str) -> str:
    assert "scripted" in printed, printed
    if any(words in printed for words in _DENIED):
        return "deny"
    return "ask" if "auto-rejecting" in printed else "allow"


def _call(one: ClientRequest) -> Call:
    place = one.resource.replace("~", HOME, 1) if one.resource[:1] == "~" else one.resource
    place = place if place[:1] == "/" else f"{WORKSPACE}/{place}"
    if one.action == "run":
        return "bash", {"command": one.resource, "description": "d"}
    if one.action == "read":
        return "read", {"filePath": place}
    if one.action == "write":
        return "write", {"filePath": place, "content": "x"}
    return "webfetch", {"url": one.resource, "format": "text"}


def _inside() -> None:
    job = json.load(sys.stdin)
    subprocess.run(["git", "init", "-q", WORKSPACE], check=True)  # without one, paths are seen from `/`
    client = client_of("opencode")
    protocol = client.rehearsal
    assert protocol is not None

    def command(address: str) -> tuple[list[str], dict[str, str]]:
        """The rehearsal's own, which permits nothing by itself."""
        words, env = protocol.command(address)
        given = json.loads(env["OPENCODE_CONFIG_CONTENT"])
        del given["permission"]
        return words, {**env, "OPENCODE_CONFIG_CONTENT": json.dumps(given)}

    played = copy.copy(client)
    played.rehearsal = copy.copy(protocol)
    played.rehearsal.command = command
    printed = []
    for action, resource in job["asked"]:
        clean()
        call = _call(ClientRequest(action, resource))
        printed.append([rehearse(played, [call], WORKSPACE, _SECONDS, job["program"]).printed])
    json.dump(printed, sys.stdout)


if __name__ == "__main__":
    _inside()
