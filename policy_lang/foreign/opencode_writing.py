"""Permissions as opencode's `permission`: of the rules that fit the last decides.

So what grants stands first, what asks behind it and what denies last, and nothing is permitted that no rule permits. A
star goes on over folders and words: a grant is said where its pattern does so as well.
"""

from __future__ import annotations

import json
import re

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.errors import Source
from .formats import ClientWriter
from .located import json_of, object_of
from .written_globs import command_texts, fetched_hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ir.model import Rule

_KEYS = {"read": "read", "write": "edit"}
_ORDER = (ALLOW, ASK, DENY)
_TABLES = frozenset({"read", "edit", "bash"})
_FLAT = frozenset({"webfetch"})
_NAME = re.compile(r"[A-Za-z0-9_-]+\*?", re.ASCII)
_UNSAID = frozenset("[]{}\\?")


def spell(effect: str, action: str, text: str, rule: Rule) -> list[str]:
    """A permission's name, and behind a blank the pattern of what it is asked for."""
    if action in _KEYS:
        return [f"{_KEYS[action]} {glob}" for glob in _path(effect, text)]
    if action == "run":
        return [f"bash {glob}" for glob in command_texts(effect, text, rule)]
    if action == "connect":
        # a table of addresses is refused when opencode starts (1.18.33): all of them, or none
        return ["webfetch"] if effect != ALLOW or "*" in fetched_hosts(effect, text) else []
    if action == "call":
        server, _, tool = text.partition(".")
        name = "*" if text == "**" else f"{server}_{'*' if tool in {'*', '**'} else tool}"
        return [name] if _NAME.fullmatch(name) and name not in _TABLES | _FLAT else []
    name = text.removeprefix("opencode.")
    return [name] if action == "do" and name != text and name.isalpha() and name not in _TABLES | _FLAT else []


def _path(effect: str, text: str) -> list[str]:
    """Paths are compared from the workspace on; what lies outside is asked about, whatever these say."""
    if text in {"./", "**"}:
        return ["*"]
    if text[:1] in {"/", "~", "$"} or _UNSAID & set(text) or text.isdecimal():
        return []
    folder = text.removesuffix("**") if text.endswith("/**") else text
    bare = folder.rstrip("/")
    if effect != ALLOW:
        globs = [re.sub(r"\*+", "*", one) for one in _anywhere(bare)]
        ends = ["/*"] if text.endswith("/**") else ["", "/*"] if text.endswith("/") else [""]
        return [f"{glob}{end}" for glob in globs for end in ends]
    if bare.startswith("**/*") and "*" not in bare[4:] and "/" not in bare[4:] and folder == text == bare:
        return [bare[3:]]
    if "*" in bare:
        return []
    return [f"{bare}/*"] if folder.endswith("/") else [bare]


def _anywhere(text: str) -> list[str]:
    """The texts of a pattern: folders that may stand there or not are nothing, or a star that ends in a slash."""
    begin, any_folders, rest = text.partition("**/")
    if not any_folders:
        return [text]
    if rest.startswith("*"):
        return [f"{begin}{one}" for one in _anywhere(rest)]
    return [f"{begin}{between}{one}" for one in _anywhere(rest) for between in ("", "*/")]


def _name(effect: str, text: str) -> str:
    """A rule as its reader names it."""
    return f"{text}: {effect}"


def text(entries: Sequence[tuple[str, str]], there: str) -> str:
    """The file: what is there, with its permissions replaced."""
    source = Source("the file that is there", there or "{}")
    settings = object_of(source, json_of(source))
    made: dict[str, str | dict[str, str]] = {"*": ASK}
    for effect in _ORDER:
        for said in (text for one, text in entries if one == effect):
            key, _, pattern = said.partition(" ")
            if key not in _TABLES:
                made[key] = effect
                continue
            table = made.setdefault(key, {"*": ASK})
            assert isinstance(table, dict)
            table.pop(pattern, None)  # the last one stands where it decides
            table[pattern] = effect
    return json.dumps({**settings, "permission": made}, indent=2, ensure_ascii=False) + "\n"


WRITER = ClientWriter(spell, text, _name, "ranked_permissions")
