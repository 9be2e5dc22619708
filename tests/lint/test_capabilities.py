"""The capability data: whole, and true of the real programs on this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from policy_lang.lint.capabilities import Capability, builtin
from policy_lang.lint.context import wanted
from policy_lang.lint.suffixes import is_public
from tests.lanes import LANE
from tests.lint import measure
from tests.lint.measure import present, seen
from tests.lint.pairs import PAIRS as ALL_PAIRS
from tests.needs import IN_CI

ROWS = builtin().programs
PAIRS = [r for r in ALL_PAIRS if r.kind != "off"]
MEASURED = [r for r in (*ROWS, *PAIRS) if r.measured]
PROGRAMS = [list(rows) for _, rows in groupby(sorted(MEASURED, key=lambda r: r.program), key=lambda r: r.program)]


def test_there_are_enough_rows_and_most_are_measured() -> None:
    assert len(ROWS) >= 300
    assert len({r.program for r in ROWS}) >= 120
    assert len(MEASURED) >= 200


def test_every_row_has_its_evidence() -> None:
    assert len({r.id for r in ROWS}) == len(ROWS)
    for row in (*ROWS, *PAIRS):
        assert row.gives in {"run", "read", "write", "delete", "connect", "upload", "download", "load"}, row.id
        assert bool(row.measured) != bool(row.source), row.id
        assert row.argv, row.id


def test_every_place_compiles_matches_its_example_and_names_its_source() -> None:
    from policy_lang.analysis.members import matching
    from policy_lang.analysis.witness import Witness
    from policy_lang.lint.context import USUAL_LAYOUT

    for group, rows in builtin().places.items():
        hosts = {"uploads", "tunnels", "resolvers", "metadata", "private", "downloads"}
        action = "connect" if group in hosts else "write"
        for row in rows:
            method = row.pattern.partition(" ")[0].split(",")[0] if " " in row.pattern else None
            witness = Witness(action, row.example, {}, method, USUAL_LAYOUT)
            example = row.example.replace("http://", "https://") if group == "suffixes" else row.example
            assert matching(wanted(action, [row.pattern]), witness) is not None, (group, row.pattern, example)
            assert row.source, row.pattern
            assert row.note, row.pattern


def test_public_suffixes() -> None:
    more = builtin().suffixes
    for suffix in ("com", "co.uk", "github.io", "amazonaws.com", "vercel.app", "run.app"):
        assert is_public(suffix, more), suffix
    for suffix in ("acme.example", "acme.co.uk", "packages.acme.com", "acme.github.io"):
        assert not is_public(suffix, more), suffix


_NOT_INSTALLED = (
    "not found",
    "No such file or directory",
    "No module named",
    "Cannot find module",
    "could not be found",
)
"""How shells, interpreters and package managers say that what they start is missing."""


@pytest.mark.parametrize("rows", PROGRAMS, ids=lambda rows: rows[0].program)
def test_the_rows_of_a_program_are_true(rows: list[Capability]) -> None:
    """Each row is tried on the real program, where it is installed, and its effect is seen.

    `./check` tries it again when the rows, the program, the system's packages or the way of measuring have changed since it was seen.
    """
    tried = [r for r in rows if present(r)]
    if not tried:
        pytest.skip(f"{rows[0].program} is not installed")
    stamp = Path(sys.prefix, ".capabilities", rows[0].program.replace("/", "_"))
    known = identity(tried)
    if LANE == "check" and not IN_CI and stamp.is_file() and stamp.read_text() == known:
        return
    for row in tried:
        ok, said = seen(row)
        if not ok and row.kind in {"privilege", "debugger"}:
            pytest.skip(f"{row.id} needs rights that not every user has")
        if not ok and any(words in said for words in _NOT_INSTALLED):
            pytest.skip(f"{row.id} starts a program that is not installed")
        if not ok and not same_version(row):
            pytest.skip(f"{row.id} was measured with {row.measured}, and another version is installed")
        assert ok, (row.id, row.measured, said[-400:])
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(known)


def identity(rows: list[Capability]) -> str:
    """What the outcome of rows depends on: their data, how they are measured, and every program that they start."""
    words = sorted({words[0] for row in rows for words in (row.argv, *row.setup)})
    programs = {os.path.abspath(found) for word in words if (found := shutil.which(word) or word)}
    packages = ["/var/lib/dpkg/status", "/lib/apk/db/installed", "/var/lib/rpm/rpmdb.sqlite"]
    known: list[object] = [sys.version, os.uname(), os.geteuid(), *rows]
    known += [Path(code).read_bytes() for code in (__file__, measure.__file__)]
    for path in sorted({*programs, *map(os.path.realpath, programs), *packages}):
        if os.path.exists(path):
            status = os.stat(path)
            known.append((path, status.st_size, status.st_mtime_ns, status.st_ino))
    return hashlib.sha256(repr(known).encode()).hexdigest()


def test_what_changes_a_row_or_its_program_has_it_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program = tmp_path / "tool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    row = Capability("tool:a", "tool", "run", "option", ("tool", "-a"))
    known = {identity([row]), identity([replace(row, argv=("tool", "-b"))]), identity([replace(row, content="x")])}
    program.write_text("#!/bin/sh\n\n")
    known.add(identity([row]))
    program.rename(tmp_path / "other")
    program.symlink_to("other")
    known.add(identity([row]))
    assert len(known) == 5
    assert identity([row]) in known


def same_version(row: Capability) -> bool:
    """Whether the program on this machine is the one that the row was measured with."""
    measured = row.measured.rpartition(" ")[2]
    for words in ("--version", "-version", "-V", "-v", "version"):
        try:
            done = subprocess.run(
                [row.argv[0], words], check=False, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
            continue
        if measured in done.stdout + done.stderr:
            return True
    return False
