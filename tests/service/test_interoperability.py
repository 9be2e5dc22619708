"""The decisions of AuthZEN's interoperability scenario (authorization API 1.0, the list of todos), each as a policy gives it.

A subject is named by an opaque id and an owner by an address, so neither says who the other is: the policy does.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from policy_lang.daemon.identity.config import Binding

from .inside import Inside

PEOPLE = {
    "rick@the-citadel.com": ("CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", {"admin", "evil_genius", "editor"}),
    "morty@the-citadel.com": ("CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", {"editor"}),
    "summer@the-smiths.com": ("CiRmZDI2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", {"editor"}),
    "beth@the-smiths.com": ("CiRmZDM2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", {"viewer"}),
    "jerry@the-smiths.com": ("CiRmZDQ2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", {"viewer"}),
}  # fmt: skip
TODO = "7240d0db-8ff0-41ec-98b2-34a096273b92"


def named(*roles: str) -> str:
    """The agents that have one of these roles."""
    return ", ".join(f'"user:{name}"' for name, has in PEOPLE.values() if has & set(roles))


OWN = "\n".join(
    f'agent "user:{name}" {{ allow do "todo.{{can_update_todo,can_delete_todo}}.**" when resource_ownerID == "{owner}" }}'
    for owner, (name, has) in PEOPLE.items()
    if "editor" in has
)
POLICY = f"""policy "todos"
context {{ resource_ownerID: string }}
allow do "user.can_read_user.**", "todo.can_read_todos.**"
agent {named("editor")} {{ allow do "todo.can_create_todo.**" }}
agent {named("evil_genius")} {{ allow do "todo.can_update_todo.**" }}
agent {named("admin")} {{ allow do "todo.can_delete_todo.**" }}
{OWN}
"""


def question(who: str, action: str, resource: str, **properties: Any) -> dict[str, Any]:
    kind = "user" if action == "can_read_user" else "todo"
    return {
        "subject": {"type": "user", "id": PEOPLE[who][0]}, "action": {"name": action}, "context": {},
        "resource": {"type": kind, "id": resource, **({"properties": properties} if properties else {})},
    }  # fmt: skip


def expected(who: str, action: str, owner: str) -> bool:
    roles = PEOPLE[who][1]
    more = {"can_update_todo": "evil_genius", "can_delete_todo": "admin"}[action]
    return more in roles or ("editor" in roles and owner == who)


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    bindings = (Binding(tuple(f"user:{name}" for name, _ in PEOPLE.values()), uid=os.geteuid()),)
    return Inside(Path(tmp_path_factory.mktemp("todos")), POLICY, bindings=bindings)


def decided(inside: Inside, body: dict[str, Any], path: str = "evaluation") -> Any:
    status, reply = inside.call("POST", f"/access/v1/{path}", body, uid=os.geteuid())
    assert status == 200, reply
    return reply["decision"] if path == "evaluation" else [one["decision"] for one in reply["evaluations"]]


@pytest.mark.parametrize("who", PEOPLE)
def test_one_by_one(inside: Inside, who: str) -> None:
    for resource in (*PEOPLE, PEOPLE[who][0]):
        assert decided(inside, question(who, "can_read_user", resource)) is True
    assert decided(inside, question(who, "can_read_todos", "todo-1")) is True
    assert decided(inside, question(who, "can_create_todo", "todo-1")) is ("editor" in PEOPLE[who][1])
    for action in ("can_update_todo", "can_delete_todo"):
        for owner in PEOPLE:
            asked = question(who, action, TODO, ownerID=owner)
            assert decided(inside, asked) is expected(who, action, owner), (action, owner)


@pytest.mark.parametrize("who", PEOPLE)
def test_several_at_once_share_a_subject_and_an_action(inside: Inside, who: str) -> None:
    """The list of todos asks for all of them in one request, whose own resource is empty."""
    resources = [{"type": "todo", "id": TODO, "properties": {"ownerID": owner}} for owner in PEOPLE]
    body = {
        **question(who, "can_update_todo", TODO),
        "resource": {},
        "evaluations": [{"resource": r} for r in resources],
    }
    assert decided(inside, body, "evaluations") == [expected(who, "can_update_todo", owner) for owner in PEOPLE]


def test_an_empty_default_is_none(inside: Inside) -> None:
    body = {**question("morty@the-citadel.com", "can_update_todo", TODO), "resource": {}}
    for lacking in ({**body, "evaluations": [{}]}, body, {**body, "evaluations": [{"resource": {}}]}):
        status, reply = inside.call("POST", "/access/v1/evaluations", lacking, uid=os.geteuid())
        assert (status, reply["effect"]) == (400, "deny")


def test_fields_that_are_not_of_the_standard_are_no_attributes(inside: Inside) -> None:
    """An owner beside `properties`, as the first drafts of the scenario had it, decides nothing."""
    body = question("morty@the-citadel.com", "can_update_todo", TODO)
    body["resource"]["ownerID"] = "morty@the-citadel.com"
    status, reply = inside.call("POST", "/access/v1/evaluation", body, uid=os.geteuid())
    assert (status, reply.get("decision", False)) in {(200, False), (400, False)}
