"""`policy compile`: one file that a runtime opens in a millisecond."""

from __future__ import annotations

import os
import sys

import click

from .common import FORMAT, fail_policy, fail_usage, print_json


@click.command(name="compile")
@click.argument("policy")
@click.option("-o", "--output", metavar="FILE", help="The compiled file; by default POLICY with the ending `.plc`.")
@click.option("--no-sources", is_flag=True, help="Do not name the sources: the file goes where they are not.")
@FORMAT
def command(policy: str, output: str | None, no_sources: bool, format_: str) -> None:
    """Compile POLICY, with all that it imports, to one `.plc` file.

    \b
    policy compile web.policy
    policy check web.plc read src/app.ts

    The file is replaced as a whole, may be written only by you, and is opened again before the command ends. It is
    refused when others could write it or a folder on the way to it, or when another version of this program made it.
    When its sources change or are gone it stays in force as it is, and says so, until it is compiled again.
    """
    from ..compiled.opened import SUFFIX
    from ..domain.faults import reason_of

    if policy.endswith(SUFFIX):
        fail_usage(f"`{policy}` is compiled already; name its source", format_)
    target = output or os.path.splitext(policy)[0] + SUFFIX
    if not target.endswith(SUFFIX):
        fail_usage(f"`{target}` does not end in `{SUFFIX}`", format_)
    try:
        size, digest = compile_to(policy, target, format_, named=not no_sources)
    except OSError as error:
        fail_usage(f"`{target}` cannot be written: {reason_of(error)}", format_)
    if format_ == "json":
        print_json({"file": target, "bytes": size, "policy_digest": digest})
    else:
        click.echo(f"{target}: {size:,} bytes, {digest}")
    sys.exit(0)


def compile_to(policy: str, target: str, format_: str, named: bool = True) -> tuple[int, str]:
    """Compile a policy to a file, and open it again: its size, and the policy's digest. Raises OSError.

    Its sources are `named` in the file. Leaves with 2 for a policy with mistakes.
    """
    from .._version import __version__
    from ..compiler.binary import compile_binary
    from ..domain.errors import PolicyError
    from ..domain.files import replace
    from ..policy import Policy

    try:
        data = compile_binary(policy, __version__, named)
        replace(target, data, mode=0o644, durable=True)
        return len(data), Policy.load(target).digest
    except PolicyError as error:
        fail_policy(error, format_)
