"""Resources that a pattern stands for, as people would write them: what patterns are tried with."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator

from ..analysis.witness import USUAL
from ..automata.pattern import expand_braces
from ..domain.actions import COMMAND, SORT_OF
from ..domain.limits import limit
from ..facts.paths import TMP
from .context import LintContext

_NAMES = ("a", "b", "file.md", "main", "index.ts")
"""What wildcards stand for."""
_MOST_INSTANCES = limit("pattern_alternatives")
"""What a pattern may have, each with an example."""
_MOST_COMMANDS = limit("query_tries")
"""Commands that are tried for one pattern."""
_FILLED = ("read", "write", "delete", "connect", "push")
"""Actions whose resources are words of commands."""


def instances(action: str, text: str, *, several: bool = False) -> list[str | tuple[str, ...]]:
    """Resources of a pattern; with `several`, of every shape that people give them."""
    out: list[str | tuple[str, ...]] = []
    for one in expand_braces(text.replace("${tmp}", USUAL[TMP]), _MOST_INSTANCES):
        for name in _NAMES if several else _NAMES[:1]:
            if SORT_OF[action] == COMMAND:
                out.append(tuple(name if word == "**" else _filled(word, name) for word in split(one)))
            else:
                path = f"{one}**" if one.endswith("/") else one
                out.append(_filled(path.replace("**", f"a/{name}" if several and len(name) > 3 else name), name))
    return list(dict.fromkeys(out))


def _filled(text: str, name: str) -> str:
    text = re.sub(r"\[!?([^\]])[^\]]*\]", r"\1", text)
    text = re.sub(r"(?<=[a-z])\*(?=\.)", "", text)  # `requirements*.txt` means `requirements.txt` first
    return text.replace("*", name if text == "*" else "a").replace("?", "a")


def commands(context: LintContext, text: str, *, bare: bool = True) -> Iterator[tuple[str, ...]]:
    """Commands of a pattern without braces, with what the policy grants in the places of its wildcards.

    Without `bare` there is a word wherever there may be some.
    """
    filled = ["a", *(r for action in _FILLED for r in _granted(context, action))]
    ends = [*(((),) if bare else ()), *((f,) for f in filled), *(("origin", r) for r in _granted(context, "push"))]
    places = [
        ends if word == "**" else [(f,) for f in (filled if word == "*" else [_plain(word)])] for word in split(text)
    ]
    for chosen in itertools.islice(itertools.product(*places), _MOST_COMMANDS):
        yield tuple(w for words in chosen for w in words)


def split(text: str) -> list[str]:
    """The words of a pattern of commands."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _plain(word: str) -> str:
    return str(instances("read", word)[0]) if set("*?[") & set(word) else word


def _granted(context: LintContext, action: str) -> list[str]:
    """Some resources that rules grant, with or without approval."""
    rules = (r for r in context.policy.layers[0].rules if r.grants and action in r.actions)
    found = [str(r) for rule in rules for p in rule.include for r in instances(action, p.text)[:1]]
    if action == "connect":
        found = [r if "://" in r else f"https://{r}/" for r in found]
    return list(dict.fromkeys(r.removeprefix("./") for r in found))[:4]
