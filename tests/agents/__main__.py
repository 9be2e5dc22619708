"""`python -m tests.agents [CLIENT...]`: the newest programs under the hook, and the table of what was found.

`scripts/agents.sh` installs them. What is written is `docs/reference/clients.md`; the rows of other clients stay as they
are. Exits 1 when a client was not held, or offers its model something that is not known.
"""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from policy_lang.pep.clients import NAMES
from policy_lang.pep.clients import client as client_of
from policy_lang.pep.drift import drifts, offered
from tests.console.support import ROOT

from .test_real_clients import Stage, command, compiled, found

TABLE = ROOT / "docs/reference/clients.md"
HEAD = """# Clients that were tried

Written by `python -m tests.agents`, which runs each client itself, without an account, with a model that reads from a script: it is told to do
what the policy allows and what it denies. `held` means that the first happened, the second did not, and the model was told why. `offers` counts the tools that the client
offered its model, also in the ways to start it in which there are others; tools and arguments that were not known to policy_lang are named, and [denied](../how-to/enforce-with-hooks.md#new-tools-and-arguments).

| client | version | on | held | offers | not known |
| --- | --- | --- | --- | --- | --- |
"""


def version(program: str) -> str:
    """The version that a program tells."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=60)
    told = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
    assert told is not None, done
    return told[0]


def tried(name: str, program: str) -> tuple[str, bool]:
    """The row of a client, and whether all is well with it."""
    spec = client_of(name)
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(name, Path(folder), "--policy", compiled(Path(folder)))
        made = stage.play([command(name, text) for text in ("touch denied", "touch .git/hooks/x", "touch src/allowed")])
        held = made.refused and stage.there("src/allowed") and not stage.there("denied")
        held = held and not stage.there(".git/hooks/x")
        turns = [*made.turns, *stage.other_turns()]
    new = [f"`{d.tool}.{d.argument}`" if d.argument else f"`{d.tool}`" for d in drifts(spec, turns)]
    today = dt.datetime.now(dt.UTC).date().isoformat()
    cells = (
        spec.title, version(program), today, "yes" if held else "no", f"{len(offered(turns))} tools",
        ", ".join(new) or "nothing",
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |", held and not new


def main(names: list[str]) -> int:
    """Try the clients, and write the table."""
    rows = {line.split("|")[1].strip(): line for line in TABLE.read_text().splitlines()[8:]} if TABLE.exists() else {}
    well = True
    for name in NAMES:
        program = found(name)
        if client_of(name).rehearsal is None or program is None or (names and name not in names):
            continue
        row, fine = tried(name, program)
        rows[client_of(name).title] = row
        well = well and fine
        sys.stdout.write(row + "\n")
    TABLE.write_text(HEAD + "".join(f"{rows[title]}\n" for title in sorted(rows)))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
