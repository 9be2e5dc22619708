"""Pattern texts to label sequences, one function a sort. Malformed texts raise PatternError."""

from __future__ import annotations

import ipaddress
import re
import unicodedata

from ..automata.alphabet import LABELS, NAMES, PATHS, REFS, WORDS, Alphabet
from ..automata.glob import GlobError, is_literal
from ..automata.pattern import ANY, MANY, Label, Sequence, collapse, expand_braces, quoted, segment_label
from ..domain.actions import COMMAND, HOST, NAME, PATH, REF
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..facts import hosts
from ..facts.commands import OPAQUE, TRUSTED_DIRS
from ..facts.paths import HOME, ROOT, TMP, WORKSPACE
from ..facts.refs import DEFAULT_REMOTE, malformed_ref

ALPHABETS: dict[str, Alphabet] = {PATH: PATHS, COMMAND: WORDS, HOST: LABELS, REF: REFS, NAME: NAMES}
"""The alphabet of each sort's words."""


_MOST_WILDCARDS = limit("segment_wildcards")


class PatternError(ValueError):
    """The pattern's text is wrong: what is, and how to mend it."""

    def __init__(self, message: str, mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend


def compile_pattern(sort: str, text: str, methods: tuple[str, ...] = ()) -> tuple[Sequence, ...]:
    """The sequences that a pattern of a sort stands for. Raises PatternError."""
    if not text:
        raise PatternError("the pattern is empty")
    if len(text) > 1000 and len(text.encode("utf-8", "replace")) > limit("pattern_bytes"):
        raise PatternError(f"the pattern is longer than {limit('pattern_bytes')} bytes")
    if not text.isprintable() and any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text):
        raise PatternError("the pattern contains a control character", "no resource can, so it would match nothing")
    try:
        if sort == COMMAND:
            sequences = _command(text)
        else:
            one = {PATH: _path, REF: _ref, NAME: _name}.get(sort)
            anchor = "${tmp}" if sort == PATH and text.startswith("${tmp}") else ""  # its braces are no group
            texts = [anchor + t for t in expand_braces(text[len(anchor) :], limit("pattern_alternatives"))]
            sequences = [one(t) for t in texts] if one else [s for t in texts for s in _host(t, methods)]
    except GlobError as error:
        raise PatternError(str(error)) from None
    for sequence in sequences:
        _bounded(sequence)
    return tuple(dict.fromkeys(sequences))


def _bounded(sequence: Sequence) -> None:
    inner = sum(label is MANY for label in sequence[:-1])
    if inner > limit("inner_double_stars"):
        raise PatternError(
            f"more than {limit('inner_double_stars')} inner `**` in one pattern",
            "each one multiplies the work of every decision; split the rule",
        )


def _label(text: str) -> Label:
    if len(text) > _MOST_WILDCARDS and sum(text.count(c) for c in "*?[") > _MOST_WILDCARDS:
        raise PatternError(f"more than {limit('segment_wildcards')} wildcards in one part")
    return segment_label(text)


def _many_inside(labels: list[Label]) -> Sequence:
    """Labels of a path or ref: a `**` at the end means everything inside, so at least one segment."""
    done = collapse(labels)
    return (*done[:-1], ANY, MANY) if done and done[-1] is MANY else done


# paths


def _path(text: str) -> Sequence:
    text = unicodedata.normalize("NFC", text)
    if "\\" in text:
        raise PatternError("a path has no backslash", "separate folders with `/`; `[*]` is the character `*`")
    whole = {"/": ROOT, "./": WORKSPACE, "~/": HOME, "${tmp}/": TMP}.get(text)
    if whole:
        return (whole, MANY)
    if text in {"~", "${tmp}"}:
        return (HOME if text == "~" else TMP,)
    anchor, rest = WORKSPACE, text
    for prefix, name in (("/", ROOT), ("~/", HOME), ("${tmp}/", TMP)):
        if text.startswith(prefix):
            anchor, rest = name, text[len(prefix) :]
    if text.startswith("~") and anchor is WORKSPACE:
        raise PatternError("`~user` is not known here", "write `~/...` for the agent's home, or an absolute path")
    if re.search(r"\$\{|\$[A-Za-z_]", rest):
        raise PatternError("variables are not expanded in a pattern", "only `${tmp}/` at the beginning is known")
    folder = rest.endswith("/")
    parts = (rest[:-1] if folder else rest).split("/")
    for part in parts:
        if part in {"", ".", ".."}:
            shown = f"`{part}`" if part else "an empty part"
            mend = "write `./` alone for the workspace itself" if part == "." else "write the path without it"
            raise PatternError(f"a path pattern has no {shown}" if part else f"the path has {shown}", mend)
        if is_literal(part) and len(part.encode()) > limit("path_segment_bytes"):
            raise PatternError(f"no file name is longer than {limit('path_segment_bytes')} bytes")
    labels: list[Label] = [anchor, *(_label(p) for p in parts)]
    return collapse([*labels, MANY]) if folder else _many_inside(labels)


# hosts


def _host(text: str, methods: tuple[str, ...]) -> list[Sequence]:
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
            "a host pattern has no user, query or escape", "write `host`, `host:port` or `https://host/path`"
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
        raise PatternError(f"`{text}` is no port", "from 1 to 65535, or `:*` for any")
    return text


def _url_path(path: str) -> Sequence:
    if not path:
        return (MANY,)
    folder = path.endswith("/")
    parts = (path[:-1] if folder else path).split("/")
    for part in parts:
        if part in {"", ".", ".."} or any(c in part for c in "?#%;\\ "):
            if part not in {"", ".", ".."} and "?" in part:
                raise PatternError("a URL pattern has no `?`", "queries are not matched; use `*` inside a part")
            raise PatternError("the URL's path has an empty, `.`, `..` or escaped part", "write it plainly")
    labels = [_label(p) for p in parts]
    return collapse([*labels, MANY]) if folder else _many_inside(list(labels))


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
        raise PatternError("`*` alone is no host", "write `**` for any host, `*.example.com` for its subdomains")
    if is_literal(labels[-1]) and re.fullmatch(r"0[xX][0-9a-fA-F]*|[0-9]+", labels[-1], re.ASCII):
        raise PatternError(f"`{host}` would be an address", "write addresses as `192.0.2.1` or `192.0.2.0/24`")
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
        raise PatternError("`**` stands only at the beginning of a host", "write `**.example.com`")
    if not label:
        raise PatternError("the host has an empty label")
    if is_literal(label):
        try:
            normal = hosts.normal_host(f"{label}.x")
        except RequestError as error:
            raise PatternError(error.message) from None
        return str(normal).rpartition(".")[0]
    if not re.fullmatch(r"[A-Za-z0-9_*?\[\]!-]+", label, re.ASCII):
        raise PatternError(f"`{label}` is no label of a host name")
    return _label(label.lower())


def _network(text: str) -> list[Sequence]:
    try:
        network = ipaddress.ip_network(text, strict=True)
    except ValueError:
        try:
            loose = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise PatternError(
                f"`{text}` is no address or network", "write `192.0.2.1`, `10.0.0.0/8` or `fd00::/8`"
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


# refs


def _ref(text: str) -> Sequence:
    remote, colon, ref = text.rpartition(":")
    if not colon:
        remote = DEFAULT_REMOTE
    elif not remote:
        raise PatternError("the remote before `:` is missing", "write `origin:main`, or `*:main` for any remote")
    if ref in {"HEAD", "@"}:
        raise PatternError(f"`{ref}` is not one ref", "name the branch")
    if ref.startswith("+"):
        raise PatternError("`+` forces a push", "write a rule for `force-push`")
    if ref.startswith(("heads/", "tags/", "remotes/")):
        raise PatternError(f"`{ref}` means two things to git", f"write `refs/{ref}`")
    full = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
    plain = re.sub(r"\[[^\]]*\]|[*?]", "x", full)
    why = malformed_ref(plain if plain.count("/") > 1 else plain + "/x")
    if why and not full.endswith("/"):
        raise PatternError(f"no ref matches this: {why}")
    folder = full.endswith("/")
    labels: list[Label] = [_label(p) for p in full.rstrip("/").split("/")]
    if folder:
        return (_label(remote), *collapse([*labels, MANY]))
    return (_label(remote), *_many_inside(labels))


# names


def _name(text: str) -> Sequence:
    if not re.fullmatch(r"[!-~]+", text, re.ASCII):
        raise PatternError("a name is printable ASCII without blanks")
    parts = text.split(".")
    if "" in parts:
        raise PatternError("the name has an empty part between dots")
    return collapse(_label(p) for p in parts)


# commands


def _command(text: str) -> list[Sequence]:
    words = _split(text)
    if not words:
        raise PatternError("the pattern has no words")
    most = limit("pattern_alternatives")
    sequences: list[tuple[Label, ...]] = [()]
    for i, word in enumerate(words):
        options = expand_braces(word, most)
        if len(sequences) * len(options) > most:
            raise GlobError(f"the braces expand to more than {most} alternatives")
        labels = [_word_label(option, first=i == 0) for option in options]
        sequences = [(*s, label) for s in sequences for label in labels]
    return [collapse(s) if s[0] is not MANY else collapse((ANY, *s)) for s in sequences]


def _word_label(text: str, first: bool) -> Label:
    if first and "=" in text and re.match(r"[A-Za-z_][A-Za-z0-9_]*=", text):
        raise PatternError("a command pattern begins with its program", "use `setenv` rules for variables")
    if first and text.startswith("/") and is_literal(text):
        folder, _, name = text.rpartition("/")
        if folder in TRUSTED_DIRS and name:
            return name
    return _label(text)


def _split(text: str) -> list[str]:
    """Words as a shell would split them; quoted text is literal, so its wildcards are wrapped."""
    words: list[str] = []
    current: list[str] | None = None
    quote = ""
    for char in text:
        if quote:
            if char == quote:
                quote = ""
            else:
                assert current is not None
                current.append(quoted(char))
        elif char in "'\"":
            quote = char
            current = current if current is not None else []
        elif char in " \t":
            if current is not None:
                words.append("".join(current))
            current = None
        elif char in ";&|<>()`$\\" or (char in "#~" and current is None):
            raise PatternError(
                f"`{char}` is no part of one command",
                "rules are about single commands; quote the character if an argument contains it",
            )
        else:
            current = current if current is not None else []
            current.append(char)
    if quote:
        raise PatternError(f"the quote {quote} is not closed")
    if current is not None:
        words.append("".join(current))
    return words


OPAQUE_SEQUENCE: Sequence = (OPAQUE,)


def scope_sequence(text: str) -> tuple[Sequence, ...]:
    """The sequences of an `agent` or `repo` glob: segments split at `/`."""
    if not text or "\0" in text:
        raise PatternError("the pattern is empty")
    try:
        return tuple(
            collapse(_label(p) for p in t.split("/")) for t in expand_braces(text, limit("pattern_alternatives"))
        )
    except GlobError as error:
        raise PatternError(str(error)) from None


_OPTION = re.compile(r"--[A-Za-z0-9][A-Za-z0-9_.-]*|-[A-Za-z0-9?#@]|-[A-Za-z][A-Za-z0-9_-]+", re.ASCII)


def check_option(text: str) -> str:
    """An option as `with` and `without` take it. Raises PatternError."""
    if not _OPTION.fullmatch(text):
        raise PatternError(f"`{text}` is no option", "write `-f` or `--force`, without a value")
    return text
