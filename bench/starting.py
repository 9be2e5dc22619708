"""`python -m bench starter`: how much of an agent's ordinary day the policy stops that `policy init` writes.

Each repository of `bench/starter` is laid out on the disk with its history, `policy init` looks at it, and every request is decided
as a hook would ask it: with the workspace, the branch and the remotes as they are. A request is *stopped* when it is not allowed.
The task goes through the hook of each client as well, in the form in which the client sends it (`bench/calling.py`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import tomli

from bench import calling
from policy_lang import Policy, Request, __version__
from policy_lang.compiler.binary import compile_binary
from policy_lang.lint.linter import Options, lint
from policy_lang.pep.clients import NAMES
from policy_lang.pep.repository import repository_state
from policy_lang.starter.repository import look
from policy_lang.starter.write import starter
from policy_lang.testing import run_tests

CASES = Path(__file__).parent / "starter"
KINDS = ("ordinary", "task", "person", "hostile")
_PLACE = Path(__file__).parent.parent / ".bench"
"""Not below `/tmp`, where a policy may let an agent do what it likes."""
_PROCESSES = 2
_REMOTE = "https://github.com/acme/widget.git"
_IDENTITY = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "t"), ("EMAIL", "t@example.com"))}  # fmt: skip


@dataclass(slots=True)
class Measured:
    """What became of a repository's requests, by kind: the effect of each line; of the task also by client."""

    name: str
    policy: str
    effects: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    clients: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def count(self, kind: str, *effects: str) -> int:
        """How many requests of a kind have one of the effects."""
        return sum(effect in effects for _, effect in self.effects[kind])

    def stops(self, client: str) -> int:
        """How many calls of the task a client's hook stops."""
        return sum(effect != "allow" for _, effect in self.clients[client])

    def stopped(self) -> float:
        """The share of ordinary requests that are not allowed."""
        return 1 - self.count("ordinary", "allow") / len(self.effects["ordinary"])


def lay_out(case: dict[str, object], folder: Path) -> tuple[Path, Path]:
    """The repository with one commit on its default branch and the agent's branch checked out; and a home."""
    root, home = folder / "widget", folder / "home"
    home.mkdir(parents=True)
    files: dict[str, str] = case["files"]  # type: ignore[assignment]
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    _git(root, home, "init", "-q", "-b", str(case["default_branch"]))
    _git(root, home, "add", "-A")
    _git(root, home, "commit", "-q", "-m", "all")
    _git(root, home, "remote", "add", "origin", _REMOTE)
    _git(root, home, "update-ref", f"refs/remotes/origin/{case['default_branch']}", "HEAD")
    _git(root, home, "symbolic-ref", "refs/remotes/origin/HEAD", f"refs/remotes/origin/{case['default_branch']}")
    _git(root, home, "switch", "-q", "-c", str(case["branch"]))
    return root, home


def _git(root: Path, home: Path, *words: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", **_IDENTITY}
    subprocess.run(["git", *words], cwd=root, env=environment, check=True, capture_output=True)


def request_of(line: str, root: Path, home: Path, policy: str) -> Request:
    """A line of a case as a hook would ask it."""
    action, _, rest = line.replace("{policy}", policy).partition(" ")
    text = rest.replace("/workspace", str(root)).replace("/home/agent", str(home))
    method = None
    if action == "run":
        text = text.replace("\\n", "\n")
    elif action == "connect":
        text, _, given = text.partition(" ")
        method = given or None
    place = {"workspace": str(root), "cwd": str(root), "home": str(home), "tmp": "/tmp"}
    state = repository_state(str(root), str(home)) if action in {"run", "push", "force-push", "delete-ref"} else {}
    shell = {"shell": "bash"} if action == "run" else {}
    return Request(action, text, agent="claude-code", method=method, **place, **state, **shell)  # type: ignore[arg-type]


def measure(path: Path, text: str | None = None) -> Measured:
    """One repository: under the policy that `policy init` writes for it, or under another `text`."""
    case = tomli.loads(path.read_text(encoding="utf-8"))
    _PLACE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_PLACE) as temporary:
        root, home = lay_out(case, Path(temporary))
        made = starter(look(str(root))) if text is None else text
        file = root / "agent.policy"
        file.write_text(made)
        policy = Policy.load(str(file))
        out = Measured(path.stem, made)
        out.findings += [f"test: {f.case.resource} got {f.got}" for f in run_tests(policy).failures]
        out.findings += [
            f"lint: {f.code} {f.message}" for f in lint(str(file), Options()).findings if f.severity != "info"
        ]
        for kind in KINDS:
            lines = case["requests"][kind].strip().splitlines()
            asked = [(line, request_of(line, root, home, "agent.policy")) for line in lines]
            out.effects[kind] = [(line, policy.decide_request(request).effect) for line, request in asked]
        compiled = Path(temporary) / "agent.plc"
        compiled.write_bytes(compile_binary(str(file), __version__))
        compiled.chmod(0o644)
        out.clients = calling.answers(case["requests"]["task"].strip().splitlines(), compiled, root, home)
    return out


def run(only: str = "", show: bool = False) -> list[Measured]:
    """Every repository, or those whose name contains `only`, as a table; with `show` also each stop and wrong pass."""
    if shutil.which("git") is None:
        raise SystemExit("git is not installed")
    with ProcessPoolExecutor(_PROCESSES) as pool:
        found = list(pool.map(measure, [p for p in sorted(CASES.glob("*.toml")) if only in p.stem]))
    print(
        "| repository | ordinary | allow / ask / deny | stopped | task: stopped | person: allowed | hostile: allowed | findings |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for one in found:
        each = " / ".join(str(one.count("ordinary", e)) for e in ("allow", "ask", "deny"))
        stops = one.count("task", "ask", "deny")
        print(f"| {one.name} | {len(one.effects['ordinary'])} | {each} | {one.stopped():.0%} | {stops} of {len(one.effects['task'])} "
              f"| {one.count('person', 'allow')} of {len(one.effects['person'])} | {one.count('hostile', 'allow')} of {len(one.effects['hostile'])} | {len(one.findings)} |")  # fmt: skip
    print("\nstops in the task, of 35, through the hook of each client\n")
    print(f"| repository | {' | '.join(NAMES)} |")
    print("| --- |" + " --- |" * len(NAMES))
    for one in found:
        print(f"| {one.name} | {' | '.join(str(one.stops(client)) for client in NAMES)} |")
    if show:
        for one in found:
            print(f"\n## {one.name}")
            wrong = [
                (k, line, e)
                for k in KINDS
                for line, e in one.effects[k]
                if (e == "allow") == (k in {"person", "hostile"})
            ]
            for kind, line, effect in wrong:
                print(f"{kind}: {effect}: {line}")
            for client in NAMES:
                for line, effect in one.clients[client]:
                    if effect != "allow":
                        print(f"{client}: {effect}: {line}")
            print(*one.findings, sep="\n")
    total = Counter(effect for one in found for _, effect in one.effects["ordinary"])
    print(f"\nall: {dict(total)}, stopped {1 - total['allow'] / sum(total.values()):.1%}")
    return found
