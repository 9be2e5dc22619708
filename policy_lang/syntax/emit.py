"""Policy statements as text, in the layout of `policy fmt`: what the whole program writes policies with.

Functions such as `rule` make statements; `text` prints them, with comments and empty lines between them. What they
are given is data: no text in it can become anything but that text. Where the grammar takes only some texts, such as
names and actions, another one is refused with UnsayableError, and so is a text that no string can hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from ..domain.edition import NEWEST_EDITION
from ..domain.errors import CallerError, Source
from ..domain.limits import limit
from . import tree
from .format import INDENT, Printer
from .parse import kind_of
from .tokens import SOFT, escape, legible, unescape
from .tree import Pos, Word

HERE: Pos = (0, 0)
"""The place of what stands in no file."""
SPREAD: Pos = (0, 1)
"""The place of what is laid out over several lines, also where one would do."""
OPAQUE = Word("OPAQUE", "opaque", HERE)
"""The pattern of commands that cannot be understood."""
BLANK = ""
"""An empty line."""


class UnsayableError(CallerError, ValueError):
    """Something that the policy language cannot say was to be written."""


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
_T = TypeVar("_T")


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
    """A text as it stands in a policy: in double quotes, with what must not stand there escaped.

    Raises UnsayableError for NUL and half of a surrogate pair, which no policy can hold.
    """
    return escape(_string(value).text)


def _refuse(value: object, wanted: str) -> UnsayableError:
    shown = ascii(value) if isinstance(value, str) else f"a value of type {type(value).__name__}"
    if isinstance(value, int) and -(10**20) < value < 10**20:
        shown = str(value)
    return UnsayableError(f"{shown if len(shown) <= 60 else shown[:57] + '...'} is not a valid {wanted}")


def _word(text: object, *kinds: str, what: str) -> Word:
    """A text as the one token that it is. Raises UnsayableError when it is of none of the kinds."""
    if not isinstance(text, str) or (kind := kind_of(text)) not in kinds:
        raise _refuse(text, what)
    return Word(kind, text, HERE)


def _choice(text: str, choices: Sequence[str], what: str) -> str:
    if text not in choices:
        raise _refuse(text, what)
    return text


def _number(value: int, least: int, most: int, what: str) -> int:
    if type(value) is not int or not least <= value <= most:
        raise _refuse(value, what)
    return value


def _some(words: list[_T], what: str) -> list[_T]:
    if not words:
        raise UnsayableError(f"at least one {what} is needed")
    return words


def _name(name: str) -> Word:
    return _word(name, "NAME", what="name")


def _tier_name(name: str) -> Word:
    """A name inside the braces of a tier, where more words are reserved."""
    if name in SOFT["tier"]:
        raise _refuse(name, "name inside a tier")
    return _name(name)


def _string(value: str) -> Word:
    try:
        unescape(escape(value))
    except (TypeError, ValueError):
        raise _refuse(value, "text") from None
    return Word("STRING", value, HERE)


def _pattern(pattern: str | Word) -> Word:
    if not isinstance(pattern, Word) or pattern.kind == "STRING":
        return _string(pattern.text if isinstance(pattern, Word) else pattern)
    return _word(pattern.text, "NAME", "OPAQUE", what="pattern")


def _patterns(patterns: Iterable[str | Word]) -> list[Word]:
    return [_pattern(p) for p in patterns]


def _value(value: Value) -> Word:
    if isinstance(value, bool):
        return Word("TRUE" if value else "FALSE", str(value).lower(), HERE)
    if isinstance(value, int):
        most = 10 ** limit("integer_digits") - 1
        return Word("INT", str(_number(value, -most, most, "number")), HERE)
    return _string(value)


def compare(subject: str, op: str, *values: Value) -> tree.Compare:
    """A comparison, as `tree.Compare` describes them: `compare("env", "==", "prod")`, `compare("ci", "truth")`."""
    counts = {"truth": (0, 0), "window": (2, 2), "in": (1, len(values))}
    least, most = counts.get(op, (1, 1))
    if op not in counts:
        _word(op, "COMPARE", what="comparison")
    if not least <= len(values) <= most:
        raise UnsayableError(f"`{op}` does not compare with so many values")
    return tree.Compare(_word(subject, "NAME", "AGENT", "REPO", what="name"), op, [_value(v) for v in values], HERE)


def _effect(effect: str, tier: str) -> tuple[Word, Word | None]:
    word = _word(effect, "ALLOW", "ASK", "DENY", what="effect")
    if (effect == "ask") != bool(tier):
        raise UnsayableError(f"`{effect}` needs a tier" if effect == "ask" else f"`{effect}` takes no tier")
    return word, _name(tier) if tier else None


# statements


def header(name: str, kind: str = "policy", edition: int | None = None) -> tree.Header:
    """`policy "name"` or `guardrail "name"`, with the edition of the language if one is given."""
    named = None if edition is None else _value(_number(edition, 1, NEWEST_EDITION, "edition of the language"))
    return tree.Header(_choice(kind, ("policy", "guardrail"), "kind of policy"), _string(name), HERE, named)


def imported(module: str, without: Iterable[str] = (), *, file: bool = False) -> tree.Import:
    """`import` of a library module, or of a file."""
    target = _string(module) if file else _word(module, "NAME", "QNAME", what="module")
    return tree.Import(target, [_name(n) for n in without], HERE)


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
    hosts: Iterable[str] = (),
    until: str = "",
    log: bool = False,
    override: bool = False,
    because: str = "",
    examples: Iterable[tree.ExampleNode] = (),
) -> tree.RuleNode:
    """A rule. `methods` are those of its `connect`; a pattern is a text or `OPAQUE`; what is empty is left out.

    `options` stand behind `with`, `hosts` behind `for`; `until` is a date, or a time such as `2027-01-31T12:00Z`.
    """
    verbs = [m for name in methods if (m := _method(name)) is not None]
    written = [(_word(a, "ACTION", what="action"), verbs if a == "connect" else []) for a in actions]
    effect_word, tier_word = _effect(effect, tier)
    clauses = [
        tree.Clause(kind, HERE, words)
        for kind, words in (
            ("except", _patterns(exclude)),
            ("for", [_string(h) for h in hosts]),
            ("with", [_string(o) for o in options]),
            ("without", [_string(o) for o in without]),
            ("until", [_word(until, "DATE", "DATETIME", what="date")] if until else []),
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
        effect_word,
        tier_word,
        _some(written, "action"),
        _some(_patterns(patterns), "pattern"),
        clauses,
        body,
        bool(body),
        HERE,
    )


def example(resources: Iterable[str], *, negated: bool = False, method: str = "") -> tree.ExampleNode:
    """`match "..."` or `not match "..."` in a rule."""
    return tree.ExampleNode(negated, _method(method), _some([_string(r) for r in resources], "resource"), HERE)


def _method(method: str) -> Word | None:
    return _word(method, "METHOD", what="method") if method else None


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
    made = tree.TierDef(_name(name), True, HERE, _some([_string(a) for a in approvers], "approver"))
    made.includes, made.opens = [_tier_name(n) for n in includes], [_tier_name(n) for n in opens]
    if quorum is not None:
        made.quorum = _number(quorum, 1, 100, "quorum")
    if expires is not None:
        made.expires = _number(expires, 1, 30 * 86400, "time to wait")
    made.scope = _choice(scope, ("once", "session"), "scope of a tier") if scope else made.scope
    made.reason_required = reason_required
    made.escalate = _tier_name(escalate) if escalate else None
    given = {
        "approvers": made.approvers, "quorum": quorum, "expires": expires, "includes": made.includes,
        "reason": reason_required, "scope": scope, "on timeout": escalate, "break-glass": made.opens,
    }  # fmt: skip
    made.clauses = [(kind, HERE) for kind, value in given.items() if value]
    return made


def attribute(name: str, kind: str, members: Iterable[str] = (), default: Value | None = None) -> tree.Attribute:
    """One attribute of `context`: `string`, `int`, `bool`, or `enum` with its members."""
    named, written = None if kind == "enum" else _name(kind), [_string(m) for m in members]
    if (named is None) != bool(written):
        raise UnsayableError("an enumeration has members, and no other type has")
    return tree.Attribute(_name(name), named, written, _or_none(default), HERE)


def _or_none(value: Value | None) -> Word | None:
    return None if value is None else _value(value)


def context(attributes: Iterable[tree.Attribute]) -> tree.ContextDef:
    """`context { ... }`, an attribute a line."""
    return tree.ContextDef(list(attributes), SPREAD)


def otherwise(tier: str, actions: Iterable[str] = ()) -> tree.Otherwise:
    """`otherwise ask TIER [ACTIONS]`."""
    return tree.Otherwise(_name(tier), [_word(a, "ACTION", what="action") for a in actions], HERE)


def scope(kind: str, globs: Iterable[str], body: Sequence[Part]) -> Block:
    """`agent "glob" { ... }` or `repo "glob" { ... }`."""
    _choice(kind, ("agent", "repo"), "kind of scope")
    return Block(tree.Scope(kind, _some([_string(g) for g in globs], "name"), None, HERE), body)


def scope_when(condition: tree.Condition, body: Sequence[Part]) -> Block:
    """`when CONDITION { ... }`."""
    return Block(tree.Scope("when", [], condition, HERE), body)


def expect(
    name: str, body: Sequence[Part], *, agent: str | None = None, given: Mapping[str, Value] = MappingProxyType({})
) -> Block:
    """`test "name" { ... }` with its cases; `given` is what else the requests say."""
    recorded = [(_word(subject, "NAME", "AGENT", "REPO", what="name"), _value(v)) for subject, v in given.items()]
    return Block(tree.TestDef(_string(name), None if agent is None else _string(agent), recorded, HERE), body)


def case(
    effect: str,
    action: str,
    resources: Iterable[str | Word],
    *,
    tier: str = "",
    method: str = "",
    destination: str = "",
) -> tree.CaseNode:
    """One line of a test."""
    return tree.CaseNode(
        *_effect(effect, tier),
        _word(action, "ACTION", what="action"),
        _method(method),
        _some(_patterns(resources), "resource"),
        HERE,
        _string(destination) if destination else None,
    )


def prove(name: str, body: Sequence[Part]) -> Block:
    """`prove "name" { ... }` with its claims."""
    return Block(tree.ProveDef(_string(name), None, None, HERE), body)


def claim(kind: str, actions: Iterable[str], patterns: Iterable[str | Word]) -> tree.PropertyNode:
    """`never allow` or `always deny` of some patterns."""
    _choice(kind, ("never_allow", "always_deny"), "claim")
    verbs: list[tuple[Word, list[Word]]] = [(_word(a, "ACTION", what="action"), []) for a in actions]
    return tree.PropertyNode(kind, None, [], verbs, _some(_patterns(patterns), "resource"), HERE)


__all__ = [
    "BLANK", "HERE", "OPAQUE", "SPREAD", "Annotated", "Block", "Part", "UnsayableError", "attribute", "case", "claim",
    "comment", "compare", "context", "example", "expect", "header", "imported", "otherwise", "prove", "rule", "scope",
    "scope_when", "statement", "string", "text", "tier", "within",
]  # fmt: skip
