"""Pairs of a file that is written and a command that loads it, as they were tried on real programs.

What the linter says of them follows from its table of loaders; the pairs are what the table is held against.
"""

from __future__ import annotations

from pathlib import Path

import tomli

from policy_lang.lint.capabilities import Capability, rows_of_table

FILES = sorted(Path(__file__).parent.glob("*.toml"))
PAIRS: list[Capability] = [row for file in FILES for row in rows_of_table(tomli.loads(file.read_text()))]
"""Rows of kind `off` are commands of which a word switches it off: seen to run nothing."""
