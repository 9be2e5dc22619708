"""Requests that an agent makes to hold the service up: some 250, by kind, each small enough to be sent again and again.

Most were written before it was looked at what the engine does with them. `{ws}` stands for the workspace.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

Call = dict[str, Any]
"""A body of `POST /v1/decide`."""


def run(text: str | list[str], **more: Any) -> Call:
    """A request to run a script, or the words of one command."""
    return {"action": "run", "resource": text, "workspace": "{ws}", "cwd": "{ws}", **more}


def _pairs(count: int) -> str:
    return "".join(f"{{{chr(97 + i % 26)},{chr(65 + i % 26)}}}" for i in range(count))


def _disk() -> Iterator[Call]:
    """What makes somebody look at many files."""
    for tree in ("/usr", "/", "/usr/lib", "/proc", "/sys", "/usr/share"):
        for words in (
            f"cp -r {tree} src/x", f"rm -rf {tree}/*", f"mv {tree} src/y", f"rg x {tree}", f"grep -r x {tree}",
            f"tar cf src/a.tar {tree}", f"chmod -R 777 {tree}", f"find {tree} -name '*.py' -delete",
            f"ls -R {tree}", f"rsync -a {tree}/ src/z", f"rm -rf {tree}/*/*/*", f"cat {tree}/**/*.h",
        ):  # fmt: skip
            yield run(words)
    yield run("; ".join(f"cp -r /usr src/x{n}" for n in range(8)))
    yield run("; ".join(f"rm -rf /usr/*{n}" for n in range(30)))
    yield run("; ".join(f"cat /usr/share/*/*/{n}*" for n in range(40)))
    yield run("git add -A && git stash -u && git clean -fdx && git checkout other && git reset --hard HEAD~3")
    yield run(";".join(f"git checkout b{n}" for n in range(60)))
    yield run(";".join(f"git clean -fdx /usr/{n}" for n in range(40)))
    for action in ("read", "write", "delete"):
        yield {"action": action, "resource": "/".join(["d"] * 250), "workspace": "{ws}", "cwd": "{ws}"}
        yield {"action": action, "resource": "../" * 200 + "usr/" * 40 + "x", "workspace": "{ws}", "cwd": "{ws}"}
        yield {"action": action, "resource": "/proc/self/root/" * 60 + "x", "workspace": "{ws}", "cwd": "{ws}"}
        yield {"action": action, "resource": "/usr/**/{a,b}*/**/*c*", "pattern": True, "workspace": "{ws}"}


def _expansions() -> Iterator[Call]:
    """What few characters make much of."""
    for count in (6, 8, 10, 12, 13, 14, 20):
        yield run(f"rm -rf src/{_pairs(count)}/x")
        yield run(f"echo {_pairs(count)}")
        yield run(f"rm -rf src/{_pairs(count)}/*")
    for first, last in ((1, 60), (1, 4000), (1, 99_999), (-(10**9), 10**9)):
        yield run(f"rm -rf src/{{{first}..{last}}}")
        yield run(f"touch src/{{{first}..{last}..3}}/{{a..z}}")
    yield run("; ".join(f"rm -rf src/{_pairs(6)}/{n}" for n in range(30)))
    yield run("a=x; " + "; ".join("a=$a$a" for _ in range(40)) + "; rm -rf $a")
    yield run("; ".join(f"a{n}=${{a{n - 1}}}${{a{n - 1}}}" for n in range(1, 60)) + "; rm $a59")
    yield run("; ".join(f"v{n}=$(printf %s $v{n - 1} $v{n - 1})" for n in range(1, 80)) + "; cat $v79")
    yield run("set -- " + "a " * 3000 + '; rm "$@" "$@" "$@"')
    yield run("x=(" + "a " * 3000 + '); rm "${x[@]}" "${x[@]/a/b}"')
    yield run("eval " * 20 + "echo hi")
    yield run("rm " + " ".join(f"$((2**{n}))" for n in range(500)))


def _loops() -> Iterator[Call]:
    """What is gone round again and again."""
    for depth in (2, 3, 4, 6, 10, 20):
        names = [chr(97 + n) for n in range(depth)]
        opened = " ".join(f"for {n} in 1 2 3 4 5 6 7 8; do" for n in names)
        body = " ".join(f"${n}" for n in names)
        yield run(f"{opened} rm -rf src/{body}; {'done; ' * depth}")
        yield run("while read a; do " * depth + "rm $a; " + "done; " * depth)
        yield run("if test -f a; then b=1; else b=$b$b; fi; " * depth * 8 + "rm $b")
        yield run(" || ".join(["cd a && b=$b/x"] * depth * 6) + "; rm $b")
    for count in (8, 16, 30):
        yield run("".join(f"f{n}() {{ f{n + 1}; f{n + 1}; }}; " for n in range(count)) + f"f{count}() {{ rm a; }}; f0")
        yield run("f() { f; f; rm $1; }; " + "f a; " * count * 6)
        yield run("".join(f"case $x{n} in a*) y=$y{n} ;; *b) cd $y ;; *) rm $y ;; esac; " for n in range(count * 3)))
        yield run("trap 'rm $a' EXIT; " * count + "".join(f"a=$a{n}; cd d{n}; " for n in range(count * 3)))
    yield run("for a in " + " ".join(map(str, range(3000))) + "; do rm src/$a; cd $a; done")
    yield run("until false; do for a in *; do for b in $a/*; do cd $b; rm *; done; done; done")


def _commands() -> Iterator[Call]:
    """Long commands, and commands with many readings."""
    for program in ("zz", "git", "find", "docker", "kubectl", "tar", "rsync", "curl", "npm", "xargs", "env", "sudo"):
        yield run([program] + [f"--o{n}={n}:a,b=c@d" for n in range(1200)])
        yield run([program] + [f"-{chr(97 + n % 26)}" for n in range(3000)] + ["--"] + ["x"] * 900)
        yield run([program] + ["a/b:c,d=e@f/g:h"] * 2000)
        yield run([program, "sh", "-c"] * 40 + ["rm x"])
    yield run("find . " + "-name 'a*' -o " * 800 + "-delete")
    yield run("find . \\( " * 200 + "-name x" + " \\)" * 200 + " -exec rm {} +")
    yield run("sed -e '" + "s/a/b/w x;" * 1500 + "' f")
    yield run("awk '" + '{ print > "f" $1 }' * 1500 + "'")
    yield run("env " * 600 + "rm x")
    yield run("sh -c '" * 1 + 'sh -c "rm x"' + "'" * 1)
    yield run("bash -c " + "'bash -c '\\''" * 12 + "rm x" + "'\\'''" * 12)
    yield run("git -c " + "a.b=c -c " * 900 + "x=y push origin main")
    yield run("git push origin " + " ".join(f"a{n}:refs/heads/b{n}" for n in range(900)))
    yield run(" | ".join(["xargs -I{} sh -c 'rm {}'"] * 200))
    yield run(" && ".join(f"curl https://h{n}.example/p{n} -o src/{n}" for n in range(300)))
    yield run("make " + " ".join(f"t{n} V{n}=$(shell rm {n})" for n in range(500)))
    yield run("cat <<E\n" + "$(rm a) `rm b` ${x:-$(rm c)}\n" * 700 + "E\n")
    yield run("( " * 22 + "rm x" + " )" * 22)
    yield run("echo $(" * 20 + "rm x" + ")" * 20)
    yield run("rm " + "'a'\"b\"\\c$d" * 3000)
    yield run("#" * 60_000)
    yield run(":;" * 15_000)
    yield run("a=b " * 9000 + "rm x")
    yield run("rm " + "*" * 250 + "/" + "?*" * 100 + "/" + "[a-z]*" * 40)
    yield run("rm " + " ".join("*" * (n % 9 + 1) + "a" * n for n in range(200)))
    for shell in ("bash", "zsh", "dash", "fish", "powershell"):
        yield run("rm -rf src/*(/)~b(N)" * 400, shell=shell)
        yield run("f() { g $1$1; }; g() { f $1$1; }; f a; rm x; " * 60, shell=shell)


def _patterns() -> Iterator[Call]:
    """What is only partly known."""
    for many in (2, 6, 12):
        yield run("git ** " + "{a,b,*c*} " * many + "**", pattern=True)
        yield {"action": "connect", "resource": "https://" + "{a,b}*." * many + "example/**", "pattern": True}
        yield {"action": "push", "resource": "refs/heads/" + "*{a,b}*/" * many + "**", "pattern": True}
        yield {"action": "write", "resource": "src/" + "*{a,b}?*/" * many + "**", "pattern": True, "workspace": "{ws}"}
    yield {"action": "connect", "resource": "https://a.example/" + "%61/" * 2000}
    yield {"action": "connect", "resource": "https://a.example/?" + "a=b&" * 1800}
    yield {"action": "connect", "resource": "a.example", "resolved": [f"10.0.0.{n}" for n in range(64)]}
    yield {"action": "call", "resource": "t." * 120 + "x"}
    yield {"action": "push", "resource": "refs/heads/" + "a/" * 500 + "b"}


def _bodies() -> Iterator[Call]:
    """What is long, or deep, around an ordinary question."""
    write: Call = {"action": "write", "resource": "src/a", "workspace": "{ws}"}
    yield {**write, "content": {"tool": "Write", "text": "x\n" * 60_000}}
    yield {**write, "content": {"tool": "Edit", "edits": [{"old": "a" * 60, "new": "b" * 60} for _ in range(990)]}}
    yield {**write, "context": {f"k{n}": "v" * 200 for n in range(64)}}
    yield {**write, "context": {f"k{n}": "v" for n in range(80_000)}}
    yield {**write, "origin": {"purpose": "p" * 200_000}}
    yield {**write, "git": {"remotes": {f"r{n}": f"https://h{n}.example/x" for n in range(20_000)}}}
    yield {**write, "unknown": [[[[[[[[[[]]]]]]]]]] * 1000}
    yield {**write, "home": "/" + "h/" * 1500}
    yield {"action": "write" * 50_000, "resource": "x"}
    yield {"action": "connect", "resource": "a.example", "resolved": ["::1"] * 100_000}
    for shape in itertools.product(("$(", "`", "${a:-"), ("'", '"', "")):
        yield run("".join(shape) * 3000)


HOSTILE: dict[str, list[Call]] = {
    "disk": list(_disk()),
    "expansions": list(_expansions()),
    "loops": list(_loops()),
    "commands": list(_commands()),
    "patterns": list(_patterns()),
    "bodies": list(_bodies()),
}
"""By kind."""
