"""Profiles that a policy brings: where they may stand, and what they say."""

from __future__ import annotations

import os

from ..domain.errors import Diagnostic
from ..resolve.modules import Module
from ..resolve.resolver import ResolvedPolicy
from ..shell.profile import Profile
from .profiles import NAME, ProfileError, builtin, parse_profile
from .server_tools import SUFFIX


def profile_name(path: str) -> str:
    """The program that a profile's file is about."""
    return os.path.basename(path).removesuffix(".toml").removesuffix(".profile")


def own_profiles(resolved: ResolvedPolicy) -> tuple[dict[str, Profile], list[tuple[str, bytes]]]:
    """The profiles by program, and their files. Reports what is wrong with them."""
    outer = _outermost(resolved)
    found: dict[str, Profile] = {}
    contents: list[tuple[str, bytes]] = []
    for module in resolved.modules:
        for path, data, span in module.profiles:
            if path.endswith(SUFFIX):
                continue
            name = profile_name(path)
            if not any(module is m for m in outer):
                message = "a profile changes what every rule sees, also those of the ceiling"
                resolved.diagnostics.append(
                    Diagnostic("PLE510", message, span, "name it in the one outermost ceiling, or drop the ceilings")
                )
            elif name in found:
                message = f"a second profile of `{name}`"
                resolved.diagnostics.append(Diagnostic("PLE510", message, span, "keep one"))
            elif not NAME.fullmatch(name):
                message = f"`{name[:60]}` is not a program's name"
                resolved.diagnostics.append(Diagnostic("PLE509", message, span, "name the file after the program"))
            else:
                contents.append((path, data))
                try:
                    made = parse_profile(name, data)
                except ProfileError as error:
                    resolved.diagnostics.append(
                        Diagnostic("PLE509", str(error), span, "see docs/reference/commands.md")
                    )
                    continue
                same = builtin(made) if isinstance(made, str) else made
                if same is None:
                    message = f"`{name}` is the same as a program without a profile"
                    resolved.diagnostics.append(Diagnostic("PLE509", message, span, "name one that has a profile"))
                    continue
                found[name] = same
    return found, contents


def _outermost(resolved: ResolvedPolicy) -> list[Module]:
    """The modules of the one layer that nothing stands above; empty when there are several."""
    outer = []
    for layer in resolved.layers:
        members = _members(layer.module)
        if not any(m.ceilings for m in members):
            outer.append(members)
    return outer[0] if len(outer) == 1 else []


def _members(module: Module) -> list[Module]:
    members: list[Module] = []
    todo = [module]
    while todo:
        one = todo.pop()
        if not any(one is m for m in members):
            members.append(one)
            todo.extend(inner for inner, _ in one.imports)
    return members
