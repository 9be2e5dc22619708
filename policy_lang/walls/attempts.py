"""Attempts: what is tried inside before a command starts, made from the policy's rules and what the disk has.

Whatever the walls do, an attempt changes nothing: files are opened and not written to, a new one is removed again, a
file is renamed to the name that it has, a program is started with an environment that no kernel takes, and hosts are
asked of a proxy that connects to none.
"""

from __future__ import annotations

import os
import shutil
import stat
from itertools import islice

from ..automata.pattern import CONTROL
from ..domain.actions import ALLOW, ASK, DENY
from ..domain.limits import limit
from ..domain.record import record, replace
from ..engine.instances import connections, restricted
from ..facts.hosts import host_facts
from .git_index import is_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..domain.decision import RuleRef
    from ..domain.request import Request
    from .plan import Plan
    from .port import DecisionPort

_MOST = limit("walls_attempts")
_MOST_NAMES = limit("names_tried")
_OUTSIDE = ("/etc/shadow", "/root/.ssh", "/sys/kernel/notes")
_NOWHERE = "192.0.2.1"
"""An address of nobody's (RFC 5737): what is sent there in spite of the walls reaches no one."""


@record(frozen=True, slots=True)
class Attempt:
    """One thing to try inside, and whether it must work. `rules` are what says so.

    `what` is a path, a command's words, the name of a variable, the first line of a request for the proxy, or an
    address, to which `port` belongs. `how` is what the process inside is to do; `action` is whose rules it is about.
    """

    action: str
    how: str
    what: str | tuple[str, ...]
    works: bool
    rules: tuple[RuleRef, ...] = ()
    port: int = 0

    @property
    def shown(self) -> str:
        """What is tried, in words."""
        what = self.what if isinstance(self.what, str) else " ".join(self.what)
        return f"{self.how} `{what}{f':{self.port}' if self.how == 'socket' else ''}`"


@record(frozen=True, slots=True)
class WaysTried:
    """The ways out that can be tried: the port inside of the proxy, 0 for none, and forwarded ports."""

    proxy: int = 0
    forwarded: Sequence[int] = ()


def attempts(port: DecisionPort, plan: Plan, ways: WaysTried, variables: Mapping[str, str]) -> list[Attempt]:
    """For each rule one thing that must work and one that must fail, as far as there is one; and what never works.

    What people would be asked about is not tried.
    """
    found: dict[tuple[str, str, tuple[str, ...], bool], Attempt] = {}
    makers = (
        _hidden(port, plan), _reads(port, plan), _writes(port, plan), _deletions(port, plan), _programs(port, plan),
        _variables(port, variables), _connections(port, ways),
    )  # fmt: skip
    for made in makers:
        for one in made:
            found.setdefault((one.action, one.how, tuple(r.id for r in one.rules), one.works), one)
            if len(found) >= _MOST:
                break
    return [
        *found.values(),
        *(Attempt("read", "read", path, False) for path in _OUTSIDE if not plan.shows(path)),
        Attempt("write", "write", "/proc/1/mem", False),
        Attempt("connect", "socket", _NOWHERE, False, port=443),
    ]


def _said(port: DecisionPort, action: str, path: str) -> tuple[str, tuple[RuleRef, ...]]:
    places = port.places(action)
    verdict = places.verdict(places.at(path))
    return verdict.effect, verdict.rules


def _hidden(port: DecisionPort, plan: Plan) -> Iterator[Attempt]:
    for path in plan.paths("hide"):
        yield Attempt("read", "read", path, False, _said(port, "read", path)[1])


def _reads(port: DecisionPort, plan: Plan) -> Iterator[Attempt]:
    for path in _paths(port, plan, "read"):
        effect, rules = _said(port, "read", path)
        if effect != ASK and _is_file(path) and os.access(path, os.R_OK):
            yield Attempt("read", "read", path, effect == ALLOW, rules)


def _writes(port: DecisionPort, plan: Plan) -> Iterator[Attempt]:
    for path in _paths(port, plan, "write"):
        effect, rules = _said(port, "write", path)
        if effect == ASK or (effect == ALLOW and (plan.kind_of(path) != "write" or is_index(path))):
            continue  # an index of git is put in place by other means
        if _is_file(path):
            if effect == DENY or os.access(path, os.W_OK):
                yield Attempt("write", "write", path, effect == ALLOW, rules)
        elif not os.path.lexists(path) and (effect == DENY or _can_be_made_and_removed(port, path)):
            yield Attempt("write", "create", path, effect == ALLOW, rules)


def _can_be_made_and_removed(port: DecisionPort, path: str) -> bool:
    return _said(port, "delete", path)[0] == ALLOW and os.access(os.path.dirname(path), os.W_OK)


def _deletions(port: DecisionPort, plan: Plan) -> Iterator[Attempt]:
    """To give a file the name that it has needs what deleting, reading and writing it need, and changes nothing."""
    for path in _paths(port, plan, "delete"):
        effect, rules = _said(port, "delete", path)
        others = {_said(port, action, path)[0] for action in ("read", "write")}
        if effect == ASK or ASK in others or not _is_file(path):
            continue
        if effect == DENY or (others == {ALLOW} and plan.kind_of(path) == "write"):
            yield Attempt("delete", "rename", path, effect == ALLOW, rules)


def _paths(port: DecisionPort, plan: Plan, action: str) -> Iterator[str]:
    """Names in folders that are there inside: those that rules tell apart, and those that the disk has.

    Of folders that rules do not tell apart one is enough.
    """
    places = port.places(action)
    todo = [places.at(path) for path in plan.granted()]
    seen = set()
    left = _MOST_NAMES
    for folder in todo:
        if not os.path.isdir(folder.path):
            yield folder.path
            continue
        for name in dict.fromkeys((*places.names_in(folder), *_entries(folder.path))):
            left -= 1
            child = places.child(folder, name)
            if left < 0:
                return
            if plan.kind_of(child.path) not in {"read", "write", "hide"} or child.path in plan.protected:
                continue
            if not os.path.isdir(child.path):
                yield child.path
            elif child.states not in seen and not os.path.islink(child.path):
                seen.add(child.states)
                todo.append(child)


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _entries(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _programs(port: DecisionPort, plan: Plan) -> Iterator[Attempt]:
    """Commands that rules restrict, of programs that are there inside; and each program by itself."""
    folders = [folder for folder in os.get_exec_path() if plan.shows(os.path.realpath(folder))]
    for words in islice(restricted(port.policy.engine.evaluator, "run"), _MOST):
        found = shutil.which(words[0], path=os.pathsep.join(folders)) if "/" not in words[0] else None
        program = os.path.realpath(found or "/")
        if not plan.shows(program) or any(CONTROL in word for word in words):
            continue
        for command in ((program, *words[1:]), (program,)):
            like = replace(port.like, action="run", resource=command)
            decision = port.policy.engine.restricting(port.policy.timed(like))
            if decision.effect != ASK:
                yield Attempt("run", "start", command, decision.effect == ALLOW, decision.rules)


def _variables(port: DecisionPort, variables: Mapping[str, str]) -> Iterator[Attempt]:
    """Variables of who starts it that are not granted. Those that are come with the command, which is not there yet."""
    for name in sorted(variables):
        found = port.policy.engine.decide(_request(port, "use", name))
        if found.effect == DENY and port.policy.engine.decide(_request(port, "setenv", name)).effect == DENY:
            yield Attempt("use", "variable", name, False, found.rules)


def _connections(port: DecisionPort, ways: WaysTried) -> Iterator[Attempt]:
    """Hosts by the proxy, as rules say; and none without it: a name is not looked up for that, its port tried."""
    for number in ways.forwarded:
        found = port.policy.engine.decide(port.local(number))
        if found.effect != ASK:
            yield Attempt("connect", "tunnel", "127.0.0.1", found.effect == ALLOW, found.rules, number)
    if not ways.proxy:
        return
    for url, method in (*islice(connections(port.policy.engine.evaluator), _MOST), ("https://notes.invalid:443", None)):
        found = port.policy.engine.decide(replace(_request(port, "connect", url), method=method))
        if found.effect == ASK:
            continue
        line = f"{method} {url}" if method else f"CONNECT {url.removeprefix('https://')}"
        yield Attempt("connect", "proxy", line, found.effect == ALLOW, found.rules, ways.proxy)
        facts = host_facts(url)
        address = _NOWHERE if isinstance(facts.host, str) else str(facts.host)
        if isinstance(facts.host, str) or not facts.host.is_loopback:
            yield Attempt("connect", "socket", address, False, found.rules, facts.port)


def _request(port: DecisionPort, action: str, resource: str) -> Request:
    return port.policy.timed(replace(port.like, action=action, resource=resource))
