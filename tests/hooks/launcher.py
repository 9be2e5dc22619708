"""Something that listens as a launcher does within its walls, and answers as it is told to."""

from __future__ import annotations

import contextlib
import http.server
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Call = tuple[str, str, dict[str, str], bytes]
"""Method, route, headers and body."""


class Launcher:
    """What listens within walls: it notes its calls, and answers as it is told to."""

    def __init__(self, path: Path, answer: Callable[[Call], tuple[int, Any]]) -> None:
        calls = self.calls = list[Call]()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                size = int(self.headers.get("content-length", 0))
                made = (self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, self.rfile.read(size))
                calls.append(made)
                status, value = answer(made)
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                """Nothing: the test sees the calls."""

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                """A hook that has gone away is none of ours."""

        self.server = Server(str(path), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def requests(self) -> list[dict[str, Any]]:
        """The requests that were decided."""
        return [r for c in self.calls if c[1] == "/v1/decide/batch" for r in json.loads(c[3])["requests"]]


@contextlib.contextmanager
def launcher(folder: Path, answer: Callable[[Call], tuple[int, Any]]) -> Iterator[Launcher]:
    made = Launcher(folder / "walls.sock", answer)
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
