"""The folders of the grammar and the standard library: in the wheel, or beside the package in a checkout."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from .domain.faults import InternalError


class DamagedInstallationError(InternalError, FileNotFoundError):
    """A folder that belongs to the package is missing."""


def resource_dir(name: str) -> Traversable:
    """The folder `grammar` or `stdlib_policies`. Raises DamagedInstallationError when the installation is damaged."""
    packaged = files("policy_lang") / name
    if packaged.is_dir():
        return packaged
    root = Path(__file__).resolve().parent.parent
    if (root / "pyproject.toml").is_file() and (root / name).is_dir():
        return root / name
    raise DamagedInstallationError(f"the folder `{name}` is missing from this installation of policy_lang")
