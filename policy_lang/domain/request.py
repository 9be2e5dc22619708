"""What a caller asks: principal, action, resource, context."""

from __future__ import annotations

from .record import field, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

Resource = str | tuple[str, ...]


@record(slots=True)
class Request:
    """One question. Only `action` and `resource` are required; what is absent is read against the agent.

    `resource` is a string, or a tuple of words for `run`. `pattern` says that the resource is only partly
    known: it is then a pattern of the policy language, and the decision holds for every member of it.
    Paths are resolved on the file system when `workspace` exists on this machine and `lexical` is false.
    `now` is seconds since the epoch (UTC); `resolved` holds the addresses of a host; `git` the state that a
    push depends on.
    """

    action: str
    resource: Resource
    agent: str | None = None
    repo: str | None = None
    branch: str | None = None
    session: str | None = None
    context: Mapping[str, object] = field(default_factory=dict)
    cwd: str | None = None
    workspace: str | None = None
    home: str | None = None
    tmp: str | None = None
    shell: str | None = None
    method: str | None = None
    resolved: tuple[str, ...] = ()
    git: Mapping[str, object] = field(default_factory=dict)
    lexical: bool = False
    pattern: bool = False
    id: str | None = None
    now: float | None = None
