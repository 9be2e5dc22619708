"""OpenID AuthZEN 1.0: evaluation requests and answers in our terms.

The subject's type and id name the agent: `agent` alone is left out, so `{"type": "agent", "id": "codex-web"}` is
`codex-web`, and any other type stands before the id, as in `user:alice`. An action of ours takes the resource's id as
it is, and its type must say what it is. Any other action is the operation `TYPE.ACTION.ID`: rules about `do` grant it.
Of such a one the ids and properties of subject and resource are the attributes `subject_NAME` and `resource_NAME` where
the policy declares these, so that a condition can compare them: `resource_ownerID == subject_id`.

An answer that waits for people is a requestable denial of the Access Request and Approval Profile (draft 1): the ticket
is its `evaluation_id`, the task, and the approval that `context.approval` names when the same is asked again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..approvals.ticket import OPEN
from ..audit.redact import redacted
from ..domain.actions import COMMAND, HOST, NAME, PATH, REF, SORT_OF
from ..domain.decision import Decision
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.request import Request
from .requests import FIELDS, json_object, request_of, validated

_TYPES = {
    PATH: ("path", "file", "folder"), COMMAND: ("command",), HOST: ("host", "url"), REF: ("ref", "branch"),
    NAME: ("tool", "secret", "variable", "operation"),
}  # fmt: skip
_PROPERTIES = frozenset(FIELDS) - {"action", "resource", "agent", "context", "id"}
"""What the properties of a subject or resource may say of a request with an action of ours."""

_DEFAULTS = ("subject", "action", "resource")

BASE = "http://localhost"
"""The service as its socket's peers name it; what stands before it has a name of its own."""
Text = Annotated[str, Field(max_length=limit("request_text"))]


class _Open(BaseModel):
    """AuthZEN objects may have further members, which mean nothing to us."""

    model_config = ConfigDict(extra="ignore", strict=True)


class SubjectModel(_Open):
    """Who asks."""

    type: Text
    id: Text
    properties: dict[str, Any] = {}


class ResourceModel(_Open):
    """What it is about."""

    type: Text
    id: Annotated[str, Field(max_length=limit("argv_bytes"))]
    properties: dict[str, Any] = {}


class ActionModel(_Open):
    """What is to be done."""

    name: Text
    properties: dict[str, Any] = {}


class EvaluationModel(_Open):
    """One question (section 6 of the specification)."""

    subject: SubjectModel
    action: ActionModel
    resource: ResourceModel
    context: dict[str, Any] = {}


class PartModel(_Open):
    """One question of several: what it leaves out stands beside the list (section 7)."""

    subject: SubjectModel | None = None
    action: ActionModel | None = None
    resource: ResourceModel | None = None
    context: dict[str, Any] | None = None


class OptionsModel(_Open):
    """How several questions are worked through."""

    evaluations_semantic: Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"] = "execute_all"


class EvaluationsModel(PartModel):
    """Several questions with common defaults; without `evaluations` it is a single one."""

    evaluations: list[PartModel] = []
    options: OptionsModel = OptionsModel()


class ActionSearchModel(_Open):
    """Which actions a subject may do on a resource (section 8.6 of the specification)."""

    subject: SubjectModel
    resource: ResourceModel
    context: dict[str, Any] = {}


class DenialModel(_Open):
    """The denial that people are asked about, as the answer named it."""

    evaluation_id: Text
    expires_at: Text


class AccessRequestModel(EvaluationModel):
    """What was denied, once more, and the denial (Access Request Submission)."""

    denial: DenialModel


class AnswerModel(_Open):
    """One answer. `context` holds the decision's effect, tiers, reasons, rules and digest."""

    decision: bool
    context: dict[str, Any] = {}


def parse_evaluation(data: bytes) -> EvaluationModel:
    """One question. Raises RequestError when it is malformed."""
    return validated(EvaluationModel, json_object(data))


def parse_evaluations(data: bytes) -> tuple[list[EvaluationModel], str] | EvaluationModel:
    """Several questions and how to work through them, or a single one. Raises RequestError."""
    value = json_object(data, limit("batch_bytes"))
    if not value.get("evaluations"):
        return validated(EvaluationModel, value)
    # an empty default is none: clients send one where every question has its own
    model = validated(EvaluationsModel, {n: v for n, v in value.items() if v != {} or n not in _DEFAULTS})
    if len(model.evaluations) > limit("batch_requests"):
        raise RequestError("PLR101", f"more than {limit('batch_requests')} requests at once")
    out: list[EvaluationModel] = []
    for part in model.evaluations:
        merged: dict[str, Any] = {}
        for name in (*_DEFAULTS, "context"):
            own = getattr(part, name)
            chosen = getattr(model, name) if own is None else own
            if chosen is None and name != "context":
                raise RequestError("PLR105", f"an evaluation has no `{name}`, and there is no default")
            if chosen is not None:
                merged[name] = chosen
        out.append(EvaluationModel.model_construct(**{"context": {}, **merged}))
    return out, model.options.evaluations_semantic


def action_evaluations(model: ActionSearchModel) -> list[EvaluationModel]:
    """An evaluation for each action of ours that takes a resource of this type; none for another type's."""
    names = [name for name, sort in SORT_OF.items() if model.resource.type in _TYPES[sort]]
    return [
        EvaluationModel.model_construct(
            subject=model.subject, action=ActionModel(name=name), resource=model.resource, context=model.context
        )
        for name in names
    ]


def evaluation_request(model: EvaluationModel, declared: Collection[str] = ()) -> Request:
    """The request that an evaluation means, under a policy that declares these attributes.

    Raises RequestError for what has no meaning here.
    """
    subject, action, resource = model.subject, model.action, model.resource
    if ":" in subject.type:
        raise RequestError("PLR106", "a subject's type with a colon cannot be distinguished from its id")
    agent = subject.id if subject.type == "agent" else f"{subject.type}:{subject.id}"
    sort = SORT_OF.get(action.name)
    context, ticket = _approved_by(model.context)
    fields: dict[str, Any] = {"agent": agent, "context": context} | ({"ticket": ticket} if ticket else {})
    if sort is None:
        for part in (resource.type, action.name):
            if "." in part:
                raise RequestError("PLR106", "a type or action with a dot cannot be distinguished from two")
        fields |= {"action": "do", "resource": f"{resource.type}.{action.name}.{resource.id}"}
        fields["context"] = {**context, **_parts(subject, resource, declared)}
        return request_of(fields)
    if resource.type not in _TYPES[sort]:
        known = ", ".join(f"`{t}`" for t in _TYPES[sort])
        raise RequestError("PLR106", f"the resource of `{action.name}` is of the type {known}")
    for properties in (subject.properties, action.properties, resource.properties):
        for name, value in properties.items():
            if name not in _PROPERTIES or name in fields:
                raise RequestError("PLR104", f"the property `{redacted(name)[:40]}` says nothing about a request")
            fields[name] = value
    return request_of({**fields, "action": action.name, "resource": resource.id})


def _parts(subject: SubjectModel, resource: ResourceModel, declared: Collection[str]) -> dict[str, Any]:
    """The declared attributes that subject and resource give."""
    given = {
        f"{part}_{name}": value
        for part, one in (("subject", subject), ("resource", resource))
        for name, value in {**one.properties, "id": one.id, "type": one.type}.items()
    }
    return {name: value for name, value in given.items() if name in declared}


def _approved_by(context: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The context without the approval that it names, and the ticket of that."""
    approval = context.get("approval")
    if not isinstance(approval, dict) or not isinstance(approval.get("id"), str):
        return context, ""
    return {name: value for name, value in context.items() if name != "approval"}, approval["id"]


def moment(seconds: float) -> str:
    """A time as RFC 3339 writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def answer_json(decision: Decision) -> dict[str, Any]:
    """The answer to one question. What needs an approval is not permitted, and says which."""
    context: dict[str, Any] = {
        "effect": decision.effect, "reasons": list(decision.reasons), "rules": [r.id for r in decision.rules],
        "policy_digest": decision.policy_digest, "decision_id": decision.id,
    }  # fmt: skip
    if decision.tiers:
        context["tiers"] = list(decision.tiers)
    if decision.would is not None:
        context["would"] = decision.would.effect
    if decision.ticket is not None:
        context["ticket"] = dict(decision.ticket)
        until = decision.ticket.get("until")
        if not decision.allowed and decision.ticket.get("state") in OPEN and isinstance(until, int | float):
            context |= {
                "reason": "approval_required", "evaluation_id": decision.ticket["id"],
                "access_request": {"expires_at": moment(until)},
            }  # fmt: skip
    if decision.obligations:
        context["obligations"] = list(decision.obligations)
    return {"decision": decision.allowed, "context": context}


def refusal_json(error: RequestError) -> dict[str, Any]:
    """The answer to a question that has no meaning here: no."""
    return {"decision": False, "context": {"effect": "deny", "reasons": [f"refused ({error.code}): {error.message}"]}}
