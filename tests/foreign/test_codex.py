"""Codex's files beyond what is published: odd constructions, scopes, bad input."""

from __future__ import annotations

import pytest

from policy_lang.domain.errors import PolicyError, Source
from policy_lang.foreign.codex import permissions
from policy_lang.foreign.compare import Imported, decided, imported
from policy_lang.foreign.formats import format_named, format_of
from policy_lang.foreign.permissions import IDLE, STRICTNESS, UNSAID, ClientRequest

RULES, USER, REQUIRED = ".codex/rules/default.rules", "~/.codex/config.toml", "/etc/codex/requirements.toml"


def made(**files: str) -> Imported:
    """An import; `rules`, `user` and `required` are the three files."""
    paths = {"rules": RULES, "user": USER, "required": REQUIRED}
    return imported(permissions([Source(paths[name], text) for name, text in files.items()]), "imported")


def fits(got: Imported) -> dict[str, str]:
    return {one.entry.text: one.fit for one in got.outcomes if one.entry.span is not None}


def why(got: Imported, text: str) -> str:
    return next(one.entry.why for one in got.outcomes if one.entry.text == text)


def both(got: Imported, action: str, resource: str, *, confined: bool = True) -> tuple[str, str]:
    """The client's answer and the policy's."""
    asked = ClientRequest(action, resource)
    return got.translated.permissions.model(asked), decided(got.translated.policy, asked, confined=confined).effect


def test_what_no_rule_names_runs_behind_walls_only() -> None:
    got = made(rules='prefix_rule(["hg", ["log", "diff"]])\n')
    assert both(got, "run", "make all") == ("allow", "allow")
    assert both(got, "run", "make all", confined=False) == ("allow", "ask")
    assert both(got, "run", "hg diff", confined=False) == ("allow", "allow")
    assert both(got, "run", "hg push", confined=False) == ("allow", "ask")


def test_a_forbidding_rule_is_wider_here_with_a_witness() -> None:
    got = made(rules='prefix_rule(["npm"], "forbidden", justification="use zig")\n')
    (one,) = [o for o in got.outcomes if o.entry.span is not None]
    assert ("npm > out.txt", "allow", "deny") in {(d.asked.resource, d.theirs, d.ours) for d in one.differences}
    assert 'deny run "npm **" because "use zig"' in got.translated.text


def test_names_and_sums_are_values_and_nothing_is_run() -> None:
    text = 'base = ["hg"]\nmore = base + ["push"]\nprefix_rule(pattern=more, decision="for" + "bidden")\n'
    assert fits(made(rules=text)).keys() == {"forbidden hg push"}
    looped = 'for word in ["a", "b"]:\n    prefix_rule(pattern=["hg", word])\n[prefix_rule([w]) for w in ["x"]]\n'
    assert set(fits(made(rules=looped)).values()) == {UNSAID}
    later = 'xs = ["hg"]\nys = xs\nif len(xs) == 1:\n    ys.append("push")\nprefix_rule(xs, "forbidden")\n'
    assert set(fits(made(rules=later)).values()) == {UNSAID}
    shadowed = 'def prefix_rule(pattern):\n    pass\nprefix_rule(["hg"])\n'
    assert set(fits(made(rules=shadowed)).values()) == {UNSAID}


def test_a_false_example_unloads_every_rule() -> None:
    text = 'prefix_rule(["npm"], "forbidden")\nprefix_rule(["hg", "push"], "forbidden", match=["hg pull"])\n'
    with pytest.raises(PolicyError) as caught:
        made(rules=text)
    (one,) = caught.value.diagnostics
    assert (one.code, one.span and one.span.line) == ("PLE601", 2)
    assert "hg pull" in one.message


def test_true_examples_come_along_and_others_do_not() -> None:
    text = (
        'prefix_rule(["hg", "revert", "--all"], "forbidden", match=["hg revert --all x"], not_match=["hg status"])\n'
        'prefix_rule(["hg", "update", "-C"], "forbidden", match=["hg update -C"], not_match=["hg update tip -C"])\n'
    )
    policy = made(rules=text).translated.text
    assert 'match "hg revert --all x"' in policy
    assert 'not match "hg status"' in policy
    assert "hg update tip -C" not in policy.partition("test ")[0]
    assert 'deny run "hg update -C **"' in policy


def test_a_stricter_rule_makes_another_idle() -> None:
    got = made(
        rules='prefix_rule(["hg"], "prompt")\nprefix_rule(["hg", ["log", "diff"]])\nprefix_rule(["hg", "x"], "forbidden")\n'
    )
    assert fits(got)["allow hg {log,diff}"] == IDLE
    assert "prompt hg" in why(got, "allow hg {log,diff}")
    assert fits(got)["forbidden hg x"] != IDLE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('prefix_rule(["screen hardcopy"])', "one word with a blank"),
        ('prefix_rule(["npm", "run", "*"], "forbidden")', "with its star"),
        ('prefix_rule(["python3"], decision="allow")', "outside the sandbox"),
        ('prefix_rule(["hg", "log"])', "has no `decision`"),
    ],
)
def test_what_seems_to_mean_something_else(text: str, words: str) -> None:
    (one,) = [o for o in made(rules=text).outcomes if o.entry.span is not None]
    assert words in one.entry.misread


@pytest.mark.parametrize(
    "words",
    [
        ["a b"],
        ["x*", "?"],
        ["it's"],
        ["{a,b}"],
        ["[a]"],
        ["!x"],
        ["é"],
        ["a,b", "c"],
        ['"'],
        ["a", "**"],
        [";"],
        ["#x"],
    ],
)
def test_words_mean_themselves(words: list[str]) -> None:
    pattern = ["tool", *words]
    got = made(rules=f"prefix_rule({pattern!r}, 'forbidden')")
    rest = " ".join(f'"{word}"' if "'" in word else f"'{word}'" for word in words)
    assert both(got, "run", f"tool {rest}") == ("deny", "deny")
    assert both(got, "run", f"tool y{rest}")[0] == "allow"


def test_many_alternatives() -> None:
    names = [f"w{i}" for i in range(300)]
    got = made(rules=f"prefix_rule([{names!r}], 'forbidden')\nprefix_rule([{['a b', 'c']!r}] * 7, 'prompt')\n")
    assert both(got, "run", "w299 x") == ("deny", "deny")
    assert UNSAID in {o.fit for o in got.outcomes}


def test_an_untrusted_project_has_no_rules_and_asks() -> None:
    got = made(rules='prefix_rule(["make"])\n', user='[projects."/workspace"]\ntrust_level = "untrusted"\n')
    assert fits(got)["allow make"] == IDLE
    assert both(got, "run", "make all") == ("ask", "ask")


def test_full_access_is_a_grant_of_everything_at_its_place() -> None:
    got = made(user='approval_policy = "never"\nsandbox_mode = "danger-full-access"\n')
    assert both(got, "run", "make all", confined=False) == ("allow", "allow")
    assert both(got, "write", "/srv/a", confined=False) == ("allow", "allow")
    assert both(got, "run", "rm -rf a", confined=False) == ("deny", "deny")
    assert {o.entry.place for o in got.outcomes if o.entry.span} == {"line 2"}


def test_domains_without_the_proxy_restrict_nothing() -> None:
    profile = (
        'default_permissions = "p"\n[permissions.p.network]\nenabled = true\n'
        '[permissions.p.network.domains]\n"a.example" = "allow"\n"b.example" = "deny"\n'
    )
    got = made(user=profile)
    assert fits(got)["b.example = deny"] == IDLE
    assert both(got, "connect", "https://b.example/") == ("allow", "allow")
    assert "features.network_proxy" in next(o.entry.misread for o in got.outcomes if o.entry.text == "the network")
    got = made(user=f"{profile}[features]\nnetwork_proxy = true\n")
    assert both(got, "connect", "https://b.example/") == ("deny", "deny")
    assert both(got, "connect", "https://c.example/") == ("ask", "ask")


def test_the_longer_path_holds() -> None:
    profile = (
        'approval_policy = "never"\ndefault_permissions = "p"\n[permissions.p.filesystem]\n":minimal" = "read"\n'
        '"/srv" = "write"\n"/srv/a" = "deny"\n"/srv/a/b" = "read"\n"/srv/a/b/c" = "write"\n"/srv/d" = "read"\n'
    )
    got = made(user=profile)
    for place in (
        "/srv/x",
        "/srv/a/x",
        "/srv/a/b/x",
        "/srv/a/b/c/x",
        "/srv/d/x",
        "/srvx",
        "/usr/lib/x",
        "~/x",
        "a.txt",
    ):
        for action in ("read", "write", "delete"):
            theirs, ours = both(got, action, place)
            assert theirs == ours, (action, place)
    assert both(got, "write", "/srv/a/b/c/x") == ("allow", "allow")
    assert not got.wider


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (RULES, "prefix_rule(["), (RULES, "while True:\n    pass\n"), (RULES, "x = 'a' 'b'\n"), (RULES, "prefix_rules(['a'])\n"),
        (RULES, "prefix_rule(\n\tpattern=['a'])\n"), (RULES, "\0"), (RULES, "x=" + "(" * 4000), (RULES, "x=" + "-" * 30000 + "1"),
        (RULES, "x=" + "1+" * 30000 + "1"), (USER, "a = ["), (USER, "\0"), (USER, "a=" + "[" * 4000 + "]" * 4000),
        (USER, 'sandbox_mode = "off"'), (USER, "sandbox_mode = 3"), (USER, 'default_permissions = "gone"'),
        (USER, 'default_permissions = "a"\n[permissions.a]\nextends = "a"\n'),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_at_its_place(path: str, text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        permissions([Source(path, text)])
    assert [one.code for one in caught.value.diagnostics] == ["PLE601"]
    assert caught.value.diagnostics[0].span is not None


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (RULES, ""), (RULES, "# nothing\n"), (RULES, 'prefix_rule(["a\\x00b"], "forbidden")'), (USER, ""), (USER, "projects = 1"),
        (RULES, 'prefix_rule(["rm", "a\\x00b"], "forbidden")'), (RULES, 'prefix_rule(["a\\ud800"], "prompt")'),
        (USER, 'approval_policy = 3\ndefault_permissions = "p"\npermissions.p = {filesystem = 1, network = 2}'),
        (USER, 'default_permissions = "p"\n[permissions.p.filesystem]\n"/a" = 1\n":x" = "read"\n"" = "deny"\n"[a" = "deny"\n'),
        (REQUIRED, "rules = 2\nmcp_servers = 1\nallowed_permission_profiles = 1\n[permissions]\nfilesystem = 3\n"),
        (REQUIRED, "[rules]\nprefix_rules = [1, {pattern = []}, {pattern = [{any_of = []}], decision = 'prompt'}]\n"),
    ],
)  # fmt: skip
def test_odd_values_are_no_fault_of_the_program(path: str, text: str) -> None:
    got = imported(permissions([Source(path, text)]), "imported")
    assert not any(d for one in got.outcomes for d in one.differences if STRICTNESS[d.ours] < STRICTNESS[d.theirs])


def test_formats_are_known_by_name() -> None:
    assert format_of("/w/.codex/rules/default.rules") == format_named("codex-rules")
    assert format_of("/home/agent/.codex/config.toml") == format_named("codex-permissions")
    assert format_of("/etc/codex/requirements.toml") == format_named("codex-permissions")
    for name in ("codex-rules", "codex-permissions", "srt"):
        kind = format_named(name)
        assert kind.read([kind.empty("nothing")]).entries


def test_no_answer_is_wider_over_shells_text() -> None:
    got = made(
        rules='prefix_rule(["hg", "log"])\nprefix_rule(["hg", "push"], "prompt")\nprefix_rule(["npm"], "forbidden")\n'
    )
    texts = [
        f"{a} {op} {b}"
        for a in ("hg log", "hg push", "npm ci", "rm -rf a", "make", "echo 'hg push'", "cat a")
        for b in ("hg log", "hg push x", "npm", "rm -f a", "ls | npm ci")
        for op in ("&&", "||", "|", ";", "\n", "&")
    ]
    for text in texts:
        theirs, ours = both(got, "run", text)
        assert STRICTNESS[ours] >= STRICTNESS[theirs], text
