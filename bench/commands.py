"""Reading commands: microseconds a script, against `bash -n` and, where they are installed, tree-sitter-bash and shfmt."""

from __future__ import annotations

import importlib
import random
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from functools import partial

from policy_lang import Policy
from policy_lang.compiler.profiles import builtin
from policy_lang.shell.analyse import read_acts
from policy_lang.shell.reader import parse_script
from tests.shell.corpus import COMMANDS
from tests.shell.generated import program
from tests.shell.oracle import BASH, Sandbox, judge

POLICY = """
policy "bench"
import std.baseline
import std.shell
tier review { approvers "@t" }
allow read, write, delete "./"
allow run "{git,npm} **"
ask review run opaque
"""
SCRIPTS = {
    "short (29 characters)": "git push --force origin main",
    "medium (202 characters)": "cd frontend && npm ci --ignore-scripts && npm run build -- --mode production 2>&1 | tail -20; "
    "git status --short && git add -A src && git commit -m 'build: update the bundle' && grep -rn TODO src | head",
    "long (927 characters)": "\n".join(
        f'for f in src/a{i}.ts src/b{i}.ts; do\n  sed -i "s/x/y/" "$f" && git add "$f"\ndone' for i in range(12)
    ),
}


def microseconds(run: Callable[[], object], least: float = 0.3) -> float:
    """Median over passes of one call."""
    passes: list[float] = []
    spent = 0.0
    while spent < least or len(passes) < 5:
        start = time.perf_counter()
        for _ in range(20):
            run()
        took = time.perf_counter() - start
        spent += took
        passes.append(took / 20 * 1e6)
    return statistics.median(passes)


def tree_sitter() -> Callable[[str], object] | None:
    """A parse with tree-sitter-bash and a walk over its nodes, or None when it is not installed."""
    try:
        tree_sitter, language = importlib.import_module("tree_sitter"), importlib.import_module("tree_sitter_bash")
    except ImportError:
        return None
    parser = tree_sitter.Parser(tree_sitter.Language(language.language()))

    def parse(script: str) -> int:
        todo, count = [parser.parse(script.encode()).root_node], 0
        while todo:
            node = todo.pop()
            count += 1
            todo.extend(node.children)
        return count

    return parse


def shfmt(script: str) -> object:
    """A process of shfmt that prints the tree as JSON."""
    return subprocess.run(["shfmt", "--to-json"], input=script.encode(), stdout=subprocess.DEVNULL, check=False)


def measure() -> str:
    """The table as text."""
    policy = Policy.loads(POLICY)
    engine = policy._engine
    peer = tree_sitter()

    def ask(script: str) -> object:
        return policy.decide(action="run", resource=script, workspace="/work", home="/home/agent", lexical=True)

    lines = [
        f"{'us a script':<26}{'parse':>9}{'acts':>9}{'cold':>9}{'repeated':>10}{'tree-sitter':>13}{'shfmt':>9}{'bash -n':>10}"
    ]
    for name, script in SCRIPTS.items():

        def cold(script: str = script) -> object:
            engine.evaluator.scripts.clear()
            engine._answers.clear()
            return ask(script)

        figures = [
            microseconds(partial(parse_script, script)),
            microseconds(partial(read_acts, script, "bash", builtin)),
            microseconds(cold),
            microseconds(partial(ask, script)),
        ]
        other = f"{microseconds(partial(peer, script)):>13.1f}" if peer else f"{'-':>13}"
        check = [shutil.which("bash") or "bash", "-n", "-c", script]
        shell = microseconds(partial(subprocess.run, check, check=False)) if BASH else 0.0
        other += f"{microseconds(partial(shfmt, script)):>9.0f}" if shutil.which("shfmt") else f"{'-':>9}"
        row = f"{figures[0]:>9.1f}{figures[1]:>9.1f}{figures[2]:>9.1f}{figures[3]:>10.2f}"
        lines.append(f"{name:<26}{row}{other}{shell:>10.0f}")
    understood = sum(not any(a.opaque for a in read_acts(c, "bash", builtin)) for c in COMMANDS)
    lines.append(
        f"\nunderstood: {understood} of {len(COMMANDS)} commands of the corpus ({understood / len(COMMANDS):.1%})"
    )
    if BASH:
        rng, sandbox = random.Random(0), Sandbox()
        answers = [judge(sandbox, program(rng))[0] for _ in range(1000)]
        sandbox.close()
        valid = answers.count("fine") + answers.count("opaque")
        lines.append(
            f"random programs that bash takes: {answers.count('fine')} of {valid} read ({answers.count('fine') / valid:.1%}), "
            f"{answers.count('missed')} with something missed"
        )
    return "\n".join(lines)
