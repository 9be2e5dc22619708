"""Proposed rules: what a text may say. The service looks at that at once; all else is a worker's."""

from __future__ import annotations

from ...domain.errors import RequestError, Source
from ...domain.limits import limit
from ...syntax import emit, tree
from ...syntax.parse import parse

_PLACE = "the proposal"
_CLAUSES = frozenset({"except", "with", "without", "when", "until", "for", "log"})


def rules_of(text: str) -> list[tree.RuleNode]:
    """The rules of a proposed text. Raises RequestError (PLR253) for whatever is not plainly rules that allow."""
    if len(text.encode("utf-8", "replace")) > limit("proposal_bytes"):
        raise not_rules(f"it is longer than {limit('proposal_bytes')} bytes", "propose the rule that this task needs")
    file = parse(Source(_PLACE, text))
    if file.diagnostics:
        first = file.diagnostics[0]
        line = f" (line {first.span.line})" if first.span else ""
        raise not_rules(f"{first.message}{line}", first.help or 'write rules such as `allow run "npm test"`')
    if not file.items:
        raise not_rules("there is no rule in it", 'write one, such as `allow run "npm test"`')
    if len(file.items) > limit("proposal_rules"):
        raise not_rules(f"it has more than {limit('proposal_rules')} rules", "propose what this task needs")
    return [_rule(item) for item in file.items]


def _rule(item: tree.Item) -> tree.RuleNode:
    if isinstance(item, tree.Scope):
        raise not_rules(f"`{item.kind}` scopes are not proposed", "leave it out: the rule is for this agent alone")
    if not isinstance(item, tree.RuleNode):
        raise not_rules("only rules that allow are proposed", "no imports, ceilings, tiers, names or `otherwise`")
    if item.effect.text != "allow":
        raise not_rules(f"`{item.effect.text}` is not proposed", "only rules that allow are; denials are people's")
    if item.label is not None or item.has_body:
        raise not_rules("a proposed rule has no label and no examples", "leave them out")
    for clause in item.clauses:
        kind = clause.kind.rstrip("_")
        if kind == "because":
            raise not_rules("a proposed rule has no `because`", "the purpose says why, in your own words")
        if kind not in _CLAUSES:
            raise not_rules(f"`{kind}` is not proposed", "what is protected, only a person opens")
    words = [*item.patterns, *(w for c in item.clauses if c.kind.startswith("except") for w in c.words)]
    for word in words:
        if word.kind == "OPAQUE":
            raise not_rules("`opaque` is not proposed", "write the command out")
        if word.kind == "NAME":
            raise not_rules(f"the name `{word.text}` is not proposed", "write the patterns out, in double quotes")
    return item


def not_rules(what: str, remediation: str) -> RequestError:
    """The refusal of a text, with what to write instead."""
    return RequestError("PLR253", f"{what}; {remediation}")


def canonical(text: str) -> str:
    """The rules as they are shown and would be written: without comments, in one layout. Raises RequestError."""
    return "\n".join(emit.statement(rule) for rule in rules_of(text))
