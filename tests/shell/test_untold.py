"""A shell that is not told is every shell: what bash, dash or zsh may do is among the acts."""

from __future__ import annotations

import pytest

from policy_lang.compiler.profiles import builtin
from policy_lang.shell import analyse
from policy_lang.shell.analyse import read_acts
from policy_lang.shell.dialect import UNTOLD, ZSH, Dialect

from .corpus import COMMANDS
from .oracle import matches

EVERY = [
    # a script, and what the last command gets in one shell and in another
    ("v='a b'; c1 $v", ("a b",), ("a", "b")), ("a=(p q); c1 ${a[1]}", ("p",), ("q",)), ("a=(p q); c1 $a", ("p",), ("p", "q")), ("v=x; c1 $v[1]", ("x[1]",), ("x",)), ("v=docs/.env; c1 ./$v:t", ("./docs/.env:t",), ("./.env",)),
    ('v=docs/.env; c1 "$v:t"', ("docs/.env:t",), (".env",)), ("c1 a | read v; c1 $v", ("zz",)), ("v=o; c2 | read v; c1 $v", ("o",), ("zz",)), ("v=o; c2 | while read -r v; do :; done; c1 $v", ("o",), ("zz",)),
    ("v=.; declare v=out; c1 $v", (".",), ("out",)), ("v=o; f() { local v; c1 $v; }; f", ("o",), ()), ("c1 x$RANDOM", ("x5",), ("x",)), ("v=o; f() { readonly v=i; }; f; c1 $v", ("o",), ("i",)), ("v=out; c1 $#v", ("0v",), ("3",)),
    ("status=5; c1 $status", ("5",), ("0",)), ("v=.; command cd d; c1 $v", (".",)), ("c1 **/x", ("a/b/x",), ("a/x",)), ("read -p v w; v=a; read -p v w; c1 $v", ("a",), ("line",)),
]  # fmt: skip


@pytest.mark.parametrize("case", EVERY, ids=lambda c: c[0])
def test_each_shell_is_covered(case: tuple[str, *tuple[tuple[str, ...], ...]]) -> None:
    script, *ways = case
    acts = read_acts(script, None, builtin)
    for words in ways:
        known = [a.argv for a in acts if a.action == "run" and a.argv]
        assert any(a.opaque for a in acts) or any(matches(argv, ["c1", *words]) for argv in known), words


OPAQUE = [
    "{rm -rf src}", "{ls;}", "=rm x", "echo =rm", "noglob rm x", "- rm x", "repeat 2 rm x", "ls }", "v=ls; $~v", "echo <1-5>x", "setopt extendedglob", "command eval 'ls' =x", "v='a[$(rm x)]'; exit $v", "printf %d 'a[$(rm x)]'",
    "functions[ls]=rm", "argv=(rm x)", "((v = 1)); v='path[$(rm x)]'",
]  # fmt: skip


@pytest.mark.parametrize("script", OPAQUE)
def test_what_only_zsh_has_is_not_read_as_bash(script: str) -> None:
    assert any(a.opaque for a in read_acts(script, None, builtin))


def test_what_bash_and_zsh_do_with_descriptors() -> None:
    assert [a.value.text for a in read_acts("ls >&2-", None) if a.action == "write"] == ["2-"]
    assert not [a for a in read_acts("ls >&2-", "bash") if a.action == "write"]
    assert not [a for a in read_acts("ls 2>&1 >&- 3>&2", None) if a.action == "write"]


def test_the_path_of_zsh_is_set() -> None:
    for script in (
        "path=(. $path); ls",
        "path+=(x); ls",
        "for path in a b; do ls; done",
        "read path; ls",
        "local path=x",
    ):
        assert [a.value.text for a in read_acts(script, None) if a.action == "setenv"] == ["PATH"], script


def test_builtins_of_zsh_may_be_programs_of_bash() -> None:
    for dialect, free in (("zsh", [True]), ("bash", [False])):
        assert [a.free for a in read_acts("print x", dialect) if a.argv and a.argv[0].text == "print"] == free
    assert {a.free for a in read_acts("print x", None) if a.argv and a.argv[0].text == "print"} == {True, False}


def test_few_scripts_are_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Dialect] = []
    acts = analyse._acts
    monkeypatch.setattr(analyse, "_acts", lambda s, shell: (read.append(shell.walk.dialect), acts(s, shell))[1])
    for command in COMMANDS:
        read_acts(command, None, builtin)
    twice = [d for d in read if d is not UNTOLD]
    assert set(twice) == {ZSH}
    assert len(twice) / len(COMMANDS) < 0.05


def test_what_agents_write_is_no_less_readable() -> None:
    for command in COMMANDS:
        if not any(a.opaque for a in read_acts(command, "bash", builtin)):
            assert not any(a.opaque for a in read_acts(command, None, builtin)), command
