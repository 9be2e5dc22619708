"""A seeded monorepo: rules of four sorts, requests that hit, miss and go deep, and the same rules as regexes."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from policy_lang import Policy
from policy_lang.compiler.load import _finish
from policy_lang.domain.errors import Source
from policy_lang.resolve.program import resolve_file

ACTION = {"path": "read", "host": "connect", "ref": "push", "argv": "run"}
Rule = tuple[str, str]
Resource = str | tuple[str, ...]


def rules(sort: str, count: int) -> list[Rule]:
    """(effect, pattern), the shapes of a monorepo: mostly prefixes, some suffixes, some denies everywhere."""
    pick = random.Random(7)
    return [_rule(sort, i, pick.random()) for i in range(count)]


def _rule(sort: str, i: int, x: float) -> Rule:
    if sort == "path":
        if x < 0.55:
            return "allow", f"services/svc{i:05}/**"
        if x < 0.70:
            return "allow", f"services/svc{i:05}/src/**/*.py"
        if x < 0.78:
            return "deny", f"secrets/s{i:05}/**"
        if x < 0.86:
            return "allow", f"docs/svc{i:05}/*.md"
        if x < 0.96:
            return "deny", ("**/.env.e{0}", "**/x{0}.pem", "**/node_modules/m{0}/**")[i % 3].format(i)
        return "allow", f"libs/lib{i:05}/v*/include/*.h"
    if sort == "host":
        return (
            ("deny", f"bad{i}.svc{i:05}.acme.example")
            if x < 0.2
            else ("allow", ("*.svc{0:05}.acme.example" if x < 0.6 else "api.svc{0:05}.example").format(i))
        )
    if sort == "ref":
        return ("deny", f"team{i:05}/release-*") if x < 0.3 else ("allow", f"team{i:05}/**")
    return ("deny", f"tool{i:05} delete **") if x < 0.3 else ("allow", f"tool{i:05} {{get,list}} **")


def policy_text(sort: str, count: int) -> str:
    """The policy file."""
    return 'policy "bench"\n' + "\n".join(f'{e} {ACTION[sort]} "{p}"' for e, p in rules(sort, count)) + "\n"


def load(text: str) -> Policy:
    """Compile; the limit on one file's size does not apply to a generated workload."""
    return Policy._of(_finish(resolve_file("bench.policy", Source("bench.policy", text))))


def resources(sort: str, count: int) -> dict[str, Sequence[Resource]]:
    """Requests by kind; `mixed` is many different ones in turn."""
    pick = random.Random(11)
    numbers = [pick.randrange(count) for _ in range(500)]
    if sort == "path":
        hit: Sequence[Resource] = [f"services/svc{n:05}/src/app/main.py" for n in numbers[:20]]
        miss: Sequence[Resource] = ["unknown/dir/file.txt"]
        deep: Sequence[Resource] = ["services/svc00001/" + "/".join(["src"] * 20) + "/main.py"]
        more: Sequence[Resource] = [f"docs/svc{n:05}/a.md" for n in numbers] + [f"secrets/s{n:05}/k" for n in numbers]
    elif sort == "host":
        hit = [f"a.svc{n:05}.acme.example" for n in numbers[:20]]
        miss = ["www.unknown.example"]
        deep = ["a.b.c.d.e.f.g.h.svc00001.acme.example"]
        more = [f"api.svc{n:05}.example" for n in numbers] + [f"bad{n}.svc{n:05}.acme.example" for n in numbers]
    elif sort == "ref":
        hit = [f"team{n:05}/feature/x" for n in numbers[:20]]
        miss = ["unknown/feature"]
        deep = ["team00001/" + "/".join(["a"] * 20)]
        more = [f"team{n:05}/release-1" for n in numbers] + [f"refs/heads/team{n:05}/x" for n in numbers]
    else:
        hit = [(f"tool{n:05}", "get", "pods", "-o", "json") for n in numbers[:20]]
        miss = [("unknown", "get", "x")]
        deep = [("tool00001", "get", *["word"] * 20)]
        more = [(f"tool{n:05}", "delete", "x") for n in numbers] + [(f"tool{n:05}", "list", "x") for n in numbers]
    mixed: list[Resource] = [*hit, *miss, *deep, *more]
    pick.shuffle(mixed)
    return {"hit": hit, "miss": miss, "deep": deep, "mixed": mixed}


def fresh(sort: str, count: int, number: int) -> list[Resource]:
    """Resources that nothing has asked for yet."""
    pick = random.Random(13)
    out: list[Resource] = []
    for i in range(number):
        n = pick.randrange(count)
        made: dict[str, Resource] = {
            "path": f"services/svc{n:05}/new{i}/f{i}.py",
            "host": f"h{i}.svc{n:05}.acme.example",
            "ref": f"team{n:05}/n{i}/x",
            "argv": (f"tool{n:05}", "get", f"w{i}"),
        }
        out.append(made[sort])
    return out


def regexes(sort: str, count: int) -> list[tuple[str, re.Pattern[str]]]:
    """The same rules as regular expressions over the normalised text."""
    return [(effect, re.compile(_regex(sort, pattern))) for effect, pattern in rules(sort, count)]


def _regex(sort: str, pattern: str) -> str:
    if sort == "host":
        if pattern.startswith("*."):
            return rf".+\.{re.escape(pattern[2:])}"
        return re.escape(pattern)
    if sort == "argv":
        program, rest, _ = pattern.split(" ", 2)
        return rf"{program}\x00{rest.replace('{', '(?:').replace('}', ')').replace(',', '|')}(?:\x00.*)?"
    out = "(?:refs/heads/)?" if sort == "ref" else ""
    parts = pattern.split("/")
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if part == "**":
            out += ".+" if last else "(?:[^/]+/)*"
        else:
            out += re.escape(part).replace(r"\*", "[^/]*") + ("" if last else "/")
    return out
