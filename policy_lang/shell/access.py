"""Paths and connections of programs: which acts a word means that names one."""

from __future__ import annotations

import re

from ..domain.regex import regex
from ..domain.search import SearchOptions
from .profile import Parsed
from .reading import Opaque
from .state import folder_text
from .values import Hole, Value, found_below, literal
from .walk import Walk

_DEVICES = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/tty"})
SCP = regex(r"(?:[A-Za-z0-9_.-]+@)?([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):(?!//)", re.ASCII)
"""`[user@]host:` before a path, as scp(1) takes it."""


_OTHERWISE = (
    "--exclude", "--config", "-c", "--settings-path", "--sp", "--ignore-path", "--with-node-modules", "--isolated",
)  # fmt: skip
"""Options that replace what a program passes by, or say where that stands."""
_FOLLOWED = frozenset({"existing", "visible"})


def path(
    walk: Walk,
    action: str,
    value: Value,
    tree: str = "",
    names: str = "",
    like: Value | None = None,
    follows: bool = False,
    search: SearchOptions | None = None,
    ways: tuple[tuple[str, str], ...] = (),
) -> None:
    """A path that is read, written or deleted; `-` and devices are none. Of a tree, `names` are the globs of files.

    `search` are the options by which a search goes through it, `ways` how git changes it.
    """
    text = value.text
    if (text == "-" and action != "delete") or (text in _DEVICES and not tree) or value.parts == (Hole.PIPE,):
        return
    if text == "":
        return
    if tree and names:
        base = (text or "").rpartition("/")[2]
        if "." in base and base not in {".", ".."}:  # a file by its name, which is taken whatever its kind
            walk.act(action, value)
        globs = names.split("|")
        passes = "".join(n for n in globs if n.startswith("!"))
        for name in globs:
            if not name.startswith("!"):
                walk.act(action, found_below(value, name), passes=passes, search=search)
        return
    if value.parts and value.parts[-1] == Hole.BELOW:
        follows = follows or action != "delete"  # a link that is named is followed
        value, tree = Value(value.parts[:-1], value.many, value.why), tree or "existing"
    tree = "linked" if follows and tree in _FOLLOWED else tree
    walk.act(action, value, tree=tree, like=like, search=search if tree else None, ways=ways)


def wanted_files(parsed: Parsed) -> str:
    """The files that a program looks for below a folder, and the folders that it passes by if not told otherwise."""
    names = parsed.profile.names
    if "!" in names and any(parsed.has(n) for n in _OTHERWISE):
        return "|".join(n for n in names.split("|") if not n.startswith("!"))
    return names


def in_tree(tree: str, names: str, value: Value) -> str:
    """What of the tree below a word is meant: nothing where the word itself is a file that the program looks for."""
    text = value.text or ""
    return "" if names and any(text.endswith(name.removeprefix("*")) for name in names.split("|")) else tree


def connect(walk: Walk, value: Value, method: str | None = None, scheme: str = "http") -> None:
    """A URL or host that is connected to."""
    text = value.text
    start = value.starts()
    if text is None:
        if "://" in start and "/" in start.partition("://")[2]:  # only the path is not known
            walk.act("connect", literal(_origin(start)), method=method)
            return
        walk.act("connect", Value((Hole.ANY,), False, value.why), method=method)
        return
    if text.lower().startswith("file:"):
        walk.act("read", literal(re.sub(r"(?i)^file:(?://(?:localhost)?)?", "", text)))
        return
    if "://" not in text:
        text = f"{scheme}://{text}"
    walk.act("connect", literal(text), method=method)


def _origin(start: str) -> str:
    scheme, _, rest = start.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def remote_host(value: Value) -> str | None:
    """The host of `[user@]host:path`, or None when it is a path here. Raises Opaque when it cannot be told."""
    start = value.starts()
    match = SCP.match(start)
    if match:
        return match[1]
    if value.text is None and "/" not in start:
        raise Opaque("whether a word names another host is not known")
    return None


def change_folder(walk: Walk, value: Value) -> None:
    """Options such as `git -C`: what follows is relative to another folder."""
    target = folder_text(value)
    if target is None:
        walk.state.folders = None
    elif target:
        state = walk.state
        before = state.before
        state.enter(target)
        state.before = before
