"""Text about the result of a replay."""

from __future__ import annotations

from ..records.replay import Group, Replayed
from .style import colour, show_resource, visible

_TITLES = {
    "denied": ("would now be denied", "deny"),
    "allowed": ("was denied, would now be allowed", "error"),
    "opened": ("was denied, would now be asked", "ask"),
    "trusted": ("was asked, would now be allowed", "ask"),
    "asked": ("would now be asked", "ask"),
    "tiers": ("would be asked of others", "ask"),
}
_SHOWN = 30


def render_replay(found: Replayed) -> str:
    """The changes by kind, rule and agent, with examples; then the counts."""
    lines: list[str] = []
    kind = ""
    ranked = found.ranked()
    for group in ranked[:_SHOWN]:
        if group.kind != kind:
            kind = group.kind
            title, shade = _TITLES[kind]
            lines += [f"{colour(title, shade)}: {found.changed[kind]:,}"]
        lines += _group(group)
    if len(ranked) > _SHOWN:
        lines.append(f"and {len(ranked) - _SHOWN} more groups; `--format json` has them all")
    if lines:
        lines.append("")
    lines += [f"{colour('undecided', 'ask')}: {n:,}: {visible(why)}" for why, n in sorted(found.undecided.items())]
    lines += [f"{colour('left out', 'dim')}: {n:,}: {visible(why)}" for why, n in sorted(found.skipped.items())]
    changed = sum(found.changed.values())
    lines.append(f"{found.total:,} decisions: {found.same:,} the same, {changed:,} changed" + _rest(found))
    return "\n".join(lines)


def _rest(found: Replayed) -> str:
    out = ""
    for words, counts in (("undecided", found.undecided), ("left out", found.skipped)):
        if counts:
            out += f", {sum(counts.values()):,} {words}"
    return out


def _group(group: Group) -> list[str]:
    who = visible(group.agent) or "an agent without a name"
    rules = ", ".join(visible(r) for r in group.rules[:3]) or "no rule grants it"
    more = f" and {len(group.rules) - 3} more" if len(group.rules) > 3 else ""
    lines = [
        f"  {group.count:>8,}  {visible(group.action)} by {who}: {visible(group.before)} -> {visible(group.after)}",
        f"            {colour(rules + more, 'dim')}",
    ]
    for example in group.examples:
        lines.append(f"            #{example.seq} {example.time[:19]} {show_resource(example.resource, 80)}")
    if group.examples and group.examples[0].reason:
        lines.append(f"            {colour(visible(group.examples[0].reason[:160]), 'dim')}")
    return lines
