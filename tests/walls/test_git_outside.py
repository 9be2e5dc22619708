"""Git outside, after a run: what it believes of `.git` that was written behind walls runs nothing and writes nowhere else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.lanes import DEEP

from .running import WALLS, place, run

pytestmark = WALLS
_ = place
RULES = """policy "p"
import std.baseline
import std.git-work
allow read, write, delete "**"
allow run "**"
"""
FORGE = '''
import hashlib, os, struct, subprocess, sys

def forged(version=2, names=(".git/hooks/post-checkout", "../escaped")):
    """An index that names files outside of the working tree."""
    script = b"#!/bin/sh\\ntouch ../ran\\n"
    blob = subprocess.run(["git", "hash-object", "-w", "--stdin"], input=script, capture_output=True, check=True)
    sha = bytes.fromhex(blob.stdout.decode())
    data, last = b"DIRC" + struct.pack(">2I", version, len(names)), b""
    for name in sorted(n.encode() for n in names):
        entry = bytes(24) + struct.pack(">4I", 0o100755, 0, 0, 0) + sha + struct.pack(">H", len(name))
        if version == 4:
            data += entry + bytes([len(last)]) + name + b"\\0"
        else:
            data += entry + name + bytes(8 - (len(entry) + len(name)) % 8)
        last = name
    return data + hashlib.sha1(data).digest()

def put(path, data):
    with open(path, "wb") as f:
        f.write(data)

def tried(function):
    try:
        function()
    except OSError as error:
        print(error)
'''
WAYS = {
    "renamed": 'put(".git/index.lock", forged()); os.rename(".git/index.lock", ".git/index")',
    "renamed, version 4": 'put(".git/index.lock", forged(4)); os.rename(".git/index.lock", ".git/index")',
    "written": 'put(".git/index", forged())',
    "removed and written": 'tried(lambda: os.unlink(".git/index")); put(".git/index", forged())',
    "linked": 'put(".git/index.new", forged()); os.unlink(".git/index"); os.link(".git/index.new", ".git/index")',
    "linked symbolically": 'put(".git/index.new", forged()); os.unlink(".git/index"); os.symlink("index.new", ".git/index")',
    "exchanged": 'import ctypes; put(".git/index.new", forged()); ctypes.CDLL(None).renameat2(-100, b".git/index.new", -100, b".git/index", 2)',
    "written by another name": 'os.link(".git/index", ".git/index.new"); put(".git/index.new", forged())',
    "written after it was put in place": (
        'import shutil; shutil.copy(".git/index", ".git/index.lock"); f = open(".git/index.lock", "r+b");'
        'os.rename(".git/index.lock", ".git/index"); f.truncate(0); f.write(forged()); f.close()'
    ),
    "as the base of a split one": (
        'subprocess.run(["git", "update-index", "--split-index"], check=True); base = forged();'
        'put(".git/sharedindex_x", base); tried(lambda: os.rename(".git/sharedindex_x", ".git/sharedindex." + base[-20:].hex()));'
        'd = open(".git/index", "rb").read()[:-20]; at = d.index(b"link") + 8; d = d[:at] + base[-20:] + d[at + 20:];'
        'put(".git/index.lock", d + hashlib.sha1(d).digest()); os.rename(".git/index.lock", ".git/index")'
    ),
    "in other letters": 'put(".git/index.lock", forged(names=(".GIT/hooks/post-checkout", "../escaped"))); os.rename(".git/index.lock", ".git/index")',
    "a name with an end within": 'put(".git/index.lock", forged(names=("../escaped\\0x",))); os.rename(".git/index.lock", ".git/index")',
}  # fmt: skip
OUTSIDE = (["git", "status"], ["git", "checkout", "--", "."], ["git", "restore", "."], ["git", "checkout-index", "-af"],
           ["git", "stash"], ["git", "checkout", "other"], ["git", "reset", "--hard"])  # fmt: skip


@pytest.fixture
def work(place: Path) -> Path:
    git = lambda *words: subprocess.run(["git", *words], cwd=place / "w", check=True, capture_output=True)  # noqa: E731
    git("init", "-q", "-b", "master", ".")
    git("config", "user.name", "x")
    git("config", "user.email", "x@example.com")
    (place / "w/a.txt").write_text("a\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("branch", "other")
    for hook in (place / "w/.git/hooks").iterdir():
        hook.unlink()
    return place


def outside(work: Path) -> list[str]:
    """What git has written where it must not, when a person goes on with it."""
    for words in OUTSIDE:
        subprocess.run(words, cwd=work / "w", capture_output=True, check=False, env={**os.environ, "HOME": str(work)})
    return [n for n in ("escaped", "ran", "w/.git/hooks/post-checkout") if (work / n).exists()]


def program(way: str) -> str:
    return FORGE + "\n".join(line.strip() for line in WAYS[way].split(";"))


@pytest.mark.parametrize("way", WAYS)
def test_a_forged_index_is_not_put_in_place(work: Path, way: str) -> None:
    options = ("--accept-loss", "git-credentials,letters")
    done = run(work, "python3", "-c", program(way), policy=RULES, options=options)
    assert outside(work) == []
    assert "Permission denied" in done.stdout + done.stderr or way in {
        "exchanged",
        "written after it was put in place",
    }, done.stderr


@pytest.mark.skipif(not DEEP, reason="git changes rarely: `./check deep` shows that it believes them")
@pytest.mark.parametrize("way", [w for w in WAYS if w not in {"in other letters", "a name with an end within"}])
def test_a_forged_index_is_believed_otherwise(work: Path, way: str) -> None:
    """An attempt that fails without walls proves nothing inside them."""
    subprocess.run(["python3", "-c", program(way)], cwd=work / "w", check=True)
    assert set(outside(work)) >= {"escaped"}


def test_git_works_inside(work: Path) -> None:
    script = """set -e
echo b > b.txt; git add b.txt; git commit -qm two; git mv b.txt c.txt; git commit -qm three
git checkout -q other; git merge -q master; git update-index --index-version 4; git update-index --split-index
echo d > d.txt; git add d.txt; git commit -qm four; git update-index --no-split-index
echo e >> d.txt; git stash -q; git stash pop -q; git reset -q; git commit -qam five; git rm -q --cached c.txt; git status --short
"""
    done = run(work, "sh", "-c", script, policy=RULES, options=("--accept-loss", "git-credentials,letters"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "D  c.txt\n?? c.txt\n", done.stdout
    log = subprocess.run(
        ["git", "log", "--format=%s"], cwd=work / "w", capture_output=True, text=True, check=True
    ).stdout
    assert log.split() == ["five", "four", "three", "two", "one"]
    assert not subprocess.run(["git", "fsck", "--strict"], cwd=work / "w", capture_output=True, check=True).stderr
