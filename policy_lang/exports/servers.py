"""A policy about refs, written as a git server's own rules, with the losses."""

from __future__ import annotations

import importlib
import re

from ..automata.pattern import instance
from ..domain.actions import ASK
from ..domain.record import replace
from ..facts.refs import ref_facts
from ..policy import Policy
from ..syntax import emit
from ..walls.losses import NOT_HELD, Loss
from .comparing import Compared, ExportComparison, by_rule
from .exporting import Export
from .model import ExportError, Model
from .refs import ACTIONS, KINDS, RefPlan, plans, statements
from .settled import settled
from .target import RefTask, Written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..domain.request import Request
    from ..ir.model import Layer, PolicySet
    from ..syntax.tree import Node
    from .target import ServerTarget

NAMES = ("github", "gitlab")
"""Servers that can be written for; each is a module."""
CODES = ("pushes", "force-pushes", "deleted-refs", "merges", "approvers", "other-refs")
"""What a server may not hold, so that it has to be accepted."""
_COMPARED = (*ACTIONS, "merge")
_NOT_HELD = {
    "push": ("pushes", "refs can be pushed to of which the policy denies it, or asks people"),
    "force-push": ("force-pushes", "refs can be set back of which the policy denies it, or asks people"),
    "delete-ref": ("deleted-refs", "refs can be deleted of which the policy denies it, or asks people"),
    "merge": ("merges", "a server merges into every branch that it takes a push to"),
}
_STRICTER = {
    "push": ("fewer-pushes", "refs cannot be pushed to of which the policy permits it, or asks people"),
    "force-push": ("fewer-force-pushes", "refs cannot be set back of which the policy permits it, or asks people"),
    "delete-ref": ("fewer-deleted-refs", "refs cannot be deleted of which the policy permits it, or asks people"),
    "merge": ("fewer-merges", "branches cannot be merged into of which the policy permits it, or asks people"),
}
_OTHER = ("other-refs", "the server's rules know branches and tags; other refs can be changed by all who may push")
_REMEDIES = {
    "pushes": "write the rule with patterns that the server has; without `--widen` such refs are not granted",
    "force-pushes": "write the rule with patterns that the server has; without `--widen` this is not granted",
    "deleted-refs": "write the rule with patterns that the server has; without `--widen` this is not granted",
    "merges": "grant `merge` where `push` is granted",
    "approvers": "give the permission to approve, or merge, to the tier's approvers alone",
    "other-refs": "where the server is yours: `policy hook git-receive`",
    "fewer-pushes": "write the rule with patterns that the server has, and without conditions",
    "fewer-force-pushes": "write the rule with patterns that the server has, and without conditions",
    "fewer-deleted-refs": "write the rule with patterns that the server has, and without conditions",
    "fewer-merges": "let people merge",
}
_REMOTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ROUNDS = 12
"""Times that grants are taken out which permit too much; each time all those around a witness."""


def server_named(name: str) -> ServerTarget:
    """The server of that name."""
    assert name in NAMES
    found: ServerTarget = importlib.import_module(f".{name}", __package__).TARGET
    return found


def exported_refs(
    target: ServerTarget,
    policy: Policy,
    like: Request,
    *,
    remote: str = "origin",
    bypass: tuple[str, ...] = (),
    widen: bool = False,
) -> Export:
    """A policy's rules about one remote's refs, written for a server. Raises ExportError, SearchLimitError.

    `like` says for which agent; `remote` is what the rules call the server.
    """
    if not _REMOTE.fullmatch(remote):
        raise ExportError("`--remote` is the name of one remote, as the policy's rules have it")
    comparison = _RefComparison(policy, replace(like, confined=False), target, remote)
    standing = comparison.standing()
    made = comparison.kept(plans(standing, target.dialect, remote), widen)
    text, notes = target.write(RefTask(made, standing, bypass))
    model = comparison.model(made)
    compared = comparison.of_refs(model)
    losses = (*compared.losses, *comparison.approvers(made))
    notes = (*notes, f"it is about `{remote}`; other remotes have rules of their own")
    return Export(
        target,
        Written(text, model, notes=notes),
        tuple(replace(loss, remedy=loss.remedy or _REMEDIES[loss.code]) for loss in losses),
        compared,
        "refs",
    )


class _RefComparison(ExportComparison):
    """Compares a policy with what a server permits of one remote's refs."""

    def __init__(self, policy: Policy, like: Request, target: ServerTarget, remote: str) -> None:
        super().__init__(policy, like)
        self._target = target
        self._remote = remote

    def standing(self) -> PolicySet:
        """The policy as it holds whatever else is true."""
        return self.at_any_time(_COMPARED)[1]

    def model(self, made: tuple[RefPlan, ...]) -> Model:
        """What the server permits with these plans."""
        nodes = [n for plan in made for n in statements(plan, self._target.dialect, self._remote)]
        tiers = dict.fromkeys(p.tier for plan in made for p in plan.asked)
        return Model(further=(*(emit.tier(name, ["@people"]) for name in tiers), *nodes, self._others()))

    def kept(self, made: tuple[RefPlan, ...], widen: bool) -> tuple[RefPlan, ...]:
        """The plans without the grants that permit what the policy does not, as the engine finds; with `widen` all."""
        for _ in range(0 if widen else _ROUNDS):
            fewer = self._fewer(made)
            if fewer == made:
                return made
            made = fewer
        return made if widen else tuple(plan.without_all() for plan in made)

    def _fewer(self, made: tuple[RefPlan, ...]) -> tuple[RefPlan, ...]:
        """The plans without what permits a request that the policy does not; without all where none can be named."""
        policy = settled(self._policy.policy_set, self._known, self._lacking, _COMPARED)
        found = self._differences(policy, self.model(made), (), self._apart(others=False))
        fewer = made
        for loss in self._losses(found, _NOT_HELD, {}):
            if loss.witness is not None:
                segments = ref_facts(str(loss.witness.resource)).segments or ()
                fewer = tuple(p.without(loss.witness.action, segments) for p in fewer)
            if fewer == made and loss.code != "merges":  # these come with pushes
                return tuple(plan.without_all() for plan in made)
        return fewer

    def of_refs(self, model: Model) -> Compared:
        """All differences between the policy and a model."""
        policy = settled(self._policy.policy_set, self._known, self._lacking, _COMPARED)
        found = self._differences(policy, model, (), self._apart(others=False))
        losses = list(self._losses(found, _NOT_HELD, _STRICTER))
        others = self._differences(policy, model, (), self._apart(others=True))
        losses += self._losses(others, dict.fromkeys(ACTIONS, _OTHER), {})
        return Compared(tuple(losses), tuple(by_rule(policy, found)))

    def approvers(self, made: tuple[RefPlan, ...]) -> Iterator[Loss]:
        """Whoever may approve at the server does it for the tier's approvers."""
        asked = [(plan.kind, pattern) for plan in made for pattern in plan.asked]
        requests = (
            replace(
                self._like, action=pattern.action,
                resource=f"{self._remote}:{'/'.join(('refs', kind, *instance(pattern.labels, 'x')))}",
            )
            for kind, pattern in asked
        )  # fmt: skip
        witness = next((r for r in requests if self._policy.decide_request(r).effect == ASK), None)
        if asked:
            yield Loss("approvers", NOT_HELD, self._target.approved, "", witness)

    def _others(self) -> Node:
        """Refs that no server rule is about."""
        kinds = [f"{self._remote}:refs/{kind}/**" for kind in KINDS]
        return emit.rule("allow", ACTIONS, [f"{self._remote}:refs/**"], exclude=kinds)

    def _apart(self, others: bool) -> Layer:
        """A layer that leaves other remotes out of a comparison, and other refs, or else branches and tags."""
        own = f"{self._remote}:refs/**"
        kinds = [f"{self._remote}:refs/{kind}/**" for kind in KINDS]
        hidden = [f"{self._remote}:{pattern}" for pattern in self._target.hidden]
        rules = [
            emit.rule("deny", _COMPARED, ["*:refs/**"], exclude=[own]),
            emit.rule("deny", _COMPARED, [*kinds, *hidden])
            if others
            else emit.rule("deny", _COMPARED, [own], exclude=kinds),
        ]
        return Policy.loads(emit.text([emit.header("apart", "guardrail"), *rules])).policy_set.layers[0]
