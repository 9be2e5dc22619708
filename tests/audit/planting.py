"""Planted secrets and ordinary commands, made up from `planted/secrets.txt` and `planted/ordinary.txt`: the same values each time."""

import base64
import random
import re
import string
import uuid
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "planted"
ALPHABETS = {
    "w": string.ascii_letters + string.digits,
    "h": string.hexdigits[:16],
    "H": string.digits + "ABCDEF",
    "u": string.ascii_uppercase + "234567",
    "l": string.ascii_lowercase + string.digits,
    "b": string.ascii_letters + string.digits + "+/",
    "B": string.ascii_uppercase + "234567",
    "s": string.ascii_letters + string.digits + "-_",
    "d": string.digits,
}
WORDS = [
    "amber",
    "falcon",
    "winter",
    "copper",
    "meadow",
    "harbor",
    "violet",
    "thunder",
    "maple",
    "granite",
    "orchid",
    "lantern",
    "saddle",
    "pepper",
    "velvet",
    "cactus",
    "anchor",
    "bishop",
    "canyon",
    "dolphin",
    "ember",
    "fossil",
    "garnet",
    "hollow",
    "island",
    "jigsaw",
    "kettle",
    "lagoon",
    "marble",
    "nectar",
    "oyster",
    "pigeon",
    "quartz",
    "ribbon",
    "summit",
    "tunnel",
    "umbra",
    "walnut",
    "yonder",
    "zephyr",
]
MARKED = re.compile("«([^»]*)»")
WINDOW = 8
"""So many characters in a row of a secret are a leak; of a shorter one, all of them."""


@dataclass(frozen=True)
class Planted:
    """One script with the secrets in it."""

    kind: str
    number: int
    text: str
    secrets: tuple[str, ...]

    def leaked(self, output: str) -> bool:
        """Whether some secret, or enough of it, can be read in the output."""
        return any(piece in output for secret in self.secrets for piece in windows(secret))


def windows(secret: str) -> list[str]:
    """What of a secret must not be seen."""
    return [secret[at : at + WINDOW] for at in range(max(1, len(secret) - WINDOW + 1))]


def value(spec: str, draw: random.Random) -> list[str]:
    """The pieces of one marked value, each of which is secret; what joins them is not."""

    def run(alphabet: str, count: int) -> str:
        return "".join(draw.choice(alphabet) for _ in range(count))

    if spec == "p":  # as people choose them: a word, another one, digits
        return [
            draw.choice(WORDS).title()
            + draw.choice(["", "-", "_", "."])
            + draw.choice(WORDS)
            + str(draw.randrange(10, 9999))
        ]
    if spec == "p2":  # as it stands in a URL
        return [draw.choice(WORDS) + str(draw.randrange(100, 999)) + "%21" + draw.choice(WORDS)]
    if spec in ("q", "q2"):  # with a shell's signs; it stands in single quotes
        return [
            draw.choice(WORDS)
            + draw.choice("$#@&" if spec == "q" else "#@")
            + draw.choice(WORDS).title()
            + draw.choice("!?*;")
            + str(draw.randrange(10, 99))
        ]
    if spec == "words":
        return [" ".join(draw.sample(WORDS, 5))]
    if spec == "uuid":
        return [str(uuid.UUID(int=draw.getrandbits(128), version=4))]
    if spec == "pem":
        return [run(ALPHABETS["b"], 64) for _ in range(4)]
    if spec == "pem64":
        body = "\n".join(run(ALPHABETS["b"], 64) for _ in range(4))
        whole = "-----BEGIN RSA " + f"PRIVATE KEY-----\n{body}\n-----END RSA " + "PRIVATE KEY-----\n"
        return [base64.b64encode(whole.encode()).decode()[40:]]
    if spec == "basic":
        return [base64.b64encode(f"bob:{run(ALPHABETS['w'], 20)}".encode()).decode()]
    if spec == "jwt":
        return [run(ALPHABETS["s"], 60), run(ALPHABETS["s"], 43)]
    return [run(ALPHABETS[spec[0]], int(spec[1:]))]


JOINS = {"pem": "\n", "jwt": "."}
HEADS = {
    "jwt": "eyJhbGciOiJIUzI1NiJ9.",
    "pem64": base64.b64encode(b"-----BEGIN RSA " + b"PRIVATE KEY-----").decode()[:40],
}


def made_up(template: str, draw: random.Random) -> tuple[str, tuple[str, ...]]:
    """A line of a data file as a script, and the secrets in it."""
    secrets: list[str] = []

    def fill(found: re.Match[str]) -> str:
        pieces = value(found[1], draw)
        secrets.extend(piece for piece in pieces if len(piece) > 4)
        return HEADS.get(found[1], "") + JOINS.get(found[1], "").join(pieces)

    text = MARKED.sub(fill, template.replace("⏎", "\n"))
    return text, tuple(secrets)


def read_lines(name: str, seed: int) -> list[Planted]:
    """The scripts of one data file."""
    found, kind, number = [], "", 0
    for number, line in enumerate((FOLDER / name).read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("## "):
            kind = line[3:]
        elif line and not line.startswith("# "):
            text, secrets = made_up(line, random.Random(f"{seed} {number}"))
            found.append(Planted(kind, number, text, secrets))
    return found


def planted(seed: int = 1) -> list[Planted]:
    """Scripts with secrets in them."""
    return read_lines("secrets.txt", seed)


def later(seed: int = 1) -> list[Planted]:
    """Scripts with secrets that were written after the rules."""
    return read_lines("later.txt", seed)


def ordinary(seed: int = 1) -> list[str]:
    """Commands in which nothing is secret."""
    return [one.text for name in ("ordinary.txt", "ordinary-later.txt") for one in read_lines(name, seed)]
