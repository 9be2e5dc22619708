"""Why a decision is what it is: for each rule about the action, what it says of this resource and why.

What is shown are the engine's own truths: the request is evaluated once more by an evaluator that notes what its tables
are asked.
"""

from __future__ import annotations

from ..domain.actions import ALLOW, COMMAND, DENY, HOST, SORT_OF
from ..domain.decision import Decision, RuleRef, Verdict
from ..domain.errors import RequestError, SearchLimitError
from ..domain.record import record
from ..domain.request import Request
from ..facts.paths import roots_of
from ..ir.sorts.sort import Circumstances, sort_named
from .combine import Environment, Marks, Met, Outcomes, met_rules, not_given, open_because, truth
from .connections import methods_of
from .evaluator import Evaluator
from .pdp import Engine, evaluated
from .table import FLOOR, Entry, Table


@record(frozen=True, slots=True)
class RuleAnswer:
    """One candidate rule: `holds` is `yes`, `no` or `maybe`; `why` says what decided that.

    What may be several things (a pattern, a path with two forms) a rule grants when it holds for all of them, and
    restricts when it holds for one. Of a script, it is what the rule says of one of the commands. What does not count
    for the decision does not hold: a grant where none is needed, a restriction that says the same of every word.
    """

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


_HOLDS = {True: "yes", None: "maybe", False: "no"}
_NOTHING_GRANTS = "it restricts what a layer grants, and a guardrail grants nothing"
_ORDER = {"yes": 0, "maybe": 1, "no": 2}


def explain(engine: Engine, request: Request) -> Explanation:
    """Explain a request; it never raises for what the request contains.

    The rules are those about the request's action, and of a command also those about what it does that it meets.
    """
    decision = engine.decide(request)
    action = request.action
    if action.__class__ is not str or action not in SORT_OF:
        return Explanation(decision, (), ())
    if SORT_OF[action] != COMMAND and engine.prepared.tables.get(action) is None and not engine.prepared.defaults:
        return Explanation(decision, (), ())
    tracer = Tracer(engine.evaluator)
    reading: tuple[str, ...] = ()
    own_tool = False
    try:
        envs = engine.environments(request)
        env = envs[0]
        reading = _reading(request, tracer.table(action))
        parts, *_ = [evaluated(tracer, request, one)[1] for one in envs]
        own_tool = request.inner and all(part.action != COMMAND for part in parts)
    except RequestError as error:
        return Explanation(decision, (f"refused ({error.code}): {error.message}",), ())
    except SearchLimitError:
        tracer.limited(action)  # what was found until then is shown
    except Exception as error:  # noqa: BLE001 (as the decision, which denies for it)
        return Explanation(decision, (f"internal error (PLI001): {type(error).__name__}",), ())
    answers = tracer.answers(action, "not asked: it is the client's own tool" if own_tool else "")
    answers += _defaults(engine, action, decision, env)
    return Explanation(decision, reading, tuple(sorted(answers, key=_rank)))


def _defaults(engine: Engine, action: str, decision: Decision, env: Environment) -> list[RuleAnswer]:
    """What each `otherwise` about one of the decision's actions says."""
    verdicts = [(action, decision.verdict), *((e.action, e.verdict) for e in decision.effects)]
    used = {ref for _, verdict in verdicts for ref in verdict.support}
    out: list[RuleAnswer] = []
    for default in engine.prepared.defaults:
        asked = [one for one, _ in verdicts if one in default.actions]
        if not asked:
            continue
        holds, why = "no", "something else decides"
        outcome = env.outcomes[default.condition] if default.condition >= 0 else True
        if default.ref in used:
            holds, why = "yes", "nothing else grants it"
        elif outcome is None:
            holds, why = "maybe", not_given(env.missing[default.condition])
        elif not outcome:
            why = "its conditions do not hold"
        out.append(RuleAnswer(default.ref, engine.prepared.layers[default.layer][0], holds, why))
    return out


def _rank(answer: RuleAnswer) -> tuple[int, str, int, str]:
    return _ORDER[answer.holds], answer.rule.file, answer.rule.line, answer.rule.id


def _reading(request: Request, table: Table) -> tuple[str, ...]:
    """The names of the resource that it surely has, as people write them; a command is read to what it does instead."""
    sort = sort_named(SORT_OF[request.action])
    if request.pattern or sort.name == COMMAND:
        return ()
    methods = methods_of(request.method, table) if sort.name == HOST else ()
    forms = sort.words(request.resource, Circumstances(roots_of(request), request.branch, methods))
    words = [word for names in forms for word in names.definite]
    if methods and request.method is None:
        words = [("any method", *word[1:]) for word in words]
    return tuple(dict.fromkeys(map(sort.show, words)))


@record(frozen=True, slots=True)
class TableQuestion:
    """One question to the table, and the rules that it met. What is `granted` needed no rule that grants it.

    `lifted` says why the protected floor does not restrict what was asked about; empty when it does.
    """

    met: tuple[Met, ...]
    env: Environment
    options: Outcomes
    granted: bool
    lifted: str


class TracedPart:
    """One part of a request: what the table of each action was asked, and the actions of which not all was asked."""

    __slots__ = ("asked", "limited")

    def __init__(self) -> None:
        self.asked: dict[str, list[TableQuestion]] = {}
        self.limited: set[str] = set()


class Tracer(Evaluator):
    """An evaluator that notes what its tables are asked, part by part, and looks at all of it."""

    thorough = True

    def __init__(self, like: Evaluator) -> None:
        super().__init__(like.prepared, like.combiner.over_everything, like.profiles)
        self.scripts = like.scripts
        self._tables: dict[str, Table] = {}
        self._parts = [TracedPart()]
        guardrails = all(guardrail for _, guardrail in like.prepared.layers)
        self._lifting = _NOTHING_GRANTS if guardrails else "a grant with `override protected` lifts it"

    def table(self, action: str) -> Table:
        """A table of which nothing is remembered: what is remembered is not asked again."""
        if action not in self._tables:
            self._tables[action] = super().table(action).fresh()
        return self._tables[action]

    def restricting(self, env: Environment, muted: frozenset[RuleRef] = frozenset()) -> Environment:
        """A new one each time: what is remembered is not asked again, and the first time may have been forgotten."""
        return Environment(env.outcomes, env.missing, granted=True, muted=muted or env.muted)

    def part(self) -> None:
        """See `Evaluator`."""
        self._parts.append(TracedPart())

    def forget(self) -> None:
        """See `Evaluator`."""
        self._parts[-1] = TracedPart()

    def limited(self, action: str) -> None:
        """See `Evaluator`."""
        self._parts[-1].limited.add(action)

    def decided(
        self, action: str, table: Table, marks: Marks, env: Environment, options: Outcomes, granted: bool = False
    ) -> Verdict:
        """See `Evaluator`."""
        met = tuple(met_rules(table, marks, options))
        truths = [(entry, truth(entry, include, exclude, env, options)) for entry, include, exclude in met]
        lifted = "" if self.combiner.floor_holds(truths) else self._lifting
        asked = TableQuestion(met, env, options, granted or env.granted, lifted)
        self._parts[-1].asked.setdefault(action, []).append(asked)
        return super().decided(action, table, marks, env, options, granted)

    def answers(self, action: str, not_asked: str) -> list[RuleAnswer]:
        """What every rule about the action says, if it was asked, and those about other actions that met something."""
        out = [RuleAnswer(e.ref, self._layer(e), *self._of(e, action, not_asked)) for e in self.table(action).entries]
        others: dict[tuple[RuleRef, str], RuleAnswer] = {}
        for other in self._tables:
            for entry in self.table(other).entries if other != action else ():
                holds, why = self._of(entry, other)
                if holds == "no":
                    continue
                one = RuleAnswer(entry.ref, self._layer(entry), holds, f"`{other}`: {why}")
                known = others.setdefault((one.rule, one.layer), one)
                if _ORDER[holds] < _ORDER[known.holds]:
                    others[one.rule, one.layer] = one
        return [*out, *others.values()]

    def _layer(self, entry: Entry) -> str:
        return "the protected floor" if entry.layer == FLOOR else self.prepared.layers[entry.layer][0]

    def _of(self, entry: Entry, action: str, not_asked: str = "") -> tuple[str, str]:
        """What a rule says: whether it holds for some part of the request, and why."""
        if not_asked:
            return "no", not_asked
        found = [
            _of_part(entry, part.asked.get(action, []), action in part.limited)
            for part in self._parts
            if action in part.asked or action in part.limited
        ]
        return min(found or [("no", "nothing was asked about it")], key=lambda f: _ORDER[f[0]])


def _of_part(entry: Entry, part: list[TableQuestion], limited: bool) -> tuple[str, str]:
    """What a rule says of one part of a request: whether it holds, and why. Not all was asked of what is `limited`."""
    if entry.ref.effect == ALLOW:
        part = [asked for asked in part if not asked.env.granted]
        if not part and not limited:
            return _HOLDS[False], "nothing that it is about needs a grant"
    found = [(_truth(entry, asked), asked) for asked in part]
    values = [value for (value, _), _ in found]
    granting = [value for (value, _), asked in found if not asked.granted] or values
    if entry.ref.effect == DENY:
        holds = True if True in values else None if None in values else False
    else:
        holds = all(granting) or (None if any(value is not False for value in values) else False)
    if limited and (holds is False or entry.ref.effect != DENY):
        return _HOLDS[None], "not fully searched: it takes more than the limit on work"
    if holds is None and None not in values:
        return _HOLDS[None], "it does not match everything that this may be"
    why = next(why for (value, why), _ in found if value is holds or (holds and value))
    return _HOLDS[holds], why


def _truth(entry: Entry, asked: TableQuestion) -> tuple[bool | None, str]:
    include, exclude = next(((i, x) for e, i, x in asked.met if e is entry), (False, False))
    holds = truth(entry, include, exclude, asked.env, asked.options)
    if include is False:
        why = "no pattern matches"
    elif exclude is True:
        why = "its `except` matches"
    elif entry.condition >= 0 and asked.env.outcomes[entry.condition] is False:
        why = "its conditions do not hold"
    elif entry.ref in asked.env.muted:
        why = "it says the same of every word"
    elif holds is False:
        why = "its options do not fit"
    elif entry.layer == FLOOR and asked.lifted:
        return False, asked.lifted
    elif holds is None:
        why = open_because(entry, asked.env)
    else:
        why = "it matches"
    return holds, why
