"""The tests that `./check deep` runs again are those that try less in `./check`, by whatever way they ask."""

from __future__ import annotations

from pathlib import Path

from tests.lane_tests import TESTS, depending

MODULE = """\
from tests.lanes import share
from .helper import drawn
from .other import plain
MANY = share(100)
HALF = MANY // 2
def times(): return HALF
@pytest.fixture
def many(): return range(times())
def test_by_constant(): assert MANY
def test_by_function(): assert times()
def test_by_fixture(many): assert many
def test_by_helper(): assert drawn()
def test_apart(): assert plain()
"""


def test_what_hangs_on_the_lane_is_found() -> None:
    folder = TESTS / "tidy" / "lane_tests_example"
    try:
        folder.mkdir()
        (folder / "helper.py").write_text("from tests.lanes import pick\ndef drawn(): return pick(1, 2, 3)\n")
        (folder / "other.py").write_text("def plain(): return 1\n")
        module = folder / "module.py"
        module.write_text(MODULE)
        found = {name for name in depending(module) if name.startswith("test_")}
    finally:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    assert found == {"test_by_constant", "test_by_function", "test_by_fixture", "test_by_helper"}


def test_the_longest_ones_are_among_them() -> None:
    found = depending(Path(TESTS / "properties/test_diff.py"))
    assert "test_the_difference_is_exact" in found
