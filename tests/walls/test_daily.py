"""Daily work goes on behind walls as without: the programs, their servers and their repositories are real."""

from __future__ import annotations

import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.egress.git_backend import GitBackend
from tests.needs import needs

from .running import WALLS, place, run

pytestmark = WALLS
_ = place
POLICY = """policy "p"
import std.baseline without loopback
import std.git-work
tier careful { approvers "@people" }
allow read "./", "~/.cargo/**", "~/.rustup/**"
allow write, delete "./"
allow run "**"
allow connect "localhost:*", "127.0.0.1:*", "127.0.0.2:*"
"""
HOME = os.path.expanduser("~")


def with_program(name: str) -> pytest.MarkDecorator:
    return needs(f"`{name}` is not installed", there=shutil.which(name) is not None)


def write(place: Path, **files: str) -> None:
    for name, text in files.items():
        path = place / "w" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def work(place: Path, script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A script with the tools of this machine, wherever they lie."""
    tools = {
        os.path.dirname(os.path.realpath(p))
        for n in ("node", "npm", "cargo", "python3", "git")
        if (p := shutil.which(n))
    }
    folders = sorted({*(str(Path(t).parent) for t in tools if not t.startswith("/usr/")), sys.prefix, sys.base_prefix})
    more = [f for name in (".rustup", ".cargo") if (f := os.path.join(HOME, name)) and os.path.isdir(f)]
    system = [word for f in dict.fromkeys([*folders, *more]) if f not in {"/", "/usr"} for word in ("--system", f)]
    env = {"RUSTUP_HOME": f"{HOME}/.rustup", "CARGO_HOME": f"{place}/.cargo"}
    given = POLICY + 'allow setenv "RUSTUP_HOME", "CARGO_HOME", "RUSTUP_TOOLCHAIN"\n'
    return run(place, "sh", "-ec", script, policy=given, options=(*system, *options), env=env)


def test_pytest_with_everything_that_it_uses(place: Path) -> None:
    write(place, **{
        "calc.py": "def add(a, b):\n    return a + b\n",
        "tests/test_calc.py": """
import multiprocessing, os, socket, sqlite3, subprocess, sys, tempfile, threading, urllib.request
from http.server import HTTPServer, SimpleHTTPRequestHandler
from calc import add

def test_add(): assert add(1, 2) == 3
def test_folder(tmp_path): (tmp_path / "a").write_text("x"); assert (tmp_path / "a").read_text() == "x"
def test_process(): assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout == b"1\\n"
def test_database(tmp_path):
    with sqlite3.connect(tmp_path / "d") as base: base.execute("create table t(a)")
def _put(queue): queue.put(os.getpid())
def test_processes():
    queue = multiprocessing.Queue(); other = multiprocessing.Process(target=_put, args=(queue,)); other.start()
    assert queue.get() == other.pid; other.join()
def test_pool():
    with multiprocessing.Pool(2) as pool: assert pool.map(abs, [-1, -2]) == [1, 2]
def test_server():
    server = HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler); threading.Thread(target=server.serve_forever, daemon=True).start()
    assert urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/").status == 200
def test_unix_sockets(tmp_path):
    server = socket.socket(socket.AF_UNIX); server.bind(str(tmp_path / "s")); server.listen()
    client = socket.socket(socket.AF_UNIX); client.connect(str(tmp_path / "s")); assert server.accept()
def test_names(tmp_path):
    (tmp_path / "d").mkdir(); (tmp_path / "d/f").touch(); os.rename(tmp_path / "d", tmp_path / "e"); os.link(tmp_path / "e/f", tmp_path / "g")
    os.symlink("e/f", tmp_path / "l"); os.chmod(tmp_path / "g", 0o700); os.utime(tmp_path / "g", (1, 2)); os.truncate(tmp_path / "g", 9)
    assert os.stat(tmp_path / "l").st_size == 9
def test_temporary():
    with tempfile.TemporaryFile() as f, tempfile.NamedTemporaryFile() as g: f.write(b"x"); g.write(b"y")
""",
    })  # fmt: skip
    done = work(place, "python3 -m pytest -q 2>&1 | tail -3; ls .pytest_cache >/dev/null")
    assert "10 passed" in done.stdout, done.stdout + done.stderr


@with_program("node")
def test_node_runs_its_tests(place: Path) -> None:
    write(place, **{
        "package.json": '{"name": "d", "version": "1.0.0", "scripts": {"test": "node --test"}}',
        "test/a.test.js": """
const test = require('node:test'), assert = require('node:assert'), fs = require('node:fs'), os = require('node:os');
const http = require('node:http'), {execFileSync, fork} = require('node:child_process'), {Worker} = require('node:worker_threads');
test('files', () => { fs.mkdirSync('out', {recursive: true}); fs.writeFileSync('out/a', 'x'); fs.renameSync('out/a', 'out/b'); fs.rmSync('out', {recursive: true}); });
test('process', () => assert.equal(execFileSync('echo', ['hi']).toString(), 'hi\\n'));
test('interfaces', () => assert.ok(os.networkInterfaces().lo));
test('worker', (t, done) => { new Worker('process.exit(0)', {eval: true}).on('exit', () => done()); });
test('server', (t, done) => { const s = http.createServer((q, r) => r.end('ok')).listen(0, '127.0.0.1', () => http.get({port: s.address().port, host: '127.0.0.1'}, r => { assert.equal(r.statusCode, 200); s.close(); r.resume(); done(); })); });
""",
    })  # fmt: skip
    done = work(place, "npm test 2>&1")
    assert "# pass 5" in done.stdout, done.stdout + done.stderr


@with_program("cc")
@with_program("make")
def test_make_builds(place: Path) -> None:
    write(
        place,
        **{
            "main.c": '#include <stdio.h>\nint main() { puts("built"); }\n',
            "Makefile": "all: main\nmain: main.c\n\tcc -o main main.c\n",
        },
    )
    assert work(place, "make -s && ./main").stdout == "built\n"


@with_program("cargo")
def test_cargo_builds(place: Path) -> None:
    write(place, **{
        "Cargo.toml": '[package]\nname = "a"\nversion = "0.1.0"\nedition = "2021"\n',
        "src/main.rs": 'fn main() { println!("{}", 40 + 2); }\n#[test]\nfn works() { assert_eq!(2, 1 + 1); }\n',
    })  # fmt: skip
    toolchain = (
        subprocess.run(["rustup", "toolchain", "list"], capture_output=True, text=True, check=False).stdout.split()
        if shutil.which("rustup")
        else []
    )
    chosen = f"RUSTUP_TOOLCHAIN={toolchain[0]} " if toolchain and "-" in toolchain[0] else ""
    done = work(
        place, f"{chosen}cargo run -q --offline && {chosen}cargo test -q --offline 2>&1 | grep -c 'test result: ok'"
    )
    assert done.stdout == "42\n1\n", done.stdout + done.stderr


def test_git_works_and_its_hooks_stay(place: Path) -> None:
    write(place, a="1\n")
    subprocess.run(
        "git init -q -b main . && git config user.email a@b && git config user.name n && git add -A && git commit -qm 1",
        shell=True,
        check=True,
        cwd=place / "w",
        env={**os.environ, "HOME": str(place)},
    )
    script = """
git status --short; echo 2 >> a; git commit -qam 2; git checkout -qb other; echo 3 >> a; git commit -qam 3; git checkout -q main
git merge -q other; echo 4 > b; git add b; git stash -q; git stash pop -q; git commit -qm 4; git tag t; git branch -D other -q; git rebase -q HEAD~1; git gc -q; git log --oneline | wc -l
echo x > .git/hooks/pre-commit || true; git config core.pager cat || true; mv .git g || true; git init -q sub || true
"""
    done = work(place, script)
    assert done.stdout == "4\n", done.stdout + done.stderr
    assert not (place / "w/.git/hooks/pre-commit").exists()
    assert "pager" not in (place / "w/.git/config").read_text()
    assert not (place / "w/sub/.git/config").exists()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""

    def translate_path(self, path: str) -> str:
        return super().translate_path(urlsplit(path).path)


@pytest.fixture
def served(place: Path) -> Iterator[tuple[Path, int]]:
    """A folder that the machine serves over HTTP, on its loopback."""
    folder = place / "served"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, server.server_port
    server.shutdown()
    server.server_close()


def test_pip_installs_from_an_index(place: Path, served: tuple[Path, int]) -> None:
    folder, port = served
    package = place / "package"
    package.mkdir()
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["."]\n[project]\nname = "onlyhere"\nversion = "1.0"\n'
    )
    wheel = folder / "onlyhere" / "onlyhere-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    import zipfile

    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("onlyhere.py", "value = 42\n")
        archive.writestr("onlyhere-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: onlyhere\nVersion: 1.0\n")
        archive.writestr(
            "onlyhere-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("onlyhere-1.0.dist-info/RECORD", "")
    script = f"python3 -m venv v && v/bin/pip install -q --disable-pip-version-check --no-cache-dir --index-url http://127.0.0.1:{port}/ onlyhere && v/bin/python -c 'import onlyhere; print(onlyhere.value)'"
    done = work(place, script, "--forward", str(port))
    assert done.stdout == "42\n", done.stdout + done.stderr


@with_program("npm")
def test_npm_installs_from_a_registry(place: Path, served: tuple[Path, int]) -> None:
    folder, port = served
    source = place / "onlyhere"
    source.mkdir()
    (source / "package.json").write_text('{"name": "onlyhere", "version": "1.0.0", "main": "i.js"}')
    (source / "i.js").write_text("module.exports = 42")
    packed = subprocess.run(
        ["npm", "pack", "--silent", str(source)], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()
    import json

    about = {
        "name": "onlyhere",
        "dist-tags": {"latest": "1.0.0"},
        "versions": {
            "1.0.0": {"name": "onlyhere", "version": "1.0.0", "dist": {"tarball": f"http://127.0.0.1:{port}/{packed}"}}
        },
    }
    (folder / "onlyhere").write_text(json.dumps(about))
    write(place, **{"package.json": '{"name": "d", "version": "1.0.0"}'})
    script = f"npm install --no-audit --no-fund --silent --registry http://127.0.0.1:{port}/ onlyhere && node -p 'require(\"onlyhere\")'"
    done = work(place, script, "--forward", str(port))
    assert done.stdout == "42\n", done.stdout + done.stderr


def test_git_fetches_over_http(place: Path, served: tuple[Path, int]) -> None:
    folder, port = served
    subprocess.run(
        "git init -q -b main one && cd one && echo 1 > a && git add -A && git -c user.email=a@b -c user.name=n commit -qm 1"
        " && git clone -q --bare . ../one.git && cd ../one.git && git update-server-info",
        shell=True, check=True, cwd=folder,
    )  # fmt: skip
    subprocess.run(["git", "init", "-q", "-b", "main", "."], check=True, cwd=place / "w")
    script = f"git fetch -q http://127.0.0.1:{port}/one.git main && git show FETCH_HEAD:a"
    done = work(place, script, "--forward", str(port))
    assert done.stdout == "1\n", done.stdout + done.stderr


def test_git_commits_and_pushes_to_a_server(place: Path) -> None:
    folder = place / "server"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", "r.git"], cwd=folder, check=True)
    subprocess.run(["git", "config", "http.receivepack", "true"], cwd=folder / "r.git", check=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (GitBackend,), {"root": str(folder)}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_port
    subprocess.run(
        f"git init -q -b main . && git config user.email a@b && git config user.name n && git remote add origin http://127.0.0.1:{port}/r.git",
        shell=True, check=True, cwd=place / "w",
    )  # fmt: skip
    try:
        done = work(
            place,
            "echo 1 > a; git add a; git commit -qm 1; git push -q origin main; git fetch -q; git log --oneline origin/main | wc -l",
            "--forward",
            str(port),
        )
    finally:
        server.shutdown()
        server.server_close()
    assert done.stdout == "1\n", done.stdout + done.stderr
    assert (
        subprocess.run(["git", "rev-parse", "main"], cwd=folder / "r.git", capture_output=True, check=False).returncode
        == 0
    )


@pytest.mark.skipif(shutil.which("go") is None, reason="`go` is not installed; 500 MB are too many for every run")
def test_go_tests(place: Path) -> None:
    write(place, **{
        "go.mod": "module a\n\ngo 1.19\n", "a.go": "package a\n\nfunc F() int { return 1 }\n",
        "a_test.go": 'package a\n\nimport "testing"\n\nfunc TestF(t *testing.T) {\n\tif F() != 1 {\n\t\tt.Fail()\n\t}\n}\n',
    })  # fmt: skip
    done = work(place, "go test ./... && go build ./...")
    assert done.stdout.startswith("ok"), done.stdout + done.stderr


@with_program("curl")
def test_the_proxy_lets_granted_hosts_through(place: Path) -> None:
    folder = place / "page"
    folder.mkdir()
    (folder / "a").write_text("seen")
    server = http.server.ThreadingHTTPServer(("127.0.0.2", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        script = f"curl -s http://127.0.0.2:{server.server_port}/a; curl -s -o /dev/null -w ' %{{http_code}}' http://127.0.0.3:{server.server_port}/a"
        assert work(place, script).stdout == "seen 403"
    finally:
        server.shutdown()
        server.server_close()


@with_program("curl")
def test_a_server_inside_is_reached_inside(place: Path) -> None:
    script = "python3 -m http.server --bind 127.0.0.1 8765 >/dev/null 2>&1 & for i in $(seq 50); do curl -sf http://localhost:8765/ >/dev/null && break; sleep 0.1; done; curl -s -o /dev/null -w '%{http_code}' http://localhost:8765/; kill %1"
    assert work(place, script).stdout == "200"


@with_program("vim")
def test_an_editor_edits(place: Path) -> None:
    write(place, a="one\n")
    done = work(place, "vim -es -u NONE -c '%s/one/two/' -c 'wq' a < /dev/null; cat a")
    assert done.stdout == "two\n", done.stderr


def test_files_are_made_with_the_modes_that_programs_ask_for(place: Path) -> None:
    script = "umask 027; touch f; mkdir d; umask 0; touch g; mkfifo p; (umask 077; touch h); stat -c '%a' f d g p h"
    assert work(place, script).stdout == "640\n750\n666\n666\n600\n"
