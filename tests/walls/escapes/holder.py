"""A session with a terminal of its own: runs a program there, and says afterwards what stands in the terminal's input.

`python3 -I holder.py TERMINAL FILE PROGRAM...`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import termios


def main() -> None:
    terminal, report, *program = sys.argv[1:]
    with contextlib.suppress(OSError):
        os.setsid()
    fd = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(fd, termios.TIOCSCTTY, 1 if os.geteuid() == 0 else 0)
    for one in (signal.SIGHUP, signal.SIGTTOU, signal.SIGTTIN):
        signal.signal(one, signal.SIG_IGN)
    done = subprocess.run(program, stdin=fd, check=False)
    mode = termios.tcgetattr(fd)
    mode[3] &= ~(termios.ICANON | termios.ECHO)
    mode[6][termios.VMIN] = 0
    termios.tcsetattr(fd, termios.TCSANOW, mode)
    text = b""
    while block := os.read(fd, 65536):
        text += block
    with open(report, "wb") as f:
        f.write(text)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
