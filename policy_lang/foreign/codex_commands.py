"""Codex's rules for commands as rules of this language.

What its rules allow runs outside its sandbox, unasked; what no rule names runs inside it, unasked as well. So a rule
that allows is a grant of `run`, and all other commands are granted `when confined`: behind walls that hold the same
policy, which is what its sandbox is here. A rule that forbids or asks is wider here than there: Codex compares plain
commands only, and `npm ci > log`, `CI=1 npm ci` or `(npm ci)` pass its rules by.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from functools import partial

from ..automata.pattern import quoted
from ..domain.actions import ALLOW, ASK, DENY
from ..domain.record import replace
from ..syntax import emit
from .codex_rules import DECISIONS, FORBIDDEN, PROMPT, PrefixRule, spelled
from .codex_shell import plain_commands
from .paths import or_unsaid
from .permissions import EXACT, IDLE, NARROWER, UNSAID, ClientRequest, Permission, said, tries
from .rule_examples import with_examples

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..syntax.tree import ExampleNode
    from .codex_config import CodexSettings

_MOST_SPELLED = 64  # limit: client_rule_spellings
"""Commands that are written out for one rule where braces cannot hold its words."""
_MOST_BRACES = 256  # limit: pattern_alternatives
_MOST_WORDS = 64  # limit: client_rule_words
"""Words of one rule: a pattern's length is bounded, and no command that people name is longer."""
_LONGEST_REASON = 400  # limit: client_reason_characters
"""Characters of a justification that are taken over."""
_IN_BRACES = re.compile(r"[\w./:=@+%-]+", re.ASCII)
_PLAIN = re.compile(r"[\w\[\]{}?!*@%+=:,./~^-]+", re.ASCII)
_SHELLS = frozenset({"bash", "sh", "zsh"})
_INTERPRETERS = re.compile(
    r"(?:ba|z|da|k|fi)?sh|python[\d.]*|pypy[\d.]*|node|deno|bun|ruby|perl|php|pwsh|env|sudo|xargs|npx|uvx|awk|find",
    re.ASCII,
)
"""Programs that run what they are given: a rule that names no more of them allows anything."""


def entries(settings: CodexSettings) -> list[Permission]:
    """What each rule comes to, and what is made by a program."""
    strictest = _strictest_of(settings)
    out = [
        or_unsaid(
            f"{rule.decision} {rule.shown}"[:200],
            rule.decision != "allow",
            rule.span,
            partial(_entry, rule, settings, strictest),
        )
        for rule in settings.rules.rules
    ]
    with_rules = [i for i, entry in enumerate(out) if entry.rules]
    examples = [_examples(settings.rules.rules[i]) for i in with_rules]
    found = with_examples([out[i].rules[0] for i in with_rules], examples)
    for i, rule in zip(with_rules, found, strict=True):
        out[i] = replace(out[i], rules=(rule,))
    for text, span in settings.rules.unread:
        why = "it is made by a program, which is not run here"
        out.append(Permission(text, ALLOW, fit=UNSAID, why=why, span=span))
    return out


def _examples(rule: PrefixRule) -> list[ExampleNode]:
    """Its examples, as far as they can be said."""
    out = []
    for negated in (False, True):
        lines = [shlex.join(e.words) for e in rule.examples if e.matches != negated and "\0" not in "".join(e.words)]
        if lines:
            out.append(emit.example(lines, negated=negated))
    return out


def _strictest_of(settings: CodexSettings) -> dict[tuple[str, ...], PrefixRule]:
    """For each beginning of a command the strictest rule that names it."""
    out: dict[tuple[str, ...], PrefixRule] = {}
    for rule in settings.rules.counted:
        for words in spelled(rule, _MOST_SPELLED) or ():
            if words not in out or DECISIONS[rule.decision] > DECISIONS[out[words].decision]:
                out[words] = rule
    return out


def _entry(rule: PrefixRule, settings: CodexSettings, strictest: dict[tuple[str, ...], PrefixRule]) -> Permission:
    effect = {PROMPT: ASK, FORBIDDEN: DENY}.get(rule.decision, ALLOW)
    text = f"{rule.decision} {rule.shown}"
    why = _idle(rule, strictest)
    if why:
        return Permission(text, effect, fit=IDLE, why=why, span=rule.span)
    if effect == ASK and not (settings.asks and settings.rules_ask):
        effect = DENY
    if _is_script(rule):
        why = "a whole script that is compared as one word cannot be said: a script is read here"
        return Permission(text, effect, fit=UNSAID, why=why, span=rule.span)
    patterns = patterns_of(rule, settings) if len(rule.words) <= _MOST_WORDS else None
    if patterns is None:
        return Permission(
            text, effect, fit=UNSAID, why="it has more words, or alternatives, than a pattern can hold", span=rule.span
        )
    fit, why = EXACT, ""
    held = effect
    if effect == ALLOW and (not settings.trusted or settings.approval == "untrusted"):
        held = ASK if settings.asks else DENY
        fit, why = NARROWER, "here Codex asks as soon as anything stands around a command, which is read through here"
    elif effect != ALLOW:
        why = "Codex compares plain commands only: with a redirection, an assignment or a variable it passes this by"
    reason = " ".join(rule.justification.split())[:_LONGEST_REASON]
    made = said(held, ["run"], patterns, because=reason)
    return Permission(
        text, effect, (made,), fit, why, _tries(rule, effect), rule.span, _misread(rule, effect, settings)
    )


def _idle(rule: PrefixRule, strictest: dict[tuple[str, ...], PrefixRule]) -> str:
    """Why a rule never has an effect; empty where it may have one."""
    if _is_script(rule) and all(plain_commands(script) for script in rule.words[2]):
        return "Codex takes such a script apart and compares its commands, never the script"
    over = None
    for words in spelled(rule, _MOST_SPELLED) or [()]:
        found = (strictest.get(words[:size]) for size in range(1, len(words) + 1))
        over = next((r for r in found if r and DECISIONS[r.decision] > DECISIONS[rule.decision]), None)
        if over is None:
            return ""
    return f"`{over.decision} {over.shown}` holds for all of it, and the strictest rule wins" if over else ""


def _is_script(rule: PrefixRule) -> bool:
    """Whether it is about a shell that is given a script as one word."""
    return (
        len(rule.words) == 3
        and all(posixpath.basename(shell) in _SHELLS for shell in rule.words[0])
        and all(flag in {"-lc", "-c"} for flag in rule.words[1])
    )


def _misread(rule: PrefixRule, effect: str, settings: CodexSettings) -> str:
    """What a rule means where it seems to mean something else."""
    first = rule.words[0]
    blank = next((word for word in first if " " in word), None)
    if blank is not None:
        return f"means one word with a blank in it, `{blank[:40]}`: write each word of the command by itself"
    star = next((word for may in rule.words for word in may if "*" in word), None)
    if star is not None:
        return f"means the word `{star[:40]}` with its star: words are compared as they are"
    if effect != ALLOW or not settings.sandboxed:
        return ""
    if len(rule.words) == 1:
        free = next((word for word in first if _INTERPRETERS.fullmatch(posixpath.basename(word))), None)
        if free is not None:
            return f"lets `{free[:40]}` run anything that it is given, outside the sandbox"
    if rule.implied:
        return "has no `decision`, and allows: outside the sandbox, unasked"
    return ""


def patterns_of(rule: PrefixRule, settings: CodexSettings) -> tuple[str, ...] | None:
    """The patterns for the commands that a rule matches; None for too many."""
    firsts = [(word,) for word in _programs(rule, settings)]
    inside = all(_IN_BRACES.fullmatch(word) for may in rule.words for word in may)
    count = 1
    for may in rule.words[1:]:
        count *= len(may)
    if inside and count <= _MOST_BRACES:
        rest = [_braces(may) for may in rule.words[1:]]
        room = _MOST_BRACES // count
        names = [word for (word,) in firsts]
        groups = [names[i : i + room] for i in range(0, len(names), room)]
        return tuple(" ".join([_braces(tuple(group)), *rest, "**"]) for group in groups)
    found = spelled(rule, _MOST_SPELLED)
    if found is None:
        return None
    words = [(name, *one[1:]) for (name,) in firsts for one in found]
    return tuple(dict.fromkeys(" ".join([*map(_word, one), "**"]) for one in words))


def _programs(rule: PrefixRule, settings: CodexSettings) -> list[str]:
    """The names of its programs: with the paths that count as them, where it grants."""
    out: list[str] = []
    for name in rule.words[0]:
        out.append(f"./{name}" if "/" in name and name[0] not in "/.~" else name)
        if rule.decision == "allow" and "/" not in name:
            out += settings.rules.paths.get(name, ())
    return list(dict.fromkeys(out))


def _braces(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{{{','.join(words)}}}"


def _word(word: str) -> str:
    """A word of a pattern that means exactly this word."""
    text = quoted(word)
    return text if text and _PLAIN.fullmatch(text) else shlex.quote(text)


def _tries(rule: PrefixRule, effect: str) -> tuple[ClientRequest, ...]:
    """Commands at the boundary: its own, a longer, a shorter, another order, other words, and what stands around."""
    first = tuple(may[0] for may in rule.words)
    last = tuple(may[-1] for may in rule.words)
    base = shlex.join(first)
    out = [base, f"{base} x", shlex.join(last), f"{base} > out.txt", f"MODE=1 {base}", f"({base})", f"{base} $HOME/x"]
    out += [f"{base}x", shlex.join([*first[:-1], "other"]), f"{base} -v"]
    if len(first) > 1:
        out += [shlex.join(first[:-1]), shlex.join([first[0], "-v", *first[1:]])]
    if "/" not in first[0]:
        out += [f"/usr/bin/{base}", f"/opt/other/bin/{base}", f"./{base}"]
    out += [f"{base} && unheard-of x", f"unheard-of | {base}", f"sudo {base}", f"timeout 5 {base}"]
    out.append(f"bash -c {shlex.quote(base)}")
    if effect == ALLOW:
        out += [f"{base} -c 'x'", f"{base} <<'EOF'\nx\nEOF", f"{base} &"]
    out += [example.text for example in rule.examples[:4]]
    return tries("run", *out)
