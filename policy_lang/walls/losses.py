"""Losses: what the walls do not enforce to the letter, but more strictly or not at all, with a request that shows it.

The engine confirms every witness: it denies, or asks about, what goes through the walls.
"""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import chain, islice

from ..domain.actions import ALLOW, ASK, DENY, SORT_OF
from ..domain.conditions import DESTINATION, atoms
from ..domain.limits import limit
from ..domain.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol

    from ..domain.decision import RuleRef
    from ..domain.request import Request, Resource
    from ..policy import Policy
    from .plan import Plan
    from .port import DecisionPort

    class Subject(Protocol):
        """A policy, and what all requests of the one whom it is about are like."""

        @property
        def policy(self) -> Policy:
            """The policy."""

        @property
        def like(self) -> Request:
            """What their requests are like."""


NOT_HELD, STRICTER = "not held", "held more strictly"
STRICTER_CODES = frozenset({"asked-reads", "not-kept", "methods", "credentials"})
"""The losses that keep nothing from being started."""
_UNLIKE_ALLOW = frozenset({ASK, DENY})
_A_FEW = 8
"""Names of a folder that are tried in other letters: one with letters is enough."""
_COMMANDS = (
    "git push --force", "sudo id", "curl https://example.com/", "rm -rf build", "npm publish", "ssh example.com",
    "an-unknown-program",
)  # fmt: skip
"""Commands that policies speak of most, and one that none does."""
_REMOTE = (
    ("force-push", "main"), ("push", "main"), ("push", "refs/tags/v1"), ("delete-ref", "main"), ("merge", "main"),
    ("call", "mcp__server__tool"), ("do", "sandbox.leave"),
)  # fmt: skip
"""What other programs do for the agent on its word, outside."""
_MOST_ASKED = limit("walls_attempts")
_REMOTE_ACTIONS = tuple(dict.fromkeys(action for action, _ in _REMOTE))


@record(frozen=True, slots=True)
class Loss:
    """One thing that is held in another way than the policy says. `remedy` is what to do about it.

    `rule` is what says otherwise of the witness, where one does.
    """

    code: str
    held: str
    about: str
    remedy: str
    witness: Request | None = None
    rule: RuleRef | None = None


def losses(
    port: DecisionPort,
    plan: Plan,
    network: bool,
    reads: bool,
    bubblewrap: bool,
    without: frozenset[str] = frozenset(),
    intercepts: bool = False,
    sees_all: bool = False,
) -> list[Loss]:
    """All losses of a plan but those `without` codes, which are not looked for.

    `network` says that a proxy leads out, `reads` that all opens are decided, `intercepts` that TLS ends in the proxy,
    `sees_all` that it does for every host.
    """
    makers: dict[str, Callable[[], Loss | None]] = {
        "words": lambda: words(port),
        "remote": lambda: remote(port, network),
        "methods": lambda: None if sees_all else methods(port, network),
        "credentials": lambda: None if intercepts else _stay_outside(port),
        "late-reads": lambda: None if reads else _late(port, plan),
        "letters": lambda: _letters(plan),
        "namespaces": lambda: None if bubblewrap else _bare(port),
        "not-kept": lambda: _not_kept(port, plan) if bubblewrap else None,
        "asked-reads": lambda: _asked(port, plan, reads),
        "git-credentials": lambda: _credentials(port, plan),
    }
    return [found for code, make in makers.items() if code not in without and (found := make()) is not None]


def _request(port: Subject, action: str, resource: Resource) -> Request:
    return replace(port.like, action=action, resource=resource)


def _restricted(port: Subject, action: str) -> Iterable[Resource]:
    from ..engine.instances import restricted

    return restricted(port.policy.engine.evaluator, action)


def _first(port: Subject, asked: Iterator[Request]) -> Request | None:
    """The first request that the policy does not allow."""
    return next((r for r in islice(asked, _MOST_ASKED) if port.policy.decide_request(r).effect != ALLOW), None)


def words(port: Subject) -> Loss | None:
    """The words of commands: another thread may change them after they were read (seccomp_unotify(2))."""
    commands = chain((tuple(c.split()) for c in _COMMANDS), _restricted(port, "run"))
    found = _first(port, (_request(port, "run", words) for words in commands))
    if found is None:
        return None
    return Loss(
        "words",
        NOT_HELD,
        "programs inside start others without asking for a grant, and what denies or asks about words stops only "
        "those that take no pains to hide them; what a command does to files and to the network is held",
        "deny what the command would reach: files, hosts",
        found,
    )


def remote(port: Subject, network: bool) -> Loss | None:
    """What is done outside on the agent's word: a server's refs, tools of servers."""
    if not network:
        return None
    more = ((a, r) for a in _REMOTE_ACTIONS for r in _restricted(port, a))
    found = _first(port, (_request(port, action, resource) for action, resource in chain(_REMOTE, more)))
    if found is None:
        return None
    return Loss(
        "remote",
        NOT_HELD,
        "what a server does on the agent's word is not seen in the connection: pushed refs, called tools",
        "protect branches and scopes of tokens at the server; the hook decides the command's words",
        found,
    )


def methods(port: Subject, network: bool) -> Loss | None:
    """Methods and paths of https, which the proxy does not see: a tunnel is a connection without them."""
    table = port.policy.engine.evaluator.table("connect")
    if not network or not (table.has_methods or table.has_paths):
        return None
    return Loss(
        "methods",
        STRICTER,
        "the proxy sees no method and no path of https, so a grant that names one does not reach it",
        'grant the host as a whole (`allow connect "host"`) where its programs are to get through',
    )


def _stay_outside(port: DecisionPort) -> Loss | None:
    """Credentials for some hosts only: nobody puts them in where TLS does not end in the proxy."""
    if not any(a.subject == DESTINATION for f in port.policy.engine.prepared.conditions for a in atoms(f)):
        return None
    return Loss(
        "credentials",
        STRICTER,
        "credentials that go to some hosts alone (`use ... for`) go nowhere: nobody adds them to what is sent",
        "give `--intercept`, with mitmproxy installed",
    )


def _late(port: DecisionPort, plan: Plan) -> Loss | None:
    """A name that may not be read, of a file that is not there yet: covers lie on what exists."""
    places = port.places("read")
    for folder in plan.granted():
        for name in places.names_below(places.at(folder), _UNLIKE_ALLOW):
            if (
                not os.path.lexists(name.path)
                and os.path.isdir(os.path.dirname(name.path))
                and plan.shows(os.path.dirname(name.path))
            ):
                return _late_read(_request(port, "read", name.path))
    return _late_read(None) if port.policy.engine.timed and plan.granted() else None


def _late_read(witness: Request | None) -> Loss:
    return Loss(
        "late-reads",
        NOT_HELD,
        "a file that somebody outside makes, or puts in the place of a hidden one, while the command runs can be read "
        "inside, whatever its name, and what may be read only at times is read at any; the agent itself can make no "
        "file of a name that it may not write",
        "give `--supervise-reads`, which decides every open and costs time",
        witness,
    )


def _letters(plan: Plan) -> Loss | None:
    """A file system that takes names in other letters for the same; paths are decided as they are spelled."""
    for path in (*plan.paths("write"), plan.workspace):
        other = os.path.join(os.path.dirname(path), os.path.basename(path).swapcase())
        for one, swapped in ((path, other), *_swapped_below(path)):
            with suppress(OSError):
                if one != swapped and os.path.samefile(one, swapped):
                    return Loss(
                        "letters",
                        NOT_HELD,
                        f"`{swapped}` is `{one}` on this file system, and a rule about one name says nothing of the "
                        "other",
                        "work on a file system that tells capital letters from small ones",
                    )
    return None


def _swapped_below(folder: str) -> Iterator[tuple[str, str]]:
    """A few paths in a folder, and the same in other letters."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in islice(entries, _A_FEW):
            yield entry.path, os.path.join(folder, entry.name.swapcase())


def _bare(port: DecisionPort) -> Loss:
    """Without bubblewrap: what namespaces alone hold."""
    return Loss(
        "namespaces",
        NOT_HELD,
        "without bubblewrap names, sizes, attributes and links of all files can be seen, and the machine's processes "
        "and interfaces, and `/tmp` is the machine's; reading, writing, running and connecting are decided all the "
        "same",
        "install bubblewrap (the package `bubblewrap`)",
        _first(port, iter([_request(port, "read", "/proc/1/environ"), _request(port, "read", "/etc/shadow")])),
    )


def _asked(port: DecisionPort, plan: Plan, reads: bool) -> Loss | None:
    """Reads that people would be asked about: covers are laid before anybody can be asked."""
    if reads:
        return None
    places = port.places("read")
    found = next(iter(places.names_below(places.at(plan.workspace), frozenset({ASK}))), None)
    if found is None:
        return None
    return Loss(
        "asked-reads",
        STRICTER,
        "what people are to be asked about before it is read cannot be read inside",
        "give `--supervise-reads`, with which they are asked",
        _request(port, "read", found.path),
    )


def _not_kept(port: DecisionPort, plan: Plan) -> Loss | None:
    """What may be written in the home, and is not of the real one: it is gone with the private one."""
    places = port.places("write")
    for folder in (plan.home, plan.workspace):
        for name in places.names_below(places.at(folder), frozenset({ALLOW})):
            if plan.kind_of(name.path) == "private" and name.path not in plan.protected:
                return Loss(
                    "not-kept",
                    STRICTER,
                    "what is written there is gone at the end: of the real home there is only what was there at the "
                    "start and may be read",
                    "make the folder before, and let it be read",
                    _request(port, "write", name.path),
                )
    return None


def _credentials(port: DecisionPort, plan: Plan) -> Loss | None:
    """A password in git's configuration, which git must read inside, and so can everything else."""
    path = os.path.join(plan.workspace, ".git/config")
    if not plan.shows(path):
        return None
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            text = stream.read(1 << 18)
    except OSError:
        return None
    for line in text.lower().splitlines():
        key, equals, value = (part.strip() for part in line.partition("="))
        password = "://" in value and ":" in value.partition("://")[2].rpartition("@")[0]
        if equals and (password or key == "extraheader"):
            return Loss(
                "git-credentials",
                NOT_HELD,
                f"`{path}` holds a password or a header with one, and git reads it inside, so everything can",
                "keep it with a credential helper, outside",
                replace(_request(port, "read", path), confined=False),
            )
    return None


def says(request: Request) -> str:
    """A request in one line, for people."""
    resource = request.resource if isinstance(request.resource, str) else " ".join(request.resource)
    return f"{request.action} `{resource}`" if request.action in SORT_OF else resource
