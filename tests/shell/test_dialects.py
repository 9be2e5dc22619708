"""Dialects: one table of them, the names outside come from it, and each property is what changes the reading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import policy_lang
from policy_lang import RequestError
from policy_lang.cli.check import command
from policy_lang.shell.analyse import read_acts
from policy_lang.shell.dialect import ARGV, BASH, DIALECTS, SH, SHELLS, ZSH, Dialect
from policy_lang.wire.requests import parse_request

PACKAGE = Path(policy_lang.__file__).parent


def test_names_outside_come_from_the_table() -> None:
    assert list(DIALECTS.values()) == [BASH, SH, ZSH]
    assert SHELLS == ("bash", "sh", "zsh", "argv")
    for name in DIALECTS:
        assert parse_request(b'{"action": "run", "resource": "ls", "shell": "%s"}' % name.encode()).shell == name
    assert parse_request(b'{"action": "run", "resource": ["ls"], "shell": "argv"}').shell == ARGV
    with pytest.raises(RequestError, match="`fish`"):
        parse_request(b'{"action": "run", "resource": "ls", "shell": "fish"}')


def test_the_command_line_offers_the_same_names(tmp_path: Path) -> None:
    policy = tmp_path / "p.policy"
    policy.write_text('policy "p"\nallow run "echo"\n')
    for name in (*DIALECTS, "fish"):
        done = CliRunner().invoke(command, [str(policy), "run", "echo", "--shell", name, "--lexical"])
        assert done.exit_code == (2 if name == "fish" else 0), done.output


def test_an_unknown_dialect_is_refused() -> None:
    for name in ("fish", "", "argv", "BASH"):
        with pytest.raises(RequestError, match=r"unknown shell .*; known are bash, sh and zsh"):
            read_acts("ls", name)


def test_no_dialect_is_compared_by_its_name() -> None:
    named = re.compile(r"dialect(?:\.name)? *(?:[!=]=|(?:not )?in [{(\[])|plain_sh")
    assert [str(p) for p in (PACKAGE / "shell").rglob("*.py") if named.search(p.read_text())] == []


DIFFERENCES = {
    # a property, and a script that is read in another way where it has another value
    "extended_syntax": "[[ -f a ]]", "braces": "ls {a,b}", "splits_values": "x='a b'; ls $x", "splits_declarations": "export x=$y",
    "assigned_tildes": "ls x=~/a", "equals_expansion": "ls =a", "bare_subscripts": "ls $x[1]", "recursive_globs": "ls a/**",
    "ksh_arrays": "a=(b c); ls ${a[1]}", "lastpipe": "ls | read -r x; ls $x", "network_redirections": "ls > /dev/tcp/h/80",
    "redirection_marks": "ls >!a", "long_descriptors": "ls 10>a", "timed_apart": "x=a; time x=b; ls $x", "function_traps": "x=a; f() { trap 'x=b' EXIT; }; f; ls $x", "kept_escapes": r"ls $'a\d'", "leading_dash": "-ls", "tied_variables": "path=a; ls", "keeps_outer_values": "x=a; f() { local x; ls $x; }; f",
    "arithmetic_types": "((x=1)); x=a; ls", "modifiers": "ls >&2-",
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENCES)
def test_each_property_changes_the_reading(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {field: getattr(BASH, field) for field in Dialect.__match_args__}
    monkeypatch.setitem(DIALECTS, "odd", Dialect(**{**values, "name": "odd", name: not values[name]}))
    script = DIFFERENCES[name]
    assert read_acts(script, "odd") != read_acts(script, "bash")
    assert read_acts("ls a", "odd") == read_acts("ls a", "bash")


def test_every_property_has_a_difference() -> None:
    assert {*DIFFERENCES, "name", "unreadable", "numbers", "maybe_numbers", "lacking"} == set(Dialect.__match_args__)
    assert read_acts("zmodload x", "zsh")[0].opaque
    for script in (
        "ls /tmp/$UID",
        "declare v=a; ls $v",
        "v=b; typeset v=a; ls $v",
    ):  # dash has no `UID`, and no `declare`
        assert read_acts(script, "sh")[-1].argv[1].text is None
        assert read_acts(script, "bash")[-1].argv[1] != read_acts(script, "sh")[-1].argv[1]
    assert not read_acts("zmodload x", "bash")[0].opaque
