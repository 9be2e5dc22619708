"""Attempts by odd names: the same denied file, spelled, reached or made in another way."""

from __future__ import annotations

import ctypes
import os
import stat
import struct

from tests.walls.escapes.kit import Context, add, attempt, c_call, call, goes_on, own_namespaces, put, write

CHANGED = "a file whose writing is denied is changed"
MADE = "a file appears under a name that is denied"


def spelled(name: str, path: object, means: str = CHANGED, **options: object) -> None:
    """An attempt that opens a path for writing, spelled by a function of the context."""
    add(name, lambda c: put(path(c), c), means, **options)


spelled("plain_open", lambda c: c.kept)
spelled("double_slashes", lambda c: c.kept.replace("/", "//"))
spelled("dot_segments", lambda c: f"./src/./../generated/././{c.name}.txt")
spelled("dots_above_root", lambda c: "/../../.." + c.kept)
spelled("through_own_folder", lambda c: f"src/{c.name}/../../generated/{c.name}.txt")
spelled("proc_self_root", lambda c: f"/proc/self/root{c.kept}")
spelled("proc_self_cwd", lambda c: f"/proc/self/cwd/generated/{c.name}.txt")
spelled("proc_thread_cwd", lambda c: f"/proc/thread-self/cwd/generated/{c.name}.txt")
spelled("proc_task_root", lambda c: f"/proc/self/task/{os.getpid()}/root{c.kept}")
spelled("proc_own_pid_root", lambda c: f"/proc/{os.getpid()}/root{c.kept}")
spelled("many_dots_long", lambda c: "./" * 1900 + f"generated/{c.name}.txt")
spelled("many_slashes_long", lambda c: "/" * 3800 + c.kept)
spelled("new_pem", lambda c: f"{c.own}/new.pem", MADE)
spelled("new_pem_newline", lambda c: f"{c.own}/new\n.pem", MADE)
spelled("new_pem_invalid_text", lambda c: os.fsencode(c.own) + b"/new\xff\xfe.pem", MADE)
spelled("new_pem_control", lambda c: f"{c.own}/\x1b[31m\x7f.pem", MADE)
spelled("new_pem_backslash", lambda c: f"{c.own}/a\\b.pem", MADE)
spelled("new_pem_hidden", lambda c: f"{c.own}/.pem", MADE)
spelled("new_pem_longest_name", lambda c: f"{c.own}/{'x' * 251}.pem", MADE)
spelled("new_decomposed", lambda c: f"{c.own}/schlu\u0308ssel", MADE)
spelled("new_composed", lambda c: f"{c.own}/schl\u00fcssel", MADE)
spelled("old_pem", lambda c: c.pem)
spelled("old_locked", lambda c: c.locked)
spelled("new_in_locked", lambda c: f"{c.own}/locked/new.txt", MADE)
spelled("env_file", lambda c: f"{c.ws}/.env")
spelled("git_config", lambda c: f"{c.ws}/.git/config")
spelled("git_hook", lambda c: f"{c.ws}/.git/hooks/pre-commit", MADE)
spelled("git_head", lambda c: f"{c.ws}/.git/HEAD")
spelled("asked_old", lambda c: c.asked, "a file is written that a person should have been asked about")
spelled("asked_new", lambda c: f"{c.ws}/asked/{c.token}", "a file is made that a person should have been asked about")
spelled("package_json", lambda c: f"{c.ws}/package.json")
spelled("top_level_suffix", lambda c: f"{c.ws}/{c.token}.txt.sh", MADE)
spelled("top_level_no_suffix", lambda c: f"{c.ws}/{c.token}", MADE)
spelled("txt_in_generated", lambda c: f"{c.ws}/generated/{c.token}.txt", MADE)
spelled("vault_file", lambda c: c.vault)
spelled("vault_new", lambda c: f"{c.ws}/vault/{c.token}", MADE)
spelled("outside_file", lambda c: c.outside)
spelled("outside_by_dots", lambda c: f"../outside/{c.name}.txt")
spelled("outside_new", lambda c: f"{c.base}/{c.token}", MADE)
spelled("home_bashrc", lambda c: f"{c.home}/.bashrc")
spelled("home_new", lambda c: f"{c.home}/.config-{c.token}", MADE)
spelled("home_ssh", lambda c: f"{c.home}/.ssh/authorized_keys", MADE)
spelled("host_tmp", lambda c: f"{c.host_tmp}/{c.token}", "a file appears in the machine's temporary folder")
spelled("host_tmp_file", lambda c: f"{c.host_tmp}/{c.name}.txt", "a file of the machine's temporary folder is changed")
spelled("host_var_tmp", lambda c: f"/var/tmp/{c.token}", MADE)
spelled("system_etc", lambda c: f"/etc/{c.token}", MADE, root=True)
spelled("system_bin", lambda c: f"/usr/local/bin/{c.token}", MADE, root=True)
spelled("system_run", lambda c: f"/run/{c.token}", MADE, root=True)


@attempt(CHANGED)
def open_append(c: Context) -> None:
    put(c.kept, c, os.O_WRONLY | os.O_APPEND)


@attempt(CHANGED)
def open_both(c: Context) -> None:
    put(c.kept, c, os.O_RDWR)


@attempt("a file is emptied by an open for reading")
def open_reading_truncates(c: Context) -> None:
    os.close(os.open(c.kept, os.O_RDONLY | os.O_TRUNC))


@attempt("a file is emptied by an open with access mode 3")
def open_mode_three_truncates(c: Context) -> None:
    os.close(os.open(c.kept, 3 | os.O_TRUNC))


@attempt(MADE)
def open_reading_creates(c: Context) -> None:
    os.close(os.open(f"{c.own}/new.pem", os.O_RDONLY | os.O_CREAT, 0o644))


@attempt(MADE)
def open_exclusively_creates(c: Context) -> None:
    os.close(os.open(f"{c.ws}/generated/{c.token}", os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o644))


@attempt(CHANGED)
def creat_call(c: Context) -> None:
    write(call(85, c.kept, 0o644), c)


@attempt(CHANGED)
def open_call(c: Context) -> None:
    write(call(2, c.kept, os.O_WRONLY, 0), c)


@attempt(CHANGED)
def openat_dots(c: Context) -> None:
    put(c.up(c.kept), c, dir_fd=os.open(c.own, os.O_RDONLY))


@attempt(CHANGED)
def openat_folder_itself(c: Context) -> None:
    put(f"{c.name}.txt", c, dir_fd=os.open(f"{c.ws}/generated", os.O_RDONLY))


@attempt(CHANGED)
def openat_path_folder(c: Context) -> None:
    put(f"{c.name}.txt", c, dir_fd=os.open(f"{c.ws}/generated", os.O_PATH))


@attempt(CHANGED)
def openat_bad_folder_absolute(c: Context) -> None:
    write(call(257, -77, c.kept, os.O_WRONLY, 0), c)


@attempt(CHANGED)
def openat_after_chdir(c: Context) -> None:
    os.chdir(f"{c.ws}/generated")
    put(f"{c.name}.txt", c)


@attempt(CHANGED)
def openat_after_fchdir(c: Context) -> None:
    os.fchdir(os.open(f"{c.ws}/generated", os.O_PATH))
    put(f"./{c.name}.txt", c)


def open_how(flags: int, resolve: int = 0) -> bytes:
    return struct.pack("QQQ", flags, 0, resolve)


@attempt(CHANGED)
def openat2_plain(c: Context) -> None:
    write(call(437, -100, c.kept, open_how(os.O_WRONLY), 24), c)


@attempt(CHANGED)
def openat2_in_root(c: Context) -> None:
    write(call(437, os.open(c.ws, os.O_PATH), f"/generated/{c.name}.txt", open_how(os.O_WRONLY, 0x10), 24), c)


@attempt(CHANGED)
def openat2_beneath(c: Context) -> None:
    write(call(437, os.open(c.ws, os.O_PATH), f"generated/{c.name}.txt", open_how(os.O_WRONLY, 0x8), 24), c)


@attempt(CHANGED)
def openat2_longer_words(c: Context) -> None:
    write(call(437, -100, c.kept, open_how(os.O_WRONLY) + bytes(40), 64), c)


@attempt(MADE)
def mkdir_trailing_slash(c: Context) -> None:
    os.mkdir(f"{c.own}/new.pem/")


@attempt(MADE)
def mkdir_locked_inside(c: Context) -> None:
    os.makedirs(f"{c.own}/sub/locked/deeper")


@attempt(MADE)
def mkdir_in_generated(c: Context) -> None:
    os.mkdir(f"{c.ws}/generated/{c.token}")


@attempt(MADE)
def mkdirat_dots(c: Context) -> None:
    os.mkdir(f"../../generated/{c.token}", dir_fd=os.open(c.own, os.O_RDONLY))


@attempt(MADE)
def mknod_plain_file(c: Context) -> None:
    os.mknod(f"{c.ws}/generated/{c.token}", stat.S_IFREG | 0o644)


@attempt(MADE)
def mknod_pem(c: Context) -> None:
    call(133, f"{c.own}/new.pem", stat.S_IFREG | 0o644, 0)


@attempt(MADE)
def mkfifo_in_generated(c: Context) -> None:
    os.mkfifo(f"{c.ws}/generated/{c.token}")


@attempt(MADE)
def mkfifo_pem(c: Context) -> None:
    os.mkfifo(f"{c.own}/new.pem")


@attempt("a denied file is gone")
def unlink_kept(c: Context) -> None:
    os.unlink(c.kept)


@attempt("a denied file is gone")
def unlink_pem(c: Context) -> None:
    os.unlink(c.pem)


@attempt("a denied file is gone")
def unlinkat_dots(c: Context) -> None:
    os.unlink(c.up(c.kept), dir_fd=os.open(c.own, os.O_RDONLY))


@attempt("a denied file is gone")
def unlink_by_proc_root(c: Context) -> None:
    os.unlink(f"/proc/self/root{c.kept}")


@attempt("a folder of a denied tree is gone")
def rmdir_in_generated(c: Context) -> None:
    os.rmdir(f"{c.ws}/generated/{c.name}.d")


@attempt("a folder of a denied tree is gone")
def unlinkat_folder(c: Context) -> None:
    call(263, -100, f"{c.ws}/generated/{c.name}.d", 0x200)


@attempt("a folder of the denied name is gone with what is in it")
def remove_tree_locked(c: Context) -> None:
    with goes_on():
        os.unlink(c.locked)
    os.rmdir(f"{c.own}/locked")


@attempt(MADE)
def tmpfile_linked_as_pem(c: Context) -> None:
    fd = os.open(c.own, os.O_TMPFILE | os.O_WRONLY, 0o644)
    os.write(fd, c.data)
    call(265, -100, f"/proc/self/fd/{fd}", -100, f"{c.own}/new.pem", 0x400)


@attempt(MADE)
def tmpfile_linked_empty_path(c: Context) -> None:
    fd = os.open(c.own, os.O_TMPFILE | os.O_WRONLY, 0o644)
    os.write(fd, c.data)
    try:
        call(265, fd, "", -100, f"{c.ws}/generated/{c.token}", 0x1000)
    except OSError:
        call(265, -100, f"/proc/self/fd/{fd}", -100, f"{c.ws}/generated/{c.token}", 0x400)


@attempt(MADE)
def tmpfile_in_generated(c: Context) -> None:
    fd = os.open(f"{c.ws}/generated", os.O_TMPFILE | os.O_WRONLY, 0o644)
    os.write(fd, c.data)
    call(265, -100, f"/proc/self/fd/{fd}", -100, f"{c.ws}/generated/{c.token}", 0x400)


@attempt(CHANGED)
def path_descriptor_reopened(c: Context) -> None:
    put(f"/proc/self/fd/{os.open(c.kept, os.O_PATH)}", c, os.O_WRONLY)


@attempt(CHANGED)
def reading_descriptor_reopened(c: Context) -> None:
    put(f"/proc/self/fd/{os.open(c.kept, os.O_RDONLY)}", c, os.O_WRONLY)


@attempt(CHANGED)
def reopened_by_dev_fd(c: Context) -> None:
    put(f"/dev/fd/{os.open(c.kept, os.O_RDONLY)}", c, os.O_WRONLY)


@attempt(CHANGED)
def reopened_by_dev_stdin(c: Context) -> None:
    os.dup2(os.open(c.kept, os.O_RDONLY), 0)
    put("/dev/stdin", c, os.O_WRONLY)


@attempt(CHANGED)
def reopened_by_task(c: Context) -> None:
    put(f"/proc/self/task/{os.getpid()}/fd/{os.open(c.kept, os.O_PATH)}", c, os.O_WRONLY)


@attempt(CHANGED)
def reopened_by_folder_of_descriptors(c: Context) -> None:
    put(str(os.open(c.kept, os.O_PATH)), c, os.O_WRONLY, dir_fd=os.open("/proc/self/fd", os.O_RDONLY))


@attempt(CHANGED)
def reopened_below_descriptor(c: Context) -> None:
    put(f"/proc/self/fd/{os.open(c.ws, os.O_PATH)}/generated/{c.name}.txt", c, os.O_WRONLY)


@attempt(CHANGED)
def reopened_by_parent(c: Context) -> None:
    """A child opens what its parent has open."""
    fd, parent = os.open(c.kept, os.O_PATH), os.getpid()
    if not os.fork():
        try:
            put(f"/proc/{parent}/fd/{fd}", c, os.O_WRONLY)
        finally:
            os._exit(0)
    os.wait()


@attempt(MADE)
def deep_relative(c: Context) -> None:
    """Nearly 4,096 bytes below, where only the relative name fits."""
    os.chdir(c.own)
    for _ in range(15):
        os.mkdir("d" * 240)
        os.chdir("d" * 240)
    put("k.pem", c)


@attempt(MADE)
def deeper_than_a_path(c: Context) -> None:
    """More than 4,096 bytes below, where no path leads."""
    os.chdir(c.own)
    for _ in range(20):
        os.mkdir("d" * 240)
        os.chdir("d" * 240)
    put("k.pem", c)


@attempt(CHANGED, bare="the kernel finds nothing from a folder that is gone")
def deleted_folder(c: Context) -> None:
    os.mkdir(f"{c.own}/gone")
    os.chdir(f"{c.own}/gone")
    os.rmdir(f"{c.own}/gone")
    for path in (f"../../../generated/{c.name}.txt", "new.pem", f"../{c.token}.pem"):
        with goes_on():
            put(path, c)


@attempt(MADE)
def folder_named_deleted(c: Context) -> None:
    """A folder whose name looks like what the kernel says of one that is gone."""
    os.makedirs(f"{c.own}/x (deleted)")
    os.chdir(f"{c.own}/x (deleted)")
    put("new.pem", c)


@attempt(CHANGED)
def moved_folder(c: Context) -> None:
    """The folder that names begin at lies elsewhere than when it was entered."""
    os.makedirs(f"{c.own}/a/b/c")
    os.chdir(f"{c.own}/a/b/c")
    os.rename(f"{c.own}/a/b/c", f"{c.own}/c")
    put(f"../../../generated/{c.name}.txt", c)


@attempt(MADE, root=True)
def root_is_own_folder(c: Context) -> None:
    """Names that begin at another root."""
    os.chroot(c.own)
    put("/new.pem", c)


@attempt(MADE, root=True)
def root_named_like_src(c: Context) -> None:
    """From another root a denied place looks like one that is granted."""
    os.makedirs(f"{c.own}/root")
    fd = os.open(f"{c.ws}/generated", os.O_PATH)
    os.chroot(f"{c.own}/root")
    os.fchdir(fd)
    put(f"{c.token}.txt", c)


@attempt(MADE)
def root_in_own_namespace(c: Context) -> None:
    own_namespaces()
    os.chroot(c.own)
    os.chdir("/")
    put("new.pem", c)


@attempt(CHANGED)
def flags_with_high_bits(c: Context) -> None:
    """The kernel reads 32 bits of the flags, a filter may read 64."""
    write(call(257, -100, c.kept, os.O_WRONLY | 1 << 40, 0), c)


@attempt(CHANGED)
def folder_with_high_bits(c: Context) -> None:
    write(call(257, 5 << 32 | (-100 & 0xFFFFFFFF), c.kept, os.O_WRONLY, 0), c)


@attempt(CHANGED)
def number_with_high_bits(c: Context) -> None:
    """The kernel reads 32 bits of the number."""
    write(call(1 << 32 | 257, -100, c.kept, os.O_WRONLY, 0), c)


@attempt(CHANGED)
def name_across_pages(c: Context) -> None:
    """The name ends at the last byte of the memory that there is."""
    import mmap

    memory = mmap.mmap(-1, 3 * 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    c_call("munmap", ctypes.c_void_p(address + 8192), 4096)
    path = os.fsencode(c.kept) + b"\0"
    memory[8192 - len(path) : 8192] = path
    write(call(257, -100, ctypes.c_void_p(address + 8192 - len(path)), os.O_WRONLY, 0), c)


@attempt(CHANGED)
def name_that_is_no_text_first(c: Context) -> None:
    """Odd names before, in case the first fault changes what comes after."""
    for path in ("", "\x7f" * 300, "a" * 5000, "/"):
        with goes_on():
            os.open(path, os.O_WRONLY)
    with goes_on():
        call(257, -100, 8, os.O_WRONLY, 0)
    put(c.kept, c)


def other_letters(name: str, folder: str, file: str) -> None:
    """An attempt to make what git, or a client, takes for a protected name on some file system."""

    def run(c: Context) -> None:
        with goes_on():
            os.mkdir(f"{c.own}/made")
            put(f"{c.own}/made/{file}", c)
            os.rename(f"{c.own}/made", f"{c.own}/{folder}")
        os.makedirs(f"{c.own}/{folder}")
        put(f"{c.own}/{folder}/{file}", c)

    add(name, run, "a name appears that is protected, in other letters")


other_letters("letters_git", ".Git", "config")
other_letters("letters_git_hooks", ".GIT", "post-checkout")
other_letters("letters_git_short", "GIT~1", "config")
other_letters("letters_git_dot", ".git.", "config")
other_letters("letters_git_space", ".git ", "config")
other_letters("letters_git_stream", ".git::$INDEX_ALLOCATION", "config")
other_letters("letters_git_passed_over", ".g\u200cit", "config")
other_letters("letters_client", ".Claude", "settings.json")
