"""Hosts, addresses, ports and URL paths in one spelling each."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote_to_bytes

from ..domain.actions import METHODS
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.record import record
from ..domain.regex import regex
from .text import check_text

NAME, V4, V6, PATH = "\0n", "\x004", "\x006", "\0/"
"""Structure segments of a connection's word: what kind of host follows, and where the URL path begins."""

SCHEME_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80, "ssh": 22, "git": 9418, "ftp": 21}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL = regex(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?", re.ASCII)
_NUMBER = regex(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)", re.ASCII)
_SCHEME = regex(r"([A-Za-z][A-Za-z0-9+.-]*)://", re.ASCII)
_PORT = regex(r"[0-9]{1,5}", re.ASCII)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@record(frozen=True, slots=True)
class HostFacts:
    """One connection. `path` is None when it is not known or written in a way that servers read differently."""

    host: str | Address
    port: int
    path: tuple[str, ...] | None
    method: str | None

    @property
    def segments(self) -> tuple[str, ...]:
        """The host as segments: kind, then labels from the right, or the address's hexadecimal digits."""
        return host_segments(self.host)


def host_segments(host: str | Address) -> tuple[str, ...]:
    """A normalised host as segments."""
    if isinstance(host, str):
        return (NAME, *reversed(host.split(".")))
    width = 8 if host.version == 4 else 32
    return (V4 if host.version == 4 else V6, *f"{int(host):0{width}x}")


def is_special(address: Address) -> bool:
    """Private, loopback, link-local, metadata and other addresses that are not public (IANA special registries)."""
    return not address.is_global or address.is_multicast or str(address) == "168.63.129.16"


def host_facts(text: str, method: str | None = None) -> HostFacts:
    """Read `host`, `host:port`, an address, or a URL. Raises RequestError with the reason when malformed."""
    check_text(text, "host", limit("url_bytes"))
    if any(c in text for c in ' \\"<>^`{|}'):
        raise RequestError("PLR021", "the host contains a character that no host has")
    if method is not None and method not in METHODS:
        raise RequestError("PLR026", f"unknown method `{method[:20]}`")
    scheme, rest = _scheme(text)
    cut = min((i for i in (rest.find(c) for c in "/?#") if i >= 0), default=len(rest))
    authority, tail = rest[:cut], rest[cut:]
    host, port = split_port(authority.rpartition("@")[2])
    number = _port(port, scheme, authority)
    return HostFacts(normal_host(host), number, _url_path(tail), method)


def normal_destination(text: str) -> str:
    """Where a credential goes, as `host:port`: a host by its name. Raises RequestError for anything else."""
    facts = host_facts(text)
    if not isinstance(facts.host, str):
        raise RequestError("PLR022", f"`{text[:60]}` is an address; a credential goes to a host by its name")
    if text.partition("://")[2] and not text.lower().startswith("https://"):
        raise RequestError("PLR027", "a credential goes over `https` alone")
    return f"{facts.host}:{facts.port}"


def split_port(authority: str) -> tuple[str, str]:
    """Host and port texts; the port is empty when there is none."""
    if authority.startswith("["):
        inside, closed, after = authority[1:].partition("]")
        if not closed or (after and not after.startswith(":")):
            raise RequestError("PLR022", "the bracketed address is not closed properly")
        return f"[{inside}]", after[1:]
    if authority.count(":") > 1:
        return f"[{authority}]", ""
    host, _, port = authority.partition(":")
    return host, port


def _scheme(text: str) -> tuple[str, str]:
    """The scheme in lower case, or empty, and what follows it; a `://` further on belongs to a path or query."""
    found = _SCHEME.match(text)
    if found is None:
        return "", text
    scheme = found[1].lower()
    if scheme not in SCHEME_PORTS:
        raise RequestError("PLR027", f"unknown scheme `{scheme[:20]}`; known are {', '.join(sorted(SCHEME_PORTS))}")
    return scheme, text[found.end() :]


def _port(text: str, scheme: str, authority: str) -> int:
    if not text:
        if authority.endswith(":"):  # `https:/host` is a host to some clients
            raise RequestError("PLR023", "nothing follows the colon after the host")
        return SCHEME_PORTS.get(scheme, 443)
    if not _PORT.fullmatch(text) or not 0 < int(text) <= 65535:
        raise RequestError("PLR023", f"`{text[:20]}` is not a valid port")
    return int(text)


def normal_host(text: str) -> str | Address:
    """A host name in lower-case ASCII, or an address, whatever its spelling."""
    if text.startswith("["):
        return parse_v6(text[1:-1])
    if "%" in text:
        try:
            text = unquote_to_bytes(text).decode("utf-8")
        except UnicodeDecodeError:
            raise RequestError("PLR021", "the host's percent-encoding is not UTF-8") from None
        check_text(text, "host", limit("host_bytes"))
    if not text.isascii():
        text = _idna(text)
    text = text.lower()
    text = text.removesuffix(".")
    labels = text.split(".")
    if "" in labels:
        raise RequestError("PLR024", "the host has an empty label")
    if _NUMBER.fullmatch(labels[-1]):
        return _loose_v4(labels)
    if len(text) > limit("host_bytes"):
        raise RequestError("PLR004", f"the host is longer than {limit('host_bytes')} bytes")
    for label in labels:
        if len(label) > limit("host_label_bytes"):
            raise RequestError("PLR004", f"a label of the host is longer than {limit('host_label_bytes')} bytes")
        if not _LABEL.fullmatch(label):
            raise RequestError("PLR021", f"`{label[:40]}` is not a valid label of a host name")
    if "xn--" in text:
        for label in labels:
            if not is_sound_punycode(label):
                raise RequestError("PLR025", f"`{label[:40]}` is not the Punycode of a name")
    return text


def is_sound_punycode(label: str) -> bool:
    """False for a label that begins with `xn--` and is not what some name encodes to (RFC 3492; RFC 5891, 5.4).

    Programs differ on what such a host is, or whether it is one.
    """
    if not label.startswith("xn--"):
        return True
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return False
    if decoded.isascii() or not decoded.isprintable():
        return False
    return decoded.lower().encode("punycode").decode("ascii") == label[4:]


def parse_v6(text: str) -> Address:
    """An IPv6 address without its zone; IPv4-mapped ones become IPv4 (RFC 4291 section 2.5.5.2)."""
    bare = text.partition("%")[0]
    try:
        address = ipaddress.IPv6Address(bare)
    except ValueError:
        raise RequestError("PLR022", f"`{bare[:60]}` is not a valid IPv6 address") from None
    return address.ipv4_mapped or address


def _loose_v4(labels: list[str]) -> Address:
    """Decimal, octal, hexadecimal and short IPv4, as inet_aton(3) and browsers read them."""
    if len(labels) > 4 or not all(_NUMBER.fullmatch(x) for x in labels):
        raise RequestError("PLR022", f"`{'.'.join(labels)[:60]}` is neither a name nor an address")
    numbers: list[int] = []
    for label in labels:
        try:
            if label[:2] in {"0x", "0X"}:
                numbers.append(int(label[2:] or "0", 16))
            else:
                numbers.append(int(label, 8) if len(label) > 1 and label[0] == "0" else int(label[:12]))
        except ValueError:
            raise RequestError("PLR022", f"`{label[:20]}` is not part of an address") from None
    room = 256 ** (5 - len(numbers))
    if any(n > 255 for n in numbers[:-1]) or numbers[-1] >= room:
        raise RequestError("PLR022", f"`{'.'.join(labels)[:60]}` is out of an address's range")
    value = numbers[-1]
    for i, n in enumerate(numbers[:-1]):
        value += n << (8 * (3 - i))
    return ipaddress.IPv4Address(value)


def _idna(text: str) -> str:
    """UTS 46 mapping and IDNA 2008. The package is needed only for names that are not ASCII."""
    try:
        import idna
    except ImportError:  # the stand-alone client has no packages
        raise RequestError("PLR025", "the host is not ASCII; give its `xn--` form") from None
    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise RequestError("PLR025", "the host is not a valid international name") from None


def _url_path(tail: str) -> tuple[str, ...] | None:
    """The path's segments; None when absent or when servers differ on what it means."""
    if not tail.startswith("/"):
        return None if not tail else ()
    path = re.split(r"[?#]", tail, maxsplit=1)[0]
    segments: list[str] = []
    raw = path.split("/")[1:]
    if raw and raw[-1] == "":
        raw.pop()
    for part in raw:
        plain = _plain(part)
        if plain is None or plain in {"", ".", ".."}:
            return None
        segments.append(plain)
    return tuple(segments) if len(segments) <= limit("path_segments") else None


def _plain(part: str) -> str | None:
    """A segment with unreserved characters decoded (RFC 3986 section 6.2.2.2); None when doubtful."""
    if not part.isascii() or ";" in part:
        return None
    out = []
    i = 0
    while i < len(part):
        if part[i] != "%":
            out.append(part[i])
            i += 1
            continue
        code = part[i + 1 : i + 3]
        if not re.fullmatch(r"[0-9a-fA-F]{2}", code, re.ASCII):
            return None
        byte = int(code, 16)
        if byte in _UNRESERVED:
            out.append(chr(byte))
        elif byte < 0x20 or byte == 0x7F or chr(byte) in "/\\%;":
            return None
        else:
            out.append(f"%{byte:02X}")
        i += 3
    return "".join(out)
