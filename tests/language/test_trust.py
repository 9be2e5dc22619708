"""`trust "FOLDER"`: programs there are what they are called, for the policy that grants, where nobody may change them."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang import Decision, Policy, PolicyError, __version__
from policy_lang.analysis.diff import diff
from policy_lang.compiler.binary import compile_binary
from policy_lang.domain.errors import Source
from policy_lang.syntax.format import format_file
from policy_lang.syntax.parse import parse

BASE = """policy "p"
import std.git
trust "/opt/homebrew/bin", "./.venv/bin", "~/.tools/bin"
allow run "git {status,push} **", "pytest **"
allow read, write, delete "./"
allow push "agent/**"
deny write, delete ".venv/"
deny run "*/git push **" with "--force"
"""


def decide(policy: Policy, command: str, **more: object) -> Decision:
    given = {"workspace": "/workspace", "home": "/home/agent", "lexical": True, **more}
    return policy.decide(agent="codex", action="run", resource=command, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("command", "effect"),
    [
        ("/opt/homebrew/bin/git status", "allow"),
        ("/opt//homebrew/bin/../bin/git status", "allow"),
        ("cd src && ../.venv/bin/pytest", "deny"),  # a relative path with `..` is opaque
        ("./.venv/bin/pytest", "allow"),
        (".venv/bin/pytest tests", "allow"),
        ("/workspace/.venv/bin/pytest", "allow"),
        ("/home/agent/.tools/bin/pytest", "allow"),
        ("timeout 5 /opt/homebrew/bin/git status", "allow"),
        ("/opt/homebrew/bin/git push origin agent/x", "allow"),
        ("/opt/homebrew/bin/git push origin main", "deny"),  # it is read as git is
        ("/opt/homebrew/bin/git push --force origin agent/x", "deny"),  # as a rule about its path says
        ("/opt/homebrew/bin/rm x", "deny"),
        ("/opt/homebrew/git status", "deny"),
        ("/opt/homebrew/bin/sub/git status", "deny"),
        ("/opt/homebrew/bin2/git status", "deny"),
        ("cd lib && .venv/bin/pytest", "deny"),
    ],
)
def test_programs_there_are_what_they_are_called(command: str, effect: str) -> None:
    decision = decide(Policy.loads(BASE), command)
    assert decision.effect == effect, decision.reasons


@pytest.mark.parametrize(
    ("rules", "effect"),
    [
        ("", "allow"),
        ('allow write "bin/**"', "deny"),
        ('allow write "bin/tool"', "deny"),
        ('allow write "bin/other"', "allow"),
        ('allow delete "bin"', "deny"),  # another folder could take its place
        ('ask t write "./"', "deny"),
        ('agent "somebody" { allow write "./" }', "deny"),
        ('allow write "./" when now < 2020-01-01', "deny"),
        ('allow write "./" except "bin/"', "allow"),
        ('allow write "./"\ndeny write, delete "bin/"', "allow"),
        ('allow write "./"\ndeny write, delete "bin/" except "bin/tool"', "deny"),
        ('allow write "./"\ndeny write, delete "bin/" when now < 2020-01-01', "deny"),
    ],
)
def test_it_counts_only_where_nobody_may_change_the_program(rules: str, effect: str) -> None:
    text = f'policy "p"\ntier t {{ approvers "@t" }}\ntrust "./bin"\nallow run "tool **"\n{rules}\n'
    decision = decide(Policy.loads(text), "./bin/tool x")
    assert decision.effect == effect, decision.reasons


def test_a_link_counts_as_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/tool").touch()
    (tmp_path / "bin/tool").symlink_to("../out/tool")
    given = {"workspace": str(tmp_path), "lexical": False}
    text = 'policy "p"\ntrust "./bin"\nallow run "tool **"\nallow write "out/**"\n'
    assert decide(Policy.loads(text), "bin/tool", **given).effect == "deny"
    assert decide(Policy.loads(text.replace('allow write "out/**"', "")), "bin/tool", **given).effect == "allow"


def test_a_ceiling_must_say_so_as_well(tmp_path: Path) -> None:
    (tmp_path / "top.policy").write_text('policy "top"\nallow run "git **"\n')
    (tmp_path / "rail.policy").write_text('guardrail "rail"\ndeny run "rm **"\n')
    policy = tmp_path / "p.policy"
    text = 'policy "p"\nwithin "{}"\ntrust "/opt/bin"\nallow run "git **"\n'
    policy.write_text(text.format("rail.policy"))
    assert decide(Policy.load(str(policy)), "/opt/bin/git status").effect == "allow"
    policy.write_text(text.format("top.policy"))
    assert decide(Policy.load(str(policy)), "/opt/bin/git status").effect == "deny"
    (tmp_path / "top.policy").write_text('policy "top"\ntrust "/opt/bin/"\nallow run "git **"\n')
    assert decide(Policy.load(str(policy)), "/opt/bin/git status").effect == "allow"


@pytest.mark.parametrize(
    "folder",
    [
        "bin",
        "",
        "/",
        ".",
        "./",
        "~/",
        "../bin",
        "./../bin",
        "/a/*",
        "/a/../b",
        "/a//b",
        "./a/./b",
        "${tmp}/bin",
        "~user/bin",
    ],
)
def test_what_is_no_folder_to_trust(folder: str) -> None:
    with pytest.raises(PolicyError) as error:
        Policy.loads(f'policy "p"\ntrust "{folder}"\nallow read "a"\n')
    assert [d.code for d in error.value.diagnostics] == ["PLE511"]


def test_it_stands_in_the_policy_that_grants(tmp_path: Path) -> None:
    (tmp_path / "more.policy").write_text('policy "more"\ntrust "/opt/bin"\nallow run "git **"\n')
    (tmp_path / "p.policy").write_text('policy "p"\nimport "more.policy"\nallow read "a"\n')
    with pytest.raises(PolicyError) as error:
        Policy.load(str(tmp_path / "p.policy"))
    assert [d.code for d in error.value.diagnostics] == ["PLE512"]


def test_it_is_formatted_and_changes_the_digest(tmp_path: Path) -> None:
    text = 'policy "p"\n\ntrust   "/opt/bin",\n  "./bin" # why\n\nallow read "a"\n'
    once = format_file(parse(Source("p.policy", text)))
    assert once == 'policy "p"\n\ntrust "/opt/bin", "./bin"  # why\n\nallow read "a"\n'
    with_, without = Policy.loads(text), Policy.loads('policy "p"\nallow read "a"\n')
    assert with_.digest != without.digest
    assert with_.digest == Policy.loads('policy "p"\nallow read "a"\ntrust "./bin/"\ntrust "/opt/bin"').digest
    found = diff(without.engine, with_.engine)
    assert [u.why for u in found.undecided] == [
        "a `trust` changed, so programs in that folder are what they are called, or no longer"
    ]


def test_a_compiled_policy_has_it(tmp_path: Path) -> None:
    source, target = tmp_path / "p.policy", tmp_path / "p.plc"
    source.write_text(BASE)
    target.write_bytes(compile_binary(str(source), __version__))
    target.chmod(0o644)
    compiled = Policy.load(str(target))
    assert decide(compiled, "/opt/homebrew/bin/git status").effect == "allow"
    assert decide(compiled, "/opt/homebrew/bin/git push --force origin agent/x").effect == "deny"
    assert decide(compiled, "/opt/other/bin/git status").effect == "deny"


def test_what_a_link_leads_to_is_looked_at_each_time(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tool").touch()
    policy = Policy.loads('policy "p"\ntrust "./bin"\nallow run "tool **"\nallow write "out/**"\n')
    given = {"workspace": str(tmp_path), "lexical": False}
    assert decide(policy, "bin/tool", **given).effect == "allow"
    (tmp_path / "bin/tool").unlink()
    (tmp_path / "bin/tool").symlink_to("../out/tool")
    assert decide(policy, "bin/tool", **given).effect == "deny"
