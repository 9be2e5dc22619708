"""Limits of proposals at their values and above, without a service and without weighing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from policy_lang.approvals.sqlite import SqliteStore
from policy_lang.compiled.reader import Contents
from policy_lang.compiler.binary import compile_binary
from policy_lang.daemon.active import Loaded
from policy_lang.daemon.grants import Grants
from policy_lang.daemon.identity.principals import Principals
from policy_lang.daemon.proposal_book import ProposalBook
from policy_lang.daemon.proposals import ProposalService
from policy_lang.daemon.refusals import Refusals, RefusedCall, seen_of
from policy_lang.daemon.state import ServiceState
from policy_lang.daemon.weighing import work as working
from policy_lang.daemon.weighing.rules import rules_of
from policy_lang.daemon.weighing.work import Weighing
from policy_lang.domain.errors import RequestError
from policy_lang.domain.limits import limit
from policy_lang.domain.request import Request
from policy_lang.policy import Policy
from policy_lang.wire.proposals import WithinModel
from policy_lang.wire.requests import validated


class Clock:
    """A time that tests move."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


class NoWeighing(Weighing):
    """What would be weighed, kept."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[Any] = []

    def start(self, job: Any) -> Future[Any]:
        self.jobs.append(job)
        return Future()


def found(**more: Any) -> dict[str, Any]:
    """What weighing finds of a rule that helps."""
    weighed = {
        "text": 'allow run "make"', "newly": [{"kind": "widened"}], "more": 0, "undecided": [], "ceiling": {},
        "refused_call": {"effect": "allow", "reasons": []}, "again": False, "findings": [],
    }  # fmt: skip
    return weighed | more


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    file = tmp_path / "p.policy"
    file.write_text('policy "p"\nallow read "a"\n')
    contents = Contents(compile_binary(str(file), "x"))
    return Loaded(Policy.of_compiled(contents), contents, 0.0)


@pytest.fixture
def proposals(tmp_path: Path, clock: Clock) -> Iterator[ProposalService]:
    store = SqliteStore(str(tmp_path / "approvals.db"))
    book = ProposalBook(store, clock)
    weighing = NoWeighing()
    grants = Grants(book, ServiceState(), weighing)
    yield ProposalService(book, grants, Principals((), frozenset(), ()), weighing, frozenset({"mia"}))
    store.close()


def refused(loaded: Loaded, agent: str = "a", resource: str = "make", user: str = "") -> RefusedCall:
    request = Request("run", resource, agent=agent, session="s")
    return RefusedCall((request,), ("d",), *seen_of([request]), user, loaded.policy.digest, False, 0.0)


def code_of(call: Any) -> str:
    with pytest.raises(RequestError) as caught:
        call()
    return caught.value.code


def test_proposal_bytes_and_proposal_rules() -> None:
    most = limit("proposal_bytes")
    frame = len('allow run ""')
    assert rules_of('allow run "' + "a" * (most - frame) + '"')
    assert code_of(lambda: rules_of('allow run "' + "a" * (most - frame + 1) + '"')) == "PLR253"
    rules = [f'allow run "a{n}"' for n in range(limit("proposal_rules") + 1)]
    assert len(rules_of("\n".join(rules[:-1]))) == limit("proposal_rules")
    assert code_of(lambda: rules_of("\n".join(rules))) == "PLR253"


def test_proposals_an_hour_of_an_agent(proposals: ProposalService, loaded: Loaded, clock: Clock) -> None:
    call = refused(loaded)
    for _ in range(limit("proposals_an_hour")):
        proposals.weigh("a", 'allow run "make"', call, loaded)
    assert code_of(lambda: proposals.weigh("a", 'allow run "make"', call, loaded)) == "PLR247"
    proposals.weigh("b", 'allow run "make"', refused(loaded, "b"), loaded)
    clock.seconds += 3600
    proposals.weigh("a", 'allow run "make"', call, loaded)


def test_proposals_of_user_an_hour_whatever_the_agents_are_called(proposals: ProposalService, loaded: Loaded) -> None:
    for number in range(limit("proposals_of_user_an_hour")):
        proposals.weigh(f"a{number}", 'allow run "make"', refused(loaded, f"a{number}", user="7@m"), loaded)
    again = refused(loaded, "new", user="7@m")
    assert code_of(lambda: proposals.weigh("new", 'allow run "make"', again, loaded)) == "PLR247"


def test_proposals_open_of_an_agent_and_of_a_user(proposals: ProposalService, loaded: Loaded) -> None:
    most = limit("proposals_open")
    for number in range(most):
        made = found(text=f'allow run "make{number}"')
        proposals.add(f"a{number}", "p", refused(loaded, f"a{number}", user="7@m"), made)
    call = refused(loaded, "new", user="7@m")
    assert code_of(lambda: proposals.weigh("new", "x", call, loaded)) == "PLR247"
    assert code_of(lambda: proposals.add("new", "p", call, found(text="x"))) == "PLR247"
    for number in range(most - 1):  # of this agent one is there
        proposals.add("a0", "p", refused(loaded, "a0"), found(text=f'allow run "x{number}"'))
    assert code_of(lambda: proposals.add("a0", "p", refused(loaded, "a0"), found(text="y"))) == "PLR247"
    proposals.add("b", "p", refused(loaded, "b", user="8@m"), found())


def test_the_same_proposal_is_not_kept_twice(proposals: ProposalService, loaded: Loaded) -> None:
    first = proposals.add("a", "p", refused(loaded), found())
    assert proposals.add("a", "in other words", refused(loaded), found()).id == first.id


def test_what_time_did_not_suffice_for_is_no_proposal(proposals: ProposalService, loaded: Loaded) -> None:
    whole = found()
    for gone in ("newly", "again"):
        cut = {name: value for name, value in whole.items() if name != gone}
        assert code_of(lambda cut=cut: proposals.add("a", "p", refused(loaded), cut)) in {"PLR247", "PLR249"}
    del whole["findings"]  # the linter alone: people are told that
    assert proposals.add("a", "p", refused(loaded), whole).is_open


def test_a_proposal_ends_by_itself(proposals: ProposalService, loaded: Loaded, clock: Clock) -> None:
    made = proposals.add("a", "p", refused(loaded), found())
    clock.seconds += limit("proposal_open_seconds") - 1
    assert proposals.book.get(made.id).is_open
    clock.seconds += 1
    assert proposals.book.get(made.id).state == "expired"


def test_refusals_kept_refusal_agents_and_refusal_bytes(loaded: Loaded) -> None:
    kept = Refusals()
    for number in range(limit("refusals_kept") + 1):
        kept.note("a", refused(loaded, "a", f"make {number}"))
    wanted = {"action": "run", "resource": "make 0"}
    assert kept.find("a", None, None, wanted) is None
    assert kept.find("a", None, None, {**wanted, "resource": "make 1"}) is not None
    for number in range(limit("refusal_agents")):
        kept.note(f"b{number}", refused(loaded, f"b{number}"))
    assert kept.find("a", None, None, {**wanted, "resource": "make 1"}) is None
    assert kept.find("b0", None, None, {"action": "run", "resource": "make"}) is not None
    long = "m" * limit("refusal_bytes")
    kept.note("b0", refused(loaded, "b0", long))
    assert kept.find("b0", None, None, {"action": "run", "resource": long}) is None


def test_weighings_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    gate: Future[None] = Future()
    monkeypatch.setattr(working, "_worked", lambda _: gate.result())
    weighing = Weighing()
    works = [weighing.start({}) for _ in range(limit("weighings_waiting"))]
    assert code_of(lambda: weighing.start({})) == "PLR247"
    gate.set_result(None)
    assert [w.result() for w in works] == [None] * len(works)
    weighing.start({}).result()


def test_weighing_bytes_are_a_wall() -> None:
    """`weighing_bytes` bounds the worker: one that wants more ends, and nothing was found."""
    code = (
        "import resource; from policy_lang.domain.limits import limit; size = limit('weighing_bytes');"
        "resource.setrlimit(resource.RLIMIT_AS, (size, size)); bytearray(size // 2); print('half');"
        "bytearray(size + 1)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "half\n" and "MemoryError" in done.stderr


def test_withins_an_hour(proposals: ProposalService, loaded: Loaded) -> None:
    for _ in range(limit("withins_an_hour")):
        proposals.within("a", 'policy "s"', loaded)
    assert code_of(lambda: proposals.within("a", 'policy "s"', loaded)) == "PLR247"
    proposals.within("b", 'policy "s"', loaded)


def test_within_bytes() -> None:
    most = limit("within_bytes")
    assert validated(WithinModel, {"policy": "a" * most})
    assert code_of(lambda: validated(WithinModel, {"policy": "a" * (most + 1)})) == "PLR106"
