"""The policy decision point: one request to one decision. Never raises: every fault denies, and says so."""

from __future__ import annotations

from operator import attrgetter

from ..domain.actions import ACTIONS, ALLOW, CALL, COMMAND, DENY, HOST, SORT_OF
from ..domain.decision import Answer, Decision, Effect, Verdict
from ..domain.errors import Diagnostic, PolicyError, RequestError, SearchLimitError
from ..domain.limits import limit
from ..facts.paths import roots_of
from ..ir.sorts.sort import Circumstances, sort_named
from .conditions import Conditions
from .evaluator import Evaluator
from .memo import Memo, is_pure

# what only some requests need is imported where it is needed: a hook asks one question and ends
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..domain.request import Request
    from ..ir.model import PolicySet
    from ..shell.profile import Profiles
    from .combine import Environment
    from .scripts import Files, Found
    from .table import Prepared

_MOST_ANSWERS = limit("answers")
_SUPPOSED = attrgetter("supposed")


class Engine:
    """The decision point for one prepared policy set. Immutable but for its bounded caches; share it between threads.

    `over_everything` is for testing guardrails alone: what they leave alone is then allowed. `policy` is the set
    that it was prepared from, where there is one: the analysis reads it.
    """

    def __init__(
        self,
        prepared: Prepared,
        over_everything: bool = False,
        profiles: Profiles | None = None,
        policy: PolicySet | None = None,
    ) -> None:
        self.prepared = prepared
        self.evaluator = Evaluator(prepared, over_everything, profiles or (lambda _: None))
        self._policy = policy
        self._conditions = Conditions(prepared)
        self.argued = bool(self._conditions.arguments)
        """Whether the policy speaks of arguments of calls."""
        self.timed = self._conditions.timed
        """Whether the policy speaks of time, so that a request must say when it is."""
        self._answers = Memo(_MOST_ANSWERS)

    @property
    def policy(self) -> PolicySet:
        """The policy set in normal form. Raises PolicyError when only its compiled file is known."""
        if self._policy is None:
            raise PolicyError(
                [Diagnostic("PLE007", "a compiled policy has no rules to look at", None, "name its source")]
            )
        return self._policy

    @property
    def profiles(self) -> Profiles:
        """How programs read their command lines, by name."""
        return self.evaluator.profiles

    @property
    def over_everything(self) -> bool:
        """True when what guardrails leave alone is allowed."""
        return self.evaluator.combiner.over_everything

    def grants(self, action: str) -> bool:
        """Whether some rule about an action allows or asks."""
        return any(entry.grants for entry in self.evaluator.table(action).entries)

    def decide(self, request: Request) -> Decision:
        """The decision on a request. `request.now` must be set when the policy speaks of time."""
        return Decision(self.answer(request))

    def recall(self, key: object) -> Answer | None:
        """An answer that was remembered under a key of `memo.key_of`."""
        try:
            found: Answer | None = self._answers.get(key)
        except TypeError:  # something in it cannot be a key
            return None
        return found

    def remember(self, key: object, answer: Answer) -> None:
        """Keep an answer under its key, if it depends on nothing else; when the memo is full it starts anew."""
        if key is None or not answer.pure:
            return
        try:
            self._answers.keep(key, answer)
        except TypeError:  # something in it cannot be a key
            return

    def restricting(self, request: Request) -> Decision:
        """What restricts the words of a command that is started now: denied or asked for, else allowed without a grant.

        For who decides what the command does where it happens. Never raises: every fault denies.
        """
        from .scripts import words_verdict

        return Decision(
            self._answered(request, lambda env: (words_verdict(self.evaluator, request, env), (), (), None))
        )

    def answer(self, request: Request) -> Answer:
        """The decision without its id."""
        if self.argued and request.arguments is not None and request.action == CALL:
            return self._answered(request, lambda _: (self._call(request), (), (), None))
        return self._answered(request, lambda env: evaluated(self.evaluator, request, env))

    def _call(self, request: Request) -> Verdict:
        """The verdict on a call: the strictest over the members of its arguments' lists. Raises as `evaluated` does."""
        envs = dict.fromkeys(self.environments(request))
        return self.evaluator.strictest(evaluated(self.evaluator, request, env)[0] for env in envs)

    def environments(self, request: Request) -> list[Environment]:
        """What every condition comes to for each way to choose members of a call's lists; one for what has none."""
        if request.arguments is None or request.action != CALL or not self.argued:
            return [self.environment(request)]
        self.environment(request)
        return self._conditions.environments(request)

    def _answered(self, request: Request, decide: Callable[[Environment], Found]) -> Answer:
        parts: tuple[Effect, ...] = ()
        opaque: tuple[str, ...] = ()
        files: Files | None = None
        given: object = request.resource
        resource = given if isinstance(given, (str, tuple)) else ""
        try:
            verdict, parts, opaque, files = decide(self.environment(request))
        except RequestError as error:
            verdict = Verdict(DENY, reasons=(f"refused ({error.code}): {error.message}",), undecided=True)
        except SearchLimitError as error:
            verdict = Verdict(DENY, reasons=(f"undecided within limits: {error}",), undecided=True)
        except Exception as error:  # noqa: BLE001 (fail closed: whatever went wrong denies)
            verdict = Verdict(DENY, reasons=(f"internal error (PLI001): {type(error).__name__}",), undecided=True)
        on_disk = self.prepared.trusts and not request.lexical  # where links of trusted folders lead
        pure = files is None and not on_disk and is_pure(request, parts)
        if any(map(_SUPPOSED, parts)):
            parts = tuple(p for p in parts if not p.supposed or p.file or p.verdict.effect != ALLOW)
        return Answer(verdict, self.prepared.digest, request.action, resource, parts, opaque, pure, files or ())

    def environment(self, request: Request) -> Environment:
        """What every condition comes to for this request. Raises RequestError for what is not one."""
        if request.now is not None and not isinstance(request.now, (int, float)):
            raise RequestError("PLR001", "`now` is not a number")
        if not isinstance(request.resolved, (tuple, list)):
            raise RequestError("PLR001", "`resolved` is not a list of addresses")
        return self._conditions.environment(request)


def evaluated(evaluator: Evaluator, request: Request, env: Environment) -> Found:
    """The verdict and what is behind it. Raises RequestError, SearchLimitError."""
    action, resource = request.action, request.resource
    sort = SORT_OF.get(action)
    if sort is None:
        from ..domain.suggest import suggest

        shown = str(action)[:40]
        raise RequestError("PLR006", f"unknown action `{shown}` ({suggest(shown, ACTIONS)})")
    if sort == COMMAND:
        from .scripts import command_verdict

        return command_verdict(evaluator, request, env)
    if request.inner:
        from .scripts import not_inner

        raise not_inner()
    if request.pattern:
        from .partial import pattern_verdict

        return pattern_verdict(evaluator, request, env), (), (), None
    if not isinstance(resource, str):
        raise RequestError("PLR001", f"the resource of `{action}` is not a string")
    if sort == HOST:
        from .connections import connection

        return (*connection(evaluator, resource, request.method, request.resolved, env), (), None)
    seen = Circumstances(roots_of(request), request.branch, ())  # all of them: a default costs a look-up
    forms = sort_named(sort).words(resource, seen)
    return evaluator.forms(action, forms, env), (), (), None
