"""`policy diff`, `prove` and `query` as users run them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from .support import EXAMPLES, policy

WEB = EXAMPLES / "web/web.policy"
OLD = 'policy "app"\ntier review { approvers "@x" }\nallow read "src/**" because "sources"\nask review write "src/**"\n'
NEW = 'policy "app"\ntier review { approvers "@x" }\nallow read "src/**", "docs/**"\nallow write "src/**"\n'


def git(folder: Path, *words: str) -> None:
    name = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *name, "-C", str(folder), *words], check=True, capture_output=True)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "rules").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/guide.md").write_text("x")
    (tmp_path / "docs/a.md").write_text("x")
    (tmp_path / "src/app.ts").write_text("x")
    (tmp_path / "rules/app.policy").write_text(OLD + 'import "shared.policy"\n')
    (tmp_path / "rules/shared.policy").write_text('guardrail "shared"\ndeny read "src/secret"\n')
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    (tmp_path / "rules/app.policy").write_text(NEW + 'import "shared.policy"\n')
    return tmp_path


def test_diff_against_a_revision(repo: Path) -> None:
    result = policy("diff", "main:rules/app.policy", "rules/app.policy", cwd=repo)
    assert result.code == 0
    assert "newly permitted (1)" in result.out
    assert "every agent: read docs/a.md" in result.out
    assert "tracked files: 2 (docs/a.md, docs/guide.md)" in result.out
    assert "needs less approval (1)" in result.out
    assert "ask review -> allow  (the tier `review`)" in result.out
    assert "rules/app.policy:3" in result.out
    assert policy("diff", "--fail-on", "widened", "main:rules/app.policy", "rules/app.policy", cwd=repo).code == 1
    # from a folder below, and by the path that git shows
    assert policy("diff", "HEAD:rules/app.policy", "app.policy", cwd=repo / "rules").out.count("newly permitted") == 2
    assert policy("diff", "HEAD:app.policy", "app.policy", cwd=repo / "rules").out.count("newly permitted") == 2
    # the imported file is the revision's, not the one on the disk
    (repo / "rules/shared.policy").write_text('guardrail "shared"\ndeny read "src/other"\n')
    assert "src/secret" in policy("diff", "main:rules/app.policy", "rules/app.policy", cwd=repo).out


def test_diff_says_no_change_in_meaning(repo: Path) -> None:
    result = policy("diff", "main:rules/app.policy", "main:rules/app.policy", "--fail-on", "any", cwd=repo)
    assert result.code == 0
    assert "no change in meaning: proved for every request" in result.out
    (repo / "rules/app.policy").write_text(
        OLD.replace("src/**", "src/*") + 'import "shared.policy"\nallow read "src/*/**"'
    )
    result = policy("diff", "main:rules/app.policy", "rules/app.policy", cwd=repo)
    assert "no longer permitted" in result.out


@pytest.mark.parametrize(
    ("fail_on", "change", "code"),
    [
        ("widened", 'allow read "new"', 1), ("lowered", 'allow read "new"', 1), ("any", 'allow read "new"', 1),
        ("never", 'allow read "new"', 0), ("widened", 'deny read "src/x"', 0), ("lowered", 'deny read "src/x"', 0),
        ("any", 'deny read "src/x"', 1), ("any", "", 0), ("widened", 'test "t" { deny read "x" }', 0),
    ],
)  # fmt: skip
def test_diff_fails_on_what_it_is_told_to(repo: Path, fail_on: str, change: str, code: int) -> None:
    (repo / "rules/app.policy").write_text(OLD + 'import "shared.policy"\n' + change)
    result = policy("diff", "--fail-on", fail_on, "main:rules/app.policy", "rules/app.policy", cwd=repo)
    assert result.code == code, result.out


def test_diff_formats(repo: Path) -> None:
    ask = ("diff", "main:rules/app.policy", "rules/app.policy", "--format")
    data = policy(*ask, "json", cwd=repo).json()
    assert data["same"] is False
    assert {r["kind"] for r in data["rows"]} == {"widened", "lowered"}
    requests = [r["witness"] for r in data["rows"]]
    (repo / "requests.jsonl").write_text("\n".join(json.dumps(r) for r in requests))
    answers = policy("check", "rules/app.policy", "--requests", "requests.jsonl", "--format", "json", cwd=repo)
    assert [json.loads(x)["effect"] for x in answers.out.splitlines()] == [r["new"]["effect"] for r in data["rows"]]
    sarif = policy(*ask, "sarif", cwd=repo).json()
    results = sarif["runs"][0]["results"]
    assert {r["level"] for r in results} == {"error", "warning"}
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "rules/app.policy"
    github = policy(*ask, "github", cwd=repo).out
    assert "::error file=rules/app.policy,line=3,title=policy diff::newly permitted: read docs/a.md" in github
    markdown = policy(*ask, "markdown", cwd=repo).out
    assert markdown.startswith("### Policy: ")
    assert "| every agent | <code>read docs/a.md</code><br>2 tracked files | deny | allow |" in markdown


def test_what_stands_in_a_policy_cannot_become_markup(tmp_path: Path) -> None:
    (tmp_path / "a.policy").write_text('policy "a"\nallow do "x"')
    nasty = 'policy "a"\nallow do "x"\nrule r: allow call "a`[|]<img>*_[x](y)" because "::error::\\n|"\n'
    (tmp_path / "b.policy").write_text(nasty)
    out = policy("diff", "a.policy", "b.policy", "--format", "markdown", cwd=tmp_path).out
    row = next(line for line in out.splitlines() if line.startswith("| every"))
    assert row.count("|") == 6
    assert "<img" not in out
    assert len(policy("diff", "a.policy", "b.policy", "--format", "github", cwd=tmp_path).out.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("main:rules/missing.policy", "rules/app.policy"), ("nowhere:rules/app.policy", "rules/app.policy"),
        ("--upload-pack=x:rules/app.policy", "rules/app.policy"), ("main:rules", "rules/app.policy"),
        ("main:../../etc/passwd", "rules/app.policy"), ("missing.policy", "rules/app.policy"), ("rules/app.policy",),
        ("rules/app.policy", "rules/app.policy", "--workspace", "relative"), ("main:docs/a.md", "rules/app.policy"),
        ("main:", "rules/app.policy"), (":rules/app.policy", "rules/app.policy"),
    ],
)  # fmt: skip
def test_bad_calls_of_diff_are_refused(repo: Path, words: tuple[str, ...]) -> None:
    result = policy("diff", *words, cwd=repo)
    assert result.code == 2
    assert "rror" in result.err
    assert "policy diff" not in result.out


def test_diff_outside_a_repository(tmp_path: Path) -> None:
    (tmp_path / "a.policy").write_text(OLD)
    assert policy("diff", "a.policy", "a.policy", cwd=tmp_path, GIT_CEILING_DIRECTORIES=str(tmp_path.parent)).code == 0
    result = policy("diff", "HEAD:a.policy", "a.policy", cwd=tmp_path, GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert result.code == 2
    assert "not a git repository" in result.err


def test_prove(tmp_path: Path) -> None:
    result = policy("prove", WEB)
    assert result.code == 0
    assert "3 claims: 3 proved" in result.out
    path = tmp_path / "p.policy"
    head = 'policy "p"\ntier review { approvers "@x" }\ntier more { approvers "@y" includes review }\ncontext { env: "dev" | "prod" }\n'
    rules = 'allow write "./" when env == "dev"\nagent "bot" { allow push "main" }\nask more delete "a/**"\nallow run "git **"\n'
    rules += 'deny run "git push **" with "--force"\n'

    def run(claim: str, *options: str) -> tuple[int, str]:
        path.write_text(head + rules + claim)
        done = policy("prove", path, *options)
        return done.code, done.out

    assert run('prove "x" { always ask review delete "a/**" }')[0] == 0
    assert run('prove "x" { never allow delete "**" }')[0] == 0
    assert run('prove "x" { only "bot" may push "**" }')[0] == 0
    assert run('prove "x" { never allow run "git push -f **", "git push --force-with-lease **" }')[0] == 1
    assert run('prove "x" { never allow run "git push -f **", "git push origin main --force" }')[0] == 0
    assert run('prove "x" when env == "prod" { always deny write "src/**" }')[0] == 0
    code, out = run('prove "x" as "codex" { always deny write "src/**" }')
    assert code == 1
    assert "refuted" in out
    assert "write src/app.ts  (as codex; env = dev)" in out
    assert f"{path}:5  p#allow-write-" in out
    code, out = run('prove "x" { only "other" may push "main" }')
    assert code == 1
    assert "as bot" in out
    code, out = run('prove "x" when env == "dev" and env == "prod" { never allow write "**" }')
    assert code == 2
    assert "vacuous" in out
    code, out = run('prove "x" { always deny write "/opt/**" }')
    assert code == 1
    assert "with the workspace at /" in out
    assert run('prove "x" { always deny write "/opt/**" }', "--workspace", "/workspace")[0] == 0
    data = json.loads(run('prove "x" { always deny write "src/**" }', "--format", "json")[1])
    assert data["verdict"] == "refuted"
    assert data["proofs"][0]["witness"]["resource"] == "src/app.ts"
    assert run("")[0] == 3


def test_query() -> None:
    result = policy("query", WEB, "--can", "write", "--path", ".github/**")
    assert result.code == 0
    assert "example: write .github/workflows/release.yml" in result.out
    assert "less what std.baseline#secret-writes denies" in result.out
    result = policy("query", WEB, "--who-can", "push", "--ref", "main")
    assert "codex-web: ask review" in result.out
    assert policy("query", WEB, "--who-can", "delete-ref", "--ref", "**").code == 1
    assert "nothing: proved" in policy("query", WEB, "--can", "write", "--path", ".git/**").out
    result = policy("query", WEB, "--agent", "codex-web", "--what-can", "run")
    assert '"pnpm test **"' in result.out
    result = policy("query", WEB, "--agent", "codex-web", "--summary")
    assert result.code == 0
    assert result.out.splitlines()[0].startswith("read ")
    data = policy("query", WEB, "--can", "push", "--format", "json").json()
    assert {g["effect"] for g in data["grants"]} == {"allow", "ask"}
    assert "every agent" not in policy("query", WEB, "--who-can", "push", "--ref", "agent/**").out


@pytest.mark.parametrize(
    "words",
    [
        (), ("--can", "wirte"), ("--can", "write", "--ref", "x"), ("--can", "write", "--summary"), ("--what-can", "run"),
        ("--can", "write", "--path", "../x"), ("--summary", "--path", "x"), ("--can", "read", "--workspace", "x"),
    ],
)  # fmt: skip
def test_bad_queries_are_refused(words: tuple[str, ...]) -> None:
    result = policy("query", WEB, *words)
    assert result.code == 2
    assert "error: " in result.err


def test_facts_beside_the_tests(tmp_path: Path) -> None:
    path = tmp_path / "f.policy"
    path.write_text(
        'policy "f"\nimport std.baseline\nallow read "src/**", "docs/**"\nallow read "src/a"\nallow write "x"\ndeny write "x"\n'
        'allow delete "y" except "z"\ntest "t" { allow read "src/a" }\n'
    )
    result = policy("test", "--facts", path)
    assert result.code == 0
    assert f"redundant  {path}:4" in result.out
    assert f"without it nothing would be decided otherwise ({path}:3)" in result.out
    assert f"dead  {path}:5" in result.out
    assert f"contradiction  {path}:6" in result.out
    assert f"useless-exception  {path}:7" in result.out
    assert "std/baseline" not in result.out
    facts = policy("test", "--facts", path, "--format", "json").json()["files"][0]["facts"]
    assert {f["kind"] for f in facts} == {"redundant", "dead", "contradiction", "useless-exception"}
