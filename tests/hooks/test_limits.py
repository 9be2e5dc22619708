"""Each limit of the hook, the channel and the MCP server: what is just within it passes, one more does not."""

from __future__ import annotations

import io
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from policy_lang.cli.main import cli
from policy_lang.daemon.identity.config import read_token
from policy_lang.domain.limits import limit
from policy_lang.pep import channel, enforce, hook, mcp
from policy_lang.pep.clients import NAMES
from policy_lang.pep.clients import client as client_of
from policy_lang.pep.install import settings_with


def test_what_the_hook_keeps_to_when_it_is_told_nothing() -> None:
    assert hook._seconds([]) == limit("hook_seconds")
    assert hook._seconds(["--wait", "10"]) == 10 + 2 * limit("hook_seconds")
    for name in NAMES:
        settings = settings_with(client_of(name), "", "COMMAND", managed=False)
        if client_of(name).settings.script is not None:  # a program of ours, with numbers of its own
            assert f"SECONDS = {limit('hook_host_seconds')}" in settings
            continue
        assert set(re.findall(r"\d{2,}", settings)) <= {f"{limit('hook_host_seconds')}{zeros}" for zeros in ("", "000")}
        assert f"{limit('hook_host_seconds')}" in settings


class Input:
    """What `posix` is to the hook: a standard input of so many bytes."""

    def __init__(self, size: int) -> None:
        self.stream = io.BytesIO(b"x" * size)

    def read(self, _: int, size: int) -> bytes:
        return self.stream.read(size)


def test_input() -> None:
    size = limit("hook_input_bytes")
    assert len(hook._input(Input(size))) == size
    with pytest.raises(hook.UsageError, match=f"longer than {size} bytes"):
        hook._input(Input(size + 1))


@pytest.mark.parametrize(
    ("option", "most"), [("--timeout", limit("hook_timeout_seconds")), ("--wait", limit("hook_wait_seconds"))]
)
def test_seconds(option: str, most: int) -> None:
    assert hook._seconds([option, str(most)]) >= most
    for bad in (str(most + 1), str(most + 0.001), "-1", "nan"):
        with pytest.raises(ValueError, match=option):
            hook._seconds([option, bad])


def test_what_a_client_tells_is_cut() -> None:
    size = limit("hook_origin_characters")
    assert enforce._origin("codex", {"model": "m" * size, "turn_id": "t" * (size + 1)}) == {
        "client": "codex", "model": "m" * size, "turn": "t" * size,
    }  # fmt: skip


def test_a_reply() -> None:
    size = limit("reply_bytes")
    assert channel.parse_head(f"HTTP/1.1 200 OK\r\ncontent-length: {size}".encode()) == (200, size)
    with pytest.raises(channel.ChannelError, match="missing or too large"):
        channel.parse_head(f"HTTP/1.1 200 OK\r\ncontent-length: {size + 1}".encode())


def reply(data: bytes) -> tuple[int, bytes]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=theirs.sendall, args=(data,))
        sender.start()
        try:
            return channel._reply(ours, time.monotonic() + 10)  # type: ignore[arg-type]
        finally:
            sender.join()


def test_a_replys_head() -> None:
    size = limit("reply_head_bytes")
    fixed = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: "
    assert reply(fixed + b"y" * (size - len(fixed) - 4) + b"\r\n\r\n") == (200, b"")
    with pytest.raises(channel.ChannelError, match="head is too long"):
        reply(fixed + b"y" * (size - len(fixed) + 1))


def test_a_message_over_mcp() -> None:
    size = limit("mcp_line_bytes")

    def answers(length: int) -> list[dict[str, Any]]:
        head, tail = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"', b'"}}\n'
        sink = io.BytesIO()
        mcp.serve({}, io.BytesIO(head + b"x" * (length - len(head) - len(tail)) + tail), sink)
        return [json.loads(line) for line in sink.getvalue().splitlines()]

    assert answers(size) == [{"jsonrpc": "2.0", "id": 1, "result": {}}]
    assert answers(size + 1) == []  # the start of the next message is unknown


@pytest.mark.parametrize(
    "read", [lambda path: enforce.token({"--token-file": [path]}), read_token], ids=["hook", "service"]
)
def test_a_token_is_read_whole_or_not_at_all(read: Callable[[str], str], tmp_path: Path) -> None:
    size = limit("token_bytes")
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.write_text("t" * (size - 1) + "\n")
    assert read(str(path)) == "t" * (size - 1)
    path.write_text("t" * size)
    assert read(str(path)) == "t" * size
    path.write_text("t" * (size + 1))
    with pytest.raises(Exception, match=f"longer than {size} bytes"):
        read(str(path))


def test_a_persons_token_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    size = limit("token_bytes")
    path = tmp_path / "token"
    for length in (size, size + 1):
        path.write_text("t" * length)
        done = CliRunner().invoke(
            cli, ["approvals", "list", "--socket", str(tmp_path / "none"), "--token-file", str(path)]
        )
        assert done.exit_code == 2
        assert (f"longer than {size} bytes" in done.output) == (length > size)
