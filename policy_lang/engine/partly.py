"""Verdicts on what is only partly known: the strictest over every member, found by the same automaton, intersected."""

from __future__ import annotations

from ..automata.alphabet import Alphabet
from ..automata.budget import Budget
from ..automata.meet import Meeting
from ..automata.pattern import Sequence, Word, quoted
from ..automata.trie import Trie
from ..domain.actions import HOST, METHODS, PATH, REF, SORT_OF
from ..domain.decision import Verdict, strictest
from ..domain.errors import RequestError
from ..domain.request import Request
from ..facts.paths import path_forms
from ..ir.patterns import ALPHABETS, compile_pattern
from ..ir.scopes import PatternError
from .command_words import bare_sequence
from .engine import Engine
from .table import FLOOR, Table
from .verdicts import Environment, Marks


def members(
    engine: Engine,
    action: str,
    table: Table,
    env: Environment,
    sequences: tuple[Sequence, ...],
    prefixes: tuple[Word, ...] = ((),),
    everything: bool = False,
) -> Verdict:
    """The strictest verdict over all members of a pattern: the same automaton, intersected."""
    alphabet = ALPHABETS[SORT_OF[action]]
    meeting = Meeting(table.trie, Trie((s, 0) for s in sequences), alphabet, Budget("decision_work"), prefixes)
    options = table.open_options
    bare = _bare(table, alphabet, sequences)
    for mark in meeting.possible:
        entry, include = table.owners[mark]
        if include and entry.ref.effect == "deny" and not entry.excepts and entry.layer != FLOOR:
            verdict = engine.judged(action, table, Marks((mark,), (mark,)), env, options)
            if verdict.rules:  # some member meets a deny that holds: nothing is stricter
                return verdict
    verdicts: list[Verdict] = []
    for marks, _ in meeting.marks():
        possible = table.all_marks if everything else marks
        verdicts.append(engine.judged(action, table, Marks(marks, possible, (), bare, False), env, options))
        if verdicts[-1].effect == "deny":
            return verdicts[-1]
    if not verdicts:
        raise RequestError("PLR061", "the pattern has no members")
    return engine.strictest(tuple(dict.fromkeys(verdicts)))


def _bare(table: Table, alphabet: Alphabet, sequences: tuple[Sequence, ...]) -> tuple[int, ...]:
    """The marks that members of command patterns may have without their options."""
    if not table.bare_owners:
        return ()
    made = [bare_sequence(s) for s in sequences]
    trie = Trie((m[0], 0) for m in made if m is not None)
    return tuple(sorted(Meeting(table.bare_trie, trie, alphabet, Budget("decision_work")).possible))


def any_branch(engine: Engine, action: str, table: Table, remote: str, env: Environment) -> Verdict:
    """The verdict on a branch of a remote that is not known."""
    sequences = compile_pattern(REF, f"{quoted(remote)}:refs/heads/**")
    return members(engine, action, table, env, sequences)


def pattern_verdict(engine: Engine, request: Request, table: Table, sort: str, env: Environment) -> Verdict:
    """A resource that is only partly known."""
    if not isinstance(request.resource, str):
        raise RequestError("PLR061", "a pattern is a string")
    if request.resolved:
        raise RequestError("PLR061", "a host that is only partly known has no addresses")
    methods = (request.method,) if request.method else METHODS if table.has_methods else ("GET",)
    try:
        sequences = compile_pattern(sort, request.resource, methods if sort == HOST else ())
    except PatternError as error:
        raise RequestError("PLR061", f"the pattern is malformed: {error.message}") from None
    if sort != PATH:
        return members(engine, request.action, table, env, sequences)
    verdicts: list[Verdict] = []
    for sequence in sequences:
        text, rest = _known_part(sequence)
        for names in path_forms(text, engine.roots(request)):
            verdicts.append(
                members(engine, request.action, table, env, (rest,), names.sure, everything=bool(names.maybe))
            )
    return strictest(tuple(verdicts), engine.judge.reduce)


_ANCHORS = {"\0/": "/", "\0W": "./", "\0~": "~/", "\0T": "${tmp}/"}


def _known_part(sequence: Sequence) -> tuple[str, Sequence]:
    """The path before the first wildcard, as text, and the labels after it."""
    first = sequence[0]
    assert isinstance(first, str)
    known: list[str] = []
    for label in sequence[1:]:
        if not isinstance(label, str):
            break
        known.append(label)
    return _ANCHORS[first] + "/".join(known), sequence[1 + len(known) :]
