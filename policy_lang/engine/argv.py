"""Verdicts on running one command: as given, with what must be named, and without its options."""

from __future__ import annotations

import os

from ..automata.pattern import CLIMBING, Label, Sequence, Word, collapse
from ..automata.walker import State
from ..domain.actions import ALLOW, ASK, DENY
from ..domain.decision import Verdict
from ..domain.errors import RequestError
from ..domain.request import Request
from ..facts.commands import OPAQUE, argv_word, climbs
from ..shell.acts import Act
from ..shell.profile import Profile, Profiles
from ..shell.programs import program_name
from ..shell.reading import Opaque
from ..shell.values import Hole, Value, literal
from .combine import Environment, Marks, rule_truths
from .command_words import NAMED, bare_sequences, bare_states, command_options, plain_indexes
from .evaluator import Evaluator
from .labels import word_label
from .table import Entry, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection


def run_verdict(evaluator: Evaluator, act: Act, request: Request, env: Environment) -> Verdict:
    """The verdict on running a command, whatever else it does."""
    table = evaluator.table("run")
    texts = [v.text for v in act.argv]
    if act.opaque:
        verdict = opaque_verdict(evaluator, table, env, f"the command is opaque: {act.opaque}")
        word = _known_words(act, request)
        if word is None:
            return verdict
        # what is known of it still meets the rules about such commands, also those that leave opaque ones alone
        marks = _restricting(_marks(table, act, word, evaluator.profiles)[0])
        options = command_options(table.options, None, word, _profile(act, evaluator.profiles))
        restricted = evaluator.decided("run", table, marks, env, options, granted=True)
        return evaluator.strictest((verdict, restricted)) if restricted.effect != ALLOW else verdict
    if None in texts:
        return _partly_known(evaluator, table, act, request, env)
    folder = request.cwd
    if "/" in (texts[0] or "") and not (texts[0] or "").startswith("/"):
        if act.folders is None:
            return opaque_verdict(evaluator, table, env, "where the program lies is not known")
        if act.folders != ("",):
            folder = os.path.join(request.cwd or request.workspace or "", act.folders[0])
            if len(act.folders) > 1 or act.folders[0].startswith(("~", "$")):
                return opaque_verdict(evaluator, table, env, "where the program lies is not known")
    word = argv_word(tuple(t for t in texts if t is not None), folder, request.workspace)
    options = command_options(table.options, act.parsed, word)
    marks, states = _marks(table, act, word, evaluator.profiles)
    key = (*states, env, options, act.free)
    found = table.memo.get(key)
    if found is None:
        found = evaluator.decided("run", table, marks, env, options, granted=act.free)
        table.memo.keep(key, found)
    assert isinstance(found, Verdict)
    return _unless_unnamed(evaluator, table, act, env, found)


def _unless_unnamed(evaluator: Evaluator, table: Table, act: Act, env: Environment, verdict: Verdict) -> Verdict:
    """The verdict; but what only a naming rule could grant, and none does, is opaque."""
    if act.parsed is None or not act.parsed.named:
        return verdict
    why = "it carries code or an option that only a rule which names it grants"
    if verdict.effect == DENY and not verdict.rules:
        return opaque_verdict(evaluator, table, env, why)
    if evaluator.combiner.by_default(verdict):
        opaque = opaque_verdict(evaluator, table, env, why)
        return evaluator.strictest((verdict, opaque)) if opaque.effect == ASK or opaque.rules else verdict
    return verdict


def _known_words(act: Act, request: Request) -> Word | None:
    texts = tuple(v.text for v in act.argv)
    if not texts or None in texts:
        return None
    try:
        return argv_word(texts, request.cwd, request.workspace)
    except RequestError:
        return None


def _marks(table: Table, act: Act, word: Word, profiles: Profiles) -> tuple[Marks, tuple[State | None, ...]]:
    """What a command meets: as given, with what must be named, and without its options; and the states it met it in."""
    named = act.parsed.named if act.parsed is not None else ()
    state = table.walker.walk(word)
    by_name: list[tuple[State, ...] | None] = []
    free: tuple[int, ...] = ()
    by_reading: tuple[int, ...] = ()
    if table.bare_owners:
        profile = _profile(act, profiles) if act.opaque else None
        by_name = bare_states(table.bare, act.parsed, profile, word)
        free, by_reading = _option_free(table, by_name)
    grants = state
    granted_word = _granted_word(word, named)
    if granted_word is not word:
        grants = table.walker.walk(granted_word)
    met = (state, grants, *(s for states in by_name for s in (states or (None,))))
    left_out = plain_indexes(act.parsed, word)
    if not left_out:
        return Marks(grants.marks, grants.marks, state.marks, free, True, by_reading), met
    shorter = table.walker.walk(tuple(w for i, w in enumerate(granted_word) if i not in left_out))
    granted = tuple(sorted({*grants.marks, *shorter.marks}))
    return Marks(granted, granted, state.marks, free, True, by_reading), (*met, shorter)


def _granted_word(word: Word, named: Collection[int]) -> Word:
    """A command as grants see it: what must be named, and what no wildcard inside a word stands for, are marked."""
    if not named and ".." not in "\0".join(word):
        return word
    return tuple(NAMED + w if i in named else CLIMBING + w if i and climbs(w) else w for i, w in enumerate(word))


def _may_climb(value: Value) -> bool:
    """True for a word that may lead to the folder above: something in it may be any name."""
    if value.text is not None:
        return climbs(value.text)
    return not value.many and (
        not {Hole.ANY, Hole.NAME}.isdisjoint(value.parts)
        or climbs("/".join(p for p in value.parts if isinstance(p, str)))
    )


def _option_free(table: Table, by_name: list[tuple[State, ...] | None]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The marks of a command's bare words in every reading, and those that it has in some."""
    if len(by_name) == 1 and by_name[0] is not None and len(by_name[0]) == 1:
        return by_name[0][0].marks, ()
    surely: set[int] = set()
    possibly: set[int] = set()
    for states in by_name:
        if states is None:
            possibly.update(range(len(table.bare_owners)))
        elif states:
            surely.update(set(states[0].marks).intersection(*(s.marks for s in states[1:])))
            possibly.update(m for s in states for m in s.marks)
    return tuple(sorted(surely)), tuple(sorted(possibly - surely))


def _restricting(marks: Marks) -> Marks:
    """The marks without what only grants."""
    return Marks((), (), marks.as_given, marks.option_free, marks.certain, marks.by_reading)


def _profile(act: Act, profiles: Profiles) -> Profile | None:
    """The profile of the program of a command that it could not read."""
    try:
        name = program_name(act.argv[0].text or "")
    except Opaque:
        return None
    return profiles(name) if name is not None else None


def command_truths(table: Table, act: Act, workspace: str, profiles: Profiles) -> list[tuple[Entry, bool | None]]:
    """What rules alone, without conditions, say of one command."""
    env = Environment((), ())
    texts = tuple(v.text or "" for v in act.argv)
    if any(v.text is None for v in act.argv) or not act.argv:
        marks = Marks(table.walker.walk((OPAQUE,)).marks, table.all_marks)
        return rule_truths(table, marks, env, table.open_options)
    word = argv_word(texts, None, workspace)
    marks = _marks(table, act, word, profiles)[0]
    options = command_options(table.options, act.parsed, word, _profile(act, profiles) if act.opaque else None)
    if not act.opaque:
        return rule_truths(table, marks, env, options)
    granted = table.walker.walk((OPAQUE,)).marks  # only `opaque` itself grants it
    known = rule_truths(table, _restricting(marks), env, options)
    return [*rule_truths(table, Marks(granted, granted), env, table.open_options), *known]


def opaque_verdict(evaluator: Evaluator, table: Table, env: Environment, why: str) -> Verdict:
    """The verdict on a command that may do anything."""
    state = table.walker.walk((OPAQUE,))
    verdict = evaluator.decided("run", table, Marks(state.marks, table.all_marks), env, table.open_options)
    return Verdict(
        verdict.effect, verdict.tiers, verdict.rules, (why, *verdict.reasons), verdict.obligations, verdict.support
    )


def _partly_known(evaluator: Evaluator, table: Table, act: Act, request: Request, env: Environment) -> Verdict:
    """A command with words that are not fully known: the strictest over all that it may be."""
    first = act.argv[0].text
    if first is None:
        return opaque_verdict(evaluator, table, env, "which program it runs is not known")
    folder = (
        act.folders[0] if act.folders and act.folders[0] and not act.folders[0].startswith(("~", "$", "/")) else None
    )
    base = os.path.join(request.cwd or request.workspace or "", folder) if folder else request.cwd
    program = argv_word((first,), base, request.workspace)[0]
    named = act.parsed.named if act.parsed is not None else set()
    labels: list[Label] = [program]
    granted: list[Label] = [program]
    for i, value in enumerate(act.argv[1:], 1):
        label = word_label(value)
        labels.append(label)
        mark = NAMED if i in named else CLIMBING if _may_climb(value) else ""
        granted.append(label if not mark else mark + label if isinstance(label, str) else mark)
    bare: tuple[Sequence, ...] = ()
    if table.bare_owners:
        bare = tuple(bare_sequences(act.parsed, None, (literal(program), *act.argv[1:])))
    key = ("partly", tuple(labels), tuple(granted), bare, env, act.free)
    found = table.memo.get(key)
    if found is None:
        found = _strictest_over(evaluator, table, act, collapse(labels), collapse(granted), bare, env)
        table.memo.keep(key, found)
    assert isinstance(found, Verdict)
    return _unless_unnamed(evaluator, table, act, env, found)


def _strictest_over(
    evaluator: Evaluator, table: Table, act: Act, labels: Sequence, granted: Sequence, free: tuple[Sequence, ...],
    env: Environment,
) -> Verdict:  # fmt: skip
    from ..automata.budget import Budget
    from ..automata.meet import Meeting
    from ..automata.trie import Trie
    from ..ir.sorts.command import WORDS

    options = command_options(table.options, act.parsed, None)
    budget = Budget("decision_work")
    bare = Meeting(table.bare_trie, Trie((collapse(s), 0) for s in free), WORDS, budget).possible
    raw = Meeting(table.trie, Trie([(labels, 0)]), WORDS, budget).possible
    meeting = Meeting(table.trie, Trie([(granted, 0)]), WORDS, budget)
    met = (Marks(marks, marks, tuple(raw), tuple(bare), certain=False) for marks, _ in meeting.marks())
    verdicts = (evaluator.decided("run", table, m, env, options, granted=act.free) for m in met)
    return evaluator.over_members("run", verdicts)
