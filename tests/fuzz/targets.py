# ruff: noqa: SIM105 (each reader's own errors, in one form)
"""What is fuzzed: each reader of somebody else's bytes, as a function that takes bytes and gives nothing back.

A value or an error of the family that the reader names is right. Any other exception is a find, and so is a decision that says
`internal error`, or one whose normal form is not normal.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from zlib import crc32

from policy_lang import Policy, PolicyError, RequestError, __version__
from policy_lang.compiled import layout
from policy_lang.compiled.codec import DamagedError
from policy_lang.compiled.reader import Contents
from policy_lang.compiler.binary import compile_binary
from policy_lang.domain import strict_json
from policy_lang.domain.faults import CallerError
from policy_lang.domain.request import Request
from policy_lang.engine.pdp import Engine
from policy_lang.facts.git_delta import DeltaError, patched
from policy_lang.facts.git_index import names_of
from policy_lang.facts.git_objects import UnreadableError
from policy_lang.facts.hosts import host_facts, normal_destination, normal_host
from policy_lang.facts.paths import Roots, path_forms
from policy_lang.facts.refs import ref_facts
from policy_lang.foreign.formats import FORMATS
from policy_lang.foreign.translate import translated
from policy_lang.pep.clients import NAMES, client
from policy_lang.pep.payload import HookContext
from policy_lang.resolve.files import read_source
from policy_lang.shell.dialect import DIALECTS
from policy_lang.shell.reader import parse_script
from policy_lang.shell.reading import Opaque
from policy_lang.syntax.format import format_file
from policy_lang.syntax.parse import parse
from policy_lang.wire.requests import parse_request, request_of

POLICY = """policy "p"
tier review { approvers "@team" }
allow read, write, delete "./" except "**/.env"
deny read, write, delete "secret/", "**/*.key", "src/**/a?b*"
ask review write "package.json"
allow run "**"
deny run "rm **" with "-r"
allow connect "*.example", "https://docs.example/a/**", "10.0.0.0/8"
allow do, call, use "**"
"""


@functools.cache
def folder() -> str:
    """A workspace on the disk, that links and globs find."""
    top = os.path.realpath(tempfile.mkdtemp(prefix="fuzz"))
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    for name in (
        "a",
        "aa",
        ".env",
        "src/a1b",
        "src/deep/b.key",
        "secret/x",
        ".git/HEAD",
        "-rf",
        "package.json",
        "Makefile",
    ):
        place = os.path.join(top, "ws", name)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "w", encoding="ascii") as stream:
            stream.write("ref: refs/heads/main\n" if name.endswith("HEAD") else "rm **\n" if name == "a" else "")
    os.symlink("src", os.path.join(top, "ws/link"))
    return top


@functools.cache
def engine() -> Engine:
    """The engine that decides what a reader has understood."""
    return Policy.loads(POLICY).engine


def decided(request: Request) -> None:
    """Decide it: whatever was read has an answer that is no fault of ours."""
    reasons = engine().decide(request).reasons
    assert not any("internal error" in r for r in reasons), reasons


def here(**fields: object) -> Request:
    """A request in the workspace."""
    ws = os.path.join(folder(), "ws")
    return request_of({"cwd": ws, "workspace": ws, "home": folder(), **fields})


def as_text(data: bytes) -> str:
    """Bytes as text that a request may hold."""
    return data.decode("utf-8", "replace")


def policy(data: bytes) -> None:
    """The parser and the compiler of policies; what is formatted is the same when it is formatted again."""
    try:
        source = read_source("p.policy", read=lambda *_: data)
    except PolicyError:
        return
    tree = parse(source)
    if not tree.diagnostics:
        text = format_file(tree)
        again = parse(read_source("p.policy", read=lambda *_: text.encode()))
        assert not again.diagnostics, again.diagnostics
        assert format_file(again) == text, text
    try:
        Policy.loads(source.text, "/nowhere/p.policy")
    except PolicyError:
        pass


def request(data: bytes) -> None:
    """The decoder of requests, and the decision on what it has read."""
    try:
        decided(parse_request(data))
    except RequestError:
        pass


def shell(data: bytes) -> None:
    """The reader of commands, in each dialect, and the decision on it. The first byte chooses the dialect."""
    names = sorted(DIALECTS)
    name, text = names[data[0] % len(names)] if data else names[0], as_text(data[1:])
    try:
        parse_script(text, DIALECTS[name])
    except Opaque:
        pass
    try:
        decided(here(action="run", resource=text, shell=name))
    except RequestError:
        pass


def argv(data: bytes) -> None:
    """A command as words, which are parted by NUL."""
    try:
        decided(here(action="run", resource=as_text(data).split("\0")))
    except RequestError:
        pass


def url(data: bytes) -> None:
    """Hosts, addresses and URLs: one spelling each, whose spelling is itself."""
    text = as_text(data)
    try:
        host = host_facts(text).host
        if isinstance(host, str):
            assert normal_host(host) == host, host
        decided(here(action="connect", resource=text))
    except RequestError:
        return
    try:
        normal = normal_destination(text)
    except RequestError:
        return
    assert normal_destination(normal) == normal


def path(data: bytes) -> None:
    """Paths: with and without a disk, as text and as patterns."""
    text = as_text(data)
    try:
        assert path_forms(text, Roots("/w/ws", "/w/ws/src", "/home/a"))
        for action in ("read", "write", "delete"):
            decided(here(action=action, resource=text))
        decided(here(action="read", resource=text, lexical=True))
        decided(here(action="read", resource={"pattern": text}, lexical=True))
    except RequestError:
        pass


def ref(data: bytes) -> None:
    """Refs of git, and dotted names."""
    text = as_text(data)
    try:
        ref_facts(text)
    except RequestError:
        pass
    for action in ("push", "call", "do"):
        try:
            decided(here(action=action, resource=text))
        except RequestError:
            pass


@functools.cache
def compiled_file() -> bytes:
    """A compiled policy, of which the bytes say what is changed."""
    place = os.path.join(folder(), "p.policy")
    with open(place, "w", encoding="utf-8") as stream:
        stream.write(POLICY)
    return compile_binary(place, __version__)


def compiled(data: bytes) -> None:
    """The reader of compiled policies: bytes as they are, then as changes of a good one.

    Four bytes are a place in the file (three) and its new byte. Without its checksum made right all of them are refused. With it
    they are not the reader's to find, as whoever can make it right could write any policy; then it has at least an end.
    """
    try:
        Contents(data)
    except DamagedError:
        pass
    good = compiled_file()
    made = bytearray(good)
    for at in range(0, len(data) - 3, 4):
        made[int.from_bytes(data[at : at + 3], "big") % len(made)] = data[at + 3]
    if made == good:
        return
    try:
        Contents(bytes(made))
    except DamagedError:
        pass
    else:
        raise AssertionError("a file with a byte changed was taken")
    if data:
        short = good[: int.from_bytes(data[:3], "big") % len(good)]
        try:
            Contents(short)
        except DamagedError:
            pass
        else:
            raise AssertionError("a file that is cut short was taken")
    made[8 : layout.HEADER] = (
        layout.FORMAT.to_bytes(4, "little")
        + crc32(bytes(made[layout.HEADER :])).to_bytes(4, "little")
        + len(made).to_bytes(4, "little")
    )
    try:
        forged = Contents(bytes(made))
        Engine(forged.prepared, profiles=forged.profile).decide(here(action="run", resource="rm -r a; cat link/a"))
    except (DamagedError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RequestError):
        pass  # no crash of the interpreter, no endless loop, no memory without bound


def hook(data: bytes) -> None:
    """The input of each client's hook, and the decisions on what it asks. The first byte chooses the client."""
    names = sorted(NAMES)
    spec = client(names[data[0] % len(names)] if data else names[0])
    ws = os.path.join(folder(), "ws")
    try:
        payload = strict_json.load(data[1:])
        if not isinstance(payload, dict):
            return
        context = HookContext(ws, ws, folder(), "s")
        for question in spec.questions(payload, context):
            fields = json.loads(strict_json.dump(question.fields))
            decided(request_of({"cwd": context.cwd, "workspace": ws, "home": folder(), **fields}))
    except CallerError:
        pass


def patch(data: bytes) -> None:
    """Patches as Codex gives them: every file that a mark names is asked about, or nothing is known of it."""
    text = as_text(data)
    try:
        decided(here(action="run", resource=["apply_patch", text], inner=True))
    except RequestError:
        pass


def git(data: bytes) -> None:
    """Deltas of git's packs, and its index. The first byte is where the base ends."""
    end = 1 + (data[0] if data else 0)
    try:
        assert len(patched(data[1:end], data[end:], 1 << 16)) <= 1 << 16
    except DeltaError:
        pass
    try:
        names_of(data)
    except (UnreadableError, ValueError):
        pass


def permissions(data: bytes) -> None:
    """Permission files of clients: what is read compiles, and the client's own answers are answers.

    The first byte chooses the format.
    """
    kind = FORMATS[data[0] % len(FORMATS)] if data else FORMATS[0]
    try:
        found = kind.read([read_source(kind.place or "permissions", read=lambda *_: data[1:])])
    except PolicyError:
        return
    translated(found, "p")
    for entry in found.entries[-4:]:
        assert {found.model(asked) for asked in entry.tries[:4]} <= {"allow", "ask", "deny"}


Target = Callable[[bytes], None]
TARGETS: dict[str, Target] = {
    f.__name__: f for f in (policy, request, shell, argv, url, path, ref, compiled, hook, patch, git, permissions)
}
