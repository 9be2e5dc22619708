"""A permission file as a policy: one rule a permission, each with the line that it comes from."""

from __future__ import annotations

from bisect import bisect_right

from ..domain.actions import ASK
from ..domain.errors import PolicyError
from ..domain.record import record, replace
from ..policy import Policy
from ..syntax import emit
from ..syntax.emit import BLANK, Annotated
from .permissions import IDLE, PERSON, UNSAID, ClientRequest, Permission, Permissions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..syntax.emit import Part

_APPROVERS = "@people"


@record(frozen=True, slots=True)
class Translated:
    """The policy's text, and its permissions with what became of them: those whose rules do not compile are `unsaid`.

    `begins` are the offsets at which the rules of `owners` begin.
    """

    permissions: Permissions
    text: str
    policy: Policy
    begins: tuple[int, ...]
    owners: tuple[int, ...]

    def entry_at(self, offset: int) -> Permission | None:
        """The permission whose rules stand at an offset of the text; None for what is of no permission."""
        found = bisect_right(self.begins, offset) - 1
        owner = self.owners[found] if found >= 0 else -1
        return self.permissions.entries[owner] if owner >= 0 else None


def translated(permissions: Permissions, name: str, agreed: Sequence[tuple[ClientRequest, str]] = ()) -> Translated:
    """A file's permissions as a policy. `agreed` are requests that become its tests, with their effects.

    Raises PolicyError when what is left does not compile, which is a fault of the translation.
    """
    while True:
        text, begins, owners = _text(permissions, name, agreed)
        try:
            policy = Policy.loads(text, f"{name}.policy")
        except PolicyError as error:
            made = Translated(permissions, text, None, begins, owners)  # type: ignore[arg-type]
            left = _without(made, error)
            if left is None:
                raise
            permissions = left
            continue
        return Translated(permissions, text, policy, begins, owners)


def _without(made: Translated, error: PolicyError) -> Permissions | None:
    """The permissions without those whose rules are refused; None when the fault is of none of them."""
    entries = list(made.permissions.entries)
    owners = {id(entry): i for i, entry in enumerate(entries)}
    changed = False
    for diagnostic in error.diagnostics:
        entry = made.entry_at(diagnostic.span.start) if diagnostic.span else None
        if entry is not None and id(entry) in owners:
            entries[owners[id(entry)]] = replace(entry, rules=(), fit=UNSAID, why=diagnostic.message)
            changed = True
    return replace(made.permissions, entries=tuple(entries)) if changed else None


def _text(
    permissions: Permissions, name: str, agreed: Sequence[tuple[ClientRequest, str]]
) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """The text, and where in it the rules of which permission begin; -1 is nobody's."""
    pieces: list[tuple[int, str]] = [(-1, emit.text(_head(permissions, name)))]
    own = [i for i, entry in enumerate(permissions.entries) if entry.span is None]
    if own:
        pieces.append((-1, f"\n{emit.text([f'what {permissions.title} does by itself, without an entry'])}"))
        pieces += [(i, emit.text(_rules(permissions.entries[i]))) for i in own]
    if len(own) < len(permissions.entries):
        pieces.append((-1, f"\n{emit.text(['its entries'])}"))
        several = len(permissions.sources) > 1
        pieces += [(i, emit.text(_rules(e, several))) for i, e in enumerate(permissions.entries) if e.span is not None]
    tests = emit.text(_tests(agreed, permissions.confined))
    if tests:
        pieces.append((-1, f"\n{tests}"))
    at, begins = 0, []
    for _, text in pieces:
        begins.append(at)
        at += len(text)
    return "".join(text for _, text in pieces), tuple(begins), tuple(i for i, _ in pieces)


def _head(permissions: Permissions, name: str) -> list[Part]:
    files, title = ", ".join(source.path for source in permissions.sources), permissions.title
    out: list[Part] = [
        f"What {title} permits by {files}, taken over by `policy import`.",
        BLANK,
        emit.header(name),
        BLANK,
    ]
    if permissions.asks or any(entry.effect == ASK for entry in permissions.entries):
        out += [f"who answers where {title} would ask: put your people here", emit.tier(PERSON, [_APPROVERS])]
    if permissions.asks:
        out += [emit.otherwise(PERSON), emit.rule(ASK, ["run"], [emit.OPAQUE], tier=PERSON)]
    return out


def _rules(entry: Permission, several: bool = False) -> Iterable[Part]:
    """A permission's rules, with its line; its file, too, where there are `several`."""
    line = f"{entry.place}: {entry.text}" if entry.span is not None else entry.text
    line = f"{entry.span.source.path}, {line}" if several and entry.span is not None else line
    if not entry.rules:
        said = {IDLE: "never had an effect"}.get(entry.fit, "cannot be said")
        yield f"{line}: {said}: {entry.why}"
        return
    first, *others = entry.rules
    yield Annotated(first, line)
    yield from others


def _tests(agreed: Sequence[tuple[ClientRequest, str]], confined: bool) -> list[Part]:
    if not agreed:
        return []
    cases = [
        emit.case(effect, asked.action, [asked.resource], tier=PERSON if effect == ASK else "", method=asked.method)
        for asked, effect in agreed
    ]
    return [emit.expect("as before", cases, given={"confined": True} if confined else {})]
