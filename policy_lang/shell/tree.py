"""The syntax tree of a script, by the names of POSIX's shell grammar.

Offsets are in characters of the script; texts have their quotes taken off.
"""

from __future__ import annotations

from ..domain.record import record


@record(slots=True)
class Text:
    """Literal characters. Unquoted ones may still be globs, braces or a tilde."""

    text: str
    quoted: bool


@record(slots=True)
class EitherText:
    """Quoted characters that are one of two texts, depending on the shell."""

    first: str
    second: str
    quoted: bool = True


@record(slots=True)
class ParameterExpansion:
    """`$name`, `${name op arg}`. `op` is empty for the plain value; `subscript` is the text inside `[...]`."""

    name: str
    op: str
    arg: tuple[Part, ...]
    quoted: bool
    subscript: str = ""


@record(slots=True)
class CommandSubstitution:
    """`$(...)` or backquotes."""

    body: tuple[AndOrList, ...]
    quoted: bool


@record(slots=True)
class ArithmeticExpansion:
    """`$((...))`: the expression's text and the expansions inside it."""

    parts: tuple[Part, ...]
    quoted: bool


@record(slots=True)
class ProcessSubstitution:
    """`<(...)` or `>(...)`."""

    body: tuple[AndOrList, ...]


Part = Text | EitherText | ParameterExpansion | CommandSubstitution | ArithmeticExpansion | ProcessSubstitution


@record(slots=True)
class ShellWord:
    """One word before expansion."""

    parts: tuple[Part, ...]
    start: int
    end: int


@record(slots=True)
class Assignment:
    """`name=value`, `name+=value`, `name[i]=value`, `name=(values)`."""

    name: str
    append: bool
    value: ShellWord | tuple[ShellWord, ...]
    subscript: str = ""


@record(slots=True)
class Redirect:
    """`fd op target`; for a here-document the target is its body. `fd` is empty when not written."""

    op: str
    target: ShellWord
    fd: str
    start: int
    end: int


@record(slots=True)
class SimpleCommand:
    """Assignments, words and redirections of one simple command; `arrays` are those behind `declare` and its like."""

    assigns: tuple[Assignment, ...]
    words: tuple[ShellWord, ...]
    redirects: tuple[Redirect, ...]
    start: int
    end: int
    arrays: tuple[Assignment, ...] = ()


@record(slots=True)
class Grouping:
    """`( list )` when `subshell`, else `{ list; }`."""

    body: tuple[AndOrList, ...]
    subshell: bool


@record(slots=True)
class IfClause:
    """Conditions with their branches; `last` is the else branch."""

    branches: tuple[tuple[tuple[AndOrList, ...], tuple[AndOrList, ...]], ...]
    last: tuple[AndOrList, ...]


@record(slots=True)
class WhileClause:
    """`while` or `until`."""

    condition: tuple[AndOrList, ...]
    body: tuple[AndOrList, ...]
    until: bool


@record(slots=True)
class ForClause:
    """`for name in words`; `words` is None for the positional parameters."""

    name: str
    words: tuple[ShellWord, ...] | None
    body: tuple[AndOrList, ...]


@record(slots=True)
class ArithmeticFor:
    """`for ((a; b; c))`."""

    header: tuple[Part, ...]
    body: tuple[AndOrList, ...]


@record(slots=True)
class CaseItem:
    """`patterns) body ;;`, or another terminator: empty where the last one is left out."""

    patterns: tuple[ShellWord, ...]
    body: tuple[AndOrList, ...]
    terminator: str


@record(slots=True)
class CaseClause:
    """`case subject in items esac`."""

    subject: ShellWord
    items: tuple[CaseItem, ...]


@record(slots=True)
class FunctionDefinition:
    """A definition."""

    name: str
    body: Command


@record(slots=True)
class ConditionalExpression:
    """`[[ ... ]]`: its words, and the operators between them, as texts."""

    words: tuple[ShellWord | str, ...]


@record(slots=True)
class ArithmeticCommand:
    """`(( ... ))`."""

    parts: tuple[Part, ...]


CompoundKind = (
    Grouping
    | IfClause
    | WhileClause
    | ForClause
    | ArithmeticFor
    | CaseClause
    | ConditionalExpression
    | ArithmeticCommand
)


@record(slots=True)
class CompoundCommand:
    """A compound command with its redirections."""

    kind: CompoundKind
    redirects: tuple[Redirect, ...]
    start: int
    end: int


Command = SimpleCommand | CompoundCommand | FunctionDefinition


@record(slots=True)
class Pipeline:
    """Commands joined by `|`; more than one run in subshells. `timed` is one behind `time`."""

    commands: tuple[Command, ...]
    negated: bool
    timed: bool = False


@record(slots=True)
class AndOrList:
    """Pipelines joined by `&&` and `||`; `operators[i]` stands before `pipelines[i + 1]`.

    `background` is None where that depends on the shell.
    """

    pipelines: tuple[Pipeline, ...]
    operators: tuple[str, ...]
    background: bool | None
