"""The tutorial does what it shows; the pages about approvals are right."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import tomli

from policy_lang import Policy
from policy_lang.daemon.identity.config import ConfigModel
from policy_lang.domain.limits import limit
from tests.console.support import ROOT
from tests.console.tutorial import play

from .test_console import free_port

TUTORIAL = (ROOT / "docs/tutorials/first-approval-tier.md").read_text()
PAGE = (ROOT / "docs/how-to/approve.md").read_text()


def test_the_tutorial_as_it_stands(tmp_path: Path) -> None:
    assert play(TUTORIAL, tmp_path, {"8717": str(free_port())}) >= 9


def test_the_page_is_right() -> None:
    (text,) = re.findall(r"^```policy\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert set(Policy.loads(text).policy_set.tiers) == {"review", "security", "emergency"}
    first, proxy, keys, store = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    given = first.replace("bf4c...64 hexadecimal digits", "0" * 64).replace("/usr/local/bin/tell-the-team", "/bin/cat")
    model = ConfigModel.model_validate(tomli.loads(given))
    assert [p.name for p in model.person] == ["mia", "ben", "zoe"] and model.notify is not None
    assert ConfigModel.model_validate(tomli.loads(store)).approvals.store
    assert tomli.loads(proxy)["console"].keys() == {"origin", "proxy-user", "proxy-header"}
    assert tomli.loads(keys)["person"][0]["webauthn"] and tomli.loads(keys)["approvals"]["user-verification"]
    for part in (proxy, keys.replace("AAAAAAAAAAAA...", "A" * 100)):
        ConfigModel.model_validate(tomli.loads(part))
    assert limit("approval_grant_seconds") == 15 * 60 and limit("approvals_pending") == 20
    assert (
        limit("approval_rejected_seconds") == 3600 and limit("notify_waiting") == 100 and limit("notify_seconds") == 10
    )
    assert limit("approval_session_seconds") == 8 * 3600 and limit("store_milliseconds") == 500
    assert "so `same-user = true`" not in PAGE


def test_the_chat_program_escapes_what_the_agent_says(tmp_path: Path) -> None:
    got: list[Any] = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    with HTTPServer(("127.0.0.1", 0), Chat) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        (tmp_path / "url").write_text(f"http://127.0.0.1:{server.server_address[1]}/\n")
        code = program.replace("/etc/policy_lang/chat.url", str(tmp_path / "url"))
        event = {"event": "asked", "id": "0" * 16, "headline": "codex: run <!channel> <http://evil|fine> ```x"}
        done = subprocess.run([sys.executable, "-c", code], input=json.dumps(event), capture_output=True, text=True, check=False, timeout=20)  # fmt: skip
        assert done.returncode == 0, done.stderr
    (body,) = got
    assert "<" not in body["text"] and "&lt;!channel&gt;" in body["text"] and body["text"].count("```") == 2
    assert "policy approvals show 0000000000000000" in body["text"]
