"""Copilot CLI's flags: a line of a shell read, three things asked for, names without wildcards."""

from __future__ import annotations

import pytest

from policy_lang.domain.errors import PolicyError, Source
from policy_lang.foreign.formats import format_named
from policy_lang.foreign.permissions import Permissions

from .clients import answers, fits, of


def line(text: str) -> Permissions:
    return of("copilot", "copilot.flags", text)


@pytest.mark.parametrize(
    "text",
    [
        "copilot --allow-tool 'shell(make:*)'",
        "--allow-tool 'shell(make:*)'",
        "exec /usr/local/bin/copilot --allow-tool='shell(make:*)' \"$@\"",
        '#!/bin/sh\n# copilot --allow-all\nset -e\nif true; then\n  copilot \\\n    --allow-tool "shell(make:*)" \\\n    --model x\nfi\n',
        "npx @github/copilot --allow-tool 'read, shell(make:*)' | tee log",
        "cat a | copilot --allow-tool 'shell(make:*)' > out && echo copilot",
    ],
)
def test_the_line_is_found_in_a_script(text: str) -> None:
    made = line(text)
    assert answers(made, "run make all") == ("allow", "allow")
    assert answers(made, "run cargo x") == ("ask", "ask")


def test_a_place_is_the_value_of_the_flag() -> None:
    text = "copilot --allow-tool 'shell(make:*)' --deny-tool 'shell(rm)'"
    entry = next(e for e in line(text).entries if "rm" in e.text)
    assert entry.span is not None
    assert text[entry.span.start : entry.span.end] == "'shell(rm)'"


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_permits_nothing(text: str) -> None:
    made = line(text)
    assert answers(made, "run make") == ("ask", "ask")
    assert answers(made, "read a.txt") == ("allow", "allow")


@pytest.mark.parametrize("text", ["echo a", "copilots --allow-all", "x = 1\ny\n", "copilot 'x"])
def test_a_text_that_starts_no_copilot_is_refused(text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        line(text)
    assert caught.value.diagnostics[0].code == "PLE601"


def test_names_are_exact_and_stems_are_not() -> None:
    made = line(
        "copilot --allow-tool 'shell(git status)' --allow-tool 'shell(cargo)' --allow-tool 'shell(go:*)' --deny-tool 'shell(git)'"
    )
    for command, effect in {
        "git status -s": "allow", "git stash": "ask", "git": "deny", "cargo build": "allow", "cargo-x": "ask", "go": "allow",
        "go test": "allow", "gofmt": "ask", "timeout 3 cargo build": "ask", "A=1 cargo build": "ask",
    }.items():  # fmt: skip
        assert answers(made, f"run {command}")[0] == effect, command
    assert answers(made, "run cargo build")[1] == "allow"
    assert "nothing behind it" in next(e.misread for e in made.entries if e.text.endswith("shell(git)"))


def test_stars_are_no_wildcards() -> None:
    made = line("copilot --allow-tool 'shell(git *)' --deny-tool 'shell(rm -rf *)' --deny-tool 'shell(*)'")
    assert set(fits(made).values()) == {"idle"}
    assert answers(made, "run git add .") == ("ask", "ask")


def test_tools_paths_and_urls_are_three_things() -> None:
    made = line("copilot --allow-all-tools --add-dir /srv/data")
    for asked, effect in {
        "run make": "allow", "write a.txt": "allow", "write /etc/x": "ask", "write /srv/data/x": "allow", "read /srv/data/x": "allow",
        "connect https://a.example/": "ask", "run curl https://a.example/": "ask", "call x.y": "allow", "run make > a": "allow",
        "run make /etc/x": "ask",
    }.items():  # fmt: skip
        assert answers(made, asked)[0] == effect, asked
    every = line("copilot --yolo --deny-tool 'shell(rm)' --deny-url http://b.example")
    assert answers(every, "run rm x") == ("deny", "deny")
    assert answers(every, "read /etc/x") == ("allow", "allow")
    assert answers(every, "connect https://a.example/") == ("allow", "allow")
    assert answers(every, "connect http://b.example/x") == ("deny", "deny")


def test_where_nobody_can_be_asked_it_is_denied() -> None:
    made = line("copilot -p 'do --allow-all-tools' --allow-tool write --no-ask-user")
    assert answers(made, "run make") == ("deny", "deny")
    assert answers(made, "write a.txt") == ("allow", "allow")
    assert answers(made, "write /etc/x") == ("deny", "deny")
    assert answers(made, "call a.b") == ("deny", "deny")


@pytest.mark.parametrize(
    ("pattern", "meant", "not_meant"),
    [
        (
            "a.example",
            ["https://a.example/x"],
            ["http://a.example/", "https://b.a.example/", "https://a.example.evil/"],
        ),
        ("*.a.example", ["https://b.a.example/"], ["https://a.example/", "https://ba.example/"]),
        ("http://a.example", ["http://a.example/x"], ["https://a.example/"]),
        ("https://a.example/api/*", ["https://a.example/api/x"], ["https://a.example/", "https://a.example/apix"]),
        ("a.example:8443", ["https://a.example:8443/"], ["https://a.example/"]),
    ],
)
def test_urls(pattern: str, meant: list[str], not_meant: list[str]) -> None:
    for flag, effect, other in (("--allow-url", "allow", "ask"), ("--allow-all-urls --deny-url", "deny", "allow")):
        made = line(f"copilot {flag} '{pattern}'")
        assert {answers(made, f"connect {url}") for url in meant} == {(effect, effect)}
        assert {answers(made, f"connect {url}")[0] for url in not_meant} == {other}


def test_a_path_is_the_end_of_a_path() -> None:
    made = line("copilot --allow-tool write --deny-tool 'write(conf/a.yml)' --deny-tool 'write(*.md)'")
    assert answers(made, "write x/conf/a.yml") == ("deny", "deny")
    assert answers(made, "write xconf/a.yml") == ("allow", "allow")
    assert answers(made, "write README.md") == ("allow", "allow")


def test_words_that_are_no_kind_are_servers_that_are_not_there() -> None:
    made = line("copilot --deny-tool 'fetch, edit' --allow-tool 'box(get)' --deny-tool 'box(drop)'")
    assert fits(made)["--deny-tool fetch"] == "idle"
    assert answers(made, "call box.get") == ("allow", "allow")
    assert answers(made, "call box.drop") == ("deny", "deny")
    assert answers(made, "call box.getx") == ("ask", "ask")


def test_what_is_not_shown_cannot_be_used() -> None:
    assert answers(line("copilot --allow-all --excluded-tools view"), "read a.txt") == ("deny", "deny")
    only = line("copilot --allow-all --available-tools 'view,grep'")
    assert answers(only, "run ls") == ("deny", "deny")
    assert answers(only, "write a.txt") == ("deny", "deny")
    assert answers(only, "read a.txt") == ("allow", "allow")


def test_settings_add_urls_and_forbid_flags_for_everything() -> None:
    files = [
        Source("copilot.flags", "copilot --allow-all --allow-url b.example"),
        Source("~/.copilot/settings.json", '{"allowedUrls": ["a.example"], "permissions": {"disableBypassPermissionsMode": "disable"}}'),
        Source(".github/copilot/settings.json", '{"allowedUrls": ["c.example"], "deniedUrls": ["b.example"]}'),
    ]  # fmt: skip
    made = format_named("copilot").read(files)
    assert answers(made, "run make") == ("ask", "ask")
    assert answers(made, "connect https://a.example/") == ("allow", "allow")
    assert answers(made, "connect https://b.example/") == ("deny", "deny")
    assert answers(made, "connect https://c.example/") == ("ask", "ask")
    assert fits(made)["allowedUrls c.example"] == "idle"


def test_what_a_line_adds_from_elsewhere_is_said() -> None:
    made = line('copilot "${more[@]}" --allow-tool write "$@"\n')
    assert [text for text, _ in made.remarks] == [
        "what `${more[@]}` adds is not known: the policy is of the other words",
        "what `$@` adds is not known: the policy is of the other words",
    ]
