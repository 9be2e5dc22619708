"""Random policies about commands with options, and the commands that hit and nearly hit them: the same for each seed.

Programs with a profile and one that nobody knows; sub-commands, options with values, other spellings, exceptions. No hypothesis: pairs
are small as they are, and twenty thousand of them must be cheap.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from random import Random

from policy_lang import Policy, PolicyError
from policy_lang.analysis.spaces import Layout
from policy_lang.analysis.witness import USUAL, Witness
from policy_lang.compiler.load import compile_file
from policy_lang.facts.paths import HOME, TMP, WORKSPACE

from .support import IMPOSSIBLE

_HEAD = 'policy "p"\ntier review { approvers "@p" }\ntier security { approvers "@s" includes review }\n'
HEADER = _HEAD.count("\n")
"""The lines before a policy's rules."""
USUAL_LAYOUT = Layout(USUAL[WORKSPACE], USUAL[HOME], USUAL[TMP])


@dataclass(frozen=True)
class Program:
    name: str
    subs: tuple[str, ...]
    options: tuple[str, ...]
    """As rules speak of them."""
    spellings: tuple[str, ...]
    """As commands may give them, with values and in bundles, and near misses."""
    words: tuple[str, ...] = ("main", "x")


PROGRAMS = (
    Program("zz", ("a", "b"), ("-f", "--force", "--x", "-o"), ("-f", "--force", "--forc", "-fu", "--force=1", "--x", "--xy", "-x", "-o", "-o=1")),
    Program("git", ("push", "log", "commit"), ("--force", "-f", "-n", "--dry-run", "--no-verify"), ("--force", "-f", "--forc", "-fn", "-n", "--dry-run", "--no-verify", "-C", "--no-pager", "--force-with-lease")),
    Program("kubectl", ("get", "delete"), ("--all", "--force", "-n", "--namespace", "-o"), ("--all", "--all=true", "--force", "-n", "-nprod", "--namespace=prod", "--namespace", "-o", "-oyaml"), ("pods", "prod")),
    Program("docker", ("run", "ps"), ("--privileged", "-v", "--rm", "-d"), ("--privileged", "--privileged=true", "-v", "-v=/:/x", "--volume", "--rm", "-d", "-dit", "-it"), ("img", "/:/x")),
    Program("terraform", ("apply", "plan"), ("-auto-approve", "-target"), ("-auto-approve", "--auto-approve", "-auto-approve=true", "-target=x", "-target"), ("tf.plan",)),
    Program("curl", (), ("-X", "--request", "-o", "-d"), ("-X", "-XPOST", "--request", "--request=POST", "-o", "-ofile", "-d", "-sXPOST", "-s"), ("POST", "https://h.example/")),
    Program("rm", (), ("-r", "--recursive", "-f"), ("-r", "-R", "-rf", "-fr", "--recursive", "--recurs", "-f", "-i"), ("a", "dir")),
    Program("gh", ("pr", "repo"), ("--admin", "-R"), ("--admin", "-R", "--repo", "-Rx"), ("merge", "list", "delete")),
    Program("aws", ("s3", "ec2"), ("--recursive", "--region"), ("--recursive", "--region", "--region=x"), ("rm", "ls")),
    Program("npm", ("install", "run"), ("--ignore-scripts", "-g", "--global"), ("--ignore-scripts", "-g", "--global", "--ignore-scripts=false"), ("left-pad",)),
)  # fmt: skip


def pattern(draw: Random, one: Program) -> str:
    """A pattern of a program's commands."""
    name = one.name if draw.random() < 0.93 else draw.choice(["*", f"{{{one.name},zz}}"])
    out = [name]
    if one.subs and draw.random() < 0.75:
        out.append(draw.choice([*one.subs, *one.subs, "*", "{" + ",".join(one.subs[:2]) + "}"]))
    for _ in range(draw.choice([0, 0, 0, 0, 1, 1, 2])):
        kind = draw.random()
        if kind < 0.4:
            out.append(draw.choice(one.options))
        elif kind < 0.75:
            out.append(draw.choice(one.words))
        else:
            out.append(draw.choice(["*", "**", "-*", "?*", one.words[0][:1] + "*"]))
    if draw.random() < 0.7:
        out.append("**")
    if out.count("**") > 2 or any(a == b == "**" for a, b in itertools.pairwise(out)):
        return pattern(draw, one)
    return " ".join(out)


def rule(draw: Random, programs: list[Program], guardrail: bool = False) -> str:
    """A rule about commands."""
    one = draw.choice(programs)
    effect = draw.choice(
        ["deny", "ask review"] if guardrail else ["allow"] * 6 + ["ask review", "ask security", "deny", "deny"]
    )
    patterns = [pattern(draw, one)]
    if draw.random() < 0.15:
        patterns.append(pattern(draw, draw.choice(programs)))
    if draw.random() < 0.03:
        patterns.append("opaque")
    text = f"{effect} run " + ", ".join(p if p == "opaque" else f'"{p}"' for p in patterns)
    if draw.random() < 0.2:
        text += f' except "{pattern(draw, one)}"'
    for word, share in (("with", 0.25), ("without", 0.25)):
        if draw.random() < share:
            names = draw.sample(one.options, draw.choice([1, 1, 2]))
            text += f" {word} " + ", ".join(f'"{n}"' for n in names)
    if effect != "deny" and not guardrail and draw.random() < 0.05:
        text += " log"
    if draw.random() < 0.08:
        text += ' when agent == "codex"'
    return text


def rules(draw: Random, programs: list[Program]) -> list[str]:
    """The rules of a policy."""
    return [rule(draw, programs) for _ in range(draw.randint(1, 4))]


def changed(draw: Random, programs: list[Program], before: list[str]) -> list[str]:
    """The rules after an edit: one added, dropped, or in the place of another, now and then all new."""
    after = list(before)
    kind = draw.random()
    if kind < 0.5:
        after.insert(draw.randint(0, len(after)), rule(draw, programs))
    elif kind < 0.65 and len(after) > 1:
        after.pop(draw.randrange(len(after)))
    elif kind < 0.9:
        after[draw.randrange(len(after))] = rule(draw, programs)
    else:
        after = rules(draw, programs)
    return after


def load(lines: list[str], guarded: list[str]) -> Policy | None:
    """The policy with these rules, `guarded` in an imported guardrail; None when a rule rightly does not compile."""
    texts = {"/p/p.policy": _HEAD + ('import "g.policy"\n' if guarded else "") + "\n".join(lines) + "\n"}
    texts["/p/g.policy"] = 'guardrail "g"\n' + "\n".join(guarded) + "\n"
    try:
        return Policy._of(compile_file("/p/p.policy", read=lambda path, _: texts[path].encode()))
    except PolicyError as error:
        if {d.code for d in error.diagnostics} <= IMPOSSIBLE:
            return None
        raise


def command(draw: Random, programs: list[Program]) -> tuple[str, ...]:
    """A command that the policies may speak of, or nearly."""
    one = draw.choice(programs)
    out = [one.name if draw.random() < 0.97 else "qq"]
    if one.subs and draw.random() < 0.88:
        out.append(draw.choice(one.subs) if draw.random() < 0.95 else "other")
    for _ in range(draw.choice([0, 1, 1, 2, 2, 3, 4])):
        kind = draw.random()
        if kind < 0.5:
            out.append(draw.choice(one.spellings))
        elif kind < 0.9:
            out.append(draw.choice(one.words))
        else:
            out.append(draw.choice(["--", "-", "a", "--no-such", "y"]))
    if draw.random() < 0.15 and len(out) > 2:  # an option before the sub-command
        out.insert(1, out.pop())
    return tuple(out)


def witness(draw: Random, programs: list[Program]) -> Witness:
    """A request to run such a command."""
    given = {"agent": draw.choice(["codex", "other"])} if draw.random() < 0.5 else {}
    return Witness("run", command(draw, programs), given, None, USUAL_LAYOUT)
