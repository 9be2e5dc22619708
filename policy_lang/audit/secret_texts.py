"""Secrets in a text: those with a form, and those that something announces, in whatever language the text is.

Every expression starts at a literal or at the beginning of a word; what follows is bounded or possessive: hostile text
costs no more than other text.
"""

from __future__ import annotations

from ..domain.regex import regex
from .secret_forms import KEYS, VENDORS
from .secret_names import CALLS, PARAMETERS
from .secret_values import MAYBE_SECRET, NO, SECRET, WEAK, fits, harmless, looks_secret, mixed, verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from re import Match, Pattern

    Span = tuple[int, int, str]

_ASSIGNED = regex(
    r"(?<![A-Za-z0-9_.$-])(?P<name>[A-Za-z_-][A-Za-z0-9_.$/-]{0,199}+)(?P<closed>\\{0,2}['\"])?+[\]})]{0,2}+"
    r"(?:(?::[ \t]?&?[A-Za-z]{1,20}+(?=[ \t]?=[^=>]))|(?:[ \t][A-Za-z]{1,20}+(?=[ \t]=[^=>])))?+"
    r"(?P<before>[ \t]{0,40}+)(?P<sep>=>|:=|=(?![=>~])|:(?![:/])|,)(?P<after>[ \t]{0,40}+(?:[|>][-+]?\n[ \t]{1,40}+)?+)"
)
_VALUE = regex(
    r"(?:[NbBurf]?(?P<open>\\{0,2}[\"'`]))(?P<quoted>[^\"'`\r\n\\]*+(?:(?!(?P=open))[^\r\n\\][^\"'`\r\n\\]*+)*+)"
    r"|(?P<bare>[^\s'\"`;|&<>(),\\}\[]{1,200}+)"
)
_REST = regex(r"[^\s'\"`;|&<>(),\\}\[]{0,8192}+")
_OPTION = regex(r"(?<![^\s'\"])-{1,2}(?P<name>[A-Za-z][A-Za-z0-9_.-]{1,100}+)[ \t]{1,4}+(?=[^\s-])")
_PARAMETER = regex(r"(?:\A|[?&;'\"]|&amp;)(?P<name>[A-Za-z0-9_.-]{1,60}+)=(?P<secret>[^\s&'\"#;\\]{4,2048}+)")
_SAID = regex(
    r"(?i:\b(?P<name>password|passwd|passphrase|pwd|token|secret|api[ -]?key|key|pin|credentials|creds|pat|psk)\b)"
    r"['\"]?[ \t:]{1,3}+"
    r"(?:(?i:is|was|to|of|=|->)[ \t:]{1,3}+)?+['\"`]?(?P<secret>[^\s'\"`,;<>()]{6,256}+)"
)
_AUTHORIZATION = regex(
    r"(?i:authorization)\\?['\"]?[ \t]{0,4}+(?:[:=]|=>|,)[ \t]{0,4}+\\?['\"]?"
    r"(?:[A-Za-z][A-Za-z0-9-]{1,20}+[ \t]{1,4}+)?+(?P<secret>[^\r\n'\"\\]{4,4096}+(?:\\\"[^\r\n'\"\\]{1,512}+){0,16}+)"
)
_BEARER = regex(r"(?i:\bbearer)[ \t]{1,4}+(?P<secret>[^\s'\"\\,;]{8,4096}+)")
_COOKIE = regex(r"(?i:cookie)['\"]?[ \t]{0,4}+:[ \t]{0,4}+['\"]?(?P<secret>[^'\"\\\r\n]{4,4096}+)")
_ELEMENT = regex(r"<(?P<name>[A-Za-z][A-Za-z0-9_.:-]{1,60}+)>(?P<secret>[^<>\r\n]{4,1024}+)</")
_ATTRIBUTE = regex(
    r"\b(?:key|name)=\"(?P<name>[A-Za-z0-9_.:-]{2,80}+)\"[ \t]{1,4}+value=\"(?P<secret>[^\"\r\n]{4,1024}+)\""
)
_SQL = regex(
    r"(?i:\b(?:identified(?:[ \t]{1,4}+with[ \t]{1,4}+[A-Za-z0-9_]{1,40}+)?+[ \t]{1,4}+by|password|secret"
    r"|pragma[ \t]{1,4}+key))(?:[ \t]{1,4}+(?:=[ \t]{0,4}+)?+|(?=\())(?:(?i:password)?\()?+N?\\?['\"]"
    r"(?P<secret>[^'\"\r\n\\]{4,256}+)"
)
_VALUES = regex(
    r"(?i:\([^()]{0,512}?(?:password|passwd|secret|token|api_key)[^()]{0,512}+\)[ \t\r\n]{1,8}+values[ \t\r\n]{0,8}+)"
    r"\((?P<secret>[^()]{4,2048}+)"
)
_CALL = regex(r"(?P<name>[A-Za-z_][A-Za-z0-9_.:-]{1,80}+)[ \t]?(?:\(|=\()(?=(?P<secret>[^()\r\n]{4,400}+))")
_CMDLET = regex(r"(?i:convertto-securestring)[ \t]{1,4}+['\"](?P<secret>[^'\"\r\n]{4,256}+)")
_QUOTED = regex(r"b?['\"]([^'\"\r\n]{4,256}+)['\"]")
_SENT = regex(r"(?i:assword)[^\n]{0,40}?\bsend[ \t]{1,3}+(?:-- )?+['\"](?P<secret>[^'\"\\\r\n]{4,128}+)")
_SPOKEN = regex(
    r"(?:\b|(?<=\\n))(?:PASS|AUTH)[ ]{1,2}+(?P<secret>[^\s\\'\"]{4,128}+)(?=\\r|\r|\\n|\n)"
    r"|(?m:^user [^\s]{1,64}+ (?P<ftp>[^\s]{4,128}+)$)"
)
_PGPASS = regex(
    r"(?<![^\s'\"])[A-Za-z0-9.*_-]{1,128}+:[0-9*]{1,5}+:[A-Za-z0-9*_-]{1,64}+:[A-Za-z0-9*_-]{1,64}+:(?P<secret>[^\s:'\"]{4,128}+)"
)
_MANIFEST = regex(r"(?m:^(?P<indent>[ \t]{0,8}+)(?:data|stringData):[ \t]*+$)")
_ENTRY = regex(r"\n([ \t]{1,40}+)[A-Za-z0-9._-]{1,128}+:[ \t]{1,4}+['\"]?(?P<secret>[^\s'\"|>{][^\r\n'\"]{3,4096}+)")
_ECHOED = regex(r"(?i:pass[a-z-]{0,24}+)(?:=|[ \t]{1,2}+)['\"]?(?:echo|printf) (?P<secret>[^'\"\r\n]{4,256}+)")
_compiled: dict[str, Pattern[str]] = {}
LEAST = 4
"""Characters: below that nothing counts as a secret."""


_FORMS = (*VENDORS, *KEYS)
_LONG = regex(r"[A-Za-z0-9+/_=.~$:@%-]{20,}+")
_DIGEST = regex(r"(?:sha(?:1|256|384|512):)?[0-9a-f]+")
_IN_RUNS = tuple((needle, number) for number, (_, needles, _, _) in enumerate(VENDORS) for needle in needles)
_ANYWHERE = tuple(
    (needle, len(VENDORS) + number) for number, (_, needles, _, _) in enumerate(KEYS) for needle in needles
)


def forms_in(text: str) -> list[int]:
    """Which forms may occur in a text, by number: most texts have no long run of letters in which one could be."""
    found = {number for needle, number in _ANYWHERE if needle in text}
    runs = "\n".join([run for run in _LONG.findall(text) if not _DIGEST.fullmatch(run)])
    if runs:
        found.update([number for needle, number in _IN_RUNS if needle in runs])
    return sorted(found)


def spans_of_forms(text: str, forms: list[int]) -> Iterator[Span]:
    """Where secrets stand that have a form of their own."""
    for number in forms:
        kind, needles, source, _ = _FORMS[number]
        if any(n in text for n in needles):
            pattern = _compiled.get(kind)
            if pattern is None:
                import re

                pattern = _compiled[kind] = re.compile(source)
            for match in pattern.finditer(text):
                start, end = match.span("secret") if "secret" in pattern.groupindex else match.span()
                if kind == "url-password":
                    yield from _userinfo(text, start, end)
                elif kind == "private-key":
                    yield start, _end_of_key(text, end), kind
                elif kind != "url-path" or looks_secret(text[start:end]):
                    yield start, end, kind


def _userinfo(text: str, start: int, end: int) -> Iterator[Span]:
    """What stands before the host in a URL: a password, or a token alone."""
    cut = text.find(":", start, end)
    if cut >= 0:
        yield cut + 1, end, "url-password"
    elif looks_secret(text[start:end]):
        yield start, end, "url-password"


def _end_of_key(text: str, head: int) -> int:
    """Where a private key ends: behind its last line, or with the text."""
    end = text.find("-----END ", head)
    stop = -1 if end < 0 else text.find("-----", end + 9, end + 64)
    return len(text) if stop < 0 else stop + 5


def spans_of_names(text: str, lower: str) -> Iterator[Span]:
    """Where secrets stand that a name or a word announces."""
    for match in _ASSIGNED.finditer(text):
        said = verdict(match["name"])
        if said != NO:
            yield from _assigned(text, match, said)
    for match in _OPTION.finditer(text):
        said = verdict(match["name"])
        if said != NO:
            yield from _optional(text, match, said)
    for match in _PARAMETER.finditer(text):
        name = match["name"].lower().replace("-", "_").rpartition("_")[2]
        inner = text[match.start()] in "?&;"
        if not harmless(match["secret"]) and (
            (name in PARAMETERS and (mixed if inner else looks_secret)(match["secret"]))
            or (inner and verdict(match["name"]) == SECRET)
        ):
            yield *match.span("secret"), "url-parameter"
    for match in _SAID.finditer(text):
        value, name = match["secret"].rstrip("."), match["name"].lower()
        pin = name == "pin" and value.isdigit()
        if pin or (
            looks_secret(value) and not (name == "key" and "-" in value) and "=" not in value[:-2] and "/" not in value
        ):
            yield *match.span("secret"), "assignment"
    for needle, find in _OTHERS:
        if needle in lower:
            yield from find(text)


def _assigned(text: str, match: Match[str], said: int) -> Iterator[Span]:
    """The value that follows a name, unless code computes it or it says what kind of thing it is."""
    found = _VALUE.match(text, match.end())
    if found is None:
        return
    sep, name = match["sep"], match["name"]
    if name in WEAK:
        said = MAYBE_SECRET
    value = found["quoted"]
    if value is not None:
        quote = found["open"]
        if len(quote) == 1 and quote != "`" and _inside(text, match.start(), found.start("open"), quote):
            return
        span = found.span("quoted")
        words = value.replace(" ", "").isalpha()
        if said != SECRET or sep == "," or (" " in value and not (_phrase(name) and value.replace(" ", "").isalnum())):
            secret = looks_secret(value)
        else:
            secret = not words or value.islower()
        if sep == "," and not match["closed"]:
            return
    else:
        value, span = found["bare"], found.span("bare")
        if sep == ",":
            return
        tight = sep == "=" and not match["before"] and not match["after"]
        following = text[span[1] : span[1] + 1]
        if following in ("(", "["):
            return
        if value.replace("_", "").isalpha():
            secret = said == SECRET and (len(value) >= 20 or (tight and following not in (")", ",")))
        elif said == SECRET:
            secret = tight or (mixed(value) and "." not in value[1:-1]) or looks_secret(value)
        else:
            secret = looks_secret(value)
    if secret and len(value) >= LEAST and not harmless(value) and value != name and fits(name, value):
        rest = None if found["bare"] is None else _REST.match(text, span[1])
        yield span[0], span[1] if rest is None else rest.end(), "assignment"


def _phrase(name: str) -> bool:
    lower = name.lower()
    return "phrase" in lower or "mnemonic" in lower or "seed" in lower


def _inside(text: str, start: int, quote_at: int, quote: str) -> bool:
    """Whether a quote closes one that was opened before the name on the same line."""
    least = max(0, start - 2048)
    line = max(text.rfind("\n", least, start) + 1, least)
    return text.count(quote, line, quote_at) - text.count(f"\\{quote}", line, quote_at) & 1 == 1


def _optional(text: str, match: Match[str], said: int) -> Iterator[Span]:
    found = _VALUE.match(text, match.end())
    if found is None:
        return
    group = "quoted" if found["quoted"] is not None else "bare"
    value, name = found[group], match["name"]
    secret = looks_secret(value) if said == MAYBE_SECRET or f"--{name}" in WEAK else "=" not in value[1:-2]
    if secret and len(value) >= LEAST and not harmless(value) and fits(name, value):
        start, end = found.span(group)
        rest = _REST.match(text, end) if group == "bare" else None
        yield start, end if rest is None else rest.end(), "option"


def _authorizations(text: str) -> Iterator[Span]:
    """What follows the scheme in a header: to its end where it is quoted or has a line of its own, else one word."""
    for match in _AUTHORIZATION.finditer(text):
        start, end = match.span("secret")
        head = match.start()
        while head and (text[head - 1].isalpha() or text[head - 1] == "-"):
            head -= 1
        value = text[start:end].rstrip()
        if head and text[head - 1] not in "'\"\n{`":
            value = value.split(" ", 1)[0]
        if not harmless(value):
            yield start, start + len(value), "authorization"


def _cookies(text: str) -> Iterator[Span]:
    """The values of a cookie header."""
    for match in _COOKIE.finditer(text):
        start, end = match.span("secret")
        while start < end:
            stop = text.find(";", start, end)
            stop = end if stop < 0 else stop
            cut = text.find("=", start, stop) + 1
            if cut and not harmless(text[cut:stop]):
                yield cut, stop, "cookie"
            start = stop + 1


def _called(text: str) -> Iterator[Span]:
    """Texts among the arguments of functions that take a secret."""
    for match in _CALL.finditer(text):
        name = match["name"].replace("_", "").lower()
        if name.endswith(CALLS) or verdict(match["name"].rpartition(".")[2]) == SECRET:
            begin, end = match.span("secret")
            for quoted in _QUOTED.finditer(text, begin, min(end + 1, len(text))):
                if looks_secret(quoted[1]) and "." not in quoted[1].partition("@")[2]:
                    yield *quoted.span(1), "argument"


def _manifests(text: str) -> Iterator[Span]:
    """What a Kubernetes `Secret` holds."""
    for match in _MANIFEST.finditer(text):
        at, indent = match.end(), len(match["indent"])
        while (entry := _ENTRY.match(text, at)) is not None and len(entry[1]) > indent:
            if not harmless(entry["secret"]):
                yield *entry.span("secret"), "manifest"
            at = entry.end()
            at = at + 1 if text[at : at + 1] in ("'", '"') else at


def _values(text: str) -> Iterator[Span]:
    """Texts that are inserted into a table with a column for secrets."""
    for match in _VALUES.finditer(text):
        for quoted in _QUOTED.finditer(text, *match.span("secret")):
            if looks_secret(quoted[1]):
                yield *quoted.span(1), "sql"


def _plain(pattern: Pattern[str], kind: str) -> Callable[[str], Iterator[Span]]:
    """A finder of what an expression says is secret, unless it stands for a secret at most."""

    def find(text: str) -> Iterator[Span]:
        for match in pattern.finditer(text):
            group = match.lastgroup or "secret"
            start = match.start(group)
            if kind == "sql" and (" " in match[group] or _inside(text, match.start(), start - 1, text[start - 1])):
                continue
            if not harmless(match[group]) and (kind != "element" or verdict(match["name"]) == SECRET):
                yield *match.span(group), kind

    return find


_OTHERS = (
    ("authorization", _authorizations),
    ("bearer", _plain(_BEARER, "bearer")),
    ("cookie", _cookies),
    ("(", _called),
    ("securestring", _plain(_CMDLET, "argument")),
    ("</", _plain(_ELEMENT, "element")),
    ("value=", _plain(_ATTRIBUTE, "element")),
    ("identified", _plain(_SQL, "sql")),
    ("password", _plain(_SQL, "sql")),
    ("secret", _plain(_SQL, "sql")),
    ("pragma", _plain(_SQL, "sql")),
    ("echo ", _plain(_ECHOED, "option")),
    ("values", _values),
    ("send", _plain(_SENT, "argument")),
    ("pass ", _plain(_SPOKEN, "password")),
    ("auth ", _plain(_SPOKEN, "password")),
    ("user ", _plain(_SPOKEN, "password")),
    ("pgpass", _plain(_PGPASS, "password")),
    ("kind: secret", _manifests),
)
"""What occurs in small letters where something is worth looking for, and what looks."""
