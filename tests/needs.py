"""Tests of an extra or a program that is not installed are left out and say why; in CI (`CI=true`) they fail."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator

import pytest


def is_set(value: str | None) -> bool:
    """Whether a variable of the environment says yes; `CI=false` says no."""
    return (value or "").lower() not in {"", "0", "false", "no"}


IN_CI = is_set(os.environ.get("CI"))


def missing(*modules: str) -> str:
    """The first of the modules that is not installed; empty when all are."""
    return next((m for m in modules if importlib.util.find_spec(m) is None), "")


def require(*modules: str) -> None:
    """Leave the running test, or the module that is being collected, out unless all are installed."""
    if (gone := missing(*modules)) and not IN_CI:
        pytest.skip(_reason(gone), allow_module_level=True)


@contextlib.contextmanager
def extra() -> Iterator[None]:
    """Imports of an extra: what cannot be imported leaves the test or the module out."""
    try:
        yield
    except ModuleNotFoundError as error:
        if IN_CI:
            raise
        pytest.skip(_reason(str(error.name)), allow_module_level=True)


def needs(reason: str, *, there: bool) -> pytest.MarkDecorator:
    """A mark for tests of a program, which leaves them out where it is not `there`."""
    return pytest.mark.skipif(not there and not IN_CI, reason=reason)


def _reason(module: str) -> str:
    return f"`{module}` is not installed; `./check` installs what developers need (the extra `dev`)"
