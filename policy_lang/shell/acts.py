"""Acts: everything that a script does, one for each effect that a decision is made on."""

from __future__ import annotations

from ..domain.record import record
from ..domain.search import SearchOptions
from .call import ProgramCall
from .profile import Parsed
from .values import Value


@record(slots=True)
class Act:
    """One effect. `value` is a path, host, ref or name; for `run`, `argv` holds the words.

    `start` and `end` are offsets in the script. `folders` are the possible working folders at that point, None
    when it may be any. `tree` says that what lies below the path is meant as well: `existing` what is there,
    `new` whatever may be put there, `own` what a program makes for itself, `copied` what lies below `like`. With `into`
    it is what `like` names that is put there, under its own name, with `into-tree` all below that too; what is
    `received` has any name in the folder. `visible` is
    what a search looks into, by its options `search`, `names` the names in a folder. With `linked` links
    below count as what they lead to, with `copied-linked` that is copied.
    `free` acts need no grant: they change only the shell's own state. `opaque` is why the command cannot be read,
    `remediation` how to write it. `note` says what cannot be seen, such as the code that is run. `unread` are the words
    that no profile explains, and what they are given on standard input. A `supposed` act is one that the command has in
    some reading of its words: it meets what restricts, and needs no grant. What
    git has checked out is `tracked`; `indexed` are the files that it tracks,
    `untracked` is what it does not track, `every` with what it ignores. `file`
    names the file of the project in which the act stands, when it is not the request's own text. `names` says of
    files that a partly known path names: `made`, the script may itself have made them; the act is there only if
    one of them has a name that is split (`odd`), begins with `-` (`dashed`), a name of several
    lines (`broken`), or is a folder (`folder`).
    """

    action: str
    value: Value
    start: int
    end: int
    argv: tuple[Value, ...] = ()
    folders: tuple[str, ...] | None = ("",)
    tree: str = ""
    like: Value | None = None
    method: str | None = None
    parsed: Parsed | None = None
    free: bool = False
    opaque: str = ""
    remediation: str = ""
    note: str = ""
    supposed: bool = False
    doubtful: bool = False
    """A supposed act that rests on an ordinary word: what is said of every such word does not count."""
    unread: ProgramCall | None = None
    names: str = ""
    passes: str = ""
    """Folders in which files that are found are not meant, each behind a `!`."""
    ways: tuple[tuple[str, str], ...] = ()
    """How what is `tracked` moves between commits (`moving`), and `in` which folders where it is not its own."""
    file: str = ""
    search: SearchOptions | None = None


@record(frozen=True, slots=True)
class GitContext:
    """The workspace's repository, as far as the reading of a script depends on it.

    `push_remote` and `upstream` are where its current branch is pushed to and the full name of the ref that it follows,
    empty when nobody said. `root` is the workspace as seen from where the script begins: empty for the same folder,
    else its absolute path. `top` is the absolute path of the repository's top, empty when it is not known.
    """

    branch: str | None = None
    remotes: tuple[tuple[str, str], ...] = ()
    push_default: str = ""
    push_remote: str = ""
    upstream: str = ""
    root: str = ""
    top: str = ""


NO_REPOSITORY = GitContext()
