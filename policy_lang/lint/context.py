"""The context of a lint run: one policy set, its sources, and questions about it, each asked once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from ..analysis.cases import TRUE as SURELY
from ..analysis.cases import Cases
from ..analysis.facts import Facts, rule_facts
from ..analysis.items import Side, side_of
from ..analysis.members import matching
from ..analysis.query import query
from ..analysis.questions import Question, permits, search
from ..analysis.search import Item
from ..analysis.spaces import Layout
from ..analysis.witness import USUAL, Witness, plain_case, requests, typed
from ..automata.pattern import Pattern, expand_braces
from ..compiler.profiles import with_own
from ..domain import record
from ..domain.actions import COMMAND, PATH, SORT_OF
from ..domain.conditions import SAME, TRUE, Value, atoms
from ..domain.decision import RuleRef, Verdict
from ..domain.errors import Source, Span
from ..domain.limits import limit
from ..engine.prepare import engine_of
from ..facts.paths import HOME, TMP, WORKSPACE
from ..ir.model import PolicySet, Rule
from ..ir.patterns import compile_pattern
from ..ir.scopes import PatternError
from ..resolve.modules import Module, walk_rules
from ..resolve.resolver import ResolvedPolicy
from ..syntax import emit, tree
from .capabilities import Capabilities
from .finding import Edit, Fix, Step

USUAL_LAYOUT = Layout(USUAL[WORKSPACE], USUAL[HOME], USUAL[TMP])
"""Where things lie unless the caller says otherwise: one layout, so that findings are the same on every machine."""


Given = dict[str, Value | None]


@dataclass(frozen=True, slots=True)
class Grant:
    """Something that a rule lets an agent do without approval, as the policy confirmed."""

    rule: Rule
    step: Step
    everyone: bool


class LintContext:
    """One policy set as the linter sees it."""

    def __init__(
        self,
        program: ResolvedPolicy,
        policy: PolicySet,
        capabilities: Capabilities,
        layout: Layout = USUAL_LAYOUT,
        ceiling: bool = False,
        confined: bool = False,
    ) -> None:
        self.program = program
        self.policy = policy
        self.capabilities = capabilities
        self.layout = layout
        self.ceiling = ceiling
        """This file only bounds what other policies may grant: its grants are not findings."""
        self.confined = confined
        """Requests are those of an agent behind walls: see `behind_walls`."""
        self.engine = engine_of(policy, False, with_own(policy.profiles))
        self.rules = {r.id: r for layer in policy.layers for r in layer.rules}
        self.granting = {r.id: r for r in policy.layers[0].rules if r.grants}
        """The policy's own grants; those of a ceiling only bound them."""
        self.called: dict[str, list[str]] = {}
        """The names under which grants have a program, as far as somebody asked."""
        self._found: dict[object, list[Grant]] = {}
        self._first_grants: dict[tuple[str, ...], dict[str, Grant]] = {}
        self._answers: dict[object, Verdict] = {}
        self._shown: dict[tuple[tuple[str, ...], str, str], bool] = {}
        self._principals: dict[str | None, list[Given]] = {}
        self.today = datetime.now(UTC).date()
        """The day on which the policy is looked at."""
        self._own = {r.id for r in self.rules.values() if os.path.abspath(r.file) in policy.sources}
        self._imports = self._import_spans()

    @property
    def source(self) -> Source:
        """The text of the policy's own file."""
        return self.program.root.file.source

    @cached_property
    def side(self) -> Side:
        """The policy as a side of questions."""
        return side_of(self.engine, self.layout)

    @cached_property
    def facts(self) -> Facts:
        """What is true of each rule."""
        return rule_facts(self.engine, self.layout, self.own)

    @cached_property
    def granted_programs(self) -> tuple[list[str], bool]:
        """The programs that grants name, and whether one names none."""
        firsts = [
            sequence[0]
            for rule in self.granting.values()
            if rule.sort == COMMAND
            for pattern in rule.include
            for sequence in pattern.sequences
        ]
        names = dict.fromkeys(f.rpartition("/")[2] for f in firsts if isinstance(f, str))
        return list(names), any(not isinstance(f, str) for f in firsts)

    @cached_property
    def behind_walls(self) -> LintContext:
        """The same policy, asked by an agent behind walls."""
        return LintContext(self.program, self.policy, self.capabilities, self.layout, self.ceiling, confined=True)

    # rules and places

    def own(self, rule: Rule | RuleRef) -> bool:
        """True for a rule of the author's files, not of the library."""
        return rule.id in self._own

    def own_rules(self, effect: str | None = None, action: str | None = None) -> Iterator[Rule]:
        """The rules of the policy's own layer that stand in the author's files, in the order of their places."""
        for rule in self.policy.layers[0].rules:
            if self.own(rule) and effect in {None, rule.effect} and (action is None or action in rule.actions):
                yield rule

    def rule(self, ref: RuleRef) -> Rule:
        """The rule that a decision names."""
        return self.rules[ref.id]

    def span(self, rule: Rule) -> Span:
        """Where the author can do something about a rule: the rule, or the import that brings it."""
        return rule.span if self.own(rule) else self._imports.get(rule.module, self.header)

    @property
    def header(self) -> Span:
        """The first statement of the policy's own file."""
        items = self.program.root.file.items
        at = items[0].pos if items else (0, 0)
        return Span(self.source, at[0], at[1])

    def statement(self, rule: Rule) -> tree.RuleNode | None:
        """The rule as it is written."""
        return self._statements.get((rule.span.source.path, rule.span.start))

    @cached_property
    def _statements(self) -> dict[tuple[str, int], tree.RuleNode]:
        return {(m.file.source.path, r.pos[0]): r for m in self.program.modules for r, _ in walk_rules(m.file.items)}

    @cached_property
    def modules(self) -> list[Module]:
        """The author's own files of the policy set."""
        return [m for m in self.program.modules if m.path]

    def _import_spans(self) -> dict[str, Span]:
        out: dict[str, Span] = {}
        for module in self.program.modules:
            for item in module.file.items:
                if module.path and isinstance(item, tree.Import):
                    out.setdefault(item.target.text, module.file.span(item.pos))
        return out

    # questions

    def verdict(self, witness: Witness) -> Verdict:
        """The whole answer to a request; of a command with everything that it does."""
        key = (witness.action, witness.resource, witness.method, witness.layout, typed(witness.given))
        if key not in self._answers:
            if len(self._answers) >= _MOST_ANSWERS:
                self._answers.clear()
            # no agent asks for what git writes, nor says that there are walls
            asked = record.replace(witness.request(self.policy), versioned=False, confined=self.confined)
            self._answers[key] = self.engine.decide(asked).verdict
        return self._answers[key]

    def shows(self, words: tuple[str, ...], action: str, file: str) -> bool:
        """True when the reading of a command shows that it reads or writes a file."""
        if (words, action, file) not in self._shown:
            asked = Witness("run", words, {}, None, self.layout).request(self.policy)
            effects = self.engine.decide(asked).effects
            self._shown[words, action, file] = any(e.action == action and e.resource == file for e in effects)
        return self._shown[words, action, file]

    def step(self, witness: Witness, note: str = "") -> Step:
        """A request with its answer."""
        verdict = self.verdict(witness)
        rules = verdict.rules or verdict.support
        return Step(self._as_asked(witness), verdict.effect, verdict.tiers, rules, note)

    def _as_asked(self, witness: Witness) -> Witness:
        """The request as `verdict` asks it."""
        return replace(witness, given=_plain(witness.given) | ({"confined": True} if self.confined else {}))

    def allowed(self, witness: Witness) -> bool:
        """True when the request is allowed without approval."""
        return self.verdict(witness).effect == "allow"

    def find_grants(
        self, action: str, patterns: Iterable[str], examples: Iterable[str] = (), but: Iterable[str] = ()
    ) -> list[Grant]:
        """What of some patterns is allowed, once for each rule of the policy's own layer that grants it.

        A pattern of `connect` may have methods in front: `POST,PUT https://gist.github.com/**`. Only requests that the
        whole policy allows count, and none that matches `but`. `examples` are tried as the ones to show, the first
        that fits.
        """
        if self.ceiling:
            return []
        texts, shown, without = tuple(patterns), tuple(examples), tuple(but)
        key = (action, texts, shown, without)
        if key not in self._found:
            self._found[key] = list(self._find_grants(action, texts, shown, without))
        return self._found[key]

    def _find_grants(
        self, action: str, texts: tuple[str, ...], examples: tuple[str, ...], but: tuple[str, ...]
    ) -> Iterator[Grant]:
        if all(action not in r.actions or not r.grants for r in self.policy.layers[0].rules):
            return
        without = wanted(action, but)
        answer = query(
            self.engine, (action,), wanted(action, texts), None, None, self.side, self.allowed, examples, but=without
        )
        for grant in answer.grants:
            everyone = grant.everyone or not _plain(grant.witness.given)
            rule = self.rules[grant.rule.id]
            witness = self._named(grant.witness, rule, wanted(action, texts), without)
            yield Grant(rule, self.step(witness), everyone)

    def _named(self, witness: Witness, rule: Rule, among: tuple[Pattern, ...], without: tuple[Pattern, ...]) -> Witness:
        """The same with a name in front of an ending that stands alone: `docs/file.md` for `docs/.md`."""
        folder, slash, name = str(witness.resource).rpartition("/")
        if SORT_OF[witness.action] != PATH or not _ENDING.fullmatch(name):
            return witness
        other = replace(witness, resource=f"{folder}{slash}file{name}")
        meant = all(matching(patterns, other) is not None for patterns in (among, rule.include) if patterns)
        left_out = any(matching(patterns, other) is not None for patterns in (without, rule.exclude) if patterns)
        return other if meant and not left_out and self.allowed(other) else witness

    def first_grant(self, action: str, texts: Iterable[str], tries: int = 4) -> dict[str, Grant]:
        """For each of some patterns something of it that is allowed, in one search; nothing for the others.

        Several patterns that stand for one are given as one text, a line each.
        """
        key = (action, *dict.fromkeys(texts))
        if key not in self._first_grants:
            self._first_grants[key] = self._first_grant(action, key[1:], tries)
        return self._first_grants[key]

    def _first_grant(self, action: str, texts: Iterable[str], tries: int) -> dict[str, Grant]:
        patterns = {text: wanted(action, text.split("\n")) for text in texts}
        items = [
            Item(
                None,
                tuple(self.layout.sequence(s) for p in group for s in p.sequences),
                (),
                TRUE,
                True,
                raw=action == "run",
            )
            for group in patterns.values()
        ]
        names = list(patterns)
        asks = [i for p in self.side.parts(action) for items in p.asks.values() for i in items]
        out: dict[str, Grant] = {}
        for way in permits(self.side, action, self.policy.tiers) if items and not self.ceiling else ():
            question = Question((items, *way.grants), [*way.barred, *asks], "wanted")
            cases = Cases(question.formulas(), self.policy.attributes)
            asked = search(self.side, action, question, cases, sieve=False)
            left = dict.fromkeys(names, tries)
            for one in asked.run(shortest=False):
                name = names[one.number]
                agent = (one.agents & -one.agents).bit_length() - 1
                for witness in requests(action, one.word, cases.case(one.demands, agent), self.layout):
                    verdict = self.verdict(witness)
                    rules = [self.granting[r.id] for r in verdict.support or verdict.rules if r.id in self.granting]
                    if verdict.effect == "allow" and rules:
                        out.setdefault(name, Grant(rules[0], self.step(witness), not witness.given))
                        break
                left[name] -= 1
                if name in out or not left[name]:
                    asked.close_item(one.number, cases.everyone())
        return out

    def ask(
        self,
        action: str,
        resource: str | tuple[str, ...],
        method: str | None = None,
        givens: Iterable[Given] | None = None,
    ) -> list[Grant]:
        """Who is allowed one particular request, once for each rule of the policy's own layer that grants it.

        Only the principals `givens` are asked for, if there are any.
        """
        out: list[Grant] = []
        for given in () if self.ceiling else self.principals(action) if givens is None else givens:
            witness = Witness(action, resource, given, method, self.layout)
            verdict = self.verdict(witness)
            if verdict.effect == "allow":
                for ref in verdict.support or verdict.rules:
                    rule = self.granting.get(ref.id)
                    if rule is not None and action in rule.actions and all(rule is not r.rule for r in out):
                        step = Step(self._as_asked(witness), "allow", (), verdict.rules or verdict.support)
                        out.append(Grant(rule, step, not given))
        return out

    def without(self, action: str, resource: str) -> list[Given]:
        """The principals who run commands and are not allowed some request."""
        asked = ((g, Witness(action, resource, g, None, self.layout)) for g in self.principals("run"))
        return [g for g, witness in asked if not self.allowed(witness)]

    def principals(self, action: str | None = None) -> list[Given]:
        """Who may ask, under which circumstances: an example for each condition of a grant about an action."""
        if action not in self._principals:
            self._principals[action] = list(self._each_principal(action))
        return self._principals[action]

    def _each_principal(self, action: str | None) -> Iterator[Given]:
        rules = (r for layer in self.policy.layers for r in layer.rules if r.grants)
        formulas = {r.condition: None for r in rules if action is None or action in r.actions}
        seen: list[Given] = []
        for formula in list(formulas)[:_MOST_PRINCIPALS]:
            cases = Cases([formula], self.policy.attributes)
            demands = frozenset({(formula, SURELY)})
            agents = cases.agents(demands)
            for number in (i for i in range(agents.bit_length()) if agents >> i & 1):
                given = plain_case(cases.case(demands, number))
                given = {k: v for k, v in _plain(given).items() if v is not None}
                if given not in seen:
                    seen.append(given)
                    yield given

    def covers(self, wide: Rule, narrow: Rule) -> bool:
        """True when every resource that `narrow` is about is one that `wide` is about."""
        first, second = (self.side.part("one", False, [r]) for r in (wide, narrow))
        for action in narrow.actions:
            for covering, covered in ((first.grants, second.grants), (first.denies, second.denies)):
                question = Question((covered,), covering, "covered")
                cases = Cases(question.formulas(), self.policy.attributes)
                if covered and any(True for _ in search(self.side, action, question, cases).run(shortest=False)):
                    return False
        return True

    def wild_suffixes(self, host: str) -> list[str]:
        """What stands behind a leading wildcard of a host pattern: `github.io` of `*.github.io:8080`."""
        name = host.partition("/")[0].partition(":")[0]
        return [
            x[2:].lstrip(".") for x in expand_braces(name, 10_000) if x.startswith(("*.", "**.")) and "*" not in x[3:]
        ]

    def wild_tops(self, host: str) -> list[str]:
        """Names that end in a wildcard, without it: `acme` of `acme.*`; for other wildcards stands `x`."""
        name = host.partition("/")[0].partition(":")[0]
        found = (x.rpartition(".") for x in expand_braces(name, 10_000))
        return [re.sub(r"[*?]+", "x", head) for head, _, top in found if head and "*" in top]

    # fixes

    def append(self, title: str, statement: tree.Node, *, safe: bool = True) -> Fix:
        """A statement at the end of the policy's own file."""
        end = len(self.source.text)
        lead = "" if not self.source.text or self.source.text.endswith("\n") else "\n"
        return Fix(title, (Edit(Span(self.source, end, end), f"{lead}\n{emit.text([statement])}"),), safe)

    def deny(self, actions: Sequence[str], patterns: Iterable[str], because: str) -> Fix:
        """A denial at the end of the policy's own file."""
        rule = emit.rule("deny", actions, dict.fromkeys(patterns), because=because)
        return self.append(f"deny {', '.join(actions)} there", rule)

    def remove(self, rule: Rule, title: str = "delete the rule", *, safe: bool = True) -> tuple[Fix, ...]:
        """The rule taken out, with the line break behind it."""
        statement = self.statement(rule) if self.own(rule) else None
        if statement is None:
            return ()
        text, (start, end) = rule.span.source.text, statement.pos
        line = text.rfind("\n", 0, start) + 1
        if not text[line:start].strip():
            start = line
            after = text.find("\n", end)
            rest = text[end : after if after >= 0 else len(text)].strip()
            if not rest:
                end = after + 1 if after >= 0 else len(text)
        return (Fix(title, (Edit(Span(rule.span.source, start, end), ""),), safe),)


_ENDING = re.compile(r"\.[a-z0-9]+")
"""What the shortest file of `**/*.md` is called, and no file that anybody has."""
_MOST_ANSWERS = limit("lint_answers")
"""Answers that are remembered; the requests of the linter lie in one layout."""
_MOST_PRINCIPALS = limit("lint_principals")
"""Conditions of grants for which fixed requests are asked; patterns are searched for all of them."""


def _plain(given: Given) -> Given:
    """The circumstances without those that no agent can say."""
    return {k: v for k, v in given.items() if k not in {"versioned", "confined"}}


def wanted(action: str, texts: Iterable[str]) -> tuple[Pattern, ...]:
    """The patterns of some texts; those of `connect` may have methods in front."""
    sort = SORT_OF[action]
    out: list[Pattern] = []
    for text in texts:
        methods, space, rest = text.partition(" ")
        if action == "connect" and space:
            out.append(Pattern(sort, rest, compile_pattern(sort, rest, tuple(methods.split(",")))))
        else:
            out.append(Pattern(sort, text, compile_pattern(sort, text)))
    return tuple(out)


def sayable(action: str, text: str) -> bool:
    """Whether a policy can have the pattern: names of files may hold what no pattern and no text can."""
    try:
        emit.string(text)
        compile_pattern(SORT_OF[action], text)
    except (PatternError, emit.UnsayableError):
        return False
    return True


def who(grant: Grant) -> str:
    """Who is meant, in a sentence."""
    agent = grant.step.witness.given.get("agent")
    if grant.everyone:
        return "any agent"
    return f"`{agent}`" if agent is not None else "an agent without a name"


def noted(step: Step, note: str) -> Step:
    """The step with a word on what it means."""
    return replace(step, note=note)


def reworded(rule: Rule, word: tree.Word, text: str) -> Edit:
    """A pattern of a rule replaced where it stands."""
    return Edit(Span(rule.span.source, *word.pos), emit.string(text))


def words(context: LintContext, rule: Rule) -> list[tree.Word]:
    """The patterns of a rule of the author's that stand in it as text, with their places."""
    statement = context.statement(rule)
    return [] if statement is None else [w for w in statement.patterns if w.kind == "STRING"]


def agent_globs(context: LintContext) -> list[str]:
    """The agents that the author's rules speak of."""
    found = (a for r in context.own_rules() for a in atoms(r.condition) if a.subject == "agent" and a.op != SAME)
    return list(dict.fromkeys(str(v) for a in found for v in a.values))


def tier_definitions(context: LintContext, *, root: bool = False) -> Iterator[tuple[tree.TierDef, Span]]:
    """The tiers that the author's files define, with their places; only those of the policy's own file with `root`."""
    for module in [context.program.root] if root else context.modules:
        for item in module.file.items:
            if isinstance(item, tree.TierDef) and item.defined:
                yield item, module.file.span(item.pos)


def example_of(context: LintContext, rule: Rule) -> Grant | None:
    """A request that a rule allows."""
    texts = [p.text for p in rule.include if p.text]
    for action in rule.actions:
        if rule.sort == COMMAND:
            texts = [t for t in texts if t != "opaque"]
        for grant in context.find_grants(action, texts) if texts else ():
            if grant.rule is rule:
                return grant
    return None
