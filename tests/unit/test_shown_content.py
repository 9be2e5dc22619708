"""What is written, as people are shown it: each line that differs, none that would mislead, long ones folded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_lang.domain.limits import limit
from policy_lang.pep import content as calls
from policy_lang.report import content as report
from policy_lang.report.content import FOLDED, IN, OUT, SAME, bound, contents, differences, render_contents

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "", "\t", "  d"]), max_size=30).map("\n".join)


def ticket(content: dict[str, Any], before: dict[str, Any] | None = None, **request: Any) -> dict[str, Any]:
    about = {} if before is None else {"before": {"a.txt": before}}
    return {"request": {"action": "write", "resource": "a.txt", "content": content, **request}, "about": about}


def one(content: dict[str, Any], before: dict[str, Any] | None = None) -> report.ShownContent:
    (found,) = contents(ticket(content, before))
    return found


@given(TEXTS, TEXTS)
def test_differences_are_the_two_texts(old: str, new: str) -> None:
    """Whoever takes the lines that go and those that stay has the old text; those that come and stay, the new one."""
    shown = differences(old, new)
    if any(sign == FOLDED for sign, _ in shown):
        changed = [(s, t) for s, t in shown if s in {IN, OUT}]
        assert len([1 for s, _ in changed if s == OUT]) <= len(old.split("\n"))
    else:
        assert [t for s, t in shown if s != IN] == report._lines(old)
        assert [t for s, t in shown if s != OUT] == report._lines(new)
    assert (old == new) == (not any(s in {IN, OUT} for s, _ in shown))


def test_what_stays_the_same_is_folded() -> None:
    old = "\n".join(map(str, range(100)))
    shown = differences(old, old.replace("50", "x"))
    assert [s for s, _ in shown] == [FOLDED, SAME, SAME, SAME, OUT, IN, SAME, SAME, SAME, FOLDED]
    assert shown[0][1] == "47 lines that stay the same"


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_lines_are_compared(more: int) -> None:
    most = limit("diff_lines")
    old = [f"x{i % 7}" for i in range(most + more)]
    new = [f"x{(i * 3 + 1) % 7}" for i in range(most + more)]
    shown = differences("\n".join([*old, ""]), "\n".join([*new, ""]))
    assert (SAME in {s for s, _ in shown}) is not bool(more)


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_lines_are_shown_at_once(more: int) -> None:
    text = "\n".join(map(str, range(limit("content_lines") + more)))
    assert len(one(calls.whole("Write", text)).rest) == more


def test_every_kind_of_content_is_shown() -> None:
    assert one(calls.whole("Write", "a\nb\n")).lines == ((IN, "a"), (IN, "b"))
    assert one(calls.whole("Write", "a\nc\n"), {"text": "a\nb\n"}).lines == ((SAME, "a"), (OUT, "b"), (IN, "c"))
    edit = one(calls.edited("Edit", {"old": "a", "new": "b", "all": True}, {"old": "c", "new": ""}))
    assert (OUT, "a[no line end]") in edit.lines and (FOLDED, "at every place") in edit.lines
    cell = one(calls.edited("NotebookEdit", {"cell": "7", "mode": "insert", "kind": "code", "new": "x"}))
    assert (FOLDED, "insert the cell 7 code") in cell.lines
    assert any('"title"' in text for _, text in one(calls.given("mcp__a__b", {"title": "x"})).lines)
    binary = one(calls.whole("Write", "a"), {"bytes": 7, "sha256": "0" * 64})
    assert "7 bytes that are no text" in binary.title
    assert "empty" in one(calls.whole("Write", "")).title


def test_what_is_not_shown_is_said() -> None:
    long = "x" * (limit("content_bytes") + 1)
    for content in (
        calls.whole("Write", long),
        calls.edited("Edit", {"old": "a", "new": long}),
        calls.given("t", long),
    ):
        assert "too long to be shown" in one(content).warning


def test_hidden_characters_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown = "\n".join(render_contents(ticket(calls.whole("Write", "a\u202eb\x1b[31m\tc\r\n")), True))
    assert "\u202e" not in shown and "\x1b" not in shown and "\r" not in shown and "\t" not in shown
    assert "\\u202e" in shown and "\\x1b" in shown and "\\r" in shown


def test_files_that_are_bound_are_named() -> None:
    states = {
        "/w/a.sh": {"bytes": 1, "sha256": "ab" * 32}, "/w/b": {"bytes": 9, "inode": 1, "changed": 1},
        "/w/c": {"bytes": 9, "inode": 1, "changed": 1, "unread": "Permission denied"}, "": {"more": 3, "sha256": "cd" * 32},
    }  # fmt: skip
    rows = dict(bound(ticket({}, files=states)))
    assert rows["/w/a.sh"].startswith("1 byte, SHA-256 abab")
    assert (
        "too large" in rows["/w/b"]
        and "may not read" in rows["/w/c"]
        and rows["further files"].startswith("3, not read")
    )
