"""Hosts that Codex's own network proxy lets through: its lists of domains, and what lies in networks of one's own."""

from __future__ import annotations

import ipaddress
import re

from ..domain.record import record
from .text_globs import starred

LOCAL = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
    "240.0.0.0/4", "::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8",
)  # fmt: skip
"""Networks that a name or address leads into only where it is listed as such (`network-proxy/src/policy.rs`)."""
_NETWORKS = tuple(ipaddress.ip_network(one) for one in LOCAL)
_LABEL = re.compile(r"[\w*?-]+", re.ASCII)
_PORT = re.compile(r"(?P<host>[^:]*):\d+", re.ASCII)
_BRACKETS = re.compile(r"\[(?P<host>[^\]]*)\](?::\d+)?", re.ASCII)


@record(frozen=True, slots=True)
class HostList:
    """Domains that are allowed and denied, as they are written; `local` says that local addresses need no entry."""

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    local: bool = False

    def permits(self, host: str) -> bool:
        """Whether a host is let through, as far as its name shows it."""
        name = normal(host)
        if any(means(pattern, name) for pattern in self.denied):
            return False
        if is_local(name) and not self.local:
            return any(normal(pattern) == name for pattern in self.allowed if "*" not in pattern)
        return any(means(pattern, name) for pattern in self.allowed)


def normal(host: str) -> str:
    """A host as it is compared: small letters, without blanks, brackets, a port and the dot at the end."""
    text = host.strip()
    found = _BRACKETS.fullmatch(text) or (_PORT.fullmatch(text) if text.count(":") == 1 else None)
    text = (found["host"] if found else text).lower().rstrip(".")
    return text.replace("%25", "%")


def is_pattern(text: str, *, allowed: bool) -> bool:
    """Whether a domain can be listed: a name, `*.NAME`, `**.NAME`, a star in a label; `*` only to allow."""
    name = normal(text)
    if name == "*":
        return allowed and "[" not in text
    rest = name.removeprefix("**.").removeprefix("*.")
    if _address(rest) is not None:
        return True
    return bool(rest.strip("*.")) and all(_LABEL.fullmatch(label) and "**" not in label for label in rest.split("."))


def means(pattern: str, name: str) -> bool:
    """Whether a listed domain means a host, both as `normal` has them."""
    text = normal(pattern)
    if text == "*":
        return True
    if text.startswith("**."):
        return name == text[3:] or name.endswith(text[2:])
    if text.startswith("*."):
        return name.endswith(text[1:]) and len(name) > len(text) - 1
    mine, theirs = text.split("."), name.split(".")
    return len(mine) == len(theirs) and all(starred(a, b) for a, b in zip(mine, theirs, strict=True))


def is_local(name: str) -> bool:
    """Whether a host is this machine, or lies in a network of one's own."""
    if name == "localhost":
        return True
    address = _address(name.partition("%")[0])
    if address is None:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped.version == network.version and mapped in network for network in _NETWORKS)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
