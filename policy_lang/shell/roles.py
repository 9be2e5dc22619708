"""Roles: what a word of a command line does, by the role that the program's profile gives it."""

from __future__ import annotations

from .access import in_tree, path, wanted_files
from .common_roles import ROLES
from .profile import Parsed
from .reading import Opaque
from .slots import PATH_ROLES
from .values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .host import ProgramHost

RARE = frozenset({
    "sql", "ssh-option", "git-config", "git-dir", "read-context", "read-or-url", "form-file", "container-env",
    "connect-any", "dns", "write-out", "moved", "cloud-own", "format", "compiler-feature", "compiler-warning", "go-ldflags", "go-packages", "python-module", "cloud-from", "cloud-from-tree",
    "cloud-to", "cloud-to-tree", "cloud-moved", "cloud-replaced", "checked-out", "push-ref", "delete-ref", "merge-option", "object-type", "make-word", "php-setting",
})  # fmt: skip
"""Roles of `rare_roles`, which is loaded when a command first has one."""


def is_role(name: str) -> bool:
    """True for the name of a role that a profile may give to one word."""
    return name in PATH_ROLES or name in ROLES or name in RARE


def role(shell: ProgramHost, parsed: Parsed, name: str, value: Value, index: int) -> None:
    """Record what a word in a role does. Raises Opaque for roles that cannot be followed."""
    if name == "text":
        return
    if name.endswith("!"):
        parsed.named.add(index)
        name = name[:-1]
    if name in PATH_ROLES:
        action, tree = PATH_ROLES[name]
        names = wanted_files(parsed) if tree else ""
        path(shell.walk, action, value, in_tree(tree, names, value), names, follows=parsed.changes.linked)
        return
    handler = ROLES.get(name)
    if handler is None and name in RARE:
        from .rare_roles import ROLES as RARE_ROLES  # few commands need them

        handler = RARE_ROLES[name]
    if handler is None:
        raise Opaque(f"its profile names an unknown role `{name}`")
    handler(shell, parsed, value, index)
