"""Policy statements as text, in the layout of `policy fmt`: what the whole program writes policies with.

Functions such as `rule` make statements; `text` prints them, with comments and empty lines between them. What they
are given is data: no text in it can become anything but that text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..domain.errors import Source
from . import tree
from .format import INDENT, Printer
from .tokens import escape, legible
from .tree import Pos, Word

HERE: Pos = (0, 0)
"""The place of what stands in no file."""
SPREAD: Pos = (0, 1)
"""The place of what is laid out over several lines, also where one would do."""
OPAQUE = Word("OPAQUE", "opaque", HERE)
"""The pattern of commands that cannot be understood."""
BLANK = ""
"""An empty line."""


@dataclass(frozen=True, slots=True)
class Block:
    """A scope, a test or a proof with what stands inside."""

    head: tree.Scope | tree.TestDef | tree.ProveDef
    body: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Annotated:
    """A statement with a comment behind it."""

    statement: tree.Node
    comment: str


Part = tree.Node | Block | Annotated | str
"""A piece of a policy: a statement, a block, or the words of a comment line; an empty text is an empty line."""
Value = str | int | bool


def text(parts: Iterable[Part]) -> str:
    """The parts one below the other, each line ended. `policy fmt` changes nothing in it."""
    printer = Printer(tree.File(Source("", "\n"), [], [], []))
    _print(printer, parts, 0)
    return printer.text()


def statement(node: tree.Node | Block) -> str:
    """One statement, without the end of its last line."""
    return text([node]).removesuffix("\n")


def _print(printer: Printer, parts: Iterable[Part], depth: int) -> None:
    lines = printer.lines
    for part in parts:
        if isinstance(part, Block):
            printer.head(part.head, depth)
            _print(printer, part.body, depth + 1)
            while not lines[-1]:
                lines.pop()
            lines.append(INDENT * depth + "}")
        elif isinstance(part, Annotated):
            printer.item(part.statement, depth)
            lines[-1] += f"  {comment(part.comment)}"
        elif not isinstance(part, str):
            printer.item(part, depth)
        elif part:
            lines.append(INDENT * depth + comment(part.removeprefix("#").removeprefix(" ")))
        elif lines and lines[-1] and not lines[-1].endswith("{"):
            lines.append("")


def comment(words: str) -> str:
    """A comment of one line, whatever the words hold."""
    return f"# {legible(words)}".rstrip()


# names, texts and conditions


def string(value: str) -> str:
    """A text as it stands in a policy: in double quotes, with what must not stand there escaped."""
    return escape(value)


def _name(name: str) -> Word:
    return Word("NAME", name, HERE)


def _string(value: str) -> Word:
    return Word("STRING", value, HERE)


def _patterns(patterns: Iterable[str | Word]) -> list[Word]:
    return [p if isinstance(p, Word) else _string(p) for p in patterns]


def _value(value: Value) -> Word:
    if isinstance(value, bool):
        return Word("TRUE" if value else "FALSE", str(value).lower(), HERE)
    return Word("INT", str(value), HERE) if isinstance(value, int) else _string(value)


def compare(subject: str, op: str, *values: Value) -> tree.Compare:
    """A comparison, as `tree.Compare` describes them: `compare("env", "==", "prod")`, `compare("ci", "truth")`."""
    kind = {"agent": "AGENT", "repo": "REPO"}.get(subject, "NAME")
    return tree.Compare(Word(kind, subject, HERE), op, [_value(v) for v in values], HERE)


# statements


def header(name: str, kind: str = "policy", edition: int | None = None) -> tree.Header:
    """`policy "name"` or `guardrail "name"`, with the edition of the language if one is given."""
    return tree.Header(kind, _string(name), HERE, None if edition is None else _value(edition))


def imported(module: str, without: Iterable[str] = (), *, file: bool = False) -> tree.Import:
    """`import` of a library module, or of a file."""
    return tree.Import(_string(module) if file else Word("QNAME", module, HERE), [_name(n) for n in without], HERE)


def within(path: str) -> tree.Within:
    """`within "FILE"`."""
    return tree.Within(_string(path), HERE)


def rule(
    effect: str,
    actions: Iterable[str],
    patterns: Iterable[str | Word],
    *,
    tier: str = "",
    label: str = "",
    methods: Iterable[str] = (),
    exclude: Iterable[str | Word] = (),
    options: Iterable[str] = (),
    without: Iterable[str] = (),
    when: tree.Condition | None = None,
    until: str = "",
    log: bool = False,
    override: bool = False,
    because: str = "",
    examples: Iterable[tree.ExampleNode] = (),
) -> tree.RuleNode:
    """A rule. `methods` are those of its `connect`; a pattern is a text or `OPAQUE`; what is empty is left out.

    `options` stand behind `with`; `until` is a date, or a time such as `2027-01-31T12:00Z`.
    """
    verbs = [Word("METHOD", m, HERE) for m in methods]
    written = [(Word("ACTION", a, HERE), verbs if a == "connect" else []) for a in actions]
    moment = Word("DATETIME" if "T" in until else "DATE", until, HERE)
    clauses = [
        tree.Clause(kind, HERE, words)
        for kind, words in (
            ("except", _patterns(exclude)),
            ("with", _patterns(options)),
            ("without", _patterns(without)),
            ("until", [moment] if until else []),
            ("because", [_string(because)] if because else []),
        )
        if words
    ]
    clauses += [tree.Clause(kind, HERE) for kind, given in (("log", log), ("override", override)) if given]
    if when is not None:
        clauses.append(tree.Clause("when", HERE, [], when))
    body = list(examples)
    return tree.RuleNode(
        _name(label) if label else None,
        Word(effect.upper(), effect, HERE),
        _name(tier) if tier else None,
        written,
        _patterns(patterns),
        clauses,
        body,
        bool(body),
        HERE,
    )


def example(resources: Iterable[str], *, negated: bool = False, method: str = "") -> tree.ExampleNode:
    """`match "..."` or `not match "..."` in a rule."""
    return tree.ExampleNode(negated, _method(method), [_string(r) for r in resources], HERE)


def _method(method: str) -> Word | None:
    return Word("METHOD", method, HERE) if method else None


def tier(
    name: str,
    approvers: Iterable[str],
    *,
    quorum: int | None = None,
    expires: int | None = None,
    includes: Iterable[str] = (),
    reason_required: bool = False,
    scope: str = "",
    escalate: str = "",
    opens: Iterable[str] = (),
) -> tree.TierDef:
    """A tier; `expires` is in seconds. What is not given is left out."""
    made = tree.TierDef(_name(name), True, HERE, [_string(a) for a in approvers])
    made.includes, made.opens = [_name(n) for n in includes], [_name(n) for n in opens]
    made.quorum, made.expires = quorum or made.quorum, expires or made.expires
    made.scope, made.reason_required = scope or made.scope, reason_required
    made.escalate = _name(escalate) if escalate else None
    given = {
        "approvers": made.approvers, "quorum": quorum, "expires": expires, "includes": made.includes,
        "reason": reason_required, "scope": scope, "on timeout": escalate, "break-glass": made.opens,
    }  # fmt: skip
    made.clauses = [(kind, HERE) for kind, value in given.items() if value]
    return made


def attribute(name: str, kind: str, members: Iterable[str] = (), default: Value | None = None) -> tree.Attribute:
    """One attribute of `context`: `string`, `int`, `bool`, or `enum` with its members."""
    named = None if kind == "enum" else _name(kind)
    return tree.Attribute(_name(name), named, [_string(m) for m in members], _or_none(default), HERE)


def _or_none(value: Value | None) -> Word | None:
    return None if value is None else _value(value)


def context(attributes: Iterable[tree.Attribute]) -> tree.ContextDef:
    """`context { ... }`, an attribute a line."""
    return tree.ContextDef(list(attributes), SPREAD)


def scope(kind: str, globs: Iterable[str], body: Sequence[Part]) -> Block:
    """`agent "glob" { ... }` or `repo "glob" { ... }`."""
    return Block(tree.Scope(kind, [_string(g) for g in globs], None, HERE), body)


def scope_when(condition: tree.Condition, body: Sequence[Part]) -> Block:
    """`when CONDITION { ... }`."""
    return Block(tree.Scope("when", [], condition, HERE), body)


def expect(name: str, body: Sequence[Part], *, agent: str | None = None) -> Block:
    """`test "name" { ... }` with its cases."""
    return Block(tree.TestDef(_string(name), None if agent is None else _string(agent), [], HERE), body)


def case(
    effect: str, action: str, resources: Iterable[str | Word], *, tier: str = "", method: str = ""
) -> tree.CaseNode:
    """One line of a test."""
    return tree.CaseNode(
        Word(effect.upper(), effect, HERE),
        _name(tier) if tier else None,
        Word("ACTION", action, HERE),
        _method(method),
        _patterns(resources),
        HERE,
    )


__all__ = [
    "BLANK", "HERE", "OPAQUE", "SPREAD", "Annotated", "Block", "Part", "attribute", "case", "comment", "compare",
    "context", "example", "expect", "header", "imported", "rule", "scope", "scope_when", "statement", "string", "text",
    "tier", "within",
]  # fmt: skip
