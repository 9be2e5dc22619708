"""Globs over text and over paths, compared with the patterns that they become."""

from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_lang import Policy
from policy_lang.domain.limits import limit
from policy_lang.foreign.command_globs import word_patterns
from policy_lang.foreign.ignore_globs import matches as path_matches
from policy_lang.foreign.ignore_globs import path_patterns
from policy_lang.foreign.text_globs import starred

MOST = limit("glob_readings")
WORDS = st.lists(st.sampled_from(["aa", "ab", "b", "-x", "a.b", "c/d"]), min_size=1, max_size=4)
GLOB_WORDS = st.lists(st.sampled_from(["aa", "ab", "b", "-x", "a*", "*b", "a*b", "*", "c/*"]), min_size=1, max_size=4)


@given(GLOB_WORDS, WORDS)
def test_a_text_glob_is_a_regular_expression(glob: list[str], words: list[str]) -> None:
    pattern, text = " ".join(glob), " ".join(words)
    assert starred(pattern, text) == bool(re.fullmatch(pattern.replace(".", r"\.").replace("*", ".*"), text))


@given(GLOB_WORDS, WORDS)
def test_a_grant_by_words_means_nothing_that_the_text_glob_does_not(glob: list[str], words: list[str]) -> None:
    text, command = " ".join(["zz", *glob]), " ".join(["zz", *words])
    found = word_patterns(text)
    if found is None:
        return
    ours = any(_fits(pattern.split(" "), command.split(" ")) for pattern in found.patterns)
    theirs = starred(text, command) or (text.endswith(" *") and text.count("*") == 1 and text[:-2] == command)
    assert theirs or not ours
    if found.whole:
        assert ours == theirs
    wide = word_patterns(text, wider=True)
    assert wide is not None
    assert any(_fits(pattern.split(" "), command.split(" ")) for pattern in wide.patterns) or not theirs


def _fits(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "**":
        return any(_fits(pattern[1:], words[i:]) for i in range(len(words) + 1))
    return bool(words) and fnmatch.fnmatchcase(words[0], pattern[0]) and _fits(pattern[1:], words[1:])


@pytest.mark.parametrize(
    "glob", ["a | b", "a > b", "a; b", "do rm x", "echo $HOME", "FOO=1 a", "a && b", "'open", "(a)"]
)
def test_what_is_not_one_plain_command_has_no_words(glob: str) -> None:
    assert word_patterns(glob) is None


PARTS = st.lists(st.sampled_from(["a", "b", "ab", "x.ts"]), min_size=1, max_size=4)
PATH_GLOBS = st.lists(st.sampled_from(["a", "b", "a*", "*", "**", "?b", "x.ts", "*.ts"]), min_size=1, max_size=4)


@given(PATH_GLOBS, PARTS, st.booleans())
def test_a_path_glob_means_what_its_patterns_mean(glob: list[str], parts: list[str], anywhere: bool) -> None:
    text = "/".join(glob)
    patterns = path_patterns(text, anywhere=anywhere)
    if any(pattern.count("**") > 2 for pattern in patterns):
        return
    listed = ", ".join(f'"{pattern}"' for pattern in patterns)
    policy = Policy.loads(f'policy "p"\nallow read {listed}\n', "p.policy")
    asked = policy.decide(
        action="read", resource="/".join(parts), workspace="/workspace", home="/home/agent", lexical=True
    )
    theirs = path_matches(text, parts, anywhere=anywhere)
    if asked.effect == "allow":
        assert theirs
    elif theirs:  # a file's name is no folder
        assert any("." in part for part in parts[:-1])


def test_the_readings_of_a_glob_are_bounded() -> None:
    stars = MOST.bit_length() - 1
    assert word_patterns("zz " + " ".join(["a*b"] * stars)) is not None
    assert word_patterns("zz " + " ".join(["a*b"] * (stars + 1))) is None
