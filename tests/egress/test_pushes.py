"""What a push does to refs: git's words on the wire, commits in packs, and the hook of a server; all with real git."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_lang import Policy
from policy_lang.domain.errors import RequestError
from policy_lang.domain.limits import limit
from policy_lang.domain.request import Request
from policy_lang.egress import packs
from policy_lang.egress.packs import goes_forward
from policy_lang.egress.port import Ruling
from policy_lang.egress.pushes import RefUpdate, read_commands, read_update, refusal, refused
from policy_lang.testing import run_tests

ROOT = Path(__file__).parents[2]
ONE, TWO, NONE = "1" * 40, "2" * 40, "0" * 40
POLICY = """policy "p"
tier review { approvers "@x" }
agent "bot-*" {
    allow push "agent/**", "main"
    ask review push "release"
    allow delete-ref "agent/old/**"
    allow push, force-push "mirror:**"
}
"""


def packet(line: str) -> bytes:
    return f"{len(line.encode()) + 4:04x}{line}".encode()


def commands(*lines: str, words: str = "report-status side-band-64k", pack: bytes = b"PACK") -> bytes:
    first, *rest = lines
    return packet(f"{first}\0 {words}") + b"".join(map(packet, rest)) + b"0000" + pack


class Repository:
    """A repository in a folder, with a history that the test makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str, stdin: bytes = b"", check: bool = True) -> bytes:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example", "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example", "WHO": "bot-1",
        }  # fmt: skip
        done = subprocess.run(
            ["git", *words], cwd=self.folder, env=environment, input=stdin, capture_output=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(done.stderr.decode())
        return done.stdout + done.stderr

    def commit(self, message: str, *words: str) -> str:
        self.git("commit", "-q", "--allow-empty", "-m", message, *words)
        return self.git("rev-parse", "HEAD").decode().strip()

    def pack(self, new: str, *without: str, thin: bool = True) -> memoryview:
        revisions = "\n".join([new, *(f"^{w}" for w in without)]) + "\n"
        words = ["--thin"] if thin else []
        data = self.git(
            "pack-objects", "--revs", "--stdout", "-q", "--delta-base-offset", *words, stdin=revisions.encode()
        )
        return memoryview(data)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work")


# words on the wire


def test_commands_of_a_push() -> None:
    found = read_commands(
        commands(f"{ONE} {TWO} refs/heads/a", f"{NONE} {ONE} refs/heads/é", f"{TWO} {NONE} refs/tags/t")
    )
    assert [(u.ref, u.creates, u.deletes) for u in found.updates] == [
        ("refs/heads/a", False, False), ("refs/heads/é", True, False), ("refs/tags/t", False, True),
    ]  # fmt: skip
    assert "side-band-64k" in found.capabilities
    body = packet(f"shallow {ONE}") + commands(f"{ONE} {TWO} refs/heads/a", words="push-options") + b""
    options = body.removesuffix(b"PACK") + packet("ci.skip") + b"0000PACK"
    found = read_commands(options)
    assert options[found.pack_at :] == b"PACK"
    assert read_commands(b"0000").updates == ()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"000", b"0001", b"0003", b"-001", b"+004", b"zzzz", b"0x10", b"ffff", b"0009abc", packet("abc"), packet(f"{ONE} {TWO} r"),
        commands(f"{ONE} {TWO}"), commands(f"{ONE} {TWO} refs/heads/a b"), commands(f"{ONE[1:]} {TWO} refs/heads/a"),
        commands(f"{'g' * 40} {TWO} refs/heads/a"), commands(f"{ONE.replace('1', 'A')} {TWO} refs/heads/a"),
        commands(f"{NONE} {NONE} refs/heads/a"), commands(f"{ONE} {TWO} refs/heads/a", f"{ONE} {NONE} refs/heads/a"),
        packet("push-cert\0 x") + b"0000", commands(f"{ONE} {TWO} refs/heads/a", words="push-options", pack=b""),
        b"\xff\xff\xff\xff", packet(f"{ONE} {'2' * 64} refs/heads/a\0 x") + b"0000",
    ],
)  # fmt: skip
def test_what_is_not_plainly_a_push_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError):
        read_commands(body)


def test_a_push_of_many_refs(monkeypatch: pytest.MonkeyPatch) -> None:
    most = limit("push_refs")
    lines = [f"{ONE} {TWO} refs/heads/{i}" for i in range(most)]
    assert len(read_commands(commands(*lines)).updates) == most
    with pytest.raises(RequestError, match="more than"):
        read_commands(commands(*lines, f"{ONE} {TWO} refs/heads/x"))


@given(st.binary(max_size=300), st.integers(0, 300))
def test_whatever_comes_is_read_or_refused(data: bytes, cut: int) -> None:
    for body in (data, commands(f"{ONE} {TWO} refs/heads/a", f"{ONE} {TWO} refs/heads/b")[:cut] + data):
        try:
            found = read_commands(body)
        except RequestError:
            continue
        assert 4 <= found.pack_at <= len(body)


def decide(granted: set[tuple[str, str]]):
    return lambda r: Ruling("allow") if (r.action, r.resource) in granted else Ruling("deny", f"no {r.action}")


def test_what_is_asked_about_an_update() -> None:
    never, always = (lambda _: False), (lambda _: True)
    made, moved = RefUpdate(NONE, ONE, "refs/heads/a"), RefUpdate(ONE, TWO, "refs/heads/a")
    gone, tag = RefUpdate(ONE, NONE, "refs/heads/a"), RefUpdate(ONE, TWO, "refs/tags/a")
    push, force = ("push", "origin:refs/heads/a"), ("force-push", "origin:refs/heads/a")
    assert refused([made], ["origin"], never, decide({push})) == {}
    assert refused([moved], ["origin"], always, decide({push})) == {}
    assert refused([moved], ["origin"], never, decide({push}), "unseen") == {"refs/heads/a": "no force-push; unseen"}
    assert refused([moved], ["origin"], never, decide({push, force})) == {}
    assert refused([moved], ["origin"], never, decide({force})) == {"refs/heads/a": "no push"}
    assert refused([gone], ["origin"], always, decide({push, force})) == {"refs/heads/a": "no delete-ref"}
    assert refused([tag], ["origin"], always, decide({("push", "origin:refs/tags/a")})) == {
        "refs/tags/a": "no force-push"
    }
    assert refused([made], ["origin", "fork"], never, decide({push})) == {"refs/heads/a": "no push"}


def test_a_server_that_no_remote_names_may_be_any() -> None:
    asked: list[Request] = []

    def note(request: Request) -> Ruling:
        asked.append(request)
        return Ruling("allow")

    assert refused([RefUpdate(NONE, ONE, "refs/heads/{a,b}")], [], lambda _: True, note) == {}
    assert [(r.resource, r.pattern) for r in asked] == [("*:refs/heads/[{]a,b[}]", True)]


def test_git_shows_why_a_ref_is_refused(repository: Repository) -> None:
    wanted = read_commands(commands(f"{ONE} {TWO} refs/heads/a", f"{ONE} {TWO} refs/heads/b"))
    said = refusal(wanted, {"refs/heads/a": "rule `x`\nsays so"})
    assert said.startswith(b"0")
    assert b"ng refs/heads/a rule `x` says so\n" in said
    assert b"ng refs/heads/b another ref of the same push is refused" in said
    assert refusal(read_commands(commands(f"{ONE} {TWO} refs/heads/a", words="atomic")), {}) == b""
    plain = refusal(read_commands(commands(f"{ONE} {TWO} refs/heads/a", words="report-status")), {"refs/heads/a": "no"})
    assert plain == b"000eunpack ok\n" + packet("ng refs/heads/a no\n") + b"0000"
    narrow = refusal(
        read_commands(commands(*(f"{ONE} {TWO} refs/heads/{i}" for i in range(50)), words="report-status side-band")),
        {},
    )
    assert int(narrow[:4], 16) <= 1000


# packs


def test_commits_that_lead_back(repository: Repository) -> None:
    old = repository.commit("one")
    middle = [
        repository.commit(f"a rather long message that is much the same as others, {i}\n\n{'text ' * 50}")
        for i in range(40)
    ]
    new = middle[-1]
    for thin in (True, False):
        pack = repository.pack(new, old, thin=thin)
        assert goes_forward(pack, old, new)
        assert not goes_forward(pack, new, old)
        assert not goes_forward(pack, NONE, new)
    assert goes_forward(repository.pack(new, middle[10]), middle[10], new)
    assert not goes_forward(repository.pack(new, middle[10]), old, new)  # the way there is not in the pack
    assert not goes_forward(memoryview(b""), old, new)


def test_histories_that_split_and_join(repository: Repository) -> None:
    base = repository.commit("base")
    left = repository.commit("left")
    repository.git("checkout", "-q", "-b", "side", base)
    right = repository.commit("right")
    assert not goes_forward(repository.pack(right, left), left, right)
    repository.git("merge", "-q", "-m", "joined", "main")
    joined = repository.git("rev-parse", "HEAD").decode().strip()
    pack = repository.pack(joined, left, right)
    assert goes_forward(pack, left, joined)
    assert goes_forward(pack, right, joined)
    amended = repository.commit("other", "--amend")
    assert not goes_forward(repository.pack(amended, joined), joined, amended)


def test_a_commit_cannot_pretend(repository: Repository) -> None:
    """Words that look like a parent, in a message or behind another header, make none."""
    old = repository.commit("old")
    repository.git("checkout", "-q", "--orphan", "other")
    new = repository.commit(f"message\n\nparent {old}\n")
    assert not goes_forward(repository.pack(new), old, new)
    tree = repository.git("write-tree").decode().strip()
    text = f"tree {tree}\nauthor a <a@example> 1 +0000\nparent {old}\ncommitter a <a@example> 1 +0000\n\nx\n"
    odd = (
        repository.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=text.encode())
        .decode()
        .strip()
    )
    packed = memoryview(repository.git("pack-objects", "--stdout", "-q", stdin=f"{odd}\n".encode()))
    assert not goes_forward(packed, old, odd)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("_MOST_OBJECTS", "pack_objects"),
        ("_MOST_BYTES", "pack_bytes"),
        ("_MOST_COMMIT", "pack_commit_bytes"),
        ("_MOST_COMMITS", "pack_commits_bytes"),
    ],
)
def test_a_pack_beyond_a_limit_shows_nothing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, name: str, size: str
) -> None:
    assert getattr(packs, name) == limit(size)
    old = repository.commit("old")
    new = repository.commit("new")
    pack = repository.pack(new, old)
    text = len(repository.git("cat-file", "commit", new))
    count = int.from_bytes(pack[8:12], "big")
    most = count if size == "pack_objects" else text
    monkeypatch.setattr(packs, name, most)
    assert goes_forward(pack, old, new)
    monkeypatch.setattr(packs, name, most - 1)
    assert not goes_forward(pack, old, new)


def thing(kind: int, data: bytes, base: bytes = b"") -> bytes:
    """One object of a pack (gitformat-pack(5))."""
    size, head = len(data) >> 4, [kind << 4 | len(data) & 15]
    while size:
        head[-1] |= 128
        head.append(size & 127)
        size >>= 7
    return bytes(head) + base + zlib.compress(data)


def test_small_differences_to_a_long_commit_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is some bytes, and makes another long text."""
    old, text = "1" * 40, b"tree 0\nparent " + b"1" * 40 + b"\n\n" + b"x" * 60_000
    name = hashlib.sha1(b"commit %d\0" % len(text) + text, usedforsecurity=False)
    same = len(text).to_bytes(2, "little")
    length = bytes([same[0] & 127 | 128, len(text) >> 7 & 127 | 128, len(text) >> 14])
    delta = length + length + b"\xb0" + same
    differences = [thing(7, delta, name.digest()) for _ in range(9)]
    pack = b"PACK" + (2).to_bytes(4, "big") + (10).to_bytes(4, "big") + thing(1, text) + b"".join(differences)
    assert len(pack) < 1000
    for most, shown in ((len(text) * 10, True), (len(text) * 10 - 1, False)):
        monkeypatch.setattr(packs, "_MOST_COMMITS", most)
        assert goes_forward(memoryview(pack), old, name.hexdigest()) is shown


def test_a_length_without_an_end_is_none() -> None:
    """A number that is built from very many bytes takes very long."""
    text = b"tree 0\nparent " + b"1" * 40 + b"\n\n"
    name = hashlib.sha1(b"commit %d\0" % len(text) + text, usedforsecurity=False)
    for more in range(4):
        delta = bytes([len(text) | 128]) + b"\x80" * (7 + more) + b"\0" + bytes([len(text), 0x90, len(text)])
        pack = b"PACK" + (2).to_bytes(4, "big") + (2).to_bytes(4, "big")
        pack += thing(1, text) + thing(7, delta, name.digest())
        assert goes_forward(memoryview(pack), "1" * 40, name.hexdigest()) is (more < 2)


def test_a_pack_that_is_cut_or_changed_shows_nothing_or_the_truth(repository: Repository) -> None:
    old = repository.commit("old")
    new = repository.commit("new")
    other = repository.commit("third")
    whole = bytes(repository.pack(new, old))
    for cut in range(len(whole) - 20):
        assert not goes_forward(memoryview(whole[:cut]), old, new)
        changed = whole[:cut] + bytes([whole[cut] ^ 0x41]) + whole[cut + 1 :]
        assert not goes_forward(memoryview(changed), other, new)


# a server


@pytest.fixture
def server(repository: Repository, tmp_path: Path) -> Iterator[Repository]:
    folder = tmp_path / "server.git"
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    (tmp_path / "p.policy").write_text(POLICY)
    hook = folder / "hooks" / "pre-receive"
    words = f"hook git-receive --policy {tmp_path}/p.policy --agent-env WHO --log {tmp_path}/log"
    hook.write_text(f"#!/bin/sh\nexec {sys.executable} -m policy_lang {words}\n")
    hook.chmod(0o755)
    repository.git("remote", "add", "origin", str(folder))
    repository.commit("one")
    repository.commit("two")
    yield repository


def test_the_hook_of_a_server(server: Repository) -> None:
    git = lambda *words: server.git("push", "origin", *words, check=False).decode()  # noqa: E731
    assert "new branch" in git("main")
    assert "no rule of `p` grants `push`" in git("main:other")
    assert "asks `review`; nobody can be asked here" in git("main:release")
    assert "new branch" in git("main:agent/1", "main:agent/old/1")
    assert "[deleted]" in git(":agent/old/1")
    assert "no rule of `p` grants `delete-ref`" in git(":agent/1")
    server.commit("three")
    assert "main -> agent/1" in git("main:agent/1")
    server.commit("another", "--amend")
    refused_ = git("-f", "main:agent/1")
    assert "grants `force-push`" in refused_
    assert "[remote rejected]" in refused_
    both = git("main:agent/2", "main:nowhere")
    assert both.count("[remote rejected]") == 2  # all or nothing


def test_a_replaced_commit_deceives_nobody(server: Repository) -> None:
    """What refs/replace says of a commit's parents is not asked."""
    server.git("push", "-q", "origin", "main:agent/1")
    tip = server.git("rev-parse", "HEAD").decode().strip()
    server.git("checkout", "-q", "--orphan", "fresh")
    fresh = server.commit("fresh")
    remote = Path(server.git("remote", "get-url", "origin").decode().strip())
    server.git("push", "-q", "origin", f"{fresh}:refs/heads/agent/fresh")
    bare = ["git", "-C", str(remote)]
    subprocess.run([*bare, "config", "user.name", "a"], check=True)
    subprocess.run([*bare, "config", "user.email", "a@example"], check=True)
    subprocess.run([*bare, "replace", "--graft", fresh, tip], check=True, capture_output=True)
    said = server.git("push", "-f", "origin", f"{fresh}:refs/heads/agent/1", check=False).decode()
    assert "grants `force-push`" in said


def test_a_symbolic_ref_is_what_it_leads_to(server: Repository) -> None:
    server.git("push", "-q", "origin", "main", "main:agent/1")
    remote = Path(server.git("remote", "get-url", "origin").decode().strip())
    subprocess.run(["git", "-C", remote, "branch", "other", "main"], check=True)
    for name, target in (("latest", "other"), ("first", "agent/1")):
        words = ["symbolic-ref", f"refs/heads/agent/{name}", f"refs/heads/{target}"]
        subprocess.run(["git", "-C", remote, *words], check=True)
    server.commit("three")
    said = server.git("push", "origin", "main:agent/latest", check=False).decode()
    assert "policy: refs/heads/other: no rule of `p` grants `push`" in said
    assert "main -> agent/first" in server.git("push", "origin", "main:agent/first").decode()
    assert "grants `delete-ref`" in server.git("push", "origin", ":agent/first", check=False).decode()


@pytest.mark.parametrize(
    ("words", "stdin", "who", "says"),
    [
        ([], "", "", "is not set"),
        ([], "nonsense\n", "bot-1", "is not `OLD NEW REF`"),
        ([], "\n", "bot-1", "is not `OLD NEW REF`"),
        (["--policy", "/nowhere.policy"], "", "bot-1", "nowhere.policy"),
    ],
)
def test_whatever_goes_wrong_refuses(tmp_path: Path, words: list[str], stdin: str, who: str, says: str) -> None:
    (tmp_path / "p.policy").write_text(POLICY)
    options = ["--policy", str(tmp_path / "p.policy"), "--agent-env", "WHO", *words]
    done = subprocess.run(
        [sys.executable, "-m", "policy_lang", "hook", "git-receive", *options],
        input=stdin, capture_output=True, text=True, env={"PATH": os.environ["PATH"], "WHO": who}, check=False,
    )  # fmt: skip
    assert done.returncode
    assert says in done.stderr


def test_as_much_as_git_tells(tmp_path: Path) -> None:
    line = f"{NONE} {ONE} refs/heads/agent/{'x' * 100}\n"
    (tmp_path / "p.policy").write_text(POLICY)
    words = [
        sys.executable,
        "-m",
        "policy_lang",
        "hook",
        "git-receive",
        "--policy",
        str(tmp_path / "p.policy"),
        "--agent",
        "bot-1",
    ]
    over = (line * (limit("receive_bytes") // len(line) + 1)).encode()
    assert b"more than" in subprocess.run(words, input=over, capture_output=True, check=False).stderr
    fits = over[: limit("receive_bytes")].rpartition(b"\n")[0]
    assert subprocess.run(words, input=fits, capture_output=True, check=False).returncode == 0


def test_a_git_that_takes_its_time(server: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    from policy_lang.cli import receive

    def slow(*_: object, timeout: int, **__: object) -> None:
        assert timeout == limit("receive_git_seconds")
        raise subprocess.TimeoutExpired("git", timeout)

    monkeypatch.setattr(receive.subprocess, "run", slow)
    with pytest.raises(RequestError, match="takes too long"):
        receive._goes_forward(read_update(f"{ONE} {TWO} refs/heads/a".encode()))


def test_the_policy_of_the_guide() -> None:
    page = (ROOT / "docs/how-to/hold-refs-on-a-server.md").read_text()
    text = page.partition("```policy\n")[2].partition("```")[0]
    report = run_tests(Policy.loads(text))
    assert report.results
    assert all(r.passed for r in report.results)
