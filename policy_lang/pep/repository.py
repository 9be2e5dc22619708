"""The state of the workspace's repository that a push depends on: its branch, its remotes, where a plain push goes.

Read from `.git/HEAD` and git's configuration, as gitrepository-layout(5) and git-config(1) say. No git is run.
What is not plain is not known, and then a push that does not name its branch is decided as one of any.
"""

from __future__ import annotations

import os

from ..domain.faults import CallerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MOST_BYTES = 1 << 18  # limit: git_config_bytes
_MOST_FILES = 16  # limit: git_config_files
_MOST_FOLDERS = 64  # limit: git_folders
_SYSTEM = "/etc/gitconfig"
_UNKNOWN = "unknown"
"""A `push_default` that no reader takes for one that is plain."""
_FOLLOWS_TAGS = "follow-tags"
"""One with which every push takes annotated tags along (`push.followTags` of git-config(1))."""
_SECTIONS = frozenset({"push", "remote", "branch", "extensions", "core"})
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-")
Settings = dict[tuple[str, str, str], str]
"""Values by section, sub-section and key."""


class _NotPlainError(CallerError):
    """A configuration that this reader does not follow."""


def repository_state(workspace: str, home: str, branch: str = "") -> dict[str, object]:
    """The fields `branch` and `git` of requests about commands, as far as they are known. Raises nothing.

    The current branch is read, unless one is named.
    """
    if any(name.startswith(("GIT_DIR", "GIT_CONFIG", "GIT_COMMON_DIR", "GIT_WORK_TREE")) for name in os.environ):
        return {}
    try:
        folder, common = _git_folders(workspace)
        branch = branch or (_branch(_read(os.path.join(folder, "HEAD"))) if folder else "")
    except (OSError, UnicodeDecodeError, _NotPlainError):
        return {}
    if not folder or not branch:
        return {}
    try:
        return {"branch": branch, "git": _pushes(_settings(common, home), branch)}
    except (OSError, UnicodeDecodeError, _NotPlainError):
        return {"branch": branch, "git": {"push_default": _UNKNOWN}}


def remotes_of(workspace: str, home: str) -> Callable[[str], tuple[str, ...]]:
    """What a repository calls the server of a URL of HTTP; nothing for one that no plain setting names.

    Read now: who may change the configuration later changes nothing of it.
    """
    try:
        _, common = _git_folders(workspace)
        settings = _settings(common, home) if common else {}
    except (OSError, UnicodeDecodeError, _NotPlainError):
        settings = {}
    return places_of((n, url) for (s, n, k), url in settings.items() if s == "remote" and k in {"url", "pushurl"})


def places_of(remotes: Iterable[tuple[str, str]]) -> Callable[[str], tuple[str, ...]]:
    """The names of the server of a URL of HTTP, from names and URLs."""
    known: dict[str, list[str]] = {}
    for name, url in remotes:
        known.setdefault(_place_of(url), []).append(name)
    return lambda url: tuple(dict.fromkeys(known.get(_place_of(url), ())))


def _place_of(url: str) -> str:
    """Host, port and path of a repository, in one spelling; another text where it is none of HTTP."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    host = host.rpartition("@")[2].lower().removesuffix({"https": ":443", "http": ":80"}.get(scheme, ""))
    path = path.partition("?")[0].removesuffix("/git-receive-pack").rstrip("/").removesuffix(".git")
    return f"{host}/{path}"


def _git_folders(workspace: str) -> tuple[str, str]:
    """The repository's folder around a workspace, and the one of its configuration; empty where there is none.

    A `.git` that is a file says where the folder is: of a linked working tree, whose configuration the main one has
    (`commondir`), or of a submodule. Raises _NotPlainError.
    """
    folder = os.path.realpath(workspace)
    for _ in range(_MOST_FOLDERS):
        place = os.path.join(folder, ".git")
        if os.path.isdir(place):
            break
        if os.path.lexists(place):
            text = _read(place)
            if not text.startswith("gitdir: "):
                raise _NotPlainError
            place = os.path.normpath(os.path.join(folder, text[8:].rstrip("\n")))
            break
        if folder == "/":
            return "", ""
        folder = os.path.dirname(folder)
    else:
        return "", ""
    shared = os.path.join(place, "commondir")
    return place, os.path.normpath(os.path.join(place, _read(shared).rstrip("\n"))) if os.path.lexists(
        shared
    ) else place


def _branch(head: str) -> str:
    """The branch that a `HEAD` names; empty for a commit, and where the refs are kept in another form."""
    name = head.removesuffix("\n").removeprefix("ref: refs/heads/")
    if len(name) == len(head.removesuffix("\n")):
        return ""
    return name if name.isprintable() and name[:1] not in ".-" and " " not in name else ""


def _read(path: str) -> str:
    """A file's text. Raises _NotPlainError for a link, and for one that is too long."""
    if os.path.islink(path):
        raise _NotPlainError
    with open(path, encoding="utf-8") as file:
        text = file.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise _NotPlainError
    return text


def _settings(folder: str, home: str) -> Settings:
    """The configuration of the system, the person and the repository; the last one holds. Raises _NotPlainError."""
    general = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    files = (_SYSTEM, f"{general}/git/config", f"{home}/.gitconfig", os.path.join(folder, "config"))
    out: Settings = {}
    left = [_MOST_FILES]
    for path in files:  # those at home are often links
        if os.path.exists(path):
            out.update(_file(os.path.realpath(path) if path.startswith(home) else path, home, left))
    if out.get(("extensions", "", "worktreeconfig")) or out.get(("core", "", "worktree")):
        raise _NotPlainError
    return out


def _file(path: str, home: str, left: list[int]) -> Settings:
    """One file's settings. What it includes must say nothing of pushes. Raises _NotPlainError."""
    left[0] -= 1
    if left[0] < 0:
        raise _NotPlainError
    out: Settings = {}
    section, sub = "", ""
    for raw in _read(path).split("\n"):
        line = raw.strip()
        if line.endswith("\\"):
            raise _NotPlainError
        if line.startswith("["):
            section, sub, line = _header(line)
        if not line or line[0] in "#;":
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        key, value = key.lower(), value if equals else "true"
        if section in {"include", "includeif"}:
            if key == "path":
                _harmless(_included(value, path, home), home, left)
        elif section in _SECTIONS:
            out[section, sub, key] = value
    return out


def _harmless(path: str, home: str, left: list[int]) -> None:
    """What a file that may be included says is not about pushes. Raises _NotPlainError."""
    if os.path.exists(path):
        for section, _, key in _file(path, home, left):
            if section != "core" or key == "worktree":
                raise _NotPlainError


def _included(value: str, path: str, home: str) -> str:
    place = value.strip('"')
    if place.startswith("~/"):
        return os.path.join(home, place[2:])
    return os.path.join(os.path.dirname(path), place)


def _header(line: str) -> tuple[str, str, str]:
    """Section, sub-section and the rest of a line `[section "sub"] rest`. Raises _NotPlainError."""
    inner, closed, rest = line[1:].partition("]")
    name, quote, sub = inner.partition('"')
    if not closed or "\\" in inner or (quote and not sub.endswith('"')):
        raise _NotPlainError
    name = name.strip().lower()
    if not quote and "." in name:
        name, _, sub = name.partition(".")
    return name, sub.removesuffix('"'), rest.strip()


def _pushes(settings: Settings, branch: str) -> dict[str, object]:
    """What a push depends on. Raises _NotPlainError for a value that is not a plain word."""

    def plain(section: str, sub: str, key: str) -> str:
        value = settings.get((section, sub, key), "")
        if not _PLAIN.issuperset(value):
            raise _NotPlainError
        return value

    names = sorted({sub for section, sub, key in settings if section == "remote" and key == "url"})
    remote = (
        plain("branch", branch, "pushremote") or plain("remote", "", "pushdefault") or plain("branch", branch, "remote")
    )
    default = plain("push", "", "default") or "simple"
    other = any(section == "remote" and key in {"push", "mirror"} for section, _, key in settings)
    if plain("push", "", "followtags") not in {"", "false", "no", "off", "0"}:
        default = _FOLLOWS_TAGS
    elif other:
        default = _UNKNOWN
    out: dict[str, object] = {"remotes": dict.fromkeys(names, ""), "push_default": default}
    if remote or len(names) == 1:
        out["push_remote"] = remote or names[0]
    elif "origin" in names:
        out["push_remote"] = "origin"
    if upstream := plain("branch", branch, "merge"):
        out["upstream"] = upstream
    return out
