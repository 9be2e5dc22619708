"""Running generated policies: compile, drop the rules that cannot compile, ask."""

from __future__ import annotations

import os

from policy_lang import Decision, Policy, PolicyError, Request
from policy_lang.compiler.load import compile_file
from tests.reference import semantics as ref

from .strategies import files

IMPOSSIBLE = {"PLE402", "PLE403", "PLE507", "PLE502"}
"""Mistakes that a random policy may have and that the reference does not know: rules that match nothing."""

FOLDER = "/policies"
"""Where the files of every generated policy are taken to stand; nothing is written."""


def load(policy: ref.Policy, more: str = "") -> Policy | None:
    """The engine's policy, or None when the text, which ends with `more`, is one that rightly does not compile."""
    texts = {os.path.join(FOLDER, name): text.encode() for name, text in files(policy).items()}
    policy.files = list(texts)
    texts[policy.files[0]] += more.encode()
    try:
        return Policy._of(compile_file(policy.files[0], read=lambda path, _: texts[path]))
    except PolicyError as error:
        if {d.code for d in error.diagnostics} <= IMPOSSIBLE:
            return None
        raise


def request_of(request: ref.Request) -> Request:
    """The reference's request as the engine takes it."""
    resource = request.resource
    return Request(
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
        confined=request.confined,
        versioned=request.versioned,
        destination=request.destination,
        arguments=request.arguments,
    )


def ask(policy: Policy, request: ref.Request) -> Decision:
    return policy.decide_request(request_of(request))
