"""Baselines: findings that were there before the linter was, by content, so that moving a line changes nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, ValidationError

from ..domain.faults import AuthorError
from .check import Check
from .finding import Finding


class BaselineError(AuthorError):
    """The file is not a baseline."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    fingerprint: str
    code: str
    file: str
    message: str


class _BaselineFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: int
    findings: list[_Entry]


@dataclass(slots=True)
class Baseline:
    """Known findings by fingerprint, with how often each may occur. `met` is filled by a run."""

    entries: list[_Entry] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    critical: bool = False
    """Whether it may hold findings of critical rules."""

    @classmethod
    def read(cls, text: str, *, critical: bool = False) -> Baseline:
        """The baseline of a file's text. Raises BaselineError."""
        try:
            found = _BaselineFile.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the file"
            raise BaselineError(f"`{place}`: {first['msg'].lower()}") from None
        if found.version != 1:
            raise BaselineError(f"version {found.version} is not known; write it anew with --write-baseline")
        return cls(found.findings, critical=critical)

    @classmethod
    def of(cls, findings: Iterable[Finding], checks: dict[str, Check], *, critical: bool = False) -> Baseline:
        """A baseline that holds these findings; critical ones are left out unless said otherwise."""
        kept = (f for f in findings if critical or not checks[f.code].critical)
        entries = [
            _Entry(fingerprint=f.fingerprint, code=f.code, file=f.span.source.path, message=f.message) for f in kept
        ]
        return cls(sorted(entries, key=lambda e: (e.file, e.code, e.fingerprint)))

    def text(self) -> str:
        """The file's text."""
        found = [e.model_dump() for e in self.entries]
        return json.dumps({"version": 1, "findings": found}, indent=2) + "\n"

    def split(self, findings: list[Finding], checks: dict[str, Check]) -> tuple[list[Finding], list[Finding]]:
        """The findings that are new, and those that the baseline knows."""
        left = Counter(e.fingerprint for e in self.entries) - self.met
        new: list[Finding] = []
        known: list[Finding] = []
        for finding in findings:
            name = finding.fingerprint
            if left[name] > 0 and (self.critical or not checks[finding.code].critical):
                left[name] -= 1
                self.met[name] += 1
                known.append(finding)
            else:
                new.append(finding)
        return new, known

    def stale(self) -> list[_Entry]:
        """The entries that no run has met."""
        left = self.met.copy()
        out: list[_Entry] = []
        for entry in self.entries:
            if left[entry.fingerprint] > 0:
                left[entry.fingerprint] -= 1
            else:
                out.append(entry)
        return out

    def pruned(self) -> Baseline:
        """The baseline without its stale entries."""
        gone = self.stale()
        return Baseline([e for e in self.entries if e not in gone])
