"""`policy lint` as a process: exit codes, formats, fixes, baselines, the base revision."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from .support import EXAMPLES, git, policy

WIDE = 'policy "wide"\nimport std.baseline\n\n# the workflow\nallow write ".github/**"\nallow push "agent/**"\n'
CLEAN = 'policy "clean"\nimport std.baseline\nallow write "src/**"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "wide.policy").write_text(WIDE)
    (tmp_path / "clean.policy").write_text(CLEAN)
    return tmp_path


def test_exit_codes(folder: Path) -> None:
    def code(*arguments: str) -> int:
        return policy("lint", *arguments, cwd=folder).code

    assert code("clean.policy") == 0
    assert code("wide.policy") == 1
    assert code("wide.policy", "--exit-zero") == 0
    assert code("wide.policy", "--select", "PTH008", "--fail-on", "error") == 0
    assert code("wide.policy", "--select", "PTH008") == 1
    assert code("missing.policy") == 2
    assert code() == 2
    assert code("clean.policy", "--select", "NOPE") == 2
    assert code("clean.policy", "--today", "soon") == 2
    assert code("clean.policy", "--diff") == 2
    assert code("clean.policy", "--workspace", "here") == 2
    assert code("clean.policy", "--baseline", "missing.json") == 2
    assert code("clean.policy", "--prune-baseline") == 2
    assert code("clean.policy", "--config", "missing.toml") == 2
    (folder / "broken.policy").write_text('allow raed "x"\n')
    broken = policy("lint", "broken.policy", cwd=folder)
    assert (broken.code, broken.out) == (2, "")
    assert "PLE201" in broken.err
    assert policy("lint", "broken.policy", "--format", "json", cwd=folder).json()["errors"][0]["code"] == "PLE201"
    assert code("clean.policy", "wide.policy") == 1


@pytest.mark.parametrize("format_", ["full", "concise", "json", "sarif", "github", "gitlab", "junit"])
def test_a_run_whose_time_is_over_never_passes(folder: Path, format_: str) -> None:
    result = policy("lint", "clean.policy", "--budget", "0ms", "--format", format_, cwd=folder)
    assert result.code == 3
    shown = result.out if format_ in {"full", "concise"} else result.err
    assert "not looked at to the end: " in shown
    assert "no findings" not in result.out
    if format_ == "json":
        assert {"PTH008", "SEM001"} <= set(result.json()["unfinished"])
    if format_ == "sarif":
        (run,) = result.json()["runs"][0]["invocations"]
        assert run["executionSuccessful"] is False
        assert {"PTH008", "SEM001"} <= {n["descriptor"]["id"] for n in run["toolExecutionNotifications"]}
    if format_ == "junit":
        assert int(ET.fromstring(result.out).findall("testsuite")[-1].attrib["errors"]) > 10
    assert policy("lint", "clean.policy", "--budget", "0ms", "--exit-zero", cwd=folder).code == 3


def test_a_run_with_time_enough_is_like_one_without(folder: Path) -> None:
    plain, timed = (policy("lint", "wide.policy", *more, cwd=folder) for more in ((), ("--budget", "5m")))
    assert (plain.code, plain.out) == (timed.code, timed.out)
    for wrong in ("soon", "2x", "-1s", "1e3", "s", "٣s"):
        assert policy("lint", "wide.policy", "--budget", wrong, cwd=folder).code == 2


def test_sarif_says_why_a_policy_does_not_compile(folder: Path) -> None:
    (folder / "broken.policy").write_text('policy "b"\nallow raed "x"\nallow foo "y"\n')
    result = policy("lint", "broken.policy", "--format", "sarif", cwd=folder)
    assert result.code == 2
    run = result.json()["runs"][0]
    assert run["results"] == []
    told = run["invocations"][0]["toolExecutionNotifications"]
    assert [n["descriptor"]["id"] for n in told] == ["PLE201", "PLE201"]
    assert [n["locations"][0]["physicalLocation"]["region"]["startLine"] for n in told] == [2, 3]


def test_sarif_shows_each_step_where_it_is_granted(folder: Path) -> None:
    (folder / "two.policy").write_text('policy "two"\nallow write "./"\nallow run "make **"\nallow read "./"\n')
    results = policy("lint", "two.policy", "--format", "sarif", cwd=folder).json()["runs"][0]["results"]
    flows = [r["codeFlows"][0]["threadFlows"][0]["locations"] for r in results if "codeFlows" in r]
    lines = [[x["location"]["physicalLocation"]["region"]["startLine"] for x in flow] for flow in flows]
    assert [2, 3] in lines


GUARD = 'guardrail "guard"\n\n# keys\ndeny read "**/*.key"\ndeny read "**/*.pem"\n'


def test_a_denial_that_goes_from_an_imported_file_is_seen_where_it_stood(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/guard.policy").write_text(GUARD)
    (tmp_path / "other.policy").write_text('policy "other"\nallow read "src/**"\n')
    (tmp_path / "web.policy").write_text('policy "web"\nimport "rules/guard.policy"\nallow read "keys/**"\n')
    (tmp_path / "broken.policy").write_text("allow raed\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "x")
    arguments = ("lint", "--against", "HEAD", "rules/guard.policy", "--select", "SEM009", "--format", "json")
    assert policy(*arguments, "--importers", cwd=tmp_path).json()["findings"] == []
    (tmp_path / "rules/guard.policy").write_text(GUARD.replace('deny read "**/*.key"\n', ""))
    assert policy(*arguments, cwd=tmp_path).json()["findings"] == []
    found = policy(*arguments, "--importers", cwd=tmp_path)
    (finding,) = found.json()["findings"]
    assert found.code == 1
    assert (finding["file"], finding["line"]) == ("rules/guard.policy", 4)
    assert finding["steps"][0]["request"]["resource"].endswith(".key")
    assert found.json()["files"] == 2
    inside = policy(*(a.replace("rules/", "") for a in arguments), "--importers", cwd=tmp_path / "rules")
    assert [f["line"] for f in inside.json()["findings"]] == [4]


def test_one_run_writes_several_formats(folder: Path) -> None:
    more = ("--write", "sarif=a.sarif", "--write", "json=b.json")
    shown = policy("lint", "wide.policy", "--format", "github", *more, cwd=folder)
    assert (shown.code, shown.out) == (1, policy("lint", "wide.policy", "--format", "github", cwd=folder).out)
    for name, format_ in (("a.sarif", "sarif"), ("b.json", "json")):
        assert json.loads((folder / name).read_text()) == report(folder, format_), name
    for wrong in ("sarif", "sarif=", "text=x", "=x"):
        assert policy("lint", "wide.policy", "--write", wrong, cwd=folder).code == 2


def test_the_examples_are_clean() -> None:
    result = policy("lint", *sorted(EXAMPLES.glob("*/*.policy")))
    assert result.code == 0, result.out
    assert "no findings in 3 policies" in result.out


def test_the_full_report_shows_place_requests_and_fix(folder: Path) -> None:
    out = policy("lint", "wide.policy", cwd=folder).out
    assert "error[ESC005] ci-escalation" in out
    assert "wide.policy:5:1" in out
    assert "^^^^" in out
    assert "step 1: write .github/workflows/release.yml -> allow" in out
    assert "step 2: push agent/x -> allow" in out
    assert "the other step: wide.policy:6:1" in out
    assert "fix: deny write there" in out
    assert "0 suppressed, 0 in the baseline" in out.splitlines()[-1]


def test_concise_has_a_line_for_each(folder: Path) -> None:
    lines = policy("lint", "wide.policy", "--format", "concise", cwd=folder).out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("wide.policy:5:1: error ESC005 ")


def report(folder: Path, format_: str, *more: str) -> Any:
    return policy("lint", "wide.policy", "--format", format_, *more, cwd=folder).json()


def test_json_is_versioned_and_its_requests_can_be_asked(folder: Path) -> None:
    out = report(folder, "json")
    assert out["version"] == 1
    first = out["findings"][0]
    assert {"code", "name", "severity", "evidence", "message", "file", "line", "column", "end_line", "end_column", "fingerprint", "steps",
            "related", "fixes"} <= set(first)  # fmt: skip
    asked = folder / "asked.jsonl"
    asked.write_text("".join(json.dumps(s["request"]) + "\n" for s in first["steps"]))
    answers = policy(
        "check", "wide.policy", "--requests", "asked.jsonl", "--format", "json", cwd=folder
    ).out.splitlines()
    assert [json.loads(a)["effect"] for a in answers] == [s["effect"] for s in first["steps"]]
    edit = first["fixes"][0]["edits"][0]
    assert (edit["start"], edit["end"]) == (len(WIDE), len(WIDE))


def test_sarif_has_what_its_readers_need(folder: Path) -> None:
    out = report(folder, "sarif")
    (run,) = out["runs"]
    assert out["version"] == "2.1.0"
    rules = {r["id"]: r for r in run["tool"]["driver"]["rules"]}
    for result in run["results"]:
        rule = rules[result["ruleId"]]
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]] is rule
        assert float(rule["properties"]["security-severity"]) > 0
        assert len(result["partialFingerprints"]["policyLint/v1"]) == 32
        region = result["locations"][0]["physicalLocation"]["region"]
        assert region["startLine"] >= 1
        assert region["endColumn"] >= 1
    (traced,) = [r for r in run["results"] if r["ruleId"] == "ESC005"]
    steps = traced["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [s["executionOrder"] for s in steps] == [1, 2]
    assert "write .github/workflows/release.yml: allow" in steps[0]["location"]["message"]["text"]
    assert traced["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"].startswith(
        "\ndeny write"
    )
    assert report(folder, "sarif")["runs"][0]["results"] == run["results"]


def test_github_gitlab_and_junit(folder: Path) -> None:
    lines = policy("lint", "wide.policy", "--format", "github", cwd=folder).out.splitlines()
    assert lines[0].startswith("::error file=wide.policy,line=5,col=1,title=ESC005 ci-escalation::")
    assert "%0A" in lines[0]
    gitlab = report(folder, "gitlab")
    assert {"description", "check_name", "fingerprint", "severity", "location"} == set(gitlab[0])
    assert gitlab[0]["severity"] == "critical"
    text = policy("lint", "wide.policy", "clean.policy", "--format", "junit", cwd=folder).out
    suites = ET.fromstring(text).findall("testsuite")
    assert [(s.get("name"), s.get("failures")) for s in suites] == [("wide.policy", "2"), ("clean.policy", "0")]


def test_hostile_text_cannot_forge_a_report(folder: Path) -> None:
    text = WIDE.replace('"agent/**"', '"agent/**" because "a\\n::error file=x::forged \\u{202e}<b>&"')
    (folder / "wide.policy").write_text(text)
    for format_ in ("full", "concise", "github"):
        out = policy("lint", "wide.policy", "--format", format_, cwd=folder).out
        assert "\u202e" not in out
        assert not any(line.startswith("::error file=x") for line in out.splitlines())
    ET.fromstring(policy("lint", "wide.policy", "--format", "junit", cwd=folder).out)


def test_fix_and_diff(folder: Path) -> None:
    shown = policy("lint", "--fix", "--diff", "wide.policy", cwd=folder)
    assert shown.code == 0
    assert "+deny write" in shown.out
    assert (folder / "wide.policy").read_text() == WIDE
    assert "would fix" in shown.err
    (folder / "wide.policy").chmod(0o640)
    done = policy("lint", "--fix", "wide.policy", cwd=folder)
    assert done.code == 0, done.out
    text = (folder / "wide.policy").read_text()
    assert text.startswith(WIDE)
    assert (folder / "wide.policy").stat().st_mode & 0o777 == 0o640
    assert policy("diff", "clean.policy", "wide.policy", cwd=folder).code == 0
    assert sorted(p.name for p in folder.iterdir()) == ["clean.policy", "wide.policy"]


def test_baselines(folder: Path) -> None:
    written = policy("lint", "wide.policy", "--write-baseline", "known.json", cwd=folder)
    assert written.code == 0
    again = policy("lint", "wide.policy", "--baseline", "known.json", cwd=folder)
    assert (again.code, "2 in the baseline" in again.out) == (0, True)
    (folder / "wide.policy").write_text(CLEAN)
    stale = policy("lint", "wide.policy", "--baseline", "known.json", "--format", "concise", cwd=folder)
    assert (stale.code, stale.out.count("SUP006")) == (1, 2)
    pruned = policy("lint", "wide.policy", "--baseline", "known.json", "--prune-baseline", cwd=folder)
    assert pruned.code == 1
    assert policy("lint", "wide.policy", "--baseline", "known.json", "--prune-baseline", cwd=folder).code == 0
    assert json.loads((folder / "known.json").read_text())["findings"] == []


def test_configuration(folder: Path) -> None:
    (folder / "policy.toml").write_text(
        '[lint]\nignore = ["ESC005"]\nfail-on = "error"\n[lint.per-file]\n"wide.policy" = ["PTH008"]\n'
    )
    assert policy("lint", "wide.policy", cwd=folder).code == 0
    assert policy("lint", "wide.policy", "--no-config", cwd=folder).code == 1
    assert policy("lint", str(folder / "wide.policy"), cwd=Path("/")).code == 0
    (folder / "policy.toml").write_text('[lint]\nselct = ["ESC005"]\n')
    wrong = policy("lint", "wide.policy", cwd=folder)
    assert (wrong.code, "selct" in wrong.err) == (2, True)


def test_against_a_revision_and_a_file(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "x")
    assert policy("lint", "wide.policy", "--against", "HEAD", cwd=folder).code == 0
    (folder / "clean.policy").write_text(CLEAN + 'allow connect "gist.github.com"\n')
    result = policy("lint", "clean.policy", "--against", "HEAD", "--format", "concise", cwd=folder)
    assert result.code == 1
    assert "SEM009" in result.out
    assert "NET003" in result.out
    assert policy("lint", "clean.policy", "--against", "wide.policy", "--select", "NET", cwd=folder).code == 1
    assert policy("lint", "clean.policy", "--against", "HEAD:wide.policy", "--select", "NET", cwd=folder).code == 1
    assert policy("lint", "clean.policy", "--against", "nowhere", cwd=folder).code == 2
    (folder / "new.policy").write_text(CLEAN)
    assert policy("lint", "new.policy", "--against", "HEAD", cwd=folder).code == 1


def test_pages() -> None:
    page = policy("rule", "pth006").out
    assert "read-credentials" in page
    assert "how to fix it" in page
    assert policy("rule", "ESC001", "--format", "json").json()["possible"] is True
    assert "impossible by construction" in policy("rule", "SEM010").out
    assert "PTH006  read-credentials" in policy("rule").out
    assert policy("rule", "PTH999").code == 2


def test_a_change_cannot_switch_off_what_judges_it(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "x")
    comment = '# lint: allow SEM009, NET003 reason="we really need that host" owner=@me until=2099-01-01\n'
    (folder / "clean.policy").write_text(CLEAN + comment + 'allow connect "gist.github.com"\n')
    (folder / "policy.toml").write_text('[lint]\nignore = ["SEM", "NET"]\n')
    result = policy("lint", "clean.policy", "--against", "HEAD", "--format", "concise", cwd=folder)
    assert result.code == 1
    assert "SEM009" in result.out
    assert "SUP002" in result.out, "it hides nothing of SEM009"
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "y")
    assert policy("lint", "clean.policy", "--against", "HEAD", cwd=folder).code == 0
    assert policy("lint", "clean.policy", "--against", "HEAD~1", "--config", "policy.toml", cwd=folder).code == 0


def test_fixes_go_through_links_and_keep_line_ends(folder: Path) -> None:
    (folder / "real.policy").write_bytes(WIDE.replace("\n", "\r\n").encode())
    (folder / "link.policy").symlink_to("real.policy")
    shown = policy("lint", "--fix", "--diff", "link.policy", cwd=folder).out
    assert not [line for line in shown.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert policy("lint", "--fix", "link.policy", cwd=folder).code == 0
    assert (folder / "link.policy").is_symlink()
    assert (folder / "real.policy").read_bytes().startswith(WIDE.replace("\n", "\r\n").encode())


def test_unsafe_fixes(folder: Path) -> None:
    (folder / "glob.policy").write_text('policy "x"\nimport std.baseline\nallow write "src*", "/tmp/**"\n')
    assert policy("lint", "--fix", "glob.policy", cwd=folder).code == 1
    assert policy("lint", "--fix", "--unsafe", "glob.policy", cwd=folder).code == 0
    assert (
        folder / "glob.policy"
    ).read_text() == 'policy "x"\nimport std.baseline\nallow write "src/**", "${tmp}/**"\n'


def test_a_ceiling_beside_the_policy_within_it_is_known(folder: Path) -> None:
    (folder / "org.policy").write_text('policy "org"\nimport std.baseline\nallow run "**"\nallow read "./"\n')
    (folder / "team.policy").write_text('policy "team"\nwithin "org.policy"\nallow read "src/**"\n')
    assert policy("lint", "org.policy", cwd=folder).code == 1
    assert policy("lint", "org.policy", "team.policy", cwd=folder).code == 0


def test_a_finding_that_cannot_be_shown_again_is_our_fault(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from policy_lang.cli import main
    from policy_lang.domain.errors import InternalError
    from policy_lang.lint import run

    def replay(_context: object, finding: Any) -> None:
        raise InternalError(f"{finding.code}: it is not decided so any more")

    monkeypatch.setattr(run, "replay", replay)
    monkeypatch.setattr("sys.argv", ["policy", "lint", str(folder / "wide.policy")])
    with pytest.raises(SystemExit) as left:
        main.main()
    assert left.value.code == 4
    assert "ESC005: it is not decided so any more" in capsys.readouterr().err
