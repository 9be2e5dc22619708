"""A slow-down is caught by counting the interpreter's own instructions: they do not depend on the machine or its load.

`costs.json` holds, for each version of Python, how many instructions each piece of work takes. More than a tenth beyond
is a failure; less than a tenth below wants the file written anew (`pytest --update-golden tests/costs`), so that what was
won is kept. Ratios between pieces of work hold on every version.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from bench import analysis, workload
from policy_lang import Policy, Request
from policy_lang.analysis.diff import diff
from policy_lang.audit.event import decision_event
from policy_lang.engine.places import Places
from tests.console.support import ROOT

FILE = Path(__file__).parent / "costs.json"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
SCRIPT = "cd src && grep -rn TODO . | head -20; if [ -f a ]; then cat a; fi; for f in x y; do echo $f; done; git status"


def instructions(work: Callable[[], object]) -> int:
    """How many instructions of the interpreter the work takes (sys.settrace, `f_trace_opcodes`)."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def loaded(sort: str, count: int) -> Policy:
    return workload.load(workload.policy_text(sort, count))


RESOURCES: dict[str, Any] = {
    "path": "services/svc00001/src/app/main.py", "host": "a.svc00003.acme.example", "argv": ("tool00001", "get", "x"),
}  # fmt: skip


def decisions(sort: str, count: int) -> dict[str, int]:
    """A resource that was never asked for, the same again, and the same when no whole answer is remembered."""
    policy, action, resource = loaded(sort, count), workload.ACTION[sort], RESOURCES[sort]
    name = f"{sort}, {count} rules"
    return {
        f"{name}: first visit": instructions(lambda: policy.decide(action=action, resource=resource)),
        f"{name}: remembered": instructions(lambda: policy.decide(action=action, resource=resource)),
        f"{name}: warm walk": instructions(lambda: policy.engine.decide(Request(action, resource))),
    }


def costs() -> dict[str, int]:
    """Instructions for each piece of work."""
    out: dict[str, int] = {}
    for sort in RESOURCES:
        for count in (10, 1000):
            out |= decisions(sort, count)
    policy = Policy.loads('policy "p"\nallow run "**"\nallow read "./"\n')
    policy.decide(action="run", resource="true")  # what is loaded once is loaded
    out["a script of eight commands: cold"] = instructions(lambda: policy.decide(action="run", resource=SCRIPT))
    out["a script of eight commands: remembered"] = instructions(lambda: policy.decide(action="run", resource=SCRIPT))
    text = workload.policy_text("path", 100)
    workload.load(text)
    out["compiling 100 rules"] = instructions(lambda: workload.load(text))
    rules = workload.rules("path", 100)
    old, new = (workload.load(analysis.text_of(r, "read")) for r in (rules, [*rules, ("allow", "more/**")]))
    diff(old.engine, old.engine)
    out["comparing 100 rules with one more"] = instructions(lambda: diff(old.engine, new.engine))
    policy = Policy.loads('policy "p"\nallow read "./"\ndeny read "**/.env", "**/*.pem", "**/id_*", "**/x?y"\n')
    places = Places(policy.engine, "read", Request("read", "/", workspace="/w", home="/h"))
    names = [f"{number}.py" for number in range(1000)]
    folder = places.at("/w/src")
    out["telling 1,000 names in a folder apart"] = instructions(lambda: places.not_allowed(folder, names))
    request = Request("write", "src/a", agent="x", session="s")
    decision = old.decide_request(request)
    decision_event(request, decision, 1, {})
    out["making a record"] = instructions(lambda: decision_event(request, decision, 1, {}))
    return out


@pytest.fixture(scope="module")
def counted() -> dict[str, int]:
    """In a process of its own, the second time: whatever is loaded once is loaded."""
    code = "import json\nfrom tests.costs.test_costs import costs\ncosts()\nprint(json.dumps(costs()))"
    env = {"PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=120)  # fmt: skip
    found: dict[str, int] = json.loads(done.stdout)
    return found


def test_nothing_takes_more_than_it_did(counted: dict[str, int], update_golden: bool) -> None:
    known = json.loads(FILE.read_text())
    if update_golden:
        FILE.write_text(json.dumps({**known, VERSION: counted}, indent=1) + "\n")
        known[VERSION] = counted
    if VERSION not in known:
        pytest.skip(f"nothing is known of Python {VERSION}")
    before = known[VERSION]
    assert counted.keys() == before.keys()
    more = {name: (before[name], now) for name, now in counted.items() if now > before[name] * 1.1 + 20}
    assert not more, f"these take more instructions than they did: {more}"
    less = {name: (before[name], now) for name, now in counted.items() if now < before[name] * 0.9 - 20}
    assert not less, f"these take fewer; keep that by --update-golden: {less}"


def test_a_decision_costs_the_same_however_many_rules_there_are(counted: dict[str, int]) -> None:
    for sort in ("path", "host", "argv"):
        for what in ("remembered", "warm walk"):
            few, many = (counted[f"{sort}, {n} rules: {what}"] for n in (10, 1000))
            assert many <= few * 1.1 + 20, (sort, what, few, many)
        first, again = (counted[f"{sort}, 1000 rules: {what}"] for what in ("first visit", "remembered"))
        assert again * 3 < first


def test_the_counter_counts() -> None:
    def loop(times: int) -> None:
        for _ in range(times):
            pass

    few, many = instructions(lambda: loop(10)), instructions(lambda: loop(1010))
    assert 1000 <= many - few <= 4000
    assert instructions(lambda: loop(10)) == few
