"""A script is read the same way however it comes: as a text, as words, or inside other programs' words."""

from __future__ import annotations

import pytest

from policy_lang.compiler.profiles import builtin
from policy_lang.shell.acts import Act
from policy_lang.shell.analyse import argv_acts, read_acts

DEFERRED = [
    "trap 'hidden' EXIT", "trap hidden 0", "trap hidden INT; ls", "(trap hidden EXIT)", "f() { hidden; }; trap f EXIT",
    "eval 'trap hidden EXIT'", "x=$(trap hidden EXIT)", "builtin trap hidden EXIT",
]  # fmt: skip
WRAPPED = [
    ["{shell}", "-c", "{script}"], ["/bin/{shell}", "-ec", "{script}"], ["timeout", "5", "{shell}", "-c", "{script}"], ["env", "A=b", "{shell}", "-c", "{script}"],
    ["nice", "{shell}", "-c", "{script}"], ["find", ".", "-exec", "{shell}", "-c", "{script}", ";"], ["xargs", "{shell}", "-c", "{script}"],
    ["bash", "-c", '{shell} -c "$0"', "{script}"],
]  # fmt: skip


def runs(acts: list[Act]) -> list[str | None]:
    return [a.argv[0].text for a in acts if a.action == "run" and a.argv]


def opaque(acts: list[Act]) -> list[str]:
    return [a.opaque for a in acts if a.opaque]


@pytest.mark.parametrize("words", WRAPPED, ids=lambda w: " ".join(w[:3]))
@pytest.mark.parametrize("script", DEFERRED)
def test_what_runs_at_the_end_is_seen_in_words_too(script: str, words: list[str]) -> None:
    for shell in ("bash", "sh"):
        if shell == "sh" and "builtin" in script:
            continue
        acts = argv_acts(tuple(w.format(shell=shell, script=script) for w in words), builtin)
        assert "hidden" in runs(acts) or opaque(acts), acts


READ_BY_NAME = [
    ("bash", "diff <(sort a) <(sort b)"), ("bash", "[[ -f x ]] && cat x"), ("bash", 'echo "${x/a/b}"'), ("bash", 'a=(x y); ls "${a[@]}"'), ("bash", "time ls"),
    ("/usr/bin/bash", "cat <<< x"), ("zsh", "[[ -f x ]] && cat x"),
]  # fmt: skip


@pytest.mark.parametrize(("shell", "script"), READ_BY_NAME)
def test_the_shells_name_says_how_its_script_is_read(shell: str, script: str) -> None:
    for option in ("-c", "-lc", "-euxc"):
        acts = argv_acts((shell, option, script), builtin)
        assert not opaque(acts)
        assert runs(acts)[0] == shell
        name = shell.rpartition("/")[2]
        assert set(runs(read_acts(script, name, builtin))) <= set(runs(acts))
    for other in ("sh", "dash", "ash", "ksh"):
        assert opaque(argv_acts((other, "-c", script), builtin))


def test_zsh_is_not_read_as_bash() -> None:
    for script in ("ls =a", "setopt x", "- ls"):
        assert opaque(argv_acts(("zsh", "-c", script), builtin))


@pytest.mark.parametrize(
    ("words", "readable"),
    [
        ("bash -eu -o pipefail -c", True), ("bash +x -c", True), ("bash --norc -c", True), ("sh -e -c", True), ("zsh -f -c", True), ("bash -o posix -c", True),
        ("bash -o braceexpand -c", False), ("bash +B -c", False), ("bash -H -c", False), ("bash -O extglob -c", False), ("zsh -P -c", False), ("zsh -o shwordsplit -c", False),
        ("zsh -T -c", False), ("bash +eo posix -c", False), ("sh -o x -c", False),
    ],
)  # fmt: skip
def test_options_of_the_shell_that_change_the_reading_are_opaque(words: str, readable: bool) -> None:
    assert bool(opaque(argv_acts((*words.split(), "ls a"), builtin))) is not readable


def test_sh_may_expand_braces_or_not() -> None:
    for shell in ("sh", "dash"):
        acts = argv_acts((shell, "-c", "ls {a,b}"), builtin)
        assert not opaque(acts)
        assert {a.value.text for a in acts if a.action == "read"} == {"a", "b", "{a,b}"}


def test_posix_mode_is_read_as_sh() -> None:
    assert opaque(argv_acts(("bash", "--posix", "-c", 'echo "${x/a/b}"'), builtin))
    assert not opaque(argv_acts(("bash", "--posix", "-c", "ls a"), builtin))


def test_the_traps_of_an_inner_shell_are_its_own() -> None:
    acts = read_acts("ls() { outer; }; bash -c 'trap ls EXIT'; cd x", "bash", builtin)
    trapped = [a for a in acts if runs([a]) == ["ls"]]
    assert [a.folders for a in trapped] == [("",)]
