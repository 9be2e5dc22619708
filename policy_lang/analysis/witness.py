"""Witnesses: from a word of a search to a request, confirmed by the engine before anybody sees it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from ..automata.pattern import Sequence, Word, instance
from ..domain.actions import CALL, COMMAND, HOST, PATH, SORT_OF
from ..domain.conditions import ARGUMENT, CONFINED, DESTINATION, MISSING, Value
from ..domain.decision import Verdict
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.request import Request
from ..engine.command_words import BARE, unmarked
from ..engine.effects import act_effect
from ..engine.memo import Memo
from ..engine.options import Need
from ..engine.pdp import Engine
from ..engine.scripts import acts
from ..facts.commands import OPAQUE
from ..facts.paths import HOME, TMP, WORKSPACE
from ..ir.arguments import nested
from ..ir.model import PolicySet
from ..ir.sorts.sort import sort_named
from ..shell.builtins import TABLE
from .cases import GIVEN, UNKNOWN
from .commands import own_act, run_act
from .items import OPTION
from .spaces import Layout, placed
from .ungranted import RUNNERS

USUAL = {WORKSPACE: "/workspace", HOME: "/home/agent", TMP: "/tmp"}  # noqa: S108 (names, nothing is opened)
"""Where things lie in a witness unless the question says otherwise: as in tests."""
_ELSEWHERE = {WORKSPACE: "/elsewhere/workspace", HOME: "/elsewhere/home", TMP: "/elsewhere/tmp"}
_MOST_VERDICTS = limit("analysed_commands")
_verdicts: WeakKeyDictionary[Engine, Memo] = WeakKeyDictionary()
"""What engines said: questions about one policy are about the same requests."""
SCRIPT = '"$COMMAND"'
"""An opaque command."""


@dataclass(frozen=True, slots=True)
class Witness:
    """One concrete request; a string for `run` is a script.

    `given` holds what the conditions need: agent, repo, branch, session, now, attributes, where a credential goes.
    """

    action: str
    resource: str | tuple[str, ...]
    given: dict[str, Value | None] = field(default_factory=dict)
    method: str | None = None
    layout: Layout = field(default_factory=Layout)
    resolved: tuple[str, ...] = ()

    def request(self, policy: PolicySet) -> Request:
        """The request as this policy set takes it: with the attributes that it declares."""
        given = {k: v for k, v in self.given.items() if v is not None}
        agent, repo, branch, session, destination = (
            str(given[k]) if k in given else None for k in ("agent", "repo", "branch", "session", DESTINATION)
        )
        now = given.get("now")
        return Request(
            self.action,
            self.resource,
            agent,
            repo,
            branch,
            session,
            context={k: v for k, v in given.items() if k in policy.attributes and _fits(policy, k, v)},
            workspace=self.layout.workspace,
            home=self.layout.home,
            tmp=self.layout.tmp,
            method=self.method,
            resolved=self.resolved,
            lexical=True,
            now=float(now) if isinstance(now, (int, float)) else 0.0,
            confined=given.get("confined") is True,
            versioned=given.get("versioned") is True,
            destination=destination,
            arguments=self.arguments,
        )

    @property
    def arguments(self) -> dict[str, object] | None:
        """The arguments of a call: null for what cannot be compared; None where no condition speaks of any."""
        said = {k: v for k, v in self.given.items() if k.startswith(ARGUMENT)}
        if self.action != CALL or not said:
            return None
        return nested({k: v for k, v in said.items() if v != MISSING})


def typed(given: dict[str, Value | None]) -> tuple[tuple[str, type, Value | None], ...]:
    """What is given, as a key in which 1 is not true."""
    return tuple((name, value.__class__, value) for name, value in given.items())


def _fits(policy: PolicySet, name: str, value: object) -> bool:
    members = policy.attributes[name].members
    return not members or value in members


def only_when(witness: Witness, engines: Iterable[Engine], holds: Callable[[tuple[Verdict, ...]], bool]) -> str:
    """`confined` or `not confined`, where something holds of a request on that side of the walls alone; else empty."""
    inside = witness.given.get(CONFINED) is True
    other = replace(witness, given={**witness.given, CONFINED: not inside})
    if holds(tuple(verdict_on(e, other) for e in engines)):
        return ""
    return CONFINED if inside else f"not {CONFINED}"


def verdict_on(engine: Engine, witness: Witness, *, supposed: bool = False) -> Verdict:
    """The engine's verdict. Of a command only on its running: what else it does is decided by other actions.

    With `supposed` also on what its words may mean, where no profile of the program says what they are.
    """
    known = _verdicts.setdefault(engine, Memo(_MOST_VERDICTS))
    key = (
        supposed,
        witness.action,
        witness.resource,
        typed(witness.given),
        witness.method,
        witness.layout,
        witness.resolved,
    )
    found: Verdict | None = known.get(key)
    if found is None:
        found = _verdict(engine, witness, supposed)
        known.keep(key, found)
    return found


def _verdict(engine: Engine, witness: Witness, supposed: bool) -> Verdict:
    request = witness.request(engine.policy)
    if witness.action == "run" and witness.resource != SCRIPT:
        env = engine.environment(request)
        words = witness.resource if isinstance(witness.resource, tuple) else tuple(shlex.split(witness.resource))
        if words is witness.resource and not (supposed or request.branch or engine.prepared.trusts):
            own = run_act(engine.profiles, words)
            if own is not None:
                return act_effect(engine.evaluator, own, request, env).verdict
        try:
            found = acts(engine.evaluator, request)
        except RequestError:
            found = ()  # refused, and the engine says why
        own = own_act(found, words)
        if own is not None:
            counted = (own, *(a for a in found if supposed and a.supposed))
            return engine.evaluator.strictest(act_effect(engine.evaluator, a, request, env).verdict for a in counted)
    return engine.decide(request).verdict


# from words to requests


def requests(
    action: str, word: Word, case: dict[str, Value | None], layout: Layout, patterns: Iterable[Sequence] = ()
) -> Iterator[Witness]:
    """Requests that a word stands for, the plainest first. `patterns` are grants that a command should match."""
    given = plain_case(case)
    sort = SORT_OF[action]
    if sort == PATH:
        yield from _paths(action, word, given, layout)
    elif sort == COMMAND:
        needs = [Need.parse(k.removeprefix(OPTION)) for k, v in case.items() if v and k.startswith(OPTION)]
        valued = {n.names for n in needs if n.value is not None}
        options = list(dict.fromkeys(n.spelled() for n in needs if n.value is not None or n.names not in valued))
        for words in dict.fromkeys(_commands(word, options, patterns)):
            yield Witness(action, words, given, None, usual_layout(layout))
    else:
        resource = sort_named(sort).resource(word)
        how = (word[0], usual_layout(layout)) if sort == HOST else (None, Layout())
        yield Witness(action, resource, given, *how)


def plain_case(case: dict[str, Value | None]) -> dict[str, Value | None]:
    """What a request says of a case: the values that are given, without what only the search knows."""
    return {k: v for k, v in case.items() if not k.startswith(UNKNOWN) and case.get(GIVEN + k, True)}


def usual_layout(layout: Layout) -> Layout:
    """The layout with what it leaves open put where it usually is."""
    return Layout(layout.workspace or USUAL[WORKSPACE], layout.home or USUAL[HOME], layout.tmp or USUAL[TMP])


def _paths(action: str, word: Word, given: dict[str, Value | None], layout: Layout) -> Iterator[Witness]:
    path = placed(word)
    if len(path.at) == 1:
        ((mark, at),) = path.at.items()
        if layout.folder(mark) is None:
            text = _relative(_LEADS[mark], "/".join(path.segments[at:]))
            yield Witness(action, text, given, None, usual_layout(layout))
    for mark, lead in _LEADS.items():
        folder = layout.folder(mark)
        parts = tuple(p for p in folder.split("/") if p) if folder is not None else ()
        if parts and not path.at and path.segments[: len(parts)] == parts:
            inside = "/".join(path.segments[len(parts) :])
            yield Witness(action, _relative(lead, inside), given, None, usual_layout(layout))
    folders: dict[str, str] = {}
    full = "/" + "/".join(path.segments)
    for mark, usual in USUAL.items():
        fixed = layout.folder(mark)
        if fixed is not None:
            folders[mark] = fixed
        elif mark in path.at:
            folders[mark] = "/" + "/".join(path.segments[: path.at[mark]])
        else:
            folders[mark] = _ELSEWHERE[mark] if f"{full}/".startswith(f"{usual}/") else usual
    yield Witness(action, full, given, None, Layout(folders[WORKSPACE], folders[HOME], folders[TMP]))


_LEADS = {WORKSPACE: "", HOME: "~/", TMP: "${tmp}/"}


def _relative(lead: str, inside: str) -> str:
    """A path as one writes it from where it lies."""
    if lead:
        return (lead + inside).rstrip("/")
    return "./" + inside if inside[:1] in {"~", "$"} else inside or "."


def _commands(word: Word, options: list[Word], patterns: Iterable[Sequence]) -> Iterator[str | tuple[str, ...]]:
    if word == (OPAQUE,):
        yield SCRIPT
        return
    bare = word[0] == BARE
    words = tuple(unmarked(w) for w in (word[1:] if bare else word))
    bases = [words]
    if bare:
        bases += [w for p in patterns if (w := instance(p, "")) and w[: len(words)] == words[: len(w)]]
    if any("" in base for base in bases):  # nobody types an empty word
        bases = [made for base in bases for made in _spoken(base)]
    for base in bases:
        missing = [w for o in options if o[0] not in base for w in o]
        yield base
        if any(w.endswith("/") for w in base):  # a folder is not a program and no script, but something in it may be
            yield tuple(f"{w}a" if w.endswith("/") else w for w in base)
        yield (*base, *missing)
        yield (*base[:1], *missing, *base[1:])
        yield (*base[:2], *missing, *base[2:])
        for at in range(1, len(base)):
            yield (*base[:at], *missing, *base[at + 1 :])
        if base[0] in TABLE:
            yield shlex.join((*base, *missing))
        if base[0] in RUNNERS:
            yield from ((*base, *missing, *more) for more in (("true",), ("1", "true"), ("-c", "true")))
        yield (*base, *missing, "--no-such-option")
        yield (*base[:1], "--no-such-option", *base[1:], *missing)


def _spoken(base: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A command without its empty words, with others in their place, and as it is."""
    if "" in base and base[0]:
        yield tuple(w for w in base if w)
        yield tuple(w or "a" for w in base)
    yield base


def confirmed(
    candidates: Iterable[Witness],
    engines: tuple[Engine, ...],
    holds: Callable[[tuple[Verdict, ...]], bool],
    *,
    doubted: bool = True,
) -> tuple[Witness, tuple[Verdict, ...]] | None:
    """The first candidate for which the engines' verdicts are as claimed.

    Of commands rather one for which they are so whatever its words mean; where there is none, and `doubted` ones will
    do, another.
    """
    plain = None
    for witness in candidates:
        verdicts = tuple(verdict_on(e, witness) for e in engines)
        if not holds(verdicts):
            continue
        if witness.action != "run" or holds(tuple(verdict_on(e, witness, supposed=True) for e in engines)):
            return witness, verdicts
        plain = plain or (witness, verdicts)
    return plain if doubted else None


# the most telling


def telling(witness: Witness, first: Iterable[str] = (), last: Iterable[str] = ()) -> Iterator[Witness]:
    """The same question about well-known targets: `first`, the sensitive ones, `last`, then ordinary ones."""
    sort = sort_named(SORT_OF[witness.action])
    known, cut = sort.telling, len(sort.telling) - sort.ordinary
    for text in (*first, *known[:cut], *last, *known[cut:]):
        if sort.name == PATH:
            apart = witness.layout.workspace == _ELSEWHERE[WORKSPACE]
            yield replace(witness, resource=text, layout=usual_layout(Layout()) if apart else witness.layout)
        else:
            yield replace(witness, resource=text)
