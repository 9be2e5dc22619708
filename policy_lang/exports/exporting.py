"""One export: a policy and its disk, written for a sandbox, with the losses."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable, Mapping

from ..automata.pattern import quoted
from ..domain.actions import ALLOW
from ..domain.record import record, replace
from ..walls.environment import is_harmless
from ..walls.losses import NOT_HELD, Loss, methods, remote, words
from .comparing import Compared, ExportComparison
from .model import ExportError
from .survey import DiskSurvey, Surveyed
from .target import Task, Written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.request import Request
    from ..engine.pdp import Engine
    from ..ir.model import PolicySet
    from ..policy import Policy
    from .target import ExportTarget, ServerTarget

NAMES = ("bubblewrap", "codex", "docker", "kubernetes", "srt")
"""What can be written for; each is a module."""
COMPARED = ("read", "write", "delete", "connect", "use")
"""Actions of which a sandbox holds something; commands and what others do on the agent's word are never held."""
CODES = ("reads", "writes", "deletes", "hosts", "variables", "system-reads", "words", "remote")
"""What may not be held, so that it has to be accepted."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REMEDIES = {
    "reads": "grant reading folder by folder, or keep such files elsewhere; without `--widen` each file is listed",
    "writes": "grant writing folder by folder; without `--widen` only files are writable of which this cannot be said",
    "deletes": "grant deleting where writing is granted",
    "hosts": "give `--proxy`, with which `policy proxy` decides each connection",
    "variables": "start it with an environment that has none of these",
    "system-reads": "keep such files out of the system's folders",
    "fewer-reads": "give `--widen`, or grant folders as wholes",
    "fewer-writes": "give `--widen`, or grant folders as wholes, for reading and deleting as well",
    "fewer-deletes": "give `--widen`, or grant folders as wholes",
    "fewer-hosts": "give `--proxy`, with which `policy proxy` decides each connection",
    "fewer-variables": "name the variable in the policy, or have it in the environment of the export",
}


@record(frozen=True, slots=True)
class Export:
    """What was written, and what of the policy it does not hold: of its rules `about` these."""

    target: ExportTarget | ServerTarget
    written: Written
    losses: tuple[Loss, ...]
    compared: Compared
    about: str = "files, hosts and variables"

    def not_accepted(self, accepted: frozenset[str]) -> list[Loss]:
        """The losses that keep it from being used."""
        return [loss for loss in self.losses if loss.held == NOT_HELD and loss.code not in accepted]


@record(frozen=True, slots=True)
class _Subject:
    """A policy and the agent's requests, as losses of commands and servers are looked for."""

    policy: Policy
    like: Request


def target_named(name: str) -> ExportTarget:
    """The target of that name."""
    assert name in NAMES
    found: ExportTarget = importlib.import_module(f".{name}", __package__).TARGET
    return found


def exported(
    target: ExportTarget,
    policy: Policy,
    like: Request,
    variables: Mapping[str, str],
    *,
    heading: tuple[str, ...] = (),
    further: Iterable[str] = (),
    proxy: str = "",
    widen: bool = False,
) -> Export:
    """A policy, written for a target. Raises ExportError, SearchLimitError.

    `like` says for whom and where; `variables` are the environment's, `further` more folders of programs.
    """
    further = tuple(further)
    _no_controls(like, proxy)
    _apart(like, (*target.system, *further))
    like = replace(like, lexical=True, confined=False)
    comparison = ExportComparison(policy, like)
    engine, standing = comparison.at_any_time(COMPARED)
    surveyed = Surveyed((), ())
    if target.files:
        surveyed = DiskSurvey(engine, like, widen, (*target.system, *further), target.empty).surveyed()
    granted = _variables(engine, standing, like, variables)
    harmless = tuple(sorted(n for n in variables if is_harmless(n)))
    task = Task(heading, comparison, like, engine, standing, surveyed, proxy, (*harmless, *granted), granted, widen)
    written = target.write(task)
    actions = [a for a in COMPARED if a != "connect" or written.model.hosts is not None]
    compared = comparison.compared(written.model, actions)
    subject = _Subject(policy, like)
    further_losses = (words(subject), remote(subject, written.network), methods(subject, written.model.hosts is None))
    losses = (*compared.losses, *(loss for loss in further_losses if loss is not None))
    remedies = _REMEDIES | target.remedies
    return Export(
        target, written, tuple(replace(loss, remedy=loss.remedy or remedies[loss.code]) for loss in losses), compared
    )


def _no_controls(like: Request, proxy: str) -> None:
    for text in (like.workspace or "", like.home or "", proxy):
        if not text.isprintable():
            raise ExportError("a folder, or the proxy's address, has characters that no settings can hold")


def _apart(like: Request, system: Iterable[str]) -> None:
    for what, path in (("workspace", like.workspace), ("home", like.home)):
        for folder in system:
            if f"{path}/".startswith(f"{os.path.realpath(folder)}/"):
                raise ExportError(
                    f"the {what} lies in `{folder}`, a folder of programs, which every program there reads"
                )


def _variables(engine: Engine, policy: PolicySet, like: Request, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Names of variables that rules grant: those they spell out, and those of the environment."""
    literal = {
        ".".join(str(label) for label in sequence)
        for layer in policy.layers
        for rule in layer.rules
        if "use" in rule.actions
        for pattern in rule.include
        for sequence in pattern.sequences
    }
    names = sorted(n for n in {*literal, *variables} if _VARIABLE.fullmatch(n) and not is_harmless(n))
    return tuple(
        n for n in names if engine.decide(replace(like, action="use", resource=n)).effect == ALLOW and quoted(n) == n
    )
