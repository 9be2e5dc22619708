"""The script for docker holds what its model says, tried with podman and an image of nothing but busybox."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exports import world

IMAGE = "policy-lang-export"
OPTIONS = "--storage-driver vfs --cgroup-manager cgroupfs --runtime runc"
LIMITS = "--ulimit nofile=1024:1024 --ulimit nproc=4096:4096"
"""What a machine that is itself a container needs."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Path]:
    """A program that takes docker's words, and has the image."""
    store = Path(tempfile.mkdtemp(dir="/var/tmp"))
    shell = shutil.which("busybox")
    try:
        if not (shell and shutil.which("podman") and shutil.which("runc")):
            pytest.skip("podman, runc or a static busybox is not installed")
        program = store / "docker"
        podman = f"exec podman --root {store}/root --runroot {store}/run {OPTIONS}"
        program.write_text(
            f'#!/bin/sh\ncase $1 in run) shift; {podman} run {LIMITS} "$@" ;; *) {podman} "$@" ;; esac\n'
        )
        program.chmod(0o755)
        done = subprocess.run([program, "import", "-", IMAGE], input=_root(shell), capture_output=True, check=False)
        if done.returncode == 0:
            done = subprocess.run(
                [program, "run", "--rm", "--network", "none", IMAGE, "true"], capture_output=True, check=False
            )
        if done.returncode != 0:
            pytest.skip(f"podman starts nothing here: {done.stderr.decode(errors='replace')[-200:]}")
        yield program
    finally:
        shutil.rmtree(store, ignore_errors=True)


def _root(shell: str) -> bytes:
    """The image as an archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.add(os.path.realpath(shell), "bin/busybox")
        for name in ("sh", "cat", "head", "echo", "rm", "env", "true", "cut", "tail"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    return out.getvalue()


@pytest.fixture
def home() -> Iterator[Path]:
    made = world.world()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def run(text: str, home: Path, engine: Path, script: str, **more: str) -> str:
    (home / "box.sh").write_text(text)
    done = subprocess.run(
        ["sh", str(home / "box.sh"), IMAGE, "sh", "-c", script],
        capture_output=True, text=True, check=False, timeout=300, cwd=home / "w",
        env={"PATH": os.environ["PATH"], "HOME": str(home), "DOCKER": str(engine), **more},
    )  # fmt: skip
    assert "Error" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", world.POLICIES)
def test_files_are_held_as_the_model_says(name: str, home: Path, engine: Path) -> None:
    policy, made = world.export("docker", world.POLICIES[name], home, widen=True)
    asked = [p for p in world.probes(policy, made, home) if not p.path.startswith("/etc/")]
    assert len(asked) >= 100
    assert world.tried(asked, lambda script: run(made.written.text, home, engine, script)) == []
    world.witnesses_hold(policy, made)


def test_there_is_nothing_of_the_network_and_of_the_environment(home: Path, engine: Path) -> None:
    _, made = world.export("docker", 'policy "p" allow read "./" allow use "TOKEN" allow connect "example.com"', home)
    told = run(made.written.text, home, engine, "env; cut -d: -f1 /proc/net/dev | tail -n +3", TOKEN="t", SECRET="s")
    assert "TOKEN=t" in told.splitlines()
    assert "SECRET" not in told
    assert {line.strip() for line in told.splitlines() if "=" not in line} <= {"lo", "tunl0", "sit0", "ip6tnl0"}
    assert "fewer-hosts" in {loss.code for loss in made.losses}


def test_the_proxys_socket_is_mounted(home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, contextlib.closing(server):
        server.bind(str(home / "proxy"))
        _, made = world.export("docker", 'policy "p" allow connect "example.com"', home, proxy=f"unix:{home}/proxy")
    assert f"source={home}/proxy,target=/run/policy_lang/proxy.sock,readonly" in made.written.text
    assert "--network none" in made.written.text
    assert "--env HTTPS_PROXY=http://127.0.0.1:3128" in made.written.text
    assert not {"hosts", "fewer-hosts"} & {loss.code for loss in made.losses}


def test_a_path_that_no_mount_takes_is_not_granted(home: Path) -> None:
    """What lies beside it is granted one by one."""
    (home / "w/docs/a,b").write_text("content\n")
    policy, made = world.export("docker", 'policy "p" allow read "docs/" deny read "docs/a,b"', home, widen=True)
    modes = {e.path: e.mode for e in made.written.model.files}
    assert modes == {str(home / "w/docs" / name): "read" for name in ("a.md", "public", "private")}
    assert "a,b" not in made.written.text
    world.witnesses_hold(policy, made)
