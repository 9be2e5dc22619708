"""What attackers try and what developers do all day, each against a policy that should stop or let pass all of it.

`attacks.txt` and `ordinary.txt` were written before the program was looked at; a line is a policy's name and a script.
`known.txt` lists the lines that are decided otherwise, each with the reason; one that is right by now leaves it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from policy_lang import Policy

HERE = Path(__file__).parent


def lines(name: str) -> list[str]:
    """The lines of a list, without its comments; `\\n` in one is a line break."""
    return [x.replace("\\n", "\n") for x in (HERE / name).read_text().splitlines() if x and not x.startswith("#")]


KNOWN = dict(line.split(" ## ", 1) for line in lines("known.txt"))


@cache
def policy(name: str) -> Policy:
    """One of the policies."""
    return Policy.load(str(HERE / f"{name}.policy"))


def allowed(line: str) -> bool:
    """Whether a line's script is allowed by its policy, without a disk."""
    name, _, script = line.partition(" ")
    asked = {"agent": "codex", "workspace": "/workspace", "home": "/home/agent", "lexical": True}
    return policy(name).decide(action="run", resource=script, **asked).effect == "allow"


@pytest.mark.parametrize("line", lines("attacks.txt"))
def test_an_attack_is_stopped(line: str) -> None:
    assert allowed(line) is (line in KNOWN)


@pytest.mark.parametrize("line", lines("ordinary.txt"))
def test_ordinary_work_passes(line: str) -> None:
    assert allowed(line) is (line not in KNOWN)


def test_what_is_known_is_asked_and_has_a_reason() -> None:
    asked = {*lines("attacks.txt"), *lines("ordinary.txt")}
    assert len(asked) == len(lines("attacks.txt")) + len(lines("ordinary.txt"))
    assert set(KNOWN) <= asked
    assert all(len(reason.split()) > 3 for reason in KNOWN.values())
