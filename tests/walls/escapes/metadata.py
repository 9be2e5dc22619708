"""Attempts to change what is said of a file: modes, times, attributes, flags, owners, sizes; and files that are dangerous in themselves."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import stat
import struct

from tests.walls.escapes.kit import Context, attempt, call, own_namespaces, put

MODE = "a denied file's mode is changed"
TIME = "a denied file's time is changed"
NOTE = "a denied file's attributes are changed"
FLAG = "a denied file's flags are changed"
SIZE = "a denied file is emptied"
OWNER = "a denied file's owner is changed"
DANGEROUS = "a file that gives rights to whoever starts it is left behind"


def reading(c: Context) -> int:
    return os.open(c.kept, os.O_RDONLY)


@attempt(MODE)
def chmod_kept(c: Context) -> None:
    os.chmod(c.kept, 0o4777)


@attempt(MODE)
def chmod_pem(c: Context) -> None:
    os.chmod(c.pem, 0o644)


@attempt(MODE)
def chmod_dots(c: Context) -> None:
    call(268, os.open(c.own, os.O_PATH), c.up(c.kept), 0o777)


@attempt(MODE)
def chmod_symlink(c: Context) -> None:
    os.symlink(c.kept, f"{c.own}/l")
    os.chmod(f"{c.own}/l", 0o777)


@attempt(MODE)
def fchmod_reading(c: Context) -> None:
    os.fchmod(reading(c), 0o777)


@attempt(MODE)
def fchmodat2_empty(c: Context) -> None:
    call(452, os.open(c.kept, os.O_PATH), "", 0o777, 0x1000)


@attempt(MODE)
def chmod_by_descriptor(c: Context) -> None:
    os.chmod(f"/proc/self/fd/{os.open(c.kept, os.O_PATH)}", 0o777)


@attempt(MODE, alone=True)
def chmod_folder(c: Context) -> None:
    os.chmod(f"{c.ws}/generated", 0o777)


@attempt(MODE, alone=True)
def chmod_workspace(c: Context) -> None:
    os.fchmod(os.open(c.ws, os.O_RDONLY), 0o777)


@attempt(MODE)
def chmod_home_file(c: Context) -> None:
    os.chmod(c.homely, 0o666)


@attempt(TIME)
def utimes_kept(c: Context) -> None:
    os.utime(c.kept, (1, 1))


@attempt(TIME)
def utimes_reading(c: Context) -> None:
    os.utime(reading(c), (1, 1))


@attempt(TIME)
def utimes_by_descriptor(c: Context) -> None:
    os.utime(f"/proc/self/fd/{os.open(c.kept, os.O_PATH)}", (1, 1))


@attempt(TIME)
def utimes_old_calls(c: Context) -> None:
    call(235, c.kept, struct.pack("4q", 1, 0, 1, 0))


@attempt(TIME)
def utime_oldest_call(c: Context) -> None:
    call(132, c.kept, struct.pack("2q", 1, 1))


@attempt(TIME)
def futimesat_call(c: Context) -> None:
    call(261, os.open(c.own, os.O_PATH), c.up(c.kept), struct.pack("4q", 1, 0, 1, 0))


@attempt(NOTE)
def attribute_set(c: Context) -> None:
    os.setxattr(c.kept, "user.note", c.data)


@attempt(NOTE)
def attribute_set_reading(c: Context) -> None:
    os.setxattr(reading(c), "user.note", c.data)


@attempt(NOTE)
def attribute_set_link_call(c: Context) -> None:
    call(189, c.kept, "user.note", c.data, len(c.data), 0)


@attempt(NOTE)
def attribute_set_newest_call(c: Context) -> None:
    buffer = ctypes.create_string_buffer(c.data)
    call(463, -100, c.kept, 0, "user.note", struct.pack("QII", ctypes.addressof(buffer), len(c.data), 0), 16)


@attempt(NOTE)
def attribute_removed(c: Context) -> None:
    os.removexattr(c.vault, "user.note")


@attempt(NOTE)
def attribute_removed_reading(c: Context) -> None:
    os.removexattr(os.open(c.vault, os.O_RDONLY), "user.note")


@attempt(NOTE)
def access_list_set(c: Context) -> None:
    """An access list that lets somebody else write."""
    entries = [(1, 6, 0xFFFFFFFF), (2, 6, 65534), (4, 4, 0xFFFFFFFF), (16, 6, 0xFFFFFFFF), (32, 4, 0xFFFFFFFF)]
    os.setxattr(
        c.kept, "system.posix_acl_access", struct.pack("I", 2) + b"".join(struct.pack("HHI", *e) for e in entries)
    )


@attempt(FLAG)
def flag_no_dump(c: Context) -> None:
    fcntl.ioctl(reading(c), 0x40086602, struct.pack("Q", 0x80040))


@attempt(FLAG)
def flag_no_dump_high_bits(c: Context) -> None:
    call(16, reading(c), 1 << 40 | 0x40086602, struct.pack("Q", 0x80040))


@attempt(FLAG)
def flag_extended(c: Context) -> None:
    call(16, reading(c), 0x401C5820, struct.pack("IIIII8x", 0x80, 0, 0, 0, 0))


@attempt(FLAG)
def flag_newest_call(c: Context) -> None:
    call(469, -100, c.kept, struct.pack("QIIII", 0x80, 0, 0, 0, 0), 24, 0)


@attempt(FLAG, root=True)
def flag_append_only(c: Context) -> None:
    fcntl.ioctl(reading(c), 0x40086602, struct.pack("Q", 0x80020))


@attempt(FLAG)
def flag_of_folder(c: Context) -> None:
    fcntl.ioctl(os.open(f"{c.ws}/generated/{c.name}.d", os.O_RDONLY), 0x40086602, struct.pack("Q", 0x80040))


@attempt(SIZE)
def truncate_kept(c: Context) -> None:
    os.truncate(c.kept, 0)


@attempt(SIZE)
def truncate_by_descriptor(c: Context) -> None:
    os.truncate(f"/proc/self/fd/{os.open(c.kept, os.O_PATH)}", 0)


@attempt(SIZE)
def truncate_grows(c: Context) -> None:
    call(76, c.kept, 1 << 20)


@attempt(OWNER, root=True)
def chown_kept(c: Context) -> None:
    os.chown(c.kept, 65534, 65534)


@attempt(OWNER, root=True)
def fchown_reading(c: Context) -> None:
    os.fchown(reading(c), 65534, 65534)


@attempt(OWNER, root=True)
def lchown_call(c: Context) -> None:
    call(94, c.kept, 65534, 65534)


@attempt(OWNER, root=True)
def fchownat_empty(c: Context) -> None:
    call(260, os.open(c.kept, os.O_PATH), "", 65534, 65534, 0x1000)


@attempt(DANGEROUS)
def set_user_program(c: Context) -> None:
    put(f"{c.own}/plain.txt", c)
    os.chmod(f"{c.own}/plain.txt", 0o4755)


@attempt(DANGEROUS)
def set_group_program_by_descriptor(c: Context) -> None:
    fd = os.open(f"{c.own}/plain.txt", os.O_RDWR)
    os.write(fd, c.data)
    os.fchmod(fd, 0o2755)


@attempt(DANGEROUS)
def set_user_program_created(c: Context) -> None:
    os.umask(0)
    fd = os.open(f"{c.own}/made.txt", os.O_WRONLY | os.O_CREAT, 0o4755)
    os.write(fd, b"")


@attempt(DANGEROUS)
def set_user_by_mknod(c: Context) -> None:
    os.umask(0)
    os.mknod(f"{c.own}/made.txt", stat.S_IFREG | 0o4755)


@attempt(DANGEROUS)
def set_user_tmpfile(c: Context) -> None:
    os.umask(0)
    fd = os.open(c.own, os.O_TMPFILE | os.O_WRONLY, 0o4755)
    call(265, -100, f"/proc/self/fd/{fd}", -100, f"{c.own}/made.txt", 0x400)


@attempt(DANGEROUS, root=True)
def file_capabilities(c: Context) -> None:
    os.setxattr(f"{c.own}/plain.txt", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 21, 0, 0, 0))


@attempt(DANGEROUS)
def file_capabilities_in_namespace(c: Context) -> None:
    own_namespaces()
    os.setxattr(f"{c.own}/plain.txt", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 21, 0, 0, 0))


@attempt("a device is left behind", root=True)
def device_made(c: Context) -> None:
    os.mknod(f"{c.own}/zero.txt", stat.S_IFCHR | 0o666, os.makedev(1, 5))


@attempt("a device is left behind", root=True)
def device_made_at_old_call(c: Context) -> None:
    call(133, f"{c.own}/disk.txt", stat.S_IFBLK | 0o600, os.makedev(7, 0))


def dump_in(folder: str, c: Context) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (1 << 24, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    pid = os.fork()
    if not pid:
        c.in_memory = (c.token * 3).encode()
        os.chdir(folder)
        os.kill(os.getpid(), signal.SIGSEGV)
        os._exit(0)
    os.waitpid(pid, 0)


@attempt("a dump of memory appears where nothing may be made", alone=True)
def dump_in_generated(c: Context) -> None:
    dump_in(f"{c.ws}/generated", c)


@attempt("a dump of memory appears where nothing may be made", alone=True)
def dump_in_workspace(c: Context) -> None:
    dump_in(c.ws, c)


@attempt("a dump of memory appears in the home", alone=True)
def dump_in_home(c: Context) -> None:
    dump_in(c.home, c)
