"""`policy init` writes a policy that passes its own tests, whatever the repository."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from policy_lang import Policy
from policy_lang.domain.request import Request
from policy_lang.starter.write import LEVELS

from .support import policy

UV_LOCK = """
[[package]]
name = "x"
source = { registry = "https://pypi.corp.example/simple" }
sdist = { url = "https://files.corp.example/x.tar.gz" }
"""
CARGO_LOCK = '[[package]]\nname = "x"\nsource = "registry+https://crates.corp.example/index"\n'
LOCK = {
    "packages": {
        "": {},
        "node_modules/x": {"resolved": "https://npm.corp.example/x.tgz"},
        "y": {"resolved": "http://10.0.0.1/y"},
    }
}


def make(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("files", "languages", "hosts", "branch"),
    [
        ({}, [], set(), "main"),
        ({"package.json": "{}", "package-lock.json": json.dumps(LOCK), "src/a.ts": ""}, ["node"], {"npm.corp.example"}, "main"),
        ({"pyproject.toml": "", "uv.lock": UV_LOCK, "pkg/__init__.py": ""}, ["python"], {"pypi.corp.example", "files.corp.example"}, "main"),
        ({"Cargo.toml": "", "Cargo.lock": CARGO_LOCK, "src/main.rs": ""}, ["rust"], {"crates.corp.example"}, "main"),
        ({"go.mod": "", "cmd/x.go": "", ".git/HEAD": "ref: refs/heads/trunk2\n"}, ["go"], set(), "trunk2"),
        ({"package.json": "{}", "pyproject.toml": "", ".npmrc": "registry=https://r.corp.example:8443/\n"}, ["node", "python"],
         {"r.corp.example:8443"}, "main"),
        ({"yarn.lock": '  resolved "https://yarn.corp.example/x"\n', "package.json": "{}"}, ["node"], {"yarn.corp.example"}, "main"),
        ({"requirements.txt": "--index-url https://pip.corp.example/simple\nx==1\n"}, ["python"], {"pip.corp.example"}, "main"),
        ({"package.json": "{", "package-lock.json": "[" * 100_000, "uv.lock": "= = =", ".git/HEAD": 'ref: refs/heads/a"b\n'}, ["node"], set(), "main"),
        ({"package.json": "{}", "package-lock.json": '{"packages": {"a": {"resolved": "https://a\\" b/"}, "b": {"resolved": 7}}}'}, ["node"], set(), "main"),
    ],
)  # fmt: skip
def test_what_it_finds(
    files: dict[str, str], languages: list[str], hosts: set[str], branch: str, level: str, tmp_path: Path
) -> None:
    make(tmp_path, files)
    result = policy("init", tmp_path, "--level", level, "--format", "json")
    assert result.code == 0, result.err
    found = result.json()
    assert found["level"] == level
    assert found["languages"] == languages
    assert set(found["hosts"]) == hosts
    assert found["default_branch"] == branch
    written = tmp_path / "agent.policy"
    assert written.read_text() == found["text"]
    assert policy("test", written).code == 0
    assert policy("fmt", "--check", written).code == 0
    assert policy("check", written, "write", "README.md").code == 0
    assert policy("check", written, "write", "agent.policy", "--workspace", tmp_path).code == 1
    for host in hosts:
        assert policy("check", written, "connect", host, "--method", "GET").code == 0
        assert policy("check", written, "connect", host, "--method", "PUT").code == (1 if level == "strict" else 3)


def test_it_does_not_overwrite(tmp_path: Path) -> None:
    assert policy("init", tmp_path).code == 0
    (tmp_path / "agent.policy").write_text("mine")
    assert policy("init", tmp_path).code == 2
    assert (tmp_path / "agent.policy").read_text() == "mine"
    assert policy("init", tmp_path, "--force").code == 0
    assert policy("init", tmp_path, "-o", "-").out == (tmp_path / "agent.policy").read_text()


def test_it_prints_to_standard_output_by_its_name(tmp_path: Path) -> None:
    text = policy("init", tmp_path, "-o", "-").out
    done = policy("init", tmp_path, "-o", "/dev/stdout", "--force")
    assert (done.code, done.out.startswith(text + "wrote")) == (0, True), done


def test_odd_files_do_not_stop_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "package-lock.json")
    (tmp_path / "uv.lock").mkdir()
    (tmp_path / "yarn.lock").symlink_to("yarn.lock")
    (tmp_path / "src").symlink_to("/")
    assert policy("init", tmp_path).code == 0


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    assert policy("init", tmp_path / "x").code == 2


PACKAGE = {
    "scripts": {
        "test": "vitest",
        "test:ci": "vitest run",
        "release": "npm publish",
        "deploy:prod": "x",
        "a b": "y",
        "../x": "z",
    }
}
MAKEFILE = "build: src\n\tcc x\n.PHONY: build\nV := 1\ntest lint: build\npublish:\n\ttwine upload\n"
KINDS = [
    ({"package.json": json.dumps(PACKAGE), "pnpm-lock.yaml": ""}, "package.json", ["test", "test:ci"], ["release", "deploy:prod"]),
    ({"Makefile": MAKEFILE}, "Makefile", ["build"], ["publish"]),
    ({"justfile": "set shell := ['bash']\nx := '1'\ntest *args:\n  cargo test\n@ship:\n  x\n"}, "justfile", ["test"], ["ship"]),
    ({"Taskfile.yml": "version: '3'\ntasks:\n  lint:\n    cmds: [x]\n  chart:push:\n    cmds: [x]\n"}, "Taskfile.yml", ["lint"], ["chart:push"]),
    ({"composer.json": '{"scripts": {"lint": "pint", "deploy": "x"}}'}, "composer.json", ["lint"], ["deploy"]),
    ({"deno.json": '{"tasks": {"check": "deno check", "upload": "x"}}'}, "deno.json", ["check"], ["upload"]),
    ({"pyproject.toml": '[project.scripts]\nserve = "x:y"\npublish-all = "x:z"\n'}, "pyproject.toml", ["serve"], ["publish-all"]),
]  # fmt: skip


@pytest.mark.parametrize(("files", "file", "allowed", "asked"), KINDS, ids=[file for _, file, _, _ in KINDS])
def test_what_the_repository_names_runs_unless_its_name_says_that_it_reaches_others(
    files: dict[str, str], file: str, allowed: list[str], asked: list[str], tmp_path: Path
) -> None:
    result = policy("init", make(tmp_path, files), "--format", "json")
    assert result.code == 0, result.err
    assert result.json()["tasks"] == {file: {"allowed": allowed, "asked": asked}}


def test_a_package_script_runs_and_its_publishing_is_asked_for(tmp_path: Path) -> None:
    make(
        tmp_path,
        {"package.json": json.dumps({"scripts": {"changeset": "changeset", "test": "x"}}), "pnpm-lock.yaml": ""},
    )
    assert policy("init", tmp_path).code == 0
    for command, code in (
        ("pnpm test -- -t x", 0),
        ("pnpm changeset add", 0),
        ("pnpm changeset publish", 3),
        ("pnpm run test", 0),
    ):
        assert policy("check", tmp_path / "agent.policy", "run", command).code == code, command


def test_secrets_that_git_ignores_are_denied(tmp_path: Path) -> None:
    files = {
        "config/master.key": "k",
        "auth.json": "{}",
        "notes.txt": "",
        "src/a.rb": "",
        ".gitignore": "*.key\nauth.json\nnotes.txt\n",
    }
    make(tmp_path, files)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "x")
    found = policy("init", tmp_path, "--format", "json").json()
    assert found["secrets"] == ["auth.json", "config/master.key"]
    assert found["folders"] == ["src"]
    for path, code in (("config/master.key", 1), ("auth.json", 1), ("notes.txt", 0), ("src/a.rb", 0)):
        assert policy("check", tmp_path / "agent.policy", "read", path).code == code, path
    assert policy("lint", tmp_path / "agent.policy").code == 0


def test_branches_of_releases_are_protected(tmp_path: Path) -> None:
    make(tmp_path, {"src/a.py": "", "setup.py": ""})
    git(tmp_path, "init", "-q", "-b", "develop2")
    git(tmp_path, "add", "-A")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "x")
    for name in ("develop2", "v2.x", "production-eu", "feature/a", "main"):
        git(tmp_path, "update-ref", f"refs/remotes/origin/{name}", "HEAD")
    git(tmp_path, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop2")
    git(tmp_path, "pack-refs", "--all")
    git(tmp_path, "switch", "-qc", "fix/x")
    found = policy("init", tmp_path, "--format", "json").json()
    assert found["default_branch"] == "develop2"
    assert found["protected_branches"] == ["production-eu", "v2.x"]
    for branch, code in (("fix/x", 0), ("develop2", 1), ("v2.x", 1), ("production-eu", 1), ("main", 1), ("x", 3)):
        assert policy("check", tmp_path / "agent.policy", "push", branch).code == code, branch


def test_without_a_remote_the_default_branch_is_not_the_one_that_is_worked_on(tmp_path: Path) -> None:
    make(tmp_path, {"src/a.py": "", "setup.py": ""})
    git(tmp_path, "init", "-q", "-b", "master")
    git(tmp_path, "add", "-A")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "x")
    git(tmp_path, "switch", "-qc", "fix/x")
    for pack in (False, True):
        if pack:
            git(tmp_path, "pack-refs", "--all")
        assert policy("init", tmp_path, "--force", "--format", "json").json()["default_branch"] == "master"


def test_what_a_client_permits_today_stands_as_a_comment(tmp_path: Path) -> None:
    make(
        tmp_path,
        {
            ".claude/settings.json": '{"permissions": {"allow": ["Bash(npm test:*)"], "deny": ["Read(.env)\\n"]}}',
            "AGENTS.md": "",
        },
    )
    text = policy("init", tmp_path, "--format", "json").json()["text"]
    assert "# allow Bash(npm test:*)\n" in text
    assert "AGENTS.md" in text
    assert "Read(.env)" not in text


@pytest.mark.parametrize("level", LEVELS)
def test_behind_walls_git_works_and_what_runs_later_is_held(tmp_path: Path, level: str) -> None:
    folder = make(
        tmp_path, {"package.json": "{}", "pyproject.toml": "", "src/a.ts": "", ".git/HEAD": "ref: refs/heads/main\n"}
    )
    assert policy("init", str(folder), "--level", level, "-o", str(tmp_path / "s.policy")).code == 0
    loaded = Policy.load(str(tmp_path / "s.policy"))

    def effect(action: str, name: str, confined: bool = True) -> str:
        asked = Request(
            action, name, agent="x", workspace="/workspace", home="/home/agent", lexical=True, confined=confined
        )
        return loaded.decide_request(asked).effect

    kept = [
        ("write", ".git/index.lock"),
        ("delete", ".git/index.lock"),
        ("write", ".git/refs/heads/a"),
        ("read", ".git/config"),
    ]
    kept += [("write", "src/b.ts"), ("read", "~/.gitconfig")]
    later = [
        ".git/hooks/pre-commit",
        ".git/config",
        ".git",
        ".git/info/attributes",
        ".envrc",
        "AGENTS.md",
        ".vscode/tasks.json",
    ]
    assert [k for k in kept if effect(*k) != "allow"] == []
    assert [name for name in later if effect("write", name) != "deny"] == []
    assert (effect("write", ".git/index", confined=False), effect("read", ".git/config", confined=False)) == (
        "deny",
        "deny",
    )
    if level != "strict":
        assert (effect("run", "python3 -c 'print(1)'"), effect("run", "python3 -c 'print(1)'", confined=False)) == (
            "allow",
            "ask",
        )
