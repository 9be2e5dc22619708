"""Losses: each is shown with a request that the policy denies or asks about, and is not said where there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from policy_lang import Policy
from policy_lang.domain.request import Request
from policy_lang.walls.launch import CODES
from policy_lang.walls.losses import NOT_HELD, STRICTER_CODES, Loss, losses
from policy_lang.walls.plan import Survey
from policy_lang.walls.port import DecisionPort

ALL = 'policy "p" allow read "/", "./", "~/" allow run "**", opaque allow push, force-push, delete-ref, merge "**", "refs/**" allow call, do "**" allow connect "**:*" '


def found(
    place: Path, text: str, network: bool = True, reads: bool = False, bubblewrap: bool = True
) -> dict[str, Loss]:
    (place / "w").mkdir(exist_ok=True)
    policy = Policy.loads(text)
    like = Request("read", ".", workspace=str(place / "w"), home=str(place), tmp="/tmp")
    port = DecisionPort(policy, like)
    plan = Survey(port, hides=bubblewrap).plan()
    made = {loss.code: loss for loss in losses(port, plan, network, reads, bubblewrap)}
    for loss in made.values():
        assert (loss.held == NOT_HELD) == (loss.code in CODES) == (loss.code not in STRICTER_CODES)
        if loss.witness is not None:
            assert policy.decide_request(loss.witness).effect != "allow", loss.code
    return made


def test_what_grants_everything_loses_nothing(tmp_path: Path) -> None:
    assert set(
        found(
            tmp_path,
            'policy "p" allow read "./" allow run "**", opaque allow push, force-push, delete-ref, merge "**", "refs/**" allow call, do "**" allow connect "**:*"',
        )
    ) <= {"words"}


@pytest.mark.parametrize(
    ("rule", "code", "shown"),
    [
        ('deny run "terraform destroy **"', "words", "run"), ('deny run "terraform destroy"', "words", "run"),
        ('deny push "release/**"', "remote", "push"), ('deny call "billing.*"', "remote", "call"),
        ('tier t { approvers "@x" } ask t do "deploy"', "remote", "do"), ('deny read "**/*.key"', "late-reads", "read"),
    ],
)  # fmt: skip
def test_a_rule_that_restricts_is_shown_by_a_request(tmp_path: Path, rule: str, code: str, shown: str) -> None:
    witness = found(tmp_path, ALL + rule)[code].witness
    assert witness is not None
    assert witness.action == shown


def test_what_is_decided_is_no_loss(tmp_path: Path) -> None:
    rules = ALL + 'deny read "**/*.key"'
    assert "late-reads" not in found(tmp_path, rules, reads=True)
    assert "remote" not in found(tmp_path, ALL + 'deny push "release/**"', network=False)
    assert "namespaces" in found(tmp_path, 'policy "p" allow read "./"', bubblewrap=False)


def test_rules_that_hang_on_the_time_are_late_reads(tmp_path: Path) -> None:
    """What is there inside is settled at the start, though no name is made later."""
    rules = ALL + 'when now >= 2026-01-31T08:00Z { deny write "src/" }'
    (tmp_path / "w").mkdir(exist_ok=True)
    assert "late-reads" in found(tmp_path, rules)
    assert "late-reads" not in found(tmp_path, rules, reads=True)


@pytest.mark.parametrize("alike", [True, False])
def test_names_in_other_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alike: bool) -> None:
    """On a file system that takes them for the same, a name is decided as it is spelled."""
    (tmp_path / "w/Notes").mkdir(parents=True)
    monkeypatch.setattr(os.path, "samefile", lambda a, b: alike and a.lower() == b.lower())
    assert ("letters" in found(tmp_path, ALL)) == alike


def test_passwords_in_gits_configuration(tmp_path: Path) -> None:
    (tmp_path / "w/.git").mkdir(parents=True)
    config = tmp_path / "w/.git/config"
    config.write_text('[remote "origin"]\n\turl = https://github.com/a/b\n')
    assert "git-credentials" not in found(tmp_path, ALL)
    for line in ("url = https://me:secret@github.com/a/b", "extraheader = AUTHORIZATION: basic x"):
        config.write_text(f'[remote "origin"]\n\t{line}\n')
        assert "git-credentials" in {loss.code for loss in made(tmp_path)}


def made(place: Path) -> list[Loss]:
    like = Request("read", ".", workspace=str(place / "w"), home=str(place), tmp="/tmp")
    port = DecisionPort(Policy.loads(ALL), like)
    return losses(port, Survey(port).plan(), True, False, True)
