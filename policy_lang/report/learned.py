"""Text about a learned policy, and how well it is proved, for the person who reviews it."""

from __future__ import annotations

from ..domain.wording import counted
from ..records.learning.propose import LearnedRule
from ..records.learning.prove import Learned
from .differences import row_text
from .style import colour, show_resource, visible

_SHOWN = 8


def render_learned(found: Learned) -> str:
    """The proof, what is not kept, and what to judge. The policy itself goes elsewhere."""
    replayed, observed = found.replayed, found.observed
    agents = len({n[0] for n in observed.needs})
    lines = [
        f"{len(found.draft.rules):,} rules from {observed.kept:,} allowed or asked decisions of "
        f"{counted(agents, 'agent')}, {observed.first[:10]} to {observed.last[:10]}"
    ]
    lines.append(_mark(found.kept) + f" replayed: {replayed.same:,} of {replayed.total:,} decided as they were")
    lines += _groups(found)
    for why, count in sorted(replayed.undecided.items()):
        lines.append(f"  {colour('undecided', 'ask')} {count:,}: {visible(why)}")
    for (agent, action, why), count in sorted(observed.lost.items())[:_SHOWN]:
        lines.append(
            f"  {colour('not learned', 'ask')} {count:,} {visible(action)} by {visible(agent)}: {visible(why)}"
        )
    for agent, action, value in found.draft.unsaid[:_SHOWN]:
        lines.append(
            f"  {colour('not learned', 'ask')} {action} by {visible(agent)}: no pattern says `{visible(value[:80])}`"
        )
    lines += _difference(found)
    if found.judge:
        lines.append("to judge, because it reaches further than what was seen:")
        for rule in found.judge[: _SHOWN * 2]:
            wide = [f"`{visible(t)}` ({s.values:,})" for t, s in rule.shapes.items() if s.judge]
            lines.append(f"  {_names(rule)}: {', '.join(rule.actions)} {', '.join(wide[:5])}")
        if len(found.judge) > _SHOWN * 2:
            lines.append(f"  and {len(found.judge) - _SHOWN * 2} more rules; the policy says `judge` at each")
    return "\n".join(lines)


def _groups(found: Learned) -> list[str]:
    lines = []
    for group in found.replayed.ranked()[:_SHOWN]:
        example = group.examples[0]
        lines.append(
            f"  {colour(group.kind, 'deny')} {group.count:,}: {visible(group.before)} -> {visible(group.after)}, "
            f"{visible(group.action)} {show_resource(example.resource, 60)} by {visible(group.agent)}"
        )
        lines.append(f"    {colour(visible(example.reason[:160]), 'dim')}")
    return lines


def _difference(found: Learned) -> list[str]:
    if found.difference is None:
        return [colour("not compared with a policy in force; give it by `--against`", "dim")]
    rows = [r for r in found.difference.rows if r.kind in {"widened", "lowered"}]
    fewer = sum(r.kind in {"narrowed", "raised"} for r in found.difference.rows)
    unsure = f", {len(found.difference.undecided)} questions undecided" if found.difference.undecided else ""
    mark = colour("undecided", "ask") if unsure and not rows else _mark(not rows)
    head = f"{mark} compared: {len(rows)} things beyond the policy in force, {fewer} fewer{unsure}"
    if rows:
        head += "; `--within` makes that a ceiling, which nothing can go beyond"
    why = dict.fromkeys(f"{u.action}: {u.why}" for u in found.difference.undecided)
    return [head, *(f"  {row_text(r)}" for r in rows[:_SHOWN]), *(f"  {visible(w)}" for w in list(why)[:_SHOWN])]


def _names(rule: LearnedRule) -> str:
    return ", ".join(visible(a) or "an agent without a name" for a in rule.agents[:3]) + (
        f" and {len(rule.agents) - 3} more" if len(rule.agents) > 3 else ""
    )


def _mark(good: bool) -> str:
    return colour("proved", "allow") if good else colour("not proved", "deny")
