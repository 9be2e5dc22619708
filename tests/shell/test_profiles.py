"""Profiles: each has a case, malformed ones are refused, and installed programs know no option that ours do not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import tomli

from policy_lang.compiler.profiles import ProfileError, builtin, builtin_names, parse_profile
from policy_lang.shell.acts import Act
from policy_lang.shell.analyse import read_acts
from policy_lang.shell.profile import Profile
from policy_lang.shell.values import Hole, Value

HERE = Path(__file__).parent
CASES = [line.split("  =>  ") for line in (HERE / "profile_cases.txt").read_text().splitlines() if line.strip()]
NAMES = builtin_names()
PROFILES = HERE.parents[1] / "policy_lang/shell/profiles"
TREES = {
    "": "",
    "existing": "/**",
    "visible": "/**",
    "linked": "/**",
    "new": "/**!",
    "copied": "/**=",
    "own": "/**+",
    "tracked": "/**~",
    "indexed": "/**~",
    "untracked": "/**?",
    "every": "/**??",
}


def text(value: Value) -> str:
    named = {
        Hole.HOME: "~",
        Hole.CWD: ".",
        Hole.TMP: "${tmp}",
        Hole.BELOW: "/**",
        Hole.FILE: "*",
        Hole.NAME: "*",
        Hole.ENTRY: "*",
    }
    out = "".join(p if isinstance(p, str) else named.get(p, "…") for p in value.parts).replace("//**", "/**")
    return out + (" ..." if value.many and Hole.ANY in value.parts else "")


def shown(act: Act) -> str:
    if act.opaque:
        return f"opaque: {act.opaque}"
    inside = act.folders is not None and act.folders[0] and act.action in {"read", "write", "delete"}
    folder = f"{act.folders[0]}/" if inside and act.folders and not text(act.value).startswith(("/", "~")) else ""
    return f"{act.action}{' ' + act.method if act.method else ''} {folder}{text(act.value)}{TREES[act.tree]}"


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0])
def test_what_a_command_does(case: list[str]) -> None:
    acts = read_acts(case[0], "bash", builtin)
    assert "; ".join(shown(a) for a in acts if a.action != "run" or a.opaque) == case[1].strip()


def test_there_are_enough_and_each_has_a_case() -> None:
    distinct = {original(n) for n in NAMES}
    assert len(distinct) >= 350
    assert len(NAMES) >= 600
    covered = {original(first) for c in CASES if (first := c[0].split()[0]) in NAMES}
    assert sorted(distinct - covered) == []


def original(name: str) -> str:
    """The program whose profile says all that one says."""
    table = tomli.loads((PROFILES / f"{name}.profile.toml").read_text())
    return original(table.get("same") or table["like"]) if table.keys() <= {"same", "like"} else name


def test_a_program_that_is_read_like_another_is_not_that_one() -> None:
    like = builtin("ruby")
    assert like is not None
    assert like.name == "ruby"
    assert like.options == getattr(builtin("perl"), "options", None)
    assert builtin("nodejs") is builtin("node")
    more = parse_profile("own", b'like = "ruby"\nvalues = "--out=write"')
    assert isinstance(more, Profile)
    assert more.options["--out"].role == "write"
    assert more.options["-e"] == like.options["-e"]


@pytest.mark.parametrize(
    "data", [b'like = "own"', b'like = "nothing-of-that-name"', b'like = "nodejs"', b'like = "../git"']
)
def test_only_a_program_with_a_profile_of_its_own_can_be_like(data: bytes) -> None:
    with pytest.raises(ProfileError):
        parse_profile("own", data)


OPEN = parse_profile(
    "own",
    b'style = "open"\ndash = ""\nflags = "-q --plain"\nvalues = "-o|--outfile=write --sub.file=write -e|--exec=code"\noperands = "text..."',
)


@pytest.mark.parametrize(
    ("line", "writes", "names"),
    [
        ("own --unheard-of x -q", [], set()),
        ("own --unheard-of=x --plain=yes -zz a", [], set()),
        ("own --outfile=a", ["a"], set()),
        ("own --outf a", ["a"], set()),
        ("own x -o a", ["a"], set()),
        ("own -oa", ["a"], set()),
        ("own -qo a", ["a"], set()),
        ("own -zqo a", ["a"], set()),
        ("own --sub x", [], set()),
        ("own --unheard-of -o a", ["a"], set()),
        ("own --unheard-of -e 1", [], {2}),
        ("own -ze1", [], {1}),
        ("own -- -o a", [], set()),
    ],
)  # fmt: skip
def test_an_open_profile_knows_some_options(line: str, writes: list[str], names: set[int]) -> None:
    acts = read_acts(line, "bash", lambda name: OPEN if isinstance(OPEN, Profile) and name == "own" else None)
    assert [a.opaque for a in acts if a.opaque] == []
    assert [text(a.value) for a in acts if a.action == "write"] == writes
    (parsed,) = [a.parsed for a in acts if a.parsed is not None]
    assert parsed.named == names


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_is_read(name: str) -> None:
    profile = builtin(name)
    assert isinstance(profile, Profile)


@pytest.mark.parametrize(
    "data",
    [
        b"x", b"about = 1", b'style = "loose"', b'operands = "reed..."', b'flags = "a"', b'values = "-a=reed"', b'changes = {"-a" = "boom"}', b'changes = {"-a" = "treee"}',
        b'reader = "magic"', b'input = "magic"', b'names = "a b"', b"\xff", b"commands = 1", b'[commands.a]\nsame = "b"', b'unknown = "x"', b"a" * 300_000, b"flags = 3",
        b'[commands.a]\nsame = "a"\nflags = "-x"',
    ],
)  # fmt: skip
def test_malformed_profiles_are_refused(data: bytes) -> None:
    with pytest.raises(ProfileError):
        parse_profile("x", data)


def test_a_sub_command_with_the_same_words_keeps_its_name_and_an_alias_does_not() -> None:
    made = parse_profile(
        "x",
        b'[commands.push]\nflags = "-f"\n[commands.pull]\nsame = "push"\n[commands.p]\nalias = "push"\n[commands.q]\nalias = "pull"',
    )
    assert isinstance(made, Profile)
    assert {word: inner.name for word, inner in made.commands.items()} == {
        "push": "push", "pull": "pull", "p": "push", "q": "pull",
    }  # fmt: skip
    assert all("-f" in inner.options for inner in made.commands.values())
    with pytest.raises(ProfileError):
        parse_profile("x", b'[commands.a]\nalias = "a"')


def test_an_unknown_option_makes_one_command_opaque() -> None:
    acts = read_acts("cp --weird a b; pwd", "bash", builtin)
    assert [bool(a.opaque) for a in acts] == [True, False]
    assert acts[0].argv
    assert read_acts("ls --colo x", "bash", builtin)[0].opaque == ""  # an abbreviation that is unique


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".x", "x" * 80])
def test_odd_names_have_no_profile(name: str) -> None:
    assert builtin(name) is None


# the programs themselves

COMPARED = [
    "ls", "cat", "head", "wc", "sort", "uniq", "cut", "mkdir", "touch", "rm", "rmdir", "cp", "mv", "ln", "chmod", "grep", "xargs", "sed", "tar",
    "du", "tee", "diff", "patch", "curl", "wget", "make", "env", "timeout", "split", "truncate", "install", "sha256sum", "base64",
]  # fmt: skip
KNOWN_GAPS = {
    # options that are left unknown on purpose: they are rare, and an unknown option is only opaque
    "tar", "curl", "wget", "sort", "patch", "install", "cut", "split",
}  # fmt: skip
LONG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")


@pytest.mark.parametrize("name", COMPARED)
def test_an_installed_program_has_the_options_of_its_profile(name: str) -> None:
    path = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin")
    if path is None:
        pytest.skip(f"{name} is not installed")
    arguments = ["--help", "all"] if name == "curl" else ["--help"]
    done = subprocess.run(
        [path, *arguments], check=False, capture_output=True, text=True, timeout=10, env={**os.environ, "LC_ALL": "C"}
    )
    theirs = set(LONG.findall(done.stdout))
    if not theirs or (
        "GNU" not in done.stdout + done.stderr and name not in {"curl", "wget", "patch", "diff", "sed", "tar", "make"}
    ):
        pytest.skip(f"{name} prints no help that can be read")
    profile = builtin(name)
    assert profile is not None
    ours = {n for n in profile.options if n.startswith("--")}
    unknown = {o for o in theirs - ours if not any(known.startswith(o) for known in ours) and not o.startswith("--no-")}
    if name not in KNOWN_GAPS:
        assert unknown == set()
    assert len(unknown) <= len(theirs) * 0.6


@pytest.mark.parametrize(
    ("script", "opaque", "acts"),
    [
        ('rg "$x" needle a', True, []), ('pytest "$x"', True, []), ('git status "$x"', False, []), ("cat *.md", False, [("read", None), ("read", ".")]),
        ('grep "$x" a', False, [("read", None), ("read", "a")]), ('grep -- "$x" a', False, [("read", "a")]), ('grep "x$n" a', False, [("read", "a")]),
        ('rm "$x" a', False, [("delete", None), ("delete", "a")]),
    ],
)  # fmt: skip
def test_a_word_that_is_not_known_may_be_every_option(
    script: str, opaque: bool, acts: list[tuple[str, str | None]]
) -> None:
    found = read_acts(script, "bash", builtin)
    assert any(a.opaque for a in found) is opaque
    assert opaque or {(a.action, a.value.text) for a in found if a.action not in {"run", "use"}} == set(acts)


def test_what_options_add_is_added_for_a_word_that_may_be_one() -> None:
    trees = {a.tree for a in read_acts('rm "$x" a', "bash", builtin) if a.action == "delete"}
    assert trees == {"existing"}
    assert {a.tree for a in read_acts('rm -- "$x" a', "bash", builtin) if a.action == "delete"} == {""}
