"""What Codex decides about commands by given rules: `codex execpolicy check`, without an account.

What no rule is about it answers nothing to: then the model decides whether to ask, as the sandbox does.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from policy_lang.foreign.permissions import ClientRequest

from .__main__ import version as version_of
from .test_real_clients import found

_ANSWERS = {"allow": "allow", "prompt": "ask", "forbidden": "deny"}


def version() -> str | None:
    """The version that is installed; None where none is."""
    program = found("codex")
    return version_of(program) if program is not None else None


def answers(files: dict[str, str], asked: list[ClientRequest]) -> list[str]:
    """The answer to each command; `none` where no rule is about it."""
    program = found("codex")
    assert program is not None
    out = []
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder, f"{i}.rules") for i in range(len(files))]
        for place, text in zip(places, files.values(), strict=True):
            place.write_text(text)
        given = [word for place in places for word in ("--rules", str(place))]
        for one in asked:
            words = [
                program,
                "execpolicy",
                "check",
                "--resolve-host-executables",
                *given,
                "--",
                *shlex.split(one.resource),
            ]
            done = subprocess.run(
                words, capture_output=True, text=True, check=False, timeout=60,
                env={**os.environ, "CODEX_HOME": folder},
            )  # fmt: skip
            assert done.returncode == 0, done.stderr[-3000:]
            out.append(_ANSWERS.get(json.loads(done.stdout).get("decision"), "none"))
    return out
