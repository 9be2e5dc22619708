"""The tree of a policy file. Spans are character offsets into the source, end exclusive."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..domain.edition import NEWEST_EDITION
from ..domain.errors import Diagnostic, Source, Span

Pos = tuple[int, int]


@dataclass(slots=True)
class Word:
    """A name, string or number with its place. `kind` is the terminal's name; `text` its value, unescaped."""

    kind: str
    text: str
    pos: Pos


@dataclass(slots=True)
class Header:
    """`policy "name" [language N]` or `guardrail "name" [language N]`."""

    kind: str
    name: Word
    pos: Pos
    edition: Word | None = None


@dataclass(slots=True)
class Import:
    """`import MODULE [without RULE, ...]`."""

    target: Word
    without: list[Word]
    pos: Pos


@dataclass(slots=True)
class Within:
    """`within MODULE`: a ceiling."""

    target: Word
    pos: Pos


@dataclass(slots=True)
class ProfileFile:
    """`profile "FILE"`: how a program's command line is read."""

    target: Word
    pos: Pos


@dataclass(slots=True)
class Trust:
    """`trust "FOLDER", ...`: programs there are what they are called."""

    folders: list[Word]
    pos: Pos


@dataclass(slots=True)
class Let:
    """`let NAME = PATTERNS`."""

    name: Word
    patterns: list[Word]
    pos: Pos


@dataclass(slots=True)
class Freeze:
    """`freeze when DENIALS denials within SECONDS`."""

    denials: int
    seconds: int
    pos: Pos


@dataclass(slots=True)
class TierDef:
    """`tier NAME { ... }`; without braces it only says that somebody must define it. `expires` is in seconds."""

    name: Word
    defined: bool
    pos: Pos
    approvers: list[Word] = field(default_factory=list)
    quorum: int = 1
    expires: int = 3600
    includes: list[Word] = field(default_factory=list)
    scope: str = "once"
    reason_required: bool = False
    escalate: Word | None = None
    opens: list[Word] = field(default_factory=list)
    clauses: list[tuple[str, Pos]] = field(default_factory=list)


@dataclass(slots=True)
class Attribute:
    """One declared context attribute; `members` are an enumeration's, empty for plain types."""

    name: Word
    type: Word | None
    members: list[Word]
    default: Word | None
    pos: Pos


@dataclass(slots=True)
class ContextDef:
    """`context { name: type [= default] ... }`."""

    attributes: list[Attribute]
    pos: Pos


@dataclass(slots=True)
class Compare:
    """One comparison. `op` is `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `glob`, `window`, `truth` or `given`."""

    subject: Word
    op: str
    values: list[Word]
    pos: Pos


@dataclass(slots=True)
class Not:
    """`not CONDITION`."""

    of: Condition
    pos: Pos


@dataclass(slots=True)
class All:
    """Conditions joined by `and`."""

    of: list[Condition]
    pos: Pos


@dataclass(slots=True)
class Any:
    """Conditions joined by `or`."""

    of: list[Condition]
    pos: Pos


Condition = Compare | Not | All | Any


@dataclass(slots=True)
class ExampleNode:
    """`match "..."` or `not match "..."` inside a rule."""

    negated: bool
    method: Word | None
    resources: list[Word]
    pos: Pos


@dataclass(slots=True)
class Clause:
    """One clause of a rule; which fields are used depends on `kind`."""

    kind: str
    pos: Pos
    words: list[Word] = field(default_factory=list)
    condition: Condition | None = None


@dataclass(slots=True)
class RuleNode:
    """A rule as written. `actions` holds (action, methods)."""

    label: Word | None
    effect: Word
    tier: Word | None
    actions: list[tuple[Word, list[Word]]]
    patterns: list[Word]
    clauses: list[Clause]
    examples: list[ExampleNode]
    has_body: bool
    pos: Pos

    def clause(self, kind: str) -> Clause | None:
        """The first clause of a kind, or None."""
        for clause in self.clauses:
            if clause.kind == kind:
                return clause
        return None


@dataclass(slots=True)
class Otherwise:
    """`otherwise ask TIER [ACTIONS]`: what nothing grants is asked. Without `actions` of every action."""

    tier: Word
    actions: list[Word]
    pos: Pos


@dataclass(slots=True)
class Scope:
    """`agent "glob" { }`, `repo "glob" { }` or `when COND { }`."""

    kind: str
    globs: list[Word]
    condition: Condition | None
    pos: Pos
    body: list[Item] = field(default_factory=list)
    end: int = 0


@dataclass(slots=True)
class CaseNode:
    """One expectation of a test."""

    effect: Word
    tier: Word | None
    action: Word
    method: Word | None
    resources: list[Word]
    pos: Pos
    destination: Word | None = None


@dataclass(slots=True)
class TestDef:
    """`test NAME [as AGENT] [given k = v, ...] { cases }`."""

    __test__ = False
    name: Word
    agent: Word | None
    given: list[tuple[Word, Word]]
    pos: Pos
    body: list[CaseNode] = field(default_factory=list)
    end: int = 0


@dataclass(slots=True)
class PropertyNode:
    """One line of a `prove` block. `kind` is `never_allow`, `always_deny`, `always_ask` or `only_may`."""

    kind: str
    tier: Word | None
    agents: list[Word]
    actions: list[tuple[Word, list[Word]]]
    patterns: list[Word]
    pos: Pos


@dataclass(slots=True)
class ProveDef:
    """`prove NAME [as AGENT] [when COND] { properties }`."""

    name: Word
    agent: Word | None
    condition: Condition | None
    pos: Pos
    body: list[PropertyNode] = field(default_factory=list)
    end: int = 0


Setting = ProfileFile | Trust | Freeze
Deciding = RuleNode | Otherwise
Item = Header | Import | Within | Setting | Let | TierDef | ContextDef | Deciding | Scope | TestDef | ProveDef
Node = Item | CaseNode | PropertyNode


@dataclass(slots=True)
class Comment:
    """A comment with its text (`#` included); `own_line` when nothing stands before it on its line."""

    text: str
    start: int
    own_line: bool


@dataclass(slots=True)
class File:
    """A parsed file: its statements, comments, and what was wrong with it."""

    source: Source
    items: list[Item]
    comments: list[Comment]
    diagnostics: list[Diagnostic]
    edition: int = NEWEST_EDITION
    """The edition of the language that the file is read in."""
    broken: set[str] = field(default_factory=set)
    """First tokens' kinds of statements that did not parse: what they would have defined is not missed again."""

    def span(self, pos: Pos) -> Span:
        """The span of a place in this file."""
        return Span(self.source, pos[0], pos[1])
