"""The script that compares profiles with programs' help: how it reads a help text, and what it says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from policy_lang.compiler.profiles import parse_profile
from policy_lang.shell.profile import Profile


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("profiles_script", Path(__file__).parents[2] / "scripts/profiles.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()


@pytest.mark.parametrize(
    ("line", "names", "value"),
    [
        ("  -a, --all                  do not ignore entries", ("-a", "--all"), "no"),
        ("  -o, --output=FILE          write there", ("-o", "--output"), "yes"),
        ("  -o FILE, --output FILE     write there", ("-o", "--output"), "yes"),
        ("      --color[=WHEN]         colour it", ("--color",), "maybe"),
        ("  -l, --lines <NUM>  how many", ("-l", "--lines"), "yes"),
        ("  -p [<n>]   pages", ("-p",), "maybe"),
        ("  -o,  --output-file=FILE    log there", ("-o", "--output-file"), "yes"),
        ("  -L level      Descend only level directories deep.", ("-L",), "yes"),
        ("  -f first_ttl  --first=first_ttl", ("-f", "--first"), "yes"),
        ("  --[no-]sort   sort", ("--sort", "--no-sort"), "no"),
        ("  -W | --whole-files   all", ("-W", "--whole-files"), "no"),
        ("  -v", ("-v",), "no"),
        ("  -n do not write", ("-n",), "no"),
    ],
)
def test_an_option_of_a_help_text(line: str, names: tuple[str, ...], value: str) -> None:
    assert SCRIPT.options_of(line) == [(names, value)]


@pytest.mark.parametrize("line", ["Usage: tool [-a] FILE", "- a list", "", " " * 40 + "-x is mentioned", "--"])
def test_other_lines_have_no_option(line: str) -> None:
    assert SCRIPT.options_of(line) == []


def test_the_differences() -> None:
    profile = parse_profile("tool", b'flags = "-a|--all -o|--output -g"\nvalues = "-w|--width=text -c=?text -x=text"')
    assert isinstance(profile, Profile)
    text = "  -a, --all  all\n  -o, --output=FILE  there\n  -w, --width=N  wide\n  -c  one\n  -x  two\n  -z, --zero=N  new\n  -q  new\n  -q  again\n"
    assert list(SCRIPT.differences(profile, SCRIPT.options_of(text))) == [
        "-o: takes a value, and none in the profile",
        "--output: takes a value, and none in the profile",
        "-x: takes no value, and one in the profile",
        "-z: not in the profile, takes a value",
        "--zero: not in the profile, takes a value",
        "-q: not in the profile",
    ]


def test_a_program_without_help_says_nothing() -> None:
    assert SCRIPT.help_of("/nonexistent/program") == ""
