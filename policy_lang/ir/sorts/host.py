"""Connections: method, port, host and URL path; hosts are split at `.` from the right, addresses into digits."""

from __future__ import annotations

import ipaddress
import re

from ...automata.alphabet import Alphabet
from ...automata.glob import MAX_CODE_POINT, Glob, Ranges, is_literal
from ...automata.pattern import ANY, MANY, Label, Sequence, Word, collapse, expand_braces
from ...automata.space import Phase, Space
from ...domain.actions import METHODS
from ...domain.errors import RequestError
from ...domain.limits import limit
from ...facts import hosts
from ...facts.words import Names
from ..scopes import PatternError, many_inside, part_label
from .sort import Circumstances, Sort, only_text

LABELS = Alphabet(
    "host",
    ((0, 32), (34, 35), (47, 47), (60, 60), (62, 63), (92, 92), (94, 94), (96, 96), (123, 125), (127, MAX_CODE_POINT)),
    frozenset({".", ".."}),
)
"""Labels, methods, ports and URL path segments: what RFC 3986 lets a segment hold."""
_TELLING = (
    "http://169.254.169.254/", "https://169.254.169.254/", "http://metadata.google.internal/", "http://127.0.0.1/",
    "https://10.0.0.1/", "https://paste.example/", "https://example.com/",
)  # fmt: skip


def _words(resource: str | tuple[str, ...], seen: Circumstances) -> tuple[Names, ...]:
    methods = seen.methods
    method = methods[0] if len(methods) == 1 else None
    return connection_words(hosts.host_facts(only_text(resource), method), methods)


def _sequences(text: str, methods: tuple[str, ...]) -> list[Sequence]:
    return [s for t in expand_braces(text, limit("pattern_alternatives")) for s in host_sequences(t, methods)]


def _show(word: Word) -> str:
    cut = word.index(hosts.PATH)
    inner = word[3:cut]
    host = ".".join(reversed(inner)) if word[2] == hosts.NAME else "address " + "".join(inner)
    return f"{word[0]} {host}:{word[1]}" + "".join(f"/{p}" for p in word[cut + 1 :])


def _resource(word: Word) -> str:
    host = f"[{host_text(word)}]" if word[2] == hosts.V6 else host_text(word)
    cut = word.index(hosts.PATH)
    port = "" if word[1] == "443" else f":{word[1]}"
    return f"https://{host}{port}/{'/'.join(word[cut + 1 :])}"


def connection_words(facts: hosts.HostFacts, methods: tuple[str, ...]) -> tuple[Names, ...]:
    """The words of a connection that may be made by each of `methods`; a path that is not known may be any."""
    rest = (MANY,) if facts.path is None else ()
    place = (str(facts.port), *facts.segments, hosts.PATH, *(facts.path or ()))
    return tuple(Names(((method, *place),), (), rest) for method in methods or (facts.method or "GET",))


def connection_instance(word: Word) -> tuple[str, str | None] | None:
    """A URL and a method that match what a pattern was filled to; None for what is no connection.

    Labels that are left open are filled: a port becomes 443, a host `notes.invalid` (RFC 6761, 6.4), an address the
    first of its network. Without a path or a method of its own the URL has none.
    """
    cut = word.index(hosts.PATH)
    kind, inner, path = word[2], word[3:cut], word[cut + 1 :]
    port = word[1] if word[1].isdigit() else "443"
    if kind == hosts.NAME:
        host = ".".join(reversed(inner or ("invalid", "notes")))
    else:
        width = 8 if kind == hosts.V4 else 32
        digits = "".join(inner).ljust(width, "0")
        if len(digits) != width or digits.strip("0123456789abcdef"):
            return None
        host = host_text((*word[:3], digits, hosts.PATH))
        host = f"[{host}]" if kind == hosts.V6 else host
    if not path and word[0] not in METHODS:
        return f"https://{host}:{port}", None
    return f"http://{host}:{port}/{'/'.join(path)}", word[0] if word[0] in METHODS else "GET"


def host_text(word: Word) -> str:
    """The host of a connection's word."""
    cut = word.index(hosts.PATH)
    kind, labels = word[2], word[3:cut]
    if kind == hosts.NAME:
        return ".".join(reversed(labels))
    number = int("".join(labels), 16)
    return str(ipaddress.IPv4Address(number) if kind == hosts.V4 else ipaddress.IPv6Address(number))


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
    name = host.removesuffix(".")  # the root of the tree of names
    labels = name.split(".")
    if "" in labels or (name != host and name in {"*", "**"}):
        raise PatternError("the host has an empty label", "write `**` for any host, `*.example.com` for its subdomains")
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


def _all_but(ranges: Ranges) -> Ranges:
    out: list[tuple[int, int]] = []
    at = 0
    for low, high in ranges:
        if at < low:
            out.append((at, low - 1))
        at = high + 1
    return (*out, (at, 0x10FFFF))


_LDH = Alphabet("host name", _all_but(((45, 45), (48, 57), (95, 95), (97, 122))), frozenset())
DESTINATIONS = Alphabet("host and port", _all_but(((45, 46), (48, 58), (95, 95), (97, 122))), frozenset())
_URL = Alphabet("url path", (*LABELS.forbidden, (37, 37), (59, 59)), frozenset({".", ".."}))
_HEX = tuple("0123456789abcdef")
_PORTS = ("443", "8443", "80", "8080", "22", *map(str, range(9000, 9400)))
_HYPHENS = (Glob("-*"), Glob("*-"))


class _Number(Glob):
    """Labels that make a host an address: digits, or `0x` and hexadecimal digits (WHATWG URL, "ends in a number")."""

    def __init__(self) -> None:
        super().__init__("\ue001number")
        self.atoms = tuple(((ord(low), ord(high)),) for low, high in ("00", "09", "af", "xx"))
        self.matches = lambda text: self.accepts(self.run(text))

    @property
    def start(self) -> int:
        """Nothing read."""
        return 1

    def step(self, mask: int, char: str) -> int:
        """1 nothing, 2 a zero, 4 digits, 8 behind `0x`."""
        if mask == 1:
            return 2 if char == "0" else 4 if char in "123456789" else 0
        if mask == 2 and char == "x":
            return 8
        if mask in {2, 4}:
            return 4 if char in "0123456789" else 0
        return 8 if mask == 8 and char in "0123456789abcdef" else 0

    def accepts(self, mask: int) -> bool:
        """See `Glob`."""
        return mask > 1

    def run(self, text: str) -> int:
        """The state after a text."""
        mask = 1
        for char in text:
            mask = self.step(mask, char)
        return mask


_NUMBER = _Number()


class Hosts(Space):
    """Method, port, kind of host, its labels or digits, then the URL's path."""

    start = ("method",)

    def __init__(self) -> None:
        super().__init__(LABELS)

    def step(self, phase: Phase, segment: str) -> Phase | None:
        """See `Space`."""
        kind = phase[0]
        if kind == "method":
            return ("port",) if segment in METHODS else None
        if kind == "port":
            return ("kind",) if segment.isdigit() and 0 < int(segment) < 65536 else None
        if kind == "kind":
            return {hosts.NAME: ("first",), hosts.V4: ("v4", 8), hosts.V6: ("v6", 32)}.get(segment)
        if kind == "path":
            return phase if _URL.admits(segment) else None
        if segment == hosts.PATH:
            return ("path",) if kind == "name" or (kind != "first" and phase[1] == 0) else None
        if kind in {"first", "name"}:
            sound = _LDH.admits(segment) and not any(g.matches(segment) for g in _HYPHENS) and len(segment) < 64
            sound = sound and hosts.is_sound_punycode(segment)
            return ("name",) if sound and (kind == "name" or not _NUMBER.matches(segment)) else None
        left = phase[1]
        assert isinstance(left, int)
        return (kind, left - 1) if left and segment in _HEX else None

    def whole(self, phase: Phase) -> bool:
        """See `Space`."""
        return phase == ("path",)

    def pool(self, phase: Phase) -> tuple[str, ...] | None:
        """See `Space`."""
        return {"method": METHODS, "port": _PORTS, "kind": (), "v4": _HEX, "v6": _HEX}.get(str(phase[0]))

    def alphabet(self, phase: Phase) -> tuple[Alphabet, tuple[Glob, ...]]:
        """See `Space`."""
        if phase[0] == "path":
            return _URL, ()
        return _LDH, (*_HYPHENS, _NUMBER) if phase[0] == "first" else _HYPHENS


SORT = Sort(
    "host",
    LABELS,
    words=_words,
    sequences=_sequences,
    show=_show,
    resource=_resource,
    space=Hosts,
    telling=_TELLING,
    ordinary=1,
)
"""Hosts, addresses and URLs."""
