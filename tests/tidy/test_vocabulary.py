"""Code, messages, help and documentation use the words of docs/explanation/glossary.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.tidy.test_tidy import MODULES, ROOT

GLOSSARY = (ROOT / "docs/explanation/glossary.md").read_text()
ROWS = [
    row
    for row in re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|(.*)\|$", GLOSSARY, re.MULTILINE)
    if row[0] not in {"term", "---"}
]
"""Each term, its meaning, and what it took the place of."""

IDENTIFIERS = {
    "told": "recorded, given",
    "told_first": "record_before",
    "Look": "CheckFunction",
    "probe": "ask",
    "Judge": "Combiner",
    "judged": "decided",
    "Held": "DeferredReply",
    "Later": "LongPoll",
    "Kept": "FrozenStore",
    "Face": "ConnectionFactory",
    "Wanted": "TicketQuery",
    "InForce": "PolicyInForce",
    "bars": "forbidden_options",
    **{
        form: term
        for term, _, instead in ROWS
        for name in re.findall(r"`(\w+)`", instead)
        for form in (name, f"{name}s", name.capitalize())
    },
}
"""Retired names, the glossary's and more: of variables, functions, classes, attributes, arguments and modules, and what to write instead."""

MODULES_RETIRED = {
    "strictly": "strict_json",
    "plain": "serialize",
    "seen": "disk_snapshot",
    "ground": "context",
    "partly": "partial",
    "floor": "protected_files",
    "kept": "frozen_store",
    "answering": "api/approvals",
    "approving": "approval_service",
}
"""Retired names of modules."""

TEXT = {
    r"\b(is|are|was|were|be) no valid\b": "is not a valid",
    r"\bhold an agent by\b": "enforce the policy with agent hooks",
    r"\bput it in an agent's way\b": "enforce the policy with agent hooks",
    r"\bnot meant:|## not meant\b": "does not fire on",
    r"\bheld answers? up\b": "delayed",
    r"\b(is|are) told (by|with|here|now|once|as|anew)\b|\bbe told from\b": "is reported, is identified by",
    r"[`}] (is|was) no (?!longer\b)": "is not a valid",
    r"\b(is|was) no (finding|fault|answer|step|evidence|proof|denial)\b": "is not a",
    r"\bleast readable\b": "minimal, readable",
    r"\bjudge ends of\b": "evaluate suppression expiry",
    r"\bis held\b(?= by)": "is enforced",
    r"\bso decided\b": "only decisions with this effect",
    r"(?!(?<=[`\"'])mend(s|ed|ing)?[`\"'])(?<!\.)\bmend(s|ed|ing)?\b": "fix, remediation",
    **{rf"\b{re.escape(phrase)}\b": term for term, _, instead in ROWS for phrase in re.findall(r'"([^"]+)"', instead)},
}
"""Retired phrases, the glossary's and more, in any text, and what to write instead."""


def identifiers(tree: ast.AST) -> set[str]:
    """Every name that a module makes or uses. Keywords of calls are the callee's, or keys of JSON, which stay."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.alias(name=name, asname=other):
                found |= {name.rpartition(".")[2], other or name.rpartition(".")[2]}
            case ast.ImportFrom(module=str(module)):
                found |= set(module.split("."))
    return found


def test_names_are_those_of_the_glossary() -> None:
    wrong = []
    for path in MODULES:
        place = path.relative_to(ROOT / "policy_lang").as_posix()
        for name in {n.strip("_") for n in identifiers(ast.parse(path.read_text()))}:
            if name in IDENTIFIERS:
                wrong.append(f"{place}: `{name}`; write `{IDENTIFIERS[name]}`")
        if path.stem in MODULES_RETIRED:
            wrong.append(f"{place}; call it `{MODULES_RETIRED[path.stem]}`")
    assert not wrong, "\n".join(sorted(wrong))


TEXTS = [
    *MODULES,
    *(p for p in (ROOT / "docs").rglob("*.md") if p.name != "glossary.md"),
    *(ROOT / n for n in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *(ROOT / "policy_lang").rglob("*.html"),
]


@pytest.mark.parametrize("pattern", TEXT)
def test_sentences_are_in_the_words_of_the_glossary(pattern: str) -> None:
    retired = re.compile(pattern, re.IGNORECASE)
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {found[0]!r}; write {TEXT[pattern]!r}"
        for path in TEXTS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for found in [retired.search(line)]
        if found
    ]
    assert not wrong, "\n".join(wrong)


def test_the_glossary_is_reached_and_has_every_word_once() -> None:
    terms = [term for term, _, _ in ROWS]
    assert len(terms) == len(set(terms)) > 50
    assert {"reach", "glass", "ground", "mend"} <= set(IDENTIFIERS)
    assert r"\bcounts\ against\ the\ agent\b" in TEXT
    for page_name in ("README.md", "docs/explanation/architecture.md", "CONTRIBUTING.md"):
        assert "glossary.md" in Path(ROOT / page_name).read_text(), page_name


def test_the_glossarys_words_are_those_that_are_used() -> None:
    """Each term stands in code or documents, as words or as a name."""
    texts = "\n".join(path.read_text() for path in TEXTS)
    for term, _, _ in ROWS:
        spelled = "[ _-]?".join(map(re.escape, re.split("[ -]", term)))
        assert re.search(rf"(?<![a-z]){spelled}", texts, re.IGNORECASE), term


def test_modules_say_what_they_are() -> None:
    """The first sentence begins with a noun: a question word leaves open who does what."""
    asks = re.compile(r'"""(What|Who|Which|Where|How|Is|Whether|When)\b')
    assert not [path for path in MODULES if asks.match(path.read_text())]
