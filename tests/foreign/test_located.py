"""JSON with places: what Python's own reader reads, with comments, and where strings stand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_lang.domain.errors import PolicyError, Source
from policy_lang.domain.limits import limit
from policy_lang.foreign.formats import format_named
from policy_lang.foreign.located import Located, json_of
from policy_lang.resolve.files import read_source

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_it_reads_what_json_reads(value: Any, indent: Any, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert json_of(Source("a.json", text)) == value


@given(VALUES)
def test_strings_know_their_place(value: Any) -> None:
    text = json.dumps(value, indent=1)
    for found in _strings(json_of(Source("a.json", text))):
        assert json.loads(text[found.start : found.end]) == found


def _strings(value: Any) -> list[Located]:
    if isinstance(value, dict):
        return [s for key, one in value.items() for s in (*_strings(key), *_strings(one))]
    if isinstance(value, list):
        return [s for one in value for s in _strings(one)]
    return [value] if isinstance(value, Located) else []


def test_comments_and_trailing_commas_stand_where_people_write_them() -> None:
    text = '// a\n{ /* b */ "c": ["d", /* "e" */ "f//", ], // g\n "h": 1, }\n'
    assert json_of(Source("a.jsonc", text)) == {"c": ["d", "f//"], "h": 1}


def test_a_key_given_twice_counts_the_last_time() -> None:
    found = json_of(Source("a.json", '{"a": 1, "b": 2, "a": 3}'))
    assert found == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("", 0, "the end of the file"),
        ('{"a": 1 "b": 2}', 8, "`,` or `}` was expected"),
        ('{"a" 1}', 5, "`:` was expected"),
        ("{a: 1}", 1, "a key in double quotes"),
        ("[1, 2", 5, "`,` or `]` was expected"),
        ('["a\nb"]', 1, "is not valid JSON"),
        ("[nul]", 1, "a value was expected"),
        ("[] []", 3, "the end of the file was expected"),
        ("{'a': 1}", 1, "is not valid JSON"),
        ("[1,,2]", 3, "a value was expected"),
        ("/* open", 0, "is not valid JSON"),
    ],
)
def test_what_is_no_json_is_refused_at_its_place(text: str, at: int, words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        json_of(Source("a.json", text))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "PLE601"
    assert words in diagnostic.message
    assert diagnostic.span is not None
    assert diagnostic.span.start == at


def test_depth_is_bounded() -> None:
    most = limit("json_depth")
    assert json_of(Source("a.json", "[" * most + "]" * most))
    with pytest.raises(PolicyError, match="nested"):
        json_of(Source("a.json", "[" * (most + 2) + "]" * (most + 2)))


def test_a_file_is_bounded_and_utf8(tmp_path: Any) -> None:
    most = limit("source_bytes")
    file = tmp_path / "a.json"
    file.write_bytes(b" " * (most - 2) + b"{}")
    assert read_source(str(file)).text.endswith("{}")
    for data in (b" " * (most + 1), b'"\xff"'):
        file.write_bytes(data)
        with pytest.raises(PolicyError):
            read_source(str(file))


@pytest.mark.parametrize(
    ("client", "path", "text", "line", "shown"),
    [
        ("claude", ".claude/settings.json", '{"permissions":\n {"allow": [\n  "Bash",\n  ["x"]]}}', 4, "["),
        ("claude", ".claude/settings.json", '{"permissions":\n [1]}', 2, "["),
        ("claude", ".claude/settings.json", '{"permissions": {\n"deny": ["a",\n 12]}}', 3, "12"),
        ("cursor", ".cursor/cli.json", '{"permissions":\n{"allow":[\n{}]}}', 3, "{"),
        ("gemini", ".gemini/settings.json", '{"tools":\n{"core":[\n1]}}', 3, "1"),
        ("copilot", ".copilot/settings.json", '{\n"allowedUrls":[\n"a",\n null]}', 4, "null"),
        ("opencode", "opencode.json", '{"permissions":[\n\n["a"]]}', 3, "["),
        ("srt", "srt-settings.json", '{"network":\n[]}', 2, "["),
        ("gemini", "~/.gemini/policies/a.toml", "# first\nrule = [1]\n", 2, "r"),
    ],
)
def test_what_is_none_is_refused_at_its_own_place(client: str, path: str, text: str, line: int, shown: str) -> None:
    with pytest.raises(PolicyError) as caught:
        format_named(client).read([Source(path, text)])
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert (span.line, text[span.start : span.end]) == (line, shown)
