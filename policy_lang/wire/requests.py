"""One JSON object to one request, strictly: bounded size and depth, no doubled keys, no unknown fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..audit.redact import redacted
from ..domain import strict_json
from ..domain.actions import ACTIONS, CALL, METHODS
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.request import ORIGIN, Request
from ..domain.suggest import suggest
from ..pep.content import compared
from ..shell.dialect import SHELLS

Text = Annotated[str, Field(max_length=limit("request_text"))]
Name = Annotated[str, Field(max_length=limit("request_name"))]


class PatternModel(BaseModel):
    """A value that is only partly known."""

    model_config = ConfigDict(extra="forbid", strict=True)
    pattern: Annotated[str, Field(max_length=limit("request_text"))]


class LongTextModel(BaseModel):
    """A text that is too long to be shown to people: its size and digest."""

    model_config = ConfigDict(extra="forbid", strict=True)
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


Shown = Annotated[str, Field(max_length=limit("content_bytes"))] | LongTextModel


class EditModel(BaseModel):
    """One edit of a file: `new` takes the place of `old`, once or of `all`; or of a notebook's `cell`."""

    model_config = ConfigDict(extra="forbid", strict=True)
    old: Shown | None = None
    new: Shown
    all: bool = False
    cell: Name | None = None
    mode: Name | None = None
    kind: Name | None = None


class ContentModel(BaseModel):
    """What a tool was given besides the resource: what it writes, or its arguments in JSON. People approve it."""

    model_config = ConfigDict(extra="forbid", strict=True)
    tool: Name
    text: Shown | None = None
    edits: Annotated[list[EditModel], Field(min_length=1, max_length=limit("content_edits"))] | None = None
    arguments: Shown | None = None


class RequestModel(BaseModel):
    """The JSON form of a request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    action: Literal[*ACTIONS]  # type: ignore[valid-type]
    resource: str | list[str] | PatternModel
    id: Name | None = None
    agent: Name | None = None
    repo: Name | None = None
    branch: Name | None = None
    session: Name | None = None
    context: Annotated[dict[Name, str | int | bool], Field(max_length=limit("request_context"), default_factory=dict)]
    cwd: Text | None = None
    workspace: Text | None = None
    home: Text | None = None
    tmp: Text | None = None
    shell: Literal[*SHELLS] | None = None  # type: ignore[valid-type]
    method: Literal[*METHODS] | None = None  # type: ignore[valid-type]
    resolved: Annotated[list[Name], Field(max_length=limit("resolved_addresses"), default_factory=list)]
    git: Annotated[dict[str, Any], Field(default_factory=dict)]
    lexical: bool = False
    ticket: Name | None = None
    inner: bool = False
    destination: Text | None = None
    content: ContentModel | None = None
    arguments: dict[str, Any] | None = None
    origin: Annotated[dict[Literal[*ORIGIN], Text], Field(default_factory=dict)]  # type: ignore[valid-type]


_MOST_REMOTES = limit("git_remotes")
FIELDS = tuple(RequestModel.model_fields)


def parse_request(data: bytes) -> Request:
    """Read one JSON object. Raises RequestError with what is wrong."""
    return request_of(json_object(data))


def json_object(data: bytes, most: int = limit("request_bytes")) -> dict[str, Any]:
    """One JSON object of at most so many bytes, strictly. Raises RequestError."""
    if len(data) > most:
        raise RequestError("PLR101", f"the request is longer than {most} bytes")
    value = _json(data)
    if not isinstance(value, dict):
        raise RequestError("PLR103", "a request is a JSON object")
    return value


def request_of(value: dict[str, Any]) -> Request:
    """The request that a JSON object says. Raises RequestError."""
    unknown = next((k for k in value if k not in FIELDS), None)
    if unknown is not None:
        raise RequestError("PLR104", f"unknown field `{_shown(unknown)}` ({suggest(unknown, FIELDS)})")
    model = validated(RequestModel, value)
    remotes = model.git.get("remotes")
    if isinstance(remotes, dict) and len(remotes) > _MOST_REMOTES:
        raise RequestError("PLR004", f"more than {_MOST_REMOTES} remotes in `git.remotes`")
    resource = model.resource
    if model.destination is not None and model.action != "use":
        raise RequestError("PLR028", f"`destination` says where a credential goes; `{model.action}` is about none")
    if model.arguments is not None and model.action != CALL:
        raise RequestError("PLR029", f"only a `call` has `arguments`; `{model.action}` has none")
    return Request(
        action=model.action,
        resource=resource.pattern
        if isinstance(resource, PatternModel)
        else tuple(resource)
        if isinstance(resource, list)
        else resource,
        agent=model.agent,
        repo=model.repo,
        branch=model.branch,
        session=model.session,
        context=model.context,
        cwd=model.cwd,
        workspace=model.workspace,
        home=model.home,
        tmp=model.tmp,
        shell=model.shell,
        method=model.method,
        resolved=tuple(model.resolved),
        git=model.git,
        lexical=model.lexical,
        pattern=isinstance(resource, PatternModel),
        id=model.id,
        origin=model.origin,
        ticket=model.ticket,
        inner=model.inner,
        destination=model.destination,
        arguments=compared(model.arguments),
        content=None if model.content is None else model.content.model_dump(exclude_defaults=True),
    )


Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], value: dict[str, Any]) -> Model:
    """The value as a model. Raises RequestError for the first thing that is wrong with it."""
    if len(value) > len(model.model_fields) and model.model_config.get("extra") == "forbid":
        unknown = next(name for name in value if name not in model.model_fields)  # pydantic lists each: that takes time
        raise RequestError("PLR104", f"unknown field `{_shown(unknown)}`")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _invalid(error) from None


def read_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The non-empty lines of a stream with their numbers. An over-long line comes cut one byte above the limit."""
    most = limit("request_bytes")
    number = 0
    while line := stream.readline(most + 2):
        number += 1
        if number > limit("request_lines"):
            raise RequestError("PLR101", f"more than {limit('request_lines')} requests in one file")
        if not line.endswith(b"\n"):
            while rest := stream.readline(1 << 16):
                if rest.endswith(b"\n"):
                    break
        if line.strip():
            yield number, line.rstrip(b"\r\n")


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in redacted(text)[:40])


def _invalid(error: ValidationError) -> RequestError:
    first = error.errors(include_url=False, include_input=True)[0]
    where = str(first["loc"][0]) if first["loc"] else "request"
    inner = f"{where}.{first['loc'][-1]}" if len(first["loc"]) > 1 else where
    if first["type"] == "missing":
        return RequestError("PLR105", f"the field `{inner}` is missing")
    choices = {"action": ACTIONS, "method": METHODS, "shell": SHELLS}.get(where, ())
    if first["type"] == "literal_error" and choices:
        given = first["input"] if isinstance(first["input"], str) else ""
        return RequestError("PLR106", f"`{_shown(given)}` is not a valid {where} ({suggest(given, choices)})")
    if first["type"] == "extra_forbidden":
        return RequestError("PLR104", f"unknown field `{_shown(inner)}`")
    return RequestError(
        "PLR106", f"the field `{_shown(where)}` is wrong: {first['msg'][:1].lower()}{first['msg'][1:160]}"
    )


def _json(data: bytes) -> object:
    try:
        return strict_json.load(data, limit("request_depth"), limit("integer_digits"), limit("request_values"))
    except strict_json.MalformedError as error:
        code, text = _MALFORMED[error.kind]
        detail = error.detail if error.kind == "syntax" else _shown(error.detail)  # the others quote the caller
        raise RequestError(code, text.format(detail)) from None


_MALFORMED = {
    "encoding": ("PLR102", "the request is not valid UTF-8"),
    "depth": ("PLR101", f"the request is nested deeper than {limit('request_depth')} levels"),
    "values": ("PLR101", f"the request has more than {limit('request_values')} values"),
    "syntax": ("PLR103", "the request is not valid JSON: {}"),
    "twice": ("PLR104", "the field `{}` is given twice"),
    "constant": ("PLR103", "`{}` is not valid JSON"),
    "size": ("PLR103", "`{}` is too large"),
    "digits": ("PLR106", f"a number has more than {limit('integer_digits')} digits"),
    "surrogate": ("PLR102", "the request contains a lone surrogate"),
}
