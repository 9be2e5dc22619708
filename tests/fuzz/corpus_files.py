"""The corpus: for each target a file with an input on each line, as JSON text whose characters are the bytes."""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
MOST = 64 << 10
"""Bytes of all corpora together."""


def read(target: str) -> list[bytes]:
    """The inputs of a target."""
    path = FOLDER / f"{target}.txt"
    return (
        [json.loads(line).encode("latin-1") for line in path.read_text("ascii").splitlines()] if path.exists() else []
    )


def write(target: str, inputs: list[bytes]) -> None:
    """Write a target's inputs, each once, the shortest first."""
    lines = [json.dumps(i.decode("latin-1")) for i in sorted(set(inputs), key=lambda i: (len(i), i))]
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{target}.txt").write_text("".join(f"{line}\n" for line in lines), "ascii")
