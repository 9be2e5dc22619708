"""Verdicts on commands: read to what they do, each act decided, the strictest wins."""

from __future__ import annotations

import os
from functools import partial
from itertools import islice
from operator import attrgetter

from ..domain.actions import COMMAND, DENY
from ..domain.decision import Effect, Verdict
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.record import replace
from ..domain.request import Request
from ..facts.commands import argv_word
from ..ir.patterns import compile_pattern
from ..shell.acts import NO_REPOSITORY, Act, GitContext
from ..shell.analyse import argv_acts, pattern_acts, read_acts
from .combine import Environment
from .effects import act_effect
from .evaluator import Evaluator
from .memo import MOST_PARTS, is_small
from .partial import pattern_verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

Files = tuple[tuple[str, str], ...]
_UNREAD, _OPAQUE, _VERDICT = attrgetter("unread"), attrgetter("opaque"), attrgetter("verdict")
Found = tuple[Verdict, tuple[Effect, ...], tuple[str, ...], Files | None]
"""A verdict, the effects behind it, why commands could not be read; files whose code was followed, None for no look."""
_MOST_REASONS = limit("decision_reasons")
INNER = ("rg", "apply_patch")
"""Programs whose work clients do themselves, in tools of their own."""


def command_verdict(evaluator: Evaluator, request: Request, env: Environment) -> Found:
    """The verdict on a command, its effects, and why it could not be read."""
    found = _pattern(evaluator, request, env) if request.pattern else _command(evaluator, request, env)
    return _inner(evaluator, request, found) if request.inner else found


def _command(evaluator: Evaluator, request: Request, env: Environment) -> Found:
    parts: list[Effect] = []
    project = None
    if not request.lexical and request.workspace is not None:
        from .project import Project

        repository = _git_context(request)
        readings = partial(_readings, evaluator, request, repository)
        project = Project(request, evaluator.profiles, repository, readings)
    for act in acts(evaluator, request):
        parts.append(act_effect(evaluator, act, request, env))
        for inner in project.followed(act) if project is not None else ():
            parts.append(act_effect(evaluator, inner, request, env))
    opaque = tuple(dict.fromkeys(filter(None, map(_OPAQUE, parts))))
    verdict = evaluator.strictest(map(_VERDICT, parts))
    if len(parts) > 1 and verdict.effect == DENY:
        verdict = Verdict(DENY, (), verdict.rules, _denial_reasons(parts))
    files = tuple(project.files.items()) if project is not None and project.looked else None
    return verdict, tuple(parts), opaque, files


def acts(evaluator: Evaluator, request: Request) -> tuple[Act, ...]:
    """What a command does. Raises RequestError for what is not a command at all."""
    resource = request.resource
    repository = _git_context(request, isinstance(resource, str) and "--show-toplevel" in resource)
    key = (resource, request.shell, repository)
    found: tuple[Act, ...] | None = evaluator.scripts.get(key)
    if found is None:
        if isinstance(resource, (tuple, list)):
            argv_word(resource, request.cwd, request.workspace)  # refuses malformed words
            found = tuple(argv_acts(tuple(resource), evaluator.profiles, repository))
        elif request.shell == "argv":
            raise RequestError("PLR052", "with the shell `argv` a command is an array of words")
        else:
            found = tuple(read_acts(resource, request.shell, evaluator.profiles, repository))
        if is_small(resource) and len(found) <= MOST_PARTS:
            evaluator.scripts.keep(key, found)
    if any(map(_UNREAD, found)):
        return _with_readings(evaluator, request, found, (*key, request.workspace, request.cwd))
    return found


def _with_readings(evaluator: Evaluator, request: Request, acts: tuple[Act, ...], key: object) -> tuple[Act, ...]:
    """Acts with what the words of some commands may mean that no profile explains."""
    trusting = bool(evaluator.prepared.trusts)  # then the links on the disk decide as well, and nothing is kept
    found: tuple[Act, ...] | None = None if trusting else evaluator.scripts.get(key)
    if found is not None:
        return found
    repository = _git_context(request)
    if trusting:
        from .trust import by_name

        acts = tuple(a for act in acts for a in by_name(evaluator, act, request, repository))
    made = list(acts)
    for act in acts:
        if act.unread is not None:
            made += _readings(evaluator, request, repository, act)
    found = tuple(made)
    if not trusting and is_small(request.resource) and len(found) <= MOST_PARTS:
        evaluator.scripts.keep(key, found)
    return found


def _readings(evaluator: Evaluator, request: Request, repository: GitContext, act: Act) -> list[Act]:
    """What the words of a command may mean that no profile explains."""
    from ..shell.outward import outward  # few commands need them
    from ..shell.suppositions import suppositions

    needed = outward(act, evaluator.profiles, repository) if not act.opaque else []
    made = [a for a in needed if a.action != "read" or not _in_workspace(a, request)]
    return made + suppositions(act, evaluator.profiles, repository, evaluator.restricted())


def _in_workspace(act: Act, request: Request) -> bool:
    """Whether a path lies in the workspace as it is written."""
    text = act.value.text
    if text is None or request.workspace is None or act.folders is None:
        return False
    root = os.path.normpath(request.workspace)
    paths = [os.path.normpath(os.path.join(request.cwd or root, folder, text)) for folder in act.folders]
    return all(f"{p}/".startswith(f"{root}/") for p in paths)


def words_verdict(evaluator: Evaluator, request: Request, env: Environment) -> Verdict:
    """What restricts the words of one command, as if everything else were granted.

    What it does besides is left alone: who asks so decides that where it happens.

    Raises RequestError, SearchLimitError.
    """
    started = next(act for act in acts(evaluator, request) if act.action == "run")
    return act_effect(evaluator, replace(started, opaque="", supposed=True), request, env).verdict


def _pattern(evaluator: Evaluator, request: Request, env: Environment) -> Found:
    """A command that is only partly known, with what it may do besides."""
    parts = [Effect("run", str(request.resource), pattern_verdict(evaluator, request, env))]
    for sequence in compile_pattern(COMMAND, str(request.resource)):
        if isinstance(sequence[0], str):
            found = pattern_acts(sequence, evaluator.profiles, _git_context(request))
            parts += [act_effect(evaluator, a, request, env) for a in found if a.opaque or a.action != "run"]
    return evaluator.strictest(p.verdict for p in parts), tuple(parts), (), None


def _inner(evaluator: Evaluator, request: Request, found: Found) -> Found:
    """What a client's own tool comes to: the effects that the program would have, without that it is run."""
    verdict, parts, opaque, files = found
    words = request.resource
    if not isinstance(words, tuple) or not words or words[0] not in INNER:
        raise not_inner()
    inner = tuple(p for p in parts if p.action != "run")
    if opaque or not inner:
        return Verdict(DENY, reasons=verdict.reasons or ("what the tool does is not known",)), parts, opaque, files
    reasons: dict[str, None] = {}
    made = evaluator.strictest(p.verdict for p in inner)
    for part in (p for p in inner if p.verdict.effect == made.effect):
        for reason in part.verdict.reasons or (part.verdict.effect,):
            reasons[f"{part.action} `{part.resource}`: {reason}"] = None
    verdict = Verdict(made.effect, made.tiers, made.rules, tuple(reasons), made.obligations, made.support)
    return verdict, inner, opaque, files


def not_inner() -> RequestError:
    """The refusal of a request that is `inner`, and not for one of the programs that clients stand in for."""
    known = ", ".join(f"`{p}`" for p in INNER)
    return RequestError("PLR001", f"`inner` is for the words of {known}, which clients do themselves")


def _denial_reasons(parts: list[Effect]) -> tuple[str, ...]:
    """The reasons of a denial, each with the effect that it is about."""
    out: dict[str, None] = {}
    for part in parts:
        if part.verdict.effect == DENY:
            shown = part.resource if isinstance(part.resource, str) else " ".join(part.resource)
            short = shown if len(shown) <= 60 else f"{shown[:59]}…"
            where = f" in `{part.file}`" if part.file else ""
            what = f"{part.action} `{short}`{where}: " if short else ""
            out.update(dict.fromkeys(f"{what}{reason}" for reason in part.verdict.reasons))
    more = len(out) - _MOST_REASONS
    return tuple(out) if more <= 0 else (*islice(out, _MOST_REASONS), f"and {more} more like these")


def _git_context(request: Request, asked_top: bool = False) -> GitContext:
    """What the request says of the repository. The disk is looked at only where the script asks for its top."""
    git = request.git
    root = request.workspace if request.cwd not in (None, request.workspace) else None
    top = ""
    if asked_top:
        from .repositories import is_top

        top = request.workspace or "" if is_top(request) else ""
    if not git and not root and not top:
        return NO_REPOSITORY if request.branch is None else GitContext(branch=request.branch)
    remotes = _table(git, "git").get("remotes")
    listed = _table(remotes, "git.remotes").items() if remotes is not None else ()
    default, remote, upstream = (_text(git, name) for name in ("push_default", "push_remote", "upstream"))
    names = tuple(sorted((str(k), str(v)) for k, v in listed))
    return GitContext(request.branch, names, default, remote, upstream, root or "", top)


def _text(git: Mapping[str, object], name: str) -> str:
    found = git.get(name)
    if found is not None and not isinstance(found, str):
        raise RequestError("PLR001", f"`git.{name}` is not a string")
    return found or ""


def _table(value: object, name: str) -> Mapping[str, object]:
    from collections.abc import Mapping

    if not isinstance(value, Mapping):
        raise RequestError("PLR001", f"`{name}` is not an object")
    return value
