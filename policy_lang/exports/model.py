"""Models of sandboxes: what one permits, as a policy, so that the engine can compare it with the exported one."""

from __future__ import annotations

from ..automata.pattern import quoted
from ..domain.errors import PolicyError
from ..domain.faults import CallerError
from ..domain.record import record
from ..policy import Policy
from ..syntax import emit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from typing import Literal

    from ..syntax.tree import Node, RuleNode

    Mode = Literal["none", "read", "write"]
    """What may be done with a path: nothing, reading, reading and changing."""


class ExportError(CallerError):
    """What cannot be written for a sandbox, and why."""


PATHS = ("read", "write", "delete")


@record(frozen=True, slots=True)
class PathEntry:
    """One path and what may be done with it, and with what lies below: of two that hold it, the longer path says.

    `itself` are the actions that the policy grants on a folder's own path. What a sandbox does with that is left out of
    comparisons: to read it is to list names, and it is neither written nor deleted where it is a mount.
    """

    path: str
    mode: Mode
    folder: bool
    itself: tuple[str, ...] = ()


@record(frozen=True, slots=True)
class HostModel:
    """The connections that a sandbox permits, as patterns: `allowed` but for `denied`.

    No name leads into `unreached` networks, but to what of them is allowed as an address (`reached`).
    """

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()

    def rules(self) -> Iterator[RuleNode]:
        """The same as rules, one for each host, since differences are found rule by rule."""
        for one in self.allowed:
            yield emit.rule("allow", ("connect",), [one])
        if self.denied:
            yield emit.rule("deny", ("connect",), self.denied)
        if self.unreached:
            yield emit.rule("deny", ("connect",), self.unreached, exclude=self.reached)


NO_HOSTS = HostModel()


@record(frozen=True, slots=True)
class Model:
    """What a sandbox permits.

    `files` are the disk's paths, `system` what every program there must read. What lies in `own` is the sandbox's own
    and empty at first. Without `hosts` the policy's proxy decides. `variables` are patterns of names of variables that
    are handed in.
    """

    files: tuple[PathEntry, ...] = ()
    system: tuple[PathEntry, ...] = ()
    own: tuple[str, ...] = ()
    hosts: HostModel | None = NO_HOSTS
    variables: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    """Patterns of names that the sandbox itself keeps from being changed."""
    further: tuple[Node, ...] = ()
    """Statements about anything else: what a git server permits."""


def policy_of(model: Model, entries: Iterable[PathEntry]) -> Policy:
    """A policy that permits what the model does, with these entries of files. Raises ExportError for one too long."""
    rules = [*model.further, *_files(tuple(entries), model.unchanged), *(model.hosts or NO_HOSTS).rules()]
    if model.variables:
        rules.append(emit.rule("allow", ("use",), model.variables))
    try:
        return Policy.loads(emit.text([emit.header("sandbox"), *rules]))
    except PolicyError as error:
        raise ExportError(f"what it would permit cannot be compared, grant smaller folders: {error}") from None


def _files(entries: Sequence[PathEntry], unchanged: tuple[str, ...]) -> Iterator[RuleNode]:
    known = {entry.path: entry for entry in entries}
    for action in PATHS:
        but: dict[str, list[str]] = {path: [] for path, entry in known.items() if permits(entry, action)}
        for entry in entries:
            if not permits(entry, action):
                for above in _above(entry.path, but):
                    but[above] += _whole(entry)
        plain: list[str] = []
        for path, found in but.items():
            entry = known[path]
            own = below(path).removesuffix("**")
            less = [*found, *(p for p in unchanged if action != "read" and entry.folder and p.startswith(own))]
            if less:
                yield emit.rule("allow", (action,), _inside(entry, action), exclude=less, override=True)
            else:
                plain += _inside(entry, action)
        if plain:
            yield emit.rule("allow", (action,), plain, override=True)


def permits(entry: PathEntry, action: str) -> bool:
    """Whether an action is permitted below an entry, or on it; a file that is held in its place is not deleted."""
    if action == "read":
        return entry.mode != "none"
    return entry.mode == "write" and (entry.folder or action == "write")


def _above(path: str, known: Container[str]) -> Iterator[str]:
    """The known folders that a path lies in, the nearest first."""
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        if path in known:
            yield path


def pattern(path: str) -> str:
    """A pattern that means exactly this path."""
    return "/".join(quoted(part) if part else "" for part in path.split("/"))


def below(path: str) -> str:
    """A pattern for all that lies in a folder."""
    return f"{pattern(path).rstrip('/')}/**"


def _inside(entry: PathEntry, action: str) -> list[str]:
    own = [pattern(entry.path)] if not entry.folder or action in entry.itself else []
    return [*own, *([below(entry.path)] if entry.folder else [])]


def _whole(entry: PathEntry) -> tuple[str, ...]:
    return (pattern(entry.path), below(entry.path)) if entry.folder else (pattern(entry.path),)


def holding(path: str, known: Mapping[str, PathEntry]) -> PathEntry | None:
    """The entry of the nearest folder that a path lies in."""
    above = next(_above(path, known), None)
    return None if above is None else known[above]
