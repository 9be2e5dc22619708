"""Shell dialects: in what the shells differ whose scripts are read, each as a record of named properties.

`DIALECTS` is the one place where a name on the wire becomes a dialect. From bash(1) 5.2, POSIX.1-2017 (Shell Command
Language), and zshexpn(1), zshoptions(1) and zshbuiltins(1) of zsh 5.9.
"""

from __future__ import annotations

from ..domain.record import record

UNREADABLE = frozenset({
    "alias", "enable", "bind", "complete", "compgen", "compopt", "fc", "coproc", "caller", "logout", "suspend",
    "select",
})  # fmt: skip
"""Builtins that make the rest of a script unreadable, whatever the dialect."""
_ZSH_UNREADABLE = frozenset({
    "autoload", "bindkey", "emulate", "functions", "limit", "noglob", "nocorrect", "r", "repeat", "setopt",
    "unsetopt", "vared", "zmodload", "zle", "zstyle", "zcompile", "zparseopts", "foreach", "print", "whence", "where",
    "float", "integer", "sched", "stat", "zf_rm",
})  # fmt: skip

SETTINGS = frozenset({
    "errexit", "nounset", "xtrace", "verbose", "pipefail", "noglob", "errtrace", "allexport", "noclobber", "functrace",
    "monitor",
})  # fmt: skip
"""Options that `set -o NAME` and a shell's own `-o NAME` may set: the reading of a script stays as it is."""

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
    braces: bool = True
    """`{a,b}` and `{1..3}` are expanded."""
    splits_values: bool = True
    """An unquoted value becomes several words at its white space."""
    splits_declarations: bool = False
    """So it may in `export x=$y`."""
    assigned_tildes: bool = True
    """A tilde behind `NAME=` in an ordinary word is the home folder; otherwise that is not known."""
    equals_expansion: bool = False
    """`=ls` is the path of `ls`."""
    bare_subscripts: bool = False
    """`$x[1]`, `$#x` and `$~x` are expansions."""
    recursive_globs: bool = False
    """`**` stands for any depth."""
    ksh_arrays: bool = True
    """`$a` is an array's first element, and subscripts count from 0; otherwise all of it, and from 1."""
    lastpipe: bool = False
    """The last command of a pipeline runs in the shell itself."""
    network_redirections: bool = True
    """`/dev/tcp/HOST/PORT` connects."""
    redirection_marks: bool = False
    """`>!` is an operator."""
    leading_dash: bool = False
    """A command's name may begin with a `-` that belongs to the shell."""
    unreadable: frozenset[str] = UNREADABLE
    """Builtins that make the rest of a script unreadable."""


BASH = Dialect("bash")
SH = Dialect("sh", extended_syntax=False, braces=False, splits_declarations=True, assigned_tildes=False)
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
    leading_dash=True,
    unreadable=UNREADABLE | _ZSH_UNREADABLE,
)

DIALECTS: dict[str, Dialect] = {d.name: d for d in (BASH, SH, ZSH)}
"""The dialects by the names that requests give them; the first one is meant when there is no name."""
ARGV = "argv"
"""In the place of a dialect's name: the command is an array of words, and no shell reads it."""
SHELLS = (*DIALECTS, ARGV)
"""Names that a request may give its shell."""
