"""Entries in other forms grant no more than before, whatever a sandbox can be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang.domain.errors import SearchLimitError
from policy_lang.exports import entries as forms
from policy_lang.exports.model import PathEntry


def folder(place: Path, *names: str) -> None:
    for name in names:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def test_what_the_folder_around_says_is_not_said_again() -> None:
    found = forms.plain(
        [
            PathEntry("/a", "read", True),
            PathEntry("/a/b", "read", True),
            PathEntry("/a/b/c", "none", False),
            PathEntry("/x", "none", True),
        ]
    )
    assert [(e.path, e.mode) for e in found] == [("/a", "read"), ("/a/b/c", "none")]


def test_what_is_refused_is_as_the_folder_around() -> None:
    given = [PathEntry("/a", "read", True), PathEntry("/a/b", "none", True), PathEntry("/a/b/c", "read", True)]
    found = forms.without(given, lambda _, around: around.mode == "none")
    assert [(e.path, e.mode) for e in found] == [("/a", "read"), ("/a/b", "none")]


def test_a_folder_is_opened_down_to_a_path(tmp_path: Path) -> None:
    folder(tmp_path, "x", "a/y", "a/b/z", "c/w")
    (tmp_path / "link").symlink_to("x")
    given = [PathEntry(str(tmp_path), "read", True), PathEntry(str(tmp_path / "a/b"), "write", True)]
    found = forms.spread(given, [str(tmp_path)], [str(tmp_path / "a/b")])
    assert {(Path(e.path).relative_to(tmp_path).as_posix(), e.mode) for e in found} == {
        ("x", "read"), ("a/y", "read"), ("a/b", "write"), ("c", "read"),
    }  # fmt: skip


def test_what_cannot_be_said_is_not_granted(tmp_path: Path) -> None:
    folder(tmp_path, "odd*/x", "odd*/secret", "b/y", "b/odd*")
    given = [
        PathEntry(str(tmp_path), "read", True), PathEntry(str(tmp_path / "odd*/secret"), "none", False),
        PathEntry(str(tmp_path / "b/odd*"), "none", False),
    ]  # fmt: skip
    found = forms.sayable(given, lambda path: "*" not in path)
    assert [(Path(e.path).relative_to(tmp_path).as_posix(), e.mode) for e in found] == [("b/y", "read")]


def test_a_grant_that_cannot_be_said_is_left_out() -> None:
    given = [PathEntry("/a*", "read", True), PathEntry("/b", "read", True), PathEntry("/b/c*", "write", True)]
    assert [e.path for e in forms.sayable(given, lambda path: "*" not in path)] == ["/b"]


def test_more_than_can_be_listed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path, *(f"f{n}" for n in range(4)))
    given = [PathEntry(str(tmp_path), "read", True)]
    monkeypatch.setattr(forms, "_MOST", 4)
    assert len(forms.spread(given, [str(tmp_path)], [])) == 4
    monkeypatch.setattr(forms, "_MOST", 3)
    with pytest.raises(SearchLimitError):
        forms.spread(given, [str(tmp_path)], [])
