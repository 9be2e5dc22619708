"""The policy decision point: one request to one decision. Never raises: every fault denies, and says so."""

from __future__ import annotations

from ..automata.trie import marks_of
from ..domain.actions import ACTIONS, COMMAND, HOST, PATH, REF, SORT_OF
from ..domain.decision import Answer, Decision, Effect, Verdict, strictest
from ..domain.errors import Diagnostic, InternalError, PolicyError, RequestError, SearchLimitError
from ..domain.limits import limit
from ..facts.disk import REAL
from ..facts.paths import NOWHERE, Roots, path_forms
from .table import EMPTY, Table
from .verdicts import Environment, Judge, Marks, rule_truths

# what only some requests need is imported where it is needed: a hook asks one question and ends
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..automata.pattern import Sequence, Word
    from ..automata.walker import State
    from ..domain.request import Request
    from ..facts.paths import Names
    from ..ir.evaluate import Value
    from ..ir.model import PolicySet
    from ..shell.acts import Act
    from ..shell.profile import Profiles
    from .table import Prepared
    from .verdicts import Outcomes

_MOST_ANSWERS = limit("answers")


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
        self.profiles: Profiles = profiles or (lambda _: None)
        self._policy = policy
        self.read: dict[object, tuple[Act, ...]] = {}
        self.conditions = prepared.conditions
        from ..domain.conditions import atoms

        self._subjects = tuple(tuple(sorted({a.subject for a in atoms(f)})) for f in self.conditions)
        self.timed = any("now" in s for s in self._subjects)
        self.judge = Judge(prepared.layers, prepared.tiers, over_everything)
        self._environments: dict[object, Environment] = {}
        self._interned: dict[Outcomes, Environment] = {}
        self._answers: dict[object, Answer] = {}

    @property
    def policy(self) -> PolicySet:
        """The policy set in normal form. Raises PolicyError when only its compiled file is known."""
        if self._policy is None:
            raise PolicyError(
                [Diagnostic("PLE007", "a compiled policy has no rules to look at", None, "name its source")]
            )
        return self._policy

    # requests

    def decide(self, request: Request) -> Decision:
        """The decision on a request. `request.now` must be set when the policy speaks of time."""
        return Decision(self.answer(request))

    def recall(self, key: object) -> Answer | None:
        """An answer that was remembered under `key`."""
        return self._answers.get(key)

    def remember(self, key: object, answer: Answer) -> None:
        """Keep an answer that depends on nothing but `key`; when the memo is full it starts anew."""
        if len(self._answers) >= _MOST_ANSWERS:
            self._answers = {}
        self._answers[key] = answer

    def answer(self, request: Request) -> Answer:
        """The decision without its id."""
        parts: tuple[Effect, ...] = ()
        opaque: tuple[str, ...] = ()
        given: object = request.resource
        resource = given if isinstance(given, (str, tuple)) else ""
        try:
            env = self.environment(request)
            verdict, parts, opaque = self._decide(request, env)
            if request.inner:
                from .effects import inner_verdict

                verdict, parts = inner_verdict(self, request, verdict, parts, bool(opaque))
        except RequestError as error:
            verdict = Verdict("deny", reasons=(f"refused ({error.code}): {error.message}",))
        except SearchLimitError as error:
            verdict = Verdict("deny", reasons=(f"undecided within limits: {error}",))
        except (InternalError, Exception) as error:  # noqa: BLE001 (fail closed: whatever went wrong denies)
            verdict = Verdict("deny", reasons=(f"internal error (PLI001): {type(error).__name__}",))
        pure = request.lexical or request.workspace is None or all(SORT_OF.get(p.action) != PATH for p in parts)
        pure = pure and len(parts) <= MOST_PARTS and small(resource)
        if SORT_OF.get(request.action) == PATH:
            pure = request.lexical or request.workspace is None
        pure = pure and not request.inner
        return Answer(verdict, self.prepared.digest, request.action, resource, parts, opaque, pure)

    def environment(self, request: Request) -> Environment:
        """What every condition comes to for this request. Raises RequestError for undeclared attributes."""
        context = request.context
        minute = None
        if self.timed and request.now is not None:
            minute = int(request.now) // 60
        key = (
            request.agent,
            request.repo,
            request.branch,
            request.session,
            tuple((name, value, type(value)) for name, value in sorted(context.items())) if context else (),
            minute,
        )
        try:
            found = self._environments.get(key)
        except TypeError:
            raise RequestError("PLR007", "a context attribute's value is not a string, number or truth value") from None
        if found is None:
            found = self._environment(request, minute)
            if len(self._environments) >= limit("memo_entries"):
                self._environments = {}
            self._environments[key] = found
        return found

    def _environment(self, request: Request, minute: int | None) -> Environment:
        values: dict[str, Value | None] = {"now": None if minute is None else minute * 60}
        for name in ("agent", "repo", "branch", "session"):
            given = getattr(request, name)
            if given is not None and not isinstance(given, str):
                raise RequestError("PLR001", f"`{name}` is not a string")
            values[name] = given
        declared = self.prepared.attributes
        for name, type_ in declared.items():
            values[name] = type_.default
        for name, value in request.context.items():
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
        from ..ir.evaluate import evaluate

        outcomes = tuple(evaluate(f, values) for f in self.conditions)
        missing = tuple(
            tuple(name for name in names if outcome is None and values.get(name) is None)
            for outcome, names in zip(outcomes, self._subjects, strict=True)
        )
        made = Environment(outcomes, missing)
        if any(missing) or len(self._interned) >= limit("memo_entries"):
            return made
        return self._interned.setdefault(outcomes, made)

    def _decide(self, request: Request, env: Environment) -> tuple[Verdict, tuple[Effect, ...], tuple[str, ...]]:
        action, resource = request.action, request.resource
        sort = SORT_OF.get(action)
        if sort is None:
            from ..domain.suggest import suggest

            shown = str(action)[:40]
            raise RequestError("PLR006", f"unknown action `{shown}` ({suggest(shown, ACTIONS)})")
        table = self.table(action)
        if sort == COMMAND:
            from .run import command, command_pattern

            return command_pattern(self, request, table, env) if request.pattern else command(self, request, env)
        if request.pattern:
            from .partly import pattern_verdict

            return pattern_verdict(self, request, table, sort, env), (), ()
        if not isinstance(resource, str):
            raise RequestError("PLR001", f"the resource of `{action}` is not a string")
        if sort == PATH:
            forms = path_forms(resource, self.roots(request))
            verdicts = tuple(self.named(action, table, names, env) for names in forms)
            return strictest(verdicts, self.judge.reduce), (), ()
        if sort == HOST:
            return (*self.connection(resource, request.method, request.resolved, env), ())
        if sort == REF:
            from ..facts.refs import ref_facts

            facts = ref_facts(resource, request.branch)
            if facts.segments is None:
                from .partly import any_branch

                return any_branch(self, action, table, facts.remote, env), (), ()
            return self.word(action, table, facts.word, env), (), ()
        from ..facts.names import name_word

        return self.word(action, table, name_word(resource), env), (), ()

    # verdicts

    def word(self, action: str, table: Table, word: Word, env: Environment) -> Verdict:
        """The verdict on one fully known word."""
        state = table.walker.walk(word)
        found = state.memo.get(env)
        if found is None:
            found = self.judged(action, table, Marks(state.marks, state.marks), env, ())
            if len(state.memo) < limit("unknown_segments_per_state"):
                state.memo[env] = found
        assert isinstance(found, Verdict)
        return found

    def named(self, action: str, table: Table, names: Names, env: Environment) -> Verdict:
        """The verdict on something with several names."""
        if len(names.sure) == 1 and not names.maybe:
            return self.word(action, table, names.sure[0], env)
        sure = tuple(table.walker.walk(word) for word in names.sure)
        maybe = tuple(dict.fromkeys(table.walker.walk(word) for word in names.maybe))
        key = (sure, maybe, env)
        found = table.memo.get(key)
        if found is None:
            found = self.judged(action, table, Marks(_marks(sure), _marks((*sure, *maybe))), env, ())
            table.remember(key, found)
        assert isinstance(found, Verdict)
        return found

    def judged(
        self, action: str, table: Table, marks: Marks, env: Environment, options: Outcomes, granted: bool = False
    ) -> Verdict:
        """The verdict on something that has these marks."""
        return self.judge.verdict(action, rule_truths(table, marks, env, options), env, granted)

    def strictest(self, verdicts: tuple[Verdict, ...]) -> Verdict:
        """All of them must hold."""
        return strictest(verdicts, self.judge.reduce)

    def table(self, action: str) -> Table:
        """The rules about an action."""
        return self.prepared.tables.get(action) or EMPTY

    def roots(self, request: Request) -> Roots:
        """Where things are for a request."""
        if request.cwd is request.workspace is request.home is request.tmp is None:
            return NOWHERE
        disk = request.disk or REAL
        return Roots(request.cwd, request.workspace, request.home, request.tmp, request.lexical, disk)

    # what only some requests need

    def members(
        self,
        action: str,
        table: Table,
        env: Environment,
        sequences: tuple[Sequence, ...],
        prefixes: tuple[Word, ...] = ((),),
        everything: bool = False,
    ) -> Verdict:
        """The strictest verdict over all members of a pattern."""
        from .partly import members

        return members(self, action, table, env, sequences, prefixes, everything)

    def connection(
        self, resource: str, method: str | None, resolved: tuple[str, ...], env: Environment
    ) -> tuple[Verdict, tuple[Effect, ...]]:
        """A connection to a host, and to the addresses that its name resolves to."""
        from .connect import connection

        return connection(self, resource, method, resolved, env)

    def acts(self, request: Request) -> tuple[Act, ...]:
        """What a command does. Raises RequestError for what is not a command at all."""
        from .run import acts

        return acts(self, request)


MOST_PARTS = 64
"""Effects of a command that may be remembered."""
_MOST_REMEMBERED = limit("remembered_text")


def small(resource: object) -> bool:
    """True for what may be remembered: large commands that never come again must not fill the memory."""
    texts = (resource,) if isinstance(resource, str) else resource if isinstance(resource, tuple) else ()
    return sum(len(t) for t in texts if isinstance(t, str)) <= _MOST_REMEMBERED


def _marks(states: Iterable[State]) -> tuple[int, ...]:
    return marks_of(n for s in states for n in s.nodes)
