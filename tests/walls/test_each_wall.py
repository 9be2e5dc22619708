"""What each wall holds alone, by trying: the table says what one of them lets through, and another has to hold."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from policy_lang import Policy
from policy_lang.domain.request import Request
from policy_lang.walls import landlock, mounts, syscalls
from policy_lang.walls.box import Box, Design
from policy_lang.walls.own_paths import OwnPaths
from policy_lang.walls.plan import Plan, Survey
from policy_lang.walls.port import DecisionPort
from policy_lang.walls.protected import programs

from .running import POLICY, WALLS, place

pytestmark = WALLS
_ = place

ATTEMPTS = """
import ctypes, json, os, socket, sys
home, out = sys.argv[1:]
def write(path):
    with open(path, "a") as f: f.write("x")
def packets():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
def trace():
    if ctypes.CDLL(None, use_errno=True).ptrace(0, 0, 0, 0): raise OSError(ctypes.get_errno(), "ptrace")
def reach():
    s = socket.socket(socket.AF_UNIX); s.connect(home + "/w/src/outside.sock")
tries = {
    "read a denied file": lambda: open("k.pem").read(1),
    "read in the home": lambda: open(home + "/.netrc").read(),
    "write a denied file that is there": lambda: write("gen/keep"),
    "make a file of a denied name": lambda: write("src/new.pem"),
    "make a file where nothing is granted": lambda: write("gen/new"),
    "rename over a denied name": lambda: (write("src/a"), os.rename("src/a", "src/b.pem")),
    "change the system": lambda: write("/usr/local/x"),
    "read by O_TRUNC": lambda: os.open("gen/keep", os.O_RDONLY | os.O_TRUNC),
    "change a mode": lambda: os.chmod("gen/keep", 0o600),
    "reach a socket outside": reach,
    "send a packet": packets,
    "trace a process": trace,
    "see another's processes": lambda: os.kill(%d, 0),
    "write what is granted": lambda: write("src/granted"),
}
found = {}
for name, attempt in tries.items():
    try: attempt(); found[name] = True
    except (OSError, PermissionError) as error: found[name] = False
print(json.dumps(found), file=os.fdopen(1, "w"))
"""
THROUGH = {
    "mounts": {
        "write a denied file that is there", "make a file of a denied name", "make a file where nothing is granted", "rename over a denied name",
        "read by O_TRUNC", "change a mode", "reach a socket outside", "send a packet", "trace a process", "write what is granted",
    },
    "Landlock": {"read a denied file", "change a mode", "reach a socket outside", "send a packet", "trace a process"},
    "system calls": {"read a denied file", "read in the home", "see another's processes", "write what is granted"},
    "all": {"write what is granted"},
}  # fmt: skip
"""What gets through each wall alone. Landlock keeps even what is granted from being written: the supervisor does that."""


def designs(plan: Plan) -> dict[str, Design]:
    own = OwnPaths(
        private=frozenset(plan.paths("private")),
        shared=frozenset(plan.paths("read", "write", "hide")),
        system=plan.system,
    )
    bare = OwnPaths(shared=own.shared, system=plan.system)
    program, version = mounts.bubblewrap(), landlock.abi()
    shown = (*plan.paths("read", "write"), "/proc")
    calls = syscalls.program()
    return {
        "mounts": Design(plan, own, b"", None, program),
        "Landlock": Design(plan, own, b"", landlock.ruleset(version, shown), None),
        "system calls": Design(plan, bare, calls, None, None),
        "all": Design(plan, own, calls, landlock.ruleset(version, (*shown, *plan.paths("private"))), program),
    }


@pytest.mark.parametrize("wall", THROUGH)
def test_what_a_wall_alone_lets_through(place: Path, wall: str, capfd: pytest.CaptureFixture[str]) -> None:
    (place / "w/gen").mkdir()
    for name in ("w/k.pem", "w/gen/keep", ".netrc"):
        (place / name).write_text("secret")
    import socket

    with socket.socket(socket.AF_UNIX) as outside:
        outside.bind(str(place / "w/src/outside.sock"))
        outside.listen()
        like = Request("read", ".", workspace=str(place / "w"), home=str(place), tmp="/tmp", cwd=str(place / "w"))
        port = DecisionPort(Policy.loads(POLICY), like)
        design = designs(Survey(port, (), programs()).plan())[wall]
        box = Box(design, port)
        try:
            box.build()
            code = ATTEMPTS % os.getpid()
            assert (
                box.run(["python3", "-I", "-c", code, str(place), "-"], str(place / "w"), {"PATH": "/usr/bin:/bin"})
                == 0
            )
        finally:
            box.close()
    found = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert {name for name, through in found.items() if through} == THROUGH[wall]


def test_without_bubblewrap_the_inner_walls_hold(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole command, where bubblewrap is not installed: nothing starts unasked, and every open is decided."""
    import subprocess
    import sys

    (place / "w/k.pem").write_text("secret")
    (place / "w/a.txt").write_text("seen\n")
    system = next(p for p in sorted(Path("/usr/share").rglob("*")) if p.is_file() and not p.is_symlink())
    (place / "p.policy").write_text(f'{POLICY}deny read "{system}"\n')
    script = "import sys\nfrom policy_lang.walls import mounts\nmounts.bubblewrap = lambda: None\nfrom policy_lang.cli.main import main\nmain()"

    def start(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, "run", "--policy", str(place / "p.policy"), *words]
        return subprocess.run(
            command,
            cwd=place / "w",
            env={**os.environ, "HOME": str(place)},
            capture_output=True,
            text=True,
            check=False,
        )

    refused = start("--accept-loss", "words", "--", "true")
    assert refused.returncode == 125
    assert "install bubblewrap" in refused.stderr
    inside = "cat a.txt k.pem $0; echo x > src/f; echo y > src/f.pem; cat src/f; cat /etc/shadow; curl -s -m 2 http://127.0.0.1:1; echo $?; ps >/dev/null && echo seen"
    done = start("--accept-loss", "words,namespaces", "--", "sh", "-c", inside, str(system))
    assert done.stdout == "seen\nx\n7\nseen\n", done.stdout + done.stderr
    assert sorted(p.name for p in (place / "w/src").iterdir()) == ["f"]
