"""Verification of an installation: who could put something in the place of what decides."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from ..domain.actions import DENY
from ..domain.record import replace
from ..domain.request import Request
from ..engine.pdp import Engine
from ..facts.owners import unsafe_place

GOOD, BAD, WARN = "ok", "fail", "warn"
_STARTING = ("sitecustomize.py", "usercustomize.py")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check: its state (`ok`, `warn` or `fail`), what was found, and the remediation."""

    state: str
    text: str
    remediation: str = ""


def program_places() -> list[str]:
    """The files and folders that this program runs from: package, interpreter, environment, what runs at each start."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    site = os.path.dirname(package)
    places = [package, f"{package}/pep/hook.py", os.path.realpath(sys.executable), os.path.dirname(os.__file__)]
    places += [sys.prefix] if sys.prefix != sys.base_prefix else []
    try:
        names = sorted(os.listdir(site))
    except OSError:
        names = []
    places += [f"{site}/{name}" for name in names if name.endswith(".pth") or name in _STARTING]
    return list(dict.fromkeys(place for place in places if place))


def examine_program(workspace: str) -> list[CheckResult]:
    """Whether somebody else can change what this program runs from, and whether it lies where an agent works."""
    out = examine_places([sys.executable, *program_places()])
    inside = [p for p in program_places() if os.path.realpath(p).startswith(workspace.rstrip("/") + "/")]
    if inside:
        text = (
            f"this program runs from `{inside[0]}`, in the workspace: only the protected floor keeps the agent from it"
        )
        out.append(CheckResult(WARN, text, "install it elsewhere: `pipx install policy-lang`, or as root"))
    owner = os.stat(os.path.realpath(sys.executable)).st_uid
    if owner not in {0, os.geteuid()}:
        return out
    if os.geteuid() and any(os.stat(p).st_uid for p in program_places() if os.path.exists(p)):
        text = (
            "this program belongs to this user: an agent that runs as the same user could change it, were it not denied"
        )
        out.append(CheckResult(WARN, text, "install it as root, or give the agent a user of its own"))
    if not any(result.state == BAD for result in out):
        out.append(CheckResult(GOOD, f"nobody else can change what runs: `{program_places()[0]}` and its interpreter"))
    return out


def examine_places(places: list[str]) -> list[CheckResult]:
    """A failure for each file or folder in whose place somebody else could put something, by folders and links too."""
    out: dict[CheckResult, None] = {}
    for place in places:
        fault = unsafe_place(place)
        if fault is not None:
            out[CheckResult(BAD, f"somebody else could replace `{place}`: {fault[0]}", fault[1])] = None
    return list(out)


def examine_policy(path: str, engine: Engine, agent: str | None, workspace: str, more: list[str]) -> list[CheckResult]:
    """Whether a policy denies an agent to write what it is enforced by: this program, the policy, and `more`."""
    places = [*program_places(), path, *more]
    home = os.path.expanduser("~")
    likes = Request("write", path, agent=agent, workspace=workspace, cwd=workspace, home=home)
    free = [p for p in places if engine.decide(replace(likes, resource=p)).effect != DENY]
    if not free:
        return [CheckResult(GOOD, f"`{path}` keeps the agent from writing what it is enforced by")]
    text = f"`{path}` lets the agent write `{free[0]}`, by which it is enforced"
    return [CheckResult(BAD, text, "take `override protected` away, or compile the policy again on this machine")]
