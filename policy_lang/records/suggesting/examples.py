"""Tests for a proposal: something that it grants, and something near that must still be stopped."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from shlex import join

from ...domain.actions import ALLOW, ASK, COMMAND, DENY, HOST, NAME, PATH, REF, SORT_OF
from ...domain.conditions import CONFINED
from ...domain.decision import Decision
from ...domain.errors import PolicyError
from ...domain.request import Request
from ...policy import Policy
from ...syntax import emit
from ...testing import HOME, WORKSPACE
from .group import Sorted, StopGroup
from .needs import Grant, with_rules

Case = tuple[str, str, str]
"""Action, method (or nothing) and resource, as a test has them."""
_TRIED = 40
"""Candidates for one test."""


@dataclass(frozen=True, slots=True)
class Tests:
    """The statements of a proposal's test, or why it has none."""

    __test__ = False
    parts: list[emit.Part]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Who:
    """For whom a test asks."""

    agent: str | None
    repo: str | None
    confined: bool = False


def tests_of(before: Policy, after: Policy, group: StopGroup, found: Sorted) -> Tests:
    """A test that fails without the rules, and when they are widened to something near."""
    who = Who(
        group.members[0].stop.agent or None,
        group.members[0].request.repo if group.place.repo else None,
        group.members[0].request.confined,
    )
    granted = next(
        (c for c in _some(_granted(group)) if _decide(after, c, who).effect == ALLOW
         and _decide(before, c, who).effect != ALLOW),
        None,
    )  # fmt: skip
    if granted is None or not all(_sayable(("", "", name)) for name in (who.agent, who.repo) if name):
        return Tests([], "away from where it was asked nothing of it is decided alike")
    body: list[emit.Part] = [_line(granted, ALLOW)]
    stopped = [(c, d) for c in _some(_near(group, found)) if _stopped(d := _decide(after, c, who))]
    if not stopped:
        return Tests([_block(granted, body, who)], "nothing near was found that is still stopped")
    wider = _wider(after, group)
    near, decision = next((s for s in stopped if _decide(wider, s[0], who).effect == ALLOW), stopped[0])
    body.append(_line(near, decision.effect, decision.tiers[0] if decision.effect == ASK else ""))
    return Tests([_block(granted, body, who)])


def _wider(policy: Policy, group: StopGroup) -> Policy:
    """The policy with far wider rules: what they would let pass says most about those that are proposed."""
    rules = []
    for action, pattern, _ in dict.fromkeys(g for one in group.members for g in one.grants):
        sort = SORT_OF[action]
        wide = {COMMAND: f"{pattern.split(' ')[0]} **", PATH: "/"}.get(sort, "**")
        rules.append(emit.statement(emit.rule("allow", [action], [wide])))
    try:
        return with_rules(policy, rules)
    except PolicyError:
        return policy  # no pattern of that sort says so much


def _some(cases: Iterable[Case]) -> list[Case]:
    out: list[Case] = []
    for case in cases:
        if case not in out and _sayable(case):
            out.append(case)
        if len(out) >= _TRIED:
            break
    return out


def _sayable(case: Case) -> bool:
    try:
        emit.string(case[2])
    except emit.UnsayableError:
        return False
    return bool(case[2])


def _stopped(decision: Decision) -> bool:
    """Whether a test can say that it is stopped."""
    return not decision.opaque and (decision.effect == DENY or (decision.effect == ASK and bool(decision.tiers)))


def _block(granted: Case, body: list[emit.Part], who: Who) -> emit.Part:
    given: dict[str, emit.Value] = {"repo": who.repo} if who.repo else {}
    given |= {CONFINED: True} if who.confined else {}
    name = f"suggested: {granted[0]} {granted[2]}"
    return emit.expect(name if len(name) <= 60 else f"{name[:59]}…", body, agent=who.agent, given=given)


def _line(case: Case, effect: str, tier: str = "") -> emit.Part:
    return emit.case(effect, case[0], [case[2]], tier=tier, method=case[1])


def _decide(policy: Policy, case: Case, who: Who) -> Decision:
    """What a test would be told."""
    action, method, resource = case
    return policy.decide_request(
        Request(
            action,
            resource,
            who.agent,
            who.repo,
            workspace=WORKSPACE,
            home=HOME,
            method=method or None,
            lexical=True,
            confined=who.confined,
        )
    )


def _granted(group: StopGroup) -> Iterator[Case]:
    """What was asked, as it was asked and as the effects that needed a rule, the shortest first."""
    whole = []
    for one in group.members:
        given = one.request.resource
        resource = given if isinstance(given, str) else join(given)
        whole.append(
            (one.request.action, (one.request.method or "") if one.request.action == "connect" else "", resource)
        )
    yield from sorted(whole, key=lambda c: len(c[2]))
    for action, pattern, method in dict.fromkeys(g for one in group.members for g in one.grants):
        yield action, method, pattern


def _near(group: StopGroup, found: Sorted) -> Iterator[Case]:
    """What was stopped by name near by, then what is made of what is granted."""
    own = [grant for one in group.members for grant in one.grants]
    for request, _, _ in found.guarded:
        text = request.resource if isinstance(request.resource, str) else join(request.resource)
        if any(request.action == a and _begin(text) == _begin(p) for a, p, _ in own):
            yield request.action, "", text
    for rule in group.rules:
        for shape in rule.shapes.values():
            for action in rule.actions if shape.general else ():
                yield from _beside(action, shape.place)
    for grant in own:
        yield from _made(grant)


def _begin(text: str) -> str:
    return text.split(" ", maxsplit=1)[0].split("/", maxsplit=1)[0]


def _beside(action: str, place: tuple[str, ...]) -> Iterator[Case]:
    """Beside a place of which all, or much, is granted."""
    if SORT_OF[action] == COMMAND and len(place) > 1:
        yield action, "", join((*place[:-1], "other"))


def _made(grant: Grant) -> Iterator[Case]:
    action, pattern, method = grant
    sort = SORT_OF[action]
    if sort == PATH:
        folder, name = posixpath.split(pattern.rstrip("/"))
        yield action, "", f"{pattern.rstrip('/')}.other"
        yield action, "", posixpath.join(folder, f"other-{name}")
        yield action, "", posixpath.join(f"{folder}-other" if folder else "other", name)
    elif sort == COMMAND:
        program, _, rest = pattern.partition(" ")
        yield action, "", f"{pattern} --other"
        yield action, "", f"{pattern} other"
        yield action, "", f"{program} other"
        yield action, "", f"{program} --version"
        yield action, "", program
        yield action, "", f"sudo {pattern}"
        yield action, "", f"{program}-other {rest}".strip()
    elif sort == REF:
        yield action, "", f"{pattern}-other"
        yield action, "", "other"
    elif sort == HOST:
        scheme, colon, rest = pattern.rpartition("://")
        yield action, method, f"{scheme}{colon}other.{rest}"
        if method and method != "POST":
            yield action, "POST", pattern
    elif sort == NAME:
        yield action, "", f"{pattern}-other"
        yield action, "", "other.thing"
