"""The checklists of CONTRIBUTING and the map of the architecture speak of what is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from policy_lang.cli import query
from policy_lang.domain.actions import ACTIONS, SORT_OF
from policy_lang.domain.codes import PAGES
from policy_lang.ir.sorts.sort import sort_named
from policy_lang.shell.dialect import SHELLS
from policy_lang.wire import authzen

ROOT = Path(__file__).parents[2]
PAGES_WITH_PATHS = ("CONTRIBUTING.md", "docs/explanation/architecture.md")
NAMED = re.compile(r"`([\w./{},*-]+/[\w.{},*-]*|[\w{},*]+\.(?:py|md|toml|lark|sh|jsonl|json))(?::[^`]*)?`")
"""A file or folder in backticks; NAME in it stands for any."""


def alternatives(name: str) -> list[str]:
    """`a/{b,c}.py` as `a/b.py` and `a/c.py`."""
    before, brace, rest = name.partition("{")
    if not brace:
        return [name]
    inner, _, after = rest.partition("}")
    return [one for part in inner.split(",") for one in alternatives(before + part + after)]


@pytest.mark.parametrize("page", PAGES_WITH_PATHS)
def test_every_file_that_is_named_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    known = {str(one) for name in files if name and (ROOT / name).exists() for one in (Path(name), *Path(name).parents)}
    for found in NAMED.findall(text):
        for name in alternatives(found):
            if name.startswith((".", "/", "~")) or name.endswith(".plc"):
                continue
            pattern = re.compile(
                r"(.*/)?" + re.escape(name.rstrip("/")).replace("NAME", r"[\w-]+").replace(r"\*", "[^/]*")
            )
            assert any(pattern.fullmatch(one) for one in known), f"{page}: `{found}`"


def test_every_part_knows_every_action() -> None:
    """What needs a line for a new action of a known sort, and nothing else does."""
    grammar = (ROOT / "grammar/policy.lark").read_text()
    (line,) = re.findall(r"(?m)^ACTION: (.*)$", grammar)
    assert sorted(re.findall('"(.+?)"', line)) == sorted(ACTIONS)
    language = (ROOT / "docs/reference/language.md").read_text()
    table = language.partition("| actions | resource | pattern |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"`([a-z-]+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:]))) == sorted(
        ACTIONS
    )
    assert all(action in PAGES["PLE201"].why for action in ACTIONS)


def test_every_part_knows_every_sort() -> None:
    sorts = set(SORT_OF.values())
    assert {sort_named(sort).name for sort in sorts} == sorts
    assert set(query.SORTS.values()) == sorts
    assert set(authzen._TYPES) == sorts


def test_the_page_of_an_unknown_shell_names_them_all() -> None:
    assert set(SHELLS) <= set(re.findall(r"\w+", PAGES["PLR052"].why))
