"""Verdicts on commands: read to what they do, each act decided, the strictest wins."""

from __future__ import annotations

from ..domain.actions import COMMAND
from ..domain.decision import Effect, Verdict
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.request import Request
from ..facts.commands import argv_word
from ..ir.patterns import compile_pattern
from ..shell.acts import NO_REPOSITORY, Act, GitContext
from ..shell.analyse import argv_acts, pattern_acts, read_acts
from .effects import act_effect
from .engine import MOST_PARTS, Engine, small
from .partly import pattern_verdict
from .table import Table
from .verdicts import Environment

Found = tuple[Verdict, tuple[Effect, ...], tuple[str, ...]]


def command(engine: Engine, request: Request, env: Environment) -> Found:
    """The verdict on a command, its effects, and why it could not be read."""
    parts = tuple(act_effect(engine, act, request, env) for act in acts(engine, request))
    opaque = tuple(dict.fromkeys(p.opaque for p in parts if p.opaque))
    verdict = engine.strictest(tuple(p.verdict for p in parts))
    if len(parts) > 1 and verdict.effect == "deny":
        verdict = Verdict("deny", (), verdict.rules, _told(parts))
    return verdict, parts, opaque


def acts(engine: Engine, request: Request) -> tuple[Act, ...]:
    """What a command does. Raises RequestError for what is not a command at all."""
    resource = request.resource
    place = _place(request)
    key = (resource, request.shell, place)
    found = engine.read.get(key)
    if found is None:
        if isinstance(resource, (tuple, list)):
            argv_word(resource, request.cwd, request.workspace)  # refuses malformed words
            found = tuple(argv_acts(tuple(resource), engine.profiles, place))
        elif request.shell == "argv":
            raise RequestError("PLR052", "with the shell `argv` a command is an array of words")
        else:
            found = tuple(read_acts(resource, request.shell, engine.profiles, place))
        if len(engine.read) >= limit("answers"):
            engine.read = {}
        if small(resource) and len(found) <= MOST_PARTS:
            engine.read[key] = found
    return found


def command_pattern(engine: Engine, request: Request, table: Table, env: Environment) -> Found:
    """A command that is only partly known, with what it may do besides."""
    verdict = pattern_verdict(engine, request, table, COMMAND, env)
    parts = [Effect("run", str(request.resource), verdict)]
    for sequence in compile_pattern(COMMAND, str(request.resource)):
        if isinstance(sequence[0], str):
            acts = pattern_acts(sequence, engine.profiles, _place(request))
            parts += [act_effect(engine, a, request, env) for a in acts if a.opaque or a.action != "run"]
    return engine.strictest(tuple(p.verdict for p in parts)), tuple(parts), ()


def _told(parts: tuple[Effect, ...]) -> tuple[str, ...]:
    """The reasons of a denial, each with the effect that it is about."""
    out: dict[str, None] = {}
    for part in parts:
        if part.verdict.effect == "deny":
            shown = part.resource if isinstance(part.resource, str) else " ".join(part.resource)
            short = shown if len(shown) <= 60 else f"{shown[:59]}…"
            what = f"{part.action} `{short}`: " if short else ""
            out.update(dict.fromkeys(f"{what}{reason}" for reason in part.verdict.reasons))
    return tuple(out)


def _place(request: Request) -> GitContext:
    git = request.git
    if not git:
        return NO_REPOSITORY if request.branch is None else GitContext(branch=request.branch)
    remotes = git.get("remotes")
    listed = tuple(sorted((str(k), str(v)) for k, v in remotes.items())) if isinstance(remotes, dict) else ()
    default = git.get("push_default")
    return GitContext(request.branch, listed, default if isinstance(default, str) else "")
