"""Credentials: where they come from, what stands for them, where they may go."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang import Policy
from policy_lang.domain.errors import RequestError
from policy_lang.domain.limits import limit
from policy_lang.domain.request import Request
from policy_lang.egress.credentials import CredentialError, Credentials, credential, goes_somewhere, read_credential
from policy_lang.testing import run_tests
from tests.needs import extra


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        ("ghp_0123456789abcdef0123456789abcdef0123", "ghp_"),
        ("github_pat_11ABCDEFG0123456789_abcdefghijkl", "github_pat_"),
        ("sk-ant-api03-abcdefghijklmnopqrstuvwxyz", "sk-ant-api03-"),
        ("glpat-0123456789abcdefghij", "glpat-"),
        ("0123456789abcdef", ""),
        ("a_short_one_x", ""),
    ],
)
def test_a_placeholder_is_of_the_same_kind_and_length(secret: str, kind: str) -> None:
    first, second = credential("T", secret), credential("T", secret)
    assert len(first.placeholder) == len(secret)
    assert first.placeholder.startswith(kind)
    assert first.placeholder != second.placeholder
    rest = secret[len(kind) :]
    assert rest not in first.placeholder
    assert not first.placeholder.startswith(secret[: len(kind) + 6])


@pytest.mark.parametrize(
    "secret", ["", "x" * (limit("credential_least") - 1), "two words of secret", "é" * 20, "tab\tinside-it-all"]
)
def test_what_no_placeholder_can_stand_for(secret: str) -> None:
    with pytest.raises(CredentialError):
        credential("T", secret)


def test_the_shortest_and_the_longest(tmp_path: Path) -> None:
    assert credential("T", "x" * limit("credential_least")).placeholder
    most = limit("credential_bytes")
    (tmp_path / "t").write_text("x" * most + "\n")
    assert len(read_credential(f"T=file:{tmp_path}/t", {})[1]) == most
    (tmp_path / "t").write_text("x" * (most + 1))
    with pytest.raises(CredentialError, match="more than"):
        read_credential(f"T=file:{tmp_path}/t", {})


def test_sources(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file-0123\r\n")
    assert read_credential(f"T=file:{tmp_path}/token", {}) == ("T", "from-a-file-0123")
    assert read_credential("T=env:OTHER", {"OTHER": "from-a-variable"}) == ("T", "from-a-variable")


@pytest.mark.parametrize(
    "text",
    [
        "T",
        "T=",
        "T=env",
        "=env:X",
        "T=vault:x",
        "T=env:MISSING",
        "T=file:/nowhere",
        "1T=env:X",
        "T=envx:X",
        "a b=env:X",
    ],
)
def test_what_is_no_source(text: str) -> None:
    with pytest.raises(CredentialError):
        read_credential(text, {"X": "x" * 20})


def test_a_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    with extra():
        import keyring
        from keyring.errors import KeyringError

    def get(service: str, user: str) -> str | None:
        if service == "locked":
            raise KeyringError("it is locked")
        return "from-the-keyring" if (service, user) == ("git/hub", "ada") else None

    monkeypatch.setattr(keyring, "get_password", get)
    assert read_credential("T=keyring:git/hub/ada", {}) == ("T", "from-the-keyring")
    for text, says in (("T=keyring:git/hub/eve", "has nothing"), ("T=keyring:locked/ada", "it is locked")):
        with pytest.raises(CredentialError, match=says):
            read_credential(text, {})


def test_which_names_stand_for_something() -> None:
    policy = Policy.loads(
        'policy "p"\nallow use "GOES" for "a.example", "*.b.example"\nallow use "HELD"\nagent "x" { allow use "OTHERS" for "a.example" }\n'
        'ask review use "ASKED" for "c.example"\ntier review { approvers "@x" }\ndeny use "GOES" for "x.b.example"\n'
    )
    like = Request("use", "X", agent="me")
    found = {n for n in ("GOES", "HELD", "OTHERS", "ASKED", "NONE") if goes_somewhere(policy.engine, like, n)}
    assert found == {"GOES", "HELD", "ASKED"}
    assert not goes_somewhere(Policy.loads('policy "p"\nallow use "A"\n').engine, like, "A")


@pytest.mark.parametrize(
    ("when", "goes"),
    [
        ("until 2100-01-01", True), ("until 2026-03-01", False), ("when now in 09:00..17:00", True),
        ("when now in mon..fri", True), ("when now in sun..sun and now in 03:00..03:01", True),
        ("when now in mon..fri and confined", False),
    ],
)  # fmt: skip
def test_a_credential_that_may_go_at_some_time_goes_somewhere(when: str, goes: bool) -> None:
    policy = Policy.loads(f'policy "p"\nallow use "T" for "a.example" {when}\n')
    for day in range(7):  # each day of a week, months after the ordinary one that questions begin with
        like = Request("use", "X", agent="me", now=1_780_020_000.0 + day * 86_400)
        assert goes_somewhere(policy.engine, like, "T") == goes, day
    assert goes_somewhere(policy.engine, Request("use", "X", agent="me"), "T") == goes  # as a proxy asks, at its start


def test_a_credential_that_is_denied_at_times_goes_somewhere() -> None:
    rules = 'allow use "T" for "a.example"\ndeny use "T", "U" when now in 00:00..12:00\n'
    like = Request("use", "X", agent="me", now=1_780_020_000.0)
    policy = Policy.loads(f'policy "p"\n{rules}')
    assert [goes_somewhere(policy.engine, like, n) for n in "TU"] == [True, False]


def test_the_policy_of_the_guide() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/keep-credentials-outside.md").read_text()
    report = run_tests(Policy.loads(page.partition("```policy\n")[2].partition("```")[0]))
    assert report.results
    assert all(r.passed for r in report.results)


def test_a_secret_goes_where_it_may() -> None:
    asked: list[tuple[str, str]] = []

    def decide(name: str, destination: str) -> str:
        asked.append((name, destination))
        return "" if destination == "a.example:443" else f"`{name}` may not go there"

    held = Credentials([credential("T", "secret-of-some-length")], decide)
    assert held.secrets_for(["T"], "a.example", 443) == {"T": "secret-of-some-length"}
    with pytest.raises(RequestError, match="may not go there"):
        held.secrets_for(["T"], "b.example", 443)
    with pytest.raises(RequestError, match="nothing stands"):
        held.secrets_for(["U"], "a.example", 443)
    assert asked == [("T", "a.example:443"), ("T", "b.example:443")]
    assert "secret" not in str(held.placeholders)
