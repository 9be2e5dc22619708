"""Patterns of one segment and of sequences, by backtracking; the three answers that there are."""

from __future__ import annotations

YES, NO, OPEN = "yes", "no", "open"


def braces(text: str) -> list[str]:
    depth, start = 0, text.find("{")
    if start < 0:
        return [text]
    parts, last = [], start + 1
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if (text[i] == "," and depth == 1) or (text[i] == "}" and depth == 0):
            parts.append(text[last:i])
            last = i + 1
        if depth == 0:
            rests = braces(text[i + 1 :])
            return [text[:start] + inner + rest for part in parts for inner in braces(part) for rest in rests]
    raise ValueError(text)


def glob(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(glob(pattern[1:], text[i:]) for i in range(len(text) + 1))
    if not text:
        return False
    if pattern[0] == "?":
        return glob(pattern[1:], text[1:])
    if pattern[0] == "[":
        end = pattern.index("]")
        negated = pattern[1] == "!" and end > 2
        body = pattern[2:end] if negated else pattern[1:end]
        ends = [(ord(x), ord(body[i + 2])) for i, x in enumerate(body[:-2]) if body[i + 1] == "-"]
        chars = {chr(c) for low, high in ends for c in range(low, high + 1)} | set(body)
        return (text[0] in chars) != negated and glob(pattern[end + 1 :], text[1:])
    return pattern[0] == text[0] and glob(pattern[1:], text[1:])


def sequence(pattern: list[str], word: list[str]) -> bool:
    if not pattern:
        return not word
    if pattern[0] == "**":
        return any(sequence(pattern[1:], word[i:]) for i in range(len(word) + 1))
    return bool(word) and glob(pattern[0], word[0]) and sequence(pattern[1:], word[1:])


def most(values: list[str]) -> str:
    return YES if YES in values else OPEN if OPEN in values else NO


def negate(value: str) -> str:
    return {YES: NO, NO: YES, OPEN: OPEN}[value]


def every(values: list[str]) -> str:
    return NO if NO in values else OPEN if OPEN in values else YES
