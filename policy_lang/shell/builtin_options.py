"""Options of builtins: a builtin is known by its options, as a program is by its profile. Any other one is opaque.

From bash(1) 5.2, SHELL BUILTIN COMMANDS; zsh and dash refuse those of these that they do not have.
"""

from __future__ import annotations

from .reading import Opaque
from .values import Value, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from .expand import Expander
    from .state import Ends, ShellState
    from .tree import AndOrList
    from .walk import Walk

    class BuiltinHost(Protocol):
        """The shell that a builtin runs in, as far as builtins need it."""

        @property
        def walk(self) -> Walk:
            """The walk through the script."""

        @property
        def words(self) -> Expander:
            """The expander of words."""

        def items(self, items: tuple[AndOrList, ...], state: ShellState) -> Ends:
            """Run a list of commands."""

        def run(self, fields: list[Value], stdin: Value | None, functions: bool = True) -> Ends:
            """Run words as a command."""

        def program(self, fields: list[Value], stdin: Value | None = None) -> None:
            """Record what a program does."""


_NONE = (
    "getopts", "shift", "eval", "exec", "source", ".", "builtin", "exit", "return", "break", "continue", "caller",
    "let", "logout", "setopt", "unsetopt", "unfunction",
)  # fmt: skip
LETTERS = {
    **dict.fromkeys(_NONE, ""), "cd": "LPeqs@", "pushd": "nLPq", "popd": "nq", "jobs": "lnprs", "wait": "fnp:",
    "hash": "rtdl", "history": "acdnrw", "unset": "fv", "read": "ersa:d:i:n:N:p:t:u:", "mapfile": "d:n:O:s:tu:",
    "readarray": "d:n:O:s:tu:", "command": "pvV", "trap": "lp", "shopt": "pqsu", "alias": "p", "print": "acilnNoOrR",
    "rehash": "dfv",
}  # fmt: skip
"""One-letter options of each builtin in which words can do something; behind a `:` stands a value."""


def options(fields: list[Value]) -> tuple[dict[str, Value | None], list[Value]]:
    """The options of a builtin with their values, and its operands. Raises Opaque for any other option."""
    name = fields[0].text or ""
    letters = LETTERS[name]
    given: dict[str, Value | None] = {}
    rest = fields[1:]
    while rest:
        text = rest[0].text
        if text is None:
            if rest[0].may_be_option:
                raise Opaque(f"`{name}` with words that are not known", "put `--` before them")
            break
        if text == "--":
            return given, rest[1:]
        if len(text) < 2 or text[0] != "-":
            break
        rest = rest[1:]
        for i, letter in enumerate(text[1:], 1):
            at = letters.find(letter)
            if at < 0 or letter == ":":
                raise Opaque(f"`{name}` with the option `-{letter}`")
            if letters[at + 1 : at + 2] != ":":
                given[letter] = None
                continue
            if i + 1 < len(text):
                given[letter] = literal(text[i + 1 :])
            elif not rest or rest[0].many:
                raise Opaque(f"`{name}` without a value that is known for `-{letter}`")
            else:
                given[letter], rest = rest[0], rest[1:]
            break
    return given, rest
