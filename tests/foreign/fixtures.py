"""The permission files in `published/`: rewritten from files that people have published, with what their clients answer.

A folder is a workspace's files, `HOME/` stands for the home and `ROOT/` for `/`. `answers.jsonl` holds requests and the
client's answers by its documents; those with `"sure": false` are on record, and no test. `same` is a command that a shell
makes the same of: clients that compare text may tell the two apart, policies do not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from policy_lang.domain.errors import Source
from policy_lang.foreign.formats import NAMES, Format, format_named
from policy_lang.foreign.permissions import ClientRequest

PUBLISHED = Path(__file__).parent / "published"
_BESIDE = {"answers.jsonl", "ABOUT.md"}


@dataclass(frozen=True)
class Answer:
    asked: ClientRequest
    original: str
    why: str
    sure: bool
    same: str = ""


@dataclass(frozen=True)
class Fixture:
    name: str
    kind: Format
    sources: tuple[Source, ...]
    answers: tuple[Answer, ...]


def fixtures(client: str = "") -> list[Fixture]:
    return [_fixture(folder) for folder in sorted(PUBLISHED.glob(f"{client}*")) if folder.name[:-3] in NAMES]


def _fixture(folder: Path) -> Fixture:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in _BESIDE)
    sources = tuple(Source(_shown(path.relative_to(folder).as_posix()), path.read_text()) for path in files)
    lines = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    answers = tuple(_answer(line) for line in lines if "agent" not in line)  # those of the agent that is started
    return Fixture(folder.name, format_named(folder.name[:-3]), sources, answers)


def _shown(path: str) -> str:
    if path.startswith("HOME/"):
        return f"~/{path.removeprefix('HOME/')}"
    return f"/{path.removeprefix('ROOT/')}" if path.startswith("ROOT/") else path


def _answer(line: dict[str, object]) -> Answer:
    asked = ClientRequest(str(line["action"]), str(line["resource"]))
    return Answer(
        asked, str(line["original"]), str(line.get("why", "")), bool(line.get("sure", True)), str(line.get("same", ""))
    )
