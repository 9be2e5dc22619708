"""Presence of options in a command: three values, since without a program's own profile some cases are open.

An option is surely present when a word spells it exactly, no word before is `--`, and the word before cannot
have taken it as its value (it does not begin with `-`). It may be present when a word could spell it: in a
bundle (`-fu`), abbreviated (`--forc`), with a value (`--opt=v`), with one dash. After a `--` that is surely no
option's value, words are operands. Program profiles can only make the open cases sharper.
"""

from __future__ import annotations


def present(options: tuple[str, ...], words: tuple[str, ...]) -> bool | None:
    """True when one of the options is surely given, False when surely none is, else None."""
    possible = False
    ended = False
    before = ""
    for word in words[1:]:
        if word.startswith("-") and len(word) > 1:
            if word == "--":
                if not before.startswith("-"):
                    break
                ended = True  # perhaps the value of the option before it
            for option in options:
                if _exact(option, word) and not ended and not before.startswith("-"):
                    return True
                possible = possible or _could_be(option, word)
        before = word
    return None if possible else False


def _exact(option: str, word: str) -> bool:
    return word == option or (option.startswith("--") and word.startswith(option + "="))


def _could_be(option: str, word: str) -> bool:
    name = word.partition("=")[0]
    if len(option) == 2:
        return option[1] in word[1:] if not word.startswith("--") else False
    bare, spelled = option.lstrip("-"), name.lstrip("-")
    if spelled == bare:
        return True
    if option.startswith("--"):
        return name.startswith("--") and bool(spelled) and bare.startswith(spelled)
    return not word.startswith("--") and bare.startswith(spelled) and bool(spelled)
