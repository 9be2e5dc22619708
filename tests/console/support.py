"""Running the command line as users do: in a process of its own.

`policy` has a warm process (`warm.py`) fork one that has imported everything; `started` starts an interpreter. Both give what
users see: exit code and streams. `test_warm.py` holds them together, a command at a time.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.needs import IN_CI

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/examples"
SECONDS = 180
"""How long a call may take."""


@dataclass
class Result:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def git(folder: Path, *words: str) -> None:
    """A git command that depends on nobody's settings."""
    settings = ["user.name=x", "user.email=x@example.com", "init.defaultBranch=main", "commit.gpgsign=false"]
    options = [word for setting in settings for word in ("-c", setting)]
    subprocess.run(["git", *options, *words], cwd=folder, check=True, capture_output=True)


def policy(*arguments: str | Path, stdin: str | bytes = "", cwd: Path | None = None, **env: str) -> Result:
    """What a call prints and exits with."""
    given, warm = _environment(env), warm_process()
    if _at_start(given) != warm.environment:
        return started(*arguments, stdin=stdin, cwd=cwd, **env)
    data = stdin.encode() if isinstance(stdin, str) else stdin
    return _result(*warm.call([*map(str, arguments)], data, cwd, given))


def started(*arguments: str | Path, stdin: str | bytes = "", cwd: Path | None = None, **env: str) -> Result:
    """The same of an interpreter that is started for it."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "policy_lang", *map(str, arguments)], input=data, capture_output=True, check=False, timeout=SECONDS,
        cwd=cwd, env=_environment(env),
    )  # fmt: skip
    return _result(done.returncode, done.stdout, done.stderr)


def _result(code: int, out: bytes, err: bytes) -> Result:
    result = Result(code, out.decode(), err.decode())
    assert "Traceback" not in result.out + result.err
    if (said := re.search(r"pip install .*policy-lang\[\w+\]", result.err)) and not IN_CI:
        pytest.skip(f"an extra is not installed: {said[0]}")
    return result


def _environment(env: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "PYTHONWARNINGS": "error", **env}


def _at_start(environment: dict[str, str]) -> dict[str, str]:
    """What an interpreter reads when it starts, and never again."""
    return {n: v for n, v in environment.items() if n.startswith(("PYTHON", "LC_", "LANG", "LD_"))}


class Warm:
    """The warm process of this one. Threads may call at once."""

    def __init__(self) -> None:
        environment = _environment({})
        self.owner = os.getpid()
        self.environment = _at_start(environment)
        self._lock = threading.Lock()
        self._control, other = socket.socketpair()
        with other:
            program = Path(__file__).with_name("warm.py")
            self._process = subprocess.Popen([sys.executable, program], stdin=other, stdout=subprocess.DEVNULL, cwd=ROOT, env=environment)  # fmt: skip
        atexit.register(self.close)

    def close(self) -> None:
        """End it. It ends by itself when this process is gone."""
        if os.getpid() == self.owner:
            self._control.close()
            self._process.wait(SECONDS)

    def start(self, words: list[str], handles: list[int], cwd: Path | None, env: dict[str, str]) -> None:
        """Have a call forked with three descriptors as its streams; its process id and its exit code go into the fourth."""
        mask = os.umask(0o777)
        os.umask(mask)
        call = {"words": words, "cwd": str(cwd or os.getcwd()), "env": env, "umask": mask}
        message = json.dumps(call).encode()
        with self._lock:
            socket.send_fds(self._control, [len(message).to_bytes(8)], handles)
            self._control.sendall(message)

    def call(self, words: list[str], data: bytes, cwd: Path | None, env: dict[str, str]) -> tuple[int, bytes, bytes]:
        """Exit code (negative: a signal's number), output and error output."""
        stdin, into = os.pipe()
        out, stdout = os.pipe()
        err, stderr = os.pipe()
        ended, end = os.pipe()
        try:
            self.start(words, [stdin, stdout, stderr, end], cwd, env)
        finally:
            for handle in (stdin, stdout, stderr, end):
                os.close(handle)
        read = _exchange(into, data, (out, err, ended), words)
        _, code = read[ended].split()
        return int(code), read[out], read[err]


def _exchange(into: int, data: bytes, outs: tuple[int, ...], words: list[str]) -> dict[int, bytes]:
    """Write the data and read everything, until all that is read has ended; all are closed then."""
    read = {handle: bytearray() for handle in outs}
    end = time.monotonic() + SECONDS
    os.set_blocking(into, False)
    waiting = {into, *outs}
    with selectors.DefaultSelector() as selector:
        selector.register(into, selectors.EVENT_WRITE)
        for handle in outs:
            selector.register(handle, selectors.EVENT_READ)
        try:
            while waiting:
                if time.monotonic() > end:
                    os.kill(int(read[outs[-1]].split()[0]), signal.SIGKILL)
                    raise subprocess.TimeoutExpired(words, SECONDS, bytes(read[outs[0]]), bytes(read[outs[1]]))
                for key, _ in selector.select(1):
                    handle = key.fd
                    if handle != into:
                        got = os.read(handle, 1 << 16)
                        read[handle] += got
                        done = not got
                    else:
                        try:
                            data = data[os.write(into, data[: 1 << 16]) :]
                            done = not data
                        except BrokenPipeError:
                            done = True
                    if done:
                        selector.unregister(handle)
                        os.close(handle)
                        waiting.remove(handle)
        finally:
            for handle in waiting:
                os.close(handle)
    return {handle: bytes(got) for handle, got in read.items()}


_PROCESSES: list[Warm] = []


def warm_process() -> Warm:
    """The warm process of this one."""
    if not _PROCESSES or _PROCESSES[0].owner != os.getpid():
        _PROCESSES[:] = [Warm()]
    return _PROCESSES[0]
