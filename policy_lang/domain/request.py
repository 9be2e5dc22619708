"""A caller's request: principal, action, resource, context."""

from __future__ import annotations

from .record import field, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Protocol

    from .search import SearchOptions

    class DiskPort(Protocol):
        """What a decision may look at on a disk; `facts/disk.py` is this machine's."""

        def is_folder(self, path: str) -> bool:
            """True when the path leads to a folder."""

        def link(self, path: str) -> str | None:
            """The target of a symbolic link, or None."""

        def real(self, path: str) -> str:
            """The path with all links followed."""

        def untracked(self, root: str, every: bool = False) -> Iterator[tuple[tuple[str, ...], str, bool]]:
            """The files below a folder that git does not track."""

        def tracked(self, root: str) -> Iterator[tuple[tuple[str, ...], str, bool]]:
            """The files below a folder that git tracks, or all of them."""

        def moved(self, root: str, ways: tuple[tuple[str, str], ...]) -> Iterator[tuple[tuple[str, ...], str, bool]]:
            """The files that git may write or delete when it moves between commits."""

        def brought(self, root: str, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, bool]]:
            """The files of a new working tree that git makes at one of these commits."""

        def unlike(
            self, root: str, names: tuple[str, ...], words: frozenset[str]
        ) -> Iterator[tuple[tuple[str, ...], str, bool]]:
            """Those of them that may be otherwise than here."""

        def unsettled(self, root: str, paths: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, bool]]:
            """Those of the files that are not as git has them."""

        def repository(self, path: str) -> str:
            """What a folder is to git."""

        def content(self, path: str, most: int) -> bytes | None:
            """What a regular file holds, when it is not more than `most` bytes."""

        def below(
            self, root: str, deep: bool = True, passes: frozenset[str] = frozenset()
        ) -> Iterator[tuple[tuple[str, ...], str, bool]]:
            """Everything below a folder, or when not `deep` what lies in it."""

        def searched(self, root: str, search: SearchOptions) -> Iterator[tuple[tuple[str, ...], str, bool]]:
            """What a search looks into below a folder."""


Resource = str | tuple[str, ...]

ORIGIN = (
    "client", "session", "tool", "call", "prompt", "turn", "task", "instruction", "model", "subagent", "trace",
    "purpose", "accepted",
)  # fmt: skip
"""The origin of a request, as far as it is known: the harness, its session and its tool, its ids of the call, the
prompt, the turn, the task and the sub-agent, the agent's instruction, the model, a trace that spans programs, and what
the agent says that it is for, and the tool's arguments that a person accepted unread."""


@record(frozen=True, slots=True)
class Request:
    """One question, which cannot be changed: `record.replace` makes another.

    Only `action` and `resource` are required; what is absent is read against the agent.

    `resource` is a string, or a tuple of words for `run`. `pattern` says that the resource is only partly
    known: it is then a pattern of the policy language, and the decision holds for every member of it.
    Paths are resolved on the file system when `workspace` exists on this machine and `lexical` is false.
    `now` is seconds since the epoch (UTC); `resolved` holds the addresses of a host; `git` the state that a
    push depends on. `origin` says where the request comes from (`ORIGIN`): it is recorded and decides nothing.
    `disk` is what is looked at instead of this machine's own. `ticket` names an approval that is to be redeemed.
    `inner` says that a command stands for a tool of the client's own: what it does counts, and not that it is run.
    `confined` says that walls below the agent hold this policy for every process of it. Only who has built them may say
    so: no request that arrives from outside carries it. `versioned` says that git writes what its history holds,
    which a decision finds out by reading the command; it is here for tests and witnesses.
    `destination` is the host that a credential would go to, of a `use` alone. `content` is what a tool was given but
    for the resource, such as the text that it writes (`approvals/content.py`): it decides nothing, people approve it.
    `arguments` are those of a `call`, as JSON has them; None when they are not known.
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
    origin: Mapping[str, str] = field(default_factory=dict)
    disk: DiskPort | None = None
    ticket: str | None = None
    inner: bool = False
    confined: bool = False
    versioned: bool = False
    destination: str | None = None
    content: Mapping[str, object] | None = None
    arguments: Mapping[str, object] | None = None
