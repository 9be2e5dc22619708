"""The content that tools write, and the files that commands run, as people are shown them: differences line by line."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

from ..approvals.ticket import parts_of
from ..domain import strict_json
from ..domain.limits import limit
from ..domain.strict_json import Json
from .style import colour, visible

SAME, OUT, IN, FOLDED = " ", "-", "+", "~"
_AROUND = 3
"""Lines that stay the same and are shown on each side of a change."""
_MOST_COMPARED = limit("diff_lines")
_MOST_SHOWN = limit("content_lines")
_SIGNS = {OUT: "deny", IN: "allow", FOLDED: "dim", SAME: ""}

Line = tuple[str, str]
"""A sign, and the line's text; of `FOLDED` what is left out, in words."""


@dataclass(frozen=True, slots=True)
class ShownContent:
    """The content of one call: what it is, in words, and its lines. A `warning` says what cannot be seen of it."""

    title: str
    lines: tuple[Line, ...]
    warning: str = ""

    @property
    def head(self) -> tuple[Line, ...]:
        """The lines that are shown at once."""
        return self.lines[:_MOST_SHOWN]

    @property
    def rest(self) -> tuple[Line, ...]:
        """Those that are folded."""
        return self.lines[_MOST_SHOWN:]


def contents(ticket: Json) -> list[ShownContent]:
    """What a ticket's calls write or hand over, one after another; nothing for what has no content."""
    found = []
    before = ticket["about"].get("before", {})
    for part in parts_of(ticket["request"]):
        content = part.get("content")
        if not content and "arguments" in part:  # whoever asked told no more of the call
            content = {"tool": part["resource"], "arguments": strict_json.dump(part["arguments"]).decode()}
        if content:
            found.append(_shown(content, str(part["resource"]), before.get(str(part["resource"]))))
    return found


def bound(ticket: Json) -> list[tuple[str, str]]:
    """The files that its commands run or send: the place of each, and what is known of what is in it."""
    out: dict[str, str] = {}
    for part in parts_of(ticket["request"]):
        for place, state in part.get("files", {}).items():
            out[place or "further files"] = _state(state)
    return list(out.items())


def _state(state: Json) -> str:
    if "more" in state:
        return f"{state['more']}, not read; they go by size and times"
    size = _bytes(state["bytes"])
    if "sha256" in state:
        return f"{size}, SHA-256 {state['sha256'][:16]}…"
    if "unread" in state:
        return f"{size}; the service may not read it ({state['unread']}), so it goes by size and times"
    return f"{size}; too large to be read, so it goes by size and times"


def _shown(content: Json, resource: str, before: Json | None) -> ShownContent:
    tool = content["tool"]
    if "edits" in content:
        edits = content["edits"]
        count = "one edit" if len(edits) == 1 else f"{len(edits)} edits"
        lines = [line for n, edit in enumerate(edits) for line in _edit(edit, n)]
        return ShownContent(f"{tool}: {count} of {resource}", tuple(lines), _unseen(*edits))
    if not content.keys() - {"tool"}:
        return ShownContent(tool, ())
    if "arguments" in content:
        text = content["arguments"]
        lines = [] if isinstance(text, dict) else [(SAME, one) for one in _pretty(text).split("\n")]
        return ShownContent(f"{tool}: its arguments", tuple(lines), _unseen(content))
    new = content.get("text", "")
    warning = _unseen(content)
    if warning:
        return ShownContent(f"{tool}: {resource}", (), warning)
    if before is None:
        return ShownContent(f"{tool}: a new file, {_count(new)}", tuple((IN, one) for one in _lines(new)), "")
    if "text" not in before:
        what = f"{tool}: in place of {_bytes(before['bytes'])} that are no text, or too many to be shown"
        return ShownContent(what, tuple((IN, one) for one in _lines(new)), "")
    return ShownContent(f"{tool}: what changes in {resource}", tuple(differences(before["text"], new)), "")


def _edit(edit: Json, number: int) -> list[Line]:
    head = []
    if number:
        head.append((FOLDED, ""))
    if "cell" in edit or "mode" in edit:
        said = [edit.get("mode", "replace"), "the cell", edit.get("cell", ""), edit.get("kind", "")]
        head.append((FOLDED, " ".join(w for w in said if w)))
    if edit.get("all"):
        head.append((FOLDED, "at every place"))
    old, new = (v if isinstance(v, str) else "" for v in (edit.get("old"), edit["new"]))
    return [*head, *differences(old, new)]


def _unseen(*parts: Json) -> str:
    """What stands as its digest alone."""
    for part in parts:
        for name in ("text", "arguments", "old", "new"):
            if isinstance(part.get(name), dict):
                return f"{_bytes(part[name]['bytes'])} of it are too long to be shown; what is approved is their digest"
    return ""


def differences(old: str, new: str) -> list[Line]:
    """The lines that differ, with some around them; what stays the same in between is folded.

    Where more than so many lines differ at once they stand one below the other: comparing takes the square of them.
    """
    before, after = _lines(old), _lines(new)
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    out: list[Line] = [(SAME, line) for line in before[:start]]
    gone, come = before[start : len(before) - end], after[start : len(after) - end]
    if max(len(gone), len(come)) > _MOST_COMPARED:
        out += [*((OUT, line) for line in gone), *((IN, line) for line in come)]
    else:
        for what, i, j, k, m in SequenceMatcher(None, gone, come, autojunk=False).get_opcodes():
            if what == "equal":
                out += [(SAME, line) for line in gone[i:j]]
            else:
                out += [*((OUT, line) for line in gone[i:j]), *((IN, line) for line in come[k:m])]
    out += [(SAME, line) for line in before[len(before) - end :]] if end else []
    return _folded(out)


def _folded(lines: list[Line]) -> list[Line]:
    """The lines without those that stay the same and are far from a change."""
    changed = [n for n, (sign, _) in enumerate(lines) if sign != SAME]
    near = {n + d for n in changed for d in range(-_AROUND, _AROUND + 1)}
    out: list[Line] = []
    left_out = 0
    for n, line in enumerate(lines):
        if n in near:
            if left_out:
                out.append((FOLDED, f"{_lines_of(left_out)} that stay the same"))
            left_out = 0
            out.append(line)
        else:
            left_out += 1
    return [*out, (FOLDED, f"{_lines_of(left_out)} that stay the same")] if left_out else out


def _lines(text: str) -> list[str]:
    """The lines of a text, tabs as arrows; that the last one does not end is said."""
    if not text:
        return []
    lines = text.replace("\t", "\N{RIGHTWARDS ARROW}   ").split("\n")
    return lines[:-1] if lines[-1] == "" else [*lines[:-1], f"{lines[-1]}[no line end]"]


def _pretty(text: str) -> str:
    """Arguments as they read best; those that are not JSON as they are."""
    import json

    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _lines_of(count: int) -> str:
    return "one line" if count == 1 else f"{count:,} lines"


def _count(text: str) -> str:
    return _lines_of(len(_lines(text))) if text else "empty"


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"


def render_contents(ticket: Json, whole: bool) -> list[str]:
    """The contents and the files of a ticket for a terminal, line by line; long ones folded, but for a `whole` one."""
    out: list[str] = []
    for one in contents(ticket):
        out += ["", colour(visible(one.title), "help")]
        out += [colour(f"! {visible(one.warning)}", "warning")] if one.warning else []
        out += [_line(line) for line in (one.lines if whole else one.head)]
        if one.rest and not whole:
            out.append(
                colour(f"... {_lines_of(len(one.rest))} more: policy approvals show {ticket['id']} --whole", "warning")
            )
    files = bound(ticket)
    if files:
        out += ["", colour("files that it runs or sends, as they are now:", "help")]
        out += [f"  {visible(place)}  {colour(visible(state), 'dim')}" for place, state in files]
    return out


def _line(line: Line) -> str:
    sign, text = line
    shown = f"{'' if sign == FOLDED else sign} {visible(text)}"
    return (
        colour(f"··· {visible(text)}", "dim")
        if sign == FOLDED
        else colour(shown, _SIGNS[sign])
        if _SIGNS[sign]
        else shown
    )
