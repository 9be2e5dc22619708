"""Logs to be written, read and broken."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from policy_lang import Policy, Request
from policy_lang.audit.log import DecisionLog

POLICY = """policy "p"
tier review { approvers "@team" }
allow read "src/**" except "src/secret"
ask review write "src/**"
allow run "git status", "curl **"
allow connect "api.example"
"""


def logged(folder: Path, **options: Any) -> tuple[Policy, DecisionLog]:
    log = DecisionLog(str(folder), **options)
    plain = Policy.loads(POLICY)
    return Policy(plain.engine, log), log


def fill(folder: Path, count: int = 6, **options: Any) -> Path:
    """A log with some decisions in it."""
    policy, log = logged(folder, **options)
    for number in range(count):
        policy.decide(action="read", resource=f"src/{number}", agent="a", session="s")
    log.close()
    return folder


def lines(folder: Path) -> list[dict[str, Any]]:
    """All records, read by nothing of ours; each line's digest and link is checked on the way."""
    out: list[dict[str, Any]] = []
    before = "0" * 64
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            value = json.loads(line)
            body = line[: line.rindex(b',"hash":"')]
            assert hashlib.sha256(body).hexdigest() == value["hash"]
            assert value["prev"] == before
            assert value["seq"] == len(out) + 1
            before = value["hash"]
            out.append(value)
    return out


def request(resource: str, action: str = "read", **fields: Any) -> Request:
    return Request(action, resource, **{"agent": "a", **fields})
