"""Hosts that a policy grants, as a sandbox's lists of domains take them: a host, or all below it, and a port."""

from __future__ import annotations

import ipaddress

from ..automata.pattern import ANY, MANY
from ..domain.actions import ALLOW
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..domain.record import record
from ..facts import hosts
from .model import HostModel, Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..automata.pattern import Sequence as Labels
    from ..ir.model import PolicySet
    from .target import Task

_MOST = limit("export_entries")
_ROUNDS = 12
"""Times that hosts are taken out which permit too much; each time all those around a witness."""


@record(frozen=True, slots=True)
class HostGrant:
    """One host, or with `below` all names below it, at a port; an empty port is any."""

    host: str
    below: bool = False
    port: str = ""

    @property
    def is_address(self) -> bool:
        """Whether it is an address and no name."""
        return ":" in self.host or self.host.replace(".", "").isdecimal()

    def holds(self, resource: str) -> bool:
        """Whether a connection is one of these."""
        facts = hosts.host_facts(resource)
        if self.port and self.port != str(facts.port):
            return False
        host = str(facts.host)
        return host.endswith(f".{self.host}") if self.below else host == self.host

    @property
    def pattern(self) -> str:
        """The same in the policy language."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'*.' if self.below else ''}{host}:{self.port or '*'}"


def granted(policy: PolicySet, ports: bool) -> tuple[HostGrant, ...]:
    """Hosts that rules grant, as far as they can be said so; without `ports` at any.

    Of hosts where only some methods, or paths, are granted all are.
    """
    found: dict[HostGrant, None] = {}
    for labels in _sequences(policy, grants=True):
        found |= dict.fromkeys(_said(labels, ports))
        if len(found) > _MOST:
            raise SearchLimitError(f"more than {_MOST} hosts would have to be listed")
    return tuple(found)


def denied(policy: PolicySet, among: Sequence[HostGrant]) -> tuple[HostGrant, ...]:
    """Names below granted ones that rules deny, ask about or except, as far as they can be said."""
    wide = [f".{grant.host}" for grant in among if grant.below]
    found = [one for labels in _sequences(policy, grants=False) for one in _said(labels, True)]
    return tuple(one for one in dict.fromkeys(found) if f".{one.host}".endswith(tuple(wide)) and one not in among)


def denied_networks(policy: PolicySet) -> tuple[str, ...]:
    """Networks that rules deny: no name may lead there."""
    found: dict[str, None] = {}
    for labels in _sequences(policy, grants=False):
        kind, digits = labels[2], labels[3 : labels.index(hosts.PATH)]
        width = {hosts.V4: 32, hosts.V6: 128}.get(str(kind), 0)
        known = [d for d in digits if isinstance(d, str)]
        if width and len(digits) - len(known) <= 1:
            number = int("".join(known) or "0", 16) << (width - 4 * len(known))
            address = ipaddress.IPv4Address(number) if width == 32 else ipaddress.IPv6Address(number)
            found[str(ipaddress.ip_network((address, 4 * len(known))))] = None
    four = [n for n in map(ipaddress.ip_network, found) if isinstance(n, ipaddress.IPv4Network)]
    six = [n for n in map(ipaddress.ip_network, found) if isinstance(n, ipaddress.IPv6Network)]
    return tuple(str(n) for n in (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)))


def host_model(left: Sequence[HostGrant], barred: Sequence[HostGrant], unreached: Sequence[str]) -> HostModel:
    """What lists of domains permit, where no name may lead into some networks, but `localhost` to this machine."""
    if any(g.host == "localhost" for g in left):
        unreached = [n for n in unreached if not ipaddress.ip_network(n).is_loopback]
    networks = tuple(f"[{n}]:*" if ":" in n else f"{n}:*" for n in unreached)
    reached = tuple(g.pattern for g in left if g.is_address)
    return HostModel(tuple(g.pattern for g in left), tuple(g.pattern for g in barred), networks, reached)


def kept(task: Task, grants: Sequence[HostGrant], model: Callable[[Sequence[HostGrant]], HostModel]) -> list[HostGrant]:
    """The grants that permit nothing which the policy does not, as the engine finds; with `widen` all of them."""
    left = list(grants)
    for _ in range(_ROUNDS if left and not task.widen else 0):
        excess = task.comparison.excess(Model(hosts=model(left)), "connect")
        if not excess:
            return left
        fewer = [g for g in left if not any(g.holds(str(r.resource)) for r in excess)]
        left = fewer if len(fewer) < len(left) else []
        if not left:
            return left
    return left if task.widen else []


def _sequences(policy: PolicySet, grants: bool) -> Iterator[Labels]:
    for layer in policy.layers:
        for rule in layer.rules:
            if "connect" not in rule.actions:
                continue
            wanted = rule.include if (rule.effect == ALLOW) == grants else rule.exclude if not grants else ()
            for pattern in wanted:
                yield from pattern.sequences


def _said(labels: Labels, ports: bool) -> Iterator[HostGrant]:
    """A pattern's host in that form; nothing when it has another."""
    port, kind = labels[1], labels[2]
    rest = labels[3 : labels.index(hosts.PATH)]
    number = port if isinstance(port, str) and ports else ""
    literal = [label for label in rest if isinstance(label, str)]
    if kind in {hosts.V4, hosts.V6}:
        if len(literal) == len(rest) == (8 if kind == hosts.V4 else 32):
            value = int("".join(literal), 16)
            yield HostGrant(
                str((ipaddress.IPv4Address if kind == hosts.V4 else ipaddress.IPv6Address)(value)), port=number
            )
        return
    name, tail = ".".join(reversed(literal)), rest[len(literal) :]
    if literal and tail in {(), (MANY,)} and rest[: len(literal)] == tuple(literal):
        yield HostGrant(name, port=number)
    if literal and tail in {(ANY, MANY), (MANY,)} and rest[: len(literal)] == tuple(literal):
        yield HostGrant(name, True, number)
