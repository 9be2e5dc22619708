"""Policies as text, ready for the linter."""

from __future__ import annotations

from datetime import date

from policy_lang.compiler.load import compile_source
from policy_lang.domain.errors import Source
from policy_lang.lint.capabilities import builtin
from policy_lang.lint.context import LintContext
from policy_lang.lint.finding import Finding
from policy_lang.lint.linter import Options, lint_context

TODAY = date(2026, 11, 1)


def with_header(text: str) -> str:
    """An example of a page as a policy."""
    return text if text.lstrip().startswith(("policy ", "guardrail ")) else f'policy "example"\n{text}'


def context_of(text: str, path: str = "example.policy") -> LintContext:
    """A policy from text. Raises PolicyError."""
    return LintContext(*compile_source(Source(path, with_header(text))), builtin())


def found(text: str, **options: object) -> list[Finding]:
    """What the linter says about a policy."""
    return lint_context(context_of(text), Options(today=TODAY, **options)).findings  # type: ignore[arg-type]
