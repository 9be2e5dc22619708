"""`policy compile`: one file that a runtime opens in a millisecond."""

from __future__ import annotations

import os
import sys

import click

from .._version import __version__
from ..compiled.opened import SUFFIX
from ..compiler.binary import compile_binary
from ..domain.errors import PolicyError
from ..policy import Policy
from .common import FORMAT, fail_policy, fail_usage, print_json


@click.command(name="compile")
@click.argument("policy")
@click.option("-o", "--output", metavar="FILE", help="The compiled file; by default POLICY with the ending `.plc`.")
@FORMAT
def command(policy: str, output: str | None, format_: str) -> None:
    """Compile POLICY, with all that it imports, to one `.plc` file.

    \b
    policy compile web.policy
    policy check web.plc read src/app.ts

    The file is replaced as a whole, may be written only by you, and is opened again before the command ends. It is
    refused when its sources change, when others could write it, or when another version of this program made it.
    """
    if policy.endswith(SUFFIX):
        fail_usage(f"`{policy}` is compiled already; name its source", format_)
    target = output or os.path.splitext(policy)[0] + SUFFIX
    if not target.endswith(SUFFIX):
        fail_usage(f"`{target}` does not end in `{SUFFIX}`", format_)
    try:
        data = compile_binary(policy, __version__)
        _replace(target, data)
        digest = Policy.load(target).digest
    except PolicyError as error:
        fail_policy(error, format_)
    except OSError as error:
        fail_usage(f"`{target}` cannot be written: {(error.strerror or 'error').lower()}", format_)
    if format_ == "json":
        print_json({"file": target, "bytes": len(data), "policy_digest": digest})
    else:
        click.echo(f"{target}: {len(data):,} bytes, {digest}")
    sys.exit(0)


def _replace(target: str, data: bytes) -> None:
    """Put a whole file in place, or leave what is there. The file is readable by all and written by its owner."""
    part = f"{target}.{os.getpid()}.part"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), 0o644)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(part, target)
    except BaseException:
        os.unlink(part)
        raise
