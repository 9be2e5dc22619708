"""The one way in which files are written."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy_lang.domain.files import create, open_for_reading, replace, writer

CALLS = ("open", "fchmod", "write", "fsync", "close", "replace", "stat")


def test_a_new_file_gets_what_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        replace(str(tmp_path / "a"), b"x", mode=None, durable=False)
    finally:
        os.umask(before)
    assert (tmp_path / "a").read_bytes() == b"x"
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o640


def test_a_persons_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o664)
    replace(str(tmp_path / "a"), b"new", mode=None, durable=False)
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o664


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_given_mode_holds_whatever_stood_there(tmp_path: Path, mode: int) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o666)
    before = os.umask(0o077)
    try:
        replace(str(tmp_path / "a"), b"new", mode=mode, durable=True)
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o7777 == mode


def test_a_link_stays_where_the_file_is_a_persons(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far/real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("far/real")
    replace(str(tmp_path / "link"), b"new", mode=None, durable=False)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far/real").read_bytes() == b"new"


def test_a_link_is_replaced_where_the_file_is_ours(tmp_path: Path) -> None:
    """Otherwise whoever can make a link there chooses which file is overwritten."""
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    replace(str(tmp_path / "link"), b"new", mode=0o600, durable=True)
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"old"
    assert (tmp_path / "link").read_bytes() == b"new"


def test_a_name_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    replace("a", b"x", mode=0o600, durable=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def failing(
    real: Callable[..., Any], at: int, fault: Callable[[], None], first: Callable[[], None] = lambda: None
) -> Callable[..., Any]:
    """The call, of which the one with this number (from 1) fails."""
    left = [at]

    def call(*given: Any, **more: Any) -> Any:
        first()
        left[0] -= 1
        if left[0] == 0:
            fault()
        return real(*given, **more)

    return call


def full() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("mode", [None, 0o600])
@pytest.mark.parametrize("name", CALLS)
def test_a_failing_call_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, mode: int | None
) -> None:
    """Each call in turn; the second `open`, `fsync` and `close` are those of the folder, when the name stands already."""
    path = tmp_path / "a"
    for at in (1, 2):
        path.write_bytes(b"old")
        with monkeypatch.context() as patch:
            patch.setattr(os, name, failing(getattr(os, name), at, full))
            try:
                replace(str(path), b"new", mode=mode, durable=True)
                failed = False
            except OSError:
                failed = True
        assert [p.name for p in tmp_path.iterdir()] == ["a"]
        folder = at == 2 and name in {"open", "fsync", "close"}
        assert path.read_bytes() == (b"old" if failed and not folder else b"new")
        if at == 1 and not (name == "stat" and mode is not None):
            assert failed


def test_short_writes_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, bytes(data)[:3]))
    replace(str(tmp_path / "a"), b"0123456789", mode=0o600, durable=False)
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_an_interrupt_cleans_up_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", failing(os.fsync, 1, interrupt))
    with pytest.raises(KeyboardInterrupt):
        replace(str(tmp_path / "a"), b"x", mode=0o600, durable=True)
    assert list(tmp_path.iterdir()) == []


def test_what_is_durable_is_synchronised_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, failing(getattr(os, name), 0, full, lambda n=name: done.append(n)))
    replace(str(tmp_path / "a"), b"x", mode=0o600, durable=True)
    assert done == ["fsync", "replace", "fsync"]
    done.clear()
    replace(str(tmp_path / "a"), b"x", mode=0o600, durable=False)
    assert done == ["replace"]


def test_readers_see_one_whole_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    contents = {bytes([letter]) * 50_000 for letter in b"ab"}
    path.write_bytes(min(contents))
    stop = threading.Event()
    torn: list[bytes] = []

    def read() -> None:
        while not stop.is_set():
            found = path.read_bytes()
            if found not in contents:
                torn.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(50):
            for content in contents:
                replace(str(path), content, mode=0o600, durable=False)
    finally:
        stop.set()
        reader.join()
    assert not torn


def test_writers_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "a"

    def write(number: int) -> None:
        for _ in range(20):
            replace(str(path), b"%d" % number * 9000, mode=0o600, durable=False)

    workers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert len(set(path.read_bytes())) == 1


def test_a_process_that_dies_leaves_the_old_or_the_new_one(tmp_path: Path) -> None:
    """Killed at each call of the system in turn: the name is always there and whole."""
    code = (
        "import os, signal, sys\n"
        "from policy_lang.domain.files import replace\n"
        f"left = [int(sys.argv[2])]\nfor name in {CALLS!r}:\n"
        "    def call(*given, real=getattr(os, name), **more):\n"
        "        left[0] -= 1\n"
        "        if left[0] == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return real(*given, **more)\n"
        "    setattr(os, name, call)\n"
        "replace(sys.argv[1], b'new', mode=0o600, durable=True)\n"
    )
    path, seen = tmp_path / "a", []
    for number in range(1, 20):
        path.write_bytes(b"old")
        done = subprocess.run([sys.executable, "-c", code, path, str(number)], check=False, timeout=30)
        seen.append(path.read_bytes())
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert seen == sorted(seen, reverse=True)
    assert set(seen) == {b"old", b"new"}
    assert done.returncode == 0


def test_a_new_file_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    create(str(path), b"x")
    with pytest.raises(FileExistsError):
        create(str(path), b"y")
    assert path.read_bytes() == b"x"
    (tmp_path / "link").symlink_to("nothing")
    with pytest.raises(FileExistsError):
        create(str(tmp_path / "link"), b"y")
    monkeypatch.setattr(os, "fdopen", failing(os.fdopen, 1, full))
    with pytest.raises(OSError, match="No space left"):
        create(str(tmp_path / "b"), b"x")
    assert not (tmp_path / "b").exists()


def test_opening_waits_for_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    os.close(open_for_reading(str(tmp_path / "fifo")))
    with pytest.raises(FileNotFoundError):
        open_for_reading(str(tmp_path / "missing"))


def written(how: str, path: str, data: bytes, mode: int | None) -> None:
    if how == "replace":
        replace(path, data, mode=mode, durable=False)
        return
    with writer(path, mode=mode, durable=False) as stream:
        for at in range(0, len(data), 2):
            stream.write(data[at : at + 2])


@pytest.mark.parametrize("how", ["replace", "writer"])
@pytest.mark.parametrize("link", [False, True])
def test_a_fifo_of_a_persons_is_written_to(tmp_path: Path, how: str, link: bool) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    try:
        written(how, str(tmp_path / ("link" if link else "fifo")), b"content", None)
        assert os.read(reader, 100) == b"content"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fifo", "link"]


@pytest.mark.parametrize("how", ["replace", "writer"])
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
@pytest.mark.parametrize("to", ["pipe", "file"])
def test_standard_output_is_written_to(tmp_path: Path, how: str, name: str, to: str) -> None:
    """And goes on where it stood: what was there is not written over."""
    (tmp_path / "link").symlink_to("/dev/stdout")
    code = (
        "import sys\nfrom policy_lang.domain.files import replace, writer\n"
        "print('before', flush=True)\n"
        "if sys.argv[1] == 'replace':\n    replace(sys.argv[2], b'content\\n', mode=None, durable=False)\n"
        "else:\n    with writer(sys.argv[2], mode=None, durable=False) as stream: stream.write(b'content\\n')\n"
        "print('after')\n"
    )
    command = [sys.executable, "-c", code, how, name]
    if to == "pipe":
        out = subprocess.run(command, cwd=tmp_path, check=True, timeout=30, stdout=subprocess.PIPE).stdout
    else:
        with (tmp_path / "out").open("wb") as stream:
            subprocess.run(command, cwd=tmp_path, check=True, timeout=30, stdout=stream)
        out = (tmp_path / "out").read_bytes()
    assert out == b"before\ncontent\nafter\n"
    assert (tmp_path / "link").is_symlink()


def device(path: Path) -> None:
    """A device as `/dev/null` is."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")


@pytest.mark.parametrize("how", ["replace", "writer"])
def test_a_device_is_never_replaced(tmp_path: Path, how: str) -> None:
    device(tmp_path / "null")
    (tmp_path / "link").symlink_to("null")
    for name in ("null", "link"):
        with contextlib.suppress(PermissionError):  # on a file system without devices
            written(how, str(tmp_path / name), b"content", None)
        assert stat.S_ISCHR((tmp_path / "null").stat().st_mode)
        assert (tmp_path / "link").is_symlink()
    with pytest.raises(OSError, match="not a regular file"):
        written(how, str(tmp_path / "null"), b"content", 0o600)
    assert stat.S_ISCHR((tmp_path / "null").stat().st_mode)


@pytest.mark.parametrize("how", ["replace", "writer"])
def test_what_is_no_file_of_ours_is_refused(tmp_path: Path, how: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    for name, mode in (("fifo", 0o600), ("socket", 0o600), ("socket", None)):
        with pytest.raises(OSError, match="not a regular file"):
            written(how, str(tmp_path / name), b"content", mode)
    for mode in (None, 0o600):
        with pytest.raises(IsADirectoryError):
            written(how, str(tmp_path / "folder"), b"content", mode)
    written(how, str(tmp_path / "link"), b"content", 0o600)
    assert (tmp_path / "link").read_bytes() == b"content"
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fifo", "folder", "link", "socket"]


def test_a_descriptor_that_is_not_open_is_refused() -> None:
    for name in ("/dev/fd/987654", "/dev/fd/" + "9" * 30):
        with pytest.raises(OSError):
            replace(name, b"x", mode=None, durable=False)


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        replace(str(tmp_path / "a"), b"x", mode=None, durable=False)


def test_a_stream_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(KeyError), writer(str(tmp_path / "a"), mode=None, durable=False) as stream:
        stream.write(b"new" * 100_000)
        raise KeyError
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_the_first_fault_is_the_one_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fsync", failing(os.fsync, 1, full))
    monkeypatch.setattr(os, "unlink", failing(os.unlink, 1, refused))
    with pytest.raises(OSError, match="No space left"):
        replace(str(tmp_path / "a"), b"x", mode=0o600, durable=True)
    monkeypatch.setattr(os, "fdopen", failing(os.fdopen, 1, full))
    monkeypatch.setattr(os, "unlink", failing(os.unlink, 1, refused))
    with pytest.raises(OSError, match="No space left"):
        create(str(tmp_path / "b"), b"x")
