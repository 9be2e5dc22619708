"""The protocol between the reading of a program's words and the shell that runs it. For type checkers alone."""

from __future__ import annotations

from typing import Protocol

from .dialect import Dialect
from .profile import Profiles
from .state import ShellState
from .values import Value
from .walk import Walk


class ProgramHost(Protocol):
    """The shell that runs a program, as far as roles and readers of programs need it."""

    @property
    def walk(self) -> Walk:
        """The walk that the program runs in; acts are recorded there."""

    @property
    def profiles(self) -> Profiles:
        """The profiles of programs."""

    def run(self, fields: list[Value], stdin: Value | None = None) -> None:
        """Record what another program does, which this one runs."""

    def nested(self, text: str, dialect: Dialect, state: ShellState) -> None:
        """Run a script that this program hands to a shell."""
