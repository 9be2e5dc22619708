"""Command lines of clouds: thousands of sub-commands, of which the words that name files here are what matters.

From the help of awscli 2, gcloud, gsutil, az, s3cmd and mc.
"""

from __future__ import annotations

import re

from ..access import SCP, path
from ..call import ProgramCall
from ..profile import Parsed
from ..roles import role
from ..values import Value, joined, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost

_COPIES = frozenset({"cp", "copy", "mv", "move", "rsync", "sync", "scp", "put", "get", "mirror"})
_LOADS = re.compile(
    r"upload|put|create|deploy|import|load|update|apply|submit|set|add|sign|encrypt|decrypt|activate", re.ASCII
)
_FILES = re.compile(
    r"--?(?:.*-)?(?:file|files|body|source|src|path|from-file|template|template-body|template-file|input|code|zip-file|config|manifest|key-file|archive|content|policy|local-path|directory|destination|output-file|outfile|dest)",
    re.ASCII,
)


def cloud(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Words that name files: behind options that say so, as `file://`, `@file`, and beside a copy's other place.

    A file is read; where the sub-command is no upload it may be written as well.
    """
    words = list(call.argv[1:])
    verbs = [v.text or "" for v in words if not v.starts().startswith("-")][:5]
    behind = next((i for i, v in enumerate(words) if v.text in _COPIES), len(words))
    if parsed.path[0] == "az":  # its words are sub-commands; places stand behind options
        behind = len(words)
    uploads = any(_LOADS.search(v) for v in verbs) and not any("download" in v for v in verbs)
    places: list[Value] = []
    named = False
    for i, value in enumerate(words):
        start = value.starts()
        option, equals, rest = start.partition("=")
        if start.startswith("-"):
            said = bool(_FILES.fullmatch(option)) or option == "-f"
            named = said and not equals
            if said and equals:
                _file(shell, joined([rest, *value.parts[1:]], False, value.why), uploads)
            continue
        if start.startswith(("file://", "fileb://", "@")):
            path(shell.walk, "read", joined([re.sub(r"^(?:fileb?://|@)", "", start), *value.parts[1:]]))
        elif named:
            _file(shell, value, uploads)
        elif i > behind:
            places.append(value)
        named = False
    if parsed.path[0] == "aws" and len(verbs) > 2 and len(words) > 1:  # `get-object ... FILE`, `invoke ... FILE`
        last, before = words[-1], words[-2].starts()
        if (
            not last.starts().startswith("-")
            and "=" not in last.starts()
            and (not before.startswith("-") or "=" in before)
        ):
            path(shell.walk, "write", last)
    for i, value in enumerate(places):
        if not (SCP.match(value.starts()) or "://" in value.starts()):
            _place(
                shell, value, last=i == len(places) - 1, only=len(places) == 1, moves=bool({"mv", "move"} & set(verbs))
            )
    return True


def _place(shell: ProgramHost, value: Value, last: bool, only: bool, moves: bool) -> None:
    """One end of a copy: the last word is written, those before it are read, a word alone may be either."""
    if not last or only:
        path(shell.walk, "read", value, "existing")
        if moves:
            path(shell.walk, "delete", value, "existing", follows=True)
    if last:
        path(shell.walk, "write", value, "new")


def _file(shell: ProgramHost, value: Value, uploads: bool) -> None:
    start = value.starts()
    if "://" in start:
        if start.startswith(("file://", "fileb://")):
            path(shell.walk, "read", joined([re.sub(r"^fileb?://", "", start), *value.parts[1:]]))
        return
    path(shell.walk, "read", value, "existing")
    if not uploads:
        path(shell.walk, "write", value, "new")


def terraform(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`terraform fmt [folders]` writes the configuration, unless it only checks; other words are data."""
    first = parsed.operands[0].text if parsed.operands else None
    if first == "fmt":
        for value in parsed.operands[1:] or [literal(".")]:
            role(shell, parsed, "read-tree" if parsed.has("-check") else "edit-tree", value, 0)
    return True
