"""Bodies that run later, or that nothing in the script calls, are read; with what may have changed until then unknown."""

from __future__ import annotations

import pytest

from policy_lang.compiler.profiles import builtin
from policy_lang.shell.acts import Act
from policy_lang.shell.analyse import read_acts
from tests.needs import needs

from .oracle import BASH, Sandbox, judge, matches


def runs(script: str, dialect: str | None = None) -> list[Act]:
    acts = read_acts(script, dialect, builtin)
    assert not [a.opaque for a in acts if a.opaque]
    return [a for a in acts if a.action == "run"]


def found(script: str, *words: str, dialect: str | None = None) -> bool:
    return any(matches(a.argv, list(words)) for a in runs(script, dialect))


BODIES = [
    # what a trap calls is looked up when it runs
    "trap ls EXIT; ls() { c1; }", "f() { :; }; trap f EXIT; f() { c1; }", "trap f EXIT; f() { g; }; g() { c1; }", "(trap f EXIT; f() { c1; })",
    "x=$(trap f EXIT; f() { c1; }); c2 $x", "f() { trap g RETURN; }; g() { c1; }; f", "f() { c2; }; trap f EXIT; c2 && f() { c1; }", "trap f EXIT; eval 'f() { c1; }'",
    "trap 'f() { c1; }; f' EXIT", "trap 'trap c1 EXIT; c2' USR1",
    # nothing calls these here
    "f() { c1; }", "command_not_found_handle() { c1; }; c2", "f() { g() { c1; }; }", "f() { c1; }; bash -c f", "bash -c 'f() { c1; }'", "f() { trap c1 EXIT; }",
    "f() { c1; }; f() { c2; }", "f() { f; c1; }",
    # the shell calls these
    "TRAPEXIT() { c1; }", "chpwd() { c1; }; cd d", "zshexit() { c1; }", "command_not_found_handler() { c1; }; c2",
]  # fmt: skip


@pytest.mark.parametrize("script", BODIES)
def test_every_body_is_read(script: str) -> None:
    acts = read_acts(script, None, builtin)
    assert any(a.opaque for a in acts) or any(a.argv[0].text == "c1" for a in acts if a.argv and a.action == "run")


CHANGED = [
    ("trap 'c1 $v' EXIT; v=out", "out"), ("v=a; trap 'c1 $v' EXIT; v=out", "out"), ("trap 'c1 $1' EXIT; set -- out", "out"), ("f() { trap 'c1 $1' EXIT; }; set -- out; f a", "out"),
    ("f() { local v=a; trap 'c1 $v' EXIT; }; v=out; f", "out"), ("v=a; trap 'c1 $v' EXIT; (v=out; trap 'c1 $v' EXIT)", "out"), ("v=a; trap 'c1 $v' EXIT; for v in out; do :; done", "out"),
    ("v=a; f() { c1 $v; }; trap f EXIT; v=out", "out"), ("f() { c1 out; }; trap f EXIT; f() { c1 a; }", "a"), ("f() { c1 a; }; trap f EXIT; unset -f f; f() { c1 out; }", "out"),
    ("v=a; trap 'c1 $v' EXIT; read v < f1", "x"), ("v=a; trap 'c1 $v' EXIT; printf -v v out", "out"), ("v=a; trap 'c1 $v' EXIT; unset v; v=out", "out"),
    ("v=out; f() { trap 'c1 $v' EXIT; }; v=a f", "out"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "word"), CHANGED)
def test_a_trap_sees_what_was_changed_behind_it(script: str, word: str) -> None:
    assert found(script, "c1", word)


@needs("bash is not installed", there=BASH is not None)
def test_bash_agrees() -> None:
    sandbox = Sandbox()
    try:
        for script in [*BODIES, *(s for s, _ in CHANGED)]:
            assert judge(sandbox, script)[0] != "missed", script
    finally:
        sandbox.close()


def test_a_function_that_is_unset_may_be_a_program() -> None:
    assert found("c1() { :; }; trap 'c1 a' EXIT; unset -f c1", "c1", "a")


def test_folders_of_a_trap() -> None:
    moved, still = "trap 'rm x' EXIT; cd out", "cd out && trap 'rm x' EXIT"
    assert [a.folders for a in read_acts(moved, None, builtin) if a.action == "delete"] == [None]
    assert [a.folders for a in read_acts(still, None, builtin) if a.action == "delete"] == [("out",)]


def test_a_body_is_read_with_the_words_it_is_called_with() -> None:
    for script in (
        'f() { rm -f "$1"; }; f out/a',
        'trap main EXIT; f() { rm -f "$1"; }; main() { f out/a; }',
        'f() { rm -f "$1"; }; main() { f out/a; }; trap main EXIT INT',
        'f() { rm -f "$1"; }; main() { f out/a; }',
    ):
        assert [a.value.text for a in read_acts(script, None, builtin) if a.action == "delete"] == ["out/a"]
    unknown = [a for a in read_acts('f() { rm -f "$1"; }', None, builtin) if a.action == "delete"]
    assert [a.value.text for a in unknown] == [None]


def test_a_handler_is_read_with_words_of_its_own() -> None:
    script = 'command_not_found_handle() { "$@"; }; command_not_found_handle ls'
    assert any(a.opaque for a in read_acts(script, None, builtin))
    assert not any(a.opaque for a in read_acts(script.replace("_handle", ""), None, builtin))


def test_a_script_on_standard_input_is_opaque() -> None:
    for script in (". /dev/stdin <<< c1", "c2 | source /dev/fd/0"):
        assert any(a.opaque for a in read_acts(script, None, builtin))
