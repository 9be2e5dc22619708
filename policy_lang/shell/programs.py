"""Programs: the acts of a command line, by the program's profile."""

from __future__ import annotations

import posixpath
import re

from ..domain.regex import regex
from ..facts.commands import TRUSTED_DIRS
from .access import change_folder, path
from .call import ProgramCall
from .dialect import Dialect
from .links import brought
from .names import as_files, may_have_made
from .operands import added_word, operand_roles, says_what_to_run
from .profile import Parsed, Profile, Profiles, parse_argv
from .readers.table import find_reader
from .reading import Opaque
from .repository import PROGRAMS, core_command, elsewhere, place_of
from .roles import role
from .state import ShellState
from .values import NOTHING, Value, literal
from .walk import Walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class NestedShells(Protocol):
        """Runner of the scripts that programs hand to a shell."""

        def nested(self, text: str, dialect: Dialect, state: ShellState) -> None:
            """Run it; its acts stand where the program stands."""


PRINTERS = frozenset(["ls", "head", "tail", "sort", "uniq", "tac", "cat", "grep", "egrep", "fgrep", "rg", "git"])
"""Programs that may print names of files, besides those whose reader says so."""
_VERSION = regex(r"(python|pip|perl|ruby|php|node|lua|gcc|g\+\+|clang|clang\+\+)[0-9][0-9.]*", re.ASCII)


def program_name(text: str) -> str | None:
    """The name to look a profile up by; None for a program outside the trusted directories."""
    if "/" in text:
        if ".." in text.split("/") and not text.startswith("/"):
            raise Opaque("a program's path with `..`", "write its name, or its path from the workspace")
        text = posixpath.normpath("/" + text.lstrip("/")) if text.startswith("/") else text
    folder, slash, name = text.rpartition("/")
    if slash and folder not in TRUSTED_DIRS:
        return None
    version = _VERSION.fullmatch(name)
    return version[1] if version else name


class Programs:
    """Records what command lines do; `profiles` says how they are read, `shells` runs scripts inside them."""

    __slots__ = ("profiles", "shells", "walk")

    def __init__(self, walk: Walk, profiles: Profiles, shells: NestedShells) -> None:
        self.walk = walk
        self.profiles = profiles
        self.shells = shells

    def run(self, fields: list[Value], stdin: Value | None = None) -> None:
        """Record what a program does that a script or another program runs."""
        self.walk.step()
        self.walk.output = None
        call = ProgramCall(tuple(fields), stdin)
        self.command(call)
        if self.walk.input is not None:
            from .given import leaves_input

            if not leaves_input(self.walk, self.profiles, call):
                self.walk.input = None

    def nested(self, text: str, dialect: Dialect, state: ShellState) -> None:
        """Run a script that a program hands to a shell."""
        self.shells.nested(text, dialect, state)

    def command(self, call: ProgramCall) -> None:
        """Record everything that a program's command line says it does."""
        try:
            name = program_name(call.argv[0].text or "")
        except Opaque as fault:
            self.walk.opaque(fault.why, fault.remediation, call.argv)
            return
        profile = self.profiles(name) if name is not None else None
        core = core_command(call.argv[0].text or "") if profile is None else None
        if core is not None:
            self.command(ProgramCall((literal("git"), literal(core), *call.argv[1:]), call.stdin))
            return
        if profile is None:
            unknown = "its effects are not known: there is no profile of it"
            self.walk.act("run", NOTHING, argv=call.argv, note=unknown, unread=ProgramCall(call.argv[1:], call.stdin))
            return
        try:
            parsed = self._parsed(profile, call)
            walk = self.walk
            folders = walk.state.folders
            try:
                if walk.linked and parsed.root.name == "git":
                    self._apart(call, parsed)
                else:
                    self._acts(call, parsed)
                if walk.filled:
                    filled, walk.filled = walk.acts[walk.filled - 1 :], 0
                    walk.linked = [
                        *walk.linked,
                        *brought(filled, parsed.root.name == "ln", parsed.root.name in PROGRAMS),
                    ]
            finally:
                walk.state.folders = folders
        except Opaque as fault:
            unread = ProgramCall(call.argv[1:], call.stdin)
            self.walk.opaque(fault.why, fault.remediation, call.argv, unread)

    def _parsed(self, profile: Profile, call: ProgramCall) -> Parsed:
        """A command line as it is read. A glob is no option, as long as no file that it matches has the name of one."""
        files = tuple(map(as_files, call.argv))
        if files == call.argv or may_have_made(self.walk):
            return parse_argv(profile, call.argv)
        parsed = parse_argv(profile, files)
        try:
            same = parse_argv(profile, call.argv).options == parsed.options
        except Opaque:
            same = False
        if not same:
            why = "a file whose name begins with `-` matches, which is then an option"
            for word, file in zip(call.argv, files, strict=True):
                if word is not file:
                    self.walk.act("run", word, opaque=why, remediation="put `--` before it, or `./`", names="dashed")
        return parsed

    def _apart(self, call: ProgramCall, parsed: Parsed) -> None:
        """The acts of git, which follows no link of its repository."""
        linked, self.walk.linked = self.walk.linked, []
        try:
            self._acts(call, parsed)
        finally:
            self.walk.linked = [*linked, *self.walk.linked]

    def _acts(self, call: ProgramCall, parsed: Parsed) -> None:
        walk = self.walk
        profile = parsed.profile
        changes = parsed.changes
        if changes.opaque:
            raise Opaque(changes.opaque)
        if parsed.root.name in PROGRAMS and elsewhere(walk):
            raise Opaque("a variable makes it work in another repository")
        place = len(walk.acts)
        folders = walk.state.folders
        parsed.named.update(g.index for g in parsed.options if g.option.marked and g.index >= 0)
        for given in parsed.options:
            if given.option.role.rstrip("!") == "cwd" and given.value is not None:
                path(walk, "read", given.value)
                change_folder(walk, given.value)
        for given in parsed.options:
            if given.value is not None:
                role(self, parsed, given.option.role, given.value, given.index)
        if parsed.options and len(call.argv) == 2 and (parsed.has("--version") or parsed.has("--help")):
            walk.act("run", NOTHING, argv=call.argv, parsed=parsed, free=profile.transparent)
            return
        handled = bool(profile.reader) and find_reader(profile.reader)(self, call, parsed)
        if not handled:
            operand_roles(self, parsed)
        if profile.input and call.stdin is not None and not says_what_to_run(parsed):
            role(self, parsed, profile.input, call.stdin, 0)
        for added in (*profile.acts, *changes.acts):
            role(self, parsed, added.role, added_word(added.word), 0)
        if walk.heard and not profile.transparent:
            if parsed.path[0] in PRINTERS:
                from .names import printed_names

                walk.output = printed_names(walk, parsed)
            elif parsed.path[0] != "find":
                walk.output = None
        inside, walk.state.folders = walk.state.folders, folders
        does = len(walk.acts) > place or parsed.has("--version") or parsed.has("--help")
        free = (profile.transparent or changes.free) and does and not parsed.runs_file
        if parsed.root.name in PROGRAMS:
            parsed.repository = place_of(parsed, inside)
        # the command itself comes first in what is shown, whatever was found on the way
        note = profile.note
        unread = None
        if note and not handled and parsed.operands and all(slot.role == "text" for slot in profile.operands):
            unread = ProgramCall(tuple(parsed.operands))
        if changes.notes:
            note = "; ".join(n for n in (note, *changes.notes) if n)
        walk.act("run", NOTHING, place, argv=call.argv, parsed=parsed, free=free, note=note, unread=unread)
        walk.state.folders = inside
