"""How much is tried: the one place that says how counts depend on the lane. HYPOTHESIS_PROFILE chooses the lane.

`check` is what `./check` runs: a few minutes, the same every time. `deep` is `./check deep`, and what CI runs: the full counts, the
same every time. `nightly` draws anew every time, for hours.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

LANES = ("check", "deep", "nightly")
LANE = os.environ.get("HYPOTHESIS_PROFILE", "check")
if LANE not in LANES:
    raise ValueError(f"HYPOTHESIS_PROFILE={LANE} is not a lane; the lanes are {', '.join(LANES)}")
DEEP = LANE != "check"
_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def pick(check: int, deep: int, nightly: int) -> int:
    """The count of this lane."""
    return dict(zip(LANES, (check, deep, nightly), strict=True))[LANE]


def share(deep: int, nightly: int | None = None) -> int:
    """The count of this lane for draws that are like each other: `./check` makes a third of them."""
    return pick(-(-deep // 3), deep, nightly or deep)


PARTS = tuple(range(pick(2, 8, 8)))
"""The parts of this lane of a test that is cut into eighths."""


def load_profile() -> None:
    """Make the lanes known to Hypothesis, and choose one."""
    for lane in LANES:
        same = lane != "nightly"
        settings.register_profile(lane, deadline=None, derandomize=same, database=None, suppress_health_check=_QUIET)
    settings.load_profile(LANE)


def run_part(part: int, test: Callable[[st.DataObject], None], examples: int, enough: Callable[[], bool]) -> None:
    """Run one part of a test, in rounds of `examples`, until there is `enough`; never more than 20 rounds.

    Part and round are in the seed of the draws, as `derandomize` looks at the function only. NOSHRINK in the environment shows what was
    found as it was drawn.
    """
    phases = [Phase.generate] if os.environ.get("NOSHRINK") else list(Phase)
    drawn = settings(max_examples=examples, phases=phases)(given(st.data())(test))
    for turn in range(20):
        (drawn if LANE == "nightly" else seed(100 * part + turn)(drawn))()
        if enough():
            break
