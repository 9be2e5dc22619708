"""Refs that a policy grants, as a git server's rules take them: patterns of branches and of tags.

A pattern is used only where it means in the server's dialect what it means in the policy.
"""

from __future__ import annotations

import re

from ..automata.glob import Glob
from ..automata.pattern import ANY, MANY, Wild, quoted
from ..domain.actions import ALLOW, ASK
from ..domain.errors import PolicyError, SearchLimitError
from ..domain.limits import limit
from ..domain.record import field, record, replace
from ..policy import Policy
from ..syntax import emit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ..automata.pattern import Label, Pattern
    from ..automata.pattern import Sequence as Labels
    from ..ir.model import PolicySet, Rule
    from ..syntax.tree import Node

ACTIONS = ("push", "force-push", "delete-ref")
"""What server rules speak of."""
KINDS = ("heads", "tags")
"""Folders of refs that server rules know: branches and tags."""
_MOST = limit("export_entries")
_PLAIN = re.compile(r"[^*?\[\]{}\\!^]+")
"""Text that is no wildcard anywhere."""


@record(frozen=True, slots=True)
class RefDialect:
    """A server's patterns, and what its rules can say.

    `says` gives the patterns that together mean some labels, none where it has none. `asked` are the kinds that can
    need approvals, at most `most_approvals`; `forced` and `deleted` those of which that can be granted. With `denies`
    a rule can take away what another grants; otherwise the most permissive holds.
    """

    name: str
    says: Callable[[Labels], tuple[str, ...]]
    asked: frozenset[str]
    forced: frozenset[str]
    deleted: frozenset[str]
    denies: bool
    merges_asked: bool
    most_approvals: int


@record(frozen=True, slots=True)
class RefPattern:
    """A pattern of names below `refs/heads` or `refs/tags`: its labels, and the same in the server's dialect.

    Where people are asked, `tier` is whom, and `action` about what: `push`, or `merge` alone.
    """

    labels: Labels
    texts: tuple[str, ...]
    tier: str = ""
    action: str = ""

    def holds(self, segments: tuple[str, ...]) -> bool:
        """Whether a name is one of these."""
        left: set[Labels] = {self.labels}
        for segment in segments:
            left = {rest for labels in left for rest in after(labels, segment)}
        return any(labels in {(), (MANY,)} for labels in left)


@record(frozen=True, slots=True)
class Barred:
    """What rules take away: `include` but for `exclude`."""

    include: tuple[RefPattern, ...]
    exclude: tuple[RefPattern, ...] = ()


@record(frozen=True, slots=True)
class RefPlan:
    """What is granted of one kind of ref. `kind` is `heads` or `tags`; each action has grants, and what is barred."""

    kind: str
    granted: dict[str, tuple[RefPattern, ...]]
    asked: tuple[RefPattern, ...] = ()
    barred: dict[str, tuple[Barred, ...]] = field(default_factory=dict)

    def without(self, action: str, ref: tuple[str, ...]) -> RefPlan:
        """The plan without what grants an action for a ref, or has people asked about it."""
        if ref[:2] != ("refs", self.kind):
            return self
        granted = {
            name: tuple(p for p in patterns if name != action or not p.holds(ref[2:]))
            for name, patterns in self.granted.items()
        }
        asked = tuple(p for p in self.asked if p.action != action or not p.holds(ref[2:]))
        return replace(self, granted=granted, asked=asked).pruned()

    def pruned(self) -> RefPlan:
        """The plan without what is forced where nothing is pushed, and barred where nothing is granted."""
        pushed = self.granted["push"]
        forced = tuple(p for p in self.granted["force-push"] if any(_may_meet(p, one) for one in pushed))
        granted = {**self.granted, "force-push": forced}
        barred = {}
        for action, groups in self.barred.items():
            about = (*granted[action], *(self.asked if action == "push" else ()))
            barred[action] = tuple(g for group in groups if (g := _pruned(group, about)).include)
        return replace(self, granted=granted, barred=barred)

    def without_all(self) -> RefPlan:
        """The plan with no grant at all."""
        return RefPlan(self.kind, dict.fromkeys(ACTIONS, ()))


def plans(policy: PolicySet, dialect: RefDialect, remote: str) -> tuple[RefPlan, ...]:
    """What a policy says of a remote's branches and tags, as far as the dialect can."""
    return tuple(_plan(policy, dialect, remote, kind) for kind in KINDS)


def _plan(policy: PolicySet, dialect: RefDialect, remote: str, kind: str) -> RefPlan:
    can = {"push": frozenset(KINDS), "force-push": dialect.forced, "delete-ref": dialect.deleted}
    readers = {action: _Reader(policy, dialect, remote, kind, action) for action in (*ACTIONS, "merge")}
    for reader in readers.values():
        reader.read()
    asked = (*readers["push"].asked, *(readers["merge"].asked if dialect.merges_asked else ()))
    granted = {a: tuple(readers[a].granted) if kind in can[a] else () for a in ACTIONS}
    if not dialect.denies:
        granted["push"] = tuple(p for p in granted["push"] if not any(_may_meet(p, one) for one in asked))
    barred = {action: tuple(readers[action].barred) if dialect.denies else () for action in ACTIONS}
    return RefPlan(kind, granted, asked, barred).pruned()


class _Reader:
    """Reads the rules about one action and one kind of ref."""

    def __init__(self, policy: PolicySet, dialect: RefDialect, remote: str, kind: str, action: str) -> None:
        self._policy, self._dialect, self._remote, self._kind, self._action = policy, dialect, remote, kind, action
        self.granted: dict[RefPattern, None] = {}
        self.asked: dict[RefPattern, None] = {}
        self.barred: list[Barred] = []

    def read(self) -> None:
        """Read every rule. Raises SearchLimitError for more patterns than can be listed."""
        for layer in self._policy.layers:
            for rule in layer.rules:
                if self._action in rule.actions:
                    self._rule(rule)
                if len(self.granted) + len(self.asked) + len(self.barred) > _MOST:
                    raise SearchLimitError(f"more than {_MOST} patterns of refs would have to be listed")

    def _rule(self, rule: Rule) -> None:
        if rule.effect == ALLOW:
            self.granted |= dict.fromkeys(self._patterns(rule.include))
        elif rule.effect == ASK and self._can_ask(rule.tier):
            asked = self._patterns(rule.include)
            self.asked |= dict.fromkeys(replace(p, tier=rule.tier, action=self._action) for p in asked)
        else:
            self.barred.append(Barred(self._patterns(rule.include, wider=True), self._patterns(rule.exclude)))
            return
        if rule.exclude:
            self.barred.append(Barred(self._patterns(rule.exclude, wider=True)))

    def _can_ask(self, tier: str) -> bool:
        known = self._policy.tiers[tier]
        return (
            self._action in {"push", "merge"}
            and self._kind in self._dialect.asked
            and known.quorum <= self._dialect.most_approvals
        )

    def _patterns(self, patterns: Iterable[Pattern], wider: bool = False) -> tuple[RefPattern, ...]:
        """The patterns as the server has them; with `wider` those that it has not as wider ones."""
        found: dict[RefPattern, None] = {}
        for pattern in patterns:
            for sequence in pattern.sequences:
                for exact in _below(sequence, (self._remote, "refs", self._kind)):
                    labels = tuple(map(_wider, exact)) if wider and not self._dialect.says(exact) else exact
                    texts = self._dialect.says(labels) if labels else ()
                    if texts:
                        found[RefPattern(labels, texts)] = None
        return tuple(found)


def _wider(label: Label) -> Label:
    """A segment that every server can say and that holds a given one: its plain beginning, and anything after it."""
    if isinstance(label, Wild) or (isinstance(label, str) and _PLAIN.fullmatch(label)):
        return label
    text = label.text if isinstance(label, Glob) else label
    found = _PLAIN.match(text)
    return Glob(f"{found[0]}*") if found else ANY


def _below(labels: Labels, segments: Iterable[str]) -> Iterable[Labels]:
    """What is left of a pattern after these segments."""
    left = [labels]
    for segment in segments:
        left = [rest for one in left for rest in after(one, segment)]
    return left


def after(labels: Labels, segment: str) -> Iterator[Labels]:
    """The patterns of what may follow a segment."""
    if not labels:
        return
    first, rest = labels[0], labels[1:]
    if first is MANY:
        yield labels
        yield from after(rest, segment)
    elif first is ANY or first == segment or (isinstance(first, Glob) and first.matches(segment)):
        yield rest


def _pruned(group: Barred, about: Collection[RefPattern]) -> Barred:
    """What a group takes away of grants; without exceptions where these leave nothing of it."""
    include = tuple(p for p in group.include if any(_may_meet(p, one) for one in about))
    exclude = tuple(p for p in group.exclude if any(_may_meet(p, one) for one in include))
    if include and exclude:
        try:
            Policy.loads(emit.text([emit.header("barred"), _deny(("push",), Barred(include, exclude), "refs/heads/")]))
        except PolicyError:
            return Barred(tuple(p for p in include if p not in exclude))
    return Barred(include, exclude)


def _may_meet(one: RefPattern, other: RefPattern) -> bool:
    """False only where two patterns have no name in common, as the segments before the first `**` tell."""
    for first, second in zip(one.labels, other.labels, strict=False):
        if first is MANY or second is MANY:
            return True
        texts = [label for label in (first, second) if isinstance(label, str)]
        globs = [label for label in (first, second) if isinstance(label, Glob)]
        if (len(texts) == 2 and first != second) or (texts and globs and not globs[0].matches(texts[0])):
            return False
    return len(one.labels) == len(other.labels) or MANY in (*one.labels, *other.labels)


# in the policy language


def statements(plan: RefPlan, dialect: RefDialect, remote: str) -> Iterator[Node]:
    """What the server permits, as rules: a ref that is set back is a `push` and a `force-push` to it as well."""
    base = f"{remote}:refs/{plan.kind}/"
    pushes = ("push", "merge") if plan.kind == "heads" else ("push",)
    for action in ACTIONS:
        if plan.granted[action]:
            yield emit.rule("allow", pushes if action == "push" else (action,), _spoken(plan.granted[action], base))
        for group in plan.barred.get(action, ()):
            yield _deny(pushes if action == "push" else (action,), group, base)
    for tier, action in dict.fromkeys((p.tier, p.action) for p in plan.asked):
        patterns = _spoken([p for p in plan.asked if (p.tier, p.action) == (tier, action)], base)
        about = [a for a in pushes if a in {action, "merge"} and (a == "push" or dialect.merges_asked)]
        yield emit.rule("ask", about, patterns, tier=tier)
        yield emit.rule("deny", ("force-push",), patterns)


def _deny(actions: tuple[str, ...], group: Barred, base: str) -> Node:
    return emit.rule("deny", actions, _spoken(group.include, base), exclude=_spoken(group.exclude, base))


def _spoken(patterns: Iterable[RefPattern], base: str) -> list[str]:
    return [base + text for pattern in patterns for text in _texts(pattern.labels)]


def _texts(labels: Labels) -> Iterator[str]:
    """Labels as a policy's patterns: at the end `**` means one segment or more there."""
    if labels[-1:] == (MANY,):
        inside = labels[-2:-1] == (ANY,)
        before = labels[:-2] if inside else labels[:-1]
        if before and not inside:
            yield "/".join(map(_text, before))
        yield "/".join([*map(_text, before), "**"])
    else:
        yield "/".join(map(_text, labels))


def _text(label: object) -> str:
    return quoted(label) if isinstance(label, str) else label.text if isinstance(label, Glob) else repr(label)


# in a server's dialect


def plain(label: object, stars: bool) -> str:
    """A segment's text, where none of its characters means something else to a server; empty otherwise.

    With `stars` it may have `*` in it.
    """
    text = label.text if isinstance(label, Glob) and stars else label if isinstance(label, str) else ""
    return text if _PLAIN.fullmatch(text.replace("*", "x") if isinstance(label, Glob) else text) else ""
