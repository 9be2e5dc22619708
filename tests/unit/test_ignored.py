"""What `.gitignore` files leave out: by examples, and by what git itself says."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang.domain.limits import limit
from policy_lang.facts import ignored
from policy_lang.facts.disk import REAL
from policy_lang.facts.ignored import ignored_around
from tests.lanes import share

_IGNORE_LINES = (
    "a", "b/", "*.x", "/a", "a/b", "**/c.x", "d/**", "!a", "!*.x", "a*", "?", "[ab]", "/d/*", "!d/e", "d/**/e", "*", "!*/", "a ",
    "#b", "\\!a", "d/c.x/", "**/d/e", "!b", ".h", "!.h", "a\r", "**", "d//e",
)  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "out", "kept"),
    [
        ("a\n*.log\n.env*", ["a", "x.log", ".env", ".env.x"], ["b", "log", "env"]), ("a\n!a", [], ["a"]), ("*.x\n!a.x", ["b.x"], ["a.x"]),
        ("a\n!b?", ["a"], []), ("a?b\n[ab]\n**/c\nd/e\n#f", ["aab", "a", "c"], ["e", "d", "#f"]), ("/a\nb/", ["a"], ["b"]), ("*\n!*.py", ["a"], ["a.py"]),
        ("a\n!b\\ ", [], ["a"]), ("{a}\n[^b]\nc\\d\n[[:alpha:]]", [], ["a", "{a}", "x", "cd"]), ("a \r\n b", ["a"], ["b", " b"]), ("a/**\n!a/b", [], ["a"]),
    ],
)  # fmt: skip
def test_plain_names_are_left_out(tmp_path: Path, lines: str, out: list[str], kept: list[str]) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text(lines)
    found = ignored_around(str(tmp_path))
    assert [n for n in (*out, *kept) if found.leaves_out(n)] == out


def test_names_are_left_out_below_too(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("a\n/b\nd/*.key\nf/\n")
    (tmp_path / "d").mkdir()
    found = ignored_around(str(tmp_path / "d"))
    assert [n for n in ("a", "b", "x.key", "f") if found.leaves_out(n)] == ["a", "x.key"]
    assert found.leaves_out("f", True)
    (tmp_path / "d" / ".gitignore").write_text("!a\n")
    assert not ignored_around(str(tmp_path / "d")).leaves_out("a")


def test_without_a_repository_or_with_other_files_nothing_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / ".gitignore").write_text("a\n")
    assert not ignored_around(str(tmp_path)).leaves_out("a")
    (tmp_path / ".git").mkdir()
    assert ignored_around(str(tmp_path)).leaves_out("a")
    (tmp_path / ".rgignore").write_text("!a\n")
    for folder in (tmp_path, tmp_path / "d"):
        assert ignored_around(str(folder)).leaves_out("a") is False
    (tmp_path / ".rgignore").unlink()
    (tmp_path / "d" / ".git").mkdir()  # another repository
    assert not ignored_around(str(tmp_path / "d")).leaves_out("a")


def test_a_hidden_name_that_a_line_brings_back_is_seen(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("!.env\n")
    found = ignored_around(str(tmp_path))
    assert (found.leaves_out(".env"), found.leaves_out(".other")) == (False, None)


@settings(max_examples=share(120))
@given(
    st.lists(st.sampled_from(_IGNORE_LINES), max_size=6), st.lists(st.sampled_from(_IGNORE_LINES), max_size=3),
    st.sets(st.lists(st.sampled_from(("a", "b", "c.x", "d", "e", ".h")), min_size=1, max_size=4).map("/".join), min_size=1, max_size=8),
)  # fmt: skip
def test_git_says_the_same(above: list[str], below: list[str], names: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder).resolve()
        subprocess.run(["git", "init", "-q", folder], check=True)
        for name in sorted(names):
            with contextlib.suppress(OSError):  # a file that another name has for a folder
                (top / name).parent.mkdir(parents=True, exist_ok=True)
                (top / name).touch(exist_ok=True)
        (top / ".gitignore").write_text("\n".join(above))
        if (top / "d").is_dir():
            (top / "d" / ".gitignore").write_text("\n".join(below))
        said = subprocess.run(
            ["git", "-C", folder, "ls-files", "-o", "--exclude-standard"], capture_output=True, text=True, check=True
        )
        assert {"/".join(word) for word, _, _ in REAL.untracked(str(top))} == set(said.stdout.split())


def test_an_ignore_file_is_read_to_its_limit(tmp_path: Path) -> None:
    most = limit("ignore_bytes")
    assert most == ignored.MOST_BYTES
    (tmp_path / ".git").mkdir()
    for size, found in ((most, True), (most + 1, False)):
        (tmp_path / ".gitignore").write_text("#" * (size - 5) + "\nnode")
        assert ignored_around(str(tmp_path)).leaves_out("node") is found


def test_a_line_of_many_names_leaves_nothing_out(tmp_path: Path) -> None:
    most = limit("ignore_names")
    (tmp_path / ".git").mkdir()
    for names, found in ((most, True), (most + 1, False)):
        (tmp_path / ".gitignore").write_text("/".join(["**", *["x"] * (names - 2), "node"]))
        place = tmp_path.joinpath(*["x"] * (names - 2))
        place.mkdir(parents=True, exist_ok=True)
        assert ignored_around(str(place)).leaves_out("node") is (found or None)
