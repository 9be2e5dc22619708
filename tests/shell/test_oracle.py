"""The reader against bash, dash and zsh: nothing that they execute or create may be missing from the acts."""

from __future__ import annotations

import random
import sys
from collections import Counter

import pytest

from tests.lanes import LANE, pick
from tests.needs import needs

from .generated import builtin_programs, program, unsure_program, variable_program
from .oracle import SHELLS, Sandbox, judge

MAKERS = {"random": program, "variables": variable_program, "unsure": unsure_program}
RUNS = [
    # what is made, the shell, as words, how many in the nightly lane, which share of the valid ones is read at least
    ("random", "bash", False, 24_000, 0.94), ("random", "bash", True, 16_000, 0.94), ("random", "zsh", False, 10_000, 0.9), ("random", "sh", False, 10_000, 0.9),
    ("variables", "bash", False, 16_000, 0.96), ("variables", "zsh", False, 10_000, 0.92), ("variables", "sh", False, 10_000, 0.94),
    ("unsure", "sh", False, 4_000, 0.9),
]  # fmt: skip
"""100,000 programs, all of them in the nightly lane; `./check deep` makes three eighths of them, and `./check` a fortieth.

A program is valid where the shell takes it; as `sh`, where both judges take it and do the same.
"""
BUILTINS = {"bash": pick(40, 8, 1), "zsh": pick(50, 10, 1), "sh": pick(30, 10, 1)}
"""Every how many-th of the builtins' programs is tried."""


def needed(dialect: str) -> pytest.MarkDecorator:
    return needs(f"a shell for `{dialect}` is not installed", there=all(path for path, _ in SHELLS[dialect]))


def tried(dialect: str, programs: list[str], argv: bool = False) -> dict[str, int]:
    """How many of the programs were read, opaque or invalid; none may be missed."""
    sandbox = Sandbox(dialect)
    counts = dict.fromkeys(("fine", "opaque", "invalid", "differs", "missed"), 0)
    try:
        for text in programs:
            answer, what = judge(sandbox, text, argv)
            counts[answer] += 1
            assert answer != "missed", f"{text!r}: {what}"
    finally:
        sandbox.close()
    return counts


@pytest.mark.parametrize(
    ("kind", "dialect", "argv", "count", "least"),
    [pytest.param(*run, id="-".join(map(str, run[:3])), marks=needed(run[1])) for run in RUNS],
)
def test_nothing_that_a_shell_does_is_missed(
    kind: str, dialect: str, argv: bool, count: int, least: float, capsys: pytest.CaptureFixture[str]
) -> None:
    counts: Counter[str] = Counter()
    for seed in range(pick(1, 3, 8)):  # a shorter lane makes what the nightly one makes, and not as much
        rng = random.Random(f"{kind} {dialect} {argv} {seed}")
        counts.update(
            tried(dialect, [MAKERS[kind](rng) for _ in range(pick(count // 40, count // 8, count // 8))], argv)
        )
    valid = counts["fine"] + counts["opaque"]
    with capsys.disabled():
        if LANE == "nightly":
            sys.stdout.write(
                f"\n{kind} {dialect} {argv}: {dict(counts)}, {counts['fine'] / valid:.1%} of valid ones read\n"
            )
    assert counts["fine"] / valid >= least - pick(8, 0, 0) / 100  # a few programs are a percent of a small run


@pytest.mark.parametrize("dialect", [pytest.param(d, marks=needed(d)) for d in BUILTINS])
def test_no_option_of_a_builtin_runs_what_is_not_seen(dialect: str) -> None:
    every = BUILTINS[dialect]
    counts = tried(dialect, [p for i, p in enumerate(builtin_programs(dialect)) if i % every == 0])
    assert counts["fine"] and counts["opaque"]


CASES = [
    # found by comparing with bash
    "f() { local v; c6 $v; }; v=pre f", "f() { declare v; c6 $v; }; v=pre f", "f() { g; }; g() { local v; c6 $v; }; v=pre f", "f() { local v; c6 $v; }; v=pre eval f", "time x() { c1; }; x",
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


CASES_OF = {
    "bash": CASES,
    "sh": [
        "cd d1 &>o1; c1 >o2", "v=a &>o1; c1 $v", "exit &>o1; c1", "c1 && c3 &>o1; c2", "{ c1; } &>o1 2>o2", "exec c1 &>>o1; c2", "f() { c1; } &>o1; f; c2", "! c1 &>o1\nc2", "exit || c1 &>o1", "f() { c1; } &>o1", "cd d1 && c1 &>o1 2>o2", "f() ( cd d1; ) &>o1; f", "return &>o1; c1", "while c1; do break &>o1; done", "v=$(wc -l &>o1); c1 $v",
        "c1 $'a\\tb'", "v=$'a b'; c1 $v", "c1 $'/*'", "c1 > $'o\\x31'", "c1 ${v:-$'q'}",
        "g() { trap 'c9 \"$v\"' EXIT; }; fn() { local v=o; g; }; fn", "g() { trap 'c9 \"$v\"' EXIT; }; fn() { local v=o; g; exit; }; fn",
        "cat <<E\nc1 $(c2)", "c1 <<E", "if c1; then c2 <<E\nx\n fi",
        "c1 22>o1", "c1 12>&1", "c1 {a,b}c", "c1 >o1 {1..3}", "for v in {a,b}; do c1 $v; done; c2 $v", "c{1,2} x", "c1 {a,$(c2 {x,y})}", "v=a; v={a,b} c1 {c,d} $v; c2 $v", "set -- {a,b}; c1 $1", "c1 \"{a,b}\"{c,'d'}",
    ],
    "zsh": ["c1 >& -- p", "c1 >&-x", "c1 >&-; c2 >& -", "c1 $17", "set -- a b c d e f g h i j; c1 $10", "time x() { c1; }; x", "v=a; time v=b; c1 $v", "time cd d1; c1 >o1", "g() { trap 'v=tr' EXIT; }; fn() { local v=o; g; c4 $v; }; fn; c1 $v", "f() { trap 'cd d1' EXIT; }; f; c1 >o1", "f() { trap 'exit' EXIT; trap 'v=z' EXIT; }; f; c1 $v", r"c1 $'a\;b'", r"c1 $'\C-a\M-b'", r"c1 $'\q\x\u'", r"c1 $'\101\x41\u0041'", "c1 22>o1", "c1 12>&1", "c1 2>o1", "cat <<E\nc1 $(c2)", "c1 <<E", "g() { trap 'c9 \"$v\"' EXIT; }; fn() { local v=o; g; }; fn"],
}  # fmt: skip
"""Programs in which something was missed, or nearly, by the dialect that they were found in."""


@pytest.mark.parametrize(
    ("dialect", "text"), [pytest.param(d, text, marks=needed(d)) for d, texts in CASES_OF.items() for text in texts]
)
def test_known_cases(dialect: str, text: str) -> None:
    sandbox = Sandbox(dialect)
    try:
        answer, what = judge(sandbox, text)
    finally:
        sandbox.close()
    assert answer != "missed", what


@pytest.mark.parametrize(
    ("dialect", "text", "answer"),
    [
        pytest.param(*case, marks=needed(case[0]))
        for case in (("bash", "c1 a", "fine"), ("zsh", "c1 a", "fine"), ("sh", "c1 a", "fine"), ("zsh", "v='p q'; c1 $v", "fine"), ("sh", "c1 ((", "invalid"))
    ],
)  # fmt: skip
def test_the_oracle_sees_what_runs(dialect: str, text: str, answer: str) -> None:
    sandbox = Sandbox(dialect)
    try:
        assert judge(sandbox, text)[0] == answer
        assert sandbox.run("c2 'x y' >o1").executed == [["c2", "x y"]]
        assert sandbox.run("c2 'x y' >o1").created == {"o1"}
    finally:
        sandbox.close()
