"""Real shells as judges of the reader: what they execute and which files they create must be among the acts.

Programs run with a PATH that leads nowhere and a handler of commands that are not found, which logs each argv; for dash,
with a PATH on which a few programs do so. They run in a folder of their own, for a second at most.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass

from policy_lang.compiler.profiles import builtin
from policy_lang.shell.acts import Act
from policy_lang.shell.analyse import argv_acts, read_acts
from policy_lang.shell.values import Hole, Value

BASH = shutil.which("bash")
SHELLS = {"bash": BASH, "sh": shutil.which("dash"), "zsh": shutil.which("zsh")}
"""The shells that judge, by the dialect that a script of theirs is read in; None for one that is not installed."""
_HANDLER = (
    '() { local IFS=" " n=$#; { builtin printf "%s\\0" "$n" "$@"; } >>"$ORACLE_LOG"; '
    "case $1 in *[13579]) return 1;; esac; return 0; }"
)
_ZSHENV = f"command_not_found_handler{_HANDLER.replace('>>', '>>|')}\nsetopt no_global_rcs no_bg_nice\n"
_PROGRAM = """#!/bin/dash
n=${0##*/}
printf '%s\\0' $(($# + 1)) "$n" "$@" >>"$ORACLE_LOG"
case $n in *[13579]) exit 1;; esac
exit 0
"""
_PROGRAMS = tuple(f"c{i}" for i in range(1, 10))
"""What dash finds on its PATH; the other shells are asked for what they do not find."""
_SETUP = ("d1", "d2", "d1/d2")
_FILES = ("f1", "f2.t", "d1/f3.t", "a b")


_REFUSED = (b"syntax error", b"unexpected", b"parse error", b"bad pattern", b"Syntax error")


@dataclass
class Run:
    """What the shell did: executed argvs, created files, whether it took the program as valid."""

    executed: list[list[str]]
    created: set[str]
    valid: bool


class Sandbox:
    """A folder in which programs run, made new whenever one has changed it."""

    def __init__(self, dialect: str = "bash") -> None:
        self.dialect = dialect
        self.base = tempfile.mkdtemp(prefix="oracle")
        self.count = 0
        self.folder = os.path.join(self.base, "w")
        self._fill()
        path = os.path.join(self.base, "bin")
        os.mkdir(path)
        for name in _PROGRAMS if dialect == "sh" else ():
            with open(os.path.join(path, name), "w") as out:
                out.write(_PROGRAM)
            os.chmod(os.path.join(path, name), 0o755)
        with open(os.path.join(self.base, ".zshenv"), "w") as out:
            out.write(_ZSHENV)
        self.env = {"PATH": path if dialect == "sh" else "/nowhere", "HOME": "/nowhere/home", "LC_ALL": "C.UTF-8"}
        self.env |= {"BASH_FUNC_command_not_found_handle%%": _HANDLER} if dialect == "bash" else {"ZDOTDIR": self.base}
        self.start = [str(SHELLS[dialect]), *(("--norc", "--noprofile") if dialect == "bash" else ())]

    def _fill(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("", *_SETUP):
            os.mkdir(os.path.join(self.folder, name))
        for name in _FILES:
            with open(os.path.join(self.folder, name), "w") as out:
                out.write("x y\nz\n")
        self.before = self._names()

    def _names(self) -> set[str]:
        found = set()
        for root, dirs, files in os.walk(self.folder):
            found |= {os.path.relpath(os.path.join(root, n), self.folder) for n in (*dirs, *files)}
        return found

    def run(self, program: str) -> Run:
        """Run one program."""
        self.count += 1
        log_path = os.path.join(self.base, f"log{self.count}")  # what an earlier program left running writes elsewhere
        open(log_path, "w").close()
        process = subprocess.Popen(
            [*self.start, "-c", program], cwd=self.folder, env={**self.env, "ORACLE_LOG": log_path}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            _, errors = process.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            _, errors = process.communicate()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with open(log_path, "rb") as log:
            words = log.read().split(b"\0")[:-1]
        os.unlink(log_path)
        executed = []
        at = 0
        while at < len(words):
            if not words[at].isdigit():  # cut off in the middle of a record
                return Run(executed, set(), False)
            count = int(words[at])
            executed.append([w.decode("utf-8", "surrogateescape") for w in words[at + 1 : at + 1 + count]])
            at += 1 + count
        created = self._names() - self.before
        if created or self._names() != self.before:
            self._fill()
        return Run(executed, created, not any(m in errors for m in _REFUSED))

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.base, ignore_errors=True)


def pattern(value: Value) -> str:
    """A regular expression for the words that a value may be."""
    kinds = {
        Hole.DIGITS: "[0-9]+",
        Hole.NUMBER: "-?[0-9]+",
        Hole.WORD: "[0-9a-z]*",
        Hole.NAME: "[^/]*",
        Hole.FILE: "[^/]*",
        Hole.HOME: "/nowhere/home",
    }
    return "".join(re.escape(p) if isinstance(p, str) else kinds.get(p, r"[\s\S]*") for p in value.parts)


def matches(values: tuple[Value, ...], argv: list[str]) -> bool:
    """True when the words may be this argv."""
    reachable = {0}
    for value in values:
        regex = re.compile(pattern(value), re.DOTALL)
        following: set[int] = set()
        for at in reachable:
            if value.many:
                following.add(at)
                step = at
                while step < len(argv) and regex.fullmatch(argv[step]):
                    step += 1
                    following.add(step)
            elif at < len(argv) and regex.fullmatch(argv[at]):
                following.add(at + 1)
        reachable = following
    return len(argv) in reachable


def writes(acts: list[Act], name: str) -> bool:
    """True when a created file is among the targets."""
    for act in acts:
        if act.action != "write":
            continue
        if act.folders is None:
            return True
        for folder in act.folders:
            target = pattern(act.value)
            if act.value.starts().startswith("/"):
                continue
            full = re.escape(folder) + "/" + target if folder else target
            if re.fullmatch(full, name) or os.path.normpath(f"{folder}/{act.value.text or ''}".lstrip("/")) == name:
                return True
            if Hole.ANY in act.value.parts:
                return True
    return False


_HARMLESS = [["cat"], ["more"]]
"""What zsh runs for a redirection alone: it copies what that opens (zshparam(1), NULLCMD)."""


def judge(sandbox: Sandbox, program: str, argv: bool = False) -> tuple[str, str]:
    """`missed`, `fine`, `opaque` or `invalid`, and what was missed; the program as a script or behind `-c`."""
    if argv:
        name = "dash" if sandbox.dialect == "sh" else sandbox.dialect
        acts = argv_acts((name, "-c", program), builtin) if program.strip(" \t\n") else []
    else:
        acts = read_acts(program, sandbox.dialect)
    opaque = [a.opaque for a in acts if a.opaque]
    run = sandbox.run(program)
    if opaque:
        return ("opaque" if run.valid else "invalid"), opaque[0]
    commands = [a.argv for a in acts if a.action == "run"]
    for words in run.executed:
        if words not in _HARMLESS and not any(matches(c, words) for c in commands):
            return "missed", f"executed {words!r}"
    for name in run.created:
        if not writes(acts, name):
            return "missed", f"created {name!r}"
    return ("fine" if run.valid else "invalid"), ""
