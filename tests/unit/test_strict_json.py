"""The one reader of JSON: what it refuses, by kind, and its limits at their value and one above."""

from __future__ import annotations

import json

import pytest

from policy_lang.domain.limits import limit
from policy_lang.domain.strict_json import MalformedError, dump, load


@pytest.mark.parametrize(
    ("data", "kind", "detail"),
    [
        (b"\xff", "encoding", ""), (b"", "syntax", "expecting value"), (b"{", "syntax", None), (b'{"a": 1} x', "syntax", "extra data"),
        (b'{"a": 1, "b": 2, "a": 3}', "twice", "a"), (b'{"a": 1, "b": 2, "b": 3}', "twice", "b"), (b'[{"x": {"k": 1, "k": 1}}]', "twice", "k"), (b"[NaN]", "constant", "NaN"),
        (b"[-Infinity]", "constant", "-Infinity"), (b"1e999", "size", "1e999"), (b'"\\ud800"', "surrogate", ""), (b'{"\\udfff": 1}', "surrogate", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_kind(data: bytes, kind: str, detail: str | None) -> None:
    with pytest.raises(MalformedError) as error:
        load(data)
    assert error.value.kind == kind
    assert detail is None or error.value.detail == detail


def test_depth_holds_at_its_limit_and_breaks_above() -> None:
    for depth in (limit("json_depth"), 5):
        load(b"[" * depth + b"]" * depth, depth)
        with pytest.raises(MalformedError) as error:
            load(b"[" * (depth + 1) + b"]" * (depth + 1), depth)
        assert error.value.kind == "depth"
    with pytest.raises(MalformedError):
        load(b"[" * (limit("json_depth") + 1) + b"]" * (limit("json_depth") + 1))


def test_values_hold_at_their_limit_and_break_above() -> None:
    for most in (3, 5, limit("request_values")):
        for text, opens in ((b"[%s]", 1), (b'{"a": [%s]}', 2)):
            number = most - opens
            load(text % b",".join([b'"a,\\"[{,,"'] * number), values=most)
            with pytest.raises(MalformedError) as error:
                load(text % b",".join([b"1"] * (number + 1)), values=most)
            assert error.value.kind == "values"
    load(b"[%s]" % b",".join([b"1"] * 1000))


def test_a_lone_surrogate_is_found_wherever_it_is() -> None:
    for text in (rb'"\ud800"', rb'{"\udc00": 1}', '["é\\ud83d", 1]'.encode()):
        with pytest.raises(MalformedError) as error:
            load(text)
        assert error.value.kind == "surrogate"
    assert load(rb'"\ud83d\ude00 \\ud800"') == "\U0001f600 \\ud800"


def test_digits_hold_at_their_limit_and_break_above() -> None:
    digits = limit("integer_digits")
    assert load(b"[%s]" % (b"9" * digits), digits=digits) == [int("9" * digits)]
    with pytest.raises(MalformedError) as error:
        load(b"[%s]" % (b"9" * (digits + 1)), digits=digits)
    assert error.value.kind == "digits"
    assert load(b"9" * 30) == int("9" * 30)
    for most in (3, 5, 3, None, 5):  # readers are kept, one for each bound
        for count in (3, 4, 5, 6):
            if most is None or count <= most:
                assert load(b"1" * count, digits=most) == int("1" * count)
            else:
                with pytest.raises(MalformedError):
                    load(b"1" * count, digits=most)


def test_what_is_written_is_read_again() -> None:
    value = {"a": [1, 2.5, None, True, "é\u2028"], "b": {}}
    assert load(dump(value)) == value == json.loads(dump(value))
