"""The interface as an OpenAPI 3.1 document, made from the models that read and describe the bodies."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from .._version import __version__
from ..domain.limits import limit
from ..wire import authzen
from ..wire import service as bodies
from ..wire.requests import RequestModel
from .routes import ROUTES

_BODIES: dict[str, type[BaseModel]] = {
    "/v1/decide": RequestModel,
    "/v1/decide/batch": bodies.BatchModel,
    "/v1/explain": RequestModel,
    "/access/v1/evaluation": authzen.EvaluationModel,
    "/access/v1/evaluations": authzen.EvaluationsModel,
    "/v1/sessions/start": bodies.SessionModel,
    "/v1/sessions/end": bodies.NamedModel,
    "/v1/freeze": bodies.PrincipalModel,
    "/v1/lift": bodies.PrincipalModel,
    "/v1/escalations": bodies.QuestionModel,
    "/v1/escalations/settle": bodies.EscalationModel,
    "/v1/approvals/vote": bodies.VoteModel,
    "/v1/approvals/revoke": bodies.TakenBackModel,
    "/v1/approvals/review": bodies.ReviewModel,
    "/v1/approvals/sign-in": bodies.SignInModel,
}
_ANSWERS: dict[str, type[BaseModel]] = {
    "/v1/decide": bodies.DecisionModel,
    "/v1/decide/batch": bodies.DecisionsModel,
    "/access/v1/evaluation": authzen.AnswerModel,
}
_TICKET = "/v1/approvals/{ticket}"
_CREATED = {"/v1/sessions/start": "201", "/v1/escalations": "201", "/v1/policy/reload": "202"}


def document() -> bytes:
    """The document as JSON."""
    used: list[type[BaseModel]] = [*_BODIES.values(), *_ANSWERS.values(), bodies.ErrorModel]
    models: list[tuple[type[BaseModel], Any]] = [(m, "validation") for m in dict.fromkeys(used)]
    names, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    paths = {path: {method.lower(): _operation(path, method, names)} for path, (method, _) in ROUTES.items()}
    paths[_TICKET] = {"get": _ticket(names)}
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "policy_lang",
                "version": __version__,
                "description": "What an AI coding agent may do. Everything but a decision that says `allow` is a no.",
            },
            "paths": paths,
            "components": {
                "schemas": definitions.get("$defs", {}),
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
            "security": [{}, {"token": []}],
        },
        indent=1,
    ).encode("ascii")


def _ticket(names: Any) -> dict[str, Any]:
    """One ticket: the only path with something in it."""
    operation = _operation("/v1/approvals", "GET", names)
    operation["operationId"] = "ticket"
    operation["summary"] = "One ticket: all of it for people, its state for the agent that asked."
    operation["parameters"] = [
        {"name": "ticket", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"}},
        {
            "name": "wait", "in": "query", "required": False, "description": "Seconds to wait for an answer.",
            "schema": {"type": "integer", "minimum": 0, "maximum": limit("approval_wait_seconds")},
        },
    ]  # fmt: skip
    return operation


def _operation(path: str, method: str, names: Any) -> dict[str, Any]:
    function = ROUTES[path][1]
    answer = _ANSWERS.get(path)
    kind = "text/plain" if path == "/metrics" else "application/json"
    shape = {"$ref": names[answer, "validation"]["$ref"]} if answer is not None else {}
    fault = {
        "description": "The call was not answered: a no.",
        "content": {"application/json": {"schema": names[bodies.ErrorModel, "validation"]}},
    }
    faults = (
        ("403", "404", "500", "503") if method == "GET" else ("400", "403", "404", "409", "413", "429", "500", "503")
    )
    good = _CREATED.get(path, "200")
    operation: dict[str, Any] = {
        "operationId": function.__name__,
        "summary": (function.__doc__ or "").strip().split("\n")[0],
        "responses": {
            good: {"description": "Answered.", "content": {kind: {"schema": shape}}},
            **(
                {"503": {"description": "No policy is in force."}}
                if path == "/readyz"
                else dict.fromkeys(faults, fault)
            ),
        },
    }
    body = _BODIES.get(path)
    if body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": names[body, "validation"]}},
        }
    return operation
