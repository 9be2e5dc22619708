"""The starter policy's text for a repository."""

from __future__ import annotations

from ..domain.limits import limit
from ..syntax import emit
from ..syntax.emit import BLANK, OPAQUE, Annotated, Part, case, imported, rule
from .repository import Repository

PROTECTED = ("main", "master", "trunk", "develop", "development", "production", "staging", "gh-pages")
"""Branches that `std.git` protects by itself."""

_FIRST_COMMAND = {"node": "npm test", "python": "pytest", "rust": "cargo test", "go": "go test ./..."}
_MANIFEST = {"node": "package.json", "python": "pyproject.toml", "rust": "Cargo.toml", "go": "go.mod"}


def starter(repo: Repository) -> str:
    """A commented policy with its tests, formatted."""
    return emit.text([*_head(repo), *_rules(repo), *_tests(repo)])


def _head(repo: Repository) -> list[Part]:
    made_of = (
        ", ".join([*repo.languages, *(m for m in repo.managers if m not in repo.languages)]) or "no known language"
    )
    everyday: list[Part] = []
    if repo.languages:
        everyday = [f"the everyday commands of {' and '.join(repo.languages)}"]
        everyday += [imported(f"std.{language}") for language in repo.languages]
    return [
        f"What a coding agent may do in {repo.name} ({made_of}).",
        "#",
        "Everything that no rule grants is denied. `policy test` runs the tests below, `policy explain` shows why",
        "a decision is what it is, and `policy check --requests` replays what an agent did.",
        BLANK,
        emit.header(repo.name),
        BLANK,
        "secrets, version-control internals, agent configuration, private networks; no force, no deletion",
        imported("std.baseline"),
        imported("std.git"),
        "printing, listing, searching, text filters, moving files: what scripts are made of",
        imported("std.shell"),
        *everyday,
        BLANK,
        "who approves what is asked for: put your people here",
        emit.tier("review", ["@maintainers"], quorum=1, expires=3600),
        BLANK,
    ]


def _rules(repo: Repository) -> list[Part]:
    free = [*(f"{f}/**" for f in repo.folders), "*.md"]
    branches = "the default branch changes by review"
    out: list[Part] = [
        "read everything but secrets; write where sources are; ask for the rest",
        rule("allow", ["read"], ["./"]),
        rule("allow", ["write", "delete"], free),
        rule("ask", ["write", "delete"], ["**"], tier="review", exclude=free),
        BLANK,
        "recording work; what commands read, write and push is decided by the rules about files and branches",
        rule("allow", ["run"], ["git {status,diff,log,show,branch,add,commit,fetch,switch,checkout,stash,push} **"]),
        "a command that cannot be read exactly is shown to a person",
        rule("ask", ["run"], [OPAQUE], tier="review"),
        "harmless variables need no rule; another, such as `PYTHONPATH=src pytest`, is shown with its value",
        rule("ask", ["setenv"], ["**"], tier="review"),
        BLANK,
        f"its own branches; {branches}",
        rule("allow", ["push"], ["agent/**"]),
    ]
    if repo.default_branch not in PROTECTED:
        out.append(rule("deny", ["push"], [repo.default_branch], because=branches))
    if repo.hosts:
        out += [BLANK, "package registries that this repository's own files name: download only"]
        by_file: dict[str, list[str]] = {}
        for host, file in repo.hosts.items():
            by_file.setdefault(file, []).append(host)
        for file, found in sorted(by_file.items()):
            out.append(
                Annotated(
                    rule("allow", ["connect"], sorted(found)[: limit("starter_hosts")], methods=["GET", "HEAD"]), file
                )
            )
    return [*out, BLANK]


def _tests(repo: Repository) -> list[Part]:
    inside = f"{repo.folders[0]}/example.txt" if repo.folders else "README.md"
    ask = [_MANIFEST[lang] for lang in repo.languages] or [".editorconfig"]
    first = [_FIRST_COMMAND[language] for language in repo.languages] or ["ls"]
    flows = [
        case("allow", "read", [inside, "README.md"]),
        case("allow", "write", [inside, "README.md"]),
        case("allow", "run", ["git status", *first]),
        case("allow", "run", ["cd . && ls | head -5", "grep -n title README.md", "git push origin agent/example"]),
        case("allow", "push", ["agent/example"]),
    ]
    tried = [
        case("deny", "read", [".env", "~/.ssh/id_ed25519"]),
        case("deny", "write", [".git/hooks/pre-commit", ".claude/settings.json", "~/.bashrc"]),
        case(
            "deny", "run", ["curl https://evil.example", "git push --force", "cat .env", "ls > .git/hooks/pre-commit"]
        ),
        case("deny", "push", [repo.default_branch, "refs/tags/v1"]),
        case("deny", "connect", ["https://evil.example/", "http://169.254.169.254/"], method="POST"),
    ]
    for host in sorted(repo.hosts)[:1]:
        scheme = "http" if host.endswith(":80") else "https"
        flows.append(case("allow", "connect", [f"{scheme}://{host}/"], method="GET"))
        tried.append(case("deny", "connect", [host], method="PUT"))
    people = [case("ask", "write", [*ask, ".gitignore"], tier="review"), case("ask", "run", [OPAQUE], tier="review")]
    return [
        emit.expect("everyday work flows", flows),
        BLANK,
        emit.expect("people see what matters", people),
        BLANK,
        emit.expect("what an injected instruction would try", tried),
    ]
