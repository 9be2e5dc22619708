"""`python -m bench guards`: which dangerous commands a guard lets pass, and which ordinary ones it stops.

The corpora are `bench/guards/dangerous.txt` and `benign.txt`. A guard *misses* a dangerous command that it allows, and
*over-stops* an ordinary one that it does not. Each is given what it is made for: policy_lang a policy and codex rules about
the same programs; cc-safety-net needs none, and allows what it does not know.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from policy_lang import Policy, Request

HERE = Path(__file__).parent / "guards"
NODE = Path(__file__).parent.parent / ".bench/node"
PACKAGES = ("cc-safety-net@2.4.5", "@openai/codex@0.169.0", "@google/gemini-cli-core@0.61.0")
Answers = tuple[list[str], float]
Guard = Callable[[list[str]], Answers]


def corpus(name: str) -> list[tuple[str, str]]:
    """(kind, command) for each line."""
    kind, out = "", []
    for line in (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            kind = line[3:].split(" | ")[0]
        elif line and not line.startswith("#"):
            out.append((kind, line))
    return out


def ours(commands: list[str]) -> Answers:
    """policy_lang by `guard.policy`, in a repository that is not there: nothing hangs on this machine's disk."""
    policy = Policy.load(str(HERE / "guard.policy"))
    place = {
        "cwd": "/work/repo",
        "workspace": "/work/repo",
        "home": "/home/agent",
        "branch": "agent/x",
        "shell": "bash",
    }
    began = time.perf_counter()
    found: list[str] = [policy.decide_request(Request("run", c, lexical=True, **place)).effect for c in commands]  # type: ignore[arg-type]
    return found, (time.perf_counter() - began) / len(commands) * 1e6


def safety_net(commands: list[str]) -> Answers:
    """cc-safety-net by its own function, in one process of node."""
    return _by_node("safety_net.mjs", commands)


def gemini(commands: list[str]) -> Answers:
    """Gemini CLI's PolicyEngine, in one process of node, with the prefixes of `codex.rules`."""
    prefixes = []
    for line in (HERE / "codex.rules").read_text(encoding="utf-8").splitlines():
        found = re.match(r"prefix_rule\(pattern=(.*), decision=\"(\w+)\"\)", line)
        if found:
            words = [w if isinstance(w, list) else [w] for w in ast.literal_eval(found[1])]
            prefixes += [[found[2], " ".join(one)] for one in itertools.product(*words)]
    return _by_node("gemini.mjs", {"commands": commands, "prefixes": prefixes})


def _by_node(script: str, given: object) -> Answers:
    shutil.copy(HERE / script, NODE / script)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["node", script, folder], cwd=NODE, input=json.dumps(given), capture_output=True, text=True, check=True)  # fmt: skip
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return found["answers"], found["us"]


def codex(commands: list[str]) -> Answers:
    """`codex execpolicy check` by `codex.rules`: a process each. As in codex, a script of plain commands is taken apart,
    the strictest answer counts, and any other script is one command of the shell's."""
    program = NODE / "node_modules/.bin/codex"

    def one(command: str) -> str:
        found = []
        for words in _parts(command):
            done = subprocess.run([program, "execpolicy", "check", "--rules", HERE / "codex.rules", "--", *words], capture_output=True, text=True, check=False)  # fmt: skip
            found.append(str(json.loads(done.stdout).get("decision", "prompt")) if done.returncode == 0 else "failed")
        return max(found, key=["allow", "prompt", "failed", "forbidden"].index)

    began = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(one, commands))
    return found, (time.perf_counter() - began) / len(commands) * 1e6


def _parts(command: str) -> list[list[str]]:
    """The plain commands of a script that only joins some by `&&`, `||`, `;` and `|`; else the script as a whole."""
    whole = [["bash", "-lc", command]]
    reader = shlex.shlex(command, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    reader.commenters = ""
    try:
        words = list(reader)
    except ValueError:
        return whole
    parts: list[list[str]] = [[]]
    for word in words:
        if word in {"&&", "||", ";", "|"}:
            parts.append([])
        elif set(word) & set("<>()$`&;") or (not parts[-1] and "=" in word):
            return whole
        else:
            parts[-1].append(word)
    return parts if all(parts) else whole


GUARDS: dict[str, Guard] = {
    "policy_lang": ours,
    "cc-safety-net": safety_net,
    "codex execpolicy": codex,
    "gemini": gemini,
}


def score(guard: Guard) -> tuple[list[tuple[str, str]], list[tuple[str, str]], float]:
    """What a guard missed, what it over-stopped, and microseconds a command."""
    bad, good = corpus("dangerous"), corpus("benign")
    answers, micros = guard([c for _, c in bad + good])
    missed = [b for b, a in zip(bad, answers, strict=False) if a == "allow"]
    stopped = [g for g, a in zip(good, answers[len(bad) :], strict=True) if a != "allow"]
    return missed, stopped, micros


def measure(verbose: bool) -> None:
    """Print the table, and with `verbose` every command that was answered wrongly."""
    if not (NODE / "node_modules/@google/gemini-cli-core").exists():
        NODE.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--silent", "--ignore-scripts", *PACKAGES],
            cwd=NODE,
            check=True,
        )
    bad, good = corpus("dangerous"), corpus("benign")
    print(f"{len(bad)} dangerous, {len(good)} ordinary commands\n{'':18}{'missed':>14}{'over-stopped':>16}{'us':>10}")
    for name, guard in GUARDS.items():
        missed, stopped, micros = score(guard)
        print(f"{name:18}{_share(missed, bad):>14}{_share(stopped, good):>16}{micros:>10,.0f}", flush=True)
        for what, found, of in (("missed", missed, bad), ("over-stopped", stopped, good)):
            total = Counter(k for k, _ in of)
            kinds = Counter(k for k, _ in found)
            print(f"  {what}: " + ", ".join(f"{k} {n}/{total[k]}" for k, n in kinds.items()))
            for kind, command in found if verbose else ():
                print(f"      {kind}: {command}")


def _share(part: list[tuple[str, str]], whole: list[tuple[str, str]]) -> str:
    return f"{len(part)} ({len(part) / len(whole) * 100:.0f} %)"
