"""Answers to queries as text."""

from __future__ import annotations

from ..analysis.facts import Fact
from ..analysis.query import QueryAnswer, QueryGrant
from ..analysis.witness import Witness
from ..domain.wording import counted
from .decisions import rule_place
from .differences import circumstances, witness_text
from .style import colour, visible

_CUTS = 4


def _effect(grant: QueryGrant) -> str:
    return f"ask {', '.join(grant.tiers)}" if grant.tiers else grant.effect


def _patterns(texts: tuple[str, ...], most: int = 6) -> str:
    shown = ", ".join(f'"{visible(t)}"' for t in texts[:most])
    return shown + (f" and {len(texts) - most} more" if len(texts) > most else "")


def _who(grant: QueryGrant) -> str:
    if grant.everyone:
        return "every agent"
    names = ", ".join(visible(a) for a in grant.agents if a is not None)
    nameless = "agents without a name" if None in grant.agents else ""
    return " and ".join(x for x in (names, nameless) if x)


def _example(witness: Witness) -> str:
    given = circumstances(witness)
    return witness_text(witness) + (f"  ({'; '.join(given)})" if given else "")


def _pattern_line(grant: QueryGrant) -> str:
    without = f" except {_patterns(grant.exceptions)}" if grant.exceptions else ""
    return _patterns(grant.patterns) + without + _only(grant)


def _only(grant: QueryGrant) -> str:
    return f", only when {grant.only}" if grant.only else ""


def render_grants(answer: QueryAnswer) -> str:
    """Each grant with its example and what cuts into it."""
    lines: list[str] = []
    for grant in answer.grants:
        shade = "allow" if grant.effect == "allow" else "ask"
        lines.append(f"{colour(_effect(grant), shade)}  {grant.action} {_pattern_line(grant)}")
        lines.append(f"    {rule_place(grant.rule)}  {visible(grant.rule.id)}, for {_who(grant)}")
        lines.append(f"    example: {_example(grant.witness)}")
        for rule, _ in grant.cuts[:_CUTS]:
            lines.append(f"    less what {visible(rule.id)} denies  {rule_place(rule)}")
        if len(grant.cuts) > _CUTS:
            lines.append(f"    less what {len(grant.cuts) - _CUTS} more rules deny")
    return "\n".join([*lines, *_end(answer)])


def render_who(answer: QueryAnswer) -> str:
    """Agent by agent: what it takes, by which rule, with an example."""
    lines: list[str] = []
    agents = dict.fromkeys(a for g in answer.grants for a in g.agents)
    for agent in sorted(agents, key=lambda a: (a is None, a or "")):
        mine = [g for g in answer.grants if agent in g.agents]
        name = "an agent without a name, or any other" if agent is None else visible(agent)
        best = next((g for g in mine if g.effect == "allow"), mine[0])
        lines.append(f"{name}: {colour(_effect(best), 'allow' if best.effect == 'allow' else 'ask')}")
        for grant in mine:
            lines.append(f"    {_effect(grant)} by {rule_place(grant.rule)}  {visible(grant.rule.id)}{_only(grant)}")
        lines.append(f"    example: {_example(best.witness)}")
    return "\n".join([*lines, *_end(answer)])


def render_summary(answer: QueryAnswer) -> str:
    """One line for each grant, by action."""
    rows = [(g.action, _effect(g), _pattern_line(g), len(g.cuts), rule_place(g.rule)) for g in answer.grants]
    if not rows:
        return "\n".join(_end(answer))
    widths = [max(len(str(r[i])) for r in rows) for i in range(2)]
    lines: list[str] = []
    before = ""
    for action, effect, patterns, cuts, place in rows:
        shown = action if action != before else ""
        before = action
        less = f"  (less {counted(cuts, 'denial')})" if cuts else ""
        lines.append(f"{shown:{widths[0]}}  {effect:{widths[1]}}  {patterns}{less}  {colour(place, 'dim')}")
    return "\n".join([*lines, *_end(answer)])


_FACTS = {
    "dead": "everything it grants is denied",
    "redundant": "without it nothing would be decided otherwise",
    "neutralised": "a ceiling takes away all that it grants",
    "idle": "nothing that it restricts is granted",
    "useless-exception": "its exception takes nothing away",
    "contradiction": "it denies exactly what another rule grants",
}


def fact_text(fact: Fact) -> str:
    """A fact about a rule on one line."""
    pattern = f' "{visible(fact.pattern)}"' if fact.pattern else ""
    by = f" ({', '.join(rule_place(r) for r in fact.by[:3])})" if fact.by else ""
    return f"{rule_place(fact.rule)}  {visible(fact.rule.id)}: {_FACTS[fact.kind]}{pattern}{by}"


def _end(answer: QueryAnswer) -> list[str]:
    lines = [colour(f"undecided: {visible(text)}", "ask") for text in answer.undecided]
    if not answer.grants and not answer.undecided:
        lines.append("nothing: proved for every request")
    return lines
