"""Findings about a repository: what it is made of and with, where people write, which branches and secrets it has."""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..domain.limits import limit
from ..facts.refs import malformed_ref
from .files import MADE, Files, files_of, read
from .hosts import READERS, hosts_in
from .tasks import TASK_FILES, Tasks, programs_in, tasks_in

_MOST_FOLDERS = limit("starter_folders")
_MOST_NAMES = limit("starter_names")

MODULES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    # module of the library, names of files that speak for it, endings
    ("node", ("package.json",), ()),
    ("bun", ("bun.lock", "bun.lockb", "bunfig.toml"), ()),
    ("deno", ("deno.json", "deno.jsonc", "deno.lock"), ()),
    ("python", ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", "tox.ini", "manage.py"), ()),
    ("rust", ("Cargo.toml",), ()),
    ("go", ("go.mod",), ()),
    ("jvm", ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts", "pom.xml", "build.sbt"), ()),
    ("dotnet", ("global.json",), (".sln", ".csproj", ".fsproj", ".slnx")),
    ("ruby", ("Gemfile",), (".gemspec",)),
    ("php", ("composer.json",), ()),
    ("native", ("CMakeLists.txt", "meson.build", "configure.ac"), ()),
    ("elixir", ("mix.exs",), ()),
    ("terraform", (), (".tf", ".tofu")),
    ("docker", ("Dockerfile", "docker-compose.yml", "docker-compose.yaml", "compose.yaml", "compose.yml"),
    (".dockerfile",)),
    ("kubernetes", ("Chart.yaml", "kustomization.yaml", "kustomization.yml", "helmfile.yaml", "skaffold.yaml"), ()),
    ("databases", ("schema.prisma", "alembic.ini", "database.yml", "flyway.conf", "sqlc.yaml", "knexfile.js"),
    (".sql",)),
)  # fmt: skip
MANAGERS = (
    ("pnpm", "pnpm-lock.yaml"), ("yarn", "yarn.lock"), ("npm", "package-lock.json"), ("bun", "bun.lock"), ("bun",
    "bun.lockb"), ("uv", "uv.lock"),
    ("poetry", "poetry.lock"), ("pipenv", "Pipfile.lock"), ("cargo", "Cargo.lock"), ("go", "go.sum"), ("bundler",
    "Gemfile.lock"),
    ("composer", "composer.lock"),
)  # fmt: skip
SOURCES = (
    ".astro", ".bats", ".c", ".cc", ".clj", ".cpp", ".cs", ".css", ".ex", ".exs", ".go", ".graphql", ".h", ".hcl",
    ".hpp", ".hs", ".html", ".java",
    ".jl", ".js", ".jsx", ".kt", ".lua", ".md", ".mdx", ".ml", ".nix", ".php", ".pl", ".proto", ".py", ".pyi", ".r",
    ".rb", ".rs", ".rst", ".scala",
    ".scss", ".sql", ".svelte", ".swift", ".tf", ".tfvars", ".ts", ".tsx", ".txt", ".vue", ".zig",
)  # fmt: skip
"""Endings of what people write by hand."""
_BY_NAME = frozenset({".cjs", ".cts", ".js", ".mjs", ".mts", ".py", ".rb", ".tfvars", ".ts", ".txt"})
"""Endings of files that programs look for by their name: a new `conftest.py` or `*.auto.tfvars` is read by itself."""
_VISIBLE = frozenset({".changeset", ".storybook"})
"""Folders with a dot that hold such files; the others configure programs."""
_SECRET = re.compile(
    r"(?:\.env(?:\..*)?|.*\.(?:key|pem|p12|pfx|jks|keystore|age|gpg|tfstate|tfvars|secret|secrets)|kubeconfig.*|auth\.json|.*secret.*|.*credential.*"
    r"|.*token.*|.*password.*|.*[-_.]local\.(?:properties|ya?ml|json|toml|ini|conf|cfg)|local\.(?:properties|ya?ml|json|toml|ini))",
    re.IGNORECASE,
)
_TEMPLATES = re.compile(r".*[.-](?:example|sample|template|dist|defaults)(?:\..*)?", re.IGNORECASE)
_PERMISSIONS = (
    (".claude/settings.json", ("permissions",)), (".claude/settings.local.json", ("permissions",)),
    (".gemini/settings.json", ("tools",)),
)  # fmt: skip
_CONFIGURING = (
    ".env",
    ".git",
    ".npmrc",
    ".yarnrc",
    ".envrc",
    ".travis",
    ".drone",
    ".goreleaser",
    ".pre-commit",
    ".sops",
)
"""Beginnings of names of files that decide what is run, released or trusted."""
_CODE_OF_TOOLS = frozenset({".config", ".conf", ".workspace", ".setup"})
_USUAL = ("main", "master", "trunk", "develop")
_DECIDING = frozenset({
    *(name for _, names, _ in MODULES for name in names), *(lock for _, lock in MANAGERS), *TASK_FILES,
    "AGENTS.md", "CLAUDE.md", "GEMINI.md", "CODEOWNERS", "Jenkinsfile", "azure-pipelines.yml", "fly.toml", "gradlew",
    "gradlew.bat", "mvnw", "mvnw.cmd", "noxfile.py", "agent.policy", "mkdocs.yml", "CMakeLists.txt", "artisan",
})  # fmt: skip
"""Files at the top that a starter does not name: a person is asked about them anyway."""
INSTRUCTIONS = ("AGENTS.md", "CLAUDE.md", "GEMINI.md", ".github/copilot-instructions.md", ".cursorrules")


@dataclass(slots=True)
class Repository:
    """The findings. `hosts` maps each registry host, with its port when it is unusual, to the file that names it."""

    name: str
    modules: dict[str, str] = field(default_factory=dict)
    """Modules of the library that fit, each with the file that says so."""
    managers: list[str] = field(default_factory=list)
    default_branch: str = "main"
    protected: list[str] = field(default_factory=list)
    """Further branches of the remote that look like releases or deployments."""
    folders: list[str] = field(default_factory=list)
    """Folders at the top in which people write."""
    top: list[str] = field(default_factory=list)
    """Patterns of files at the top that people write."""
    tasks: list[Tasks] = field(default_factory=list)
    programs: list[Tasks] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    """Files that git ignores, and that look as if they held secrets."""
    hosts: dict[str, str] = field(default_factory=dict)
    instructions: list[str] = field(default_factory=list)
    permissions: list[str] = field(default_factory=list)
    """Permissions that a client's settings give today, as they are written."""

    @property
    def languages(self) -> list[str]:
        """What the repository is written in."""
        return [m for m in self.modules if m not in {"docker", "kubernetes", "databases"}]


def look(folder: str) -> Repository:
    """Look at the files of a folder; nothing is run. Raises OSError when it cannot be read."""
    files = files_of(folder)
    found = Repository(_name(folder))
    for module, names, endings in MODULES:
        speaks = next(
            (f for f in files.names if posixpath.basename(f) in names or f.endswith(endings or ("\0",))), None
        )
        if speaks is not None:
            found.modules[module] = speaks
    found.managers = list(dict.fromkeys(m for m, lock in MANAGERS if files.named(lock)))
    found.folders = _folders(files)
    found.top = _top(files)
    found.tasks = list(tasks_in(files, found.managers))
    found.programs = list(programs_in(files))[:_MOST_NAMES]
    found.secrets = list(dict.fromkeys(_secret(f) for f in files.others if _looks_secret(f)))[:_MOST_NAMES]
    found.default_branch, found.protected = _branches(files.git)
    found.instructions = [f for f in INSTRUCTIONS if f in files.names]
    for file in (f for f in READERS if f in files.names):
        for host in hosts_in(file, files.text(file)):
            found.hosts.setdefault(host, file)
    found.permissions = [p for f, keys in _PERMISSIONS for p in _permissions(files.text(f), keys)][:_MOST_NAMES]
    return found


def _name(folder: str) -> str:
    name = os.path.basename(os.path.abspath(folder))
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name) or "repository"


def _plain(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_.@-]+", name) is not None


def _folders(files: Files) -> list[str]:
    """The folders at the top with tracked files, without those that tools fill or that configure programs."""
    tops = dict.fromkeys(f.split("/")[0] for f in files.names if "/" in f)
    written = [t for t in tops if _plain(t) and t not in {*MADE, "bin"} and (t[0] != "." or t in _VISIBLE)]
    return written[:_MOST_FOLDERS]


def _top(files: Files) -> list[str]:
    """Patterns of the files at the top: by their ending where people write such files, else by their name."""
    names = [f for f in files.names if "/" not in f and _plain(f) and f not in _DECIDING]
    endings = dict.fromkeys(posixpath.splitext(n)[1] for n in names)
    found = [f"*{e}" for e in endings if e in SOURCES and e not in _BY_NAME]
    others = [n for n in names if f"*{posixpath.splitext(n)[1]}" not in found and not _configures(n)]
    return found + others[:_MOST_FOLDERS]


def _configures(name: str) -> bool:
    """Whether a file decides what is run, released or trusted, or is code that a tool runs as its configuration."""
    return name.startswith(_CONFIGURING) or posixpath.splitext(posixpath.splitext(name)[0])[1] in _CODE_OF_TOOLS


_SECRET_FOLDERS = frozenset({"secrets", "secret", "private", "keys"})


def _secret(name: str) -> str:
    """What is secret: the file, or the folder that says so, with whatever comes to lie in it."""
    parts = name.split("/")
    place = next((i for i, p in enumerate(parts[:-1]) if p.strip(".").lower() in _SECRET_FOLDERS), None)
    return name if place is None else "/".join(parts[: place + 1]) + "/"


def _looks_secret(name: str) -> bool:
    base = posixpath.basename(name)
    inside = any(p.strip(".").lower() in _SECRET_FOLDERS for p in name.split("/")[:-1])
    return (
        all(map(_plain, name.split("/")))
        and (inside or _SECRET.fullmatch(base) is not None)
        and not _TEMPLATES.fullmatch(base)
    )


def _branches(git: str | None) -> tuple[str, list[str]]:
    """The default branch, and further ones of the remote that look like releases or deployments."""
    if git is None:
        return "main", []
    remote, local = _refs(git, "remotes/origin"), _refs(git, "heads")
    heads = [read(os.path.join(git, file)).strip() for file in ("refs/remotes/origin/HEAD", "HEAD")]
    names = [re.sub(r"^ref: refs/(remotes/origin|heads)/", "", text) for text in heads]
    said, current = (n if n != text and _is_branch(n) else "" for n, text in zip(names, heads, strict=True))
    default = said or next((b for b in _USUAL if b in (remote or local)), "") or current or "main"
    special = re.compile(
        r"(?:release|releases|stable|maint|hotfix|deploy|env|prod|production|staging|live|gh-pages|next|lts"
        r"|v?\d+[.\d]*(?:\.x|-stable)?)(?:[/-].*)?"
    )
    return default, sorted(b for b in remote if b != default and special.fullmatch(b))[:_MOST_NAMES]


def _refs(git: str, kind: str) -> list[str]:
    """The branches below `refs/KIND` that git knows, packed or loose: those of `origin`, or local ones."""
    packed = re.findall(rf"^[0-9a-f]+ refs/{kind}/(\S+)$", read(os.path.join(git, "packed-refs")), re.MULTILINE)
    loose: list[str] = []
    top = os.path.join(git, "refs", kind)
    for at, _, names in os.walk(top):
        loose += [os.path.relpath(os.path.join(at, n), top) for n in names]
        if len(loose) > _MOST_NAMES * 10:
            break
    return [b for b in dict.fromkeys([*packed, *loose]) if b != "HEAD" and _is_branch(b)]


def _is_branch(name: str) -> bool:
    return bool(name) and not malformed_ref(f"refs/heads/{name}") and not set(name) & set('"{}!')


def _permissions(text: str, keys: tuple[str, ...]) -> Iterator[str]:
    """Permissions in a client's settings: `allow Bash(npm test:*)`."""
    try:
        value: object = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    for kind, given in value.items() if isinstance(value, dict) else ():
        for entry in given if isinstance(given, list) else ():
            if isinstance(entry, str) and entry.isprintable():
                yield f"{kind} {entry[:120]}"
