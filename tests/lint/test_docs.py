"""The how-to page shows what the program prints; the report's form, the hooks and the action are as documented."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from policy_lang.lint.config import read_config
from tests.console.support import ROOT, git, policy

PAGE = ROOT / "docs/how-to/lint-a-policy.md"
SHOWN = re.compile(r"^```text\n(\$ policy lint web.policy\n.*?)^```$", re.MULTILINE | re.DOTALL)
WIDE = 'policy "wide"\nimport std.baseline\nallow write ".github/**"\nallow push "agent/**"\n'


def test_the_report_is_the_one_that_is_shown(tmp_path: Path, update_golden: bool) -> None:
    text = PAGE.read_text()
    (tmp_path / "web.policy").write_text(re.findall(r"^```policy\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0])
    shown = f"$ policy lint web.policy\n{policy('lint', 'web.policy', '--no-config', cwd=tmp_path).out}"
    if update_golden:
        PAGE.write_text(SHOWN.sub(lambda _: f"```text\n{shown}```", text))
    assert SHOWN.search(PAGE.read_text())[1] == shown  # type: ignore[index]


def test_the_suppression_and_the_configuration_on_the_page_hold(tmp_path: Path) -> None:
    text = PAGE.read_text()
    example = re.findall(r"^```policy\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1]
    (tmp_path / "x.policy").write_text(f'policy "x"\n{example}')
    result = policy("lint", "x.policy", "--no-config", cwd=tmp_path)
    assert (result.code, "1 suppressed" in result.out) == (0, True)
    config = re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]
    (tmp_path / "policy.toml").write_text(config)
    read_config(str(tmp_path / "policy.toml")).capabilities()


def test_every_field_of_the_report_is_documented(tmp_path: Path) -> None:
    (tmp_path / "wide.policy").write_text(WIDE + 'allow read "src/**" when now < 2030-01-01\nallow run "python3 **"\n')
    report = policy("lint", "wide.policy", "--format", "json", cwd=tmp_path).json()
    known = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs/reference/lint-report.md").read_text()))
    fields = set(report)
    for finding in report["findings"]:
        fields |= set(finding)
        for step in finding["steps"]:
            fields |= set(step)
        for fix in finding.get("fixes", ()):
            fields |= set(fix) | set(fix["edits"][0])
    assert fields <= known | {"start", "end"}


def test_the_hooks_run_what_exists(tmp_path: Path) -> None:
    (tmp_path / "wide.policy").write_text(WIDE)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "x")
    text = (ROOT / ".pre-commit-hooks.yaml").read_text()
    hooks = dict(zip(re.findall(r"- id: (\S+)", text), re.findall(r"entry: policy (.*)", text), strict=True))
    assert set(hooks) == {"policy-lint", "policy-lint-permissions", "policy-lint-change", "policy-fmt", "policy-test"}
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/settings.json").write_text('{"permissions": {"allow": ["Bash(python3 *)"]}}')
    files = dict.fromkeys(hooks, "wide.policy") | {"policy-lint-permissions": ".claude/settings.json"}
    codes = {name: policy(*entry.split(), files[name], cwd=tmp_path).code for name, entry in hooks.items()}
    assert codes == {
        "policy-lint": 1, "policy-lint-permissions": 1, "policy-lint-change": 0, "policy-fmt": 0, "policy-test": 1,
    }  # fmt: skip
    patterns = dict(zip(hooks, re.findall(r"files: (.*)", text), strict=True))
    assert all(re.search(patterns[name], files[name]) for name in hooks)
    assert sum(pattern == r"\.policy$" for pattern in patterns.values()) == 4


@pytest.fixture
def action(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A checkout with a base branch, and the script that the action runs."""
    origin, work = tmp_path / "origin", tmp_path / "work"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    (origin / "a b.policy").write_text(WIDE)
    git(origin, "add", ".")
    git(origin, "commit", "-qm", "x")
    git(tmp_path, "clone", "-q", "--no-single-branch", str(origin), "work")
    git(work, "update-ref", "-d", "refs/remotes/origin/main")
    program = tmp_path / "policy"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m policy_lang "$@"\n')
    program.chmod(0o755)

    def run(**given: str) -> tuple[int, str, str]:
        output = tmp_path / "output"
        output.write_text("")
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "POLICY": str(program), "FILES": "  a b.policy\n\n", "MODE": "change",
               "FAIL_ON": "warning", "SARIF": "", "GITHUB_OUTPUT": str(output), "GITHUB_BASE_REF": "main", **given}  # fmt: skip
        done = subprocess.run(
            ["bash", str(ROOT / "integrations/github.sh")],
            cwd=work,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr, output.read_text()

    return work, run


def test_the_action_reports_what_the_pull_request_adds(action) -> None:  # type: ignore[no-untyped-def]
    work, run = action
    code, out, output = run()
    assert (code, out, output) == (0, "", "findings=0\n")
    (work / "a b.policy").write_text(WIDE + 'allow connect "gist.github.com"\n')
    code, out, output = run(SARIF="report.sarif")
    assert (code, output) == (1, "findings=2\n")
    assert "::error file=a b.policy,line=5" in out
    assert len(json.loads((work / "report.sarif").read_text())["runs"][0]["results"]) == 2
    assert run(FAIL_ON="error", MODE="full")[0] == 1
    assert run(MODE="full", GITHUB_BASE_REF="")[2] == "findings=3\n"
    assert run(MODE="other")[0] == 2
    assert run(FILES="\n")[0] == 2
    assert run(FILES="--exit-zero")[0] == 2
    (work / "a b.policy").write_text("allow raed 'x'\n")
    assert run()[0] == 2


def test_the_action_takes_globs_and_sums_up_for_people(action, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    work, run = action
    summary = tmp_path / "summary.md"
    assert run(FILES="**/*.policy", GITHUB_STEP_SUMMARY=str(summary))[2] == "findings=0\n"
    assert "No change in meaning" in summary.read_text()
    (work / "a b.policy").write_text(WIDE + 'allow connect "gist.github.com"\n')
    assert run(FILES="*.policy", GITHUB_STEP_SUMMARY=str(summary))[2] == "findings=2\n"
    text = summary.read_text()
    assert "gist.github.com" in text
    assert run(FILES="no/*.policy")[0] == 2


def test_the_action_hands_the_script_what_it_reads() -> None:
    text = (ROOT / "action.yml").read_text()
    names = set(re.findall(r"^        ([A-Z_]+): \$", text, re.MULTILINE))
    script = (ROOT / "integrations/github.sh").read_text()
    assert names == {"POLICY", "FILES", "MODE", "FAIL_ON", "SARIF"}
    assert all(f"${n}" in script or f"${{{n}" in script for n in names)
    assert "uses:" not in text, "the action uses no other action"


def test_the_scaffold_writes_a_rule_and_refuses_nonsense(tmp_path: Path) -> None:
    script = (
        (ROOT / "scripts/new_rule.py")
        .read_text()
        .replace("Path(__file__).resolve().parent.parent", f"Path({str(tmp_path)!r})")
    )
    (tmp_path / "policy_lang/lint/rules").mkdir(parents=True)
    copy = tmp_path / "new_rule.py"
    copy.write_text(script)

    def run(*words: str) -> int:
        return subprocess.run([sys.executable, str(copy), *words], capture_output=True, check=False).returncode

    assert [run(), run("PTH21", "x"), run("PTH921", "Bad Name")] == [2, 2, 2]
    assert run("PTH921", "write-something") == 0
    made = tmp_path / "policy_lang/lint/rules/pth921_write_something.py"
    compile(made.read_text(), str(made), "exec")
    assert run("PTH921", "again") == 2
