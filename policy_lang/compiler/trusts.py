"""Folders that a policy trusts: where the statement may stand, and which of them count."""

from __future__ import annotations

import posixpath

from ..domain.errors import Diagnostic
from ..resolve.resolver import ResolvedPolicy
from ..syntax import tree


def trusted_folders(resolved: ResolvedPolicy) -> tuple[str, ...]:
    """The folders that every layer trusts which may grant, sorted. Reports what is wrong with a statement."""
    granting = [layer.module for layer in resolved.layers if layer.module.kind == "policy"]
    said: list[frozenset[str]] = []
    for module in resolved.modules:
        items = [item for item in module.file.items if isinstance(item, tree.Trust)]
        if items and not any(module is m for m in granting):
            message = "only a policy that decides by itself may trust a folder, no import and no guardrail"
            span = module.file.span(items[0].pos)
            fix = "write it in the policy, or in its ceiling"
            resolved.diagnostics.append(Diagnostic("PLE512", message, span, fix))
        folders = [word for item in items for word in item.folders]
        for word in folders:
            why = _fault(word.text)
            if why:
                fix = 'write it as `"/opt/homebrew/bin"`, `"~/.local/bin"` or `"./.venv/bin"`'
                resolved.diagnostics.append(Diagnostic("PLE511", why, module.file.span(word.pos), fix))
        if any(module is m for m in granting):
            said.append(frozenset(word.text.rstrip("/") for word in folders if not _fault(word.text)))
    return tuple(sorted(frozenset.intersection(*said))) if said else ()


def _fault(text: str) -> str:
    """Why a text names no folder that can be trusted; empty when it does."""
    if not text.startswith(("/", "./", "~/")):
        return f"`{text[:60]}` does not say where the folder lies"
    if any(c in text for c in "*?[]{}$\\") or not text.isprintable():
        return "a trusted folder is named in full, without wildcards and variables"
    bare = text.rstrip("/").removeprefix("./")
    if bare in {"", ".", "~"} or posixpath.normpath(bare) != bare or bare.startswith(".."):
        return "the folder is not written in its shortest form, or is the root of everything"
    return ""
