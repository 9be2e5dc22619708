# ruff: noqa: T201
"""Attempts to read what may not be read."""

from __future__ import annotations

import mmap
import os
import subprocess

from tests.walls.escapes.kit import (
    OUTPUT,
    WORD,
    Context,
    add,
    attempt,
    call,
    goes_on,
    openable,
    own_namespaces,
    show,
    word,
)

READ = "a file whose reading is denied is read"
LISTED = "the names of a folder that may not be read are listed"


def reads(name: str, path: object, means: str = READ, **options: object) -> None:
    add(name, lambda c: show(path(c)), means, OUTPUT, **options)


reads("read_pem", lambda c: c.pem)
reads("read_pem_root", lambda c: f"{c.ws}/secret.pem")
reads("read_pem_deep", lambda c: f"{c.ws}/src/deep/secret.pem")
reads("read_locked", lambda c: c.locked)
reads("read_env", lambda c: f"{c.ws}/.env")
reads("read_vault", lambda c: c.vault)
reads("read_vault_link", lambda c: f"link-to-vault/{c.name}.txt")
reads("read_vault_dots", lambda c: f"src/{c.name}/../../vault/{c.name}.txt")
reads("read_vault_proc_root", lambda c: f"/proc/self/root{c.vault}")
reads("read_alias", lambda c: f"{c.ws}/src/alias.txt")
reads("read_link_to_deep", lambda c: f"{c.ws}/link-to-deep/secret.pem")
reads("read_outside", lambda c: c.outside)
reads("read_outside_dots", lambda c: f"../outside/{c.name}.txt")
reads("read_home", lambda c: c.homely)
reads("read_ssh_key", lambda c: f"{c.home}/.ssh/id_ed25519")
reads("read_netrc", lambda c: f"{c.home}/.netrc")
reads("read_bashrc", lambda c: f"{c.home}/.bashrc")
reads("read_host_tmp", lambda c: f"{c.host_tmp}/{c.name}.txt")


@attempt(READ, OUTPUT)
def read_openat2(c: Context) -> None:
    os.write(1, os.read(call(437, -100, c.pem, bytes(24), 24), 4096))


@attempt(READ, OUTPUT)
def read_path_reopened(c: Context) -> None:
    show(f"/proc/self/fd/{os.open(c.pem, os.O_PATH)}")


@attempt(READ, OUTPUT)
def read_mapped(c: Context) -> None:
    fd = os.open(c.vault, os.O_RDONLY)
    os.write(1, mmap.mmap(fd, 0, prot=mmap.PROT_READ)[:])


@attempt(READ, OUTPUT)
def read_sent(c: Context) -> None:
    os.sendfile(1, os.open(c.pem, os.O_RDONLY), 0, 4096)


@attempt(READ, OUTPUT)
def read_copied(c: Context) -> None:
    fd = os.open(f"{c.own}/copy.txt", os.O_RDWR | os.O_CREAT, 0o644)
    os.copy_file_range(os.open(c.pem, os.O_RDONLY), fd, 4096)
    show(f"{c.own}/copy.txt")


@attempt(READ, OUTPUT)
def read_spliced(c: Context) -> None:
    reading, writing = os.pipe()
    os.splice(os.open(c.pem, os.O_RDONLY), writing, 4096)
    os.write(1, os.read(reading, 4096))


@attempt(READ, OUTPUT)
def read_by_shell(c: Context) -> None:
    subprocess.run(["/bin/sh", c.pem], check=False)


@attempt(READ, OUTPUT)
def read_by_programs(c: Context) -> None:
    for words in (
        ["cat", c.vault],
        ["tar", "cf", "-", "-C", f"{c.ws}/vault", "."],
        ["grep", "-r", "secret", c.ws],
        ["dd", f"if={c.pem}"],
    ):
        subprocess.run(words, check=False)


@attempt(READ, OUTPUT)
def read_by_loader(c: Context) -> None:
    """The dynamic loader says what it cannot load."""
    subprocess.run(["/bin/sh", "-c", f". {c.vault}"], check=False)


@attempt(READ, OUTPUT)
def read_vault_attribute(c: Context) -> None:
    os.write(1, os.getxattr(c.vault, "user.note"))


@attempt(LISTED, OUTPUT)
def list_vault(c: Context) -> None:
    print(os.listdir(f"{c.ws}/vault"), flush=True)


@attempt(LISTED, OUTPUT)
def list_vault_link(c: Context) -> None:
    print(os.listdir(f"{c.ws}/link-to-vault"), flush=True)


@attempt("where a link of the vault leads is read", OUTPUT)
def readlink_vault(c: Context) -> None:
    print(os.readlink(f"{c.ws}/vault/link"), flush=True)


@attempt(READ, OUTPUT)
def read_odd_names(c: Context) -> None:
    """Whatever lies below folders with odd names."""
    for folder, _, files in os.walk(os.fsencode(f"{c.ws}/src/odd")):
        for name in files:
            with goes_on():
                show(folder + b"/" + name)


@attempt(READ, OUTPUT)
def read_everything(c: Context) -> None:
    """All that is below the workspace's parent, the home and the root's first levels."""
    for top in (c.base, c.home, "/home", "/root", "/mnt", "/oldroot", "/newroot", "/run"):
        for folder, folders, files in os.walk(top):
            if folder.count("/") > 8 or (top in {"/home", "/root", "/mnt", "/run"} and c.base not in folder):
                folders.clear()
                continue
            for name in files:
                if not name.endswith((".py", ".json")):
                    with goes_on():
                        fd = os.open(f"{folder}/{name}", os.O_RDONLY | os.O_NONBLOCK)
                        os.write(1, os.read(fd, 300))
                        os.close(fd)


@attempt(READ, OUTPUT, root=True)
def read_by_handle(c: Context) -> None:
    """A file's handle leads to it past every mount."""
    import ctypes
    import struct

    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    mount = ctypes.c_int()
    call(303, -100, c.vault, ctypes.byref(handle), ctypes.byref(mount), 0)
    os.write(1, os.read(call(304, os.open(c.ws, os.O_RDONLY), ctypes.byref(handle), os.O_RDONLY), 4096))


@attempt(READ, OUTPUT, root=True)
def read_by_guessed_handle(c: Context) -> None:
    """A handle that is made up: an ext4 file's is its number and its generation; the folder's own is known."""
    import ctypes
    import struct

    folder = os.open(c.ws, os.O_RDONLY)
    number = os.stat(c.vault).st_ino
    for kind, body in ((1, struct.pack("II", number, 0)), (1, struct.pack("II", number, generation(c.vault)))):
        handle = ctypes.create_string_buffer(struct.pack("Ii", len(body), kind) + body)
        with goes_on():
            os.write(1, os.read(call(304, folder, ctypes.byref(handle), os.O_RDONLY), 4096))


def generation(path: str) -> int:
    import fcntl

    found: bytes = fcntl.ioctl(os.open(path, os.O_RDONLY), 0x80087601, bytes(8))
    return int.from_bytes(found[:4], "little")


@attempt(
    "the disk itself is opened",
    WORD,
    root=True,
    bare=openable("/dev/vda", os.O_RDONLY) and "this machine lets nobody open its disk",
)
def read_raw_disk(c: Context) -> None:
    """The disk that the file lies on, read as a device."""
    device = os.stat(c.own).st_dev
    node = f"{c.own}/disk.txt"
    os.mknod(node, 0o60600, device)
    try:
        subprocess.run(["/usr/sbin/debugfs", "-R", f"cat {c.vault}", node], check=False, timeout=8)
        fd = os.open(node, os.O_RDONLY)
        os.close(fd)
        word()
    finally:
        os.unlink(node)


@attempt(READ, OUTPUT)
def read_under_mask(c: Context) -> None:
    """What lies below a mask, where this process may take it off."""
    with goes_on():
        own_namespaces()
    with goes_on():
        call(166, c.pem, 2)
    show(c.pem)
