"""Verification: the walls are tried with requests from the policy's rules, and must do what the policy says."""

from __future__ import annotations

import errno
import os
from errno import errorcode

from ..domain.actions import ALLOW
from ..domain.limits import limit
from ..domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .box import Box
    from .plan import Plan
    from .port import DecisionPort

_EVERY = frozenset({"allow", "ask", "deny"})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENETUNREACH, errno.ECONNREFUSED})
"""How the kernel and the supervisor refuse; what is not there inside cannot be had either."""
_MOST = limit("walls_attempts")
_OUTSIDE = ("/etc/shadow", "/root/.ssh", "/sys/kernel/notes")


@record(frozen=True, slots=True)
class Attempt:
    """One thing to try inside, and whether it must work. `rules` are what says so."""

    action: str
    path: str
    works: bool
    rules: tuple[str, ...] = ()
    port: int = 0


@record(frozen=True, slots=True)
class Tried:
    """An attempt, and what became of it: 0, or an error's number."""

    attempt: Attempt
    error: int

    @property
    def as_planned(self) -> bool:
        """Whether it went as the policy says."""
        return self.error == 0 if self.attempt.works else self.error in _REFUSED

    @property
    def shown(self) -> str:
        """What became of it, in words."""
        return "it worked" if self.error == 0 else errorcode.get(self.error, str(self.error))


def attempts(port: DecisionPort, plan: Plan) -> list[Attempt]:
    """For each rule about files one thing that must work or fail, as far as the disk has it; and the network."""
    found: dict[tuple[str, tuple[str, ...], bool], Attempt] = {}
    for one in (*_hidden(port, plan), *_reads(port, plan), *_writes(port, plan)):
        found.setdefault((one.action, one.rules, one.works), one)
        if len(found) >= _MOST:
            break
    fixed = [Attempt("read", path, False) for path in _OUTSIDE if not plan.shows(path)]
    return [
        *found.values(),
        *fixed,
        Attempt("connect", "192.0.2.1", False, port=443),
        Attempt("write", "/proc/1/mem", False),
    ]


def _rules(port: DecisionPort, action: str, path: str) -> tuple[tuple[str, ...], bool]:
    places = port.places(action)
    verdict = places.verdict(places.at(path))
    return tuple(r.id for r in verdict.rules), verdict.effect == ALLOW


def _hidden(port: DecisionPort, plan: Plan) -> Iterator[Attempt]:
    for path in plan.paths("hide"):
        yield Attempt("read", path, False, _rules(port, "read", path)[0])


def _reads(port: DecisionPort, plan: Plan) -> Iterator[Attempt]:
    for folder in plan.granted():
        for path in (folder, *_entries(folder)):
            rules, allowed = _rules(port, "read", path)
            if os.path.isfile(path) and not os.path.islink(path) and os.access(path, os.R_OK):
                yield Attempt("read", path, allowed, rules)


def _writes(port: DecisionPort, plan: Plan) -> Iterator[Attempt]:
    places = port.places("write")
    for folder in plan.granted():
        if not os.path.isdir(folder):
            continue
        for name in places.names_below(places.at(folder), _EVERY):
            above = os.path.dirname(name.path)
            if os.path.lexists(name.path) or not os.path.isdir(above) or not plan.shows(above):
                continue
            rules, allowed = _rules(port, "write", name.path)
            if not allowed:
                yield Attempt("create", name.path, False, rules)
            elif _rules(port, "delete", name.path)[1] and folder in plan.paths("write") and os.access(above, os.W_OK):
                yield Attempt("create", name.path, True, rules)


def _entries(folder: str) -> list[str]:
    try:
        return sorted(os.path.join(folder, name) for name in os.listdir(folder))
    except OSError:
        return []


def verified(box: Box, port: DecisionPort, plan: Plan) -> list[Tried]:
    """What became of every attempt. Raises WallsError when the process inside is gone."""
    wanted = attempts(port, plan)
    errors = box.attempt([[a.action, a.path, *([a.port] if a.port else [])] for a in wanted])
    return [Tried(a, error) for a, error in zip(wanted, errors, strict=True)]
