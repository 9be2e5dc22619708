"""Programs for the oracle: random ones, programs about variables, and every builtin with every option."""

from __future__ import annotations

import random
from collections.abc import Iterator

_ATOMS = [
    "c1", "c2", "c3 a", "c4 -x 'q r'", "echo hi", 'c5 "$v"', "c6 $v", "c7 ${v:-d e}", "c8 $(c9 x)", "c1 `c2 y`", "c3 <f1", "c4 >o1", "c5 >>o2 2>&1",
    "c6 2>o3", "v=1", "v=x c7", "v='a b'", "c8 {a,b}c", "c9 {1..3}", "c1 *.t", "c2 ~/x", "c3 $((1+2))", 'c4 "a$(c5)b"', "c6 'a;b'", "cd d1", "cd ..", "c7 <<<w",
    "c8 &>o4", "[ -f f1 ]", "[[ $v == a* ]]", "((n=1))", "c9 $'a\\tb'", "set -- p q", 'c1 "$@"', "c2 $#", "shift", 'c1 "$v-$w"', "w=$v", "v=q$w", 'v="$w $v"', 'c2 "$w"', "v=; c3 ${v:-e}", "fn() { v=z; }; fn", "(v=y)", "v=m | c4", "local v=1", "local v", "declare v=2", "export v=2", "unset v",
    "read v", "c3 ${#v}", "c4 ${v%x}", "c5 ${v##*/}", "a=(1 2); c6 ${a[@]}", 'c7 "${a[@]}" z', "eval 'c8 k'", "eval c9", "command c1 z", "exec c2", "trap 'c3 t' EXIT",
    "true", "false", "break", "continue", "return", "exit", "c4 \\\n b", "c5 a\\ b", "c6 a'b'\"c\"", "! c7", "time c8", "c9 #x", "c1 a#b", 'c2 "$(c3 "$(c4)")"',
    "f1", "fn a", "c5 <(c6)", "c7 {a..c}{1,2}", 'c8 ""', "c9 ''", "source /dev/null", "c1 !", "c2 a=b", "c3 =", "c4 -- -x", "v+=z", "c5 $v$v", "c6 ${v}x", "c7 $1", "pushd d1", "popd",
    "printf -v v q", "printf '%s' a", ": ${v:=k}", "c8 ${v:+y}", "c9 ${v/a/b}", "c1 $?", "let n=2", "c2 $n", 'test -z "$v"', "c3 >'o 5'", 'c4 > "$v"', "cd d2 || exit",
]  # fmt: skip
_UNSURE = [
    "c8 &>o4", "c1 &>>o5", "cd d1 &>o6", "exit &>o7", "v=a &>o8", "{ c1; } &>o9 2>o1", "c8 {a,b}c", "c9 {1..3}", "c2 $'a\\tb'", "v=$'q r'", "c1 $v", "exit", "return", "break", "continue", "c1 ${v:-{a,b}}",
    "for v in {a,b}; do c1 $v; done", "set -- {a,b}", "fn() { c1; } &>o2", "false", "c1 22>o3", "c2 2>&1", "cd d1", "c3 >o1", "v={a,b}", 'c4 "{a,b}"$1', "c5 <<E\nx", "trap 'c1 &>o4' EXIT",
]  # fmt: skip
"""What shells called `sh` take in different ways, and what shows it."""
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


def program(rng: random.Random, atoms: list[str] = _ATOMS) -> str:
    """One random program: atoms in shapes, sometimes nested, sometimes mutated."""
    text = _shape(rng, rng.choice((1, 1, 2, 2, 3)), atoms)
    if rng.random() < 0.45:
        for _ in range(rng.choice((1, 1, 2, 3))):
            text = _mutate(rng, text, atoms)
    return text if text.strip() else "c1"


def unsure_program(rng: random.Random) -> str:
    """One random program about what shells called `sh` take in different ways."""
    return program(rng, _UNSURE)


def _shape(rng: random.Random, depth: int, atoms: list[str]) -> str:
    shape = rng.choice(_SHAPES)
    parts = [_shape(rng, depth - 1, atoms) if depth > 1 and rng.random() < 0.5 else rng.choice(atoms) for _ in range(3)]
    return shape.format(*parts)


def _mutate(rng: random.Random, text: str, atoms: list[str]) -> str:
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
    return text[:at] + rng.choice(atoms) + text[at:]


_SET = [
    "v=.", "v=out", "w=$v", "v=$w", "v='a b'", "v=", "unset v", "unset -v v", "export v=out", "readonly v=x", "readonly v", "declare v=out", "typeset v=q", "local v",
    "local v=in", "declare -g v=g", "declare -u v", "declare -l v=Q", "declare -r v=r", "declare -i v=3", "declare -x v=x", "declare -a v", "a=(1 2)", "v=(p q)", "a=z", "a+=(y)",
    "v+=z", "v[0]=e", "a[1]=e", "read v <f1", "read -r v w <f1", "read -a a <f1", "printf -v v q", "for v in r s; do :; done", "for v in r s; do break; done", "v=pre fn", "v=pre :",
    "v=pre eval :", "v=pre export w", "v=pre export v", "v=pre c2", "v=pre read w <f1", "v=pre read v <f1", "v=pre command fn", "v=pre unset w", "{ v=blk; } < nofile",
    "{ v=blk; } > no/x", "for i in 1; do v=blk; done < nofile", "if :; then v=y; fi < nofile", "while :; do v=y; break; done < nofile", "case a in a) v=y;; esac < nofile", "v=red > no/x", "export v=red > no/x",
    "(v=sub)", "(v=sub) < nofile", "v=pip | :", ": | v=last", ": | read v", "v=bg &", "fn() { v=fn; }", "fn() { v=fn; } < nofile", "fn", "fn out", "g", "fn() { local v=loc; g; }", "g() { v=dyn; }",
    "g() { unset v; }", "fn() { local v=loc; }", 'fn() { local v; c6 "$v"; }', 'fn() { c7 "$1"; }', "fn() { export v=fx; }", 'fn() { declare v=fd; g; c6 "$v"; }', "fn() { readonly v=fr; }", "v=${w:-d}",
    "v=${w-d}", "v=${w:+y}", ": ${v:=k}", ": ${v=k}", ": ${v:?}", "set -- p q", "set -- $v", "shift", "shift 2", "getopts ab v", "((v=3))", "let v=2", "v=$((1+1))", "v=$(c2)", "v=$(echo q)", "v=`echo q`",
    "trap 'c9 \"$v\"' EXIT", "trap 'v=tr' EXIT", "eval v=ev", "eval 'v=$w'", "cd d1", "cd -", "cd nowhere", "pushd d1", "PWD=out", "OLDPWD=out", "_=out", "RANDOM=out", "UID=5", "SECONDS=out", "FUNCNAME=out", "DIRSTACK=out",
    "LINENO=x", "PPID=7", "OPTIND=1", "GROUPS=out", "PIPESTATUS=out", "HISTCMD=out", "EUID=5", "SHLVL=x", "BASHPID=x", "REPLY=out", "read <f1", "COLUMNS=x", "LINES=x", "set -a", "set -e", "set -u", "set -f", "set +e", "command v=x", "builtin export v=b",
    "command export v=ce", "exec 3<f1", "v=a w=$v", "v=$v/x", "v=${v#.}", "v=${v%t}", "v=${v##*/}", 'v="$v $w"', 'v="$*"', "v=$#", "v=$?", "v=~", "v=x:~", "printf '%n' v", "mapfile v <f1", "mapfile -t a <f1",
    "echo x | while read v; do :; done", "while read v; do :; done <f1", "v=1 w=2", "unset a", "true && v=t || v=f", "c1 && v=t", "c2 || v=f", "if c1; then v=t; else v=e; fi", "path=out", "status=3", "argv=(k)", "match=(m)",
    "set -o noglob", "alias", "hash -r", "wait", "v=$!", "v=$-", "w=v; eval $w=ind", "export w=v", "declare -p v", "typeset -r w=ro", "v=$'q'", "v=$'a\\tb'", "v=$v$w", "shopt -s nullglob",
]  # fmt: skip
_USES = [
    'c1 "$v"', "c2 $v", 'c3 "${v}x"', "c4 ./$v/src", 'c5 "$_"', 'c6 "$PWD"', "c7 x$RANDOM", 'c8 "${a[@]}"', 'c9 "${a[1]}"', "c1 $UID", 'c1 "$1"', 'c3 "${v-u}"', 'c4 "${v:-u}"', 'c5 "$w"', "c6 $a", "c7 ${v:+s}",
    'c8 "$OLDPWD"', 'c9 "$SECONDS"', 'c1 "$FUNCNAME"', 'c2 "$DIRSTACK"', 'c3 "$LINENO"', 'c4 "$PPID"', 'c5 "$REPLY"', 'c6 "$GROUPS"', 'c7 "$PIPESTATUS"', "c8 > $v", 'c9 "$HISTCMD"', 'c1 "$BASHPID"', 'c2 "$SHLVL"', 'c3 "$*"',
    'c4 "$@"', "c5 $#", 'c6 "${#v}"', "c7 ${v%/*}", "c8 $v$w", 'c9 "$status"', 'c1 "${v:=dd}"', 'c2 "${a[0]}"', 'c3 "$EUID"', 'c4 "$COLUMNS"', 'c5 "$v" "$w"',
]  # fmt: skip
_AROUND = [
    "{0}", "{0}", "{0}", "fn() {{ {0}; }}; fn", "({0})", "{{ {0}; }}", "if :; then {0}; fi", "for i in 1 2; do {0}; done", "while :; do {0}; break; done", "{0} && {1}", "{0} || {1}", "case x in x) {0};; esac", "eval '{0}'",
    "fn() {{ {0}; }}; v=pre fn", "{{ {0}; }} 2>/dev/null", "g() {{ {0}; }}; fn() {{ local v=o; g; {1}; }}; fn", "! {0}", "trap '{0}' EXIT",
]  # fmt: skip


def variable_program(rng: random.Random) -> str:
    """One random program about what a variable is: it is set in some ways, and then used."""
    lines = []
    for _ in range(rng.choice((1, 2, 2, 3, 4))):
        first, second = rng.choice(_SET), rng.choice(_SET + _USES)
        shape = rng.choice(_AROUND)
        lines.append(shape.format(*(first, second)) if "'" not in first or "'" not in shape else first)
    lines += [rng.choice(_USES) for _ in range(rng.choice((1, 1, 2)))]
    return rng.choice(("; ", "\n")).join(lines)


BUILTINS = {
    "bash": ". : [ alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown echo enable eval exec exit export false fc fg getopts"
    " hash help history jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return set shift shopt source suspend test times trap true type typeset"
    " ulimit umask unalias unset wait",
    "zsh": ". : [ alias autoload bg bindkey break builtin bye cd chdir command compadd compctl continue declare dirs disable disown echo echotc echoti emulate enable eval exec"
    " exit export false fc fg float functions getln getopts hash history integer jobs kill let limit local log logout noglob popd print printf private pushd pushln pwd r read"
    " readonly rehash return sched set setopt shift source suspend test times trap true ttyctl type typeset ulimit umask unalias unfunction unhash unlimit unset unsetopt vared"
    " wait whence where which zcompile zformat zle zmodload zparseopts zregexparse zstyle",
    "sh": ": [ alias bg break cd chdir command continue echo eval exec exit export false fg getopts hash jobs kill local printf pwd read readonly return set shift test times"
    " trap true type ulimit umask unalias unset wait",
}  # fmt: skip
"""The builtins of each shell."""
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@-+"
FORMS = (
    "{0}", "{0} c1", "{0} c1 c2", "a=(1); {0} 'a[$(c1)]'", "{0} 'a[$(c1)]' x", "{0} 'a=($(c1))'; c2 \"$a\"", "{0} o1; {0} x o2 <<< 'c3 y'",
)  # fmt: skip
"""Words behind an option: none, a command, two words, a subscript alone and before another word, an array, a file."""


def builtin_programs(dialect: str) -> Iterator[str]:
    """Every builtin with every option, or with none, in every form."""
    for name in BUILTINS[dialect].split():
        for option in ("", *(f" -{letter}" for letter in LETTERS)):
            for form in FORMS:
                text = form.format(name + option)
                yield text.replace("<<< 'c3 y'", "<f1").replace("a=(1); ", "") if dialect == "sh" else text
