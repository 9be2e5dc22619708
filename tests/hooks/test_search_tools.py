"""The clients' search tools are decided for what they read. Every case goes through the hook, with what the client sends.

What the tools read was measured on the real programs: Claude Code 2.1.197 and the ripgrep within it, Gemini CLI 0.61.0.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from policy_lang import __version__
from policy_lang.compiler.binary import compile_binary
from policy_lang.domain.limits import limit
from policy_lang.pep.clients import client as client_of

from .support import Answer, hook

POLICY = 'policy "p"\nimport std.baseline\nagent "a" { allow read "./" }\n'
PLAIN = {"src/app.ts": "", "README.md": "", "docs/a.txt": ""}


def workspace(folder: Path, files: dict[str, str], git: bool = True, links: dict[str, str] | None = None) -> Path:
    """A repository with these files beside the ordinary ones, and the compiled policy outside."""
    ws = folder / "ws"
    ws.mkdir(parents=True)
    if git:
        subprocess.run(["git", "init", "-q", str(ws)], check=True)
    for name, text in {**PLAIN, **files}.items():
        (ws / name).parent.mkdir(parents=True, exist_ok=True)
        (ws / name).write_text(text)
    for name, target in (links or {}).items():
        (ws / name).symlink_to(target.replace("{out}", str(folder)))
    (folder / "p.policy").write_text(POLICY)
    (folder / "p.plc").write_bytes(compile_binary(str(folder / "p.policy"), __version__))
    (folder / "p.plc").chmod(0o644)
    return ws


def ask(client: str, tool: str, given: dict[str, Any], ws: Path, *options: str) -> Answer:
    given = json.loads(json.dumps(given).replace("{ws}", str(ws)))
    named: dict[str, Any] = {"tool_name": tool, "tool_input": given}
    if client == "copilot":
        named = {"toolName": tool, "toolArgs": given}
    payload = {"cwd": str(ws), **client_of(client).common, **named}
    if client == "cursor":
        payload |= {"hook_event_name": "preToolUse", "workspace_roots": [str(ws)]}
    return hook(client, payload, "--policy", str(ws.parent / "p.plc"), "--agent", "a", *options, cwd=ws)


IGNORED = {".gitignore": "node_modules/\n.env\n*.key.pem\n", ".env": "K=1", "certs/a.key.pem": ""}
"""A repository as most are: its secrets are there, and ignored."""
OPEN = {".env": "K=1"}
G = {"pattern": "TODO"}


CASES = [
    # Claude's Grep is `rg --hidden --glob !.git ... [--type T] [--glob G]...`
    ("claude", "Grep", G, {}, "allow"),
    ("claude", "Grep", G, IGNORED, "allow"),
    ("claude", "Grep", {**G, "path": "{ws}", "output_mode": "content", "-n": True, "context": 3}, IGNORED, "allow"),
    ("claude", "Grep", {**G, "glob": "*.ts"}, IGNORED, "allow"),
    ("claude", "Grep", {**G, "glob": "**/*.{ts,tsx}"}, OPEN, "allow"),
    ("claude", "Grep", {**G, "glob": "src/**/*.ts"}, OPEN, "allow"),
    ("claude", "Grep", {**G, "type": "py"}, OPEN, "allow"),
    ("claude", "Grep", {**G, "glob": "!.env"}, OPEN, "allow"),
    ("claude", "Grep", {**G, "glob": "!**/.env"}, OPEN, "allow"),
    ("claude", "Grep", {**G, "glob": "*.{ts,md} !.env"}, OPEN, "allow"),
    ("claude", "Grep", {**G, "glob": "!.env,!*.pem"}, {**OPEN, "a/x.pem": ""}, "allow"),
    ("claude", "Grep", {**G, "glob": "!{.env,*.pem}"}, {**OPEN, "a/x.pem": ""}, "allow"),
    ("claude", "Grep", {**G, "path": "src"}, OPEN, "allow"),
    ("claude", "Grep", G, {**IGNORED, "sub/deep/.env": "K"}, "allow"),
    ("claude", "Grep", G, {".env.example": "K="}, "allow"),
    ("claude", "Grep", G, OPEN, "deny"),
    ("claude", "Grep", {**G, "output_mode": "files_with_matches"}, OPEN, "deny"),
    ("claude", "Grep", G, {**IGNORED, "sub/.npmrc": "t"}, "deny"),
    ("claude", "Grep", {**G, "path": "{ws}/.env"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "path": "certs/a.key.pem"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "path": ".git"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "path": "{ws}/.git", "glob": "config"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "path": ".."}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "path": "/etc"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "path": "~/.ssh"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "path": " /etc"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "path": "\u00a0~/.ssh\n"}, IGNORED, "deny"),
    ("claude", "Read", {"file_path": " ~/.ssh/id_rsa"}, {}, "deny"),
    ("claude", "Read", {"file_path": "~/.ssh/id_rsa"}, {}, "deny"),
    # a glob that takes something overrides what is ignored, and `.git` as well
    ("claude", "Grep", {**G, "glob": "*"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "glob": "**"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "glob": ".env"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "glob": "*.ts,.e*"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "glob": "{.env,x}"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "glob": "[.]env"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "glob": "\\.env"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "glob": ".?nv"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "glob": "/.env"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "glob": "!.env .env"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "glob": "!.env *nv"}, OPEN, "deny"),
    ("claude", "Grep", {**G, "glob": "!.env\u00a0.*"}, OPEN, "deny"),
    ("claude", "Grep", {**G, "glob": "{.git,config}"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "glob": ".git config"}, IGNORED, "deny"),
    ("claude", "Grep", {**G, "glob": "certs/**"}, IGNORED, "deny"),
    # what looks as if it left the file out, and does not
    ("claude", "Grep", {**G, "glob": "!!.env"}, OPEN, "deny"),
    ("claude", "Grep", {**G, "glob": "!.ENV"}, OPEN, "deny"),
    ("claude", "Grep", {**G, "glob": "#!.env"}, OPEN, "deny"),
    ("claude", "Grep", {**G, "glob": "!.env/"}, OPEN, "deny"),
    ("claude", "Grep", {**G, "glob": "!sub/.env"}, OPEN, "deny"),
    ("claude", "Grep", {**G, "glob": "!.envx"}, OPEN, "deny"),
    ("claude", "Grep", {**G, "glob": "!\\.env"}, {**OPEN, "a/.npmrc": ""}, "deny"),
    ("claude", "Grep", {**G, "type": "nothing-known"}, OPEN, "deny"),
    ("claude", "Grep", {**G, "type": "py", "glob": ".env"}, OPEN, "deny"),
    ("claude", "Grep", {**G, "no_ignore": True}, IGNORED, "deny"),
    # the ignore files are the agent's to write
    ("claude", "Grep", G, {**IGNORED, ".gitignore": ".env\n!.env\n"}, "deny"),
    ("claude", "Grep", G, {**IGNORED, ".ignore": "!.env\n"}, "deny"),
    ("claude", "Grep", G, {**IGNORED, ".rgignore": "!.e*\n"}, "deny"),
    ("claude", "Grep", {**G, "path": "certs"}, {**IGNORED, ".ignore": "!*.pem\n"}, "deny"),
    ("claude", "Grep", G, {**IGNORED, ".ignore": "!*.pem\n", "certs/.gitignore": "*.pem\n"}, "deny"),
    ("claude", "Grep", G, {**IGNORED, "certs/.gitignore": "!*.pem\n"}, "deny"),
    ("claude", "Grep", G, {**IGNORED, "certs/.git/HEAD": ""}, "deny"),
    ("claude", "Grep", G, {**OPEN, ".gitignore": " .env\n"}, "deny"),
    ("claude", "Grep", G, {**OPEN, ".gitignore": ".env/\n"}, "deny"),
    ("claude", "Grep", G, {**OPEN, ".gitignore": "x\u2028.env\n"}, "deny"),
    ("claude", "Grep", G, {**OPEN, ".gitignore": "x\f.env\n"}, "deny"),
    ("claude", "Grep", G, {**OPEN, ".gitignore": "/sub/.env\n#.env\n\\.env \n"}, "deny"),
    ("claude", "Grep", G, {**OPEN, ".gitignore": ".env\n" + "#" * limit("ignore_bytes") + "\n!.env\n"}, "deny"),
    # Claude's Glob lists names; they are those of the folder
    ("claude", "Glob", {"pattern": "**/*"}, IGNORED, "allow"),
    ("claude", "Glob", {"pattern": "**/.env*"}, IGNORED, "allow"),
    ("claude", "Glob", {"pattern": "{ws}/src/**/*.ts"}, OPEN, "allow"),
    ("claude", "Glob", {"pattern": "*.ts", "path": "{ws}/src"}, OPEN, "allow"),
    ("claude", "Glob", {"pattern": "/etc/**"}, OPEN, "deny"),
    ("claude", "Glob", {"pattern": "{ws}/../**"}, OPEN, "deny"),
    ("claude", "Glob", {"pattern": "../**"}, OPEN, "deny"),
    ("claude", "Glob", {"pattern": "{../x,src}/*"}, OPEN, "deny"),
    ("claude", "Glob", {"pattern": "*", "path": "~/.ssh"}, OPEN, "deny"),
    ("claude", "Glob", {"pattern": "*", "path": " ~/.ssh"}, OPEN, "deny"),
    ("claude", "Glob", {"pattern": "~/.ssh/*"}, OPEN, "deny"),
    # Gemini searches by ripgrep, else by `git grep`, `grep -r`, or itself: some of them read what is ignored
    ("gemini", "grep_search", G, {}, "allow"),
    ("gemini", "search_file_content", {**G, "dir_path": "src"}, OPEN, "allow"),
    ("gemini", "grep_search", {**G, "include_pattern": "*.ts"}, OPEN, "allow"),
    ("gemini", "grep_search", {**G, "include_pattern": "**/*.{ts,tsx}"}, OPEN, "allow"),
    ("gemini", "grep_search", {**G, "include_pattern": "!.env"}, OPEN, "allow"),
    ("gemini", "grep_search", {**G, "exclude_pattern": "x", "names_only": True}, {}, "allow"),
    ("gemini", "grep_search", G, {".gitignore": "node_modules/\n", "node_modules/a/x.pem": ""}, "allow"),
    ("gemini", "grep_search", G, IGNORED, "deny"),
    ("gemini", "grep_search", G, OPEN, "deny"),
    ("gemini", "grep_search", {**G, "exclude_pattern": ".env"}, OPEN, "deny"),
    ("gemini", "grep_search", {**G, "no_ignore": True}, {}, "deny"),
    ("gemini", "grep_search", {**G, "no_ignore": True, "include_pattern": "!.env"}, OPEN, "deny"),
    ("gemini", "grep_search", {**G, "include_pattern": "."}, OPEN, "deny"),
    ("gemini", "grep_search", {**G, "include_pattern": ":(exclude)x"}, OPEN, "deny"),
    ("gemini", "grep_search", {**G, "include_pattern": ".*"}, OPEN, "deny"),
    ("gemini", "grep_search", {**G, "include_pattern": "s*v"}, {"src/.env": ""}, "deny"),
    ("gemini", "grep_search", {**G, "include_pattern": "sub"}, {"sub/.env": ""}, "deny"),
    ("gemini", "grep_search", {**G, "include_pattern": "!x\u0000"}, OPEN, "deny"),
    ("gemini", "grep_search", {**G, "dir_path": "/etc"}, {}, "deny"),
    ("gemini", "grep_search", {**G, "dir_path": ".git"}, {}, "deny"),
    ("gemini", "glob", {"pattern": "**/*"}, OPEN, "allow"),
    ("gemini", "glob", {"pattern": "**/*", "respect_git_ignore": False}, OPEN, "allow"),
    ("gemini", "glob", {"pattern": "{../x,src}/*"}, OPEN, "deny"),
    ("gemini", "glob", {"pattern": "{/etc,src}/*"}, OPEN, "deny"),
    ("gemini", "glob", {"pattern": "@(..|x)/*"}, OPEN, "deny"),
    ("gemini", "list_directory", {"dir_path": ".", "file_filtering_options": {"respect_git_ignore": False}}, OPEN, "allow"),
    ("gemini", "list_directory", {"dir_path": ".."}, OPEN, "deny"),
    ("gemini", "read_many_files", {"include": ["src/**"]}, OPEN, "deny"),
    # what nobody has measured counts as a reading of everything
    ("copilot", "grep", {**G, "path": "src"}, OPEN, "allow"),
    ("copilot", "grep", G, OPEN, "deny"),
    ("copilot", "rg", {**G, "glob": "!.env"}, IGNORED, "deny"),
    ("copilot", "glob", {"pattern": "**/*"}, OPEN, "allow"),
    ("copilot", "glob", {"pattern": "{/etc,x}/*"}, OPEN, "deny"),
    ("copilot", "grep_search", {"query": "x"}, {}, "deny"),
    ("cursor", "Grep", {**G, "path": "src"}, OPEN, "allow"),
    ("cursor", "Grep", G, IGNORED, "deny"),
    ("cursor", "Glob", {"glob_pattern": "**/*"}, OPEN, "allow"),
    ("cursor", "Glob", {"glob_pattern": "../*"}, OPEN, "deny"),
    # Codex has no search tool: its model runs commands
    ("codex", "Bash", {"command": "rg TODO"}, IGNORED, "deny"),
    ("codex", "grep_files", {"pattern": "x"}, IGNORED, "deny"),
]  # fmt: skip


@pytest.mark.parametrize(("client", "tool", "given", "files", "verdict"), CASES, ids=range(len(CASES)))
def test_a_search_is_decided_for_what_it_reads(
    client: str, tool: str, given: dict[str, Any], files: dict[str, str], verdict: str, tmp_path: Path
) -> None:
    answer = ask(client, tool, given, workspace(tmp_path, files))
    assert answer.verdict == verdict, answer


def test_without_a_repository_nothing_is_ignored(tmp_path: Path) -> None:
    """As ripgrep has it, which reads `.gitignore` only inside of one."""
    assert ask("claude", "Grep", G, workspace(tmp_path, IGNORED, git=False)).verdict == "deny"


def test_an_ignore_file_that_is_none_leaves_nothing_out(tmp_path: Path) -> None:
    ws = workspace(tmp_path, {**OPEN, "own": ".env\n"}, links={".gitignore": "own"})
    assert ask("claude", "Grep", G, ws).verdict == "deny"
    (ws / ".gitignore").unlink()
    (ws / ".gitignore").write_bytes(b"\xff\n.env\n!.env\n")
    assert ask("claude", "Grep", G, ws).verdict == "deny"


def test_links_below_the_folder(tmp_path: Path) -> None:
    """ripgrep follows none, but the one that it is given; Gemini's own search follows those of files."""
    (tmp_path / "out").mkdir(parents=True)
    (tmp_path / "out/o.txt").write_text("")
    ws = workspace(tmp_path, {}, links={"away": "{out}/out", "one": "{out}/out/o.txt"})
    assert ask("claude", "Grep", G, ws).verdict == "allow"
    assert ask("claude", "Grep", {**G, "path": "away"}, ws).verdict == "deny"
    assert ask("claude", "Glob", {"pattern": "*", "path": "away"}, ws).verdict == "deny"
    assert ask("gemini", "grep_search", G, ws).verdict == "deny"


def test_a_worktree_is_a_repository_as_well(tmp_path: Path) -> None:
    ws = workspace(tmp_path, {**IGNORED, ".git": "gitdir: ../main/.git/worktrees/x\n"}, git=False)
    assert ask("claude", "Grep", G, ws).verdict == "allow"


def test_a_large_tree_is_looked_at_to_its_limit(tmp_path: Path) -> None:
    ws = workspace(tmp_path, {".gitignore": "big/\n"})
    (ws / "big").mkdir()
    (ws / "many").mkdir()
    for i in range(limit("tree_files") + 1):
        (ws / f"big/{i}").touch()
    slow = ("--timeout", "20")  # on a busy machine the hook would give up first
    assert ask("claude", "Grep", G, ws, *slow).verdict == "allow"  # what is ignored is not looked at
    (ws / ".gitignore").unlink()
    answer = ask("claude", "Grep", G, ws, *slow)
    assert answer.verdict == "deny"
    assert "name a smaller folder" in answer.err


@pytest.mark.parametrize(
    ("client", "tool", "argument", "files"),
    [
        ("claude", "Grep", "glob", OPEN), ("claude", "Grep", "glob", {"a/b/.env": "", "c/x.pem": "", "d/.npmrc": ""}),
        ("gemini", "grep_search", "include_pattern", IGNORED), ("claude", "Grep", "glob", {"my.env": "", "a/.env.local": ""}),
    ],
)  # fmt: skip
def test_the_answer_names_the_file_and_the_argument_that_leaves_it_out(
    client: str, tool: str, argument: str, files: dict[str, str], tmp_path: Path
) -> None:
    """Following the advice, one file after the other, leads to a search that is allowed."""
    ws = workspace(tmp_path, files)
    given: dict[str, Any] = dict(G)
    for _ in range(4):
        answer = ask(client, tool, given, ws)
        if answer.verdict == "allow":
            break
        head, told, tail = answer.err.partition(f'`{argument}: "')
        assert told, answer.err
        given[argument] = tail.partition('"`')[0]
        assert any(name in head for name in files), answer.err
    assert answer.verdict == "allow", answer
    assert argument in given


@pytest.mark.parametrize(
    ("client", "tool", "given", "files"),
    [
        ("claude", "Grep", {**G, "path": "/etc"}, {}), ("claude", "Grep", {**G, "path": "{ws}/.env"}, OPEN),
        ("copilot", "grep", G, OPEN), ("cursor", "Grep", G, OPEN), ("claude", "Grep", G, {"we!rd [x] .env": ""}), ("gemini", "grep_search", {**G, "include_pattern": "*.*"}, OPEN),
    ],
)  # fmt: skip
def test_no_argument_is_named_that_would_not_help(
    client: str, tool: str, given: dict[str, Any], files: dict[str, str], tmp_path: Path
) -> None:
    answer = ask(client, tool, given, workspace(tmp_path, files))
    assert answer.verdict == "deny"
    assert '"!' not in answer.err


def test_more_names_than_the_limit_are_not_named(tmp_path: Path) -> None:
    most = limit("search_names_left_out")
    ws = workspace(tmp_path, {f"d/{i}.pem": "" for i in range(most)})
    answer = ask("claude", "Grep", G, ws)
    shown = answer.err.partition('glob: "!{')[2].partition('}"')[0]
    assert sorted(shown.split(",")) == [f"{i}.pem" for i in range(most)]
    (ws / "one-more.pem").touch()
    assert '"!' not in ask("claude", "Grep", G, ws).err
