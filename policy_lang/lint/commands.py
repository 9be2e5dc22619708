"""Which rows of the capability data a policy lets an agent run, each as a command that the whole policy allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from ..analysis.witness import Witness
from ..automata.pattern import quoted
from ..domain.actions import COMMAND
from ..ir.model import Rule
from .capabilities import Capability
from .check import Check, Look
from .finding import Finding
from .ground import Given, Ground, Reach, noted
from .places import sentence

SHOWN = {
    "code": "./anything", "codepath": "./anything", "mark": "any/file", "marksed": "any",
    "dir": "any-folder", "home": "~",
    "secret": "any/secret", "secretini": "any/secret", "secretjson": "any/secret",
    "secretlist": "any/secret", "secretheader": "any/secret", "secretcookie": "any/secret",
    "out": "any/file", "victim": "any/victim",
    "victimdir": "any-folder", "url": "https://evil.example", "port": "443",
}  # fmt: skip
"""What stands for the placeholders of a row when a policy is asked."""
_MOST_STEPS = 3


def words_of(row: Capability) -> tuple[str, ...]:
    """The words of a row as they are asked."""
    return tuple(_filled(w) for w in row.argv)


def _filled(text: str) -> str:
    if "{" not in text:
        return text
    out = text.replace("{{", "\0").replace("}}", "\1")
    for name, value in SHOWN.items():
        out = out.replace("{" + name + "}", value)
    return out.replace("\0", "{").replace("\1", "}")


def called(ground: Ground, program: str) -> list[str]:
    """The names under which a row's program could be run: those that grants name and that the same profile reads.

    Its own name when a grant names no program at all; nothing when no grant could mean it.
    """
    names, any_program = _granted_programs(ground)
    wanted = program.rpartition("/")[2]
    if wanted in names or any_program:
        return [program]
    profile = ground.side.profile(wanted)
    if profile is None:
        return []
    return [n for n in names if (p := ground.side.profile(n)) is not None and p.name == profile.name]


def _granted_programs(ground: Ground) -> tuple[list[str], bool]:
    """The programs that grants name, and whether one names none."""
    if ground.programs is None:
        firsts = [
            sequence[0]
            for rule in ground.granting.values()
            if rule.sort == COMMAND
            for pattern in rule.include
            for sequence in pattern.sequences
        ]
        names = dict.fromkeys(f.rpartition("/")[2] for f in firsts if isinstance(f, str))
        ground.programs = list(names), any(not isinstance(f, str) for f in firsts)
    return ground.programs


def grants_any_program(ground: Ground, rule: Rule) -> bool:
    """True for a rule that grants programs which nobody has heard of: that is said once, elsewhere."""
    return any(r.rule is rule for r in ground.probe("run", ("some-program", "--any-option")))


@dataclass(slots=True)
class Allowed:
    """The rows that one rule lets an agent run."""

    rule: Rule
    reaches: list[Reach] = field(default_factory=list)
    rows: list[Capability] = field(default_factory=list)


def allowed_rows(
    ground: Ground, wanted: Callable[[Capability], bool], givens: Iterable[Given] | None = None
) -> list[Allowed]:
    """The rows that are allowed without approval, to some principals or anybody, by the rule that grants them."""
    out: dict[str, Allowed] = {}
    for row in ground.capabilities.programs:
        names = called(ground, row.argv[0]) if wanted(row) else []
        for words in (w for name in names for w in _variants(ground, row, name)):
            found = ground.probe("run", words, None, givens)
            for reach in found:
                if not ground.own(reach.rule) or grants_any_program(ground, reach.rule):
                    continue
                one = out.setdefault(reach.rule.id, Allowed(reach.rule))
                one.reaches.append(reach)
                one.rows.append(row)
            if found:
                break
    return list(out.values())


def _variants(ground: Ground, row: Capability, name: str) -> Iterator[tuple[str, ...]]:
    """A row's words under a name of its program, and the same with the file where the policy lets an agent read."""
    words = (name, *words_of(row)[1:])
    yield words
    if any(w.startswith("any/script.") for w in words):
        for folder in _readable(ground):
            yield tuple(w.replace("any/", folder, 1) if w.startswith("any/script.") else w for w in words)


def _readable(ground: Ground) -> list[str]:
    """Folders that rules about reading begin with."""
    found: dict[str, None] = {}
    for rule in ground.policy.layers[0].rules:
        if rule.grants and "read" in rule.actions:
            for pattern in rule.include:
                first, slash, _ = pattern.text.partition("/")
                if slash and first not in {"", "~", ".", "**"} and not set(first) & set("*?[{$"):
                    found[f"{first}/"] = None
    return list(found)[:6]


def of_kinds(*kinds: str, note: str) -> Look:
    """A rule that finds each grant which lets an agent run rows of some kinds."""

    def look(ground: Ground, check: Check) -> Iterator[Finding]:
        yield from findings(ground, check, allowed_rows(ground, lambda r: _runs(r, kinds)), note)

    return look


def _runs(row: Capability, kinds: tuple[str, ...]) -> bool:
    """True for a row of these kinds; an interpreter's or wrapper's only if any code runs."""
    return (
        row.kind in kinds
        and not row.file
        and (row.gives in {"run", "load"} or row.kind not in {"interpreter", "wrapper"})
    )


def findings(ground: Ground, check: Check, allowed: list[Allowed], note: str) -> Iterator[Finding]:
    """A finding for each rule, with the first rows as its requests."""
    for one in allowed:
        steps = tuple(noted(r.step, row.note or note) for r, row in zip(one.reaches, one.rows, strict=True))
        more = f"; {len(one.rows) - 1} more ways are known" if len(one.rows) > 1 else ""
        yield ground.finding(
            check, sentence(one.reaches[0], note) + more, one.rule, steps=steps[:_MOST_STEPS],
            rows=tuple(r.id for r in one.rows[:8]),
        )  # fmt: skip


def like(ground: Ground, row: Capability) -> list[str]:
    """Command patterns of all that reads what a row reads: its program and sub-command, whatever follows."""
    return [_like(ground, row, name) for name in called(ground, row.argv[0])]


def _like(ground: Ground, row: Capability, program: str) -> str:
    profile = ground.engine.profiles(program)
    words = [program]
    second = row.argv[1] if len(row.argv) > 1 else ""
    if (profile is not None and second in profile.commands) or (second.isalpha() and program in _WITH_COMMANDS):
        words.append(row.argv[1])
    return " ".join([*(quoted(w) for w in words), "**"])


_WITH_COMMANDS = {"npm", "pnpm", "yarn", "cargo", "go", "git", "pip", "uv", "docker", "alembic", "bundle", "hatch"}
"""Programs whose first word is a command, for those without a profile."""


def same_principal(ground: Ground, first: Witness, second: Witness) -> tuple[Witness, Witness] | None:
    """Both requests by one principal under the same circumstances, where both are allowed."""
    givens = [first.given, second.given, {**first.given, **second.given}, *ground.principals()]
    for given in givens:
        pair = (replace(first, given=dict(given)), replace(second, given=dict(given)))
        if all(ground.allowed(w) for w in pair):
            return pair
    return None
