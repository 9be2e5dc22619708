"""Tests and proofs in normal form: names and types checked; running them is the engine's and analysis's work."""

from __future__ import annotations

from collections.abc import Callable

from ..automata.pattern import Pattern
from ..domain.actions import COMMAND, HOST, SORT_OF
from ..domain.conditions import BUILT_INS, TRUE
from ..domain.errors import Diagnostic
from ..domain.policy import AttributeType
from ..domain.suggest import suggest
from ..ir.model import Case, Property, ProveBlock, TestBlock
from ..resolve.modules import Module
from ..resolve.names import constant
from ..resolve.program import Program
from ..syntax import tree

Patterns = Callable[..., tuple[Pattern, ...]]
PLACES = ("workspace", "home", "cwd")
"""Where things are may be given in a test as well."""


def lower_tests(module: Module, program: Program) -> list[TestBlock]:
    """The tests of a file. Names that do not exist are reported."""
    out: list[TestBlock] = []
    file, report = module.file, program.diagnostics.append
    for item in file.items:
        if not isinstance(item, tree.TestDef):
            continue
        given = {
            name.text: value for name, word in item.given if (value := _given(name, word, module, program)) is not None
        }
        cases: list[Case] = []
        for case in item.body:
            effect = case.effect.text
            if case.tier is not None and case.tier.text not in program.tiers and "TIER" not in program.broken:
                report(
                    Diagnostic(
                        "PLE203",
                        f"unknown tier `{case.tier.text}`",
                        file.span(case.tier.pos),
                        suggest(case.tier.text, program.tiers),
                    )
                )
            if case.method is not None and SORT_OF[case.action.text] != HOST:
                report(
                    Diagnostic(
                        "PLE109", f"the method `{case.method.text}` belongs to `connect`", file.span(case.method.pos)
                    )
                )
            for word in case.resources:
                if word.kind == "OPAQUE" and SORT_OF[case.action.text] != COMMAND:
                    report(
                        Diagnostic("PLE404", "`opaque` is a kind of command", file.span(word.pos), "use it with `run`")
                    )
                cases.append(
                    Case(
                        effect,
                        case.tier.text if case.tier else "",
                        case.action.text,
                        case.method.text if case.method else None,
                        word.text if word.kind == "STRING" else None,
                        file.span(word.pos),
                    )
                )
        if not cases and not file.broken:
            report(
                Diagnostic(
                    "PLE508",
                    f"the test `{item.name.text}` expects nothing",
                    file.span(item.pos),
                    'add lines such as `deny read "secrets/key"`',
                )
            )
        out.append(
            TestBlock(item.name.text, item.agent.text if item.agent else None, given, tuple(cases), file.span(item.pos))
        )
    return out


def _given(name: tree.Word, word: tree.Word, module: Module, program: Program) -> str | int | bool | None:
    file = module.file
    type_ = program.attributes.get(name.text)
    if name.text in PLACES or (name.text in BUILT_INS and name.text != "now"):
        type_ = AttributeType(name.text, "string")
    if name.text == "now":
        checker = program.checker(file)
        moment = checker.moment(word)
        if moment is None:
            program.diagnostics.append(
                Diagnostic(
                    "PLE304",
                    f"`{word.text}` is not a valid date",
                    file.span(word.pos),
                    "write YYYY-MM-DD or YYYY-MM-DDTHH:MMZ",
                )
            )
        return moment
    if type_ is None:
        known = [*program.attributes, *BUILT_INS, *PLACES]
        if "CONTEXT" not in program.broken:
            program.diagnostics.append(
                Diagnostic("PLE209", f"unknown attribute `{name.text}`", file.span(name.pos), suggest(name.text, known))
            )
        return None
    value = constant(word, type_)
    if value is None:
        program.diagnostics.append(
            Diagnostic(
                "PLE307",
                f"`{word.text}` is not a valid value of `{name.text}`",
                file.span(word.pos),
                suggest(word.text, type_.members),
            )
        )
    return value


def lower_proofs(module: Module, program: Program, patterns: Patterns) -> list[ProveBlock]:
    """The proofs of a file, parsed and checked."""
    out: list[ProveBlock] = []
    file, report = module.file, program.diagnostics.append
    checker = program.checker(file)
    for item in file.items:
        if not isinstance(item, tree.ProveDef):
            continue
        properties: list[Property] = []
        for line in item.body:
            if line.tier is not None and line.tier.text not in program.tiers and "TIER" not in program.broken:
                report(
                    Diagnostic(
                        "PLE203",
                        f"unknown tier `{line.tier.text}`",
                        file.span(line.tier.pos),
                        suggest(line.tier.text, program.tiers),
                    )
                )
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
            properties.append(
                Property(
                    line.kind,
                    line.tier.text if line.tier else "",
                    tuple(w.text for w in line.agents),
                    tuple(w.text for w, _ in line.actions),
                    patterns(module, sorts.pop(), line.patterns, methods),
                    file.span(line.pos),
                )
            )
        if not item.body and not file.broken:
            report(
                Diagnostic(
                    "PLE508",
                    f"the proof `{item.name.text}` claims nothing",
                    file.span(item.pos),
                    'add lines such as `never allow write "**/.git/hooks/**"`',
                )
            )
        condition = checker.formula(item.condition) if item.condition is not None else TRUE
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
