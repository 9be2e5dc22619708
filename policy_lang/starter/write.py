"""The starter policy's text for a repository."""

from __future__ import annotations

from collections.abc import Iterable

from ..domain.limits import limit
from ..syntax import emit
from ..syntax.emit import BLANK, OPAQUE, Annotated, Part, case, imported, rule
from .repository import Repository
from .tasks import OUTWARD, Tasks

LEVELS = {
    "strict": "what no rule grants is denied",
    "standard": "what no rule grants is asked of a person",
    "observe": "as standard, for a hook with `--observe`: what it would stop is recorded, nothing is held",
}
"""How much a starter lets pass, and in a few words what that means."""
STANDARD = "standard"
PROTECTED = ("main", "master", "trunk", "develop", "development", "production", "staging", "gh-pages")
"""Branches that `std.git` protects by itself."""
_ALWAYS = (
    ("baseline", "secrets, version-control internals, agents' configuration, private networks: denied"),
    ("git", "no force, no deletion, no tags, protected branches: denied"),
    ("careful", "what throws work away that nobody else has: asked"),
    ("reviewed", "files that decide what is installed, built, released or reviewed: asked"),
    ("shell", "printing, listing, searching, text filters, moving files: what scripts are made of"),
    ("git-work", "git's everyday verbs; what they write and push is decided by the rules below"),
    ("checks", "linters and checkers of scripts, YAML and the like"),
    ("inspect", "processes, open files, versions of programs: looking only"),
    ("scratch", "temporary files"),
    ("documentation", "public documentation, reading only"),
    ("clients", "the clients' own harmless tools: lists, plans, sub-agents"),
    ("github", "issues, pull requests and runs: reading, and opening a pull request"),
)
_CODE = {
    "python": ("python{,3} -c *", "python{,3} -", "uv run python -c *", "uv run python -"),
    "node": ("node -e *", "node -p *", "node -"), "bun": ("bun -e *",), "deno": ("deno eval *",),
    "ruby": ("ruby -e *", "ruby -"), "php": ("php -r *",),
}  # fmt: skip
"""Interpreters with code in their words or on their standard input."""
_WITHOUT = {
    "baseline": ("loopback",), "careful": ("restored", "restored-both"), "terraform": ("plans",),
}  # fmt: skip
"""Parts of the library that stop an ordinary day: a server that the agent has started, a change that it takes back."""
_SERVERS = "{localhost,127.0.0.1}:{443,3000,3001,3100,4000,4173,4200,5000,5173,8000,8001,8010,8080,8081}"
"""Where servers under development usually listen."""
_LOOKED_AT = "http://{localhost,127.0.0.1}", "{localhost,127.0.0.1}:{8443,8888,9000,9090,9901}"
_VARIABLES = (
    "{CI,DEBUG,NO_COLOR,FORCE_COLOR,TZ,LOG_LEVEL,VERBOSE,COVERAGE,PORT,HOST}",
    "{DJANGO_SETTINGS_MODULE,FLASK_APP,HYPOTHESIS_PROFILE,PYTHONDONTWRITEBYTECODE,PYTHONUNBUFFERED}",
    "{RUST_LOG,RUST_BACKTRACE,INSTA_UPDATE,CARGO_TERM_COLOR,GORACE,GOMAXPROCS,GOOS,GOARCH,CGO_ENABLED}",
    "{TF_LOG,TF_IN_AUTOMATION,PWDEBUG,XDEBUG_MODE,SPRING_PROFILES_ACTIVE,VITEST,JEST_WORKERS}",
)
"""Variables that only change how a test, a build or a check of the repository's own code runs."""
_FOLDERS = (
    "**/{dist,build,out,target,coverage,htmlcov,.next,.nuxt,.turbo,.cache,__pycache__,*.egg-info,tmp,log,logs}",
    "**/{.pytest_cache,pytest-cache-files-*,.mypy_cache,.ruff_cache,.nox,.tox}",
)
_NO_FOLDERS = ("**/pytest-cache-files-*.*",)
"""Files with an ending that have the name of a folder: a tool that reads whatever lies in a place may run them."""
_REPORTS = ("**/.coverage", "**/coverage.{out,xml,json}", "**/lcov.info")
_TOPICS = (
    "{feature,feat,fix,bugfix,chore,docs,refactor,test,tests,perf,ci,build,style,deps,agent,claude,codex,gemini,"
    "copilot}/**"
)
"""Branches that are for one topic, as people and agents name them."""
_FIRST_COMMAND = {
    "node": "npm test", "python": "pytest", "rust": "cargo test", "go": "go test ./...",
}  # fmt: skip


def starter(repo: Repository, level: str = STANDARD) -> str:
    """A commented policy with its tests, formatted. `level` is one of `LEVELS`."""
    return emit.text([*_head(repo, level), *_rules(repo, level), *_tests(repo, level)])


def _head(repo: Repository, level: str) -> list[Part]:
    made_of = ", ".join([*repo.modules, *(m for m in repo.managers if m not in repo.modules)]) or "no known language"
    imports: list[Part] = []
    for name, words in _ALWAYS:
        without = _WITHOUT.get(name, ()) if level != "strict" else ()
        imports += [words, imported(f"std.{name}", without)]
    for name, file in repo.modules.items():
        imports.append(Annotated(imported(f"std.{name}", _WITHOUT.get(name, ()) if level != "strict" else ()), file))
    return [
        f"What a coding agent may do in {repo.name} ({made_of}).",
        "#",
        f"Level `{level}`: {LEVELS[level]}. `policy test` runs the tests below, `policy explain` shows why",
        "a decision is what it is, and `policy check --requests` replays what an agent did.",
        BLANK,
        emit.header(repo.name),
        BLANK,
        *imports,
        BLANK,
        "who approves what is asked for: put your people here",
        emit.tier("review", ["@maintainers"], quorum=1, expires=3600),
        emit.tier("careful", ["@maintainers"], quorum=1, expires=3600),
        BLANK,
    ]


def _rules(repo: Repository, level: str) -> list[Part]:
    written = list(dict.fromkeys([*(f"{f}/**" for f in repo.folders), *repo.top, "*.md"]))
    run = [program.names[0] for program in repo.programs if not program.asked()]
    out: list[Part] = ["read everything but secrets", rule("allow", ["read"], ["./"])]
    if repo.secrets:
        why = "git ignores it, and its name speaks of a secret"
        out.append(rule("deny", ["read", "write", "delete"], [f"**/{name}" for name in repo.secrets], because=why))
    out += [BLANK, "write where the tracked files lie", rule("allow", ["write", "delete"], written)]
    if level != "strict":
        out += [
            "what git itself brings of its history: switching, merging, rebasing, pulling, taking a stash back",
            rule("allow", ["write", "delete"], ["./"], when=emit.compare("versioned", "truth")),
        ]
    if run:
        out += [
            "programs of the repository's own, which are run below",
            rule("ask", ["write", "delete"], run, tier="review"),
        ]
    out += [
        "what tools make, and can make again",
        rule("allow", ["write", "delete"], [*(f"{folder}/" for folder in _FOLDERS), *_REPORTS], exclude=_NO_FOLDERS),
    ]
    if level == "strict":
        held = [*written, "**/.git/"]  # denied, but for what git itself writes behind walls
        out.append(rule("ask", ["write", "delete"], ["**"], tier="review", exclude=held))
    out += [
        BLANK,
        *_tasks(repo),
        BLANK,
        "a command that cannot be read exactly is shown to a person",
        rule("ask", ["run"], [OPAQUE], tier="review"),
        *_variables(level),
        BLANK,
        *_pushes(repo, level),
        *_hosts(repo),
    ]
    if level != "strict":
        code = [c for language, words in _CODE.items() if language in repo.modules for c in words]
        if code:
            words = "code that nobody has read runs behind walls alone: start the agent with `policy run`"
            out += [BLANK, words, emit.scope_when(emit.compare("confined", "truth"), [rule("allow", ["run"], code)])]
        out += [BLANK, "what nothing above speaks of", emit.otherwise("review")]
    out += _seen(repo)
    return [*out, BLANK]


def _variables(level: str) -> list[Part]:
    if level == "strict":
        words = "harmless variables need no rule; another, such as `PYTHONPATH=src pytest`, is shown with its value"
        return [words, rule("ask", ["setenv"], ["**"], tier="review")]
    return [
        "variables for tests and builds; others, but for harmless ones, are shown with their value",
        rule("allow", ["setenv"], _VARIABLES),
        BLANK,
        "a server of its own",
        rule("allow", ["connect"], [_SERVERS]),
        rule("allow", ["connect"], _LOOKED_AT, methods=["GET", "HEAD"]),
    ]


def _tasks(repo: Repository) -> list[Part]:
    """Grants for what the repository names itself."""
    out: list[Part] = []
    for tasks in repo.tasks:
        harmless, asked = tasks.harmless(), tasks.asked()
        out.append(f"{tasks.file} names these; the code that they run is the repository's own")
        if harmless:
            named = [*tasks.alone, *_named(tasks.runners, harmless)]
            out.append(rule("allow", ["run"], named, exclude=_outward(tasks.runners)))
        if asked:
            out.append(rule("ask", ["run"], _named(tasks.runners, asked), tier="review"))
    own = [pattern for program in repo.programs if not program.asked() for pattern in _program(program)]
    if own:
        out += ["programs of the repository's own; who writes them is asked above", rule("allow", ["run"], own)]
    return out


def _named(runners: Iterable[str], names: list[str]) -> list[str]:
    """Patterns of commands that run one of some names, with any arguments."""
    some = names[0] if len(names) == 1 else f"{{{','.join(names)}}}"
    return [f"{runner} {some} **" for runner in runners]


def _outward(runners: Iterable[str]) -> list[str]:
    """Patterns of the same commands with an argument that says they reach others, such as `pnpm changeset publish`."""
    words = ",".join(sorted(OUTWARD - {"install", "prepare", "reset", "sync", "tag", "version"}))
    return [f"{program} ** {{{words}}} **" for program in dict.fromkeys(r.split(" ")[0] for r in runners)]


def _program(program: Tasks) -> list[str]:
    name = program.names[0]
    return [f"{runner}{name} **" for runner in program.runners]


def _pushes(repo: Repository, level: str) -> list[Part]:
    branches = "the default branch and those of releases change by review"
    own = "agent/**" if level == "strict" else _TOPICS
    protected = [b for b in (repo.default_branch, *repo.protected) if b not in PROTECTED]
    out: list[Part] = [f"branches of its own; {branches}", rule("allow", ["push"], [own])]
    if protected:
        out.append(rule("deny", ["push"], protected, because=branches))
    return out


def _hosts(repo: Repository) -> list[Part]:
    if not repo.hosts:
        return []
    out: list[Part] = [BLANK, "package registries that this repository's own files name: download only"]
    by_file: dict[str, list[str]] = {}
    for host, file in repo.hosts.items():
        by_file.setdefault(file, []).append(host)
    for file, found in sorted(by_file.items()):
        hosts = sorted(found)[: limit("starter_hosts")]
        out.append(Annotated(rule("allow", ["connect"], hosts, methods=["GET", "HEAD"]), file))
    return out


def _seen(repo: Repository) -> list[Part]:
    """What a client's settings and instructions say today, as comments."""
    out: list[Part] = []
    if repo.permissions:
        out += [BLANK, "a client's settings in this repository permit or deny today:", *repo.permissions]
    if repo.instructions:
        out += [BLANK, f"{', '.join(repo.instructions)}: instructions for agents; a person changes them (std.baseline)"]
    return out


def _tests(repo: Repository, level: str) -> list[Part]:
    inside = f"{repo.folders[0]}/example.txt" if repo.folders else "README.md"
    first = [_FIRST_COMMAND[m] for m in repo.languages if m in _FIRST_COMMAND] or ["ls"]
    own = "agent/example" if level == "strict" else "fix/example"
    flows = [
        case("allow", "read", [inside, "README.md"]),
        case("allow", "write", [inside]),
        case("allow", "run", ["git status", *first]),
        case("allow", "run", ["cd . && ls | head -5", "grep -n title README.md", f"git push origin {own}"]),
        case("allow", "push", [own]),
    ]
    secret = [f"{s}x" if s.endswith("/") else s for s in repo.secrets[:1] if s != ".env"]
    tried = [
        case("deny", "read", [".env", "~/.ssh/id_ed25519", *secret]),
        case("deny", "write", [".git/hooks/pre-commit", ".claude/settings.json", "~/.bashrc"]),
        case("deny", "run", ["git push --force", "cat .env", "ls > .git/hooks/pre-commit"]),
        case("deny", "push", [repo.default_branch, "refs/tags/v1"]),
        case("deny", "connect", ["http://169.254.169.254/"], method="POST"),
    ]
    effect, tier = ("deny", "") if level == "strict" else ("ask", "review")
    away = case(effect, "connect", ["https://evil.example/"], method="POST", tier=tier)
    for host in sorted(repo.hosts)[:1]:
        scheme = "http" if host.endswith(":80") else "https"
        flows.append(case("allow", "connect", [f"{scheme}://{host}/"], method="GET"))
    people = [
        case("ask", "write", ["CODEOWNERS", ".gitlab-ci.yml"], tier="review"),
        case("ask", "run", [OPAQUE], tier="review"),
    ]
    return [
        emit.expect("everyday work flows", flows),
        BLANK,
        emit.expect("people see what matters", [*people, away]),
        BLANK,
        emit.expect("what an injected instruction would try", tried),
        BLANK,
        emit.prove(
            "whatever is asked",
            [
                emit.claim("always_deny", ["read"], ["**/.env", "~/.ssh/id_*"]),
                emit.claim("always_deny", ["write"], ["**/.git/hooks/**", "~/.bashrc"]),
                emit.claim("always_deny", ["push"], [repo.default_branch]),
            ],
        ),
    ]
