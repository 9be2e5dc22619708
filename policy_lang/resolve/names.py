"""Tiers and context attributes: one name, one meaning in the whole policy set."""

from __future__ import annotations

from collections.abc import Callable

from ..domain.conditions import BUILT_INS
from ..domain.errors import Diagnostic, Span
from ..domain.limits import limit
from ..domain.policy import AttributeType, Tier, closure, included
from ..domain.suggest import joined, suggest
from ..syntax import tree
from .modules import Module

Report = Callable[[Diagnostic], None]


def collect_tiers(modules: list[Module], report: Report, placeholders: bool = False) -> dict[str, Tier]:
    """Every tier of the set. Reports doubles, missing definitions, unknown names and cycles of `includes`.

    With `placeholders`, a tier that is only declared counts as defined: a library is tested by itself.
    """
    defined: dict[str, tuple[tree.TierDef, Module]] = {}
    declared: dict[str, tuple[tree.TierDef, Module]] = {}
    broken = any("TIER" in m.file.broken for m in modules)
    for module in modules:
        for item in module.file.items:
            if not isinstance(item, tree.TierDef):
                continue
            name = item.name.text
            if not item.defined:
                declared.setdefault(name, (item, module))
            elif name in defined:
                first, where = defined[name]
                report(
                    Diagnostic(
                        "PLE206",
                        f"tier `{name}` is defined twice",
                        module.file.span(item.name.pos),
                        "one name means one tier in the whole policy set; rename or remove one",
                        (("first here", where.file.span(first.name.pos)),),
                    )
                )
            else:
                defined[name] = (item, module)
    for name, (item, module) in declared.items():
        if name not in defined and placeholders:
            defined[name] = (item, module)
        elif name not in defined and not broken:
            report(
                Diagnostic(
                    "PLE207",
                    f"tier `{name}` is declared but never defined",
                    module.file.span(item.name.pos),
                    f'add `tier {name} {{ approvers "@group" }}` to your policy',
                )
            )
    unknown = 0
    for item, module in defined.values():
        for word in [*item.includes, *item.opens, *([item.escalate] if item.escalate else [])]:
            if word.text not in defined and not broken:
                known = suggest(word.text, defined, unknown)
                report(Diagnostic("PLE203", f"unknown tier `{word.text}`", module.file.span(word.pos), known))
                unknown += 1
    tiers = {name: _tier(item) for name, (item, _) in defined.items()}
    for item, module in defined.values():
        _check_order(item, module, tiers, report)
        _check_emergency(item, module, tiers, report)
    return tiers


def _check_order(item: tree.TierDef, module: Module, tiers: dict[str, Tier], report: Report) -> None:
    """No cycles of `includes`, no escalation to a weaker tier."""
    name, up = item.name.text, item.escalate
    cycle = closure(tiers[name].includes, tiers)
    if name in cycle:
        if name == min(t for t in cycle if t in tiers and t in closure(tiers[t].includes, tiers)):  # one report a cycle
            report(
                Diagnostic(
                    "PLE314",
                    f"tier `{name}` includes itself",
                    module.file.span(item.name.pos),
                    "break the cycle of `includes`",
                )
            )
    elif up is not None and up.text in tiers and name not in included(tiers[up.text], tiers):
        report(
            Diagnostic(
                "PLE315",
                f"`{name}` would escalate to the weaker tier `{up.text}`",
                module.file.span(up.pos),
                f"escalate to a tier that `includes {name}`",
            )
        )


def _check_emergency(item: tree.TierDef, module: Module, tiers: dict[str, Tier], report: Report) -> None:
    """A tier for emergencies is not a step on the ordinary way: none includes it, escalates to it or opens it."""
    for word in [*item.includes, *item.opens, *([item.escalate] if item.escalate else [])]:
        if word.text in tiers and tiers[word.text].opens:
            text = f"`{word.text}` is a break-glass tier, which no other tier leads to"
            report(Diagnostic("PLE317", text, module.file.span(word.pos), "name an ordinary tier"))


def _tier(item: tree.TierDef) -> Tier:
    return Tier(
        item.name.text,
        tuple(w.text for w in item.approvers),
        item.quorum,
        item.expires,
        tuple(w.text for w in item.includes),
        item.scope,
        item.reason_required,
        item.escalate.text if item.escalate else "",
        tuple(w.text for w in item.opens),
    )


def collect_attributes(modules: list[Module], report: Report) -> dict[str, AttributeType]:
    """Every declared attribute. The same declaration may stand in several files; a different one is an error."""
    found: dict[str, tuple[AttributeType, Span]] = {}
    for module in modules:
        for item in module.file.items:
            if isinstance(item, tree.ContextDef):
                for attribute in item.attributes:
                    _attribute(attribute, module, found, report)
    if len(found) > limit("context_attributes"):
        report(Diagnostic("PLE004", f"more than {limit('context_attributes')} context attributes", None, "remove some"))
    return {name: type_ for name, (type_, _) in found.items()}


def _attribute(
    item: tree.Attribute, module: Module, found: dict[str, tuple[AttributeType, Span]], report: Report
) -> None:
    name, span = item.name.text, module.file.span(item.name.pos)
    if name in BUILT_INS:
        report(Diagnostic("PLE208", f"`{name}` is built in", span, "choose another name"))
        return
    type_ = item.type.text if item.type else "enum"
    if item.type and type_ not in {"string", "int", "bool"}:
        report(
            Diagnostic(
                "PLE301",
                f"unknown type `{type_}`",
                module.file.span(item.type.pos),
                joined(suggest(type_, ["string", "int", "bool"]), 'an enumeration is written `"a" | "b"`'),
            )
        )
        return
    members = tuple(w.text for w in item.members)
    twice = next((w for i, w in enumerate(item.members) if w.text in members[:i]), None)
    if twice is not None:
        report(
            Diagnostic("PLE302", f"the member `{twice.text}` is given twice", module.file.span(twice.pos), "keep one")
        )
        return
    if len(members) > limit("enum_members"):
        text = f"`{name}` has more than {limit('enum_members')} members"
        report(Diagnostic("PLE302", text, span, "declare it as a `string`"))
        return
    default: str | int | bool | None = None
    if item.default is not None:
        default = constant(item.default, AttributeType(name, type_, members))
        if default is None:
            wanted = suggest(item.default.text, members) if members else f"expected {_a(type_)}"
            report(
                Diagnostic(
                    "PLE303",
                    f"the default `{item.default.text}` is not a valid value of `{name}`",
                    module.file.span(item.default.pos),
                    wanted,
                )
            )
    made = AttributeType(name, type_, members, default)
    if name in found and found[name][0] != made:
        report(
            Diagnostic(
                "PLE206",
                f"`{name}` is declared differently elsewhere",
                span,
                "one name has one type and one default in the whole policy set",
                (("first here", found[name][1]),),
            )
        )
    found.setdefault(name, (made, span))


def _a(type_: str) -> str:
    return {"string": "text in double quotes", "int": "a whole number", "bool": "`true` or `false`"}[type_]


def constant(word: tree.Word, type_: AttributeType) -> str | int | bool | None:
    """The value of a literal for an attribute, or None when it is of another type."""
    if type_.type == "bool":
        return {"TRUE": True, "FALSE": False}.get(word.kind)
    if type_.type == "int":
        return int(word.text) if word.kind == "INT" and len(word.text) <= limit("integer_digits") else None
    if word.kind != "STRING" or (type_.type == "enum" and word.text not in type_.members):
        return None
    return word.text
