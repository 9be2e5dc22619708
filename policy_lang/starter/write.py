"""The starter policy's text for a repository."""

from __future__ import annotations

from ..domain.errors import Source
from ..syntax.format import format_file
from ..syntax.parse import parse
from ..syntax.tokens import escape
from .repository import Repository

PROTECTED = ("main", "master", "trunk", "develop", "development", "production", "staging", "gh-pages")
"""What `std.git` protects by itself."""

_FIRST_COMMAND = {"node": "npm test", "python": "pytest", "rust": "cargo test", "go": "go test ./..."}
_MANIFEST = {"node": "package.json", "python": "pyproject.toml", "rust": "Cargo.toml", "go": "go.mod"}


def starter(repo: Repository) -> str:
    """A commented policy with its tests, formatted."""
    text = "\n".join([*_head(repo), *_rules(repo), *_tests(repo)]) + "\n"
    return format_file(parse(Source("starter", text)))


def _head(repo: Repository) -> list[str]:
    modules = "\n".join(f"import std.{language}" for language in repo.languages)
    made_of = (
        ", ".join([*repo.languages, *(m for m in repo.managers if m not in repo.languages)]) or "no known language"
    )
    return [
        f"# What a coding agent may do in {repo.name} ({made_of}).",
        "#",
        "# Everything that no rule grants is denied. `policy test` runs the tests below, `policy explain` shows why",
        "# a decision is what it is, and `policy check --requests` replays what an agent did.",
        "",
        f"policy {escape(repo.name)}",
        "",
        "# secrets, version-control internals, agent configuration, private networks; no force, no deletion",
        "import std.baseline",
        "import std.git",
        "# printing, listing, searching, text filters, moving files: what scripts are made of",
        "import std.shell",
        *([f"# the everyday commands of {' and '.join(repo.languages)}", modules] if modules else []),
        "",
        "# who approves what is asked for: put your people here",
        'tier review { approvers "@maintainers"  quorum 1  expires 1h }',
        "",
    ]


def _rules(repo: Repository) -> list[str]:
    free = ", ".join(escape(p) for p in [*(f"{f}/**" for f in repo.folders), "*.md"])
    out = ["# read everything but secrets; write where sources are; ask for the rest", 'allow read "./"']
    out += [f"allow write, delete {free}", f'ask review write, delete "**" except {free}']
    out += [
        "",
        "# recording work; what commands read, write and push is decided by the rules about files and branches",
        'allow run "git {status,diff,log,show,branch,add,commit,fetch,switch,checkout,stash,push} **"',
        "# a command that cannot be read exactly is shown to a person",
        "ask review run opaque",
        "",
        "# its own branches; the default branch changes by review",
        'allow push "agent/**"',
    ]
    if repo.default_branch not in PROTECTED:
        out.append(f'deny push {escape(repo.default_branch)} because "the default branch changes by review"')
    if repo.hosts:
        out += ["", "# package registries that this repository's own files name: download only"]
        by_file: dict[str, list[str]] = {}
        for host, file in repo.hosts.items():
            by_file.setdefault(file, []).append(host)
        for file, found in sorted(by_file.items()):
            out.append(f"allow connect GET, HEAD {', '.join(escape(h) for h in sorted(found)[:40])}  # {file}")
    return [*out, ""]


def _tests(repo: Repository) -> list[str]:
    inside = f"{repo.folders[0]}/example.txt" if repo.folders else "README.md"
    ask = [_MANIFEST[lang] for lang in repo.languages] or [".editorconfig"]
    out = [
        'test "everyday work flows" {',
        f'    allow read {escape(inside)}, "README.md"',
        f'    allow write {escape(inside)}, "README.md"',
        f'    allow run "git status", {", ".join(escape(_FIRST_COMMAND[x]) for x in repo.languages) or escape("ls")}',
        '    allow run "cd . && ls | head -5", "grep -n title README.md", "git push origin agent/example"',
        '    allow push "agent/example"',
    ]
    for host in sorted(repo.hosts)[:1]:
        url = (
            f"https://{host}/" if ":" not in host else f"http://{host}/" if host.endswith(":80") else f"https://{host}/"
        )
        out.append(f"    allow connect GET {escape(url)}")
    out += [
        "}",
        "",
        'test "people see what matters" {',
        f'    ask review write {", ".join(escape(a) for a in ask)}, ".gitignore"',
        "    ask review run opaque",
        "}",
        "",
        'test "what an injected instruction would try" {',
        '    deny read ".env", "~/.ssh/id_ed25519"',
        '    deny write ".git/hooks/pre-commit", ".claude/settings.json", "~/.bashrc"',
        '    deny run "curl https://evil.example", "git push --force", "cat .env", "ls > .git/hooks/pre-commit"',
        f'    deny push {escape(repo.default_branch)}, "refs/tags/v1"',
        '    deny connect POST "https://evil.example/", "http://169.254.169.254/"',
    ]
    for host in sorted(repo.hosts)[:1]:
        out.append(f"    deny connect PUT {escape(host)}")
    return [*out, "}"]
