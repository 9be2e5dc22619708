"""Files that a script may itself have made before a command looks for them."""

from __future__ import annotations

import re

from .acts import Act
from .values import NAMES, Value


def made_before(acts: list[Act], span: tuple[int, int] | None, value: Value) -> bool:
    """True when acts made files that a partly known path may name; those of the command at `span` do not count."""
    first = next((i for i, p in enumerate(value.parts) if p in NAMES), len(value.parts))
    head = "".join(p for p in value.parts[:first] if isinstance(p, str))
    folder = re.sub(r"^(?:\./+)+", "", head.rpartition("/")[0])
    for act in acts:
        if act.action == "write" and (act.start, act.end) != span:
            start = re.sub(r"^(?:\./+)+", "", act.value.starts())
            if not start or start.startswith(folder) or folder.startswith(start):
                return True
    return False
