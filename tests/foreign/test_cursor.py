"""Cursor's entries: two programs with two files, first words and arguments, what is never consulted."""

from __future__ import annotations

import json

import pytest

from policy_lang.domain.errors import PolicyError, Source
from policy_lang.foreign.formats import format_named
from policy_lang.foreign.permissions import Permissions

from .clients import answers, fits, of


def cli(allow: list[str], deny: list[str] | None = None) -> Permissions:
    return of("cursor", ".cursor/cli.json", json.dumps({"permissions": {"allow": allow, "deny": deny or []}}))


def editor(**lists: list[object]) -> Permissions:
    return of("cursor", ".cursor/permissions.json", json.dumps(lists))


def test_a_first_word_and_its_arguments() -> None:
    made = cli(["Shell(git:status)", "Shell(git:diff*)", "Shell(npm)", "Shell(./run:*)"], ["Shell(npm:publish*)"])
    for command, effect in {
        "git status": "allow", "git status -s": "ask", "git": "ask", "git diff --stat": "allow", "npm": "allow",
        "npm test": "allow", "npmx": "ask", "npm publish": "deny", "npm publish --tag x": "deny", "./run": "allow",
        "./run x": "allow", "sudo npm test": "ask", "A=1 npm test": "ask", "npm test && make": "ask", "timeout 3 npm": "ask",
    }.items():  # fmt: skip
        assert answers(made, f"run {command}")[0] == effect, command
    assert answers(made, "run npm test")[1] == "allow"
    assert answers(made, "run npm publish")[1] == "deny"


def test_options_in_front_slip_past_a_denial_and_are_caught_here() -> None:
    made = cli(["Shell(git)"], ["Shell(git:push*)"])
    assert answers(made, "run git -c a=b push")[0] == "allow"
    assert answers(made, "run git push origin x") == ("deny", "deny")


def test_a_blank_fits_no_first_word() -> None:
    made = cli(["Shell(yarn *)", "Shell(cd a && ./b)"], ["Shell(rm -rf *)"])
    assert set(fits(made).values()) == {"idle"}
    assert answers(made, "run yarn build") == ("ask", "ask")
    assert "Shell(yarn:*)" in next(e.why for e in made.entries if "yarn" in e.text)


def test_paths_hang_on_the_workspace() -> None:
    made = cli(
        ["Write(src/**)", "Read(~/notes/**)"], ["Read(.env*)", "Write(**/*.pem)", "Read(~/.ssh/**)", "Read(/etc/**)"]
    )
    for asked, effect in {
        "read .env.local": "deny", "read a/.env": "allow", "write src/a/b": "allow", "write src": "ask", "write x/src/a": "ask",
        "write src/a.pem": "deny", "read ~/.ssh/id": "deny", "read /etc/x": "deny", "read ~/notes/a": "ask",
    }.items():  # fmt: skip
        assert answers(made, asked)[0] == effect, asked
    assert answers(made, "write src/a/b")[1] == "allow"
    assert fits(made)["allow Read(~/notes/**)"] == "unsaid"


def test_hosts_and_tools() -> None:
    made = cli(
        ["WebFetch(*.a.example)", "WebFetch(https://b.example)", "Mcp(x:get_*)", "Mcp(y, *)"],
        ["Mcp(*:drop)", "Mcp(z, *)"],
    )
    for asked, effect in {
        "connect https://c.a.example/x": "allow", "connect https://a.example/": "ask", "connect http://c.a.example:8080/": "allow",
        "connect https://b.example/": "ask", "call x.get_a": "allow", "call x.put": "ask", "call q.drop": "deny",
        "call y.a": "ask", "call z.a": "deny",
    }.items():  # fmt: skip
        assert answers(made, asked)[0] == effect, asked
    assert fits(made)["allow WebFetch(https://b.example)"] == "idle"


def test_everything_may_be_allowed() -> None:
    made = cli(["Shell(*)"], ["Shell(rm)"])
    assert answers(made, "run make all") == ("allow", "allow")
    assert answers(made, "run rm x") == ("deny", "deny")


def test_the_editor_reads_none_of_the_other_file() -> None:
    made = editor(terminalAllowlist=["git status", "npm:install*", 7], mcpAllowlist=["Box:get_*", "search"], other=[])
    for asked, effect in {
        "run git status -s": "allow", "run git statusx": "ask", "run npm install x": "allow", "run npm run x": "ask",
        "call box.get_a": "allow", "call Box.get_a": "allow", "call search.a": "ask", "write src/a": "allow",
    }.items():  # fmt: skip
        assert answers(made, asked)[0] == effect, asked
    assert [text for text, _ in made.remarks] == ["`other` is not known, and ignored"]
    text = '{"permissions": {"deny": ["Shell(rm)"]}}'
    wrong = of("cursor", ".cursor/permissions.json", text)
    assert fits(wrong) == {"deny Shell(rm)": "idle"}
    assert answers(wrong, "run rm x") == ("ask", "ask")


def test_files_of_both_programs_are_of_the_command_line() -> None:
    both = [
        Source(".cursor/cli.json", '{"permissions": {"allow": ["Shell(make)"]}}'),
        Source(".cursor/permissions.json", '{"terminalAllowlist": ["cargo"]}'),
    ]
    made = format_named("cursor").read(both)
    assert answers(made, "run make") == ("allow", "allow")
    assert answers(made, "run cargo") == ("ask", "ask")
    assert fits(made)["allow cargo"] == "unsaid"


@pytest.mark.parametrize(
    "text", ["[]", '{"permissions": []}', '{"permissions": {"allow": "x"}}', '{"permissions": {"deny": [1]}}', "{", ""]
)
def test_what_are_no_permissions_is_refused(text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        of("cursor", ".cursor/cli.json", text)
    assert caught.value.diagnostics[0].code == "PLE601"


def test_entries_of_other_clients_have_no_effect() -> None:
    made = cli(["Bash(ls)", "Shell", "Edit(a)", "Shell(:x)"])
    assert set(fits(made).values()) == {"idle"}
