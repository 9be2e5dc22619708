"""The files that a search looks into. What is expected was measured on ripgrep 13."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang.domain.limits import limit
from policy_lang.domain.search import ORDINARY_SEARCH, SearchOptions
from policy_lang.facts import chosen
from policy_lang.facts.disk import REAL

FILES = (".env", "key.pem", "a.ts", ".b.ts", "sub/.env", "sub/key.pem", ".h/c.ts", "nm/d/i.ts", ".git/gx")
"""As `ls -A` has them; `.gitignore` says `key.pem` and `nm/`."""


def repository(root: Path, **more: str) -> Path:
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    for name, text in {"gitignore": "key.pem\nnm/\n", **more}.items():
        (root / f".{name}").write_text(text)
    return root


def found(root: Path, options: SearchOptions = ORDINARY_SEARCH, start: str = ".") -> set[str]:
    base = root / start
    names = {str(Path(place).relative_to(root)) for _, place, _ in REAL.searched(str(base), options)}
    return {name for name in names if name in FILES}


ALL, GIT = set(FILES), {".git/gx"}
IGNORED = {"key.pem", "sub/key.pem", "nm/d/i.ts"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (SearchOptions(), {"a.ts"}), (SearchOptions(hidden=True), ALL - IGNORED), (SearchOptions(True, True), ALL),
        (SearchOptions(globs=("*",)), ALL), (SearchOptions(globs=("*.ts",)), {".b.ts", "a.ts"}), (SearchOptions(globs=(".env",)), {".env", "sub/.env"}),
        (SearchOptions(True, globs=("!.git", "**")), ALL), (SearchOptions(True, globs=("!.env",)), ALL - IGNORED - {".env", "sub/.env"}),
        (SearchOptions(True, globs=("!.git",)), ALL - IGNORED - GIT), (SearchOptions(True, globs=("!.git", "*.ts")), {".b.ts", "a.ts", ".h/c.ts"}),
        (SearchOptions(types=("ts",)), {".b.ts", "a.ts"}), (SearchOptions(True, types=("ts",)), {".b.ts", "a.ts", ".h/c.ts"}),
        (SearchOptions(globs=("!*.ts", "*.ts")), {".b.ts", "a.ts"}), (SearchOptions(globs=("*.ts", "!*.ts")), set()), (SearchOptions(True, True, ("!sub",)), ALL - {"sub/.env", "sub/key.pem"}),
        (SearchOptions(True, True, ("!{.env,key.pem}",)), ALL - {".env", "sub/.env", "key.pem", "sub/key.pem"}),
    ],
)  # fmt: skip
def test_options(tmp_path: Path, options: SearchOptions, expected: set[str]) -> None:
    assert found(repository(tmp_path), options) == expected


def test_ignore_files_bring_back(tmp_path: Path) -> None:
    root = repository(tmp_path, ignore="!.env\n")
    assert found(root) == {"a.ts", ".env", "sub/.env"}
    assert found(root, start="sub") == {"sub/.env"}
    root = repository(tmp_path, ignore="!sub/.env\n")
    assert found(root) == {"a.ts", "sub/.env"}
    root = repository(tmp_path, ignore="!key.pem\n")
    (root / "sub/.gitignore").write_text("key.pem\n")  # the other file is the stronger one
    assert found(root) == {"a.ts", "key.pem", "sub/key.pem"}


def test_a_repository_of_its_own_and_none_at_all(tmp_path: Path) -> None:
    root = repository(tmp_path)
    (root / "sub/.git").mkdir()
    assert found(root) == {"a.ts", "sub/key.pem"}
    (root / ".git").rename(root / "git")
    assert found(root) == {"a.ts", "key.pem", "sub/key.pem", "nm/d/i.ts"}


def test_of_more_globs_than_the_limit_all_files_count(tmp_path: Path) -> None:
    root = repository(tmp_path)
    most = limit("search_globs")
    assert most == chosen.MOST_GLOBS
    for globs in (("!.env",) * most, (f"!{{{','.join(['.env'] * most)}}}",)):
        assert found(root, SearchOptions(True, True, globs)) == ALL - {".env", "sub/.env"}
    for globs in (("!.env",) * (most + 1), (f"!{{{','.join(['.env'] * (most + 1))}}}",)):
        assert found(root, SearchOptions(True, True, globs)) == ALL
