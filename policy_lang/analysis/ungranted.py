"""Requests that may be permitted without a grant that matches it.

A command that changes only the shell's own state, or only runs another one, is free: it needs no grant but may be
denied. A command that cannot be read runs where opaque commands are granted. A granted name may resolve to a public
address that nothing grants, as long as nothing denies it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from ..automata.glob import Glob
from ..automata.pattern import MANY, Sequence
from ..domain.conditions import TRUE
from ..engine.command_words import BARE
from ..facts import hosts
from ..facts.commands import OPAQUE
from ..ir.patterns import compile_pattern
from ..shell.builtins import TABLE
from ..shell.changes import Free
from ..shell.dialect import DIALECTS
from ..shell.profile import Profile
from .cases import Demand
from .items import Items, Side
from .search import Item

RUNNERS = tuple(sorted({
    *DIALECTS, "ash", "caffeinate", "catatonit", "catchsegv", "choom", "chronic", "chrt", "cpulimit", "cross-env",
    "cross-env-shell", "dash", "docker-init", "dumb-init", "eatmydata", "env", "faketime", "gtimeout", "i386",
    "ionice", "ksh", "linux32", "linux64", "nice", "nocache", "nohup", "numactl", "prlimit", "setarch", "setsid",
    "softlimit", "stdbuf", "taskset", "time", "timeout", "tini", "uname26", "unbuffer", "watch", "x86_64", "xargs",
}))  # fmt: skip
"""Programs whose profile says that they only run another command."""

_SPECIAL = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.2.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "fc00::/7", "fe80::/10",
    "ff00::/8", "2001:db8::/32", "::/127", "100::/64",
)  # fmt: skip
"""Addresses that are surely special, and so must be granted themselves (RFC 6890); the engine decides on others."""


def free(side: Side) -> tuple[Items, Items]:
    """Commands that may be free, as words and as bare words."""
    names = dict.fromkeys((*RUNNERS, *TABLE, *(n for n, p in side.policy.profiles.items() if _runs(p))))
    words: tuple[Sequence, ...] = tuple((name, MANY) for name in names)
    canonical = dict.fromkeys(p.name if (p := side.profile(n)) is not None else n for n in names)
    bare: tuple[Sequence, ...] = tuple((BARE, name, MANY) for name in (*names, *canonical))
    return [Item(None, words, (), TRUE, True)], [Item(None, bare, (), TRUE, True)]


def _runs(profile: Profile) -> bool:
    return profile.transparent or any(Free() in c for c in profile.changes.values())


def opaquely(side: Side) -> Iterator[tuple[Demand, ...]]:
    """What must hold for an opaque command to be permitted, in each way in which it can be."""
    parts = side.parts("run")
    denied = [d.fails() for p in parts for d in p.denies if (OPAQUE,) in d.include]
    grants = [[i for i in p.granting() if (OPAQUE,) in i.include] for p in parts if not p.guardrail]
    for chosen in itertools.islice(itertools.product(*grants), 16):
        yield (*denied, *(demand for item in chosen for demand in item.holds()))


def readable_only(side: Side, items: Items) -> Items:
    """Restrictions that a command which cannot be read may meet: those about programs with a profile."""
    out: Items = []
    for item in items:
        kept = tuple(
            s for s in item.include if s != (OPAQUE,) and not (isinstance(s[0], str) and not side.profile(s[0]))
        )
        if kept and item.raw:
            out.append(replace(item, include=kept))
    return out


def spelled(items: Items) -> Items:
    """Restrictions without a form that holds however a command is spelled: they name an option by a glob."""

    def globbed(sequence: Sequence) -> bool:
        return any(isinstance(x, Glob) and x.text.startswith("-") for x in sequence[1:])

    kept = [(i, tuple(s for s in i.include if globbed(s))) for i in items if i.raw]
    return [replace(i, include=found) for i, found in kept if found]


def with_plain_options(side: Side, items: Items) -> Items:
    """Grants, also with options before their words that change nothing of what the command is."""

    def more(sequence: Sequence) -> tuple[Sequence, ...]:
        first = sequence[0]
        profile = side.profile(first) if isinstance(first, str) else None
        plain = not isinstance(first, str) or (profile is not None and bool(profile.plain))
        return ((first, MANY, *sequence[1:]),) if plain else ()

    return [replace(i, include=(*i.include, *(m for s in i.include for m in more(s)))) for i in items]


# the addresses of a name


def beside_names(side: Side) -> tuple[Items, ...]:
    """For each layer with a default, connections to addresses where it grants some name: same method, same port."""

    def moved(sequence: Sequence) -> tuple[Sequence, ...]:
        if sequence[2] != hosts.NAME:
            return ()
        return tuple((*sequence[:2], kind, MANY, hosts.PATH, MANY) for kind in (hosts.V4, hosts.V6))

    out: list[Items] = []
    for part in side.parts("connect"):
        if not part.guardrail:
            made = [(i, tuple(dict.fromkeys(m for s in i.include for m in moved(s)))) for i in part.granting()]
            out.append([replace(i, include=m, exclude=()) for i, m in made if m])
    return tuple(out)


def special() -> Items:
    """Connections to addresses that need a grant of their own."""
    sequences = [s for text in _SPECIAL for s in compile_pattern("host", f"[{text}]:*" if ":" in text else f"{text}:*")]
    return [Item(None, tuple(sequences), (), TRUE, True)]


def named(method: str, port: str) -> Item:
    """Every connection to a name with this method and port."""
    return Item(None, ((method, port, hosts.NAME, MANY, hosts.PATH, MANY),), (), TRUE, True)
