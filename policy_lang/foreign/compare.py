"""The client's answers and the policy's, request by request: what came over exactly, and witnesses for the rest."""

from __future__ import annotations

from ..analysis.diff import diff
from ..analysis.spaces import Layout
from ..domain.actions import ALLOW
from ..domain.conditions import CONFINED
from ..domain.record import record
from ..domain.request import Request
from ..engine.prepare import engine_of
from ..exports.settled import settled
from .permissions import EXACT, HOME, IDLE, NARROWER, STRICTNESS, UNSAID, WIDER, WORKSPACE, ClientRequest, Permission
from .translate import Translated, translated
from .unfloored import with_floor_as_rules, without_floor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..domain.decision import Decision
    from ..policy import Policy
    from .permissions import Permissions

SEARCHED = ("read", "write", "connect", "call", "do")
"""The actions whose requests the analysis finds, all of them: what commands do hangs on more than patterns."""
_LAYOUT = Layout(WORKSPACE, HOME, "/tmp")  # noqa: S108 (a name, nothing is opened)
_TESTS = 60
"""Requests that become tests of the policy: a page that a person reads."""


@record(frozen=True, slots=True)
class Difference:
    """One request that the two answer differently, and why the policy does."""

    asked: ClientRequest
    theirs: str
    ours: str
    reason: str


@record(frozen=True, slots=True)
class Takeover:
    """What became of one permission: its fit after comparing, and what shows it."""

    entry: Permission
    fit: str
    differences: tuple[Difference, ...] = ()


@record(frozen=True, slots=True)
class Imported:
    """A permission file taken over: the policy, what became of each permission, and how many requests were asked."""

    translated: Translated
    outcomes: tuple[Takeover, ...]
    asked: int

    @property
    def wider(self) -> bool:
        """Whether the policy permits something that the client did not, or may: a restriction cannot be said."""
        return any(o.fit == WIDER or (o.fit == UNSAID and o.entry.effect != ALLOW) for o in self.outcomes)


def imported(permissions: Permissions, name: str) -> Imported:
    """Take a file over, and compare the two. Raises PolicyError when the translation does not compile."""
    first = translated(permissions, name)
    asked: dict[ClientRequest, tuple[str, Decision]] = {}
    sought = _beyond_reach(first)
    outcomes = tuple(_outcome(first, entry, sought.get(id(entry), []), asked) for entry in first.permissions.entries)
    agreed = tuple(_agreed(outcomes, asked))[:_TESTS]
    return Imported(translated(first.permissions, name, agreed), outcomes, len(asked))


def _beyond_reach(made: Translated) -> dict[int, list[ClientRequest]]:
    """Requests that a permission is about and the protected floor takes away, of all that there are; by its entry."""
    policy = made.policy.policy_set
    known = settled(policy, {CONFINED: made.permissions.confined}, None, SEARCHED)
    profiles = made.policy.engine.profiles
    old, new = (engine_of(one, profiles=profiles) for one in (without_floor(known), with_floor_as_rules(known)))
    spans = {rule.id: rule.span for layer in policy.layers for rule in layer.rules}
    out: dict[int, list[ClientRequest]] = {}
    for row in diff(old, new, _LAYOUT, whole=False).rows:
        for ref in {one.id for one in (row.rule, *row.old.rules, *row.old.support)} & spans.keys():
            entry = made.entry_at(spans[ref].start)
            if entry is not None and isinstance(row.witness.resource, str):
                out.setdefault(id(entry), []).append(ClientRequest(row.action, row.witness.resource))
    return out


def decided(policy: Policy, asked: ClientRequest, *, confined: bool = False) -> Decision:
    """The policy's answer to the request that a model is asked; `confined` is that of the permissions."""
    return policy.decide_request(
        Request(
            asked.action, asked.resource,
            workspace=WORKSPACE, home=HOME, cwd=WORKSPACE, method=asked.method or None, lexical=True, confined=confined,
        )
    )  # fmt: skip


def _outcome(
    made: Translated, entry: Permission, sought: list[ClientRequest], known: dict[ClientRequest, tuple[str, Decision]]
) -> Takeover:
    if entry.fit in {UNSAID, IDLE}:
        return Takeover(entry, entry.fit)
    found: list[Difference] = []
    for one in (*entry.tries, *sought):
        if one not in known:
            known[one] = (made.permissions.model(one), decided(made.policy, one, confined=made.permissions.confined))
        theirs, decision = known[one]
        if theirs != decision.effect:
            found.append(Difference(one, theirs, decision.effect, next(iter(decision.reasons), "")))
    return Takeover(entry, _fit(entry.fit, found), tuple(found))


def _fit(fit: str, found: list[Difference]) -> str:
    """The worst that is known: wider before narrower."""
    if fit == WIDER or any(STRICTNESS[d.ours] < STRICTNESS[d.theirs] for d in found):
        return WIDER
    return NARROWER if fit == NARROWER or found else EXACT


def _agreed(
    outcomes: tuple[Takeover, ...], known: dict[ClientRequest, tuple[str, Decision]]
) -> Iterator[tuple[ClientRequest, str]]:
    """Requests on which both agree, first those that show each entry's own effect."""
    out: dict[ClientRequest, str] = {}
    for outcome in outcomes:
        same = [a for a in outcome.entry.tries if a in known and known[a][0] == known[a][1].effect]
        shown = [a for a in same if known[a][0] == outcome.entry.effect][:1]
        for asked in shown + [a for a in same if known[a][0] != outcome.entry.effect][:1]:
            out.setdefault(asked, known[asked][0])
    yield from out.items()
