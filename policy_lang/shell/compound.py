"""Compound commands: every way through them is followed, loops until another round changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from ..domain.limits import limit
from .expand import Expander
from .reading import Opaque
from .state import Ends, ShellState, merge, merge_ends
from .tree import (
    AndOrList,
    ArithmeticCommand,
    ArithmeticFor,
    CaseClause,
    CompoundCommand,
    ConditionalExpression,
    ForClause,
    Grouping,
    IfClause,
    ShellWord,
    Text,
    WhileClause,
)
from .values import Hole, Value, either, numeric
from .walk import Frame, Walk

MOST_ROUNDS = limit("script_rounds")
MOST_UNROLLED = limit("script_unrolled")

_NUMERIC_TESTS = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Lists(Protocol):
        """Runner of the lists of commands inside a compound command."""

        def items(self, items: tuple[AndOrList, ...], state: ShellState) -> Ends:
            """Run a list."""


class CompoundCommands:
    """Runs compound commands: `lists` runs the commands inside them, `words` expands their words."""

    __slots__ = ("lists", "walk", "words")

    def __init__(self, walk: Walk, words: Expander, lists: Lists) -> None:
        self.walk = walk
        self.words = words
        self.lists = lists

    def run(self, command: CompoundCommand, state: ShellState) -> Ends:
        """Run a compound command."""
        kind = command.kind
        if isinstance(kind, Grouping):
            if not kind.subshell:
                return self.lists.items(kind.body, state)
            self.walk.subshell(state, lambda s: self.lists.items(kind.body, s))
            return state, state
        if isinstance(kind, IfClause):
            return self.branches(kind, state)
        if isinstance(kind, WhileClause):
            return self.loop(state, lambda s: self.round(kind, s))
        if isinstance(kind, ForClause):
            return self.for_each(kind, state)
        if isinstance(kind, ArithmeticFor):
            self.words.arithmetic(kind.header)
            return self.loop(state, lambda s: (merge(*self.again(kind, s)), s))
        if isinstance(kind, CaseClause):
            return self.cases(kind, state)
        if isinstance(kind, ConditionalExpression):
            self.test(kind)
        else:
            assert isinstance(kind, ArithmeticCommand)
            self.words.arithmetic(kind.parts)
        return state, state

    def again(self, kind: ArithmeticFor, state: ShellState) -> Ends:
        """One round of an arithmetic loop."""
        self.walk.state = state
        self.words.arithmetic(kind.header)
        return self.lists.items(kind.body, state)

    def branches(self, kind: IfClause, state: ShellState) -> Ends:
        """`if`."""
        ok: ShellState | None = None
        bad: ShellState | None = None
        now: ShellState | None = state
        for condition, body in kind.branches:
            assert now is not None
            self.walk.guarded += 1
            yes, no = self.lists.items(condition, now)
            self.walk.guarded -= 1
            if yes is not None:
                a, b = self.lists.items(body, yes.copy() if yes is no else yes)
                ok, bad = merge(ok, a), merge(bad, b)
            now = no
            if now is None:
                return ok, bad
        if kind.last:
            a, b = self.lists.items(kind.last, now)  # type: ignore[arg-type]
            return merge(ok, a), merge(bad, b)
        return merge(ok, now), bad

    def round(self, kind: WhileClause, state: ShellState) -> Ends:
        """One round of `while`: the state for the next round, and the one that leaves the loop."""
        self.walk.guarded += 1
        yes, no = self.lists.items(kind.condition, state)
        self.walk.guarded -= 1
        if kind.until:
            yes, no = no, yes
        if yes is None:
            return None, no
        return merge(*self.lists.items(kind.body, yes.copy() if yes is no else yes)), no

    def loop(self, state: ShellState, once: Callable[[ShellState], Ends]) -> Ends:
        """Run a loop until another round would change nothing, or everything is unknown."""
        for number in range(MOST_ROUNDS + 1):
            frame = Frame()
            self.walk.frames.append(frame)
            lines = self.walk.input
            following, left = once(state.copy())
            self.walk.frames.pop()
            for other in frame.continues:  # in the condition of `until` it ends the loop
                following, left = merge(following, other), merge(left, other)
            for other in frame.breaks:
                left = merge(left, other)
            joined_ = merge(state, following)
            assert joined_ is not None
            if following is None or (lines is self.walk.input and _same(joined_, state)):
                return left, left
            state = joined_
            if number == MOST_ROUNDS - 1:
                state.forget()
        return left, left

    def for_each(self, kind: ForClause, state: ShellState) -> Ends:
        """`for`: one round for each value when they are known, else one for all of them."""
        self.walk.state = state
        if kind.words is None:
            return self.rounds(kind, list(state.args) if state.args is not None else [Value((Hole.ANY,), True)], state)
        ways = self.words.lists(kind.words)
        return merge_ends([self.rounds(kind, values, state.copy() if len(ways) > 1 else state) for values in ways])

    def rounds(self, kind: ForClause, values: list[Value], state: ShellState) -> Ends:
        """The rounds of a `for` over these values."""
        if len(values) <= MOST_UNROLLED and not any(v.many for v in values):
            left: ShellState | None = None
            now: ShellState | None = state
            for value in values:
                if now is None:
                    break
                frame = Frame()
                self.walk.frames.append(frame)
                self.walk.state = now
                self.walk.assign(kind.name, value)
                now = merge(*self.lists.items(kind.body, now))
                self.walk.frames.pop()
                for other in frame.continues:
                    now = merge(now, other)
                for other in frame.breaks:
                    left = merge(left, other)
            left = merge(left, now)
            return left, left
        each = values[0]
        for value in values[1:]:
            each = either(each, value)
        each = Value(each.parts, False, each.why)

        def once(inner: ShellState) -> Ends:
            self.walk.state = inner
            after = inner.copy()
            self.walk.assign(kind.name, each)
            return merge(*self.lists.items(kind.body, inner)), after

        return self.loop(state, once)

    def cases(self, kind: CaseClause, state: ShellState) -> Ends:
        """`case`."""
        self.walk.state = state
        self.words.value(kind.subject)
        ok: ShellState | None = state.copy()
        bad: ShellState | None = None
        through: ShellState | None = None
        for item in kind.items:
            self.walk.state = state
            for pattern in item.patterns:
                self.words.value(pattern)
            begin = merge(state.copy(), through)
            assert begin is not None
            a, b = self.lists.items(item.body, begin)
            through = None
            if item.terminator == ";&":
                through = merge(a, b)
                through = through.copy() if through else None
            ok, bad = merge(ok, a), merge(bad, b)
        return ok, bad

    def test(self, kind: ConditionalExpression) -> None:
        """`[[ ]]`: it only looks, but numbers are evaluated as arithmetic is."""
        values: list[Value | str] = []
        for word in kind.words:
            values.append(word if isinstance(word, str) else self.words.value(word))
        for i, value in enumerate(values):
            text = value if isinstance(value, str) else value.text
            if text in _NUMERIC_TESTS:
                for side in values[i - 1 : i] + values[i + 1 : i + 2]:
                    if isinstance(side, str) or not numeric(side):
                        raise Opaque(
                            "`[[ ]]` evaluates a value that is not known to be a number", "use `[ ]` with quotes"
                        )
            elif text in {"-v", "-R"}:
                name = values[i + 1] if i + 1 < len(values) else ""
                inner = name if isinstance(name, str) else name.text
                if inner is None or not inner.isidentifier():
                    raise Opaque("`[[ -v ]]` evaluates what it is given")
        if any(
            isinstance(p, Text) and not p.quoted and "(" in p.text
            for w in kind.words
            if isinstance(w, ShellWord)
            for p in w.parts
        ):
            raise Opaque("a pattern with parentheses")


def _same(first: ShellState, second: ShellState) -> bool:
    return (
        first.variables == second.variables
        and first.folders == second.folders
        and first.args == second.args
        and first.hidden == second.hidden
        and first.functions.keys() == second.functions.keys()
        and all(
            len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))
            for a, b in zip(first.functions.values(), second.functions.values(), strict=True)
        )
    )
