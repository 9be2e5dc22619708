"""Tests and proofs in normal form: names and types checked; running them is the engine's and analysis's work."""

from __future__ import annotations

from collections.abc import Callable

from ..automata.pattern import Pattern
from ..domain.actions import CALL, COMMAND, HOST, SORT_OF
from ..domain.conditions import ARGUMENT, BUILT_INS, TRUE
from ..domain.errors import Diagnostic
from ..domain.limits import limit
from ..domain.policy import AttributeType
from ..domain.suggest import suggest
from ..ir.model import Case, Property, ProveBlock, TestBlock
from ..resolve.modules import Module
from ..resolve.names import constant
from ..resolve.resolver import ResolvedPolicy
from ..resolve.types import arguments
from ..syntax import tree

Patterns = Callable[..., tuple[Pattern, ...] | None]
PLACES = ("workspace", "home", "cwd")
"""Folders, which a test may give as well as attributes."""

ONLY_USE = "`for` says where a credential goes, and only `use` is about one"


def lower_tests(module: Module, resolved: ResolvedPolicy) -> list[TestBlock]:
    """The tests of a file, without the lines that have a mistake. Names that do not exist are reported."""
    out: list[TestBlock] = []
    file, report = module.file, resolved.diagnostics.append
    for item in file.items:
        if not isinstance(item, tree.TestDef):
            continue
        given = {name.text: _given(name, word, module, resolved) for name, word in item.given}
        cases = [case for line in item.body for case in _cases(line, file, resolved)]
        if not item.body and not file.broken:
            report(
                Diagnostic(
                    "PLE508",
                    f"the test `{item.name.text}` has no expectations",
                    file.span(item.pos),
                    'add lines such as `deny read "secrets/key"`',
                )
            )
        for name, _ in item.given:
            if any(other.startswith(f"{name.text}.") for other in given if name.text.startswith(ARGUMENT)):
                text = f"`{name.text}` is given, and something in it as well"
                report(Diagnostic("PLE318", text, file.span(name.pos), "keep one"))
        known = {name: value for name, value in given.items() if value is not None}
        if len(known) == len(given):
            agent = item.agent.text if item.agent else None
            out.append(TestBlock(item.name.text, agent, known, tuple(cases), file.span(item.pos)))
    return out


def _cases(line: tree.CaseNode, file: tree.File, resolved: ResolvedPolicy) -> list[Case]:
    """One line of a test, a case for each of its resources."""
    report = resolved.diagnostics.append
    sound = _tier_exists(line.tier, file, resolved)
    if line.method is not None and SORT_OF[line.action.text] != HOST:
        sound = False
        report(
            Diagnostic(
                "PLE109",
                f"the method `{line.method.text}` belongs to `connect`",
                file.span(line.method.pos),
                "remove it",
            )
        )
    if line.destination is not None and line.action.text != "use":
        sound = False
        report(Diagnostic("PLE407", ONLY_USE, file.span(line.destination.pos), "remove it"))
    cases: list[Case] = []
    for word in line.resources:
        if word.kind == "OPAQUE" and SORT_OF[line.action.text] != COMMAND:
            report(Diagnostic("PLE404", "`opaque` stands for commands only", file.span(word.pos), "use it with `run`"))
            continue
        cases.append(
            Case(
                line.effect.text,
                line.tier.text if line.tier else "",
                line.action.text,
                line.method.text if line.method else None,
                word.text if word.kind == "STRING" else None,
                file.span(word.pos),
                line.destination.text if line.destination else None,
            )
        )
    return cases if sound else []


def _tier_exists(tier: tree.Word | None, file: tree.File, resolved: ResolvedPolicy) -> bool:
    """True when a line names no tier or one that exists; an unknown one is reported."""
    if tier is None or tier.text in resolved.tiers:
        return True
    if "TIER" not in resolved.broken:
        known = suggest(tier.text, resolved.tiers, len(resolved.diagnostics))
        resolved.diagnostics.append(Diagnostic("PLE203", f"unknown tier `{tier.text}`", file.span(tier.pos), known))
    return False


def _argument(word: tree.Word, file: tree.File, resolved: ResolvedPolicy) -> str | int | bool | None:
    """The value of an argument of the calls in a test."""
    if word.kind == "STRING":
        return word.text
    if word.kind in {"TRUE", "FALSE"}:
        return word.kind == "TRUE"
    if word.kind == "INT" and len(word.text) <= limit("integer_digits"):
        return int(word.text)
    text = f"`{word.text[:40]}` is not the value of an argument"
    remedy = "write a text in quotes, a whole number, `true` or `false`"
    resolved.diagnostics.append(Diagnostic("PLE318", text, file.span(word.pos), remedy))
    return None


def _given(name: tree.Word, word: tree.Word, module: Module, resolved: ResolvedPolicy) -> str | int | bool | None:
    file = module.file
    if name.text.startswith(ARGUMENT):
        return _argument(word, file, resolved)
    type_ = resolved.attributes.get(name.text)
    if name.text in PLACES or (name.text in BUILT_INS and name.text != "now"):
        type_ = AttributeType(name.text, BUILT_INS.get(name.text, "string"))
    if name.text == "now":
        checker = resolved.checker(file)
        moment = checker.moment(word)
        if moment is None:
            resolved.diagnostics.append(
                Diagnostic(
                    "PLE304",
                    f"`{word.text}` is not a valid date",
                    file.span(word.pos),
                    "write YYYY-MM-DD or YYYY-MM-DDTHH:MMZ",
                )
            )
        return moment
    if type_ is None:
        known = [*resolved.attributes, *BUILT_INS, *PLACES]
        if "CONTEXT" not in resolved.broken:
            near = suggest(name.text, known, len(resolved.diagnostics))
            resolved.diagnostics.append(
                Diagnostic("PLE209", f"unknown attribute `{name.text}`", file.span(name.pos), near)
            )
        return None
    value = constant(word, type_)
    if value is None:
        resolved.diagnostics.append(
            Diagnostic(
                "PLE307",
                f"`{word.text}` is not a valid value of `{name.text}`",
                file.span(word.pos),
                suggest(word.text, type_.members, len(resolved.diagnostics)),
            )
        )
    return value


def lower_proofs(module: Module, resolved: ResolvedPolicy, patterns: Patterns) -> list[ProveBlock]:
    """The proofs of a file, without the lines that have a mistake."""
    out: list[ProveBlock] = []
    file, report = module.file, resolved.diagnostics.append
    checker = resolved.checker(file)
    for item in file.items:
        if not isinstance(item, tree.ProveDef):
            continue
        properties: list[Property] = []
        for line in item.body:
            known = _tier_exists(line.tier, file, resolved)
            sorts = {SORT_OF[w.text] for w, _ in line.actions}
            if len(sorts) != 1:
                report(
                    Diagnostic(
                        "PLE311",
                        "the actions take different kinds of resources",
                        file.span(line.pos),
                        "write two lines",
                    )
                )
                continue
            methods = tuple(w.text for _, words in line.actions for w in words)
            found = patterns(module, tuple(w.text for w, _ in line.actions), line.patterns, methods)
            if found is None or not known:
                continue
            properties.append(
                Property(
                    line.kind,
                    line.tier.text if line.tier else "",
                    tuple(w.text for w in line.agents),
                    tuple(w.text for w, _ in line.actions),
                    found,
                    file.span(line.pos),
                )
            )
        if not item.body and not file.broken:
            report(
                Diagnostic(
                    "PLE508",
                    f"the proof `{item.name.text}` has no claims",
                    file.span(item.pos),
                    'add lines such as `never allow write "**/.git/hooks/**"`',
                )
            )
        before = checker.faults
        condition = checker.formula(item.condition) if item.condition is not None else TRUE
        word = next(arguments(item.condition), None) if item.condition is not None else None
        if word is not None and any(w.text != CALL for line in item.body for w, _ in line.actions):
            text = f"`{word.text}` is an argument of a call, and this proof is about something else as well"
            checker.refuse("PLE319", text, word.pos, "write a proof of its own for `call`")
        if checker.faults > before:
            continue
        out.append(
            ProveBlock(
                item.name.text,
                item.agent.text if item.agent else None,
                condition,
                tuple(properties),
                file.span(item.pos),
            )
        )
    return out
