"""The walk through a script: where it stands, and what it has found so far.

Every part of the abstract shell is handed the same walk; the parts themselves remember nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from ..domain.limits import limit
from ..domain.record import field, record, replace
from ..domain.search import SearchOptions
from .acts import Act, GitContext
from .call import ProgramCall
from .dialect import Dialect
from .links import Place, leads_anywhere
from .reading import Opaque
from .state import Binding, ShellState
from .switching import switches
from .tree import AndOrList, Command
from .values import NAMES, NUMBER, UNKNOWN, UNKNOWN_MANY, Hole, Lines, Piece, Value, bounded, either, literal, numeric
from .variables import OWNED, SHELL_VARIABLES, ZSH_VARIABLES, usual

MOST_STEPS = limit("script_steps")
MOST_ACTS = limit("script_effects")


@record(slots=True)
class Frame:
    """States at `break` and at `continue` of a loop that is being followed."""

    breaks: list[ShellState] = field(default_factory=list)
    continues: list[ShellState] = field(default_factory=list)


@record(slots=True)
class Deferred:
    """Commands that may run once the script has ended, and where the walk stood when they were set.

    `body` is the list of a `trap`, or the body of the function `name`.
    """

    body: tuple[AndOrList, ...] | Command
    state: ShellState
    assigned: int
    moved: int
    span: tuple[int, int]
    name: str = ""


_BY_IGNORE_FILES = frozenset({"untracked", "visible"})
_ALL = SearchOptions(hidden=True, ignored=True)


class Walk:
    """Registers of the walk, and the acts that it has found.

    `dialect` and `state` are those of the shell that runs; `context` is the repository around it. `span` are the
    offsets of the command that runs, and `whole` those of an outer command, such as `bash -c`, where acts inside it are
    said to stand. `frames` are the loops around the command, `calls` the functions, `returns` their states at `return`,
    `exits` the traps that they have set, and `guarded` counts the conditions (`if`, `&&`, `!`) in which `set -e` does
    not act. `assigned` are the variables that were set, in order, `hidden` those that some function has had as its own,
    and `moved` counts changes of the folder: what one of the `deferred` may find otherwise.
    `inherited` are those set before the function that runs, which it may keep as its own.
    `defined` are the bodies that each function has had in this shell, None for none at all, and `called` the identities
    of those that were followed.
    `exported` are the variables that were handed to programs, with `every` all that are set from then on; `hand_over`
    records what a value does there. `input` are the names that standard input still consists of, `output` those that
    the last program prints, where that is `heard`; None when they may be anything, as when part of a line was read.
    `printed` are the forms of names that became texts, by the parts of the paths that they may be.
    `switched` counts what may have changed the current branch of a repository; `wrote` says that files were written;
    `tags` are those that were made, None among them for one of any name.
    `linked` are the places where the script may have brought links, and `filled` counts to the first
    act of the running command that fills one.
    `differs` says that zsh does something else somewhere.
    `odd` are the variables whose assignments are not believed: true for one that is evaluated as arithmetic.
    """

    __slots__ = (
        "_seen",
        "_steps",
        "acts",
        "assigned",
        "called",
        "calls",
        "context",
        "deferred",
        "defined",
        "dialect",
        "differs",
        "every",
        "exits",
        "exported",
        "filled",
        "frames",
        "guarded",
        "hand_over",
        "heard",
        "hidden",
        "inherited",
        "input",
        "linked",
        "moved",
        "odd",
        "output",
        "printed",
        "returns",
        "span",
        "state",
        "switched",
        "tags",
        "whole",
        "wrote",
    )

    def __init__(self, dialect: Dialect, context: GitContext) -> None:
        self.dialect = dialect
        self.context = context
        self.state = ShellState({}, {})
        self.acts: list[Act] = []
        self.span = (0, 0)
        self.whole: tuple[int, int] | None = None
        self.frames: list[Frame] = []
        self.calls: list[str] = []
        self.returns: list[list[ShellState]] = []
        self.exits: list[list[tuple[AndOrList, ...]]] = []
        self.guarded = 0
        self.deferred: list[Deferred] = []
        self.defined: dict[str, tuple[Command | None, ...]] = {}
        self.called: set[int] = set()
        self.assigned: list[str] = []
        self.hidden: set[str] = set()
        self.inherited: frozenset[str] = frozenset()
        self.moved = 0
        self.switched = 0
        self.tags: set[str | None] = set()
        self.exported: set[str] = set()
        self.every = False
        self.hand_over: Callable[[str, Binding], None] | None = None
        self.heard = self.wrote = False
        self.input: Lines | None = None
        self.output: Lines | None = None
        self.printed: dict[tuple[Piece, ...], Value] = {}
        self.differs = False
        self.linked: list[Place] = []
        self.filled = 0
        self.odd: dict[str, bool] = {}
        self._seen: set[object] = set()
        self._steps = 0

    def act(self, action: str, value: Value, at: int = -1, **more: object) -> None:
        """Record an act of the command that runs, unless it is known already; `at` puts it before others."""
        start, end = self.whole or self.span
        folders = self.state.folders
        if self.linked and leads_anywhere(self.linked, action, value, folders) and not more.get("supposed"):
            value = Value((Hole.ANY,), value.many, "links that the same script brings lie on the way, and it")
        if self.printed and action in {"read", "write", "delete"} and value.parts in self.printed:
            form = self.printed[value.parts]
            self.act("run", form, opaque="a name that is found has a line break", names="broken")
        if self.wrote or action == "write":
            self._partly(action, value, more)
            self.wrote = True
        if more.get("search") is not None or more.get("tree") in _BY_IGNORE_FILES:
            self._unignored(more)
        made = Act(action, value, start, end, folders=folders, **more)  # type: ignore[arg-type]
        if action not in ("read", "connect"):  # most acts
            self.switched += switches(made)
        key = (
            action,
            value,
            made.argv,
            folders,
            made.tree,
            made.opaque,
            made.free,
            made.method,
            made.supposed,
            made.search,
            made.passes,
            made.ways,
        )
        before = len(self._seen)
        self._seen.add(key)
        if len(self._seen) == before:
            return
        if len(self.acts) >= MOST_ACTS:
            raise Opaque(f"it has more than {MOST_ACTS} effects")
        if made.tree and action == "write":
            self.filled = self.filled or len(self.acts) + 1
        if at < 0:
            self.acts.append(made)
        else:
            self.acts.insert(at, made)

    def _partly(self, action: str, value: Value, more: dict[str, object]) -> None:
        """Note for a path that names files whether the script may have made them."""
        if action in {"read", "write", "delete"} and not NAMES.isdisjoint(value.parts):
            from .made import made_before

            named = action == "write" and self.moved and Hole.BELOW not in value.parts
            if named or made_before(self.acts, None if self.whole else self.span, value):
                more["names"] = "made"

    def _unignored(self, more: dict[str, object]) -> None:
        """Count what is ignored as well, where the script may have written a file that says what is."""
        from .made import may_bring_back

        span = None if self.whole else self.span
        if not any(may_bring_back(a) for a in self.acts if (a.start, a.end) != span):
            return
        if more.get("tree") == "untracked":
            more["tree"] = "every"
        else:
            search = more.get("search")
            more["search"] = replace(search, hidden=True, ignored=True) if isinstance(search, SearchOptions) else _ALL

    def opaque(
        self, why: str, remediation: str = "", argv: tuple[Value, ...] = (), unread: ProgramCall | None = None
    ) -> None:
        """Record that the command that runs cannot be read; it may read standard input."""
        self.input = None
        self.act("run", Value(()), argv=argv, opaque=why, remediation=remediation, unread=unread)

    def step(self) -> None:
        """Count work; bounded."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise Opaque(f"following it takes more than {MOST_STEPS} steps")

    def assign(self, name: str, value: Binding, exports: bool = False) -> None:
        """Set a variable, noting what it changes for programs and for the shell.

        What the shell itself sets, or may refuse to set or set to something else, is not known afterwards.
        """
        self.assigned.append(name)
        if name in SHELL_VARIABLES and name != "IFS":
            raise Opaque(f"`{name}` changes how the shell reads what follows")
        if exports or self.every or name in self.exported or usual(name):
            self.export(name, value)
        if self.dialect.tied_variables and name in ZSH_VARIABLES:
            self._tied(name)
        variables = self.state.variables
        if name in OWNED or (self.odd and name in self.odd):
            value = self._owned(name, value)
        old = variables.get(name)
        if isinstance(old, tuple) and isinstance(value, Value):  # the first element, or all of it
            value = (value, *old[1:]) if self.dialect.ksh_arrays and old and not old[0].many else (UNKNOWN_MANY,)
        variables[name] = bounded(value)

    def _tied(self, name: str) -> None:
        """A variable that is another one, or a table of the shell's own, to zsh."""
        tied = ZSH_VARIABLES[name]
        if not tied:
            raise Opaque(f"`{name}` changes how zsh reads what follows")
        self.act("setenv", literal(tied))

    def _owned(self, name: str, value: Value | tuple[Value, ...]) -> Value | tuple[Value, ...]:
        """What is known of a variable that may not be what it is set to."""
        if isinstance(value, tuple):
            return (UNKNOWN_MANY,)
        if not self.odd.get(name, OWNED.get(name)):
            return UNKNOWN
        if name in self.odd and not numeric(value):
            raise Opaque(f"`{name}` is evaluated as arithmetic when it is set")
        return either(NUMBER, value)

    def make_odd(self, name: str, number: bool, keep: bool) -> None:
        """Note that assignments of a variable are not to be believed from now on: they may fail, or change what is set.

        A `number` is evaluated as arithmetic; what the variable is now may be worth to `keep`.
        """
        now = self.state.variables.get(name)
        self.odd[name] = number and self.odd.get(name, True)
        if not keep and now is not None:
            self.state.variables[name] = self._owned(name, now) if now != literal("") else UNKNOWN

    def defer(self, body: tuple[AndOrList, ...] | Command, name: str = "") -> None:
        """Note commands that may run later."""
        self.input = None  # the shell may call them while a loop reads it
        self.deferred.append(Deferred(body, self.state.copy(), len(self.assigned), self.moved, self.span, name))

    def define(self, name: str, body: Command | None) -> None:
        """Give a function a body, or take it away, in the shell that runs."""
        if body is None:
            self.state.functions.pop(name, None)
        else:
            self.state.functions[name] = (body,)
        bodies = self.defined.get(name, ())
        if not any(b is body for b in bodies):
            self.defined[name] = (*bodies, body)
            if body is not None:
                self.defer(body, name)

    def export(self, name: str, value: Binding | None) -> None:
        """Hand a variable to programs, with the value that the script gave it, None for none."""
        self.exported.add(name)
        if value is not None and name != "IFS" and self.hand_over is not None:  # no shell takes IFS from outside
            self.hand_over(name, value)

    def subshell(self, state: ShellState, run: Callable[[ShellState], object]) -> None:
        """Run something in a copy of the state: what it changes is lost, and no loop or function around it ends."""
        before = self.state, self.frames, self.returns, self.exits
        self.frames, self.returns, self.exits = [], [], []
        run(state.copy())
        self.state, self.frames, self.returns, self.exits = before

    def inside(self, dialect: Dialect, run: Callable[[], object]) -> None:
        """Run something as another shell does, such as `bash -c`: its acts stand where the command stands."""
        before = self.whole, self.dialect, self.state, self.frames, self.returns, self.guarded
        later = self.deferred, self.defined, self.exits
        self.whole, self.dialect = self.whole or self.span, dialect
        self.frames, self.returns, self.guarded = [], [], 0
        self.deferred, self.defined, self.exits = [], {}, []
        try:
            run()
        finally:
            self.whole, self.dialect, self.state, self.frames, self.returns, self.guarded = before
            self.deferred, self.defined, self.exits = later
