"""Tickets on a terminal, live: a list to choose from, one that is open, answers by a key."""

from __future__ import annotations

import os
import select
import shutil
import sys
import termios
import time
import tty
from collections.abc import Callable

import click

from ..domain.strict_json import Json
from ..report.approvals import render_ticket, ticket_line
from ..report.style import colour

_LOOK = 1.0
"""Seconds between looks at the service."""
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""The terminal's other screen, without a cursor; and back (xterm's control sequences)."""
_KEYS = {
    b"\x1b[A": "up", b"k": "up", b"\x1b[B": "down", b"j": "down", b"\r": "open", b"\n": "open", b" ": "open",
    b"\x1b": "back", b"\x7f": "back", b"b": "back", b"q": "quit", b"\x03": "quit", b"a": "approve", b"r": "reject",
}  # fmt: skip


class Screen:
    """`fetch` gives what the service knows, `whole` all of one ticket by its id; `vote` answers one, with a reason."""

    def __init__(
        self, fetch: Callable[[], Json], whole: Callable[[str], Json], vote: Callable[[Json, str, str], Json]
    ) -> None:
        self._fetch = fetch
        self._whole = whole
        self._vote = vote
        self._open: list[Json] = []
        self._chosen = 0
        self._shown: Json | None = None
        self._top = 0
        self._room = 1
        self._read = 0
        self._unseen = 0
        self._said = ""

    def run(self) -> None:
        """Until the person leaves."""
        before = termios.tcgetattr(sys.stdin)
        sys.stdout.write(_ENTER)
        try:
            tty.setcbreak(sys.stdin)
            looked = 0.0
            while True:
                if time.monotonic() - looked >= _LOOK:
                    self._look()
                    looked = time.monotonic()
                self._draw()
                key = self._key(max(0.0, looked + _LOOK - time.monotonic()))
                if key == "quit":
                    return
                if key in {"approve", "reject"}:
                    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
                    self._answer(key)
                    tty.setcbreak(sys.stdin)
                    looked = 0.0
                elif key:
                    self._move(key)
        except KeyboardInterrupt:
            return
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
            sys.stdout.write(_LEAVE)
            sys.stdout.flush()

    def _look(self) -> None:
        chosen = self._open[self._chosen]["id"] if self._open else ""
        self._open = self._fetch()["open"]
        names = [t["id"] for t in self._open]
        self._chosen = names.index(chosen) if chosen in names else min(self._chosen, max(0, len(names) - 1))
        if self._shown is not None:
            now = next((t for t in self._open if t["id"] == self._shown["id"]), None)
            if now is None:
                self._said = f"{self._shown['id']} does not wait any more"
                self._shown = None
            else:
                self._shown = {**now, **{n: self._shown[n] for n in ("request", "about")}}

    def _key(self, seconds: float) -> str:
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return ""
        return _KEYS.get(os.read(sys.stdin.fileno(), 8), "")

    def _move(self, key: str) -> None:
        self._said = ""
        if key == "back":
            self._shown = None
        elif self._shown is not None:
            step = {"up": -1, "down": 1, "open": self._room}.get(key, 0)
            self._top = max(0, self._top + step)
        elif key in {"up", "down"} and self._open:
            self._chosen = (self._chosen + (1 if key == "down" else -1)) % len(self._open)
        elif key == "open" and self._open:
            self._opened()

    def _opened(self) -> None:
        """All of the chosen ticket, from its first line on."""
        self._shown, self._top, self._read, self._unseen = self._whole(self._open[self._chosen]["id"]), 0, 0, 1

    def _answer(self, verdict: str) -> None:
        """What is open is answered; what is not is opened first, so that nobody approves what was not shown."""
        if self._shown is None:
            if self._open:
                self._opened()
            return
        ticket = self._shown
        if verdict == "approve" and self._unseen:
            self._said = f"{self._unseen} lines of it were not shown yet: go on with j or Space"
            return
        sys.stdout.write("\x1b[?25h")
        reason = click.prompt(f"{verdict} {ticket['id']}; reason", default="", show_default=False)
        sys.stdout.write("\x1b[?25l")
        try:
            self._said = ticket_line(self._vote(ticket, verdict, reason)).split("\n")[0]
            self._shown = None
        except SystemExit:  # the service refused, and has said why
            click.pause("press a key")

    def _draw(self) -> None:
        width, height = shutil.get_terminal_size()
        if self._shown is not None:
            body = [part for line in render_ticket(self._shown).split("\n") for part in _wrapped(line, width)]
            room = self._room = max(1, height - 6)
            self._top = min(self._top, max(0, len(body) - room))
            below = len(body) - self._top - room
            self._read = max(self._read, self._top + room)
            self._unseen = max(0, len(body) - self._read)
            body = body[self._top : self._top + room]
            keys = "a approve   r reject   j k Space scroll   Esc back   q leave"
            if below > 0:
                keys = f"{below} lines more   {keys}"
        else:
            body = [line for n, t in enumerate(self._open) for line in self._row(n, t)] or ["nothing waits"]
            keys = "Enter open   arrows choose   q leave"
        lines = [colour("policy approvals", "help") + f"   {len(self._open)} waiting", "", *body]
        hidden = len(lines) - (height - 3)
        if hidden > 0:
            lines = [*lines[: height - 4], colour(f"... {hidden + 1} lines more: policy approvals show ID", "warning")]
        lines += ["", self._said, colour(keys, "dim")] if self._said else ["", colour(keys, "dim")]
        sys.stdout.write("\x1b[H\x1b[2J" + "\r\n".join(_cut(line, width) for line in lines))
        sys.stdout.flush()

    def _row(self, number: int, ticket: Json) -> list[str]:
        mark = colour("> ", "help") if number == self._chosen else "  "
        first, second = ticket_line(ticket).split("\n")
        return [mark + first, f"  {second}"]


def _wrapped(line: str, width: int) -> list[str]:
    """A line as several that are no wider than the terminal: what is approved is read to its end."""
    plain = click.unstyle(line)
    if len(plain) <= width:
        return [line]
    return [plain[at : at + width] for at in range(0, len(plain), width)]


def _cut(line: str, width: int) -> str:
    """A line no wider than the terminal, not counting colours."""
    plain = click.unstyle(line)
    return line if len(plain) <= width else plain[: width - 1] + "…"
