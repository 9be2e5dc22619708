"""People who answer by their SSH key: signing with `ssh-keygen`, and the calls to the service that need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from . import calling
from .common import fail_usage

Function = TypeVar("Function", bound=Callable[..., Any])


def SIGNING(function: Function) -> Function:  # noqa: N802 (used as a decorator beside FORMAT)
    """The options of people who sign."""
    for option in (
        click.option("--as", "person", metavar="NAME", help="With --sign-with: who you are."),
        click.option("--sign-with", metavar="KEY", help="Sign with this SSH key, or the agent's of this public key."),
    ):
        function = option(function)
    return function


def call(options: dict[str, Any], method: str, route: str, body: object = None) -> dict[str, Any]:
    """The service's answer; whoever signs is signed in first. Leaves with 2 or 1 as `calling.call` does."""
    if (options["sign_with"] is None) != (options["person"] is None):
        fail_usage("`--sign-with KEY` and `--as NAME` belong together", options["format_"])
    signed = isinstance(body, dict) and "signature" in body
    if options["sign_with"] is not None and "token" not in options and not signed:
        from ..approvals.signed import SIGN_IN, sign_in_text

        person = options["person"]
        asked = calling.call(options, "POST", "/v1/approvals/sign-in", {"person": person})
        made = signature(options, SIGN_IN, sign_in_text(person, asked["challenge"]))
        proof = {"person": person, "challenge": asked["challenge"], "signature": made}
        options["token"] = calling.call(options, "POST", "/v1/approvals/sign-in", proof)["token"]
    return calling.call(options, method, route, body)


def signature(options: dict[str, Any], namespace: str, text: bytes) -> str:
    """A signature of the text by the person's key (ssh-keygen(1), -Y sign). Leaves with 2 when there is none."""
    import shutil
    import subprocess

    program = shutil.which("ssh-keygen")
    if program is None:
        fail_usage("`ssh-keygen` is not installed; it makes the signature", options["format_"])
    done = subprocess.run(
        [program, "-Y", "sign", "-n", namespace, "-f", options["sign_with"]],
        input=text, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        why = done.stderr.decode("utf-8", "replace").strip()[:300]
        fail_usage(f"`{options['sign_with']}` did not sign: {why}", options["format_"])
    return done.stdout.decode("ascii", "replace")
