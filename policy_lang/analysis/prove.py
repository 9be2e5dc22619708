"""Proofs: claims about all requests, proved, or refuted by a request that the engine decides otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..domain.actions import ALLOW, DENY, SORT_OF
from ..domain.collection import no_collection
from ..domain.conditions import TRUE, Atom
from ..domain.decision import Verdict
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..engine.pdp import Engine
from ..engine.prepare import engine_of
from ..ir.model import Layer, PolicySet, Property, ProveBlock, Rule
from .cases import FALSE, OPEN, Cases, Demand
from .cases import TRUE as SURELY
from .items import Items, side_of
from .questions import Question, permitted, search, unsure
from .sampling import Sampled
from .spaces import Layout
from .witness import Witness, confirmed, only_when, requests, telling, verdict_on

PROVED, REFUTED, VACUOUS, UNDECIDED = "proved", "refuted", "vacuous", "undecided"
_MOST_TRIES = limit("prove_tries")
_PATTERNS = limit("witness_patterns")
Test = Callable[[tuple[Verdict, ...]], bool]


@dataclass(frozen=True, slots=True)
class Proof:
    """One claim and what became of it. `witness` refutes it; `why` says what is undecided or vacuous."""

    block: ProveBlock
    claim: Property
    verdict: str
    witness: Witness | None = None
    decided: Verdict | None = None
    why: str = ""
    only: str = ""
    """`confined` or `not confined` where the witness breaks the claim on that side of the walls alone."""


def prove(engine: Engine, layout: Layout | None = None) -> list[Proof]:
    """Every claim of a policy set, over all requests that say where the workspace and the home are."""
    with no_collection():
        return [
            _Claim(engine, layout or Layout(), block, claim).run()
            for block in engine.policy.proofs
            for claim in block.properties
        ]


class _Claim:
    """A claim is about what a `deny` of the same pattern would meet, however a command is spelled."""

    def __init__(self, engine: Engine, layout: Layout, block: ProveBlock, claim: Property) -> None:
        policy = engine.policy
        self.block, self.claim = block, claim
        self.side = side_of(engine, layout)
        self.rule = claim_rule(claim)
        alone = PolicySet("claim", (Layer("claim", True, (self.rule,)),), (), {}, {}, "", (), policy.profiles)
        # the second engine says whether a request is one that the claim is about
        self.engines = (engine, engine_of(alone, True, engine.profiles))
        also: list[Demand] = [(block.condition, SURELY)]
        if block.agent is not None:
            also.append((Atom("agent", "glob", (block.agent,)), SURELY))
        if claim.kind == "only_may":  # an agent without a name is another one as well
            also.append((Atom("agent", "glob", claim.agents), FALSE | OPEN))
        self.also = tuple(also)
        part = self.side.part("claim", True, [self.rule])
        self.items: Items = [replace(i, also=tuple(also)) for i in part.denies]
        self.bare: Items = [replace(i, also=tuple(also)) for i in part.bare_denies]
        self.breaks: Test
        self.unasked: tuple[str, ...] = ()
        if claim.kind == "never_allow":
            self.unasked = tuple(policy.tiers)
            self.breaks = lambda v: v[0].effect == ALLOW and v[1].effect == DENY
        elif claim.kind == "always_ask":
            tiers = self.side.covering(claim.tier)
            self.unasked = tuple(tiers)
            self.breaks = lambda v: v[0].effect != DENY and tiers.isdisjoint(v[0].tiers) and v[1].effect == DENY
        else:
            self.breaks = lambda v: v[0].effect != DENY and v[1].effect == DENY

    def run(self) -> Proof:
        """Proved, or refuted by a confirmed request."""
        open_ = ""
        try:
            if not self._about_something():
                why = "no request is meant: nothing matches it, or its conditions cannot hold"
                return Proof(self.block, self.claim, VACUOUS, why=why)
            for action in self.claim.actions:
                for question in permitted(self.side, action, self.items, self.bare, self.unasked):
                    witness, sure = self._refutation(action, question)
                    if witness is not None:
                        decided = verdict_on(self.engines[0], witness)
                        return self._refuted(witness, decided)
                    open_ = open_ if sure else "whether it can happen depends on how programs are called"
        except SearchLimitError as error:
            open_ = str(error)
        complete = True
        for action in self.claim.actions:
            asked = self._sampled(action, bool(open_))
            for witness, verdicts in asked.run():
                if self.breaks(verdicts):
                    return self._refuted(witness, verdicts[0])
            complete = complete and asked.settles(self.rule)
        open_ = "" if complete else open_
        return Proof(self.block, self.claim, UNDECIDED if open_ else PROVED, why=open_)

    def _refuted(self, witness: Witness, decided: Verdict) -> Proof:
        only = only_when(witness, self.engines, self.breaks)
        return Proof(self.block, self.claim, REFUTED, witness, decided, only=only)

    def _sampled(self, action: str, thorough: bool) -> Sampled:
        """Requests that the claim is about, or nearly."""
        attributes, layout = self.side.policy.attributes, self.side.layout
        most = limit("explored_commands" if thorough else "sampled_requests")
        return Sampled(self.engines, action, (self.rule,), layout, attributes, most, self.also)

    def _about_something(self) -> bool:
        cases = Cases([f for i in self.items for f in i.formulas()], self.side.policy.attributes)
        question = Question(([i for i in self.items if i.include][:1],), [], "claimed")
        return next(search(self.side, self.claim.actions[0], question, cases).run(), None) is not None

    def _refutation(self, action: str, question: Question) -> tuple[Witness | None, bool]:
        """A confirmed request that breaks the claim, and whether there surely is none."""
        cases = Cases(question.formulas(), self.side.policy.attributes)
        grants = [s for p in self.side.parts(action) for i in p.grants for s in i.include][:_PATTERNS]
        open_ = False
        for tries, found in enumerate(search(self.side, action, question, cases).run(), 1):
            agent = (found.agents & -found.agents).bit_length() - 1
            case = cases.case(found.demands, agent)
            candidates = requests(action, found.word, case, self.side.layout, grants)
            shown = confirmed(candidates, self.engines, self.breaks)
            if shown is not None:
                best = confirmed(telling(shown[0]), self.engines, self.breaks, doubted=False)
                return (best or shown)[0], True
            open_ = open_ or unsure(found)
            if tries >= _MOST_TRIES:
                return None, False
        return None, not open_


def claim_rule(claim: Property) -> Rule:
    """The rule that denies what a claim is about."""
    span = claim.span
    return Rule(
        "claim", "claim", DENY, "", claim.actions, SORT_OF[claim.actions[0]], claim.patterns, (), (), (), TRUE,
        False, False, False, "", span.source.path, span.line, "claim", "claim", span,
    )  # fmt: skip
