"""What a model permits and the policy does not is a loss that is told, with a request that the policy answers so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy_lang.domain.errors import SearchLimitError
from policy_lang.exports import survey
from policy_lang.exports.exporting import CODES, NAMES
from policy_lang.exports.model import PATHS, ExportError, Model, PathEntry, policy_of
from policy_lang.walls.losses import NOT_HELD
from tests.exports import world


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    made = world.world()
    yield made
    shutil.rmtree(made, ignore_errors=True)


PATTERNS = (
    "./", "src/", "src/**", "**/*.py", "**/.env", "docs/**", "docs/private/", "secrets/*", "~/notes/", "~/.ssh/**", "*", "**",
    "src/deep/c.py", "/etc/passwd", "/usr/**/*.pem", "/var/spool/**",
)  # fmt: skip
RESOURCES = (
    *world.FILES[1:20:2], "src/.env", "src/new.py", "docs/private/z", "secrets/z", "x", "tests/new/a.py", "~/notes/m", "~/.ssh/k",
    "~/other", "/etc/passwd", "/usr/a.pem", "/usr/lib/x", "/var/lib/x", "/opt/x", "/etc/shadow",
)  # fmt: skip
rules = st.builds(
    lambda effect, actions, pattern, but: (
        f'{effect} {", ".join(actions)} "{pattern}"' + (f' except "{but}"' if but and but != pattern else "")
    ),
    st.sampled_from(["allow", "allow", "allow", "deny", "ask t"]),
    st.sampled_from([("read",), ("write",), ("delete",), ("read", "write"), ("write", "delete"), PATHS]),
    st.sampled_from(PATTERNS),
    st.sampled_from([None, None, "src/gen/**", "**/.env", "docs/public/"]),
)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(rules, min_size=1, max_size=6), widen=st.booleans())
def test_what_is_permitted_and_denied_is_a_loss(name: str, written: list[str], widen: bool, home: Path) -> None:
    """Whatever the rules are: of what the model permits nothing goes untold."""
    text = 'policy "p" tier t { approvers "@x" } ' + "\n".join(written)
    try:
        policy, made = world.export(name, text, home, widen=widen)
    except SearchLimitError:
        return  # a rule about a folder of this machine that has more in it than is listed
    world.witnesses_hold(policy, made)
    asked = [(action, resource) for resource in RESOURCES for action in PATHS]
    assert world.uncovered(policy, made, home, asked) == []


@pytest.mark.parametrize("name", [n for n in NAMES if n != "kubernetes"])
@pytest.mark.parametrize("policy", world.POLICIES)
def test_what_is_not_widened_permits_no_file_too_many(name: str, policy: str, home: Path) -> None:
    """Without `--widen` nothing is told of files but what the sandbox itself brings."""
    _, made = world.export(name, world.POLICIES[policy], home)
    codes = {loss.code for loss in made.losses if loss.held == NOT_HELD}
    assert codes <= {"words", "system-reads", "variables", "remote"}
    assert codes <= set(CODES)


def test_each_rule_is_held_exactly_more_strictly_or_not(home: Path) -> None:
    text = (
        'policy "p" rule all: allow read "./" rule some: allow write "src/**", "*.new" '
        'rule no: deny write "src/*.lock" rule gone: allow read "~/gone/" rule never: deny read "/opt/x"'
    )
    _, made = world.export("bubblewrap", text, home, widen=True)
    held = {(rule.label, action): how for rule, action, how in made.compared.rules}
    assert held == {
        ("all", "read"): "held exactly", ("some", "write"): "held more strictly", ("no", "write"): "not held",
        ("gone", "read"): "held more strictly", ("never", "read"): "held exactly",
    }  # fmt: skip
    shown = {loss.code: loss.witness.resource for loss in made.losses if loss.witness is not None}
    assert str(shown["writes"]).endswith((".lock", ".git", "hooks", "config"))


def test_who_is_asked_for_counts(home: Path) -> None:
    """Rules for other agents, and what holds only behind walls, or at times, are not written."""
    text = world.POLICIES["by agent"]
    _, made = world.export("bubblewrap", text, home)
    assert [e.path for e in made.written.model.files] == [str(home / "w/docs")]
    _, made = world.export("bubblewrap", 'policy "p" when now >= 2020-01-31T08:00Z { allow read "docs/" }', home)
    assert made.written.model.files == ()
    assert "fewer-reads" in {loss.code for loss in made.losses}


def test_a_policy_file_is_not_changed(home: Path) -> None:
    """The protected floor is compared as well: a writable folder that holds the policy is told."""
    policy, made = world.export("bubblewrap", 'policy "p" allow read, write, delete "~/**"', home, widen=True)
    modes = {e.path: e.mode for e in made.written.model.files}
    assert modes[str(home / "policy/p.policy")] == "read"
    assert "writes" in {loss.code for loss in made.losses}
    world.witnesses_hold(policy, made)


def test_only_granted_and_harmless_variables_are_handed_in(home: Path) -> None:
    text = 'policy "p" allow use "API_*", "TOKEN" except "API_ROOT"'
    variables = {"API_KEY": "1", "API_ROOT": "2", "SECRET": "3", "LANG": "C", "odd name": "4"}
    _, made = world.export("bubblewrap", text, home, variables=variables)
    assert made.written.model.variables == ("API_KEY", "TOKEN")
    for name in ("API_KEY", "TOKEN", "LANG"):
        assert f'"${name}"' in made.written.text
    assert "API_ROOT" not in made.written.text
    assert "SECRET" not in made.written.text
    assert "fewer-variables" in {loss.code for loss in made.losses}  # `API_OTHER` is granted and nobody's yet


def test_more_entries_than_can_be_listed_are_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`export_entries` is large, so a smaller one stands in."""
    text = 'policy "p" allow read "**/*.py"'
    _, made = world.export("bubblewrap", text, home)
    needed = len(made.written.model.files) + len(made.written.model.system)
    monkeypatch.setattr(survey, "_MOST_ENTRIES", needed)
    world.export("bubblewrap", text, home)
    monkeypatch.setattr(survey, "_MOST_ENTRIES", needed - 1)
    with pytest.raises(SearchLimitError, match="--widen"):
        world.export("bubblewrap", text, home)


@pytest.mark.parametrize("proxy", ["127.0.0.1:3128", "unix:/tmp/a\nb"])
def test_a_proxy_that_cannot_be_reached_is_refused(proxy: str, home: Path) -> None:
    with pytest.raises(ExportError):
        world.export("bubblewrap", 'policy "p" allow read "./"', home, proxy=proxy)


def test_a_name_that_no_request_can_have_is_not_granted(home: Path) -> None:
    odd = home / "w/docs/line\nbreak"
    odd.write_text("x")
    try:
        with pytest.raises(ExportError, match="rename"):
            world.export("bubblewrap", 'policy "p" allow read "./" deny read "**/*.key"', home, widen=True)
        _, made = world.export("bubblewrap", 'policy "p" allow read "./" deny read "**/*.key"', home)
        assert "line" not in made.written.text
    finally:
        odd.unlink()


def test_a_workspace_among_programs_is_refused(home: Path) -> None:
    """Whatever lies there every program reads."""
    with pytest.raises(ExportError, match="folder of programs"):
        world.export("bubblewrap", 'policy "p" allow read "./"', home, further=(str(home / "w"),))
    with pytest.raises(ExportError, match="folder of programs"):
        world.export("codex", 'policy "p" allow read "./"', home, further=(str(home),))


def test_a_model_that_is_too_long_is_refused() -> None:
    """The text of a policy has a limit, and the model is one."""
    entries = [PathEntry(f"/opt/{'x' * 200}{n}", "read", False) for n in range(6_000)]
    with pytest.raises(ExportError, match="compared"):
        policy_of(Model(), entries)
