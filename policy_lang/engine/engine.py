"""The policy decision point: one request to one decision. Never raises: every fault denies, and says so."""

from __future__ import annotations

from ..automata.alphabet import Alphabet
from ..automata.budget import Budget
from ..automata.meet import Meeting
from ..automata.pattern import Sequence, Word, quoted
from ..automata.trie import Trie, marks_of
from ..automata.walker import State
from ..domain.actions import ACTIONS, COMMAND, HOST, METHODS, PATH, REF, SORT_OF
from ..domain.conditions import BUILT_INS, atoms
from ..domain.decision import Answer, Decision, Effect, Verdict, strictest
from ..domain.errors import Diagnostic, InternalError, PolicyError, RequestError, SearchLimitError
from ..domain.limits import limit
from ..domain.request import Request
from ..domain.suggest import suggest
from ..facts import hosts
from ..facts.commands import argv_word
from ..facts.names import name_word
from ..facts.paths import NOWHERE, Names, Roots, path_forms
from ..facts.refs import ref_facts
from ..ir.conditions import Value, evaluate
from ..ir.model import PolicySet
from ..ir.patterns import ALPHABETS, PatternError, compile_pattern
from ..shell.acts import NOWHERE as NOWHERE_PLACE
from ..shell.acts import Act, Place
from ..shell.analyse import argv_acts, no_profiles, pattern_acts, read_acts
from ..shell.profile import Profiles
from .command_words import bare_sequence
from .effects import act_effect
from .table import EMPTY, FLOOR, Prepared, Table
from .verdicts import Environment, Judge, Marks, Outcomes, rule_truths

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
        profiles: Profiles = no_profiles,
        policy: PolicySet | None = None,
    ) -> None:
        self.prepared = prepared
        self.profiles = profiles
        self._policy = policy
        self._read: dict[object, tuple[Act, ...]] = {}
        self.conditions = prepared.conditions
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
        except RequestError as error:
            verdict = Verdict("deny", reasons=(f"refused ({error.code}): {error.message}",))
        except SearchLimitError as error:
            verdict = Verdict("deny", reasons=(f"undecided within limits: {error}",))
        except (InternalError, Exception) as error:  # noqa: BLE001 (fail closed: whatever went wrong denies)
            verdict = Verdict("deny", reasons=(f"internal error (PLI001): {type(error).__name__}",))
        pure = request.lexical or request.workspace is None or all(SORT_OF.get(p.action) != PATH for p in parts)
        pure = pure and len(parts) <= _MOST_PARTS and _small(resource)
        if SORT_OF.get(request.action) == PATH:
            pure = request.lexical or request.workspace is None
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
                where = "; it is a field of the request itself" if name in BUILT_INS else ""
                raise RequestError(
                    "PLR008",
                    f"the context attribute `{str(name)[:60]}` is not declared{where} "
                    f"({suggest(str(name), declared) or 'the policy declares none'})",
                )
            type_ = declared[name]
            wanted: type = {"int": int, "bool": bool}.get(type_.type, str)
            if type(value) is not wanted or (type_.members and value not in type_.members):
                raise RequestError("PLR007", f"`{str(value)[:60]}` is no value of the context attribute `{name}`")
            values[name] = value  # type: ignore[assignment]
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
            shown = str(action)[:40]
            raise RequestError("PLR006", f"unknown action `{shown}` ({suggest(shown, ACTIONS)})")
        table = self.table(action)
        if request.pattern:
            if sort == COMMAND:
                return self._command_pattern(request, table, env)
            return self._pattern(request, table, sort, env), (), ()
        if sort == COMMAND:
            return self._command(request, env)
        if not isinstance(resource, str):
            raise RequestError("PLR001", f"the resource of `{action}` is not a string")
        if sort == PATH:
            forms = path_forms(resource, self.roots(request))
            verdicts = tuple(self.named(action, table, names, env) for names in forms)
            return strictest(verdicts, self.judge.reduce), (), ()
        if sort == HOST:
            return (*self.connection(resource, request.method, request.resolved, env), ())
        if sort == REF:
            facts = ref_facts(resource, request.branch)
            if facts.segments is None:
                return (
                    self.members(
                        action,
                        table,
                        ALPHABETS[REF],
                        env,
                        compile_pattern(REF, f"{quoted(facts.remote)}:refs/heads/**"),
                    ),
                    (),
                    (),
                )
            return self.word(action, table, facts.word, env), (), ()
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
        return Roots(request.cwd, request.workspace, request.home, request.tmp, request.lexical)

    def members(
        self,
        action: str,
        table: Table,
        alphabet: Alphabet,
        env: Environment,
        sequences: tuple[Sequence, ...],
        prefixes: tuple[Word, ...] = ((),),
        everything: bool = False,
    ) -> Verdict:
        """The strictest verdict over all members of a pattern: the same automaton, intersected."""
        meeting = Meeting(table.trie, Trie((s, 0) for s in sequences), alphabet, Budget("decision_work"), prefixes)
        options = table.open_options
        bare = self._bare(table, alphabet, sequences)
        for mark in meeting.possible:
            entry, include = table.owners[mark]
            if include and entry.ref.effect == "deny" and not entry.excepts and entry.layer != FLOOR:
                verdict = self.judged(action, table, Marks((mark,), (mark,)), env, options)
                if verdict.rules:  # some member meets a deny that holds: nothing is stricter
                    return verdict
        verdicts: list[Verdict] = []
        for marks, _ in meeting.marks():
            possible = table.all_marks if everything else marks
            verdicts.append(self.judged(action, table, Marks(marks, possible, (), bare, False), env, options))
            if verdicts[-1].effect == "deny":
                return verdicts[-1]
        if not verdicts:
            raise RequestError("PLR061", "the pattern has no members")
        return self.strictest(tuple(dict.fromkeys(verdicts)))

    def _bare(self, table: Table, alphabet: Alphabet, sequences: tuple[Sequence, ...]) -> tuple[int, ...]:
        """The marks that members of command patterns may have without their options."""
        if not table.bare_owners:
            return ()
        made = [bare_sequence(s) for s in sequences]
        trie = Trie((m[0], 0) for m in made if m is not None)
        return tuple(sorted(Meeting(table.bare_trie, trie, alphabet, Budget("decision_work")).possible))

    # sorts

    def _command(self, request: Request, env: Environment) -> tuple[Verdict, tuple[Effect, ...], tuple[str, ...]]:
        parts = tuple(act_effect(self, act, request, env) for act in self.acts(request))
        opaque = tuple(dict.fromkeys(p.opaque for p in parts if p.opaque))
        verdict = self.strictest(tuple(p.verdict for p in parts))
        if len(parts) > 1 and verdict.effect == "deny":
            verdict = Verdict("deny", (), verdict.rules, _told(parts))
        return verdict, parts, opaque

    def acts(self, request: Request) -> tuple[Act, ...]:
        """What a command does. Raises RequestError for what is no command at all."""
        resource = request.resource
        place = _place(request)
        key = (resource, request.shell, place)
        found = self._read.get(key)
        if found is None:
            if isinstance(resource, (tuple, list)):
                argv_word(resource, request.cwd, request.workspace)  # refuses malformed words
                found = tuple(argv_acts(tuple(resource), self.profiles, place))
            elif request.shell == "argv":
                raise RequestError("PLR052", "with the shell `argv` a command is an array of words")
            else:
                found = tuple(read_acts(resource, request.shell, self.profiles, place))
            if len(self._read) >= limit("answers"):
                self._read = {}
            if _small(resource) and len(found) <= _MOST_PARTS:
                self._read[key] = found
        return found

    def _command_pattern(
        self, request: Request, table: Table, env: Environment
    ) -> tuple[Verdict, tuple[Effect, ...], tuple[str, ...]]:
        """A command that is only partly known, with what it may do besides."""
        verdict = self._pattern(request, table, COMMAND, env)
        parts = [Effect("run", str(request.resource), verdict)]
        for sequence in compile_pattern(COMMAND, str(request.resource)):
            if isinstance(sequence[0], str):
                acts = pattern_acts(sequence, self.profiles, _place(request))
                parts += [act_effect(self, a, request, env) for a in acts if a.opaque or a.action != "run"]
        return self.strictest(tuple(p.verdict for p in parts)), tuple(parts), ()

    def connection(
        self, resource: str, method: str | None, resolved: tuple[str, ...], env: Environment
    ) -> tuple[Verdict, tuple[Effect, ...]]:
        """A connection to a host, and to the addresses that its name resolves to."""
        table = self.table("connect")
        facts = hosts.host_facts(resource, method)
        verdict = self._host(table, facts, env)
        parts = [Effect("connect", resource, verdict)]
        if isinstance(facts.host, str):
            if len(resolved) > limit("resolved_addresses"):
                raise RequestError("PLR004", f"more than {limit('resolved_addresses')} resolved addresses")
            for text in resolved:
                address = hosts.normal_host(f"[{text}]" if ":" in str(text) else str(text))
                if isinstance(address, str):
                    raise RequestError("PLR022", f"`{text[:60]}` in `resolved` is no address")
                there = hosts.HostFacts(address, facts.port, facts.path, facts.method)
                parts.append(Effect("connect", f"{address}", self._address(table, there, env)))
        return self.strictest(tuple(p.verdict for p in parts)), tuple(parts)

    def _address(self, table: Table, facts: hosts.HostFacts, env: Environment) -> Verdict:
        """A name's address: a special one must be granted itself, a public one only must not be denied."""
        assert not isinstance(facts.host, str)
        verdict = self._host(table, facts, env)
        if verdict.effect == "deny" and not verdict.rules and not hosts.is_special(facts.host):
            return Verdict("allow", reasons=("a public address of a granted name",))
        return verdict

    def _host(self, table: Table, facts: hosts.HostFacts, env: Environment) -> Verdict:
        methods = (facts.method,) if facts.method else METHODS if table.has_methods else ("GET",)
        if len(methods) == 1 and (facts.path is not None or not table.has_paths):
            word = (methods[0], str(facts.port), *facts.segments, hosts.PATH, *(facts.path or ()))
            return self.word("connect", table, word, env)
        key = ("host", methods, facts.port, facts.segments, facts.path, env)
        found = table.memo.get(key)
        if found is None:
            tail: Sequence = _ANYTHING if facts.path is None else facts.path
            sequences = tuple((m, str(facts.port), *facts.segments, hosts.PATH, *tail) for m in methods)
            found = self.members("connect", table, ALPHABETS[HOST], env, sequences)
            table.remember(key, found)
        assert isinstance(found, Verdict)
        return found

    def _pattern(self, request: Request, table: Table, sort: str, env: Environment) -> Verdict:
        """A resource that is only partly known."""
        if not isinstance(request.resource, str):
            raise RequestError("PLR061", "a pattern is a string")
        if request.resolved:
            raise RequestError("PLR061", "a host that is only partly known has no addresses")
        methods = (request.method,) if request.method else METHODS if table.has_methods else ("GET",)
        try:
            sequences = compile_pattern(sort, request.resource, methods if sort == HOST else ())
        except PatternError as error:
            raise RequestError("PLR061", f"the pattern is malformed: {error.message}") from None
        if sort != PATH:
            return self.members(request.action, table, ALPHABETS[sort], env, sequences)
        verdicts: list[Verdict] = []
        for sequence in sequences:
            text, rest = _known_part(sequence)
            for names in path_forms(text, self.roots(request)):
                verdicts.append(
                    self.members(
                        request.action, table, ALPHABETS[PATH], env, (rest,), names.sure, everything=bool(names.maybe)
                    )
                )
        return strictest(tuple(verdicts), self.judge.reduce)


_ANYTHING = compile_pattern("command", "**")[0][1:]
_ANCHORS = {"\0/": "/", "\0W": "./", "\0~": "~/", "\0T": "${tmp}/"}


def _told(parts: tuple[Effect, ...]) -> tuple[str, ...]:
    """The reasons of a denial, each with the effect that it is about."""
    out: dict[str, None] = {}
    for part in parts:
        if part.verdict.effect == "deny":
            shown = part.resource if isinstance(part.resource, str) else " ".join(part.resource)
            short = shown if len(shown) <= 60 else f"{shown[:59]}…"
            what = f"{part.action} `{short}`: " if short else ""
            out.update(dict.fromkeys(f"{what}{reason}" for reason in part.verdict.reasons))
    return tuple(out)


_MOST_PARTS = 64
_MOST_REMEMBERED = limit("remembered_text")


def _small(resource: object) -> bool:
    """True for what may be remembered: large commands that never come again must not fill the memory."""
    texts = (resource,) if isinstance(resource, str) else resource if isinstance(resource, tuple) else ()
    return sum(len(t) for t in texts if isinstance(t, str)) <= _MOST_REMEMBERED


def _known_part(sequence: Sequence) -> tuple[str, Sequence]:
    """The path before the first wildcard, as text, and the labels after it."""
    first = sequence[0]
    assert isinstance(first, str)
    known: list[str] = []
    for label in sequence[1:]:
        if not isinstance(label, str):
            break
        known.append(label)
    return _ANCHORS[first] + "/".join(known), sequence[1 + len(known) :]


def _place(request: Request) -> Place:
    git = request.git
    if not git:
        return NOWHERE_PLACE if request.branch is None else Place(branch=request.branch)
    remotes = git.get("remotes")
    listed = tuple(sorted((str(k), str(v)) for k, v in remotes.items())) if isinstance(remotes, dict) else ()
    default = git.get("push_default")
    return Place(request.branch, listed, default if isinstance(default, str) else "")


def _marks(states: tuple[State, ...]) -> tuple[int, ...]:
    return marks_of(n for s in states for n in s.nodes)
