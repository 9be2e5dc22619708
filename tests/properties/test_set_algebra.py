"""Laws of the set algebra, against brute force over all short words of a small alphabet."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang.automata.alphabet import Alphabet
from policy_lang.automata.budget import Budget
from policy_lang.automata.glob import Glob
from policy_lang.automata.language import Language
from policy_lang.automata.letters import letters
from policy_lang.automata.meet import Meeting
from policy_lang.automata.pattern import Sequence, collapse, segment_label
from policy_lang.automata.trie import Trie
from policy_lang.automata.walker import Walker
from policy_lang.ir.sorts.command import WORDS as ARGUMENTS
from policy_lang.ir.sorts.host import LABELS
from policy_lang.ir.sorts.name import NAMES
from policy_lang.ir.sorts.path import PATHS
from policy_lang.ir.sorts.ref import REFS
from tests.reference.patterns import glob as glob_matches
from tests.reference.patterns import sequence as matches

SEGMENT_TEXTS = ["a", "b", "ab", "*", "**", "a*", "*b", "?", "[ab]", "[!a]", "a?", "*a*", "?b*"]
WORDS = [
    list(word) for n in range(4) for word in itertools.product(["a", "b", "ab", "ba", "c", "aab"], repeat=n)
]  # fmt: skip
patterns = st.lists(st.sampled_from(SEGMENT_TEXTS), min_size=1, max_size=4).filter(lambda p: p.count("**") <= 2)
languages = st.lists(patterns, min_size=1, max_size=3)


def compiled(texts: list[list[str]]) -> Language:
    return Language.of(PATHS, [labels(t) for t in texts])


def labels(text: list[str]) -> Sequence:
    return collapse(segment_label(s) for s in text)


def member(texts: list[list[str]], word: list[str]) -> bool:
    return any(matches(t, word) for t in texts)


@given(languages, languages)
@settings(max_examples=150)
def test_operators_agree_with_membership(a: list[list[str]], b: list[list[str]]) -> None:
    left, right = compiled(a), compiled(b)
    for word in WORDS:
        in_a, in_b = member(a, word), member(b, word)
        assert (word in left) == in_a
        assert (word in (left | right)) == (in_a or in_b)
        assert (word in (left & right)) == (in_a and in_b)
        assert (word in (left - right)) == (in_a and not in_b)
        assert (word in left.complement()) == (not in_a)


@given(languages, languages)
@settings(max_examples=400)
def test_emptiness_and_inclusion_agree_with_membership(a: list[list[str]], b: list[list[str]]) -> None:
    difference = compiled(a) - compiled(b)
    shortest = difference.shortest()
    inside = [w for w in WORDS if member(a, w) and not member(b, w)]
    if shortest is None:
        assert not inside
    else:
        assert member(a, list(shortest))
        assert not member(b, list(shortest))
    assert (compiled(a) <= compiled(b)) == (shortest is None)
    assert difference.is_empty() == (shortest is None)


@given(languages, languages)
@settings(max_examples=250)
def test_the_shortest_member_is_the_shortest(a: list[list[str]], b: list[list[str]]) -> None:
    shortest = (compiled(a) - compiled(b)).shortest()
    lengths = [sum(len(s) + 1 for s in w) for w in WORDS if member(a, w) and not member(b, w)]
    if lengths:
        assert shortest is not None
        assert sum(len(s) + 1 for s in shortest) <= min(lengths)


@given(languages)
@settings(max_examples=100)
def test_complement_is_exact(a: list[list[str]]) -> None:
    one = compiled(a)
    everything = Language.everything(PATHS)
    assert (one | one.complement()).equals(everything)
    assert (one & one.complement()).is_empty()
    assert one.complement().complement().equals(one)
    assert (everything - one).equals(one.complement())


@given(languages, languages)
@settings(max_examples=60)
def test_de_morgan(a: list[list[str]], b: list[list[str]]) -> None:
    left, right = compiled(a), compiled(b)
    assert (left | right).complement().equals(left.complement() & right.complement())


@given(languages)
@settings(max_examples=200)
def test_the_walker_finds_exactly_the_matching_patterns(a: list[list[str]]) -> None:
    walker = Walker(Trie((labels(t), i) for i, t in enumerate(a)))
    for _ in range(2):  # cold and warm
        for word in WORDS:
            assert set(walker.walk(word).marks) == {i for i, t in enumerate(a) if matches(t, word)}


@given(languages, patterns)
@settings(max_examples=150)
def test_what_a_pattern_meets_is_those_of_the_members(rules: list[list[str]], pattern: list[str]) -> None:
    trie = Trie((labels(t), i) for i, t in enumerate(rules))
    found = dict((meeting := Meeting(trie, Trie([(labels(pattern), 0)]), PATHS, Budget())).marks())
    assert meeting.possible == {m for marks in found for m in marks}
    for word in WORDS:
        if matches(pattern, word):
            assert tuple(i for i, t in enumerate(rules) if matches(t, word)) in found
    for marks, witness in found.items():
        assert matches(pattern, list(witness))
        assert marks == tuple(i for i, t in enumerate(rules) if matches(t, list(witness)))


@given(languages, st.sampled_from([PATHS, LABELS, REFS, ARGUMENTS, NAMES]))
@settings(max_examples=60)
def test_complement_is_exact_in_every_alphabet(a: list[list[str]], alphabet: Alphabet) -> None:
    one = Language.of(alphabet, [labels(t) for t in a])
    everything = Language.everything(alphabet)
    assert (one | one.complement()).equals(everything)
    assert (one & one.complement()).is_empty()
    shortest = one.shortest()
    assert shortest is not None
    assert all(alphabet.admits(s) for s in shortest)
    assert shortest in one


GLOBS = st.lists(
    st.lists(st.sampled_from(["a", "b", "*", "?", "[ab]", "[!a]", "."]), min_size=1, max_size=4).map("".join),
    min_size=1, max_size=3,
).map(lambda texts: [t for t in texts if "**" not in t])  # fmt: skip
TEXTS = ["".join(t) for n in range(1, 5) for t in itertools.product("abc.", repeat=n)]


@given(GLOBS)
@settings(max_examples=200)
def test_every_kind_of_segment_has_a_letter(texts: list[str]) -> None:
    globs = [Glob(t) for t in texts]
    found = {tuple(g.matches(s) for g in globs) for s in letters(globs, [], PATHS, Budget())}
    real = {tuple(glob_matches(t, s) for t in texts) for s in TEXTS if PATHS.admits(s)}
    assert real <= found


@given(GLOBS, st.text("abc.", max_size=6))
@settings(max_examples=500)
def test_globs_match_as_the_reference_says(texts: list[str], value: str) -> None:
    for text in texts:
        one = Glob(text)
        mask = one.start
        for char in value:
            mask = one.step(mask, char)
        assert one.matches(value) == one.accepts(mask) == glob_matches(text, value)
