"""What an agent can do in several steps: capabilities, and what follows from having some of them together.

The first ones are what the policy grants: write a file, run a command, read a secret, upload, push. From these others
follow, by the rows of the capability data: who writes a file that a command loads, and runs that command, runs any
code; who runs any code does what is denied. Each step is a request that the policy was asked. Only minimal ways are
kept: one that needs every rule of another and more says nothing new.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..analysis.witness import Witness
from ..automata.pattern import quoted
from ..domain.actions import COMMAND
from ..ir.model import Rule
from .capabilities import Capability
from .commands import Allowed, allowed_rows, called, grants_any_program, like, same_principal, words_of
from .finding import Step
from .ground import Ground, Reach, noted


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


def joined(ground: Ground, first: Reach, second: Reach, notes: tuple[str, str], row: str, what: str) -> Trace | None:
    """Two steps of one principal, if the same one may take both."""
    pair = same_principal(ground, first.step.witness, second.step.witness)
    if pair is None:
        return None
    steps = (ground.step(pair[0], notes[0]), ground.step(pair[1], notes[1]))
    return Trace(steps, (first.rule, second.rule), (row,), what)


def loaded_files(ground: Ground, *kinds: str) -> list[Trace]:
    """Writing a file that an allowed command then loads."""
    out: list[Trace] = []
    for row in writable(ground, kinds):
        for write in writes(ground, row.file):
            for command in ground.reach("run", like(ground, row)):
                notes = (f"`{row.program}` reads it", "and runs what it says")
                trace = joined(ground, write, command, notes, row.id, row.file)
                if trace is not None:
                    out.append(trace)
    return minimal(out)


def writes(ground: Ground, file: str) -> list[Reach]:
    """The ways to write a file: by a rule about writing, or by a command that no such rule holds."""
    return [*ground.reach("write", [quoted(file)]), *_by_command(ground, "write", "{out}", file)]


def reads(ground: Ground, file: str) -> list[Reach]:
    """The commands that read a file although no rule about reading grants it."""
    return _by_command(ground, "read", "{secret}", file)


def _by_command(ground: Ground, gives: str, place: str, file: str) -> list[Reach]:
    """Allowed commands whose rows say that they write or read what stands at a placeholder."""
    out: list[Reach] = []
    for row in ground.capabilities.programs:
        if row.gives == gives and place in row.argv and called(ground, row.argv[0]):
            words = tuple(file if w == place else x for w, x in zip(row.argv, words_of(row), strict=True))
            out += [r for r in ground.probe("run", words) if not grants_any_program(ground, r.rule)]
    return out


def writable(ground: Ground, kinds: tuple[str, ...]) -> list[Capability]:
    """The rows of some kinds about files that an agent may write and programs that some rule may run."""
    rows = [r for r in ground.capabilities.programs if r.file and called(ground, r.argv[0])]
    files = ground.first("write", sorted({quoted(r.file) for r in rows}))
    return [
        r
        for r in rows
        if r.kind in kinds and (quoted(r.file) in files or _by_command(ground, "write", "{out}", r.file))
    ]


def code(ground: Ground) -> list[Trace]:
    """Running any code in one step, by an interpreter or an option that runs programs."""
    wide = ("interpreter", "option", "wrapper", "runner", "container", "remote")
    found = allowed_rows(ground, lambda r: r.kind in wide and r.gives in {"run", "load"} and not r.file)
    return [_of(a) for a in found]


def _of(allowed: Allowed) -> Trace:
    reach, row = allowed.reaches[0], allowed.rows[0]
    return Trace((noted(reach.step, "it runs any code"),), (allowed.rule,), (row.id,), "any code")


def run_files(ground: Ground) -> list[Trace]:
    """Writing a file that a rule lets the agent run by its path."""
    out: list[Trace] = []
    for rule in ground.policy.layers[0].rules:
        if not rule.grants or rule.effect != "allow" or rule.sort != COMMAND or not rule.include:
            continue
        for command in _by_path(ground, rule):
            path = _path_in(command.step.witness)
            if path is None:
                continue
            for write in ground.probe("write", path):
                trace = joined(ground, write, command, ("a file of the agent's own", "runs it"), "", path)
                if trace is not None:
                    out.append(trace)
    return minimal(out)


_READERS = {
    "bash",
    "sh",
    "zsh",
    "dash",
    "python",
    "python3",
    "node",
    "perl",
    "ruby",
    "php",
    "tsx",
    "ts-node",
    "deno",
    "bun",
    "lua",
}
"""Programs whose first operand is a script."""


def _by_path(ground: Ground, rule: Rule) -> Iterator[Reach]:
    """Commands of a rule that name a file to run, one for each of its patterns."""
    for pattern in rule.include:
        for sequence in pattern.sequences:
            first = sequence[0] if isinstance(sequence[0], str) else getattr(sequence[0], "text", "")
            at = 1 if first in _READERS else 0
            label = sequence[at] if len(sequence) > at else None
            text = label if isinstance(label, str) else getattr(label, "text", "")
            if not text or text.startswith("-") or ("/" not in text and at == 0):
                continue
            if text.startswith("/") and not any(c in text for c in "*?["):
                continue
            yield from (_in_folder(ground, r) for r in ground.reach("run", [pattern.text]) if r.rule is rule)
            break


def _in_folder(ground: Ground, reach: Reach) -> Reach:
    """The same with a file where the shortest example names its folder."""
    words = reach.step.witness.resource
    if isinstance(words, tuple) and any(w.endswith("/") for w in words):
        witness = replace(reach.step.witness, resource=tuple(f"{w}a" if w.endswith("/") else w for w in words))
        if ground.allowed(witness):
            return replace(reach, step=ground.step(witness))
    return reach


def _path_in(witness: Witness) -> str | None:
    words = witness.resource
    if not isinstance(words, tuple) or not words:
        return None
    path = words[1] if words[0] in _READERS and len(words) > 1 else words[0]
    if path.startswith("-") or ("/" not in path and path is words[0]):
        return None
    return path.removeprefix("./")


def downloads(ground: Ground) -> list[Trace]:
    """Fetching a file to where a rule lets the agent run it."""
    out: list[Trace] = []
    rows = [r for r in ground.capabilities.programs if r.id in {"curl.output", "wget.output"}]
    for run in run_files(ground):
        path = run.what
        for row in rows:
            words = tuple(path if w == "any/file" else w for w in words_of(row))
            for url in _hosts(ground):
                argv = tuple(url if w.startswith("https://evil.example") else w for w in words)
                for reach in ground.probe("run", argv):
                    command = Reach(run.rules[1], run.steps[1], everyone=False)
                    trace = joined(ground, reach, command, ("whatever the host sends", "runs it"), row.id, path)
                    if trace is not None:
                        out.append(trace)
    return minimal(out)


def _hosts(ground: Ground) -> list[str]:
    """Addresses that the policy lets an agent read from."""
    found = ground.reach("connect", ["GET **:*"])
    return [str(r.step.witness.resource) for r in found][:8]


def together(
    ground: Ground, first: list[Reach], second: list[Reach], notes: tuple[str, str], what: str = ""
) -> list[Trace]:
    """Two things that one principal may do, and that mean more together."""
    found = (joined(ground, a, b, notes, "", what) for a in first for b in second)
    return minimal([t for t in found if t is not None])


def rows_of(trace: Trace) -> tuple[str, ...]:
    """The rows behind a trace that have a name."""
    return tuple(r for r in trace.rows if r)
