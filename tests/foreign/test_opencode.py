"""opencode's `permission`: which rule decides, what its globs mean, what of it a policy says."""

from __future__ import annotations

import pytest

from policy_lang.domain.errors import PolicyError, Source
from policy_lang.domain.limits import limit
from policy_lang.foreign.formats import format_named
from policy_lang.foreign.permissions import ClientRequest

from .clients import answers, fits, of, taken


def rules(text: str, path: str = "opencode.json"):  # type: ignore[no-untyped-def]
    return of("opencode", path, text)


def test_the_last_rule_that_fits_decides_and_the_overridden_one_is_idle() -> None:
    made = rules('{"permission": {"bash": {"rm *": "deny", "ls *": "allow", "*": "ask"}}}')
    assert answers(made, "run rm -rf x") == ("ask", "ask")
    assert answers(made, "run ls") == ("ask", "ask")
    assert fits(made) == {"bash rm *: deny": "idle", "bash ls *: allow": "idle", "bash *: ask": "exact"}
    why = next(e.why for e in made.entries if e.text == "bash rm *: deny")
    assert "`bash *: ask` in line 1" in why


def test_what_is_milder_behind_a_restriction_is_left_out_of_it() -> None:
    made = rules('{"permission": {"bash": {"*": "deny", "git *": "ask", "git log *": "allow"}}}')
    for asked, effect in {
        "make": "deny",
        "git push": "ask",
        "git log -p": "allow",
        "timeout 3 git log": "deny",
    }.items():
        assert answers(made, f"run {asked}")[0] == effect
    assert answers(made, "run git log -p")[1] == "allow"
    assert answers(made, "run make")[1] == "deny"


def test_one_deny_behind_is_stricter_than_what_stands_before() -> None:
    made = rules('{"permission": {"bash": {"*": "allow", "git push *": "deny"}}}')
    assert answers(made, "run git push --force") == ("deny", "deny")
    assert answers(made, "run git status") == ("allow", "allow")


def test_names_with_a_star_are_looked_at_before_the_others() -> None:
    made = rules('{"permission": {"edit": "deny", "*": "allow"}}')
    assert answers(made, "write a.txt") == ("deny", "deny")
    assert answers(made, "call a.b") == ("allow", "allow")


@pytest.mark.parametrize(
    ("pattern", "meant", "not_meant"),
    [
        ("src/*.ts", ["src/a.ts", "src/deep/er/a.ts"], ["a.ts", "other/src/a.ts", "src/a.tsx"]),
        ("docs/**", ["docs/a", "docs/a/b"], ["docs", "x/docs/a"]),
        ("*.lock", ["a.lock", "deep/a.lock"], ["a.lock.txt"]),
        ("**/gen/*", ["a/gen/b", "a/b/gen/c/d"], ["gen/a"]),
        ("a*z", ["az", "a.z", "a/b/z", "ab/cz"], ["a/zb", "ba/z"]),
        ("{a,b}", ["{a,b}"], ["a", "b"]),
        ("v[1]/?", ["v[1]/a"], ["v1/a", "v[1]/ab"]),
    ],
)
def test_globs_over_paths_know_no_folders(pattern: str, meant: list[str], not_meant: list[str]) -> None:
    for effect, other in (("allow", "deny"), ("deny", "allow")):
        made = rules(f'{{"permission": {{"edit": {{"*": "{other}", "{pattern}": "{effect}"}}}}}}')
        for path in meant:
            theirs, ours = answers(made, f"write {path}")
            assert theirs == effect
            assert ours == effect or "?" in pattern
        for path in not_meant:
            assert answers(made, f"write {path}")[0] == other


def test_paths_outside_are_asked_about_as_folders() -> None:
    made = rules('{"permission": {"external_directory": {"*": "deny", "/srv/data/**": "allow", "~/notes/*": "ask"}}}')
    assert answers(made, "read /srv/data/a/b") == ("allow", "allow")
    assert answers(made, "read /srv/database/a") == ("deny", "deny")
    assert answers(made, "read ~/notes/a.md") == ("ask", "ask")
    assert answers(made, "run cd /tmp && ls")[0] == "deny"
    assert answers(made, "read a/b") == ("allow", "allow")


def test_a_pattern_without_a_star_at_its_end_fits_no_folder() -> None:
    assert fits(rules('{"permission": {"external_directory": {"/srv/data": "deny"}}}')) == {
        "external_directory /srv/data: deny": "idle"
    }


def test_what_is_never_consulted_is_idle() -> None:
    text = """{"permission": {"write": "deny", "Bash": "deny", "edit": {"/etc/**": "deny", "~/x/*": "deny"},
        "bash": {"cd *": "deny", "curl * | sh": "deny"}}}"""
    assert set(fits(rules(text)).values()) == {"idle"}


def test_the_guard_of_env_files_goes_with_a_rule_for_all_reads() -> None:
    assert answers(rules("{}"), "read .env") == ("ask", "ask")
    assert answers(rules('{"permission": {"read": "allow"}}'), "read .env") == ("allow", "allow")
    assert answers(rules('{"permission": "allow"}'), "read /etc/hosts") == ("allow", "allow")


def test_an_assignment_is_part_of_the_text() -> None:
    made = rules('{"permission": {"bash": {"*": "ask", "make *": "allow"}}}')
    assert answers(made, "run A=1 make") == ("ask", "ask")


def test_files_are_one_object_in_the_order_of_the_first() -> None:
    home = Source("~/.config/opencode/opencode.json", '{"permission": {"bash": {"*": "ask", "git *": "allow"}}}')
    project = Source("opencode.json", '{"permission": {"bash": {"npm *": "allow", "*": "deny"}}}')
    for order in ([home, project], [project, home]):
        made = format_named("opencode").read(order)
        assert made.model(ClientRequest("run", "git status")) == "allow"
        assert made.model(ClientRequest("run", "npm test")) == "allow"
        assert made.model(ClientRequest("run", "make")) == "deny"
        assert answers(made, "run npm test") == ("allow", "allow")


def test_names_of_servers_and_tools_are_one_text() -> None:
    made = rules('{"permission": {"*": "deny", "a_*": "allow", "a_b_c": "ask", "*_drop": "deny"}}')
    for asked, effect in {
        "a.x": "allow",
        "a_x.y": "allow",
        "a.b_c": "ask",
        "a_b.c": "ask",
        "a.drop": "deny",
        "b.x": "deny",
    }.items():
        assert answers(made, f"call {asked}") == (effect, effect)


def test_the_agent_that_is_started_has_its_own_rules_last() -> None:
    text = """{"permission": {"bash": "ask"}, "default_agent": "mason",
        "agent": {"mason": {"permission": {"bash": {"make *": "allow"}}}, "build": {"permission": {"bash": "deny"}}}}"""
    made = rules(text)
    assert answers(made, "run make all") == ("allow", "allow")
    assert fits(made)["build: bash: deny"] == "unsaid"


def test_the_old_list_of_tools_stands_before_permissions() -> None:
    made = rules('{"tools": {"bash": false, "write": false}, "permission": {"bash": {"ls *": "allow"}}}')
    assert answers(made, "write a.txt") == ("deny", "deny")
    assert answers(made, "run ls")[0] == "allow"


def test_the_second_format_permits_nothing_by_itself() -> None:
    text = '{"permissions": [{"action": "shell", "resource": "git *", "effect": "allow"}]}'
    made = rules(text)
    assert answers(made, "run git status") == ("allow", "allow")
    assert answers(made, "run make") == ("ask", "ask")
    assert answers(made, "read a.txt") == ("ask", "ask")


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("[]", 0),
        ('{"permission": {"bash": "maybe"}}', 16),
        ('{"permission": {"bash": {"ls": true}}}', 25),
        ('{"permission": 3}', 15),
        ('{"agent": {"x": 3}}', 11),
        ('{"tools": {"x": "no"}}', 11),
        ('{"permissions": [{"action": "shell"}]}', 17),
        ('{"permission": {', 16),
        ("", 0),
    ],
)
def test_what_is_no_configuration_is_refused_with_its_place(text: str, start: int) -> None:
    with pytest.raises(PolicyError) as caught:
        rules(text)
    found = caught.value.diagnostics[0]
    assert (found.code, found.span.start if found.span else -1) == ("PLE601", start)


def test_text_that_no_policy_holds_is_left_out() -> None:
    made = rules('{"permission": {"bash": {"*": "ask", "a\\u0000 *": "deny", "ls *": "allow"}}}')
    assert answers(made, "run ls") == ("allow", "allow")
    assert taken(made).translated.policy is not None


def test_so_many_permissions_and_no_more() -> None:
    most = limit("ranked_permissions")  # limit: ranked_permissions
    for count in (most, most + 1):
        patterns = ", ".join(f'"c{i} *": "allow"' for i in range(count))
        text = f'{{"permission": {{"bash": {{{patterns}}}}}}}'
        if count == most:
            assert len([e for e in rules(text).entries if e.span is not None]) == most
        else:
            with pytest.raises(PolicyError, match="more than 500 permissions"):
                rules(text)
