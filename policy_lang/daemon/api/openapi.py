"""The interface as an OpenAPI 3.1 document, made from the routes and the models of their bodies."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ..._version import __version__
from ...domain.codes import PAGES
from ...wire.service import ErrorModel
from .routes import ROUTES, Route

_FAULTS = sorted({str(page.status) for page in PAGES.values() if page.code.startswith(("PLR", "PLI"))})
"""What a refused call may get; most are refused before it is known which operation they are of."""
_UNREADY = str(PAGES["PLR207"].status)


def document() -> bytes:
    """The document as JSON."""
    used: list[type[BaseModel]] = [
        *(r.body for r in ROUTES if r.body), *(r.answer for r in ROUTES if r.answer), ErrorModel
    ]  # fmt: skip
    models: list[tuple[type[BaseModel], Any]] = [(m, "validation") for m in dict.fromkeys(used)]
    names, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "policy_lang",
                "version": __version__,
                "description": "What an AI coding agent may do. Everything but a decision that says `allow` is a no.",
            },
            "paths": {route.path: {route.method.lower(): _operation(route, names)} for route in ROUTES},
            "components": {
                "schemas": definitions.get("$defs", {}),
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
            "security": [{}, {"token": []}],
        },
        indent=1,
    ).encode("ascii")


def summary(route: Route) -> str:
    """What a route does, in one line."""
    return (route.handler.__doc__ or "").strip().split("\n")[0]


def _operation(route: Route, names: Any) -> dict[str, Any]:
    shape = {} if route.answer is None else {"$ref": names[route.answer, "validation"]["$ref"]}
    fault = {
        "description": "The call was not answered: a no.",
        "content": {"application/json": {"schema": names[ErrorModel, "validation"]}},
    }
    faults = dict.fromkeys(_FAULTS, fault)
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": summary(route),
        "responses": {
            str(route.status): {"description": "Answered.", "content": {route.kind: {"schema": shape}}},
            **({_UNREADY: {"description": route.unready}} if route.unready else faults),
        },
    }
    if route.parameters:
        operation["parameters"] = list(route.parameters)
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": names[route.body, "validation"]}},
        }
    return operation
