"""Which tiers an approval counts for as well."""

from __future__ import annotations

from policy_lang.domain.policy import Tier, closure, included


def tier(name: str, *includes: str) -> Tier:
    return Tier(name, ("@x",), 1, 60, includes, "once", False, "")


def test_tiers_that_a_tier_includes() -> None:
    tiers = {t.name: t for t in (tier("a", "b"), tier("b", "c", "unknown"), tier("c"), tier("d"))}
    assert included(tiers["a"], tiers) == {"b", "c", "unknown"}
    assert included(tiers["c"], tiers) == included(tiers["d"], tiers) == frozenset()
    assert closure(("a", "d"), tiers) == {"a", "b", "c", "d", "unknown"}


def test_a_tier_does_not_include_itself_where_they_go_round() -> None:
    tiers = {t.name: t for t in (tier("a", "b"), tier("b", "a"), tier("c", "c"))}
    assert included(tiers["a"], tiers) == {"b"}
    assert included(tiers["c"], tiers) == frozenset()
    assert "a" in closure(tiers["a"].includes, tiers)
