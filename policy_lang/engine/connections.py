"""Verdicts on connections: to a host, to a URL, and to the addresses that a name resolves to."""

from __future__ import annotations

from ..domain.actions import ALLOW, METHODS
from ..domain.decision import Effect, Verdict
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.record import replace
from ..facts import hosts
from ..ir.sorts.host import connection_words
from .combine import Environment
from .evaluator import Evaluator
from .table import Table

_MOST_ADDRESSES = limit("resolved_addresses")


def connection(
    evaluator: Evaluator, resource: str, method: str | None, resolved: tuple[str, ...], env: Environment
) -> tuple[Verdict, tuple[Effect, ...]]:
    """A connection to a host, and to the addresses that its name resolves to."""
    table = evaluator.table("connect")
    facts = hosts.host_facts(resource, method)
    parts = [Effect("connect", resource, _host(evaluator, table, facts, env))]
    if isinstance(facts.host, str):
        if len(resolved) > _MOST_ADDRESSES:
            raise RequestError("PLR004", f"more than {_MOST_ADDRESSES} resolved addresses")
        for text in resolved:
            address = hosts.normal_host(f"[{text}]" if ":" in str(text) else str(text))
            if isinstance(address, str):
                raise RequestError("PLR022", f"`{text[:60]}` in `resolved` is not an address")
            evaluator.part()
            there = hosts.HostFacts(address, facts.port, facts.path, facts.method)
            parts.append(Effect("connect", f"{address}", _address(evaluator, table, there, env)))
    return evaluator.strictest(p.verdict for p in parts), tuple(parts)


def methods_of(method: str | None, table: Table) -> tuple[str, ...]:
    """The methods that a connection may have, as far as the rules tell them apart."""
    return (method,) if method else METHODS if table.has_methods else ("GET",)


def _address(evaluator: Evaluator, table: Table, facts: hosts.HostFacts, env: Environment) -> Verdict:
    """A name's address: a special one must be granted itself, a public one meets only what restricts."""
    assert not isinstance(facts.host, str)
    if hosts.is_special(facts.host):
        return _host(evaluator, table, facts, env)
    verdict = _host(evaluator, table, facts, evaluator.restricting(env))
    reasons = ("a public address of a granted name",)
    return replace(verdict, reasons=reasons) if verdict.effect == ALLOW else verdict


def _host(evaluator: Evaluator, table: Table, facts: hosts.HostFacts, env: Environment) -> Verdict:
    forms = connection_words(facts, methods_of(facts.method, table))
    if len(forms) == 1 and (facts.path is not None or not table.has_paths):
        return evaluator.word("connect", table, forms[0].definite[0], env)
    key = ("host", forms, env)
    found = table.memo.get(key)
    if found is None:
        sequences = tuple((*names.definite[0], *names.rest) for names in forms)
        found = evaluator.members("connect", table, env, sequences)
        table.memo.keep(key, found)
    assert isinstance(found, Verdict)
    return found
