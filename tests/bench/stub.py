"""What the benchmarks' stand-ins share: a process of its own, so that it does not share the measured
process's interpreter lock, and HTTP/1.1 with keep-alive and no framework in the way."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable
from types import TracebackType
from typing import Self

Answer = tuple[str, bytes]
"""The name of the call, and the whole HTTP answer."""


class Server:
    """`answer` gets the head and the body of a request. `GET /_stub` tells how many calls of each kind
    there were and the seconds that were spent on them."""

    def __init__(self, answer: Callable[[str, bytes], Answer]) -> None:
        self._answer = answer
        self.calls: Counter[str] = Counter()
        self.seconds: dict[str, float] = defaultdict(float)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection until the client closes it. asyncio sets TCP_NODELAY itself."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lower = head.lower()
                at = lower.find("content-length:")
                length = int(lower[at + 15 : lower.index("\r\n", at)]) if at >= 0 else 0
                body = await reader.readexactly(length) if length else b""
                writer.write(self.answer(head, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def answer(self, head: str, body: bytes) -> bytes:
        """The whole answer to one request."""
        if head.startswith("GET /_stub"):
            told = {"calls": self.calls, "seconds": self.seconds}
            return http(json.dumps(told).encode(), "application/json")
        begun = time.perf_counter()
        name, answer = self._answer(head, body)
        self.calls[name] += 1
        self.seconds[name] += time.perf_counter() - begun
        return answer


def http(body: bytes, kind: str = "application/json", status: str = "200 OK") -> bytes:
    """An HTTP answer."""
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def serve(answer: Callable[[str, bytes], Answer]) -> None:
    """Serves until the process's standard input closes: it never outlives who started it."""
    server = await asyncio.start_server(Server(answer).connected, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


class StubProcess:
    """Starts a stub's module as a process and ends it."""

    def __init__(self, module: str, *arguments: object) -> None:
        self.url = ""
        self._command = [sys.executable, "-m", module, *map(str, arguments)]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    @property
    def calls(self) -> dict[str, int]:
        """How many calls of each kind there were."""
        with urllib.request.urlopen(f"{self.url}/_stub", timeout=10) as answer:
            return dict(json.loads(answer.read())["calls"])

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._process:
            self._process.communicate()


def ec2(instances: int = 0, doomed: int = 0, now: float = 0.0) -> StubProcess:
    """EC2 and CloudWatch Logs, with so many synthetic instances of which so many are overdue at `now`."""
    return StubProcess("tests.bench.ec2_stub", instances, doomed, "bench", now or time.time())


def azure(machines: int = 0, doomed: int = 0, now: float = 0.0) -> StubProcess:
    """ARM's virtual machines, in the same way."""
    return StubProcess("tests.bench.azure_stub", machines, doomed, "bench", now or time.time())


def batch(tasks: int = 0, others: int = 0) -> StubProcess:
    """AWS Batch, with so many tasks of a dead head job and of a living one."""
    return StubProcess("tests.bench.batch_stub", tasks, others)


def azure_batch(jobs: int = 0, target: int = 0, tasks: int = 0) -> StubProcess:
    """Azure Batch, with so many head jobs that run, pools of so many nodes, and so many tasks of Nextflow."""
    return StubProcess("tests.bench.azurebatch_stub", jobs, target, tasks)
