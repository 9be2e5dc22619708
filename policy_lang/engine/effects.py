"""Decisions on what a command does: each act with the same tables as any other request, the strictest wins."""

from __future__ import annotations

import os
import re

from ..automata.glob import Glob
from ..automata.pattern import ANY, MANY, Label, Sequence, Word, collapse, quoted, segment_label
from ..automata.walker import State
from ..domain.actions import COMMAND, HOST, METHODS, PATH, REF, SORT_OF
from ..domain.decision import Effect, Verdict
from ..domain.errors import RequestError, SearchLimitError
from ..domain.limits import limit
from ..domain.request import Request
from ..facts.commands import OPAQUE, argv_word
from ..facts.paths import ROOT, Names, path_forms
from ..ir.scopes import PatternError
from ..shell.acts import Act
from ..shell.values import Hole, Value
from .command_words import BARE, NAMED, bare_word, command_options, plain_indexes
from .table import Entry, Table
from .verdicts import Environment, Marks, rule_truths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .engine import Engine

_ORDINARY = "\ue000"
"""A name that no pattern speaks of: an ordinary file."""
_MOST_FILES = limit("tree_files")
_SOME = {Hole.FILE, Hole.NAME, Hole.WORD, Hole.DIGITS, Hole.NUMBER}


class Unknown(Exception):
    """A resource that is not known; the text says what is not."""


def act_effect(engine: Engine, act: Act, request: Request, env: Environment) -> Effect:
    """The effect that an act has under a policy. Raises nothing that a script can cause."""
    shown = _shown(act)
    try:
        verdict = _verdict(engine, act, request, env)
    except RequestError as error:
        verdict = Verdict("deny", reasons=(f"refused ({error.code}): {error.message}",))
    except SearchLimitError as error:
        verdict = Verdict("deny", reasons=(f"undecided within limits: {error}",))
    except Unknown as unknown:
        verdict = _unknown(engine, act.action, env, str(unknown))
    return Effect(
        act.action,
        shown,
        verdict,
        act.start,
        act.end,
        act.note,
        act.opaque,
        act.remediation,
        act.free,
        act.method or "",
    )


INNER = ("rg", "apply_patch")
"""Programs whose work clients do themselves, in tools of their own."""


def inner_verdict(
    engine: Engine, request: Request, verdict: Verdict, parts: tuple[Effect, ...], opaque: bool
) -> tuple[Verdict, tuple[Effect, ...]]:
    """What a client's own tool comes to: the effects that the program would have, without that it is run."""
    words = request.resource
    if request.action != "run" or not isinstance(words, tuple) or not words or words[0] not in INNER:
        known = ", ".join(f"`{p}`" for p in INNER)
        raise RequestError("PLR001", f"`inner` is for the words of {known}, which clients do themselves")
    inner = tuple(p for p in parts if p.action != "run")
    if opaque or not inner:
        return Verdict("deny", reasons=verdict.reasons or ("what the tool does is not known",)), parts
    reasons: dict[str, None] = {}
    made = engine.strictest(tuple(p.verdict for p in inner))
    for part in (p for p in inner if p.verdict.effect == made.effect):
        for reason in part.verdict.reasons or (part.verdict.effect,):
            reasons[f"{part.action} `{part.resource}`: {reason}"] = None
    return Verdict(made.effect, made.tiers, made.rules, tuple(reasons), made.obligations, made.support), inner


def _verdict(engine: Engine, act: Act, request: Request, env: Environment) -> Verdict:
    if act.action == "run":
        return _run(engine, act, request, env)
    sort = SORT_OF[act.action]
    if sort == PATH:
        return _path(engine, act, request, env)
    text = act.value.text
    table = engine.table(act.action)
    if sort == HOST:
        if text is not None:
            return engine.connection(text, act.method, (), env)[0]
        from ..ir.patterns import compile_pattern

        sequences = compile_pattern(HOST, "**:*", METHODS if table.has_methods else ("GET",))
        return engine.members("connect", table, env, sequences)
    if sort == REF:
        if text is not None:
            from ..facts.refs import ref_facts

            facts = ref_facts(text, request.branch)
            if facts.segments is not None:
                return engine.word(act.action, table, facts.word, env)
        return engine.members(act.action, table, env, _refs(act.value))
    if text is not None:
        from ..facts.names import name_word

        return engine.word(act.action, table, name_word(text), env)
    raise Unknown(f"it may be any: {act.value.why or 'a name that is not known'}")


def _unknown(engine: Engine, action: str, env: Environment, why: str) -> Verdict:
    """The verdict on something that may be anything: whatever restricts may apply, nothing grants."""
    table = engine.table(action)
    verdict = engine.judged(action, table, Marks((), table.all_marks), env, table.open_options)
    return Verdict("deny", (), verdict.rules, (why, *verdict.reasons))


def _shown(act: Act) -> str | tuple[str, ...]:
    if act.argv:
        return tuple(_text(v) for v in act.argv)
    if act.opaque:
        return ""
    text = _text(act.value)
    below = "/**" if act.tree and not text.endswith("/") else ""
    if act.folders in (None, ("",)) or SORT_OF[act.action] != PATH or text.startswith(("/", "~", "${")):
        return text + below
    assert act.folders is not None
    texts = [os.path.normpath(f"{f}/{text}") if "…" not in text else f"{f}/{text}" for f in act.folders]
    return " or ".join(t + below for t in texts)


_SHOWN = {Hole.HOME: "~", Hole.CWD: ".", Hole.TMP: "${tmp}", Hole.BELOW: "/**"}


def _text(value: Value) -> str:
    known = value.text
    if known is not None:
        return known
    out = "".join(p if isinstance(p, str) else _SHOWN.get(p, "*" if p in _SOME else "…") for p in value.parts)
    return out.replace("//**", "/**") + (" ..." if value.many and Hole.ANY in value.parts else "")


# commands


def _run(engine: Engine, act: Act, request: Request, env: Environment) -> Verdict:
    table = engine.table("run")
    texts = [v.text for v in act.argv]
    if act.opaque:
        verdict = opaque_verdict(engine, table, env, f"the command is opaque: {act.opaque}")
        word = _known_words(act, request)
        if word is None:
            return verdict
        # what is known of it still meets the rules about such commands, also those that leave opaque ones alone
        marks = _marks(table, act, word)[0]
        options = command_options(table.options, None, word)
        raw = engine.judged("run", table, Marks((), (), marks.raw, marks.bare), env, options, granted=True)
        return engine.strictest((verdict, raw)) if raw.effect != "allow" else verdict
    if None in texts:
        return _partly_known(engine, table, act, request, env)
    folder = request.cwd
    if "/" in (texts[0] or "") and not (texts[0] or "").startswith("/"):
        if act.folders is None:
            return opaque_verdict(engine, table, env, "where the program lies is not known")
        if act.folders != ("",):
            folder = os.path.join(request.cwd or request.workspace or "", act.folders[0])
            if len(act.folders) > 1 or act.folders[0].startswith(("~", "$")):
                return opaque_verdict(engine, table, env, "where the program lies is not known")
    word = argv_word(tuple(t for t in texts if t is not None), folder, request.workspace)
    options = command_options(table.options, act.parsed, word)
    marks, states = _marks(table, act, word)
    key = (*states, env, options, act.free)
    found = table.memo.get(key)
    if found is None:
        found = engine.judged("run", table, marks, env, options, granted=act.free)
        table.remember(key, found)
    assert isinstance(found, Verdict)
    return _unless_unnamed(engine, table, act, env, found)


def _unless_unnamed(engine: Engine, table: Table, act: Act, env: Environment, verdict: Verdict) -> Verdict:
    """The verdict; but what only a naming rule could grant, and none does, is opaque."""
    if act.parsed is not None and act.parsed.named and verdict.effect == "deny" and not verdict.rules:
        return opaque_verdict(engine, table, env, "it carries code or an option that only a rule which names it grants")
    return verdict


def _known_words(act: Act, request: Request) -> Word | None:
    texts = tuple(v.text for v in act.argv)
    if not texts or None in texts:
        return None
    try:
        return argv_word(texts, request.cwd, request.workspace)
    except RequestError:
        return None


def _marks(table: Table, act: Act, word: Word) -> tuple[Marks, tuple[State, ...]]:
    """What a command meets: as given, with what must be named, and without its options."""
    named = act.parsed.named if act.parsed is not None else ()
    state = table.walker.walk(word)
    bare = table.bare.walk((BARE, *bare_word(act.parsed, word)))
    grants = state
    if named:
        grants = table.walker.walk(tuple(NAMED + w if i in named else w for i, w in enumerate(word)))
    left_out = plain_indexes(act.parsed, word)
    if not left_out:
        return Marks(grants.marks, grants.marks, state.marks, bare.marks), (state, bare, grants)
    shorter = table.walker.walk(tuple(NAMED + w if i in named else w for i, w in enumerate(word) if i not in left_out))
    granted = tuple(sorted({*grants.marks, *shorter.marks}))
    return Marks(granted, granted, state.marks, bare.marks), (state, bare, grants, shorter)


def command_truths(table: Table, act: Act, workspace: str) -> list[tuple[Entry, bool | None]]:
    """What rules alone, without conditions, say of one command."""
    env = Environment((), ())
    texts = tuple(v.text or "" for v in act.argv)
    if any(v.text is None for v in act.argv) or not act.argv:
        marks = Marks(table.walker.walk((OPAQUE,)).marks, table.all_marks)
        return rule_truths(table, marks, env, table.open_options)
    word = argv_word(texts, None, workspace)
    marks = _marks(table, act, word)[0]
    options = command_options(table.options, act.parsed, word)
    if not act.opaque:
        return rule_truths(table, marks, env, options)
    granted = table.walker.walk((OPAQUE,)).marks  # only `opaque` itself grants it
    known = rule_truths(table, Marks((), (), marks.raw, marks.bare), env, options)
    return [*rule_truths(table, Marks(granted, granted), env, table.open_options), *known]


def opaque_verdict(engine: Engine, table: Table, env: Environment, why: str) -> Verdict:
    """The verdict on a command that may do anything."""
    state = table.walker.walk((OPAQUE,))
    verdict = engine.judged("run", table, Marks(state.marks, table.all_marks), env, table.open_options)
    return Verdict(
        verdict.effect, verdict.tiers, verdict.rules, (why, *verdict.reasons), verdict.obligations, verdict.support
    )


def _partly_known(engine: Engine, table: Table, act: Act, request: Request, env: Environment) -> Verdict:
    """A command with words that are not fully known: the strictest over all that it may be."""
    first = act.argv[0].text
    if first is None:
        return opaque_verdict(engine, table, env, "which program it runs is not known")
    folder = (
        act.folders[0] if act.folders and act.folders[0] and not act.folders[0].startswith(("~", "$", "/")) else None
    )
    base = os.path.join(request.cwd or request.workspace or "", folder) if folder else request.cwd
    program = argv_word((first,), base, request.workspace)[0]
    named = act.parsed.named if act.parsed is not None else set()
    labels: list[Label] = [program]
    granted: list[Label] = [program]
    for i, value in enumerate(act.argv[1:], 1):
        label = _label(value)
        labels.append(label)
        granted.append((NAMED + label if isinstance(label, str) else NAMED) if i in named else label)
    key = ("partly", tuple(labels), tuple(granted), bare_labels(act), env, act.free)
    found = table.memo.get(key)
    if found is None:
        found = _strictest_over(engine, table, act, collapse(labels), collapse(granted), env)
        table.remember(key, found)
    assert isinstance(found, Verdict)
    return _unless_unnamed(engine, table, act, env, found)


def bare_labels(act: Act) -> tuple[Label, ...]:
    """The labels of a command without its options."""
    if act.parsed is None:
        return (BARE, *(_label(v) for v in act.argv))
    return (BARE, *act.parsed.path, *(_label(v) for v in act.parsed.operands))


def _strictest_over(
    engine: Engine, table: Table, act: Act, labels: Sequence, granted: Sequence, env: Environment
) -> Verdict:
    from ..automata.budget import Budget
    from ..automata.meet import Meeting
    from ..automata.trie import Trie
    from ..ir.patterns import ALPHABETS

    alphabet = ALPHABETS[COMMAND]
    options = command_options(table.options, act.parsed, None)
    budget = Budget("decision_work")
    bare = Meeting(table.bare_trie, Trie([(collapse(bare_labels(act)), 0)]), alphabet, budget).possible
    raw = Meeting(table.trie, Trie([(labels, 0)]), alphabet, budget).possible
    meeting = Meeting(table.trie, Trie([(granted, 0)]), alphabet, budget)
    verdicts: list[Verdict] = []
    for marks, _ in meeting.marks():
        made = Marks(marks, marks, tuple(raw), tuple(bare), certain=False)
        verdicts.append(engine.judged("run", table, made, env, options, granted=act.free))
        if verdicts[-1].effect == "deny":
            return verdicts[-1]
    return engine.strictest(tuple(dict.fromkeys(verdicts)))


def _label(value: Value) -> Label:
    if value.many:
        return MANY
    if value.text is not None:
        return value.text
    text = _one_star("".join(quoted(p) if isinstance(p, str) else "*" for p in value.parts))
    if sum(text.count(c) for c in "*?[") > limit("segment_wildcards"):
        return ANY
    return segment_label(text)


def _one_star(glob: str) -> str:
    return re.sub(r"\*\*+", "*", glob)


# refs


def _refs(value: Value) -> tuple[Sequence, ...]:
    """The refs that a partly known `remote:ref` may be."""
    from ..ir.patterns import compile_pattern

    text = ""
    for part in value.parts:
        if isinstance(part, str):
            text += part
        elif ":" not in text:
            text = "\0"  # the remote is not known
        else:
            text = (
                text.rpartition("/")[0] + "/**" if "/" in text.rpartition(":")[2] else text.rpartition(":")[0] + ":**"
            )
            break
    remote, _, ref = text.rpartition(":")
    ref = ref if ref not in {"", "HEAD", "@"} else "refs/heads/**"
    if "\0" in remote or not remote or any(c in remote for c in ":*?[{"):
        remote = "*"
    stem = ref.removesuffix("**")
    try:
        if ref == "**":
            return tuple(
                s for k in ("refs/heads/**", "refs/tags/**", "refs/**") for s in compile_pattern(REF, f"{remote}:{k}")
            )
        return compile_pattern(REF, f"{remote}:{quoted(stem)}{ref[len(stem) :]}")
    except PatternError as error:
        raise RequestError("PLR031", f"the ref is malformed: {error.message}") from None


# paths


def _path(engine: Engine, act: Act, request: Request, env: Environment) -> Verdict:
    table = engine.table(act.action)
    if act.folders is None and not _absolute(act.value):
        raise Unknown("the working folder is not known here, so neither is the path")
    verdicts: list[Verdict] = []
    for folder in act.folders if act.folders is not None else ("",):
        known, rest = _split(act.value, folder)
        forms = path_forms(known, engine.roots(request))
        for names in forms:
            if rest:
                verdicts.append(engine.members(act.action, table, env, (rest,), names.sure, bool(names.maybe)))
            else:
                verdicts.append(engine.named(act.action, table, names, env))
        if act.tree:
            verdicts.append(_below(engine, act, known, rest, forms, request, env))
    return engine.strictest(tuple(dict.fromkeys(verdicts)))


def _absolute(value: Value) -> bool:
    first = value.parts[0] if value.parts else ""
    return first in {Hole.HOME, Hole.TMP} or (isinstance(first, str) and first.startswith("/"))


def _split(value: Value, folder: str) -> tuple[str, Sequence]:
    """The part of a path before its first unknown segment, and labels for the others. Raises Unknown."""
    parts = list(value.parts)
    prefix = folder
    if parts and parts[0] in {Hole.HOME, Hole.TMP, Hole.CWD}:
        prefix = {Hole.HOME: "~", Hole.TMP: "${tmp}"}.get(parts[0], folder)
        parts = parts[1:]
        if parts:
            if not (isinstance(parts[0], str) and parts[0].startswith("/")):
                raise Unknown(f"the path is not known ({value.why})")
            parts[0] = parts[0].lstrip("/")
    elif parts and isinstance(parts[0], str) and parts[0].startswith("/"):
        prefix = ""
    elif parts and isinstance(parts[0], str) and parts[0].startswith(("~", "$")):
        parts[0] = "./" + parts[0]
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part.replace("\0", "")
        elif part in _SOME:
            text += "\0" if part is Hole.FILE else "\1"
        else:
            raise Unknown(f"the path is not known: {value.why or 'it depends on a value'} may be anything")
    full = f"{prefix.rstrip('/')}/{text}" if prefix and text else (text or prefix or ".")
    if "\0" not in full and "\1" not in full:
        return full, ()
    segments = full.split("/")
    first = next(i for i, s in enumerate(segments) if "\0" in s or "\1" in s)
    labels: list[Label] = []
    for segment in segments[first:]:
        if segment in {"", "."}:
            continue
        if segment == ".." or not segment.replace("\1", "").strip("."):
            raise Unknown(f"the path is not known: {value.why or 'a part'} may be `..`")
        visible = "[!.]" if segment.startswith("\0") else ""  # a glob leaves hidden files out
        stars = "*".join(quoted(p) for p in segment.replace("\1", "\0").split("\0"))
        labels.append(segment_label(_one_star(visible + stars)))
    known = "/".join(segments[:first]) or ("/" if full.startswith("/") else ".")
    return known, tuple(labels)


def _below(
    engine: Engine, act: Act, known: str, rest: Sequence, forms: tuple[Names, ...], request: Request, env: Environment
) -> Verdict:
    """What lies below a path, or is put there."""
    table = engine.table(act.action)
    looks = (
        request.workspace is not None
        and engine.roots(request).disk.is_folder(request.workspace)
        and not request.lexical
    )
    name = _filter(act.names)
    if act.tree == "own" or (request.lexical and act.tree in {"existing", "copied"}):
        last = _ordinary(act.names)
        if not rest:
            found = [_extended(n, tail) for n in forms for tail in ((last,), (_ORDINARY, last))]
            if act.action != "read" and not act.names:
                found += [_extended(n, tail) for n in forms for tail in _repository(n, request.workspace)]
            return engine.strictest(tuple(dict.fromkeys(engine.named(act.action, table, n, env) for n in found)))
        tails: list[Sequence] = [(*rest, last), (*rest, _ORDINARY, last)]
    elif looks and act.tree in {"existing", "copied"} and not rest:
        return _on_disk(engine, act, known, forms, request, env)
    else:
        tails = [(*rest, MANY, name if name is not None else ANY)]
    verdicts = [
        engine.members(act.action, table, env, (tail,), names.sure, bool(names.maybe))
        for names in forms
        for tail in tails
    ]
    return engine.strictest(tuple(dict.fromkeys(verdicts)))


def _repository(names: Names, workspace: str | None) -> list[Word]:
    """Where a workspace at or below a folder has its `.git`: one file that is not an ordinary one."""
    inside = tuple(p for p in (workspace or "").split("/") if p)
    roots = [n[1:] for n in names.sure if n[0] == ROOT]
    return [(*inside[len(r) :], ".git", "config") for r in roots if workspace and inside[: len(r)] == r]


def _ordinary(names: str) -> str:
    """An ordinary file's name that fits a filter."""
    return re.sub(r"[*?]+", _ORDINARY, names) if names else _ORDINARY


def _filter(names: str) -> Label | None:
    return segment_label(names) if names else None


def _on_disk(
    engine: Engine, act: Act, known: str, forms: tuple[Names, ...], request: Request, env: Environment
) -> Verdict:
    """The verdict on everything that exists below a folder, file by file."""
    table = engine.table(act.action)
    where = known
    if act.like is not None:
        text = act.like.text
        if text is None:
            raise Unknown("what is copied is not known")
        where = _split(act.like, (act.folders or ("",))[0])[0]
    disk = engine.roots(request).disk
    root = disk.real(_placed(where, request))
    label = _filter(act.names)
    verdicts: dict[Verdict, None] = {}
    for count, (word, location, is_link) in enumerate(disk.below(root, act.visible), 1):
        if count > _MOST_FILES:
            raise SearchLimitError(f"more than {_MOST_FILES} files lie below; name a smaller folder")
        if label is not None and not _carries(label, word[-1]):
            continue
        if is_link and act.action == "read":
            found = [engine.named(act.action, table, n, env) for n in path_forms(location, engine.roots(request))]
        else:
            found = [engine.named(act.action, table, _extended(n, word), env) for n in forms]
        for verdict in found:
            if verdict.effect == "deny":
                why = f"it reaches `{'/'.join((known.rstrip('/'), *word))}`"
                return Verdict("deny", (), verdict.rules, (*verdict.reasons, why))
            verdicts[verdict] = None
    for names in forms:
        verdicts[engine.named(act.action, table, names, env)] = None
    return engine.strictest(tuple(verdicts))


def _carries(label: Label, name: str) -> bool:
    return name == label if isinstance(label, str) else not isinstance(label, Glob) or label.matches(name)


def _extended(names: Names, word: Word) -> Names:
    return Names(tuple((*n, *word) for n in names.sure), tuple((*n, *word) for n in names.maybe))


def _placed(text: str, request: Request) -> str:
    base = request.cwd or request.workspace or "/"
    if text == "~" or text.startswith("~/"):
        if request.home is None:
            raise Unknown("where the home is is not given")
        text = request.home + text[1:]
    elif text.startswith("${tmp}"):
        text = (request.tmp or "/tmp") + text[6:]  # noqa: S108 (the documented default)
    return os.path.join(base, text)
