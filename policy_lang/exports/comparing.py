"""Losses of an export: what a sandbox's model permits and the policy does not, and the other way round.

The two are compared as `policy diff` compares two policies, over all requests; the engine confirms every witness.
"""

from __future__ import annotations

from dataclasses import replace

from ..analysis.diff import Diff, diff
from ..analysis.spaces import Layout
from ..domain.actions import ALLOW, ASK, DENY
from ..domain.conditions import CONFINED
from ..domain.record import record
from ..domain.record import replace as with_fields
from ..engine.pdp import Engine
from ..engine.prepare import engine_of
from ..ir.model import Layer, PolicySet, Rule
from ..policy import Policy
from ..syntax import emit
from ..walls.environment import HARMLESS
from ..walls.losses import NOT_HELD, STRICTER, Loss
from .model import PATHS, Model, below, pattern, policy_of
from .settled import settled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ..analysis.rows import DiffRow
    from ..domain.conditions import Value
    from ..domain.request import Request
    from .model import PathEntry

_NOT_HELD = {
    "read": ("reads", "files can be read that the policy denies, or asks people about"),
    "write": ("writes", "files can be made and changed that the policy denies, or asks people about"),
    "delete": ("deletes", "files can be deleted that the policy denies, or asks people about"),
    "connect": ("hosts", "connections can be made that the policy denies, or asks people about"),
    "use": ("variables", "variables are handed in that the policy denies, or asks people about"),
}
"""The code of what is not held of an action, and what it means."""
_SYSTEM = ("system-reads", "every program reads the system's folders, whatever names rules deny there")
_STRICTER = {
    "read": ("fewer-reads", "files cannot be read that the policy lets be read, or asks people about"),
    "write": ("fewer-writes", "files cannot be made and changed of which the policy permits it, or asks people"),
    "delete": ("fewer-deletes", "files cannot be deleted of which the policy permits it, or asks people"),
    "connect": ("fewer-hosts", "connections cannot be made that the policy permits, or asks people about"),
    "use": ("fewer-variables", "variables are not handed in that the policy grants, or asks people about"),
}
_WIDER = frozenset({"widened", "lowered"})


@record(frozen=True, slots=True)
class Compared:
    """What came of comparing: losses, and how each rule is held about each action."""

    losses: tuple[Loss, ...]
    rules: tuple[tuple[Rule, str, str], ...]


class ExportComparison:
    """Compares one policy with what sandboxes permit one agent."""

    def __init__(self, policy: Policy, like: Request) -> None:
        self._policy = policy
        self._like = like
        self._known: dict[str, Value] = {CONFINED: False, "versioned": False}
        if like.agent is not None:
            self._known["agent"] = like.agent
        if like.repo is not None:
            self._known["repo"] = like.repo
        self._lacking = {"agent", "repo", "session"} - set(self._known)
        self._layout = Layout(like.workspace, like.home, like.tmp)

    def at_any_time(self, actions: Collection[str]) -> tuple[Engine, PolicySet]:
        """The policy as it holds whatever else is true: what can be written down once."""
        policy = settled(self._policy.policy_set, self._known, None, actions)
        return self._engine(policy), policy

    def compared(self, model: Model, actions: Sequence[str]) -> Compared:
        """All differences between the policy and a model, in some actions."""
        policy = settled(self._policy.policy_set, self._known, self._lacking, actions)
        losses: list[Loss] = []
        kept = [p for p in (self._like.workspace, self._like.home) if p is not None]
        found = self._differences(policy, model, model.files, _outside(model, kept))
        losses += self._losses(found, {**_NOT_HELD}, {**_STRICTER})
        held = list(by_rule(policy, found))
        if model.system and "read" in actions:
            read = settled(policy, self._known, self._lacking, ("read",))
            found = self._differences(_reading(read, model.system), model, model.system, _inside(model))
            losses += self._losses(found, {"read": _SYSTEM}, {})
        return Compared(tuple(losses), tuple(held))

    def excess(self, model: Model, action: str) -> list[Request]:
        """Requests of one action that a model permits and the policy does not, for each of the model's rules one."""
        policy = unasked(settled(self._policy.policy_set, self._known, self._lacking, (action,)))
        found = self._differences(policy, model, (), _outside(model, ()))
        asked = (self._confirmed(row, NOT_HELD) for row in found.rows if row.kind in _WIDER and row.action == action)
        return [request for request in asked if request is not None]

    def _engine(self, policy: PolicySet) -> Engine:
        return engine_of(policy, profiles=self._policy.engine.profiles)

    def _differences(self, policy: PolicySet, model: Model, entries: Sequence[PathEntry], apart: Layer) -> Diff:
        permitted = policy_of(model, entries).policy_set
        sandbox = replace(
            permitted,
            attributes=policy.attributes, tiers=policy.tiers, profiles=policy.profiles, trusts=policy.trusts,
            layers=(*permitted.layers, apart), floor=policy.floor, sources=policy.sources,
        )  # fmt: skip
        old = self._engine(replace(policy, layers=(*policy.layers, apart)))
        return diff(old, self._engine(sandbox), self._layout, whole=False)

    def _losses(
        self, found: Diff, wider: dict[str, tuple[str, str]], stricter: dict[str, tuple[str, str]]
    ) -> Iterator[Loss]:
        for row in found.rows:
            code, about = (wider if row.kind in _WIDER else stricter if row.kind == "narrowed" else {}).get(
                row.action, ("", "")
            )
            if not code:
                continue
            held = NOT_HELD if row.kind in _WIDER else STRICTER
            witness = self._confirmed(row, held)
            if witness is not None:
                said = row.old.rules if held == NOT_HELD else (*row.old.support, *row.old.rules)
                rule = next((r for r in said if r.id == row.rule.id), said[0] if said else None)
                yield Loss(code, held, about, "", witness, rule)
        for left in found.undecided:
            if left.kind in _WIDER and left.action in wider:
                code, about = wider[left.action]
                yield Loss(code, NOT_HELD, f"whether {about} was not decided: {left.why}", "", None, left.rule)

    def _confirmed(self, row: DiffRow, held: str) -> Request | None:
        """The row's request, if the policy itself says of it what the loss does."""
        like = self._like
        asked = with_fields(
            row.witness.request(self._policy.policy_set), agent=like.agent, repo=like.repo, workspace=like.workspace,
            home=like.home, tmp=like.tmp,
        )  # fmt: skip
        effect = self._policy.decide_request(asked).effect
        return asked if (effect != ALLOW if held == NOT_HELD else effect != DENY) else None


def unasked(policy: PolicySet) -> PolicySet:
    """The policy where what people would be asked about is denied."""
    layers = [
        replace(
            layer,
            defaults=(),
            rules=tuple(replace(r, effect=DENY, tier="", grants=False) if r.effect == ASK else r for r in layer.rules),
        )
        for layer in policy.layers
    ]
    return replace(policy, layers=tuple(layers))


def _outside(model: Model, kept: Iterable[str]) -> Layer:
    """A layer that leaves what is the system's, or the sandbox's own, out of a comparison, but for folders in it."""
    apart = [*(entry.path for entry in model.system), *model.own]
    but = [path for path in kept if path not in apart and any(path.startswith(f"{one}/") for one in apart)]
    guard = _guard([p for path in apart for p in _all(path)], [p for path in but for p in _all(path)])
    harmless = Policy.loads(
        emit.text([emit.header("harmless", "guardrail"), emit.rule("deny", ("use",), [*sorted(HARMLESS), "LC_*"])])
    )
    return replace(guard, rules=(*guard.rules, *harmless.policy_set.layers[0].rules))


def _inside(model: Model) -> Layer:
    """A layer that leaves everything but the system's folders out of a comparison."""
    return _guard(["/**"], [p for entry in model.system for p in _all(entry.path)])


def _all(path: str) -> tuple[str, str]:
    return pattern(path), below(path)


def _guard(patterns: list[str], but: list[str]) -> Layer:
    rule = [emit.rule("deny", PATHS, patterns, exclude=but)] if patterns else []
    return Policy.loads(emit.text([emit.header("apart", "guardrail"), *rule])).policy_set.layers[0]


def _reading(policy: PolicySet, system: Sequence[PathEntry]) -> PolicySet:
    """The policy with a grant for reading the system's folders, which only its restrictions take back."""
    granting = policy_of(Model(), system).policy_set.layers[0].rules
    layers = [layer if layer.guardrail else replace(layer, rules=(*layer.rules, *granting)) for layer in policy.layers]
    return replace(policy, layers=tuple(layers))


def by_rule(policy: PolicySet, found: Diff) -> Iterator[tuple[Rule, str, str]]:
    """How each rule is held about each of its actions."""
    worst: dict[tuple[str, str], str] = {}
    for row in found.rows:
        held = NOT_HELD if row.kind in _WIDER else STRICTER if row.kind == "narrowed" else ""
        for ref in (row.rule, *row.old.rules, *row.old.support):
            if held and worst.get((ref.id, row.action)) != NOT_HELD:
                worst[ref.id, row.action] = held
    for left in found.undecided:
        if left.rule is not None:
            worst[left.rule.id, left.action] = NOT_HELD
    for layer in policy.layers:
        for rule in layer.rules:
            for action in rule.actions:
                yield rule, action, worst.get((rule.id, action), "held exactly")
