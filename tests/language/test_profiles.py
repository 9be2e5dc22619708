"""`profile "FILE"`: a policy's own profiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang import Policy, PolicyError

POLICY = 'policy "p"\nprofile "deploy.toml"\nallow run "deploy **"\nallow read "in/**"\nallow write "out/**"\n'
PROFILE = 'about = "ours"\nvalues = "-o|--output=write"\noperands = "read..."\nflags = "-v"\n'


def codes(path: Path) -> list[str]:
    with pytest.raises(PolicyError) as raised:
        Policy.load(str(path))
    return [d.code for d in raised.value.diagnostics]


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_a_profile_says_what_a_program_does(tmp_path: Path) -> None:
    path = write(tmp_path, "p.policy", POLICY)
    write(tmp_path, "deploy.toml", PROFILE)
    policy = Policy.load(str(path))
    assert policy.decide(action="run", resource="deploy -v -o out/x in/a").effect == "allow"
    assert policy.decide(action="run", resource="deploy -o x in/a").effect == "deny"
    assert policy.decide(action="run", resource="deploy in/a ../b").effect == "deny"
    assert policy.decide(action="run", resource="deploy --weird in/a").effect == "deny"
    assert policy.decide(action="write", resource="deploy.toml", workspace=str(tmp_path)).effect == "deny"
    digest = policy.digest
    write(tmp_path, "deploy.toml", PROFILE + 'note = "x"\n')
    assert Policy.load(str(path)).digest != digest


def test_it_replaces_a_built_in_one(tmp_path: Path) -> None:
    path = write(tmp_path, "p.policy", 'policy "p"\nprofile "cat.toml"\nallow run "cat **"\n')
    write(tmp_path, "cat.toml", 'operands = "text..."\n')
    assert Policy.load(str(path)).decide(action="run", resource="cat x").effect == "allow"
    write(tmp_path, "cat.toml", 'same = "rm"\n')
    assert Policy.load(str(path)).decide(action="run", resource="cat x").effect == "deny"


def test_a_misnamed_profile_says_how_it_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a b.toml", PROFILE)
    path = write(tmp_path, "q.policy", 'policy "q"\nprofile "a b.toml"\nallow read "x"\n')
    with pytest.raises(PolicyError) as raised:
        Policy.load(str(path))
    (found,) = raised.value.diagnostics
    assert (found.message, found.help) == ("`a b` is not a program's name", "name the file after the program")


def test_wrong_profiles_are_reported(tmp_path: Path) -> None:
    path = write(tmp_path, "p.policy", POLICY)
    assert codes(path) == ["PLE001"]
    for text in ("x", 'flags = "a"', 'same = "nothing-such"'):
        write(tmp_path, "deploy.toml", text)
        assert codes(path) == ["PLE509"]
    write(tmp_path, "deploy.toml", PROFILE)
    assert codes(write(tmp_path, "q.policy", POLICY + 'profile "./deploy.toml"\n')) == ["PLE510"]
    write(tmp_path, "a b.toml", PROFILE)
    assert codes(write(tmp_path, "q.policy", 'policy "q"\nprofile "a b.toml"\nallow read "x"\n')) == ["PLE509"]
    assert codes(write(tmp_path, "q.policy", 'policy "q"\nprofile "."\nallow read "x"\n')) == ["PLE001"]
    assert codes(write(tmp_path, "q.policy", 'policy "q"\nwhen now < 2027-01-01 { profile "deploy.toml" }\n')) == [
        "PLE503"
    ]


def test_only_the_outermost_ceiling_may_bring_one(tmp_path: Path) -> None:
    write(tmp_path, "deploy.toml", PROFILE)
    write(tmp_path, "org.policy", 'policy "org"\nallow run "**"\nallow read, write "./"\n')
    team = 'policy "p"\nwithin "org.policy"\nallow run "deploy **"\nallow read "in/**"\nallow write "out/**"\n'
    assert codes(write(tmp_path, "p.policy", team + 'profile "deploy.toml"\n')) == ["PLE510"]
    write(tmp_path, "org.policy", 'policy "org"\nprofile "deploy.toml"\nallow run "**"\nallow read, write "./"\n')
    policy = Policy.load(str(write(tmp_path, "p.policy", team)))
    assert policy.decide(action="run", resource="deploy -o out/x in/a").effect == "allow"
    assert policy.decide(action="run", resource="deploy -o x in/a").effect == "deny"
