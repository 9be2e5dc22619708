"""Globs, searches and formatters where the disk is known: they name the files that are there, and no others."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from policy_lang import Policy

POLICY = Policy.loads(
    """
policy "p"
tier review { approvers "@a" }
import std.shell
import std.baseline
allow run "{rg,grep,ruff,prettier,touch,tar} **", "rm **"
deny run "rm **" with "-r"
allow read, write, delete "./"
ask review write "**/setup.py"
deny write "**/{.venv,node_modules}/"
"""
)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("globs") / "work"
    for name in (
        "a.go",
        "src/a.py",
        "src/b.ts",
        "src/.venv/lib/x.py",
        "src/node_modules/m/x.ts",
        ".env",
        "secret/.env",
        "conf/x.key",
        "setup.py",
    ):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    (top / ".gitignore").write_text(".env\n/conf/*.key\n")
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    return top


def effect(work: Path, command: str) -> str:
    return POLICY.decide(action="run", resource=command, workspace=str(work), cwd=str(work), home="/home/agent").effect


@pytest.mark.parametrize("command", [
    "wc -l *.go", "rm *.go", "grep -n x *.go", "grep x */*.ts", "grep -rn x --include=*.go .", "rg x -t go", "rg x -g '!*.md'", "rg x -g '*.go'",
    "rg x -g 'src/*.{py,ts}'", "rg x", "rg x conf", "ruff format src", "cd src && ruff format . && ruff check --fix .", "prettier --write src",
])  # fmt: skip
def test_what_is_there_and_harmless_passes(work: Path, command: str) -> None:
    assert effect(work, command) == "allow"


@pytest.mark.parametrize("command", [
    "touch -- -r; rm *", "touch ./-rf && rm *", "tar xf x.tar; rm *", "grep -rn x --include=.env .", "rg x -g '.e*'", "rg x -g 'conf/*.{key,txt}' -g '.env'",
    "rg --hidden x", "rg x --iglob '.ENV'", "rg x -g 'secret/**'", "rg x --ignore-file f", "rg x --no-ignore-parent conf .env", "ruff format --exclude x src", "ruff format src; ruff format --exclude x src", "ruff format src/.venv",
    "ruff format --config /work/x.toml src", "prettier --write --with-node-modules src", "rg -u x",
])  # fmt: skip
def test_what_reaches_further_does_not(work: Path, command: str) -> None:
    assert effect(work, command) == "deny"


def test_a_formatter_is_asked_about_what_it_would_write(work: Path) -> None:
    assert effect(work, "ruff format .") == "ask"
    assert effect(work, "ruff format --check .") == "allow"


def test_a_file_named_like_an_option_is_one(work: Path) -> None:
    (work / "-r").write_text("")
    try:
        assert effect(work, "rm *") == "deny"
        assert effect(work, "rm -- *.go") == "allow"
        assert effect(work, "rm *.go") == "allow"
    finally:
        (work / "-r").unlink()


@pytest.mark.parametrize("command", [
    "printf '!.env\\n' > secret/.gitignore && git add secret", "echo '!.env' > secret/.gitignore; git add -A && git commit -m x", "cp a.go secret/.rgignore && rg x secret",
    "rm .gitignore; git add -A", "mv a.go .gitignore && rg x", "git stash && git add -A", "git checkout HEAD~1 -- . && git add .", "tar xf x.tar && rg x src secret",
])  # fmt: skip
def test_what_is_ignored_is_not_believed_where_the_script_may_have_changed_it(work: Path, command: str) -> None:
    policy = Policy.loads(
        'policy "p"\nimport std.shell\nimport std.baseline\nallow run "{git,tar} **"\nallow read, write, delete "./"\n'
    )
    asked = {"action": "run", "workspace": str(work), "cwd": str(work), "home": "/home/agent"}
    assert policy.decide(resource=command, **asked).effect == "deny"  # type: ignore[arg-type]
    assert policy.decide(resource="git switch -c x && git add -A && rg x", **asked).effect == "allow"  # type: ignore[arg-type]


def test_any_number_of_stars_begins_in_the_folder_where_it_stands(tmp_path: Path) -> None:
    deletes = Policy.loads('policy "p"\nallow run "rm **"\nallow read, delete "./"\ndeny delete "keep/"\n')
    (tmp_path / "src").mkdir()
    (tmp_path / "src/aaa").write_text("")

    def rm(*words: str) -> tuple[str, str]:
        command = " ".join(("rm", *words))
        decision = deletes.decide(action="run", resource=command, workspace=str(tmp_path), cwd=str(tmp_path), home="/h")
        return decision.effect, " ".join(decision.reasons)

    many = ["*" * (n % 9 + 1) + "a" * n for n in range(200)]
    for words in (["**"], ["**a"], ["***"], ["**/*a"], many):
        assert rm(*words)[0] == "allow", (words, rm(*words))
    (tmp_path / "keep").mkdir()
    (tmp_path / "keep/aaa").write_text("")
    assert rm("**")[0] == "deny"
    assert "`./keep" in rm("**")[1]
    (tmp_path / "keep/aaa").unlink()
    (tmp_path / "keep").rmdir()
    (tmp_path / "-rf").write_text("")
    for words in (["**"], ["**f"]):
        effect, why = rm(*words)
        assert effect == "deny"
        assert "begins with `-`" in why, why
