"""`python -m bench peers`: what users would pick instead, on the same rules and requests, in one run.

Each peer has a virtual environment of its own below `.bench`, made when it is missing, and a process of its own. What is
right is said by the reference semantics of the tests; an answer that is not the same is counted as wrong, however fast.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import workload
from tests.reference import semantics as reference
from tests.reference.patterns import braces

HERE = Path(__file__).parent / "peers"
ROOT = HERE.parent.parent
PEERS: dict[str, tuple[str, frozenset[str]]] = {
    "policy_lang": ("", frozenset({"path", "host", "ref", "argv"})),
    "walk": ("", frozenset({"path", "host", "ref", "argv"})),
    "scan": ("", frozenset({"path", "host", "ref", "argv"})),
    "re2": ("google-re2==1.1.20251105", frozenset({"path", "host", "ref", "argv"})),
    "cedar": ("cedarpy==4.12.2", frozenset({"path", "host", "ref", "argv"})),
    "casbin": ("casbin==1.43.0", frozenset({"path", "host", "ref", "argv"})),
    "rego": ("regopy==1.5.2", frozenset({"path", "host", "ref", "argv"})),
    "pathspec": ("pathspec==1.1.1", frozenset({"path"})),
}
"""What is installed for each, and the sorts of rules that it can say at all."""
OURS = frozenset(("policy_lang", "walk"))
_SECONDS = 60
_JUDGED = 200_000_000
"""Characters of patterns that the reference may look at for one workload; the requests beyond are not judged."""
Json = dict[str, Any]


def measure(sorts: list[str], sizes: tuple[int, ...], seconds: float) -> None:
    """Print a table for each sort and size."""
    for sort in sorts:
        for count in sizes:
            work, judged = _workload(sort, count, seconds)
            print(f"\n{sort}, {count:,} rules; judged: {sum(map(len, judged.values()))} requests")
            print(_HEAD)
            with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
                json.dump(work, file)
                file.flush()
                rows = {name: _run(name, file.name) for name, (_, able) in PEERS.items() if sort in able}
            for name, row in rows.items():
                print(_line(name, row, rows["policy_lang"], judged), flush=True)


def _python(name: str) -> str:
    """The interpreter of a peer's environment."""
    package = PEERS[name][0]
    if not package:
        return sys.executable
    folder = ROOT / ".bench" / name
    if not (folder / "bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != package:
        subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", package], check=True)
        stamp.write_text(package)
    return str(folder / "bin/python")


def _run(name: str, path: str) -> Json | str:
    """What a peer measured of itself, or why it did not."""
    command = [_python(name), str(HERE / f"run_{name}.py"), path, str(time.time())]
    try:
        done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT) if name in OURS else ""}, capture_output=True, text=True, check=False, timeout=_SECONDS)  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"not within {_SECONDS} s"
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1][:120]
    found: Json = json.loads(done.stdout)
    return found


def _workload(sort: str, count: int, seconds: float) -> tuple[Json, dict[str, list[str]]]:
    """Rules and requests as the adapters read them, and the expected answers to the first requests of each kind."""
    rules = []
    for i, (effect, pattern) in enumerate(workload.rules(sort, count)):
        but = workload.excepted(sort, i, pattern)
        rules.append(
            {
                "effect": effect, "action": workload.ACTION[sort], "ours": workload.rule_text(sort, i, (effect, pattern)),
                "patterns": braces(pattern), "excepts": braces(but) if but else [],
                "regex": workload.regex(sort, pattern, " "), "but": workload.regex(sort, but, " ") if but else "",
                "likes": list(_likes(sort, pattern)), "but_likes": list(_likes(sort, but)) if but else [],
            }
        )  # fmt: skip
    requests = {kind: [_text(r) for r in found] for kind, found in workload.resources(sort, count).items()}
    random.Random(5).shuffle(requests["mixed"])
    most = max(10, min(400, _JUDGED // (count * 100)))
    policy = _reference(sort, count)
    judged = {kind: [_expected(policy, sort, r) for r in found[:most]] for kind, found in requests.items()}
    return {"rules": rules, "requests": requests, "seconds": seconds}, judged


def _text(resource: workload.Resource) -> str:
    return resource if isinstance(resource, str) else " ".join(resource)


def _likes(sort: str, pattern: str) -> Iterator[str]:
    """A pattern for a language whose only wildcard is `*`, any characters at all."""
    for text in braces(pattern):
        if sort == "argv":
            whole = text.removesuffix(" **")
            yield from (whole, f"{whole} *")
        elif text.startswith("**/"):
            rest = text[3:].replace("**", "*")
            yield from (rest, f"*/{rest}")
        else:
            for one in (text, text.replace("/**/", "/", 1)) if "/**/" in text else (text,):
                yield one.replace("**", "*")
                if sort == "ref":
                    yield "refs/heads/" + one.replace("**", "*")


# what is right


def _reference(sort: str, count: int) -> reference.Policy:
    """The workload for the reference semantics."""
    action = workload.ACTION[sort]
    made = []
    for i, (effect, pattern) in enumerate(workload.rules(sort, count)):
        but = workload.excepted(sort, i, pattern)
        made.append(reference.Rule(effect, [action], [pattern], [but] if but else []))
    return reference.Policy(reference.Module("bench", rules=made), {}, {})


def _expected(policy: reference.Policy, sort: str, text: str) -> str:
    resource: Any = tuple(text.split(" ")) if sort == "argv" else text
    effect, _ = reference.decide(policy, reference.Request(workload.ACTION[sort], resource))
    return str(effect)


# the table

_HEAD = f"{'':14}{'mixed ns':>12}{'/ ours':>9}{'hit':>12}{'miss':>12}{'deep':>12}{'load s':>9}{'start s':>9}{'MB':>8}  wrong"


def _line(name: str, row: Json | str, ours: Json | str, judged: dict[str, list[str]]) -> str:
    if isinstance(row, str):
        return f"{name:14}{row}"
    ns = row["ns"]
    ratio = ns["mixed"] / ours["ns"]["mixed"] if isinstance(ours, dict) else float("nan")
    wrong = sum(a != b for kind, right in judged.items() for a, b in zip(row["answers"][kind], right, strict=False))
    total = sum(map(len, judged.values()))
    cells = f"{ns['mixed']:>12,.0f}{ratio:>9,.1f}" + "".join(f"{ns[k]:>12,.0f}" for k in ("hit", "miss", "deep"))
    share = wrong / total * 100
    return (
        f"{name:14}{cells}{row['load_s']:>9.2f}{row['start_s']:>9.2f}{row['memory_mb']:>8.0f}  {wrong} ({share:.1f} %)"
    )
