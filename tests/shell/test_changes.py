"""Changes in profiles: each text becomes one typed value, and is written again as it was."""

from __future__ import annotations

import pytest

from policy_lang.compiled.codec import pack, unpack
from policy_lang.compiled.profiles import packed, unpacked
from policy_lang.compiler.profiles import builtin, builtin_names, parse_profile
from policy_lang.shell.analyse import read_acts
from policy_lang.shell.changes import (
    UNCHANGED,
    AddAct,
    AddNote,
    Free,
    MakeOpaque,
    Operands,
    OptionChange,
    ReplaceRole,
    Tree,
    read_change,
    summed,
    written_change,
)
from policy_lang.shell.profile import Profile
from policy_lang.shell.slots import Slot

CHANGES: dict[str, OptionChange] = {
    "tree": Tree(),
    "free": Free(),
    "operands: read... write": Operands((Slot("read", True), Slot("write")), "operands: read... write"),
    "role: read=write": ReplaceRole("read", "write", "role: read=write"),
    "role:read=write": ReplaceRole("read", "write", "role:read=write"),
    "act: write .": AddAct("write", ".", "act: write ."),
    "act:  connect-any *": AddAct("connect-any", "*", "act:  connect-any *"),
    "opaque: it runs code": MakeOpaque("it runs code", "opaque: it runs code"),
    "opaque:": MakeOpaque("an option that does something unusual", "opaque:"),
    "note:  who knows ": AddNote("who knows", "note:  who knows "),
}


@pytest.mark.parametrize("text", CHANGES)
def test_a_text_becomes_a_value_and_the_same_text_again(text: str) -> None:
    assert read_change(text) == CHANGES[text]
    assert written_change(read_change(text)) == text


@pytest.mark.parametrize("text", ["", "boom", "treee", "tree:", "free ", "opaque", "role", "operand: read"])
def test_what_is_no_change_is_refused(text: str) -> None:
    with pytest.raises(
        ValueError, match="is not a change; known are tree, linked, linked-tree, free, operands:, role:, act:"
    ):
        read_change(text)


def test_the_sum_of_changes() -> None:
    assert summed([]) == UNCHANGED
    texts = ["tree", "role: read=write", "operands: text", "opaque: first", "note: a", "act: read x", "operands: read?"]
    total = summed([*map(read_change, texts), read_change("opaque: second"), read_change("note: b")])
    assert (total.tree, total.free) == (True, False)
    assert total.slots == (Slot("read", optional=True),)  # the last ones
    assert total.opaque == "first"
    assert total.notes == ("a", "b")
    assert total.acts == (AddAct("read", "x", "act: read x"),)
    assert [r.applied("read-tree") for r in total.roles] == ["write"]
    assert [r.applied("list") for r in total.roles] == ["list"]


OWN = b"""
operands = "text read..."
flags = "-t -r -a -o -n -f -p"
[changes]
"-t" = "tree"
"-r" = "role:read=delete"
"-a" = "act:  write out"
"-o" = "opaque: it runs code"
"-n" = "note:  unseen "
"-f" = "free"
"-p" = "operands: write..."
"""


def test_the_compiled_form_holds_the_texts_as_they_are_written() -> None:
    profile = parse_profile("tool", OWN)
    assert isinstance(profile, Profile)
    changes = packed(profile)[5]
    assert changes == (
        ("-t", ("tree",)), ("-r", ("role:read=delete",)), ("-a", ("act:  write out",)), ("-o", ("opaque: it runs code",)),
        ("-n", ("note:  unseen ",)), ("-f", ("free",)), ("-p", ("operands: write...",)),
    )  # fmt: skip
    again = unpacked(unpack(pack(packed(profile))))
    assert again == profile
    assert pack(packed(again)) == pack(packed(profile))


def test_an_unknown_change_of_a_compiled_profile_makes_its_command_opaque() -> None:
    value = list(unpack(pack(packed(parse_profile("tool", OWN)))))
    value[5] = (("-t", ("walks: all",)),)
    profile = unpacked(tuple(value))
    assert read_acts("tool -t x", "bash", lambda _: profile)[0].opaque == "its profile names an unknown change"
    assert read_acts("tool -r x y", "bash", lambda _: profile)[0].opaque == ""


def test_changes_are_what_deciding_does() -> None:
    profile = parse_profile("tool", OWN)
    assert isinstance(profile, Profile)

    def done(script: str) -> list[tuple[str, str | None, str]]:
        return [
            (a.action, a.value.text, a.tree) for a in read_acts(script, "bash", lambda _: profile) if a.action != "run"
        ]

    assert done("tool x y") == [("read", "y", "")]
    assert done("tool -t x y") == [("read", "y", "existing")]
    assert done("tool -r x y") == [("delete", "y", "")]
    assert done("tool -r -t x y") == [("delete", "y", "")]
    assert done("tool -a x y") == [("read", "y", ""), ("write", "out", "")]
    assert done("tool -p x y") == [("write", "x", ""), ("write", "y", "")]
    assert [a.opaque for a in read_acts("tool -o x", "bash", lambda _: profile)] == ["it runs code"]
    (run,) = (a for a in read_acts("tool -n -f x y", "bash", lambda _: profile) if a.action == "run")
    assert (run.note, run.free) == ("unseen", True)


@pytest.mark.parametrize("name", builtin_names())
def test_every_profile_is_compiled_and_read_again(name: str) -> None:
    def same(first: Profile, second: Profile) -> None:
        assert first.changes == second.changes
        assert (first.acts, first.operands, first.dash) == (second.acts, second.operands, second.dash)
        assert first.booleans == second.booleans
        assert first.commands.keys() == second.commands.keys()
        assert first.commands.get("-") is second.commands.get("-") is None
        for word, inner in first.commands.items():
            assert second.commands.get(word) is second.commands[word]
            if inner is first:
                assert second.commands[word] is second
                continue
            same(inner, second.commands[word])
        assert len(first.commands.values()) == len([*second.commands.values()])

    profile = builtin(name)
    assert profile is not None
    same(profile, unpacked(unpack(pack(packed(profile)))))
