"""Decisions on one thing that a command does: with the same tables as any other request."""

from __future__ import annotations

import os

from ..domain.actions import ALLOW, COMMAND, DENY, HOST, METHODS, PATH, REF, SORT_OF
from ..domain.decision import Effect, RuleRef, Verdict
from ..domain.errors import RequestError, SearchLimitError
from ..domain.record import replace
from ..domain.request import Request
from ..facts.paths import roots_of
from ..ir.sorts.sort import Circumstances, sort_named
from ..shell.acts import Act
from ..shell.repository import UNKNOWN_BRANCH
from ..shell.values import Hole, Value, literal
from .argv import run_verdict
from .combine import Environment, Marks
from .evaluator import Evaluator
from .labels import SOME, UnknownResourceError, ref_sequences
from .paths import ORDINARY, path_verdict


def act_effect(evaluator: Evaluator, act: Act, request: Request, env: Environment) -> Effect:
    """The effect that an act has under a policy. Raises nothing that a script can cause."""
    shown = _shown(act, request)
    if act.parsed is not None and act.parsed.repository != ():
        from .repositories import foreign

        why = foreign(act.parsed.repository, request)
        act = replace(act, opaque=why) if why and not act.opaque else act
    if act.names in _IF_THERE and not _there(evaluator, act, request, env):
        return Effect(act.action, shown, Verdict(ALLOW), act.start, act.end, free=True, supposed=True)
    evaluator.part()
    if env.versioned is not None and act.tree == "tracked":  # git writes what its history holds
        env = env.versioned
    if act.supposed:
        env = evaluator.restricting(env)
    verdict = _answer(evaluator, act, request, env)
    if act.doubtful and verdict.rules:
        said = _said_of_all(evaluator, act, request, env)
        evaluator.forget()
        verdict = _answer(evaluator, act, request, evaluator.restricting(env, said))
    return Effect(
        act.action,
        shown,
        verdict,
        act.start,
        act.end,
        act.note,
        act.opaque,
        act.remediation,
        act.free or act.supposed,
        act.method or "",
        act.supposed,
        act.file,
    )


_ORDINARY = {COMMAND: "\N{CURRENCY SIGN}", HOST: "https://ordinary.invalid"}
"""A program and a host that no rule speaks of."""


def _said_of_all(evaluator: Evaluator, act: Act, request: Request, env: Environment) -> frozenset[RuleRef]:
    """The rules that restrict the same act also with a word that no rule speaks of."""
    word = literal(_ORDINARY.get(SORT_OF[act.action], ORDINARY))
    ordinary = replace(act, value=word, argv=(word, *act.argv[1:]) if act.argv else (), parsed=None)
    said: frozenset[RuleRef] = frozenset()
    while True:  # a verdict tells the strictest rules only: those that it hides restrict when these are muted
        found = said.union(_answer(evaluator, ordinary, request, evaluator.restricting(env, said)).rules)
        if found == said:
            return said
        said = found


def _answer(evaluator: Evaluator, act: Act, request: Request, env: Environment) -> Verdict:
    """The verdict on an act, whatever is wrong with it."""
    try:
        return _verdict(evaluator, act, request, env)
    except RequestError as error:
        if act.supposed:  # no program takes the word for one either
            evaluator.forget()
            return Verdict(ALLOW)
        return Verdict(DENY, reasons=(f"refused ({error.code}): {error.message}",))
    except SearchLimitError as error:
        evaluator.limited(act.action)
        return Verdict(DENY, reasons=(f"undecided within limits: {error}",))
    except UnknownResourceError as unknown:
        return _unknown(evaluator, act.action, env, str(unknown))


def _verdict(evaluator: Evaluator, act: Act, request: Request, env: Environment) -> Verdict:
    sort = SORT_OF[act.action]
    if sort == COMMAND:
        return run_verdict(evaluator, act, request, env)
    if sort == PATH:
        return path_verdict(evaluator, act, request, env)
    text = act.value.text
    if sort == HOST:
        from .connections import connection

        return _any_host(evaluator, env) if text is None else connection(evaluator, text, act.method, (), env)[0]
    if text is not None:
        forms = sort_named(sort).words(text, Circumstances(branch=_branch(act, request)))
        if sort != REF or not forms[0].rest:
            return evaluator.forms(act.action, forms, env)
    if sort == REF:
        sequences = ref_sequences(act.value, _branch(act, request))
        verdict = evaluator.members(act.action, evaluator.table(act.action), env, sequences)
        return replace(verdict, reasons=(*verdict.reasons, UNKNOWN_BRANCH)) if verdict.effect == DENY else verdict
    raise UnknownResourceError(f"it may be any: {act.value.why or 'a name that is not known'}")


def _branch(act: Act, request: Request) -> str | None:
    """The current branch where the act happens, None when that is not known."""
    if request.branch is None:
        return None
    from .repositories import holds

    return request.branch if holds(act.folders, request) else None


_IF_THERE = frozenset({"odd", "dashed", "broken", "folder"})


def _there(evaluator: Evaluator, act: Act, request: Request, env: Environment) -> bool:
    """Whether a file is there on which the act hangs; an ordinary one is none."""
    if request.lexical:
        return False
    from .existing import has_unusual

    return has_unusual(evaluator, act, request, env)


def _any_host(evaluator: Evaluator, env: Environment) -> Verdict:
    from ..ir.patterns import compile_pattern

    table = evaluator.table("connect")
    sequences = compile_pattern(HOST, "**:*", METHODS if table.has_methods else ("GET",))
    return evaluator.members("connect", table, env, sequences)


def _unknown(evaluator: Evaluator, action: str, env: Environment, why: str) -> Verdict:
    """The verdict on something that may be anything: whatever restricts may apply, nothing grants."""
    table = evaluator.table(action)
    env = replace(env, unknown=True)
    verdict = evaluator.decided(action, table, Marks((), table.all_marks), env, table.open_options)
    if env.granted and verdict.effect == ALLOW:
        return verdict
    if evaluator.combiner.by_default(verdict):
        return replace(verdict, reasons=(why, *verdict.reasons))
    return Verdict(DENY, (), verdict.rules, (why, *verdict.reasons))


def _shown(act: Act, request: Request) -> str | tuple[str, ...]:
    if act.argv:
        return tuple(_text(v) for v in act.argv)
    if act.opaque:
        return ""
    text = _text(act.value)
    below = "/" if act.tree and not text.endswith("/") and _has_more(act, request) else ""
    if act.folders in (None, ("",)) or SORT_OF[act.action] != PATH or text.startswith(("/", "~", "${")):
        return text + below
    assert act.folders is not None
    texts = [os.path.normpath(os.path.join(f, text)) if "…" not in text else f"{f}/{text}" for f in act.folders]
    return " or ".join(t + below for t in texts)


def _has_more(act: Act, request: Request) -> bool:
    """Whether what lies below a path is meant as well: not where the disk has no folder that is read or deleted."""
    text, folders = act.value.text, act.folders
    if act.supposed or act.action == "write" or text is None or folders is None or request.workspace is None:
        return not act.supposed
    disk = roots_of(request).disk
    if request.lexical or not disk.is_folder(request.workspace):
        return True
    base = request.cwd or request.workspace
    return any(f.startswith(("~", "$")) or disk.is_folder(os.path.join(base, f, text)) for f in folders)


_SHOWN = {Hole.HOME: "~", Hole.CWD: ".", Hole.TMP: "${tmp}", Hole.BELOW: "/**"}


def _text(value: Value) -> str:
    known = value.text
    if known is not None:
        return known
    out = "".join(p if isinstance(p, str) else _SHOWN.get(p, "*" if p in SOME else "…") for p in value.parts)
    return out.replace("//", "/") + (" ..." if value.many and Hole.ANY in value.parts else "")
