"""One list of what a developer needs, and one way of leaving tests out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomli

from tests import needs
from tests.console.support import ROOT

EXTRAS = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def named(requirement: str) -> str:
    return re.split(r"[\[<>=]", requirement, maxsplit=1)[0].lower()


def test_each_thing_that_developers_need_has_a_version_and_nothing_else_has() -> None:
    own = [r for r in EXTRAS["dev"] if named(r) == "policy-lang"]
    assert [sorted(re.findall(r"[a-z]+", r.partition("[")[2])) for r in own] == [sorted(EXTRAS.keys() - {"dev"})]
    wanted = {named(r) for requirements in EXTRAS.values() for r in requirements} - {"policy-lang"}
    lines = (ROOT / "requirements/dev.txt").read_text().splitlines()
    assert sorted(wanted) == [named(line) for line in lines if not line.startswith("#")]
    assert all("==" in line and "[" not in line for line in lines if not line.startswith("#"))


def test_tests_are_left_out_in_one_way() -> None:
    for path in sorted(Path(ROOT / "tests").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path not in {Path(needs.__file__), Path(__file__)}:
            assert "importorskip" not in text and 'environ.get("CI")' not in text, path


def test_what_is_not_installed_is_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "IN_CI", False)
    needs.require("json", "policy_lang")
    with pytest.raises(pytest.skip.Exception, match="`no_such` is not installed"):
        needs.require("json", "no_such")
    with pytest.raises(pytest.skip.Exception, match="`no_such` is not installed"), needs.extra():
        import no_such  # noqa: F401
    assert needs.needs("why", there=False).args == (True,)


def test_what_says_that_it_is_ci() -> None:
    assert [needs.is_set(v) for v in ("true", "1", "yes")] == [True] * 3
    assert [needs.is_set(v) for v in (None, "", "false", "False", "0", "no")] == [False] * 6


def test_a_lane_that_is_none_is_said_by_name() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import tests.lanes"], env={**os.environ, "HYPOTHESIS_PROFILE": "ci"}, cwd=ROOT,
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stderr.endswith("HYPOTHESIS_PROFILE=ci is not a lane; the lanes are check, deep, nightly\n")


def test_it_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "IN_CI", True)
    needs.require("no_such")  # goes on, to where it is used
    with pytest.raises(ModuleNotFoundError), needs.extra():
        import no_such  # noqa: F401
    assert needs.needs("why", there=False).args == (False,)
