"""Real bash as the judge of the reader: what it executes and which files it creates must be among the acts.

Programs run with a PATH that leads nowhere and an exported `command_not_found_handle` that logs each argv, in a
folder of their own, for a second at most.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass

from policy_lang.shell.acts import Act
from policy_lang.shell.analyse import read_acts
from policy_lang.shell.values import Hole, Value

BASH = shutil.which("bash")
_HANDLER = (
    '() { local IFS=" " n=$#; { builtin printf "%s\\0" "$n" "$@"; } >>"$ORACLE_LOG"; '
    "case $1 in *[13579]) return 1;; esac; return 0; }"
)
_SETUP = ("d1", "d2", "d1/d2")
_FILES = ("f1", "f2.t", "d1/f3.t", "a b")


@dataclass
class Run:
    """What bash did: executed argvs, created files, whether it took the program as valid."""

    executed: list[list[str]]
    created: set[str]
    valid: bool


class Sandbox:
    """A folder in which programs run, made new whenever one has changed it."""

    def __init__(self) -> None:
        self.base = tempfile.mkdtemp(prefix="oracle")
        self.count = 0
        self.folder = os.path.join(self.base, "w")
        self._fill()

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
        env = {
            "PATH": "/nowhere", "ORACLE_LOG": log_path, "HOME": "/nowhere/home", "LC_ALL": "C.UTF-8",
            "BASH_FUNC_command_not_found_handle%%": _HANDLER,
        }  # fmt: skip
        process = subprocess.Popen(
            [BASH, "--norc", "--noprofile", "-c", program], cwd=self.folder, env=env, stdin=subprocess.DEVNULL,
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
        return Run(executed, created, b"syntax error" not in errors and b"unexpected" not in errors)

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


def judge(sandbox: Sandbox, program: str) -> tuple[str, str]:
    """`missed`, `fine`, `opaque` or `invalid`, and what was missed."""
    acts = read_acts(program, "bash")
    opaque = [a.opaque for a in acts if a.opaque]
    run = sandbox.run(program)
    if opaque:
        return ("opaque" if run.valid else "invalid"), opaque[0]
    commands = [a.argv for a in acts if a.action == "run"]
    for argv in run.executed:
        if not any(matches(c, argv) for c in commands):
            return "missed", f"executed {argv!r}"
    for name in run.created:
        if not writes(acts, name):
            return "missed", f"created {name!r}"
    return ("fine" if run.valid else "invalid"), ""


# generated programs

_ATOMS = [
    "c1", "c2", "c3 a", "c4 -x 'q r'", "echo hi", 'c5 "$v"', "c6 $v", "c7 ${v:-d e}", "c8 $(c9 x)", "c1 `c2 y`", "c3 <f1", "c4 >o1", "c5 >>o2 2>&1",
    "c6 2>o3", "v=1", "v=x c7", "v='a b'", "c8 {a,b}c", "c9 {1..3}", "c1 *.t", "c2 ~/x", "c3 $((1+2))", 'c4 "a$(c5)b"', "c6 'a;b'", "cd d1", "cd ..", "c7 <<<w",
    "c8 &>o4", "[ -f f1 ]", "[[ $v == a* ]]", "((n=1))", "c9 $'a\\tb'", "set -- p q", 'c1 "$@"', "c2 $#", "shift", 'c1 "$v-$w"', "w=$v", "v=q$w", 'v="$w $v"', 'c2 "$w"', "v=; c3 ${v:-e}", "fn() { v=z; }; fn", "(v=y)", "v=m | c4", "local v=1", "local v", "declare v=2", "export v=2", "unset v",
    "read v", "c3 ${#v}", "c4 ${v%x}", "c5 ${v##*/}", "a=(1 2); c6 ${a[@]}", 'c7 "${a[@]}" z', "eval 'c8 k'", "eval c9", "command c1 z", "exec c2", "trap 'c3 t' EXIT",
    "true", "false", "break", "continue", "return", "exit", "c4 \\\n b", "c5 a\\ b", "c6 a'b'\"c\"", "! c7", "time c8", "c9 #x", "c1 a#b", 'c2 "$(c3 "$(c4)")"',
    "f1", "fn a", "c5 <(c6)", "c7 {a..c}{1,2}", 'c8 ""', "c9 ''", "source /dev/null", "c1 !", "c2 a=b", "c3 =", "c4 -- -x", "v+=z", "c5 $v$v", "c6 ${v}x", "c7 $1", "pushd d1", "popd",
    "printf -v v q", "printf '%s' a", ": ${v:=k}", "c8 ${v:+y}", "c9 ${v/a/b}", "c1 $?", "let n=2", "c2 $n", 'test -z "$v"', "c3 >'o 5'", 'c4 > "$v"', "cd d2 || exit",
]  # fmt: skip
_SHAPES = [
    "{0}", "{0}; {1}", "{0} && {1}", "{0} || {1}", "{0} | {1}", "({0}; {1})", "{{ {0}; {1}; }}", "if {0}; then {1}; fi", "if {0}; then {1}; else {2}; fi",
    "while {0}; do {1}; break; done", "until {0}; do {1}; break; done", "for v in a b; do {0}; done", "for v in *.t; do {0}; done", "for v in $(c1); do {0}; done",
    "case $v in a) {0};; *) {1};; esac", "fn() {{ {0}; {1}; }}; fn p", "{0} & {1}", "{0}\n{1}", "{0} > o6", "({0}) > o7", "v=$({0}); {1}", 'c1 "$({0})"', "{0} <<E\n{1} $v $(c2)\nE\n{2}",
    "cat <<'E'\n{1}\nE\n{0}", "! {0}", "{0}; {1} | {2}", "for ((n=0;n<2;n++)); do {0}; done", "if {0}; then {1}; elif {2}; then {0}; fi", "{0} && {{ {1}; }} || {2}", "set -e; {0}; {1}",
    "{0} |& {1}", "fn() ({0})\nfn; {1}", "function fn {{ {0}; }}\nfn a; {1}", "v={0}", "for v; do {0}; done", "[[ -f f1 ]] && {0}", "case a in a|b) {0} ;& c) {1} ;; esac", "{0} <<-E\n\t{1}\n\tE",
    "{0}; fn() {{ {1}; }}; {2}; fn", "while read -r v; do {0}; done < f1", "{0} # {1}\n{2}", "x() {{ {0}; }}; {{ x; {1}; }} > o8", "{0} \\\n&& {1}", "if ! {0}; then {1}; fi > o9",
]  # fmt: skip
_SOUP = list(" \t\n;;&&||()(){}{}$$\"\"''``\\\\<>><#!=~*?[]abc1v") + [
    "$(", "${", "$((", "))", "((", "<<", "<<<", ">&", "<&", "&>", ">|", "c1", "c2 ", "if ", "then ", "fi", "do ", "done", "esac", "in ", "case ", "for ", "while ", "{ ", "; }", "\\\n", "2>", "E\n", ";;", "|&", "\n", "v=", "[[ ", " ]]", "$'", "time ", "function ", "!",
]  # fmt: skip


def program(rng: random.Random) -> str:
    """One random program: atoms in shapes, sometimes nested, sometimes mutated."""
    text = _shape(rng, rng.choice((1, 1, 2, 2, 3)))
    if rng.random() < 0.45:
        for _ in range(rng.choice((1, 1, 2, 3))):
            text = _mutate(rng, text)
    return text if text.strip() else "c1"


def _shape(rng: random.Random, depth: int) -> str:
    shape = rng.choice(_SHAPES)
    parts = [_shape(rng, depth - 1) if depth > 1 and rng.random() < 0.5 else rng.choice(_ATOMS) for _ in range(3)]
    return shape.format(*parts)


def _mutate(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    kind = rng.random()
    if kind < 0.45:
        return text[:at] + rng.choice(_SOUP) + text[at:]
    if kind < 0.7:
        return text[:at] + text[at + rng.choice((1, 1, 2, 4)) :]
    if kind < 0.85:
        other = rng.randrange(len(text) + 1)
        low, high = sorted((at, other))
        return text[:low] + text[high:]
    return text[:at] + rng.choice(_ATOMS) + text[at:]
