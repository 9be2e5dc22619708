"""Kubernetes: a network policy (networking.k8s.io/v1) that leaves a pod the proxy as its only way out.

It holds nothing of files and variables: those are the pod's own.
"""

from __future__ import annotations

import ipaddress
import json
import re

from .model import NO_HOSTS, ExportError, Model, PathEntry
from .target import ExportTarget, Task, Written

_LABEL = "policy-lang/agent"
"""The label of pods that it is about; its value is the agent's name."""
_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_KEY = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
"""Keys and values of labels, as the API takes them."""
_NOTES = (
    f"it is about pods with the label `{_LABEL}`, and holds where the cluster's network plugin enforces such policies",
    "set HTTP_PROXY, HTTPS_PROXY and ALL_PROXY in the pod; names are looked up by the proxy, not in the pod",
)


def write(task: Task) -> Written:
    """A manifest in YAML. Raises ExportError."""
    name = task.like.agent or "any"
    if not _VALUE.fullmatch(name):
        raise ExportError("the agent's name is no value of a label: letters, digits, `.`, `_`, `-`, at most 63")
    lines = [
        *(f"# {line}" for line in task.heading),
        "apiVersion: networking.k8s.io/v1",
        "kind: NetworkPolicy",
        "metadata:",
        f"  name: policy-lang-{_object_name(name)}",
        "spec:",
        "  podSelector:",
        "    matchLabels:",
        f"      {_LABEL}: {json.dumps(name)}",
        "  policyTypes:",
        "    - Egress",
        *(_way_out(task.proxy) if task.proxy else ["  egress: []"]),
        "",
    ]
    model = Model((PathEntry("/", "write", True),), hosts=None if task.proxy else NO_HOSTS, variables=("**",))
    return Written("\n".join(lines), model, bool(task.proxy), _NOTES)


def _object_name(name: str) -> str:
    """A name that objects may have (RFC 1123): small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "agent"


def _way_out(proxy: str) -> list[str]:
    whom, _, port = proxy.rpartition(":")
    if not (port.isdecimal() and 0 < int(port) < 65536):
        raise ExportError("give `--proxy ADDRESS:PORT`, or `--proxy LABEL=VALUE:PORT` for pods of the same namespace")
    key, equals, value = whom.partition("=")
    if equals:
        if not (_KEY.fullmatch(key) and _VALUE.fullmatch(value)):
            raise ExportError("the proxy's label is not one that a pod can have")
        peer = ["        - podSelector:", "            matchLabels:", f"              {key}: {json.dumps(value)}"]
    else:
        try:
            address = ipaddress.ip_address(whom.removeprefix("[").removesuffix("]"))
        except ValueError:
            raise ExportError("a network policy knows no names: give the proxy's address, or `LABEL=VALUE`") from None
        peer = ["        - ipBlock:", f"            cidr: {json.dumps(f'{address}/{address.max_prefixlen}')}"]
    return ["  egress:", "    - to:", *peer, "      ports:", "        - protocol: TCP", f"          port: {int(port)}"]


_OWN_FILES = "mount into the pod what the policy grants: `policy export docker` lists it"
TARGET = ExportTarget(
    "kubernetes",
    write,
    files=False,
    remedies={**dict.fromkeys(("reads", "writes", "deletes"), _OWN_FILES), "variables": "leave them out of the pod"},
)
