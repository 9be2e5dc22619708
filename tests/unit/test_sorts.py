"""Each sort of resource is one record, and its parts fit one another."""

from __future__ import annotations

import pytest

from policy_lang.automata.pattern import quoted
from policy_lang.automata.trie import Trie
from policy_lang.automata.walker import Walker
from policy_lang.domain.actions import HOST, PATH, SORT_OF
from policy_lang.domain.errors import RequestError
from policy_lang.facts.commands import OPAQUE
from policy_lang.facts.paths import ROOT, Roots
from policy_lang.ir.patterns import compile_pattern
from policy_lang.ir.sorts.sort import Circumstances, sort_named

SORTS = sorted(set(SORT_OF.values()))
SEEN = Circumstances(Roots(workspace="/work", home="/home/agent", tmp="/tmp", lexical=True), "agent/x", ("POST",))
RESOURCES = {name: [*sort_named(name).telling] for name in SORTS} | {"command": [("git", "commit", "-m", ""), ("ls",)]}
CASES = [(name, resource) for name in SORTS for resource in RESOURCES[name]]


@pytest.mark.parametrize("name", SORTS)
def test_a_sort_is_found_by_its_name(name: str) -> None:
    sort = sort_named(name)
    assert sort.name == name
    assert sort_named(name) is sort
    assert 0 <= sort.ordinary <= len(sort.telling)


@pytest.mark.parametrize(("name", "resource"), CASES)
def test_the_words_of_a_resource_are_in_the_sorts_space(name: str, resource: str | tuple[str, ...]) -> None:
    sort = sort_named(name)
    for names in sort.words(resource, SEEN):
        for word in names.definite:
            if name == PATH and word[0] != ROOT:
                continue  # a search looks at paths from the root
            space = sort.space()
            phase = space.start
            for segment in word:
                after = space.step(phase, segment)
                assert after is not None, (word, segment)
                phase = after
            assert space.whole(phase) or names.rest


@pytest.mark.parametrize(("name", "resource"), [c for c in CASES if isinstance(c[1], str)])
def test_a_resource_is_matched_by_the_pattern_that_says_the_same(name: str, resource: str) -> None:
    sort = sort_named(name)
    text = resource if "://" in resource or resource.startswith("${tmp}") else quoted(resource)
    walker = Walker(Trie((s, 0) for s in compile_pattern(name, text, ("POST",) if name == HOST else ())))
    (names,) = sort.words(resource, SEEN)
    assert any(walker.walk(word).marks for word in names.definite)


@pytest.mark.parametrize(("name", "resource"), [c for c in CASES if c[0] not in {"command", PATH}])
def test_a_word_is_a_resource_again(name: str, resource: str) -> None:
    sort = sort_named(name)
    (names,) = sort.words(resource, SEEN)
    (again,) = sort.words(sort.resource(names.definite[0]), SEEN)
    assert again.definite == names.definite


def test_what_is_not_known_follows_the_names() -> None:
    alone = Circumstances()
    (names,) = sort_named("ref").words("HEAD", alone)
    assert names.definite == (("origin", "refs", "heads"),) and names.rest
    assert sort_named("ref").words("HEAD", SEEN)[0].definite == (("origin", "refs", "heads", "agent", "x"),)
    assert sort_named("host").words("a.example", alone)[0].rest
    assert not sort_named("host").words("https://a.example/x", alone)[0].rest
    assert len(sort_named("host").words("a.example", Circumstances(methods=("GET", "POST")))) == 2
    assert sort_named("command").words("cd src; ls", alone)[0].definite == ((OPAQUE,),)


@pytest.mark.parametrize("name", [n for n in SORTS if n != "command"])
def test_only_commands_are_lists_of_words(name: str) -> None:
    with pytest.raises(RequestError, match="PLR001"):
        sort_named(name).words(("a", "b"), SEEN)


def test_words_are_shown_as_people_write_them() -> None:
    shown = {n: [sort_named(n).show(w) for w in sort_named(n).words(RESOURCES[n][0], SEEN)[0].definite] for n in SORTS}
    assert shown == {
        "command": ["git commit -m "],
        "host": ["POST address a9fea9fe:80"],
        "name": ["PATH"],
        "path": ["/work/.git/config", "<workspace>/.git/config"],
        "ref": ["origin refs heads main"],
    }
    assert sort_named("command").show((OPAQUE,)) == "an opaque command"
    assert sort_named("host").show(sort_named("host").words("https://b.example:8443/x/y", SEEN)[0].definite[0]) == (
        "POST b.example:8443/x/y"
    )
