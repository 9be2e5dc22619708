"""Decisions and recorded sessions as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..domain.decision import Decision, Effect, RuleRef
from ..domain.errors import RequestError
from ..domain.request import Request
from ..engine.explain import Explanation
from .style import colour, show_resource, visible

BEHIND_WALLS = "behind walls, which hold the policy for all that the agent starts"
"""How a record and a ticket say `confined`."""


def rule_place(rule: RuleRef) -> str:
    """`file:line` of a rule."""
    return f"{visible(rule.file)}:{rule.line}" if rule.line else visible(rule.file)


def render_decision(request: Request, decision: Decision, ways: Iterable[str] = ()) -> str:
    """One decision with its tiers, rules and reasons, and the ways on from it."""
    tiers = f" needs {', '.join(decision.tiers)}" if decision.tiers else ""
    head = f"{colour(decision.effect, decision.effect)}{tiers}  {request.action} {show_resource(request.resource)}"
    lines = [head]
    lines += [f"  {rule_place(r)}  {visible(r.id)}" for r in decision.rules]
    lines += [f"  {visible(reason)}" for reason in decision.reasons]
    lines += [f"  {colour(way, 'help')}" for way in ways]
    return "\n".join(lines)


def render_explanation(request: Request, explanation: Explanation, ways: Iterable[str] = ()) -> str:
    """A decision, how the resource was read, what each candidate rule said, and the ways on."""
    lines = [render_decision(request, explanation.decision, ways), ""]
    if request.action == "run" and not request.pattern:
        lines += [*effect_lines(request.resource, explanation.decision), ""]
    lines += [f"read as {visible(text)}" for text in explanation.reading]
    if not explanation.rules:
        lines.append(f"no rule is about `{request.action}`")
    marks = {"yes": colour("holds", "allow"), "maybe": colour("may hold", "ask"), "no": colour("no", "dim")}
    for answer in explanation.rules:
        effect = answer.rule.effect + (f" {answer.rule.tier}" if answer.rule.tier else "")
        lines.append(
            f"  {marks[answer.holds]:8}  {effect:14} {rule_place(answer.rule)}  {visible(answer.rule.id)}"
            f"\n            {colour(answer.why, 'dim')}  ({visible(answer.layer)})"
        )
    return "\n".join(lines)


def asked_from(request: Request, taken: Iterable[str]) -> str:
    """A line about what of a request was taken from the place where it was asked."""
    taken = set(taken)
    parts = [f"workspace `{visible(request.workspace or '')}`"] if "workspace" in taken else []
    if "cwd" in taken and request.cwd != request.workspace:
        parts.append(f"folder `{visible(request.cwd or '')}`")
    if "branch" in taken:
        parts.append(f"branch `{visible(request.branch or '')}`")
    return colour(f"asked from here: {', '.join(parts or ['home'])}; --bare asks without", "dim")


def effect_lines(resource: str | tuple[str, ...], decision: Decision) -> list[str]:
    """What a command does: each part of the script underlined, with its effects, their decisions and rules."""
    script = resource if isinstance(resource, str) else ""
    groups: dict[tuple[int, int], list[Effect]] = {}
    for effect in decision.effects:
        groups.setdefault((effect.start, effect.end), []).append(effect)
    lines: list[str] = []
    for (start, end), effects in sorted(groups.items()):
        if script:
            lines += _underlined(script, start, end)
        for effect in effects:
            lines += _effect_lines(effect)
    return lines


def _underlined(script: str, start: int, end: int) -> list[str]:
    """The line of a script where a part begins, with the part underlined."""
    begin = script.rfind("\n", 0, start) + 1
    close = script.find("\n", start)
    close = len(script) if close < 0 else close
    head, part, tail = (
        visible(script[begin:start]),
        visible(script[start : min(end, close)]),
        visible(script[min(end, close) : close]),
    )
    if len(head) > 60:
        head = "…" + head[-59:]
    more = " …" if end > close else ""
    return [f"  {head}{part}{tail[:60]}{more}", f"  {' ' * len(head)}{colour('~' * max(1, len(part)), 'help')}"]


def _effect_lines(effect: Effect) -> list[str]:
    verdict = effect.verdict
    word = verdict.effect + (f" {', '.join(verdict.tiers)}" if verdict.tiers else "")
    what = "opaque" if effect.opaque else f"{effect.action} {show_resource(effect.resource, 90)}"
    free = " (the shell's own state: needs no grant)" if effect.free and verdict.effect == "allow" else ""
    if effect.file:
        free = f" (in {visible(effect.file)})"
    elif effect.supposed:
        free = " (in some reading of its words)"
    lines = [f"    {colour(f'{word:<14}', verdict.effect)} {what}{colour(free, 'dim')}"]
    if effect.opaque:
        lines.append(
            f"        {visible(effect.opaque)}" + (f"; {visible(effect.remediation)}" if effect.remediation else "")
        )
    lines += [f"        {colour(rule_place(r), 'dim')}  {visible(r.id)}" for r in verdict.rules]
    if not verdict.rules and verdict.effect != "allow":
        lines += [f"        {visible(reason)}" for reason in verdict.reasons]
    if effect.note:
        lines.append(f"        {colour('note: ' + visible(effect.note), 'dim')}")
    return lines


@dataclass(slots=True)
class SessionReport:
    """Collects the decisions of a recorded session, keeping only what the report shows."""

    effects: Counter[str] = field(default_factory=Counter)
    by_action: dict[str, Counter[str]] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    tiers: Counter[str] = field(default_factory=Counter)

    def add(self, line: int, request: Request, decision: Decision) -> None:
        """Count one decision; keep it when it did not simply allow."""
        self.effects[decision.effect] += 1
        self.by_action.setdefault(request.action, Counter())[decision.effect] += 1
        self.tiers.update(decision.tiers)
        if decision.effect == "allow":
            return
        word = decision.effect + (f" {', '.join(decision.tiers)}" if decision.tiers else "")
        lines = [
            f"{line:>5}  {colour(f'{word:<14}', decision.effect)} {request.action:<9} "
            f"{show_resource(request.resource, 90)}"
        ]
        for rule in decision.rules:
            text = f": {visible(rule.because)}" if rule.because else ""
            lines.append(f"       {colour(rule_place(rule), 'dim')}  {visible(rule.id)}{text}")
        if not decision.rules or decision.opaque:
            lines += [f"       {colour(visible(r), 'dim')}" for r in decision.reasons[:1]]
        self.stopped.append("\n".join(lines))

    def refuse(self, line: int, error: RequestError) -> None:
        """Note a line that is not a valid request."""
        self.errors.append(f"{line:>5}  {colour('invalid', 'error')}  {error.code}: {visible(error.message)}")

    def render(self, policy: str, digest: str) -> str:
        """The whole report."""
        total = sum(self.effects.values())
        lines = [f"{visible(policy)}  {colour(digest[:19], 'dim')}", ""]
        if self.errors:
            lines += ["not valid requests:", *self.errors, ""]
        if self.stopped:
            lines += ["denied or asked:", *self.stopped, ""]
        lines.append(f"{'action':<12} {'allow':>6} {'ask':>6} {'deny':>6}")
        for action, counts in sorted(self.by_action.items()):
            lines.append(f"{action:<12} {counts['allow']:>6} {counts['ask']:>6} {counts['deny']:>6}")
        counts = self.effects
        lines.append(f"{'total':<12} {counts['allow']:>6} {counts['ask']:>6} {counts['deny']:>6}")
        if self.tiers:
            lines.append("approvals needed: " + ", ".join(f"{t} {n}" for t, n in sorted(self.tiers.items())))
        lines.append(f"{total} requests decided" + (f", {len(self.errors)} not valid" if self.errors else ""))
        return "\n".join(lines)
