"""Secrets are taken out of a record before it is written.

A secret that is found once is taken out wherever it stands in the record; a short one only where something announces
it, since it may be an ordinary word elsewhere. What only looks random is not proof of a secret: it is flagged.
"""

from __future__ import annotations

from ..domain.limits import limit
from ..domain.regex import regex
from .kinds import ABOUT, ALSO, FORMS, NEEDLES, SECRET_ENDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from re import Pattern
    from typing import Any

    Span = tuple[int, int, str]

_LEAST, _SURE = 4, 8
"""Characters: below the first nothing counts as a secret, from the second on it is looked for everywhere."""
MARK = "REDACTED-"
"""How what stands in place of a secret begins; its kind follows."""
_HARMLESS = ("$", MARK, "@-", "@/", "/dev/", "<", "*", "%", "{{", "`")
"""How a value begins that is not a secret itself: a variable, a place holder, where it is read from."""
_ASSIGNED = regex(r"(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]{1,200}+)['\"]?\\?['\"]?[ \t]{0,2}+[:=][ \t]{0,2}+")
_OPTION = regex(r"(?<!\S)-{1,2}([A-Za-z][A-Za-z0-9_.-]{1,100}+)[ \t]{1,4}+")
_PARAMETER = regex(r"[?&;]([A-Za-z0-9_.-]{1,60}+)=")
_VALUE = regex(r"\\?\"([^\"\r\n]{1,2048}+)|\\?'([^'\r\n]{1,2048}+)|([^\s'\"`;|&<>(),\\]{1,2048}+)")
_USERS = ("-u", "--user", "--proxy-user")
"""Options that take `NAME:PASSWORD` (curl(1), wget(1))."""
_MOST_SPANS = limit("log_secret_spans")
"""Places in one text; a text with more is replaced as a whole."""
_RANDOM = regex(r"[A-Za-z0-9+_=-]{24,256}")
_BITS = 4.2
"""Bits a character: words and paths stay below 3.8, hexadecimal digits below 4 (measured on our own recordings)."""
_compiled: dict[str, Pattern[str]] = {}


class Cleaned:
    """A record without its secrets: the value, how many were taken out by kind, and whether something looks random."""

    __slots__ = ("kinds", "random", "value")

    def __init__(self, value: Any, kinds: dict[str, int], random: bool) -> None:
        self.value = value
        self.kinds = kinds
        self.random = random


def cleaned(value: Any) -> Cleaned:
    """A plain value without the secrets in its texts; keys stay as they are."""
    texts = set(_texts(value))
    whole = "\n".join(texts)
    random = _looks_random(whole)
    lower = whole.lower()
    forms = [form for form in FORMS if any(n in lower for n in form[1])]
    named = any(n in lower for n in NEEDLES)
    if not forms and not named and whole.isascii():
        return Cleaned(value, {}, random)
    spans = {text: _spans(text, forms, named) for text in texts if len(text) >= _LEAST}
    everywhere: dict[str, str] = {}
    for text, found in (*spans.items(), *((t, _spans(t, forms, named)) for t in _commands(value))):
        for start, end, kind in found:
            lines = text[start:end].split("\n")[1:] if kind == "private-key" else ()
            everywhere.update((part, kind) for part in (text[start:end], *lines) if len(part) >= _SURE)
    for secret in _after_options(value):
        if len(secret) >= _SURE:
            everywhere[secret] = "option"
    cut = _Cut(spans, sorted(everywhere.items(), key=lambda pair: -len(pair[0]))[: limit("log_secrets")])
    return Cleaned(cut.value(value), cut.kinds, random)


class _Cut:
    """Puts place holders in the place of secrets, and counts them."""

    def __init__(self, spans: dict[str, list[Span]], everywhere: list[tuple[str, str]]) -> None:
        self.spans = spans
        self.everywhere = everywhere
        self.kinds: dict[str, int] = {}

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {k: self.value(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            secret = set(_secret_places(value))
            return [self._holder("option") if i in secret else self.value(v) for i, v in enumerate(value)]
        return value

    def text(self, text: str) -> str:
        out, at = [], 0
        for start, end, kind in self.spans.get(text, ()):
            if start >= at:
                out += [self._rest(text[at:start]), self._holder(kind)]
                at = end
        out.append(self._rest(text[at:]))
        done = "".join(out)
        # a lone surrogate has no UTF-8 form, and nobody could read the record
        return done if done.isascii() else done.encode("utf-8", "replace").decode("utf-8")

    def _rest(self, text: str) -> str:
        for secret, kind in self.everywhere:
            while secret in text:
                text = text.replace(secret, self._holder(kind), 1)
        return text

    def _holder(self, kind: str) -> str:
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        return f"{MARK}{kind}"


def _spans(text: str, forms: list[tuple[str, tuple[str, ...], str]], named: bool) -> list[Span]:
    """Where secrets stand in a text, in order; of two that overlap the longer comes first."""
    found: list[Span] = []
    for kind, _, source in forms:
        pattern = _compiled.get(kind)
        if pattern is None:
            import re

            pattern = _compiled[kind] = re.compile(source)
        for match in pattern.finditer(text):
            start, end = match.span("secret") if "secret" in pattern.groupindex else match.span()
            if kind == "url-password":
                start += text[start:end].find(":") + 1
            if kind == "cookie":
                found += _cookies(text, start, end)
            else:
                found.append((start, end, kind))
    if named:
        found += _keys(text)
        for pattern, kind in ((_ASSIGNED, "assignment"), (_OPTION, "option"), (_PARAMETER, "url-parameter")):
            for match in pattern.finditer(text):
                if _secret_name(match[1], kind == "url-parameter"):
                    value = _VALUE.match(text, match.end())
                    if value is not None:
                        start, end = value.span(value.lastindex or 0)
                        cut = text.find("&", start, end) if kind == "url-parameter" else -1
                        found.append((start, end if cut < 0 else cut, kind))
                    if len(found) > _MOST_SPANS:
                        return [(0, len(text), "many")]
    kept = [s for s in found if s[1] - s[0] >= _LEAST and not text.startswith(_HARMLESS, s[0])]
    return sorted(kept, key=lambda s: (s[0], -s[1]))


def _cookies(text: str, start: int, end: int) -> Iterator[Span]:
    """The values of a cookie header."""
    while start < end:
        stop = text.find(";", start, end)
        stop = end if stop < 0 else stop
        yield text.find("=", start, stop) + 1 or start, stop, "cookie"
        start = stop + 1


def _commands(value: Any) -> Iterator[str]:
    """Lists of words as one text: what announces a secret may be the word before it."""
    if isinstance(value, (list, tuple)) and len(value) > 1 and all(isinstance(v, str) for v in value):
        yield " ".join(value)
    elif isinstance(value, (dict, list, tuple)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _commands(inner)


def _keys(text: str) -> Iterator[Span]:
    """Private keys, to their end or the text's."""
    at = text.find("-----BEGIN ")
    while at >= 0:
        head = text.find("-----", at + 11, at + 64)
        if head >= 0 and "PRIVATE KEY" in text[at:head]:
            end = text.find("-----END ", head)
            stop = len(text) if end < 0 else text.find("-----", end + 9, end + 64)
            stop = len(text) if stop < 0 or end < 0 else stop + 5
            yield at, stop, "private-key"
            at = stop
        at = text.find("-----BEGIN ", at + 1)


def _secret_name(name: str, parameter: bool = False) -> bool:
    lower = name.lower().strip("-_.")
    plain = lower.replace("_", "").replace("-", "").replace(".", "")
    if plain.endswith(SECRET_ENDS):
        return True
    parts = lower.replace("-", "_").replace(".", "_").split("_")
    if parts[-1] in ABOUT:
        return False
    return (parameter and parts[-1] in ALSO) or bool({"password", "passwd", "secret", "token"} & set(parts))


def _secret_places(value: list[Any] | tuple[Any, ...]) -> Iterator[int]:
    """Places of the words of a command that follow an option for a secret."""
    for i in range(1, len(value)):
        before, word = value[i - 1], value[i]
        if isinstance(before, str) and isinstance(word, str) and before.startswith("-") and len(word) >= _LEAST:
            user = before in _USERS and ":" in word
            if (user or ("=" not in before and _secret_name(before))) and not word.startswith((*_HARMLESS, "-")):
                yield i


def _after_options(value: Any) -> Iterator[str]:
    if isinstance(value, (list, tuple)):
        for i in _secret_places(value):
            yield value[i]
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        if not isinstance(inner, str):
            yield from _after_options(inner)


def _looks_random(text: str) -> bool:
    from math import log2

    for match in _RANDOM.finditer(text):
        word = match[0]
        counts = [word.count(c) for c in set(word)]
        if -sum(n / len(word) * log2(n / len(word)) for n in counts) > _BITS:
            return True
    return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)
