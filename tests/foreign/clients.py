"""A client's files written in a test, imported, and asked."""

from __future__ import annotations

from policy_lang.domain.errors import Source
from policy_lang.foreign.compare import Imported, decided, imported
from policy_lang.foreign.formats import format_named
from policy_lang.foreign.permissions import STRICTNESS, ClientRequest, Permissions


def of(client: str, path: str, text: str) -> Permissions:
    return format_named(client).read([Source(path, text)])


def taken(permissions: Permissions) -> Imported:
    return imported(permissions, "imported")


def fits(permissions: Permissions) -> dict[str, str]:
    """What became of each permission that stands in a file."""
    return {one.entry.text: one.fit for one in taken(permissions).outcomes if one.entry.span is not None}


def answers(permissions: Permissions, asked: str) -> tuple[str, str]:
    """The client's answer and the policy's to `ACTION RESOURCE`; the policy's is never milder."""
    action, _, resource = asked.partition(" ")
    one = ClientRequest(action, resource)
    theirs, ours = permissions.model(one), decided(taken(permissions).translated.policy, one).effect
    assert STRICTNESS[ours] >= STRICTNESS[theirs], (asked, theirs, ours)
    return theirs, ours
