"""Needs of agents as a log shows them: every effect of every decision that was not a denial, and what was denied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from ...audit.disk_snapshot import Recorded
from ...automata.pattern import quoted
from ...domain import strict_json
from ...domain.actions import COMMAND, HOST, PATH, REF, SORT_OF
from ...domain.conditions import BUILT_INS
from ...domain.errors import RequestError
from ...domain.limits import limit
from ...domain.strict_json import Json
from ...facts.commands import OPAQUE, argv_word
from ...facts.hosts import host_facts
from ...facts.paths import HOME, ROOT, TMP, WORKSPACE, Roots, path_forms
from ...facts.refs import ref_facts
from ...syntax.parse import is_name
from ..row import confined, earliest, effect_of, let_pass, resource_of, said, table, tables, text, texts
from ..source import Counted, record_of

Word = tuple[str, ...]
Need = tuple[str, str, str, str, bool]
"""Agent, action, tier (or nothing: allowed), method of a connection (or nothing: not known), and whether it was seen
behind walls: what is granted there may be too much elsewhere."""
_MOST = limit("learn_values")
_MOST_SESSIONS = limit("learn_sessions")
_MOST_ATTRIBUTES = limit("context_attributes")
_NAME = 64
"""The longest name of a tier or an attribute, in characters."""
FREE = "\0*"
"""A word of a command that is prose, and another one each time."""
_MESSAGES = frozenset({"-m", "--message", "--title", "--body"})
_WRITERS = frozenset({"git", "gh", "glab", "hg", "jj"})
"""Programs whose options of these names take prose: messages, titles, descriptions."""
_PARTLY = "the resource was known in part only"
_BEST = (WORKSPACE, TMP, HOME, ROOT)
"""Of a path's names the one that a reader would write."""


@dataclass(slots=True)
class Seen:
    """How often something was observed, in which sessions (up to a thousand), and when last."""

    count: int = 0
    sessions: set[str] = field(default_factory=set)
    last: str = ""

    def add(self, other: Seen) -> None:
        """Count more of the same."""
        self.count += other.count
        if len(self.sessions) < _MOST_SESSIONS:
            self.sessions |= other.sessions
        self.last = max(self.last, other.last)


def together(parts: Iterable[Seen]) -> Seen:
    """Several observations as one, which is nobody else's."""
    total = Seen()
    for part in parts:
        total.add(part)
    return total


@dataclass(slots=True)
class Observed:
    """What agents did. `lost` counts what no pattern can say, by agent, action and why."""

    needs: dict[Need, dict[Word, Seen]] = field(default_factory=dict)
    denied: dict[tuple[str, str], set[Word]] = field(default_factory=dict)
    lost: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    context: dict[str, str] = field(default_factory=dict)
    """The attributes that requests gave, with the type that they had."""
    repos: dict[str, Counter[str]] = field(default_factory=dict)
    places: dict[str, Counter[str]] = field(
        default_factory=lambda: {n: Counter() for n in ("workspace", "home", "tmp")}
    )
    decisions: int = 0
    kept: int = 0
    first: str = ""
    last: str = ""
    values: int = 0

    def add(self, need: Need, word: Word, seen: Seen) -> None:
        """Count an observation. Over the limit a new value is lost, and told."""
        group = self.needs.setdefault(need, {})
        known = group.get(word)
        if known is None:
            if self.values >= _MOST:
                self.lost[need[0], need[1], "more different values than are kept"] += seen.count
                return
            self.values += 1
            group[word] = seen
        else:
            known.add(seen)

    def merge(self, other: Observed) -> None:
        """Add what another part of the log shows."""
        for need, group in other.needs.items():
            for word, seen in group.items():
                self.add(need, word, seen)
        for key, words in other.denied.items():
            mine = self.denied.setdefault(key, set())
            if len(mine) < _MOST:
                mine |= words
        self.lost.update(other.lost)
        for agent, repos in other.repos.items():
            self.repos.setdefault(agent, Counter()).update(repos)
        for name, counts in other.places.items():
            self.places[name].update(counts)
        self.context = {**other.context, **self.context}
        for name in sorted(self.context)[_MOST_ATTRIBUTES:]:
            del self.context[name]
            self.lost["", _known(""), "more context attributes than a policy can declare"] += 1
        self.decisions += other.decisions
        self.kept += other.kept
        self.first = earliest(self.first, other.first)
        self.last = max(self.last, other.last)


def granted(lines: Iterable[Counted]) -> Iterator[Counted]:
    """The records, with what was only observed as if it had been granted, unless a rule denies it by name.

    What could not be read stays denied: no rule could have granted it.
    """
    for data, times in lines:
        if b'"would"' in data:
            record = record_of(data)
            if let_pass(record) == "deny" and _only_ungranted(record):
                data = strict_json.dump(_as_granted(record))  # noqa: PLW2901 (the same record)
        yield data, times


def _only_ungranted(record: Json) -> bool:
    denied = any(effect_of(rule.get("effect")) == "deny" for rule in tables(record.get("rules")))
    return not denied and not record.get("opaque") and not any(e.get("opaque") for e in tables(record.get("effects")))


def _as_granted(record: Json) -> Json:
    effects: list[Json] = []
    tiers: dict[str, None] = {}
    for one in tables(record.get("effects")):
        if effect_of(one.get("effect")) == "deny":
            one = {**one, "effect": "allow", "rules": [_GRANTED]}  # noqa: PLW2901 (as it would have been)
        elif effect_of(one.get("effect")) == "ask":
            tiers.update(dict.fromkeys(texts(one.get("tiers"))))
        effects.append(one)
    made = {k: v for k, v in record.items() if k != "would"}
    return {**made, "effect": "ask" if tiers else "allow", "tiers": list(tiers), "effects": effects}


_GRANTED = "observed"
"""The rule by which something was granted that was only observed: one that needs none has none."""


def observer(agent: str | None) -> Callable[[list[Counted]], Observed]:
    """What looks at records, of one agent or of all."""

    def look(lines: Iterable[Counted]) -> Observed:
        found = Observed()
        for data, times in lines:
            record = record_of(data)
            request = table(record.get("request"))
            if record["kind"] == "decision" and (agent is None or request.get("agent") == agent):
                _look(found, record, request, times)
        return found

    return look


def _look(found: Observed, record: Json, request: Json, times: int) -> None:
    found.decisions += times
    time = text(record.get("time"))
    found.first = earliest(found.first, time)
    found.last = max(found.last, time)
    effect, _ = said(record)
    agent = text(request.get("agent"))
    if effect == "deny":
        for one in tables(record.get("effects")):
            if effect_of(one.get("effect")) == "deny":
                words = words_of(one, request, record, None)
                if words and len(found.denied.setdefault((agent, text(one.get("action"))), set())) < _MOST:
                    found.denied[agent, text(one.get("action"))].update(words)
        return
    found.kept += times
    for name, value in table(request.get("context")).items():
        kind = "bool" if isinstance(value, bool) else "int" if isinstance(value, int) else "string"
        if _nameable(name) and name not in BUILT_INS:
            found.context.setdefault(name, kind)
        else:
            found.lost[agent, _known(text(request.get("action"))), "no policy can declare its attributes"] += times
    found.repos.setdefault(agent, Counter())[text(request.get("repo"))] += times
    for name in ("workspace", "home", "tmp"):
        found.places[name][text(request.get(name))] += times
    for one in tables(record.get("effects")):
        if one.get("free") or (effect_of(one.get("effect")) == "allow" and not texts(one.get("rules"))):
            continue  # needs no grant: the shell's own state, a public address of a granted name
        action = text(one.get("action"))
        tiers = texts(one.get("tiers")) if effect_of(one.get("effect")) == "ask" else ("",)
        if action not in SORT_OF or not all(not t or _nameable(t) for t in tiers):
            found.lost[agent, _known(action), "no policy can have said that"] += times
            continue
        if action == "use" and request.get("destination"):
            found.lost[agent, action, "which hosts a credential goes to is for people to say"] += times
            continue
        for word in words_of(one, request, record, found.lost) or ():
            for tier in tiers:
                method = text(one.get("method")) or text(request.get("method"))
                need = (agent, action, tier, method if action == "connect" else "", confined(record))
                found.add(need, word, Seen(times, {text(request.get("session"))}, time))


@lru_cache(maxsize=limit("learn_names"))
def _nameable(name: str) -> bool:
    return len(name) <= _NAME and is_name(name)


def _known(action: str) -> str:
    return action if action in SORT_OF else "something else"


def words_of(
    effect: Json, request: Json, record: Json, lost: Counter[tuple[str, str, str]] | None
) -> list[Word] | None:
    """The words that an effect's resource has; its own pattern where it is one. What no pattern can say is lost."""
    action, resource = text(effect.get("action")), resource_of(effect.get("resource"))
    whole = request.get("action") == action and request.get("resource") == effect.get("resource")
    if effect.get("opaque") and action == "run" and effect_of(effect.get("effect")) == "ask":
        return [(OPAQUE,)]  # a person was asked about what could not be read, and is from now on
    if effect.get("opaque") or not resource:
        why = "the command could not be read"
    elif isinstance(request.get("resource"), dict):
        why = _PARTLY
    else:
        try:
            return _read(action, resource, request, record, literal=whole)
        except RequestError as error:
            why = error.message
    if lost is not None:
        lost[text(request.get("agent")), action, why] += 1
    return None


def _read(action: str, resource: str | Word, request: Json, record: Json, literal: bool) -> list[Word]:
    sort = SORT_OF.get(action)
    if sort == COMMAND:
        return [_command(resource, request)]
    if not isinstance(resource, str) or "…" in resource:
        raise RequestError("", _PARTLY)
    if sort == PATH:
        return [w for one in resource.split(" or ") for w in _paths(one, request, record, literal)]
    if sort == HOST:
        facts = host_facts(resource)
        host = f"[{facts.host}]" if ":" in str(facts.host) else str(facts.host)
        return [(host, str(facts.port), *(("/", *facts.path) if facts.path is not None else ()))]
    if sort == REF:
        ref = ref_facts(resource, text(request.get("branch")) or None)
        if ref.segments is None:
            raise RequestError("", "the current branch was not known")
        return [ref.word]
    return [tuple(resource.split("."))]


def _command(resource: str | Word, request: Json) -> Word:
    words = resource if isinstance(resource, tuple) else tuple(resource.split())
    script = isinstance(request.get("resource"), str)
    known = next((i for i, w in enumerate(words) if "…" in w or (script and "*" in w)), None)
    if known is not None:
        return (*words[:known], "**")  # what follows was known in part
    word = argv_word(words, text(request.get("cwd")) or None, text(request.get("workspace")) or None)
    return tuple(FREE if i and word[i - 1] in _MESSAGES and word[0] in _WRITERS else w for i, w in enumerate(word))


def _paths(resource: str, request: Json, record: Json, literal: bool) -> list[Word]:
    roots = Roots(
        text(request.get("cwd")) or None, text(request.get("workspace")) or None, text(request.get("home")) or None,
        text(request.get("tmp")) or None, bool(request.get("lexical")), Recorded(table(record.get("disk"))),
    )  # fmt: skip
    out: list[Word] = []
    for names in path_forms(resource, roots):
        best = min(names.definite, key=lambda w: _BEST.index(w[0]))
        out.append((best[0], *(quoted(s) if literal else s for s in best[1:])))
    return out
