"""Parser callbacks: each grammar rule to its tree node. Mistakes in values are collected, not raised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any as Anything

from lark import Transformer

from ..domain.errors import Diagnostic, Source, Span
from ..domain.limits import limit
from . import tree
from .tokens import Token, unescape
from .tree import Clause, Pos, Word

Kids = Sequence[Anything]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _span(kids: Kids) -> Pos:
    """From the first to the last place among children; tokens, nodes and lists of them."""
    places = [p for kid in kids if (p := _place(kid)) is not None]
    return (places[0][0], places[-1][1]) if places else (0, 0)


def _place(kid: object) -> Pos | None:
    if isinstance(kid, Token):
        return kid.start, kid.end
    if isinstance(kid, (list, tuple)):
        found = _span(kid)
        return found if found != (0, 0) else None
    pos = getattr(kid, "pos", None)
    return pos if isinstance(pos, tuple) else None


def _words(kids: Kids, *kinds: str) -> list[Word]:
    return [k for k in kids if isinstance(k, Word) and (not kinds or k.kind in kinds)]


def _first(kids: Kids, *kinds: str) -> Word | None:
    found = _words(kids, *kinds)
    return found[0] if found else None


def seconds(text: str) -> int:
    """A duration such as `30m` in seconds."""
    return int(text[:-1]) * _UNITS[text[-1]]


class Builder(Transformer[Token, Anything]):
    """Builds the tree of one statement. Set `source` and read `diagnostics` around each parse."""

    def __init__(self) -> None:
        super().__init__()
        self.source = Source("", "")
        self.diagnostics: list[Diagnostic] = []
        self.depth = 0

    def report(self, code: str, message: str, pos: Pos, remediation: str = "") -> None:
        """Record one mistake."""
        self.diagnostics.append(Diagnostic(code, message, Span(self.source, *pos), remediation))

    def word(self, token: Token) -> Word:
        """A token as a word, strings unescaped."""
        if token.type != "STRING":
            return Word(token.type, token.value, (token.start, token.end))
        try:
            value = unescape(token.value)
        except ValueError as error:
            self.report("PLE107", str(error), (token.start, token.end))
            value = ""
        return Word("STRING", value, (token.start, token.end))

    def _kids(self, kids: Kids) -> list[Anything]:
        return [self.word(k) if isinstance(k, Token) else k for k in kids]

    # statements

    def statement(self, kids: Kids) -> tree.Item:
        return kids[0]  # type: ignore[no-any-return]

    def header(self, kids: Kids) -> tree.Header:
        editions = [k for k in kids if isinstance(k, Word)]
        for word in editions[1:]:
            self.report("PLE108", "`language` is given twice", word.pos, "keep one")
        return tree.Header(kids[0].value, self.word(kids[1]), _span(kids), editions[0] if editions else None)

    def edition(self, kids: Kids) -> Word:
        return self.word(kids[1])

    def module(self, kids: Kids) -> Word:
        return self.word(kids[0])

    def import_(self, kids: Kids) -> tree.Import:
        words = self._kids(kids)
        return tree.Import(words[1], _words(words[2:], "NAME"), _span(kids))

    def within(self, kids: Kids) -> tree.Within:
        return tree.Within(kids[1], _span(kids))

    def profile(self, kids: Kids) -> tree.ProfileFile:
        return tree.ProfileFile(self.word(kids[1]), _span(kids))

    def trust(self, kids: Kids) -> tree.Trust:
        return tree.Trust(kids[1], _span(kids))

    def let_(self, kids: Kids) -> tree.Let:
        return tree.Let(self.word(kids[1]), kids[-1], _span(kids))

    def strings(self, kids: Kids) -> list[Word]:
        return _words(self._kids(kids), "STRING")

    def patterns(self, kids: Kids) -> list[Word]:
        return _words(kids)

    def pattern(self, kids: Kids) -> Word:
        return self.word(kids[0])

    def resources(self, kids: Kids) -> list[Word]:
        return _words(kids)

    resource = pattern
    literal = pattern
    subject = pattern

    # tiers

    def tier(self, kids: Kids) -> tree.TierDef:
        braces = [k for k in kids if isinstance(k, Token) and k.type == "LBRACE"]
        tier = tree.TierDef(self.word(kids[1]), bool(braces), _span(kids))
        for kid in kids:
            if isinstance(kid, Clause):
                self._tier_clause(tier, kid)
        if tier.defined and not tier.approvers:
            self.report(
                "PLE312", f"tier `{tier.name.text}` names no approvers", tier.name.pos, 'add `approvers "@group"`'
            )
        return tier

    def freeze(self, kids: Kids) -> tree.Freeze:
        count, length = self.word(kids[2]), self.word(kids[5])
        denials = int(count.text) if len(count.text) < 6 else 0
        if not 1 <= denials <= limit("freeze_denials"):
            most = limit("freeze_denials")
            self.report(
                "PLE316",
                f"`{count.text}` is not a valid number of denials",
                count.pos,
                f"expected a number from 1 to {most}",
            )
        time = seconds(length.text) if len(length.text) < 12 else 0
        if not 1 <= time <= limit("freeze_seconds"):
            self.report(
                "PLE316", f"`{length.text}` is not a valid time", length.pos, "expected a duration from 1s to 30d"
            )
        return tree.Freeze(denials, time, _span(kids))

    def _tier_clause(self, tier: tree.TierDef, clause: Clause) -> None:
        kind, words = clause.kind, clause.words
        if kind in {k for k, _ in tier.clauses}:
            self.report("PLE108", f"`{kind}` is given twice", clause.pos, "keep one")
        tier.clauses.append((kind, clause.pos))
        if kind == "approvers":
            tier.approvers = words
        elif kind == "quorum":
            tier.quorum = int(words[0].text) if len(words[0].text) < 4 else 0
            if not 1 <= tier.quorum <= limit("quorum"):
                self.report(
                    "PLE313",
                    f"`{words[0].text}` is not a valid quorum",
                    words[0].pos,
                    "expected a number from 1 to 100",
                )
        elif kind == "expires":
            tier.expires = seconds(words[0].text) if len(words[0].text) < 12 else 0
            if not 1 <= tier.expires <= limit("tier_expiry_seconds"):
                self.report(
                    "PLE313",
                    f"`{words[0].text}` is not a valid time to wait",
                    words[0].pos,
                    "expected a duration from 1s to 30d",
                )
        elif kind == "includes":
            tier.includes = words
        elif kind == "scope":
            tier.scope = words[0].text
        elif kind == "reason":
            tier.reason_required = True
        elif kind == "on timeout":
            tier.escalate = words[0] if words else None
        elif kind == "break-glass":
            tier.opens = words

    def _clause_of(kind: str, *kinds: str) -> Anything:  # type: ignore[misc] # noqa: N805
        def make(self: Builder, kids: Kids) -> Clause:
            flat = [x for kid in kids for x in (kid if isinstance(kid, list) else [kid])]
            return Clause(kind, _span(kids), _words(self._kids(flat), *kinds) if kinds else [])

        return make

    approvers = _clause_of("approvers", "STRING")
    quorum = _clause_of("quorum", "INT")
    expires = _clause_of("expires", "DURATION")
    includes = _clause_of("includes", "NAME")
    tier_scope = _clause_of("scope", "ONCE", "SESSION")
    reason_required = _clause_of("reason")
    timeout_deny = _clause_of("on timeout")
    timeout_escalate = _clause_of("on timeout", "NAME")
    break_glass = _clause_of("break-glass", "NAME")

    # context

    def context(self, kids: Kids) -> tree.ContextDef:
        return tree.ContextDef([k for k in kids if isinstance(k, tree.Attribute)], _span(kids))

    def attribute(self, kids: Kids) -> tree.Attribute:
        named: list[Word] = next(k for k in kids if isinstance(k, list))
        default = next((k for k in kids[2:] if isinstance(k, Word)), None)
        plain = named[0] if named[0].kind == "NAME" else None
        return tree.Attribute(self.word(kids[0]), plain, [] if plain else named, default, _span(kids))

    def plain_type(self, kids: Kids) -> list[Word]:
        return [self.word(kids[0])]

    def enum_type(self, kids: Kids) -> list[Word]:
        return _words(self._kids(kids), "STRING")

    # rules

    def rule(self, kids: Kids) -> tree.RuleNode:
        labelled = isinstance(kids[0], Token)
        label = self.word(kids[1]) if labelled else None
        (effect, tier), actions, patterns = kids[2:5] if labelled else kids[:3]
        clauses = [k for k in kids if isinstance(k, Clause)]
        bodies = [k for k in kids if isinstance(k, tuple) and k and k[0] == "body"]
        self._no_doubles(clauses)
        return tree.RuleNode(
            label,
            effect,
            tier,
            actions,
            patterns,
            clauses,
            list(bodies[0][1]) if bodies else [],
            bool(bodies),
            _span(kids),
        )

    def _no_doubles(self, clauses: list[Clause]) -> None:
        seen: set[str] = set()
        for clause in clauses:
            if clause.kind in seen:
                self.report("PLE108", f"`{clause.kind}` is given twice", clause.pos, "join the two, or write two rules")
            seen.add(clause.kind)

    def effect(self, kids: Kids) -> tuple[Word, Word | None]:
        return self.word(kids[0]), self.word(kids[1]) if len(kids) > 1 else None

    def actions(self, kids: Kids) -> list[tuple[Word, list[Word]]]:
        out: list[tuple[Word, list[Word]]] = []
        for kid in kids:
            if isinstance(kid, Token):
                continue
            for word in kid:
                if word.kind == "ACTION":
                    out.append((word, []))
                elif out and out[-1][0].text == "connect":
                    out[-1][1].append(word)
                else:
                    self.report(
                        "PLE109",
                        f"the method `{word.text}` belongs to `connect`",
                        word.pos,
                        'write `connect GET, HEAD "host"`',
                    )
        return out

    def action(self, kids: Kids) -> list[Word]:
        return _words(self._kids(kids))

    def body(self, kids: Kids) -> tuple[object, ...]:
        return ("body", [k for k in kids if isinstance(k, tree.ExampleNode)], *kids)

    def example(self, kids: Kids) -> tree.ExampleNode:
        tokens = [k for k in kids if isinstance(k, Token)]
        strings = next(k for k in kids if isinstance(k, list))
        method = next((self.word(t) for t in tokens if t.type == "METHOD"), None)
        return tree.ExampleNode(tokens[0].type == "NOT", method, strings, _span(kids))

    except_ = _clause_of("except", "STRING", "NAME", "OPAQUE")
    with_ = _clause_of("with", "STRING")
    without = _clause_of("without", "STRING")
    for_ = _clause_of("for", "STRING")
    until = _clause_of("until", "DATE", "DATETIME")
    because = _clause_of("because", "STRING")
    log = _clause_of("log")
    override = _clause_of("override")

    def when(self, kids: Kids) -> Clause:
        return Clause("when", _span(kids), [], kids[1])

    def otherwise(self, kids: Kids) -> tree.Otherwise:
        return tree.Otherwise(self.word(kids[2]), _words(self._kids(kids[3:]), "ACTION"), _span(kids))

    # scopes and conditions

    def named_scope(self, kids: Kids) -> tree.Scope:
        return tree.Scope(kids[0].value, kids[1], None, _span(kids))

    def when_scope(self, kids: Kids) -> tree.Scope:
        return tree.Scope("when", [], kids[1], _span(kids))

    def condition(self, kids: Kids) -> tree.Condition:
        return self.any_of(kids)

    def any_of(self, kids: Kids) -> tree.Condition:
        parts = [k for k in kids if not isinstance(k, Token)]
        return parts[0] if len(parts) == 1 else tree.Any(parts, _span(kids))

    def all_of(self, kids: Kids) -> tree.Condition:
        parts = [k for k in kids if not isinstance(k, Token)]
        return parts[0] if len(parts) == 1 else tree.All(parts, _span(kids))

    def negated(self, kids: Kids) -> tree.Condition:
        return tree.Not(kids[1], _span(kids))

    def grouped(self, kids: Kids) -> tree.Condition:
        return next(k for k in kids if not isinstance(k, Token))  # type: ignore[no-any-return]

    def truth(self, kids: Kids) -> tree.Condition:
        return tree.Compare(kids[0], "truth", [], _span(kids))

    def presence(self, kids: Kids) -> tree.Condition:
        return tree.Compare(kids[1], "given", [], _span(kids))

    def pattern_of(self, kids: Kids) -> tree.Condition:
        return tree.Compare(kids[0], "glob", [self.word(kids[2])], _span(kids))

    def comparison(self, kids: Kids) -> tree.Condition:
        return tree.Compare(kids[0], kids[1].value, [kids[2]], _span(kids))

    def membership(self, kids: Kids) -> tree.Condition:
        return tree.Compare(kids[0], "in", _words(kids[1:]), _span(kids))

    def window(self, kids: Kids) -> tree.Condition:
        return tree.Compare(kids[0], "window", _words(kids[1:]), _span(kids))

    # tests and proofs

    def as_agent(self, kids: Kids) -> tuple[str, Word]:
        return ("as", self.word(kids[1]))

    def given(self, kids: Kids) -> tuple[str, Word, Word]:
        return ("given", kids[0], kids[-1])

    def test_header(self, kids: Kids) -> tree.TestDef:
        given = [(k[1], k[2]) for k in kids if isinstance(k, tuple) and k[0] == "given"]
        return tree.TestDef(self.word(kids[1]), _agent(kids), given, _span(kids))

    def case(self, kids: Kids) -> tree.CaseNode:
        words = self._kids(kids)
        effect, tier = kids[0]
        resources = next(k for k in kids[1:] if isinstance(k, list))
        to = words[-1] if isinstance(kids[-1], Token) else None
        return tree.CaseNode(effect, tier, words[1], _first(words[2:], "METHOD"), resources, _span(kids), to)

    def prove_header(self, kids: Kids) -> tree.ProveDef:
        condition = next((k for k in kids if isinstance(k, (tree.Compare, tree.Not, tree.All, tree.Any))), None)
        return tree.ProveDef(self.word(kids[1]), _agent(kids), condition, _span(kids))

    def target(self, kids: Kids) -> tuple[object, ...]:
        return ("target", kids[0], kids[1])

    def _property(
        self, kind: str, kids: Kids, tier: Word | None = None, agents: Sequence[Word] = ()
    ) -> tree.PropertyNode:
        _, actions, patterns = kids[-1]
        return tree.PropertyNode(kind, tier, list(agents), actions, patterns, _span(kids))

    def never_allow(self, kids: Kids) -> tree.PropertyNode:
        return self._property("never_allow", kids)

    def always_deny(self, kids: Kids) -> tree.PropertyNode:
        return self._property("always_deny", kids)

    def always_ask(self, kids: Kids) -> tree.PropertyNode:
        return self._property("always_ask", kids, tier=self.word(kids[2]))

    def only_may(self, kids: Kids) -> tree.PropertyNode:
        return self._property("only_may", kids, agents=kids[1])


def _agent(kids: Kids) -> Word | None:
    return next((k[1] for k in kids if isinstance(k, tuple) and k[0] == "as"), None)


def too_deep(condition: tree.Condition) -> bool:
    """True when a condition nests or counts beyond the limits; iterative, so depth cannot hurt it."""
    todo: list[tuple[tree.Condition, int]] = [(condition, 1)]
    atoms = 0
    while todo:
        node, depth = todo.pop()
        if depth > limit("condition_nesting"):
            return True
        if isinstance(node, tree.Compare):
            atoms += 1
        elif isinstance(node, tree.Not):
            todo.append((node.of, depth + 1))
        else:
            todo.extend((kid, depth + 1) for kid in node.of)
    return atoms > limit("condition_atoms")
