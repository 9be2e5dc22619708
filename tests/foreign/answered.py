"""`answered_by_CLIENT.jsonl`: what a client itself answered, written by `python -m tests.agents.answers CLIENT`.

The first line is its version. A case is a line with its name and its files, as far as it is none of `published/`;
behind it stand its requests: action, resource, answer. A case with a `policy` is that policy, exported: its files are
what was written, and a request's fourth part is the answer where nothing of the policy is in the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from policy_lang.domain.errors import Source
from policy_lang.foreign.permissions import ClientRequest

from .fixtures import fixtures

FOLDER = Path(__file__).parent
CLIENTS = tuple(sorted(path.stem.removeprefix("answered_by_") for path in FOLDER.glob("answered_by_*.jsonl")))


@dataclass
class Case:
    name: str
    files: dict[str, object] | None
    """Files by place, JSON as values; None for those of `published/`."""
    answers: list[tuple[ClientRequest, str]] = field(default_factory=list)
    policy: str = ""
    by_itself: list[str] = field(default_factory=list)
    """What is answered without the policy's permissions, for each request; empty for what is no export."""

    @property
    def texts(self) -> dict[str, str]:
        """The files' texts by place."""
        if self.files is None:
            return {one.path: one.text for one in fixtures(self.name)[0].sources}
        return {place: given if isinstance(given, str) else json.dumps(given) for place, given in self.files.items()}

    @property
    def sources(self) -> tuple[Source, ...]:
        return tuple(Source(place, text) for place, text in self.texts.items())


def _file(client: str) -> Path:
    return FOLDER / f"answered_by_{client}.jsonl"


def version(client: str) -> str:
    """The version that answered."""
    return str(json.loads(_file(client).read_text().partition("\n")[0])["version"])


def cases(client: str) -> list[Case]:
    out: list[Case] = []
    for line in _file(client).read_text().splitlines()[1:]:
        value = json.loads(line)
        if isinstance(value, dict):
            out.append(Case(value["case"], value.get("files"), policy=value.get("policy", "")))
        else:
            action, resource, answer, *by_itself = value
            out[-1].answers.append((ClientRequest(action, resource), answer))
            out[-1].by_itself += by_itself
    return out


def write(client: str, version: str, cases: list[Case]) -> None:
    """Write the file anew."""
    lines: list[object] = [{"version": version}]
    for case in cases:
        said = {"files": case.files} if case.files is not None else {}
        lines.append({"case": case.name} | ({"policy": case.policy} if case.policy else {}) | said)
        by_itself = [[one] for one in case.by_itself] or [[] for _ in case.answers]
        pairs = zip(case.answers, by_itself, strict=True)
        lines += [[asked.action, asked.resource, answer, *more] for (asked, answer), more in pairs]
    _file(client).write_text("".join(json.dumps(line) + "\n" for line in lines))
