"""Attempts by links, hard ones and symbolic ones."""

from __future__ import annotations

import os

from tests.walls.escapes.kit import Context, add, attempt, call, put, show

CHANGED = "a file whose writing is denied is changed"
READ = "a file whose reading is denied is read"
MADE = "a file appears under a name that is denied"


def linked(name: str, target: object, means: str = CHANGED, **options: object) -> None:
    """An attempt that writes through a symbolic link."""

    def run(c: Context) -> None:
        os.symlink(target(c), f"{c.own}/l")
        put(f"{c.own}/l", c)

    add(name, run, means, **options)


linked("symlink_absolute", lambda c: c.kept)
linked("symlink_relative", lambda c: c.up(c.kept))
linked("symlink_dangling_pem", lambda c: "k.pem", MADE)
linked("symlink_dangling_generated", lambda c: f"../../generated/{c.token}", MADE)
linked("symlink_to_outside", lambda c: c.outside)
linked("symlink_to_home", lambda c: c.homely)
linked("symlink_to_vault_link", lambda c: f"{c.ws}/link-to-vault/{c.name}.txt")
linked("symlink_by_proc_cwd", lambda c: f"/proc/self/cwd/generated/{c.name}.txt")
linked("symlink_by_proc_root", lambda c: f"/proc/self/root{c.kept}")
linked("symlink_to_git_hook", lambda c: f"{c.ws}/.git/hooks/post-checkout", MADE)


@attempt(CHANGED)
def link_in_workspace(c: Context) -> None:
    put(f"{c.ws}/link-to-vault/{c.name}.txt", c)


@attempt(CHANGED)
def symlink_to_descriptor(c: Context) -> None:
    os.symlink(f"/proc/self/fd/{os.open(c.kept, os.O_PATH)}", f"{c.own}/l")
    put(f"{c.own}/l", c)


@attempt(CHANGED)
def symlink_to_folder(c: Context) -> None:
    os.symlink("../../generated", f"{c.own}/d")
    put(f"{c.own}/d/{c.name}.txt", c)


@attempt(CHANGED)
def symlink_to_folder_then_dots(c: Context) -> None:
    """`..` behind a link is the parent of its target."""
    os.makedirs(f"{c.own}/vault")
    os.symlink("../../generated", f"{c.own}/d")
    put(f"{c.own}/d/../vault/{c.name}.txt", c)


@attempt(CHANGED)
def symlink_chain(c: Context) -> None:
    os.symlink(c.kept, f"{c.own}/l0")
    for i in range(30):
        os.symlink(f"l{i}", f"{c.own}/l{i + 1}")
    put(f"{c.own}/l30", c)


@attempt(CHANGED)
def symlink_chain_of_folders(c: Context) -> None:
    os.symlink("..", f"{c.own}/a")
    os.symlink("a/..", f"{c.own}/b")
    os.symlink("b/generated", f"{c.own}/d")
    put(f"{c.own}/d/{c.name}.txt", c)


@attempt(CHANGED)
def symlink_long_target(c: Context) -> None:
    os.symlink("./" * 1900 + c.up(c.kept), f"{c.own}/l")
    put(f"{c.own}/l", c)


@attempt(MADE)
def symlink_trailing_slash_mkdir(c: Context) -> None:
    os.symlink("../../generated", f"{c.own}/d")
    os.mkdir(f"{c.own}/d/{c.token}/")


@attempt(CHANGED)
def symlink_swapped_between(c: Context) -> None:
    """The same name, granted once, then leading elsewhere: an answer must not be remembered."""
    os.symlink("plain.txt", f"{c.own}/l")
    for _ in range(20):
        put(f"{c.own}/l", c)
    os.symlink(c.kept, f"{c.own}/m")
    os.rename(f"{c.own}/m", f"{c.own}/l")
    put(f"{c.own}/l", c)


@attempt(CHANGED)
def folder_swapped_between(c: Context) -> None:
    os.mkdir(f"{c.own}/d")
    for _ in range(20):
        put(f"{c.own}/d/{c.name}.txt", c)
    os.rename(f"{c.own}/d", f"{c.own}/e")
    os.symlink("../../generated", f"{c.own}/d")
    put(f"{c.own}/d/{c.name}.txt", c)


@attempt(CHANGED)
def nofollow_is_not_kept(c: Context) -> None:
    os.symlink(f"{c.ws}/generated", f"{c.own}/d")
    put(f"{c.own}/d/{c.name}.txt", c, os.O_WRONLY | os.O_NOFOLLOW)


@attempt(CHANGED)
def truncate_through_symlink(c: Context) -> None:
    os.symlink(c.kept, f"{c.own}/l")
    os.truncate(f"{c.own}/l", 0)


@attempt("a denied file is gone")
def unlink_through_folder_link(c: Context) -> None:
    os.symlink("../../generated", f"{c.own}/d")
    os.unlink(f"{c.own}/d/{c.name}.txt")


@attempt("a denied file is gone")
def rename_through_folder_link(c: Context) -> None:
    os.symlink("../../generated", f"{c.own}/d")
    os.rename(f"{c.own}/d/{c.name}.txt", f"{c.own}/taken.txt")


@attempt(MADE)
def symlink_named_pem(c: Context) -> None:
    os.symlink("plain.txt", f"{c.own}/new.pem")


@attempt(MADE)
def symlink_in_generated(c: Context) -> None:
    os.symlink("/nowhere", f"{c.ws}/generated/{c.token}")


@attempt(MADE)
def symlinkat_dots(c: Context) -> None:
    os.symlink("/nowhere", f"../../generated/{c.token}", dir_fd=os.open(c.own, os.O_RDONLY))


@attempt(READ, "output")
def hard_link_pem(c: Context) -> None:
    os.link(c.pem, f"{c.own}/x.txt")
    show(f"{c.own}/x.txt")


@attempt(READ, "output")
def hard_link_locked(c: Context) -> None:
    os.link(c.locked, f"{c.own}/x.txt")
    show(f"{c.own}/x.txt")


@attempt(READ, "output")
def hard_link_vault(c: Context) -> None:
    os.link(c.vault, f"{c.own}/x.txt")
    show(f"{c.own}/x.txt")


@attempt(READ, "output")
def hard_link_env(c: Context) -> None:
    os.link(f"{c.ws}/.env", f"{c.own}/x.txt")
    show(f"{c.own}/x.txt")


@attempt(CHANGED)
def hard_link_kept(c: Context) -> None:
    os.link(c.kept, f"{c.own}/x.txt")
    put(f"{c.own}/x.txt", c)


@attempt(CHANGED)
def hard_link_call_old(c: Context) -> None:
    call(86, c.kept, f"{c.own}/x.txt")
    put(f"{c.own}/x.txt", c)


@attempt(CHANGED)
def hard_link_at_top(c: Context) -> None:
    os.link(c.kept, f"{c.ws}/{c.token}.txt")
    put(f"{c.ws}/{c.token}.txt", c)


@attempt(CHANGED)
def hard_link_in_tmp(c: Context) -> None:
    os.link(c.kept, f"/tmp/{c.token}.txt")
    put(f"/tmp/{c.token}.txt", c)


@attempt(CHANGED)
def hard_link_by_symlink(c: Context) -> None:
    os.symlink(c.kept, f"{c.own}/l")
    call(265, -100, f"{c.own}/l", -100, f"{c.own}/x.txt", 0x400)
    put(f"{c.own}/x.txt", c)


@attempt(CHANGED)
def hard_link_by_descriptor(c: Context) -> None:
    fd = os.open(c.kept, os.O_PATH)
    call(265, -100, f"/proc/self/fd/{fd}", -100, f"{c.own}/x.txt", 0x400)
    put(f"{c.own}/x.txt", c)


@attempt(CHANGED)
def hard_link_reading_descriptor(c: Context) -> None:
    fd = os.open(c.kept, os.O_RDONLY)
    call(265, -100, f"/proc/self/fd/{fd}", -100, f"{c.own}/x.txt", 0x400)
    put(f"{c.own}/x.txt", c)


@attempt(CHANGED, root=True)
def hard_link_empty_path(c: Context) -> None:
    call(265, os.open(c.kept, os.O_PATH), "", -100, f"{c.own}/x.txt", 0x1000)
    put(f"{c.own}/x.txt", c)


@attempt(CHANGED)
def hard_link_dots(c: Context) -> None:
    fd = os.open(c.own, os.O_RDONLY)
    os.link(c.up(c.kept), "x.txt", src_dir_fd=fd, dst_dir_fd=fd)
    put(f"{c.own}/x.txt", c)


@attempt(CHANGED)
def hard_link_asked(c: Context) -> None:
    os.link(c.asked, f"{c.own}/x.txt")
    put(f"{c.own}/x.txt", c)


@attempt(MADE)
def hard_link_as_pem(c: Context) -> None:
    os.link(f"{c.own}/plain.txt", f"{c.own}/new.pem")


@attempt(MADE)
def hard_link_into_generated(c: Context) -> None:
    put(f"{c.own}/plain.txt", c)
    os.link(f"{c.own}/plain.txt", f"{c.ws}/generated/{c.token}")


@attempt(MADE)
def hard_link_of_symlink(c: Context) -> None:
    os.symlink("plain.txt", f"{c.own}/l")
    os.link(f"{c.own}/l", f"{c.own}/new.pem", follow_symlinks=False)


def twin(name: str, run: object, means: str = CHANGED, **options: object) -> None:
    """An attempt by a further name of a file that it had before the start."""
    add(name, run, means, twins=True, **options)


twin("twin_of_vault_read", lambda c: show(f"{c.own}/vault-twin.txt"), READ, evidence="output")
twin("twin_of_pem_read", lambda c: show(f"{c.own}/pem-twin.txt"), READ, evidence="output")
twin("twin_of_generated_written", lambda c: put(f"{c.own}/generated-twin.txt", c))
twin("twin_outside_written", lambda c: put(f"{c.own}/outside-twin.txt", c))
twin("twin_outside_appended", lambda c: put(f"{c.own}/outside-twin.txt", c, os.O_WRONLY | os.O_APPEND))
twin("twin_of_generated_truncated", lambda c: os.truncate(f"{c.own}/generated-twin.txt", 0))
twin("twin_of_generated_mode", lambda c: os.chmod(f"{c.own}/generated-twin.txt", 0o777))
twin("twin_of_generated_by_descriptor", lambda c: os.fchmod(os.open(f"{c.own}/generated-twin.txt", os.O_RDONLY), 0o777))


@attempt(READ, "output", twins=True)
def twin_of_vault_linked_again(c: Context) -> None:
    os.link(f"{c.own}/vault-twin.txt", f"{c.own}/again.txt")
    show(f"{c.own}/again.txt")


@attempt(READ, "output", twins=True)
def twin_of_vault_renamed(c: Context) -> None:
    os.rename(f"{c.own}/vault-twin.txt", f"{c.own}/again.txt")
    show(f"{c.own}/again.txt")


@attempt(CHANGED, twins=True)
def twin_of_generated_linked_again(c: Context) -> None:
    """Three names, of which two are granted."""
    os.link(f"{c.own}/generated-twin.txt", f"{c.own}/again.txt")
    put(f"{c.own}/again.txt", c)
