"""Differences, proofs and answers as text, as Markdown for a pull request, and as annotations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from ..analysis.diff import Diff, Undecided
from ..analysis.prove import Proof
from ..analysis.rows import DiffRow
from ..analysis.witness import USUAL, Witness
from ..domain.conditions import CONFINED, MISSING, OBJECT
from ..domain.decision import RuleRef, Verdict
from ..facts.paths import HOME, TMP, WORKSPACE
from .decisions import rule_place
from .style import colour, show_resource, visible

TITLES = {
    "widened": "newly permitted",
    "lowered": "needs less approval",
    "unlogged": "no longer flagged in the log",
    "narrowed": "no longer permitted",
    "raised": "needs more approval",
    "logged": "newly flagged in the log",
}
_COLOURS = {
    "widened": "deny",
    "lowered": "ask",
    "unlogged": "ask",
    "narrowed": "allow",
    "raised": "allow",
    "logged": "dim",
}
_CLAIMS = {"never_allow": "never allow", "always_deny": "always deny", "always_ask": "always ask", "only_may": "only"}
SAME = "no change in meaning"


def effect_of(verdict: Verdict) -> str:
    """`allow`, `deny`, or `ask` with its tiers."""
    return f"ask {', '.join(verdict.tiers)}" if verdict.tiers else verdict.effect


def witness_text(witness: Witness) -> str:
    """A request as one would type it."""
    method = f"{witness.method} " if witness.method else ""
    return f"{witness.action} {method}{show_resource(witness.resource)}"


def circumstances(witness: Witness, only: str = "") -> list[str]:
    """What a request needs besides: attributes, the time, an unusual place, and the side of the walls if that tells."""
    out = [f"only when {only}"] if only else []
    for name, value in sorted(witness.given.items()):
        if name == "agent" or (name == CONFINED and only):
            continue
        if value == MISSING:
            out.append(f"without {name}")
        elif value == OBJECT:
            out.append(f"{name} = {{}}")
        elif name == "now" and isinstance(value, int):
            out.append(f"at {datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%MZ}")
        elif value is not None:
            shown = str(value).lower() if isinstance(value, bool) else value
            out.append(f"{name} = {visible(str(shown))}")
    if witness.resolved:
        out.append(f"resolved to {', '.join(witness.resolved)}")
    for mark, word in ((WORKSPACE, "workspace"), (HOME, "home"), (TMP, "temporary folder")):
        place = witness.layout.folder(mark)
        if place is not None and place != USUAL[mark] and not place.startswith("/elsewhere"):
            out.append(f"with the {word} at {visible(place)}")
    return out


def agents_text(row: DiffRow) -> str:
    """Which agents a row is about."""
    if row.everyone:
        return "every agent"
    names = [f"`{visible(a)}`" for a in row.agents if a is not None]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    text = ", ".join(names[:3]) + more
    if None in row.agents:
        text = f"{text} and agents without a name" if text else "agents without a name"
    return text


# text


def render_diff(found: Diff, names: tuple[str, str]) -> str:
    """The whole difference, the widening first."""
    lines: list[str] = []
    for kind, title in TITLES.items():
        rows = [r for r in found.rows if r.kind == kind]
        if rows:
            lines.append(f"{colour(title, _COLOURS[kind])} ({len(rows)})")
            for row in rows:
                lines += [f"  {line}" for line in _row_lines(row)]
            lines.append("")
    if found.changes:
        lines.append("besides")
        lines += [f"  {c.kind:8}  {visible(c.text)}" for c in found.changes]
        lines.append("")
    if found.undecided:
        lines.append(colour(f"undecided ({len(found.undecided)})", "ask"))
        lines += [f"  {undecided_text(u)}" for u in found.undecided]
        lines.append("")
    lines.append(summary(found, names))
    return "\n".join(lines)


def summary(found: Diff, names: tuple[str, str]) -> str:
    """One line that says it all."""
    if found.same:
        lost = sum(c.kind == "lost" for c in found.changes)
        more = f"; lost besides: {lost}" if lost else ""
        return f"{SAME}: proved for every request{_where(found)}{more}"
    counts = [f"{n} {TITLES[k]}" for k in TITLES if (n := sum(r.kind == k for r in found.rows))]
    if found.undecided:
        counts.append(f"{len(found.undecided)} undecided")
    counts = counts or ["no request is decided differently"]
    return f"{visible(names[0])} -> {visible(names[1])}: " + ", ".join(counts)


def _where(found: Diff) -> str:
    layout = found.layout
    fixed = [
        f"{word} {place}"
        for word, place in (("workspace", layout.workspace), ("home", layout.home), ("tmp", layout.tmp))
        if place is not None
    ]
    return f" with {', '.join(fixed)}" if fixed else ", wherever the workspace and the home are"


def _row_lines(row: DiffRow) -> Iterator[str]:
    yield f"{agents_text(row)}: {_request(row.witness, only=row.only)}"
    yield f"    {effect_of(row.old)} -> {effect_of(row.new)}" + (f"  (the tier `{row.tier}`)" if row.tier else "")
    if row.pattern:
        part = {True: "all of ", False: "part of "}.get(row.whole, "") if row.whole is not None else ""
        yield f"    {part}`{visible(row.pattern)}`, {visible(row.rule.id)} ({row.side})"
    yield from (f"    old: {text}" for text in _because(row.old))
    yield from (f"    new: {text}" for text in _because(row.new))
    if row.files:
        shown = ", ".join(visible(f) for f in row.files[:3])
        yield f"    tracked files: {len(row.files)} ({shown}{', ...' if len(row.files) > 3 else ''})"
    if row.proof != row.witness:
        yield f"    shortest: {_request(row.proof, only=row.only)}"


def _request(witness: Witness, *before: str, only: str = "") -> str:
    """A request with what it needs besides, in brackets."""
    given = [*before, *circumstances(witness, only)]
    return colour(witness_text(witness), "help") + (f"  ({'; '.join(given)})" if given else "")


def _because(verdict: Verdict) -> list[str]:
    if verdict.rules:
        return [f"{rule_place(r)}  {visible(r.id)}" for r in verdict.rules[:4]]
    return [visible(reason) for reason in verdict.reasons[:1]]


def undecided_text(one: Undecided) -> str:
    """What could not be decided."""
    rule = f"{rule_place(one.rule)}  {one.rule.id}: " if one.rule else ""
    action = f"{one.action} ({one.kind}): " if one.action else ""
    return visible(f"{action}{rule}{one.why}")


# Markdown


def markdown_diff(found: Diff, names: tuple[str, str]) -> str:
    """A comment for a pull request."""
    lines = [f"### Policy: {_code(names[0])} → {_code(names[1])}", ""]
    if found.same:
        lines.append(f"**{SAME[0].upper()}{SAME[1:]}**, proved for every request{_where(found)}.")
    for kind, title in TITLES.items():
        rows = [r for r in found.rows if r.kind == kind]
        if not rows:
            continue
        lines += [f"#### {title[0].upper()}{title[1:]}: {len(rows)}", ""]
        lines += ["| who | request | before | after | rule |", "| --- | --- | --- | --- | --- |"]
        for row in rows:
            given = "; ".join(circumstances(row.witness))
            files = f"<br>{len(row.files)} tracked files" if row.files else ""
            request = _code(witness_text(row.witness)) + (f"<br>{_plain(given)}" if given else "") + files
            place = f"{_code(row.pattern)}<br>" if row.pattern else ""
            lines.append(
                f"| {_plain(agents_text(row)).replace('`', '')} | {request} | {effect_of(row.old)} "
                f"| {effect_of(row.new)} | {place}{_plain(rule_place(row.rule))} |"
            )
        lines.append("")
    if found.changes:
        lines += ["#### Besides", "", *(f"- {c.kind}: {_plain(c.text)}" for c in found.changes), ""]
    if found.undecided:
        lines += ["#### Undecided within limits", "", *(f"- {_plain(undecided_text(u))}" for u in found.undecided), ""]
    return "\n".join(lines).rstrip()


def _plain(text: str) -> str:
    """Text that cannot turn into markup or leave its cell."""
    out = visible(text)
    for char in "\\<>|*_[]":
        out = out.replace(char, f"&#{ord(char)};")
    return out


def _code(text: str) -> str:
    out = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "&#124;")
    return f"<code>{out.replace('`', '&#96;').replace('*', '&#42;').replace('_', '&#95;')}</code>"


# annotations


def row_text(row: DiffRow) -> str:
    """A difference on one line."""
    only = f" (only when {row.only})" if row.only else ""
    return f"{witness_text(row.witness)} for {agents_text(row)}: {effect_of(row.old)} -> {effect_of(row.new)}{only}"


def github_lines(found: Diff) -> Iterator[str]:
    """Workflow commands that GitHub shows beside the lines."""
    for row in found.rows:
        level = "error" if row.kind == "widened" else "warning" if row.kind in {"lowered", "unlogged"} else "notice"
        text = f"{TITLES[row.kind]}: {row_text(row)}"
        yield f"::{level} {_place(row.rule)},title=policy diff::{escaped(text)}"
    for change in found.changes:
        level = "warning" if change.kind in {"lowered", "lost"} else "notice"
        yield f"::{level} title=policy diff::{escaped(change.text)}"
    for one in found.undecided:
        yield f"::warning title=policy diff::{escaped('undecided: ' + undecided_text(one))}"


def _place(rule: RuleRef) -> str:
    file = escaped(rule.file).replace(":", "%3A").replace(",", "%2C")
    return f"file={file},line={max(rule.line, 1)}"


def escaped(text: str) -> str:
    """Text for a workflow command of GitHub."""
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


# proofs


def claim_text(proof: Proof) -> str:
    """A claim as it stands in the policy."""
    claim = proof.claim
    patterns = ", ".join(f'"{visible(p.text)}"' for p in claim.patterns)
    actions = ", ".join(claim.actions)
    agents = ", ".join(f'"{visible(a)}"' for a in claim.agents)
    middle = {"always_ask": f" {claim.tier}", "only_may": f" {agents} may"}.get(claim.kind, "")
    return f"{_CLAIMS[claim.kind]}{middle} {actions} {patterns}"


def render_proofs(proofs: Iterable[Proof]) -> str:
    """Each claim, and for a refuted one the request that breaks it."""
    lines: list[str] = []
    shades = {"proved": "allow", "refuted": "deny", "vacuous": "error", "undecided": "ask"}
    for proof in proofs:
        place = f"{visible(proof.claim.span.source.path)}:{proof.claim.span.line}"
        verdict = colour(f"{proof.verdict:9}", shades[proof.verdict])
        lines.append(f"{verdict}  {place}  {visible(proof.block.name)}: {claim_text(proof)}")
        if proof.why:
            lines.append(f"             {visible(proof.why)}")
        if proof.witness is not None and proof.decided is not None:
            agent = proof.witness.given.get("agent")
            asked = _request(
                proof.witness, *([f"as {visible(str(agent))}"] if agent is not None else []), only=proof.only
            )
            lines.append(f"             {asked}")
            lines.append(f"             is decided {effect_of(proof.decided)}")
            lines += [f"             {text}" for text in _because(proof.decided)]
    return "\n".join(lines)
