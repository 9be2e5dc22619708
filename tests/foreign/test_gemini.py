"""Gemini CLI's rules: priorities, text that commands begin with, expressions that are read and never run, settings."""

from __future__ import annotations

import time

import pytest

from policy_lang.domain.errors import PolicyError, Source
from policy_lang.foreign.formats import format_named
from policy_lang.foreign.permissions import Permissions
from policy_lang.foreign.simple_regexes import globs_of

from .clients import answers, fits, of

HOME = "~/.gemini/policies/own.toml"


def policy(*rules: str, path: str = HOME) -> Permissions:
    return of("gemini", path, "".join(f"[[rule]]\n{rule}\n" for rule in rules))


def shell(prefix: str, decision: str, priority: int, more: str = "") -> str:
    return f"toolName = 'run_shell_command'\ncommandPrefix = {prefix}\ndecision = '{decision}'\npriority = {priority}\n{more}"


def settings(text: str) -> Permissions:
    return of("gemini", ".gemini/settings.json", text)


def test_the_highest_decides_and_not_the_strictest() -> None:
    made = policy(shell("'git'", "deny", 500), shell("'git log'", "allow", 600), shell("'git show'", "allow", 400))
    assert answers(made, "run git log -p") == ("allow", "allow")
    assert answers(made, "run git push") == ("deny", "deny")
    assert answers(made, "run git show") == ("deny", "deny")
    assert [fit for text, fit in fits(made).items() if "show" in text] == ["idle"]


def test_of_equals_the_first_decides() -> None:
    made = policy(shell("'make'", "allow", 100), shell("'make'", "deny", 100))
    assert answers(made, "run make all") == ("allow", "allow")


def test_a_prefix_ends_at_a_words_end() -> None:
    made = policy(shell("['npm run test', 'rm specs/', 'nox*']", "allow", 100))
    for command, effect in {
        "npm run test": "allow", "npm run test -- -w": "allow", "npm run tests": "ask", "rm specs/": "allow", "rm specs/a": "ask",
        "nox -s": "ask", "bash -c 'npm run test'": "ask", "npm run test && make": "ask", "sudo npm run test": "ask",
    }.items():  # fmt: skip
        assert answers(made, f"run {command}")[0] == effect, command
    assert answers(made, "run npm run test -- -w")[1] == "allow"


def test_a_shells_text_is_looked_into_for_denials() -> None:
    made = policy("toolName = '*'\ndecision = 'allow'\npriority = 1", shell("'git push'", "deny", 500))
    assert answers(made, "run bash -c 'git push origin x'") == ("deny", "deny")
    assert answers(made, "run make && git push") == ("deny", "deny")
    assert answers(made, "run make") == ("allow", "allow")


def test_a_workspaces_policies_have_no_effect() -> None:
    made = policy(shell("'make'", "allow", 100), shell("'rm'", "deny", 100), path=".gemini/policies/own.toml")
    assert set(fits(made).values()) == {"idle"}
    assert answers(made, "run make") == ("ask", "ask")
    assert (
        answers(policy(shell("'make'", "allow", 1), path="/etc/gemini-cli/policies/a.toml"), "run make")[1] == "allow"
    )


@pytest.mark.parametrize(
    "wrong", ["decision = 'ask'\npriority = 1", "decision = 'deny'", "decision = 'deny'\npriority = 1000"]
)
def test_one_malformed_rule_drops_its_file(wrong: str) -> None:
    made = policy(shell("'make'", "allow", 100), f"toolName = 'read_file'\n{wrong}")
    assert set(fits(made).values()) == {"idle"}
    assert "line 7" in made.entries[-1].why
    assert answers(made, "run make") == ("ask", "ask")


def regex(expression: str, decision: str = "allow", tool: str = "run_shell_command", key: str = "commandRegex") -> str:
    return f"toolName = '{tool}'\n{key} = '''{expression}'''\ndecision = '{decision}'\npriority = 100"


@pytest.mark.parametrize(
    ("expression", "fit", "meant", "not_meant"),
    [
        ("git (log|show)( |$)", "exact", ["git log -p"], ["git log", "git push"]),
        ("npm run .*", "exact", ["npm run x"], ["npm test"]),
        ("^git status", "idle", [], ["git status"]),
        ("git status$", "idle", [], ["git status"]),
        ("(a+)+$", "unsaid", [], ["aaaa"]),
        ("git|rm", "unsaid", [], ["rm x"]),
        ("git [a-z]+", "unsaid", [], ["git log"]),
    ],
)
def test_expressions_are_read_where_they_are_plain(
    expression: str, fit: str, meant: list[str], not_meant: list[str]
) -> None:
    made = policy(regex(expression))
    assert list(fits(made).values()) in ([fit], ["narrower"] if fit == "exact" else [fit])
    for command in meant:
        assert answers(made, f"run {command}") == ("allow", "allow")
    for command in not_meant:
        assert answers(made, f"run {command}")[1] == "ask"


def test_a_grant_behind_a_restriction_that_cannot_be_said_is_left_out() -> None:
    made = policy(regex("(a+)+$", "deny"), shell("'make'", "allow", 50), shell("'ls'", "allow", 200))
    assert answers(made, "run make")[1] == "ask"
    assert answers(made, "run ls")[1] == "allow"
    reads = policy(regex("(a+)+$", "deny", "read_file", "argsPattern"))
    assert answers(reads, "read a.txt")[1] == "ask"


def test_a_rule_that_cannot_be_said_hides_no_other() -> None:
    made = policy(regex("(a+)+$", "ask_user"), shell("'make'", "deny", 50))
    assert answers(made, "run make") == ("deny", "deny")
    over = policy(regex("make.*x", "deny"), shell("'make'", "allow", 50))
    assert answers(over, "run make && rm x") == ("deny", "deny")


def test_paths_that_begin_so() -> None:
    made = policy(
        regex('"file_path":"src/', "allow", "write_file", "argsPattern"),
        regex('"file_path":"src/', "allow", "replace", "argsPattern"),
        regex('"file_path":"vault/', "deny", "read_file", "argsPattern"),
    )
    assert answers(made, "write src/a/b") == ("allow", "allow")
    assert answers(made, "write a") == ("ask", "ask")
    assert answers(made, "read vault/a") == ("deny", "deny")
    assert answers(made, "read a") == ("allow", "allow")
    one = policy(regex('"file_path":"src/', "allow", "write_file", "argsPattern"))
    assert answers(one, "write src/a") == ("ask", "ask")


def test_servers_and_their_tools() -> None:
    made = policy(
        "mcpName = 'box'\ndecision = 'allow'\npriority = 100",
        "mcpName = 'box'\ntoolName = ['drop', 'wipe']\ndecision = 'deny'\npriority = 200",
        "toolName = 'mcp_kit_*'\ndecision = 'allow'\npriority = 100",
        "mcpName = '*'\ntoolName = 'sync'\ndecision = 'deny'\npriority = 300",
    )
    for asked, effect in {
        "box.get": "allow",
        "box.drop": "deny",
        "kit.x": "allow",
        "kits.x": "ask",
        "box.sync": "deny",
    }.items():
        assert answers(made, f"call {asked}") == (effect, effect), asked


def test_other_modes_and_tools_that_are_not_there() -> None:
    made = policy(
        shell("'make'", "allow", 100, "modes = ['yolo']"),
        "toolName = 'remove_file'\ndecision = 'deny'\npriority = 100",
        "toolName = ['write_file', 'replace', 'erase']\ndecision = 'allow'\npriority = 100",
    )
    assert list(fits(made).values()) == ["unsaid", "idle", "narrower"]  # the floor protects some files from writes
    assert "`erase`" in made.entries[-1].misread
    assert answers(made, "write a.txt") == ("allow", "allow")
    assert answers(made, "write /etc/x") == ("deny", "deny")


def test_the_lists_of_settings_have_their_priorities() -> None:
    text = """{"tools": {"core": ["read_file", "run_shell_command(git)"], "allowed": ["write_file", "replace"],
        "exclude": ["web_fetch", "run_shell_command(rm)"]}, "mcpServers": {"box": {"trust": true}}}"""
    made = settings(text)
    for asked, effect in {
        "run git log": "allow", "run make": "deny", "read a": "allow", "write a": "allow", "connect https://a.example/": "deny",
        "call box.x": "deny",
    }.items():  # fmt: skip
        assert answers(made, asked) == (effect, effect), asked
    assert fits(made)["tools.exclude run_shell_command(rm)"] == "idle"


def test_a_policy_of_a_user_stands_between_the_lists() -> None:
    files = [Source(".gemini/settings.json", '{"tools": {"allowed": ["run_shell_command(git)"]}}')]
    for priority, effect in ((350, "allow"), (280, "deny")):
        own = Source(HOME, f"[[rule]]\n{shell(repr('make'), 'allow', priority)}")
        assert answers(format_named("gemini").read([*files, own]), "run make")[0] == effect


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (HOME, "[[rule"), (HOME, "a = 1\na = 2"), (HOME, "rule = 3"), (HOME, "a = " + "[" * 5000),
        (".gemini/settings.json", "[]"), (".gemini/settings.json", '{"tools": {"core": [1]}}'),
        (".gemini/settings.json", '{"mcp": 1}'), (".gemini/settings.json", "{"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused(path: str, text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        of("gemini", path, text)
    found = caught.value.diagnostics[0]
    assert found.code == "PLE601"
    assert found.span is not None


@pytest.mark.parametrize(
    "expression",
    ["(" * 3000, "(a|b)" * 7, "a" * 5000, "(a(b)c)", "a{3}", "[a]", "a+", "a?", "(a)*", "\\d", "a|b", "a\\"],
)
def test_what_is_not_plain_is_not_read(expression: str) -> None:
    begun = time.monotonic()
    assert globs_of(expression) is None
    assert time.monotonic() - begun < 1


def test_plain_expressions_as_globs() -> None:
    assert globs_of("git (log|show) ") == ("git log *", "git show *")
    assert globs_of("a\\.b.*c") == ("a.b*c*",)
    assert globs_of("x( |$)") == ("x *",)
    assert globs_of("x$") == ()
