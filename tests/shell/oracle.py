"""Real shells as judges of the reader: what they execute and which files they create must be among the acts.

Programs run with a PATH that leads nowhere and a handler of commands that are not found, which logs each argv; as `sh`,
with a PATH on which a few programs do so. They run in a folder of their own, until they have used a tenth of a second
of the processor, and for a second at most.

`sh` is whatever has that name: dash and bash both judge it. A program with which they do not do the same has no one meaning as
`sh`: nothing that either does may be missed, but it need not be readable.
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
_BARE = ("--norc", "--noprofile")
SHELLS = {
    "bash": ((BASH, ("bash", *_BARE)),), "sh": ((shutil.which("dash"), ("dash",)), (BASH, ("sh", *_BARE))), "zsh": ((shutil.which("zsh"), ("zsh",)),),
}  # fmt: skip
"""The shells that judge, by the dialect that a script of theirs is read in: each as its program and its first words."""
_TICKS = os.sysconf("SC_CLK_TCK")
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


_REFUSED = (
    b"syntax error", b"unexpected", b"parse error", b"bad pattern", b"Syntax error", b"unmatched", b"closing brace expected", b"bad substitution", b"Bad substitution",
)  # fmt: skip
"""With which messages a shell refuses a text, or a part of it when it comes there."""
_NOT_FOUND = re.compile(rb"^.*?: (?:line )?[0-9]+: (.*?): (?:command )?not found$", re.MULTILINE)
_PROCESS = re.compile("[0-9]{2,}")
"""A number that may be another one next time."""


@dataclass
class Run:
    """What the shell did: executed argvs, created files, whether it took the program as valid."""

    executed: list[list[str]]
    created: set[str]
    valid: bool
    not_found: tuple[bytes, ...] = ()

    def same(self, other: Run) -> bool:
        """Whether another shell has done the same, in whatever order."""
        mine, others = (sorted([_PROCESS.sub("0", w) for w in argv] for argv in r.executed) for r in (self, other))
        return mine == others and self.created == other.created and set(self.not_found) == set(other.not_found)


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
        self.shells = SHELLS[dialect]

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

    def runs(self, program: str) -> list[Run]:
        """Run one program in each of the shells."""
        return [self._run(program, str(path), start) for path, start in self.shells]

    def run(self, program: str) -> Run:
        """Run one program in the first of the shells."""
        return self._run(program, str(self.shells[0][0]), self.shells[0][1])

    def _run(self, program: str, path: str, start: tuple[str, ...]) -> Run:
        self.count += 1
        log_path = os.path.join(self.base, f"log{self.count}")  # what an earlier program left running writes elsewhere
        open(log_path, "w").close()
        process = subprocess.Popen(
            [*start, "-c", program], executable=path, cwd=self.folder, env={**self.env, "ORACLE_LOG": log_path}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        errors = _finish(process)
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
        return Run(executed, created, not any(m in errors for m in _REFUSED), tuple(_NOT_FOUND.findall(errors)))

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.base, ignore_errors=True)


def _finish(process: subprocess.Popen[bytes]) -> bytes:
    """Wait for a program, and end what it has left running; what it wrote on standard error."""
    for _ in range(10):
        try:
            _, errors = process.communicate(timeout=0.1)
            break
        except subprocess.TimeoutExpired:
            with suppress(OSError), open(f"/proc/{process.pid}/stat") as stat:  # where there is none, the second counts
                if sum(map(int, stat.read().rpartition(")")[2].split()[11:15])) > _TICKS / 10:
                    break
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()[1] if process.returncode is None else errors


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


_HARMLESS = [["cat"], ["more"], ["pager"]]
"""What zsh runs for a redirection alone: it copies what that opens (zshparam(1), NULLCMD)."""


def judge(sandbox: Sandbox, program: str, argv: bool = False) -> tuple[str, str]:
    """What becomes of a program, as a script or behind `-c`, and why.

    `missed` with what was missed; `invalid` where a shell refuses it; `differs` where two shells of that name do not do the same;
    else `fine`, or `opaque` with the reason.
    """
    if argv:
        name = "dash" if sandbox.dialect == "sh" else sandbox.dialect
        acts = argv_acts((name, "-c", program), builtin) if program.strip(" \t\n") else []
    else:
        acts = read_acts(program, sandbox.dialect)
    opaque = [a.opaque for a in acts if a.opaque]
    runs = sandbox.runs(program)
    commands = [a.argv for a in acts if a.action == "run"]
    for run in runs if not opaque else ():
        for words in run.executed:
            if words not in _HARMLESS and not any(matches(c, words) for c in commands):
                return "missed", f"executed {words!r}"
        for name in run.created:
            if not writes(acts, name):
                return "missed", f"created {name!r}"
    if not all(r.valid for r in runs):
        return "invalid", ""
    if not all(r.same(runs[0]) for r in runs):
        return "differs", ""
    return ("opaque", opaque[0]) if opaque else ("fine", "")
