"""Changes besides decisions: tiers' definitions, attributes, reasons, tests, proofs, profiles."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ..domain.policy import AttributeType, Tier
from ..domain.wording import counted
from ..ir.model import PolicySet


@dataclass(frozen=True, slots=True)
class Change:
    """One change that is not a decision. `kind` is `lowered`, `raised`, `lost`, `changed` or `noted`."""

    kind: str
    text: str
    names: tuple[str, ...] = ()


def merged_attributes(
    old: PolicySet, new: PolicySet
) -> tuple[dict[str, AttributeType], frozenset[str], tuple[str, ...]]:
    """The attributes of both sides, the names of those whose defaults differ, and of those whose types do."""
    merged = {**old.attributes, **new.attributes}
    spread: set[str] = set()
    clash: list[str] = []
    for name in old.attributes.keys() & new.attributes.keys():
        mine, theirs = old.attributes[name], new.attributes[name]
        default = theirs.default
        if mine.type != theirs.type:
            clash.append(name)
        elif mine.default != theirs.default:
            spread.add(name)
            default = mine.default if mine.default is not None else theirs.default
        members = tuple(dict.fromkeys((*mine.members, *theirs.members)))
        merged[name] = AttributeType(name, theirs.type, members, default)
    return merged, frozenset(spread), tuple(sorted(clash))


def renamed_tiers(old: PolicySet, new: PolicySet) -> dict[str, str]:
    """Old names to new ones of tiers that are the same under another name."""
    gone = [t for name, t in old.tiers.items() if name not in new.tiers]
    come = [t for name, t in new.tiers.items() if name not in old.tiers]
    out: dict[str, str] = {}
    for tier in gone:
        twins = [t for t in come if t.name not in out.values() and _content(t) == _content(tier)]
        if len(twins) == 1:
            out[tier.name] = twins[0].name
    return out


def weaker_tiers(old: PolicySet, new: PolicySet, renamed: dict[str, str]) -> list[Change]:
    """How the definitions of tiers that both sides have differ."""
    out: list[Change] = []
    for name, tier in old.tiers.items():
        theirs = new.tiers.get(renamed.get(name, name))
        if theirs is None:
            out.append(Change("noted", f"the tier `{name}` is gone", (name,)))
            continue
        if name in renamed:
            out.append(Change("noted", f"the tier `{name}` is now called `{theirs.name}`", (name,)))
        out += _compared(tier, theirs)
    known = {*old.tiers, *renamed.values()}
    out += [Change("noted", f"the tier `{n}` is new", (n,)) for n in new.tiers if n not in known]
    return out


def _compared(old: Tier, new: Tier) -> list[Change]:
    out: list[Change] = []

    def note(kind: str, text: str) -> None:
        out.append(Change(kind, f"the tier `{old.name}` {text}", (old.name,)))

    if old.quorum != new.quorum:
        note("lowered" if new.quorum < old.quorum else "raised", f"needs {new.quorum} people instead of {old.quorum}")
    more, fewer = set(new.approvers) - set(old.approvers), set(old.approvers) - set(new.approvers)
    if more:
        note("lowered", "may be approved by " + ", ".join(f"`{a}`" for a in sorted(more)))
    if fewer:
        note("raised", "is no longer approved by " + ", ".join(f"`{a}`" for a in sorted(fewer)))
    if old.scope != new.scope:
        note("lowered" if new.scope == "session" else "raised", f"has the scope `{new.scope}` instead of `{old.scope}`")
    if old.reason_required != new.reason_required:
        kind, text = ("lowered", "needs no reason any more") if old.reason_required else ("raised", "needs a reason")
        note(kind, text)
    if old.expires != new.expires:
        longer = new.expires > old.expires
        note("lowered" if longer else "raised", f"waits {new.expires} s instead of {old.expires} s")
    if old.escalate != new.escalate:
        kind = "lowered" if not old.escalate else "raised" if not new.escalate else "lowered"
        note(kind, f"escalates to `{new.escalate}`" if new.escalate else "denies on timeout")
    for name in sorted(set(new.opens) - set(old.opens)):
        note("lowered", f"now opens `{name}` in an emergency")
    for name in sorted(set(old.opens) - set(new.opens)):
        note("raised", f"no longer opens `{name}` in an emergency")
    gone, come = set(old.includes) - set(new.includes), set(new.includes) - set(old.includes)
    for name in sorted(gone):
        note("changed", f"no longer includes `{name}`")
    for name in sorted(come):
        note("changed", f"now includes `{name}`")
    return out


def changes(old: PolicySet, new: PolicySet) -> list[Change]:
    """Attributes, reasons, tests and proofs that changed or went."""
    return [*_attributes(old, new), *_reasons(old, new), *_expectations(old, new), *_proofs(old, new)]


def _attributes(old: PolicySet, new: PolicySet) -> list[Change]:
    out: list[Change] = []
    for name in dict.fromkeys((*old.attributes, *new.attributes)):
        mine, theirs = old.attributes.get(name), new.attributes.get(name)
        if mine is None or theirs is None:
            text = f"the attribute `{name}` is " + (
                "new" if mine is None else "gone: requests that send it are refused"
            )
            out.append(Change("noted", text, (name,)))
        elif mine != theirs:
            if mine.default != theirs.default:
                text = (
                    f"the attribute `{name}` has the default {_shown(theirs.default)} instead of {_shown(mine.default)}"
                )
                out.append(Change("noted", text, (name,)))
            for verb, members in (
                ("may be", set(theirs.members) - set(mine.members)),
                ("may no longer be", set(mine.members) - set(theirs.members)),
            ):
                if members:
                    out.append(
                        Change(
                            "noted", f"the attribute `{name}` {verb} {', '.join(map(_shown, sorted(members)))}", (name,)
                        )
                    )
    return out


def _shown(value: object) -> str:
    return "`none`" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _reasons(old: PolicySet, new: PolicySet) -> list[Change]:
    mine = {(r.key, r.because): r for layer in old.layers for r in layer.rules if r.because}
    kept = {r.key: r for layer in new.layers for r in layer.rules}
    given = {r.key for layer in new.layers for r in layer.rules if r.because}
    return [
        Change("lost", f"`{kept[key].id}` has lost its reason: {because}", (kept[key].id,))
        for (key, because) in mine
        if key in kept and key not in given
    ]


def _expectations(old: PolicySet, new: PolicySet) -> list[Change]:
    def cases(policy: PolicySet) -> Counter[tuple[object, ...]]:
        return Counter(
            (t.name, t.agent, tuple(sorted(t.given.items())), c.effect, c.tier, c.action, c.method, c.resource)
            for t in policy.tests
            for c in t.cases
        )

    # a case counts by what it expects; a test that was only renamed or split has lost nothing
    gone = Counter({k[1:]: n for k, n in cases(old).items()}) - Counter({k[1:]: n for k, n in cases(new).items()})
    names: dict[str, int] = {}
    for key in cases(old):
        if key[1:] in gone:
            names[str(key[0])] = names.get(str(key[0]), 0) + 1
    return [
        Change("lost", f"the test `{name}` has lost {counted(count, 'expectation')}", (name,))
        for name, count in names.items()
    ]


def _proofs(old: PolicySet, new: PolicySet) -> list[Change]:
    def claims(policy: PolicySet) -> dict[tuple[object, ...], str]:
        return {
            (
                b.agent,
                repr(b.condition),
                p.kind,
                p.tier,
                p.agents,
                p.actions,
                tuple(sorted(x.text for x in p.patterns)),
            ): b.name
            for b in policy.proofs
            for p in b.properties
        }

    kept = claims(new)
    names: dict[str, int] = {}
    for key, name in claims(old).items():
        if key not in kept:
            names[name] = names.get(name, 0) + 1
    return [
        Change("lost", f"the proof `{name}` has lost {counted(count, 'claim')}", (name,))
        for name, count in names.items()
    ]


def _content(tier: Tier) -> tuple[object, ...]:
    """Everything of a tier but its name."""
    return (
        tier.approvers, tier.quorum, tier.expires, tier.includes, tier.scope, tier.reason_required, tier.escalate,
        tier.opens,
    )  # fmt: skip
