"""Differences that a reviewer would ask about, one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang import Policy
from policy_lang.analysis.diff import Diff, diff
from policy_lang.analysis.facts import rule_facts
from policy_lang.analysis.prove import prove
from policy_lang.analysis.rows import DiffRow
from policy_lang.analysis.spaces import Layout
from policy_lang.analysis.witness import verdict_on
from policy_lang.compiler.load import compile_file

HEAD = """
policy "p"
tier review { approvers "@r" }
tier security { approvers "@s" includes review }
tier legal { approvers "@l" }
context { env: "dev" | "prod"  ci: bool = false  level: int }
"""


def compare(old: str, new: str, layout: Layout | None = None) -> Diff:
    return diff(Policy.loads(HEAD + old).engine, Policy.loads(HEAD + new).engine, layout)


def kinds(found: Diff) -> set[tuple[str, str]]:
    return {(r.kind, r.action) for r in found.rows}


def only(found: Diff, kind: str) -> DiffRow:
    rows = [r for r in found.rows if r.kind == kind]
    assert len(rows) == 1, rows
    return rows[0]


SAME = [
    ('allow read "src/**"', 'allow read "src/*", "src/*/**"'),
    ('allow read "src/**" allow read "docs/**"', 'allow read "docs/**" allow read "src/**"'),
    ('allow read "{a,b}/x"', 'allow read "a/x" allow read "b/x"'),
    ('allow read "./" deny read "x"', 'allow read "./" except "x"  deny read "x"'),
    ('allow read "a/**" allow read "a/b"', 'allow read "a/**"'),
    ('allow read "./"', 'allow read "./"  deny write "secret/**"'),
    ('allow read "[ab]"', 'allow read "a", "b"'),
    (
        'agent "codex", "claude" { allow read "a" }',
        'agent "codex" { allow read "a" } agent "claude" { allow read "a" }',
    ),
    (
        'allow read "a" when env == "dev" allow read "a" when env == "prod"',
        'allow read "a" when env in ["dev", "prod"]',
    ),
    ('allow read "a" when level > 2', 'allow read "a" when level >= 3'),
    ('allow read "a" when not (ci or level == 1)', 'allow read "a" when not ci and level != 1'),
    ('allow connect "10.0.0.0/8:*"', 'allow connect "10.0.0.0/9:*", "10.128.0.0/9:*"'),
    ('allow connect "**.x.example"', 'allow connect "x.example", "*.x.example"'),
    (
        'allow connect "a.example"',
        'allow connect GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE, CONNECT "a.example"',
    ),
    ('allow push "refs/heads/main"', 'allow push "main"'),
    ('allow call "github.{get,list}_*"', 'allow call "github.get_*", "github.list_*"'),
    ('allow run "git {status,log} **"', 'allow run "git log **" allow run "git status **"'),
    (
        'allow run "git push **" deny run "git push **" with "--force"',
        'allow run "git push **" deny run "git push **" with "-f"',
    ),
    ('ask review write "a" ask security write "a"', 'ask security write "a"'),
    ('let x = "a", "b"  allow read x', 'allow read "b", "a"'),
    ('allow read "a" until 2027-01-01', 'allow read "a" when now < 2027-01-02'),
]


@pytest.mark.parametrize(("old", "new"), SAME)
def test_equivalent_rewrites_have_no_change_in_meaning(old: str, new: str) -> None:
    for found in (compare(old, new), compare(new, old)):
        assert found.same, found


CHANGED = [
    ('allow read "src/**"', 'allow read "src/**", "src"', {("widened", "read")}, "src"),
    ('allow read "src/**" deny read "**/.env"', 'allow read "src/**"', {("widened", "read")}, "src/.env"),
    ('allow read "./" except "a/b"', 'allow read "./" except "a/b/c"', {("widened", "read"), ("narrowed", "read")}, "a/b"),
    ('allow read "a*"', 'allow read "a?*"', {("narrowed", "read")}, "a"),
    ('agent "codex" { allow read "a" }', 'agent "codex*" { allow read "a" }', {("widened", "read")}, "a"),
    ('allow read "a" when env == "dev"', 'allow read "a"', {("widened", "read")}, "a"),
    ('allow read "a" until 2026-01-01', 'allow read "a"', {("widened", "read")}, "a"),
    ('ask review write "a"', 'allow write "a"', {("lowered", "write")}, "a"),
    ('ask security write "a"', 'ask review write "a"', {("lowered", "write")}, "a"),
    ('ask review write "a"', 'ask security write "a"', {("raised", "write")}, "a"),
    ('ask review write "a"', 'ask legal write "a"', {("raised", "write"), ("lowered", "write")}, "a"),
    ('allow write "a" log', 'allow write "a"', {("unlogged", "write")}, "a"),
    ('allow write ".git/x" allow write ".git/config"', 'allow write ".git/x" allow write ".git/config" override protected',
     {("widened", "write")}, ".git/config"),
    ('allow connect GET "a.example"', 'allow connect GET, POST "a.example"', {("widened", "connect")}, "https://a.example/"),
    ('allow connect "https://a.example/x/**"', 'allow connect "https://a.example/**"', {("widened", "connect")}, None),
    ('allow connect "10.0.0.0/9"', 'allow connect "10.0.0.0/8"', {("widened", "connect")}, None),
    ('allow push "agent/**"', 'allow push "**"', {("widened", "push")}, "main"),
    ('allow push "main"', 'allow push "*:main"', {("widened", "push")}, "fork:main"),
    ('allow call "a.b"', 'allow call "a.**"', {("widened", "call")}, "a"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected", "resource"), CHANGED)
def test_changes_are_found_with_a_witness_that_both_engines_confirm(
    old: str, new: str, expected: set[tuple[str, str]], resource: str | None
) -> None:
    found = compare(old, new)
    assert kinds(found) == expected
    engines = [Policy.loads(HEAD + text).engine for text in (old, new)]
    for row in found.rows:
        for witness in (row.witness, row.proof):
            assert [verdict_on(e, witness).effect for e in engines] == [row.old.effect, row.new.effect]
    if resource is not None:
        assert resource in {r.witness.resource for r in found.rows} | {r.proof.resource for r in found.rows}


def test_the_witness_is_the_most_telling_one_and_the_proof_the_shortest() -> None:
    row = only(compare('allow read "src/**"', 'allow read "./"'), "widened")
    assert row.witness.resource == "policy.policy"  # the policy itself
    row = only(compare("", 'allow read "**/.git/**"'), "widened")
    assert row.witness.resource == ".git/config"
    assert row.proof.resource == ".git/a"
    assert row.rule.line == 7
    assert row.pattern == "**/.git/**"


@pytest.mark.parametrize(
    ("old", "new", "whole"),
    [
        ("", 'allow read "src/**"', True),
        ('allow read "src/a"', 'allow read "src/a" allow read "src/**"', False),
        ("", 'allow read "src/**" deny read "src/x"', False),
        ("", 'allow read "src/**" except "src/x"', True),
        ('allow read "./" deny read "src/**"', 'allow read "./"', True),
        ("", 'allow write "**"', False),  # the protected floor
        ("", 'allow connect "a.example"', True),
        ('allow push "a/**"', 'allow push "*/**"', False),
    ],
)
def test_whether_all_of_a_pattern_differs(old: str, new: str, whole: bool) -> None:
    assert only(compare(old, new), "widened").whole is whole


def test_a_deny_that_only_another_place_of_the_workspace_needs_is_missed_nowhere() -> None:
    old, new = 'allow read "./" deny read "/repo/secrets/**"', 'allow read "./"'
    row = only(compare(old, new), "widened")
    assert row.proof.layout.workspace is not None
    assert compare(old, new, Layout("/workspace", "/home/agent", "/tmp")).same
    assert not compare(old, new, Layout("/repo", "/home/agent", "/tmp")).same
    assert not compare('allow read "/a/**", "~/x"', 'allow read "/a/**"').same
    assert compare('allow read "/", "~/x"', 'allow read "/"').same


def test_who_is_affected() -> None:
    row = only(compare('agent "codex" { allow read "a" }', 'agent "codex", "team/*" { allow read "a" }'), "widened")
    assert row.agents == ("team/a",)
    assert not row.everyone
    row = only(compare("", 'allow do "x"'), "widened")
    assert row.everyone
    row = only(compare("", 'allow do "x" when agent == "ada" or env == "prod"'), "widened")
    assert row.witness.given["agent"] == "ada" or row.witness.given["env"] == "prod"


def test_each_agent_has_its_own_row_where_another_request_is_needed() -> None:
    old = 'agent "a", "b" { deny read "x" } agent "a" { deny read "y" }'
    found = compare(old, old + ' allow read "x", "y"')
    rows = {(a, str(r.proof.resource)) for r in found.rows for a in r.agents}
    assert rows == {("other", "x"), ("b", "y")}  # an agent without a name might be either of the two


def test_ceilings_and_guardrails(tmp_path: Path) -> None:
    (tmp_path / "wide.policy").write_text('policy "ceiling"\nallow read "./"')
    (tmp_path / "narrow.policy").write_text('policy "ceiling"\nallow read "src/**"')
    (tmp_path / "guard.policy").write_text('guardrail "g"\ndeny read "src/x"')
    made = {}
    for name, lines in {
        "none": "", "wide": 'within "wide.policy"', "narrow": 'within "narrow.policy"', "guard": 'within "guard.policy"',
    }.items():  # fmt: skip
        path = tmp_path / f"{name}-team.policy"
        path.write_text(f'policy "team"\n{lines}\nallow read "src/**", "docs/**"')
        made[name] = Policy.load(str(path)).engine
    assert diff(made["none"], made["wide"]).same
    assert kinds(diff(made["wide"], made["narrow"])) == {("narrowed", "read")}
    row = only(diff(made["narrow"], made["wide"]), "widened")
    assert str(row.proof.resource).startswith("docs/")
    assert only(diff(made["guard"], made["none"]), "widened").proof.resource == "src/x"
    first, second = tmp_path / "one.policy", tmp_path / "two.policy"
    first.write_text('guardrail "g"\ndeny read "a", "b"')
    second.write_text('guardrail "g"\ndeny read "a"')
    guards = [Policy.load_for_testing(str(p)).engine for p in (first, second)]
    assert only(diff(guards[0], guards[1]), "widened").proof.resource == "b"
    assert diff(guards[0], guards[0]).same


def test_files_split_and_renamed_mean_the_same(tmp_path: Path) -> None:
    whole = tmp_path / "whole.policy"
    whole.write_text('policy "x"\nallow write "./"\ndeny write "a/**"\ndeny write "b/**"')
    part = tmp_path / "part.policy"
    part.write_text('guardrail "part"\ndeny write "b/**"\ndeny write "a/**"')
    split = tmp_path / "split.policy"
    split.write_text('policy "renamed"\nimport "part.policy"\nallow write "./"')
    assert diff(Policy.load(str(whole)).engine, Policy.load(str(split)).engine).same


def test_tiers_attributes_reasons_and_tests() -> None:
    def texts(old: str, new: str) -> dict[str, list[str]]:
        found = diff(Policy.loads('policy "p"\n' + old).engine, Policy.loads('policy "p"\n' + new).engine)
        out: dict[str, list[str]] = {}
        for change in found.changes:
            out.setdefault(change.kind, []).append(change.text)
        return out

    tier = 'tier t { approvers "@a", "@b" quorum 2 reason required } ask t read "x"'
    found = texts(tier, 'tier t { approvers "@a", "@c" quorum 1 scope session } ask t read "x"')
    assert len(found["lowered"]) == 4
    assert len(found["raised"]) == 1
    renamed = compare('ask review read "x"', 'ask review read "x"')
    assert renamed.same
    found = texts(tier, tier.replace(" t ", " people "))
    assert found == {"noted": ["the tier `t` is now called `people`"]}
    assert texts('allow read "a" because "why"', 'allow read "a"')["lost"]
    old = 'allow read "a" test "one" { allow read "a" deny read "b" }'
    assert texts(old, 'allow read "a" test "two" { allow read "a" }')["lost"] == [
        "the test `one` has lost 1 expectation"
    ]
    assert not texts(old, old.replace('"one"', '"two"'))
    assert texts('allow read "a" prove "p" { always deny write "x" }', 'allow read "a"')["lost"]
    assert texts('context { e: bool } allow read "a"', 'allow read "a"')["noted"]


def test_defaults_of_attributes_count_when_nothing_is_given() -> None:
    old = 'policy "p" context { e: "dev" | "prod" = "dev" } allow read "a" when e == "prod"'
    new = old.replace('= "dev"', '= "prod"')
    row = only(diff(Policy.loads(old).engine, Policy.loads(new).engine), "widened")
    assert "e" not in row.proof.given
    clash = 'policy "p" context { e: int } allow read "a" when e == 1'
    found = diff(Policy.loads(old).engine, Policy.loads(clash).engine)
    assert found.undecided
    assert not found.same


def test_commands_in_every_spelling() -> None:
    old = 'allow run "git {status,push} **" deny run "git push --force **"'
    row = only(compare(old, 'allow run "git {status,push} **"'), "widened")
    assert row.witness.resource == ("git", "push", "--force")
    assert kinds(compare(old, old + ' deny run "git push **"')) == {("narrowed", "run")}
    found = compare('allow run "python3 -c *"', 'allow run "python3 **"')
    assert ("narrowed", "run") in kinds(found)
    assert only(found, "narrowed").witness.resource == ("python3", "-c", "a")
    assert (
        compare('allow run "ls **"', 'allow run "ls **" ask review run opaque').rows[0].proof.resource == '"$COMMAND"'
    )
    found = compare('allow run "ls **" deny run "curl **" except opaque', 'allow run "ls **"')
    assert found.same  # nothing granted it


UNGRANTED = [
    # a name may resolve to a public address that nothing grants, as long as nothing denies it
    ('allow connect "a.example" deny connect "8.8.8.0/24:*"', 'allow connect "a.example"', {"widened"}),
    ('allow connect "a.example" deny connect "10.0.0.0/8:*"', 'allow connect "a.example"', set()),
    ('deny connect "8.8.8.0/24:*"', "", set()),
    ('allow connect "a.example" ask review connect "8.8.8.8"', 'allow connect "a.example"', {"narrowed", "lowered"}),
    # what only runs another command, or changes the shell's own state, needs no grant
    ('allow run "ls **" deny run "env **"', 'allow run "ls **"', {"widened"}),
    ('allow run "ls **" deny run "cd /etc" except opaque', 'allow run "ls **"', {"widened"}),
    ('allow run "ls **" deny run "bash -c **"', 'allow run "ls **"', {"widened"}),
    # an opaque command of a program that a rule names
    ('allow run opaque deny run "curl **" except opaque', "allow run opaque", {"widened"}),
    ('allow run opaque deny run "own-tool **" except opaque', "allow run opaque", set()),
]


@pytest.mark.parametrize(("old", "new", "expected"), UNGRANTED)
def test_what_is_permitted_without_a_grant_that_matches(old: str, new: str, expected: set[str]) -> None:
    found = compare(old, new)
    assert {r.kind for r in found.rows} == expected
    assert not found.undecided


def test_a_guardrail_asks_for_a_public_address_that_nothing_grants() -> None:
    def guarded(rule: str) -> Policy:
        texts = {
            "/p/p.policy": 'policy "p"\nimport "g.policy"\nallow connect "a.example"\n',
            "/p/g.policy": f'guardrail "g"\ntier review {{ approvers "@r" }}\n{rule}\n',
        }
        return Policy._of(compile_file("/p/p.policy", read=lambda path, _: texts[path].encode()))

    asks, other = guarded('ask review connect "8.8.8.0/24:*"'), guarded('deny connect "x.example"')
    for old, new, kind in ((asks, other, "lowered"), (other, asks, "raised")):
        row = only(diff(old.engine, new.engine), kind)
        assert row.witness.resolved == ("8.8.8.0",)


def test_programs_that_run_others_are_all_known() -> None:
    from policy_lang.analysis.ungranted import RUNNERS
    from policy_lang.compiler.profiles import builtin_names, with_own

    profiles = with_own({})
    assert tuple(n for n in builtin_names() if (p := profiles(n)) is not None and p.transparent) == RUNNERS


def test_a_search_beyond_its_limits_is_undecided_and_never_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    from policy_lang.domain import limits

    monkeypatch.setitem(limits._BY_NAME, "search_work", 200)
    old = " ".join(f'allow read "**/a{i}*b*/c{i}*"' for i in range(20))
    found = compare(old, old.replace("/c", "/*/c"))
    assert found.undecided
    assert not found.same


def test_too_many_cases_of_conditions_are_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    from policy_lang.domain import limits

    # one attribute of each rule has to be tried with those of the others
    old = 'allow read "a" when (ci or level == 1) and (env == "dev" or level == 2)'
    new = 'allow read "a" when (ci or level == 1) and (env == "dev" or level == 3)'
    assert {r.kind for r in compare(old, new).rows} == {"widened", "narrowed"}
    monkeypatch.setitem(limits._BY_NAME, "condition_cases", 2)
    found = compare(old, new)
    assert found.undecided
    assert not found.rows


def test_a_protected_file_that_is_so_behind_walls_alone_is_no_other_file() -> None:
    """What git keeps is protected where an agent is confined: outside, a grant of it decides something."""
    for rule in ('allow write ".git/notes/**"', 'allow write "./"'):
        policy = Policy.loads(f'policy "p"\n{rule}\nprove "git" {{ always deny write ".git/notes/a" }}\n')
        assert rule_facts(policy.engine).found == []
        assert [c.verdict for c in prove(policy.engine)] == ["refuted"]
    over = compare('allow write "*.ts" override protected', "otherwise ask review")
    assert not over.undecided
    (row,) = [r for r in over.rows if (r.kind, r.action) == ("narrowed", "write")]
    assert row.only == "confined"
    assert (row.old.effect, row.new.effect) == ("allow", "deny")
