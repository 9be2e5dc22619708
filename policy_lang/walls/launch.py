"""One start behind walls, from a policy and options to a design: the plan, the losses, and what is built of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from ..domain.record import field, record
from ..pep.deciders import WALLS_SOCKET
from . import kernel, landlock, mounts, syscalls
from .box import Design, WallsError
from .hooks import InstalledHook, installed_hooks
from .losses import NOT_HELD, STRICTER_CODES, Loss, losses
from .other_names import with_other_names
from .own_paths import OwnPaths
from .plan import SYSTEM, SYSTEM_FILES, Plan, Survey
from .protected import managed_places, programs, protected_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .port import DecisionPort

_LINUX = (5, 19)
"""The first that lets a call wait for its answer whatever signals come (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)."""
CODES = ("words", "remote", "late-reads", "letters", "namespaces", "git-credentials")
"""What may not be held, so that it has to be accepted."""
_LOADERS = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT")
"""Variables that name code which the launcher itself, outside, has loaded by now (ld.so(8), python(1))."""


@record(frozen=True, slots=True)
class StartOptions:
    """What a start is given besides the policy.

    `sources` are the policy's files, `system` further folders of programs, `accepted` codes of losses.
    With `intercept` TLS ends in the proxy, but for `pinned` hosts.
    """

    variables: Mapping[str, str]
    sources: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    accepted: frozenset[str] = field(default_factory=frozenset)
    reads: bool = False
    network: bool = False
    log: str = ""
    intercept: bool = False
    pinned: tuple[str, ...] = ()


@record(frozen=True, slots=True)
class Start:
    """What would be built, and what of the policy it does not hold."""

    plan: Plan
    losses: tuple[Loss, ...]
    abi: int
    bubblewrap: str | None
    reads: bool
    network: bool
    hooks: tuple[InstalledHook, ...] = ()
    intercepts: bool = False

    def not_accepted(self, accepted: frozenset[str]) -> list[Loss]:
        """The losses that keep it from being started."""
        return [loss for loss in self.losses if loss.held == NOT_HELD and loss.code not in accepted]


def prepared(port: DecisionPort, options: StartOptions, planning: bool = False) -> Start:
    """What would be built. Raises WallsError where no wall can be, SearchLimitError for a plan that is too large.

    Whether bubblewrap works is tried where that changes something: it costs a start of it.
    """
    system = os.uname()
    if system.machine != "x86_64" or system.sysname != "Linux":
        raise WallsError("the filter of system calls is written for Linux on x86-64 alone")
    if tuple(map(int, re.findall(r"\d+", system.release)[:2])) < _LINUX:
        raise WallsError(f"the kernel is Linux {system.release}; calls that are answered need 5.19 or newer")
    refused = kernel.what_is_refused()
    if refused:
        raise WallsError(f"the container, or what else runs this, refuses `{refused}`, which the supervisor needs")
    like = port.like
    assert like.workspace is not None
    assert like.home is not None
    version = landlock.abi()
    if version == 0:
        raise WallsError("the kernel has no Landlock (Linux 5.13 or newer, `lsm=...,landlock`)")
    program = mounts.bubblewrap()
    tried = program is not None and (planning or "namespaces" in options.accepted)
    bubblewrap = None if program is None or (tried and mounts.why_not(program)) else program
    logs = (options.log,) if options.log else ()
    protected = protected_paths(like.workspace, like.home, options.sources, logs)
    folders = (*programs(), *managed_places(), *options.system)
    _apart_from_programs(like.workspace, like.home, folders)
    reads = options.reads or bubblewrap is None
    plan = Survey(port, protected, folders, hides=bubblewrap is not None, asks=reads).plan()
    if bubblewrap is not None:
        plan = with_other_names(plan)
    without = frozenset() if planning else options.accepted | STRICTER_CODES
    sees = options.intercept and not options.pinned
    found = losses(port, plan, options.network, reads, bubblewrap is not None, without, options.intercept, sees)
    hooks = installed_hooks(plan, private=bubblewrap is not None)
    return Start(plan, tuple(found), version, bubblewrap, reads, options.network, hooks, options.intercept)


def _apart_from_programs(workspace: str, home: str, folders: Iterable[str]) -> None:
    """Raises WallsError where every program would read the workspace or the home, whatever the policy says."""
    for what, path, system in (("workspace", workspace, folders), ("home", home, (*SYSTEM, *folders))):
        for folder in system:
            if f"{path}/".startswith(f"{os.path.realpath(folder)}/"):
                raise WallsError(
                    f"the {what} lies in `{folder}`, a folder of programs, which everything inside may read"
                )


def designed(
    start: Start, options: StartOptions, ports: Iterable[int] = (), texts: Mapping[str, str] | None = None
) -> Design:
    """The design of a start: `ports` of the loopback inside are the launcher's, which gives 0 a number of its own.

    `texts` are what files hold there instead of their own.

    Without bubblewrap there is no network of its own inside, and they are ports of this machine.
    """
    plan = start.plan
    ports = tuple(ports)
    listen: list[int | str] = [os.path.basename(WALLS_SOCKET), *ports] if start.bubblewrap is not None else []
    own_paths = OwnPaths(
        protected=plan.protected,
        private=frozenset(plan.paths("private")) if start.bubblewrap is not None else frozenset(),
        shared=frozenset(plan.paths("read", "write", "hide", "hide-folder")),
        writable=plan.paths("write"),
        system=plan.system,
        closed=start.bubblewrap is not None,
        ports=frozenset(ports),
    )
    shown = [p for p in plan.paths("read", "write") if start.bubblewrap is not None or _is_system(p, options)]
    own = ("/proc", "/run", *plan.paths("private")) if start.bubblewrap is not None else ("/proc",)
    rules = landlock.ruleset(start.abi, [*shown, *own], no_network=start.bubblewrap is None and not ports)
    program = syscalls.program(reads=start.reads, alone=start.bubblewrap is not None)
    shown_texts = {path: text for hook in start.hooks for path, text in hook.texts.items()} | dict(texts or {})
    return Design(plan, own_paths, program, rules, start.bubblewrap, listen, shown_texts)


def _is_system(path: str, options: StartOptions) -> bool:
    return path in {*SYSTEM, *SYSTEM_FILES, *programs(), *options.system}


def observing(port: DecisionPort) -> Design:
    """The design where the policy is only observed: every call is decided and recorded, and nothing is walled off."""
    own_paths = OwnPaths(system=frozenset((*SYSTEM, *SYSTEM_FILES, *programs())), observed=True)
    return Design(_nothing(port), own_paths, syscalls.program(reads=True, refuses=False), None, None)


def _nothing(port: DecisionPort) -> Plan:
    return Plan(str(port.like.workspace), str(port.like.home), ())


def poisoned(variables: Mapping[str, str], port: DecisionPort) -> str:
    """A variable by which the launcher itself has loaded what the agent may write; empty when there is none."""
    for name in _LOADERS:
        for place in variables.get(name, "").replace(" ", ":").split(":"):
            if place and _is_changeable(os.path.abspath(place), port):
                return f"`{name}` names `{place}`, which the agent may write, and the launcher has loaded it"
    return ""


def _is_changeable(path: str, port: DecisionPort) -> bool:
    below: Iterable[str] = (path, os.path.join(path, "sitecustomize.py"), os.path.join(path, "policy_lang/__init__.py"))
    return any(port.path("write", p).allowed for p in below)
