"""Why a decision is what it is: for each rule about the action, what it says of this resource and why.

What is shown are the engine's own truths: the request is evaluated once more by an evaluator that notes what its tables
are asked.
"""

from __future__ import annotations

from ..domain.actions import COMMAND, DENY, SORT_OF
from ..domain.decision import Decision, RuleRef, Verdict
from ..domain.errors import RequestError, SearchLimitError
from ..domain.record import record
from ..domain.request import Request
from ..facts.paths import roots_of
from ..ir.sorts.sort import Circumstances, sort_named
from .combine import Environment, Marks, Met, Outcomes, met_rules, open_because, truth
from .evaluator import Evaluator
from .pdp import Engine, evaluated
from .table import FLOOR, Entry, Table


@record(frozen=True, slots=True)
class RuleAnswer:
    """One candidate rule: `holds` is `yes`, `no` or `maybe`; `why` says what decided that.

    What may be several things (a pattern, a path with two forms) a rule grants when it holds for all of them, and
    restricts when it holds for one. Of a script, it is what the rule says of one of the commands.
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
_ORDER = {"yes": 0, "maybe": 1, "no": 2}


def explain(engine: Engine, request: Request) -> Explanation:
    """Explain a request; it never raises for what the request contains."""
    decision = engine.decide(request)
    if engine.prepared.tables.get(request.action) is None:
        return Explanation(decision, (), ())
    tracer = Tracer(engine.evaluator, request.action)
    try:
        reading = _reading(request)
        evaluated(tracer, request, engine.environment(request))
    except RequestError as error:
        return Explanation(decision, (f"refused ({error.code}): {error.message}",), ())
    except SearchLimitError:
        pass  # what was found until then is shown
    answers = tracer.answers()
    return Explanation(decision, reading, tuple(sorted(answers, key=_rank)))


def _rank(answer: RuleAnswer) -> tuple[int, str, int, str]:
    return _ORDER[answer.holds], answer.rule.file, answer.rule.line, answer.rule.id


def _reading(request: Request) -> tuple[str, ...]:
    """The names of the resource that it surely has, as people write them; a command is read to what it does instead."""
    sort = sort_named(SORT_OF[request.action])
    if request.pattern or sort.name == COMMAND:
        return ()
    methods = (request.method,) if request.method is not None else ()
    forms = sort.words(request.resource, Circumstances(roots_of(request), request.branch, methods))
    return tuple(dict.fromkeys(sort.show(word) for names in forms for word in names.definite))


@record(frozen=True, slots=True)
class TableQuestion:
    """One question to the table, and the rules that it met. What is `granted` needed no rule that grants it."""

    met: tuple[Met, ...]
    env: Environment
    options: Outcomes
    granted: bool


class Tracer(Evaluator):
    """An evaluator that notes what the table of one action is asked, part by part, and looks at all of it."""

    thorough = True

    def __init__(self, like: Evaluator, action: str) -> None:
        super().__init__(like.prepared, like.combiner.over_everything, like.profiles)
        self.scripts = like.scripts
        self._action = action
        self._tables: dict[str, Table] = {}
        self._parts: list[list[TableQuestion]] = [[]]

    def table(self, action: str) -> Table:
        """A table of which nothing is remembered: what is remembered is not asked again."""
        if action not in self._tables:
            self._tables[action] = super().table(action).fresh()
        return self._tables[action]

    def part(self) -> None:
        """See `Evaluator`."""
        self._parts.append([])

    def decided(
        self, action: str, table: Table, marks: Marks, env: Environment, options: Outcomes, granted: bool = False
    ) -> Verdict:
        """See `Evaluator`."""
        if action == self._action:
            met = tuple(met_rules(table, marks, options))
            self._parts[-1].append(TableQuestion(met, env, options, granted))
        return super().decided(action, table, marks, env, options, granted)

    def answers(self) -> list[RuleAnswer]:
        """What every rule about the action says."""
        parts = [part for part in self._parts if part]
        out: list[RuleAnswer] = []
        for entry in self.table(self._action).entries:
            found = [_of_part(entry, part) for part in parts] or [("no", "nothing was asked about it")]
            holds, why = min(found, key=lambda f: _ORDER[f[0]])
            layer = "the protected floor" if entry.layer == FLOOR else self.prepared.layers[entry.layer][0]
            out.append(RuleAnswer(entry.ref, layer, holds, why))
        return out


def _of_part(entry: Entry, part: list[TableQuestion]) -> tuple[str, str]:
    """What a rule says of one part of a request: whether it holds, and why."""
    found = [(_truth(entry, asked), asked) for asked in part]
    values = [value for (value, _), _ in found]
    granting = [value for (value, _), asked in found if not asked.granted] or values
    if entry.ref.effect == DENY:
        holds = True if True in values else None if None in values else False
    else:
        holds = all(granting) or (None if any(value is not False for value in values) else False)
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
    elif holds is False:
        why = "its options do not fit"
    elif holds is None:
        why = open_because(entry, asked.env)
    else:
        why = "it matches"
    return holds, why
