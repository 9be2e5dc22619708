"""Whoever controls the agent tries to approve itself, to use an approval again, or to have it widened."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_lang.approvals.store import StoreUnavailableError
from policy_lang.daemon.identity.people import Person, token_digest
from policy_lang.daemon.identity.principals import Binding
from policy_lang.domain.limits import limit
from tests.approvals.stores import Place, needs_postgres
from tests.promises import count, tried

from .inside import AGENT, BEN, EVA, MIA, NIA, POLICY, Inside


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=needs_postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    found = Place(request.param, tmp_path)
    yield found
    found.close()


@pytest.fixture
def inside(place: Place) -> Inside:
    return Inside(place.folder, store=place.open(), log=True)


def code(answer: tuple[int, Any]) -> str:
    assert answer[0] >= 400, answer
    return str(answer[1]["error"]["code"])


# nobody approves itself


def test_an_agents_user_never_answers(inside: Inside) -> None:
    number = inside.ticket()
    assert code(inside.vote(number, AGENT)) == "PLR230"
    assert code(inside.vote(number, 1001)) == "PLR230"  # another agent's user
    assert code(inside.vote(number, AGENT, token="t" * 40)) == "PLR230"  # with a stolen token
    assert code(inside.vote(number, None, token="t" * 40, user=AGENT)) == "PLR230"  # over loopback TCP
    assert code(inside.vote(number, AGENT, token="a" * 40)) == "PLR230"
    assert code(inside.vote(number, 0)) == "PLR230"  # an operator is not an approver
    assert code(inside.vote(number, 0, token="o" * 40)) == "PLR230"
    assert code(inside.vote(number, 4711)) == "PLR230"
    assert inside.state(number) == "pending"
    assert inside.vote(number, None, token="t" * 40, user=2005)[1]["state"] == "approved"


def test_whoever_runs_the_agent_does_not_answer_it(inside: Inside) -> None:
    """The agent speaks by a token of its own, as a process of a person's user."""
    number = inside.ask(MIA, "a" * 40)["ticket"]["id"]
    assert code(inside.vote(number, MIA)) == "PLR230"
    assert code(inside.vote(number, MIA, token="t" * 40)) == "PLR230"
    assert inside.vote(number, BEN)[1]["state"] == "approved"


def test_where_agent_and_person_share_a_user_that_must_be_said(place: Place) -> None:
    inside = Inside(place.folder, store=place.open(), same_user=True)
    number = inside.ticket()
    assert code(inside.vote(number, AGENT)) == "PLR230"  # the user alone says nothing
    assert inside.vote(number, AGENT, token="t" * 40)[1]["state"] == "approved"


@pytest.mark.parametrize("name", ["mia", "codex", "Mia", "mia ", "m\u0456a", "@team", ""])
def test_a_name_in_a_call_is_nobody(inside: Inside, name: str) -> None:
    number = inside.ticket()
    for field in ("person", "by", "approver", "agent"):
        answer = inside.call("POST", "/v1/approvals/vote", {"ticket": number, "verdict": "approve", field: name})
        assert answer[0] in {400, 403}
    assert inside.state(number) == "pending"


def test_one_person_counts_once_by_whatever_way(place: Place) -> None:
    both = (Person("eva", frozenset({"@boss"}), EVA, token_digest("e" * 40)), Person("ben", frozenset({"@boss"}), BEN))
    inside = Inside(place.folder, store=place.open(), people=both)
    number = inside.ticket(action="do", resource="deploy")
    assert inside.vote(number, EVA)[1]["state"] == "pending"
    assert code(inside.vote(number, EVA)) == "PLR232"
    assert code(inside.vote(number, None, token="e" * 40, user=MIA)) == "PLR232"
    assert inside.vote(number, BEN)[1]["state"] == "approved"


def test_emergencies_are_for_their_people_and_loud(inside: Inside) -> None:
    number = inside.ticket(action="do", resource="deploy")
    for uid in (AGENT, MIA, EVA, 0):
        assert code(inside.vote(number, uid, "break-glass")) == "PLR230"
    assert code(inside.vote(number, NIA, "break-glass", " ")) == "PLR233"
    assert inside.vote(number, NIA, "break-glass", "prod is down")[1]["glass"] == "emergency"
    assert ("break-glass", number) in [(e, t["id"]) for e, t in inside.notified]
    assert [f["person"] for e, f in inside.told if e == "break-glass"] == ["nia"]
    assert inside.ask(action="do", resource="deploy", ticket=number)["effect"] == "allow"
    listed = inside.call("GET", "/v1/approvals", uid=EVA)[1]["review"]
    assert [t["id"] for t in listed] == [number]
    for uid in (AGENT, NIA, MIA, 0):
        assert code(inside.call("POST", "/v1/approvals/review", {"ticket": number, "found": "fine"}, uid)) == "PLR230"
    assert inside.call("POST", "/v1/approvals/review", {"ticket": number, "found": "it was right"}, EVA)[0] == 200
    assert inside.call("GET", "/v1/approvals", uid=EVA)[1]["review"] == []


# an approval is for one thing


def test_an_approval_is_used_once(inside: Inside) -> None:
    number = inside.ticket()
    inside.vote(number, MIA)
    assert inside.ask(ticket=number)["effect"] == "allow"
    again = inside.ask(ticket=number)
    assert again["effect"] == "deny" and "PLR235" in again["reasons"][0]
    assert inside.ask()["effect"] == "ask"  # without the number it is a new question


@pytest.mark.parametrize(
    "change",
    [
        {"resource": "src/b"}, {"resource": "src/./a"}, {"resource": "src/a "}, {"session": "t"}, {"cwd": "/x"},
        {"workspace": "/x"}, {"branch": "main"}, {"action": "delete"}, {"lexical": True}, {"home": "/h"},
    ],
)  # fmt: skip
def test_what_was_changed_between_asking_and_doing_is_not_approved(inside: Inside, change: dict[str, Any]) -> None:
    number = inside.ticket()
    inside.vote(number, MIA)
    assert inside.ask(**change, ticket=number)["effect"] == "deny"
    assert inside.ask(ticket=number)["effect"] == "allow"


def test_another_agent_gets_nothing(inside: Inside) -> None:
    number = inside.ticket()
    inside.vote(number, MIA)
    assert inside.ask(1001, ticket=number)["effect"] == "deny"
    assert code(inside.call("GET", f"/v1/approvals/{number}", uid=1001)) == "PLR205"
    assert code(inside.call("POST", "/v1/approvals/revoke", {"ticket": number}, 1001)) == "PLR234"


def test_a_policy_that_changed_approves_nothing_of_the_old_one(inside: Inside) -> None:
    number, later = inside.ticket(), inside.ticket(resource="src/b")
    inside.vote(number, MIA)
    inside.load(POLICY.replace("src/**", "src/**/*"))
    assert inside.ask(ticket=number)["effect"] == "deny"
    assert code(inside.vote(later, MIA)) == "PLR238"
    assert inside.ask()["ticket"]["id"] != number
    waiting = {t["id"] for t in inside.call("GET", "/v1/approvals", uid=MIA)[1]["open"]}
    assert later not in waiting
    assert inside.call("GET", f"/v1/approvals/{later}", uid=MIA)[1]["state"] == "superseded"
    inside.load(POLICY)  # the old one is back: what was approved for it holds
    assert inside.ask(ticket=number)["effect"] == "allow"


def test_a_no_holds_for_a_while(inside: Inside) -> None:
    number = inside.ticket()
    inside.vote(number, MIA, "reject", "never")
    again = inside.ask()
    assert again["effect"] == "deny" and "PLR240" in again["reasons"][0] and "never" not in str(again)
    inside.clock.now += limit("approval_rejected_seconds") - 1
    assert inside.ask()["effect"] == "deny"
    inside.clock.now += 2
    assert inside.ask()["effect"] == "ask"


@pytest.mark.parametrize(
    "change",
    [{"resource": "./src/a"}, {"resource": "src/x/../a"}, {"resource": "{root}/src/a"}, {"resource": "src//a"}],
)  # fmt: skip
def test_a_no_holds_in_whatever_spelling(inside: Inside, change: dict[str, str]) -> None:
    place = {"workspace": str(inside.folder), "content": {"tool": "Write", "text": "a"}}
    number = inside.ticket(**place)
    inside.vote(number, MIA, "reject", "never")
    changed = {k: v.format(root=inside.folder) for k, v in change.items()}
    again = inside.ask(**place, **changed)
    assert again["effect"] == "deny" and "PLR240" in again["reasons"][0], again
    assert inside.ask(**place | {"content": {"tool": "Write", "text": "b"}})["effect"] == "ask"
    assert inside.ask(resource="src/b", **place)["effect"] == "ask"


def test_people_are_asked_no_more_than_they_can_read(inside: Inside) -> None:
    most = limit("approvals_pending")
    for number in range(most):
        inside.ticket(resource=f"src/{number}")
    full = inside.ask(resource="src/more")
    assert full["effect"] == "deny" and "PLR236" in full["reasons"][0] and f"{most} at once" in full["reasons"][0]
    assert inside.ask(resource="src/0")["effect"] == "ask"  # the same as one that is open


def test_a_user_asks_no_more_by_more_names(inside: Inside) -> None:
    inside.service.principals.bindings = (Binding(("*",), uid=1000), Binding(("*",), uid=1001))
    most = limit("approvals_of_user_an_hour")
    for number in range(most):
        inside.ticket(resource=f"src/{number}", agent=f"a{number}")
    full = inside.ask(resource="src/more", agent="one-more")
    assert (
        full["effect"] == "deny" and "PLR236" in full["reasons"][0] and f"{most} within an hour" in full["reasons"][0]
    )
    assert inside.ask(resource="src/0", agent="a0")["effect"] == "ask"  # the same as one that is open
    assert inside.ask(1001, resource="src/more", agent="one-more")["effect"] == "ask"  # somebody else's
    inside.clock.now += 3601
    assert inside.ask(resource="src/more", agent="another")["effect"] == "ask"


def test_whoever_withdraws_and_asks_again_floods_nobody(inside: Inside) -> None:
    most = limit("approvals_pending")
    for number in range(6 * most):
        name = inside.ticket(resource=f"src/{number}")
        assert inside.call("POST", "/v1/approvals/revoke", {"ticket": name})[0] == 200
    full = inside.ask(resource="src/more")["reasons"][0]
    assert "PLR236" in full and f"{6 * most} within an hour" in full
    inside.clock.now += 3601
    assert inside.ask(resource="src/more")["effect"] == "ask"


def test_what_is_over_makes_room(inside: Inside) -> None:
    for number in range(limit("approvals_pending")):
        inside.ticket(resource=f"src/{number}")
    inside.load(POLICY + '\nallow read "x"')  # nobody answers for the old policy any more
    assert inside.ask(resource="src/more")["effect"] == "deny"
    inside.clock.now += 1800 + 61
    assert inside.ask(resource="src/more")["effect"] == "ask"


def test_nobody_is_asked_about_what_nobody_reads(inside: Inside) -> None:
    most = limit("ticket_bytes")
    asked = inside.ask(git={"x": "y" * (most - 300)})
    long = inside.ask(git={"x": "y" * most})
    assert asked["effect"] == "ask", asked
    assert long["effect"] == "deny" and "PLR004" in long["reasons"][0]


# one thing to do


def together(inside: Inside, *resources: str, uid: int = AGENT, **more: Any) -> Any:
    requests = [{"action": "write", "resource": r, "session": "s", **more} for r in resources]
    return inside.call("POST", "/v1/decide/batch", {"requests": requests, "together": True}, uid)


def test_one_call_is_one_ticket_all_or_nothing(inside: Inside) -> None:
    asked = together(inside, "src/a", "src/b")[1]["decisions"]
    (number,) = {d["ticket"]["id"] for d in asked}
    shown = inside.call("GET", f"/v1/approvals/{number}", uid=MIA)[1]
    assert [r["resource"] for r in shown["request"]["together"]] == ["src/a", "src/b"]
    inside.vote(number, MIA)
    assert inside.ask(ticket=number)["effect"] == "deny"  # one part of it is another thing
    for wrong in (("src/a",), ("src/b", "src/a"), ("src/a", "src/b", "src/c")):
        decisions = together(inside, *wrong)[1]["decisions"]
        assert {d["effect"] for d in decisions} == {"ask"} and number not in {d["ticket"]["id"] for d in decisions}
    assert [d["effect"] for d in together(inside, "src/a", "src/b")[1]["decisions"]] == ["allow", "allow"]
    assert {d["ticket"]["id"] for d in together(inside, "src/a", "src/b")[1]["decisions"]} != {number}


def test_nobody_is_asked_for_what_is_denied_anyway(inside: Inside) -> None:
    decisions = together(inside, "src/a", "other")[1]["decisions"]
    assert [d["effect"] for d in decisions] == ["ask", "deny"] and "ticket" not in decisions[0]
    assert inside.call("GET", "/v1/approvals", uid=MIA)[1]["open"] == []


def test_what_is_together_is_one_agents_in_one_session(inside: Inside) -> None:
    requests = [{"action": "write", "resource": "src/a", "session": s} for s in "st"]
    answer = inside.call("POST", "/v1/decide/batch", {"requests": requests, "together": True})
    assert answer[0] == 400
    requests = [{"action": "write", "resource": "src/a", "ticket": t} for t in "st"]
    decisions = inside.call("POST", "/v1/decide/batch", {"requests": requests, "together": True})[1]["decisions"]
    assert {d["effect"] for d in decisions} == {"deny"}


@pytest.mark.parametrize("named", [True, False])
def test_over_authzen_a_ticket_is_named_and_redeemed(inside: Inside, named: bool) -> None:
    body: dict[str, Any] = {
        "subject": {"type": "agent", "id": "codex", "properties": {"session": "s"}}, "action": {"name": "write"},
        "resource": {"type": "file", "id": "src/a"},
    }  # fmt: skip
    asked = inside.call("POST", "/access/v1/evaluation", body)[1]
    assert asked["decision"] is False and asked["context"]["ticket"]["state"] == "pending"
    number = asked["context"]["ticket"]["id"]
    inside.vote(number, MIA)
    again = (
        {**body, "subject": {**body["subject"], "properties": {"session": "s", "ticket": number}}} if named else body
    )
    assert inside.call("POST", "/access/v1/evaluation", again)[1]["decision"] is True
    assert inside.call("POST", "/access/v1/evaluation", again)[1]["decision"] is False


# faults


def test_f9_a_store_that_goes_back_or_breaks_never_approves_more(tmp_path: Path) -> None:
    """Something is done to the store, again and again; afterwards nothing is more approved than people said."""
    chance = random.Random(9)
    seen: Counter[str] = Counter()
    times = count("F9")
    for number in range(times):
        folder = tmp_path / str(number)
        folder.mkdir()
        place = Place("sqlite", folder)
        inside = Inside(folder, store=place.open())
        copies = []
        names = {r: inside.ticket(resource=f"src/{r}") for r in ("used", "good", "open", "no")}
        for resource, verdict in (("used", "approve"), ("good", "approve"), ("no", "reject")):
            assert inside.vote(names[resource], MIA, verdict)[0] == 200
            copies.append(copied(place, inside))
        assert inside.ask(resource="src/used", ticket=names["used"])["effect"] == "allow"
        last = copied(place, inside)
        kind = ("back", "cut", "flipped", "garbage", "held", "gone")[number % 6]
        place.close()
        data = bytearray(last)
        for _ in range(chance.randrange(1, 40)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        new = {
            "back": chance.choice(copies), "cut": last[: chance.randrange(1, len(last))], "flipped": bytes(data),
            "garbage": chance.randbytes(4096), "held": last, "gone": b"",
        }[kind]  # fmt: skip
        Path(place.path).write_bytes(new)
        if kind == "gone":
            Path(place.path).unlink()
        try:
            assert inside.service.approvals is not None
            inside.service.approvals.store = place.open()
        except StoreUnavailableError:
            seen[f"{kind}: refused"] += 1
            continue
        holder = sqlite3.connect(place.path, isolation_level=None)
        if kind == "held":
            holder.execute("begin immediate")
        effects = {r: inside.ask(resource=f"src/{r}", ticket=n)["effect"] for r, n in names.items()}
        assert effects["used"] == effects["open"] == effects["no"] == "deny", (kind, effects)
        assert kind not in {"back", "held", "gone"} or effects["good"] == "deny"
        seen[f"{kind}: {effects['good']}"] += 1
        holder.close()
        place.close()
    least = times // 6
    assert min(seen["back: deny"], seen["garbage: refused"], seen["held: deny"]) >= least, seen
    tried("F9", times)


def copied(place: Place, inside: Inside) -> bytes:
    """The file as it is, with everything that was committed; the store is opened anew."""
    copy = place.copy()
    assert isinstance(copy, bytes) and inside.service.approvals is not None
    inside.service.approvals.store = place.open()
    return copy


def test_f14_clocks_jump_and_nothing_lives_longer(tmp_path: Path) -> None:
    """200 jumps, by an hour or ten years: what was over stays over, and nothing is redeemed after its time."""
    chance = random.Random(14)
    inside = Inside(tmp_path)
    begun = inside.clock.now
    latest = begun
    over: set[str] = set()
    alive: dict[str, tuple[str, float]] = {}
    for number in range(count("F14")):
        inside.clock.now += chance.choice([-3600, 3600, -315_576_000, 315_576_000, 1, 60, 400, -1])
        latest = max(latest, inside.clock.now)
        inside.clock.now = max(inside.clock.now, 0)
        asked = inside.ask(resource=f"src/{number}")
        if asked["effect"] == "deny":  # so many are open already
            assert "PLR236" in asked["reasons"][0]
            continue
        name = asked["ticket"]["id"]
        assert asked["ticket"]["until"] == latest + 1800
        if chance.random() < 0.7:
            assert inside.vote(name, MIA)[0] == 200
            alive[name] = (f"src/{number}", latest + limit("approval_grant_seconds"))
        for old, (resource, good) in list(alive.items()):
            if chance.random() < 0.3 or latest >= good:
                effect = inside.ask(resource=resource, ticket=old)["effect"]
                assert (effect == "allow") == (latest < good), (old, latest, good)
                over.add(old)
                del alive[old]
        for old in over:
            assert inside.state(old) in {"redeemed", "expired", "gone"}
        if len(over) > 8:
            over.clear()
    assert not {t["id"] for t in inside.call("GET", "/v1/approvals", uid=MIA)[1]["open"]} & over
    tried("F14", count("F14"))


def test_time_goes_on_whatever_the_clock_says(tmp_path: Path) -> None:
    inside = Inside(tmp_path)
    number = inside.ticket()
    inside.clock.now += 10_000_000  # somebody sets the clock forth, and back
    assert inside.state(number) == "expired"
    later = inside.ticket(resource="src/b")
    inside.clock.now -= 10_000_000
    inside.ticks.now += 1801
    assert inside.state(later) == "expired"
    again = inside.ticket(resource="src/c")
    inside.vote(again, MIA)
    inside.clock.now -= 3600
    inside.store = None
    anew = Inside(tmp_path, store=inside.service.approvals.store, clock=inside.clock)  # type: ignore[union-attr, arg-type]
    anew.ticks.now += limit("approval_grant_seconds")
    assert anew.ask(resource="src/c", ticket=again)["effect"] == "deny"


def test_f16_whoever_is_not_a_person_answers_nothing(tmp_path: Path) -> None:
    """100 callers of all kinds, each refused; each refusal is in the log."""
    chance = random.Random(16)
    inside = Inside(tmp_path, log=True)
    number = inside.ticket()
    refused = 0
    for _ in range(count("F16")):
        uid = chance.choice([AGENT, 1001, 0, 4711, 65534, None])
        token = chance.choice(["", "a" * 40, "o" * 40, "x" * 40, "t" * 39])
        route = chance.choice(["vote", "review", "console", "revoke"])
        body = {
            "vote": {"ticket": number, "verdict": chance.choice(["approve", "reject", "break-glass"]), "reason": "r"},
            "review": {"ticket": number, "found": "x"}, "console": {}, "revoke": {"ticket": number + "0"},
        }[route]  # fmt: skip
        status, answer = inside.call("POST", f"/v1/approvals/{route}", body, uid, token)
        assert status in {403, 404, 400}, (uid, token, route, answer)
        refused += answer["error"]["code"] in {"PLR206", "PLR230", "PLR234", "PLR239"}
    inside.service.recorder.commit()
    assert inside.state(number) == "pending"
    assert sum(e == "refused" for e, _ in inside.told) >= refused > 40
    tried("F16", count("F16"))
