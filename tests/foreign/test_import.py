"""`policy import`, and `policy lint` of permission files, as a user calls them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from policy_lang.foreign.formats import format_of
from tests.console.support import ROOT, policy

SETTINGS = """\
{
  "permissions": {
    "allow": [
      "Bash(npm run test:*)",
      "Edit(src/**)",
      "Write(docs/**)",
      "Read(/etc/hosts)",
      "mcp__tracker"
    ],
    "deny": ["Read(./.env)", "Write(secrets/**)"],
    "ask": ["Bash(git push:*)"]
  }
}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / ".claude/settings.json"
    file.parent.mkdir()
    file.write_text(SETTINGS)
    return file


def test_what_is_written_compiles_and_its_tests_pass(settings: Path, tmp_path: Path) -> None:
    out = tmp_path / "agent.policy"
    done = policy("import", str(settings), "-o", str(out))
    assert done.code == 0, done.err
    assert policy("test", str(out)).code == 0
    assert policy("fmt", "--check", str(out)).code == 0
    assert policy("check", str(out), "run", "--bare", "npm run test x").code == 0
    assert policy("check", str(out), "read", "--bare", ".env").code == 1
    assert policy("check", str(out), "write", "--bare", "docs/a.md").code == 3
    text = out.read_text()
    assert "line 4: allow Bash(npm run test:*)" in text
    assert "line 6: allow Write(docs/**): never had an effect" in text


def test_the_report_counts_what_came_over(settings: Path) -> None:
    done = policy("import", str(settings))
    assert 'policy "imported"' in done.out
    assert "8 permissions of Claude Code" in done.err
    assert "2 never had an effect" in done.err
    found = policy("import", str(settings), "--format", "json").json()
    fits = {one["text"]: (one["line"], one["fit"]) for one in found["permissions"] if one["line"]}
    assert fits["deny Write(secrets/**)"] == (10, "idle")
    assert fits["deny Read(./.env)"] == (10, "exact")
    assert fits["ask Bash(git push:*)"][0] == 11


def test_several_scopes_hold_together(settings: Path) -> None:
    local = settings.with_name("settings.local.json")
    local.write_text('{"permissions": {"deny": ["Bash(npm run test:*)"]}}')
    found = policy("import", str(settings), str(local), "--format", "json").json()
    assert found["files"] == [str(settings), str(local)]
    assert 'deny run "npm run test **"' in found["text"]
    assert f"{local}, line 1: deny Bash(npm run test:*)" in found["text"]
    assert f"{settings}, line 4: allow Bash(npm run test:*)" in found["text"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (".claude/settings.json", '{"permissions": {"allow": ["a" "b"]}}', "`,` or `]` was expected"),
        (".claude/settings.json", "[]", "an object was expected"),
        (".claude/settings.json", '{"permissions": {"allow": "Bash"}}', "`allow` is not a list"),
        (".claude/settings.json", '{"permissions": {"allow": [1]}}', "not a string"),
        ("other.json", "{}", "say whose it is with `--client`"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, text: str, words: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    done = policy("import", str(file))
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_missing_file_and_a_folder_are_said(tmp_path: Path) -> None:
    (tmp_path / ".claude/settings.json").mkdir(parents=True)
    for path in (tmp_path / ".claude/settings.local.json", tmp_path / ".claude/settings.json"):
        for command in ("import", "lint"):
            done = policy(command, str(path))
            assert done.code == 2, command
            assert "there is no file" in done.err or "is a folder" in done.err


def test_findings_stand_at_the_lines_of_the_file(settings: Path) -> None:
    found = policy("lint", str(settings), "--format", "json", "--exit-zero").json()["findings"]
    at = {(one["code"], one["line"]) for one in found}
    assert ("PRM001", 6) in at
    assert ("PRM001", 10) in at
    assert ("PRM002", 7) in at
    assert ("AGT005", 8) in at
    assert {os.path.basename(one["file"]) for one in found} == {"settings.json"}
    severe = {one["line"]: one["severity"] for one in found if one["code"] == "PRM001"}
    assert severe == {6: "warning", 10: "error"}
    assert not [one for one in found if one.get("fixes") or one.get("fix")]


def test_a_file_that_says_nothing_has_findings_of_the_client_alone(settings: Path) -> None:
    settings.write_text("{}")
    found = policy("lint", str(settings), "--format", "json", "--exit-zero").json()["findings"]
    assert {one["code"] for one in found} <= {"SEM008"}


def test_fixes_are_for_policies(settings: Path) -> None:
    done = policy("lint", "--fix", str(settings))
    assert done.code == 2
    assert "`--fix` changes policies alone" in done.err
    assert settings.read_text() == SETTINGS


def test_a_change_is_compared_with_a_revision(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(settings.parent.parent)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        assert os.spawnvp(os.P_WAIT, "git", [*git, *words]) == 0
    name = ".claude/settings.json"
    assert policy("lint", "--against", "HEAD", name, cwd=settings.parent.parent).code == 0
    settings.write_text(SETTINGS.replace('"mcp__tracker"', '"mcp__tracker", "mcp__bank", "Glob(x/**)"'))
    done = policy("lint", "--against", "HEAD", name, "--format", "json", cwd=settings.parent.parent)
    found = {(one["code"], one["line"]) for one in done.json()["findings"]}
    assert done.code == 1
    assert ("AGT005", 8) in found
    assert ("PRM001", 8) in found
    assert ("PTH006", 7) not in found
    assert json.loads(done.out)


def test_files_that_the_hook_takes_are_of_a_known_format() -> None:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text()
    (pattern,) = re.findall(r"- id: policy-lint-permissions\n(?:.*\n)*?  files: (.*)", text)
    names = [
        ".claude/settings.json", "a/.claude/settings.local.json", ".codex/rules/default.rules", ".codex/config.toml",
        ".gemini/settings.json", ".gemini/policies/a.toml", ".cursor/cli.json", ".cursor/permissions.json",
        "opencode.json", "opencode.jsonc", "copilot.flags",
    ]  # fmt: skip
    assert [name for name in names if not re.search(pattern, name) or format_of(name) is None] == []
    assert not re.search(pattern, "settings.json")


def imported_policy(tmp_path: Path, *settings: str) -> Path:
    names, out = ("settings.json", "settings.local.json"), tmp_path / "agent.policy"
    (tmp_path / ".claude").mkdir(exist_ok=True)
    files = [tmp_path / ".claude" / name for name in names[: len(settings)]]
    for file, text in zip(files, settings, strict=True):
        file.write_text(text)
    assert policy("import", *map(str, files), "-o", str(out)).code == 0
    return out


def test_what_is_asked_of_edits_is_asked_of_deletions(tmp_path: Path) -> None:
    out = imported_policy(tmp_path, '{"permissions": {"defaultMode": "acceptEdits", "ask": ["Edit(src/**)"]}}')
    for words in (("write", "src/a"), ("delete", "src/a"), ("run", "--", "rm src/a")):
        assert policy("check", str(out), words[0], "--bare", *words[1:]).code == 3, words


def test_a_host_that_may_be_fetched_is_not_one_that_may_be_sent_to(tmp_path: Path) -> None:
    out = imported_policy(tmp_path, '{"permissions": {"allow": ["WebFetch(domain:github.com)"]}}')
    assert policy("check", str(out), "connect", "--bare", "https://github.com/a", "--method", "GET").code == 0
    for words in (("https://github.com/a", "--method", "POST"), ("github.com:22",), ("github.com:53",)):
        assert policy("check", str(out), "connect", "--bare", *words).code == 3, words


@pytest.mark.parametrize("local", ['{"sandbox": {"enabled": false}}', '{"sandbox": {"excludedCommands": ["make *"]}}'])
def test_the_stronger_scope_decides_on_the_sandbox(tmp_path: Path, local: str) -> None:
    on = '{"sandbox": {"enabled": true, "autoAllowBashIfSandboxed": true}}'
    out = imported_policy(tmp_path, on)
    assert policy("check", str(out), "run", "--bare", "--confined", "--", "make all").code == 0
    out = imported_policy(tmp_path, on, local)
    assert policy("check", str(out), "run", "--bare", "--confined", "--", "make all").code == 3


def test_a_mode_that_nobody_reads_is_found_at_its_line(settings: Path) -> None:
    settings.write_text('{"permissions": {\n"defaultMode": "bypassPermissions"}}')
    found = policy("lint", str(settings), "--format", "json", "--exit-zero", "--select", "PRM").json()["findings"]
    assert [(one["code"], one["line"]) for one in found] == [("PRM003", 2)]
