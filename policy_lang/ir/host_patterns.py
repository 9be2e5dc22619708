"""Patterns of hosts, ports, networks and URLs to label sequences."""

from __future__ import annotations

import ipaddress
import re

from ..automata.glob import is_literal
from ..automata.pattern import ANY, MANY, Label, Sequence, collapse
from ..domain.errors import RequestError
from ..facts import hosts
from .scopes import PatternError, many_inside, part_label


def host_sequences(text: str, methods: tuple[str, ...]) -> list[Sequence]:
    """The sequences of one pattern of a host or URL. Raises PatternError, GlobError."""
    scheme, has_scheme, rest = text.partition("://")
    if has_scheme and scheme not in hosts.SCHEME_PORTS:
        raise PatternError(f"unknown scheme `{scheme}`", "known are " + ", ".join(sorted(hosts.SCHEME_PORTS)))
    if not has_scheme:
        rest = text
    tail: tuple[Label, ...] = (hosts.PATH, MANY)
    if has_scheme and "/" in rest:
        rest, _, path = rest.partition("/")
        tail = (hosts.PATH, *_url_path(path))
    if any(c in rest for c in "@?#%\\ "):
        raise PatternError(
            "a host pattern cannot contain a user, a query or an escape",
            "write `host`, `host:port` or `https://host/path`",
        )
    host, port = _split_port(rest)
    ports: list[Label] = [_port(port, scheme if has_scheme else "")]
    verbs: list[Label] = list(methods) or [ANY]
    return [(verb, p, *kind, *tail) for verb in verbs for p in ports for kind in _host_labels(host)]


def _split_port(rest: str) -> tuple[str, str]:
    if rest.startswith("[") and ":" in rest.partition("]")[0]:
        inside, closed, after = rest[1:].partition("]")
        if not closed or (after and not after.startswith(":")):
            raise PatternError("`[` is not closed", "write `[2001:db8::1]:443`")
        return inside, after[1:] if after else ""
    if rest.count(":") > 1:
        return rest, ""
    host, _, port = rest.partition(":")
    return host, port


def _port(text: str, scheme: str) -> Label:
    if text == "*":
        return ANY
    if not text:
        return str(hosts.SCHEME_PORTS.get(scheme, 443))
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text, re.ASCII) or int(text) > 65535:
        raise PatternError(f"`{text}` is not a valid port", "from 1 to 65535, or `:*` for any")
    return text


def _url_path(path: str) -> Sequence:
    if not path:
        return (MANY,)
    folder = path.endswith("/")
    parts = (path[:-1] if folder else path).split("/")
    for part in parts:
        if part in {"", ".", ".."} or any(c in part for c in "?#%;\\ "):
            if part not in {"", ".", ".."} and "?" in part:
                raise PatternError(
                    "a URL pattern cannot contain `?`", "queries are not matched; use `*` inside a segment"
                )
            raise PatternError("the URL's path has an empty, `.`, `..` or escaped segment", "write the path without it")
    labels = [part_label(p) for p in parts]
    return collapse([*labels, MANY]) if folder else many_inside(list(labels))


def _host_labels(host: str) -> list[Sequence]:
    if not host:
        raise PatternError("the pattern names no host")
    if host == "**":
        return [(kind, MANY) for kind in (hosts.NAME, hosts.V4, hosts.V6)]
    if ":" in host or re.fullmatch(r"[0-9.]+(/[0-9]+)?", host, re.ASCII):
        return _network(host)
    if "/" in host:
        raise PatternError("a path needs a scheme", f"write `https://{host}`")
    labels = host.rstrip(".").split(".")
    if host == "*":
        raise PatternError("`*` alone is not a host", "write `**` for any host, `*.example.com` for its subdomains")
    if is_literal(labels[-1]) and re.fullmatch(r"0[xX][0-9a-fA-F]*|[0-9]+", labels[-1], re.ASCII):
        raise PatternError(f"`{host}` looks like an address", "write addresses as `192.0.2.1` or `192.0.2.0/24`")
    out: list[Label] = []
    first = labels[0]
    rest = labels[1:] if first in {"*", "**"} else labels
    for label in rest:
        out.append(_host_label(label))
    out.reverse()
    if first == "*":
        out += [ANY, MANY]
    elif first == "**":
        out.append(MANY)
    return [(hosts.NAME, *out)]


def _host_label(label: str) -> Label:
    if label == "**":
        raise PatternError("`**` is only allowed at the beginning of a host", "write `**.example.com`")
    if not label:
        raise PatternError("the host has an empty label")
    if is_literal(label):
        try:
            normal = hosts.normal_host(f"{label}.x")
        except RequestError as error:
            raise PatternError(error.message) from None
        return str(normal).rpartition(".")[0]
    if not re.fullmatch(r"[A-Za-z0-9_*?\[\]!-]+", label, re.ASCII):
        raise PatternError(f"`{label}` is not a valid label of a host name")
    return part_label(label.lower())


def _network(text: str) -> list[Sequence]:
    try:
        network = ipaddress.ip_network(text, strict=True)
    except ValueError:
        try:
            loose = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise PatternError(
                f"`{text}` is not an address or network", "write `192.0.2.1`, `10.0.0.0/8` or `fd00::/8`"
            ) from None
        raise PatternError(f"`{text}` has host bits set", f"write `{loose}`") from None
    if network.version == 6 and network.subnet_of(ipaddress.IPv6Network("::ffff:0:0/96")):
        raise PatternError("IPv4-mapped addresses are read as IPv4", "write the IPv4 network")
    width = 8 if network.version == 4 else 32
    digits = f"{int(network.network_address):0{width}x}"
    whole, rest = divmod(network.prefixlen, 4)
    kind = hosts.V4 if network.version == 4 else hosts.V6
    head: Sequence = (kind, *digits[:whole])
    if not rest:
        return [head if whole == width else (*head, MANY)]
    first = int(digits[whole], 16)
    return [(*head, f"{d:x}", MANY) for d in range(first, first + (1 << (4 - rest)))]
