"""A record of a decision as people and tables want it. Records are data from elsewhere: whatever is odd reads as ''."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.decision import Answer, Decision, Effect, RuleRef, Verdict
from ..domain.strict_json import Json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.actions import DecisionEffect


EFFECTS: dict[str, DecisionEffect] = {ALLOW: ALLOW, ASK: ASK, DENY: DENY}


def text(value: object) -> str:
    """A text, or nothing for what is none."""
    return value if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def table(value: object) -> Json:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def tables(value: object) -> list[Json]:
    """The objects of a list."""
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def number(value: object) -> int:
    """A whole number, or 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def confined(record: Json) -> bool:
    """Whether the record is of an agent behind walls."""
    return record.get("confined") is True


def resource_of(value: object) -> str | tuple[str, ...]:
    """The resource of a request or an effect."""
    if isinstance(value, dict):
        value = value.get("pattern")
    return texts(value) if isinstance(value, list) else text(value)


def effect_of(value: object) -> DecisionEffect:
    """One of the three; what is none of them is not a permission."""
    return EFFECTS.get(value, DENY) if isinstance(value, str) else DENY


def earliest(*times: str) -> str:
    """The first of some times as records say them; an empty one is none."""
    return min(filter(None, times), default="")


def said(record: Json) -> tuple[DecisionEffect, tuple[str, ...]]:
    """What the policy said, and which tiers it needs: where it was only observed, not what was answered."""
    found = record.get("would")
    source = record if found is None else table(found)
    return effect_of(source.get("effect")), texts(source.get("tiers"))


@dataclass(frozen=True, slots=True)
class Row:
    """One decision: what a table shows. `rules` are the ids of the rules that decided; `record` is all of it.

    `would` is what the policy said to what was only observed and let pass, `ask` or `deny`; else it is empty.
    """

    seq: int
    time: str
    id: str
    agent: str
    session: str
    action: str
    resource: str | tuple[str, ...]
    effect: DecisionEffect
    tiers: tuple[str, ...]
    rules: tuple[str, ...]
    reason: str
    micros: int
    policy: str
    origin: Json
    record: Json
    would: Literal["", "ask", "deny"] = ""

    def as_said(self) -> Row:
        """The decision as it would have been if the policy had been enforced."""
        effect, tiers = said(self.record)
        return replace(self, effect=effect, tiers=tiers)


def row(record: Json) -> Row:
    """The row of a decision's record."""
    request = table(record.get("request"))
    reasons = texts(record.get("reasons"))
    return Row(
        number(record.get("seq")),
        text(record.get("time")),
        text(record.get("id")),
        text(request.get("agent")),
        text(request.get("session")),
        text(request.get("action")),
        resource_of(request.get("resource")),
        effect_of(record.get("effect")),
        texts(record.get("tiers")),
        tuple(text(r.get("id")) for r in tables(record.get("rules"))),
        reasons[0] if reasons else "",
        number(record.get("micros")),
        text(record.get("policy")),
        table(request.get("origin")),
        record,
        let_pass(record),
    )


def let_pass(record: Json) -> Literal["", "ask", "deny"]:
    """What the policy said to what was let pass because it was only observed; empty for all other decisions."""
    found = said(record)[0]
    return "" if found == ALLOW or record.get("effect") != ALLOW else found


def recorded(found: Row) -> Decision:
    """The decision as it was recorded, to be shown as any other is."""
    rules = {r.id: r for r in map(_rule, tables(found.record.get("rules")))}
    verdict = Verdict(
        found.effect, found.tiers, tuple(rules.values()), texts(found.record.get("reasons")),
        texts(found.record.get("obligations")),
    )  # fmt: skip
    effects = tuple(_effect(e, rules) for e in tables(found.record.get("effects")))
    opaque = texts(found.record.get("opaque"))
    return Decision(Answer(verdict, found.policy, found.action, found.resource, effects, opaque))


def _rule(value: Json) -> RuleRef:
    return RuleRef(
        text(value.get("id")), effect_of(value.get("effect")), text(value.get("file")), number(value.get("line")),
        text(value.get("because")), text(value.get("tier")),
    )  # fmt: skip


def _effect(value: Json, known: dict[str, RuleRef]) -> Effect:
    rules = tuple(known.get(name, RuleRef(name, "", "", 0)) for name in texts(value.get("rules")))
    span = value.get("span")
    start, end = (number(span[0]), number(span[1])) if isinstance(span, list) and len(span) == 2 else (0, 0)
    verdict = Verdict(effect_of(value.get("effect")), texts(value.get("tiers")), rules)
    return Effect(
        text(value.get("action")), resource_of(value.get("resource")), verdict, start, end, text(value.get("note")),
        text(value.get("opaque")), text(value.get("mend")),
    )  # fmt: skip
