"""The one place that takes secrets out of what leaves: records, the service's log, freezes, questions, errors, pages.

A secret that is found once is taken out wherever it stands in the value; a short one only where something announces
it, since it may be an ordinary word elsewhere. What only looks random is not proof of a secret: it is flagged.
"""

from __future__ import annotations

from ..domain.limits import limit
from ..domain.regex import regex
from .secret_names import NEEDLES
from .secret_options import FIRST
from .secret_texts import LEAST, forms_in, spans_of_forms, spans_of_names
from .secret_values import MARK, SECRET, fits, harmless, looks_secret, mixed, verdict
from .secret_values import WEAK as _WEAK
from .secret_words import calls_programs, secret_parts, spans_of_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeVar

    T = TypeVar("T")
    Span = tuple[int, int, str]
    Words = list[Any] | tuple[Any, ...]

_SURE = 8
"""Characters from which on a secret is looked for everywhere."""
_OURS = frozenset(("action", "agent", "approvers", "assigned", "because", "by", "digest", "effect", "file", "glass"))
_OURS |= {"hash", "host", "id", "includes", "kind", "name", "opens", "owner", "person", "policy", "prev", "question_id"}
_OURS |= {"repo", "repository", "reviewed", "scope", "session", "state", "tier", "tiers", "uid", "user", "verdict"}
"""Fields that say who and what a record is about: one that was found elsewhere to be a secret hides none of them.

Else an agent could call its own name a password, and be nobody.
"""
_MOST_SPANS = limit("log_secret_spans")
"""Places in one text; a text with more is replaced as a whole."""
_MOST_EVERYWHERE = limit("log_secrets")
_RANDOM = regex(r"[A-Za-z0-9+_=-]{24,256}")
_HEX = frozenset("0123456789abcdef-")
_BITS = 4.2
"""Bits a character: words and paths stay below 3.8, hexadecimal digits below 4 (measured on our own recordings)."""


class Cleaned:
    """A value without its secrets: the value, how many were taken out by kind, and whether something looks random."""

    __slots__ = ("kinds", "random", "value")

    def __init__(self, value: Any, kinds: dict[str, int], random: bool) -> None:
        self.value = value
        self.kinds = kinds
        self.random = random


def cleaned(value: Any) -> Cleaned:
    """A plain value without the secrets in its texts; keys stay as they are."""
    texts: set[str] = set()
    lists: list[Words] = []
    _gather(value, texts, lists)
    whole = "\n".join(texts)
    lower = whole.lower()
    random = _looks_random(whole)
    forms = forms_in(whole)
    named = [n for n in NEEDLES if n in lower]
    called = calls_programs(whole) or any(one[0] in FIRST for one in lists)
    if not named and not called and not forms and whole.isascii():
        return Cleaned(value, {}, random)
    spans = {text: found for text in texts if len(text) >= LEAST and (found := _spans(text, forms, named, called))}
    everywhere: dict[str, str] = {}
    for text, found in spans.items():
        for start, end, kind in found:
            lines = text[start:end].split("\n")[1:] if kind == "private-key" else ()
            everywhere.update(
                (part, kind) for part in (text[start:end], *lines) if len(part) >= _SURE and part not in f"{MARK}{kind}"
            )
    words = {id(one): _secret_words(one) for one in lists}
    for one in lists:
        for number, (start, end) in words[id(one)].items():
            if end - start >= _SURE:
                everywhere.setdefault(one[number][start:end], "option")
    if not spans and not everywhere and not any(words.values()) and whole.isascii():
        return Cleaned(value, {}, random)
    order = sorted(everywhere.items(), key=lambda pair: -len(pair[0]))[:_MOST_EVERYWHERE]
    cut = _Cut(spans, order, words)
    return Cleaned(cut.value(value), cut.kinds, random)


def redacted(value: T) -> T:
    """A text, or any plain value, without the secrets in it."""
    out: T = cleaned(value).value
    return out


class _Cut:
    """Puts place holders in the place of secrets, and counts them."""

    def __init__(
        self,
        spans: dict[str, list[Span]],
        everywhere: list[tuple[str, str]],
        words: dict[int, dict[int, tuple[int, int]]],
    ) -> None:
        self.spans = spans
        self.everywhere = everywhere
        self.words = words
        self.kinds: dict[str, int] = {}

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {k: self.value(v) if k not in _OURS else self._own(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            secret = self.words.get(id(value))
            if not secret:
                return [self.value(v) for v in value]
            return [self._word(v, secret.get(i)) for i, v in enumerate(value)]
        return value

    def _own(self, value: Any) -> Any:
        """A field of ours without the secrets that stand in it itself."""
        everywhere, self.everywhere = self.everywhere, []
        out = self.value(value)
        self.everywhere = everywhere
        return out

    def _word(self, word: Any, span: tuple[int, int] | None) -> Any:
        if span is None:
            return self.value(word)
        start, end = span
        return f"{self.text(word[:start])}{self._holder('option')}{self.text(word[end:])}"

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
            count = text.count(secret)
            if count:
                text = text.replace(secret, self._holder(kind, count))
        return text

    def _holder(self, kind: str, count: int = 1) -> str:
        self.kinds[kind] = self.kinds.get(kind, 0) + count
        return f"{MARK}{kind}"


def _spans(text: str, forms: list[int], named: list[str], called: bool) -> list[Span]:
    """Where secrets stand in a text, in order and apart."""
    found: list[Span] = []
    for span in _found(text, forms, named, called):
        found.append(span)
        if len(found) > _MOST_SPANS:
            return [(0, len(text), "many")]
    kept = {s for s in found if s[1] - s[0] >= LEAST and not text.startswith(MARK, s[0])}
    return _apart(sorted(kept, key=lambda s: (s[0], -s[1])))


def _found(text: str, forms: list[int], named: list[str], called: bool) -> Iterator[Span]:
    if forms:
        yield from spans_of_forms(text, forms)
    if named:
        lower = text.lower()
        if any(n in lower for n in named):
            yield from spans_of_names(text, lower)
    if called and " " in text and calls_programs(text):
        for start, end in spans_of_commands(text):
            yield start, end, "option"


def _apart(spans: list[Span]) -> list[Span]:
    """Spans that overlap become one, so that no end of one is left behind another."""
    out: list[Span] = []
    for start, end, kind in spans:
        if out and start < out[-1][1]:
            first, last, known = out[-1]
            out[-1] = (first, max(last, end), known)
        else:
            out.append((start, end, kind))
    return out


def _secret_words(words: Words) -> dict[int, tuple[int, int]]:
    """Which words of a command are secrets: number, and from where to where."""
    found = {number: (start, end) for number, start, end in secret_parts(list(words))}
    for i, word in enumerate(words):
        name, sep, value = word.partition("=")
        if sep and " " in value and name.replace("-", "_").isidentifier():  # where the blank is, only words tell
            if value[0] != " " and verdict(name) == SECRET and not harmless(value):
                found.setdefault(i, (len(name) + 1, len(word)))
        elif word[:20].lower().startswith(("authorization:", "proxy-authorization:")):
            value = word.partition(":")[2].strip().split(" ", 1)[-1]  # without its scheme
            if len(value) >= LEAST and not harmless(value):
                found.setdefault(i, (len(word) - len(value), len(word)))
        elif i and len(word) >= LEAST and word[:1] != "-" and _follows(words[i - 1], word):
            found.setdefault(i, (0, len(word)))
    return found


def _follows(before: str, word: str) -> bool:
    """Whether the word before says that a word is a secret."""
    option = before[:1] == "-"
    if option and word.startswith(("echo ", "printf ")):
        return "pass" in before.lower()
    name = before.strip("-:=")
    if "=" in name or verdict(name) != SECRET or harmless(word) or not fits(name, word):
        return False
    if option and before not in _WEAK:
        return "=" not in word[1:-2]
    return mixed(word) if before[-1:] in (":", "=") else looks_secret(word)


def _looks_random(text: str) -> bool:
    from math import log2

    for match in _RANDOM.finditer(text):
        word = match[0]
        if _HEX.issuperset(word):
            continue
        counts = [word.count(c) for c in set(word)]
        if -sum(n / len(word) * log2(n / len(word)) for n in counts) > _BITS:
            return True
    return False


def _gather(value: Any, texts: set[str], lists: list[Words]) -> None:
    """The different texts of a value, and its lists of words: those may be commands."""
    if isinstance(value, str):
        texts.add(value)
    elif isinstance(value, dict):
        for inner in value.values():
            if isinstance(inner, str):
                texts.add(inner)
            elif inner:
                _gather(inner, texts, lists)
    elif isinstance(value, (list, tuple)):
        before = len(value)
        for inner in value:
            if isinstance(inner, str):
                texts.add(inner)
                before -= 1
            else:
                _gather(inner, texts, lists)
        if not before and len(value) > 1:
            lists.append(value)
