"""Bad input: a clear error within limits, exit 2, nothing half-done, no traceback."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest

from policy_lang import Policy, PolicyError, RequestError
from policy_lang.domain.limits import TABLE, limit
from policy_lang.wire.requests import parse_request
from tests.console.support import policy


def codes(text: str) -> list[str]:
    with pytest.raises(PolicyError) as error:
        Policy.loads(text)
    return [d.code for d in error.value.diagnostics]


NOISE = random.Random(1)
FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "PLE502"),
    "blank": (b"\n\n  \n", "PLE502"),
    "noise": (NOISE.randbytes(1 << 20), "PLE002"),
    "text-noise": ("".join(NOISE.choices('allow deny "{}#\n ask read/*', k=1 << 20)).encode(), "PLE"),
    "too-long": (b"#" * ((1 << 20) + 1), "PLE004"),
    "utf-8": (b'policy "x\xff"', "PLE002"),
    "utf-16": ('policy "x"'.encode("utf-16"), "PLE002"),
    "bom": (b'\xef\xbb\xbfpolicy "x"', "PLE003"),
    "nul": (b'policy "x"\0', "PLE003"),
    "cr": (b'policy "x"\rallow read "a"', "PLE003"),
    "bidi": ('policy "x"\nallow read "\u202ea"'.encode(), "PLE003"),
    "comment-bidi": ('policy "x" # \u2066\nallow read "a"'.encode(), "PLE003"),
    "open-strings": (b'policy "x"\n' + b'allow read "a\n' * 5000, "PLE101"),
    "braces": (b'policy "x"\n' + b"{" * 100_000, "PLE"),
    "closing": (b'policy "x"\n' + b"}" * 100_000, "PLE104"),
    "scopes": (b'policy "x"\n' + b'agent "a" {' * 20_000, "PLE10"),
    "parentheses": (b'policy "x"\nallow read "a" when ' + b"(" * 100_000 + b"a" + b")" * 100_000, "PLE209"),
    "nots": (b'policy "x"\nallow read "a" when ' + b"not " * 50_000 + b"agent", "PLE106"),
    "ands": (b'policy "x"\nallow read "a" when ' + b" and ".join([b'agent == "x"'] * 20_000), "PLE106"),
    "one-line": (b'policy "x" ' + b"allow " * 150_000, "PLE"),
    "nested-braces": (b'policy "x"\nallow read "' + b"{a," * 1000 + b"a" + b"}" * 1000 + b'"', "PLE401"),
    "alternatives": (b'policy "x"\nallow read "' + b"{a,b}" * 200 + b'"', "PLE401"),
    "many-classes": (b'policy "x"\nallow read "' + b"[a-z]" * 20 + b'"', "PLE401"),
    "long-number": (b'policy "x"\ntier a { approvers "x" quorum ' + b"9" * 100_000 + b" }", "PLE"),
    "crlf-mistake": (b'policy "x"\r\nallwo read "a"\r\n', "PLE111"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file(name: str, tmp_path: Path) -> None:
    data, code = FILES[name]
    path = tmp_path / "bad.policy"
    path.write_bytes(data)
    start = time.monotonic()
    result = policy("check", path, "read", "a")
    assert time.monotonic() - start < 90  # on a machine that does other things as well
    assert result.code == 2
    assert f"error[{code}" in result.err
    assert result.out == ""
    assert len(result.err) < 200_000
    report = policy("check", path, "read", "a", "--format", "json").json()
    assert 1 <= len(report["errors"]) <= limit("diagnostics")
    formatted = policy("fmt", path)
    if code[:4] in {"PLE", "PLE0", "PLE1"}:  # mistakes in the text; the others are well-formed
        assert formatted.code == 2
        assert path.read_bytes() == data


def test_crlf_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "x.policy"
    path.write_bytes(b'policy "x"\r\n\r\nallow read "a" # c\r\n')
    assert policy("check", path, "read", "a").code == 0
    assert policy("fmt", path).code == 0
    assert path.read_bytes() == b'policy "x"\n\nallow read "a"  # c\n'


def test_odd_imports(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.policy")
    (tmp_path / "folder.policy").mkdir()
    (tmp_path / "loop.policy").symlink_to("loop.policy")
    (tmp_path / "device.policy").symlink_to("/dev/zero")
    (tmp_path / "locked.policy").write_text('policy "l"')
    for name in ("fifo", "folder", "loop", "device", "missing", "a\\u{0}b"):
        path = tmp_path / "root.policy"
        path.write_text(f'policy "root"\nimport "{name}.policy"\nallow read "a"')
        start = time.monotonic()
        result = policy("check", path, "read", "a")
        assert time.monotonic() - start < 10
        assert result.code == 2, name
        assert result.err.count("error[") == 1, result.err
        assert ":2:8" in result.err or name == "a\\u{0}b"
    for name in ("fifo.policy", "folder.policy", "device.policy"):
        assert policy("check", tmp_path / name, "read", "a").code == 2


def test_enormous_counts() -> None:
    assert codes('policy "x"\ncontext {' + "".join(f" a{i}: int" for i in range(65)) + ' }\nallow read "a"') == [
        "PLE004"
    ]
    assert codes('policy "x"\ncontext { e: ' + " | ".join(f'"{i}"' for i in range(257)) + ' }\nallow read "a"') == [
        "PLE302"
    ]
    mistakes = "\n".join(f'allow raed "a{i}"' for i in range(500))
    assert len(codes(mistakes)) == limit("diagnostics")


def test_too_many_files(tmp_path: Path) -> None:
    count = limit("source_files")
    for i in range(count + 1):
        (tmp_path / f"m{i}.policy").write_text(
            f'policy "m{i}"\n' + (f'import "m{i + 1}.policy"\n' if i < count else "") + 'allow read "a"'
        )
    with pytest.raises(PolicyError) as error:
        Policy.load(str(tmp_path / "m0.policy"))
    assert [d.code for d in error.value.diagnostics] == ["PLE004"]
    Policy.load(str(tmp_path / "m1.policy"))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("scope_nesting", lambda n: 'agent "a" {' * n + 'allow read "x"' + "}" * n),
        ("condition_nesting", lambda n: 'allow read "x" when ' + "not " * (n - 1) + 'agent == "a"'),
        ("condition_atoms", lambda n: 'allow read "x" when ' + " or ".join(f'agent == "{i}"' for i in range(n))),
        ("pattern_bytes", lambda n: 'allow run "x ' + "a" * (n - 2) + '"'),
        ("pattern_alternatives", lambda n: 'allow read "{' + ",".join(f"a{i}" for i in range(n)) + '}"'),
        ("inner_double_stars", lambda n: 'allow read "' + "**/a/" * n + 'b"'),
        ("segment_wildcards", lambda n: 'allow read "' + "?" * n + '"'),
        ("context_attributes", lambda n: "context {" + "".join(f" a{i}: int" for i in range(n)) + ' }\nallow read "x"'),
        ("enum_members", lambda n: "context { e: " + " | ".join(f'"{i}"' for i in range(n)) + ' }\nallow read "x"'),
        ("path_segment_bytes", lambda n: 'allow read "' + "a" * n + '"'),
        ("source_bytes", lambda n: 'allow read "x" #' + "a" * (n - 16)),
    ],
)  # fmt: skip
def test_limits_of_policies_hold_at_n_and_break_above(name: str, make) -> None:
    n = limit(name)
    Policy.loads(make(n))
    with pytest.raises(PolicyError):
        Policy.loads(make(n + 1))


def request(**fields: object) -> bytes:
    return json.dumps({"action": "read", "resource": "a", **fields}).encode()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "PLR103"), (b"[]", "PLR103"), (b"7", "PLR103"), (b"null", "PLR103"), (b"{", "PLR103"), (b"\xff", "PLR102"),
        (b'{"action": "read", "resource": "a", "resource": "b"}', "PLR104"),
        (b'{"action": "read", "resource": "a", "context": {"x": 1, "x": 2}}', "PLR104"),
        (b'{"action": "read", "resource": NaN}', "PLR103"), (b'{"action": "read", "resource": "a", "context": {"x": Infinity}}', "PLR103"),
        (b"[" * 100_000, "PLR101"), (b'{"a":' * 100_000, "PLR101"), (b'{"action": "read", "resource": "a", "x": 1}', "PLR104"),
        (b'{"action": "read", "resource": "\\ud800"}', "PLR102"), (b'{"action": "read", "resource": "a", "context": {"\\udfff": 1}}', "PLR102"),
        (b'{"action": "read"}', "PLR105"), (b'{"resource": "a"}', "PLR105"), (b'{"action": "nope", "resource": "a"}', "PLR106"),
        (b'{"action": 7, "resource": "a"}', "PLR106"), (b'{"action": "read", "resource": 7}', "PLR106"),
        (b'{"action": "run", "resource": ["a", 7]}', "PLR106"), (request(agent=7), "PLR106"), (request(lexical="yes"), "PLR106"),
        (request(shell="fish"), "PLR106"), (request(method="get"), "PLR106"), (request(context=[1]), "PLR106"),
        (request(context={"x": {"y": 1}}), "PLR106"), (request(context={"x": 1.5}), "PLR106"), (request(resolved="1.1.1.1"), "PLR106"),
        (b'{"action": "read", "resource": "a", "context": {"x": ' + b"9" * 100 + b"}}", "PLR106"), (request(agent="a" * 257), "PLR106"),
        (request(context={f"k{i}": 1 for i in range(65)}), "PLR106"), (request(resolved=["1.1.1.1"] * 65), "PLR106"),
        (b'{"action": "read", "resource": "a"} x', "PLR103"), (b'{"action": "read", "resource": "a\n"}', "PLR103"),
        (b'{"resource": "' + b"a" * (1 << 20) + b'"}', "PLR101"),
    ],
)  # fmt: skip
def test_bad_requests(data: bytes, code: str) -> None:
    with pytest.raises(RequestError) as error:
        parse_request(data)
    assert error.value.code == code
    assert len(error.value.message) < 400


def test_every_field_of_a_request_is_read() -> None:
    one = parse_request(request(
        id="7", agent="a", repo="r", branch="b", session="s", context={"x": 1, "y": "z", "t": True}, cwd="/c", workspace="/w",
        home="/h", tmp="/t", shell="zsh", method="GET", resolved=["1.1.1.1"], git={"remotes": {}}, lexical=True,
    ))  # fmt: skip
    assert (one.id, one.agent, one.shell, one.method, one.resolved, one.lexical) == (
        "7",
        "a",
        "zsh",
        "GET",
        ("1.1.1.1",),
        True,
    )
    assert one.context == {"x": 1, "y": "z", "t": True}
    assert parse_request(b'{"action": "run", "resource": ["a", "b"]}').resource == ("a", "b")
    assert parse_request(b'{"action": "read", "resource": {"pattern": "a/**"}}').pattern


def test_an_over_long_line_costs_one_answer(tmp_path: Path) -> None:
    path = tmp_path / "x.policy"
    path.write_text('policy "x"\nallow read "a"')
    good = b'{"action": "read", "resource": "a"}'
    data = good + b"\n" + b"x" * 3_000_000 + b"\n" + good
    result = policy("check", path, "--requests", "-", "--format", "json", stdin=data)
    answers = [json.loads(line) for line in result.out.splitlines()]
    assert [a.get("effect") for a in answers] == ["allow", None, "allow"]
    assert answers[1]["error"]["code"] == "PLR101"


def test_text_that_would_deceive_is_shown_plainly(tmp_path: Path) -> None:
    path = tmp_path / "x.policy"
    path.write_text('policy "x"\nallow read "b"')
    result = policy(
        "check", path, "--requests", "-", stdin=json.dumps({"action": "read", "resource": "a\u202e\u001b[31mb"})
    )
    assert "\u202e" not in result.out
    assert "\x1b" not in result.out
    assert "\\u202e\\x1b[31mb" in result.out


def test_every_limit_has_a_reason_and_stands_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/limits.md").read_text()
    for row in TABLE:
        assert row.value > 0
        assert len(row.reason) > 15
        assert f"`{row.name}`" in page
