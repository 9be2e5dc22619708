"""Running generated policies: write, load, drop the rules that cannot compile, ask."""

from __future__ import annotations

import contextlib
import os
import tempfile

from policy_lang import Decision, Policy, PolicyError, Request
from tests.reference import semantics as ref

from .strategies import files

IMPOSSIBLE = {"PLE402", "PLE403", "PLE507", "PLE502"}
"""Mistakes that a random policy may have and that the reference does not know: rules that match nothing."""


def load(policy: ref.Policy, folder: str | None = None) -> Policy | None:
    """The engine's policy, or None when the text is one that rightly does not compile. Files go to `folder`."""
    with contextlib.ExitStack() as stack:
        folder = folder or stack.enter_context(tempfile.TemporaryDirectory())
        for name, text in files(policy).items():
            with open(os.path.join(folder, name), "w") as stream:
                stream.write(text)
        try:
            return Policy.load(os.path.join(folder, f"{policy.root.name}.policy"))
        except PolicyError as error:
            if {d.code for d in error.diagnostics} <= IMPOSSIBLE:
                return None
            raise


def ask(policy: Policy, request: ref.Request) -> Decision:
    resource = request.resource
    return policy.decide_request(
        Request(
            request.action,
            tuple(resource) if isinstance(resource, list) else resource,
            agent=request.agent,
            repo=request.repo,
            context=request.context,
            workspace=request.workspace,
            home=request.home,
            method=request.method,
            lexical=True,
            now=request.now,
        )
    )
