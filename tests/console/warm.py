"""A warm process: it has imported the command line, and forks a child for each call of it.

Started by `support.py` with one end of a socket as standard input. Each message is a call: its length, with four descriptors (standard
input, output, error, and where its process id and exit code go), and its words, folder, environment and umask as JSON. The child becomes
`python -m policy_lang WORDS`: it has nothing else open, runs the same module, and ends as an interpreter ends.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import time
from typing import Any


def prepare() -> None:
    """Import what commands import, and read what never changes: grammar and profiles."""
    from policy_lang.cli.main import COMMANDS, command_module
    from policy_lang.policy import Policy

    for name in COMMANDS:
        command_module(name)
    Policy.loads('policy "warm"\nallow read "src/**"\nallow run "git status **"\n')
    gc.collect()
    gc.freeze()


def serve(control: socket.socket) -> dict[str, Any] | None:
    """Fork a child for each call and report how each ended. Returns a call in its child, and None when the caller is gone."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    replies: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            for child in list(replies):
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    _tell(replies[child], os.waitstatus_to_exitcode(status))
                    os.close(replies.pop(child))
        if control in ready:
            length, handles, _, _ = socket.recv_fds(control, 8, 4)
            if not length:
                return None
            with control.makefile("rb", buffering=0) as stream:
                message = b""
                while len(message) < int.from_bytes(length):
                    message += stream.read(int.from_bytes(length) - len(message)) or b""
            child = os.fork()
            if child == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for number, handle in enumerate(handles[:3]):
                    os.dup2(handle, number)
                for handle in (*handles, woken, wake, *replies.values()):
                    os.close(handle)
                control.close()
                call: dict[str, Any] = json.loads(message)
                return call
            for handle in handles[:3]:
                os.close(handle)
            replies[child] = handles[3]
            _tell(handles[3], child)


def _tell(handle: int, number: int) -> None:
    """Nobody reads it when the caller has given up."""
    with contextlib.suppress(BrokenPipeError):
        os.write(handle, b"%d " % number)


def become(call: dict[str, Any]) -> None:
    """Run the command line as `python -m policy_lang` does in that folder and environment."""
    os.chdir(call["cwd"])
    os.umask(call["umask"])
    os.environ.clear()
    os.environ.update(call["env"])
    time.tzset()
    sys.path[0] = call["cwd"]
    sys.argv = ["policy", *call["words"]]
    runpy.run_module("policy_lang", run_name="__main__", alter_sys=True)


def finish(ended: SystemExit) -> None:
    """End as an interpreter does, but leave modules standing: to take them apart takes longer than most calls.

    What is no plain ending is left to the interpreter.
    """
    if ended.code is not None and type(ended.code) is not int:
        return
    atexit._run_exitfuncs()
    gc.collect()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit((ended.code or 0) & 0xFF)


if __name__ == "__main__":
    end = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    prepare()
    asked = serve(end)
    if asked is not None:
        try:
            become(asked)
        except SystemExit as ended:
            finish(ended)
            raise
