"""A builtin is known by its options: any other one is opaque, and so is a word that may be one."""

from __future__ import annotations

import pytest

from policy_lang.compiler.profiles import builtin
from policy_lang.shell.analyse import read_acts
from policy_lang.shell.builtin_options import LETTERS, options
from policy_lang.shell.builtins import TABLE, ZSH_TABLE
from policy_lang.shell.reading import Opaque
from policy_lang.shell.values import UNKNOWN, Hole, Value, literal


def opaque(script: str, dialect: str | None = "bash") -> bool:
    return any(a.opaque for a in read_acts(script, dialect, builtin))


REFUSED = [
    "jobs -x c1 a", "jobs -lx c1", 'jobs "$x"', "declare -a a='($(c1))'", "typeset -a a='($(c1))'", "local -a a='($(c1))'", "readonly -a a='($(c1))'", "export -a a='($(c1))'", "a=(); declare a='($(c1))'",
    "a=(); export a='($(c1))'", "c2 && a=(); declare a='($(c1))'", 'read -a a; declare a="$x"', "declare -A m='([x]=$(c1))'", 'declare -a a="$x"', "f() { local -a a; local a='($(c1))'; }; f", "wait -p 'a[$(c1)]' -n",
    'wait "$x"', "hash -p ./c1 ls", 'hash "$x"', "eval -x", "exec -a x c1", "unset 'a[$(c1)]'", "unset -n v", "read 'a[$(c1)]'", "read -a 'a[$(c1)]'", "read -x v", 'read "$x"', "mapfile -C c1 v", "mapfile -c 1 v", "printf -v 'a[$(c1)]' x",
    'printf "$x"', "getopts a 'a[$(c1)]'", "declare -n r=v", "declare -fx f", "export -f f", "trap -x c1 EXIT", 'trap "$x" EXIT', "shopt -s extglob", "shopt -o posix", "set -o posix", "history -s c1", "alias ls=c1", "command -x c1",
    "builtin -p c1", "source -x f", "declare -I v", 'let "$x"',
]  # fmt: skip


@pytest.mark.parametrize("script", REFUSED)
def test_what_a_builtin_is_not_known_by_is_opaque(script: str) -> None:
    assert opaque(script)


KNOWN = [
    "jobs", "jobs -l", "jobs -pr", "wait", "wait -n", "wait $!", 'wait "$!"', 'wait -- "$x"', "hash -r", "eval -- ls", "eval ls", "exec -- ls", "command -p ls", "command -v ls", 'command -v "$x"', "builtin cd d", "declare -x v=a", "declare -rx v=a",
    "export -n v", "export -- v=a", "declare -p v", "declare -f", "declare -F f", "declare +x v", "typeset -a v", "readonly -p", "read -r -p 'x ' v", "read -rsn1 v", "read -d '' v", "read -ra a", "mapfile -t v", "mapfile -d '' v", "readarray -t -n 3 v",
    "trap -p", "trap -l", "trap -- 'ls' EXIT", "unset -v v", "unset -f f", "shopt -s nullglob", "shopt", "shopt -s globstar", "set -o", "set -euo pipefail", "alias", "alias -p", "caller", "logout", "umask -S", 'umask "$x"', "ulimit -n 5", "type -P ls", 'type "$x"',
    "history 5", "cd -P d", "pushd -n d", "declare -a a=(x y)", "declare -A m=([k]=v)", "local v=1", "times", "disown -a",
]  # fmt: skip


@pytest.mark.parametrize("script", KNOWN)
def test_what_scripts_use_is_known(script: str) -> None:
    assert not opaque(script)


def test_some_of_zsh_is_known() -> None:
    for script in (
        "print -r -- x",
        "print -l a b",
        "whence -p ls",
        "setopt null_glob",
        "setopt PIPE_FAIL",
        "unsetopt nomatch",
        "rehash",
        "unfunction f",
    ):
        assert not opaque(script, "zsh"), script
    for script in (
        "print -P '$(c1)'",
        "print -z c1",
        "setopt extendedglob",
        'setopt "$x"',
        "rehash -x",
        "zmodload x",
        "noglob ls",
        "autoload f",
        "functions -M x",
    ):
        assert opaque(script, "zsh"), script


def test_options_are_told_from_operands() -> None:
    def read(*words: str) -> tuple[dict[str, str | None], list[str | None]]:
        given, rest = options([literal(w) for w in ("read", *words)])
        return {k: v if v is None else v.text for k, v in given.items()}, [w.text for w in rest]

    assert read("-rs", "v", "-x") == ({"r": None, "s": None}, ["v", "-x"])
    assert read("-rd", "x", "v") == ({"r": None, "d": "x"}, ["v"])
    assert read("-rdx", "--", "-v") == ({"r": None, "d": "x"}, ["-v"])
    assert read("-", "v") == ({}, ["-", "v"])
    for words in (("-q",), ("-:",), ("-d",)):
        with pytest.raises(Opaque):
            read(*words)
    for word in (UNKNOWN, Value((Hole.FILE,)), Value(("-", Hole.ANY))):
        with pytest.raises(Opaque):
            options([literal("read"), word])
    with pytest.raises(Opaque):
        options([literal("read"), literal("-d"), Value((Hole.ANY,), True)])
    assert options([literal("read"), Value((Hole.WORD,))]) == ({}, [Value((Hole.WORD,))])


def test_every_name_of_the_table_is_a_builtin() -> None:
    assert set(LETTERS) <= set(TABLE) | set(ZSH_TABLE)


def test_history_writes_files() -> None:
    acts = read_acts("history -w src/a.ts; history -r; history", "bash", builtin)
    assert [(a.action, a.value.text or a.value.parts) for a in acts if a.action != "run"] == [
        ("write", "src/a.ts"), ("read", (Hole.HOME, "/.bash_history")),
    ]  # fmt: skip


def test_what_prints_the_environment() -> None:
    for script in ("declare -x", "export", "export -p", "declare -p", "typeset", "readonly", "set"):
        assert "use" in [a.action for a in read_acts(script, "bash")], script
    assert [a.value.text for a in read_acts("declare -p API_TOKEN", "bash") if a.action == "use"] == ["API_TOKEN"]
    assert not [a for a in read_acts("v=1; declare -p v; declare -f f; set -o", "bash") if a.action == "use"]


def test_globstar_is_seen_where_it_may_be_set() -> None:
    for script in (
        "shopt -s globstar; c1 **/x",
        "c2 && shopt -s globstar; c1 **/x",
        "while c2; do c1 **/x; shopt -s globstar; done",
    ):
        acts = read_acts(script, "bash")
        assert any(a.argv[1].parts == (Hole.BELOW,) for a in acts if a.argv and a.argv[0].text == "c1"), script
    assert read_acts("(shopt -s globstar); c1 **/x", "bash")[-1].argv[1].parts != (Hole.BELOW,)


def test_what_globstar_may_match() -> None:
    for word, parts in (
        ("a/**/x", ("a", Hole.BELOW)), ("**", (Hole.BELOW,)), ("a*/**", (Hole.ANY,)), ("/**", (Hole.ANY,)), ("a**", (Hole.ANY,)), ("./**/x", (".", Hole.BELOW)), ("./**/.[a-z]*", (Hole.ANY,)),
        ("../**", ("..", Hole.BELOW)), ("a/**/.*", (Hole.ANY,)), ("$y/**", (Hole.ANY,)),
    ):  # fmt: skip
        assert read_acts(f"c1 {word}", "zsh")[-1].argv[1].parts == parts, word


def test_zsh_runs_programs_behind_command() -> None:
    assert [a.folders for a in read_acts("command cd d; ls", "zsh") if a.argv and a.argv[0].text == "ls"] == [("",)]
