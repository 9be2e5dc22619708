"""The command line: exit codes, streams, JSON, every command."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from .support import EXAMPLES, ROOT, policy

WEB = EXAMPLES / "web/web.policy"
SIMPLE = """policy "simple"
tier review { approvers "@x" }
context { env: "dev" | "prod"
 n: int
 ok: bool }
allow read "src/**"
rule asked: ask review write "src/**" because "look"
deny read "src/secret"
allow do "x" when env == "dev" and n > 1 and ok
allow run "git status", "ls **"
allow connect GET "a.example"
test "t" { allow read "src/a"  ask review write "src/a"  deny read "src/secret" }
"""


@pytest.fixture
def simple(tmp_path: Path) -> Path:
    path = tmp_path / "simple.policy"
    path.write_text(SIMPLE)
    return path


def test_check_exits_by_the_decision(simple: Path) -> None:
    assert policy("check", simple, "read", "src/a").code == 0
    assert policy("check", simple, "read", "src/secret").code == 1
    asked = policy("check", simple, "write", "src/a")
    assert asked.code == 3
    assert "ask needs review" in asked.out
    assert "look" in asked.out
    assert f"{simple}:7" in asked.out
    assert asked.err == ""


def test_check_takes_words_and_scripts(simple: Path) -> None:
    assert policy("check", simple, "run", "git status").code == 0
    assert policy("check", simple, "run", "git", "status").code == 0
    assert policy("check", simple, "run", "--", "ls", "-la", "--all", "src/a").code == 0
    assert policy("check", simple, "run", "git status; ls src/a").code == 0
    assert policy("check", simple, "run", "git status; ./x").code == 1
    assert policy("check", simple, "connect", "a.example", "--method", "GET").code == 0
    assert policy("check", simple, "connect", "a.example").code == 1
    assert policy("check", simple, "read", "src/*", "--pattern").code == 1


def test_check_takes_context(simple: Path) -> None:
    right = ("--context", "env=dev", "--context", "n=2", "--context", "ok=true")
    assert policy("check", simple, "do", "x", *right).code == 0
    assert policy("check", simple, "do", "x", "--context", "env=dev").code == 1
    for wrong in ("env=nope", "n=x", "ok=1", "other=1", "env", "n=99999999999999999999"):
        result = policy("check", simple, "do", "x", "--context", wrong)
        assert result.code == 2
        assert "error:" in result.err


def test_check_json(simple: Path) -> None:
    result = policy("check", simple, "write", "src/a", "--format", "json")
    answer = result.json()
    assert result.code == 3
    assert (answer["effect"], answer["tiers"]) == ("ask", ["review"])
    assert answer["rules"] == [
        {"id": "simple#asked", "effect": "ask", "file": str(simple), "line": 7, "tier": "review", "because": "look"}
    ]
    assert answer["effects"] == [
        {"action": "write", "resource": "src/a", "effect": "ask", "rules": ["simple#asked"], "tiers": ["review"]}
    ]
    assert answer["policy_digest"].startswith("sha256:")
    assert len(answer["decision_id"]) == 32
    assert set(answer) == {
        "effect",
        "tiers",
        "rules",
        "reasons",
        "effects",
        "opaque",
        "obligations",
        "policy_digest",
        "decision_id",
    }


@pytest.mark.parametrize(
    "arguments",
    [("check",), ("check", "missing.policy", "read", "a"), ("check", "."), ("nope",), ("check", "SIMPLE"),
     ("check", "SIMPLE", "raed", "a"), ("check", "SIMPLE", "read"), ("check", "SIMPLE", "read", "a", "b"),
     ("check", "SIMPLE", "read", "a", "--nope"), ("check", "SIMPLE", "read", "a", "--requests", "x"),
     ("check", "SIMPLE", "--requests", "missing.jsonl"), ("check", "SIMPLE", "--requests", "."), ("fmt",), ("test",), ("prove",),
     ("fmt", "missing.policy"), ("test", "missing.policy"), ("rule", "PLE999"), ("completion", "tcsh"), ("init", "missing"),
     ("explain", "SIMPLE"), ("check", "SIMPLE", "connect", "a", "--method", "NOPE"), ("check", "SIMPLE", "read", "a", "--now", "x")],
)  # fmt: skip
def test_wrong_calls_exit_2(arguments: tuple[str, ...], simple: Path, tmp_path: Path) -> None:
    result = policy(*(str(simple) if a == "SIMPLE" else a for a in arguments), cwd=tmp_path)
    assert result.code == 2
    assert result.err


def test_no_command_shows_help() -> None:
    assert "Review:" in policy("--help").out
    result = policy()
    assert result.code == 2


def test_a_recorded_session_is_reported(simple: Path) -> None:
    lines = [
        {"action": "read", "resource": "src/a"},
        {"action": "write", "resource": "src/a"},
        {"action": "read", "resource": "/x"},
    ]
    result = policy("check", simple, "--requests", "-", stdin="\n".join(map(json.dumps, lines)))
    assert result.code == 0
    assert "3 requests decided" in result.out
    assert f"{simple}:7  simple#asked: look" in result.out
    assert "no rule of `simple` grants `read` on this" in result.out


def test_an_invalid_line_is_answered_in_its_place(simple: Path) -> None:
    data = '{"id": "1", "action": "read", "resource": "src/a"}\n\n{"action": "read"}\nnope\n{"id": "4", "action": "read", "resource": "x"}'
    result = policy("check", simple, "--requests", "-", "--format", "json", stdin=data)
    assert result.code == 2
    answers = [json.loads(line) for line in result.out.splitlines()]
    assert [a.get("effect") for a in answers] == ["allow", None, None, "deny"]
    assert [a.get("id") for a in answers] == ["1", None, None, "4"]
    assert answers[1]["error"] == {"code": "PLR105", "message": "the field `resource` is missing", "line": 3}
    assert answers[2]["error"]["code"] == "PLR103"
    text = policy("check", simple, "--requests", "-", stdin=data)
    assert text.code == 2
    assert "2 requests decided, 2 not valid" in text.out


def test_an_empty_session_is_no_success(simple: Path) -> None:
    assert policy("check", simple, "--requests", "-", stdin="").code == 2
    assert policy("check", simple, "--requests", "-", stdin="\n\n").code == 2


@pytest.mark.parametrize("name", ["web", "service"])
def test_the_examples_sessions(name: str) -> None:
    folder = EXAMPLES / name
    arguments = (
        "check",
        folder / f"{name}.policy",
        "--requests",
        folder / "session.jsonl",
        "--now",
        "2026-11-18T10:00Z",
    )
    text = policy(*arguments)
    assert text.code == 0
    lines = (folder / "session.jsonl").read_text().splitlines()
    assert len(lines) >= 150
    assert f"{len(lines)} requests decided" in text.out
    answers = [json.loads(a) for a in policy(*arguments, "--format", "json").out.splitlines()]
    effects = {e: sum(a["effect"] == e for a in answers) for e in ("allow", "ask", "deny")}
    assert min(effects.values()) >= 10
    hostile = (
        "169.254",
        "evil",
        "attacker",
        ".ssh",
        ".aws",
        "shadow",
        "hooks/",
        "LD_PRELOAD",
        "NODE_OPTIONS",
        "~/.bashrc",
    )
    for line, answer in zip(lines, answers, strict=True):
        request = json.loads(line)
        if any(word in str(request["resource"]) for word in hostile) and "-m" not in str(request["resource"]):
            assert answer["effect"] == "deny" or answer["opaque"], line


def test_a_progress_bar_only_on_a_terminal(simple: Path, tmp_path: Path) -> None:
    session = tmp_path / "many.jsonl"
    session.write_text('{"action": "read", "resource": "src/a"}\n' * 20_000)
    assert "deciding" not in policy("check", simple, "--requests", session).err
    leader, follower = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "policy_lang", "check", str(simple), "--requests", str(session)],
        stdout=follower,
        stderr=follower,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            chunk = os.read(leader, 4096)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    os.close(leader)
    assert done.wait() == 0
    assert b"deciding" in shown
    assert b"20000 requests decided" in shown


def test_explain(simple: Path) -> None:
    result = policy("explain", simple, "read", "src/secret")
    assert result.code == 1
    assert "read as <workspace>/src/secret" in result.out
    assert "it matches" in result.out
    answer = policy("explain", simple, "read", "src/secret", "--format", "json").json()
    assert {c["holds"] for c in answer["candidates"]} == {"yes"}
    assert {c["effect"] for c in answer["candidates"]} == {"allow", "deny"}


def test_test(simple: Path, tmp_path: Path) -> None:
    good = policy("test", simple)
    assert good.code == 0
    assert "3 passed, 0 failed" in good.out
    assert "no test" in good.out  # rules that nothing exercises are listed
    assert policy("test", simple, "--min-coverage", "100").code == 1
    bad = tmp_path / "bad.policy"
    bad.write_text('policy "bad"\nallow read "a"\ntest "wrong" { deny read "a" }')
    result = policy("test", simple, bad)
    assert result.code == 1
    assert f"{bad}:3:26" in result.out
    assert "expected deny, got allow" in result.out
    data = policy("test", simple, bad, "--format", "json").json()
    assert data["passed"] is False
    assert [len(f["failed"]) for f in data["files"]] == [0, 1]
    none = tmp_path / "none.policy"
    none.write_text('policy "none"\nallow read "a"')
    assert policy("test", none).code == 1


def test_a_folder_is_formatted_as_a_whole(tmp_path: Path) -> None:
    for name in ("b/c/one.policy", "b/.hidden/two.policy", "b/three.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('policy   "p"\nallow   read "a"\n')
    (tmp_path / "b/away").symlink_to(tmp_path)  # a link to a folder is not followed
    done = policy("fmt", "--check", "--format", "json", tmp_path / "b")
    assert done.code == 1 and done.json()["changed"] == [str(tmp_path / "b/c/one.policy")]
    assert policy("fmt", tmp_path / "b").code == 0
    assert policy("fmt", "--check", tmp_path / "b").code == 0
    assert "  " in (tmp_path / "b/.hidden/two.policy").read_text()
    (tmp_path / "empty").mkdir()
    nothing = policy("fmt", tmp_path / "empty")
    assert nothing.code == 2 and "no `.policy` file below" in nothing.err


def test_fmt(tmp_path: Path) -> None:
    path = tmp_path / "x.policy"
    text = 'policy   "x" # name\n\n\n\nallow  read "a" ,"b"   # why\n'
    path.write_text(text)
    path.chmod(0o640)
    assert policy("fmt", "--check", path).code == 1
    diff = policy("fmt", "--diff", path)
    assert diff.code == 1
    assert '+allow read "a", "b"  # why' in diff.out
    assert path.read_text() == text
    assert policy("fmt", path).code == 0
    assert path.read_text() == 'policy "x"  # name\n\nallow read "a", "b"  # why\n'
    assert path.stat().st_mode & 0o777 == 0o640
    assert policy("fmt", "--check", path).code == 0
    assert policy("fmt", "-", stdin=text).out == path.read_text()
    broken = tmp_path / "broken.policy"
    broken.write_text("allwo")
    path.write_text(text)
    assert policy("fmt", path, broken).code == 2
    assert path.read_text() == text  # nothing half-done
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".policy")] == []


def test_rule() -> None:
    assert "an unknown tier" in policy("rule", "ple203").out
    assert policy("rule", "PLE203", "--format", "json").json()["code"] == "PLE203"
    assert "PLI001" in policy("rule").out
    assert len(policy("rule", "--format", "json").json()) > 80


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    assert "_POLICY_COMPLETE" in policy("completion", shell).out


def test_completion_completes() -> None:
    result = policy(_POLICY_COMPLETE="bash_complete", COMP_WORDS="policy ch", COMP_CWORD="1")
    assert "check" in result.out or result.code != 0


def test_version() -> None:
    assert "language 1" in policy("--version").out


def test_a_closed_pipe_is_quiet(simple: Path) -> None:
    code = f"{sys.executable} -m policy_lang rule | head -1"
    done = subprocess.run(
        ["/bin/sh", "-c", code], check=False, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.stderr == b""


def test_our_own_fault_exits_4(simple: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import policy_lang.policy as p\np.Policy.load = classmethod(lambda *a: 1 / 0)\n"
    )
    result = policy("check", simple, "read", "a", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert result.code == 4
    assert "internal error (PLI001)" in result.err


def test_compile_then_check(tmp_path: Path) -> None:
    source = tmp_path / "p.policy"
    source.write_text('policy "p"\nallow read "src/**"\n')
    made = policy("compile", source, "--format", "json").json()
    assert made["file"] == str(tmp_path / "p.plc")
    assert made["bytes"] == (tmp_path / "p.plc").stat().st_size
    assert (tmp_path / "p.plc").stat().st_mode & 0o777 == 0o644
    assert sorted(p.name for p in tmp_path.iterdir()) == ["p.plc", "p.policy"]
    for path in (source, tmp_path / "p.plc"):
        assert policy("check", path, "read", "src/a").code == 0
        assert policy("check", path, "read", "lib/a").code == 1
        assert policy("explain", path, "read", "src/a").code == 0
    assert "PLE007" in policy("lint", tmp_path / "p.plc").err
    assert "compiled already" in policy("compile", tmp_path / "p.plc").err
    source.write_text('policy "p"\nallow read "lib/**"\n')
    stale = policy("check", tmp_path / "p.plc", "read", "src/a")
    assert (stale.code, "PLE006" in stale.err) == (0, True)


def test_compile_refuses(tmp_path: Path) -> None:
    source = tmp_path / "p.policy"
    source.write_text('policy "p"\nallow raed "src/**"\n')
    assert policy("compile", source).code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["p.policy"]
    source.write_text('policy "p"\nallow read "src/**"\n')
    assert "does not end in `.plc`" in policy("compile", source, "-o", tmp_path / "x").err
    assert "cannot be written" in policy("compile", source, "-o", tmp_path / "none/x.plc").err
    (tmp_path / "folder.plc").mkdir()
    assert "cannot be written" in policy("compile", source, "-o", tmp_path / "folder.plc").err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.plc", "p.policy"]
