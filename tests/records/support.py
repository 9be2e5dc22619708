"""A log with a day's work in it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from policy_lang import Policy, Request
from policy_lang.audit.log import DecisionLog

POLICY = """policy "p"
tier review { approvers "@team" }
allow read "src/**" except "src/secret"
rule writes: ask review write "src/**" because "a person looks"
allow run "git status", "curl **"
rule keys: deny read "src/keys/**" because "keys stay here"
allow connect "api.example"
"""
PLACE: dict[str, Any] = {"cwd": "/w", "workspace": "/w", "home": "/h", "lexical": True}


def decided(folder: Path, asked: list[Request], policy: str = POLICY, apart: float = 0, **options: Any) -> Path:
    """A log of what a policy said to some requests, so many seconds apart."""
    if apart:
        now = itertools.count(1_795_000_000.0, apart)
        options["clock"] = lambda: next(now)
    log = DecisionLog(str(folder), flush=False, **options)
    made = Policy(Policy.loads(policy).engine, log)
    for request in asked:
        made.decide_request(request)
    log.close()
    return folder


def request(action: str, resource: Any, agent: str = "a", session: str = "s1", **fields: Any) -> Request:
    return Request(action, resource, agent=agent, session=session, **{**PLACE, **fields})


def day(folder: Path) -> Path:
    """One session that goes well, one that does not."""
    told = {"client": "claude", "tool": "Bash", "call": "toolu_1", "prompt": "p-1", "instruction": "fix the build"}
    return decided(
        folder,
        [
            request("read", "src/a.ts", origin=told),
            request("read", "src/b.ts", origin=told),
            request("run", "curl -o src/x https://api.example/y", origin={**told, "call": "toolu_2"}),
            request("read", "src/keys/id", agent="b", session="s2"),
            request("run", "cat src/keys/id", agent="b", session="s2"),
            request("write", "/etc/passwd", agent="b", session="s2"),
            request("connect", "api.example", agent="b", session="s2"),
        ],
    )


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
