"""Proposals for the person who judges them: the rules, what they let pass, what else, and the change of the policy."""

from __future__ import annotations

from collections.abc import Iterable

from ..domain.wording import counted
from ..records.row import row
from ..records.suggesting.edit import RulePlace
from ..records.suggesting.group import Refused
from ..records.suggesting.stops import Stop, Stops
from ..records.suggesting.suggest import Proposal, Suggested
from .decisions import rule_place
from .differences import circumstances, witness_text
from .style import colour, show_resource, visible

_EXAMPLES = 3
_ALSO = 6
_REFUSED = 20


def render_suggested(found: Suggested, stops: Stops) -> str:
    """All proposals, then what is not proposed."""
    lines: list[str] = []
    for number, proposal in enumerate(found.proposals, 1):
        lines += [*proposal_lines(proposal, f"{number}. "), ""]
    for finding in found.elsewhere:
        lines.append(f"all of them together: {colour(finding.code, finding.severity)} {visible(finding.message)}")
    lines += _not_proposed(found, stops)
    total = sum(s.seen.count for s in stops.found.values()) + sum(stops.lost.values())
    more = f", {found.more:,} more when these are settled" if found.more else ""
    lines.append(
        f"{counted(len(found.proposals), 'proposal')}{more}, from {counted(total, 'stop')} in "
        f"{counted(stops.decisions, 'decision')}"
        + (f"; {found.passing:,} of them would pass now" if found.passing else "")
    )
    return "\n".join(lines)


def proposal_lines(proposal: Proposal, head: str = "") -> list[str]:
    """One proposal with its diff."""
    seen, stops = proposal.seen, proposal.stops
    agents = sorted({s.agent for s in stops})
    first = min(s.first for s in stops)
    lines = [f"{head}{colour(proposal.id, 'help')}  for {place_text(proposal.place)}"]
    lines += [f"   {colour(visible(rule), 'allow')}" for rule in proposal.rules]
    lines.append(
        f"   lets pass {counted(seen.count, 'stop')}, {len(stops):,} different, in "
        f"{counted(len(seen.sessions), 'session')} of {_names(agents)}, {first[:10]} to {seen.last[:10]}:"
    )
    lines += [f"     {_asked(s)}" for s in stops[:_EXAMPLES]]
    if len(stops) > _EXAMPLES:
        lines.append(f"     and {len(stops) - _EXAMPLES:,} more")
    lines += _odd(proposal)
    lines += _also(proposal)
    for finding in proposal.findings:
        lines.append(f"   lint: {colour(finding.code, finding.severity)} {visible(finding.message)}")
    if proposal.untested:
        lines.append(f"   test: {proposal.untested}")
    lines += [f"     {visible(line)}" for line in proposal.diff.splitlines()]
    return lines


def place_text(place: RulePlace) -> str:
    """For whom a rule is."""
    who = f"agent {', '.join(f'`{visible(a)}`' for a in place.agents)}" if place.agents else "every agent"
    return who + (f" on `{visible(place.repo)}`" if place.repo else "")


def _names(agents: list[str]) -> str:
    shown = ", ".join(visible(a) or "an agent without a name" for a in agents[:3])
    return shown + (f" and {len(agents) - 3} more" if len(agents) > 3 else "")


def _asked(stop: Stop) -> str:
    one = row(stop.record)
    return f"{visible(one.action)} {show_resource(one.resource)}"


def _odd(proposal: Proposal) -> list[str]:
    """What does not look like what it is."""
    odd = sorted({c for rule in proposal.rules for c in rule if not c.isascii()})
    hidden = any("\\u{" in rule for rule in proposal.rules)
    if not odd and not hidden:
        return []
    named = ", ".join(f"`{visible(c)}` is U+{ord(c):04X}" for c in odd[:8])
    why = "it holds characters that do not show" if hidden else "it holds characters that may look like others"
    return [f"   {colour('look closely', 'warning')}: {why}" + (f": {named}" if named else "")]


def _also(proposal: Proposal) -> list[str]:
    lines = []
    for one in proposal.also.grants[:_ALSO]:
        given = f"  ({'; '.join(circumstances(one.witness))})" if circumstances(one.witness) else ""
        lines.append(f"   also permits: {colour(witness_text(one.witness), 'help')}{given}")
    if len(proposal.also.grants) > _ALSO:
        lines.append(f"   also permits: {len(proposal.also.grants) - _ALSO} more")
    lines += [f"   {colour('undecided', 'ask')}: {visible(why)}" for why in proposal.also.undecided]
    if not lines:
        lines.append("   permits nothing else")
    return lines


def _not_proposed(found: Suggested, stops: Stops) -> list[str]:
    refused = sorted(found.refused, key=lambda r: (r.rule is None, -r.seen.count, r.why))
    lost = sorted(stops.lost.items())
    if not refused and not lost:
        return []
    lines = ["not proposed, because"]
    for one in refused[:_REFUSED]:
        lines += _refused(one)
    if len(refused) > _REFUSED:
        lines.append(f"  {counted(len(refused) - _REFUSED, 'reason')} more")
    lines += [f"  {visible(why)}: {counted(times, 'stop')}" for why, times in lost]
    return [*lines, ""]


def _refused(one: Refused) -> Iterable[str]:
    rule = f": {rule_place(one.rule)}  {visible(one.rule.id)}" if one.rule is not None else ""
    yield f"  {visible(one.why[:160])}{rule}: {counted(one.seen.count, 'stop')}"
    yield f"    {_asked(one.examples[0])}" + (f" and {len(one.examples) - 1:,} more" if len(one.examples) > 1 else "")
