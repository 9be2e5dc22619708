"""Why a decision is what it is: for each rule about the action, what it says of this resource and why."""

from __future__ import annotations

from ..automata.pattern import Word
from ..domain.actions import COMMAND, HOST, PATH, REF, SORT_OF
from ..domain.decision import Decision, RuleRef
from ..domain.errors import RequestError
from ..domain.record import record
from ..domain.request import Request
from ..facts import hosts
from ..facts.commands import OPAQUE, argv_word
from ..facts.disk import REAL
from ..facts.names import name_word
from ..facts.paths import Roots, path_forms
from ..facts.refs import ref_facts
from ..shell.acts import Act
from .command_words import BARE, bare_word, command_options
from .engine import Engine
from .table import FLOOR, Entry, Table
from .verdicts import Environment, open_because, truth


@record(frozen=True, slots=True)
class RuleAnswer:
    """One candidate rule: `holds` is `yes`, `no` or `maybe`; `why` says what decided that."""

    rule: RuleRef
    layer: str
    holds: str
    why: str


@record(frozen=True, slots=True)
class Explanation:
    """A decision, how the resource was read, and what every candidate rule said."""

    decision: Decision
    reading: tuple[str, ...]
    rules: tuple[RuleAnswer, ...]


_SHOWN = {"\0/": "/", "\0W": "<workspace>/", "\0~": "~/", "\0T": "${tmp}/"}


def explain(engine: Engine, request: Request) -> Explanation:
    """Explain a request; it never raises for what the request contains."""
    decision = engine.decide(request)
    table = engine.prepared.tables.get(request.action)
    if table is None:
        return Explanation(decision, (), ())
    try:
        env = engine.environment(request)
        if SORT_OF[request.action] == COMMAND:
            return _command(engine, request, decision, env)
        names = readings(request)
    except RequestError as error:
        return Explanation(decision, (f"refused ({error.code}): {error.message}",), ())
    answers = [_answer(engine, table, entry, names, env, request) for entry in table.entries]
    order = {"yes": 0, "maybe": 1, "no": 2}
    answers.sort(key=lambda a: (order[a.holds], a.rule.file, a.rule.line, a.rule.id))
    return Explanation(decision, tuple(show_word(w) for w in names), tuple(answers))


def _command(engine: Engine, request: Request, decision: Decision, env: Environment) -> Explanation:
    """What each rule about commands says of each command that could be read."""
    if request.pattern:
        return Explanation(decision, (), ())
    table = engine.table("run")
    answers: dict[tuple[str, int, str], RuleAnswer] = {}
    order = {"no": 0, "maybe": 1, "yes": 2}
    for act in engine.acts(request):
        if act.action != "run" or (act.free and not act.opaque):
            continue
        texts = tuple(v.text or "" for v in act.argv)
        known = bool(act.argv) and not act.opaque and all(v.text is not None for v in act.argv)
        words = (argv_word(texts, request.cwd, request.workspace),) if known else ((OPAQUE,),)
        for entry in table.entries:
            made = _answer(engine, table, entry, words, env, request, act)
            key = (made.rule.file, made.rule.line, made.rule.id)
            if key not in answers or order[answers[key].holds] < order[made.holds]:
                answers[key] = made
    ranked = sorted(answers.values(), key=lambda a: (-order[a.holds], a.rule.file, a.rule.line, a.rule.id))
    return Explanation(decision, (), tuple(ranked))


def readings(request: Request) -> tuple[Word, ...]:
    """The words that the resource comes to, all of them."""
    sort, resource = SORT_OF[request.action], request.resource
    if request.pattern:
        return ()
    if not isinstance(resource, str):
        raise RequestError("PLR001", "the resource is not a string")
    if sort == PATH:
        disk = request.disk or REAL
        roots = Roots(request.cwd, request.workspace, request.home, request.tmp, request.lexical, disk)
        words = [w for names in path_forms(resource, roots) for w in names.sure]
        return tuple(dict.fromkeys(words))
    if sort == HOST:
        facts = hosts.host_facts(resource, request.method)
        return ((facts.method or "GET", str(facts.port), *facts.segments, hosts.PATH, *(facts.path or ())),)
    if sort == REF:
        return (ref_facts(resource, request.branch).word,)
    return (name_word(resource),)


def show_word(word: Word) -> str:
    """A word as people write it."""
    if word and word[0] in _SHOWN:
        return _SHOWN[word[0]] + "/".join(word[1:])
    if word == (OPAQUE,):
        return "an opaque command"
    if len(word) > 2 and word[2] in {hosts.NAME, hosts.V4, hosts.V6}:
        cut = word.index(hosts.PATH)
        inner = word[3:cut]
        host = ".".join(reversed(inner)) if word[2] == hosts.NAME else "address " + "".join(inner)
        return f"{word[0]} {host}:{word[1]}" + "".join(f"/{p}" for p in word[cut + 1 :])
    return " ".join(word)


def _answer(
    engine: Engine,
    table: Table,
    entry: Entry,
    words: tuple[Word, ...],
    env: Environment,
    request: Request,
    act: Act | None = None,
) -> RuleAnswer:
    layer = "the protected floor" if entry.layer == FLOOR else engine.prepared.layers[entry.layer][0]
    marks = {m for w in words for m in table.walker.walk(w).marks}
    mine = {include for m, (owner, include) in enumerate(table.owners) if owner is entry and m in marks}
    opaque = words == ((OPAQUE,),) or request.pattern
    include = True if True in mine else None if opaque else False
    exclude = True if False in mine else None if opaque and entry.excepts else False
    if act is not None and not opaque and entry.ref.effect != "allow":
        bare = set(table.bare.walk((BARE, *bare_word(act.parsed, words[0]))).marks)
        needed = command_options(table.options, act.parsed, words[0])
        for mark in bare:
            owner, includes, needs, _ = table.bare_owners[mark]
            if owner is entry and includes and all(needed[n] is not False for n in needs):
                include = include or (True if all(needed[n] for n in needs) else None)
    parsed = act.parsed if act is not None else None
    options = command_options(table.options, parsed, words[0] if words and not opaque else None)
    holds = truth(entry, include, exclude, env, options)
    condition = env.outcomes[entry.condition] if entry.condition >= 0 else True
    if include is False:
        why = "no pattern matches"
    elif exclude is True:
        why = "its `except` matches"
    elif condition is False:
        why = "its conditions do not hold"
    elif holds is False:
        why = "its options do not fit"
    elif holds is None:
        why = "the resource is only partly known" if request.pattern else open_because(entry, env)
    else:
        why = "it matches"
    return RuleAnswer(entry.ref, layer, {True: "yes", False: "no", None: "maybe"}[holds], why)
