"""A seeded monorepo: rules of four sorts, requests that hit, miss and go deep, and the same rules as regexes."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from policy_lang import Policy
from policy_lang.compiler.load import compile_source
from policy_lang.domain.errors import Source

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


def excepted(sort: str, i: int, pattern: str) -> str:
    """What a rule leaves out, or nothing: every fourth grant of a whole tree has an exception."""
    if i % 4 or not pattern.endswith("**"):
        return ""
    if sort == "path" and pattern.startswith("services/"):
        return f"services/svc{i:05}/generated/**"
    return f"team{i:05}/wip/**" if sort == "ref" and pattern.startswith("team") else ""


def rule_text(sort: str, i: int, rule: Rule) -> str:
    """One rule as the language writes it."""
    effect, pattern = rule
    but = excepted(sort, i, pattern)
    return f'{effect} {ACTION[sort]} "{pattern}"' + (f' except "{but}"' if but else "")


def policy_text(sort: str, count: int) -> str:
    """The policy file."""
    lines = (rule_text(sort, i, rule) for i, rule in enumerate(rules(sort, count)))
    return 'policy "bench"\n' + "\n".join(lines) + "\n"


def load(text: str) -> Policy:
    """Compile; the limit on one file's size does not apply to a generated workload."""
    return Policy._of(compile_source(Source("bench.policy", text))[1])


def resources(sort: str, count: int) -> dict[str, Sequence[Resource]]:
    """Requests by kind; `mixed` is many different ones in turn."""
    pick = random.Random(11)
    numbers = [pick.randrange(count) for _ in range(500)]
    if sort == "path":
        hit: Sequence[Resource] = [f"services/svc{n:05}/src/app/main.py" for n in numbers[:20]]
        miss: Sequence[Resource] = ["unknown/dir/file.txt"]
        deep: Sequence[Resource] = ["services/svc00001/" + "/".join(["src"] * 20) + "/main.py"]
        more: Sequence[Resource] = [f"docs/svc{n:05}/a.md" for n in numbers] + [f"secrets/s{n:05}/k" for n in numbers]
        more = [*more, *(f"services/svc{n // 4 * 4:05}/generated/x.py" for n in numbers), *_near(numbers)]
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
        more += [f"team{n // 4 * 4:05}/wip/x" for n in numbers]
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


def _near(numbers: Sequence[int]) -> list[str]:
    """Paths that miss a rule by little: another level, another ending, a name that goes on, a name in the middle."""
    out: list[str] = []
    for n in numbers[:100]:
        out += [
            f"docs/svc{n:05}/a/b.md",
            f"docs/svc{n:05}/a.mdx",
            f"services/svc{n:05}x/main.py",
            f"services/svc{n:05}/.env.e{n}",
        ]
        out += [
            f"libs/lib{n:05}/v2/include/a.h",
            f"libs/lib{n:05}/v2/x/include/a.h",
            f"a/x{n}.pem",
            f"x{n}.pem",
            f"ax{n}.pem",
        ]
    return out


def regexes(sort: str, count: int) -> list[tuple[str, re.Pattern[str], re.Pattern[str] | None]]:
    """The same rules as regular expressions over the normalised text: effect, what matches, what is left out."""
    found = []
    for i, (effect, pattern) in enumerate(rules(sort, count)):
        but = excepted(sort, i, pattern)
        found.append((effect, re.compile(regex(sort, pattern)), re.compile(regex(sort, but)) if but else None))
    return found


def regex(sort: str, pattern: str, between: str = r"\x00") -> str:
    """A pattern as a regular expression; `between` are the words of a command."""
    if sort == "host":
        if pattern.startswith("*."):
            return rf".+\.{re.escape(pattern[2:])}"
        return re.escape(pattern)
    if sort == "argv":
        program, rest, _ = pattern.split(" ", 2)
        verb = rest.replace("{", "(?:").replace("}", ")").replace(",", "|")
        return rf"{program}{between}{verb}(?:{between}.*)?"
    out = "(?:refs/heads/)?" if sort == "ref" else ""
    parts = pattern.split("/")
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if part == "**":
            out += ".+" if last else "(?:[^/]+/)*"
        else:
            out += re.escape(part).replace(r"\*", "[^/]*") + ("" if last else "/")
    return out
