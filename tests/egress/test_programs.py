"""Real programs reach what is granted by the variables that the launcher sets, and are told why of the rest."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from policy_lang.walls.environment import proxied
from tests.egress.git_backend import GitBackend
from tests.egress.outside import Decider, Door, Ruling, proxy
from tests.needs import needs, require

require("httptools")


def with_program(name: str) -> pytest.MarkDecorator:
    return needs(f"`{name}` is not installed", there=shutil.which(name) is not None)


class _Kept(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""

    def translate_path(self, path: str) -> str:
        return super().translate_path(urlsplit(path).path)

    protocol_version = "HTTP/1.1"

    def guess_type(self, path: str) -> str:
        return "application/json" if urlsplit(path).path.endswith("onlyhere") else super().guess_type(path)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A folder that is served over HTTP as `index.test`, and the port."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Kept, directory=str(folder)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def door() -> Iterator[Door]:
    names = {name: ["127.0.0.1"] for name in ("index.test", "other.test", "cdn.test")}
    decide = Decider(lambda url, *_: Ruling(".test" in url and "other" not in url, "not that host"))
    with proxy(decide, names) as found:
        found.decide = decide
        yield found


def run(door: Door, folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A program as behind walls, but for the walls."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), **proxied(f"http://127.0.0.1:{door.port}"), **more}
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[int]:
    """The port of a git server with one repository, `r.git`."""
    folder = tmp_path / "server"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", "r.git"], cwd=folder, check=True)
    subprocess.run(["git", "config", "http.receivepack", "true"], cwd=folder / "r.git", check=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("There", (GitBackend,), {"root": str(folder)}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@with_program("git")
@pytest.mark.parametrize("socks", [False, True])
def test_git(door: Door, remote: int, tmp_path: Path, socks: bool) -> None:
    url = f"http://index.test:{remote}/r.git"
    script = f"""
git init -q -b main one && cd one && git config http.proxy http://127.0.0.1:9 && git config user.email a@b && git config user.name n
head -c 3000000 /dev/urandom > a && git add a && git commit -qm 1 && git push -q {url} main
cd .. && git clone -q {url} two && cmp one/a two/a && echo the same
git clone -q http://other.test:{remote}/r.git three || true
"""
    over = {"GIT_CONFIG_VALUE_1": f"socks5h://127.0.0.1:{door.port}"} if socks else {}
    done = run(door, tmp_path, "sh", "-ec", script, **over)
    assert done.stdout == "the same\n", done.stderr
    assert socks or "not that host" in done.stderr or "403" in done.stderr
    assert any(url.startswith(f"http://index.test:{remote}/r.git/info/refs") for url, _, _ in door.decide.asked)


def test_pip(door: Door, served: tuple[Path, int], tmp_path: Path) -> None:
    folder, port = served
    wheel = folder / "onlyhere" / "onlyhere-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("onlyhere.py", "value = 42\n")
        archive.writestr("onlyhere-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: onlyhere\nVersion: 1.0\n")
        archive.writestr(
            "onlyhere-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("onlyhere-1.0.dist-info/RECORD", "")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "v")], check=True)
    pip = (
        str(tmp_path / "v/bin/pip"),
        "download",
        "-q",
        "--disable-pip-version-check",
        "--no-cache-dir",
        "--retries",
        "0",
        "--trusted-host",
        "index.test",
        "--trusted-host",
        "other.test",
    )
    done = run(door, tmp_path, *pip, "--index-url", f"http://index.test:{port}/", "onlyhere")
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes(), done.stderr
    done = run(door, tmp_path, *pip, "--index-url", f"http://other.test:{port}/", "onlyhere")
    assert done.returncode and ("403" in done.stderr or "No matching distribution" in done.stderr)


@with_program("npm")
def test_npm(door: Door, served: tuple[Path, int], tmp_path: Path) -> None:
    folder, port = served
    source = tmp_path / "onlyhere"
    source.mkdir()
    (source / "package.json").write_text('{"name": "onlyhere", "version": "1.0.0", "main": "i.js"}')
    (source / "i.js").write_text("module.exports = 42")
    packed = subprocess.run(
        ["npm", "pack", "--silent", str(source)], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()
    tarball = {"tarball": f"http://cdn.test:{port}/{packed}"}
    about = {
        "name": "onlyhere",
        "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": {"name": "onlyhere", "version": "1.0.0", "dist": tarball}},
    }
    (folder / "onlyhere").write_text(json.dumps(about))
    place = tmp_path / "d"
    place.mkdir()
    (place / "package.json").write_text('{"name": "d", "version": "1.0.0"}')
    (place / ".npmrc").write_text("proxy=http://127.0.0.1:9\nhttps-proxy=http://127.0.0.1:9\n")
    install = ("npm", "install", "--no-audit", "--no-fund", "--fetch-retries", "0", "--no-update-notifier")
    done = run(door, place, *install, "--registry", f"http://index.test:{port}/", "onlyhere")
    assert (place / "node_modules/onlyhere/i.js").exists(), done.stderr
    done = run(door, place, *install, "--registry", f"http://other.test:{port}/", "elsewhere")
    assert done.returncode and "403" in done.stderr


@with_program("cargo")
def test_cargo(door: Door, served: tuple[Path, int], tmp_path: Path) -> None:
    folder, port = served
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, text in (
            ("Cargo.toml", '[package]\nname = "onlyhere"\nversion = "1.0.0"\n'),
            ("src/lib.rs", "pub fn value() -> i32 { 42 }\n"),
        ):
            about = tarfile.TarInfo(f"onlyhere-1.0.0/{name}")
            about.size = len(text)
            archive.addfile(about, io.BytesIO(text.encode()))
    (folder / "onlyhere.crate").write_bytes(data.getvalue())
    (folder / "config.json").write_text(json.dumps({"dl": f"http://cdn.test:{port}/{{crate}}.crate"}))
    row = {
        "name": "onlyhere",
        "vers": "1.0.0",
        "deps": [],
        "cksum": hashlib.sha256(data.getvalue()).hexdigest(),
        "features": {},
        "yanked": False,
    }
    (folder / "on/ly").mkdir(parents=True)
    (folder / "on/ly/onlyhere").write_text(json.dumps(row) + "\n")
    place = tmp_path / "d"
    (place / "src").mkdir(parents=True)
    (place / "src/lib.rs").touch()
    (place / "Cargo.toml").write_text(
        '[package]\nname = "d"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nonlyhere = { version = "1", registry = "here" }\n'
    )
    cargo = tmp_path / "cargo"
    cargo.mkdir()
    (cargo / "config.toml").write_text(
        f'[registries.here]\nindex = "sparse+http://index.test:{port}/"\n[net]\nretry = 0\n[http]\nproxy = "http://127.0.0.1:9"\n'
    )
    home = os.path.expanduser("~")
    done = run(
        door,
        place,
        "cargo",
        "fetch",
        "-q",
        CARGO_HOME=str(cargo),
        RUSTUP_HOME=os.environ.get("RUSTUP_HOME", f"{home}/.rustup"),
    )
    assert list(cargo.glob("registry/cache/*/onlyhere-1.0.0.crate")), done.stderr


BROWSER = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)


@needs("no Chromium is installed", there=BROWSER is not None)
@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_browser(door: Door, served: tuple[Path, int], tmp_path: Path, scheme: str) -> None:
    folder, port = served
    (folder / "a.js").write_text(
        "document.title = 'script'; fetch('/b.txt').then(r => r.text()).then(t => document.body.append(t))"
    )
    (folder / "b.txt").write_text("fetched")
    (folder / "page.html").write_text(
        f"<html><body>seen<script src=http://cdn.test:{port}/a.js></script></body></html>"
    )
    browser = (
        str(BROWSER),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        f"--user-data-dir={tmp_path / 'profile'}",
    )
    words = (f"--proxy-server={scheme}://127.0.0.1:{door.port}", "--virtual-time-budget=5000", "--dump-dom")
    done = run(door, tmp_path, *browser, *words, f"http://index.test:{port}/page.html")
    assert "seen" in done.stdout and "fetched" in done.stdout, done.stderr[-2000:]
    done = run(door, tmp_path, *browser, *words, f"http://other.test:{port}/page.html")
    assert "seen" not in done.stdout
    assert scheme == "socks5" or "not that host" in done.stdout
