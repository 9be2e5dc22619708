"""AuthZEN's Access Request and Approval Profile: a denial that people can turn, its task, and the evaluation after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policy_lang.daemon.identity.principals import Binding

from .inside import AGENT, MIA, Inside


@pytest.fixture
def inside(tmp_path: Path) -> Inside:
    return Inside(tmp_path)


def question(**changes: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "agent", "id": "codex", "properties": {"session": "s"}},
        "action": {"name": "write"}, "resource": {"type": "file", "id": "src/a"}, **changes,
    }  # fmt: skip


def denied(inside: Inside, **changes: Any) -> dict[str, Any]:
    status, reply = inside.call("POST", "/access/v1/evaluation", question(**changes))
    assert (status, reply["decision"]) == (200, False), reply
    found: dict[str, Any] = reply["context"]
    return found


def asked(inside: Inside, told: dict[str, Any], uid: int | None = None, **changes: Any) -> tuple[int, Any]:
    denial = {"evaluation_id": told["evaluation_id"], "expires_at": told["access_request"]["expires_at"], "reason": "x"}
    body = question(**{"denial": denial, **changes})
    return inside.call("POST", "/access/v1/requests", body, **({} if uid is None else {"uid": uid}))


def test_from_a_denial_by_an_approval_to_a_permission(inside: Inside) -> None:
    context = denied(inside)
    assert context["reason"] == "approval_required"
    assert context["access_request"]["expires_at"].endswith("Z")
    status, made = asked(inside, context)
    task = made["task"]
    assert (status, task["status"]) == (202, "pending")
    assert "result" not in made
    assert task["status_endpoint"].endswith(f"/access/v1/requests/{task['id']}")
    path = f"/access/v1/requests/{task['id']}"
    assert inside.call("GET", path)[1] == made
    inside.vote(task["id"], MIA)
    done = inside.call("GET", path)[1]
    assert (done["task"]["status"], done["result"]["mode"]) == ("approved", "reevaluate")
    approval = done["result"]["approval"]
    other = question(resource={"type": "file", "id": "src/b"}, context={"approval": approval})
    assert inside.call("POST", "/access/v1/evaluation", other)[1]["decision"] is False
    again = question(context={"approval": approval})
    assert inside.call("POST", "/access/v1/evaluation", again)[1]["decision"] is True
    assert inside.call("POST", "/access/v1/evaluation", again)[1]["decision"] is False  # it was for once


@pytest.mark.parametrize(
    "change",
    [
        {"resource": {"type": "file", "id": "src/b"}}, {"action": {"name": "delete"}},
        {"denial": {"evaluation_id": "0" * 16, "expires_at": "2026-01-01T00:00:00Z"}}, {"denial": {"evaluation_id": "../x", "expires_at": ""}},
    ],
)  # fmt: skip
def test_a_request_for_something_else_is_refused(inside: Inside, change: dict[str, Any]) -> None:
    status, problem = asked(inside, denied(inside), **change)
    assert (status, problem["type"]) == (400, "urn:openid:authzen:access-request:error:invalid_denial_binding")


def test_what_a_submission_adds_to_the_context_is_no_matter(inside: Inside) -> None:
    assert asked(inside, denied(inside), context={"business_justification": "renewal"})[0] == 202


def test_nobody_else_sees_a_task(inside: Inside) -> None:
    context = denied(inside)
    task = asked(inside, context)[1]["task"]["id"]
    assert asked(inside, context, uid=1001)[0] == 400
    status, problem = inside.call("GET", f"/access/v1/requests/{task}", uid=1001)
    assert (status, problem["type"].rpartition(":")[2]) == (404, "unknown_task")
    assert inside.call("GET", "/access/v1/requests/0000000000000000")[0] == 404


def test_what_becomes_of_a_task(inside: Inside) -> None:
    context = denied(inside)
    path = f"/access/v1/requests/{context['evaluation_id']}"
    assert asked(inside, {**context, "access_request": {"expires_at": "2090-01-01T00:00:00Z"}})[0] == 400
    inside.vote(context["evaluation_id"], MIA, "reject", "no")
    assert inside.call("GET", path)[1]["task"]["status"] == "denied"
    third = denied(inside, resource={"type": "file", "id": "src/d"})
    inside.call("POST", "/v1/approvals/revoke", {"ticket": third["evaluation_id"], "reason": "x"})
    state = inside.call("GET", f"/access/v1/requests/{third['evaluation_id']}")[1]
    assert (state["task"]["status"], "result" in state) == ("cancelled", False)
    other = denied(inside, resource={"type": "file", "id": "src/c"})
    inside.clock.now += 86_400
    gone = asked(inside, other, resource={"type": "file", "id": "src/c"})
    assert (gone[0], gone[1]["type"].rpartition(":")[2]) == (400, "expired_denial")


def test_a_denial_that_nobody_can_turn_says_so(inside: Inside) -> None:
    context = denied(inside, action={"name": "delete"})
    assert {"access_request", "evaluation_id"}.isdisjoint(context)


def test_the_metadata_names_the_endpoint(inside: Inside) -> None:
    found = inside.call("GET", "/.well-known/authzen-configuration")[1]
    assert found["access_request_endpoint"].endswith("/access/v1/requests")
    assert found["capabilities"] == ["urn:openid:authzen:capability:access-request"]


def test_a_search_asks_nobody(inside: Inside) -> None:
    body = {"subject": question()["subject"], "resource": {"type": "file", "id": "src/a"}}
    assert inside.call("POST", "/access/v1/search/action", body) == (200, {"results": [{"name": "read"}]})
    assert inside.call("GET", "/v1/approvals", uid=MIA)[1]["open"] == []


TODOS = """policy "todos"
context { subject_id: string  resource_ownerID: string }
allow do "user.can_read_user.**", "todo.can_read_todos.**"
agent "user:rick@citadel.example", "user:morty@citadel.example" { allow do "todo.can_create_todo.**" }
agent "user:rick@citadel.example" { allow do "todo.can_update_todo.**", "todo.can_delete_todo.**" }
agent "user:morty@citadel.example" {
    allow do "todo.can_update_todo.**", "todo.can_delete_todo.**" when resource_ownerID == subject_id
}
"""


def test_an_owner_is_compared_with_the_subject(tmp_path: Path) -> None:
    """The kinds of decisions of AuthZEN's interoperability scenario: an administrator, an editor, a viewer."""
    people = tuple(f"user:{name}@citadel.example" for name in ("rick", "morty", "beth"))
    inside = Inside(tmp_path, TODOS, bindings=(Binding(people, uid=AGENT),))

    def may(who: str, action: str, **properties: Any) -> bool:
        kind = "user" if action == "can_read_user" else "todo"
        body = {
            "subject": {"type": "user", "id": who}, "action": {"name": action},
            "resource": {"type": kind, "id": "7240d0db-8ff0-41ec", "properties": properties},
        }  # fmt: skip
        status, reply = inside.call("POST", "/access/v1/evaluation", body)
        assert status == 200, reply
        return bool(reply["decision"])

    rick, morty, beth = (f"{name}@citadel.example" for name in ("rick", "morty", "beth"))
    for who in (rick, morty, beth):
        assert may(who, "can_read_user") and may(who, "can_read_todos")
        assert may(who, "can_create_todo") is (who != beth)
        for action in ("can_update_todo", "can_delete_todo"):
            assert may(who, action, ownerID=rick) is (who == rick)
            assert may(who, action, ownerID=who) is (who != beth)
    assert not may(morty, "can_update_todo")
    assert not may(morty, "can_update_todo", ownerID=7)
    lying = {"subject": {"type": "user", "id": morty}, "action": {"name": "can_update_todo"}, "context": {"subject_id": rick},
             "resource": {"type": "todo", "id": "1", "properties": {"ownerID": rick}}}  # fmt: skip
    assert inside.call("POST", "/access/v1/evaluation", lying)[1]["decision"] is False
