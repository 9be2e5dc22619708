"""Style that is a promise: sizes, banned words, honest imports, one place for each thing."""

from __future__ import annotations

import ast
import builtins
import importlib
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang.domain.limits import TABLE, limit

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "policy_lang").rglob("*.py"))
TRACKED = [
    ROOT / n
    for n in subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
]


def test_modules_stay_small() -> None:
    lengths = [path.read_text().count("\n") for path in MODULES]
    assert max(lengths) <= 600
    assert statistics.median(lengths) <= 200


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_functions_stay_short(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert (node.end_lineno or 0) - node.lineno < 70, f"{path}:{node.lineno} {node.name}"


BANNED = {
    r"\beval\(": "never evaluate", r"\bexec\(": "never execute", r"\bpickle\b": "runs code", r"\bmarshal\b": "unsafe on hostile bytes",
    r"shell=True": "no shell", r"cache=True": "lark would unpickle a predictable file", r"\bTODO\b|\bFIXME\b|\bXXX\b": "finish it",
    r"NotImplementedError": "no stubs",
}  # fmt: skip


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_banned(path: Path) -> None:
    text = path.read_text()
    for pattern, why in BANNED.items():
        assert not re.search(pattern, text), f"{path}: {pattern}: {why}"


def test_the_decision_path_needs_no_package() -> None:
    code = (
        "import sys\n"
        "import policy_lang\n"
        "from policy_lang.engine.pdp import Engine\n"
        "bad = {'lark', 'pydantic', 'click', 'tomli', 'idna', 'asyncio', 'http', 'logging'} & set(sys.modules)\n"
        "sys.exit(','.join(sorted(bad)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_the_version_is_told_without_the_compiler() -> None:
    code = (
        "import sys\n"
        "from policy_lang.cli.main import cli\n"
        "cli(['--version'], standalone_mode=False)\n"
        "bad = {'lark', 'pydantic', 'policy_lang.compiler', 'policy_lang.engine', 'policy_lang.syntax'} & set(sys.modules)\n"
        "sys.exit(','.join(sorted(bad)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"policy_lang \S+, language \d+\n", done.stdout)


OPENERS = {
    "domain/files.py": "the port: whatever is written as a whole, and what others may have put there",
    "resolve/files.py": "through domain/files.py: policies",
    "compiled/opened.py": "compiled policies, and whether their sources changed; a hook loads nothing more for it",
    "facts/disk.py": "for the port of decisions: code of the project that a command runs",
    "facts/git_index.py": "for the port of decisions: the names that git tracks",
    "facts/git_moves.py": "for the port of decisions: a protected file, compared with git's own",
    "facts/git_objects.py": "for the port of decisions: commits and trees",
    "facts/ignored.py": "for the port of decisions: `.gitignore`",
    "foreign/exported.py": "records of what was exported, for the doctor",
    "audit/system.py": "the port of the log's writer",
    "audit/read.py": "the log's files, packed ones too",
    "audit/verify.py": "the log's head",
    "audit/sign.py": "keys",
    "approvals/bound_files.py": "what a command runs or sends, of which people approve the content",
    "audit/anchor.py": "heads of a log, outside it",
    "approvals/sqlite.py": "the store, made private before SQLite opens it",
    "approvals/rollback_mark.py": "the counter beside the store",
    "records/otel.py": "what was sent",
    "records/source.py": "rows on the way to Parquet",
    "lint/config.py": "the linter's configuration",
    "egress/credentials.py": "a credential",
    "egress/interception.py": "authorities; what mitmproxy is to do, and says",
    "pep/enforce.py": "a token",
    "pep/doctor.py": "a client's settings",
    "pep/installed.py": "a client's settings, and the launcher that they name",
    "pep/install_records.py": "what stood in settings before",
    "cli/hook_installed.py": "a compiled policy of another version",
    "pep/repository.py": "`.git/HEAD` and git's configuration",
    "pep/rehearsal.py": "a client's settings, for a rehearsal",
    "daemon/checkout.py": "through domain/files.py: `.git` of a workspace",
    "cli/calling.py": "a token",
    "cli/check.py": "requests",
    "cli/lint.py": "baselines, standard input",
    "walls/accesses.py": "a terminal, for a caller that has it",
    "walls/box.py": "/proc: processes inside; where their root is",
    "walls/git_index.py": "an index of git, to be put in place",
    "walls/hooks.py": "clients' settings",
    "walls/inside.py": "behind the walls: it runs apart from the package",
    "walls/losses.py": "git's configuration",
    "walls/mounts.py": "what covers hidden files, and what is shown of settings",
    "walls/opening.py": "what callers open, once it is decided",
    "walls/resolving.py": "what a caller's path names, without opening it",
    "walls/system_call.py": "/proc: a caller's umask and terminal",
    "daemon/console/pages.py": "its own style sheet",
    "daemon/transport/sockets.py": "/proc: a peer's program, the user of a loopback connection",
}
"""The modules that open files, and which; policies are opened by the first three only."""


def opens_files(path: Path) -> bool:
    """Whether a module opens or reads a file by itself. Null devices and the package's own resources do not count."""
    text = path.read_text()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in {"open", "io.open", "os.open", "gzip.open"} and "os.devnull" not in ast.unparse(node):
                return True
            reads = called.endswith((".read_text", ".read_bytes", ".write_text", ".write_bytes"))
            if reads and not re.search(r"resource_dir|importlib\.resources|importlib\.import_module\(.ray", text):
                return True
    return False


def test_files_are_opened_where_it_is_said() -> None:
    found = {p.relative_to(ROOT / "policy_lang").as_posix() for p in MODULES if opens_files(p)}
    said = {name for name in OPENERS if not OPENERS[name].startswith("through")}
    assert found == said


FAMILIES = ("AuthorError", "CallerError", "InternalError")
NO_FAMILY = {
    "PolicyLangError": "the base of the families",
    "AuthorError": "a family",
    "CallerError": "a family",
    "InternalError": "a family",
    "UsageError": "pep/hook.py: raised where nothing of the package can be imported yet, and never leaves the file",
    "Opaque": "shell: ends the reading of one command, caught where the script is analysed",
}


def test_every_error_is_of_one_family() -> None:
    bases: dict[str, list[set[str]]] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, []).append({ast.unparse(b).rpartition(".")[2] for b in node.bases})

    def above(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        """All that a class derives from, by name; builtin classes by what Python says."""
        if name in seen:
            return set()
        found = {name}
        builtin = getattr(builtins, name, None)
        if isinstance(builtin, type):
            found |= {c.__name__ for c in builtin.__mro__}
        for one in bases.get(name, []):
            for base in one:
                found |= above(base, seen | {name})
        return found

    for name, several in bases.items():
        for one in several:
            all_ = {name}.union(*(above(b) for b in one))
            if "BaseException" not in all_ and not name.endswith("Error"):
                continue
            if name not in NO_FAMILY:
                assert len(all_ & set(FAMILIES)) == 1, f"{name} is of no family, or of several"
    assert set(NO_FAMILY) <= set(bases), "an entry too many"


def name_of(path: Path) -> str:
    """A module's dotted name; a package is the name of its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, known: set[str]) -> set[str]:
    """Every module of ours that a module imports, wherever in it: at the top, in functions, for types only."""
    name = name_of(path)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            found |= {f"{module}.{a.name}" if f"{module}.{a.name}" in known else module for a in node.names}
    return (found & known) - {name}


NO_LIMITS = {
    "automata/glob.py: MAX_CODE_POINT": "the last of Unicode",
    "facts/git_delta.py: _LONGEST": "bits of a number",
    "foreign/gemini_rules.py: _MOST_PRIORITY": "the highest priority that the format knows",
    "cli/test.py: IntRange(0, 100)": "per cent",
    "cli/run.py: IntRange(1, 65535)": "ports",
    "cli/approvals.py: IntRange(1, 65535)": "ports",
    "wire/service.py: le=65535": "ports",
}
"""Numbers that are named like limits and are none."""


def limits_beside_the_table(path: Path) -> Iterator[str]:
    """Numbers named like limits, and bounds in models, that do not come from `limit(...)`.

    A module that must not load the table repeats the value and says so: `# limit: NAME`, which is compared.
    """
    place = path.relative_to(ROOT / "policy_lang").as_posix()
    text = path.read_text()
    lines = text.splitlines()
    tree = ast.parse(text)
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        named = [t.id for t in targets if isinstance(t, ast.Name) and LIMIT_NAME & set(t.id.strip("_").split("_"))]
        if not named or value is None or not has_number(value):
            continue
        said = re.search(r"# limit: (\w+)", lines[node.lineno - 1])
        if said:
            module = importlib.import_module(name_of(path))
            if getattr(module, named[0]) == limit(said[1]):
                continue
        yield f"{place}: {named[0]}"
    for one in ast.walk(tree):
        yield from (f"{place}: {found}" for found in unnamed_limits(one, shown=place.startswith("report/")))


LIMIT_NAME = {
    "MOST", "MAX", "LIMIT", "LONGEST", "DEEPEST", "SECONDS", "MILLISECONDS",
    "LATEST", "WAIT", "GRACE", "ROOM", "CHUNK", "AHEAD",
}  # fmt: skip
LIMIT_KEYWORDS = {"max_length", "le", "lt", "maxsize", "timeout", "max_num_fields"}
LIMIT_PARAMETERS = {"most", "limit", "maxsize", "seconds", "timeout"}


def unnamed_limits(node: ast.AST, *, shown: bool) -> Iterator[str]:
    """Numbers that bound something where no name says so. What is only `shown` may be cut as it pleases the eye."""
    match node:
        case ast.keyword(arg=str(name), value=value) if name in LIMIT_KEYWORDS and has_number(value):
            yield f"{name}={ast.unparse(value)}"
        case ast.Call(func=ast.Name(id="lru_cache"), args=[value]) if has_number(value):
            yield ast.unparse(node)
        case ast.Call(func=ast.Attribute(attr="IntRange"), args=[_, value]) if has_number(value):
            yield ast.unparse(node).rpartition("click.")[2]
        case ast.Call(func=ast.Attribute(attr="IntRange"), keywords=[*_, ast.keyword(arg="max", value=value)]) if (
            has_number(value)
        ):
            yield ast.unparse(node).rpartition("click.")[2]
        case ast.Subscript(value=ast.ListComp() | ast.Call(func=ast.Name(id="sorted" | "list" | "tuple"))) if (
            cut_of(node) >= 20
        ):
            yield ast.unparse(node)
        case ast.arguments() if not shown:
            named = [*zip([*node.posonlyargs, *node.args][::-1], node.defaults[::-1], strict=False)]
            named += [(a, v) for a, v in zip(node.kwonlyargs, node.kw_defaults, strict=True) if v is not None]
            yield from (f"{a.arg}={ast.unparse(v)}" for a, v in named if a.arg in LIMIT_PARAMETERS and has_number(v))
        case ast.Compare(left=ast.Call(func=ast.Name(id="len")), comparators=[ast.Constant(value=int(bound))]) if (
            bound >= 200
        ):
            yield ast.unparse(node)


def cut_of(node: ast.Subscript) -> int:
    """After how many elements a collection is cut, if a number says so."""
    upper = node.slice.upper if isinstance(node.slice, ast.Slice) else None
    return upper.value if isinstance(upper, ast.Constant) and isinstance(upper.value, int) else 0


def has_number(value: ast.expr) -> bool:
    """Whether a number is written there, rather than taken from the table."""
    nodes = list(ast.walk(value))
    taken = any(isinstance(n, ast.Call) and ast.unparse(n.func) in {"limit", "limits.limit"} for n in nodes)
    return not taken and any(isinstance(n, ast.Constant) and type(n.value) in {int, float} for n in nodes)


def test_every_limit_stands_in_the_table() -> None:
    found = {one for path in MODULES if path.name != "limits.py" for one in limits_beside_the_table(path)}
    assert found == set(NO_LIMITS)
    assert len({row.name for row in TABLE}) == len(TABLE), "a limit stands there twice"


UNNAMED = [
    "@lru_cache(maxsize=64)\ndef f(): ...", "@lru_cache(64)\ndef f(): ...", "run(a, timeout=60)", "click.IntRange(1, 256)",
    "click.IntRange(max=9)", "click.IntRange(min=1, max=9)", "parse_qsl(a, max_num_fields=8)", "def f(most=100): ...",
    "def f(*, seconds: float = 90): ...", "[a for a in b][:200]", "sorted(a)[:40]", "len(a) < 512", "Field(max_length=9)",
]  # fmt: skip
NAMED = [
    '@lru_cache(maxsize=limit("a"))\ndef f(): ...', "@lru_cache(maxsize=None)\ndef f(): ...", "run(a, timeout=left)", "click.IntRange(1)",
    "click.IntRange(min=1)", 'def f(most=limit("a")): ...', "def f(width=100): ...", "sorted(a)[:1]", "text[:200]", "len(a) == 2",
]  # fmt: skip


def test_the_search_for_limits_sees_numbers_without_a_name() -> None:
    for texts, count in ((UNNAMED, 1), (NAMED, 0)):
        for text in texts:
            assert len([f for n in ast.walk(ast.parse(text)) for f in unnamed_limits(n, shown=False)]) == count, text


NOT_AT_THEIR_VALUE = {
    "caches that start anew, which changes no answer: the reference is compared with them cold and warm": """
        analysed_commands compiled_found condition_walkers dfa_states formula_texts glob_masks learn_names lint_answers log_secret_names lint_finders member_words memo_entries segment_choices segment_choice_labels
        remembered_effects remembered_text segment_answers granted_policies
        replay_answers unknown_segments_per_state globs_kept
    """,
    "searches that give up as `undecided` or a denial; tests reach them with smaller ones": """
        condition_combinations decision_work explored_commands witness_patterns diff_rules diff_tries diff_whole fact_reasons learn_exact learn_rounds
        lint_agents lint_principals nearest_nodes prove_tries fact_reason_rules query_cuts query_tries sampled_cases sampled_facts sampled_names sampled_requests script_steps
        suggest_effects suggest_rounds usage_tries names_depth names_tried walls_attempts export_rounds
        client_rule_spellings client_rule_words client_reason_characters ranked_exceptions example_rounds regex_globs regex_characters globs_compared client_script_depth
    """,
    "times, which a test would have to wait for; that they end is tested with shorter ones": """
        anchor_pause_seconds anchor_seconds approval_wait_seconds call_seconds checkpoint_seconds client_seconds collect_seconds compile_seconds doctor_seconds interceptor_seconds
        hook_poll_seconds rehearsal_seconds ship_metrics_milliseconds ticket_grace_seconds git_seconds log_segment_seconds
        log_wait_milliseconds ship_metrics_seconds ship_pause_seconds ship_seconds signature_seconds
        store_connect_seconds store_listen_seconds walls_seconds turn_milliseconds quick_decision_milliseconds decision_wait_milliseconds decider_start_seconds grant_once_seconds grant_session_seconds
        granted_again_seconds proposal_rejected_seconds weighing_seconds weighing_wait_seconds
    """,
    "sizes of files and batches, whose mechanism is tested with smaller ones": """
        decider_bytes anchor_heads anchor_line_bytes approvals_an_hour push_bytes http_headers learn_sessions log_look_back_bytes log_record_bytes log_secrets log_segment_bytes
        learn_values log_unsigned ship_answer_bytes ship_batch usage_values walls_message_bytes walls_reply_bytes
    """,
    "how much is shown, kept together or done in a row, which refuses nothing": """
        accepted_at_once console_tickets hook_advice_characters log_chain_bytes nearest_effects nearest_segments request_id_bytes starter_hosts suggest_beyond suggest_proposals proposal_witnesses proposals_found tickets_counted tickets_found tickets_shown
        work_ahead work_block work_chunk
    """,
}
"""Limits that no test names, by the reason."""


def test_limits_are_tested() -> None:
    tests = "\n".join(p.read_text() for p in (ROOT / "tests").rglob("*.py") if "tidy" not in p.parts)
    unnamed = {row.name for row in TABLE if not re.search(rf"\b{row.name}\b", tests)}
    assert unnamed == {name for names in NOT_AT_THEIR_VALUE.values() for name in names.split()}


def test_json_objects_have_one_name() -> None:
    alias = re.compile(r"^ *\w+ = dict\[str, Any\]$", re.MULTILINE)
    found = {p.relative_to(ROOT / "policy_lang") for p in MODULES if alias.search(p.read_text())}
    assert found == {Path("domain/strict_json.py")}


def test_no_imports_go_in_a_circle() -> None:
    """In any package and across them: whoever can be read can be read before whoever uses it."""
    known = {name_of(path) for path in MODULES}
    graph = {name_of(path): imports_of(path, known) for path in MODULES if path.name != "__init__.py"}
    above: dict[str, set[str]] = {}

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for one in graph.get(todo.pop(), ()):
                if one not in seen:
                    seen.add(one)
                    todo.append(one)
        return seen

    above = {name: reached(name) for name in graph}
    circles = [sorted(m for m in above[name] if name in above.get(m, ())) for name in graph if name in above[name]]
    assert not circles, sorted({tuple(c) for c in circles})


def test_the_reference_stays_small_and_shares_nothing() -> None:
    texts = [path.read_text() for path in sorted((ROOT / "tests/reference").glob("*.py"))]
    code = [[line for line in t.splitlines() if line.strip() and not line.strip().startswith("#")] for t in texts]
    assert max(map(len, code)) <= 250
    assert sum(map(len, code)) <= 500
    assert not any(re.search(r"^\s*(?:from|import)\s+policy_lang", text, re.MULTILINE) for text in texts)


def test_no_large_or_stray_files() -> None:
    for path in TRACKED:
        if path.exists():
            assert path.stat().st_size < 1 << 20, path
            assert not path.name.endswith((".swp", ".orig", ".rej", ".pyc", ".DS_Store")), path


def test_every_documentation_link_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page}: {target}"


def test_registries_are_not_named_by_the_library() -> None:
    for path in (ROOT / "stdlib_policies").rglob("*.policy"):
        assert not re.search(
            r"npmjs|pypi\.org|pythonhosted|crates\.io|proxy\.golang|yarnpkg|rubygems", path.read_text()
        ), path


def test_no_class_name_occurs_twice() -> None:
    """Whoever reads a name knows which class is meant, private ones included."""
    places: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(path.relative_to(ROOT / "policy_lang").as_posix())
    assert not {name: where for name, where in places.items() if len(where) > 1}


def test_plurals_are_made_in_one_place() -> None:
    made = re.compile(r"""'s' if |"s" if |else ['"]s['"]""")
    assert [p.name for p in MODULES if made.search(p.read_text())] == ["wording.py"]
