"""The reader against bash: nothing that bash executes or creates may be missing from the acts."""

from __future__ import annotations

import random
import sys

import pytest

from tests.lanes import LANE, share

from .oracle import BASH, Sandbox, judge, program

SEEDS = range(8)
EACH = share(400, 8000)
"""Programs of a seed. `./check` tries the first third of them."""

pytestmark = pytest.mark.skipif(BASH is None, reason="bash is not installed")


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_that_bash_does_is_missed(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(seed)
    sandbox = Sandbox()
    counts = dict.fromkeys(("fine", "opaque", "invalid", "missed"), 0)
    try:
        for _ in range(EACH):
            text = program(rng)
            answer, what = judge(sandbox, text)
            counts[answer] += 1
            assert answer != "missed", f"{text!r}: {what}"
    finally:
        sandbox.close()
    valid = counts["fine"] + counts["opaque"]
    with capsys.disabled():
        if LANE == "nightly":
            sys.stdout.write(f"\nseed {seed}: {counts}, {counts['fine'] / valid:.1%} of valid programs read\n")
    assert counts["fine"] / valid > 0.75


CASES = [
    # found by comparing with bash
    "v=; c5 ${v##*/}", "a=(1 2)[[ x", "c1 $!x", 'c1 "$!{a[@]}" z', "exit <while; c2", "exit 1 2; c2", "f(){ c1; } && c2; f",
    "false && fn() { c1; }; fn",
    "x=a; f() { local x; x=b; }; f; c1 $x", "x=a; f() { local x=b; c2 $x; }; f; c1 $x", "x=a; f() { c1 && local x; x=b; }; f; c2 $x", 'f() { local x=1; g; }; g() { x=2; }; f; c1 "$x"',
    "x=a; f() { declare -g x=b; }; f; c1 $x", "x=a; f() { local x=b; return; }; f; c1 $x", 'c1 && v=1 || v=; c2 "$v"', 'v=a; v=b > "$v"', 'v=a; v=b c1 > "$v"', "c1 {a,b$}c", "c1 {$,a}c", "c6 2\\\n>>o3", "a=(1 2); c1 ${v:=k}${a[@]}", "set ; >&v='\\a b'", "c1 <()", "c4>& -- -x c7", "set -; c1 $1", "set - a; c1 $1", "until continue; do c1; done; c2", "until break; do c1; done; c2",
    "set -e; c1 && x() { c2; }; x",
    'c1 && a=(1 2); c7 "${a[@]}" z',
    'unset a; c7 "${a[@]}" z', "c1 >&-x", ">f if", "x=\\\ny c1", "x\\\ny=1 c1", "v=#a; c1 $v", "c1 a\\\nb", "! ! c1", "time -p c1",
    # what other parsers are known to get wrong
    "c1\n\\c2 -rf x", "c1\n\\\n c2 x", "c1 >o c2 x", "c1 >out push origin", "cat <<E\n $(c2)\nE", "cat <<E\n`c2`\nE", "c1 a \\ b", "\\ c1 x", "gi\\\nt push",
    "x=\\\n c1 -rf y", '!""c1', "c1 `c2 \\`c3\\``", "cat <<A <<B\na\nA\nb\nB", "c1 <>f", "<<E c1\nx\nE", "c1 | c2\nc3", "c1; c2 >o", "c1 {a..c}", "c1 ${x:-`c2`}",
    "[[ $(c1) == x ]]", "case $(c1) in $(c2)) c3;; esac", "for x in $(c1); do c2; done", "c1 $((`c2`))", "c1 <(c2) >(c3)", "x=$(c1) c2", "a=(`c1` $(c2))",
    "${x-c1} y", "$(c1) y", '"c1" y', "c''1 y", "c\\1 y", "$'c1' y", "c{1,2} y", "eval 'c1; c2'", "eval c1 ';' c2", "trap c1 EXIT", "command c1", "exec c1",
    'f() { c1 "$@"; }; f a b', 'set -- a b; c1 "$2"', "while c1; do c2; break; done", "until c1; do c2; break; done", "c1 & c2", "c1 || c2 && c3", "(c1; c2) | { c3; }",
    "if c1; then c2; elif c3; then c4; else c5; fi", "for ((i=0;i<1;i++)); do c1; done", "cd d1; c1 > x", "cd d1 && c1 > ../y", "(cd d1; c1 > z); c2 > w", "pushd d1; c1 > v",
    "d=d1; cd $d; c1 >> u", "c1 2> e", "c1 &> a", "c1 >| b", "> c", ">> d 2>&1", "c1 > 'a b c'", "for f in p q; do c1 > $f; done", 'x=o; c1 > "$x"', "echo hi > k; c1 < k",
]  # fmt: skip


@pytest.mark.parametrize("text", CASES)
def test_known_cases(text: str) -> None:
    sandbox = Sandbox()
    try:
        answer, what = judge(sandbox, text)
    finally:
        sandbox.close()
    assert answer != "missed", what
