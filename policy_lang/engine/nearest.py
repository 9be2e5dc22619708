"""The nearest rule to what nothing grants, and the word in which they differ.

Looked for only when somebody is shown the answer; no decision needs it.
"""

from __future__ import annotations

from ..automata.glob import Glob
from ..automata.pattern import ANY, CONTROL, MANY, quoted
from ..domain.actions import CALL, COMMAND, DENY, HOST, NAME, PATH, REF, SORT_OF
from ..domain.conditions import ARGUMENT, subjects
from ..domain.errors import PolicyLangError
from ..domain.limits import limit
from ..domain.record import record
from ..facts.paths import roots_of
from ..ir.sorts.sort import Circumstances, sort_named
from .combine import Marks, met_rules, truth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..automata.pattern import Label, Sequence, Word
    from ..automata.trie import Node
    from ..domain.decision import Decision, Effect, RuleRef
    from ..domain.request import Request
    from .combine import Environment
    from .pdp import Engine
    from .table import Entry, Table

_NODES = limit("nearest_nodes")
_MOST = limit("nearest_effects")
_SEGMENTS = limit("nearest_segments")


@record(frozen=True, slots=True)
class Nearest:
    """The rule whose pattern is closest to something that nothing grants, and in what they differ."""

    rule: RuleRef
    action: str
    pattern: str
    sequence: Sequence
    difference: str


def ungranted(engine: Engine, decision: Decision, most: int | None = None) -> list[Effect]:
    """The first effects that are denied, or asked for, because nothing grants them; none when a rule denies.

    What could not be read, or is not well-formed, no rule could grant either, and it is not among them.
    """
    if any(rule.effect == DENY for rule in decision.rules):
        return []
    by_default = engine.evaluator.combiner.by_default
    return [
        e for e in decision.effects
        if not e.opaque and e.action in SORT_OF and not (e.supposed and e.file)
        and (by_default(e.verdict) if e.verdict.effect != DENY else not e.verdict.rules)
    ][: _MOST if most is None else most]  # fmt: skip


def nearest(engine: Engine, request: Request, effect: Effect) -> Nearest | None:
    """The nearest rule to something that nothing grants; None when none is near. Raises nothing."""
    try:
        table = engine.prepared.tables.get(effect.action)
        env = engine.environment(request)
        word = _word(request, effect)
        if table is None or word is None:
            return None
        return _met(engine, table, env, effect, word) or _closest(engine, table, env, effect, word)
    except PolicyLangError:
        return None


def _word(request: Request, effect: Effect) -> Word | None:
    """The first name of a resource, as tables have it."""
    sort = sort_named(SORT_OF[effect.action])
    methods = (effect.method or request.method or "GET",) if sort.name == HOST else ()
    forms = sort.words(effect.resource, Circumstances(roots_of(request), request.branch, methods))
    whole = forms and (not forms[0].rest or sort.name == HOST)  # a host alone is all of its paths
    named = forms[0].definite if whole else ()
    word: Word = min(named, key=len, default=())
    return word[: _most(sort.name, word)] or None


def _most(sort: str, word: Word) -> int:
    """How many segments of a word are looked at; of a connection's, of the URL's path."""
    from ..facts.hosts import PATH as URL_PATH

    return _SEGMENTS + (word.index(URL_PATH) if sort == HOST and word else 0)


def _short(engine: Engine, entries: list[tuple[Entry, bool | None]]) -> set[int]:
    """The layers that grant nothing of what was asked."""
    granting = {e.layer for e, value in entries if e.grants and value is True}
    return {i for i, (_, guardrail) in enumerate(engine.prepared.layers) if not guardrail and i not in granting}


_UNASKED = frozenset({"confined", "versioned"})
"""Attributes that no request can say."""


def _of_walls(engine: Engine, entry: Entry) -> bool:
    """True for a rule whose condition is about nothing that the one who asks could change."""
    from ..domain.conditions import atoms

    return all(a.subject in _UNASKED for a in atoms(engine.prepared.conditions[entry.condition]))


def _met(engine: Engine, table: Table, env: Environment, effect: Effect, word: Word) -> Nearest | None:
    """A rule whose pattern matches, and which does not grant it for another reason."""
    marks = table.walker.walk(word).marks
    options = table.open_options
    met = met_rules(table, Marks(marks, marks), options)
    short = _short(engine, [(e, truth(e, i, x, env, options)) for e, i, x in met])
    for entry, include, exclude in met:
        if entry.grants and include is True and entry.layer in short:
            holds = env.outcomes[entry.condition] if entry.condition >= 0 else True
            if exclude is True:
                why = "its `except` leaves this out"
            elif holds is None:
                why = "whether its conditions hold is not known"
            elif not holds and _of_walls(engine, entry):
                continue
            elif not holds:
                why = "it holds for another agent, or under other conditions"
            elif entry.required_options >= 0 or entry.forbidden_options >= 0:
                why = "it is about other options"
            else:
                continue
            mark = next(m for m in marks if table.owners[m][0] is entry and table.owners[m][1])
            sequence = next((s for s, found in _sequences(table.trie.root, word) if mark in found), word)
            return _named(effect, entry.ref, sequence, why)
    return None


def _closest(engine: Engine, table: Table, env: Environment, effect: Effect, word: Word) -> Nearest | None:
    """The rule whose pattern takes the fewest changes to match, of those that hold for this principal."""
    met = met_rules(table, Marks(m := table.walker.walk(word).marks, m), table.open_options)
    short = _short(engine, [(e, truth(e, i, x, env, table.open_options)) for e, i, x in met])
    best: tuple[float, int, Sequence, RuleRef, int] | None = None
    sort = SORT_OF[effect.action]
    for sequence, marks in _sequences(table.trie.root, word):
        for entry, include in (table.owners[m] for m in marks):
            if not include or not entry.grants or entry.layer not in short:
                continue
            if entry.condition >= 0 and env.outcomes[entry.condition] is not True:
                continue
            score, place = _distance(sort, sequence, word)
            if place >= 0 and (best is None or (score, len(sequence)) < best[:2]):
                best = (score, len(sequence), sequence, entry.ref, place)
    if best is None:
        return None
    return _named(effect, best[3], best[2], _difference(sort, best[2], word))


def _sequences(root: Node, word: Word) -> Iterator[tuple[Sequence, tuple[int, ...]]]:
    """The sequences of a trie with their marks, those that begin as the word does first, as far as the budget goes."""
    todo: list[tuple[Node, Sequence]] = [(root, ())]
    left = _NODES
    while todo and left:
        left -= 1
        node, labels = todo.pop()
        if node.marks:
            yield tuple(map(_as_written, labels)), node.marks
        following: list[tuple[Node, Label]] = []
        at = len(labels)
        own = node.literals.get(word[at]) if node.literals and at < len(word) else None
        if node.literals and (at or own is None):  # where a resource lies, and which program it is, is the same
            following += [(child, text) for text, child in node.literals.items() if child is not own]
        if node.many is not None:
            following.append((node.many, MANY))
        if node.any is not None:
            following.append((node.any, ANY))
        if node.globs:
            following += [(child, glob) for glob, child in node.globs.items()]
        if own is not None:
            following.append((own, word[at]))
        todo += [(child, (*labels, label)) for child, label in following]


def _as_written(label: Label) -> Label:
    """A label without the mark of what a grant must name."""
    if isinstance(label, str) and label[:1] == CONTROL:
        from .command_words import NAMED

        return label.removeprefix(NAMED)
    return label


def _fits(label: Label, segment: str) -> bool:
    return (
        label == segment
        if isinstance(label, str)
        else label is ANY or (isinstance(label, Glob) and label.matches(segment))
    )


def _distance(sort: str, sequence: Sequence, word: Word) -> tuple[float, int]:
    """How far a pattern is from a word, and how many of its own labels fit; -1 when they have too little in common.

    Changes near the beginning weigh more: what begins alike is alike.
    """
    shared = _shared(sequence, word)
    fixed = {COMMAND: 1, PATH: 2, REF: 1, NAME: 1, HOST: 3}[sort]
    own = sum(
        1 for label, segment in zip(sequence[:shared], word, strict=False) if label is not ANY and label == segment
    )
    if sort == HOST:
        return _host_distance(sequence, word)
    if sort == REF and _matches(sequence[1:], word[1:]):
        return 1.0, 0
    if own < fixed and not _same_end(sequence, word):
        return 0.0, -1
    rows = [float(i) for i in range(len(word) + 1)]
    for label in sequence:
        before, rows = rows, [rows[0] + (0.0 if label is MANY else 1.0)]
        for i, segment in enumerate(word):
            if label is MANY:
                rows.append(min(before[i + 1], rows[i], before[i]))
            else:
                rows.append(
                    min(before[i] + (0.0 if _fits(label, segment) else 1.0), before[i + 1] + 1.0, rows[i] + 1.0)
                )
    return rows[-1] - 2.0 * own, shared


def _same_end(sequence: Sequence, word: Word) -> bool:
    """Whether both end alike, and the pattern says no more than that, as `*.md` of `src/a.md`."""
    return len(sequence) == 2 and isinstance(sequence[-1], Glob) and sequence[-1].matches(word[-1])


def _shared(sequence: Sequence, word: Word) -> int:
    """How many of a word's segments a pattern takes before the first that it does not."""
    at = 0
    for label in sequence:
        if label is MANY:
            return len(word)
        if at == len(word) or not _fits(label, word[at]):
            return at
        at += 1
    return at


def _host_distance(sequence: Sequence, word: Word) -> tuple[float, int]:
    """A host's rule is near when it is about the same host, or one of the same domain."""
    ours, theirs = _host_parts(sequence), _host_parts(word)
    same = 0
    for label, segment in zip(ours[2], theirs[2], strict=False):
        if label is MANY or not isinstance(segment, str) or not _fits(label, segment):
            break
        same += 1
    whole = _matches(ours[2], theirs[2])
    if ours[1] != theirs[1] or (not whole and same < 2):
        return 0.0, -1
    changes = (0 if whole else 4) + (not _fits(ours[0][0], word[0])) + (not _fits(ours[0][1], word[1]))
    return changes - 0.1 * same + (0 if _matches(ours[3], theirs[3]) else 1), same


def _host_parts(sequence: Sequence) -> tuple[Sequence, Label, Sequence, Sequence]:
    """Method and port, kind, labels, and URL path of a connection."""
    from ..facts.hosts import PATH as URL_PATH

    cut = sequence.index(URL_PATH)
    return sequence[:2], sequence[2], sequence[3:cut], sequence[cut + 1 :]


def _matches(sequence: Sequence, word: Sequence) -> bool:
    """Whether a whole sequence fits."""
    reached = {0}
    ends: set[int] = set()
    for step in range(len(word) + 1):
        ends, todo = set(), list(reached)
        while todo:
            at = todo.pop()
            if at not in ends:
                ends.add(at)
                if at < len(sequence) and sequence[at] is MANY:
                    todo.append(at + 1)
        if step == len(word):
            break
        segment = word[step]
        assert isinstance(segment, str)
        stays = {at for at in ends if at < len(sequence) and sequence[at] is MANY}
        moves = {
            at + 1 for at in ends if at < len(sequence) and sequence[at] is not MANY and _fits(sequence[at], segment)
        }
        reached = stays | moves
    return len(sequence) in ends


def _difference(sort: str, sequence: Sequence, word: Word) -> str:
    """In what a word differs from a pattern, as a clause."""
    if sort == HOST:
        return _host_difference(sequence, word)
    at = _shared(sequence, word)
    if sort == REF and at == 0:
        return f"the remote `{word[0]}` is not `{_text(sequence[0])}`"
    joint = {COMMAND: " ", PATH: "/", REF: "/", NAME: "."}[sort]
    begin = {COMMAND: 0, PATH: 1, REF: 3, NAME: 0}[sort]
    before = joint.join(word[begin:at])
    behind = (f" behind `{before}`" if sort == COMMAND else f" in `{before}`") if before else ""
    if at < len(word):
        return f"`{word[at] if sort in {COMMAND, NAME} else joint.join(word[at:])}` is not granted{behind}"
    wanted = next((_text(label) for label in sequence[at:] if label is not MANY), "")
    if sort == COMMAND:
        return f"`{wanted}` is missing{behind}"
    if sort == PATH and wanted == "*":
        return f"what is granted is inside of `{before}`"
    return f"what is granted there is `{_text(sequence[-1])}`"


def _host_difference(sequence: Sequence, word: Word) -> str:
    ours, theirs = _host_parts(sequence), _host_parts(word)
    if not _matches(ours[2], theirs[2]):
        return "the host is another one"
    if not _fits(sequence[1], word[1]):
        return f"port {word[1]} is not granted there, {_text(sequence[1])} is"
    if not _matches(ours[3], theirs[3]):
        return f"the path `/{'/'.join(map(str, theirs[3]))}` is not granted there"
    return f"`{word[0]}` is not granted there, `{_text(sequence[0])}` is"


def _named(effect: Effect, rule: RuleRef, sequence: Sequence, difference: str) -> Nearest:
    return Nearest(rule, effect.action, _written(SORT_OF[effect.action], sequence), sequence, difference)


def _text(label: Label) -> str:
    return quoted(label) if isinstance(label, str) else label.text if isinstance(label, Glob) else repr(label)


def _written(sort: str, sequence: Sequence) -> str:
    """A sequence as a pattern writes it."""
    if sort == COMMAND:
        return " ".join(f"'{t}'" if " " in t or not t else t for t in map(_text, sequence))
    if sort == NAME:
        return ".".join(map(_text, sequence))
    if sort == HOST:
        return _written_host(sequence)
    labels = list(map(_text, sequence))
    if labels[-2:] == ["*", "**"]:
        del labels[-2]
    elif labels[-1] == "**":
        labels[-1] = ""  # a folder and all that is in it
    if sort == PATH:
        from ..ir.sorts.path import ANCHORS

        anchor = ANCHORS[str(sequence[0])]
        return (anchor if len(labels) < 3 and labels[-1] == "" else anchor.removeprefix("./")) + "/".join(labels[1:])
    from ..facts.refs import DEFAULT_REMOTE

    ref = "/".join(labels[1:]).removeprefix("refs/heads/")
    return ref if labels[0] == DEFAULT_REMOTE else f"{labels[0]}:{ref}"


def _written_host(sequence: Sequence) -> str:
    (_, port), kind, labels, path = _host_parts(sequence)
    host = _address(kind, labels)
    if not host:
        texts = list(map(_text, labels))
        if texts[-2:] == ["*", "**"]:
            del texts[-1]
        host = ".".join(reversed(texts)) or "**"
    shown = host if port == "443" else f"{host}:{_text(port)}"
    if path == (MANY,):
        return shown
    tail = [_text(p) for p in path]
    if tail[-2:] == ["*", "**"]:
        del tail[-2]
    return f"https://{shown}/{'/'.join(tail)}"


def _address(kind: Label, labels: Sequence) -> str:
    """The text of one address; empty for a name and for a network."""
    from ..facts.hosts import NAME, PATH
    from ..ir.sorts.host import host_text

    digits = [label for label in labels if isinstance(label, str)]
    if kind == NAME or not isinstance(kind, str) or len(digits) < len(labels) or len(digits) not in {8, 32}:
        return ""
    text = host_text(("", "", kind, *digits, PATH))
    return f"[{text}]" if ":" in text else text


def exact(effect: Effect, request: Request) -> tuple[str, str] | None:
    """The pattern that is exactly an effect's resource, and its method; None when no pattern is. Raises nothing."""
    try:
        word = _word(request, effect)
    except PolicyLangError:
        return None
    sort = SORT_OF[effect.action]
    if word is None or len(word) >= _most(sort, word):
        return None
    if sort == COMMAND:
        return " ".join(_literal(w) for w in word), ""
    sequence: Sequence = (*word, MANY) if sort == HOST and not _host_parts(word)[3] else word
    return _written(sort, sequence), (effect.method or request.method or "") if sort == HOST else ""


def by_arguments(engine: Engine, effect: Effect, request: Request) -> bool:
    """Whether some rule about a tool that is called speaks of its arguments, so that its name says too little."""
    if effect.action != CALL or not engine.argued:
        return False
    table = engine.evaluator.table(CALL)
    found = [table.owners[m][0] for w in (_word(request, effect),) if w for m in table.walker.walk(w).marks]
    asked = (subjects(engine.prepared.conditions[e.condition]) for e in found if e.condition >= 0)
    return any(name.startswith(ARGUMENT) for names in asked for name in names)


def _literal(word: str) -> str:
    """A word of a command, as a pattern that is exactly this word."""
    if word and all(c.isalnum() or c in "@%+=:,./_-" for c in word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"


def advice(engine: Engine, requests: list[Request], decisions: list[Decision]) -> str:
    """One sentence for an agent about what it asked for together, and was denied.

    Of a search by a client's tool it names the file in the way, when the rest may be searched. Else it is about the
    first thing that nothing grants: what is granted instead, or what to ask for. Empty where a rule denies, and where
    no rule could grant it.
    """
    number = next((i for i, d in enumerate(decisions) if d.effect == DENY), None)
    if number is None:
        return ""
    request, decision = requests[number], decisions[number]
    if request.inner:
        from .narrower import without_denied

        if said := without_denied(engine, requests):
            return said
    for effect in ungranted(engine, decision):
        found = exact(effect, request)
        if found is None:
            continue
        wanted = f"ask a person to allow {effect.action} `{found[0]}`"
        near = nearest(engine, request, effect)
        if near is None:
            return f"no rule grants anything like it; {wanted}"
        return f"{near.difference}: keep to {effect.action} `{near.pattern}`, which a rule grants, or {wanted}"
    return ""
