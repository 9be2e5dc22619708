"""Of every built-in profile: an option that a restriction names is met in each of its spellings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from policy_lang import Policy
from policy_lang.automata.pattern import MANY
from policy_lang.compiler.profiles import builtin, builtin_names
from policy_lang.engine.options import given
from policy_lang.engine.readings import readings
from policy_lang.shell.profile import LONG_WITH_ONE_DASH, Option, Parsed, Profile, parse_argv
from policy_lang.shell.reading import Opaque
from policy_lang.shell.values import literal


def spellings(profile: Profile, option: Option, value: str) -> Iterator[tuple[str, ...]]:
    """Words that give an option, with its value if it takes one."""
    for name in option.names:
        if profile.options.get(name) is not option or not name.startswith("-") or name == "-":
            continue  # another option took the name
        long = name.startswith("--") or profile.style in LONG_WITH_ONE_DASH
        if not option.role:
            yield (name,)
        elif option.role.startswith("pair"):
            yield (name, "name", value)
        else:
            if not option.attached_only:
                yield (name, value)
            if long:
                yield (f"{name}={value}",)
            elif len(name) == 2:
                yield (f"{name}{value}",)


def parsed(profile: Profile, words: tuple[str, ...]) -> Parsed | None:
    try:
        return parse_argv(profile, tuple(map(literal, (profile.name, *words))))
    except Opaque:
        return None


@pytest.mark.parametrize("program", builtin_names())
def test_each_spelling_of_an_option_is_the_same(program: str) -> None:
    profile = builtin(program)
    assert profile is not None
    for option in {id(o): o for o in profile.options.values()}.values() if profile.style != "none" else ():
        words = list(spellings(profile, option, "7"))
        others = list(spellings(profile, option, "8")) if option.role else []
        for written in words:
            made = readings((program, *written, MANY), lambda _: profile)
            assert made, written
            groups = [g for r in made for g in r.needs]
            for spelled in words:
                command = parsed(profile, (*spelled, *((profile.default,) if profile.default else ())))
                if command is not None and command.profile.style != "none":
                    assert all(given(g, command) is True for g in groups), (written, spelled, groups)
            for spelled in others:
                command = parsed(profile, spelled)
                if command is not None and command.profile.style != "none":
                    assert not all(given(g, command) for g in groups), (written, spelled, groups)


GO = """
policy "p"
allow run "docker run **", "docker ps **", "terraform apply **", "kubectl delete **", "helm upgrade **", "gh pr **", "ls **"
deny run "docker run **" with "--rm"
deny run "kubectl delete **" with "--force"
deny run "terraform apply **" with "-auto-approve"
"""


@pytest.mark.parametrize(
    ("script", "effect"),
    [
        ("docker run --rm=false x", "allow"), ("docker run --rm=true x", "deny"), ("docker run --rm=1 x", "deny"), ("docker run --rm --rm=false x", "allow"), ("docker run --rm=false --rm x", "deny"),
        ("docker run --privileged=false x", "allow"), ("docker run --privileged=true x", "deny"), ("docker run --privileged x", "deny"), ("docker run --rm=maybe x", "deny"), ('docker run --rm="$1" x', "deny"), ("docker run -i=false -t=true x", "allow"),
        ("terraform apply -auto-approve=false", "allow"), ("terraform apply -auto-approve=true", "deny"), ("terraform apply --auto-approve=T", "deny"),
        ("kubectl delete pod x --force=false", "allow"), ("kubectl delete pod x --force=true", "deny"), ("helm upgrade --install=true r c", "allow"), ("helm upgrade --dry-run=false --install=F r c", "allow"),
        ("gh pr view --help", "allow"), ("gh pr list -h", "allow"), ("docker ps --help", "allow"), ("docker ps --all=false", "allow"), ("ls --all=false", "deny"),
    ],
)  # fmt: skip
def test_flags_of_programs_in_go_take_true_and_false(script: str, effect: str) -> None:
    policy = Policy.loads(GO, "/elsewhere/p.policy")
    assert policy.decide(action="run", resource=script, workspace="/work", lexical=True).effect == effect
