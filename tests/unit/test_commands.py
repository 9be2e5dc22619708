"""Commands: argv in one spelling, rules about them, opaque ones, options."""

from __future__ import annotations

import pytest

from policy_lang import Policy, RequestError
from policy_lang.engine.options import Need, present
from policy_lang.facts.commands import argv_word, program
from policy_lang.shell.analyse import read_acts


@pytest.mark.parametrize(
    ("word", "cwd", "workspace", "name"),
    [
        ("git", None, None, "git"), ("/usr/bin/git", None, None, "git"), ("/bin//git", None, None, "git"),
        ("/usr/local/bin/../bin/git", None, None, "git"), ("./git", None, None, "./git"),
        ("/tmp/git", None, None, "/tmp/git"), ("scripts/x", None, None, "./scripts/x"), ("../x", None, None, "../x"),
        ("./x", "/repo/sub", "/repo", "./sub/x"), ("../x", "/repo/sub", "/repo", "./x"),
        ("../../x", "/repo/sub", "/repo", "/x"), ("/repo/x", None, "/repo", "./x"),
        ("/usr/bin/../../tmp/git", None, None, "/tmp/git"), ("//usr/bin/git", None, None, "git"),
    ],
)  # fmt: skip
def test_a_program_has_one_name(word: str, cwd: str | None, workspace: str | None, name: str) -> None:
    assert program(word, cwd, workspace) == name


@pytest.mark.parametrize("argv", [[], [""], ["\x1b[0m"], ["a", "b\0"], ["a", "\udcff"], ["a"] * 4097, ["x" * 131073]])
def test_malformed_argv_is_refused(argv: list[str]) -> None:
    with pytest.raises(RequestError):
        argv_word(argv)
    assert argv_word(["a"] * 4096)
    assert argv_word(["x" * 131072])


@pytest.mark.parametrize("script", ["", "  ", "\n", "x" * 65537])
def test_malformed_scripts_are_refused(script: str) -> None:
    with pytest.raises(RequestError):
        read_acts(script, "bash")
    assert read_acts("x" * 65536)


@pytest.mark.parametrize(
    ("options", "words", "answer"),
    [
        (["--force"], "git push --force", True), (["--force"], "git push --force=x", True),
        (["--force"], "git push origin", False), (["--force"], "git push --forc", None),
        (["--force"], "git push --force-with-lease", False), (["--force"], "git push -- --force", False),
        (["--force"], "git push -o -- --force", None), (["--force"], "git push -o --force", None),
        (["-f"], "git push -f", True), (["-f"], "git push -fu", None), (["-f"], "git push -uf", None),
        (["-f"], "git push --f", False), (["-f"], "rm -- -f", False), (["-f"], "-f", False),
        (["--force", "-f"], "git push -f", True), (["-force"], "x -force", True), (["-force"], "x --force", None),
        (["--force"], "x -force", None), (["--force"], "x --", False), (["-f"], "x -", False),
        (["--dry-run"], "npm publish --tag --dry-run", None), (["--dry-run"], "npm publish --dry-run", True),
        (["--m=a"], "x --m=a", True), (["--m=a"], "x --m=b", False), (["--m=a"], "x --m a", None),
        (["--m=a"], "x --m b", False), (["--m=a"], "x a", False), (["--m=a"], "x --m=a --m=b", None),
        (["--m=a*"], "x --m=abc", True), (["--m=a"], "x -o --m=a", None), (["--me=a"], "x --m=a", None),
        (["--m=a"], "x -- --m=a", False), (["-e=a"], "x -ea", None), (["-e=a"], "x -e=a", None),
        (["-e=a"], "x -ve a", None), (["-e=a"], "x -e b", False), (["-rf"], "x -rf", True), (["-rf"], "x -fr", None),
        (["-rf"], "x -f -r", None), (["-rf"], "x -f", False),
    ],
)  # fmt: skip
def test_options(options: list[str], words: str, answer: bool | None) -> None:
    assert present(map(Need.parse, options), tuple(words.split())) is answer


POLICY = Policy.loads(
    """
policy "run"
allow run "git {status,log} **", "make test", "./scripts/*.sh", "npm publish **" with "--dry-run"
""".replace('"npm publish **" with', '"ls"\nallow run "npm publish **" with')
    + """
allow run "git push **" without "--force", "-f"
allow run "echo 'a b' **"
allow push "*:refs/**"
allow read "./"
"""
)


@pytest.mark.parametrize(
    ("command", "effect"),
    [
        ("git status", "allow"), ("git log -p --all", "allow"), ("git", "deny"), ("git diff", "deny"),
        (["git", "status"], "allow"), (["/usr/bin/git", "status"], "allow"), (["./git", "status"], "deny"),
        (["/tmp/git", "status"], "deny"), ("make test", "allow"), ("make test x", "deny"), ("make", "deny"),
        ("./scripts/a.sh", "allow"), ("./scripts/b/a.sh", "allow"), ("scripts/a.sh", "allow"), ("npm publish", "deny"),
        ("npm publish --dry-run", "allow"), ("npm publish --tag --dry-run", "deny"), ("git push origin x", "allow"),
        ("git push -f", "deny"), ("git push -uf", "deny"), ("git push --forc", "deny"), ("git push origin -- x", "allow"),
        ("git status; rm x", "deny"), ("git status && true", "allow"), ("echo 'a b' c", "allow"), ("echo a b c", "deny"),
        (["git status"], "deny"),
    ],
)  # fmt: skip
def test_rules_about_commands(command: str | list[str], effect: str) -> None:
    assert POLICY.decide(action="run", resource=command).effect == effect


def test_opaque_commands_need_a_rule_of_their_own() -> None:
    head = 'policy "x"\ntier review { approvers "@x" }\nallow run "**"\n'
    opaque = "$a b"

    def effect(rules: str) -> str:
        return Policy.loads(head + rules).decide(action="run", resource=opaque).effect

    assert effect("") == "deny"
    assert effect("allow run opaque") == "allow"
    assert effect("ask review run opaque") == "ask"
    assert effect('allow run opaque\nask review run "npm **"') == "ask"
    assert effect('allow run opaque\ndeny run "sudo **"') == "deny"
    assert effect('allow run opaque\ndeny run "sudo **" except opaque') == "allow"
    assert effect('allow run opaque\ndeny run "git **" with "-f"') == "deny"
    decision = Policy.loads(head).decide(action="run", resource=opaque)
    assert decision.opaque == ("which program it runs is not known",)


def test_an_option_right_behind_the_program_is_the_programs_own() -> None:
    policy = Policy.loads(
        'policy "p"\nallow run "git **"\nallow read, write "**", "/w"\nrule own: deny run "git -C **"\n'
    )
    for command, effect in (
        ("git -C /w status", "deny"),
        ("git -c color.ui=never -C /w status", "deny"),
        ("git --literal-pathspecs -C /w status", "deny"),
        ("git commit -C HEAD", "allow"),
        ("git -c color.ui=never commit -C HEAD", "allow"),
    ):
        decision = policy.decide(action="run", resource=command, workspace="/w", lexical=True)
        assert decision.effect == effect, command
        assert [r.id for r in decision.rules if r.effect == "deny"] == (["p#own"] if effect == "deny" else []), command


@pytest.mark.parametrize("script", ["cd a; ./x", "cd ~; ./x", "cd a || cd b; ./x"])
def test_a_program_that_may_lie_in_several_folders_is_opaque(script: str) -> None:
    policy = Policy.loads('policy "p"\nallow run "./x"\nallow read "**"\n')
    assert policy.decide(action="run", resource="./x", workspace="/w", home="/h", lexical=True).effect == "allow"
    decision = policy.decide(action="run", resource=script, workspace="/w", home="/h", lexical=True)
    assert decision.effect == "deny"
    assert "where the program lies is not known" in decision.reasons[0]
