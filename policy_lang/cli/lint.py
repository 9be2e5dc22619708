"""`policy lint`: what a policy grants beyond what its author meant."""

from __future__ import annotations

import difflib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NoReturn

import click

from .._version import __version__
from ..analysis.deadline import within
from ..analysis.spaces import Layout
from ..audit.read import LogReadError
from ..domain.errors import PolicyError
from ..foreign.formats import Format, format_of
from ..lint.baseline_file import Baseline, BaselineError
from ..lint.config import LintConfig, LintConfigError, find_config, read_config
from ..lint.context import USUAL_LAYOUT, LintContext
from ..lint.finding import PERSONAS, SEVERITIES
from ..lint.fixing import fix
from ..lint.importers import importers
from ..lint.linter import Options, context_of, lint_context, merged
from ..lint.registry import checks
from ..lint.run import Looked, Report
from ..lint.usage import Usage
from ..report.lint_text import concise_lines, finding_github_lines, render_findings, step_text, unfinished_text
from ..report.style import visible
from ..resolve.revisions import Revision
from ..wire.lint_formats import errors_sarif, report_gitlab, report_json, report_junit, report_sarif
from .common import fail_policy, fail_usage, json_text, print_json, write_file

FORMATS = ("full", "concise", "json", "sarif", "github", "gitlab", "junit")


@dataclass(slots=True)
class _Run:
    """One call: the files, how they are linted, and what is compared with."""

    files: tuple[str, ...]
    options: Options
    config: LintConfig
    format: str
    against: str | None
    baseline: str | None
    written: tuple[str, ...]


@click.command(name="lint")
@click.argument("files", nargs=-1, required=True)
@click.option("--against", metavar="REV|FILE", help="Report only what the change adds to that revision or file.")
@click.option("--importers", is_flag=True, help="Lint the tracked policies that import FILES, too.")
@click.option("--log", metavar="LOG", help="Report as well what a decision log says of the rules' use.")
@click.option("--select", metavar="CODES", help="Only these rules; a beginning such as PTH means all of them.")
@click.option("--ignore", metavar="CODES", help="Not these rules.")
@click.option("--persona", type=click.Choice(PERSONAS), help="Who reads the findings; later ones see more.")
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Exit 1 from this severity on (default warning).")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever is found.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="full",
    show_default=True,
    help="How results are written.",
)
@click.option("--write", multiple=True, metavar="FORMAT=FILE", help="Write them to a file as well, in that format.")
@click.option("--fix", "fixes", is_flag=True, help="Apply fixes that are proved to narrow.")
@click.option("--unsafe", is_flag=True, help="With --fix: apply the other fixes as well.")
@click.option("--diff", "show_diff", is_flag=True, help="With --fix: show the changes instead of writing them.")
@click.option("--baseline", metavar="FILE", help="Leave out the findings that are listed there.")
@click.option("--write-baseline", metavar="FILE", help="List all findings there.")
@click.option("--prune-baseline", is_flag=True, help="Take what is gone out of the baseline; exit 1 if there was any.")
@click.option("--allow-critical", is_flag=True, help="Let the baseline hold findings of critical rules.")
@click.option("--no-suppressions", is_flag=True, help="Report suppressed findings as well.")
@click.option("--budget", metavar="TIME", help="Stop looking after this time (2s, 500ms); exit 3 if it is over.")
@click.option("--config", metavar="FILE", help="The configuration (default: policy.toml or pyproject.toml above).")
@click.option("--no-config", is_flag=True, help="Read no configuration.")
@click.option("--today", metavar="DATE", help="Evaluate suppression expiry as of this date (YYYY-MM-DD).")
@click.option("--workspace", metavar="FOLDER", help="Workspace folder (default /workspace).")
@click.option("--home", metavar="FOLDER", help="The agent's home folder (default /home/agent).")
@click.option("--tmp", metavar="FOLDER", help="Folder of temporary files (default /tmp).")
def command(files: tuple[str, ...], format_: str, **given: object) -> None:
    """Find what the policies in FILES grant beyond what their authors meant; FILES may be permissions of a client, too.

    \b
    policy lint agent.policy
    policy lint .claude/settings.json
    policy lint --against origin/main agent.policy --format sarif
    policy lint --fix --diff agent.policy

    Each finding shows a request that the policy was asked. Exits 0 when clean, 1 with findings from --fail-on on,
    2 for bad input, 3 when some rules were not looked at to their end, 4 when a finding could not be shown again.
    """
    if given["importers"]:
        files = (*files, *importers(files))
    run = _run(files, format_, given)
    with within(_seconds(given["budget"], _plain(format_))):
        _report(run, given)


def _report(run: _Run, given: dict[str, object]) -> NoReturn:
    """Lint, write what was found, and leave."""
    try:
        if given["fixes"]:
            _fix(run, unsafe=bool(given["unsafe"]), show=bool(given["show_diff"]))
        elif given["unsafe"] or given["show_diff"]:
            fail_usage("`--unsafe` and `--diff` go with `--fix`", _plain(run.format))
        report = _lint(run)
    except PolicyError as error:
        if run.format == "sarif":
            print_json(errors_sarif(error.diagnostics, __version__))
            sys.exit(2)
        fail_policy(error, _plain(run.format))
    if given["write_baseline"]:
        _write_baseline(run, report, str(given["write_baseline"]), critical=bool(given["allow_critical"]))
    stale = _stale(run, report, prune=bool(given["prune_baseline"]))
    _print(run, report)
    level = str(given["fail_on"] or run.config.fail_on)
    failed = report.failed(level) or (stale and bool(given["prune_baseline"]))
    if report.unfinished and run.format not in {"full", "concise"}:
        click.echo(unfinished_text(report), err=True)
    sys.exit(1 if failed and not given["exit_zero"] else 3 if report.unfinished else 0)


_TIMES = {"ms": 0.001, "s": 1.0, "m": 60.0, "": 1.0}


def _seconds(text: object, shape: str) -> float | None:
    """A time as people write it, in seconds."""
    if text is None:
        return None
    number = str(text).rstrip("msh")
    unit = str(text)[len(number) :]
    if unit not in _TIMES or not number.replace(".", "", 1).isdecimal() or not number.isascii() or len(number) > 12:
        fail_usage(f"`--budget {str(text)[:40]}` is not a valid time: write 2s, 500ms or 1m", shape)
    return float(number) * _TIMES[unit]


def _progress(path: str) -> Looked:
    """A line on a terminal that says how far a file is, where it takes long."""
    began = time.monotonic()

    def looked(done: int, every: int) -> None:
        if sys.stderr.isatty() and time.monotonic() - began > 1:
            left = f"{visible(path)}: {done} of {every} rules" if done < every else ""
            click.echo(f"\r\x1b[K{left}", nl=False, err=True)

    return looked


def _plain(format_: str) -> str:
    return "json" if format_ in {"json", "sarif", "gitlab"} else "text"


def _run(files: tuple[str, ...], format_: str, given: dict[str, object]) -> _Run:
    shape = _plain(format_)
    config = LintConfig()
    path = given["config"] or (None if given["no_config"] else find_config(os.path.dirname(files[0]) or "."))
    try:
        if path is not None:
            base = None if given["config"] else _base_config(str(path), given["against"], shape)
            config = LintConfig() if base == b"" else read_config(str(path), base)
        capabilities = config.capabilities()
    except LintConfigError as error:
        fail_usage(str(error), shape)
    folder = os.path.dirname(str(path)) if path is not None else ""
    name = str(given["baseline"]) if given["baseline"] else None
    if name is None and config.baseline is not None:
        name = os.path.join(folder, config.baseline)
    places = {k: given[k] or getattr(USUAL_LAYOUT, k) for k in ("workspace", "home", "tmp")}
    for key, place in places.items():
        if not str(place).startswith("/"):
            fail_usage(f"`--{key} {str(place)[:60]}` is not an absolute path", shape)
    options = Options(
        _codes(given["select"], shape) or tuple(config.select),
        (*_codes(given["ignore"], shape), *config.ignore),
        {glob: tuple(codes) for glob, codes in config.per_file.items()},
        tuple(config.ceilings),
        str(given["persona"] or config.persona),
        Layout(**{k: str(v) for k, v in places.items()}),
        capabilities,
        not given["no_suppressions"],
        _baseline(name, shape, bool(given["allow_critical"]), bool(given["write_baseline"])),
        _today(given["today"], shape),
        _usage(files, given["log"], shape),
    )
    against = str(given["against"]) if given["against"] else None
    return _Run(files, options, config, format_, against, name, _written(given["write"], shape))


def _base_config(path: str, against: object, shape: str) -> bytes | None:
    """The configuration as the base has it, so that no change configures what judges it; None without a base.

    Empty when the base has none.
    """
    if not against or os.path.isfile(str(against)):
        return None
    try:
        at = Revision(str(against).partition(":")[0], path)
        return at.read(at.path, None) if at.exists else b""
    except PolicyError as error:
        fail_policy(error, shape)


def _codes(text: object, shape: str) -> tuple[str, ...]:
    codes = tuple(c.strip().upper() for c in str(text or "").split(",") if c.strip())
    for code in codes:
        if not any(known.startswith(code) for known in checks()):
            fail_usage(f"there is no rule `{code[:40]}`; `policy rule` lists them", shape)
    return codes


def _usage(files: tuple[str, ...], log: object, shape: str) -> Usage | None:
    """What a log says of the policy's rules."""
    if not log:
        return None
    if len(files) > 1:
        fail_usage("`--log` is one policy's: lint one file", shape)
    from ..records.usage import usage_of

    try:
        return usage_of(str(log), files[0])
    except LogReadError as error:
        fail_usage(str(error), shape)
    except PolicyError as error:
        fail_policy(error, shape)


def _today(text: object, shape: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(str(text), "%Y-%m-%d").date()  # noqa: DTZ007 (a day, not a moment)
    except ValueError:
        fail_usage(f"`--today {str(text)[:40]}` is not a valid date: write YYYY-MM-DD", shape)


def _baseline(path: str | None, shape: str, critical: bool, fresh: bool) -> Baseline | None:
    if path is None or (fresh and not os.path.exists(path)):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return Baseline.read(file.read(), critical=critical)
    except (OSError, UnicodeDecodeError) as error:
        fail_usage(f"the baseline `{path[:80]}` cannot be read: {error}", shape)
    except BaselineError as error:
        fail_usage(f"the baseline `{path[:80]}`: {error}", shape)


def _lint(run: _Run) -> Report:
    own = [path for path in run.files if format_of(path) is None]
    contexts = {path: context_of(path, run.options) for path in own}
    within = {layer.module.path for g in contexts.values() for layer in g.program.layers[1:]}
    for path, context in contexts.items():
        context.ceiling = context.ceiling or os.path.realpath(path) in within
    reports = [
        lint_context(context, replace(run.options, looked=_progress(path)), _base(run, path))
        for path, context in contexts.items()
    ]
    return merged([*reports, *_foreign(run)])


def _foreign(run: _Run) -> Iterator[Report]:
    """The reports about permission files of clients: those of one client hold together."""
    found = {path: kind for path in run.files if (kind := format_of(path)) is not None}
    if not found:
        return
    kinds: dict[Format, list[str]] = {}
    for path, kind in found.items():  # one client's files may be of several formats
        first = next(one for one in found.values() if one.module == kind.module)
        kinds.setdefault(first, []).append(path)
    from ..foreign.linting import ForeignFiles
    from ..resolve.files import read_source

    for kind, paths in kinds.items():
        base = None
        if run.against is not None:
            if os.path.isfile(run.against):
                fail_usage("permission files are compared with a revision", _plain(run.format))
            revisions = [Revision(run.against, path) for path in paths]
            before = [read_source(at.path, None, at.read) for at in revisions if at.exists]
            base = ForeignFiles(kind, before or [kind.empty(paths[0])], run.options)
        yield ForeignFiles(kind, [read_source(path) for path in paths], run.options).linted(base)


def _base(run: _Run, path: str) -> LintContext | None:
    """What a file is compared with: the same file in a revision, or another file."""
    if run.against is None:
        return None
    if os.path.isfile(run.against):
        return context_of(run.against, run.options)
    revision, _, other = run.against.partition(":")
    at = Revision(revision, other or path)
    if not other and not at.exists:  # a new policy is compared with one that permits nothing
        return context_of(path, run.options, lambda _path, _at: b'policy "none"\n')
    return context_of(at.path, run.options, at.read)


def _shown(run: _Run, report: Report, format_: str) -> str:
    """The report in one of the formats."""
    if format_ == "full":
        return render_findings(report)
    if format_ == "concise":
        return "\n".join(concise_lines(report))
    if format_ == "github":
        return "\n".join(finding_github_lines(report))
    if format_ == "junit":
        return report_junit(report, list(run.files))
    if format_ == "json":
        return json_text(report_json(report))
    return json_text(report_sarif(report, __version__, step_text) if format_ == "sarif" else report_gitlab(report))


def _print(run: _Run, report: Report) -> None:
    for one in run.written:
        format_, _, path = one.partition("=")
        write_file(path, _shown(run, report, format_) + "\n")
    text = _shown(run, report, run.format)
    if text:
        click.echo(text)


def _written(given: object, shape: str) -> tuple[str, ...]:
    """The files to write besides, each with its format in front."""
    wanted = tuple(str(one) for one in given) if isinstance(given, tuple) else ()
    for one in wanted:
        format_, equals, path = one.partition("=")
        if format_ not in FORMATS or not equals or not path:
            fail_usage(f"`--write {one[:60]}` is not FORMAT=FILE with one of {', '.join(FORMATS)}", shape)
    return wanted


def _write_baseline(run: _Run, report: Report, path: str, *, critical: bool) -> None:
    made = Baseline.of([*report.findings, *report.baselined], checks(), critical=critical)
    write_file(path, made.text())
    click.echo(f"{visible(path)}: {len(made.entries)} findings", err=True)
    kept = {e.fingerprint for e in made.entries}
    report.baselined += [f for f in report.findings if f.fingerprint in kept]
    report.findings = [f for f in report.findings if f.fingerprint not in kept]
    run.options = replace(run.options, baseline=None)


def _stale(run: _Run, report: Report, *, prune: bool) -> bool:
    """Whether the baseline lists what is gone; it is a finding, or taken out."""
    known = run.options.baseline
    if prune and known is None:
        fail_usage("`--prune-baseline` needs a baseline", _plain(run.format))
    whole = not run.options.select and run.against is None and not report.unfinished
    gone = known.stale() if known is not None and whole else []
    if not gone or known is None or run.baseline is None:
        return False
    if prune:
        write_file(run.baseline, known.pruned().text())
        click.echo(f"{visible(run.baseline)}: {len(gone)} stale findings taken out", err=True)
        return True
    for entry in gone if "SUP006" in {c.code for c in run.options.selected(run.files[0])} else ():
        context = context_of(run.files[0], run.options)
        text = f"the baseline lists {entry.code} in `{entry.file}`, which is gone: {entry.message}"
        report.findings.append(checks()["SUP006"].finding(context, text, content=(entry.fingerprint,)))
    return True


def _fix(run: _Run, *, unsafe: bool, show: bool) -> None:
    """Fix the files, or show how; the report that follows is about what is left."""
    foreign = next((path for path in run.files if format_of(path) is not None), None)
    if foreign is not None:
        fail_usage(f"`{foreign[:80]}` is a client's file: `--fix` changes policies alone", _plain(run.format))
    for path in run.files:
        done = fix(path, run.options, unsafe=unsafe)
        for name, text in done.texts.items():
            if show:
                with open(name, encoding="utf-8", newline="") as file:
                    before = file.read()
                lines = difflib.unified_diff(
                    before.splitlines(keepends=True), text.splitlines(keepends=True), f"a/{name}", f"b/{name}"
                )
                click.echo("".join(line if line.endswith("\n") else f"{line}\n" for line in lines), nl=False)
            else:
                write_file(name, text)
        verb = "would fix" if show else "fixed"
        if done.fixed:
            codes = ", ".join(sorted({f.code for f in done.fixed}))
            click.echo(f"{visible(path)}: {verb} {len(done.fixed)} ({codes})", err=True)
        for finding, why in done.refused:
            click.echo(f"{visible(path)}:{finding.span.line}: {finding.code} left as it is: {visible(why)}", err=True)
    if show:
        sys.exit(0)
