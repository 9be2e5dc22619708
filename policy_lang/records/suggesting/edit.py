"""Rules and tests put into a policy's text: where a person would look for them, and nothing else changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ...domain.conditions import Atom
from ...domain.errors import PolicyError, Source
from ...ir.evaluate import evaluate
from ...syntax import emit, tree
from ...syntax.format import INDENT, format_file
from ...syntax.parse import parse
from ..learning.propose import glob_of, sayable


@dataclass(frozen=True, slots=True)
class RulePlace:
    """Where rules for an agent go: into the `agent` block that begins at `start`, or into one of their own.

    `agents` are the globs of the block; none for the top of the file, where rules are every agent's. `repo` is the glob
    of the repository that they are for, if not for all.
    """

    agents: tuple[str, ...] = ()
    start: int = -1
    repo: str = ""


def parsed(text: str, path: str) -> tree.File:
    """The tree of a policy's text. Raises PolicyError."""
    file = parse(Source(path, text))
    if file.diagnostics:
        raise PolicyError(file.diagnostics)
    return file


def place_of(file: tree.File, agent: str, repo: str) -> RulePlace | None:
    """Where the file has rules about this agent, or else a block of its own; None where neither can be.

    A file without `agent` blocks has rules for every agent, and one more is no other than they are. So with `repo`.
    """
    if repo and any(s.kind == "repo" for s in _scopes(file.items)):
        place = place_of(file, agent, "") if sayable("repo", repo) else None
        return None if place is None else replace(place, repo=glob_of(repo))
    blocks = [i for i in file.items if isinstance(i, tree.Scope) and i.kind == "agent"]
    for block in blocks:
        globs = tuple(word.text for word in block.globs)
        if agent and evaluate(Atom("agent", "glob", globs), {"agent": agent}) is True:
            return RulePlace(globs, block.pos[0])
    if not blocks:
        return RulePlace()
    return RulePlace((glob_of(agent),)) if agent and sayable("agent", agent) else None


def _scopes(items: Iterable[tree.Node]) -> Iterator[tree.Scope]:
    for item in items:
        if isinstance(item, tree.Scope):
            yield item
            yield from _scopes(item.body)


def added(
    file: tree.File, rules: Iterable[tuple[RulePlace, Sequence[emit.Part]]], tests: Sequence[emit.Part] = ()
) -> str:
    """The file's text with rules, each at its place, and tests at the end. It stays formatted if it was."""
    text = file.source.text
    inserts: list[tuple[int, str]] = []
    end: list[emit.Part] = []
    for place, given in rules:
        parts = [emit.scope("repo", [place.repo], given)] if place.repo else given
        if place.agents and place.start < 0:
            end += [emit.BLANK, emit.scope("agent", place.agents, parts)]
        else:
            inserts.append(_inside(file, place, parts))
    end += [emit.BLANK, *tests] if tests else []
    if end:
        inserts.append((len(text), ("" if text.endswith("\n") else "\n") + "\n" + emit.text(end)))
    inserts.sort(key=lambda insert: insert[0])
    for at, more in reversed(inserts):  # of those at one place the last one first
        text = text[:at] + more + text[at:]
    made = parsed(text, file.source.path)
    return format_file(made) if format_file(file) == file.source.text else text


def _inside(file: tree.File, place: RulePlace, parts: Sequence[emit.Part]) -> tuple[int, str]:
    text, lines = file.source.text, emit.text(parts)
    if not place.agents:
        at = _line_end(text, _last_rule(file))
        return at, ("" if at == 0 or text[at - 1] == "\n" else "\n") + "\n" + lines
    block = next(i for i in file.items if isinstance(i, tree.Scope) and i.pos[0] == place.start)
    at = block.end - 1
    line = text.rfind("\n", 0, at) + 1
    inside = "".join(INDENT + x for x in lines.splitlines(keepends=True))
    return (line, inside) if not text[line:at].strip() else (at, "\n" + inside)


def _last_rule(file: tree.File) -> int:
    """Where the last rule of every agent's ends, or what stands before the first test."""
    rules = [i for i in file.items if isinstance(i, tree.RuleNode)]
    others = [i for i in file.items if not isinstance(i, (tree.TestDef, tree.ProveDef, tree.Scope))]
    last = (rules or others)[-1:]
    return last[0].pos[1] if last else 0


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1
