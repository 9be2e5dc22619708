"""Answers of the tables: of a word, of something with several names, of every member of a pattern."""

from __future__ import annotations

from ..automata.trie import marks_of
from ..domain.actions import ACTIONS, ALLOW, DENY, SORT_OF
from ..domain.decision import Verdict, strictest
from ..domain.errors import RequestError, SearchLimitError
from ..domain.limits import limit
from .combine import Combiner, Environment, Marks, rule_truths
from .memo import Memo
from .table import EMPTY, FLOOR, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..automata.pattern import Sequence, Word
    from ..automata.walker import State
    from ..domain.decision import RuleRef
    from ..facts.words import Names
    from ..shell.profile import Profiles
    from .combine import Outcomes
    from .table import Prepared

_MOST_VERDICTS = limit("unknown_segments_per_state")
_MOST_SCRIPTS = limit("answers")
_MOST_ENVIRONMENTS = limit("memo_entries")


class Evaluator:
    """Asks the tables of a prepared policy set. It knows no requests.

    `profiles` say how programs read their command lines; `scripts` are the commands that were read before.
    """

    thorough = False
    """Whether all that may decide is looked at, also when something denies already."""

    def __init__(self, prepared: Prepared, over_everything: bool, profiles: Profiles) -> None:
        self.prepared = prepared
        self.profiles = profiles
        self.combiner = Combiner(prepared.layers, prepared.tiers, over_everything, prepared.defaults)
        self.scripts = Memo(_MOST_SCRIPTS)
        self._restricting = Memo(_MOST_ENVIRONMENTS)
        self._restricted: frozenset[str] | None = None
        self._empty: dict[str, Table] = {}

    def table(self, action: str) -> Table:
        """The rules about an action."""
        return self.prepared.tables.get(action) or self._no_rules(action)

    def _no_rules(self, action: str) -> Table:
        """A table of its own for each action that no rule speaks of, as answers are remembered in it."""
        found = self._empty.get(action)
        if found is None:
            found = self._empty[action] = EMPTY.fresh()
        return found

    def restricted(self) -> frozenset[str]:
        """The actions that some rule denies or asks for."""
        if self._restricted is None:
            tables = self.prepared.tables
            self._restricted = frozenset(
                action
                for action in ACTIONS
                if any(e.ref.effect != ALLOW for e in (tables.get(action) or EMPTY).entries)
            )
        return self._restricted

    def restricting(self, env: Environment, muted: frozenset[RuleRef] = frozenset()) -> Environment:
        """The same conditions, where everything counts as granted and `muted` rules do not count.

        It is always the same one, so that it is a key as well. What is muted already stays so.
        """
        key = (env, muted or env.muted)
        found: Environment | None = self._restricting.get(key)
        if found is None:
            found = Environment(env.outcomes, env.missing, granted=True, muted=key[1])
            self._restricting.keep(key, found)
        return found

    def part(self) -> None:
        """What follows is about another part of the request: another act of a script, another address."""

    def forget(self) -> None:
        """What was asked about this part does not count."""

    def decided(
        self, action: str, table: Table, marks: Marks, env: Environment, options: Outcomes, granted: bool = False
    ) -> Verdict:
        """The verdict on something that has these marks. Every verdict of a table comes from here."""
        return self.combiner.verdict(action, rule_truths(table, marks, env, options), env, granted or env.granted)

    def limited(self, action: str) -> None:
        """An exact search among the rules about an action met its limit: not all of them were asked."""

    def strictest(self, verdicts: Iterable[Verdict]) -> Verdict:
        """All of them must hold."""
        return strictest(tuple(dict.fromkeys(verdicts)), self.combiner.reduce)

    def word(self, action: str, table: Table, word: Word, env: Environment) -> Verdict:
        """The verdict on one fully known word."""
        state = table.walker.walk(word)
        found = state.memo.get(env)
        if found is None:
            found = self.decided(action, table, Marks(state.marks, state.marks), env, ())
            if len(state.memo) < _MOST_VERDICTS:
                state.memo[env] = found
        assert isinstance(found, Verdict)
        return found

    def protected(self, table: Table, names: Names, env: Environment) -> Verdict | None:
        """What the protected floor says of something in one form, None where it says nothing or a rule overrides it."""
        definite = [table.walker.walk(word).marks for word in names.definite]
        possible = [*definite, *(table.walker.walk(word).marks for word in names.possible)]
        marks = Marks(_united(definite), _united(possible))
        if not any(table.owners[mark][0].layer == FLOOR for mark in marks.possible):
            return None
        return self.combiner.protected(rule_truths(table, marks, env, ()), env)

    def named(self, action: str, table: Table, names: Names, env: Environment) -> Verdict:
        """The verdict on something in one form: it may have several names, and what follows them may not be known."""
        if names.rest:
            return self.members(action, table, env, (names.rest,), names.definite, bool(names.possible))
        if len(names.definite) == 1 and not names.possible:
            return self.word(action, table, names.definite[0], env)
        definite = tuple(table.walker.walk(word) for word in names.definite)
        possible = tuple(dict.fromkeys(table.walker.walk(word) for word in names.possible))
        key = (definite, possible, env)
        found = table.memo.get(key)
        if found is None:
            marks = Marks(_marks(definite), _marks((*definite, *possible)))
            found = self.decided(action, table, marks, env, ())
            table.memo.keep(key, found)
        assert isinstance(found, Verdict)
        return found

    def forms(self, action: str, forms: tuple[Names, ...], env: Environment) -> Verdict:
        """The verdict on something that has several forms: all of them must be granted."""
        table = self.table(action)
        if len(forms) == 1:
            return self.named(action, table, forms[0], env)
        verdicts = tuple(self.named(action, table, names, env) for names in forms)
        return strictest(verdicts, self.combiner.reduce)

    def members(
        self,
        action: str,
        table: Table,
        env: Environment,
        sequences: tuple[Sequence, ...],
        prefixes: tuple[Word, ...] = ((),),
        everything: bool = False,
    ) -> Verdict:
        """The strictest verdict over all members of a pattern: the same automaton, intersected.

        With `everything` a member may have further names, that any rule may match.
        """
        from ..automata.budget import Budget
        from ..automata.meet import Meeting
        from ..automata.trie import Trie
        from ..ir.sorts.sort import sort_named

        alphabet = sort_named(SORT_OF[action]).alphabet
        meeting = Meeting(table.trie, Trie((s, 0) for s in sequences), alphabet, Budget("decision_work"), prefixes)
        options = table.open_options
        denials: list[Verdict] = []
        for mark in meeting.possible:
            entry, include = table.owners[mark]
            if include and entry.ref.effect == DENY and not entry.excepts and entry.layer != FLOOR:
                verdict = self.decided(action, table, Marks((mark,), (mark,)), env, options, granted=True)
                if verdict.rules:  # some member meets a deny that holds: nothing is stricter
                    denials.append(verdict)
                    if not self.thorough:
                        return verdict
        option_free = _option_free(table, sequences, self.profiles)
        all_marks = table.all_marks if everything else None
        made = (
            self.decided(
                action, table, Marks(m, m if all_marks is None else all_marks, (), option_free, False), env, options
            )
            for m, _ in meeting.marks()
        )
        return self.over_members(action, made, denials)

    def over_members(self, action: str, verdicts: Iterable[Verdict], denials: Iterable[Verdict] = ()) -> Verdict:
        """The strictest of the verdicts on a pattern's members, as they are found. `denials` are known already.

        Nothing is stricter than a deny, so the search may end there, by itself or by its limit. Raises RequestError for
        a pattern without members, SearchLimitError.
        """
        found = list(denials)
        try:
            for verdict in verdicts:
                found.append(verdict)
                if verdict.effect == DENY and not self.thorough:
                    return verdict
        except SearchLimitError:
            if all(v.effect != DENY for v in found):
                raise
            self.limited(action)
        if not found:
            raise RequestError("PLR061", "the pattern has no members")
        return self.strictest(found)


def _marks(states: Iterable[State]) -> tuple[int, ...]:
    return marks_of(n for s in states for n in s.nodes)


def _option_free(table: Table, sequences: tuple[Sequence, ...], profiles: Profiles) -> tuple[int, ...]:
    """The marks that members of command patterns may have without their options."""
    if not table.bare_owners:
        return ()
    from ..automata.budget import Budget
    from ..automata.meet import Meeting
    from ..automata.trie import Trie
    from ..ir.sorts.command import WORDS
    from .readings import member_words

    trie = Trie((words, 0) for s in sequences for words in member_words(s, profiles))
    return tuple(sorted(Meeting(table.bare_trie, trie, WORDS, Budget("decision_work")).possible))


def _united(marks: list[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(mark for some in marks for mark in some))
