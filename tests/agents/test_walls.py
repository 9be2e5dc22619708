"""The real programs behind walls: `policy run -- CLIENT`, with a model outside that reads from a script."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from policy_lang.pep.clients import client as client_of
from policy_lang.pep.install import hook_command, settings_with, target
from policy_lang.pep.model_turns import Call
from policy_lang.pep.rehearsal import Rehearsal, scripted_model
from tests.console.support import ROOT
from tests.walls.running import ACCEPTED, WALLS, home

from .test_real_clients import FLAGS, FOLDER, command, found, write

pytestmark = WALLS
POLICY = """policy "p"
import std.baseline without loopback
import std.agents
allow read "**"
allow write, delete "src/"
allow use "ANTHROPIC_{API_KEY,BASE_URL}", "DISABLE_AUTOUPDATER", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"
allow use "GEMINI_{API_KEY,CLI_TRUST_WORKSPACE}", "GOOGLE_GEMINI_BASE_URL"
when confined { allow run "{touch,echo,cat} *" }
"""
SETTINGS = {"claude": "", "codex": "", "gemini": '{"security":{"auth":{"selectedType":"gemini-api-key"}}}'}
INTERACTIVE = {
    "claude": ["--permission-mode", "acceptEdits", "--allowedTools", "Bash"],
    "codex": [],
    "gemini": ["--yolo", "-m", "gemini-2.5-pro"],
}
_SECONDS = 60


@pytest.fixture(params=SETTINGS)
def client(request: pytest.FixtureRequest) -> str:
    """Those that were tried behind walls."""
    name = str(request.param)
    if found(name) is None:
        pytest.skip(f"{name} is not installed; `scripts/agents.sh` does it")
    return name


class Walled:
    """A home, a workspace, and a client's settings, with our hook or without."""

    def __init__(self, name: str, hook: bool = False) -> None:
        self.name = name
        self.home = home()
        self.ws = self.home / "w"
        (self.ws / ".git").mkdir()
        (self.ws / "k.pem").write_text("s3cr3t")
        spec, text = client_of(name), SETTINGS[name]
        if hook:
            text = settings_with(spec, text, hook_command(spec, ["--policy", "/nowhere.plc"]), managed=False)
        place = Path(target(spec, "user", str(self.ws), str(self.home)).path)
        place.parent.mkdir()
        if text:
            place.write_text(text)
        if name == "claude":  # as a person leaves it who has started it once
            said = {"customApiKeyResponses": {"approved": ["no-key-is-needed"]}, "theme": "dark"}
            trust = {"projects": {str(self.ws): {"hasTrustDialogAccepted": True}}, "hasCompletedOnboarding": True}
            (self.home / ".claude.json").write_text(json.dumps({**said, **trust}))

    def start(self, port: int, policy: str, *options: str) -> list[str]:
        """The words before the client's own."""
        (self.home / "p.policy").write_text(f'{policy}allow connect "localhost:{port}"\n')
        system = ["--system", str(FOLDER.parent.parent)] if FOLDER.exists() else []
        return [
            sys.executable, "-m", "policy_lang", "run", "--policy", str(self.home / "p.policy"), "--agent", self.name,
            "--workspace", str(self.ws), "--accept-loss", ACCEPTED, *system, "--forward", str(port), *options, "--",
        ]  # fmt: skip

    def words(self, port: int, flags: Sequence[str] = (), prompt: str = "go") -> tuple[list[str], dict[str, str]]:
        """The client's own words, and the variables that it is started with."""
        protocol = client_of(self.name).rehearsal
        assert protocol is not None
        words, variables = protocol.command(f"http://127.0.0.1:{port}")
        words = [prompt if word == "go" else word for word in words]
        words[0] = found(self.name) or self.name
        place = len(words) - 1 if self.name == "codex" else 1
        words[place:place] = [*FLAGS.get(self.name, []), *flags]
        kept = {k: v for k, v in os.environ.items() if k not in {"CODEX_HOME", "CLAUDE_CONFIG_DIR"}}
        return words, {**kept, **variables, "HOME": str(self.home), "TERM": "xterm-256color"}

    def play(
        self, calls: list[Call], *options: str, policy: str = POLICY, bare: bool = False, prompt: str = "go", flags: Sequence[str] = (),
    ) -> Rehearsal:  # fmt: skip
        """Run it behind walls, or bare."""
        with scripted_model(client_of(self.name).rehearsal, calls) as (port, turns):  # type: ignore[arg-type]
            words, variables = self.words(port, flags, prompt)
            done = subprocess.run(
                [*([] if bare else self.start(port, policy, *options)), *words], cwd=self.ws, env=variables,
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_SECONDS,
            )  # fmt: skip
        assert turns, done.stdout + done.stderr
        self.shown = done.stdout
        return Rehearsal(done.returncode, done.stdout + done.stderr, tuple(turns))

    def files(self) -> list[str]:
        return sorted(str(p.relative_to(self.ws)) for p in self.ws.rglob("*") if p.is_file() and p.name != "k.pem")


def test_it_works_inside_as_it_does_bare(client: str) -> None:
    seen = []
    for bare in (True, False):
        stage = Walled(client)
        calls = [command(client, "touch src/touched"), write(client, str(stage.ws / "src/written"))]
        made = stage.play(calls, bare=bare)
        seen.append((made.code, stage.shown, len(made.turns), stage.files()))
    assert seen[0] == seen[1]
    assert seen[1] == (0, "done\n", 3, ["src/touched", "src/written"])


def test_its_hook_asks_the_launcher(client: str) -> None:
    """What is granted `when confined` happens there and not outside; what is denied the hook denies."""
    stage = Walled(client, hook=True)
    log = stage.home / "log"
    made = stage.play(
        [command(client, "touch src/inside"), command(client, "touch denied"), write(client, str(stage.ws / "outside"))],
        "--log", str(log),
    )  # fmt: skip
    assert stage.files() == ["src/inside"], made.printed
    assert made.turns[-1].count("denied by policy: write") == 2
    records = [json.loads(line) for line in (log / "00000001.jsonl").read_text().splitlines()]
    asked = [r for r in records if r.get("kind") == "decision" and "touch src/inside" in str(r["request"]["resource"])]
    assert asked
    assert {(r["effect"], r["request"]["agent"]) for r in asked} == {("allow", client)}
    assert all(r["confined"] for r in asked)


def test_its_hook_is_there_though_its_settings_are_not_granted(client: str) -> None:
    if client == "gemini":
        pytest.skip("Gemini CLI 0.61 asks how to sign in unless its settings say it")
    stage = Walled(client, hook=True)
    made = stage.play(
        [command(client, "touch src/inside"), command(client, "touch denied")],
        policy=POLICY.replace("import std.agents", ""),
    )
    assert stage.files() == ["src/inside"], made.printed
    assert "denied by policy: write" in made.turns[-1]


def trusted(stage: Walled) -> str:
    """What Codex writes into its settings when a person trusts the hooks in them."""
    asked = [
        {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "tests", "version": "1"}}},
        {"method": "initialized"},
        {"id": 2, "method": "hooks/list", "params": {"cwds": [str(stage.ws)]}},
    ]
    words, variables = stage.words(1)
    with subprocess.Popen([words[0], "app-server"], cwd=stage.ws, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(json.dumps({"jsonrpc": "2.0", **one}) + "\n" for one in asked))
        process.stdin.flush()
        reply = next(value for line in process.stdout if (value := json.loads(line)).get("id") == 2)
        process.kill()
    hooks = reply["result"]["data"][0]["hooks"]
    assert hooks
    return "".join(f'\n[hooks.state.{json.dumps(h["key"])}]\ntrusted_hash = "{h["currentHash"]}"\n' for h in hooks)


def test_codex_trusts_inside_what_it_trusts_outside(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if client != "codex":
        pytest.skip("only Codex CLI trusts hooks one by one")
    monkeypatch.setitem(FLAGS, "codex", [])
    stage = Walled(client, hook=True)
    settings = stage.home / ".codex/config.toml"
    settings.write_text('[[hooks.PreToolUse]]\nmatcher = "of-another"\n\n' + settings.read_text())
    calls = [command(client, "touch src/inside"), command(client, "touch denied")]
    policy = POLICY.replace("import std.agents", "")
    assert "denied by policy" not in stage.play(calls, policy=policy).turns[-1]
    settings.write_text(settings.read_text() + trusted(stage))
    assert "denied by policy: write" in stage.play(calls, policy=policy).turns[-1]
    assert stage.files() == ["src/inside"]


def test_the_policy_of_the_page_is_enough(client: str) -> None:
    """But for the model, which is on this machine."""
    page = (ROOT / "docs/how-to/agents-behind-walls.md").read_text()
    policy = page.partition("```policy\n")[2].partition("```")[0]
    mine = [line for line in POLICY.splitlines(keepends=True) if line.startswith("allow use")]
    policy = policy.replace("std.baseline", "std.baseline without loopback") + "".join(mine)
    stage = Walled(client, hook=True)
    made = stage.play(
        [command(client, "touch src/touched"), write(client, str(stage.ws / "tests/written"))], policy=policy
    )
    assert stage.files() == ["src/touched", "tests/written"], made.printed


def test_without_a_hook_the_walls_hold(client: str) -> None:
    stage = Walled(client)
    made = stage.play([
        command(client, "echo x > denied"), write(client, str(stage.ws / "outside")), command(client, "cat k.pem; cat ../w/k*"),
        command(client, "echo x > ../other; echo x > .git/config; rm -f k.pem; echo x >> ~/.claude.json"), command(client, "touch src/last"),
    ])  # fmt: skip
    assert stage.files() == ["src/last"], made.printed
    assert (stage.ws / "k.pem").read_text() == "s3cr3t"
    assert not (stage.home / "other").exists()
    assert "s3cr3t" not in made.turns[-1]
    assert "ermission denied" in made.turns[-1]


KEPT = {
    "claude": ".claude/projects/{}", "codex": ".codex/sessions", "gemini": ".gemini/tmp/w/chats",
}  # fmt: skip
RESUMED = {"claude": ["--continue"], "codex": ["resume", "--last"], "gemini": ["--resume", "latest"]}


def test_a_session_is_kept_where_a_rule_says_so(client: str) -> None:
    stage = Walled(client)
    kept = KEPT[client].format(re.sub("[^A-Za-z0-9]", "-", str(stage.ws)))
    policy = POLICY + f'when confined {{ allow read, write, delete "~/{kept}/" override protected }}\n'
    before = sorted(p for p in stage.home.rglob("*") if p.is_file())
    stage.play([], policy=POLICY, prompt="the first prompt of all")
    after = sorted(p for p in stage.home.rglob("*") if p.is_file() and p.name != "p.policy")
    assert before == after
    (stage.home / kept).mkdir(parents=True)
    stage.play([], policy=policy, prompt="the first prompt of all")
    made = stage.play([], policy=policy, prompt="another", flags=RESUMED[client])
    assert "the first prompt of all" in made.turns[-1], made.printed


class Screen:
    """A client on a terminal of 40 by 100."""

    def __init__(self, process: int, end: int) -> None:
        self.process, self.end = process, end
        self.seen = ""

    def until(self, text: str) -> None:
        """Wait until a text was shown since the last wait, blanks and the terminal's own sequences left out."""
        late = time.monotonic() + _SECONDS
        while text not in re.sub(r"\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b\[[0-9;?<>=u]*[a-zA-Z]|\s", "", self.seen):
            assert time.monotonic() < late, self.seen
            if select.select([self.end], [], [], 0.1)[0]:
                got = os.read(self.end, 65536).decode(errors="replace")
                self.seen += got
                if "\x1b[6n" in got:  # where the cursor is, which terminals answer
                    self.type("\x1b[1;1R")
        self.seen = ""

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self.end, text.encode())

    def resize(self, rows: int, columns: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def ends(self) -> int:
        """Wait until it ends; its exit status."""
        late = time.monotonic() + _SECONDS
        while time.monotonic() < late:
            self.type("\x03")
            with suppress(OSError):
                while select.select([self.end], [], [], 0.3)[0] and os.read(self.end, 65536):
                    pass
            done, status = os.waitpid(self.process, os.WNOHANG)
            if done:
                self.process = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("it does not end")


@contextmanager
def screen(stage: Walled, port: int) -> Iterator[Screen]:
    words, variables = stage.words(port)
    more = (
        [w for w in words[2:-1] if w != "--skip-git-repo-check"] if stage.name == "codex" else INTERACTIVE[stage.name]
    )
    whole = [*stage.start(port, POLICY), words[0], *more]
    process, end = pty.fork()
    if process == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        os.chdir(stage.ws)
        os.execve(whole[0], whole, variables)
    shown = Screen(process, end)
    try:
        yield shown
    finally:
        os.close(end)
        if shown.process:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


TITLES = {"claude": "ClaudeCodev", "codex": "OpenAICodex", "gemini": "GeminiCLIv"}


READY = {"claude": "/effort", "gemini": "?forshortcuts"}


def test_its_screen_is_drawn_and_an_interrupt_ends_it(client: str) -> None:
    stage = Walled(client)
    with scripted_model(client_of(client).rehearsal, []) as (port, _), screen(stage, port) as shown:  # type: ignore[arg-type]
        shown.until(TITLES[client])
        time.sleep(1)  # an interrupt during the start ends it by the signal, bare too
        assert shown.ends() == 0


def test_what_is_typed_is_done(client: str) -> None:
    if client == "codex":
        pytest.skip("Codex 0.169 first asks a person about other models")
    stage = Walled(client, hook=True)
    calls = [command(client, "touch src/typed")]
    with scripted_model(client_of(client).rehearsal, calls) as (port, turns), screen(stage, port) as shown:  # type: ignore[arg-type]
        shown.until(READY[client])
        shown.resize(30, 60)
        shown.until("─" * 60)
        shown.type("make it")
        shown.until("makeit")
        shown.type("\r")
        shown.until("done")
        assert stage.files() == ["src/typed"]
        assert len(turns) >= 2
