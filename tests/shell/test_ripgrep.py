"""What ripgrep itself looks into, compared with what is decided: nothing that it reads may be left out."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from policy_lang.domain.search import SearchOptions
from policy_lang.facts.disk import REAL
from tests.needs import needs

PROGRAM = shutil.which("rg") or ""
pytestmark = needs("ripgrep is not installed; `scripts/programs.sh` does it", there=bool(PROGRAM))
NAMES = (".env", "key.pem", ".env", "key.pem", "a.ts", ".x.ts", "sub", "sub", "build", ".h", "n m", "b", "a.py", ".git")
TELLING = (".env", "!.env", "key.pem", "!key.pem")
LINES = (
    *TELLING * 8,
    ".env", "!.env", "*.pem", "!*.pem", "key.pem", "/key.pem", "sub/", "!sub/", "sub", "build/", "!build", "*", "!*.ts", "!.*", ".*", "**/key.pem",
    "!**/key.pem", "sub/key.pem", "!sub/key.pem", "!sub/**", " key.pem", "key.pem ", "\tkey.pem", "key.pem\t", "#key.pem", "\\!key.pem", "!", "/", "!/",
    "!/sub", "key.*", "!k?y.pem", "!k[e]y.pem", "[k]ey.pem", "x\u2028key.pem", "x\fkey.pem", "!.e*\r", "key.pem\r", "!b/key.pem", "{key.pem,x}", "*.ts",
    "*/", "!*/", "/*", "!/.env", "*m",
)  # fmt: skip
GLOBS = (
    "!.env", ".env", "*.ts", "!*.pem", "*", "**", "**/*.ts", "!**/.env", "{.env,x}", "!{.env,key.pem}", "!sub", "sub/**", "sub", "!sub/", "b/key.pem",
    "/key.pem", "!/key.pem", "k?y.pem", "!k?y.pem", "[k]ey.pem", "![k]ey.pem", "!!.env", "!.git", ".git/", "#x", "!", "*.*", ".*", "!.*", "!*", "\\.env",
    "key.pem/", "!key.pem/", "{sub,key.pem}", "!**", "{a,b}.{ts,py}", "n m", "!n m", "./key.pem", "../x", "a**", "**.pem", "!**.pem",
)  # fmt: skip


def fill(folder: Path, made: random.Random, depth: int = 0) -> None:
    """Files and folders of these names, and ignore files."""
    for name in dict.fromkeys(made.sample(NAMES, made.randint(4, 8))):
        if name in {"sub", "build", ".h", "b", ".git"} and depth < 3:
            (folder / name).mkdir()
            fill(folder / name, made, depth + 1)
        else:
            (folder / name).write_text("here\n")
    for name, share in ((".gitignore", 0.5), (".ignore", 0.12), (".rgignore", 0.12)):
        if made.random() < share:
            (folder / name).write_text("\n".join(made.sample(LINES, made.randint(1, 4))) + "\n", newline="")


@pytest.mark.parametrize("seed", range(60))
def test_nothing_that_it_reads_is_left_out(seed: int, tmp_path: Path) -> None:
    made = random.Random(seed)
    root = tmp_path / "above/ws"
    root.mkdir(parents=True)
    fill(root, made)
    if made.random() < 0.8 and not (root / ".git").exists():
        (root / ".git").mkdir()
    if made.random() < 0.3:
        (root.parent / ".ignore").write_text("\n".join(made.sample(LINES, 2)) + "\n", newline="")
    start = made.choice([root, root, *(p for p in root.iterdir() if p.is_dir())])
    for _ in range(3):
        globs = tuple(made.sample(GLOBS, made.choice((0, 0, 0, 0, 1, 2))))
        types = made.choice(((), (), (), ("py",), ("ts",), ("sh",), ("all",)))
        options = SearchOptions(made.random() < 0.5, made.random() < 0.15, globs, types)
        words = [
            PROGRAM,
            "--no-messages",
            "-l",
            "here",
            *(f"--glob={g}" for g in globs),
            *(f"--type={t}" for t in types),
        ]
        words += ["--hidden"] * options.hidden + ["--no-ignore"] * options.ignored
        done = subprocess.run(
            [*words, str(start)], cwd=root, env={"HOME": "/nowhere"}, capture_output=True, text=True, check=False
        )
        assert done.returncode in {0, 1, 2}, done
        read = set(done.stdout.splitlines())
        decided = {place for _, place, _ in REAL.searched(str(start), options)}
        assert read <= decided, (words, sorted(read - decided))
