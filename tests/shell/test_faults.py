"""Hostile and malformed scripts: refused or opaque with a reason, within limits, never an exception or a hang."""

from __future__ import annotations

import itertools
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang import Policy, RequestError
from policy_lang.compiler.profiles import ProfileError, builtin, parse_profile
from policy_lang.domain.limits import limit
from policy_lang.shell.acts import Act
from policy_lang.shell.analyse import read_acts
from policy_lang.shell.builtins import TABLE
from policy_lang.shell.values import Hole, Value

from .corpus import COMMANDS
from .generated import program

POLICY = Policy.loads(
    'policy "p"\nimport std.shell\ntier t { approvers "@x" }\nallow read, write, delete "./"\nallow run "{git,c1} **"\nask t run opaque'
)


def acts(script: str, dialect: str | None = "bash") -> list[Act]:
    return read_acts(script, dialect, builtin)


def reasons(script: str, dialect: str | None = "bash") -> list[str]:
    return [a.opaque for a in acts(script, dialect) if a.opaque]


def answered(script: str, dialect: str | None) -> None:
    try:
        found = acts(script, dialect)
    except RequestError:
        found = None
    decision = POLICY.decide(action="run", resource=script, shell=dialect, workspace="/work", lexical=True)
    assert not any("internal error" in r for r in decision.reasons), (script, decision.reasons)
    if found is None:
        assert decision.effect == "deny"
    else:
        assert found
        assert all(0 <= a.start <= a.end <= len(script) for a in found), script
    if decision.effect == "allow":
        assert not decision.opaque


DIALECTS = st.sampled_from(["bash", "sh", "zsh", None])


@given(st.text(), DIALECTS)
def test_any_text(script: str, dialect: str | None) -> None:
    answered(script, dialect)


@settings(max_examples=300)
@given(st.text(alphabet=" \t\n;&|<>()$`\\\"'{}[]!#~*?=abc1-+/:,.EOF%@^"), DIALECTS)
def test_any_shell_like_text(script: str, dialect: str | None) -> None:
    answered(script, dialect)


@given(st.integers(0, 10**9), DIALECTS)
def test_mutated_programs(seed: int, dialect: str | None) -> None:
    rng = random.Random(seed)
    answered(program(rng), dialect)
    command = rng.choice(COMMANDS)
    at = rng.randrange(len(command))
    answered(
        command[:at]
        + rng.choice(["'", '"', "`", "$(", "\\", ")", "{", "}", "\n", ";", "<<E", "\udcff", "\u00a0"])
        + command[at:],
        dialect,
    )


HOSTILE = {
    "substitutions": "c1 " + "$(" * 30_000,
    "closed substitutions": "c1 " + "$(c2 " * 10_000 + ")" * 10_000,
    "subshells": "(" * 60_000,
    "groups": "{ " * 30_000,
    "ifs": "if c1; then " * 5_000,
    "backquotes": "`" * 65_001,
    "expansions": "${a:-" * 12_000,
    "arithmetic": "$((" * 20_000,
    "nested arithmetic": "c1 $((" + "(" * 30_000 + "1" + ")" * 30_000 + "))",
    "quotes": '"' * 65_001,
    "backslashes": "\\" * 65_001,
    "continued lines": "\\\n" * 32_000,
    "braces": "c1 " + "{a,b}" * 40,
    "nested braces": "c1 " + "{a," * 2_000 + "}" * 2_000,
    "sequences": "c1 {1..999999}",
    "sequences of sequences": "c1 {1..4000}{1..4000}",
    "here-documents": "c1 <<E\n" * 6_000,
    "here-documents on one line": "c1 " + "<<E " * 12_000 + "\n",
    "redirections": "c1 " + ">o " * 20_000,
    "pipes": "c1 | " * 12_000 + "c1",
    "lists": "c1;" * 20_000,
    "words": "c1 " * 21_000,
    "assignments": "a=1 " * 16_000,
    "loops": "for a in {1..60}; do for b in {1..60}; do for c in {1..60}; do c1 $a $b $c; done; done; done",
    "functions": "f() { f; }; f",
    "functions that double": "".join(f"f{i}() {{ f{i + 1}; f{i + 1}; }}; " for i in range(22)) + "f0",
    "growing": "x=aaaaaaaaaaaaaaaa; " + "x=$x$x$x$x; " * 40 + "c1 $x",
    "growing arrays": "a=(1 2 3 4); " + 'a+=("${a[@]}" "${a[@]}"); ' * 30 + 'c1 "${a[@]}"',
    "growing parameters": "set -- a b; " + 'set -- "$@" "$@"; ' * 40 + 'c1 "$@"',
    "growing programs": "x='c1;'; " + "x=$x$x; " * 30 + 'eval "$x"',
    "variables": "".join(f"v{i}=$v{i - 1}x; " for i in range(1, 4_000)),
    "cases": "case a in " + "a) c1;; " * 8_000 + "esac",
    "nested shells": "bash -c '" * 3 + 'bash -c "' * 3,
    "wrappers": "env " * 16_000 + "ls",
    "finds": "find . " + "-exec c1 {} ; " * 4_000,
    "noise": "".join(random.Random(1).choices(" \t\n;&|<>()$`\\\"'{}ab1=", k=65_000)),
    "letters": "a" * 65_536,
    "sed": "sed '" + "s/a/b/;" * 9_000 + "' x",
    "awk": "awk '" + '"' * 60_000 + "' x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_scripts_end_soon(name: str) -> None:
    script = HOSTILE[name][: limit("script_bytes")]
    start = time.process_time()
    for dialect in ("bash", "sh", "zsh"):
        answered(script, dialect)
    assert time.process_time() - start < 20  # a guard against hanging, not a measurement


@pytest.mark.parametrize(
    "char",
    [
        "\r",
        "\u00a0",
        "\u202e",
        "\u200b",
        "\ufeff",
        "\x0b",
        "\x0c",
        "\x1b",
        "\x00",
        "\udcff",
        "\u2028",
        "\x7f",
        "\u0085",
    ],
)
def test_deceptive_characters_are_opaque(char: str) -> None:
    for script in (f"ls{char}x", f"git commit -m 'a{char}b'", f"{char}", f"# {char}\nls"):
        assert "invisible or control character" in " ".join(reasons(script))
    decision = POLICY.decide(action="run", resource=f"ls{char}x")
    assert all(c.isprintable() or c == " " for r in decision.reasons for c in r)


# limits, at N and one above


def test_script_nesting() -> None:
    most = limit("script_nesting")
    assert reasons("c1 " + "$(c2 " * most + ")" * most) == []
    assert "nested deeper" in reasons("c1 " + "$(c2 " * (most + 1) + ")" * (most + 1))[0]
    assert "nested deeper" in reasons("( " * (most + 1) + "c1" + ")" * (most + 1))[0]


def test_script_bytes() -> None:
    most = limit("script_bytes")
    assert acts("c" * most)
    with pytest.raises(RequestError, match="longer than"):
        acts("c" * (most + 1))


def test_script_effects() -> None:
    most = limit("script_effects")
    assert reasons("\n".join(f"c{i}" for i in range(most))) == []
    assert "effects" in reasons("\n".join(f"c{i}" for i in range(most + 1)))[0]


def test_script_fields() -> None:
    most = limit("script_fields")
    assert reasons(f"c1 {{1..{most - 1}}}") == []
    assert "words" in reasons(f"c1 {{1..{most + 1}}}")[0]


def argument(script: str) -> Value:
    """The word that the last `c1` of a script is given."""
    return [a for a in acts(script) if a.argv and a.argv[0].text == "c1"][-1].argv[1]


def test_script_folders() -> None:
    def folders(count: int) -> tuple[str, ...] | None:
        branches = "".join(f"{'elif' if i else 'if'} c2; then cd d{i}; " for i in range(count - 1))
        return [a for a in acts(f"{branches}fi; c1 x") if a.argv and a.argv[0].text == "c1"][-1].folders

    most = limit("script_folders")
    assert sorted(folders(most) or ()) == ["", *(f"d{i}" for i in range(most - 1))]
    assert folders(most + 1) is None


def test_script_parts() -> None:
    most = limit("script_parts")
    unknown = "".join(f"${{v{i}}}" for i in range(most // 2))
    assert len(argument(f'x="{unknown}{unknown}"; c1 "$x"').parts) == most
    assert argument(f'x="{unknown}{unknown}y"; c1 "$x"').parts == (Hole.ANY,)


def test_script_rounds() -> None:
    def kept(rounds: int) -> str | None:
        """What is known of `z` behind a loop that changes something in so many rounds, and in the last nothing."""
        names = [f"v{i}" for i in range(rounds)]
        begin = "; ".join(f"{n}={'a' if i else 'b'}" for i, n in enumerate(names))
        moves = "; ".join(f"{second}=${first}" for first, second in reversed(list(itertools.pairwise(names))))
        return argument(f"z=1; {begin}; while c2; do {moves}; done; c1 $z").text

    most = limit("script_rounds")
    assert kept(most) == "1"
    assert kept(most + 1) is None


def test_script_unrolled() -> None:
    def given(count: int) -> list[str | None]:
        return [a.argv[1].text for a in acts(f"for v in {{1..{count}}}; do c1 $v; done") if a.argv]

    most = limit("script_unrolled")
    assert given(most) == [str(i) for i in range(1, most + 1)]
    assert given(most + 1) == [None]


def test_profile_bytes() -> None:
    most = limit("profile_bytes")
    data = b'flags = "-x"\n#'
    assert parse_profile("x", data.ljust(most, b"-"))
    with pytest.raises(ProfileError, match=f"longer than {most} bytes"):
        parse_profile("x", data.ljust(most + 1, b"-"))


def test_script_steps() -> None:
    loop = "for a in {{1..60}}; do for b in {{1..{}}}; do true; done; done"
    assert reasons(loop.format(50)) == []
    assert "steps" in " ".join(reasons("for x in {1..60}; do " + loop.format(60) + "; done"))


def test_tree_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy_lang.engine.existing._MOST_FILES", 5)
    folder = tmp_path / "d"
    folder.mkdir()

    def effect() -> str:
        return POLICY.decide(action="run", resource="rm -r d", workspace=str(tmp_path)).effect

    for i in range(5):
        (folder / str(i)).touch()
    assert effect() == "allow"
    (folder / "5").touch()
    assert effect() == "deny"


def test_builtins_with_odd_words() -> None:
    odd = ["''", "-", "--", "a", "-x", "=", "a=", "+", "-t"]
    for name in TABLE:
        for words in [(), *itertools.product(odd), *itertools.product(odd, odd)]:
            answered(" ".join((name, *words)), "bash")
