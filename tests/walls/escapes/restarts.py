"""Attempts that prepare something in one box for the next one, or wait for somebody outside to do an ordinary thing."""

from __future__ import annotations

import os
import time

from tests.walls.escapes.kit import OUTPUT, Context, attempt, goes_on, put, show

LED = "the next start follows a link that the agent made"


@attempt(LED, again=True, alone=True)
def granted_folder_is_link(c: Context) -> None:
    """A folder that is granted and not there yet is made as a link to the home."""
    if c.round == 1:
        with goes_on():
            os.symlink(f"{c.home}/notes", f"{c.ws}/made-later")
    put(f"{c.ws}/made-later/{c.name}.txt", c)


@attempt(LED, again=True, alone=True)
def granted_folder_is_link_to_vault(c: Context) -> None:
    if c.round == 1:
        with goes_on():
            os.symlink("vault", f"{c.ws}/made-later")
    put(f"{c.ws}/made-later/{c.name}.txt", c)


@attempt("a secret is read in the next box, by a link that the agent made", OUTPUT, again=True, alone=True)
def granted_folder_is_link_read(c: Context) -> None:
    if c.round == 1:
        with goes_on():
            os.symlink("vault", f"{c.ws}/made-later")
    show(f"{c.ws}/made-later/{c.name}.txt")


@attempt("a secret is read in the next box, by a link that the agent made", OUTPUT, again=True)
def link_in_granted_tree_read(c: Context) -> None:
    if c.round == 1:
        with goes_on():
            os.symlink(c.outside, f"{c.own}/l")
        with goes_on():
            os.symlink(f"{c.base}/outside", f"{c.own}/d")
    with goes_on():
        show(f"{c.own}/d/{c.name}.txt")
    show(f"{c.own}/l")


@attempt(LED, again=True)
def link_in_granted_tree(c: Context) -> None:
    if c.round == 1:
        with goes_on():
            os.symlink(f"{c.home}/notes", f"{c.own}/d")
    put(f"{c.own}/d/{c.name}.txt", c)


@attempt(LED, again=True)
def granted_file_is_link(c: Context) -> None:
    if c.round == 1:
        with goes_on():
            os.symlink(c.homely, f"{c.ws}/{c.name}.txt")
    put(f"{c.ws}/{c.name}.txt", c)


@attempt("a secret is read that a folder without rights hid from the start", OUTPUT, again=True)
def hidden_from_walk(c: Context) -> None:
    """Whoever looks for files to mask cannot look into this folder."""
    if c.round == 1:
        os.chmod(c.own, 0)
        if os.geteuid():
            return
    else:
        os.chmod(c.own, 0o755)
    show(c.pem)


@attempt("a secret is read that too many folders hid from the start", OUTPUT, again=True, seconds=30)
def hidden_among_many(c: Context) -> None:
    if c.round == 1:
        for i in range(1500):
            os.mkdir(f"{c.own}/{i}")
    show(c.pem)


@attempt("a secret is read that odd things beside it hid from the start", OUTPUT, again=True)
def hidden_among_odd_things(c: Context) -> None:
    if c.round == 1:
        os.symlink(".", f"{c.own}/loop")
        os.symlink("a" * 4000, f"{c.own}/far")
        with goes_on():
            os.mkfifo(f"{c.own}/fifo.txt")
        for name in (b"\xff", b"a\nb", b"--", b"\\", b"*", b"[", b"{a,b}", b"~", b"$HOME"):
            with goes_on():
                os.mkdir(os.fsencode(c.own) + b"/" + name)
    show(c.pem)


def waits(c: Context, what: str) -> None:
    """Waits until somebody outside has done something ordinary."""
    with open(f"{c.own}/please.new", "w") as f:
        f.write(what)
    os.rename(f"{c.own}/please.new", f"{c.own}/please")
    end = time.monotonic() + 5
    while not os.path.exists(f"{c.own}/done") and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.1)


@attempt("a denied file that somebody outside replaces, as an editor does, is read", OUTPUT, alone=True, late=True)
def replaced_by_editor(c: Context) -> None:
    with goes_on():
        show(c.pem)
    waits(c, "files")
    with goes_on():
        show(f"{c.ws}/.env")
    show(c.pem)


@attempt("a denied file that somebody outside replaces is changed", alone=True)
def replaced_by_editor_written(c: Context) -> None:
    waits(c, "files")
    put(c.pem, c)


@attempt("a denied folder that somebody outside makes anew is read", OUTPUT, alone=True, late=True)
def folder_made_anew(c: Context) -> None:
    waits(c, "vault")
    show(c.vault)


@attempt("the policy that somebody outside saves is changed", alone=True)
def policy_saved_by_editor(c: Context) -> None:
    waits(c, "policy")
    put(c.policy, c)


@attempt("the policy is another one, by the link that it is given by", alone=True, by_link=True)
def policy_link_replaced(c: Context) -> None:
    os.mkdir(f"{c.own}/mine")
    put(f"{c.own}/mine/agent.policy", c)
    os.symlink(f"{c.name}/mine", f"{c.own}/l")
    os.rename(f"{c.own}/l", os.path.dirname(c.policy))


@attempt("the policy's name leads elsewhere, as the link on its way is gone", alone=True, by_link=True)
def policy_link_removed(c: Context) -> None:
    os.unlink(os.path.dirname(c.policy))


@attempt("the policy is changed, through the link that it is given by", alone=True, by_link=True)
def policy_link_written(c: Context) -> None:
    put(c.policy, c)


@attempt("the policy that the link leads to is changed", alone=True, by_link=True)
def policy_behind_link_written(c: Context) -> None:
    put(os.path.realpath(c.policy), c)


@attempt("the policy that the link leads to is replaced", alone=True, by_link=True)
def policy_behind_link_replaced(c: Context) -> None:
    put(f"{c.own}/p", c)
    os.rename(f"{c.own}/p", f"{c.ws}/src/rules/agent.policy")
