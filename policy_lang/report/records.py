"""Records as text: tables, one decision, numbers, a session's story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..audit.verify import Verified
from ..records.row import Row, confined, recorded, said, table, text, texts
from ..records.stats import Stats
from ..records.story import Story, StoryStep
from .decisions import BEHIND_WALLS, effect_lines, rule_place
from .style import colour, show_resource, visible

COLUMNS = (
    "time", "seq", "id", "agent", "session", "client", "action", "resource", "effect", "tiers", "rules", "reason",
    "micros", "policy", "would",
)  # fmt: skip
"""The columns of `--format csv`."""
_WIDE = 70


def table_head() -> str:
    """The head of a table of decisions."""
    return colour(f"{'seq':>7}  {'time (UTC)':<19}  {'effect':<6}  {'agent':<14}  {'action':<9}  resource", "dim")


def table_line(row: Row) -> str:
    """One decision in a table, with the rule or the reason when it did not simply allow."""
    shade = colour(f"{row.effect:<6}", row.effect)
    line = (
        f"{row.seq:>7}  {_clock(row.time):<19}  {shade}  {_fit(row.agent, 14):<14}  {_fit(row.action, 9):<9}  "
        f"{show_resource(row.resource, _WIDE)}"
    )
    if row.effect == "allow" and not row.would:
        return line
    would = f"observed, would {row.would}: " if row.would else ""
    why = ", ".join(visible(r) for r in row.rules[:2]) or visible(row.reason[:_WIDE])
    return f"{line}\n{'':9}{colour(would + why, 'dim')}"


def csv_row(row: Row) -> list[str]:
    """The values of `COLUMNS`. A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    resource = row.resource if isinstance(row.resource, str) else show_resource(row.resource, 1 << 20)
    values = (
        row.time, row.seq, row.id, row.agent, row.session, text(row.origin.get("client")), row.action, resource,
        row.effect, " ".join(row.tiers), " ".join(row.rules), row.reason, row.micros, row.policy, row.would,
    )  # fmt: skip
    return [_cell(str(v)) for v in values]


def _cell(value: str) -> str:
    value = visible(value)
    return "'" + value if value[:1] in "=+-@\t\r" and value[:1] else value


def render_record(row: Row) -> str:
    """One decision: who asked what and when, what was answered and why, and where it stands in the chain."""
    decision = recorded(row)
    record = row.record
    request = table(record.get("request"))
    tiers = f" needs {', '.join(visible(t) for t in row.tiers)}" if row.tiers else ""
    lines = [f"{colour(row.effect, row.effect)}{tiers}  {visible(row.action)} {show_resource(row.resource, 400)}"]
    if row.would:
        needs = ", ".join(visible(t) for t in said(record)[1])
        lines.append(f"  observed: the policy says {row.would}" + (f", which needs {needs}" if needs else ""))
    for rule in decision.rules:
        lines.append(
            f"  {rule_place(rule)}  {visible(rule.id)}" + (f": {visible(rule.because)}" if rule.because else "")
        )
    lines += [f"  {visible(reason)}" for reason in decision.reasons]
    if row.action == "run":
        lines += ["", *effect_lines(row.resource, decision)]
    lines += ["", *_about(row, record, request)]
    return "\n".join(lines)


def _about(row: Row, record: dict[str, object], request: dict[str, object]) -> Iterator[str]:
    yield _field("when", f"{row.time} (UTC), decided in {row.micros} microseconds")
    yield _field("who", row.agent or "an agent without a name")
    for name in ("session", "repo", "branch", "cwd", "workspace", "home", "shell", "method", "destination"):
        if text(request.get(name)):
            yield _field(name, text(request.get(name)))
    if confined(record):
        yield _field("walls", BEHIND_WALLS)
    for name in ("context", "git"):
        if table(request.get(name)):
            yield _field(name, ", ".join(f"{k} = {v}" for k, v in table(request.get(name)).items()))
    for name, value in row.origin.items():
        yield _field("told" if name == "instruction" else name, text(value))
    yield _field("policy", row.policy or "none was in force")
    source = table(record.get("source"))
    yield _field("by", ", ".join(f"{v}" if k == "by" else f"{k} {v}" for k, v in source.items()))
    if texts(record.get("obligations")):
        yield _field("duties", ", ".join(texts(record.get("obligations"))))
    if record.get("redacted"):
        yield _field("redacted", ", ".join(f"{k} {n}" for k, n in table(record.get("redacted")).items()))
    if texts(record.get("flags")):
        yield _field("flags", ", ".join(texts(record.get("flags"))))
    if record.get("cut"):
        yield _field("cut", ", ".join(f"{k} {n}" for k, n in table(record.get("cut")).items()))
    yield _field("record", f"{row.seq}  id {row.id}")
    yield _field("digest", text(record.get("hash")))


def _field(name: str, value: str) -> str:
    return f"{colour(f'{visible(name):<10}', 'dim')} {visible(value)}"


def render_stats(stats: Stats) -> str:
    """The numbers of a log."""
    if not stats.decisions:
        return "no decisions"
    lines = [
        f"{_many(stats.decisions, 'decision')} from {_clock(stats.first)} to {_clock(stats.last)} UTC, "
        f"{_many(len(stats.sessions), 'session')}, {_many(len(stats.policies), 'policy', 'policies')}",
        "",
    ]
    for title, group in (("agent", stats.agents), ("action", stats.actions), ("rule", stats.rules)):
        lines += [*_counts(title, group), ""]
    if stats.would:
        counts = ", ".join(f"{effect} {n}" for effect, n in sorted(stats.would.items()))
        lines += [f"let pass because the policy is only observed (`--would`): {counts}", ""]
    if stats.denied:
        lines.append("most often denied:")
        lines += [f"{n:>8}  {visible(a)} {show_resource(r, _WIDE)}" for (a, r), n in stats.denied.most_common(8)]
        lines.append("")
    if stats.tiers:
        lines.append("approvals needed: " + ", ".join(f"{visible(t)} {n}" for t, n in sorted(stats.tiers.items())))
    if stats.redacted:
        lines.append("secrets taken out: " + ", ".join(f"{visible(k)} {n}" for k, n in sorted(stats.redacted.items())))
    if stats.opaque:
        lines.append(f"commands that could not be read: {stats.opaque}")
    took = [f"{int(share * 100)} % within {stats.micros(share)}" for share in (0.5, 0.95, 0.99)]
    lines.append(f"microseconds to decide: {', '.join(took)}")
    return "\n".join(lines)


def _counts(title: str, group: dict[str, Counter[str]], most: int = 12) -> list[str]:
    lines = [colour(f"{title:<44} {'allow':>8} {'ask':>8} {'deny':>8}", "dim")]
    ranked = sorted(group.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    for name, counts in ranked[:most]:
        shown = _fit(name, 44) or "(none)"
        lines.append(f"{shown:<44} {counts['allow']:>8} {counts['ask']:>8} {counts['deny']:>8}")
    if len(ranked) > most:
        lines.append(f"and {len(ranked) - most} more")
    return lines


def render_verified(found: Verified, path: str) -> str:
    """What verification found."""
    lines = []
    if found.fault:
        lines.append(f"{colour('broken', 'error')}  {visible(found.fault)}")
        if found.records:
            lines.append(f"whole up to record {found.last}" if found.last else "no record before it is whole")
    else:
        held = f"{visible(path)}: records {found.first} to {found.last} in {_many(found.files, 'file')}"
        if found.whole:
            lines.append(f"{colour('whole', 'allow')}  {held}")
        else:
            lines.append(f"{colour('unanchored', 'ask')}  {held}")
            lines.append("the chain holds, and nothing outside it says where it ended or that it was not written anew")
    if found.headless:
        lines.append(f"{colour('note', 'ask')}  `head` is missing or damaged; the writer of a log always leaves one")
    if found.whole and found.anchored < found.last:
        lines.append(f"{found.anchor} vouches for it up to record {found.anchored}, and nothing for what follows")
    if found.first > 1:
        lines.append(f"records before {found.first} are not here; the chain is followed from there on")
    if found.signed:
        lines.append(f"signed up to record {found.signed} ({_many(found.checkpoints, 'checkpoint')})")
    elif found.checkpoints:
        lines.append(f"{_many(found.checkpoints, 'checkpoint')} not checked: give the key by `--public-key FILE`")
    for note in found.notes:
        words = ", ".join(f"{k} {v}" for k, v in note.items() if k not in {"v", "seq", "time", "kind", "prev", "hash"})
        lines.append(f"{colour('note', 'ask')}  record {note.get('seq')}: {note.get('kind')}: {visible(words)}")
    if found.records and not found.fault:
        lines.append(f"head   {found.last}:{found.digest}")
    return "\n".join(lines)


def render_story(found: Story) -> str:
    """A session, step by step."""
    if not found.decisions:
        return f"no decision of the session `{visible(found.session)}`"
    rows = [s for s in found.steps if s.row is not None]
    who = ", ".join(visible(a) for a in found.agents) or "an agent without a name"
    through = f", through {', '.join(visible(c) for c in found.clients)}" if found.clients else ""
    lines = [
        f"session {visible(found.session)}: {who}{through}",
        f"{_clock(rows[0].time)} to {_clock(rows[-1].until)} UTC, {_many(found.decisions, 'call')}: "
        f"{found.effects['allow']} allowed, {found.effects['ask']} asked, {found.effects['deny']} denied",
        *(f"policy {visible(p)}" for p in found.policies),
        "",
    ]
    day = ""
    for step in found.steps:
        if step.time[:10] != day and day:
            lines.append(colour(step.time[:10], "dim"))
        day = step.time[:10]
        lines += _step(step)
    return "\n".join(lines)


_WORDS = {"allow": "allowed", "ask": "asked", "deny": "denied"}


def _step(step: StoryStep) -> Iterator[str]:
    clock = step.time[11:19]
    if step.kind == "told":
        yield f"{clock}  {colour('told', 'help')}     {visible(step.words[:400])}"
        return
    if step.row is None:
        yield f"{clock}  {colour('·', 'dim')}        {visible(step.words[:200])}"
        return
    row = step.row
    resource = show_resource(row.resource, _WIDE)
    if step.times > 1:
        same = row.action != "read" or row.effect != "allow" or row.would
        resource += f" ({step.times} times, until {step.until[11:19]})" if same else f" and {step.times - 1} more"
    word = colour(f"{'observed' if row.would else _WORDS[row.effect]:<8}", row.would or row.effect)
    yield f"{clock}  {word} {visible(row.action)} {resource}  {colour(f'#{step.seq}', 'dim')}"
    if row.effect != "allow" or row.would:
        needs = f"needs {', '.join(visible(t) for t in row.tiers)}: " if row.tiers else ""
        would = f"would {row.would}: " if row.would else ""
        yield f"{'':19}{would}{needs}{visible(step.because[:200])}"
    worst = [e for e in step.effects if e[2] != "allow"] or step.effects
    if worst:
        shown = [f"{visible(a)} {show_resource(r, 50)}" for a, r, _ in worst[:3]]
        more = f" and {len(step.effects) - len(shown)} more" if len(step.effects) > len(shown) else ""
        yield f"{'':19}{colour('that is: ' + ', '.join(shown) + more, 'dim')}"
    if step.again:
        yield f"{'':19}{colour(f'another way to what was denied in #{step.again}', 'error')}"


def _clock(time: str) -> str:
    return visible(time[:19].replace("T", " "))


def _fit(value: str, most: int) -> str:
    value = visible(value)
    return value if len(value) <= most else value[: most - 1] + "…"


def _many(count: int, noun: str, nouns: str = "") -> str:
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"
