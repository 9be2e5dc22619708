"""Deciders: the same answers as here, each in its time, fair among users, and none that outlives its job's time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from policy_lang import Policy, Request, __version__
from policy_lang.audit.disk_snapshot import Recording
from policy_lang.audit.event import FoundRecord, decision_event
from policy_lang.compiled.reader import Contents
from policy_lang.compiler.binary import compile_binary
from policy_lang.daemon.deciding.budgets import Budgets
from policy_lang.daemon.deciding.codec import answers_json, answers_of, question_json, question_of
from policy_lang.daemon.deciding.pool import Answered, DeciderPool, OverBudgetError
from policy_lang.daemon.deciding.questions import Consultation
from policy_lang.daemon.fairness import Lane, Shares
from policy_lang.daemon.identity.config import ServiceConfigError, read_config
from policy_lang.domain.decision import Decision
from policy_lang.domain.errors import RequestError
from policy_lang.domain.limits import limit
from policy_lang.domain.record import replace
from policy_lang.domain.serialize import decision_json
from policy_lang.wire.requests import request_of

TEXT = """policy "p"
import std.shell
import std.git-work
allow read "./"
allow write "src/"  log
allow delete "src/**"
deny write "src/kept/**" because "it is kept"
tier review { approvers "@team" }
ask review run "make **"
allow run "rm **"
allow connect "https://*.example/**"
"""
LONG = "; ".join(f"rm -rf src/{{a,b}}{{c,d}}{{e,f}}{{g,h}}{{i,j}}/{n}" for n in range(30))
REQUESTS = [
    Request("run", "git status && cat src/a | head -3 > src/b", workspace="{ws}", cwd="{ws}"),
    Request("run", "rm -rf src/* src/kept", workspace="{ws}", home="/h"),
    Request("run", ("make", "-j", "4"), workspace="{ws}", agent="a", session="s", context={}),
    Request("run", "echo $(curl https://a.example/x) > src/kept/y; zz --aa=b"),
    Request("run", "for ((;;)) do"),
    Request("run", "git push origin HEAD", git={"remotes": {"origin": "https://a.example/x"}}, branch="b"),
    Request("write", "src/**/{a,b}", pattern=True, workspace="{ws}"),
    Request("connect", "https://a.example/b", resolved=("10.0.0.1",), method="GET"),
    Request("run", ("rg", "x"), inner=True, workspace="{ws}"),
    Request("nothing", "x"),
]


@pytest.fixture
def compiled(tmp_path: Path) -> bytes:
    (tmp_path / "ws/src").mkdir(parents=True)
    (tmp_path / "ws/src/a").write_text("a")
    os.symlink("a", tmp_path / "ws/src/link")
    (tmp_path / "p.policy").write_text(TEXT)
    return compile_binary(str(tmp_path / "p.policy"), __version__)


def placed(request: Request, folder: Path) -> Request:
    ws = str(folder / "ws")
    return replace(request, workspace=request.workspace and ws, cwd=request.cwd and ws)


def plain(decision: Any) -> dict[str, Any]:
    return {k: v for k, v in decision_json(decision).items() if k != "decision_id"}


def within(compiled: bytes, budgets: Budgets, act: Callable[[DeciderPool], Awaitable[None]]) -> list[str]:
    """Run something beside a pool. The events that it reported."""
    told: list[str] = []

    async def main() -> None:
        pool = DeciderPool(budgets, lambda event, **_: told.append(event))
        (await pool.renew(compiled))()
        try:
            async with asyncio.timeout(60):
                await act(pool)
        finally:
            pool.close()

    asyncio.run(main())
    return told


def job(*requests: Request, watched: bool = False, recorded: bool = False, **more: Any) -> dict[str, Any]:
    return {"requests": [question_json(r) for r in requests], "watched": watched, "recorded": recorded, **more}


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: str(r.resource)[:20])
def test_questions_and_answers_go_over_the_line_whole(compiled: bytes, tmp_path: Path, request_: Request) -> None:
    request = placed(request_, tmp_path)
    assert question_of(json.loads(json.dumps(question_json(request)))) == request
    policy = Policy.of_compiled(Contents(compiled))
    decision = policy.decide_request(request)
    (back,) = answers_of(json.loads(json.dumps(answers_json([decision.answer]))), [request])
    assert plain(type(decision)(back)) == plain(decision)
    assert (back.pure, back.verdict.undecided) == (decision.answer.pure, decision.answer.verdict.undecided)
    assert [(p.supposed, p.remediation) for p in back.parts] == [
        (p.supposed, p.remediation) for p in decision.answer.parts
    ]


def test_deciders_answer_as_the_policy_does_here(compiled: bytes, tmp_path: Path) -> None:
    here = Policy.of_compiled(Contents(compiled))
    requests = [placed(r, tmp_path) for r in REQUESTS]
    wanted = [here.decide_request(r) for r in requests]
    seen = []
    for request in requests:
        disk = Recording()
        here.decide_request(replace(request, disk=disk))
        seen.append(disk.seen() if request.workspace else None)

    async def act(pool: DeciderPool) -> None:
        answered = await pool.ask(1, job(*requests, watched=True))
        value = json.loads(answered.data)
        found = answers_of(value, requests)
        assert [plain(type(wanted[0])(a)) for a in found] == [plain(d) for d in wanted]
        assert value["seen"] == json.loads(json.dumps(seen))
        assert [Recording.of(s).seen() for s in value["seen"] if s] == [s for s in value["seen"] if s]
        assert answered.seconds > 0

    within(compiled, Budgets(5, 5, 1), act)


def test_records_are_made_where_the_answer_is_found(compiled: bytes, tmp_path: Path) -> None:
    secret = "hunter2-correct-horse"
    asked = [
        placed(r, tmp_path)
        for r in (*REQUESTS, Request("run", f"curl -u mia:{secret} https://a.example/x", workspace="{ws}"))
    ]
    requests = [replace(r, origin={"purpose": f"password={secret}"}, id="i", now=5.0) for r in asked]

    async def act(pool: DeciderPool) -> None:
        value = json.loads((await pool.ask(1, job(*requests, watched=True, recorded=True))).data)
        for request, answer, seen, record in zip(requests, answers_of(value, requests), value["seen"], value["records"], strict=True):  # fmt: skip
            decision, disk = Decision(answer), Recording.of(seen or {})
            for final in (decision, decision.withdrawn("no"), decision.waiting("people are asked", {"id": "1"})):
                whole = decision_event(request, final, 7, {"by": "x"}, disk)
                parts = decision_event(request, final, 7, {"by": "x"}, disk, FoundRecord(record, decision))
                if final.effects == decision.effects:
                    assert {k: v for k, v in parts.items() if k != "redacted"} == json.loads(json.dumps({k: v for k, v in whole.items() if k != "redacted"}))  # fmt: skip
                assert secret not in json.dumps(parts) and parts["effect"] == final.effect

    within(compiled, Budgets(5, 5, 1), act)


def test_what_takes_too_long_is_ended_and_others_are_answered(compiled: bytes, tmp_path: Path) -> None:
    long, short = placed(Request("run", LONG, workspace="{ws}"), tmp_path), Request("run", "git status")
    order: list[str] = []

    async def act(pool: DeciderPool) -> None:
        async def ask(user: int, request: Request, name: str) -> str:
            try:
                await pool.ask(user, job(request))
                order.append(name)
            except OverBudgetError as error:
                order.append(f"{name} over")
                return str(error)
            return ""

        first = asyncio.create_task(ask(1, long, "long"))
        await asyncio.sleep(0.1)
        await asyncio.gather(*(ask(2, short, "short") for _ in range(20)))
        assert "deciding it takes more than 150 ms" in await first
        assert order == ["short"] * 20 + ["long over"]
        assert pool.overrun == 1
        assert await ask(1, short, "again") == "" and await ask(1, short, "again") == ""  # by those made anew

    within(compiled, Budgets(0.02, 0.15, 1), act)


def test_no_user_makes_more_wait_than_there_is_room_for(compiled: bytes, tmp_path: Path) -> None:
    long = placed(Request("run", LONG, workspace="{ws}"), tmp_path)
    most = limit("quick_decisions_waiting")

    async def act(pool: DeciderPool) -> None:
        asked = [pool.ask(1, job(long)) for _ in range(most + 1)]
        assert [f.done() for f in asked] == [False] * most + [True]
        with pytest.raises(OverBudgetError, match="are being decided as can be"):
            await asked[-1]
        other = pool.ask(2, job(Request("run", "git status")))
        assert json.loads((await other).data)["answers"]
        assert sum(f.done() for f in asked[:-1]) < 10  # who asks little is next
        for one in asked:
            one.cancel()

    within(compiled, Budgets(0.05, 0.1, 1), act)


def test_deciders_are_made_again_when_the_machine_ends_them(compiled: bytes) -> None:
    async def act(pool: DeciderPool) -> None:
        assert pool._parent is not None
        os.kill(pool._parent.pid, signal.SIGKILL)
        for decider in list(pool._all):
            decider.close()
        await asyncio.sleep(0)
        value = b""
        while not value:
            with contextlib.suppress(OverBudgetError):  # a busy machine takes more than a turn's time to start one
                value = (await pool.ask(1, job(Request("run", "git status")))).data
        assert json.loads(value)["answers"]

    assert within(compiled, Budgets(1, 1, 1), act) == ["deciders-lost"]


def test_what_is_asked_after_a_change_is_answered_by_the_new_policy(compiled: bytes, tmp_path: Path) -> None:
    (tmp_path / "p.policy").write_text(TEXT + 'allow run "zz"\n')
    other = compile_binary(str(tmp_path / "p.policy"), __version__)

    async def act(pool: DeciderPool) -> None:
        request = Request("run", ("zz",))

        async def effect() -> str:
            (answer,) = answers_of(json.loads((await pool.ask(1, job(request))).data), [request])
            return answer.verdict.effect

        assert await effect() == "deny"
        swap = await pool.renew(other)
        assert await effect() == "deny"
        swap()
        assert await effect() == "allow"

    within(compiled, Budgets(5, 5, 1), act)


def test_who_was_worked_for_least_is_next() -> None:
    now = [0.0]
    shares = Shares(lambda: now[0])
    lane: Lane[str] = Lane(shares, 1, limit("long_decisions_waiting"))
    shares.add(1, 4.0)
    shares.add(2, 1.0)
    for user, name in ((1, "a"), (1, "b"), (2, "c"), (3, "d")):
        assert lane.add(user, name)
    assert [lane.take(), lane.take(), lane.take(), lane.take()] == ["d", "c", "a", None]  # one of each at a time
    lane.ended(1)
    assert lane.take() == "b"
    now[0] = 2.0
    assert shares.worked(1) == 1.0 and shares.worked(2) == 0.25
    shares.set_aside(1)
    now[0] += limit("decision_aside_seconds") - 0.001
    assert shares.is_aside(1) and not shares.is_aside(2)
    now[0] += 0.001
    assert not shares.is_aside(1)
    assert all(lane.add(9, str(n)) for n in range(limit("long_decisions_waiting"))) and not lane.add(9, "more")
    lane.remove(9, "0")
    assert lane.add(9, "more")


def test_an_answer_that_is_too_long_to_be_told_is_none(compiled: bytes, tmp_path: Path) -> None:
    pairs = "".join(f"{{{n},{n.upper()}}}" for n in "abcdefghij")
    request = placed(
        Request("run", f"rm -rf src/{'x' * 200}/{'y' * 200}/{'z' * 200}/{pairs}", workspace="{ws}"), tmp_path
    )

    decision = Policy.of_compiled(Contents(compiled)).decide_request(request)
    assert len(json.dumps(answers_json([decision.answer]))) > limit("decider_answer_bytes")

    async def act(pool: DeciderPool) -> None:
        with pytest.raises(OverBudgetError, match="more effects than can be told"):
            await pool.ask(1, job(request))

    within(compiled, Budgets(20, 20, 1), act)


@pytest.mark.parametrize(
    ("name", "most"), [("deciders", "deciders_configured"), ("long-milliseconds", "decision_milliseconds_configured"), ("milliseconds", "long_decision_milliseconds")]
)  # fmt: skip
def test_budgets_are_configured_within_bounds(tmp_path: Path, name: str, most: str) -> None:
    file = tmp_path / "serve.toml"

    def budgets(value: int) -> Budgets:
        file.write_text(f"[budgets]\n{name} = {value}\n")
        file.chmod(0o600)
        return read_config(str(file)).budgets

    assert budgets(limit(most)) != budgets(1)
    for value in (0, limit(most) + 1):
        with pytest.raises(ServiceConfigError, match=f"wrong at `budgets.{name}`"):
            budgets(value)


def test_remotes_of_a_repository_are_few() -> None:
    remotes = {f"r{n}": "https://a.example/x" for n in range(limit("git_remotes"))}
    assert request_of({"action": "push", "resource": "main", "git": {"remotes": remotes}}).git["remotes"] == remotes
    with pytest.raises(RequestError, match="remotes in `git"):
        request_of({"action": "push", "resource": "main", "git": {"remotes": remotes | {"one": "x"}}})


def test_reasons_and_recorded_effects_are_as_many_as_somebody_reads() -> None:
    policy = Policy.loads('policy "p"\nallow run "rm **"\n')
    for name, found in (
        ("decision_reasons", lambda d, r: d.reasons),
        ("log_effects", lambda d, r: decision_event(r, d, 1, {})["effects"]),
    ):
        most = limit(name)
        for count in (most - 2, most - 1, most, most + 1, most + 2):
            request = Request("run", ("rm", *(f"f{n}" for n in range(count))))
            decision = policy.decide_request(request)
            told = found(decision, request)
            assert len(told) <= most + 1 and (
                len(told) >= count or "more like these" in told[-1] or name == "log_effects"
            )
            assert decision.effect == "deny"
    event = decision_event(request, decision, 1, {})
    assert len(event["effects"]) == most and event["cut"] == {"effects": len(decision.effects)}
    assert {e["effect"] for e in event["effects"]} == {"deny"}  # those that decided come first


def test_an_answer_counts_for_the_policy_that_gave_it_alone(compiled: bytes, tmp_path: Path) -> None:
    """Asked under one policy, answered by another one that was in force for a moment, and given under the first again."""
    first, request = Policy.of_compiled(Contents(compiled)), Request("run", ("git", "status"))
    other = Policy.loads('policy "q"\nallow run "**"\n')

    async def act() -> None:
        work: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        asked = Consultation(work, (0,), (request,), first)
        value = {**answers_json([other.decide_request(request).answer]), "seen": [None]}
        work.set_result(Answered(json.dumps(value).encode(), 0.1))
        assert asked.outdated(first) and asked.outdated(other)
        found = asked.found(first)[0]
        assert found.decision.effect == "deny" and found.decision.verdict.undecided
        assert first.recalled(request) is None

    asyncio.run(act())
