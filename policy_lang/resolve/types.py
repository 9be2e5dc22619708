"""Type-checking conditions: from the tree to formulas over comparisons, with constants and with each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from ..automata.pattern import instance
from ..domain.conditions import ARGUMENT, BUILT_INS, DESTINATION, SAME, TRUE, WEEKDAYS, Atom, Formula, Join, join
from ..domain.errors import Diagnostic, RequestError
from ..domain.limits import limit
from ..domain.policy import AttributeType
from ..domain.suggest import joined, suggest
from ..facts.hosts import normal_destination
from ..ir.arguments import is_clear, sequences_of
from ..ir.scopes import PatternError
from ..syntax import tree
from ..syntax.tokens import escape
from .names import Report, constant

_OF_TIME = frozenset(("hour", "hours", "time", "date", "day", "weekday", "today", "clock"))
_NAMES = frozenset({"NAME", "AGENT", "REPO"})
_NEVER_CLEAR = (
    "it has an empty, `.` or `..` part, a `\\` or an encoded `/`, white space around it, or characters that another "
    "spelling has as well"
)
_ORDERED = frozenset({"<", "<=", ">", ">="})


class Checker:
    """Checks the conditions of one file."""

    def __init__(
        self, file: tree.File, attributes: dict[str, AttributeType], report: Report, complete: bool = True
    ) -> None:
        self.file = file
        self.attributes = attributes
        self.complete = complete
        """False when some declaration did not parse, so that an unknown attribute may be one of its own."""
        self.faults = 0
        """Conditions and dates so far that were not understood and are read as true."""
        self.report = report

    def _error(self, code: str, message: str, pos: tree.Pos, remediation: str = "") -> Formula:
        self.faults += 1
        self.report(Diagnostic(code, message, self.file.span(pos), remediation))
        return TRUE

    def refuse(self, code: str, message: str, pos: tree.Pos, remediation: str) -> None:
        """Report a condition that stands in the wrong place."""
        self._error(code, message, pos, remediation)

    def formula(self, node: tree.Condition) -> Formula:
        """The typed formula of a condition; mistakes are reported and read as true."""
        if isinstance(node, tree.Not):
            return Join("not", (self.formula(node.of),))
        if isinstance(node, tree.Compare):
            return self._compare(node)
        return join("and" if isinstance(node, tree.All) else "or", [self.formula(kid) for kid in node.of])

    def until(self, word: tree.Word) -> Formula:
        """`until DATE`: through the end of that day, UTC; `until DATETIME`: before that minute."""
        moment = self.moment(word)
        if moment is None:
            return self._error("PLE304", f"`{word.text}` is not a valid date", word.pos, "write YYYY-MM-DD")
        if word.kind == "DATE":
            moment += 86400
        return Atom("now", "<", (moment,))

    def destinations(self, words: list[tree.Word]) -> Formula:
        """`for HOSTS`: where a credential goes is one of these."""
        globs: list[str] = []
        for word in words:
            try:
                globs.append(_destination_glob(word.text))
            except RequestError as error:
                self._error("PLE407", error.message, word.pos, 'name a host: `for "api.example", "*.example:8443"`')
        return Atom(DESTINATION, "glob", tuple(globs)) if globs else TRUE

    def _compare(self, node: tree.Compare) -> Formula:
        name = node.subject.text
        if name.startswith(ARGUMENT):
            return self._argument(node)
        if name == "now":
            return self._time(node)
        if node.op in {"given", "glob"}:
            asks = "`given` asks" if node.op == "given" else "a pattern behind `in` speaks"
            remediation = (
                "an attribute without a value is unknown" if node.op == "given" else "write `in [...]`, or `==`"
            )
            return self._error("PLE318", f"{asks} of arguments of a call, and `{name}` is none", node.pos, remediation)
        type_ = self.attributes.get(name)
        if type_ is None and name in BUILT_INS:
            type_ = AttributeType(name, BUILT_INS[name])
        if type_ is None:
            if not self.complete:
                self.faults += 1
                return TRUE
            known = [*self.attributes, *BUILT_INS]
            declare = f"declare it with `context {{ {name}: string }}`"
            if name in _OF_TIME:
                declare = "the time is `now`: `now in 09:00..17:00`, `now in mon..fri`"
            return self._error(
                "PLE209",
                f"unknown attribute `{name}`",
                node.subject.pos,
                declare if name in _OF_TIME else joined(suggest(name, known, self.faults), declare),
            )
        if node.op == "truth":
            if type_.type != "bool":
                return self._error(
                    "PLE305", f"`{name}` is {_kind(type_)}, not true or false", node.pos, f"compare it: `{name} == ...`"
                )
            return Atom(name, "==", (True,))
        return self._constants(node, type_)

    def _argument(self, node: tree.Compare) -> Formula:
        """A comparison of an argument, whose constants say of which type it must be."""
        name, op, values = node.subject.text, node.op, node.values
        if name.count(".") > limit("argument_steps"):
            return self._error("PLE318", "the argument lies too deep", node.subject.pos,
                               f"at most {limit('argument_steps')} names behind `arg`")  # fmt: skip
        if op in {"truth", "given"}:
            return Atom(name, op, ())
        kinds = {w.kind for w in values}
        if op in {"==", "!="} and kinds <= {"TRUE", "FALSE"}:
            truth = Atom(name, "truth", ())
            return truth if (values[0].kind == "TRUE") == (op == "==") else Join("not", (truth,))
        if op in {"==", "!="} and kinds <= _NAMES:
            return self._attributes(node, AttributeType(name, "string"))
        if kinds == {"INT"}:
            return self._number(node)
        if kinds == {"STRING"} and op not in _ORDERED and op != "window":
            return self._texts(node)
        return self._error(
            "PLE318", f"this is no comparison of an argument with `{op}`", node.pos,
            'write `arg.repo == "acme/web"`, `arg.path in "src/**"`, `arg.n <= 100`, `arg.draft` or `given arg.draft`',
        )  # fmt: skip

    def _number(self, node: tree.Compare) -> Formula:
        name, op = node.subject.text, node.op
        large = next((w for w in node.values if len(w.text) > 17 or abs(int(w.text)) > limit("argument_number")), None)
        if large is not None:
            return self._error("PLE318", f"`{large.text[:40]}` is a number that not every program can hold", large.pos,
                               f"at most {limit('argument_number')}")  # fmt: skip
        numbers = tuple(int(w.text) for w in node.values)
        if op == "window":
            if numbers[0] > numbers[1]:
                return self._error("PLE306", "`..` needs two ascending numbers", node.pos, "turn them round")
            return Join("and", (Atom(name, ">=", numbers[:1]), Atom(name, "<=", numbers[1:])))
        atom = Atom(name, "==" if op == "!=" else op, numbers)
        return Join("not", (atom,)) if op == "!=" else atom

    def _texts(self, node: tree.Compare) -> Formula:
        name, pattern = node.subject.text, node.op in {"in", "glob"}
        for word in node.values:
            try:
                sequences = sequences_of(word.text) if pattern else []
            except PatternError as error:
                return self._error("PLE401", error.message, word.pos, error.remediation)
            if not pattern and any(c in word.text for c in "*?["):
                return self._error("PLE318", "`==` compares with a text, in which `*` stands for itself",
                                   word.pos, f"a pattern is written `{name} in {escape(word.text)}`")  # fmt: skip
            if not any(is_clear("/".join(instance(s, "a"))) for s in sequences or (tuple(word.text.split("/")),)):
                return self._error("PLE318", "no argument is surely like this text", word.pos, _NEVER_CLEAR)
        if pattern:
            return Atom(name, "glob", tuple(dict.fromkeys(w.text for w in node.values)))
        atom = Atom(name, "==", (node.values[0].text,))
        return Join("not", (atom,)) if node.op == "!=" else atom

    def _constants(self, node: tree.Compare, type_: AttributeType) -> Formula:
        name, op = node.subject.text, node.op
        if op in {"==", "!="} and node.values[0].kind in _NAMES:
            named = node.values[0].text
            if type_.type == "string" or named in self.attributes or named in BUILT_INS:
                return self._attributes(node, type_)
        if op == "window" and type_.type == "int":
            low, high = (constant(w, type_) for w in node.values)
            if isinstance(low, int) and isinstance(high, int) and low <= high:
                return Join("and", (Atom(name, ">=", (low,)), Atom(name, "<=", (high,))))
        if op == "window":
            return self._error(
                "PLE306",
                f"`..` needs two ascending numbers, but `{name}` is {_kind(type_)}",
                node.pos,
                "compare with `==` or `in [...]`",
            )
        if op in _ORDERED and type_.type != "int":
            return self._error(
                "PLE306",
                f"`{op}` orders numbers and times; `{name}` is {_kind(type_)}",
                node.pos,
                "use `==`, `!=` or `in`",
            )
        values: list[str | int | bool] = []
        for word in node.values:
            value = constant(word, type_)
            if value is None:
                remediation = (
                    suggest(word.text, type_.members, self.faults)
                    if type_.type == "enum" and word.kind == "STRING"
                    else (f"`{name}` is {_kind(type_)}")
                )
                return self._error("PLE307", f"`{word.text}` is not a valid value of `{name}`", word.pos, remediation)
            values.append(value)
        if op == "!=":
            return Join("not", (Atom(name, "==", tuple(values)),))
        return Atom(name, op, tuple(values))

    def _attributes(self, node: tree.Compare, type_: AttributeType) -> Formula:
        """Two attributes compared, which are texts."""
        word = node.values[0]
        if word.text.startswith(ARGUMENT):
            return self._error(
                "PLE318", "two arguments are not compared with each other", word.pos, "name an attribute"
            )
        other = self.attributes.get(word.text)
        if other is None and word.text in BUILT_INS:
            other = AttributeType(word.text, BUILT_INS[word.text])
        if other is None:
            if not self.complete:
                self.faults += 1
                return TRUE
            known = [*self.attributes, *BUILT_INS]
            why = joined(suggest(word.text, known, self.faults), f'a text stands in quotes: `"{word.text}"`')
            return self._error("PLE209", f"unknown attribute `{word.text}`", word.pos, why)
        wrong = next((t for t in (type_, other) if t.type != "string"), None)
        if wrong is not None:
            text = f"only texts are compared with each other, and `{wrong.name}` is none"
            return self._error("PLE306", text, word.pos, "compare it with a constant")
        if word.text == node.subject.text:
            return self._error("PLE306", f"`{word.text}` is compared with itself", word.pos, "name another attribute")
        one, two = sorted((node.subject.text, word.text))
        atom = Atom(one, SAME, (two,))
        return Join("not", (atom,)) if node.op == "!=" else atom

    def _time(self, node: tree.Compare) -> Formula:
        if node.op == "window":
            low, high = node.values
            if low.kind == high.kind == "NAME" and low.text in WEEKDAYS and high.text in WEEKDAYS:
                return Atom("now", "days", (WEEKDAYS.index(low.text), WEEKDAYS.index(high.text)))
            minutes = [_minutes(low), _minutes(high)]
            if minutes[0] is not None and minutes[1] is not None and minutes[0] != minutes[1]:
                return Atom("now", "hours", (minutes[0], minutes[1]))
            return self._error(
                "PLE308", "this is not a valid time window", node.pos, "write `09:00..17:30` or `mon..fri`, in UTC"
            )
        if node.op not in _ORDERED:
            return self._error(
                "PLE308",
                f"`now` cannot be compared with `{node.op}`",
                node.pos,
                "use `<`, `>=` and a date, or `now in 09:00..17:30`",
            )
        moment = self.moment(node.values[0])
        if moment is None:
            return self._error(
                "PLE304",
                f"`{node.values[0].text}` is not a valid date",
                node.values[0].pos,
                "write YYYY-MM-DD or YYYY-MM-DDTHH:MMZ",
            )
        return Atom("now", node.op, (moment,))

    def moment(self, word: tree.Word) -> int | None:
        """A date or date-time literal in seconds since the epoch, UTC; None for anything else."""
        form = {"DATE": "%Y-%m-%d", "DATETIME": "%Y-%m-%dT%H:%MZ"}.get(word.kind)
        if form is None:
            return None
        try:
            return int(datetime.strptime(word.text, form).replace(tzinfo=UTC).timestamp())
        except (ValueError, OverflowError):
            return None


def comparisons(condition: tree.Condition) -> Iterator[tree.Compare]:
    """The comparisons in a condition, in order."""
    if isinstance(condition, tree.Compare):
        yield condition
    else:
        for kid in (condition.of,) if isinstance(condition, tree.Not) else condition.of:
            yield from comparisons(kid)


def arguments(condition: tree.Condition) -> Iterator[tree.Word]:
    """Where a condition speaks of arguments of a call."""
    return (c.subject for c in comparisons(condition) if c.subject.text.startswith(ARGUMENT))


def _kind(type_: AttributeType) -> str:
    return {"string": "a string", "int": "a number", "bool": "`true` or `false`"}.get(type_.type, "an enumeration")


def _minutes(word: tree.Word) -> int | None:
    if word.kind != "TIME":
        return None
    hours, minutes = (int(p) for p in word.text.split(":"))
    return hours * 60 + minutes if hours < 24 and minutes < 60 else None


def _destination_glob(text: str) -> str:
    """The glob over `host:port` of a host's name, or of the names below one. Raises RequestError."""
    rest = text.removeprefix("https://")
    if "/" in rest:
        raise RequestError("PLR021", "a credential goes to a host, whatever the path")
    for mark, glob in (("**.", "{?*.,}"), ("*.", "?*.")):
        if rest.startswith(mark):
            return glob + normal_destination(rest.removeprefix(mark))
    return normal_destination(rest)
