r"""Pushes on the wire: what they do to refs, in git's own words (gitprotocol-pack(5), "Pushing Data To a Server").

A client sends a line for each ref, `OLD NEW REF`, then an empty packet, then the pack. What a server says when it
refuses can be said here as well: git then shows the reason beside each ref.
"""

from __future__ import annotations

import string

from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.record import record
from ..domain.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .port import Ruling

_MOST = limit("push_refs")
_LARGEST = 65520
"""Bytes of a packet at most, the length included (gitprotocol-common(5))."""
_HEX = frozenset(string.hexdigits.lower())
_SIDE_BAND = 1
"""The band of data; 2 is shown to people as `remote: ...` (gitprotocol-pack(5))."""


@record(frozen=True, slots=True)
class RefUpdate:
    """What one ref is to become: `old` and `new` are ids of objects, all zeros for a ref that is not there."""

    old: str
    new: str
    ref: str

    @property
    def creates(self) -> bool:
        """Whether the ref is not there before."""
        return not self.old.strip("0")

    @property
    def deletes(self) -> bool:
        """Whether the ref is not there afterwards."""
        return not self.new.strip("0")

    def actions(self, fast_forward: bool) -> tuple[str, ...]:
        """What the policy is asked about it; `fast_forward` when the new commit is known to hold the old one.

        A tag that is moved is forced, whatever it leads to.
        """
        if self.deletes:
            return ("delete-ref",)
        if self.creates or (fast_forward and not self.ref.startswith("refs/tags/")):
            return ("push",)
        return ("push", "force-push")


@record(frozen=True, slots=True)
class PushCommands:
    """The updates of one push, what its client understands, and where in the body the pack begins."""

    updates: tuple[RefUpdate, ...]
    capabilities: frozenset[str]
    pack_at: int


def read_commands(body: bytes) -> PushCommands:
    """The commands in front of a pack. Raises RequestError for what is not plainly such commands.

    A body of one empty packet, with which clients try whether they may push, has none.
    """
    updates: list[RefUpdate] = []
    capabilities: frozenset[str] = frozenset()
    at = 0
    while True:
        line, at = _packet(body, at)
        if line is None:
            break
        if line.startswith(b"shallow "):
            continue
        if line.startswith((b"push-cert", b"push-option")):
            raise RequestError("PLR031", "the push is signed by git, which is not read here")
        if not updates:
            line, _, words = line.partition(b"\0")
            capabilities = frozenset(words.decode("utf-8", "replace").split())
        updates.append(read_update(line))
        if len(updates) > _MOST:
            raise RequestError("PLR004", f"the push is of more than {_MOST} refs")
    if "push-options" in capabilities:
        line, at = _packet(body, at)
        while line is not None:
            line, at = _packet(body, at)
    names = [u.ref for u in updates]
    if len(set(names)) < len(names):
        raise RequestError("PLR031", "the push names a ref twice")
    return PushCommands(tuple(updates), capabilities, at)


def _packet(body: bytes, at: int) -> tuple[bytes | None, int]:
    """One packet's text, None for an empty one, and where the next begins."""
    head = body[at : at + 4]
    try:
        size = int(head, 16) if len(head) == 4 and _HEX.issuperset(head.decode("ascii").lower()) else -1
    except UnicodeDecodeError:
        size = -1
    if size == 0:
        return None, at + 4
    if not 4 < size <= _LARGEST or at + size > len(body):
        raise RequestError("PLR031", "the push does not begin with git's commands")
    return body[at + 4 : at + size].removesuffix(b"\n"), at + size


def read_update(line: bytes) -> RefUpdate:
    """One `OLD NEW REF`. Raises RequestError."""
    try:
        old, new, ref = line.decode("utf-8").split(" ")
    except ValueError:
        raise RequestError("PLR031", "a command of the push is not `OLD NEW REF`") from None
    for name in (old, new):
        if len(name) not in {40, 64} or len(name) != len(old) or not _HEX.issuperset(name):
            raise RequestError("PLR031", "a command of the push does not name two objects")
    if not old.strip("0") and not new.strip("0"):
        raise RequestError("PLR031", f"the push neither makes nor changes `{ref[:60]}`")
    return RefUpdate(old, new, ref)


def refused(
    updates: Iterable[RefUpdate],
    remotes: Sequence[str],
    goes_forward: Callable[[RefUpdate], bool],
    decide: Callable[[Request], Ruling],
    note: str = "",
) -> dict[str, str]:
    """Why refs may not be updated; empty when all may.

    `remotes` are the names under which rules know the server: all of them must grant it. Without any it may be each.
    `note` is said of what may be forced.
    """
    out: dict[str, str] = {}
    for update in updates:
        forward = not update.creates and not update.deletes and goes_forward(update)
        for action in update.actions(forward):
            for request in _requests(action, update.ref, remotes):
                ruling = decide(request)
                if not ruling.allowed:
                    more = f"; {note}" if note and action == "force-push" else ""
                    out.setdefault(update.ref, ruling.reason + more)
    return out


def _requests(action: str, ref: str, remotes: Sequence[str]) -> Iterator[Request]:
    if remotes:
        yield from (Request(action, f"{remote}:{ref}") for remote in remotes)
        return
    quoted = "".join(f"[{c}]" if c in "{}" else c for c in ref)
    yield Request(action, f"*:{quoted}", pattern=True)


def refusal(commands: PushCommands, reasons: dict[str, str]) -> bytes:
    """The body with which a server refuses: each ref with its reason, the others because of those.

    A client that asks for no report gets none.
    """
    if "report-status" not in commands.capabilities and "report-status-v2" not in commands.capabilities:
        return b""
    others = "another ref of the same push is refused"
    lines = [b"unpack ok\n"]
    for update in commands.updates:
        why = " ".join(reasons.get(update.ref, others).split())
        lines.append(f"ng {update.ref} {why}".encode("utf-8", "replace")[: _LARGEST - 100] + b"\n")
    report = b"".join(_packed(line) for line in lines) + b"0000"
    if not commands.capabilities & {"side-band", "side-band-64k"}:
        return report
    most = (_LARGEST if "side-band-64k" in commands.capabilities else 1000) - 5
    parts = [report[i : i + most] for i in range(0, len(report), most)]
    return b"".join(_packed(bytes([_SIDE_BAND]) + part) for part in parts) + b"0000"


def _packed(data: bytes) -> bytes:
    return f"{len(data) + 4:04x}".encode("ascii") + data
