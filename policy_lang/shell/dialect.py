"""Shell dialects: in what the shells differ whose scripts are read, each as a record of named properties.

`DIALECTS` is the one place where a name on the wire becomes a dialect. From bash(1) 5.2, POSIX.1-2017 (Shell Command
Language), and zshexpn(1), zshoptions(1) and zshbuiltins(1) of zsh 5.9.
"""

from __future__ import annotations

import re

from ..domain.record import record
from ..domain.regex import regex

UNREADABLE = frozenset({
    "enable", "bind", "complete", "compgen", "compopt", "fc", "coproc", "suspend", "select",
})  # fmt: skip
"""Builtins that make the rest of a script unreadable, whatever the dialect."""
_ZSH_UNREADABLE = frozenset({
    "autoload", "bindkey", "bye", "comparguments", "compadd", "compcall", "compctl", "compdescribe", "compfiles",
    "compgroups", "compquote", "compset", "comptags", "comptry", "compvalues", "disable", "echotc", "echoti", "emulate",
    "float", "foreach", "functions", "getln", "integer", "limit", "nocorrect", "noglob", "private", "pushln", "r",
    "repeat", "sched", "ttyctl", "unhash", "unlimit", "vared", "zcompile", "zformat", "zle", "zmodload", "zparseopts",
    "zregexparse", "zstyle",
})  # fmt: skip
SETTINGS = frozenset({
    "errexit", "nounset", "xtrace", "verbose", "pipefail", "noglob", "errtrace", "allexport", "noclobber", "functrace",
    "monitor",
})  # fmt: skip
"""Options that `set -o NAME` and a shell's own `-o NAME` may set: the reading of a script stays as it is."""
_NUMBERS = frozenset({
    "RANDOM", "SECONDS", "LINENO", "UID", "EUID", "PPID", "BASHPID", "EPOCHSECONDS", "SHLVL", "OPTIND",
})  # fmt: skip

_HANDLERS = frozenset({
    "command_not_found_handle", "command_not_found_handler", "chpwd", "precmd", "preexec", "periodic", "zshexit",
    "zshaddhistory", "zsh_directory_name",
})  # fmt: skip


def is_handler(function: str) -> bool:
    """True for a function that bash or zsh itself calls (bash(1), COMMAND EXECUTION; zshmisc(1), SPECIAL FUNCTIONS)."""
    return function in _HANDLERS or function.startswith("TRAP")


@record(frozen=True, slots=True)
class Dialect:
    """One way of reading scripts; the defaults are those of bash. What a dialect does not have is opaque there."""

    name: str
    extended_syntax: bool = True
    """`[[ ]]`, arrays, process substitutions and the other additions to POSIX mean what they mean to bash."""
    braces: bool | None = True
    """`{a,b}` and `{1..3}` are expanded; None where some shells of that name do so, and others do not."""
    splits_values: bool = True
    """An unquoted value becomes several words at its white space."""
    splits_declarations: bool = False
    """So it may in `export x=$y`."""
    assigned_tildes: bool = True
    """A tilde behind `NAME=` in an ordinary word is the home folder; otherwise that is not known."""
    equals_expansion: bool = False
    """`=ls` is the path of `ls`."""
    bare_subscripts: bool = False
    """`$x[1]`, `$#x`, `$~x` and `$10` are expansions."""
    recursive_globs: bool = False
    """`**` stands for any depth."""
    ksh_arrays: bool = True
    """`$a` is an array's first element, and subscripts count from 0; otherwise all of it, and from 1."""
    lastpipe: bool = False
    """The last command of a pipeline runs in the shell itself."""
    network_redirections: bool = True
    """`/dev/tcp/HOST/PORT` connects."""
    timed_apart: bool = False
    """What `time` runs may be in a subshell."""
    function_traps: bool = False
    """A trap of EXIT that a function sets runs when that function ends."""
    kept_escapes: bool = True
    """An unknown escape in `$'...'` keeps its backslash; otherwise it may lose it."""
    redirection_marks: bool = False
    """`>!` is an operator, and `>&` closes only before `-` alone."""
    long_descriptors: bool | None = True
    """`10>a` is about descriptor 10; otherwise the number is a word. None where that depends on the shell."""
    tied_variables: bool = False
    """`path` is `PATH`, `argv` are the positional parameters, and tables of the shell are variables."""
    keeps_outer_values: bool = False
    """`local x` may keep the value that `x` has outside."""
    arithmetic_types: bool = False
    """A variable that arithmetic sets is a number from then on: what it is set to is evaluated."""
    numbers: frozenset[str] = _NUMBERS
    """Variables that always hold a number, whatever the environment says."""
    lacking: frozenset[str] = frozenset({"chdir"})
    """Builtins that this shell may not have."""
    modifiers: bool = False
    """`$x:h` and its like change the value, `{ls}` is a group, and `<1-5>` a glob."""
    maybe_numbers: frozenset[str] = frozenset()
    """Variables that hold a number, or nothing in a shell that does not have them."""
    leading_dash: bool = False
    """A command's name may begin with a `-` that belongs to the shell."""
    unreadable: frozenset[str] = UNREADABLE
    """Builtins that make the rest of a script unreadable."""


BASH = Dialect("bash")
SH = Dialect(
    "sh",
    extended_syntax=False,
    braces=None,
    long_descriptors=None,
    splits_declarations=True,
    assigned_tildes=False,
    keeps_outer_values=True,
    numbers=frozenset({"PPID"}),
    lacking=frozenset(
        {
            "declare",
            "typeset",
            "let",
            "mapfile",
            "readarray",
            "pushd",
            "popd",
            "dirs",
            "shopt",
            "source",
            "disown",
            "history",
            "builtin",
            "chdir",
            "caller",
            "logout",
        }
    ),
)
"""Plain `sh`: only what dash, bash, ksh and busybox all do in the same way under that name."""
ZSH = Dialect(
    "zsh",
    splits_values=False,
    equals_expansion=True,
    bare_subscripts=True,
    recursive_globs=True,
    ksh_arrays=False,
    lastpipe=True,
    redirection_marks=True,
    long_descriptors=False,
    function_traps=True,
    timed_apart=True,
    kept_escapes=False,
    tied_variables=True,
    arithmetic_types=True,
    modifiers=True,
    assigned_tildes=False,
    numbers=_NUMBERS - {"BASHPID", "EPOCHSECONDS"},
    lacking=frozenset({"mapfile", "readarray", "shopt", "caller"}),
    leading_dash=True,
    unreadable=UNREADABLE | _ZSH_UNREADABLE,
)

UNTOLD = Dialect(
    "untold",
    kept_escapes=False,
    assigned_tildes=False,
    tied_variables=True,
    keeps_outer_values=True,
    arithmetic_types=True,
    numbers=frozenset({"PPID", "OPTIND"}),
    maybe_numbers=_NUMBERS,
    lacking=SH.lacking,
    unreadable=UNREADABLE | _ZSH_UNREADABLE,
)
"""A shell that is not told: bash, but what `sh` or zsh may do otherwise is not believed.

Where zsh does something else altogether, such as with blanks in a value, the walk notes that its reading `differs`, and
the script is read once more as zsh reads it. `DIFFERENT` is what shows that in the text alone.
"""
DIFFERENT = regex(
    r"\$[0-9]{2}|\$[A-Za-z_][A-Za-z0-9_]*(?:\[|:[A-Za-z&])|\$\{[A-Za-z_][A-Za-z0-9_]*:[A-Za-z]|\$#[A-Za-z_]|\$[~=^+][A-Za-z_]"
    r"|(?:^|[\s;&|({])\{[^\s{}]+[\s;}]|[^;\s][ \t]+\}|\*\*|[<>]&[0-9]+-|<[0-9]*-[0-9]*>|>[!|]|(?:^|[\s;&|(])=[A-Za-z]"
    r"|\|[ \t\n]*(?:set|shift)[ \t\n;]|[<>]&[ \t]*-[^\s;&|()<>]|(?:^|[\s;&|()])[0-9]{2,}[<>]"
    r"|(?:^|[;&|({\n])[ \t]*(?:-|(?:print|rehash|setopt|unfunction|unsetopt|whence|where)[ \t])",
    re.ASCII,
)

DIALECTS: dict[str, Dialect] = {d.name: d for d in (BASH, SH, ZSH)}
"""The dialects by the names that requests give them."""
ARGV = "argv"
"""In the place of a dialect's name: the command is an array of words, and no shell reads it."""
SHELLS = (*DIALECTS, ARGV)
"""Names that a request may give its shell."""
