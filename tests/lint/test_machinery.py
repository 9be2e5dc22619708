"""Suppressions, baselines, change mode, configuration, replay."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from policy_lang.domain.errors import InternalError
from policy_lang.lint.baseline_file import Baseline, BaselineError
from policy_lang.lint.config import LintConfigError, find_config, read_config
from policy_lang.lint.finding import Finding
from policy_lang.lint.fixing import fix
from policy_lang.lint.linter import Options, lint_context, merged
from policy_lang.lint.registry import checks
from policy_lang.lint.run import Report, found_in, replay
from tests.lint.support import TODAY, context_of, found

WORKFLOW = 'allow write ".github/workflows/release.yml"'
BASE = "import std.baseline\n"


def codes(text: str, **options: object) -> list[str]:
    return sorted(f.code for f in found(text, **options))


def report_of(text: str, **options: object) -> Report:
    return lint_context(context_of(text), Options(today=TODAY, **options))  # type: ignore[arg-type]


# suppressions


def suppressed(comment: str, rule: str = WORKFLOW, today: date = TODAY) -> tuple[list[str], int]:
    report = lint_context(context_of(f"{BASE}{comment}\n{rule}"), Options(today=today))
    return sorted(f.code for f in report.findings), len(report.suppressed)


def test_a_reason_suppresses_a_warning() -> None:
    assert suppressed('# lint: allow PTH008 reason="the workflow is generated"') == ([], 1)


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("# lint: allow PTH008", ["PTH008", "SUP001"]),
        ('# lint: allow PTH008 reason=""', ["PTH008", "SUP001"]),
        ('# lint: allow PTH008 reason="the workflow is generated" until=2026-10-31', ["PTH008", "SUP003"]),
        ('# lint: allow reason="the workflow is generated"', ["PTH008", "SUP004"]),
        ('# lint: allow * reason="the workflow is generated"', ["PTH008", "SUP004"]),
        ('# lint: allow PTH reason="the workflow is generated"', ["PTH008", "SUP004"]),
        ('# lint: ignore PTH008 reason="the workflow is generated"', ["PTH008", "SUP004"]),
        ('# lint: allow PTH008 reason="the workflow is generated" until=tomorrow', ["PTH008", "SUP004"]),
        ('# lint: allow PTH008 because="the workflow is generated" reason="the workflow is generated"', ["PTH008", "SUP004"]),
        ('# lint: allow PTH009 reason="the workflow is generated"', ["PTH008", "SUP002"]),
        ('# lint: allow PTH008 reason="by design."', ["SUP007"]),
        ("# lint is run in CI", ["PTH008"]),
    ],
)  # fmt: skip
def test_a_suppression_that_does_not_hold_is_a_finding(comment: str, left: list[str]) -> None:
    assert suppressed(comment)[0] == left


def test_ends_are_inclusive() -> None:
    comment = '# lint: allow PTH008 reason="the workflow is generated" until=2026-11-01'
    assert suppressed(comment, today=date(2026, 11, 1)) == ([], 1)
    assert suppressed(comment, today=date(2026, 11, 2))[0] == ["PTH008", "SUP003"]


def test_an_error_needs_an_owner_and_an_end() -> None:
    rule = 'allow write "~/.local/bin/**" override protected'
    text = "import std.baseline without persistence\n"
    for more, left in (
        ("", ["PTH009", "SUP005"]),
        (" owner=@sec", ["PTH009", "SUP005"]),
        (" until=2027-01-31", ["PTH009", "SUP005"]),
    ):
        comment = f'# lint: allow PTH009 reason="the tool folder of this agent"{more}'
        assert codes(f"{text}{comment}\n{rule}") == left
    whole = '# lint: allow PTH009 reason="the tool folder of this agent" owner=@sec until=2027-01-31'
    report = report_of(f"{text}{whole}\n{rule}")
    assert (report.findings, len(report.suppressed)) == ([], 1)


def test_suppressions_hold_on_any_span_of_the_finding_and_only_there() -> None:
    two = 'allow write ".github/**"\nallow push "agent/**"'
    comment = '# lint: allow ESC005 reason="pushes are reviewed" owner=@sec until=2027-01-31'
    assert codes(f"{BASE}{two}") == ["ESC005", "PTH008"]
    first, second = two.split("\n")
    assert codes(f"{BASE}{comment}\n{two}") == ["PTH008"]
    assert codes(f"{BASE}{first}\n{comment}\n{second}") == ["PTH008"]
    assert codes(f"{BASE}{first}\n{second}  {comment}") == ["PTH008"]
    assert codes(f"{comment}\n{BASE}{two}") == ["ESC005", "PTH008", "SUP002"]
    other = f'{BASE}{comment}\nallow read "docs/**"\n{two}'
    assert codes(other) == ["ESC005", "PTH008", "SUP002"]


def test_one_comment_may_name_several_codes_and_unused_ones_are_named() -> None:
    comment = '# lint: allow PTH008, NET001 reason="the workflow is generated"'
    findings = found(f"{BASE}{comment}\n{WORKFLOW}")
    assert [f.code for f in findings] == ["SUP002"]
    assert "NET001" in findings[0].message
    assert "PTH008" not in findings[0].message


def test_without_suppressions_everything_is_shown() -> None:
    comment = '# lint: allow PTH008 reason="the workflow is generated"'
    assert codes(f"{BASE}{comment}\n{WORKFLOW}", suppressions=False) == ["PTH008"]


def test_a_rule_that_did_not_run_does_not_make_a_suppression_unused() -> None:
    comment = '# lint: allow PTH008 reason="the workflow is generated"'
    text = f"{BASE}{comment}\n{WORKFLOW}"
    assert codes(text, select=("NET", "SUP")) == []


def test_a_hidden_finding_cannot_hide_in_a_string() -> None:
    text = f'{BASE}{WORKFLOW} because "# lint: allow PTH008 reason=all of it is generated"'
    assert codes(text) == ["PTH008"]


# baselines


def baseline_of(text: str, **options: bool) -> Baseline:
    made = Baseline.of(found(text), checks(), **options)
    return Baseline.read(made.text(), **options)


def test_a_baseline_hides_what_it_knows_wherever_it_moves() -> None:
    known = baseline_of(BASE + WORKFLOW)
    moved = f'{BASE}allow read "docs/**"\n\n# a comment\n{WORKFLOW}\nallow write ".circleci/config.yml"'
    report = report_of(moved, baseline=known)
    assert [f.code for f in report.findings] == ["PTH008"]
    assert ".circleci" in report.findings[0].message
    assert len(report.baselined) == 1
    assert known.stale() == []


def test_a_changed_rule_is_new() -> None:
    known = baseline_of(BASE + WORKFLOW)
    report = report_of(BASE + 'allow write ".github/workflows/release.yml", "src/**"', baseline=known)
    assert [f.code for f in report.findings] == ["PTH008"]
    assert [e.code for e in known.stale()] == ["PTH008"]
    assert known.pruned().entries == []


def test_critical_rules_are_never_baselined() -> None:
    text = f'{BASE}allow write "package.json"\nallow run "npm test"'
    assert codes(text) == ["ESC001"]
    assert baseline_of(text).entries == []
    forged = Baseline.read(Baseline.of(found(text), checks(), critical=True).text())
    assert [f.code for f in report_of(text, baseline=forged).findings] == ["ESC001"]
    assert report_of(text, baseline=baseline_of(text, critical=True)).findings == []
    assert {c.code for c in checks().values() if c.critical} >= {"PTH002", "ESC001"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2, "findings": []}', '{"version": 1, "findings": [{}]}',
                                  '{"version": 1, "findings": [], "more": 1}', '{"version": "1", "findings": []}'])  # fmt: skip
def test_what_is_no_baseline_is_refused(text: str) -> None:
    with pytest.raises(BaselineError):
        Baseline.read(text)


# change mode


def changed(old: str, new: str) -> list[Finding]:
    return lint_context(context_of(new), Options(today=TODAY), context_of(old)).findings


TIER = 'tier review { approvers "@team" }\ntier strict { approvers "@security" quorum 2 includes review }\n'


def test_only_what_the_change_adds_is_reported() -> None:
    old = f"{BASE}{WORKFLOW}"
    findings = changed(old, f'{old}\nallow connect "gist.github.com"')
    assert {f.code for f in findings} == {"SEM009", "NET003"}
    (widened,) = [f for f in findings if f.code == "SEM009"]
    assert widened.severity == "error"
    assert widened.steps[0].effect == "allow"
    assert "deny before, allow now" in widened.message
    assert changed(old, old) == []
    assert changed(f'{old}\nallow connect "gist.github.com"', old) == []


def test_a_lower_tier_and_a_weaker_definition_are_reported() -> None:
    rest = 'ask review write "y"\nask strict write "z"\n'
    old, new = f'{TIER}{rest}ask strict write "x"', f'{TIER}{rest}ask review write "x"'
    assert [(f.code, f.severity) for f in changed(old, new)] == [("SEM009", "warning")]
    weaker = old.replace("quorum 2", "quorum 1")
    assert ["needs 1 people instead of 2" in f.message for f in changed(old, weaker)] == [True]
    assert changed(new, old) == []


def test_a_suppression_that_goes_shows_its_finding() -> None:
    comment = '# lint: allow PTH008 reason="the workflow is generated"\n'
    assert [f.code for f in changed(f"{BASE}{comment}{WORKFLOW}", BASE + WORKFLOW)] == ["PTH008"]


# replay


def test_a_finding_that_is_not_answered_so_is_our_fault() -> None:
    context = context_of(BASE + WORKFLOW)
    (finding,), _ = found_in(context)
    replay(context, finding)
    with pytest.raises(InternalError, match="PTH008"):
        replay(context_of(BASE + 'allow read "x"'), finding)


# configuration


def config_in(folder: Path, text: str, name: str = "policy.toml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_the_nearest_configuration_counts(tmp_path: Path) -> None:
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    assert find_config(str(below)) is None or not find_config(str(below)).startswith(str(tmp_path))  # type: ignore[union-attr]
    config_in(tmp_path, "[tool.other]\n", "pyproject.toml")
    upper = config_in(tmp_path, "[lint]\n")
    assert find_config(str(below)) == upper
    lower = config_in(tmp_path / "a", "[tool.policy.lint]\nignore = ['PTH']\n", "pyproject.toml")
    assert find_config(str(below)) == lower
    assert read_config(lower).ignore == ["PTH"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[lint]\nselct = ['PTH']\n", "selct"),
        ("[lint]\nselect = 'PTH'\n", "select"),
        ("[lint]\nselect = ['XYZ001']\n", "XYZ001"),
        ("[lint]\nselect = ['pth']\n", "select"),
        ("[lint]\npersona = 'lenient'\n", "persona"),
        ("[lint]\nfail-on = 'never'\n", "fail-on"),
        ("[other]\n", "other"),
        ("lint = 1\n", "lint"),
        ("[lint\n", "cannot be read"),
        ("[[lint.place]]\ngroup = 'uploads'\n", "place"),
    ],
)
def test_a_wrong_configuration_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LintConfigError, match=said):
        read_config(config_in(tmp_path, text))


def test_projects_add_places_and_suffixes(tmp_path: Path) -> None:
    text = """
[lint]
suffixes = ["tenants.acme.example"]
[[lint.place]]
group = "uploads"
pattern = "POST https://paste.acme.example/**"
example = "https://paste.acme.example/new"
note = "anyone's pastes, inside the company"
"""
    capabilities = read_config(config_in(tmp_path, text)).capabilities()
    context = context_of(f'{BASE}allow connect "paste.acme.example", "*.tenants.acme.example"')
    context.capabilities = capabilities
    assert [f.code for f in lint_context(context, Options(today=TODAY)).findings] == ["NET002", "NET003"]
    for group, pattern, said in (("nowhere", "x", "nowhere"), ("uploads", "a b c", "pattern")):
        bad = text.replace('group = "uploads"', f'group = "{group}"').replace(
            "POST https://paste.acme.example/**", pattern
        )
        with pytest.raises(LintConfigError, match=said):
            read_config(config_in(tmp_path, bad)).capabilities()


def test_selection_by_code_beginning_file_and_persona() -> None:
    text = f'{BASE}allow write ".github/workflows/release.yml", "src/**" because "temporary, for now"'
    assert codes(text) == ["PTH008"]
    assert codes(text, select=("NET",)) == []
    assert codes(text, ignore=("PTH",)) == []
    assert codes(text, per_file={"*.policy": ("PTH008",)}) == []
    assert codes(text, per_file={"other/*.policy": ("PTH008",)}) == ["PTH008"]
    assert codes(text, persona="strict") == ["DOC003", "PTH008"]


def test_a_ceiling_is_not_blamed_for_what_it_leaves_possible() -> None:
    text = 'import std.baseline\nallow run "**"\nallow write "**"\nallow read "docs/a"\nallow read "docs/**"'
    assert "SEM007" in codes(text)
    context = context_of(text)
    context.ceiling = True
    assert [f.code for f in lint_context(context, Options(today=TODAY)).findings] == ["SEM002"]


# fixes


def test_fixes_stop_at_what_would_permit_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.policy"
    path.write_text('policy "x"\nimport std.baseline\n# sources\nallow write "src*"  # all of them\n')
    assert fix("x.policy", Options()).texts == {}
    done = fix("x.policy", Options(), unsafe=True)
    assert done.texts["x.policy"] == 'policy "x"\nimport std.baseline\n# sources\nallow write "src/**"  # all of them\n'


def test_a_removed_rule_leaves_its_neighbours_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.policy"
    path.write_text(
        'policy "x"\nimport std.baseline\nagent "a" {\n    # one\n    allow read "src/**"\n    allow read "src/a"\n    # two\n    allow write "src/**"\n}\n'
    )
    done = fix("x.policy", Options())
    assert [f.code for f in done.fixed] == ["SEM002"]
    assert (
        done.texts["x.policy"]
        == 'policy "x"\nimport std.baseline\nagent "a" {\n    # one\n    allow read "src/**"\n    # two\n    allow write "src/**"\n}\n'
    )


# reports


def test_what_two_policies_share_is_said_once(tmp_path: Path) -> None:
    one = report_of(BASE + WORKFLOW)
    both = merged([one, one])
    assert (len(both.findings), both.files) == (1, 2)


def test_fingerprints_do_not_depend_on_places() -> None:
    (first,) = found(BASE + WORKFLOW)
    (second,) = found(f'# more\n{BASE}allow read "docs/**"\n{WORKFLOW}')
    assert first.fingerprint == second.fingerprint
    assert first.span.line != second.span.line
    assert replace(first, message="other words").fingerprint == first.fingerprint


def test_every_agent_is_looked_at() -> None:
    scopes = "\n".join(f'agent "agent{i}-*" {{ allow write "work{i}/**" }}' for i in range(60))
    findings = found(f'{scopes}\nagent "last" {{ allow run "**" }}', select=("SEM007",))
    assert [f.code for f in findings] == ["SEM007"]
    scopes = "\n".join(f'agent "agent{i}-*" {{ allow run "make x{i}" }}' for i in range(60))
    findings = found(f'{scopes}\nagent "last" {{ allow run "npx **" }}', select=("CMD014",))
    assert "`last`" in findings[0].message


def test_projects_add_programs(tmp_path: Path) -> None:
    text = """
[[lint.program]]
name = "plugin"
argv = ["deployctl", "--plugin", "{code}"]
gives = "run"
kind = "option"
[[lint.program]]
name = "file"
argv = ["deployctl", "plan"]
gives = "run"
kind = "config"
file = "deploy.yaml"
"""
    capabilities = read_config(config_in(tmp_path, text)).capabilities()
    context = context_of(f'{BASE}allow run "deployctl **"\nallow write "deploy.yaml"')
    context.capabilities = capabilities
    assert sorted(f.code for f in lint_context(context, Options(today=TODAY)).findings) == [
        "CMD002",
        "ESC001",
        "ESC009",
    ]
    for bad in (
        text.replace("option", "magic"),
        text.replace('argv = ["deployctl", "plan"]', "argv = []"),
        text.replace("gives", "takes"),
    ):
        with pytest.raises(LintConfigError, match="program"):
            read_config(config_in(tmp_path, bad))


def test_a_way_that_needs_more_rules_says_nothing_new() -> None:
    text = f'{BASE}allow write "package.json"\nallow run "npm test"'
    assert codes(text) == ["ESC001"]
    assert codes(f'{text}\nallow read "src/**"\nallow run "cp **"') == ["ESC001"]


def test_a_command_is_judged_by_what_its_own_agent_may_read() -> None:
    text = f'{BASE}agent "wide" {{ allow read "./" }}\nagent "*" {{ allow run "ssh-keyscan **" }}'
    (finding,) = found(text, select=("CMD008",))
    assert finding.steps[0].witness.given["agent"] != "wide"
    assert codes(f'{BASE}agent "wide" {{ allow read "./"  allow run "ssh-keyscan **" }}', select=("CMD008",)) == []


@pytest.mark.parametrize("folder", ["a\\b", "a\nb", "a\x1bb", "a\udcffb", "a*b", "a{b"])
def test_a_policy_may_lie_in_any_folder(folder: str) -> None:
    """What no pattern can say, no rule can grant by name; the others are looked for as they are called."""
    text = 'policy "x"\nallow write "./", "/**"'
    report = lint_context(context_of(text, f"{folder}/agent.policy"), Options(today=TODAY))
    assert "PTH002" in {f.code for f in report.findings}  # of the linter's configuration


def test_a_fix_denies_the_policy_in_a_folder_with_a_space() -> None:
    report = lint_context(context_of('policy "x"\nallow write "./"', "sp ace/p.policy"), Options(today=TODAY))
    denials = next(f for f in report.findings if f.code == "PTH002").fixes[0].edits[0].text
    assert '"sp ace/p.policy"' in denials and '"ace/p.policy"' not in denials


def test_a_fix_about_hosts_leaves_their_methods_out() -> None:
    fixes = [f.fixes[0].edits[0].text for f in found('allow connect "**"') if f.fixes and f.code.startswith("NET")]
    denials = [text for text in fixes if "deny connect" in text]
    assert denials and not any('"POST' in text or '"GET' in text for text in denials)
