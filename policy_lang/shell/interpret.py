"""The abstract shell: which commands of a script run, with which words, from which folder.

Every way through the script is followed; where ways join, what differs becomes less known. The result covers
everything that bash would do: an act that is not listed does not happen. Where that cannot be said the command
is opaque, and so is what a changed shell may make of the rest.
"""

from __future__ import annotations

from weakref import proxy

from ..domain.limits import limit
from . import builtins
from .compound import CompoundCommands
from .declarations import DECLARING, declared_fields
from .dialect import Dialect, is_handler
from .environment import hand_over
from .expand import Expander
from .outputs import printed
from .profile import Profiles
from .programs import Programs
from .reader import parse_script
from .reading import Opaque
from .redirects import Redirections, doubles
from .repository import branch_left
from .state import Ends, ShellState, covering, merge, merge_ends
from .tree import (
    AndOrList,
    Assignment,
    Command,
    CompoundCommand,
    FunctionDefinition,
    Pipeline,
    Redirect,
    ShellWord,
    SimpleCommand,
    Text,
)
from .values import ASSOCIATIVE, OTHER, UNKNOWN, UNKNOWN_MANY, Hole, Lines, Value, joined, literal
from .variables import SHELL_VARIABLES
from .walk import Deferred, Walk

MOST_DEPTH = limit("script_nesting")
MOST_WORDS = limit("argv_words")


class Interpreter:
    """Runs lists, pipelines, simple commands and functions of a script in the abstract; its walk collects the acts.

    The other parts are handed what they use of it: `words` expand, `redirections` open files, `compound` commands
    branch and loop, `programs` say what a command line does.
    """

    __slots__ = ("__weakref__", "_depth", "compound", "programs", "redirections", "walk", "words")

    def __init__(self, walk: Walk, profiles: Profiles) -> None:
        this = proxy(self)  # so that all of it goes with the last reference, and not when the collector comes by
        self.walk = walk
        self.words = Expander(walk, this)
        self.redirections = Redirections(walk, self.words)
        self.compound = CompoundCommands(walk, self.words, this)
        self.programs = Programs(walk, profiles, this)
        self._depth = 0
        walk.hand_over = lambda name, value: hand_over(this, name, value)

    # scripts

    def script(self, items: tuple[AndOrList, ...], state: ShellState) -> None:
        """Run a whole script in a shell of its own, then its traps, and the functions that nothing has called.

        Something that this reader does not see may call those: a file that is sourced, or the next script in the same
        session. A handler is called by the shell itself, with words of its own.
        """
        walk = self.walk
        self.items(items, state)
        while walk.deferred:
            traps = [i for i, d in enumerate(walk.deferred) if not d.name]
            later = walk.deferred.pop(traps[-1] if traps else -1)  # a trap first: it calls functions with known words
            if not later.name or is_handler(later.name) or id(later.body) not in walk.called:
                self.later(later)

    def later(self, deferred: Deferred) -> None:
        """Run what was deferred, with what may have changed since then unknown."""
        walk = self.walk
        state = deferred.state
        for name in (*walk.assigned[deferred.assigned :], *walk.hidden):
            state.variables[name] = UNKNOWN
        if walk.moved > deferred.moved:
            state.folders = None
        state.args = state.branch = None
        for name, bodies in walk.defined.items():
            state.functions[name] = state.functions.get(name, (None,))
            state.functions[name] += tuple(b for b in bodies if not any(b is o for o in state.functions[name]))
        walk.span = deferred.span
        if isinstance(deferred.body, tuple):
            self.items(deferred.body, state)
            return
        state.functions[deferred.name] = (deferred.body,)
        walk.state = state
        try:
            self.call(deferred.name, [literal(deferred.name), UNKNOWN_MANY], UNKNOWN)
        except Opaque as fault:
            walk.opaque(fault.why, fault.remediation)

    def nested(self, text: str, dialect: Dialect, state: ShellState) -> None:
        """Run a script inside this one, such as `bash -c`; its acts stand where this command stands."""
        self._depth += 1
        try:
            self.walk.inside(dialect, lambda: self._inner(text, state))
        finally:
            self._depth -= 1

    def _inner(self, text: str, state: ShellState) -> None:
        try:
            if self._depth > MOST_DEPTH:
                raise Opaque(f"it is nested deeper than {MOST_DEPTH} levels")
            items = parse_script(text, self.walk.dialect)
            if not items:
                self.walk.act("run", Value(()), argv=(literal(":"),))
            self.script(items, state)
        except Opaque as fault:
            self.walk.opaque(fault.why, fault.remediation)

    # substitutions

    def apart(self, body: tuple[AndOrList, ...]) -> Lines | None:
        """Run the commands of a process substitution; the names that they print where that can be told."""
        walk = self.walk
        outer = walk.input, walk.output, walk.heard
        walk.input, walk.output, walk.heard = outer[0] and OTHER, None, True
        walk.subshell(walk.state, lambda s: self.items(body, s))
        lines = walk.output if self._alone(body) else None
        walk.input, walk.output, walk.heard = walk.input and outer[0], *outer[1:]
        return lines

    def substitute(self, body: tuple[AndOrList, ...]) -> Value:
        """Run a command substitution; what it prints where that can be told."""
        walk = self.walk
        state, span = walk.state, walk.span
        inner = state.copy()
        inner.stop_on_error = False
        walk.output, heard, walk.heard = None, walk.heard, True
        walk.subshell(inner, lambda s: self.items(body, s))
        walk.heard = heard
        walk.state, walk.span = state, span
        if not self._alone(body):
            walk.output = None
        if walk.output is not None:
            from .names import text_of

            return text_of(walk, walk.output)
        return printed(walk, self.words, body)

    def _alone(self, body: tuple[AndOrList, ...]) -> bool:
        """True when one pipeline prints all of the output."""
        one = len(body) == 1 and len(body[0].pipelines) == 1 and not body[0].background
        return one and _prints_alone(body[0].pipelines[0].commands[-1], self.walk.state)

    # lists

    def items(self, items: tuple[AndOrList, ...], state: ShellState) -> Ends:
        """Run a list."""
        ends: Ends = (state, None)
        for item in items:
            now = merge(*ends)
            if now is None:
                return None, None
            ends = self.item(item, now)
        return ends

    def stopping(self, pipeline: Pipeline, state: ShellState) -> Ends:
        """Run a pipeline whose failure ends the script under `set -e`, where that is sure (bash(1), `set`)."""
        ok, bad = self.pipeline(pipeline, state)
        command = pipeline.commands[0]
        plain = len(pipeline.commands) == 1 and isinstance(command, SimpleCommand) and not pipeline.negated
        if plain and ok is not None and ok.stop_on_error and not self.walk.guarded and not ok.functions:
            return ok, None
        return ok, bad

    def item(self, item: AndOrList, state: ShellState) -> Ends:
        """Run pipelines joined by `&&` and `||`."""
        if item.background is False:
            return self._item(item, state)
        lines = self.walk.input
        self.walk.input = lines and OTHER  # who reads a line first is not known
        ok: ShellState | None = None
        bad: ShellState | None = None
        if item.background:
            self.walk.subshell(state, lambda s: self._item(item, s))
        else:
            ok, bad = self._item(item, state.copy())
            self.walk.state = state  # what stands behind the `&` of `&>` is then a command of its own
            for redirect in _redirects(item.pipelines[-1].commands[-1]):
                self.redirections.run(redirect)
        self.walk.input = self.walk.input and lines
        return merge(ok, state), merge(bad, state)

    def _item(self, item: AndOrList, state: ShellState) -> Ends:
        if not item.operators:
            return self.stopping(item.pipelines[0], state)
        self.walk.guarded += 1
        ok, bad = self.pipeline(item.pipelines[0], state)
        for number, operator in enumerate(item.operators):
            if number == len(item.operators) - 1:
                self.walk.guarded -= 1
            begin = ok if operator == "&&" else bad
            if begin is None:
                continue
            run = self.stopping if number == len(item.operators) - 1 else self.pipeline
            then, otherwise = run(item.pipelines[number + 1], begin.copy() if ok is bad else begin)
            if operator == "&&":
                ok, bad = then, merge(bad, otherwise)
            else:
                ok, bad = merge(ok, then), otherwise
        return ok, bad

    def pipeline(self, pipeline: Pipeline, state: ShellState) -> Ends:
        """Run one pipeline."""
        if pipeline.timed:
            return self.timed(pipeline, state)
        if len(pipeline.commands) == 1:
            if pipeline.negated:
                self.walk.guarded += 1
                ok, bad = self.command(pipeline.commands[0], state)
                self.walk.guarded -= 1
                return bad, ok
            return self.command(pipeline.commands[0], state)
        outer, printed_before, heard = self.walk.input, None, self.walk.heard
        before = 0
        for number, command in enumerate(pipeline.commands):
            before = len(self.walk.assigned) + self.walk.moved
            if number:
                self.walk.input = printed_before
            self.walk.output, self.walk.heard = None, heard or number < len(pipeline.commands) - 1
            if self.walk.dialect.lastpipe and number == len(pipeline.commands) - 1:
                ok, bad = self.command(command, state.copy())
                state = merge(state, merge(ok, bad)) or state
            else:
                piped = number > 0
                self.walk.subshell(state, lambda s, c=command, p=piped: self.command(c, s, p))  # type: ignore[misc]
            outer = outer if number else self.walk.input
            printed_before = self.walk.output
            if printed_before is not None and not _prints_alone(command, state):
                printed_before = None
        self.walk.input, self.walk.output, self.walk.heard = outer, printed_before, heard
        if len(self.walk.assigned) + self.walk.moved > before:  # what the last command has set stays set in zsh
            self.walk.differs = True
        return state, state

    def timed(self, pipeline: Pipeline, state: ShellState) -> Ends:
        """Run a pipeline behind `time`: zsh may do so in a subshell."""
        walk = self.walk
        untouched, before = state.copy(), len(walk.assigned) + walk.moved + len(walk.defined)
        ok, bad = self.pipeline(Pipeline(pipeline.commands, pipeline.negated), state)
        if len(walk.assigned) + walk.moved + len(walk.defined) > before or ok is None or bad is None:
            walk.differs = True
        if walk.dialect.timed_apart:
            return merge(ok, untouched), merge(bad, untouched)
        return ok, bad

    def command(self, command: Command, state: ShellState, piped: bool = False) -> Ends:
        """Run one command. Opaque parts are recorded, and what they may have changed is forgotten."""
        self.walk.step()
        self.walk.state = state
        before = self.walk.span
        try:
            if isinstance(command, FunctionDefinition):
                self.walk.define(command.name, command.body)
                if command.name in builtins.NAMES:
                    raise Opaque(f"the function `{command.name[:40]}` takes a builtin's name")
                return state, state
            self.walk.span = (command.start, command.end)
            if isinstance(command, SimpleCommand):
                return self.simple(command, piped)
            return self.grouped(command, state)
        except Opaque as fault:
            self.walk.state = state
            self.walk.opaque(fault.why, fault.remediation)
            state.forget()
            return state, state
        finally:
            self.walk.span = before

    def grouped(self, command: CompoundCommand, state: ShellState) -> Ends:
        """Run a compound command with its redirections."""
        if not command.redirects:
            return self.compound.run(command, state)
        _, outer, replaced = self.redirected(command.redirects, None)
        untouched = state.copy()  # a redirection that fails leaves the command out
        ok, bad = self.compound.run(command, state)
        if replaced:
            self.walk.input = outer
        return ok, merge(bad, untouched)

    def redirected(
        self, redirects: tuple[Redirect, ...], stdin: Value | None
    ) -> tuple[Value | None, Lines | None, bool]:
        """Open files: standard input, the names in the one around it, and whether they are two."""
        walk = self.walk
        lines: Lines | None = None
        replaced = False
        for redirect in redirects:
            given = self.redirections.run(redirect)
            if given is not None:
                stdin, lines, replaced = given, self.redirections.lines, True
        outer = walk.input
        if replaced:
            walk.input = None if any(map(doubles, redirects)) else lines
        return stdin, outer, replaced

    # simple commands

    def assignment(self, assign: Assignment, exports: bool = False) -> None:
        """`name=value` of a command, which then sees it, or alone."""
        current = self.walk.state.variables.get(assign.name)
        if not isinstance(assign.value, ShellWord):
            elements = [v for w in assign.value for v in self.words.fields(w)]
            if current == ASSOCIATIVE:
                self.walk.assign(assign.name, ASSOCIATIVE)
                return
            if any(v.starts().startswith("[") for v in elements):
                raise Opaque("an array with subscripts")
            old = current if isinstance(current, tuple) else (current,) if isinstance(current, Value) else ()
            self.walk.assign(assign.name, (*old, *elements) if assign.append else tuple(elements), exports)
            return
        value = self.words.assigned(assign.value)
        if assign.subscript:
            if current == ASSOCIATIVE:
                self.walk.assign(assign.name, ASSOCIATIVE)
                return
            if not assign.subscript.isdigit():
                for name in [n for n in assign.subscript.replace("$", " ").split() if not n.isdigit()]:
                    if not name.isidentifier():
                        raise Opaque("an unusual subscript")
                    self.words.must_be_number(name)
            self.walk.assign(assign.name, (Value((Hole.ANY,), True),), exports)
            return
        if assign.append:
            if isinstance(current, tuple):
                value = UNKNOWN
            else:
                parts = (Hole.ANY,) if current is None or current.many else current.parts
                value = joined([*parts, *((Hole.ANY,) if value.many else value.parts)])
        self.walk.assign(assign.name, value, exports)

    def simple(self, command: SimpleCommand, piped: bool) -> Ends:
        """A simple command: words first, then redirections, then assignments, as bash expands them."""
        state = self.walk.state
        first = command.words[0] if command.words else None
        plain = first.parts[0].text if first and len(first.parts) == 1 and isinstance(first.parts[0], Text) else ""
        if plain in DECLARING and plain not in state.functions:
            return self.expanded(command, [v for w in command.words for v in declared_fields(self, w)], piped)
        ways = self.words.lists(command.words)
        if len(ways) == 1:
            return self.expanded(command, ways[0], piped)
        outs: list[Ends] = []
        for fields in ways:
            self.walk.state = state.copy()
            outs.append(self.expanded(command, fields, piped))
        return merge_ends(outs)

    def expanded(self, command: SimpleCommand, fields: list[Value], piped: bool) -> Ends:
        """Run a simple command whose words have become these."""
        state = self.walk.state
        stdin: Value | None = UNKNOWN if piped else None
        outer, replaced = self.walk.input, False
        if command.redirects:
            stdin, outer, replaced = self.redirected(command.redirects, stdin)
        untouched = state.copy() if command.redirects else None  # one that fails leaves the command out
        if fields:
            if command.assigns:
                ok, bad = self.prefixed(command, fields, stdin)
            else:
                ok, bad = self.run(fields, stdin)
                for assign in command.arrays:
                    self.assignment(assign)
            if replaced:  # for good by `exec`; values of a command may read what is around it
                apart = not command.assigns and not command.arrays and all(f.text != "exec" for f in fields)
                self.walk.input = outer if apart else None
            return (ok, bad) if untouched is None else (ok, merge(bad, untouched))
        self.walk.input = outer
        for assign in command.assigns:
            self.assignment(assign)
        if command.assigns:  # shells differ on which comes first
            for redirect in command.redirects:
                self.redirections.run(redirect)
        if command.words and not command.assigns:
            self.walk.act("run", Value(()), argv=(literal(":"),), free=True)
        return state, merge(state, untouched)

    def prefixed(self, command: SimpleCommand, fields: list[Value], stdin: Value | None) -> Ends:
        """Run words with the assignments that hold for them alone."""
        state = self.walk.state
        name = fields[0].text
        before = {a.name: state.variables.get(a.name) for a in command.assigns}
        for assign in command.assigns:
            if assign.name in SHELL_VARIABLES and not (assign.name == "IFS" and name == "read"):
                raise Opaque(f"`{assign.name}` changes how the shell reads what follows")
            self.assignment(assign, exports=True)
        given = {n: state.variables.get(n) for n in before}
        kept = name in state.functions or name in builtins.KEEPING  # whether they stay set depends on the shell
        inherited = self.walk.inherited
        self.walk.inherited = inherited.union(before)
        try:
            ok, bad = self.run(fields, stdin)
        finally:
            self.walk.inherited = inherited
        self.walk.assigned += before  # they are set back
        for after in {id(s): s for s in (ok, bad, self.walk.state) if s is not None}.values():
            for key, old in before.items():
                new = after.variables.get(key)
                if kept or new != given[key]:
                    after.variables[key] = covering(UNKNOWN if old is None else old, UNKNOWN if new is None else new)
                elif old is None:
                    after.variables.pop(key, None)
                else:
                    after.variables[key] = old
        return ok, bad

    def run(self, fields: list[Value], stdin: Value | None, functions: bool = True) -> Ends:
        """Run words as a command: a function, a builtin, or a program."""
        self.walk.step()
        state = self.walk.state
        if len(fields) > MOST_WORDS:
            raise Opaque(f"it has more than {MOST_WORDS} words")
        name = fields[0].text
        if name is None:
            raise Opaque("which program it runs is not known", "write the program's name")
        if not name:
            raise Opaque("its program is an empty word")
        if functions and name in state.functions:
            return self.call(name, fields, stdin)
        builtin = builtins.TABLE.get(name)
        dialect = self.walk.dialect
        if builtin is not None:
            if name in dialect.lacking:
                return self.lacking(builtin, fields, stdin)
            return builtin(self, fields, stdin)
        if dialect.modifiers and name in builtins.ZSH_TABLE:
            return builtins.ZSH_TABLE[name](self, fields, stdin)
        if name in dialect.unreadable or (dialect.leading_dash and name.startswith("-")):
            raise Opaque(f"`{name[:40]}` changes how the shell works")
        self.program(fields, stdin)
        branch = branch_left(self.walk, fields) if name == "git" else None
        if branch is None:
            return state, state
        failed = state.copy()
        state.branch = branch
        return state, failed

    def lacking(self, builtin: builtins.Builtin, fields: list[Value], stdin: Value | None) -> Ends:
        """Run a builtin that the shell may not have."""
        untouched = self.walk.state.copy()
        ok, bad = builtin(self, fields, stdin)
        return ok, merge(bad, untouched)

    def program(self, fields: list[Value], stdin: Value | None = None) -> None:
        """Record what a program does."""
        self.programs.run(fields, stdin)

    def call(self, name: str, fields: list[Value], stdin: Value | None) -> Ends:
        """Call a function: its body runs here, with other parameters."""
        state = self.walk.state
        if len(self.walk.calls) >= MOST_DEPTH or self.walk.calls.count(name) > 1:
            raise Opaque(f"the function `{name[:40]}` calls itself")
        bodies = state.functions[name]
        outs: list[Ends] = []
        for body in bodies:
            here = state.copy() if len(bodies) > 1 else state
            self.walk.state = here
            if body is None:
                outs.append(self.run(fields, stdin, functions=False))
                continue
            self.walk.called.add(id(body))
            args, here.args = here.args, tuple(fields[1:])
            outer, here.hidden = here.hidden, {}
            returned: list[ShellState] = []
            self.walk.calls.append(name)
            self.walk.returns.append(returned)
            self.walk.exits.append([])
            frames, self.walk.frames = self.walk.frames, []
            ok, bad = self.command(body, here)
            self.walk.frames = frames
            self.walk.returns.pop()
            self.walk.calls.pop()
            traps = self.walk.exits.pop() if self.walk.dialect.function_traps else ()
            for other in returned:
                ok, bad = merge(ok, other), merge(bad, other)
            for end in {id(e): e for e in (ok, bad) if e is not None}.values():
                end.args = args
                end.uncover(outer)
                outs += [self.items(trap, end.copy()) for trap in traps]
            outs.append((ok, bad))
        return merge_ends(outs)


def _redirects(command: Command) -> tuple[Redirect, ...]:
    return _redirects(command.body) if isinstance(command, FunctionDefinition) else command.redirects


def _prints_alone(command: Command, state: ShellState) -> bool:
    """True for a program whose output goes on as it is: nothing else is printed, and its errors go elsewhere."""
    if not isinstance(command, SimpleCommand) or not command.words:
        return False
    first = command.words[0].parts
    name = first[0].text if len(first) == 1 and isinstance(first[0], Text) else ""
    if not name or name in builtins.TABLE or name in state.functions:
        return False
    return all(r.op == "<" or (r.fd == "2" and r.op in {">", ">>"}) for r in command.redirects)
