"""Terminals behind walls: job control, window size, interrupts, and nothing typed by a program."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .running import WALLS, command, place

pytestmark = WALLS
_ = place
_SECONDS = 30


class Terminal:
    """A program on a terminal of its own, 40 by 100."""

    def __init__(self, place: Path, words: list[str]) -> None:
        self.process, self.end = pty.fork()
        if self.process == 0:
            os.chdir(place / "w")
            os.execve(words[0], words, {**os.environ, "HOME": str(place), "PS1": "$ ", "TERM": "xterm-256color"})
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))

    def until(self, text: str) -> str:
        """What is shown up to a text."""
        seen = ""
        late = time.monotonic() + _SECONDS
        while text not in seen:
            assert time.monotonic() < late, seen
            if select.select([self.end], [], [], 0.1)[0]:
                seen += os.read(self.end, 4096).decode(errors="replace")
        return seen

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self.end, text.encode())

    def tell(self, line: str, mark: str) -> str:
        """Type a command that ends by showing a mark; what is shown until then."""
        self.type(f"{line}; echo {mark[:2]}''{mark[2:]}\n")
        return self.until(mark)

    def close(self) -> None:
        """End it."""
        os.close(self.end)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)


@pytest.fixture
def shell(place: Path) -> Iterator[Terminal]:
    made = Terminal(place, command(place, "bash", "--norc", "--noediting", "-i"))
    made.until("bash-")
    yield made
    made.close()


def test_size_and_colours_are_the_terminals(shell: Terminal) -> None:
    assert "40 100" in shell.tell("stty size", "MARK1")
    assert "256" in shell.tell("tput colors", "MARK2")


def test_an_interrupt_ends_what_stands_in_front(shell: Terminal) -> None:
    shell.type("sleep 1000\n")
    time.sleep(1)
    shell.type("\x03")
    assert "is 130" in shell.tell("echo is $?", "MARK1")


def test_jobs_are_stopped_and_go_on(shell: Terminal) -> None:
    shell.type("sleep 1000\n")
    time.sleep(1)
    shell.type("\x1a")
    assert "Stopped" in shell.tell("jobs", "MARK1")
    assert "Running" in shell.tell("bg; jobs", "MARK2")


def test_the_terminal_can_be_opened_by_its_name(shell: Terminal) -> None:
    assert "shown-here" in shell.tell("echo shown''-here > /dev/tty", "MARK1")
    assert "in-another" in shell.tell("script -qc 'echo in''-another > /dev/tty' /dev/null", "MARK2")


def test_nothing_is_typed_by_a_program(shell: Terminal, place: Path) -> None:
    script = "import fcntl\ntry: fcntl.ioctl(0, 0x5412, b'x')\nexcept OSError as e: print('errno', e.errno)\n"
    (place / "w/type.py").write_text(script)
    assert "errno 1" in shell.tell("python3 type.py", "MARK1")


def test_a_shell_outside_stops_the_whole_and_goes_on(place: Path) -> None:
    outer = Terminal(place, ["/bin/bash", "--norc", "--noediting", "-i"])
    try:
        outer.until("$ ")
        outer.type(
            " ".join(command(place, "sh", "-c", "'echo begun; sleep 3; echo over > src/over; echo ended'")) + "\n"
        )
        outer.until("begun\r\n")
        outer.type("\x1a")
        assert "Stopped" in outer.tell("jobs", "MARK1")
        outer.type("fg\n")
        outer.until("ended\r\n")
        assert (place / "w/src/over").exists()
    finally:
        outer.close()


def test_an_interrupt_ends_a_plain_command(place: Path) -> None:
    outer = Terminal(place, ["/bin/bash", "--norc", "--noediting", "-i"])
    try:
        outer.until("$ ")
        outer.type(" ".join(command(place, "sh", "-c", "'echo begun; sleep 1000'")) + "\n")
        outer.until("begun\r\n")
        time.sleep(1)  # a shell loses an interrupt between its fork and its exec, without walls too
        outer.type("\x03")
        assert "is 130" in outer.tell("echo is $?", "MARK1")
    finally:
        outer.close()


def test_who_handles_an_interrupt_goes_on(place: Path) -> None:
    outer = Terminal(place, ["/bin/bash", "--norc", "--noediting", "-i"])
    try:
        outer.until("$ ")
        outer.type(
            " ".join(
                command(
                    place,
                    "bash",
                    "-c",
                    "'trap \"echo caught\" INT; echo begun; sleep 1000; sleep 1; echo went-on; exit 3'",
                )
            )
            + "\n"
        )
        outer.until("begun\r\n")
        time.sleep(1)  # a shell loses an interrupt between its fork and its exec, without walls too
        outer.type("\x03")
        outer.until("went-on\r\n")
        assert "is 3" in outer.tell("echo is $?", "MARK1")
    finally:
        outer.close()
