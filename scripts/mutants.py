"""Try the tests: change the program in one place at a time, and see whether `./check` notices.

    python scripts/mutants.py --count 300 --out mutants.jsonl

Each mutant is a copy of the tree with one expression or statement changed. It meets the groups of tests below in their
order, those of its own package first, until one fails. What none notices survives: it deserves a test, or a line in
`mutants.toml` that says why the change means the same. The result is a line of JSON a mutant; a run that was stopped
goes on where it was.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue

import tomli

ROOT = Path(__file__).parents[1]
PACKAGES = ("domain", "automata", "engine", "facts", "approvals")
EFFECTS = {"allow": "deny", "deny": "ask", "ask": "allow"}
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
NOT_MUTATED = {"__repr__", "__str__"}
"""Functions that only show things."""

FIRST = {
    "automata": ["tests/unit", "tests/properties/test_set_algebra.py"],
    "approvals": ["tests/approvals"],
    "domain": ["tests/unit"],
    "engine": ["tests/unit"],
    "facts": ["tests/unit"],
}
"""The tests of a package itself."""

GROUPS = [
    ["tests/properties/test_reference.py"],
    ["tests/unit", "tests/language", "policy_lang"],
    ["tests/analysis", "tests/approvals", "tests/audit"],
    ["tests/properties/test_set_algebra.py", "tests/properties/test_laws.py", "tests/properties/test_compiled.py"],
    ["tests/shell"],
    ["tests/hooks", "tests/records"],
    ["tests/properties/test_analysis.py", "tests/properties/test_dense.py", "tests/properties/test_diff.py"],
    ["tests/console", "tests/faults"],
    ["tests/service"],
    ["tests/lint", "tests/properties/test_lint.py"],
    ["tests/costs"],
]
"""What every mutant meets, the fastest first.

`costs` notices what is no longer remembered; `tidy`, `packaging` and `agents` look at other things than behaviour.
"""

LEFT_OUT = ["--deselect=tests/lint/test_capabilities.py", "--deselect=tests/service/test_tutorial.py"]
CPU_FIRST = 1_800
"""The CPU seconds of one process without a change. Taking longer is an error, as nothing could be noticed then."""


def cpu_bound(measured: float) -> int:
    """The CPU seconds of one process with a change, by what its group took without. Not ending is noticed, too."""
    return round(5 * measured) + 30


@dataclass(frozen=True)
class Mutant:
    """One change: in a file, the text from one offset to another becomes `after`."""

    file: str
    where: str
    line: int
    kind: str
    start: int
    end: int
    before: str
    after: str

    @property
    def package(self) -> str:
        """The package that is changed."""
        return self.file.split("/")[1]

    @property
    def key(self) -> str:
        """What it is known by, as long as its function stays as it is."""
        text = f"{self.file} {self.where} {self.kind} {self.before} {self.after} {self.start}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]


class _Sites(ast.NodeVisitor):
    """Collects the mutants of one file."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.data = text.encode()
        self.starts = [0]
        for line in self.data.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.names: list[str] = []
        self.found: list[Mutant] = []

    def _add(self, node: ast.expr | ast.stmt, kind: str, after: str) -> None:
        start = self.starts[node.lineno - 1] + node.col_offset
        end = self.starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before = self.data[start:end].decode()
        self.found.append(Mutant(self.file, ".".join(self.names), node.lineno, kind, start, end, before, after))

    def _change(self, node: ast.expr, kind: str, **fields: object) -> None:
        changed = copy.copy(node)
        for name, value in fields.items():
            setattr(changed, name, value)
        self._add(node, kind, f"({ast.unparse(changed)})")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Look at the statements; defaults and annotations stay."""
        if node.name in NOT_MUTATED:
            return
        self.names.append(node.name)
        for inner in node.body[1:] if ast.get_docstring(node) is not None else node.body:
            self.visit(inner)
            if isinstance(inner, ast.Expr | ast.Assign | ast.AugAssign | ast.Raise | ast.Continue | ast.Break):
                self._add(inner, "deleted", "pass")
        self.names.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Look at the body."""
        self.names.append(node.name)
        for inner in node.body:
            self.visit(inner)
        self.names.pop()

    def visit_Assign(self, node: ast.Assign) -> None:
        """`__all__`, `__slots__` and the like stay, and so does what hides imports from all but type checkers."""
        if not any(isinstance(t, ast.Name) and t.id.startswith(("__", "TYPE_CHECKING")) for t in node.targets):
            self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """An annotation stays."""
        if node.value is not None:
            self.visit(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """The text of a message stays."""

    def visit_Assert(self, node: ast.Assert) -> None:
        """An assertion says what is so already."""

    def visit_If(self, node: ast.If) -> None:
        """Negate the condition; blocks for type checkers stay."""
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for inner in node.orelse:
                self.visit(inner)
            return
        self._negate(node.test)
        self._block(node)

    def visit_While(self, node: ast.While) -> None:
        """Negate the condition."""
        self._negate(node.test)
        self._block(node)

    def _negate(self, test: ast.expr) -> None:
        if not isinstance(test, ast.Compare | ast.Constant) and not (
            isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        ):
            self._add(test, "negated", f"(not ({ast.unparse(test)}))")

    def _block(self, node: ast.stmt) -> None:
        self.generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            for inner in getattr(node, name, []):
                if self.names and isinstance(
                    inner, ast.Expr | ast.Assign | ast.AugAssign | ast.Raise | ast.Continue | ast.Break
                ):
                    self._add(inner, "deleted", "pass")

    visit_For = visit_With = visit_Try = _block  # noqa: N815 (as `ast` has it)

    def visit_Compare(self, node: ast.Compare) -> None:
        """Swap each comparison for its neighbour."""
        self.generic_visit(node)
        for at, operator in enumerate(node.ops):
            operators = list(node.ops)
            operators[at] = COMPARISONS[type(operator)]()
            self._change(node, "comparison", ops=operators)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """`and` for `or`."""
        self.generic_visit(node)
        self._change(node, "and-or", op=ast.Or() if isinstance(node.op, ast.And) else ast.And())

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        """Drop a `not`."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            self._add(node, "not", f"({ast.unparse(node.operand)})")

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """`+` for `-`, `&` for `|`."""
        self.generic_visit(node)
        swaps = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}
        operands = (node.left, node.right)
        texts = any(
            isinstance(o, ast.JoinedStr) or (isinstance(o, ast.Constant) and not isinstance(o.value, int))
            for o in operands
        )
        if type(node.op) in swaps and not texts:
            self._change(node, "arithmetic", op=swaps[type(node.op)]())

    def visit_Constant(self, node: ast.Constant) -> None:
        """Truth values, numbers one off, and effects."""
        if isinstance(node.value, bool):
            self._add(node, "constant", str(not node.value))
        elif isinstance(node.value, int):
            self._add(node, "constant", str(node.value + 1))
        elif isinstance(node.value, str) and node.value in EFFECTS:
            self._add(node, "effect", repr(EFFECTS[node.value]))

    def visit_Return(self, node: ast.Return) -> None:
        """Another answer: none, or one that is empty."""
        if node.value is None:
            return
        self.visit(node.value)
        if not isinstance(node.value, ast.Constant):
            self._add(node, "return", "return None")
        elif node.value.value is None:
            self._add(node, "return", "return True")


def mutants_of(file: Path) -> list[Mutant]:
    """Every mutant of a file, by place."""
    text = file.read_text()
    sites = _Sites(str(file.relative_to(ROOT)), text)
    sites.visit(ast.parse(text))
    return sorted({m.key: m for m in sites.found}.values(), key=lambda m: (m.start, m.end, m.after))


def sample(packages: list[str], count: int, seed: int) -> list[Mutant]:
    """`count` mutants, spread over the packages by their size, in no order."""
    drawn = random.Random(seed)  # noqa: S311 (not for secrets)
    every = {p: [m for f in sorted((ROOT / "policy_lang" / p).rglob("*.py")) for m in mutants_of(f)] for p in packages}
    total = sum(map(len, every.values()))
    out = [m for found in every.values() for m in drawn.sample(found, round(count * len(found) / total))]
    drawn.shuffle(out)
    return out


@dataclass
class Copy:
    """A copy of the tree, to be changed. `left_out` are tests that fail without a change."""

    folder: Path
    left_out: list[str]
    bounds: dict[tuple[str, ...], int]
    """The CPU seconds of each group that was measured."""

    @contextlib.contextmanager
    def changed(self, mutant: Mutant) -> Iterator[None]:
        """The copy with the change, for a while."""
        path = self.folder / mutant.file
        data = path.read_bytes()
        try:
            self._put(path, data[: mutant.start] + mutant.after.encode() + data[mutant.end :])
            yield
        finally:
            self._put(path, data)

    def _put(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)
        for old in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            old.unlink()

    def measure(self, tests: list[str]) -> None:
        """Run a group without a change: note what fails, and its CPU seconds. Ends the program if it has no end."""
        started = resource.getrusage(resource.RUSAGE_CHILDREN)
        failed = self.run(tests, CPU_FIRST, every=True)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        if wrong := [line for line in failed if not line.startswith(("FAILED ", "ERROR "))]:
            sys.exit(f"{' '.join(tests)}: the tests do not run to their end without a change: {wrong[0]}")
        self.left_out += [line.partition(" ")[2] for line in failed]
        self.bounds[tuple(tests)] = cpu_bound(ended.ru_utime - started.ru_utime + ended.ru_stime - started.ru_stime)

    def run(self, tests: list[str], seconds: int, *, every: bool = False) -> list[str]:
        """The first test that fails, or every one; none when they pass. No process may take more CPU seconds."""
        options = ["-q", "-p", "no:cacheprovider", "--no-header", "--tb=no", "-rfE", *LEFT_OUT]
        options += [f"--deselect={name}" for name in self.left_out] + ([] if every else ["-x"])
        process = subprocess.Popen(  # noqa: S603 (our own tests)
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(self.folder), "NOSHRINK": "1", "HYPOTHESIS_PROFILE": "check"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5)),  # noqa: PLW1509 (the child only)
        )  # fmt: skip
        try:
            said, _ = process.communicate(timeout=10 * seconds)
        except subprocess.TimeoutExpired:
            said = "no end"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode == 0:
            return []
        failed = [line.split(" - ")[0] for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return failed or [said.strip()[-200:] or str(process.returncode)]


def groups_of(package: str, most: int | None = None) -> Iterator[list[str]]:
    """The tests that a mutant of a package meets, in their order, each once; of `GROUPS` the first `most`."""
    met: set[str] = set()
    for group in (FIRST[package], *GROUPS[:most]):
        if tests := [t for t in group if t not in met]:
            met.update(tests)
            yield tests


def judged(mutant: Mutant, place: Copy, most: int | None) -> dict[str, object]:
    """What became of a mutant."""
    started = time.monotonic()
    by = ""
    with place.changed(mutant):
        for tests in groups_of(mutant.package, most):
            seconds = place.bounds[tuple(tests)]
            failed = place.run(tests, seconds)
            if failed and confirmed(place, failed[0], seconds):
                by = failed[0]
                break
    took = round(time.monotonic() - started)
    return {"key": mutant.key, **asdict(mutant), "killed": bool(by), "by": by, "seconds": took}


def confirmed(place: Copy, said: str, seconds: int) -> bool:
    """Whether the test that failed does so again: some also fail when the machine is slow."""
    word, _, test = said.partition(" ")
    return word != "FAILED" or bool(place.run([test], seconds))


def equivalent() -> dict[str, str]:
    """Mutants that mean the same as the program, with the reason."""
    rows = tomli.loads((ROOT / "scripts/mutants.toml").read_text()).get("equivalent", [])
    return {f"{r['file']} {r['where']} {r['before']} -> {r['after']}": r["why"] for r in rows}


def summary(rows: list[dict[str, object]]) -> None:
    """Print the share that is noticed, and what is not."""
    same = equivalent()
    of, killed = Counter[object](), Counter[object]()
    for row in rows:
        named = f"{row['file']} {row['where']} {row['before']} -> {row['after']}"
        package = str(row["file"]).split("/")[1]
        if not row["killed"] and named in same:
            continue
        of[package] += 1
        killed[package] += bool(row["killed"])
        if not row["killed"]:
            print(f"{row['file']}:{row['line']} {row['where']}: {row['before']} -> {row['after']}")
    for package in of:
        print(f"{package}: {killed[package]} of {of[package]}")
    print(f"{killed.total()} of {of.total()} = {100 * killed.total() / max(1, of.total()):.1f} %")


def main() -> None:
    """Draw mutants, try them, and say which survive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", nargs="*", default=list(PACKAGES), choices=PACKAGES)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("mutants.jsonl"))
    parser.add_argument("--groups", type=int, help="meet only the first so many groups of tests")
    parser.add_argument("--again", action="store_true", help="try those that survived once more")
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.out.read_text().splitlines()] if given.out.exists() else []
    if given.again:
        rows = [r for r in rows if r["killed"]]
        given.out.write_text("".join(json.dumps(r) + "\n" for r in rows))
    done = {r["key"] for r in rows}
    drawn = sample(given.packages, given.count, given.seed)
    free: SimpleQueue[Copy] = SimpleQueue()
    copies: list[Copy] = []
    left_out: list[str] = []
    bounds: dict[tuple[str, ...], int] = {}
    with tempfile.TemporaryDirectory(prefix="mutants") as folder, given.out.open("a") as stream:
        for number in range(given.jobs):
            place = Path(folder, str(number))
            shutil.copytree(
                ROOT, place, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".agents", "__pycache__")
            )
            copies.append(Copy(place, left_out, bounds))

        for tests in (tests for package in given.packages for tests in groups_of(package, given.groups)):
            if tuple(tests) not in bounds:
                copies[0].measure(tests)
        print(f"left out, as they fail without a change: {left_out}")
        for one in copies:
            free.put(one)

        def tried(mutant: Mutant) -> None:
            place = free.get()
            row = judged(mutant, place, given.groups)
            free.put(place)
            rows.append(row)
            stream.write(json.dumps(row) + "\n")
            stream.flush()
            print(f"{len(rows)} {'killed' if row['killed'] else 'SURVIVED'} {mutant.file}:{mutant.line}", flush=True)

        with ThreadPoolExecutor(given.jobs) as pool:
            list(pool.map(tried, (m for m in drawn if m.key not in done)))
    keys = {m.key for m in drawn}
    summary([r for r in rows if r["key"] in keys])


if __name__ == "__main__":
    main()
