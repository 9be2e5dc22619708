"""`policy lint --log`: what a log says of the rules' use, and what it cannot say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policy_lang import DecisionLog, Policy
from policy_lang.audit.event import decision_event, happening
from tests.console.support import policy

from .support import decided, request

TEXT = """policy "p"
allow read "./"
allow write "out/**"
rule old: allow write "legacy/**"
allow push "agent/**"
deny read "vault/**"
"""
DAY = 86_400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "p.policy"
    made.write_text(TEXT)
    return made


def linted(path: Path, log: Path, *options: Any) -> list[dict[str, Any]]:
    done = policy("lint", "--no-config", "--select", "USE", "--log", log, path, "--format", "json", *options)
    assert done.code in {0, 1}, done.err
    found: list[dict[str, Any]] = done.json()["findings"]
    return found


def log_of(folder: Path, days: float, count: int = 40) -> Path:
    asked = [request("read", f"src/{n % 9}.ts") for n in range(count)]
    asked += [request("read", "vault/key")] * 25 + [request("write", "out/x")] * 3
    return decided(folder, asked, TEXT, apart=days * DAY / len(asked) / 2)


def test_a_long_log_tells_what_is_unused_and_much_too_wide(tmp_path: Path, path: Path) -> None:
    found = {f["code"]: f for f in linted(path, log_of(tmp_path / "log", 120))}
    assert set(found) == {"USE001", "USE002", "USE004", "USE006"}
    assert "`p#old` granted nothing in 68 decisions over" in found["USE001"]["message"]
    assert 'fit in "src/*.ts"' in found["USE002"]["message"]
    assert "asked 25 times" in found["USE004"]["message"] and "vault/key" in found["USE004"]["message"]
    assert "no `push` at all" in found["USE006"]["message"]


def test_a_short_log_says_so_and_calls_nothing_unused(tmp_path: Path, path: Path) -> None:
    codes = {f["code"] for f in linted(path, log_of(tmp_path / "log", 3))}
    assert "USE005" in codes and "USE001" not in codes
    assert {f["code"] for f in linted(path, log_of(tmp_path / "other", 40))} >= {"USE005", "USE001"}


def test_the_narrower_rule_is_written_and_keeps_the_log(tmp_path: Path, path: Path) -> None:
    log = log_of(tmp_path / "log", 120)
    before = path.read_text()
    done = policy("lint", "--no-config", "--select", "USE002", "--log", log, path, "--fix", "--unsafe")
    assert done.code == 0, done.err
    assert 'allow read "src/*.ts"' in path.read_text() and path.read_text() != before
    assert policy("replay", log, "--policy", path, "--fail-on", "any").code == 0


def test_a_rule_that_is_as_small_as_its_use_is_left_alone(tmp_path: Path, path: Path) -> None:
    path.write_text('policy "p" allow read "src/*.ts"')
    log = decided(tmp_path / "log", [request("read", f"src/{n % 9}.ts") for n in range(40)], TEXT, apart=5 * DAY)
    assert not linted(path, log)


def test_bad_input_is_told(tmp_path: Path, path: Path) -> None:
    done = policy("lint", "--log", tmp_path / "none", path)
    assert done.code == 2 and "there is no log" in done.err
    done = policy("lint", "--log", tmp_path, path, path)
    assert done.code == 2 and "one policy" in done.err


def test_questions_that_are_always_approved(tmp_path: Path) -> None:
    """The records are made as the service makes them."""
    text = 'policy "p"\ntier t { approvers "@x" }\nrule asks: ask t write "**"\nrule sometimes: ask t delete "**"\n'
    path = tmp_path / "p.policy"
    path.write_text(text)
    log = DecisionLog(str(tmp_path / "log"), flush=False)
    made = Policy.loads(text)
    for n in range(25):
        for action in ("write", "delete"):
            asked = request(action, f"src/{n}")
            ticket = f"{action}{n}"
            about = {"id": ticket, "state": "pending", "until": 0.0, "left": {"t": 1}}
            decision = made.decide_request(asked).waiting("people are asked", about)
            state = "rejected" if action == "delete" and n == 3 else "approved"
            voted = happening("approval-voted", ticket=ticket, person="mia", verdict="x", state=state)
            log.append([decision_event(asked, decision, 1, {"by": "service"}), voted])
    log.close()
    found = {f["code"]: f["message"] for f in linted(path, tmp_path / "log", "--select", "USE003,APR008")}
    assert "all 25 questions of `p#asks`" in found["USE003"] and "25 times on" in found["APR008"]
    assert not any("sometimes" in m for m in found.values())
