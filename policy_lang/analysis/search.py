"""The one search behind every answer: a word that all of some rule sets match, and none of others.

The rules that must match are followed one way at a time; only those that must not match are determinised, and a
state that meets more of them than another one at the same place is dropped (the anti-chain). Words come shortest
first. Conditions are decided where a word ends: is there a case in which the rules that matched count so?
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..automata.budget import Budget
from ..automata.choose import among, choose, untouched
from ..automata.glob import Glob
from ..automata.pattern import CLIMBING, CONTROL, MANY, Label, Sequence, Word
from ..automata.space import Phase, Space
from ..automata.trie import Ends, Node, Trie, close, with_one_end
from ..domain.conditions import Formula
from ..ir.model import Rule
from . import deadline
from .cases import FALSE, OPEN, TRUE, Cases, Demand, always


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A rule, or a part of one, as a question sees it.

    `grants` says how it counts: one that grants must surely hold, one that restricts need only possibly hold. `raw`
    items are about the plain word, as restrictions on commands are, and what an `ask` grants by the words without
    options; what is excepted always is.
    """

    rule: Rule | None
    include: tuple[Sequence, ...]
    exclude: tuple[Sequence, ...]
    formula: Formula
    grants: bool
    raw: bool = False
    also: tuple[Demand, ...] = ()

    def formulas(self) -> tuple[Formula, ...]:
        """Every condition that it speaks of."""
        return (self.formula, *(f for f, _ in self.also))

    def holds(self) -> tuple[Demand, ...]:
        """What a case must meet for the item to count."""
        return ((self.formula, TRUE if self.grants else TRUE | OPEN), *self.also)

    def fails(self) -> Demand:
        """What a case must meet for the item not to count."""
        return (self.formula, FALSE | OPEN if self.grants else FALSE)


@dataclass(frozen=True, slots=True)
class Found:
    """A word, the items that match it (one of each required set), the cases, and the classes of agents.

    `number` is the place of the first item in its set. An `exact` word stands for itself alone, not for others like it.
    """

    word: Word
    number: int
    items: tuple[Item, ...]
    demands: frozenset[Demand]
    agents: int
    exact: bool = False


Nodes = tuple[Node, ...]


class _Set:
    """A determinised set of nodes, with what follows from it. `dead` says that whatever comes, it stays matched."""

    __slots__ = ("_alike", "_labels", "dead", "following", "globs", "marks", "moves", "nodes", "orders")

    def __init__(self, nodes: Nodes, absolute: set[int]) -> None:
        self.nodes = nodes
        self.orders = frozenset(n.order for n in nodes)
        self.marks = frozenset(m for n in nodes for m in n.marks)
        self.globs = tuple(dict.fromkeys(g for n in nodes for g in n.globs or ()))
        self.moves: dict[str, _Set] = {}
        self.dead = any(n.loops and not absolute.isdisjoint(n.marks) for n in nodes)
        self.following: tuple[bool, frozenset[int]] | None = None
        self._labels: frozenset[str | Glob] | None = None
        self._alike: dict[str | Glob, object] | None = None

    def next_ends(self) -> tuple[bool, frozenset[int]]:
        """Whether every segment that is named from here ends a pattern, and the marks of those patterns."""
        if self.following is None:
            # structure such as a mark stays possible whatever segment comes next
            edges = [(x, t) for n in self.nodes for x, t in _edges(n) if t is not n]
            targets = [t for x, t in edges if not (isinstance(x, str) and x[:1] == CONTROL)]
            ends = all(not (t.literals or t.globs or t.any or t.many or t.loops) for t in targets)
            self.following = (ends, frozenset(m for t in targets for m in t.marks))
        return self.following

    def names(self, segment: str) -> bool:
        """True when a label is this segment."""
        return any(n.literals is not None and segment in n.literals for n in self.nodes)

    def labels(self) -> frozenset[str | Glob]:
        """The labels that lead on."""
        if self._labels is None:
            literals = (x for n in self.nodes for x in n.literals or () if x[:1] != CONTROL)
            self._labels = frozenset((*literals, *self.globs))
        return self._labels

    def alike(self) -> dict[str | Glob, object]:
        """The labels that lead on, each with what it leads to; behind places where nothing follows only marks count."""
        if self._alike is not None:
            return self._alike
        out: dict[str | Glob, set[object]] = {}
        for node in self.nodes:
            edges: list[tuple[str | Glob, Node]] = [*(node.globs or {}).items()]
            edges += ((x, target) for x, target in (node.literals or {}).items() if x[:1] != CONTROL)
            for label, target in edges:
                out.setdefault(label, set()).update(map(_end, close((target,))))
        self._alike = {label: frozenset(ends) for label, ends in out.items()}
        return self._alike


def _end(node: Node) -> object:
    """A name of a place, the same for all behind which nothing, or anything, may follow with the same marks."""
    if node.literals is None and node.globs is None and node.any is None:
        return (node.marks, node.loops, None if node.many is None else _end(node.many))
    return node.order


@dataclass(slots=True)
class _SearchState:
    """Where the search stands: a node of each required set; what must not match, as it is and plain; what excepts."""

    word: Word
    places: Nodes
    bad: _Set
    plain: _Set
    good: _Set
    phase: Phase
    fixed: int = 0
    """How many of the first segments the patterns name, so that no other word stands here."""


class Search:
    """One question. `required` are sets of items, `barred` the items that must not count.

    `spared` names the barred rules that do not count against a rule of the first set, such as itself.
    `implied` says what holds in every case for words that begin with some segments, or are exactly those. `naming` says
    which words may follow them that only a pattern which names them matches, and which lead to such.
    Only the first required set is reported on: each of its items, for each class of agents, is found at most once.
    """

    def __init__(
        self,
        space: Space,
        required: Iterable[list[Item]],
        barred: list[Item],
        cases: Cases,
        budget: Budget,
        implied: Callable[[Word, bool], Iterable[Demand]] | None = None,
        spared: Callable[[Rule], frozenset[str]] | None = None,
        naming: Callable[[Word], Iterable[str]] | None = None,
    ) -> None:
        required = list(required)
        self.implied = implied
        self.naming = naming
        self.spared = spared
        self.space = space
        self.required = required
        self.barred = barred
        self.cases = cases
        self.budget = budget
        # each required set as an automaton, and its part about plain words; marks are the places of items
        self._roots = [_roots(items) for items in required]
        self._plain_orders = [{n.order for n in _below(plain)} if plain else set() for _, plain in self._roots]
        # what must not match, as it is and as plain words; what excepts from it
        self._bad, self._plain_bad, self._good = Trie(), Trie(), Trie()
        for i, item in enumerate(barred):
            for sequence in item.include:
                (self._plain_bad if item.raw else self._bad).add(sequence, i)
            for sequence in item.exclude:
                self._good.add(sequence, i)
        # what required items themselves except: its mark among the plain ones, by set and item
        self._own: dict[tuple[int, int], int] = {}
        for number, items in enumerate(required):
            for i, item in enumerate(items):
                if item.exclude:
                    mark = self._own[number, i] = len(barred) + len(self._own)
                    for sequence in item.exclude:
                        self._plain_bad.add(sequence, mark)
        # words of commands, in which structure stands for what a pattern must name
        self._structured = self.implied is not None
        # required sets all of whose items look at plain words only
        self._all_plain = [bool(items) and all(i.raw for i in items) for items in required]
        # barred items that hold in every case: a word that meets one is not an answer
        self._absolute = {i for i, item in enumerate(barred) if not item.exclude and always(item.formula)}
        if spared is not None:
            self._absolute = set()  # what is matched for good by one rule may be left by sparing it
        # memos: sets of nodes by their numbers; the node that stands for "whatever follows", by its marks; where a node
        # leads with a segment, closed; the segments worth trying, by what is asked of them
        self._sets: dict[tuple[int, ...], _Set] = {}
        self._ends: tuple[Ends, Ends, Ends] = ({}, {}, {})
        self._anything: dict[object, Node] = {}
        self._closed: dict[tuple[int, int], Nodes] = {}
        self._choices: dict[object, tuple[str, ...]] = {}
        # states that were followed, by required nodes and phase: what each met of the barred rules; see `_beaten`
        self._settled: dict[object, list[_Met]] = {}
        self.open: list[int] = [cases.agents(frozenset(item.holds())) for item in required[0]]
        """For each item of the first set, the classes of agents for which nothing is found yet."""
        # of the first set's automaton: how many open items lie at or below a node, the node above, the ends of an item
        self._waiting: dict[int, int] = {}
        self._parents: dict[int, int] = {}
        self._marked: dict[int, list[int]] = {}
        self._count_open()

    def _count_open(self) -> None:
        for node in (n for root in self._roots[0] if root is not None for n in _below(root)):
            for mark in node.marks:
                self._marked.setdefault(mark, []).append(node.order)
            for child in _children(node):
                self._parents[child.order] = node.order
        for mark, mask in enumerate(self.open):
            if mask:
                self._note(mark, 1)

    def _note(self, mark: int, change: int) -> None:
        for order in self._marked.get(mark, ()):
            at: int | None = order
            while at is not None:
                self._waiting[at] = self._waiting.get(at, 0) + change
                at = self._parents.get(at)

    def close_item(self, mark: int, agents: int) -> None:
        """Nothing more is asked about an item of the first set, for some classes of agents."""
        before = self.open[mark]
        self.open[mark] = before & ~agents
        if before and not self.open[mark]:
            self._note(mark, -1)

    # the search

    def run(self, *, shortest: bool = True) -> Iterator[Found]:
        """Every answer. A consumer that accepts one calls `close_item`.

        Shortest words first; or, where the words do not matter, what is begun first: of many ways to meet an item one
        is followed to its end, and the others are left alone.
        """
        bad, plain, good = (self._set(close((t.root,))) for t in (self._bad, self._plain_bad, self._good))
        order = itertools.count()
        starts = [close(r for r in roots if r is not None) for roots in self._roots]
        todo: list[tuple[int, int, _SearchState]] = []
        for places in itertools.product(*starts):
            todo.append((0, next(order), _SearchState((), places, bad, plain, good, self.space.start)))
        while todo:
            cost, _, state = heapq.heappop(todo) if shortest else todo.pop()
            deadline.check()
            if not self._waiting.get(state.places[0].order) or self._beaten(state):
                continue
            if self.space.whole(state.phase) and all(p.marks for p in state.places):
                yield from self._answers(state)
            following: list[tuple[int, int, _SearchState]] = []
            for segment, places, named in self._moves(state):
                if self._waiting.get(places[0].order):
                    moved = self._moved(state, segment, places, named)
                    if moved is not None:
                        following.append((cost + self.space.cost(len(state.word), segment), next(order), moved))
            if shortest:
                for one in following:
                    heapq.heappush(todo, one)
            else:
                todo += sorted(following, reverse=True)

    def _set(self, nodes: Nodes) -> _Set:
        key = tuple(id(n) for n in nodes)
        found = self._sets.get(key)
        if found is None:
            found = self._sets[key] = _Set(nodes, self._absolute)
        return found

    def _beaten(self, state: _SearchState) -> bool:
        """True when a state seen before can do all that this one can; else it is noted."""
        fixed, given = self._given(state)
        mine = (state.bad.orders, state.plain.orders, state.good.orders, given)
        places = tuple(p.order for p in state.places)
        before = self._settled.setdefault((places, state.phase, fixed), [])
        self.budget.spend(1 + len(before))
        if _among(before, mine):
            return True
        if len(places) > 1 and places[1] >= 0 and not self._wider(state.places):
            free = self._settled.get(((places[0], *(_FREE for _ in places[1:])), state.phase, fixed))
            if free is not None and _among(free, mine):
                return True
        before.append(mine)
        return False

    def _wider(self, places: Nodes) -> bool:
        """True when a place meets plain words where the one for "whatever follows" does not."""
        rest = zip(places[1:], self._plain_orders[1:], self._all_plain[1:], strict=True)
        return any(node.order in plain and not every for node, plain, every in rest)

    def _given(self, state: _SearchState) -> tuple[Word | None, frozenset[Demand]]:
        """What a word says besides its places: itself, while it is exact, since it may go on so; what it implies."""
        if self.implied is None:
            return None, frozenset()
        exact = state.fixed == len(state.word)
        implied = frozenset(self.implied(state.word[: state.fixed], exact)) if state.fixed else frozenset()
        return (state.word if exact else None), implied

    def _moved(self, state: _SearchState, segment: str, places: Nodes, named: bool) -> _SearchState | None:
        phase = self.space.step(state.phase, segment)
        if phase is None:
            return None
        text = segment
        if segment[:1] == CONTROL and " " in segment:
            text = segment.partition(" ")[2]
        bad = self._step(state.bad, segment, self._ends[0])
        plain = self._step(state.plain, text, self._ends[1])
        if plain.dead or (bad.dead and not self._structured):  # `**` matches no word that must be named
            return None
        good = self._step(state.good, text, self._ends[2])
        length = len(state.word)
        fixed = state.fixed + 1 if named and state.fixed == length else state.fixed
        return _SearchState((*state.word, segment), places, bad, plain, good, phase, fixed)

    def _step(self, nodes: _Set, segment: str, ends: Ends) -> _Set:
        """One move of a determinised set."""
        if not nodes.nodes:
            return nodes
        found = nodes.moves.get(segment)
        if found is None:
            self.budget.spend(1 + len(nodes.nodes))
            out: list[Node] = list(nodes.nodes) if segment in self.space.dull else []
            for node in nodes.nodes:
                out += self._step_one(node, segment)
            found = nodes.moves[segment] = self._set(with_one_end(close(out), ends))
        return found

    def _targets(self, number: int, target: Node) -> Nodes:
        """A target of one required set with what `**` reaches for nothing.

        Places where anything may follow are one place, whatever came before.
        """
        key = (number, id(target))
        found = self._closed.get(key)
        if found is None:
            found = (target,) if target.many is None else (target, target.many)
            if number:
                found = tuple(self._free(number, n) for n in found)
            self._closed[key] = found
        return found

    def _free(self, number: int, node: Node) -> Node:
        if not node.loops or not node.marks or node.literals or node.globs or node.any is not None:
            return node
        items = [self.required[number][m] for m in node.marks]
        plain = [m for m, i in zip(node.marks, items, strict=True) if not i.exclude]
        demands = {frozenset(self.required[number][m].holds()) for m in plain}
        if len(plain) < len(items) or len(demands) > 1:
            return node
        (demand,) = demands
        raw = node.order in self._plain_orders[number]
        key = (number, demand, raw)
        if key not in self._anything:
            usual = raw == self._all_plain[number] and all(always(f) for f, _ in demand)
            made = Node(_FREE if usual else -2 - len(self._anything), loops=True)
            made.marks = (plain[0],)
            self._anything[key] = made
            if raw:
                self._plain_orders[number].add(made.order)
        return self._anything[key]

    # moves

    def _moves(self, state: _SearchState) -> Iterator[tuple[str, Nodes, bool]]:
        """Segments worth trying, the nodes of the required sets that each leads to, whether a pattern names it."""
        seen: set[object] = set()
        for wanted, literal, targets in self._ways(state.places):
            segments = (literal,) if literal is not None else self._choose(state, wanted)
            self.budget.spend(len(segments))
            for segment in segments:
                for places in self._alternatives(targets):
                    key = (segment, *(p.order for p in places))
                    if key not in seen:
                        seen.add(key)
                        yield segment, places, literal is not None
        if self._structured:
            yield from self._named(state)
        for mark in self.space.marks(state.phase):
            # a rule may ask for the mark or not see it; what excepts from a barred rule may ask for it as well
            used = {mark, *map(str, state.phase[1:])}
            ways = [
                [*(() if _stuck(p, used) else (p,)), *([p.literals[mark]] if p.literals and mark in p.literals else ())]
                for p in state.places
            ]
            asked = any(mark in (n.literals or ()) for n in state.good.nodes)
            for chosen in itertools.product(*ways):
                if asked or chosen != state.places:
                    for places in self._alternatives(chosen):
                        yield mark, places, True

    def _alternatives(self, targets: Nodes) -> Iterable[Nodes]:
        if len(targets) == 1:
            return [(n,) for n in self._targets(0, targets[0])]
        return itertools.product(*(self._targets(i, t) for i, t in enumerate(targets)))

    def _named(self, state: _SearchState) -> Iterator[tuple[str, Nodes, bool]]:
        """Words that only a pattern which names them matches; to what is about plain words they are like others."""
        plains = [p.order in known for p, known in zip(state.places, self._plain_orders, strict=True)]
        words = {
            x for p, plain in zip(state.places, plains, strict=True) if not plain
            for x in (p.literals or ()) if x[:1] == CONTROL and " " in x
        }  # fmt: skip
        if self.naming is not None and all(plains) and state.fixed == len(state.word):
            words.update(self.naming(state.word))
        for word in sorted(words):
            text = word.partition(" ")[2] if word[:1] == CONTROL else word
            ways = [self._step_one(p, text if plain else word) for p, plain in zip(state.places, plains, strict=True)]
            for targets in itertools.product(*ways):
                for places in self._alternatives(targets):
                    yield word, places, True

    def _ways(self, places: Nodes) -> Iterator[tuple[frozenset[Glob], str | None, Nodes]]:
        """One edge of each required set: the globs that a segment must match, or the segment itself."""
        # a place with few edges first: where it names its segments, the others are only asked where these lead
        turns = sorted(range(len(places)), key=lambda i: _breadth(places[i]))
        ways: list[tuple[frozenset[Glob], str | None, Nodes]] = [(frozenset(), None, ())]
        for mark, target in (places[0].literals or {}).items():
            if mark[:1] == CONTROL and mark not in self.space.dull and " " not in mark:
                rest = [self._step_one(node, mark) for node in places[1:]]
                yield from ((frozenset(), mark, (target, *others)) for others in itertools.product(*rest))
        for node in (places[i] for i in turns):
            following: list[tuple[frozenset[Glob], str | None, Nodes]] = []
            for wanted, literal, targets in ways:
                if literal is not None:
                    following += [(wanted, literal, (*targets, t)) for t in self._step_one(node, literal)]
                    continue
                for label, target in _edges(node):
                    if isinstance(label, str):
                        if label[:1] != CONTROL and all(g.matches(label) for g in wanted):
                            following.append((wanted, label, (*targets, target)))
                    else:
                        more = wanted | {label} if isinstance(label, Glob) else wanted
                        following.append((more, None, (*targets, target)))
            ways = following
        back = sorted(range(len(turns)), key=turns.__getitem__)
        for wanted, literal, targets in ways:
            yield wanted, literal, tuple([targets[i] for i in back])

    def _step_one(self, node: Node, segment: str) -> list[Node]:
        """Where one node goes, before closing."""
        out: list[Node] = []
        if node.literals is not None and segment in node.literals:
            out.append(node.literals[segment])
        if segment[:1] != CONTROL or segment.startswith(CLIMBING):
            if node.loops:
                out.append(node)
            if node.any is not None:
                out.append(node.any)
        if segment[:1] != CONTROL:
            out += [t for g, t in (node.globs or {}).items() if g.matches(segment)]
        return out

    def _choose(self, state: _SearchState, wanted: frozenset[Glob]) -> tuple[str, ...]:
        pool = self.space.pool(state.phase)
        alphabet, forbidden = self.space.alphabet(state.phase)
        key = (wanted, id(state.bad), id(state.plain), id(state.good), pool, alphabet.name, forbidden)
        found = self._choices.get(key)
        if found is None:
            found = self._chosen(state, wanted, pool)
            self._choices[key] = found
        return found

    def _chosen(self, state: _SearchState, wanted: frozenset[Glob], pool: tuple[str, ...] | None) -> tuple[str, ...]:
        alphabet, forbidden = self.space.alphabet(state.phase)
        if pool is None and (not state.good.nodes or self._fleeting(state, wanted)):
            against = (*forbidden, *state.bad.globs, *state.plain.globs)
            sets = (state.bad, state.plain)
            quick = untouched(wanted, against, lambda x: any(s.names(x) for s in sets), alphabet, self.budget)
            if quick is not None:
                return (quick,)
        bad, good = state.bad.labels() | state.plain.labels(), state.good.alike()
        if pool is not None:
            return among(pool, wanted, bad, good, self.budget)
        return choose(wanted, bad, good, alphabet, forbidden, self.budget)

    def _fleeting(self, state: _SearchState, wanted: frozenset[Glob]) -> bool:
        """True when the exceptions that may come next matter only to a word that ends with what they except.

        Then a segment that meets nothing bad is as good as one that meets an exception.
        """
        if any(g in wanted for nodes in (state.bad, state.plain) for g in nodes.globs):
            return False
        standing = {m for s in (state.bad, state.plain) for n in s.nodes for m in _anyway(n)}
        ends, following = state.good.next_ends()
        return ends and standing.isdisjoint(following)

    # answers

    def _answers(self, state: _SearchState) -> Iterator[Found]:
        bad, good = state.bad.marks | state.plain.marks, state.good.marks
        most = len(self.barred)
        against = frozenset(self.barred[i].fails() for i in bad if i < most and i not in good)
        choices = [
            [i for i in node.marks if self._own.get((number, i)) not in bad] for number, node in enumerate(state.places)
        ]
        exact = state.fixed == len(state.word)
        against |= self._given(state)[1]
        for marks in itertools.product(*choices):
            self.budget.spend(1 + len(against))
            items = tuple(items[i] for items, i in zip(self.required, marks, strict=True))
            if self.spared is not None and items[0].rule is not None:
                spared = self.spared(items[0].rule)
                left = (self.barred[i] for i in bad if i < most and i not in good)
                against = frozenset(i.fails() for i in left if i.rule is None or i.rule.id not in spared)
            demands = against | {d for item in items for d in item.holds()}
            agents = self.cases.agents(demands) & self.open[marks[0]]
            if agents:
                yield Found(state.word, marks[0], items, demands, agents, exact)


_FREE = -1
"""The order of the places where whatever follows is matched, in every case."""


_Met = tuple[frozenset[int], frozenset[int], frozenset[int], frozenset[Demand]]
"""What a state met: of what must not match, as it is and plain; of what excepts; what its word implies."""


def _among(known: list[_Met], mine: _Met) -> bool:
    """True when something known meets no more of what is bad, no less of what is good, and is implied no more."""
    bad, plain, good, given = mine
    return any(o[0] <= bad and o[1] <= plain and o[2] >= good and o[3] <= given for o in known)


def _anyway(node: Node) -> Iterator[int]:
    """The marks that hold after one more segment, whatever it is."""
    if node.loops:
        yield from node.marks
    if node.any is not None:
        for following in close((node.any,)):
            yield from following.marks


def _stuck(node: Node, used: set[str]) -> bool:
    """True for a place that waits for marks which have all been used."""
    if node.marks or node.globs or node.any is not None or node.many is not None:
        return False
    return node.loops and bool(node.literals) and used.issuperset(node.literals or ())


_PLAIN = f"{CONTROL}plain"
"""Begins the sequences of a set that are about plain words, while its automaton is made."""


def _roots(items: list[Item]) -> tuple[Node, Node | None]:
    """A required set's automaton, and the part that is about plain words."""
    trie = Trie()
    for place, item in enumerate(items):
        for sequence in item.include:
            trie.add((_PLAIN, *sequence) if item.raw else sequence, place)
    return trie.root, (trie.root.literals or {}).pop(_PLAIN, None)


def _below(root: Node) -> Iterator[Node]:
    """A node and all below it."""
    todo = [root]
    while todo:
        node = todo.pop()
        yield node
        todo += _children(node)


def _children(node: Node) -> Iterator[Node]:
    yield from (node.literals or {}).values()
    yield from (node.globs or {}).values()
    if node.any is not None:
        yield node.any
    if node.many is not None:
        yield node.many


def _breadth(node: Node) -> int:
    """How many edges lead on."""
    return len(node.literals or ()) + len(node.globs or ()) + (node.any is not None) + node.loops


def _edges(node: Node) -> Iterator[tuple[Label, Node]]:
    yield from (node.literals or {}).items()
    yield from (node.globs or {}).items()
    if node.any is not None:
        yield MANY, node.any
    if node.loops:
        yield MANY, node
