"""The console: what a browser may do, what other sites and agents may not, and how it looks to people."""

from __future__ import annotations

import contextlib
import html
import http.client
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from policy_lang.domain.limits import limit
from tests.console.support import policy

from .browser import chromium, needs_browser
from .support import Running, service
from .test_approvals import AGENT, ARGUMENTS, OPERATOR, TOKENS, answer, ask, bearer, configured

POLICY = """policy "p"
tier review { approvers "@team"  expires 30m }
tier boss { approvers "@boss"  quorum 2  expires 10m  includes review  reason required }
tier emergency { approvers "@team"  break-glass boss }
allow read "src/**"
ask review write "src/**" because "a person looks"
ask review run "npm install **"
ask boss do "deploy"
allow call "github.get_*"
otherwise ask review call
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def opened(text: str = POLICY, **more: Any) -> Iterator[tuple[Running, int]]:
    port = free_port()
    with service(text, *ARGUMENTS, "--console", f"127.0.0.1:{port}", prepare=configured, **more) as running:
        yield running, port


@pytest.fixture(scope="module")
def console() -> Iterator[tuple[Running, int]]:
    with opened() as found:
        yield found


def page(port: int, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, dict[str, str], str]:  # fmt: skip
    """One exchange, as a program does it that keeps no cookies."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    given = {"Host": f"127.0.0.1:{port}", **{k.replace("_", "-"): v for k, v in headers.items()}}
    body = None
    if form is not None:
        body = urlencode(form)
        given = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{port}", **given}
    with contextlib.closing(connection):
        connection.request(method, path, body, {k: v for k, v in given.items() if v})
        reply = connection.getresponse()
        return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read().decode()


def link(running: Running, person: str = "mia") -> str:
    status, value = running.call("POST", "/v1/approvals/console", {}, **bearer(TOKENS[person]))
    assert status == 201, value
    return str(value["url"])


def signed_in(running: Running, port: int, person: str = "mia") -> tuple[str, str]:
    """The path of a session, and its cookie."""
    code = link(running, person).partition("code=")[2]
    status, headers, _ = page(port, "POST", "/sign-in", {"code": code})
    assert status == 303
    return headers["location"], headers["set-cookie"].split(";")[0]


def seal_of(text: str, action: str) -> str:
    found = re.search(rf'action="[^"]*{action}"[^>]*>\s*<input type="hidden" name="seal" value="([0-9a-f]+)"', text)
    assert found, text
    return found[1]


# who gets in


def test_a_link_is_good_once_and_for_its_person(console: tuple[Running, int]) -> None:
    running, port = console
    url = link(running)
    code = url.partition("code=")[2]
    for _ in range(3):  # whatever looks at links beforehand uses none up
        assert "Sign in as mia?" in page(port, "GET", f"/sign-in?code={code}")[2]
    status, headers, _ = page(port, "POST", "/sign-in", {"code": code})
    assert status == 303
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and f"Path={headers['location']}" in cookie
    base, value = headers["location"], cookie.split(";")[0]
    assert page(port, "GET", base, Cookie=value)[0] == 200
    assert page(port, "GET", base)[0] == 403
    assert page(port, "GET", base, Cookie=value[:-1] + "x")[0] == 403
    assert page(port, "GET", f"/s/{'x' * 32}/", Cookie=value)[0] == 403  # the cookie alone opens nothing
    # the link comes again: somebody has stolen it, the first or the second; nobody stays
    assert page(port, "POST", "/sign-in", {"code": code})[0] == 403
    assert page(port, "GET", base, Cookie=value)[0] == 403
    assert page(port, "POST", "/sign-in", {"code": "x"})[0] == 403


def test_agents_and_operators_get_no_link(console: tuple[Running, int]) -> None:
    running, port = console
    for token in (AGENT, OPERATOR, "x" * 40):
        assert running.call("POST", "/v1/approvals/console", {}, **bearer(token))[0] == 403
    assert page(port, "POST", "/v1/approvals/console", {})[0] == 404  # only the interface gives links
    assert page(port, "POST", "/v1/decide", {"x": "y"})[0] == 404
    assert page(port, "GET", "/v1/approvals", Authorization=f"Bearer {TOKENS['mia']}")[0] == 404


def test_signing_out_ends_the_session(console: tuple[Running, int]) -> None:
    running, port = console
    base, cookie = signed_in(running, port)
    seal = seal_of(page(port, "GET", base, Cookie=cookie)[2], "sign-out")
    assert page(port, "POST", f"{base}sign-out", {"seal": "0" * 64}, Cookie=cookie)[0] == 409
    status, headers, _ = page(port, "POST", f"{base}sign-out", {"seal": seal}, Cookie=cookie)
    assert (status, headers["location"]) == (303, "/") and "Max-Age=0" in headers["set-cookie"]
    assert page(port, "GET", base, Cookie=cookie)[0] == 403


def test_sessions_and_links_have_their_time() -> None:
    from policy_lang.daemon.identity.browser_sessions import BrowserSessions
    from policy_lang.daemon.identity.people import Person
    from policy_lang.domain.errors import RequestError

    mia = Person("mia")
    sessions = BrowserSessions()
    code = sessions.link(mia, 5, 0.0)
    assert sessions.waiting(code, limit("console_link_seconds") - 1) is not None
    assert sessions.waiting(code, limit("console_link_seconds")) is None
    with pytest.raises(RequestError):
        sessions.enter(code, limit("console_link_seconds"), 5)
    made, cookie = sessions.enter(sessions.link(mia, 5, 0.0), 0.0, 5)
    idle = limit("console_idle_seconds")
    assert sessions.find(made.id, cookie, idle - 1) is made
    assert sessions.find(made.id, cookie, 2 * idle - 1) is None
    made, cookie = sessions.enter(sessions.link(mia, 5, 0.0), 0.0, 5)
    for at in range(0, limit("console_session_seconds"), idle - 1):
        assert sessions.find(made.id, cookie, at) is made
    assert sessions.find(made.id, cookie, limit("console_session_seconds")) is None
    most = limit("console_sessions")
    codes = [sessions.link(mia, 5, 0.0) for _ in range(most + 1)]
    assert sessions.waiting(codes[0], 1.0) is None and sessions.waiting(codes[1], 1.0) is not None
    opened_ = [sessions.enter(c, float(n), 5) for n, c in enumerate(codes[1:])]
    assert all(sessions.find(s.id, c, 40.0) is s for s, c in opened_)
    more, _ = sessions.enter(sessions.link(mia, 5, 50.0), 50.0, 5)
    assert sum(sessions.find(s.id, c, 51.0) is s for s, c in [*opened_]) == most - 1 and more


# other sites


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "console.localhost:{port}", "[::1]:{port}", "127.0.0.1:{port}.evil.example"])  # fmt: skip
def test_another_name_of_this_address_is_refused(console: tuple[Running, int], host: str) -> None:
    """DNS rebinding: the browser believes that the address is another site's."""
    status, _, text = page(console[1], "GET", "/", Host=host.format(port=console[1]))
    assert status == 403 and "PLR215" in text


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Origin": "http://127.0.0.1:1"}, {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Content_Type": "text/plain"}, {"Content_Type": "application/json"}])  # fmt: skip
def test_a_form_from_elsewhere_is_refused(console: tuple[Running, int], headers: dict[str, str]) -> None:
    running, port = console
    number = ask(running, resource="src/forms")["ticket"]["id"]
    base, cookie = signed_in(running, port)
    seal = seal_of(page(port, "GET", f"{base}t/{number}", Cookie=cookie)[2], "answer")
    form = {"seal": seal, "verdict": "approve", "reason": ""}
    given = {k.replace("_", "-"): v for k, v in headers.items()}
    assert page(port, "POST", f"{base}t/{number}/answer", form, Cookie=cookie, **given)[0] in {403, 409}
    assert running.call("GET", f"/v1/approvals/{number}", **bearer(TOKENS["mia"]))[1]["state"] == "pending"


def test_only_a_form_that_was_shown_changes_anything(console: tuple[Running, int]) -> None:
    running, port = console
    one, two = ask(running, resource="src/one")["ticket"]["id"], ask(running, resource="src/two")["ticket"]["id"]
    base, cookie = signed_in(running, port)
    other, others = signed_in(running, port, "ben")
    seal = seal_of(page(port, "GET", f"{base}t/{one}", Cookie=cookie)[2], "answer")
    form = {"seal": seal, "verdict": "approve", "reason": ""}
    assert page(port, "POST", f"{base}t/{two}/answer", form, Cookie=cookie)[0] == 409  # of another ticket
    assert page(port, "POST", f"{other}t/{one}/answer", form, Cookie=others)[0] == 409  # of another session
    assert page(port, "POST", f"{base}t/{one}/answer", {**form, "seal": ""}, Cookie=cookie)[0] == 409
    assert page(port, "GET", f"{base}t/{one}/answer?{urlencode(form)}", Cookie=cookie)[0] == 405
    assert page(port, "POST", f"{base}t/{one}/answer", {**form, "verdict": "yes"}, Cookie=cookie)[0] == 400
    assert page(port, "POST", f"{base}t/{one}/answer", form, Cookie=cookie)[0] == 303
    assert page(port, "POST", f"{base}t/{one}/answer", form, Cookie=cookie)[0] == 409  # it has changed since
    assert page(port, "POST", f"{base}t/{'0' * 16}/answer", form, Cookie=cookie)[0] == 404


def test_every_page_has_its_rules(console: tuple[Running, int]) -> None:
    running, port = console
    base, cookie = signed_in(running, port)
    number = ask(running, resource="src/rules")["ticket"]["id"]
    for path in ("/", "/style.css", base, f"{base}t/{number}", "/nothing", f"{base}t/{'0' * 16}"):
        _, headers, text = page(port, "GET", path, Cookie=cookie)
        rules = headers["content-security-policy"]
        for rule in ("default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"):
            assert rule in rules
        assert headers["x-frame-options"] == "DENY" and headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store" and headers["referrer-policy"] == "same-origin"
        assert (
            "<script" not in text and "javascript:" not in text and " on" not in re.sub(r">[^<]*<", "><", text).lower()
        )


@pytest.mark.parametrize("bad", ["<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>", "{{ 7*7 }}", "&amp;", "a\u202eb\u200bc\u3164", "\u0430dmin", "x" * 250])  # fmt: skip
def test_whatever_an_agent_asks_is_text(console: tuple[Running, int], bad: str) -> None:
    running, port = console
    number = ask(running, action="run", resource=["npm", "install", bad])["ticket"]["id"]
    base, cookie = signed_in(running, port)
    status, _, text = page(port, "GET", f"{base}t/{number}", Cookie=cookie)
    assert status == 200 and "<script>" not in text and "<img" not in text and ("{{" not in bad or "{{ 7*7 }}" in text)
    assert "\u202e" not in text and "\u200b" not in text and "\u3164" not in text
    if "\u202e" in bad:
        assert "u202e" in text and "look like others, or like nothing" in text
    running.call("POST", "/v1/approvals/revoke", {"ticket": number}, **bearer(AGENT))


def test_the_nearest_rule_is_shown_to_what_nothing_grants(console: tuple[Running, int]) -> None:
    running, port = console
    base, cookie = signed_in(running, port)
    for resource, near in (("github.create_issue", True), ("other.thing", False)):
        number = ask(running, action="call", resource=resource)["ticket"]["id"]
        text = html.unescape(re.sub("<[^>]+>", "", page(port, "GET", f"{base}t/{number}", Cookie=cookie)[2]))
        assert ('nearest: allow call "github.get_*"' in text) is near
        assert ("create_issue is not granted in github" in text) is near
        assert "`" not in text
        running.call("POST", "/v1/approvals/revoke", {"ticket": number}, **bearer(AGENT))


def test_a_form_has_a_length(console: tuple[Running, int]) -> None:
    running, port = console
    base, cookie = signed_in(running, port)
    number = ask(running, resource="src/long")["ticket"]["id"]
    seal = seal_of(page(port, "GET", f"{base}t/{number}", Cookie=cookie)[2], "answer")
    most = limit("approval_reason")
    form = {"seal": seal, "verdict": "approve", "reason": "x" * (most + 1)}
    assert page(port, "POST", f"{base}t/{number}/answer", form, Cookie=cookie)[0] == 400
    assert page(port, "POST", f"{base}t/{number}/answer", {**form, "reason": "x" * limit("console_body_bytes")}, Cookie=cookie)[0] == 413  # fmt: skip
    assert page(port, "POST", f"{base}t/{number}/answer", {**form, "reason": "x" * most}, Cookie=cookie)[0] == 303


def test_nobody_sees_a_code_who_should_not() -> None:
    """Neither the agent's answers nor the records hold anything that signs in or approves."""
    with opened() as (running, port):
        base, cookie = signed_in(running, port)
        told = str(ask(running))
        number = re.findall(r"ticket ([0-9a-f]{16})", told)[0]
        told += str(running.call("GET", f"/v1/approvals/{number}", **bearer(AGENT)))
        answer(running, "mia", number)
        told += str(ask(running, ticket=number))
        running.stop()
        told += "".join(str(e) for e in running.log())
        told += "".join(p.read_text(errors="replace") for p in (running.folder / "log").iterdir() if p.is_file())
        for secret in (base.strip("/").split("/")[1], cookie.split("=")[1], TOKENS["mia"]):
            assert secret not in told
        assert "console-signed-in" in told


@pytest.mark.parametrize("arguments", [("--console", "0.0.0.0:8717"), ("--console", "example.com:1"), ("--console", "127.0.0.1:x")])  # fmt: skip
def test_the_console_is_on_loopback_only(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    configured(tmp_path)
    (tmp_path / "p.policy").write_text(POLICY)
    done = policy("serve", "--policy", tmp_path / "p.policy", "--socket", tmp_path / "s", "--config", tmp_path / "serve.toml", "--state", tmp_path, *arguments)  # fmt: skip
    assert done.code == 2 and "not a loopback address" in done.err


# people, in a real browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


def context(browser: Any, **more: Any) -> Any:
    return browser.new_context(java_script_enabled=False, **more)


def fits(browser: Any, made: Any) -> bool:
    """Whether the page is not wider than its window."""
    return bool(made.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@needs_browser
def test_a_person_reads_and_answers(browser: Any) -> None:
    with opened() as (running, _):
        for _round in range(4):  # the same, approved again and again
            number = ask(running, resource="src/app.ts", cwd="/work/web", workspace="/work/web", home="/h", lexical=True, origin={"client": "codex", "task": "mend the login"})["ticket"]["id"]  # fmt: skip
            if _round < 3:
                answer(running, "mia", number)
                ask(running, resource="src/app.ts", cwd="/work/web", workspace="/work/web", home="/h", lexical=True)
        ask(running, resource="src/other.ts")
        made = context(browser).new_page()
        made.goto(link(running))
        made.get_by_role("button", name="Sign in").click()
        assert made.get_by_role("heading", level=1).inner_text() == "2 waiting"
        made.get_by_role("link", name="write src/app.ts").first.click()
        text = made.locator("main").inner_text()
        for part in (
            "codex asks", "src/app.ts", "/work/web/src/app.ts", "a person looks", "mend the login", "p.policy:6", "1 of @team",
            "approved 3 times and rejected 0 times", 'agent "codex" {\n    allow write "src/app.ts"\n}', "write src/other.ts",
        ):  # fmt: skip
            assert part in text, (part, text)
        made.get_by_label("Reason").first.fill("we want this")
        made.get_by_role("button", name="Approve once").click()
        assert "approved" in made.locator("main").inner_text()
        assert "mia: approve at" in made.locator("main").inner_text()
        assert made.get_by_role("button", name="Approve once").count() == 0
        shown = running.call("GET", f"/v1/approvals/{number}", **bearer(TOKENS["mia"]))[1]
        assert shown["state"] == "approved" and shown["votes"][0]["reason"] == "we want this"
        made.get_by_role("link", name="Approvals").click()
        made.get_by_role("link", name="write src/other.ts").click()
        made.get_by_text("Freeze codex").click()
        made.locator("#freeze-reason").fill("it asks odd things")
        made.get_by_role("button", name="Freeze").click()
        assert "It is frozen by mia: it asks odd things" in made.locator("main").inner_text()
        assert ask(running, action="read")["effect"] == "deny"


@needs_browser
def test_an_emergency_is_opened_and_reviewed(browser: Any) -> None:
    with opened() as (running, _):
        number = ask(running, action="do", resource="deploy")["ticket"]["id"]
        pages = {}
        for person in ("mia", "eva"):
            pages[person] = context(browser).new_page()
            pages[person].goto(link(running, person))
            pages[person].get_by_role("button", name="Sign in").click()
        mia, eva = pages["mia"], pages["eva"]
        mia.get_by_role("link", name="do deploy").click()
        assert mia.get_by_role("button", name="Approve once").count() == 0
        assert "You are not asked for this." in mia.locator("main").inner_text()
        mia.get_by_text("Emergency: break glass").click()
        mia.locator("#emergency-reason").fill("production is down")
        mia.get_by_role("button", name="Break glass").click()
        assert "emergency broke the glass, not reviewed" in mia.locator("main").inner_text()
        assert mia.get_by_role("button", name="Reviewed").count() == 0
        eva.reload()
        assert "Opened in an emergency, not reviewed" in eva.locator("main").inner_text()
        eva.get_by_role("link", name="do deploy").first.click()
        eva.get_by_label("What did you find?").fill("it was down, this was right")
        eva.get_by_role("button", name="Reviewed").click()
        assert "eva: reviewed: it was down, this was right" in eva.locator("main").inner_text()
        assert running.call("GET", f"/v1/approvals/{number}", **bearer(TOKENS["eva"]))[1]["reviewed"] == "eva"


@needs_browser
def test_it_works_with_the_keyboard_alone(browser: Any, console: tuple[Running, int]) -> None:
    running, _ = console
    number = ask(running, resource="src/keys.ts")["ticket"]["id"]
    made = context(browser).new_page()
    made.goto(link(running))

    def focused() -> str:
        return str(made.evaluate("(e => e === document.body ? '' : e.innerText || e.name)(document.activeElement)"))

    def tab_to(what: str) -> None:
        for _ in range(60):
            made.keyboard.press("Tab")
            if what in focused():
                return
        raise AssertionError(f"{what} cannot be reached")

    tab_to("Sign in")
    made.keyboard.press("Enter")
    made.wait_for_url("**/s/*/")
    tab_to("src/keys.ts")
    made.keyboard.press("Enter")
    made.wait_for_url(f"**/t/{number}")
    tab_to("reason")
    made.keyboard.type("by keys")
    tab_to("Approve once")
    made.keyboard.press("Enter")
    made.wait_for_selector(".state.big.approved")
    state = running.call("GET", f"/v1/approvals/{number}", **bearer(TOKENS["mia"]))[1]
    assert (state["state"], state["votes"][0]["reason"]) == ("approved", "by keys")


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_it_fits_and_is_readable(browser: Any, console: tuple[Running, int], scheme: Any, width: int) -> None:
    running, _ = console
    long = "src/" + "/".join(["a" * 200] * 3)
    number = ask(running, resource=long)["ticket"]["id"]
    made = context(browser, viewport={"width": width, "height": 700}, color_scheme=scheme).new_page()
    made.goto(link(running))
    made.get_by_role("button", name="Sign in").click()
    base = made.url
    for place in (base, f"{base}t/{number}"):
        made.goto(place)
        assert fits(browser, made), place
        assert made.locator("button:visible").first.evaluate("e => e.getBoundingClientRect().height") >= 44
        paper, ink = made.evaluate("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")  # fmt: skip
        assert contrast(paper, ink) >= 7
        for kind in (".dim", ".state", "button.yes", "button.no", "a"):
            for one in made.locator(f"{kind}:visible").all()[:3]:
                assert contrast(paper, one.evaluate("e => getComputedStyle(e).color")) >= 4.5, kind  # WCAG 2.2, 1.4.3
    running.call("POST", "/v1/approvals/revoke", {"ticket": number}, **bearer(AGENT))


def contrast(one: str, other: str) -> float:
    """The ratio of two colours' luminance (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


class Evil(BaseHTTPRequestHandler):
    """A page that an agent serves on loopback."""

    page = b""
    cookies: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.cookies.append(self.headers.get("Cookie", ""))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.page)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


@needs_browser
def test_a_page_of_the_agents_gets_nothing_done(browser: Any, console: tuple[Running, int]) -> None:
    """It knows even the session's address and the form's seal, and has scripts; it has not the person's hands."""
    running, _ = console
    number = ask(running, resource="src/evil.ts")["ticket"]["id"]
    with ThreadingHTTPServer(("127.0.0.1", 0), Evil) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mine = f"http://127.0.0.1:{server.server_address[1]}"
        made = browser.new_context().new_page()  # with scripts
        made.goto(link(running))
        made.get_by_role("button", name="Sign in").click()
        base = made.url
        made.goto(f"{base}t/{number}")
        seal = made.locator("form.answer input[name=seal]").get_attribute("value")
        target = f"{base}t/{number}/answer"
        Evil.page = (
            f"<form id=f method=post action='{target}'><input name=seal value='{seal}'><input name=verdict value=approve>"
            f"<input name=reason value=x></form><iframe src='{base}t/{number}'></iframe><script>"
            f"fetch('{target}',{{method:'POST',credentials:'include',body:new URLSearchParams({{seal:'{seal}',verdict:'approve',reason:'x'}})}})"
            f".catch(()=>0).finally(()=>fetch('{base}',{{credentials:'include'}}).then(r=>r.text()).then(t=>document.title='read '+t)"
            ".catch(()=>document.title='nothing').finally(()=>document.getElementById('f').submit()))</script>"
        ).encode()  # fmt: skip
        made.goto(mine)
        made.wait_for_url(f"{target}")
        assert "PLR215" in made.content()
        framed = browser.new_context(java_script_enabled=False, storage_state=made.context.storage_state()).new_page()
        framed.goto(mine)
        frame = framed.frames[1]
        assert "codex" not in frame.content() and frame.locator("button").count() == 0  # click-jacking
        server.shutdown()
    assert running.call("GET", f"/v1/approvals/{number}", **bearer(TOKENS["mia"]))[1]["state"] == "pending"
    assert all("policy_console" not in c for c in Evil.cookies)  # a cookie knows no port, but this one has a path
