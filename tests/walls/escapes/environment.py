# ruff: noqa: SIM117, T201
"""Attempts to see the caller's environment, and to lay traps for the next start."""

from __future__ import annotations

import os
import subprocess

from tests.walls.escapes.kit import OUTPUT, Context, add, attempt, goes_on, put

SEEN = "the caller's variables are seen"
TRAP = "what was planted runs outside at the next start"
MADE = "a file appears that programs outside believe"


@attempt(SEEN, OUTPUT)
def own_environment(c: Context) -> None:
    print(dict(os.environ), flush=True)


@attempt(SEEN, OUTPUT)
def own_environment_by_program(c: Context) -> None:
    subprocess.run(["/usr/bin/env"], check=False)


@attempt(SEEN, OUTPUT)
def own_environment_at_start(c: Context) -> None:
    with open("/proc/self/environ", "rb") as f:
        os.write(1, f.read())


@attempt(SEEN, OUTPUT)
def parents_environment(c: Context) -> None:
    with open(f"/proc/{os.getppid()}/environ", "rb") as f:
        os.write(1, f.read())


@attempt(SEEN, OUTPUT)
def environment_by_ps(c: Context) -> None:
    """What `ps e` shows of the processes above and of this one."""
    script = 'p=$$; for i in 1 2 3; do tr "\\0" " " < /proc/$p/environ; p=$(cut -d" " -f4 /proc/$p/stat); [ "$p" -gt 1 ] || break; done'
    subprocess.run(["/bin/sh", "-c", script], check=False)


@attempt("a credential in the home is read", OUTPUT)
def home_of_environment(c: Context) -> None:
    with goes_on():
        with open(os.path.expanduser("~/.ssh/id_ed25519"), "rb") as f:
            os.write(1, f.read())
    with open(os.path.expanduser("~/.netrc"), "rb") as f:
        os.write(1, f.read())


def python_trap(c: Context) -> str:
    return f"open({c.outside!r}, 'w').write({c.token!r})\n"


def shell_trap(c: Context) -> str:
    return f"#!/bin/sh\necho {c.token} > {c.outside}\n"


def plant(c: Context, name: str, text: str) -> None:
    path = f"{c.own}/{name}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o755)


def trap(name: str, files: tuple[str, ...], text: object, start: str, **options: object) -> None:
    """An attempt that plants files where it may, and waits for the next start."""

    def run(c: Context) -> None:
        for file in files:
            plant(c, file, text(c))

    add(name, run, TRAP, start=start, **options)


trap("trap_sitecustomize", ("sitecustomize.py",), python_trap, "PYTHONPATH={own}")
trap("trap_usercustomize", ("lib/python3.11/site-packages/usercustomize.py",), python_trap, "PYTHONUSERBASE={own}")
trap(
    "trap_pth_file",
    ("lib/python3.11/site-packages/x.pth",),
    lambda c: "import os; " + python_trap(c),
    "PYTHONUSERBASE={own}",
)
trap("trap_json_module", ("json.py", "json/__init__.py"), python_trap, "PYTHONPATH={own}")
trap("trap_package", ("policy_lang/__init__.py",), python_trap, "PYTHONPATH={own}")
trap("trap_module_in_folder", ("json.py",), python_trap, "HARMLESS=1")
trap("trap_bubblewrap", ("bin/bwrap",), shell_trap, "PATH={own}/bin:{path}")
trap("trap_python_program", ("bin/python3", "bin/python", "bin/bwrap"), shell_trap, "PATH={own}/bin:{path}")
trap("trap_folder_in_path", ("bwrap",), shell_trap, "PATH=.:{path}")
trap("trap_empty_in_path", ("bwrap",), shell_trap, "PATH=:{path}")
trap("trap_shell_start", ("env.sh",), shell_trap, "BASH_ENV={own}/env.sh", bare="nothing here starts bash")
trap(
    "trap_python_inspect",
    ("start.py",),
    python_trap,
    "PYTHONSTARTUP={own}/start.py",
    bare="only a Python that is typed into reads it",
)


LIBRARY = """
#include <fcntl.h>
#include <unistd.h>
int cap_from_name(void) { return 0; }
__attribute__((constructor)) static void start(void) {
    int fd = open("%s", O_WRONLY | O_CREAT, 0644);
    if (fd >= 0) { if (write(fd, "%s", %d) < 0) close(fd); close(fd); }
}
"""


def library(c: Context, name: str) -> None:
    """Compiled where it is planted; the compiler is a program that every box has or has not."""
    source = f"{c.own}/trap.c"
    with open(source, "w") as f:
        f.write(LIBRARY % (c.outside, c.token, len(c.token)))
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", f"{c.own}/{name}", source], check=True)


add("trap_preload", lambda c: library(c, "trap.so"), TRAP, start="LD_PRELOAD={own}/trap.so")
add("trap_audit", lambda c: library(c, "trap.so"), TRAP, start="LD_AUDIT={own}/trap.so")


@attempt(TRAP, start="LD_LIBRARY_PATH={own}")
def trap_library_path(c: Context) -> None:
    """Stands in for libraries that bubblewrap or Python load, with what they want of them."""
    library(c, "trap.so")
    for name in ("libcap.so.2", "libffi.so.8"):
        os.link(f"{c.own}/trap.so", f"{c.own}/{name}")


def writes(name: str, path: object, **options: object) -> None:
    """An attempt to make a file that programs outside take orders from."""

    def run(c: Context) -> None:
        place = path(c)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        put(place, c)

    add(name, run, MADE, **options)


writes("settings_claude", lambda c: f"{c.ws}/.claude/settings.json")
writes("settings_claude_local", lambda c: f"{c.ws}/.claude/settings.local.json")
writes("settings_codex", lambda c: f"{c.ws}/.codex/config.toml")
writes("settings_gemini", lambda c: f"{c.ws}/.gemini/settings.json")
writes("settings_cursor", lambda c: f"{c.ws}/.cursor/mcp.json")
writes("settings_editor", lambda c: f"{c.ws}/.vscode/tasks.json")
writes("settings_mcp", lambda c: f"{c.ws}/.mcp.json")
writes("settings_direnv", lambda c: f"{c.ws}/.envrc")
writes("settings_make", lambda c: f"{c.ws}/Makefile")
writes("settings_home_claude", lambda c: f"{c.home}/.claude/settings.json")
writes("settings_home_codex", lambda c: f"{c.home}/.codex/config.toml")
writes("settings_home_git", lambda c: f"{c.home}/.gitconfig")
writes("settings_home_python", lambda c: f"{c.home}/.local/lib/python3.11/site-packages/usercustomize.py")
writes("git_hook_post_commit", lambda c: f"{c.ws}/.git/hooks/post-commit")
writes("git_attributes", lambda c: f"{c.ws}/.git/info/attributes")
writes("git_worktree_config", lambda c: f"{c.ws}/.git/config.worktree")
writes("git_lock", lambda c: f"{c.ws}/.git/packed-refs.lock")
writes("package_module", lambda c: f"{c.package}/{c.token}.py")
writes("package_compiled", lambda c: f"{c.package}/__pycache__/{c.token}.pyc")
writes(
    "environment_of_launcher",
    lambda c: f"{os.path.dirname(c.package)}/.venv/lib/{c.token}.pth",
    bare="there is no environment beside the stage",
)


@attempt(MADE)
def git_config_by_git(c: Context) -> None:
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}
    subprocess.run(["git", "-C", c.ws, "config", "core.fsmonitor", c.token], check=False, env=quiet)


def on_policy(name: str, means: str, run: object, **options: object) -> None:
    add(name, run, means, alone=True, **options)


GRANTS = 'policy "box"\nagent "**" { allow read, write, delete "/" allow run "**" }\n'


def overwritten(path: str, flags: int = os.O_WRONLY) -> None:
    fd = os.open(path, flags)
    os.write(fd, GRANTS.encode())
    os.close(fd)


def replaced(path: str, c: Context) -> None:
    put(f"{c.own}/p", c)
    os.rename(f"{c.own}/p", path)


def folder_replaced(c: Context) -> None:
    rules = os.path.dirname(c.policy)
    os.rename(rules, f"{c.own}/rules")
    os.mkdir(rules)
    put(c.policy, c)


def linked_and_written(c: Context) -> None:
    os.link(c.policy, f"{c.own}/p.txt")
    overwritten(f"{c.own}/p.txt")


WIDER = "the policy that holds is changed"
on_policy("policy_overwritten", WIDER, lambda c: overwritten(c.policy))
on_policy("policy_appended", WIDER, lambda c: overwritten(c.policy, os.O_WRONLY | os.O_APPEND))
on_policy("policy_emptied", WIDER, lambda c: os.truncate(c.policy, 0))
on_policy("policy_replaced", WIDER, lambda c: replaced(c.policy, c))
on_policy("policy_removed", WIDER, lambda c: os.unlink(c.policy))
on_policy("policy_moved", WIDER, lambda c: os.rename(c.policy, f"{c.own}/p"))
on_policy("policy_folder_replaced", WIDER, folder_replaced)
on_policy("policy_linked", WIDER, linked_and_written)
on_policy("policy_mode", WIDER, lambda c: os.chmod(c.policy, 0o666))
on_policy("policy_imported_overwritten", WIDER, lambda c: overwritten(f"{os.path.dirname(c.policy)}/shared.policy"))
on_policy("policy_imported_replaced", WIDER, lambda c: replaced(f"{os.path.dirname(c.policy)}/shared.policy", c))
on_policy("policy_compiled_planted", WIDER, lambda c: put(c.policy.replace(".policy", ".plc"), c))
on_policy("policy_compiled_planted_beside", WIDER, lambda c: put(c.policy + ".plc", c))
