"""Verdicts on connections: to a host, to a URL, and to the addresses that a name resolves to."""

from __future__ import annotations

from ..automata.pattern import Sequence
from ..domain.actions import METHODS
from ..domain.decision import Effect, Verdict
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..facts import hosts
from ..ir.patterns import compile_pattern
from .engine import Engine
from .table import Table
from .verdicts import Environment

_ANYTHING = compile_pattern("command", "**")[0][1:]


def connection(
    engine: Engine, resource: str, method: str | None, resolved: tuple[str, ...], env: Environment
) -> tuple[Verdict, tuple[Effect, ...]]:
    """A connection to a host, and to the addresses that its name resolves to."""
    table = engine.table("connect")
    facts = hosts.host_facts(resource, method)
    verdict = _host(engine, table, facts, env)
    parts = [Effect("connect", resource, verdict)]
    if isinstance(facts.host, str):
        if len(resolved) > limit("resolved_addresses"):
            raise RequestError("PLR004", f"more than {limit('resolved_addresses')} resolved addresses")
        for text in resolved:
            address = hosts.normal_host(f"[{text}]" if ":" in str(text) else str(text))
            if isinstance(address, str):
                raise RequestError("PLR022", f"`{text[:60]}` in `resolved` is not an address")
            there = hosts.HostFacts(address, facts.port, facts.path, facts.method)
            parts.append(Effect("connect", f"{address}", _address(engine, table, there, env)))
    return engine.strictest(tuple(p.verdict for p in parts)), tuple(parts)


def _address(engine: Engine, table: Table, facts: hosts.HostFacts, env: Environment) -> Verdict:
    """A name's address: a special one must be granted itself, a public one only must not be denied."""
    assert not isinstance(facts.host, str)
    verdict = _host(engine, table, facts, env)
    if verdict.effect == "deny" and not verdict.rules and not hosts.is_special(facts.host):
        return Verdict("allow", reasons=("a public address of a granted name",))
    return verdict


def _host(engine: Engine, table: Table, facts: hosts.HostFacts, env: Environment) -> Verdict:
    methods = (facts.method,) if facts.method else METHODS if table.has_methods else ("GET",)
    if len(methods) == 1 and (facts.path is not None or not table.has_paths):
        word = (methods[0], str(facts.port), *facts.segments, hosts.PATH, *(facts.path or ()))
        return engine.word("connect", table, word, env)
    key = ("host", methods, facts.port, facts.segments, facts.path, env)
    found = table.memo.get(key)
    if found is None:
        tail: Sequence = _ANYTHING if facts.path is None else facts.path
        sequences = tuple((m, str(facts.port), *facts.segments, hosts.PATH, *tail) for m in methods)
        found = engine.members("connect", table, env, sequences)
        table.remember(key, found)
    assert isinstance(found, Verdict)
    return found
