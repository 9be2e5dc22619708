"""`policy init` writes a policy that passes its own tests, whatever the repository."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

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
    files: dict[str, str], languages: list[str], hosts: set[str], branch: str, tmp_path: Path
) -> None:
    make(tmp_path, files)
    result = policy("init", tmp_path, "--format", "json")
    assert result.code == 0, result.err
    found = result.json()
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
        assert policy("check", written, "connect", host, "--method", "PUT").code == 1


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
