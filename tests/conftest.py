"""What every test needs: the lane's profile, and options of pytest."""

from __future__ import annotations

import gc

import pytest

from tests.lane_tests import depending
from tests.lanes import LANE, load_profile

load_profile()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew")


LONGEST = ("tests/properties/", "tests/service/", "tests/lint/", "tests/records/")
"""Folders with tests that take many seconds, the longest first."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest tests first, so that no worker is left alone with one at the end.

    In the lane `deep`, the tests alone that try less in `./check`: the others would try the same once more.
    """
    if LANE == "deep":
        kept = [item for item in items if getattr(item, "originalname", item.name) in depending(item.path)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept
    items.sort(key=lambda item: next((i for i, folder in enumerate(LONGEST) if item.nodeid.startswith(folder)), 9))


def pytest_collection_finish() -> None:
    """What collecting made stays to the end: the collector need not look at it again, nor after every 700 objects at all."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
