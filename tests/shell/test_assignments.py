"""A variable is believed to be what it was set to only where every shell surely sets it so."""

from __future__ import annotations

import pytest

from policy_lang.compiler.profiles import builtin
from policy_lang.shell.analyse import read_acts

from .oracle import matches

DOUBTFUL = [
    # a dialect, a script, and what the last command may get, in some shell of that dialect
    ("bash", "v=.; f() { :; }; v=out f; c1 $v", ". out"), ("sh", "v=.; f() { :; }; v=out f; c1 $v", ". out"), ("bash", "v=.; v=out : ; c1 $v", ". out"), ("bash", "v=.; v=out eval ':'; c1 $v", ". out"),
    ("bash", "v=.; v=out export x; c1 $v", ". out"), ("bash", "v=.; v=out readonly x; c1 $v", ". out"), ("bash", "v=.; { v=out; } < none; c1 $v", ". out"),
    ("bash", "v=.; for i in a; do v=out; done < none; c1 $v", ". out"), ("bash", "v=.; if :; then v=out; fi < none; c1 $v", ". out"), ("bash", "v=.; while :; do v=out; break; done < none; c1 $v", ". out"),
    ("bash", "v=.; case x in x) v=out;; esac > no/x; c1 $v", ". out"), ("bash", "v=.; v=out > no/x; c1 $v", ". out"), ("bash", "readonly v=.\nv=out\nc1 $v", ". out"), ("bash", "declare -r v=.; v=out; c1 $v", ". out"),
    ("sh", "v=.; declare v=out; c1 $v", ". out"), ("sh", "v=.; f() { local v; c1 $v; }; f", "."), ("bash", "declare -u v; v=out; c1 $v", "OUT"), ("bash", "declare -l v=OUT; c1 $v", "out"), ("bash", "declare -u v=out; c1 $v", "OUT"),
    ("bash", "v=out; while c2; do v=out; c1 $v; declare -u v; done", "out OUT"), ("bash", "_=out; c1 $_", "x"), ("bash", "FUNCNAME=out; c1 $FUNCNAME", "x"), ("bash", "DIRSTACK=out; c1 $DIRSTACK", "/x"), ("bash", "PWD=out; cd d; c1 $PWD", "/x/d"),
    ("bash", "OLDPWD=out; cd d; c1 $OLDPWD", "/x"), ("bash", "RANDOM=5; c1 $RANDOM", "7"), ("bash", "UID=5; c1 $UID", "0"), ("sh", "UID=out; c1 $UID", "out"), ("sh", "c1 $RANDOM", "out"), ("bash", "PIPESTATUS=out; c1 $PIPESTATUS", "0"),
    ("bash", 'a=(1 2); a=z; c1 "${a[1]}"', "2"), ("bash", "v=a; printf '%n' v; c1 $v", "0"), ("bash", 'v=a; printf -- "$w" v; c1 $v', "0"), ("bash", "v=o; f() { local v=a; declare -g v=b; }; f; c1 $v", "b"),
    ("bash", "v=a; f() { unset v; }; g() { local v=b; f; c1 $v; }; g", "a"), ("bash", "unset v; c1 ${v-d}", "d"), ("bash", "f() { local v; c1 ${v-d}; }; f", "d"), ("bash", "v=; c1 ${v-d}x", "x dx"),
    ("zsh", "status=5; c1 $status", "0"), ("zsh", "match=(a); c1 $match", "b"), ("zsh", "f() { readonly v=a; }; v=b; f; c1 $v", "b"), ("bash", "v=a; wait -p v -n; c1 $v", "7"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "script", "words"), DOUBTFUL)
def test_what_a_variable_may_be_is_covered(dialect: str, script: str, words: str) -> None:
    acts = read_acts(script, dialect, builtin)
    assert not [a.opaque for a in acts if a.opaque]
    for word in words.split():
        assert any(matches(a.argv, ["c1", word]) for a in acts if a.action == "run"), word


SURE = [
    ("bash", "v=out; c1 $v"), ("bash", "export v=out; c1 $v"), ("bash", "declare v=out; c1 $v"), ("bash", "readonly v=out; c1 $v"), ("bash", "f() { local v=out; c1 $v; }; f"), ("bash", "v=a; v=out; c1 $v"),
    ("bash", "{ v=out; }; c1 $v"), ("bash", "{ v=out; } < none && c1 $v"), ("bash", "for v in out; do c1 $v; done"), ("bash", "v=in c2; v=out; c1 $v"), ("bash", "v=out; v=in c2; c1 $v"), ("bash", "declare -x v=out; c1 $v"),
    ("bash", "v=out; read w; c1 $v"), ("bash", "v=out; printf '%s %d\\n' v; c1 $v"), ("bash", "v=out; f() { local v=in; }; f; c1 $v"), ("bash", "declare -a a=(out); c1 ${a[0]}"), ("bash", 'f() { local a=(x out); c1 "${a[1]}"; }; f'),
    ("sh", "v=out; c1 $v"), ("sh", "f() { local v=out; c1 $v; }; f"), ("zsh", "v=out; c1 $v"), ("zsh", "export v=out; c1 $v"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "script"), SURE)
def test_what_is_surely_set_is_believed(dialect: str, script: str) -> None:
    acts = read_acts(script, dialect, builtin)
    assert [[w.text for w in a.argv] for a in acts if a.argv and a.argv[0].text == "c1"] == [["c1", "out"]]


def test_what_zsh_ties_to_its_own_variables() -> None:
    for name, value in (("path", "PATH"), ("fpath", "FPATH")):
        for script in (f"{name}=x", f"{name}=(x ${name})", f"{name}+=(x)"):
            assert [a.value.text for a in read_acts(script, "zsh") if a.action == "setenv"] == [value]
            assert not [a for a in read_acts(script, "bash") if a.action == "setenv"]
    for name in ("argv", "functions", "commands", "NULLCMD", "chpwd_functions"):
        assert any(a.opaque for a in read_acts(f"{name}=(x y); ls", "zsh"))
        assert not any(a.opaque for a in read_acts(f"{name}=(x y); ls", "bash"))


def test_arithmetic_is_refused_where_a_value_could_run_something() -> None:
    for script in (
        "((v=1))",
        "((v = 1, w = v + 1))",
        "for ((i=0; i<3; i++)); do ls; done",
        "let v=1",
        "v=1; ((v++))",
        "declare -i n=3; n=4",
        "((v = (w = 1), 2)); v=1; ((v++))",
    ):
        fault = any(a.opaque for a in read_acts(script, "bash"))
        assert fault is ("(w" in script), script
    for script in (
        "((v))",
        "((v = w))",
        "((v = v + 1))",
        "((v += 1))",
        "(((1 && (2, v = 1)) + v))",
        "declare -i n; n=$x",
        "declare -i n; n='a[$(ls)]'",
        "declare -i n='a[$(ls)]'",
        "x='a[$(ls)]'; ((y = x))",
    ):
        assert any(a.opaque for a in read_acts(script, "bash")), script
    assert any(a.opaque for a in read_acts("((v = 1)); v='path[$(ls)]'", "zsh"))
    for script in ("exit 'a[$(ls)]'", "shift 'a[$(ls)]'", "printf %d 'a[$(ls)]'", "f() { return 'a[$(ls)]'; }; f"):
        assert any(a.opaque for a in read_acts(script, "zsh")), script
        assert not any(a.opaque for a in read_acts(script, "bash")), script


def test_subscripts_of_associative_arrays_are_words() -> None:
    assert not any(
        a.opaque for a in read_acts('declare -A m=([a]=b); m[key]=1; c1 "${m[key]}" "${m[$k]}" "${m[@]}"', "bash")
    )
    for script in (
        "m[key]=1",
        "c2 && declare -A m; m[key]=1",
        "f() { local -A m; }; f; m[key]=1",
        "declare -A m; unset m; m[key]=1",
    ):
        assert any(a.opaque for a in read_acts(script, "bash")), script
