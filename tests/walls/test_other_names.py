"""Further names of files: what is hidden is so under each, and what is changed is so only where all may be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from policy_lang.domain.errors import SearchLimitError
from policy_lang.walls import other_names
from policy_lang.walls.other_names import OtherNames, with_other_names
from policy_lang.walls.plan import Mount, Plan

from .running import WALLS, place, run

_ = place


def test_a_file_with_two_granted_names_is_changed(tmp_path: Path) -> None:
    for folder in ("a", "b", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a/f").write_text("x")
    names = OtherNames((str(tmp_path / "a"), str(tmp_path / "b")), lambda path: not path.endswith(".pem"))

    def allowed() -> bool:
        place = os.open(tmp_path / "a/f", os.O_PATH)
        try:
            return names.all_allowed(place)
        finally:
            os.close(place)

    assert allowed()
    os.link(tmp_path / "a/f", tmp_path / "b/g")
    assert allowed()
    for other in ("elsewhere/f", "a/f.pem"):
        os.link(tmp_path / "a/f", tmp_path / other)
        assert not allowed()
        os.unlink(tmp_path / other)
        assert allowed()


def test_as_many_files_as_may_be_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`walls_files` bounds the search for names as well."""
    (tmp_path / "k").write_text("x")
    os.link(tmp_path / "k", tmp_path / "l")
    mounts = (Mount("write", str(tmp_path)), Mount("hide", str(tmp_path / "k")))
    plan = Plan(str(tmp_path), "/home", mounts)
    monkeypatch.setattr(other_names, "_MOST", 2)
    assert with_other_names(plan).paths("hide") == (str(tmp_path / "k"), str(tmp_path / "l"))
    monkeypatch.setattr(other_names, "_MOST", 1)
    with pytest.raises(SearchLimitError):
        with_other_names(plan)


@WALLS
def test_links_that_a_build_makes_are_written(place: Path) -> None:
    """As cargo and others do within the folder of their results."""
    (place / "w/src/a").write_text("x")
    os.link(place / "w/src/a", place / "w/src/b")
    done = run(place, "sh", "-c", "echo y >> src/b && ln src/b src/c && echo z >> src/c && cat src/a")
    assert done.stdout.split() == ["xy", "z"], done.stderr
