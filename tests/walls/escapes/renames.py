"""Attempts by renames: of what is denied, over it, and of folders above it."""

from __future__ import annotations

import os

from tests.walls.escapes.kit import Context, attempt, call, put, show

NOREPLACE, EXCHANGE, WHITEOUT = 1, 2, 4
OVER = "a denied file is replaced"
AWAY = "a denied file is gone from its name"
READ = "a file whose reading is denied is read under another name"
BECOMES = "what was granted gets a name that is denied"


def rename2(old: str, new: str, flags: int) -> None:
    call(316, -100, old, -100, new, flags)


@attempt(OVER)
def over_kept(c: Context) -> None:
    put(f"{c.own}/f", c)
    os.rename(f"{c.own}/f", c.kept)


@attempt(OVER)
def over_pem(c: Context) -> None:
    put(f"{c.own}/f", c)
    os.rename(f"{c.own}/f", c.pem)


@attempt(OVER)
def over_asked(c: Context) -> None:
    put(f"{c.own}/f", c)
    os.rename(f"{c.own}/f", c.asked)


@attempt(OVER)
def over_dots(c: Context) -> None:
    put(f"{c.own}/f", c)
    fd = os.open(c.own, os.O_RDONLY)
    os.rename("f", c.up(c.kept), src_dir_fd=fd, dst_dir_fd=fd)


@attempt(OVER)
def over_by_proc_root(c: Context) -> None:
    put(f"{c.own}/f", c)
    os.rename(f"{c.own}/f", f"/proc/self/root{c.kept}")


@attempt(AWAY)
def kept_away(c: Context) -> None:
    os.rename(c.kept, f"{c.own}/taken.txt")


@attempt(READ, "output")
def pem_away(c: Context) -> None:
    os.rename(c.pem, f"{c.own}/x.txt")
    show(f"{c.own}/x.txt")


@attempt(READ, "output")
def vault_away(c: Context) -> None:
    os.rename(c.vault, f"{c.own}/x.txt")
    show(f"{c.own}/x.txt")


@attempt(READ, "output", alone=True)
def env_away(c: Context) -> None:
    os.rename(f"{c.ws}/.env", f"{c.own}/x.txt")
    show(f"{c.own}/x.txt")


@attempt(AWAY)
def exchange_kept(c: Context) -> None:
    put(f"{c.own}/f", c)
    rename2(f"{c.own}/f", c.kept, EXCHANGE)


@attempt(AWAY)
def exchange_kept_first(c: Context) -> None:
    put(f"{c.own}/f", c)
    rename2(c.kept, f"{c.own}/f", EXCHANGE)


@attempt(READ, "output")
def exchange_pem(c: Context) -> None:
    put(f"{c.own}/f", c)
    rename2(f"{c.own}/f", c.pem, EXCHANGE)
    show(f"{c.own}/f")


@attempt(BECOMES)
def noreplace_as_pem(c: Context) -> None:
    put(f"{c.own}/f", c)
    rename2(f"{c.own}/f", f"{c.own}/new.pem", NOREPLACE)


@attempt(BECOMES)
def old_call_as_pem(c: Context) -> None:
    put(f"{c.own}/f", c)
    call(82, f"{c.own}/f", f"{c.own}/new.pem")


@attempt(BECOMES)
def renameat_as_pem(c: Context) -> None:
    put(f"{c.own}/f", c)
    call(264, -100, f"{c.own}/f", -100, f"{c.own}/new.pem")


@attempt("a device for overlays is left behind", root=True)
def whiteout(c: Context) -> None:
    put(f"{c.own}/f", c)
    rename2(f"{c.own}/f", f"{c.own}/g", WHITEOUT)


@attempt(BECOMES)
def folder_becomes_locked(c: Context) -> None:
    """No denied file is named: the folder above gets the denied name."""
    os.makedirs(f"{c.own}/sub/open")
    put(f"{c.own}/sub/open/k.txt", c)
    os.rename(f"{c.own}/sub/open", f"{c.own}/sub/locked")


@attempt(BECOMES)
def folder_becomes_locked_slash(c: Context) -> None:
    os.makedirs(f"{c.own}/sub/open")
    put(f"{c.own}/sub/open/k.txt", c)
    os.rename(f"{c.own}/sub/open/", f"{c.own}/sub/locked/")


@attempt(BECOMES)
def folder_becomes_pem(c: Context) -> None:
    os.makedirs(f"{c.own}/open")
    os.rename(f"{c.own}/open/", f"{c.own}/new.pem/")


@attempt(READ, "output")
def locked_becomes_open(c: Context) -> None:
    os.rename(f"{c.own}/locked", f"{c.own}/open")
    show(f"{c.own}/open/inner.txt")


@attempt(AWAY)
def locked_exchanged(c: Context) -> None:
    os.mkdir(f"{c.own}/open")
    put(f"{c.own}/open/inner.txt", c)
    rename2(f"{c.own}/open", f"{c.own}/locked", EXCHANGE)


@attempt("a denied file is moved with the folder above it")
def folder_above_pem(c: Context) -> None:
    os.rename(c.own, f"{c.ws}/src/{c.name}-moved")


@attempt("a denied file is moved with the folder above it, to where its name is free")
def folder_above_pem_replaced(c: Context) -> None:
    os.rename(c.own, f"{c.ws}/src/{c.name}.moved")
    os.mkdir(c.own)
    put(c.pem, c)


@attempt("a denied tree is replaced", alone=True)
def generated_away(c: Context) -> None:
    os.rename(f"{c.ws}/generated", f"{c.own}/generated")
    os.mkdir(f"{c.ws}/generated")


@attempt(READ, "output", alone=True)
def vault_folder_away(c: Context) -> None:
    os.rename(f"{c.ws}/vault", f"{c.own}/v")
    show(f"{c.own}/v/{c.name}.txt")


@attempt("the whole writable tree is moved away", alone=True)
def src_away(c: Context) -> None:
    os.rename(f"{c.ws}/src", f"{c.ws}/other.txt")


@attempt("the workspace itself is moved away", alone=True)
def workspace_away(c: Context) -> None:
    os.rename(c.ws, f"{c.base}/{c.token}")


@attempt("git's folder is replaced", alone=True)
def git_replaced(c: Context) -> None:
    os.makedirs(f"{c.own}/git/hooks")
    put(f"{c.own}/git/config", c)
    rename2(f"{c.own}/git", f"{c.ws}/.git", EXCHANGE)


@attempt("the link in the workspace leads elsewhere", alone=True)
def link_replaced(c: Context) -> None:
    os.symlink(c.token, f"{c.own}/l")
    os.rename(f"{c.own}/l", f"{c.ws}/link-to-vault")


@attempt("a file appears outside")
def out_of_workspace(c: Context) -> None:
    put(f"{c.own}/f", c)
    os.rename(f"{c.own}/f", f"{c.base}/outside/{c.token}")


@attempt("a file appears in the home")
def into_home(c: Context) -> None:
    put(f"{c.own}/f", c)
    os.rename(f"{c.own}/f", f"{c.home}/.profile")


@attempt(OVER)
def from_tmp(c: Context) -> None:
    """From the temporary folder, where everything may be written."""
    put(f"/tmp/{c.token}", c)
    os.rename(f"/tmp/{c.token}", c.kept)


@attempt("a hook appears")
def txt_becomes_hook(c: Context) -> None:
    put(f"{c.ws}/{c.token}.txt", c)
    os.rename(f"{c.ws}/{c.token}.txt", f"{c.ws}/.git/hooks/pre-push")


@attempt(BECOMES)
def txt_becomes_script(c: Context) -> None:
    put(f"{c.ws}/{c.token}.txt", c)
    os.rename(f"{c.ws}/{c.token}.txt", f"{c.ws}/{c.token}.sh")


@attempt(AWAY)
def kept_becomes_txt(c: Context) -> None:
    os.rename(c.kept, f"{c.ws}/{c.token}.txt")


@attempt(AWAY)
def kept_within_generated(c: Context) -> None:
    os.rename(c.kept, f"{c.ws}/generated/{c.token}.txt")


@attempt("a file of the vault is moved inside it")
def vault_within(c: Context) -> None:
    os.rename(c.vault, f"{c.ws}/vault/{c.token}")


@attempt(OVER)
def flags_with_high_bits_rename(c: Context) -> None:
    put(f"{c.own}/f", c)
    rename2(f"{c.own}/f", c.kept, EXCHANGE | 1 << 40)
