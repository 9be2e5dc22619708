"""Keys of people as a second proof in the console: a software one against every rule, and a real browser's."""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest

from policy_lang.daemon.identity.config import ServiceConfigError, read_config
from policy_lang.daemon.identity.people import Person, token_digest
from policy_lang.domain.errors import RequestError
from policy_lang.domain.limits import limit
from tests.console.support import ROOT
from tests.needs import extra, missing

from .browser import chromium, needs_browser
from .support import Running, service
from .test_console import free_port

pytestmark = pytest.mark.skipif(bool(missing("fido2", "cryptography")), reason="`fido2` is not installed")
with extra():
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from fido2 import cbor
    from fido2.cose import ES256
    from fido2.webauthn import AttestedCredentialData

    from policy_lang.daemon.identity.webauthn import SecondProofs, key_of

ORIGIN, CHALLENGE = "http://localhost:1234", b"c" * 32
PRESENT, VERIFIED, ATTESTED = 1, 4, 64


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


class SoftwareKey:
    """An authenticator (W3C Web Authentication, 6.1), which says what it is told to."""

    def __init__(self, name: bytes = b"k" * 16) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self.public = ES256.from_cryptography_key(self._private.public_key())
        self.credential = AttestedCredentialData.create(b"\0" * 16, name, self.public)
        self.counter = 0

    @property
    def line(self) -> str:
        return encoded(bytes(self.credential))

    def _client(self, kind: str, challenge: bytes, origin: str) -> bytes:
        return json.dumps({"type": f"webauthn.{kind}", "challenge": encoded(challenge), "origin": origin}).encode()

    def _data(self, host: str, flags: int, more: bytes = b"") -> bytes:
        return hashlib.sha256(host.encode()).digest() + struct.pack(">BI", flags, self.counter) + more

    def create(self, challenge: bytes = CHALLENGE, origin: str = ORIGIN, host: str = "localhost", flags: int = PRESENT) -> str:  # fmt: skip
        data = self._data(host, flags | ATTESTED, bytes(self.credential))
        made = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": encoded(self._client("create", challenge, origin)),
            "attestationObject": encoded(made),
        }
        return json.dumps({"rawId": encoded(self.credential.credential_id), "type": "public-key", "response": response})

    def get(self, challenge: bytes = CHALLENGE, origin: str = ORIGIN, host: str = "localhost", flags: int = PRESENT, kind: str = "get", steps: int = 1) -> str:  # fmt: skip
        self.counter += steps
        client, data = self._client(kind, challenge, origin), self._data(host, flags)
        signed = self._private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {"clientDataJSON": encoded(client), "authenticatorData": encoded(data), "signature": encoded(signed)}
        return json.dumps({"rawId": encoded(self.credential.credential_id), "type": "public-key", "response": response})


def test_an_assertion_is_of_this_challenge_at_this_address() -> None:
    key, other, proofs = SoftwareKey(), SoftwareKey(b"o" * 16), SecondProofs()
    keys = (bytes(key.credential),)

    def check(text: str, verified: bool = False) -> None:
        proofs.check(ORIGIN, CHALLENGE, keys, verified, text)

    check(key.get())
    wrong = [
        key.get(b"d" * 32), key.get(origin="http://localhost:1235"), key.get(origin="https://localhost:1234"), key.get(host="evil.example"),
        key.get(flags=0), key.get(flags=VERIFIED), key.get(kind="create"), other.get(), key.create(), "", "{}", "null", "[1]", "x" * 99,
        key.get().replace('"signature": "', '"signature": "AA'), '{"rawId": 1, "response": {}}',
    ]  # fmt: skip
    for text in wrong:
        with pytest.raises(RequestError) as error:
            check(text)
        assert error.value.code == "PLR243", text
    with pytest.raises(RequestError):
        check(key.get(), verified=True)
    check(key.get(flags=PRESENT | VERIFIED), verified=True)


def test_a_counter_goes_on() -> None:
    key, proofs = SoftwareKey(), SecondProofs()
    keys = (bytes(key.credential),)
    used = key.get(steps=5)
    proofs.check(ORIGIN, CHALLENGE, keys, False, used)
    for text in (used, key.get(steps=0), key.get(steps=-1), key.get(steps=-4)):  # the last has none any more
        with pytest.raises(RequestError, match="may have been copied"):
            proofs.check(ORIGIN, CHALLENGE, keys, False, text)
    proofs.check(ORIGIN, CHALLENGE, keys, False, key.get(steps=9))
    plain, proofs = SoftwareKey(), SecondProofs()  # keys of devices often count nothing
    for _ in range(2):
        proofs.check(ORIGIN, CHALLENGE, (bytes(plain.credential),), False, plain.get(steps=0))


def test_a_key_that_is_made() -> None:
    key, proofs = SoftwareKey(), SecondProofs()
    line = proofs.made(ORIGIN, CHALLENGE, False, key.create())
    assert line == key.line and key_of(line) == bytes(key.credential)
    assert Person("mia", keys=(key_of(line),)).key_names == [encoded(key.credential.credential_id)]
    for text in (
        key.create(b"d" * 32),
        key.create(origin="http://x"),
        key.create(host="x"),
        key.create(flags=0),
        key.get(),
        "{}",
    ):
        with pytest.raises(RequestError):
            proofs.made(ORIGIN, CHALLENGE, False, text)
    with pytest.raises(RequestError):
        proofs.made(ORIGIN, CHALLENGE, True, key.create())


def test_what_the_configuration_takes(tmp_path: Path) -> None:
    path = tmp_path / "serve.toml"

    def read(lines: list[str], more: str = "") -> Any:
        path.write_text(f'[[person]]\nname = "mia"\nuid = 7\nwebauthn = {json.dumps(lines)}\n{more}')
        path.chmod(0o600)
        return read_config(str(path)).principals.people.persons[0]

    most = limit("person_keys")
    lines = [SoftwareKey(bytes([n]) * 16).line for n in range(most + 1)]
    assert len(read(lines[:most]).keys) == most
    with pytest.raises(ServiceConfigError, match="webauthn"):
        read(lines)
    assert read(lines[:1], "[approvals]\nuser-verification = true\n").verified
    long = limit("key_characters")
    for bad in ("", "x", lines[0] + "AAAA", "A" * long, lines[0] + "="):
        with pytest.raises(ServiceConfigError, match="is not a key"):
            read([bad])
    with pytest.raises(ServiceConfigError, match="at most"):
        read(["A" * (long + 1)])
    with pytest.raises(ServiceConfigError, match="a key stands there twice"):
        read([lines[0], lines[0]])
    with pytest.raises(ServiceConfigError, match="leave one out"):
        read(lines[:1], 'signer = "mia@acme.example"\n')


POLICY = 'policy "p"\ntier review { approvers "tom"  expires 30m }\nask review write "src/**"\n'
AGENT, TOM = "a" * 40, "t" * 40


def configured(folder: Path, *keys: str) -> None:
    for name, token in (("agent", AGENT), ("tom", TOM)):
        (folder / name).write_text(token)
        (folder / name).chmod(0o600)
    (folder / "serve.toml").write_text(
        '[[principal]]\ntoken-file = "agent"\nagents = ["codex"]\n[approvals]\nsame-user = true\n'
        f'[[person]]\nname = "tom"\ntoken-sha256 = "{token_digest(TOM)}"\nwebauthn = {json.dumps(keys)}\n'
    )
    (folder / "serve.toml").chmod(0o600)


WORDS = ("--config", "{folder}/serve.toml", "--state", "{folder}", "--log", "{folder}/log", "--console")


def asked(running: Running, resource: str) -> str:
    body = {"action": "write", "resource": resource, "session": "s"}
    return str(running.call("POST", "/v1/decide", body, Authorization=f"Bearer {AGENT}")[1]["ticket"]["id"])


def state(running: Running, ticket: str) -> str:
    return str(running.call("GET", f"/v1/approvals/{ticket}", Authorization=f"Bearer {TOM}")[1]["state"])


def test_an_answer_wants_the_key_for_exactly_this() -> None:
    from .test_console import page  # over TCP, as a program that keeps no cookies

    key, port = SoftwareKey(), free_port()
    origin = f"http://localhost:{port}"
    with service(POLICY, *WORDS, f"127.0.0.1:{port}", prepare=lambda folder: configured(folder, key.line)) as running:
        one, two = asked(running, "src/one"), asked(running, "src/two")
        said = {"ticket": one, "verdict": "approve", "reason": ""}
        status, answer = running.call("POST", "/v1/approvals/vote", said, Authorization=f"Bearer {TOM}")
        assert (status, answer["error"]["code"]) == (403, "PLR243")
        code = running.call("POST", "/v1/approvals/console", {}, Authorization=f"Bearer {TOM}")[1]["url"].partition(
            "code="
        )[2]
        headers = {"Host": f"localhost:{port}", "Origin": origin}
        status, got, _ = page(port, "POST", "/sign-in", {"code": code}, **headers)
        base, cookie = got["location"], got["set-cookie"].split(";")[0]

        def look(ticket: str) -> tuple[str, dict[str, bytes]]:
            status, got, text = page(port, "GET", f"{base}t/{ticket}", Cookie=cookie, **headers)
            assert status == 200 and got["content-security-policy"].endswith("; script-src 'self'")
            assert re.findall(r"<script[^>]*>", text) == ['<script src="/webauthn.js" defer>']
            seal = re.search(r'name="seal" value="([0-9a-f]+)"><input type="hidden" name="proof"', text)
            assert seal is not None
            found = re.findall(r'value="([a-z-]+)" data-challenge="([^"]+)"', text)
            from fido2.utils import websafe_decode

            return seal[1], {verdict: websafe_decode(challenge) for verdict, challenge in found}

        (seal, wanted), (_, others) = look(one), look(two)

        def send(proof: str | None, verdict: str = "approve") -> int:
            form = {"seal": seal, "verdict": verdict, "reason": "r", **({} if proof is None else {"proof": proof})}
            return page(port, "POST", f"{base}t/{one}/answer", form, Cookie=cookie, **headers)[0]

        wrong = [
            None, "", "{}", key.get(others["approve"], origin), key.get(wanted["reject"], origin), key.get(wanted["approve"], ORIGIN),
            key.get(wanted["approve"], origin, "evil.example"), key.get(wanted["approve"], origin, flags=0),
            SoftwareKey().get(wanted["approve"], origin),
        ]  # fmt: skip
        for proof in wrong:
            assert send(proof) == 403, proof
        assert state(running, one) == "pending"
        status, got, text = page(port, "GET", base, Cookie=cookie, **headers)
        assert "script" not in got["content-security-policy"] and "<script" not in text
        proof = key.get(wanted["approve"], origin)
        assert send(proof) == 303 and state(running, one) == "approved"
        assert send(proof) in {403, 409}
        assert "Access-Control-Allow-Origin".lower() not in got
        script = page(port, "GET", "/webauthn.js", **headers)
        assert script[0] == 200 and script[1]["content-type"].startswith("text/javascript")
        assert page(port, "GET", f"{base}key", Cookie=cookie, **headers)[0] == 200
        assert page(port, "POST", f"{base}key", {"seal": "0", "proof": ""}, Cookie=cookie, **headers)[0] == 409


def entered(running: Running, port: int) -> tuple[str, dict[str, str]]:
    """The path of tom's session over TCP, and the headers of a program in it."""
    from .test_console import page

    asked = running.call("POST", "/v1/approvals/console", {}, Authorization=f"Bearer {TOM}")[1]
    headers = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    _, got, _ = page(port, "POST", "/sign-in", {"code": asked["url"].partition("code=")[2]}, **headers)
    return got["location"], {**headers, "Cookie": got["set-cookie"].split(";")[0]}


def test_the_scope_of_a_yes_is_part_of_what_a_key_proves() -> None:
    from fido2.utils import websafe_decode

    from .test_console import page

    key, port = SoftwareKey(), free_port()
    text = POLICY.replace("expires 30m", "expires 30m  scope session")
    with service(text, *WORDS, f"127.0.0.1:{port}", prepare=lambda folder: configured(folder, key.line)) as running:
        base, headers = entered(running, port)
        for verdict, other, scope in (
            ("approve", "approve-session", "once"),
            ("approve-session", "approve", "session"),
        ):
            ticket = asked(running, f"src/{verdict}")
            shown = page(port, "GET", f"{base}t/{ticket}", **headers)[2]
            seal = re.findall(r'answer"[^>]*>\s*<input type="hidden" name="seal" value="([0-9a-f]+)"', shown)[0]
            wanted = dict(re.findall(r'value="([a-z-]+)" data-challenge="([^"]+)"', shown))
            for of, status in ((other, 403), (verdict, 303)):
                proof = key.get(websafe_decode(wanted[of]), headers["Origin"])
                form = {"seal": seal, "verdict": verdict, "reason": "r", "proof": proof}
                assert page(port, "POST", f"{base}t/{ticket}/answer", form, **headers)[0] == status, (verdict, of)
            found = running.call("GET", f"/v1/approvals/{ticket}", Authorization=f"Bearer {TOM}")[1]
            assert (found["state"], found["scope"]) == ("approved", scope)


def test_nothing_is_said_around_the_key() -> None:
    """Not by rejecting several at once, nor in a comment or by assigning: whoever stole the session has not the key."""
    from fido2.utils import websafe_decode

    from .test_console import page

    key, port = SoftwareKey(), free_port()
    with service(POLICY, *WORDS, f"127.0.0.1:{port}", prepare=lambda folder: configured(folder, key.line)) as running:
        ticket = asked(running, "src/a")
        base, headers = entered(running, port)
        shown = page(port, "GET", f"{base}?state=waiting", **headers)[2]
        assert ticket in shown and "reject-" not in shown and "each on its own page" in shown
        status, _, text = page(port, "POST", f"{base}reject", {f"reject-{ticket}": "0", "seal": "0"}, **headers)
        assert status == 403 and "PLR243" in text and "open the ticket" in text
        told = {"Authorization": f"Bearer {TOM}"}
        for path, body in (("comment", {"text": "fine"}), ("assign", {"to": "tom"})):
            status, answer = running.call("POST", f"/v1/approvals/{path}", {"ticket": ticket, **body}, **told)
            assert (status, answer["error"]["code"]) == (403, "PLR243"), path
            shown = page(port, "GET", f"{base}t/{ticket}", **headers)[2]
            seal = re.findall(rf'{path}"[^>]*>\s*<input type="hidden" name="seal" value="([0-9a-f]+)"', shown)[0]
            challenge = re.findall(rf'<button data-challenge="([^"]+)">{path.capitalize()}<', shown)[0]
            yes = re.findall(r'value="approve" data-challenge="([^"]+)"', shown)[0]
            for proof in ("", key.get(websafe_decode(yes), headers["Origin"])):
                form = {"seal": seal, "proof": proof, **body}
                assert page(port, "POST", f"{base}t/{ticket}/{path}", form, **headers)[0] == 403, path
            proof = key.get(websafe_decode(challenge), headers["Origin"])
            answered = {"seal": seal, "proof": proof, "verdict": "approve", "reason": "r"}
            assert page(port, "POST", f"{base}t/{ticket}/answer", answered, **headers)[0] == 403
            form = {"seal": seal, "proof": key.get(websafe_decode(challenge), headers["Origin"]), **body}
            assert page(port, "POST", f"{base}t/{ticket}/{path}", form, **headers)[0] == 303, path
        found = running.call("GET", f"/v1/approvals/{ticket}", **told)[1]
        assert (found["state"], found["assigned"], len(found["comments"]), found["votes"]) == ("pending", "tom", 1, [])


@needs_browser
def test_a_real_browser_makes_a_key_and_answers_by_it() -> None:
    port = free_port()

    def listening(running: Running) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "policy_lang", "approvals", "console", "--listen", "--port", str(port), "--socket", running.socket, "--token-file", str(running.folder / "tom")]  # fmt: skip
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def came(page: Any, own: subprocess.Popen[str]) -> str:
        assert own.stdout is not None
        url = own.stdout.readline().strip()
        for _ in range(50):
            try:
                page.goto(url)
                break
            except Exception:  # noqa: BLE001 (the port is not there yet)
                page.wait_for_timeout(100)
        page.click("button")
        page.wait_for_url("**/s/*/")
        return str(page.url)

    with chromium() as browser:
        context = browser.new_context()
        page = context.new_page()
        tool = context.new_cdp_session(page)
        tool.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}  # fmt: skip
        tool.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        with service(POLICY, *WORDS, prepare=configured) as running, listening(running) as own:
            base = came(page, own)
            page.goto(f"{base}key")
            page.click("text=Make a key")
            line = page.inner_text("pre.rule")
            assert line.startswith('webauthn = ["')
            own.terminate()
        with service(POLICY, *WORDS, prepare=lambda folder: configured(folder, line.split('"')[1])) as running:
            ticket = asked(running, "src/a")
            with listening(running) as own:
                base = came(page, own)
                page.goto(f"{base}t/{ticket}")
                page.click("text=Approve once")
                page.wait_for_function("document.querySelector('.state.big')?.textContent == 'approved'")
                assert state(running, ticket) == "approved"
                # without the key nothing is sent
                other = asked(running, "src/b")
                page.goto(f"{base}t/{other}")
                tool.send("WebAuthn.disable")
                tool.send("WebAuthn.enable")
                tool.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "protocol": "u2f"}})
                page.click("text=Approve once")
                page.wait_for_function("document.getElementById('proof-said').textContent.includes('did not prove')")
                assert state(running, other) == "pending"
                own.terminate()
