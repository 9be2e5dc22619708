"""`policy init`: a starter policy for a repository."""

from __future__ import annotations

import os
import sys

import click

from ..domain.errors import InternalError, PolicyError
from ..domain.faults import reason_of
from ..domain.files import create, replace
from ..domain.wording import counted
from ..policy import Policy
from ..report.style import colour, visible
from ..starter.repository import look
from ..starter.write import LEVELS, STANDARD, starter
from ..testing import run_tests
from .common import FORMAT, fail_usage, print_json


@click.command(name="init")
@click.argument("folder", default=".")
@click.option("--output", "-o", metavar="FILE", help="Where to write; `-` prints it. Default: FOLDER/agent.policy.")
@click.option(
    "--level",
    type=click.Choice(list(LEVELS)),
    default=STANDARD,
    show_default=True,
    help="What becomes of what no rule speaks of: denied, asked, or only recorded.",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@FORMAT
def command(folder: str, output: str | None, level: str, force: bool, format_: str) -> None:
    """Look at the repository in FOLDER and write a commented policy for it, with tests.

    It reads what git tracks, manifests, lock files, task files and clients' settings; it runs nothing.
    """
    if not os.path.isdir(folder):
        fail_usage(f"`{folder}` is not a folder", format_)
    try:
        repo = look(folder)
    except OSError as error:
        fail_usage(f"`{folder}` cannot be read: {reason_of(error)}", format_)
    text = starter(repo, level)
    tests = _checked(text)
    path = output or os.path.join(folder, "agent.policy")
    if path != "-":
        _write(path, text, force, format_)
    if format_ == "json":
        print_json(
            {
                "file": path,
                "level": level,
                "languages": repo.languages,
                "modules": repo.modules,
                "managers": repo.managers,
                "default_branch": repo.default_branch,
                "protected_branches": repo.protected,
                "folders": repo.folders,
                "tasks": {t.file: {"allowed": t.harmless(), "asked": t.asked()} for t in repo.tasks},
                "programs": [n for t in repo.programs for n in t.names],
                "secrets": repo.secrets,
                "hosts": repo.hosts,
                "tests": tests,
                "text": text,
            }
        )
    elif path == "-":
        click.echo(text, nl=False)
    else:
        found = ", ".join(dict.fromkeys([*repo.modules, *repo.managers])) or "no known language"
        click.echo(
            f"{colour('wrote', 'allow')}  {visible(path)}: {found}; default branch {visible(repo.default_branch)}"
        )
        click.echo(f"{counted(tests, 'test')} in it, all passing. Next:")
        click.echo(f"  policy test {visible(path)}")
        click.echo(f"  policy check {visible(path)} write README.md")
        if level == "observe":
            click.echo(f"  policy hook install CLIENT --policy {visible(path)} --observe --log FOLDER")
    sys.exit(0)


def _checked(text: str) -> int:
    """Compile the text and run its tests; a starter that fails is our fault."""
    try:
        report = run_tests(Policy.loads(text, "agent.policy"))
    except PolicyError as error:
        raise InternalError(f"the starter does not compile: {error}") from None
    if report.failures:
        first = report.failures[0]
        raise InternalError(f"the starter fails its own test: {first.case.resource} got {first.got}")
    return len(report.results)


def _write(path: str, text: str, force: bool, format_: str) -> None:
    try:
        try:
            create(path, text.encode("utf-8"))
        except FileExistsError:
            if not force:
                fail_usage(f"`{path}` exists; `--force` replaces it", format_)
            replace(path, text.encode("utf-8"), mode=None, durable=False)
    except OSError as error:
        fail_usage(f"`{path}` cannot be written: {reason_of(error)}", format_)
