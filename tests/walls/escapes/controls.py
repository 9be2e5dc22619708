"""What the policy grants, and must work inside: a box that is shut altogether would pass every attempt."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading

from tests.walls.escapes.kit import Context, attempt, put

WORKS = "what is granted works"


@attempt(WORKS)
def granted_write(c: Context) -> None:
    put(f"{c.own}/made.py", c)


@attempt(WORKS)
def granted_top_level(c: Context) -> None:
    put(f"{c.ws}/{c.name}.txt", c)


@attempt(WORKS)
def granted_through_link(c: Context) -> None:
    os.symlink("plain.txt", f"{c.own}/l")
    put(f"{c.own}/l", c)


@attempt(WORKS)
def granted_rename(c: Context) -> None:
    put(f"{c.own}/f", c)
    os.rename(f"{c.own}/f", f"{c.own}/plain.txt")


@attempt(WORKS)
def granted_hard_link(c: Context) -> None:
    os.link(f"{c.own}/plain.txt", f"{c.own}/x.txt")
    put(f"{c.own}/x.txt", c)


@attempt(WORKS)
def granted_folders(c: Context) -> None:
    os.makedirs(f"{c.own}/a/b/c")
    os.rename(f"{c.own}/a/b", f"{c.own}/b")
    put(f"{c.own}/b/c/f", c)
    os.rmdir(f"{c.own}/a")


@attempt(WORKS)
def granted_delete(c: Context) -> None:
    os.unlink(f"{c.own}/plain.txt")
    put(f"{c.own}/plain.txt", c, os.O_WRONLY | os.O_CREAT | os.O_EXCL)


@attempt(WORKS)
def granted_metadata(c: Context) -> None:
    os.chmod(f"{c.own}/plain.txt", 0o755)
    os.utime(f"{c.own}/plain.txt", (5, 5))
    os.truncate(f"{c.own}/plain.txt", 0)
    assert os.stat(f"{c.own}/plain.txt").st_mtime != 0
    put(f"{c.own}/plain.txt", c)


@attempt(WORKS)
def granted_reads(c: Context) -> None:
    for path in (f"{c.ws}/package.json", c.kept, f"{c.ws}/.git/HEAD"):
        with open(path, encoding="utf-8") as f:
            assert f.read()
    put(f"{c.own}/read", c)


@attempt(WORKS)
def granted_temporary(c: Context) -> None:
    with tempfile.TemporaryDirectory() as folder:
        put(f"{folder}/f", c)
        shutil.copy(f"{folder}/f", f"{c.own}/copied")


@attempt(WORKS)
def granted_unnamed_temporary(c: Context) -> None:
    with tempfile.TemporaryFile(dir=c.own) as f:
        f.write(c.data)
        f.seek(0)
        assert f.read() == c.data
    put(f"{c.own}/made", c)


@attempt(WORKS)
def granted_devices(c: Context) -> None:
    for path in ("/dev/null", "/dev/stdout", "/dev/stderr", "/dev/zero"):
        put(path, c, os.O_WRONLY)
    with open("/dev/urandom", "rb") as f:
        assert len(f.read(8)) == 8
    put(f"{c.own}/made", c)


@attempt(WORKS)
def granted_while_another_waits(c: Context) -> None:
    """An open that waits (for a FIFO's other end) does not keep others waiting."""
    os.mkfifo(f"{c.own}/fifo")
    for _ in range(3):
        threading.Thread(target=lambda: put(f"{c.own}/fifo", c, os.O_WRONLY), daemon=True).start()
    for i in range(20):
        put(f"{c.own}/{i}", c)


@attempt(WORKS)
def granted_programs(c: Context) -> None:
    subprocess.run(["/bin/sh", "-c", f"echo {c.token} | cat > {c.own}/made"], check=True)


@attempt(WORKS)
def granted_threads(c: Context) -> None:
    for i in range(20):
        thread = threading.Thread(target=lambda i=i: put(f"{c.own}/{i}", c))
        thread.start()
        thread.join()


@attempt(WORKS)
def granted_own_service(c: Context) -> None:
    """A service of the box's own on its loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname(), 3) as s:
        s.sendall(c.data)
        assert listener.accept()[0].recv(100) == c.data
    put(f"{c.own}/made", c)


@attempt(WORKS)
def granted_own_socket(c: Context) -> None:
    os.chdir(c.own)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as s:
        listener.bind("s")
        listener.listen()
        s.connect("s")
        s.sendall(c.data)
        assert listener.accept()[0].recv(100) == c.data
    put(f"{c.own}/made", c)


@attempt(WORKS)
def granted_exchange(c: Context) -> None:
    put(f"{c.own}/f", c)
    os.replace(f"{c.own}/f", f"{c.own}/g")
    os.mkfifo(f"{c.own}/fifo")
