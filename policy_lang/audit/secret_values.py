"""Verdicts on names and values: whether one is that of a secret, and whether the other looks like one."""

from __future__ import annotations

from ..domain.limits import limit
from ..domain.regex import regex
from .secret_names import ABOUT, MAYBE, NEVER, PARTS, SURE, TYPES

WEAK = frozenset(("--secret", "-secret", "--auth", "secretName"))
"""Names of things that are called so as often as secrets: what they say counts when the value looks secret."""
NO, MAYBE_SECRET, SECRET = 0, 1, 2
"""What a name says of its value: nothing, that it is secret when it looks so, that it is secret."""
MARK = "REDACTED-"
"""How what stands in place of a secret begins; its kind follows."""
_HARMLESS = (
    "$",
    MARK,
    "@-",
    "@/",
    "/dev/",
    "<",
    "*",
    "%",
    "{",
    "`",
    ".",
    "...",
    "xxx",
    "X" * 3,
    "your",
    "YOUR",
    "[",
    "(",
    "\\",
    "#{",
    "!",
    "file:",
    "env:",
    "fd:",
    "op://",
    "arn:",
)
"""How a value begins that is not a secret itself: a variable, a place holder, where it is read from."""
_PATH = regex(r"(?:~|\.{0,2})/(?:[A-Za-z0-9_.@-]{0,24}/){0,32}+[A-Za-z0-9_.@-]{0,40}")
_FILE = regex(r"[A-Za-z_][A-Za-z0-9_-]{0,64}\.[a-z]{2,5}")
_DOTTED = regex(r"[A-Za-z_$][A-Za-z_]{0,64}(?:\.[A-Za-z_]{1,64}){1,8}+")
_HOST = regex(r"(?:[a-z0-9][a-z0-9-]{0,62}+\.){1,8}+[a-z]{2,24}")
_CAPITALS = regex(r"[A-Z][A-Z_-]{2,64}")
_HEX = regex(r"[0-9a-fA-F]+")
_UUID = regex(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGIT = regex("[0-9]")
_WORDS = regex(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SIGNS = frozenset("!@#$%^&*?~")
_FLOWING = ("bypass", "compass", "trespass")
_BEFORE_KEY = frozenset(("key", "token", "secret", "code", "signature"))
_LONG = 160
"""Characters: no path, type or place holder is longer, and so many show what a value is made of."""
_SUFFIXES = frozenset(("b", "base", "prod", "dev", "staging", "old", "new", "current"))
_ABOUT_SECRETS = frozenset(("password", "passwd", "secret", "token", "credential", "pwd"))
_MOST_NAMES = limit("log_secret_names")
_known: dict[str, int] = {}


def verdict(name: str) -> int:
    """What a name says of its value."""
    found = _known.get(name)
    if found is None:
        if len(_known) >= _MOST_NAMES:
            _known.clear()
        found = _known[name] = _verdict(name)
    return found


def _verdict(name: str) -> int:
    words = [w.lower() for w in _WORDS.findall(name)]
    while len(words) > 1 and (words[-1].isdigit() or words[-1] in _SUFFIXES):
        words.pop()
    last, plain = words[-1] if words else "", "".join(words)
    if MARK in name:
        return NO
    if plain.endswith("secretid"):
        return MAYBE_SECRET
    if not words or last in ABOUT:
        return NO
    if last in _BEFORE_KEY and len(words) > 1 and words[-2] in NEVER:
        return NO
    if plain in ("pwd", "oldpwd", "keys"):
        return NO
    if plain.endswith((*SURE, "pwd", "pass")) or last in PARTS:
        return NO if plain.endswith(_FLOWING) else SECRET
    if (
        not _ABOUT_SECRETS.isdisjoint(words)
        or (last in MAYBE and len(words) > 1)
        or plain in ("salt", "seed", "sid", "jwt", "pin")
    ):
        return MAYBE_SECRET
    return NO


def harmless(value: str) -> bool:
    """Whether a value stands for a secret at most: a variable, a place holder, a type, a file, a host."""
    if value.startswith(_HARMLESS):
        return True
    if len(value) > _LONG:
        return False
    if value.lower() in TYPES:
        return True
    known = (_PATH, _FILE, _DOTTED, _HOST, _CAPITALS)
    return "://" in value[:12] or any(form.fullmatch(value) is not None for form in known)


def looks_secret(value: str) -> bool:
    """Whether a value is hardly a word, a path or a version: letters and digits as people and generators mix them."""
    if len(value) < 8 or " " in value or "://" in value or harmless(value):
        return False
    if _HEX.fullmatch(value):
        return len(value) >= 32
    if _UUID.fullmatch(value):
        return True
    seen = set(value[:_LONG])
    upper, lower = any(map(str.isupper, seen)), any(map(str.islower, seen))
    signs, digits = not _SIGNS.isdisjoint(seen), len(_DIGIT.findall(value[:_LONG]))
    if not digits or not (upper or lower):
        return signs and upper and lower
    return (upper and lower) or signs or (len(value) >= 16 and digits >= 3)


def mixed(value: str) -> bool:
    """Whether a value has letters and digits, or signs that no name has."""
    seen = set(value[:_LONG])
    return (any(c.isdigit() for c in seen) and any(c.isalpha() for c in seen)) or not _SIGNS.isdisjoint(seen)


def fits(name: str, value: str) -> bool:
    """Whether a value can be what the name says: PINs are digits."""
    return not name.lower().endswith(("pin", "otp")) or value.isdigit() or looks_secret(value)
