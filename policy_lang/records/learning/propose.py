"""The text of a learned policy: rules for each agent, with how much evidence each has and what a person must judge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ...compiler.load import compile_text
from ...domain.actions import ACTIONS, COMMAND, HOST, METHODS, NAME, PATH, REF, SORT_OF
from ...domain.conditions import CONFINED
from ...domain.errors import PolicyError
from ...domain.policy import AttributeType, Tier
from ...domain.wording import counted
from ...facts.commands import OPAQUE
from ...ir.patterns import compile_pattern
from ...ir.scopes import PatternError
from ...syntax import emit
from ...syntax.emit import BLANK, Part
from ...syntax.tree import RuleNode
from .generalise import Bounds, Shape, command_least, never, path_least, ref_least, shapes, verb_shapes
from .observe import FREE, Need, Observed, Seen, Word, together
from .text import joined, pattern_text

_USUAL = re.compile(r"[A-Za-z0-9_.@:+-]+(/[A-Za-z0-9_.@:+-]+)*\Z")
_TREE = ("read", "write", "delete")
Under = tuple[str, bool]
"""The tier that approves, and whether only behind walls."""
Place = tuple[str, str, Word]
"""Agent, action and place: what may not be generalised any more."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a policy is to be learned. `evidence` is how many different values make a pattern, `urls` those of a host."""

    name: str = "learned"
    evidence: int = 5
    tiers: dict[str, Tier] = field(default_factory=dict)
    attributes: dict[str, AttributeType] = field(default_factory=dict)
    within: str = ""
    """The policy that this one stands within, as it is written in the text: tiers and attributes come from there."""
    urls: int = 2
    without: tuple[str, ...] = ()
    """Labels of the baseline's rules that are left out."""


@dataclass(slots=True)
class LearnedRule:
    """One rule with its evidence. `shapes` by the text of their pattern."""

    agents: tuple[str, ...]
    actions: tuple[str, ...]
    tier: str
    methods: tuple[str, ...]
    shapes: dict[str, Shape]
    confined: bool = False
    """Whether all of it was seen behind walls, so that it is granted there only."""

    @property
    def seen(self) -> Seen:
        """All observations that it stands for."""
        return together(s.seen for s in self.shapes.values())

    @property
    def values(self) -> int:
        """How many different values it stands for."""
        return sum(s.values for s in self.shapes.values())


@dataclass(slots=True)
class Draft:
    """A policy's text; `rules` in the order in which they stand there."""

    text: str
    rules: list[LearnedRule]
    unsaid: list[tuple[str, str, str]] = field(default_factory=list)
    """Agent, action and value of what no pattern can say."""


@dataclass(slots=True)
class Corrections:
    """What earlier drafts taught: `blocked` places are too wide, `exact` commands their pattern does not cover."""

    blocked: set[Place] = field(default_factory=set)
    exact: dict[tuple[str, str], set[Word]] = field(default_factory=dict)


def draft(observed: Observed, wishes: Wishes, corrections: Corrections) -> Draft:
    """A policy that grants what was observed."""
    made = Draft("", [])
    blocks: dict[tuple[str, ...], tuple[list[str], list[LearnedRule]]] = {}
    for agent in sorted({need[0] for need in observed.needs}):
        if not (sayable("agent", agent) and sayable("repo", only_repo(observed, agent))):
            made.unsaid.append((agent, "do", "anything by an agent, or in a repository, of that name"))
            continue
        rules = list(rules_of(agent, observed, wishes, corrections, made))
        key = (only_repo(observed, agent), *(emit.statement(statement_of(r)) for r in rules))
        known = blocks.setdefault(key, ([], rules))
        known[0].append(agent)
        for mine, other in zip(known[1], rules, strict=True):
            _join(mine, other)
    parts: list[Part] = [*_head(observed, wishes), emit.header(wishes.name), BLANK]
    parts += ["what no agent may do, whatever was observed", emit.imported("std.baseline", wishes.without), BLANK]
    if wishes.within:
        parts += ["nothing can go beyond this", emit.within(wishes.within), BLANK]
    else:
        parts += [*_context(observed, wishes), *_tiers(observed, wishes)]
    for (repo, *_), (agents, rules) in blocks.items():
        parts += [BLANK, *_scope(agents, repo, rules)]
        made.rules += rules
    made.text = emit.text(parts)
    return made


def _join(mine: LearnedRule, other: LearnedRule) -> None:
    """Two agents' same rule is one, with the evidence of both."""
    if mine is other:
        return
    mine.agents += other.agents
    for text, shape in other.shapes.items():
        mine.shapes[text].seen.add(shape.seen)
        mine.shapes[text].values = max(mine.shapes[text].values, shape.values)


def _head(observed: Observed, wishes: Wishes) -> list[Part]:
    return [
        f"Learned from {observed.kept:,} of {observed.decisions:,} decisions, {observed.first[:10]} to "
        f"{observed.last[:10]}: the others were denials.",
        "#",
        "A comment says how often what a rule grants was seen: times, different values, sessions, and when last.",
        f"Where at least {wishes.evidence} different values lie in one place, and none there was denied, a pattern",
        "stands for them. Such a pattern reaches further than what was seen: a person must judge it.",
        BLANK,
    ]


def _context(observed: Observed, wishes: Wishes) -> list[Part]:
    """The attributes that requests give: one that is not declared would make them malformed."""
    known = [emit.attribute(a.name, a.type, a.members, a.default) for a in wishes.attributes.values()]
    if not known:
        known = [emit.attribute(n, t) for n, t in sorted(observed.context.items())]
    return [emit.context(known), BLANK] if known else []


def _tiers(observed: Observed, wishes: Wishes) -> list[Part]:
    todo = sorted({need[2] for need in observed.needs if need[2]})
    parts: list[Part] = []
    done: set[str] = set()
    while todo:
        name = todo.pop(0)
        tier = wishes.tiers.get(name)
        if name in done:
            continue
        done.add(name)
        if tier is None:
            parts += ["judge: the records do not tell who approves", emit.tier(name, [f"@{name}"])]
            continue
        todo += [*tier.includes, *([tier.escalate] if tier.escalate else [])]
        todo += [n for n, t in wishes.tiers.items() if name in t.opens]
        todo += tier.opens
        parts.append(
            emit.tier(
                name,
                tier.approvers,
                quorum=tier.quorum,
                expires=tier.expires,
                includes=tier.includes,
                reason_required=tier.reason_required,
                scope=tier.scope,
                escalate=tier.escalate,
                opens=tier.opens,
            )
        )
    return parts


def only_repo(observed: Observed, agent: str) -> str:
    """The repository that an agent worked on, when it was always the same."""
    repos = list(observed.repos.get(agent, ()))
    return repos[0] if len(repos) == 1 else ""


def _scope(agents: list[str], repo: str, rules: list[LearnedRule]) -> list[Part]:
    body: list[Part] = []
    for rule in rules:
        body += [*comments_of(rule), statement_of(rule)]
    if repo:
        body = [emit.scope("repo", [glob_of(repo)], body)]
    if "" in agents:
        body.insert(0, "judge: these agents gave no name, so this holds for every agent")
    named = [glob_of(a) for a in agents if a]
    return [emit.scope("agent", named, body)] if named else body


def sayable(scope: str, name: str) -> bool:
    """True for a name that a scope can be about; agents may have chosen any text."""
    if not name or _USUAL.match(name):
        return True
    try:
        granted = emit.scope(scope, [glob_of(name)], [emit.rule("allow", ["do"], ["x"])])
        compile_text(emit.text([emit.header("p"), granted]), "p.policy")
    except (PolicyError, emit.UnsayableError):
        return False
    return True


def glob_of(name: str) -> str:
    """The glob of a scope that means this name alone."""
    return "".join(f"[{c}]" if c in "*?[{}" else c for c in name)


def comments_of(rule: LearnedRule) -> Iterator[str]:
    """What a rule rests on, and what of it a person must judge."""
    seen = rule.seen
    different = "" if rule.values == seen.count else f", {rule.values:,} different"
    sessions = f", {counted(len(seen.sessions), 'session')}"
    yield f"{counted(seen.count, 'time')}{different}{sessions}, last {seen.last[:10]}"
    for text, shape in rule.shapes.items():
        if shape.judge or FREE in shape.place:
            yield f"judge: `{text}` for {counted(shape.values, 'different value')}"
    if rule.actions == ("connect",) and not rule.methods:
        yield "judge: every method, as the commands' own were not seen"


def statement_of(rule: LearnedRule) -> RuleNode:
    """The rule as a statement of the language."""
    patterns = list(rule.shapes)
    if rule.actions == ("run",):
        patterns = joined(patterns)
    written = [emit.OPAQUE if p == OPAQUE else p for p in patterns]
    effect = "ask" if rule.tier else "allow"
    when = emit.compare(CONFINED, "truth") if rule.confined else None
    return emit.rule(effect, rule.actions, written, tier=rule.tier, methods=rule.methods, when=when)


def rules_of(
    agent: str, observed: Observed, wishes: Wishes, corrections: Corrections, made: Draft
) -> Iterator[LearnedRule]:
    """The rules that grant what an agent needs; what no pattern says is noted in `made`."""
    found: dict[tuple[Under, str], list[LearnedRule]] = {}
    for tier, confined in sorted({(n[2], n[4]) for n in observed.needs if n[0] == agent}):
        for action in ACTIONS:
            needs = [n for n in observed.needs if n[:3] == (agent, action, tier) and n[4] == confined]
            anywhere = [n for n in observed.needs if n[:3] == (agent, action, tier) and not n[4]] if confined else []
            known = {word for need in anywhere for word in observed.needs[need]}
            for methods, found_there in _by_methods(needs, observed):
                values = {word: seen for word, seen in found_there.items() if word not in known}
                made_of = _shapes(agent, action, tier, values, observed, wishes, corrections)
                texts = said(agent, action, made_of, methods, made.unsaid)
                if texts:
                    rule = LearnedRule((agent,), (action,), tier, methods, texts, confined)
                    found.setdefault(((tier, confined), action), []).append(rule)
    for (_, action), rules in _merged(found).items():
        yield from (r for r in rules if r.actions[0] == action)


def _merged(found: dict[tuple[Under, str], list[LearnedRule]]) -> dict[tuple[Under, str], list[LearnedRule]]:
    """Rules about paths that have the same patterns are one rule about several actions."""
    for under in {u for u, _ in found}:
        for first in _TREE:
            for second in _TREE[_TREE.index(first) + 1 :]:
                a, b = found.get((under, first), []), found.get((under, second), [])
                if a and b and list(a[0].shapes) == list(b[0].shapes) and len(a) == len(b) == 1:
                    a[0].actions = (*a[0].actions, second)
                    for text, shape in b[0].shapes.items():
                        a[0].shapes[text].seen.add(shape.seen)
                    del found[under, second]
    return found


def _by_methods(needs: list[Need], observed: Observed) -> Iterator[tuple[tuple[str, ...], dict[Word, Seen]]]:
    """Values with the methods that were seen for them; those with the same methods together."""
    methods: dict[Word, set[str]] = {}
    totals: dict[Word, Seen] = {}
    for need in needs:
        for word, seen in observed.needs[need].items():
            methods.setdefault(word, set()).add(need[3])
            totals.setdefault(word, Seen()).add(seen)
    groups: dict[tuple[str, ...], dict[Word, Seen]] = {}
    for word, found in methods.items():
        key = () if "" in found else tuple(m for m in METHODS if m in found)
        groups.setdefault(key, {})[word] = totals[word]
    yield from sorted(groups.items())


def _shapes(
    agent: str, action: str, tier: str, values: dict[Word, Seen], observed: Observed, wishes: Wishes,
    corrections: Corrections,
) -> list[Shape]:  # fmt: skip
    sort = SORT_OF[action]
    against = set(observed.denied.get((agent, action), ()))
    for need, words in observed.needs.items():
        if need[:2] == (agent, action) and bool(need[2]) != bool(tier):
            against |= set(words)  # what was asked is not evidence for a grant, nor the other way round
    blocked = frozenset(p for a, x, p in corrections.blocked if (a, x) == (agent, action))
    bounds = Bounds(never, frozenset(against - set(values)), blocked)
    if sort == PATH:
        bounds.least = path_least(wishes.evidence, action != "read")
        return shapes(values, bounds, files=True)
    if sort == REF:
        bounds.least = ref_least(wishes.evidence)
        return shapes(values, bounds, files=False)
    if sort == COMMAND:
        bounds.least = command_least(values, wishes.evidence)
        made = shapes(values, bounds, files=False)
        extra = corrections.exact.get((agent, tier), set()) & set(values)
        have = {s.place for s in made if not s.below}
        return [*made, *(Shape(w, seen=values[w], values=0) for w in sorted(extra - have))]
    if sort == HOST:
        return list(_hosts(values, bounds, wishes.urls))
    if sort == NAME and action == "call":
        return list(verb_shapes(values, bounds, wishes.evidence))
    return shapes(values, bounds, files=False)


def _hosts(values: dict[Word, Seen], bounds: Bounds, evidence: int) -> Iterator[Shape]:
    """One pattern for each host of many URL paths: their common folder, or the host alone when they have none."""
    groups: dict[Word, list[Word]] = {}
    for word in sorted(values):
        groups.setdefault(word[:2], []).append(word)
    for place, words in groups.items():
        total = together(values[w] for w in words)
        whole = any(len(w) == 2 for w in words)
        if any(d[:2] == place for d in bounds.denied) or (len(words) < evidence and not whole):
            yield from (Shape(w, seen=values[w]) for w in words)
            continue
        common = _common([w[2:] for w in words])
        if len(common) > 1 and place not in bounds.blocked:
            yield Shape((*place, *common), "**", (), len(words), total)
        elif place in bounds.blocked:
            yield from (Shape(w, seen=values[w]) for w in words)
        else:
            yield Shape(place, "", (), len(words), total)


def _common(paths: Iterable[Word]) -> Word:
    """The longest beginning, in whole segments and without the last one, that all URL paths share."""
    folders = [p[:-1] for p in paths]
    first = min(folders)
    last = max(folders)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:length]


def said(
    agent: str, action: str, found: list[Shape], methods: tuple[str, ...], unsaid: list[tuple[str, str, str]]
) -> dict[str, Shape]:
    """The shapes by their text; what the language cannot say is noted."""
    sort = SORT_OF[action]
    out: dict[str, Shape] = {}
    for shape in found:
        text = pattern_text(sort, shape)
        try:
            if text != OPAQUE:
                compile_pattern(sort, text, methods)
                emit.string(text)
        except (PatternError, emit.UnsayableError):
            unsaid.append((agent, action, " ".join(shape.place)))
            continue
        if text in out:
            out[text].seen.add(shape.seen)
            out[text].values += shape.values
        else:
            out[text] = shape
    return out
