"""`answered_by_claude.jsonl`: what Claude Code itself answered, written by `python -m tests.agents.claude_answers`.

The first line is its version. A case is a line with its name and its settings, as far as it is none of `published/`;
behind it stand its requests: action, resource, answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from policy_lang.domain.errors import Source
from policy_lang.foreign.permissions import ClientRequest

from .fixtures import fixtures

FILE = Path(__file__).parent / "answered_by_claude.jsonl"


@dataclass
class Case:
    name: str
    files: dict[str, object] | None
    """Settings by place; None for those of `published/`."""
    answers: list[tuple[ClientRequest, str]] = field(default_factory=list)

    @property
    def texts(self) -> dict[str, str]:
        """The settings' texts by place."""
        if self.files is None:
            return {one.path: one.text for one in fixtures(self.name)[0].sources}
        return {place: json.dumps(given) for place, given in self.files.items()}

    @property
    def sources(self) -> tuple[Source, ...]:
        return tuple(Source(place, text) for place, text in self.texts.items())


def version() -> str:
    """The version that answered."""
    return str(json.loads(FILE.read_text().partition("\n")[0])["version"])


def cases() -> list[Case]:
    out: list[Case] = []
    for line in FILE.read_text().splitlines()[1:]:
        value = json.loads(line)
        if isinstance(value, dict):
            out.append(Case(value["case"], value.get("files")))
        else:
            action, resource, answer = value
            out[-1].answers.append((ClientRequest(action, resource), answer))
    return out


def write(version: str, cases: list[Case]) -> None:
    """Write the file anew."""
    lines: list[object] = [{"version": version}]
    for case in cases:
        lines.append({"case": case.name} | ({"files": case.files} if case.files is not None else {}))
        lines += [[asked.action, asked.resource, answer] for asked, answer in case.answers]
    FILE.write_text("".join(json.dumps(line) + "\n" for line in lines))
