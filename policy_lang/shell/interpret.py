"""Follow a script: which commands run, with which words, from which folder.

Every way through the script is followed; where ways join, what differs becomes less known. The result covers
everything that bash would do: an act that is not listed does not happen. Where that cannot be said the command
is opaque, and so is what a changed shell may make of the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..domain.limits import limit
from . import builtins
from .acts import Act, GitContext
from .dialect import Dialect
from .loops import Ends, Flow
from .profile import Profiles
from .programs import ProgramCall, command_acts
from .reader import parse_script
from .reading import Opaque
from .state import ShellState, merge
from .tree import AndOrList, Assignment, Command, FunctionDefinition, Pipeline, Redirect, ShellWord, SimpleCommand, Text
from .values import UNKNOWN, Hole, Value, bounded, joined, literal
from .variables import PAGERS, QUIET, SHELL_VARIABLES, dangerous

MOST_STEPS = limit("script_steps")
MOST_ACTS = limit("script_effects")
MOST_DEPTH = limit("script_nesting")


class Machine(Flow):
    """Runs a script in the abstract. `acts` collects what it does, opaque parts among it."""

    __slots__ = (
        "acts",
        "assigned",
        "calls",
        "context",
        "depth",
        "found",
        "frames",
        "guarded",
        "moved",
        "profiles",
        "returns",
        "seen",
        "span",
        "steps",
        "traps",
        "whole",
    )

    def __init__(self, dialect: Dialect, profiles: Profiles, context: GitContext) -> None:
        super().__init__(dialect, ShellState({}, {}))
        self.profiles = profiles
        self.context = context
        self.acts: list[Act] = []
        self.seen: set[object] = set()
        self.steps = 0
        self.depth = 0
        self.span = (0, 0)
        self.whole: tuple[int, int] | None = None
        self.returns: list[list[ShellState]] = []
        self.calls: list[str] = []
        self.traps: list[tuple[tuple[AndOrList, ...], ShellState, int, int, tuple[int, int]]] = []
        self.assigned: list[str] = []
        self.moved = 0
        self.found = ""
        """The glob that every name which a surrounding `find` hands on must match, when there is one."""

    # acts

    def act(self, action: str, value: Value, place: int = -1, **more: object) -> None:
        """Record an act at the command that is being run; `place` puts it before others."""
        start, end = self.whole or self.span
        folders = self.state.folders
        made = Act(action, value, start, end, folders=folders, **more)  # type: ignore[arg-type]
        key = (action, value, made.argv, folders, made.tree, made.names, made.opaque, made.free, made.method)
        before = len(self.seen)
        self.seen.add(key)
        if len(self.seen) == before:
            return
        if len(self.acts) >= MOST_ACTS:
            raise Opaque(f"it has more than {MOST_ACTS} effects")
        self.acts.insert(len(self.acts) if place < 0 else place, made)

    def opaque(self, why: str, remediation: str = "", argv: tuple[Value, ...] = ()) -> None:
        """Record that the command being run cannot be read."""
        self.act("run", Value(()), argv=argv, opaque=why, remediation=remediation)

    def credential(self, name: str) -> None:
        """A credential of the environment is used."""
        self.act("use", literal(name))

    def step(self) -> None:
        """Count work; bounded."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Opaque(f"following it takes more than {MOST_STEPS} steps")

    # running lists

    def script(self, items: tuple[AndOrList, ...]) -> None:
        """Run a whole script, then what its traps would do."""
        self.items(items, self.state)
        while self.traps:
            body, state, assigned, moved, span = self.traps.pop()
            for name in self.assigned[assigned:]:
                state.variables[name] = UNKNOWN
            if self.moved > moved:
                state.folders = None
            self.span = span
            self.items(body, state)

    def nested(self, text: str, dialect: Dialect, state: ShellState) -> None:
        """Run a script inside this one, such as `bash -c`; its acts stand where this command stands."""
        inside = self.whole, self.dialect, self.state, self.frames, self.returns, self.guarded
        self.depth += 1
        try:
            if self.depth > MOST_DEPTH:
                raise Opaque(f"it is nested deeper than {MOST_DEPTH} levels")
            items = parse_script(text, dialect)
            self.whole, self.dialect, self.frames, self.returns, self.guarded = (
                self.whole or self.span,
                dialect,
                [],
                [],
                0,
            )
            if not items:
                self.act("run", Value(()), argv=(literal(":"),))
            self.items(items, state)
        except Opaque as fault:
            self.opaque(fault.why, fault.remediation)
        finally:
            self.depth -= 1
            self.whole, self.dialect, self.state, self.frames, self.returns, self.guarded = inside

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
        if plain and ok is not None and ok.stop_on_error and not self.guarded and not ok.functions:
            return ok, None
        return ok, bad

    def item(self, item: AndOrList, state: ShellState) -> Ends:
        """Run pipelines joined by `&&` and `||`."""
        if item.background:
            self.apart_from(state, lambda s: self._item(item, s))
            return state, state
        return self._item(item, state)

    def _item(self, item: AndOrList, state: ShellState) -> Ends:
        if not item.operators:
            return self.stopping(item.pipelines[0], state)
        self.guarded += 1
        ok, bad = self.pipeline(item.pipelines[0], state)
        for number, operator in enumerate(item.operators):
            if number == len(item.operators) - 1:
                self.guarded -= 1
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

    def apart_from(self, state: ShellState, run: Callable[[ShellState], object]) -> None:
        """Run something in a copy of the state, as a subshell does."""
        before = self.state, self.frames, self.returns
        self.frames, self.returns = [], []
        run(state.copy())
        self.state, self.frames, self.returns = before

    def pipeline(self, pipeline: Pipeline, state: ShellState) -> Ends:
        """Run one pipeline."""
        if len(pipeline.commands) == 1:
            if pipeline.negated:
                self.guarded += 1
                ok, bad = self.command(pipeline.commands[0], state)
                self.guarded -= 1
                return bad, ok
            return self.command(pipeline.commands[0], state)
        for number, command in enumerate(pipeline.commands):
            if self.dialect.lastpipe and number == len(pipeline.commands) - 1:
                ok, bad = self.command(command, state.copy())
                state = merge(state, merge(ok, bad)) or state
            else:
                piped = number > 0
                self.apart_from(state, lambda s, c=command, p=piped: self.command(c, s, p))  # type: ignore[misc]
        return state, state

    def command(self, command: Command, state: ShellState, piped: bool = False) -> Ends:
        """Run one command. Opaque parts are recorded, and what they may have changed is forgotten."""
        self.step()
        self.state = state
        before = self.span
        try:
            if isinstance(command, FunctionDefinition):
                state.functions[command.name] = (command.body,)
                if command.name in builtins.NAMES:
                    raise Opaque(f"the function `{command.name[:40]}` takes a builtin's name")
                return state, state
            self.span = (command.start, command.end)
            if isinstance(command, SimpleCommand):
                return self.simple(command, piped)
            for redirect in command.redirects:
                self.redirect(redirect)
            return self.compound(command, state)
        except Opaque as fault:
            self.state = state
            self.opaque(fault.why, fault.remediation)
            state.forget()
            return state, state
        finally:
            self.span = before

    # simple commands

    def assign(self, name: str, value: Value | tuple[Value, ...]) -> None:
        """Set a variable of the script, noting what it changes for programs and for the shell."""
        self.assigned.append(name)
        if name in SHELL_VARIABLES and name != "IFS":
            raise Opaque(f"`{name}` changes how the shell reads what follows")
        if dangerous(name) and not (name in PAGERS and isinstance(value, Value) and value.text in QUIET):
            self.act("setenv", literal(name))
        self.state.variables[name] = bounded(value)

    def assignment(self, assign: Assignment) -> None:
        """`name=value` of a command or alone."""
        current = self.state.variables.get(assign.name)
        if not isinstance(assign.value, ShellWord):
            elements = [v for w in assign.value for v in self.fields(w)]
            if any(v.starts().startswith("[") for v in elements):
                raise Opaque("an array with subscripts")
            old = current if isinstance(current, tuple) else (current,) if isinstance(current, Value) else ()
            self.assign(assign.name, (*old, *elements) if assign.append else tuple(elements))
            return
        value = self.value(assign.value)
        if assign.subscript:
            if not assign.subscript.isdigit():
                for name in [n for n in assign.subscript.replace("$", " ").split() if not n.isdigit()]:
                    if not name.isidentifier():
                        raise Opaque("an unusual subscript")
                    self._must_be_number(name)
            self.assign(assign.name, (Value((Hole.ANY,), True),))
            return
        if assign.append:
            if isinstance(current, tuple):
                value = UNKNOWN
            else:
                value = joined([*(current.parts if current else (Hole.ANY,)), *value.parts])
        self.assign(assign.name, value)

    def simple(self, command: SimpleCommand, piped: bool) -> Ends:
        """A simple command: words first, then redirections, then assignments, as bash expands them."""
        state = self.state
        first = command.words[0] if command.words else None
        plain = first.parts[0].text if first and len(first.parts) == 1 and isinstance(first.parts[0], Text) else ""
        if plain in builtins.DECLARING and plain not in state.functions:
            fields = [v for w in command.words for v in builtins.declared_fields(self, w)]
        else:
            fields = [v for w in command.words for v in self.fields(w)]
        stdin: Value | None = UNKNOWN if piped else None
        for redirect in command.redirects:
            given = self.redirect(redirect)
            stdin = given if given is not None else stdin
        if not fields:
            for assign in command.assigns:
                self.assignment(assign)
            if command.assigns:  # shells differ on which comes first
                for redirect in command.redirects:
                    self.redirect(redirect)
            if command.words and not command.assigns:
                self.act("run", Value(()), argv=(literal(":"),), free=True)
            return state, state
        if not command.redirects:
            return self.prefixed(command, fields, stdin)
        untouched = state.copy()  # a redirection that fails leaves the command out
        ok, bad = self.prefixed(command, fields, stdin)
        return ok, merge(bad, untouched)

    def prefixed(self, command: SimpleCommand, fields: list[Value], stdin: Value | None) -> Ends:
        """Run words with the assignments that hold for them alone."""
        state = self.state
        name = fields[0].text
        if not command.assigns:
            return self.run(fields, stdin)
        saved = {a.name: state.variables.get(a.name) for a in command.assigns}
        for assign in command.assigns:
            if assign.name in SHELL_VARIABLES and not (assign.name == "IFS" and name == "read"):
                raise Opaque(f"`{assign.name}` changes how the shell reads what follows")
            self.assignment(assign)
        if name in state.functions or name in builtins.KEEPING:
            return self.run(fields, stdin)  # whether they stay set depends on the shell
        ok, bad = self.run(fields, stdin)
        for after in {id(s): s for s in (ok, bad, self.state) if s is not None}.values():
            for key, old in saved.items():
                if old is None:
                    after.variables.pop(key, None)
                else:
                    after.variables[key] = old
        return ok, bad

    def run(self, fields: list[Value], stdin: Value | None, functions: bool = True) -> Ends:
        """Run words as a command: a function, a builtin, or a program."""
        self.step()
        state = self.state
        if len(fields) > limit("argv_words"):
            raise Opaque(f"it has more than {limit('argv_words')} words")
        name = fields[0].text
        if name is None:
            raise Opaque("which program it runs is not known", "write the program's name")
        if not name:
            raise Opaque("its program is an empty word")
        if functions and name in state.functions:
            return self.call(name, fields, stdin)
        builtin = builtins.TABLE.get(name)
        if builtin is not None:
            return builtin(self, fields, stdin)
        if name in self.dialect.unreadable or (self.dialect.leading_dash and name.startswith("-")):
            raise Opaque(f"`{name[:40]}` changes how the shell works")
        self.program(fields, stdin)
        return state, state

    def program(self, fields: list[Value], stdin: Value | None = None) -> None:
        """Record what a program does."""
        self.step()
        command_acts(self, ProgramCall(tuple(fields), stdin))

    def call(self, name: str, fields: list[Value], stdin: Value | None) -> Ends:
        """Call a function: its body runs here, with other parameters."""
        state = self.state
        if len(self.calls) >= MOST_DEPTH or self.calls.count(name) > 1:
            raise Opaque(f"the function `{name[:40]}` calls itself")
        bodies = state.functions[name]
        outs: list[Ends] = []
        for body in bodies:
            here = state.copy() if len(bodies) > 1 else state
            self.state = here
            if body is None:
                outs.append(self.run(fields, stdin, functions=False))
                continue
            args, here.args = here.args, tuple(fields[1:])
            outer, here.hidden = here.hidden, {}
            returned: list[ShellState] = []
            self.calls.append(name)
            self.returns.append(returned)
            frames, self.frames = self.frames, []
            ok, bad = self.command(body, here)
            self.frames = frames
            self.returns.pop()
            self.calls.pop()
            for other in returned:
                ok, bad = merge(ok, other), merge(bad, other)
            for end in {id(e): e for e in (ok, bad) if e is not None}.values():
                end.args = args
                end.uncover(outer)
            outs.append((ok, bad))
        ok, bad = outs[0]
        for a, b in outs[1:]:
            ok, bad = merge(ok, a), merge(bad, b)
        return ok, bad

    def redirect(self, redirect: Redirect) -> Value | None:
        """A redirection's act; returns what standard input becomes."""
        op = redirect.op
        span, self.span = self.span, (redirect.start, redirect.end)
        try:
            target = self.value_of_target(redirect)
            text = target.text
            if op in {"<<", "<<-", "<<<"}:
                return target if redirect.fd in {"", "0"} else None
            if op in {">&", "<&"}:
                if text is not None and (text == "-" or text.rstrip("-").isdigit()):
                    return None
                if op == "<&" or target.parts == (Hole.DIGITS,):
                    return UNKNOWN if op == "<&" else None
            if target.parts == (Hole.PIPE,):
                return UNKNOWN if op == "<" else None
            network = re.match(r"/dev/(?:tcp|udp)/([^/]+)/([^/]+)$", text or "")
            if network and self.dialect.network_redirections:
                self.act("connect", literal(f"{network[1]}:{network[2]}"))
                return UNKNOWN
            if op in {"<", "<>"} and text != "/dev/null":
                self.act("read", target)
            if (op not in {"<", ">&", "<&"} or op == ">&") and text not in _NOWHERE:
                self.act("write", target)
            return UNKNOWN if op in {"<", "<>"} and redirect.fd in {"", "0"} else None
        finally:
            self.span = span

    def value_of_target(self, redirect: Redirect) -> Value:
        """The target; an unquoted glob may be the one file that matches."""
        if redirect.op in {"<<", "<<-", "<<<"}:
            return self.value(redirect.target)
        first = redirect.target.parts[0] if redirect.target.parts else None
        if (
            self.dialect.redirection_marks
            and isinstance(first, Text)
            and not first.quoted
            and first.text.startswith(("!", "|"))
        ):
            raise Opaque("a redirection with `!`, which only zsh has")
        fields = self.fields(redirect.target)
        if len(fields) != 1:
            return UNKNOWN
        one = fields[0]
        return Value(one.parts, False, one.why)

    # substitutions

    def apart(self, body: tuple[AndOrList, ...]) -> None:
        """Run commands in a copy of the state."""
        state = self.state
        self.apart_from(state, lambda s: self.items(body, s))

    def substitute(self, body: tuple[AndOrList, ...]) -> Value:
        """Run a command substitution; what it prints where that can be told."""
        state, span = self.state, self.span
        inner = state.copy()
        inner.stop_on_error = False
        self.apart_from(inner, lambda s: self.items(body, s))
        self.state, self.span = state, span
        return self.printed(body)

    def printed(self, body: tuple[AndOrList, ...]) -> Value:
        """What a substitution prints, for the few commands where that is sure."""
        if len(body) != 1 or body[0].operators or body[0].background or len(body[0].pipelines) != 1:
            return _OUTPUT
        commands = body[0].pipelines[0].commands
        last = commands[-1]
        if not isinstance(last, SimpleCommand) or last.assigns or any(r.op[0] == ">" for r in last.redirects):
            return _OUTPUT
        words = [p.parts[0].text if len(p.parts) == 1 and isinstance(p.parts[0], Text) else None for p in last.words]
        if any(w in self.state.functions for w in words[:1]):
            return _OUTPUT
        if (
            words == ["cat"]
            and len(last.redirects) == 1
            and last.redirects[0].op in {"<<", "<<-", "<<<"}
            and len(commands) == 1
        ):
            value = self.value(last.redirects[0].target)
            if value.parts and isinstance(value.parts[-1], str):
                return joined([*value.parts[:-1], value.parts[-1].rstrip("\n")], False, value.why)
            return Value((Hole.ANY,), False, value.why)
        if last.redirects and words[:1] != ["wc"]:
            return _OUTPUT
        return builtins.printed(self, words, last) or _OUTPUT


_OUTPUT = Value((Hole.ANY,), False, "a command's output")
_NOWHERE = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/zero"})
