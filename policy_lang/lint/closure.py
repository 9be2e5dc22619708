"""Consequences of several steps: an agent's capabilities, and what follows from having some of them together.

The first ones are what the policy grants: write a file, run a command, read a secret, upload, push. From these others
follow, by the rows of the capability data: who writes a file that a command loads, and runs that command, runs any
code; who runs any code does what is denied. Each step is a request that the policy was asked. Only minimal ways are
kept: one that needs every rule of another and more says nothing new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from ..analysis.members import first_of
from ..analysis.witness import USUAL, Witness
from ..automata.pattern import quoted
from ..domain.actions import COMMAND
from ..facts.paths import HOME
from ..ir.model import Rule
from ..shell.dialect import DIALECTS
from .capabilities import Capability
from .commands import Allowed, allowed_rows, called, grants_any_program, like, same_principal, words_of
from .context import Grant, LintContext, noted, wanted
from .finding import Step
from .loaders import FOLDER_OPTIONS, KINDS, alternatives, example
from .loaders import builtin as loaders


@dataclass(frozen=True, slots=True)
class Trace:
    """One way: its steps in order, the rules that grant them, the rows behind it."""

    steps: tuple[Step, ...]
    rules: tuple[Rule, ...]
    rows: tuple[str, ...] = ()
    what: str = ""

    def needs(self) -> frozenset[str]:
        """The rules without which it is not possible, those that a command's effects need among them."""
        steps = (r.id for s in self.steps if s.effect == "allow" for r in s.rules)
        return frozenset((*(r.id for r in self.rules), *steps))


def minimal(traces: list[Trace]) -> list[Trace]:
    """The traces that need no rule more than another one; of equals the first."""
    kept: list[Trace] = []
    for trace in sorted(traces, key=lambda t: len(t.needs())):
        if not any(other.needs() <= trace.needs() for other in kept):
            kept.append(trace)
    return kept


def joined(
    context: LintContext, first: Grant, second: Grant, notes: tuple[str, str], row: str, what: str
) -> Trace | None:
    """Two steps of one principal, if the same one may take both."""
    pair = same_principal(context, first.step.witness, second.step.witness)
    if pair is None:
        return None
    steps = (context.step(pair[0], notes[0]), context.step(pair[1], notes[1]))
    return Trace(steps, (first.rule, second.rule), (row,), what)


def loaded_files(context: LintContext, *kinds: str) -> list[Trace]:
    """Writing a file that an allowed command then loads."""
    out: list[Trace] = []
    for pair in loaded(context, kinds):
        for command in context.find_grants("run", pair.commands, (), pair.but):
            for write, file in writes(context, pair.files):
                notes = (f"`{program_of(command)}` reads it", "and runs what it says")
                trace = joined(context, write, command, notes, pair.row, file)
                if trace is not None:
                    out.append(trace)
    return minimal(out)


def program_of(command: Grant) -> str:
    """The program of a command, for a message."""
    words = command.step.witness.resource
    return words[0] if isinstance(words, tuple) else words


def writes(context: LintContext, files: tuple[str, ...]) -> Iterator[tuple[Grant, str]]:
    """The ways to write files, each with its pattern: by rules about writing, or commands that no such rule holds."""
    which = first_of(wanted("write", files))
    for grant in context.find_grants("write", files, map(example, files)):
        yield grant, files[which(grant.step.witness) or 0]
    for file in files:
        yield from ((grant, file) for grant in _by_command(context, "write", "{out}", example(file)))


def reads(context: LintContext, file: str) -> list[Grant]:
    """The commands that read a file although no rule about reading grants it."""
    return _by_command(context, "read", "{secret}", file)


def _by_command(context: LintContext, gives: str, place: str, file: str) -> list[Grant]:
    """Allowed commands whose rows say that they write or read what stands at a placeholder, and whose profiles do not.

    What a profile shows is decided by the rules about files as well, so such a command permits no more than they do.
    """
    out: list[Grant] = []
    if file.startswith("~/"):  # an argument with a `~` is a file of that name: a shell has put the folder in its place
        file = f"{USUAL[HOME]}{file[1:]}"
    for row in _outputs(context, gives, place):
        words = tuple(file if w == place else x for w, x in zip(row.argv, words_of(row), strict=True))
        out += [r for r in context.ask("run", words) if not grants_any_program(context, r.rule)]
    return out


def _outputs(context: LintContext, gives: str, place: str) -> Iterator[Capability]:
    """Rows of commands with a file of their own that no profile shows, where any file is allowed."""
    for row in context.capabilities.programs:
        if row.gives == gives and place in row.argv and called(context, row.argv[0]):
            shown = words_of(row)
            if not context.shows(shown, gives, shown[row.argv.index(place)]) and context.ask("run", shown):
                yield row


@dataclass(frozen=True, slots=True)
class LoadedFiles:
    """Patterns of files that an agent may write, and the commands that load them; those of `but` do not."""

    files: tuple[str, ...]
    kind: str
    commands: tuple[str, ...]
    but: tuple[str, ...]
    row: str


def loaded(context: LintContext, kinds: tuple[str, ...]) -> list[LoadedFiles]:
    """The files of some kinds that an agent may write and that programs load which some rule may run."""
    named = pairs(context, kinds)
    found = _writable(context, sorted({f for p in named for f in p.files}))
    outputs = next(_outputs(context, "write", "{out}"), None) is not None
    may = [p for p in named if outputs or any(f in found for f in p.files)]
    run = context.first_grant("run", sorted({"\n".join(p.commands) for p in may}))
    out: list[LoadedFiles] = []
    for pair in (p for p in may if "\n".join(p.commands) in run):
        files = tuple(f for f in pair.files if f in found or _by_command(context, "write", "{out}", example(f)))
        out += [replace(pair, files=files)] if files else []
    return out


def _writable(context: LintContext, files: list[str]) -> set[str]:
    """The patterns of which something may be written; names are asked for, which is faster than a search."""
    names = {f: [example(x) for x in alternatives(f)] for f in files}
    found = {f for f in files if any(context.ask("write", n) for n in names[f])}
    return found | set(context.first_grant("write", [f for f in files if "*" in f and f not in found]))


def pairs(context: LintContext, kinds: tuple[str, ...]) -> list[LoadedFiles]:
    """What programs that some rule may run load, of some kinds."""
    return [p for p in _pairs(context) if p.kind in kinds]


def _pairs(context: LintContext) -> Iterator[LoadedFiles]:
    for row in context.capabilities.kinds(*KINDS):  # of the project's own configuration
        if row.file and called(context, row.argv[0]):
            yield LoadedFiles((quoted(row.file),), row.kind, tuple(like(context, row)), (), row.id)
    folders = _folders(context)
    for loader in loaders():
        commands = _named(context, loader.commands)
        off = _named(context, loader.switched_off()) if commands else ()
        away = _named(context, loader.in_folder("[!.]*")) if commands else ()
        for kind, files in loader.files.items() if commands else ():
            if files:
                yield LoadedFiles(files, kind, commands, (*off, *away), loader.id)
            here = [f for f in files if f[0] not in "~/" and not f.startswith("**")]
            for folder in folders if here else ():
                there = _named(context, loader.in_folder(folder))
                yield LoadedFiles(tuple(f"{folder}/{f}" for f in here), kind, there, off, loader.id)


def _named(context: LintContext, commands: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The commands of which a grant may be, by the names under which it has their programs."""
    return tuple(
        f"{name if name != program.rpartition('/')[2] else program} {rest}".strip()
        for program, rest in commands
        for name in called(context, program)
    )


def _folders(context: LintContext) -> list[str]:
    """The folders in which grants start programs, by an option of theirs."""
    rules = (r for r in context.granting.values() if r.sort == COMMAND)
    words = (s for r in rules for p in r.include for s in p.sequences)
    found = (b for s in words for a, b in pairwise(s) if a in FOLDER_OPTIONS and isinstance(b, str))
    return [
        f for f in dict.fromkeys(x.strip("/").removeprefix("./") for x in found) if f and not set(f) & set("*?[{~$")
    ]


def code(context: LintContext) -> list[Trace]:
    """Running any code in one step, by an interpreter or an option that runs programs."""
    wide = ("interpreter", "option", "wrapper", "runner", "container", "remote")
    found = allowed_rows(context, lambda r: r.kind in wide and r.gives in {"run", "load"} and not r.file)
    return [_of(a) for a in found]


def _of(allowed: Allowed) -> Trace:
    grant, row = allowed.grants[0], allowed.rows[0]
    return Trace((noted(grant.step, "it runs any code"),), (allowed.rule,), (row.id,), "any code")


def run_files(context: LintContext) -> list[Trace]:
    """Writing a file that a rule lets the agent run by its path."""
    out: list[Trace] = []
    for rule in context.policy.layers[0].rules:
        if not rule.grants or rule.effect != "allow" or rule.sort != COMMAND or not rule.include:
            continue
        for command in _by_path(context, rule):
            path = _path_in(command.step.witness)
            if path is None:
                continue
            for write in context.ask("write", path):
                trace = joined(context, write, command, ("a file of the agent's own", "runs it"), "", path)
                if trace is not None:
                    out.append(trace)
    return minimal(out)


_READERS = {
    *DIALECTS, "dash", "python", "python3", "node", "perl", "ruby", "php", "tsx", "ts-node", "deno", "bun", "lua",
}  # fmt: skip
"""Programs whose first operand is a script."""
_WITH_WORDS = frozenset({"bun", "deno"})


def _by_path(context: LintContext, rule: Rule) -> Iterator[Grant]:
    """Commands of a rule that name a file to run, one for each of its patterns."""
    for pattern in rule.include:
        for sequence in pattern.sequences:
            first = sequence[0] if isinstance(sequence[0], str) else getattr(sequence[0], "text", "")
            at = 1 if first in _READERS else 0
            label = sequence[at] if len(sequence) > at else None
            text = label if isinstance(label, str) else getattr(label, "text", "")
            if first in _WITH_WORDS and text.isalpha():  # a command of its own, where it has one
                continue
            if not text or text.startswith("-") or ("/" not in text and at == 0):
                continue
            if text.startswith("/") and not any(c in text for c in "*?["):
                continue
            yield from (_in_folder(context, r) for r in context.find_grants("run", [pattern.text]) if r.rule is rule)
            break


def _in_folder(context: LintContext, grant: Grant) -> Grant:
    """The same with a file where the shortest example names its folder."""
    words = grant.step.witness.resource
    if isinstance(words, tuple) and any(w.endswith("/") for w in words):
        witness = replace(grant.step.witness, resource=tuple(f"{w}a" if w.endswith("/") else w for w in words))
        if context.allowed(witness):
            return replace(grant, step=context.step(witness))
    return grant


def _path_in(witness: Witness) -> str | None:
    words = witness.resource
    if not isinstance(words, tuple) or not words:
        return None
    path = words[1] if words[0] in _READERS and len(words) > 1 else words[0]
    if path.startswith("-") or ("/" not in path and path is words[0]):
        return None
    return path.removeprefix("./")


def downloads(context: LintContext) -> list[Trace]:
    """Fetching a file to where a rule lets the agent run it."""
    out: list[Trace] = []
    rows = [r for r in context.capabilities.programs if r.id in {"curl.output", "wget.output"}]
    for run in run_files(context):
        path = run.what
        for row in rows:
            words = tuple(path if w == "any/file" else w for w in words_of(row))
            for url in _hosts(context):
                argv = tuple(url if w.startswith("https://evil.example") else w for w in words)
                for grant in context.ask("run", argv):
                    command = Grant(run.rules[1], run.steps[1], everyone=False)
                    trace = joined(context, grant, command, ("whatever the host sends", "runs it"), row.id, path)
                    if trace is not None:
                        out.append(trace)
    return minimal(out)


def _hosts(context: LintContext) -> list[str]:
    """Addresses that the policy lets an agent read from."""
    found = context.find_grants("connect", ["GET **:*"])
    return [str(r.step.witness.resource) for r in found][:8]


def together(
    context: LintContext, first: list[Grant], second: list[Grant], notes: tuple[str, str], what: str = ""
) -> list[Trace]:
    """Two things that one principal may do, and that mean more together."""
    found = (joined(context, a, b, notes, "", what) for a in first for b in second)
    return minimal([t for t in found if t is not None])


def rows_of(trace: Trace) -> tuple[str, ...]:
    """The rows behind a trace that have a name."""
    return tuple(r for r in trace.rows if r)
