"""The syntax tree of a script. Offsets are in characters of the script; texts have their quotes taken off."""

from __future__ import annotations

from ..domain.record import record


@record(slots=True)
class Text:
    """Literal characters. Unquoted ones may still be globs, braces or a tilde."""

    text: str
    quoted: bool


@record(slots=True)
class Param:
    """`$name`, `${name op arg}`. `op` is empty for the plain value; `subscript` is the text inside `[...]`."""

    name: str
    op: str
    arg: tuple[Part, ...]
    quoted: bool
    subscript: str = ""


@record(slots=True)
class Sub:
    """`$(...)` or backquotes."""

    body: tuple[Item, ...]
    quoted: bool


@record(slots=True)
class Arith:
    """`$((...))`: the expression's text and the expansions inside it."""

    parts: tuple[Part, ...]
    quoted: bool


@record(slots=True)
class Proc:
    """`<(...)` or `>(...)`."""

    body: tuple[Item, ...]


Part = Text | Param | Sub | Arith | Proc


@record(slots=True)
class Word:
    """One word before expansion."""

    parts: tuple[Part, ...]
    start: int
    end: int


@record(slots=True)
class Assign:
    """`name=value`, `name+=value`, `name[i]=value`, `name=(values)`."""

    name: str
    append: bool
    value: Word | tuple[Word, ...]
    subscript: str = ""


@record(slots=True)
class Redirect:
    """`fd op target`; for a here-document the target is its body. `fd` is empty when not written."""

    op: str
    target: Word
    fd: str
    start: int
    end: int


@record(slots=True)
class Simple:
    """Assignments, words and redirections of one simple command."""

    assigns: tuple[Assign, ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]
    start: int
    end: int


@record(slots=True)
class Block:
    """`( list )` when `subshell`, else `{ list; }`."""

    body: tuple[Item, ...]
    subshell: bool


@record(slots=True)
class If:
    """Conditions with their branches; `last` is the else branch."""

    branches: tuple[tuple[tuple[Item, ...], tuple[Item, ...]], ...]
    last: tuple[Item, ...]


@record(slots=True)
class While:
    """`while` or `until`."""

    condition: tuple[Item, ...]
    body: tuple[Item, ...]
    until: bool


@record(slots=True)
class For:
    """`for name in words`; `words` is None for the positional parameters."""

    name: str
    words: tuple[Word, ...] | None
    body: tuple[Item, ...]


@record(slots=True)
class ForArith:
    """`for ((a; b; c))`."""

    header: tuple[Part, ...]
    body: tuple[Item, ...]


@record(slots=True)
class Case:
    """`case subject in patterns) body ...`."""

    subject: Word
    branches: tuple[tuple[tuple[Word, ...], tuple[Item, ...], str], ...]


@record(slots=True)
class Function:
    """A definition."""

    name: str
    body: Command


@record(slots=True)
class Test:
    """`[[ ... ]]`: its words, and the operators between them, as texts."""

    words: tuple[Word | str, ...]


@record(slots=True)
class ArithCommand:
    """`(( ... ))`."""

    parts: tuple[Part, ...]


@record(slots=True)
class Compound:
    """A compound command with its redirections."""

    kind: Block | If | While | For | ForArith | Case | Test | ArithCommand
    redirects: tuple[Redirect, ...]
    start: int
    end: int


Command = Simple | Compound | Function


@record(slots=True)
class Pipeline:
    """Commands joined by `|`; more than one run in subshells."""

    commands: tuple[Command, ...]
    negated: bool


@record(slots=True)
class Item:
    """Pipelines joined by `&&` and `||`; `operators[i]` stands before `pipelines[i + 1]`."""

    pipelines: tuple[Pipeline, ...]
    operators: tuple[str, ...]
    background: bool
