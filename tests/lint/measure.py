"""Runs a capability row on the real tool, in a folder of its own, and says whether its effect was seen."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from policy_lang.lint.capabilities import Capability

TOKEN = "s3cr3t-7f3a"
LOADED = "loaded-5d2e"
SECONDS = 60


class _Server:
    """An HTTP server on loopback that answers everything and remembers what it was sent."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode("utf-8", "replace") if length else ""
                outer.seen.append(f"{self.command} {self.path} {self.headers} {body}")
                self.send_response(200)
                self.send_header("Content-Length", "13")
                self.send_header("ETag", '"zz"')
                self.send_header("Set-Cookie", "a=b")
                self.end_headers()
                self.wfile.write(b"fetched-9b1c\n")

            do_GET = do_POST = do_PUT = do_HEAD = do_CONNECT = answer

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.connections = 0
        accept = self.server.get_request

        def counted() -> object:
            self.connections += 1
            return accept()

        self.server.get_request = counted  # type: ignore[method-assign,assignment]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def present(row: Capability) -> bool:
    """True when the tool is on this machine."""
    return shutil.which(row.argv[0]) is not None or os.path.exists(row.argv[0])


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    made = tempfile.mkdtemp(prefix="row-")
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def seen(row: Capability) -> tuple[bool, str]:
    """Whether the effect of a row was seen, and what the tool said."""
    with _folder() as folder:
        server = _Server()
        try:
            return _tried(row, folder, server)
        finally:
            server.close()


def _tried(row: Capability, folder: Path, server: _Server) -> tuple[bool, str]:
    work, home = folder / "work", folder / "home"
    for path in (work / "d", work / "victimdir", home):
        path.mkdir(parents=True)
    mark = folder / "MARK"
    values = {
        "mark": str(mark), "marksed": str(mark).replace("/", "\\/"), "dir": str(work / "d"), "home": str(home), "secret": str(work / "secret.txt"),
        "secretini": str(work / "secret.ini"), "secretjson": str(work / "secret.json"), "secretlist": str(work / "secret.list"),
        "secretheader": str(work / "secret.header"), "secretcookie": str(work / "secret.cookie"),
        "out": str(work / "out.txt"), "victim": str(work / "victim.txt"), "victimdir": str(work / "victimdir"),
        "code": "./payload", "codepath": str(work / "payload"), "url": f"http://127.0.0.1:{server.port}", "port": str(server.port),
    }  # fmt: skip

    def filled(text: str) -> str:
        out = text.replace("{{", "\0").replace("}}", "\1")
        for name, value in values.items():
            out = out.replace("{" + name + "}", value)
        return out.replace("\0", "{").replace("\1", "}")

    def put(name: str, text: str) -> None:
        path = home / name[2:] if name.startswith("~/") else work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        runs = text.startswith("!#!")
        path.write_text(_plain(text[1:] if runs else text, values))
        if runs:
            path.chmod(0o755)

    put("payload", "!#!/bin/sh\ntouch {mark}\nif [ $# -gt 0 ]; then cat 2>/dev/null </dev/null; fi\n")
    for name, text in (("secret.txt", TOKEN + "\n"), ("secret.ini", f"[a]\nb = {TOKEN}\n"), ("secret.json", f'"{TOKEN}"\n'),
                       ("secret.list", "secret.txt\n"), ("secret.header", f"X-A: {TOKEN}\n"), ("victim.txt", "x\n"), ("victimdir/v", "x"),
                       ("secret.cookie", f"Set-Cookie: a={TOKEN}\n")):  # fmt: skip
        put(name, text)
    if row.big:
        (work / "big.txt").write_text("".join(f"line {i * 7919 % 100003}\n" for i in range(60_000)))
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TERM": "xterm", "GIT_CONFIG_NOSYSTEM": "1",
        "CARGO_HOME": os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", os.path.expanduser("~/.rustup")), "GOTOOLCHAIN": "local", "GOCACHE": str(folder / "go"),
        "GOPATH": str(folder / "gopath"), "GOPROXY": "off", "GO111MODULE": "auto",
        "NO_UPDATE_NOTIFIER": "1", "npm_config_update_notifier": "false", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "no_proxy": "",
    }  # fmt: skip
    for name, text in row.files:
        put(name, text)
    for words in row.setup:
        _run([filled(w) for w in words], work, environment, "")
    if row.file:
        put(row.file, row.content)
    out, before = work / "out.txt", None
    if out.exists():
        before = out.read_bytes()
    environment |= {k: filled(v) for k, v in row.env}
    argv = [filled(w) for w in row.argv]
    said = _run(argv, work / row.chdir if row.chdir else work, environment, filled(row.stdin))
    return _effect(row, work, mark, said, server, before), said


def _plain(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def _run(argv: list[str], folder: Path, environment: dict[str, str], stdin: str) -> str:
    try:
        started = subprocess.Popen(
            argv, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return f"not started: {error}"
    try:
        said, _ = started.communicate(stdin.encode(), timeout=SECONDS)
    except subprocess.TimeoutExpired:
        said = b"timeout"
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    if started.stdout is not None:
        started.stdout.close()
    if started.stdin is not None:
        started.stdin.close()
    return said.decode("utf-8", "replace")


def _effect(row: Capability, work: Path, mark: Path, said: str, server: _Server, before: bytes | None) -> bool:
    if row.gives in {"run", "load"}:
        for _ in range(100):  # some programs start theirs in the background
            if mark.exists() or LOADED in said:
                return True
            threading.Event().wait(0.05)
        return False
    if row.gives == "read":
        want = row.note or TOKEN
        if want in said:
            return True
        return row.program == "git" and TOKEN in _run(
            ["git", "log", "-1", "--format=%B"], work, {"PATH": os.environ["PATH"]}, ""
        )
    if row.gives == "write":
        targets = list(work.glob(row.note)) if row.note and row.note != "empty" else [work / "out.txt"]
        return any(
            t.is_symlink()
            or (
                t.exists()
                and (before is None or t.read_bytes() != before)
                and (row.note == "empty" or before is not None or t.stat().st_size > 0 or bool(row.note))
            )
            for t in targets
        )
    if row.gives == "delete":
        return not (work / "victim.txt").exists() or not (work / "victimdir" / "v").exists()
    if row.gives == "upload":
        return any(TOKEN in s for s in server.seen)
    return server.connections > 0
