"""Commands: argv in one spelling, plain scripts, opaque ones, options."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang import Policy, RequestError
from policy_lang.engine.options import present
from policy_lang.facts.commands import argv_word, program
from policy_lang.shell.plain import read_script


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


@pytest.mark.parametrize(
    ("script", "argv"),
    [
        ("git status", ("git", "status")), ("  git   status \n", ("git", "status")), ("ls\t-la", ("ls", "-la")),
        ("git commit -m 'a; b && c'", ("git", "commit", "-m", "a; b && c")),
        ('git commit -m "two\nlines"', ("git", "commit", "-m", "two\nlines")), ("echo a'b'\"c\"d", ("echo", "abcd")),
        ("echo ''", ("echo", "")), ("curl https://x.example/a=b,c:d@e%f+g", ("curl", "https://x.example/a=b,c:d@e%f+g")),
        ("make CC=gcc", ("make", "CC=gcc")),
    ],
)  # fmt: skip
def test_plain_commands_are_read(script: str, argv: tuple[str, ...]) -> None:
    assert read_script(script, "bash").argv == argv


@pytest.mark.parametrize(
    "script",
    [
        "a; b", "a && b", "a || b", "a | b", "a &", "a\nb", "a > b", "a < b", "$(a)", "`a`", "a $x", 'a "$x"', "a ${x}",
        "a *", "a ?", "a [b]", "a {b,c}", "(a)", "{ a; }", "! a", "a ~", "a ~/x", "a # b", "#a", "A=b c", "A=b", "A+=b c",
        'A="b" c', "A='b' c", "a \\b", "a\\\nb", "\\rm x", 'a "\\x"', 'a "!x"', "a 'b", 'a "b', "if a", "for x", "time a",
        "eval a", "exec a", "source a", ". a", "builtin a", "command a", "cd a", "export A", "alias a", "trap a", "a =b",
        "=a", "-a", "a ^b", "a\rb", "a\u00a0b", "a\u202eb", "a\x0bb", "'' a", "a$'b'", 'a$"b"', "[ a ]", "[[ a ]]",
        "((a))", "function a", "a <<E\nE", "\udcff",
    ],
)  # fmt: skip
def test_anything_more_is_opaque_with_a_reason(script: str) -> None:
    plain = read_script(script, "bash")
    assert plain.argv is None
    assert plain.why


PIECES = [
    "a", "b", "-x", "--y=z", "'c d'", '"e f"', "''", "x=1", "=", "a=b", "@", "+", ":", ",", ".", "..", "%1", "/x", "a'b'\"c\"",
    "~", "$x", '"$x"', "*", "?", "\\", "\n", ";", "&", "|", "<", ">", "{", "}", "{a,b}", "!", "^", "#", "`a`", "(a)", "[", "]",
    "'a\nb'", "\t", "if", "time", "do", "eval", "+=", "A+=b", "A[0]=b",
]  # fmt: skip
scripts = st.one_of(
    st.lists(st.sampled_from(PIECES[:19]), min_size=1, max_size=5).map(" ".join),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map(" ".join),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join),
)


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_what_is_read_is_what_bash_runs() -> None:
    bash = shutil.which("bash") or "bash"
    shim = "command_not_found_handle() { printf '%s\\0' \"$@\"; }; "
    compared = 0

    @settings(max_examples=400)
    @given(scripts)
    def compare(script: str) -> None:
        nonlocal compared
        try:
            plain = read_script(script, "bash")
        except RequestError:
            return
        if plain.argv is None or "/" in plain.argv[0] or plain.argv[0] in {":", ".."} or plain.argv[0].startswith("%"):
            return  # builtins, paths and jobs never reach the handler
        done = subprocess.run(
            [bash, "-c", shim + script], check=False, capture_output=True, env={"PATH": "/nowhere"}, timeout=5
        )
        assert done.stdout.split(b"\0")[:-1] == [w.encode() for w in plain.argv], shlex.quote(script)
        compared += 1

    compare()
    assert compared >= 60


@pytest.mark.parametrize("argv", [[], [""], ["\x1b[0m"], ["a", "b\0"], ["a", "\udcff"], ["a"] * 4097, ["x" * 131073]])
def test_malformed_argv_is_refused(argv: list[str]) -> None:
    with pytest.raises(RequestError):
        argv_word(argv)
    assert argv_word(["a"] * 4096)
    assert argv_word(["x" * 131072])


@pytest.mark.parametrize("script", ["", "  ", "\n", "x" * 65537])
def test_malformed_scripts_are_refused(script: str) -> None:
    with pytest.raises(RequestError):
        read_script(script, "bash")
    assert read_script("x" * 65536, None).argv


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
    ],
)  # fmt: skip
def test_options(options: list[str], words: str, answer: bool | None) -> None:
    assert present(tuple(options), tuple(words.split())) is answer


POLICY = Policy.loads(
    """
policy "run"
allow run "git {status,log} **", "make test", "./scripts/*.sh", "npm publish **" with "--dry-run"
""".replace('"npm publish **" with', '"ls"\nallow run "npm publish **" with')
    + """
allow run "git push **" without "--force", "-f"
allow run "echo 'a b' **"
"""
)


@pytest.mark.parametrize(
    ("command", "effect"),
    [
        ("git status", "allow"), ("git log -p --all", "allow"), ("git", "deny"), ("git diff", "deny"),
        (["git", "status"], "allow"), (["/usr/bin/git", "status"], "allow"), (["./git", "status"], "deny"),
        (["/tmp/git", "status"], "deny"), ("make test", "allow"), ("make test x", "deny"), ("make", "deny"),
        ("./scripts/a.sh", "allow"), ("./scripts/b/a.sh", "allow"), ("scripts/a.sh", "allow"), ("npm publish", "deny"),
        ("npm publish --dry-run", "allow"), ("npm publish --tag --dry-run", "deny"), ("git push", "allow"),
        ("git push -f", "deny"), ("git push -uf", "deny"), ("git push --forc", "deny"), ("git push -- -f", "allow"),
        ("git status; rm x", "deny"), ("git status && true", "deny"), ("echo 'a b' c", "allow"), ("echo a b c", "deny"),
        (["git status"], "deny"),
    ],
)  # fmt: skip
def test_rules_about_commands(command: str | list[str], effect: str) -> None:
    assert POLICY.decide(action="run", resource=command).effect == effect


def test_opaque_commands_need_a_rule_of_their_own() -> None:
    head = 'policy "x"\ntier review { approvers "@x" }\nallow run "**"\n'
    opaque = "a | b"

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
    assert decision.opaque == ("it is a pipeline",)
