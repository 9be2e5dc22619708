"""The place where a question is asked, as a hook tells it: its folders, its branch, and where a plain push goes."""

from __future__ import annotations

import os

from ..facts.git_index import top_of
from ..pep.questions import depends_on_repository
from ..pep.repository import repository_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def fields_of(action: str, resource: object, given: Mapping[str, object]) -> dict[str, object]:
    """The fields of a request that the place fills in; `given` ones stand. Empty where a hook would have no workspace.

    The workspace is the top of the repository around the working folder, in which a client is started; without one it
    is the folder itself. It is never the whole disk.
    """
    home = str(given.get("home") or os.environ.get("HOME", ""))
    here = str(given.get("cwd") or os.getcwd())
    workspace = str(given.get("workspace") or top_of(here) or here)
    if os.path.realpath(workspace) == "/" or not home.startswith("/") or not os.path.isdir(workspace):
        return {}
    found: dict[str, object] = {"workspace": workspace, "home": home}
    real = os.path.realpath(workspace)
    found["cwd"] = here if f"{os.path.realpath(here)}/".startswith(f"{real}/") else workspace
    if depends_on_repository(action, resource):
        branch = given.get("branch")
        found |= repository_state(workspace, home, str(branch) if branch else "")
    return {name: value for name, value in found.items() if not given.get(name)}
