"""The engine's answer: an effect, the tiers it needs, and the rules and reasons behind it."""

from __future__ import annotations

import os

from .actions import ALLOW, ASK, DENY, STRICTNESS
from .record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .actions import DecisionEffect


@record(frozen=True, slots=True)
class RuleRef:
    """A rule as a decision names it. `line` counts from 1; `because` is the author's reason, or empty."""

    id: str
    effect: str
    file: str
    line: int
    because: str = ""
    tier: str = ""
    layer: str = ""


@record(frozen=True, slots=True, eq=False)
class Verdict:
    """The part of a decision that many requests share; made once, handed out often.

    `rules` decided; `support` are the rules that grant what needs it and is allowed or asked, whichever layer decided.
    An `undecided` one denies for want of a decision: the request is none, a limit was met, a fault, or no record.
    """

    effect: DecisionEffect
    tiers: tuple[str, ...] = ()
    rules: tuple[RuleRef, ...] = ()
    reasons: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()
    support: tuple[RuleRef, ...] = ()
    undecided: bool = False


@record(frozen=True, slots=True)
class Effect:
    """One effect of a request with its own verdict; a command may have many.

    `start` and `end` say which part of a script it comes from, as character offsets; `note` what cannot be
    seen; `opaque` why a command could not be read, and `remediation` how to write it. A `free` effect needs no grant.
    `method` is a connection's, when it is known. A `supposed` effect is one that the command has in some reading of its
    words: it needs no grant either. `file` is the project's file in whose code the effect stands, if it stands in one.
    """

    action: str
    resource: str | tuple[str, ...]
    verdict: Verdict
    start: int = 0
    end: int = 0
    note: str = ""
    opaque: str = ""
    remediation: str = ""
    free: bool = False
    method: str = ""
    supposed: bool = False
    file: str = ""


@record(frozen=True, slots=True, eq=False)
class Answer:
    """Everything of a decision but its id: equal requests share one. `pure` ones depend on nothing on a disk.

    `files` are the files whose code was looked at, with the SHA-256 digest of each. `would` is what the policy says,
    where it is only observed.
    """

    verdict: Verdict
    policy_digest: str
    action: str
    resource: str | tuple[str, ...]
    parts: tuple[Effect, ...] = ()
    opaque: tuple[str, ...] = ()
    pure: bool = True
    files: tuple[tuple[str, str], ...] = ()
    would: Verdict | None = None


class Decision:
    """The answer to one request, which cannot be changed. Cheap to make: it points to a shared answer.

    `effect` is `allow`, `ask` or `deny`; `tiers` the approval tiers that `ask` needs, all of them;
    `rules` those that decided; `reasons` one sentence each; `obligations` such as `log`; `opaque` says why
    a command could not be read; `id` is unique to this decision; `ticket` says what people are asked, or have approved.
    `withdrawn`, `waiting`, `approved`, `explained` and `observed` make the decision, with the same id, that it becomes.
    """

    __slots__ = ("_answer", "_id", "_ticket")

    def __init__(self, answer: Answer, ticket: Mapping[str, object] | None = None, id: str = "") -> None:  # noqa: A002
        self._answer = answer
        self._id = id
        self._ticket = ticket

    @property
    def answer(self) -> Answer:
        """The shared part and all effects: everything but the id and the ticket."""
        return self._answer

    @property
    def ticket(self) -> Mapping[str, object] | None:
        """What people are asked, or have approved."""
        return self._ticket

    @property
    def verdict(self) -> Verdict:
        """The shared part: effect, tiers, rules, reasons, obligations."""
        return self._answer.verdict

    @property
    def would(self) -> Verdict | None:
        """What the policy says, where it is only observed (`domain/observe.py`); else None."""
        return self._answer.would

    @property
    def policy_digest(self) -> str:
        """The digest of the policy that decided."""
        return self._answer.policy_digest

    @property
    def opaque(self) -> tuple[str, ...]:
        """Why a command could not be read; empty when it was, or when there is none."""
        return self._answer.opaque

    @property
    def effect(self) -> DecisionEffect:
        """`allow`, `ask` or `deny`."""
        return self._answer.verdict.effect

    @property
    def tiers(self) -> tuple[str, ...]:
        """The tiers whose approval is needed, all of them; those that another one includes are left out."""
        return self._answer.verdict.tiers

    @property
    def rules(self) -> tuple[RuleRef, ...]:
        """The rules that decided; empty when nothing granted the action."""
        return self._answer.verdict.rules

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, one sentence each."""
        return self._answer.verdict.reasons

    @property
    def obligations(self) -> tuple[str, ...]:
        """What the caller must do as well, such as `log`."""
        return self._answer.verdict.obligations

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Every effect that was considered, with its own verdict: the policy's, also where it is only observed."""
        answer = self._answer
        return answer.parts or (Effect(answer.action, answer.resource, answer.would or answer.verdict),)

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """The files of the project whose code the command runs, as far as it was read, and the SHA-256 of each."""
        return self._answer.files

    @property
    def id(self) -> str:
        """A random 128-bit name of this decision, made when first asked for."""
        if not self._id:
            self._id = os.urandom(16).hex()
        return self._id

    @property
    def allowed(self) -> bool:
        """True only for `allow`."""
        return self._answer.verdict.effect == ALLOW

    def withdrawn(self, why: str) -> Decision:
        """A denial, with all its effects: what cannot be recorded is not granted."""
        return self._become(Verdict(DENY, reasons=(why,), undecided=True), None, effects=False)

    def waiting(self, why: str, ticket: Mapping[str, object]) -> Decision:
        """People are asked, by this ticket."""
        old = self.verdict
        verdict = Verdict(ASK, old.tiers, old.rules, (why, *old.reasons), old.obligations, old.support)
        return self._become(verdict, ticket)

    def approved(self, why: str, ticket: Mapping[str, object]) -> Decision:
        """People have approved what it asks: it is an allow, by the same rules."""
        old = self.verdict
        return self._become(Verdict(ALLOW, (), old.rules, (why,), old.obligations, old.support), ticket)

    def explained(self, why: str) -> Decision:
        """The same, with one more reason in front."""
        old = self.verdict
        verdict = Verdict(old.effect, old.tiers, old.rules, (why, *old.reasons), old.obligations, old.support)
        return self._become(verdict, self._ticket)

    def observed(self, verdict: Verdict) -> Decision:
        """The policy is only observed: this verdict is given instead, and `would` is what it was."""
        return self._become(verdict, self._ticket, would=self.verdict)

    def _become(
        self, verdict: Verdict, ticket: Mapping[str, object] | None, effects: bool = True, would: Verdict | None = None
    ) -> Decision:
        old = self._answer
        parts, opaque = (old.parts, old.opaque) if effects else ((), ())
        answer = Answer(
            verdict, old.policy_digest, old.action, old.resource, parts, opaque, False, old.files, would or old.would
        )
        return Decision(answer, ticket, self.id)

    def __repr__(self) -> str:
        return f"Decision(effect={self.effect!r}, tiers={self.tiers!r}, reasons={self.reasons!r})"


def strictest(verdicts: tuple[Verdict, ...], reduce_tiers: object = None) -> Verdict:
    """Combine verdicts that must all hold: deny over ask over allow; tiers, reasons and rules add up."""
    if len(verdicts) == 1:
        return verdicts[0]
    effect = max((v.effect for v in verdicts), key=STRICTNESS.__getitem__)
    deciding = [v for v in verdicts if v.effect == effect]
    tiers: dict[str, None] = {}
    if effect == ASK:
        for v in verdicts:
            tiers.update(dict.fromkeys(v.tiers))
    kept = reduce_tiers(tuple(tiers)) if callable(reduce_tiers) else tuple(tiers)
    obligations = dict.fromkeys(o for v in verdicts for o in v.obligations) if effect != DENY else {}
    return Verdict(
        effect,
        kept,
        tuple(dict.fromkeys(r for v in deciding for r in v.rules)),
        tuple(dict.fromkeys(r for v in deciding for r in v.reasons)),
        tuple(obligations),
        tuple(dict.fromkeys(r for v in verdicts for r in v.support)) if effect != DENY else (),
    )
