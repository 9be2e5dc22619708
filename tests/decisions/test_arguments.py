"""Arguments of calls: ordinary uses, and ways in which whoever chooses them might gain by it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from policy_lang import Policy, PolicyError, RequestError
from policy_lang.domain.limits import limit
from policy_lang.wire.requests import parse_request

ISSUE = 'allow call "github.create_issue" when arg.repo == "acme/web"'
SOURCE = 'allow call "fs.read" when arg.path in "src/**"'
NO_SECRETS = 'allow call "fs.*"\ndeny call "fs.*" when arg.path in "secrets/**"'
PAYMENT = 'allow call "pay.send" when arg.amount <= 100 and arg.amount > 0'
NOT_OVER = 'allow call "pay.send"\ndeny call "pay.send" when arg.amount > 100'
DRAFT = 'allow call "github.create_pr" when arg.draft'
LABELS = 'allow call "github.label" when arg.labels in ["bug", "docs"]'
NOT_PRODUCTION = 'allow call "k8s.*"\ndeny call "k8s.*" when arg.namespace == "prod"'
_LISTS = [2] * 500
Case = tuple[str, str, str, str | None, str]
CASES: list[Case] = [
    ("the repo", ISSUE, "github.create_issue", '{"repo":"acme/web"}', "allow"),
    ("the repo and more", ISSUE, "github.create_issue", '{"repo":"acme/web","title":"x","body":"y"}', "allow"),
    ("another repo", ISSUE, "github.create_issue", '{"repo":"acme/api"}', "deny"),
    ("another tool", ISSUE, "github.delete_repo", '{"repo":"acme/web"}', "deny"),
    ("no arguments", ISSUE, "github.create_issue", None, "deny"),
    ("empty arguments", ISSUE, "github.create_issue", "{}", "deny"),
    ("null", ISSUE, "github.create_issue", '{"repo":null}', "deny"),
    ("case differs, grant", ISSUE, "github.create_issue", '{"repo":"Acme/Web"}', "deny"),
    ("space, grant", ISSUE, "github.create_issue", '{"repo":"acme/web "}', "deny"),
    ("number for text", ISSUE, "github.create_issue", '{"repo":1}', "deny"),
    ("object for text", ISSUE, "github.create_issue", '{"repo":{"name":"acme/web"}}', "deny"),
    ("list of one", ISSUE, "github.create_issue", '{"repo":["acme/web"]}', "allow"),
    ("list, one bad", ISSUE, "github.create_issue", '{"repo":["acme/web","acme/api"]}', "deny"),
    ("empty list", ISSUE, "github.create_issue", '{"repo":[]}', "deny"),
    ("nested list", ISSUE, "github.create_issue", '{"repo":[["acme/web"]]}', "deny"),
    ("duplicate key", ISSUE, "github.create_issue", '{"repo":"acme/api","repo":"acme/web"}', "error"),
    ("duplicate key, other order", ISSUE, "github.create_issue", '{"repo":"acme/web","repo":"acme/api"}', "error"),
    ("key in another case", ISSUE, "github.create_issue", '{"Repo":"acme/web"}', "deny"),
    ("escaped key is the key", ISSUE, "github.create_issue", '{"re\\u0070o":"acme/web"}', "allow"),
    ("glob, inside", SOURCE, "fs.read", '{"path":"src/a/b.ts"}', "allow"),
    ("glob, folder itself", SOURCE, "fs.read", '{"path":"src"}', "deny"),
    ("glob, up", SOURCE, "fs.read", '{"path":"src/../secrets/x"}', "deny"),
    ("glob, up at the end", SOURCE, "fs.read", '{"path":"src/.."}', "deny"),
    ("glob, dot", SOURCE, "fs.read", '{"path":"src/./x"}', "deny"),
    ("glob, double slash", SOURCE, "fs.read", '{"path":"src//x"}', "deny"),
    ("glob, backslash", SOURCE, "fs.read", '{"path":"src/..\\\\x"}', "deny"),
    ("glob, percent", SOURCE, "fs.read", '{"path":"src/%2e%2e/x"}', "deny"),
    ("glob, percent upper", SOURCE, "fs.read", '{"path":"src/%2E%2E%2Fx"}', "deny"),
    ("glob, absolute", SOURCE, "fs.read", '{"path":"/src/x"}', "deny"),
    ("glob, case", SOURCE, "fs.read", '{"path":"SRC/x"}', "deny"),
    ("deny glob, hit", NO_SECRETS, "fs.read", '{"path":"secrets/x"}', "deny"),
    ("deny glob, miss", NO_SECRETS, "fs.read", '{"path":"src/x"}', "allow"),
    ("deny glob, case", NO_SECRETS, "fs.read", '{"path":"Secrets/x"}', "deny"),
    ("deny glob, dot", NO_SECRETS, "fs.read", '{"path":"./secrets/x"}', "deny"),
    ("deny glob, up", NO_SECRETS, "fs.read", '{"path":"src/../secrets/x"}', "deny"),
    ("deny glob, double", NO_SECRETS, "fs.read", '{"path":"secrets//x"}', "deny"),
    ("deny glob, backslash", NO_SECRETS, "fs.read", '{"path":"secrets\\\\x"}', "deny"),
    ("deny glob, percent", NO_SECRETS, "fs.read", '{"path":"secrets%2fx"}', "deny"),
    ("deny glob, full width", NO_SECRETS, "fs.read", '{"path":"\\uff53ecrets/x"}', "deny"),
    ("deny glob, missing", NO_SECRETS, "fs.read", "{}", "deny"),
    ("deny glob, none sent", NO_SECRETS, "fs.read", None, "deny"),
    ("deny glob, list with one", NO_SECRETS, "fs.read", '{"path":["src/a","secrets/x"]}', "deny"),
    ("deny glob, list without", NO_SECRETS, "fs.read", '{"path":["src/a","docs/x"]}', "allow"),
    ("deny glob, object", NO_SECRETS, "fs.read", '{"path":{"p":"src/a"}}', "deny"),
    ("amount", PAYMENT, "pay.send", '{"amount":100}', "allow"),
    ("amount 100.0", PAYMENT, "pay.send", '{"amount":100.0}', "allow"),
    ("amount 1e2", PAYMENT, "pay.send", '{"amount":1e2}', "allow"),
    ("amount 1e3", PAYMENT, "pay.send", '{"amount":1e3}', "deny"),
    ("amount fraction in", PAYMENT, "pay.send", '{"amount":99.5}', "allow"),
    ("amount fraction over", PAYMENT, "pay.send", '{"amount":100.5}', "deny"),
    ("amount fraction under", PAYMENT, "pay.send", '{"amount":0.5}', "allow"),
    ("amount minus zero", PAYMENT, "pay.send", '{"amount":-0}', "deny"),
    ("amount minus zero float", PAYMENT, "pay.send", '{"amount":-0.0}', "deny"),
    ("amount text", PAYMENT, "pay.send", '{"amount":"50"}', "deny"),
    ("amount true", PAYMENT, "pay.send", '{"amount":true}', "deny"),
    ("amount NaN", PAYMENT, "pay.send", '{"amount":NaN}', "error"),
    ("amount infinite", PAYMENT, "pay.send", '{"amount":Infinity}', "error"),
    ("over, text", NOT_OVER, "pay.send", '{"amount":"5"}', "deny"),
    ("over, 1e400", NOT_OVER, "pay.send", '{"amount":-1e400}', "not allowed"),
    ("over, huge integer", NOT_OVER, "pay.send", '{"amount":-9007199254740993}', "deny"),
    ("over, fine", NOT_OVER, "pay.send", '{"amount":7}', "allow"),
    ("over, list", NOT_OVER, "pay.send", '{"amount":[7, 101]}', "deny"),
    ("draft", DRAFT, "github.create_pr", '{"draft":true}', "allow"),
    ("draft false", DRAFT, "github.create_pr", '{"draft":false}', "deny"),
    ("draft text", DRAFT, "github.create_pr", '{"draft":"true"}', "deny"),
    ("draft 1", DRAFT, "github.create_pr", '{"draft":1}', "deny"),
    ("labels", LABELS, "github.label", '{"labels":["bug","docs"]}', "allow"),
    ("labels, one more", LABELS, "github.label", '{"labels":["bug","deploy"]}', "deny"),
    ("labels, a number among them", LABELS, "github.label", '{"labels":["bug",7]}', "deny"),
    ("labels, null among them", LABELS, "github.label", '{"labels":["bug",null]}', "deny"),
    ("namespace", NOT_PRODUCTION, "k8s.apply", '{"namespace":"dev"}', "allow"),
    ("namespace prod", NOT_PRODUCTION, "k8s.apply", '{"namespace":"prod"}', "deny"),
    ("namespace PROD", NOT_PRODUCTION, "k8s.apply", '{"namespace":"PROD"}', "deny"),
    ("namespace long s", NOT_PRODUCTION, "k8s.apply", '{"namespace":"prod\\n"}', "deny"),
    ("namespace huge", NOT_PRODUCTION, "k8s.apply", '{"namespace":"' + "x" * 200_000 + '"}', "deny"),
    ("nested", 'allow call "a.b" when arg.issue.title in "fix: *"', "a.b", '{"issue":{"title":"fix: x"}}', "allow"),
    (
        "nested flat key is no path",
        'allow call "a.b" when arg.issue.title == "x"',
        "a.b",
        '{"issue.title":"x"}',
        "deny",
    ),
    (
        "nested through list",
        'allow call "a.b" when arg.files.path in "src/**"',
        "a.b",
        '{"files":[{"path":"src/a"},{"path":"src/b"}]}',
        "allow",
    ),
    (
        "nested through list, one bad",
        'allow call "a.b" when arg.files.path in "src/**"',
        "a.b",
        '{"files":[{"path":"src/a"},{"path":"x"}]}',
        "deny",
    ),
    (
        "nested through list, one without",
        'allow call "a.b" when arg.files.path in "src/**"',
        "a.b",
        '{"files":[{"path":"src/a"},{"mode":"x"}]}',
        "deny",
    ),
    ("nested parent is text", 'allow call "a.b" when arg.issue.title == "x"', "a.b", '{"issue":"x"}', "deny"),
    ("given, missing", 'allow call "a.b"\ndeny call "a.b" when given arg.force and arg.force', "a.b", "{}", "allow"),
    (
        "given, true",
        'allow call "a.b"\ndeny call "a.b" when given arg.force and arg.force',
        "a.b",
        '{"force":true}',
        "deny",
    ),
    (
        "given, false",
        'allow call "a.b"\ndeny call "a.b" when given arg.force and arg.force',
        "a.b",
        '{"force":false}',
        "allow",
    ),
    (
        "given, null",
        'allow call "a.b"\ndeny call "a.b" when given arg.force and arg.force',
        "a.b",
        '{"force":null}',
        "deny",
    ),
    (
        "given, nothing known",
        'allow call "a.b"\ndeny call "a.b" when given arg.force and arg.force',
        "a.b",
        None,
        "deny",
    ),
    ("not equal, missing", 'allow call "a.b" when arg.env != "prod"', "a.b", "{}", "deny"),
    ("not equal, other", 'allow call "a.b" when arg.env != "prod"', "a.b", '{"env":"dev"}', "allow"),
    ("not equal, alike", 'allow call "a.b" when arg.env != "prod"', "a.b", '{"env":"Prod"}', "deny"),
    ("not equal, number", 'allow call "a.b" when arg.env != "prod"', "a.b", '{"env":3}', "deny"),
    ("the own repository", 'allow call "a.b" when arg.repo == repo', "a.b", '{"repo":"acme/web"}', "allow"),
    ("not the own repository", 'allow call "a.b" when arg.repo == repo', "a.b", '{"repo":"acme/api"}', "deny"),
    (
        "url glob",
        'allow call "web.get" when arg.url in "https://api.example/**"',
        "web.get",
        '{"url":"https://api.example/v1"}',
        "allow",
    ),
    (
        "url glob, elsewhere",
        'allow call "web.get" when arg.url in "https://api.example/**"',
        "web.get",
        '{"url":"https://api.example@evil.example/v1"}',
        "deny",
    ),
    (
        "url glob, sibling",
        'allow call "web.get" when arg.url in "https://api.example/**"',
        "web.get",
        '{"url":"https://api.example.evil.example/v1"}',
        "deny",
    ),
    (
        "one glob of two",
        'allow call "a.b" when arg.path in "src/**" or arg.path in "docs/**"',
        "a.b",
        '{"path":"docs/x"}',
        "allow",
    ),
    (
        "list across globs",
        'allow call "a.b" when arg.path in "src/**" or arg.path in "docs/**"',
        "a.b",
        '{"path":["docs/x","src/x"]}',
        "allow",
    ),
    ("number window", 'allow call "a.b" when arg.n in 1..5', "a.b", '{"n":5}', "allow"),
    ("number window out", 'allow call "a.b" when arg.n in 1..5', "a.b", '{"n":6}', "deny"),
    ("number list", 'allow call "a.b" when arg.n in [1, 3]', "a.b", '{"n":3.0}', "allow"),
    (
        "scope",
        'when arg.repo == "acme/web" { allow call "github.**" }',
        "github.create_issue",
        '{"repo":"acme/web"}',
        "allow",
    ),
    (
        "NFC and NFD, deny",
        'allow call "a.b"\ndeny call "a.b" when arg.who == "café"',
        "a.b",
        '{"who":"cafe\\u0301"}',
        "deny",
    ),
    (
        "lone surrogate",
        'allow call "a.b"\ndeny call "a.b" when arg.who == "x"',
        "a.b",
        '{"who":"\\ud800"}',
        "not allowed",
    ),
    ("a NUL", 'allow call "a.b"\ndeny call "a.b" when arg.who == "x"', "a.b", '{"who":"x\\u0000y"}', "not allowed"),
    ("arguments not an object", ISSUE, "github.create_issue", '["acme/web"]', "error"),
    ("deep nesting", ISSUE, "github.create_issue", '{"repo":' + "[" * 5000 + "]" * 5000 + "}", "not allowed"),
    (
        "many lists multiply",
        'allow call "a.b" when arg.a != 1 and arg.b != 1 and arg.c != 1',
        "a.b",
        f'{{"a":{_LISTS},"b":{_LISTS},"c":{_LISTS}}}',
        "deny",
    ),
    ("a second key in another case", ISSUE, "github.create_issue", '{"repo":"acme/web","Repo":"evil/web"}', "deny"),
    ("a second key in another case, deny", NO_SECRETS, "fs.read", '{"path":"src/a","PATH":"secrets/x"}', "deny"),
    (
        "given, another case",
        'allow call "a.b"\ndeny call "a.b" when given arg.force and arg.force',
        "a.b",
        '{"Force":true}',
        "deny",
    ),
    ("needless percent", NOT_PRODUCTION, "k8s.apply", '{"namespace":"%70rod"}', "deny"),
    ("twice encoded", NO_SECRETS, "fs.read", '{"path":"secrets%252fx"}', "deny"),
    (
        "needed percent",
        'allow call "web.get" when arg.url in "https://a.example/**"',
        "web.get",
        '{"url":"https://a.example/a%20b"}',
        "allow",
    ),
    ("agent compared", 'allow call "a.b" when arg.owner != agent', "a.b", '{"owner":"codex"}', "deny"),
    ("sharp s", 'allow call "a.b"\ndeny call "a.b" when arg.n == "stop"', "a.b", '{"n":"\u017ftop"}', "deny"),
    ("dotless i", 'allow call "a.b"\ndeny call "a.b" when arg.n == "kill"', "a.b", '{"n":"k\u0131ll"}', "deny"),
    ("class case", 'allow call "a.b"\ndeny call "a.b" when arg.n in "[a-c]x"', "a.b", '{"n":"Bx"}', "deny"),
    ("mixed class case", 'allow call "a.b"\ndeny call "a.b" when arg.n in "[aB-D]x"', "a.b", '{"n":"cx"}', "deny"),
]
MISTAKES = [
    'allow read "src/**" when arg.path == "x"',
    'deny run "git **" when arg.path == "x"',
    'allow call "a.b" when arg.path < "x"',
    'allow call "a.b" when arg == "x"',
    'allow call "a.b" when arg.n in 5',
    'when arg.repo == "x" { allow read "src/**" }',
    'agent "x" { when arg.repo == "x" { allow call "a.b" allow do "x.y" } }',
    'allow call "a.b" when agent in "x*"',
    'allow call "a.b" when arg.n in 5..1',
    'allow call "a.b" when arg.path in "src/[" ',
    'allow call "a.b" when arg.n == 1 and arg.n == 2',
    'allow call "a.b" when arg.s == "x" and not arg.s in "x*"',
    'tier t { approvers "@x" }\nwhen arg.x == "y" { otherwise ask t read }',
    'tier t { approvers "@x" }\nwhen arg.x == "y" { otherwise ask t }',
]


def loaded(rules: str) -> Policy:
    return Policy.loads(f'policy "t"\n{rules}\n')


def decided(policy: Policy, tool: str, arguments: str | None) -> str:
    """What a request in JSON is answered; `error` when it is none."""
    more = "" if arguments is None else f',"arguments":{arguments}'
    body = f'{{"action":"call","resource":"{tool}","repo":"acme/web"{more}}}'
    try:
        return policy.decide_request(parse_request(body.encode())).effect
    except RequestError:
        return "error"


@pytest.mark.parametrize(("name", "rules", "tool", "arguments", "wanted"), CASES, ids=[c[0] for c in CASES])
def test_a_call_is_decided_by_its_arguments(
    name: str, rules: str, tool: str, arguments: str | None, wanted: str
) -> None:
    begun = time.monotonic()
    found = decided(loaded(rules), tool, arguments)
    assert found != "allow" if wanted == "not allowed" else found == wanted
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("rules", MISTAKES)
def test_what_cannot_be_meant_is_an_error(rules: str) -> None:
    with pytest.raises(PolicyError):
        loaded(rules)


@pytest.mark.parametrize(("size", "wanted"), [(limit("argument_text"), "allow"), (limit("argument_text") + 1, "deny")])
def test_a_text_that_is_compared_is_not_too_long(size: int, wanted: str) -> None:
    policy = loaded('allow call "a.b" when arg.x != "y"')
    assert policy.decide(action="call", resource="a.b", arguments={"x": "a" * size}).effect == wanted


@pytest.mark.parametrize(
    ("size", "wanted"), [(limit("argument_number"), "allow"), (limit("argument_number") + 1, "deny")]
)
def test_a_number_that_is_compared_is_the_same_to_everybody(size: int, wanted: str) -> None:
    policy = loaded('allow call "a.b" when arg.x != 1')
    for value in (size, -size):
        assert policy.decide(action="call", resource="a.b", arguments={"x": value}).effect == wanted


@pytest.mark.parametrize("more", [0, 1])
def test_lists_multiply_only_so_far(more: int) -> None:
    policy = loaded('allow call "a.b" when arg.x != 1')
    values = [-n for n in range(limit("argument_choices") + more)]
    assert policy.decide(action="call", resource="a.b", arguments={"x": values}).effect == ("deny" if more else "allow")


@pytest.mark.parametrize("more", [0, 1])
def test_arguments_lie_only_so_deep(more: int) -> None:
    rule = f'allow call "a.b" when arg{".x" * (limit("argument_steps") + more)}'
    if more:
        with pytest.raises(PolicyError, match="PLE318"):
            loaded(rule)
    else:
        loaded(rule)


@pytest.mark.parametrize("more", [0, 1])
def test_of_large_arguments_nothing_is_known(more: int) -> None:
    policy = loaded('allow call "a.b" when arg.x')
    given: dict[str, Any] = {f"k{n}": "y" * 4000 for n in range(16)}
    rest = limit("arguments_bytes") - sum(len(k) + 4000 + 6 for k in given) - len('{"x":true,"z":""}') + more
    text = ",".join(f'"{k}":"{v}"' for k, v in given.items())
    assert decided(policy, "a.b", f'{{"x":true,{text},"z":"{"y" * rest}"}}') == ("deny" if more else "allow")


def test_a_reason_names_the_argument() -> None:
    decision = loaded(ISSUE).decide(action="call", resource="github.create_issue", arguments={})
    assert "`arg.repo` is not given clearly" in decision.reasons[0]


def test_other_actions_have_no_arguments() -> None:
    with pytest.raises(RequestError, match="PLR029"):
        parse_request(b'{"action":"do","resource":"a.b","arguments":{}}')
