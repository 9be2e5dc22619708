"""A home with a workspace, policies about it, and probes: what a sandbox is tried with, and what must come of it."""

from __future__ import annotations

import contextlib
import http.server
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from policy_lang import Policy
from policy_lang.domain.request import Request
from policy_lang.engine.places import Places
from policy_lang.exports.exporting import Export, exported, target_named
from policy_lang.exports.model import policy_of
from policy_lang.walls.losses import NOT_HELD

FILES = (
    "w/README.md", "w/.env", "w/.env.example", "w/src/a.py", "w/src/b.txt", "w/src/.env", "w/src/deep/c.py",
    "w/src/deep/key.pem", "w/src/gen/made.py", "w/docs/a.md", "w/docs/public/p.md", "w/docs/private/q.md",
    "w/secrets/key", "w/secrets/open/o", "w/.git/config", "w/.git/HEAD", "w/.git/hooks/pre-commit", "w/tests/t.py",
    "w/odd name [1]{a}*.txt", "w/src/ünï.txt", "w/build/out.o", ".bashrc", ".ssh/id_rsa", ".cache/tool/x", "notes/n.txt",
)  # fmt: skip
POLICIES = {
    "all of it": 'policy "p" allow read, write, delete "./"',
    "reading": 'policy "p" allow read "./"',
    "nothing": 'policy "p" allow run "ls"',
    "one folder": 'policy "p" allow read "src/" allow write, delete "src/"',
    "secrets": 'policy "p" allow read "./" allow write, delete "src/" deny read, write, delete "**/.env", "**/*.pem"',
    "exceptions": (
        'policy "p" allow read "./" except "secrets/**", "docs/private/" '
        'allow read "secrets/open/" allow write, delete "src/" except "src/gen/"'
    ),
    "by name": 'policy "p" allow read "**/*.{py,md}" allow write "src/**/*.py"',
    "no deletion": 'policy "p" allow read "./" allow write "./" except "docs/"',
    "home": (
        'policy "p" allow read "./", "~/notes/", "~/.cache/" allow write, delete "~/.cache/", "tests/" '
        'deny read "~/.ssh/"'
    ),
    "asked": (
        'policy "p" tier t { approvers "@x" } allow read "./" allow write "src/" ask t write "src/gen/" '
        'ask t read "secrets/" otherwise ask t'
    ),
    "by agent": 'policy "p" agent "a" { allow read "docs/" } agent "b" { allow read, write, delete "./" }',
    "odd names": 'policy "p" allow read "*" allow write "odd name [[]1]*", "src/ü*"',
    "inside out": (
        'policy "p" allow read, write, delete "./" except "docs/" allow read "docs/" except "docs/private/" '
        'allow write, delete "docs/public/"'
    ),
    "when": (
        'policy "p" context { env: string } allow read "./" when env == "dev" { allow write "src/" } '
        'when confined { allow write "tests/" } deny read "docs/" when env == "prod"'
    ),
}  # fmt: skip
"""Policies about that home: broad and narrow ones, exceptions, names, the home, tiers, agents, conditions."""
WAYS = [(name, True) for name in POLICIES] + [(n, False) for n in ("secrets", "home", "odd names", "inside out")]
"""What the slower programs are tried with: policies, and whether `--widen` is given."""


def world() -> Path:
    """A new home with a workspace `w`, in no folder that sandboxes have of their own."""
    home = Path(tempfile.mkdtemp(dir="/var/tmp"))
    for name in FILES:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}\n")
    (home / "w/link").symlink_to("../.ssh/id_rsa")
    return home


def like(home: Path, agent: str | None = "a", tmp: str = "/tmp") -> Request:
    """What all requests are like."""
    return Request(
        "read", ".", agent=agent, workspace=str(home / "w"), home=str(home), tmp=tmp, cwd=str(home / "w"), lexical=True
    )


def source(home: Path, text: str) -> Path:
    """The policy's file."""
    path = home / "policy" / "p.policy"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def export(name: str, text: str, home: Path, **options: object) -> tuple[Policy, Export]:
    """A policy and what was written of it."""
    return export_file(name, source(home, text), home, **options)


def export_file(
    name: str, path: Path, home: Path, agent: str | None = "a", tmp: str = "/tmp", **options: object
) -> tuple[Policy, Export]:
    """The same of a policy that has a file already."""
    policy = Policy.load(str(path))
    variables = options.pop("variables", {"LANG": "C"})
    return policy, exported(target_named(name), policy, like(home, agent, tmp), variables, **options)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Probe:
    """One thing to try, and whether the model says that it works."""

    action: str
    path: str
    works: bool


def probes(policy: Policy, made: Export, home: Path) -> list[Probe]:
    """Reading, changing, making and deleting: every file of the home, new names that the rules tell apart, system files."""
    model = made.written.model
    permits = policy_of(model, (*model.system, *model.files))
    there = [str(home / name) for name in FILES]
    places = Places(policy.engine, "write", like(home))
    new = [p.path for folder in (str(home / "w"), str(home)) for p in places.names_below(places.at(folder), _EVERY)]
    new += [str(Path(path).parent / name) for path in there for name in (".env", "new.txt", "new.py", "x.pem")]
    new = [p for p in dict.fromkeys(new) if not os.path.lexists(p) and os.path.isdir(os.path.dirname(p))]
    out: list[Probe] = []

    def add(action: str, asked: str, paths: Iterable[str]) -> None:
        for path in paths:
            request = Request(
                asked, path, workspace=str(home / "w"), home=str(home), tmp="/tmp", lexical=True
            )  # fmt: skip
            out.append(Probe(action, path, permits.decide_request(request).effect == "allow"))

    add("read", "read", [*there, "/etc/passwd", "/etc/shadow", "/etc/hostname"])
    add("change", "write", there)
    add("make", "write", new)
    add("delete", "delete", there)
    return out


_EVERY = frozenset({"allow", "ask", "deny"})
_MARK = "changed by a probe"


def tried(asked: Sequence[Probe], run: Callable[[str], str]) -> list[str]:
    """What did not go as the model says: `run` runs a script of the shell in the sandbox and gives its output.

    Changes are looked for outside: what a sandbox keeps for itself changes nothing.
    """
    wrong: list[str] = []
    reads = [p for p in asked if p.action == "read"]
    expected = {p.path: _first_line(p.path) for p in reads}
    script = "".join(f"echo {n}:$(head -n 1 {shlex.quote(p.path)} 2>/dev/null)\n" for n, p in enumerate(reads))
    script += _each(asked, "change", f"echo {_MARK} >> {{}}") + _each(asked, "make", f"echo {_MARK} > {{}}")
    answers = dict(line.split(":", 1) for line in run(script).splitlines() if line.partition(":")[0].isdigit())
    assert len(answers) == len(reads), answers
    for number, probe in enumerate(reads):
        seen = bool(expected[probe.path]) and answers[str(number)].strip() == expected[probe.path]
        if seen != probe.works and expected[probe.path]:
            wrong.append(f"read {probe.path}: {'works' if seen else 'fails'}")
    wrong += [_went(p, _has_mark(p.path)) for p in asked if p.action in {"change", "make"}]
    run(_each(asked, "delete", "rm -f {}"))
    wrong += [_went(p, not os.path.lexists(p.path)) for p in asked if p.action == "delete"]
    return [one for one in wrong if one]


def _each(asked: Iterable[Probe], action: str, line: str) -> str:
    return "".join(f"({line.format(shlex.quote(p.path))}) 2>/dev/null\n" for p in asked if p.action == action)


def _went(probe: Probe, done: bool) -> str:
    return "" if done == probe.works else f"{probe.action} {probe.path}: {'works' if done else 'fails'}"


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return " ".join(stream.readline().split())
    except OSError:
        return ""


def _has_mark(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return _MARK in stream.read()
    except OSError:
        return False


def witnesses_hold(policy: Policy, made: Export) -> None:
    """Every loss says what the policy says: of what is not held that it is not allowed."""
    for loss in made.losses:
        assert loss.remedy, loss.code
        if loss.witness is None:
            continue
        effect = policy.decide_request(loss.witness).effect
        assert effect != "allow" if loss.held == NOT_HELD else effect != "deny", (loss.code, loss.witness)


def uncovered(policy: Policy, made: Export, home: Path, resources: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """What the model permits and the policy does not, and no reported loss is about."""
    model = made.written.model
    permits = policy_of(model, (*model.system, *model.files))
    actions = {loss.witness.action for loss in made.losses if loss.held == NOT_HELD and loss.witness is not None}
    out = []
    for action, resource in resources:
        request = like(home)
        asked = Request(
            action, resource, agent=request.agent, workspace=request.workspace, home=request.home, tmp="/tmp", lexical=True
        )  # fmt: skip
        bare = Request(action, resource, workspace=request.workspace, home=request.home, tmp="/tmp", lexical=True)
        if permits.decide_request(bare).effect == "allow" and policy.decide_request(asked).effect != "allow":
            own = any(f"{resource}/".startswith(f"{e.path}/") for e in model.system)
            if action not in actions and not (own and not _denied(policy, asked)):
                out.append((action, resource))
    return out


def _denied(policy: Policy, request: Request) -> bool:
    """Whether a rule restricts it, and not only that none grants it."""
    return bool(policy.decide_request(request).rules)


@contextlib.contextmanager
def answering() -> Iterator[int]:
    """A web server on this machine: its port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextlib.contextmanager
def proxied(policy: Path, listen: str) -> Iterator[str]:
    """`policy proxy` for the agent `a`: what it says of where it listens."""
    words = [sys.executable, "-m", "policy_lang", "proxy", "--agent", "a", "--policy", str(policy), "--listen", listen]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running.stdout.readline()
        finally:
            running.terminate()


def codes(hosts: Iterable[str]) -> str:
    """A script that asks for each host by the proxy of the environment, and prints the HTTP status."""
    return "".join(f"echo $(curl -s -o /dev/null -w '%{{http_code}}' --noproxy '' -m 30 http://{h}/)\n" for h in hosts)
