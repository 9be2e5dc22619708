"""Commands of the kind coding agents write, for measuring what is understood. Written for this; none is recorded."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
LINES = [t for t in (HERE / "corpus_lines.txt").read_text().splitlines() if t.strip()]
SCRIPTS = [t.strip("\n") for t in (HERE / "corpus_scripts.txt").read_text().split("\n%%\n")]
COMMANDS = LINES + SCRIPTS
