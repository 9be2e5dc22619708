"""Rows about places: the note is true of every file that the row is looked for with."""

from __future__ import annotations

import pytest

from policy_lang.analysis.members import matching
from policy_lang.analysis.witness import Witness
from policy_lang.lint.capabilities import Place, builtin
from policy_lang.lint.context import USUAL_LAYOUT, wanted
from policy_lang.lint.places import denial, row_of
from tests.lint.support import context_of, found

ROWS = [
    row
    for group in ("vcs", "shell-startup", "persistence", "ci", "reviews", "path-folders", "import-path")
    for row in builtin().group(group)
]
DOCUMENTS = ("README.md", "notes.txt", "index.css", "logo.svg", "main.go", "app.ts", "table.csv", ".md", "x.snap")
"""Files that run nowhere by themselves, and what the shortest of them is called."""
RECORDS = {".git/**", "/var/spool/{cron,at,anacron}/**", "/etc/init.d/*", "/etc/{sudoers.d,pam.d}/*"}
"""Folders of which whatever lies in them is a part."""


def matched(pattern: str, path: str) -> bool:
    return matching(wanted("write", [pattern]), Witness("write", path, {}, None, USUAL_LAYOUT)) is not None


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.id)
def test_the_note_is_of_no_document(row: Place) -> None:
    assert matched(row.pattern, row.example)
    if row.pattern in RECORDS:
        return
    folder = row.example.rpartition("/")[0]
    for name in DOCUMENTS:
        assert not matched(row.meant, f"{folder}/{name}" if folder else name), name


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.id)
def test_what_is_looked_for_lies_in_the_row(row: Place) -> None:
    """And is found, with a name that a person would believe, where everything may be written."""
    if row.group in {"vcs", "shell-startup", "persistence"}:
        return  # the floor stands before most of them
    context = context_of('allow write "./", "~/**", "/**"')
    grants = context.find_grants("write", [row.meant], [row.example])
    assert grants
    for grant in grants:
        shown = str(grant.step.witness.resource)
        assert matched(row.pattern, shown)
        assert not shown.rpartition("/")[2].startswith((".md", ".yml", ".js", ".sh", ".pth"))
        assert row_of([row], grant) is row
        assert any(f.safe for f in denial(context, ("write",), [row], grant, row))


@pytest.mark.parametrize("ending", ["md", "css", "svg", "ts", "go", "tsx", "txt", "snap"])
def test_files_of_one_kind_in_any_folder_are_quiet(ending: str) -> None:
    text = f'import std.baseline\nagent "c" {{ allow write "**/*.{ending}" }}\n'
    assert [f.message for f in found(text, select=("PTH",)) if f.severity != "info"] == []


@pytest.mark.parametrize(
    ("command", "runs"),
    [
        ("npm ci", True), ("npm ci --ignore-scripts", False), ("pnpm install --lockfile-only --ignore-scripts", False),
        ("npm test --ignore-scripts", True), ("npm --version", False), ("make --version", False), ("make", True),
    ],
)  # fmt: skip
def test_arguments_that_switch_code_off_are_known(command: str, runs: bool) -> None:
    text = f'import std.baseline\nallow write "package.json", "Makefile"\nallow run "{command}"\n'
    assert bool(found(text, select=("ESC001",))) == runs
