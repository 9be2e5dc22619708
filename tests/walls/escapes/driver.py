# ruff: noqa: BLE001, SIM105
"""The program that runs inside the box: each attempt in a process of its own, a line of JSON for each.

`python3 -I driver.py CONTEXT THEME NAME...`; with one name and `--here` it runs that attempt in this process.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import select
import signal
import sys
import time
import traceback
from typing import Any

sys.path.insert(0, os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../../.."))
kit: Any = importlib.import_module("tests.walls.escapes.kit")

OUTPUT = 1 << 20
"""How much of an attempt's output is kept."""


def here(one: Any, known: dict[str, Any]) -> None:
    """The attempt itself; what stops it is said."""
    context = kit.Context(known, one.name)
    os.chdir(known["ws"])
    try:
        one.run(context)
    except BaseException as error:
        text = "".join(traceback.format_exception_only(error))
        os.write(1, f"\nSTOPPED BY {text}".encode(errors="replace"))


def apart(one: Any, known: dict[str, Any]) -> dict[str, Any]:
    """Runs the attempt in a process group of its own, for its time."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.setpgid(0, 0)
        os.close(reading)
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os.close(writing)
        here(one, known)
        os._exit(0)
    os.close(writing)
    text, end, ended, status = b"", time.monotonic() + one.seconds, False, ""
    while not ended and time.monotonic() < end:
        if select.select([reading], [], [], 0.02)[0]:
            text += (block := os.read(reading, 65536))
            text = text[:OUTPUT]
            if not block:
                break
        found, code = os.waitpid(pid, os.WNOHANG)
        ended, status = found == pid, str(code)
    if not ended:
        end = min(end, time.monotonic() + 0.2)
        while not ended and time.monotonic() < end:
            found, code = os.waitpid(pid, os.WNOHANG)
            ended, status = found == pid, str(code)
            time.sleep(0.005)
    while ended and select.select([reading], [], [], 0)[0] and (block := os.read(reading, 65536)):
        text += block
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass
    if not ended:
        status = "out of time"
        os.waitpid(pid, 0)
    os.close(reading)
    return {"name": one.name, "status": status, "out": base64.b64encode(text[:OUTPUT]).decode()}


def main() -> None:
    context, theme, *names = sys.argv[1:]
    with open(context.removesuffix(".again")) as f:
        known = json.load(f)
    known["round"] = 2 if context.endswith(".again") else 1
    importlib.import_module(f"tests.walls.escapes.{theme}")
    if names[0] == "--here":
        here(kit.ATTEMPTS[names[1]], known)
        return
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    for name in names:
        os.write(1, json.dumps({"name": name, "status": "begun", "out": ""}).encode() + b"\n")
        line = json.dumps(apart(kit.ATTEMPTS[name], known))
        os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main()
