"""The Functions host around our app: what the HTTP front end, storage queues, timers and Event Grid hand to
the Python worker, in the worker's own intermediate form, decoded by azure-functions itself.

Nothing is delivered but while `wait` pumps, in the thread that calls it; only the API answers at once.
"""

import asyncio
import base64
import contextlib
import json
import os
import traceback
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, Self

from azure.functions import get_binding_registry
from azure.functions.decorators.function_app import Function
from azure.storage.queue import QueueClient, QueueMessage

from tests.functions_payloads import Payload, http_payload, queue_payload, timer_payload
from tests.hosting import Ticking

ROOT = Path(__file__).parents[1]
HOST = json.loads((ROOT / "host.json").read_text())
QUEUES = HOST["extensions"]["queues"]


class Worker:
    """The app, indexed once as the worker does, and invoked in this process."""

    def __init__(self) -> None:
        from functions.app import build

        self.functions: dict[str, Function] = {
            each.get_function_name(): each for each in build().get_functions()
        }
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def bindings(self, name: str) -> list[dict[str, Any]]:
        """What the host is told of a function."""
        found: list[dict[str, Any]] = json.loads(self.functions[name].get_function_json())["bindings"]
        return found

    def trigger(self, name: str) -> dict[str, Any]:
        """The binding that starts a function."""
        return next(each for each in self.bindings(name) if each["type"].endswith("Trigger"))

    def invoke(self, name: str, payload: Payload) -> Any:
        """What the function returns; raises what it raises."""
        trigger = self.trigger(name)
        converter = get_binding_registry().get(trigger["type"])
        value, facts = payload
        arguments = {trigger["name"]: converter.decode(value, trigger_metadata=facts)}
        handler = self.functions[name].get_user_function()
        if "context" in handler.__annotations__:
            arguments["context"] = SimpleNamespace(function_name=name, invocation_id=str(uuid.uuid4()))
        if asyncio.iscoroutinefunction(handler):
            return asyncio.run_coroutine_threadsafe(handler(**arguments), self._loop).result(60)
        return handler(**arguments)


class Gateway(BaseHTTPRequestHandler):
    """The HTTP front end."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    host: "FunctionsHost"

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = f"http://{self.headers['Host']}{self.path}"
        status, headers, data = type(self).host.request(self.command, url, dict(self.headers.items()), body)
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(data))}.items():
            self.send_header(name, value)
        self._headers_buffer.append(b"\r\n" + data)  # type: ignore[attr-defined]
        self.flush_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"):
    setattr(Gateway, f"do_{method}", Gateway.serve)


class FunctionsHost(Ticking):
    """The app on Azurite. `variables` are the process's: set them before it starts."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self.errors: list[str] = []
        """Invocations that raised, in words."""
        self.before: Callable[[str], None] = lambda name: None
        """Called with the name of a function that is about to be delivered something."""

    def start(self) -> Self:
        self._open = contextlib.ExitStack()
        gateway = type("Bound", (Gateway,), {"host": self})
        front = ThreadingHTTPServer(("127.0.0.1", 0), gateway)
        front.daemon_threads = True
        self._open.callback(front.server_close)
        self._open.callback(front.shutdown)
        Thread(target=front.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{front.server_address[1]}"
        os.environ["HEADNODE_API_URL"] = self.url
        self.worker = Worker()
        self._open.callback(self.worker.close)
        self.queues = {
            name: self._queue(name) for name in self.worker.functions if self._is(name, "queueTrigger")
        }
        return self

    def stop(self) -> None:
        self._open.close()

    def _is(self, name: str, kind: str) -> bool:
        return bool(self.worker.trigger(name)["type"] == kind)

    def _queue(self, name: str) -> QueueClient:
        """The function's queue, which the host makes when it is missing."""
        queue = self.worker.trigger(name)["queueName"]
        for variable, value in os.environ.items():
            queue = queue.replace(f"%{variable}%", value)
        client = self._open.enter_context(QueueClient.from_connection_string(self._connection, queue))
        with contextlib.suppress(Exception):
            client.create_queue()
        return client

    def request(
        self, method: str, url: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """What the API answers."""
        try:
            answer = self.worker.invoke("api", http_payload(method, url, headers, body))
        except Exception as error:
            self._failed("api", error)
            return 500, {}, b""
        return answer.status_code, dict(answer.headers), answer.get_body()

    def trouble(self) -> str:
        """Errors and logs."""
        return str(self.errors)

    def tick(self) -> None:
        """What the timer does."""
        self._invoke("reap_tick", timer_payload())

    def pump(self) -> int:
        """Delivers what is due, once; how much that was."""
        return sum(self._batch(name, queue) for name, queue in self.queues.items())

    def _batch(self, name: str, queue: QueueClient) -> int:
        """One batch. A message is deleted when its function returned; else it comes again, and after so
        many times it goes to the poison queue."""
        pages = queue.receive_messages(
            messages_per_page=QUEUES["batchSize"], visibility_timeout=600
        ).by_page()
        found = list(next(pages, ()))
        for message in found:
            if self._message(name, message):
                queue.delete_message(message)
            elif (message.dequeue_count or 0) < QUEUES["maxDequeueCount"] or queue.queue_name.endswith(
                "-poison"
            ):
                queue.update_message(message, visibility_timeout=0)
            else:
                poison = f"{queue.queue_name}-poison"
                with QueueClient.from_connection_string(self._connection, poison) as other:
                    other.send_message(message.content)
                queue.delete_message(message)
        return len(found)

    def _message(self, name: str, message: QueueMessage) -> bool:
        assert QUEUES["messageEncoding"] == "base64"
        body = base64.b64decode(message.content, validate=True).decode()
        return self._invoke(name, queue_payload(body, message.dequeue_count or 1))

    def _invoke(self, name: str, payload: Payload) -> bool:
        self.before(name)
        try:
            self.worker.invoke(name, payload)
        except Exception as error:
            self._failed(name, error)
            return False
        return True

    def _failed(self, name: str, error: Exception) -> None:
        self.errors.append(f"{name}: {''.join(traceback.format_exception(error))}")
