"""A day's work in the console: links that lead there, searching, rejecting several, talking; and who tries to misuse it."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_lang.domain.limits import limit
from tests.console.support import policy

from .browser import chromium, needs_browser
from .support import Running
from .test_approvals import AGENT, OTHER_AGENT, TOKENS, answer, ask, bearer, configured
from .test_console import context, contrast, fits, link, opened, page, seal_of, signed_in
from .test_notify import SECRET, receiver  # noqa: F401 (a fixture)
from .test_waiting_tickets import place, replaced


@pytest.fixture
def console() -> Iterator[tuple[Running, int]]:
    with opened() as found:
        yield found


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Running, int]]:
    """For tests that do not mind what others have asked."""
    with opened() as found:
        yield found


def text_of(port: int, path: str, cookie: str) -> str:
    status, _, found = page(port, "GET", path, Cookie=cookie)
    assert status == 200, found
    return html.unescape(re.sub(r"<[^>]+>", "", found))


def state_of(running: Running, number: str) -> str:
    return str(running.call("GET", f"/v1/approvals/{number}", **bearer(TOKENS["mia"]))[1]["state"])


# links


def test_a_notification_leads_to_its_ticket_and_opens_nothing(receiver: Any) -> None:  # noqa: F811
    def prepare(folder: Path) -> None:
        (folder / "hook.secret").write_text(SECRET)
        (folder / "hook.secret").chmod(0o600)
        configured(folder, f'[notify.webhook]\nurl = "{receiver.url}"\nsecret-file = "hook.secret"\n')
        text = (folder / "serve.toml").read_text()
        (folder / "serve.toml").write_text(
            text.replace("[approvals]\n", '[approvals]\nconsole-url = "https://ok.example/c/"\n')
        )

    import json

    from .support import service
    from .test_approvals import ARGUMENTS, POLICY

    with service(POLICY, *ARGUMENTS, prepare=prepare) as running:
        number = ask(running)["ticket"]["id"]
        said = {"ticket": number, "to": "ben"}
        assert running.call("POST", "/v1/approvals/assign", said, **bearer(TOKENS["mia"]))[0] == 200
        end = time.monotonic() + 20
        while len(receiver.got) < 2:
            assert time.monotonic() < end
            time.sleep(0.02)
        events = [json.loads(body)["data"] for _, body in receiver.got]
        assert {e["event"] for e in events} == {"asked", "assigned"}
        assert {e["url"] for e in events} == {f"https://ok.example/c/t/{number}"}
        assert len({h["webhook-id"] for h, _ in receiver.got}) == 2


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://mia:pw@x.example", "https://x.example/?a=b", "https://x.example/#a", "https://", "//x.example", "https://x.example/ a"])  # fmt: skip
def test_the_consoles_address_is_one(tmp_path: Path, url: str) -> None:
    configured(tmp_path)
    text = (tmp_path / "serve.toml").read_text()
    (tmp_path / "serve.toml").write_text(text.replace("[approvals]\n", f'[approvals]\nconsole-url = "{url}"\n'))
    (tmp_path / "p.policy").write_text('policy "p"\n')
    done = policy("serve", "--policy", tmp_path / "p.policy", "--socket", tmp_path / "s", "--config", tmp_path / "serve.toml", "--state", tmp_path)  # fmt: skip
    assert done.code == 2 and "approvals.console" in done.err, done.err


def test_a_link_leads_to_the_ticket_after_signing_in(shared: tuple[Running, int]) -> None:
    running, port = shared
    number = ask(running)["ticket"]["id"]
    there, nowhere = (page(port, "GET", f"/t/{n}") for n in (number, "0" * 16))
    assert there[2].replace(number, "0" * 16) == nowhere[2]  # nothing is said of it, nor whether there is one
    assert f"policy approvals console {number}" in there[2] and "codex" not in there[2]
    url = policy("approvals", "console", number, *place(running)).out.strip()
    assert url.endswith(f"&ticket={number}")
    code = re.findall("code=([^&]+)", url)[0]
    shown = page(port, "GET", f"/sign-in?code={code}&ticket={number}")[2]
    assert f'name="ticket" value="{number}"' in shown
    status, headers, _ = page(port, "POST", "/sign-in", {"code": code, "ticket": number})
    assert status == 303 and headers["location"].endswith(f"/t/{number}")


@pytest.mark.parametrize(
    "ticket", ["//evil.example", "../../x", "0" * 15, "0" * 16 + "\n", "https://evil.example/", "%2f%2fevil"]
)
def test_signing_in_leads_nowhere_else(shared: tuple[Running, int], ticket: str) -> None:
    running, port = shared
    code = link(running).partition("code=")[2]
    headers = page(port, "POST", "/sign-in", {"code": code, "ticket": ticket})[1]
    assert re.fullmatch(r"/s/[A-Za-z0-9_-]{32}/", headers["location"])
    assert running.call("POST", "/v1/approvals/console", {"ticket": ticket}, **bearer(TOKENS["mia"]))[0] == 400


# searching


def test_tickets_are_found_by_what_a_person_knows(console: tuple[Running, int]) -> None:
    running, port = console
    npm = ask(running, action="run", resource=["npm", "install", "left-pad"])["ticket"]["id"]
    other = ask(running, OTHER_AGENT, resource="src/Package.json")["ticket"]["id"]
    boss = ask(running, action="do", resource="deploy")["ticket"]["id"]
    old = ask(running, resource="src/old")["ticket"]["id"]
    answer(running, "mia", old, "reject")
    base, cookie = signed_in(running, port)

    def found(query: str) -> set[str]:
        shown = page(port, "GET", f"{base}?{query}", Cookie=cookie)[2]
        return set(re.findall(r"/t/([0-9a-f]{16})\"", shown))

    assert found("state=waiting") == {npm, other, boss}
    assert found("q=package.json") == {other} == found("agent=other") == found("q=PACKAGE+src")
    assert found("action=run") == {npm} == found("q=left-pad") == found(f"q={npm}&state=all")
    assert found("tier=boss") == {boss} and found("tier=bos") == set()
    assert found("state=rejected") == {old} and found("state=all") == {npm, other, boss, old}
    replaced(running, running.policy.read_text() + 'allow read "docs/**"\n')
    assert found("state=waiting") == set() and found("state=superseded") == {npm, other, boss}
    assert "superseded" in text_of(port, f"{base}t/{npm}", cookie) and "Approve" not in text_of(
        port, f"{base}t/{npm}", cookie
    )


def test_searches_are_bounded_and_shown_as_text(shared: tuple[Running, int]) -> None:
    running, port = shared
    base, cookie = signed_in(running, port)
    words = limit("console_search_words")
    pages, most = limit("console_pages"), limit("console_query_bytes")
    for query, status in (
        ("q=" + "+".join(["x"] * words), 200), ("q=" + "+".join(["x"] * (words + 1)), 400),
        (f"page={pages}", 200), (f"page={pages + 1}", 400), ("page=0", 400), ("page=-1", 400), ("page=1e9", 400), ("page=\u0661", 400),
        ("q=" + "x" * (most - 2), 200), ("q=" + "x" * (most - 1), 400),
        ("state=nothing", 400), ("x=1", 400), ("q=%ff", 400), ("q=(a%2B)%2B%24", 200), ("q=%00", 200), ("&" * 20, 400),
    ):  # fmt: skip
        from urllib.parse import quote

        assert page(port, "GET", f"{base}?{quote(query, safe='=&+%-')}", Cookie=cookie)[0] == status, query[:40]
    bad = page(port, "GET", f"{base}?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&agent=%22+onfocus%3Dx", Cookie=cookie)[2]
    assert (
        "<script" not in bad and 'onfocus=x"' not in bad.replace("&#34;", '"').replace('" onfocus', "")
    ) or "&#34;" in bad
    assert "<script" not in bad and "&lt;script&gt;" in bad


def test_a_page_has_so_many_and_leads_to_the_next(console: tuple[Running, int]) -> None:
    running, port = console
    most = limit("console_page_tickets")
    for number in range(most + 1):
        ask(running, AGENT if number % 2 else OTHER_AGENT, resource=f"src/{number:03}")
    base, cookie = signed_in(running, port)
    first, second = (page(port, "GET", f"{base}?state=waiting&page={n}", Cookie=cookie)[2] for n in (1, 2))
    assert first.count('type="checkbox"') == most and second.count('type="checkbox"') == 1
    assert "Page 1 of 2" in first and 'rel="next"' in first and 'rel="prev"' not in first and 'rel="prev"' in second
    assert "http-equiv" not in first  # what is being typed or chosen is not taken away
    assert f"{most + 1} waiting" in page(port, "GET", base, Cookie=cookie)[2]


# several at once


def chosen(shown: str) -> dict[str, str]:
    return dict(re.findall(r'name="(reject-[0-9a-f]{16})" value="([0-9a-f]+)"', shown))


def test_several_are_rejected_with_one_reason(console: tuple[Running, int]) -> None:
    running, port = console
    numbers = [ask(running, resource=f"src/{n}")["ticket"]["id"] for n in range(4)]
    base, cookie = signed_in(running, port)
    shown = page(port, "GET", f"{base}?state=waiting", Cookie=cookie)[2]
    boxes = chosen(shown)
    assert set(boxes) == {f"reject-{n}" for n in numbers}
    kept = numbers[0]
    answer(running, "ben", numbers[1])  # while mia reads
    form = {n: s for n, s in boxes.items() if kept not in n} | {
        "seal": seal_of(shown, "reject"),
        "reason": "junk",
        "back": "?state=waiting",
    }
    status, headers, _ = page(port, "POST", f"{base}reject", form, Cookie=cookie)
    assert status == 303 and headers["location"] == f"{base}?state=waiting&page=1"
    assert [state_of(running, n) for n in numbers] == ["pending", "approved", "rejected", "rejected"]
    seen = running.call("GET", f"/v1/approvals/{numbers[2]}", **bearer(TOKENS["mia"]))[1]
    assert [(v["person"], v["reason"]) for v in seen["votes"]] == [("mia", "junk")]
    after = text_of(port, headers["location"], cookie)
    assert "2 tickets rejected" in after and f"{numbers[1]}: it has changed since" in after
    assert "rejected;" not in text_of(port, f"{base}?state=waiting", cookie)  # said once
    page(port, "POST", f"{base}reject", {"seal": form["seal"], "back": ""}, Cookie=cookie)
    assert "Choose at least one" in text_of(port, f"{base}?state=waiting", cookie)


def test_nothing_is_rejected_by_others_nor_approved_in_bulk(console: tuple[Running, int]) -> None:
    running, port = console
    number = ask(running)["ticket"]["id"]
    boss = ask(running, action="do", resource="deploy")["ticket"]["id"]
    base, cookie = signed_in(running, port)
    other, others = signed_in(running, port, "ben")
    shown = page(port, "GET", f"{base}?state=waiting", Cookie=cookie)[2]
    assert set(chosen(shown)) == {f"reject-{number}"}  # mia is not asked for the other
    mine, seal = chosen(shown)[f"reject-{number}"], seal_of(shown, "reject")
    theirs = page(port, "GET", f"{other}?state=waiting", Cookie=others)[2]
    answer_seal = seal_of(page(port, "GET", f"{base}t/{number}", Cookie=cookie)[2], "answer")
    for form in (
        {f"reject-{number}": chosen(theirs)[f"reject-{number}"], "seal": seal}, {f"reject-{number}": answer_seal, "seal": seal},
        {f"reject-{boss}": mine, "seal": seal}, {f"reject-{number}": "", "seal": seal}, {"reject-x": mine, "seal": seal},
        {f"reject-{boss}": chosen(theirs)[f"reject-{boss}"], "seal": seal},
    ):  # fmt: skip
        assert page(port, "POST", f"{base}reject", form, Cookie=cookie)[0] == 303
    assert (
        page(
            port, "POST", f"{base}reject", {f"reject-{number}": mine, "seal": seal_of(theirs, "reject")}, Cookie=cookie
        )[0]
        == 409
    )
    assert (
        page(
            port,
            "POST",
            f"{base}reject",
            {f"reject-{number}": mine, "seal": seal},
            Cookie=cookie,
            Origin="http://evil.example",
        )[0]
        == 403
    )
    assert page(port, "GET", f"{base}reject?seal={seal}", Cookie=cookie)[0] == 405
    assert page(port, "POST", f"{base}approve", {f"approve-{number}": mine, "seal": seal}, Cookie=cookie)[0] == 404
    page(port, "POST", f"{base}reject", {f"approve-{number}": mine, "seal": seal, "verdict": "approve"}, Cookie=cookie)
    assert state_of(running, number) == state_of(running, boss) == "pending"
    fields = {f"reject-{n:016x}": mine for n in range(limit("console_fields"))}
    assert page(port, "POST", f"{base}reject", fields, Cookie=cookie)[0] == 409
    fields.popitem()
    assert page(port, "POST", f"{base}reject", {**fields, "seal": seal}, Cookie=cookie)[0] == 303
    assert page(port, "POST", f"{base}reject", {**fields, "seal": seal, "reason": ""}, Cookie=cookie)[0] == 409
    assert page(port, "GET", f"/sign-in?code=x&ticket={number}", Cookie=cookie)[0] == 403
    assert limit("console_link_fields") == 2 and page(port, "GET", f"/sign-in?code=x&ticket={number}&a=b")[0] == 403


def test_a_comment_that_came_meanwhile_is_read_before_a_yes(shared: tuple[Running, int]) -> None:
    running, port = shared
    number = ask(running)["ticket"]["id"]
    base, cookie = signed_in(running, port)
    seal = seal_of(page(port, "GET", f"{base}t/{number}", Cookie=cookie)[2], "answer")
    running.call("POST", "/v1/approvals/comment", {"ticket": number, "text": "do not!"}, **bearer(TOKENS["ben"]))
    form = {"seal": seal, "verdict": "approve", "reason": "all is <well>"}
    status, _, shown = page(port, "POST", f"{base}t/{number}/answer", form, Cookie=cookie)
    assert status == 409 and "do not!" in shown and "all is &lt;well&gt;</textarea>" in shown  # what was typed is kept
    assert state_of(running, number) == "pending"


@pytest.mark.parametrize("bad", ["<script>alert(1)</script>", "</textarea><img src=x onerror=x>", "a\u202eb\u200bc", "x\n\n\nApproved by mia", "`code` `", "javascript:alert(1)"])  # fmt: skip
def test_purposes_comments_and_branches_are_text(shared: tuple[Running, int], bad: str) -> None:
    running, port = shared
    folder = running.folder / bad.encode().hex()[:40]
    (folder / ".git").mkdir(parents=True)
    (folder / ".git/HEAD").write_text(f"ref: refs/heads/{bad}\n")
    (folder / ".git/config").write_text(f'[remote "origin"]\nurl = https://h.example/{bad.splitlines()[0]}\n')
    where = {"workspace": str(folder), "cwd": str(folder), "home": "/h"}
    told = {"purpose": bad, "client": bad, "model": bad}
    number = ask(running, origin=told, branch=bad, session=bad.splitlines()[0], repo=bad, **where)["ticket"]["id"]
    body = {"ticket": number, "text": bad}
    running.call("POST", "/v1/approvals/comment", body, **bearer(TOKENS["ben"]))
    base, cookie = signed_in(running, port)
    for path in (base, f"{base}?state=all", f"{base}t/{number}"):
        status, _, shown = page(port, "GET", path, Cookie=cookie)
        assert status == 200, shown
        for hidden in ("\u202e", "\u200b", "<script", "<img", 'href="javascript'):
            assert hidden not in shown, (path, hidden)
    shown = page(port, "GET", f"{base}t/{number}", Cookie=cookie)[2]
    before, _, rest = shown.partition("Said by the agent, checked by nobody")
    assert "Approved by mia" not in before.replace("refs", "") or "\n" not in bad
    assert "<blockquote>" in rest
    running.call("POST", "/v1/approvals/revoke", {"ticket": number}, **bearer(TOKENS["ben"]))


def test_what_it_writes_is_a_difference_on_the_page(shared: tuple[Running, int]) -> None:
    running, port = shared
    folder = running.folder / "work"
    (folder / "src").mkdir(parents=True)
    (folder / "src/a").write_text("    one\ntwo\n")
    where = {"workspace": str(folder), "cwd": str(folder), "home": "/h"}
    more = limit("content_lines")
    text = "    one\n<img src=x>\u202eb\u200bc  \n" + "".join(f"line {n}\n" for n in range(more))
    number = ask(running, content={"tool": "Write", "text": text}, **where)["ticket"]["id"]
    base, cookie = signed_in(running, port)
    status, _, shown = page(port, "GET", f"{base}t/{number}", Cookie=cookie)
    assert status == 200
    head, _, rest = shown.partition("<details><summary>3 lines more</summary>")
    lines = [part.split("</pre>")[0] for part in head.split('<span class="line ')[1:]]
    assert lines[0] == 'same"><span class="sign"> </span>    one</span>' and len(lines) == more
    assert lines[1] == 'out"><span class="sign">-</span>two</span>'
    assert lines[2].startswith('in"><span class="sign">+</span>&lt;img src=x&gt;<span class="ghost" title="U+202E">')
    assert 'title="U+200B"' in lines[2] and lines[2].count('title="space"') == 2  # at its end, not at the beginning
    for hidden in ("\u202e", "\u200b", "<img"):
        assert hidden not in shown
    assert f"line {more - 1}" in rest.partition("</details>")[0]
    running.call("POST", "/v1/approvals/revoke", {"ticket": number}, **bearer(TOKENS["ben"]))


# in a real browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


def filled() -> str:
    from .test_console import POLICY

    return POLICY.replace("expires 30m", "expires 30m  scope session")


@needs_browser
def test_a_person_works_through_tickets(browser: Any, console: tuple[Running, int]) -> None:
    running, _port = console
    numbers = [ask(running, resource=f"src/{n}.ts", origin={"purpose": "tidy"})["ticket"]["id"] for n in range(5)]
    mia = context(browser, viewport={"width": 320, "height": 600}).new_page()
    mia.goto(policy("approvals", "console", numbers[0], *place(running)).out.strip())
    mia.get_by_role("button", name="Sign in").click()
    mia.wait_for_url(f"**/t/{numbers[0]}")
    assert mia.get_by_role("heading", name="Said by the agent, checked by nobody").is_visible()
    assert "tidy" in mia.get_by_role("blockquote").inner_text()
    mia.get_by_label("To the others").fill("why?")
    mia.get_by_role("button", name="Comment").click()
    assert "why?" in mia.locator(".talk").inner_text()
    mia.get_by_label("Assigned to").select_option("ben")
    mia.get_by_role("button", name="Assign").click()
    assert "ben is asked" in mia.locator(".head").inner_text()
    mia.get_by_role("button", name="Approve once").click()
    mia.wait_for_selector(".state.big.approved")
    assert state_of(running, numbers[0]) == "approved"
    mia.get_by_role("link", name="Next of 4 waiting").click()
    mia.get_by_role("link", name="Search").click()
    mia.get_by_label("Words").fill("src/3")
    mia.get_by_role("button", name="Search").click()
    assert mia.locator("ul.tickets li").count() == 1
    mia.get_by_label("Choose write src/3.ts of codex").check()
    mia.get_by_label("Reason").fill("not that one")
    mia.get_by_role("button", name="Reject chosen").click()
    assert "1 ticket rejected" in mia.get_by_role("status").inner_text()
    assert state_of(running, numbers[3]) == "rejected" and state_of(running, numbers[2]) == "pending"


@needs_browser
def test_a_session_is_chosen_and_says_what_it_covers(browser: Any) -> None:
    with opened(filled()) as (running, _port):
        number = ask(running)["ticket"]["id"]
        mia = context(browser).new_page()
        mia.goto(link(running))
        mia.get_by_role("button", name="Sign in").click()
        mia.goto(f"{mia.url}t/{number}")
        button = mia.get_by_role("button", name="Approve for the session")
        said = mia.locator(f"#{button.get_attribute('aria-describedby')}").inner_text()
        assert "exactly this again and again, by codex in the session s, for 8 h" in said
        button.click()
        assert "until 20" in mia.locator(".note").inner_text()
        assert [ask(running, ticket=number)["effect"] for _ in range(2)] == ["allow", "allow"]


_SEEN = "[...document.querySelectorAll('%s')].filter(e => e.checkVisibility() && e.getClientRects().length)"
_TEXTS = (
    f"() => {_SEEN % 'main *:not(option)'}"
    ".filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).map(e => {"
    " let b = e; while (b && getComputedStyle(b).backgroundColor === 'rgba(0, 0, 0, 0)') b = b.parentElement;"
    " return [e.innerText.slice(0, 60), getComputedStyle(e).color, getComputedStyle(b || document.body).backgroundColor]"
    " })"
)
_CONTROLS = (
    f"() => {_SEEN % 'button, input:not([type=checkbox]):not([type=hidden]), select, summary'}"
    ".map(e => [e.innerText, e.getBoundingClientRect().height])"
)
"""At once, so that a page that looks again does not do so in between."""


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1280, 1600])
def test_every_page_fits_is_named_and_can_be_read(
    browser: Any, shared: tuple[Running, int], scheme: Any, width: int
) -> None:
    running, _port = shared
    where = {"workspace": "/" + "w" * 90, "cwd": "/" + "w" * 90, "home": "/h"}
    told = {"purpose": "p" * 300 + " " + "words " * 100, "client": "c" * 200}
    number = ask(running, resource="src/" + "a" * 240, origin=told, **where)["ticket"]["id"]
    ask(running, OTHER_AGENT, action="run", resource=["npm", "install", "x"])
    running.call("POST", "/v1/approvals/comment", {"ticket": number, "text": "y" * 300}, **bearer(TOKENS["ben"]))
    made = context(browser, viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
    made.goto(link(running))
    made.get_by_role("button", name="Sign in").click()
    base = made.url
    for path in (
        base,
        f"{base}?state=waiting",
        f"{base}t/{number}",
        f"{base}t/{number}x",
        f"{base[: base.index('/s/')]}/t/{number}",
    ):
        made.goto(path)
        assert fits(browser, made), path
        for text, ink, paper in made.evaluate(_TEXTS):
            assert contrast(paper, ink) >= 4.5, (path, text)  # WCAG 2.2, 1.4.3
        for text, height in made.evaluate(_CONTROLS):
            assert height >= 43.5, (path, text)  # WCAG 2.2, 2.5.5
    # what a screen reader is told: every control has a name, and there is one first heading
    made.goto(f"{base}?state=waiting")
    session = made.context.new_cdp_session(made)
    for path in (f"{base}?state=waiting", f"{base}t/{number}"):
        made.goto(path)
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        controls = {"button", "link", "textbox", "searchbox", "combobox", "checkbox", "list", "DisclosureTriangle"} - {
            "list"
        }
        for node in nodes:
            if not node.get("ignored") and node["role"]["value"] in controls:
                assert node.get("name", {}).get("value", "").strip(), (path, node["role"])
        assert made.locator("h1").count() == 1
        boxes = [n["name"]["value"] for n in nodes if n["role"]["value"] == "checkbox"]
        assert len(boxes) == len(set(boxes))
    running.call("POST", "/v1/approvals/revoke", {"ticket": number}, **bearer(AGENT))
