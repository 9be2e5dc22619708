"""What is said to people and to agents about what nothing grants: the nearest rule, what differs, what would grant it."""

from __future__ import annotations

import pytest

from policy_lang import Policy
from policy_lang.domain.request import Request
from policy_lang.engine import nearest
from policy_lang.report.ways import ways_on

POLICY = Policy.loads("""policy "w"
import std.baseline
tier review { approvers "@x" }
allow read "src/", "docs/**/*.md"
allow write "src/**" except "src/gen/**"
allow run "pytest {-q,-x}", "git {status,log} **", "cat **", "uv run pytest", "python3 -c *"
allow connect GET "https://api.example.com/v1/**"
allow connect "db.example:5432"
allow push "agent/**"
allow call "github.get_*"
ask review write "package.json"
agent "claude" { allow write "README.md" }
deny read "src/secret/**" because "nobody reads it"
""")  # fmt: skip


def request(action: str, resource: object, **more: object) -> Request:
    return Request(action, resource, workspace="/nowhere/w", home="/nowhere/home", **more)  # type: ignore[arg-type]


def ways(asked: Request, policy: Policy = POLICY) -> str:
    return "\n".join(ways_on(policy, asked, policy.decide_request(asked)))


@pytest.mark.parametrize(
    ("action", "resource", "more", "said"),
    [
        ("run", "pytest tests/test_x.py", {}, ['nearest: `allow run "pytest {-q,-x}"` (policy.policy:6)',
                                               "`tests/test_x.py` is not granted behind `pytest`",
                                               'to allow exactly this: `allow run "pytest tests/test_x.py"`']),
        ("run", "git push origin agent/x", {}, ["`push` is not granted behind `git`", '`allow run "git push origin agent/x"`']),
        ("run", "pytest", {}, ["is missing behind `pytest`", '`allow run "pytest"`']),
        ("run", "uv run pytest -q", {}, ['`allow run "uv run pytest"`', "`-q` is not granted behind `uv run pytest`"]),
        ("run", "git commit -m 'a b'", {}, ["`allow run \"git commit -m 'a b'\"`"]),
        ("run", "cat src/a docs/b", {}, ['`allow read "docs/**/*.md"`', '`allow read "docs/b"`']),
        ("read", "docs/a.txt", {}, ["what is granted there is `*.md`", '`allow read "docs/a.txt"`']),
        ("write", "src/gen/a", {}, ['`allow write "src/**"`', "its `except` leaves this out", '`allow write "src/gen/a"`']),
        ("write", "README.md", {"agent": "other"}, ["it holds for another agent", '`allow write "README.md"`']),
        ("write", "src", {}, ["what is granted is inside of `src`", '`allow write "src"`']),
        ("connect", "https://api.example.com/v2/x", {"method": "GET"}, ["the path `/v2/x` is not granted there"]),
        ("connect", "https://api.example.com/v1/x", {"method": "POST"},
         ['`allow connect GET "https://api.example.com/v1/**"`', "`POST` is not granted there, `GET` is",
          '`allow connect POST "https://api.example.com/v1/x"`']),
        ("connect", "https://db.example/", {}, ["port 443 is not granted there, 5432 is"]),
        ("connect", "https://cdn.example.com/", {"method": "GET"}, ["the host is another one"]),
        ("connect", "other.example:8443", {}, ['`allow connect "other.example:8443"`']),
        ("connect", "http://203.0.113.9:8000/x", {"method": "GET"}, ['`allow connect GET "https://203.0.113.9:8000/x"`']),
        ("connect", "[2001:db8::1]:8000", {}, ['`allow connect "[2001:db8::1]:8000"`']),
        ("push", "feature/x", {}, ['`allow push "agent/**"`', "`feature/x` is not granted", '`allow push "feature/x"`']),
        ("push", "fork:agent/x", {}, ["the remote `fork` is not `origin`", '`allow push "fork:agent/x"`']),
        ("call", "github.create_issue", {}, ['`allow call "github.get_*"`', "`create_issue` is not granted in `github`"]),
    ],
)  # fmt: skip
def test_the_nearest_rule_and_the_word_that_differs(
    action: str, resource: str, more: dict[str, object], said: list[str]
) -> None:
    text = ways(request(action, resource, **more))
    assert [part for part in said if part not in text] == [], text


@pytest.mark.parametrize(
    "asked",
    [
        request("read", "src/secret/x"), request("read", "src/a.ts"), request("write", "package.json"),
        request("run", "cat src/secret/x && pytest tests/a"), request("read", "a\0b"), request("fly", "x"),
        request("run", "$X a"), request("read", ".env"), request("write", ".git/hooks/pre-commit"),
    ],
)  # fmt: skip
def test_nothing_is_said_where_a_rule_decides_or_none_could(asked: Request) -> None:
    assert ways(asked) == ""
    assert nearest.advice(POLICY.engine, [asked], [POLICY.decide_request(asked)]) == ""


def test_the_rules_that_are_shown_are_confirmed() -> None:
    for command in (
        "pytest tests/a",
        "make",
        "cat docs/a",
        "npm test",
        "curl https://a.example/x",
        "git push origin x",
    ):
        asked = request("run", command)
        text = ways(asked)
        assert "to allow exactly this: " in text
        rules = text.partition("to allow exactly this: ")[2].splitlines()[0].replace("`", "")
        assert "`policy suggest LOG`" in text
        more = Policy.loads('policy "w"\nallow read "src/"\nallow run "cat **"\n' + rules)
        assert more.decide_request(asked).effect == "allow", rules


def test_a_rule_is_not_shown_that_would_not_be_enough(tmp_path: object) -> None:
    policy = Policy.loads('policy "p"\nimport std.baseline\nallow run "cat **"\n')
    text = ways(request("run", "cat src/a .env"), policy)
    assert "to allow" not in text


def test_what_is_asked_for_because_nothing_grants_it_has_ways_too() -> None:
    policy = Policy.loads("""policy "o"
tier review { approvers "@x" }
allow run "pytest -q"
otherwise ask review run
""")
    assert "is not granted behind `pytest`" in ways(request("run", "pytest tests/a"), policy)


def test_an_agent_is_told_one_thing_that_it_can_do() -> None:
    asked = request("run", "pytest tests/test_x.py")
    said = nearest.advice(POLICY.engine, [asked], [POLICY.decide_request(asked)])
    assert said.startswith("`tests/test_x.py` is not granted behind `pytest`: keep to run `pytest -")
    assert said.endswith("or ask a person to allow run `pytest tests/test_x.py`")
    asked = request("write", "lib/x")
    said = nearest.advice(POLICY.engine, [asked], [POLICY.decide_request(asked)])
    assert said == "no rule grants anything like it; ask a person to allow write `lib/x`"


def test_the_search_for_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request("run", "pytest tests/test_x.py")
    monkeypatch.setattr(nearest, "_NODES", 1)
    text = ways(asked)
    assert "nearest" not in text
    assert "to allow exactly this" in text
    monkeypatch.setattr(nearest, "_MOST", 0)
    assert ways(asked) == ""


def test_a_compiled_policy_has_the_nearest_rule_as_well(tmp_path) -> None:  # type: ignore[no-untyped-def]
    import subprocess
    import sys

    source = tmp_path / "p.policy"
    source.write_text('policy "p"\nallow run "pytest {-q,-x}"\n')
    subprocess.run([sys.executable, "-m", "policy_lang", "compile", str(source)], check=True, capture_output=True)
    policy = Policy.load(str(tmp_path / "p.plc"))
    text = ways(request("run", "pytest tests/a"), policy)
    assert 'nearest: `allow run "pytest -' in text
    assert "to allow" not in text


def test_what_git_alone_may_write_is_not_named_as_near() -> None:
    policy = Policy.loads('policy "p"\nallow write "src/**"\nallow write "./" when versioned\n')
    text = ways(request("write", "docs/a.md"), policy)
    assert "versioned" not in text
    assert "other conditions" not in text
    assert 'to allow exactly this: `allow write "docs/a.md"`' in text
