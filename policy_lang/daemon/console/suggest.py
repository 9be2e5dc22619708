"""A rule that would allow exactly what a ticket asks for: confirmed by the evaluator, shown, never applied."""

from __future__ import annotations

from ...approvals.ticket import Ticket, parts_of
from ...automata.pattern import quoted
from ...domain.actions import COMMAND, SORT_OF
from ...domain.errors import PolicyLangError
from ...domain.strict_json import Json
from ...facts.hosts import normal_destination
from ...policy import Policy
from ...records.learning.generalise import Shape
from ...records.learning.observe import words_of
from ...records.learning.text import pattern_text
from ...records.questions import asked
from ...report.ways import near_rules
from ...syntax import emit
from ...syntax.tree import RuleNode


def suggested(ticket: Ticket) -> str:
    """Rules that allow exactly what the ticket asks for, or nothing when that cannot be said or is not confirmed."""
    try:
        scope = _written(ticket)
    except emit.UnsayableError:
        return ""
    return scope if scope and _confirmed(scope, ticket) else ""


def near(ticket: Ticket, policy: Policy) -> list[str]:
    """The nearest rule to what the ticket asks for because nothing grants it, a line each."""
    out: dict[str, None] = {}
    for request in parts_of(ticket.request):
        try:
            again = asked(_record(request, int(ticket.created)))
        except PolicyLangError:
            continue
        out |= dict.fromkeys(near_rules(policy, again, policy.engine.decide(again)))
    return list(out)


def _written(ticket: Ticket) -> str:
    rules: dict[str, RuleNode] = {}
    for request in parts_of(ticket.request):
        record = _record(request, 0)
        for effect in request.get("effects", ()):
            if effect["effect"] == "ask":
                patterns = _patterns(effect, request, record)
                if not patterns:
                    return ""
                methods = [effect["method"]] if effect.get("method") else []
                rule = emit.rule("allow", [effect["action"]], patterns, methods=methods, hosts=_hosts(request))
                rules[emit.statement(rule)] = rule
    made: list[emit.Part] = [*rules.values()]
    if made and any("confined" in r for r in parts_of(ticket.request)):
        made = [emit.scope_when(emit.compare("confined", "truth"), made)]
    if made and ticket.agent:
        made = [emit.scope("agent", [quoted(ticket.agent)], made)]
    return emit.text(made).rstrip("\n")


def _hosts(request: Json) -> list[str]:
    """The host that a credential would go to."""
    given = request.get("destination")
    return [normal_destination(str(given)).removesuffix(":443")] if given else []


def _record(request: Json, now: int) -> Json:
    """A ticket's request as it would stand in a record."""
    return {"request": request, "disk": request.get("disk", {}), "now": now, "confined": "confined" in request}


def _patterns(effect: Json, request: Json, record: Json) -> list[str]:
    sort = SORT_OF[effect["action"]]
    words = words_of(effect, request, record, None)
    if not words or (sort == COMMAND and "opaque" in effect):
        return []
    return [pattern_text(sort, Shape(word)) for word in words]


def _confirmed(scope: str, ticket: Ticket) -> bool:
    """Whether the evaluator allows each effect that was asked for, by these rules alone."""
    try:
        policy = Policy.loads(f'policy "suggested"\n{scope}\n')
        for request in parts_of(ticket.request):
            again = asked(_record({k: v for k, v in request.items() if k != "context"}, 0))
            allowed = {
                (e.action, _key(e.resource))
                for e in policy.decide_request(again).effects
                if e.verdict.effect == "allow"
            }
            wanted = {(e["action"], _key(e["resource"])) for e in request.get("effects", ()) if e["effect"] == "ask"}
            if not wanted <= allowed:
                return False
    except PolicyLangError:
        return False
    return True


def _key(resource: object) -> object:
    return tuple(resource) if isinstance(resource, list) else resource
