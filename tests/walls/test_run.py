"""`policy run` as users start it: what is enforced, exit codes, signals, refusals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .running import ACCEPTED, POLICY, WALLS, altered, command, environment, place, run

pytestmark = WALLS
_ = place


def test_files_are_made_where_the_policy_says(place: Path) -> None:
    done = run(place, "sh", "-c", "echo a > src/a; echo b > b.txt; echo c > c.md; echo d > src/d.pem; cat src/a b.txt")
    assert done.stdout == "a\nb\n"
    assert (place / "w/src/a").read_text() == "a\n"
    assert sorted(p.name for p in (place / "w").rglob("*") if p.is_file()) == ["a", "b.txt"]
    assert done.stderr.count("Permission denied") == 2


def test_denied_files_cannot_be_read(place: Path) -> None:
    (place / "w/k.pem").write_text("secret")
    (place / ".netrc").write_text("secret")
    done = run(place, "sh", "-c", "cat k.pem; cat ../.netrc; cp k.pem src/k; ln k.pem src/l; mv k.pem src/m; echo done")
    assert done.stdout == "done\n"
    assert (place / "w/k.pem").read_text() == "secret"


def test_links_lead_to_what_is_decided(place: Path) -> None:
    (place / "w/k.pem").write_text("secret")
    run(place, "sh", "-c", "ln -s ../k.pem src/l; echo x > src/l; ln -s ../new.pem src/n; echo x > src/n")
    assert (place / "w/k.pem").read_text() == "secret"
    assert not (place / "w/new.pem").exists()


def test_folders_with_denied_names_are_not_renamed(place: Path) -> None:
    (place / "w/src/a").mkdir()
    (place / "w/src/a/k.pem").write_text("secret")
    (place / "w/src/b").mkdir()
    done = run(place, "sh", "-c", "mv src/a src/c; mv src/b src/d; ls src")
    assert done.stdout == "a\nd\n"


def test_exit_status_is_the_commands(place: Path) -> None:
    assert run(place, "sh", "-c", "exit 7").returncode == 7
    assert run(place, "sh", "-c", "kill -9 $$").returncode == 128 + 9
    assert run(place, "no-such-program").returncode == 127
    assert run(place, "./src").returncode == 126


def test_a_program_that_is_hidden_is_named(place: Path) -> None:
    package = place / "npm/lib/node_modules/client"
    for folder in (package, place / "npm/bin", place / "w/src"):
        folder.mkdir(parents=True, exist_ok=True)
    (package / "main").write_text("#!/bin/sh\necho works\n")
    (package / "main").chmod(0o755)
    (place / "npm/bin/client").symlink_to("../lib/node_modules/client/main")
    given = {"PATH": f"{place}/npm/bin:{os.environ['PATH']}"}
    done = run(place, "client", env=given)
    assert done.returncode == 127
    assert f"`--system {place}/npm/bin --system {place}/npm/lib/node_modules` shows it" in done.stderr
    shown = ("--system", f"{place}/npm/bin", "--system", f"{place}/npm/lib/node_modules")
    done = run(place, "client", env=given, options=shown)
    assert (done.stdout, done.stderr, done.returncode) == ("works\n", "", 0)
    assert "is not there inside" not in run(place, "no-such-program").stderr
    assert "is not there inside" not in run(place, "sh", "-c", "exit 127").stderr


def test_signals_reach_the_command(place: Path) -> None:
    script = "trap 'echo told; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
    words = command(place, "sh", "-c", script)
    with subprocess.Popen(words, cwd=place / "w", env=environment(place), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "told\n"
        assert process.wait(10) == 9


def test_everything_ends_with_the_launcher(place: Path) -> None:
    script = "echo ready; while :; do echo x >> src/log; sleep 0.05; done"
    words = command(place, "sh", "-c", script)
    with subprocess.Popen(words, cwd=place / "w", env=environment(place), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.5)
        process.kill()
        process.wait(10)
        time.sleep(0.5)
        size = (place / "w/src/log").stat().st_size
        time.sleep(0.5)
        assert (place / "w/src/log").stat().st_size == size


def test_the_environment_is_made_from_nothing(place: Path) -> None:
    done = run(place, "env", env={"SECRET_TOKEN": "s3cr3t", "CI": "1", "LANG": "C.UTF-8"})
    assert "s3cr3t" not in done.stdout
    assert "CI=1" in done.stdout
    done = run(
        place, "sh", "-c", "tr '\\0' '\\n' < /proc/1/environ; cat /proc/1/cmdline", env={"SECRET_TOKEN": "s3cr3t"}
    )
    assert "s3cr3t" not in done.stdout
    granted = run(place, "env", env={"SECRET_TOKEN": "s3cr3t"}, policy=POLICY + 'allow use "SECRET_TOKEN"\n')
    assert "SECRET_TOKEN=s3cr3t" in granted.stdout


def test_only_variables_that_are_granted_are_recorded(place: Path) -> None:
    log = place / "log"
    rules = POLICY + 'allow use "SECRET_TOKEN"\n'
    run(place, "true", env={"SECRET_TOKEN": "s3cr3t", "OTHER": "x"}, policy=rules, options=("--log", str(log)))
    records = [json.loads(line) for line in (log / "00000001.jsonl").read_text().splitlines()]
    asked = [
        r["request"] for r in records if r.get("kind") == "decision" and r["request"]["action"] in {"use", "setenv"}
    ]
    assert [r["resource"] for r in asked] == ["SECRET_TOKEN"]


def test_nothing_starts_with_a_loss_that_is_not_accepted(place: Path) -> None:
    done = run(place, "sh", "-c", "echo no > src/x", options=("--accept-loss", "words"))
    assert done.returncode == 0  # options add up
    words = command(place, "touch", "src/never", accepted="")
    done = subprocess.run(words, cwd=place / "w", env=environment(place), capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert "--accept-loss late-reads,words" in done.stderr
    assert not (place / "w/src/never").exists()


def test_walls_are_verified(place: Path) -> None:
    (place / "w/k.pem").write_text("secret")
    (place / "w/a.txt").write_text("x")
    done = run(place, "true", options=("--verify",))
    assert done.returncode == 0
    assert "verified: " in done.stderr


def test_a_program_starts_itself_again(place: Path) -> None:
    """As browsers do for their helpers; what rules say of the program holds."""
    script = "exec /proc/self/exe -c 'echo again; exec /proc/thread-self/exe -c \"echo once more\"'"
    assert run(place, "bash", "-c", script).stdout == "again\nonce more\n"
    denied = run(place, "bash", "-c", script, policy=POLICY + 'deny run "bash -c *again*"\n')
    assert "again" not in denied.stdout


def test_denied_words_are_refused(place: Path) -> None:
    done = run(
        place,
        "sh",
        "-c",
        "git --version >/dev/null && git push origin x; echo $?",
        policy=POLICY + 'deny run "git push **"\n',
    )
    assert done.stdout == "126\n"


def test_calls_wait_beside_each_other_up_to_their_number(place: Path) -> None:
    """FIFOs that nobody opens at the other end wait; `walls_waiting` of them, and one more is refused."""
    script = "import os,threading,time\nos.mkfifo('src/f')\nout=[]\ndef one():\n    try: os.open('src/f', os.O_WRONLY)\n    except OSError as e: out.append(e.errno)\nfor _ in range(65): threading.Thread(target=one, daemon=True).start()\ntime.sleep(1)\nopen('src/alive','w').close()\nprint(out, flush=True)\nos._exit(0)"
    assert run(place, "python3", "-c", script).stdout == "[11]\n"


def test_people_are_waited_for_up_to_a_limit(place: Path) -> None:
    """`walls_wait_seconds` is 3600."""
    assert run(place, "true", options=("--wait", "3600")).returncode == 0
    assert run(place, "true", options=("--wait", "3601")).returncode == 2


def test_an_observed_policy_stops_nobody_and_records(place: Path) -> None:
    (place / "w/k.pem").write_text("secret")
    log = str(place / "log")
    script = "cat k.pem; echo x > no.md; echo y > src/held.txt || echo stopped"
    rules = POLICY + 'rule held: deny write "src/held.txt"\n'
    done = run(place, "sh", "-c", script, policy=rules, options=("--observe", "--hold", "p#held", "--log", log))
    assert done.stdout == "secretstopped\n", done.stderr
    assert "OBSERVING" in done.stderr
    assert (place / "w/no.md").exists()
    found = subprocess.run(
        [sys.executable, "-m", "policy_lang", "log", "stats", log, "--would"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "let pass because the policy is only observed" in found.stdout
    assert run(place, "true", options=("--observe",)).returncode == 2


def test_decisions_are_recorded_before_they_take_effect(place: Path) -> None:
    log = place / "log"
    done = run(place, "sh", "-c", "echo a > src/a; echo b > b.md || true; echo c > src/a", options=("--log", str(log)))
    assert done.returncode == 0
    shown = subprocess.run(
        [sys.executable, "-m", "policy_lang", "log", "stats", str(log)], capture_output=True, text=True, check=True
    ).stdout
    assert "write" in shown


def test_a_log_that_is_full_stops_everything(place: Path) -> None:
    """Whoever cannot record allows nothing: the folder of the log goes away while the command runs."""
    log = place / "log"
    script = "echo a > src/a; touch src/ready; while [ ! -e /tmp/never ] && [ ! -e src/go ]; do sleep 0.1; done; echo b > src/b; echo $?"
    words = command(place, "sh", "-c", script, options=("--log", str(log)))
    with subprocess.Popen(words, cwd=place / "w", env=environment(place), stdout=subprocess.PIPE, text=True) as process:
        while not (place / "w/src/ready").exists():
            time.sleep(0.1)
        for one in log.iterdir():
            one.unlink()
        log.rmdir()
        log.write_text("no folder")
        (place / "w/src/go").touch()
        assert process.stdout is not None
        assert process.stdout.read() == "2\n"
    assert not (place / "w/src/b").exists()


def test_the_doctor_tries_the_walls(place: Path) -> None:
    (place / "w/agent.policy").write_text(POLICY)
    words = [sys.executable, "-m", "policy_lang", "doctor", "walls"]
    done = subprocess.run(words, cwd=place / "w", env=environment(place), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "that must fail" in done.stdout
    assert "mitmproxy" not in done.stdout
    (place / "w/agent.policy").write_text(POLICY + 'allow use "TOKEN" for "api.example"\nallow connect "api.example"\n')
    done = subprocess.run(words, cwd=place / "w", env=environment(place), capture_output=True, text=True, check=False)
    assert "mitmproxy is " in done.stdout, done.stdout + done.stderr


def test_walls_that_are_not_as_planned_start_nothing(place: Path) -> None:
    """A file that the plan hides and the walls show: verification says so, and exits 125."""
    (place / "w/k.pem").write_text("secret")
    code = "from policy_lang.walls import mounts\nold = mounts.words_of\ndef bad(plan, covers, *more):\n    words = old(plan, covers, *more)\n    at = words.index(covers.file)\n    return words[:at - 1] + words[at + 2:]\nmounts.words_of = bad"
    done = run(place, "touch", "src/never", options=("--verify",), program=altered(code))
    assert done.returncode == 125
    assert "k.pem" in done.stderr and "it worked" in done.stderr
    assert not (place / "w/src/never").exists()


def test_links_that_others_would_follow_are_not_made(place: Path) -> None:
    (place / "w/src/a/hooks").mkdir(parents=True)
    script = """
ln -s ../../.bashrc src/out; ln -s /etc/passwd src/system; ln -s b.txt src/near; ln -s ../k.pem src/key
ln -s ../x src/a/up; mv src/a/up src/up2; mv src/a src/../top 2>/dev/null; ln -P src/near src/hard; true
"""
    run(place, "sh", "-c", script)
    links = {p.relative_to(place / "w").as_posix(): os.readlink(p) for p in (place / "w").rglob("*") if p.is_symlink()}
    assert links == {"src/system": "/etc/passwd", "src/near": "b.txt", "src/hard": "b.txt", "src/a/up": "../x"}


def test_what_a_folder_hides_from_the_start_stays_hidden(place: Path) -> None:
    """A folder whose mode kept the launcher from looking into it is covered as a whole."""
    (place / "w/src/x").mkdir()
    (place / "w/src/x/k.pem").write_text("secret")
    (place / "w/src/x").chmod(0)
    done = run(place, "sh", "-c", "chmod 755 src/x; cat src/x/k.pem; ls src/x")
    assert "secret" not in done.stdout


def test_a_request_is_asked_as_behind_walls(place: Path) -> None:
    """`--confined` is for people who want to know; what a hook sends never says so."""
    (place / "p.policy").write_text('policy "p" when confined { allow read "x" }')

    def check(*more: str) -> int:
        words = [sys.executable, "-m", "policy_lang", "check", str(place / "p.policy"), "read", "x", *more]
        return subprocess.run(words, cwd=place / "w", capture_output=True, check=False).returncode

    assert check() == 1
    assert check("--confined") == 0


def test_the_policy_is_the_one_that_its_hook_has(place: Path) -> None:
    """A checkout that changes the workspace's policy changes nothing before somebody puts it in force."""
    (place / "w/agent.policy").write_text(POLICY)

    def start(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "policy_lang", *words]
        return subprocess.run(
            command, cwd=place / "w", env=environment(place), capture_output=True, text=True, check=False
        )

    assert start("run", "--accept-loss", ACCEPTED, "--", "true").returncode == 2  # here is no repository
    subprocess.run(["git", "init", "-q", "."], cwd=place / "w", check=True)
    assert start("hook", "install", "claude", "--policy", "agent.policy").returncode == 0
    (place / "w/agent.policy").write_text(POLICY + 'allow write "wider/"\n')
    (place / "w/wider").mkdir()
    done = start("run", "--accept-loss", ACCEPTED, "--", "touch", "wider/x")
    assert done.returncode == 1
    assert "Permission denied" in done.stderr
    assert "policy compile" in done.stderr


def test_names_that_people_are_asked_about_are_not_looked_up(place: Path) -> None:
    rules = POLICY + 'tier t { approvers "@x" }\nask t connect "**:*"\n'
    done = run(place, "curl", "-sS", "http://secret.example.invalid/", policy=rules)
    assert "looked up" not in done.stdout
    assert "nobody can be asked" in done.stdout, done.stdout + done.stderr


@WALLS
@pytest.mark.parametrize("way", ["/proc/self/fd/{d}", "/proc/thread-self/fd/{d}", "/dev/fd/{d}", "/proc/{pid}/fd/{d}", "/proc/self/cwd/src", "/proc/self/root{ws}/src"])  # fmt: skip
def test_paths_go_on_from_what_is_open(place: Path, way: str) -> None:
    """As programs do that make sure of a folder first; what lies there is decided by its own path."""
    (place / "w/src/k.pem").write_text("s3cr3t")
    script = (
        "import os\n"
        "d = os.open('src', os.O_RDONLY | os.O_DIRECTORY)\n"
        f"at = '{way}'.format(d=d, pid=os.getpid(), ws=os.getcwd())\n"
        "os.mkdir(f'{at}/new'); open(f'{at}/new/a', 'w').write('x'); os.rename(f'{at}/new/a', f'{at}/b')\n"
        "print(open(f'{at}/b').read(), os.path.isdir(f'{at}/new/'))\n"
        "for path in (f'{at}/../top', f'{at}/k.pem', f'{at}/new/../../top2'):\n"
        "    try:\n"
        "        open(path, 'w')\n"
        "        print('WROTE', path)\n"
        "    except OSError as error:\n"
        "        print(type(error).__name__)\n"
    )
    done = run(place, sys.executable, "-c", script)
    assert done.stdout.splitlines() == ["x True", "PermissionError", "PermissionError", "PermissionError"], done
    assert (place / "w/src/b").read_text() == "x"
    assert (place / "w/src/k.pem").read_text() == "s3cr3t"
