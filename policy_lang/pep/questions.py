"""The questions that a hook asks, and the outcome of their answers."""

from __future__ import annotations

from ..domain.actions import ASK, DENY, STRICTNESS
from ..domain.faults import CallerError

_OBLIGATIONS = frozenset({"log"})
"""The obligations that the enforcement point can fulfil; any other one denies."""


class RefusedError(CallerError):
    """The call is denied without asking; the text says why."""


class HookQuestion:
    """One request. `narrower` is the tool's argument that leaves files out, with `{}` for the glob; empty for none."""

    __slots__ = ("fields", "narrower")

    def __init__(self, action: str, resource: str | tuple[str, ...], narrower: str = "", **fields: object) -> None:
        self.fields: dict[str, object] = {"action": action, "resource": resource, **fields}
        self.narrower = narrower


class Outcome:
    """The strictest of all answers. `reasons` are sentences, `tiers` the approvals that are needed, all of them.

    `ticket` is the one by which people are asked for them already, or empty. `observed` is true where the policy is
    only observed; `advice` says what the agent can do instead.
    """

    __slots__ = ("advice", "effect", "observed", "reasons", "ticket", "tiers")

    def __init__(
        self,
        effect: str,
        reasons: tuple[str, ...] = (),
        tiers: tuple[str, ...] = (),
        ticket: str = "",
        observed: bool = False,
        advice: str = "",
    ) -> None:
        self.observed = observed
        self.effect = effect
        self.reasons = reasons
        self.tiers = tiers
        self.ticket = ticket
        self.advice = advice


def denied(why: str) -> Outcome:
    """A denial that no policy was asked about."""
    return Outcome(DENY, (why,))


def outcome(question: HookQuestion, decision: object) -> Outcome:
    """The outcome of a decision in its JSON form. Raises RefusedError for anything but such a decision."""
    if not isinstance(decision, dict) or not _KEYS <= set(decision) <= _KEYS | _MORE_KEYS:
        raise RefusedError("the answer is not a decision")
    effect, tiers, reasons = decision["effect"], _texts(decision["tiers"]), _texts(decision["reasons"])
    if effect not in STRICTNESS or not isinstance(decision["effects"], list) or (effect == ASK) != bool(tiers):
        raise RefusedError("the answer is not a decision")
    unknown = [o for o in _texts(decision["obligations"]) if o not in _OBLIGATIONS]
    if unknown and effect != DENY:
        raise RefusedError(f"the answer asks for `{unknown[0]}`, which this client does not know")
    action, resource = question.fields["action"], question.fields["resource"]
    if action != "run":  # a command's reasons say themselves what they are about
        reasons = tuple(f"{action} `{resource}`: {reason}" for reason in reasons)
    ticket, advice = decision.get("ticket"), decision.get("advice", "")
    name = ticket.get("id") if isinstance(ticket, dict) else ""
    given = advice if effect == DENY and isinstance(advice, str) else ""
    asked = name if effect == ASK and isinstance(name, str) else ""
    return Outcome(effect, reasons, tiers, asked, "would" in decision, given)


_KEYS = frozenset(
    ("effect", "tiers", "rules", "reasons", "effects", "opaque", "obligations", "policy_digest", "decision_id")
)
_MORE_KEYS = frozenset(("id", "ticket", "files", "would", "advice"))


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise RefusedError("the answer is not a decision")
    return tuple(value)


def depends_on_repository(action: str, resource: object) -> bool:
    """True for a command that may push, and so for one that may call another that does; and for a push itself."""
    words = resource if isinstance(resource, (tuple, list)) else (str(resource),)
    if action != "run":
        return action in {"push", "force-push", "delete-ref"}
    return any("git" in w or "hub" in w for w in words)


def worded(advice: str, found: list[HookQuestion]) -> str:
    """Advice in the terms of the tool that was called: the argument that leaves a file out. Empty where it has none."""
    if not advice:
        return ""
    from ..domain.wording import LEFT_OUT  # a hook loads little

    head, named, glob = advice.partition(LEFT_OUT)
    if not named:
        return advice
    narrower = found[0].narrower
    return f"{head}leave it out by `{narrower.replace('{}', glob.strip('`'))}`" if narrower else ""


def combined(outcomes: list[Outcome]) -> Outcome:
    """The strictest of several outcomes; the tiers of all that ask add up."""
    effect = max((o.effect for o in outcomes), key=STRICTNESS.__getitem__)
    reasons = dict.fromkeys(r for o in outcomes if o.effect == effect for r in o.reasons)
    tiers = dict.fromkeys(t for o in outcomes for t in o.tiers) if effect == ASK else {}
    ticket = next((o.ticket for o in outcomes if o.ticket), "")
    observed = any(o.observed for o in outcomes)
    advice = next((o.advice for o in outcomes if o.advice and o.effect == effect), "")
    return Outcome(effect, tuple(reasons), tuple(tiers), ticket if effect == ASK else "", observed, advice)
