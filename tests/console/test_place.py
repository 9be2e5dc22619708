"""`policy check` and `policy explain` say what a client's hook says in the same place, unless options say otherwise."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from policy_lang import __version__
from policy_lang.compiler.binary import compile_binary
from policy_lang.pep.clients import client as client_of
from tests.hooks.support import hook

from .support import Result, git, policy

POLICY = """policy "p"
import std.baseline
import std.git
allow read "./"
allow write "src/**"
allow run "git **", "{cat,rg,grep,ls,cd,rm} **"
allow push "feat/**"
allow delete "build/**"
"""
COMMANDS = [
    "git push", "git push -u origin HEAD", "git push origin HEAD:main", "git status", "cat src/app.ts", "cat ../src/app.ts", "cat app.ts",
    "rg TODO", "rg --hidden TODO", "grep -r TODO .", "cat ~/.ssh/id_rsa", "rm -rf build", "rm -rf ../build", "cd src && cat app.ts", "cat link",
    "cat /etc/hosts", "ls ..", "git commit -m x && git push", "cat src/none.ts", "rm -rf src", "git -C .. push", "npm test",
]  # fmt: skip
FILES = ("src/app.ts", "build/out.js", "sub/app.ts", ".gitignore", ".env")


@dataclass
class Place:
    top: Path
    cwd: Path
    home: Path


@pytest.fixture(params=["top", "subfolder", "worktree", "detached", "packed", "no repository"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    kind = str(request.param)
    top, home = tmp_path / "ws", tmp_path / "home"
    home.mkdir()
    for name in FILES:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(".env\n" if name == ".gitignore" else "")
    (top / "link").symlink_to("/etc/hostname")
    if kind != "no repository":
        git(top, "init", "-q", "-b", "feat/x")
        git(top, "add", ".")
        git(top, "commit", "-qm", "x")
        git(top, "remote", "add", "origin", "https://h.example/r")
    if kind == "detached":
        git(top, "checkout", "-q", "--detach")
    if kind == "packed":
        git(top, "pack-refs", "--all")
    if kind == "worktree":
        git(top, "worktree", "add", "-q", "-b", "feat/y", str(tmp_path / "other"))
        top = tmp_path / "other"
        (top / "link").unlink(missing_ok=True)
        (top / "link").symlink_to("/etc/hostname")
    return Place(top, top / "sub" if kind == "subfolder" else top, home)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policy")
    (folder / "p.policy").write_text(POLICY)
    (folder / "p.plc").write_bytes(compile_binary(str(folder / "p.policy"), __version__))
    (folder / "p.plc").chmod(0o644)
    return folder / "p.plc"


def asked(command: str, compiled: Path, action: str, resource: str, place: Place, *options: str) -> Result:
    words = ("--", resource)
    return policy(command, compiled, action, *options, "--format", "json", *words, cwd=place.cwd, HOME=str(place.home))


def hooked(tool: str, given: dict[str, str], compiled: Path, place: Place) -> tuple[str, str]:
    payload = {"cwd": str(place.cwd), **client_of("claude").common, "tool_name": tool, "tool_input": given}
    answer = hook("claude", payload, "--policy", str(compiled), cwd=place.top, HOME=str(place.home))
    inner = answer.said["hookSpecificOutput"]
    return inner["permissionDecision"], inner["permissionDecisionReason"]


def test_commands_get_the_answer_of_the_hook(place: Place, compiled: Path) -> None:
    effects = set()
    for command in COMMANDS:
        effect, why = hooked("Bash", {"command": command}, compiled, place)
        for way in ("check", "explain"):
            found = asked(way, compiled, "run", command, place).json()
            reasons = "; ".join(found["reasons"][:5])
            assert (found["effect"], reasons[:2000] in why) == (effect, True), (way, command, reasons, why)
        effects.add(effect)
    assert effects == {"allow", "deny"}


@pytest.mark.parametrize(("tool", "action"), [("Read", "read"), ("Write", "write")])
def test_files_get_the_answer_of_the_hook(place: Place, compiled: Path, tool: str, action: str) -> None:
    for name in ("src/app.ts", "app.ts", "../src/app.ts", ".env", "link", "/etc/hosts", "~/.ssh/id_rsa"):
        given = {"file_path": name, **({"content": ""} if tool == "Write" else {})}
        effect, why = hooked(tool, given, compiled, place)
        found = asked("check", compiled, action, name, place).json()
        assert found["effect"] == effect, (name, found, why)
        assert all(reason in why for reason in found["reasons"][:5]), (name, found, why)


def test_a_push_is_one_of_the_branch(tmp_path: Path, compiled: Path) -> None:
    top = tmp_path / "ws"
    top.mkdir()
    git(top, "init", "-q", "-b", "feat/x")
    git(top, "remote", "add", "origin", "https://h.example/r")
    here = Place(top, top, tmp_path)
    assert asked("check", compiled, "run", "git push -u origin HEAD", here).code == 0
    assert asked("check", compiled, "run", "git push -u origin HEAD", here, "--branch", "main").code == 1
    assert asked("check", compiled, "run", "git push -u origin HEAD", here, "--bare").code == 1
    assert asked("check", compiled, "push", "HEAD", here).code == 0


def test_options_win(tmp_path: Path, compiled: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "src").mkdir(parents=True)
        (tmp_path / name / ".git").mkdir()
    here = Place(tmp_path / "a", tmp_path / "a", tmp_path)
    target = str(tmp_path / "b/src/x")
    assert asked("check", compiled, "write", target, here).code == 1
    assert asked("check", compiled, "write", target, here, "--workspace", str(tmp_path / "b")).code == 0
    assert asked("check", compiled, "write", "src/x", here, "--workspace", str(tmp_path / "b")).code == 0
    assert asked("check", compiled, "write", "x", here, "--cwd", str(tmp_path / "b/src")).code == 0
    assert asked("check", compiled, "read", "~/x", here).code == 1
    assert asked("check", compiled, "read", "~/x", here, "--home", str(tmp_path / "a")).code == 0


def test_the_bare_question_looks_nowhere(tmp_path: Path, compiled: Path) -> None:
    (tmp_path / "src").symlink_to("/etc")
    here = Place(tmp_path, tmp_path, tmp_path)
    assert asked("check", compiled, "write", "src/x", here).code == 1
    assert asked("check", compiled, "write", "src/x", here, "--bare").code == 0
    assert asked("check", compiled, "write", "src/x", here, "--pattern").code == 0


def test_lines_of_a_file_are_asked_as_they_stand(tmp_path: Path, compiled: Path) -> None:
    (tmp_path / "src").symlink_to("/etc")
    line = json.dumps({"action": "write", "resource": "src/x"})
    done = policy(
        "check", compiled, "--requests", "-", "--format", "json", stdin=line, cwd=tmp_path, HOME=str(tmp_path)
    )
    assert done.json()["effect"] == "allow"


def test_the_whole_disk_is_no_workspace(compiled: Path, tmp_path: Path) -> None:
    if os.path.lexists("/.git"):
        pytest.skip("the root of this disk is a repository")
    assert asked("check", compiled, "write", "/src/x", Place(Path("/"), Path("/"), tmp_path)).code == 1


def test_explain_says_what_was_taken(tmp_path: Path, compiled: Path) -> None:
    top = tmp_path / "ws"
    (top / "sub").mkdir(parents=True)
    git(top, "init", "-q", "-b", "feat/x")
    said = policy("explain", compiled, "run", "git status", cwd=top / "sub", HOME=str(tmp_path)).out.splitlines()
    assert said[-1] == f"asked from here: workspace `{top}`, folder `{top}/sub`, branch `feat/x`; --bare asks without"
    said = policy("explain", compiled, "read", "x", cwd=top, HOME=str(tmp_path)).out.splitlines()
    assert said[-1] == f"asked from here: workspace `{top}`; --bare asks without"
    for options in (("--bare",), ("--pattern",)):
        assert "asked from here" not in policy("explain", compiled, "read", "x", *options, cwd=top).out
    assert "asked from here" not in policy("check", compiled, "read", "x", cwd=top, HOME=str(tmp_path)).out


def test_json_has_the_nearest_rule(tmp_path: Path, compiled: Path) -> None:
    here = Place(tmp_path, tmp_path, tmp_path)
    for way in ("check", "explain"):
        (near,) = asked(way, compiled, "write", "src", here).json()["nearest"]
        assert (near["action"], near["pattern"]) == ("write", "src/**")
        assert near["difference"] == "what is granted is inside of `src`"
        assert (near["rule"]["effect"], near["rule"]["line"]) == ("allow", 5)
        assert "nearest" not in asked(way, compiled, "write", "src/x.ts", here).json()
        assert "nearest" not in asked(way, compiled, "write", ".git/config", here).json()
    text = policy("check", compiled, "write", "src", cwd=tmp_path, HOME=str(tmp_path)).out
    assert "nearest: " in text
    assert near["difference"] in text
