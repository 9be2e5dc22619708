"""Permissions as Codex's rules for commands: what such a rule allows runs outside of Codex's own sandbox, unasked."""

from __future__ import annotations

import json
import shlex

from ..domain.actions import ALLOW, ASK
from .codex_rules import ALLOW as ALLOWED
from .codex_rules import FORBIDDEN, PROMPT
from .formats import ClientWriter
from .written_globs import command_prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ir.model import Rule

_HEAD = "# Written by `policy export`. What is allowed here runs outside of Codex's own sandbox, unasked.\n"
_DECISIONS = {ALLOW: ALLOWED, ASK: PROMPT}


def spell(effect: str, action: str, text: str, rule: Rule) -> list[str]:
    """The beginning of a command; a rule names one word at least."""
    return [one for one in command_prefix(effect, text, rule) if one] if action == "run" else []


def name(effect: str, text: str) -> str:
    """A rule as its reader names it."""
    return f"{_DECISIONS.get(effect, FORBIDDEN)} {shlex.join(text.split(' '))}"


def text(entries: Sequence[tuple[str, str]], there: str) -> str:
    """The rules; the strictest that fits holds, so their order says nothing. A file of rules has nothing else."""
    del there
    lines = (
        f'prefix_rule(pattern={json.dumps(words.split(" "))}, decision="{_DECISIONS.get(effect, FORBIDDEN)}")\n'
        for effect, words in entries
    )
    return _HEAD + "".join([*lines, *_programs(entries)])


def _programs(entries: Sequence[tuple[str, str]]) -> list[str]:
    """No path counts as a program that is allowed by its name: else any file that is called so would be."""
    names = dict.fromkeys(words.partition(" ")[0] for effect, words in entries if effect == ALLOW)
    return [f"host_executable(name={json.dumps(one)}, paths=[])\n" for one in names if "/" not in one]


WRITER = ClientWriter(spell, text, name)
