"""Values of a policy set's conditions for one principal and context."""

from __future__ import annotations

from ..domain.conditions import ARGUMENT, DESTINATION
from ..domain.errors import RequestError
from ..domain.limits import limit
from .combine import Environment
from .memo import Memo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..domain.conditions import Value
    from ..domain.request import Request
    from .combine import Outcomes
    from .table import Prepared

_MOST = limit("memo_entries")


class Conditions:
    """Evaluates the conditions of a prepared policy set, each once for the same principal, context and minute.

    `timed` is true when one of them speaks of time.
    """

    def __init__(self, prepared: Prepared) -> None:
        from ..domain.conditions import subjects

        self._conditions = prepared.conditions
        self._declared = prepared.attributes
        self._subjects = tuple(tuple(sorted(subjects(f))) for f in self._conditions)
        self.timed = any("now" in s for s in self._subjects)
        self.arguments = tuple(dict.fromkeys(n for s in self._subjects for n in s if n.startswith(ARGUMENT)))
        """The arguments of calls that some condition speaks of."""
        self._of_git = any("versioned" in s for s in self._subjects)
        self._known = Memo(_MOST)
        self._interned: dict[tuple[Outcomes, Outcomes], Environment] = {}

    def environments(self, request: Request) -> list[Environment]:
        """What every condition comes to for a call: once for each member of the lists among its arguments.

        Raises RequestError for undeclared attributes, and for arguments that are no object.
        """
        given = request.arguments
        if given is None or not hasattr(given, "keys"):
            raise RequestError("PLR001", "`arguments` is not an object")
        from ..ir.arguments import choices

        return [self.environment(request, chosen) for chosen in choices(given, self.arguments)]

    def environment(self, request: Request, arguments: Mapping[str, Value | None] | None = None) -> Environment:
        """What every condition comes to for this request. Raises RequestError for undeclared attributes."""
        context = request.context
        for name in ("confined", "versioned"):
            if getattr(request, name).__class__ is not bool:
                raise RequestError("PLR001", f"`{name}` is not true or false")
        minute = None
        if self.timed and request.now is not None:
            minute = int(request.now) // 60
        key: tuple[object, ...] = (
            request.agent,
            request.repo,
            request.branch,
            request.session,
            request.confined,
            request.versioned,
            request.destination,
            tuple((name, value, type(value)) for name, value in sorted(context.items())) if context else (),
            minute,
        )
        if arguments:
            key = (*key, *((name, value, type(value)) for name, value in arguments.items()))
        try:
            found: Environment | None = self._known.get(key)
        except TypeError:
            raise RequestError("PLR007", "a context attribute's value is not a string, number or truth value") from None
        if found is None:
            found = self._evaluated(request, minute, arguments)
            self._known.keep(key, found)
        return found

    def _evaluated(
        self, request: Request, minute: int | None, arguments: Mapping[str, Value | None] | None
    ) -> Environment:
        values: dict[str, Value | None] = {
            "now": None if minute is None else minute * 60,
            "confined": request.confined,
            "versioned": request.versioned,
            DESTINATION: _destination(request),
        }
        for name in ("agent", "repo", "branch", "session"):
            given = getattr(request, name)
            if given is not None and not isinstance(given, str):
                raise RequestError("PLR001", f"`{name}` is not a string")
            values[name] = given
        values.update(self._attributes(request.context))
        if arguments:
            values.update(arguments)
        made = self._made(values)
        of_git = self._made({**values, "versioned": True}) if self._of_git and not request.versioned else None
        if of_git is not None:
            made = Environment(made.outcomes, made.missing, versioned=of_git)
        if any(made.missing) or len(self._interned) >= _MOST:
            return made
        return self._interned.setdefault((made.outcomes, () if of_git is None else of_git.outcomes), made)

    def _made(self, values: Mapping[str, Value | None]) -> Environment:
        from ..ir.evaluate import evaluate

        outcomes = tuple(evaluate(f, values) for f in self._conditions)
        missing = tuple(
            tuple(name for name in names if outcome is None and (values.get(name) is None or name.startswith(ARGUMENT)))
            for outcome, names in zip(outcomes, self._subjects, strict=True)
        )
        return Environment(outcomes, missing)

    def _attributes(self, context: Mapping[str, object]) -> dict[str, Value | None]:
        """The value of every declared attribute: the one that is given, or its default."""
        declared = self._declared
        values: dict[str, Value | None] = {name: type_.default for name, type_ in declared.items()}
        for name, value in context.items():
            if name not in declared:
                from ..domain.conditions import BUILT_INS
                from ..domain.suggest import suggest

                where = "; it is a field of the request itself" if name in BUILT_INS else ""
                raise RequestError(
                    "PLR008",
                    f"the context attribute `{str(name)[:60]}` is not declared{where} "
                    f"({suggest(str(name), declared) or 'the policy declares none'})",
                )
            type_ = declared[name]
            wanted: type = {"int": int, "bool": bool}.get(type_.type, str)
            if type(value) is not wanted or (type_.members and value not in type_.members):
                raise RequestError(
                    "PLR007", f"`{str(value)[:60]}` is not a valid value of the context attribute `{name}`"
                )
            values[name] = value  # type: ignore[assignment]
        return values


def _destination(request: Request) -> str | None:
    given = request.destination
    if given is None:
        return None
    if not isinstance(given, str):
        raise RequestError("PLR001", "`destination` is not a string")
    from ..facts.hosts import normal_destination

    return normal_destination(given)
