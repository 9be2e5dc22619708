"""Code of a project that commands run: where it stands, and what shells are told to do there."""

from __future__ import annotations

import json

import pytest

from policy_lang import Policy
from policy_lang.domain.limits import limit
from policy_lang.shell.analyse import read_acts
from policy_lang.shell.recipes import UNKNOWN_TEXT, Recipe, Script, recipe_of, scripts_of
from policy_lang.shell.values import literal

PROFILES = Policy.loads('policy "p"\n').engine.profiles


def recipe(command: str) -> Recipe | None:
    """Where the code of a command's last program stands."""
    runs = [a for a in read_acts(command, "bash", PROFILES) if a.action == "run"]
    return recipe_of(runs[-1])


def scripts(command: str, text: str) -> list[str]:
    """The scripts that a command runs of a file's text."""
    found = recipe(command)
    assert found is not None
    return [s.text for s in scripts_of(found, text)]


@pytest.mark.parametrize(
    ("command", "files", "folder", "names", "words"),
    [
        ("npm test", ("package.json",), "", ("test",), ()),
        ("npm t", ("package.json",), "", ("test",), ()),
        ("npm run build", ("package.json",), "", ("build",), ()),
        ("npm run-script build -- --watch", ("package.json",), "", ("build",), ("--watch",)),
        ("npm --prefix web run build", ("package.json",), "web", ("build",), ()),
        ("pnpm build", ("package.json",), "", ("build",), ()),
        ("pnpm -C web run build", ("package.json",), "web", ("build",), ()),
        ("pnpm test", ("package.json",), "", ("test",), ()),
        ("yarn lint --fix", ("package.json",), "", ("lint",), ("--fix",)),
        ("yarn run lint", ("package.json",), "", ("lint",), ()),
        ("bun run dev", ("package.json",), "", ("dev",), ()),
        ("make", ("GNUmakefile", "makefile", "Makefile"), "", (), ()),
        ("make -C sub all A=1", ("GNUmakefile", "makefile", "Makefile"), "sub", ("all",), ()),
        ("make -f x.mk", ("x.mk",), "", (), ()),
        ("just build a b", ("justfile", "Justfile", ".justfile"), "", (), ("build", "a", "b")),
        ('bash s.sh a "$X"', ("s.sh",), "", (), ("a", None)),
        ("bash s.sh *.txt", ("s.sh",), "", (), (None,)),
        ("source s.sh $X", ("s.sh",), "", (), (None,)),
        ("xargs bash s.sh", ("s.sh",), "", (), (None,)),
        ("find . -exec bash s.sh {} +", ("s.sh",), "", (), (None,)),
        ('npm test -- "$X"', ("package.json",), "", ("test",), (None,)),
        ('just r "$X"', ("justfile", "Justfile", ".justfile"), "", (), ("r", None)),
        ("bash scripts/x.sh a", ("scripts/x.sh",), "", (), ("a",)),
        ("sh -e x.sh", ("x.sh",), "", (), ()),
        ("./x.sh a", ("./x.sh",), "", (), ("a",)),
        ("source ./env.sh", ("./env.sh",), "", (), ()),
        (". env.sh a", ("env.sh",), "", (), ("a",)),
    ],
)
def test_where_the_code_stands(
    command: str, files: tuple[str, ...], folder: str, names: tuple[str, ...], words: tuple[str, ...]
) -> None:
    found = recipe(command)
    assert found is not None
    assert (found.files, found.folder, found.names, tuple(v.text for v in found.words)) == (files, folder, names, words)


@pytest.mark.parametrize(
    "command",
    [
        "npm ci --ignore-scripts", "npm install -g x", "npm run", "npm exec tool a", "npx tool a", "node b", "run-s -l",
        "yarn --ignore-scripts", "pnpm install --ignore-scripts", "concurrently 'tsc -w'", "npm -w pkg run build", "pnpm -r build", "ls", "git status", "bash -c ls",
        'npm run "$X"', 'bash "$X" a', 'make "$X"', 'make -f "$X" t', 'just "$X" a', 'just -f "$X" t', "just --list", "tool x",
    ],
)  # fmt: skip
def test_what_runs_none_of_it_or_does_not_say_which(command: str) -> None:
    assert recipe(command) is None


PACKAGE = """{"scripts": {"pretest": "lint", "test": "jest -i", "posttest": "echo done", "n": 1}}"""


def test_a_package_script_has_what_comes_before_and_after() -> None:
    assert scripts("npm test", PACKAGE) == ["lint", "jest -i", "echo done"]
    assert scripts("npm test -- 'a b'", PACKAGE) == ["lint", "jest -i 'a b'", "echo done"]


@pytest.mark.parametrize("text", ["", "[]", '{"scripts": []}', '{"scripts": {"test": 1}}', "{" * 5000, '{"a": 1'])
def test_a_package_without_the_script_says_nothing(text: str) -> None:
    assert scripts("npm test", text) == []


MAKEFILE = """\
CC := gcc
OUT = build/$(NAME)
NAME = app
.PHONY: all
all: dep other.o  # both
\t@$(CC) -o $(OUT) $<
\t-rm $$HOME/x; echo $(shell date) ${MORE}
dep: ; echo dep
other.o: missing
\techo \\
\t  $@
unused:
\tcurl x
"""


def test_a_makefile_is_read_as_make_does() -> None:
    assert [s.strip() for s in scripts("make", MAKEFILE)] == [
        "echo dep",
        "echo    other.o",
        "gcc -o build/app dep",
        f"rm $HOME/x; echo {UNKNOWN_TEXT} {UNKNOWN_TEXT}",
    ]
    assert scripts("make dep", MAKEFILE) == ["echo dep"]
    assert scripts("make all NAME=x CC=cc", MAKEFILE)[2].strip() == "cc -o build/x dep"
    assert scripts("make nothing", MAKEFILE) == []


def test_a_makefile_may_name_its_shell_and_run_lines_as_one() -> None:
    found = recipe("make")
    assert found is not None
    text = "SHELL := /bin/bash\n.ONESHELL:\nall:\n\tcd x\n\tls\n"
    assert scripts_of(found, text)[0].dialect.name == "bash"
    assert [s.text for s in scripts_of(found, text)] == ["cd x\nls"]


def test_a_makefiles_variables_end() -> None:
    deep = "".join(f"V{i} = $(V{i + 1})\n" for i in range(20)) + "V20 = x\nall:\n\techo $(V0)\n\techo $(V19)\n"
    assert scripts("make", deep) == [f"echo {UNKNOWN_TEXT}", "echo x"]
    most = limit("recipe_values")
    wide = "A = a\nall:\n\techo {}\n"
    assert UNKNOWN_TEXT not in scripts("make", wide.format("$(A)" * most))[0]
    assert scripts("make", wide.format("$(A)" * (most + 1)))[0].count(UNKNOWN_TEXT) == 1
    loop = "A = $(A)$(A)\nall:\n\techo $(A)\n"
    assert len(scripts("make", loop)[0]) < 10_000


def test_variables_are_followed_so_deep() -> None:
    most = limit("recipe_nesting")
    for count, known in ((most, True), (most + 1, False)):
        text = "".join(f"V{i} = $(V{i + 1})\n" for i in range(count - 1)) + f"V{count - 1} = x\nall:\n\techo $(V0)\n"
        assert (scripts("make", text) == ["echo x"]) is known


JUSTFILE = """\
set shell := ["bash", "-c"]
version := "1"

# builds
build target="x": dep
    @echo {{target}} {{ version }}
    -rm out

dep:
    echo dep

_hidden:
    echo hidden

py:
    #!/usr/bin/env python3
    print(1)

sh:
    #!/usr/bin/env bash
    cd x
    ls
"""


def test_a_justfile_is_read_as_just_does() -> None:
    assert scripts("just", JUSTFILE) == ["echo dep", "echo x 1", "rm out"]
    assert scripts("just dep", JUSTFILE) == ["echo dep"]
    assert scripts("just py", JUSTFILE) == []
    assert "cd x\nls" in scripts("just sh", JUSTFILE)[0]


LIFE = json.dumps({"scripts": {
    "preinstall": "a", "postinstall": "b", "prepare": "c", "prepublishOnly": "d", "prepack": "e", "postpack": "f",
    "preversion": "g", "postversion": "h", "prex": "i", "x": "j", "postx": "k", "x:1": "l", "x:2": "m",
}})  # fmt: skip


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("npm install", "a b c"),
        ("npm ci", "a b c"),
        ("npm i lib", "a b"),
        ("pnpm i", "a b c"),
        ("yarn", "a b c"),
        ("yarn install --frozen-lockfile", "a b c"),
        ("yarn add lib", "a b"),
        ("bun install", "a b c"),
        ("npm publish", "d e c f"),
        ("npm pack", "e c f"),
        ("npm version patch", "g h"),
        ("npm run x", "i j k"),
        ("npm run x --ignore-scripts", "j"),
        ("npm --ignore-scripts run x", "j"),
        ("yarn x", "i j k"),
        ("node --run x", "j"),
        ("run-s x x:1", "i j k l"),
        ("run-p -l 'x:*'", "l m"),
        ("npx npm-run-all --parallel x:2", "m"),
        ("yarn run-s x:1", "l"),
        ("npm exec run-s x:1", "l"),
        ("npm exec -- run-s x:1", "l"),
        ("concurrently -k npm:x:1 'tsc -w' 'npm:x:2 -- --a'", "l m"),
    ],
)
def test_which_scripts_of_a_package_run(command: str, expected: str) -> None:
    assert scripts(command, LIFE) == expected.split()


def test_scripts_are_skipped_by_what_the_package_manager_reads() -> None:
    assert scripts("npm run x -- --ignore-scripts", LIFE) == ["i", "j --ignore-scripts", "k"]


INCLUDING = """\
X = a
include x.mk $(X).mk
-include x.mk none.mk
define TWO =
echo 1
\t@echo $(X)
endef
X += c
Y = y
Y ?= z
Z ?= z
S != date
P = p
t: P = q
t:
\t$(TWO)
\techo $(Y) $(Z) $(FROM) $(S) $(P) $(call TWO,a) $(if $(X),a)
"""


def test_a_makefile_includes_and_defines() -> None:
    files = {"x.mk": "FROM = f\nlater:\n\techo later\ninclude x.mk\n", "a.mk": "FROM = $(X)\n"}
    found, later = recipe("make t"), recipe("make later")
    assert found is not None
    assert later is not None
    made = [s.text.replace(UNKNOWN_TEXT, "?") for s in scripts_of(found, INCLUDING, files.get)]
    assert made[:2] == ["echo 1", "echo a c"]
    assert made[2].startswith("echo y z a c ? ? ? ?")
    assert [s.text for s in scripts_of(later, INCLUDING, files.get)] == ["echo later"]


def test_so_many_files_are_included() -> None:
    found = recipe("make")
    assert found is not None
    most = limit("followed_files")
    for count, known in ((most, True), (most + 1, False)):
        files = {f"f{i}": f"X = {i}\n" for i in range(count)}
        text = f"X = none\ninclude {' '.join(files)}\nt:\n\techo $(X)\n"
        made = [s.text for s in scripts_of(found, text, files.get)]
        assert (made == [f"echo {count - 1}"]) is known


def test_unknown_words_are_unknown_variables() -> None:
    assert scripts('npm test -- a "x$X"', PACKAGE)[1] == f"jest -i a x{UNKNOWN_TEXT}"
    assert scripts('just t "a$X" b', "t a b:\n  echo {{a}} {{b}}\n") == [f"echo a{UNKNOWN_TEXT} b"]


PARAMETERS = """\
set shell := ['/usr/bin/bash', "-uc"]
x := "s#h" # a comment
y := x
z := x + "b"
alias l := later

t a="https://x.example:1" b=x +c='d':
    {{a}} {{ b }} {{c}} {{y}} {{z}}

later what: (t what)
    {{what}}
plain p:
    {{p}}
"""


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("just", ["https://x.example:1 s#h d s#h ?"]),
        ("just t 1", ["1 s#h d s#h ?"]),
        ("just t 1 2 3 4", ["1 2 3 4 s#h ?"]),
        ("just x=ssh t", ["https://x.example:1 s#h d s#h ?"]),
        ("just y=ssh t", ["https://x.example:1 s#h d ssh ?"]),
        ("just later 1", ["? ? ? s#h ?", "1"]),
        ("just l 1", ["? ? ? s#h ?", "1"]),
        ("just plain 1 plain 2", ["1", "2"]),
        ("just plain 1 t 2", ["1", "2 s#h d s#h ?"]),
        ("just plain", ["?"]),
        ("just nothing", []),
    ],
)
def test_a_justfile_has_variables_and_parameters(command: str, expected: list[str]) -> None:
    found = recipe(command)
    assert found is not None
    made = scripts_of(found, PARAMETERS)
    assert [s.text.replace(UNKNOWN_TEXT, "?") for s in made] == expected
    assert {s.dialect.name for s in made} <= {"bash"}


def test_all_lines_of_one_script_share_what_they_may_grow() -> None:
    value, most = "a" * 1000, limit("script_bytes")
    lines = most // len(value) + 10
    for command, text in (
        ("make", f"X = {value}\n.ONESHELL:\nt:\n" + "\techo $(X)\n" * lines),
        ("just", f'x := "{value}"\nt:\n  #!/bin/sh\n' + "  echo {{x}}\n" * lines),
    ):
        (made,) = scripts(command, text)
        assert value in made
        assert made.endswith(UNKNOWN_TEXT) or made.rstrip().endswith(UNKNOWN_TEXT)
        assert len(made) < 2 * most


def test_a_recipe_that_is_asked_for_twice_runs_twice_and_what_it_needs_once() -> None:
    assert scripts("just a b a", "a: c\n  echo a\nb: c\n  echo b\nc:\n  echo c\n") == [
        "echo c", "echo a", "echo b", "echo a",
    ]  # fmt: skip


def test_lines_for_another_shell_are_not_read() -> None:
    assert scripts("just", "set shell := ['python3', '-c']\nt:\n  print(1)\n") == []


@pytest.mark.parametrize(
    ("command", "text"),
    [("just", 'x := "{}"\nt:\n  echo {{{{x}}}}{{{{x}}}}\n'), ("make", "x := {}\nt:\n\techo $(x)$(x)\n")],
)
def test_a_line_grows_so_far(command: str, text: str) -> None:
    half = limit("script_bytes") // 2
    assert scripts(command, text.format("a" * half)) == ["echo " + "a" * 2 * half]
    assert scripts(command, text.format("a" * (half + 1))) == ["echo " + "a" * (half + 1) + UNKNOWN_TEXT]


@pytest.mark.parametrize(
    ("first", "name"),
    [
        ("#!/bin/bash\n", "bash"), ("#!/usr/bin/env bash\n", "bash"), ("#! /bin/sh -e\n", "sh"),
        ("#!/usr/bin/env -S zsh -f\n", "zsh"), ("#!/usr/bin/env python3\n", ""), ("", ""), ("#!\n", ""),
    ],
)  # fmt: skip
def test_a_file_that_is_run_by_its_name_says_what_reads_it(first: str, name: str) -> None:
    found = recipe("./x")
    assert found is not None
    assert [s.dialect.name for s in scripts_of(found, f"{first}ls\n")] == ([name] if name else [])


def test_a_named_shell_reads_whatever_the_file_says() -> None:
    found = recipe("bash x a b")
    assert found is not None
    (script,) = scripts_of(found, "#!/bin/sh\nls\n")
    assert isinstance(script, Script)
    assert (script.dialect.name, script.words) == ("bash", (literal("a"), literal("b")))


@pytest.mark.parametrize(
    "text", ["a" + " " * 60_000, "a: " + "b " * 20_000, "$(" * 30_000, "=" * 60_000, "#!" + " " * 60_000]
)
def test_no_text_takes_long(text: str) -> None:
    for command in ("make", "just", "npm test", "./x"):
        scripts(command, text)
