"""People who answer by their SSH key, with the real `ssh-keygen`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_lang.approvals.signed import ANSWER, REVOKE, SIGN_IN, answer_text, sign_in_text
from policy_lang.daemon.identity.signatures import SignersError, read_signers, verified
from policy_lang.domain.limits import limit
from tests.console.support import policy

from .support import Running, service
from .test_approvals import AGENT, ARGUMENTS, TOKENS, answer, ask, bearer, configured
from .test_approvals import POLICY as TIERS
from .test_console import free_port, page, seal_of

POLICY = TIERS + 'tier emergency { approvers "@boss"  break-glass review }\n'


def key(folder: Path, name: str, kind: str = "ed25519") -> Path:
    path = folder / name
    size = ["-b", "2048"] if kind == "rsa" else []
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", name, "-f", path], check=True)
    return path


def public(path: Path) -> str:
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def sign(path: Path, namespace: str, text: bytes) -> str:
    return subprocess.run(["ssh-keygen", "-Y", "sign", "-n", namespace, "-f", path], input=text, capture_output=True, check=True).stdout.decode()  # fmt: skip


def prepare(folder: Path) -> None:
    zoe, eve = key(folder, "zoe_key"), key(folder, "eve_key")
    assert eve
    (folder / "signers").write_text(f"# people\nzoe@acme.example {public(zoe)}\n")
    configured(folder, '[[person]]\nname = "zoe"\ngroups = ["@team"]\nsigner = "zoe@acme.example"\n')
    path = folder / "serve.toml"
    path.write_text(path.read_text().replace("same-user = true", 'same-user = true\nallowed-signers = "signers"'))


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with service(POLICY, *ARGUMENTS, prepare=prepare) as found:
        yield found


def as_zoe(running: Running, *words: str, key_name: str = "zoe_key", person: str = "zoe") -> Any:
    return policy("approvals", *words, "--socket", running.socket, "--sign-with", running.folder / key_name, "--as", person)  # fmt: skip


def vote(running: Running, **body: Any) -> tuple[int, Any]:
    return running.call("POST", "/v1/approvals/vote", {"verdict": "approve", "reason": "", **body}, **bearer(AGENT))


def test_a_person_reads_and_signs(running: Running) -> None:
    number = ask(running)["ticket"]["id"]
    listed = as_zoe(running, "list")
    assert listed.code == 0 and number in listed.out
    assert "src/a" in as_zoe(running, "show", number).out
    done = as_zoe(running, "approve", number, "--reason", "signed by hand")
    assert done.code == 0 and "approved" in done.out, done.err
    assert ask(running, ticket=number)["effect"] == "allow"
    log = [json.loads(line) for p in (running.folder / "log").glob("*.jsonl") for line in p.read_text().splitlines()]
    (voted,) = [r for r in log if r["kind"] == "approval-voted" and r["ticket"] == number]
    assert voted["person"] == "zoe" and "BEGIN SSH SIGNATURE" in voted["signed"]


def test_a_signature_is_for_one_answer_to_one_ticket(running: Running) -> None:
    one, two = ask(running, resource="src/one")["ticket"]["id"], ask(running, resource="src/two")["ticket"]["id"]
    shown = {n: running.call("GET", f"/v1/approvals/{n}", **bearer(TOKENS["mia"]))[1] for n in (one, two)}
    zoe = running.folder / "zoe_key"
    good = sign(zoe, ANSWER, answer_text(shown[one], "zoe", "approve", "r"))
    tries = [
        {"ticket": two, "reason": "r", "signature": good}, {"ticket": one, "reason": "x", "signature": good},
        {"ticket": one, "verdict": "reject", "reason": "r", "signature": good},
        {"ticket": one, "reason": "r", "signature": good, "person": "mia"},
        {"ticket": one, "reason": "r", "signature": good, "person": "nobody"},
        {"ticket": one, "reason": "r", "signature": sign(running.folder / "eve_key", ANSWER, answer_text(shown[one], "zoe", "approve", "r"))},
        {"ticket": one, "reason": "r", "signature": sign(zoe, SIGN_IN, answer_text(shown[one], "zoe", "approve", "r"))},
        {"ticket": one, "reason": "r", "signature": sign(zoe, ANSWER, answer_text({**shown[one], "policy": "x"}, "zoe", "approve", "r"))},
        {"ticket": one, "reason": "r", "signature": good.replace("A", "B")}, {"ticket": one, "reason": "r", "signature": "x"},
        {"ticket": one, "reason": "r", "signature": "\u0430" * 9}, {"ticket": one, "reason": "r", "scope": "once", "signature": good},
        {"ticket": one, "reason": "r", "signature": sign(zoe, ANSWER, answer_text(shown[one], "zoe", "approve", "r", "once"))},
    ]  # fmt: skip
    for body in tries:
        status, answer = vote(running, **{"person": "zoe", **body})
        assert (status, answer["error"]["code"]) == (403, "PLR239"), body
    assert vote(running, ticket=one, reason="r", signature=good)[0] == 400  # by nobody
    most = limit("signature_bytes")
    assert vote(running, ticket=one, person="zoe", signature="x" * most)[0] == 403
    assert vote(running, ticket=one, person="zoe", signature="x" * (most + 1))[0] == 400
    assert running.call("GET", f"/v1/approvals/{one}", **bearer(TOKENS["mia"]))[1]["state"] == "pending"
    assert vote(running, ticket=one, reason="r", signature=good, person="zoe")[1]["state"] == "approved"
    assert vote(running, ticket=one, reason="r", signature=good, person="zoe")[0] in {403, 409}  # replayed


def test_who_signs_says_nothing_in_the_console() -> None:
    port = free_port()
    with service(POLICY, *ARGUMENTS, "--console", f"127.0.0.1:{port}", prepare=prepare) as running:
        number = ask(running)["ticket"]["id"]
        code = as_zoe(running, "console").out.strip().partition("code=")[2]
        status, headers, _ = page(port, "POST", "/sign-in", {"code": code.split()[0]})
        assert status == 303
        base, cookie = headers["location"], headers["set-cookie"].split(";")[0]
        shown = page(port, "GET", f"{base}?state=waiting", Cookie=cookie)[2]
        assert number in shown and "reject-" not in shown
        status, _, text = page(port, "POST", f"{base}reject", {f"reject-{number}": "0", "seal": "0"}, Cookie=cookie)
        assert status == 403 and "PLR239" in text
        seal = seal_of(page(port, "GET", f"{base}t/{number}", Cookie=cookie)[2], "freeze")
        for path, more in (("answer", {"verdict": "reject"}), ("comment", {"text": "x"}), ("assign", {"to": "mia"})):
            form = {"seal": seal, "reason": "r", **more}
            status, _, text = page(port, "POST", f"{base}t/{number}/{path}", form, Cookie=cookie)
            assert status == 403 and "PLR239" in text, path
        found = running.call("GET", f"/v1/approvals/{number}", **bearer(TOKENS["mia"]))[1]
        assert (found["state"], found["assigned"], found["comments"]) == ("pending", "", [])


def test_a_challenge_is_good_once_and_reads_only(running: Running) -> None:
    zoe = running.folder / "zoe_key"

    def sign_in(**body: Any) -> tuple[int, Any]:
        return running.call("POST", "/v1/approvals/sign-in", {"person": "zoe", **body}, **bearer(AGENT))

    challenge = sign_in()[1]["challenge"]
    good = sign(zoe, SIGN_IN, sign_in_text("zoe", challenge))
    assert sign_in(challenge="x" * 32, signature=good)[0] == 403
    token = sign_in(challenge=challenge, signature=good)[1]["token"]
    assert sign_in(challenge=challenge, signature=good)[0] == 403  # it is used up
    other = sign_in()[1]["challenge"]
    assert sign_in(challenge=other, signature=good)[0] == 403  # signed for another one
    assert running.call("GET", "/v1/approvals", **bearer(token))[0] == 200
    number = ask(running, resource="src/read-only")["ticket"]["id"]
    body = {"ticket": number, "verdict": "approve", "reason": ""}
    status, answer = running.call("POST", "/v1/approvals/vote", body, **bearer(token))
    assert (status, answer["error"]["code"]) == (403, "PLR239")  # who signs, signs every answer
    for path, said in (("review", {"found": "fine"}), ("revoke", {"reason": "mine"})):
        status, answer = running.call("POST", f"/v1/approvals/{path}", {"ticket": number, **said}, **bearer(token))
        assert (status, answer["error"]["code"]) == (403, "PLR239"), path
    assert running.call("GET", f"/v1/approvals/{number}", **bearer(token))[1]["state"] == "pending"


def test_reviews_and_what_is_taken_back_are_signed(running: Running) -> None:
    number = ask(running, resource="src/back")["ticket"]["id"]
    shown = running.call("GET", f"/v1/approvals/{number}", **bearer(TOKENS["mia"]))[1]
    answered = sign(running.folder / "zoe_key", ANSWER, answer_text(shown, "zoe", "reject", ""))
    body = {"ticket": number, "person": "zoe", "signature": answered}
    assert running.call("POST", "/v1/approvals/revoke", body, **bearer(AGENT))[0] == 403  # signed for something else
    assert as_zoe(running, "revoke", number, key_name="eve_key").code == 1
    assert as_zoe(running, "revoke", number).code == 0
    number = ask(running, resource="src/burning")["ticket"]["id"]
    assert answer(running, "ben", number, "break-glass", "prod is down")[0] == 200
    shown = running.call("GET", f"/v1/approvals/{number}", **bearer(TOKENS["mia"]))[1]
    taken = sign(running.folder / "zoe_key", ANSWER, answer_text(shown, "zoe", REVOKE, "ok"))
    body = {"ticket": number, "found": "ok", "person": "zoe", "signature": taken}
    assert running.call("POST", "/v1/approvals/review", body, **bearer(AGENT))[0] == 403
    done = as_zoe(running, "review", number, "--found", "it was")
    assert done.code == 0, done.err
    log = [json.loads(line) for p in (running.folder / "log").glob("*.jsonl") for line in p.read_text().splitlines()]
    for kind in ("approval-revoked", "approval-reviewed"):
        (made,) = [r for r in log if r["kind"] == kind]
        assert "BEGIN SSH SIGNATURE" in made["signed"], kind


def test_the_wrong_key_and_mistakes(running: Running) -> None:
    number = ask(running, resource="src/wrong")["ticket"]["id"]
    done = as_zoe(running, "approve", number, key_name="eve_key")
    assert done.code == 1 and "PLR239" in done.err
    assert as_zoe(running, "approve", number, key_name="no_key").code == 2
    assert policy("approvals", "list", "--socket", running.socket, "--as", "zoe").code == 2


def test_sign_in_is_bounded() -> None:
    from policy_lang.daemon.identity.people import People
    from policy_lang.domain.errors import RequestError

    people = People()
    most = limit("signed_in")
    for _ in range(most):
        people.challenge("x", 0.0)
    with pytest.raises(RequestError):
        people.challenge("x", limit("sign_in_seconds") - 1)
    assert people.challenge("x", limit("sign_in_seconds"))
    from policy_lang.daemon.identity.people import Person

    tokens = [people.signed_in(Person("x"), 0.0)[0] for _ in range(most + 1)]
    assert people.who(None, tokens[0], 1.0) is None
    until = limit("signed_in_seconds")
    assert people.who(None, tokens[1], until - 1) is not None and people.who(None, tokens[1], until) is None


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"*@acme.example {KEY}", "one plain identity"), (f"a,b {KEY}", "one plain identity"), (f'"a b" {KEY}', "one plain identity"),
        (f"!a {KEY}", "one plain identity"), (f"m\u0456a {KEY}", "one plain identity"), ("a", "no key"), ("a ssh-ed25519", "no key"),
        (f"a cert-authority {KEY}", "authority"), (f"a {KEY}\nb {KEY}", "the same key"),
    ],
)  # fmt: skip
def test_signers_that_could_be_two_people(text: str, message: str) -> None:
    with pytest.raises(SignersError, match=message):
        read_signers(text)


def test_signers_have_several_keys_and_times(tmp_path: Path) -> None:
    one, two, old = key(tmp_path, "one"), key(tmp_path, "two", "rsa"), key(tmp_path, "old")
    found = read_signers(f'a@x {public(one)}\na@x {public(two)}\na@x valid-before="20200101" {public(old)}\n')
    for path, good in ((one, True), (two, True), (old, False)):
        assert verified("a@x", found["a@x"], "n", b"text", sign(path, "n", b"text")) is good
    assert not verified("a@x", found["a@x"], "n", b"other", sign(one, "n", b"text"))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("", "names no `allowed-signers`"), ('[approvals]\nallowed-signers = "none"\n', "cannot be opened"),
        ('[approvals]\nallowed-signers = "signers"\n', "has no key of `zoe@x`"),
    ],
)  # fmt: skip
def test_a_configuration_without_the_key(tmp_path: Path, more: str, message: str) -> None:
    (tmp_path / "signers").write_text(f"other@x {KEY}\n")
    (tmp_path / "p.policy").write_text(POLICY)
    (tmp_path / "serve.toml").write_text(f'{more}[[person]]\nname = "zoe"\nsigner = "zoe@x"\n')
    done = policy("serve", "--policy", tmp_path / "p.policy", "--socket", tmp_path / "s", "--config", tmp_path / "serve.toml", "--state", tmp_path)  # fmt: skip
    assert done.code == 2 and message in done.err
