"""The repositories in bench/starter and the requests about them are complete and well formed."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from policy_lang.domain.actions import ACTIONS, METHODS, SORT_OF
from tests.tidy.test_tidy import ROOT

CASES = sorted((ROOT / "bench/starter").glob("*.toml"))
WANTED = {"ordinary": range(100, 1000), "person": range(25, 1000), "hostile": range(10, 1000), "task": range(35, 36)}
"""How many requests of each kind a repository has."""
CONNECTIONS = {("connect", method) for method in METHODS}


def test_there_are_twelve_repositories() -> None:
    assert len(CASES) == 12


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_cases_are_well_formed(path: Path) -> None:
    case = tomli.loads(path.read_text())
    assert case.keys() == {"about", "branch", "default_branch", "ignored", "files", "requests"}
    assert case["branch"] != case["default_branch"]
    assert 15 <= len(case["files"]) <= 45
    assert set(case["ignored"]) <= case["files"].keys()
    assert case["requests"].keys() == WANTED.keys()
    lines = {kind: text.strip().splitlines() for kind, text in case["requests"].items()}
    for kind, requests in lines.items():
        assert len(requests) in WANTED[kind], kind
        assert kind == "task" or len(set(requests)) == len(requests), kind
        for line in requests:
            action, _, resource = line.partition(" ")
            assert action in ACTIONS, line
            assert resource.strip() == resource != "", line
            words = resource.split(" ")
            assert SORT_OF[action] == "command" or len(words) == 1 or (action, words[1]) in CONNECTIONS, line
    assert not {*lines["ordinary"], *lines["task"]} & {*lines["person"], *lines["hostile"]}
