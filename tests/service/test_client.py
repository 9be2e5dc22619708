"""The Python clients: the same answers, and a denial for whatever fails."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from policy_lang.client import AsyncClient, Client

from .support import Running, service


@pytest.fixture(scope="module")
def one() -> Iterator[Running]:
    with service() as running:
        yield running


def test_it_asks(one: Running) -> None:
    with Client(one.socket) as client:
        answer = client.decide(action="read", resource="src/a")
        assert (answer.effect, answer.allowed, answer.failed) == ("allow", True, "")
        assert answer.decision["policy_digest"].startswith("sha256:")
        asked = client.decide(action="write", resource="src/a")
        assert (asked.effect, asked.allowed, asked.tiers) == ("ask", False, ("review",))
        refused = client.decide(action="raed", resource="src/a")
        assert (refused.effect, refused.failed) == (
            "deny",
            "the service refused (PLR106): `raed` is not a valid action (did you mean `read`?)",
        )
        assert client.decide(action="run", resource=["git", "status"], cwd="/").allowed


def test_asyncio_asks(one: Running) -> None:
    async def main() -> None:
        async with AsyncClient(one.socket) as client:
            answers = await asyncio.gather(*(client.decide(action="read", resource=f"src/{i}") for i in range(20)))
            assert all(a.allowed for a in answers)
            assert (await client.decide(action="raed", resource="x")).failed.startswith("the service refused")

    asyncio.run(main())


def test_threads_share_one(one: Running) -> None:
    with Client(one.socket) as client:
        found: list[bool] = []
        threads = [
            threading.Thread(
                target=lambda: found.extend(client.decide(action="read", resource="src/a").allowed for _ in range(50))
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [True] * 400


def test_what_fails_is_a_denial(tmp_path: object) -> None:
    client = Client(f"{tmp_path}/none")
    answer = client.decide(action="read", resource="src/a")
    assert (answer.effect, answer.failed) == ("deny", "the service cannot be reached: no such file or directory")

    async def main() -> None:
        answer = await AsyncClient(f"{tmp_path}/none").decide(action="read", resource="src/a")
        assert (answer.effect, answer.failed) == ("deny", "the service cannot be reached")

    asyncio.run(main())


def test_a_service_that_starts_anew_is_found_again() -> None:
    async def ask(client: AsyncClient) -> str:
        return (await client.decide(action="read", resource="src/a")).effect

    with service() as first, Client(first.socket) as client, asyncio.Runner() as runner:
        other = AsyncClient(first.socket)
        assert (client.decide(action="read", resource="src/a").effect, runner.run(ask(other))) == ("allow", "allow")
        first.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        stuck = Client(first.socket, timeout=0.3)
        assert stuck.decide(action="read", resource="src/a").failed == "the service did not answer in time"
        assert time.monotonic() - began < 2
        first.process.send_signal(signal.SIGCONT)
        first.stop()
        assert (client.decide(action="read", resource="src/a").effect, runner.run(ask(other))) == ("deny", "deny")
        import subprocess
        import sys

        again = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "policy_lang",
                "serve",
                "--policy",
                first.policy,
                "--socket",
                first.socket,
                "--agent",
                "a",
            ],
            stderr=subprocess.DEVNULL,
        )
        try:
            end = time.monotonic() + 10
            while client.decide(action="read", resource="src/a").effect != "allow":
                assert time.monotonic() < end
                time.sleep(0.05)
            assert runner.run(ask(other)) == "allow"
            runner.run(other.close())
        finally:
            again.kill()
            again.wait()


def test_another_user_is_not_asked(one: Running) -> None:
    answer = Client(one.socket, owner=12345).decide(action="read", resource="src/a")
    assert answer.effect == "deny"
    assert "which is not the service's" in answer.failed
