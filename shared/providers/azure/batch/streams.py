"""What a task printed, read from its node: there as long as the node is."""

from shared.azure_endpoints import BATCH_SCOPE
from shared.errors import Refused, Retry
from shared.providers.azure.batch.clients import VERSION, BatchClients, read
from shared.providers.azure.batch.errors import refusal

STREAMS = ("stdout.txt", "stderr.txt")
ACTION = "Microsoft.Batch/batchAccounts/jobs/read"
MOST = 512 * 1024
"""Bytes read at once."""
LAST, WORDS = 4096, 2000
"""Bytes of a stream's end that are looked at, and characters of it that are kept."""


class Streams:
    """The files of a head task. `job` is the address of its job."""

    def __init__(self, clients: BatchClients, job: str, task: str = "tasks/head") -> None:
        self._clients = clients
        self._url = f"{job}/{task}/files"

    def read(self, name: str, start: int, most: int = MOST) -> bytes | None:
        """Bytes from a place on; nothing where there are no more (yet), None where the file is not there,
        not there yet, or its node is gone. Raises Forbidden or Retry."""
        url = f"{self._url}/{name}?api-version={VERSION}"
        # The service's own name for a range: signatures cover it.
        headers = {"Accept": "application/octet-stream", "ocp-range": f"bytes={start}-{start + most - 1}"}
        reply = self._clients.wire.send("GET", url, scope=BATCH_SCOPE, headers=headers)
        if reply.status in (200, 206):
            return reply.body
        if reply.status == 416:
            return b""
        if reply.status in (404, 409):
            return None
        raise refusal(read(reply, ACTION), ACTION)

    def last(self, name: str) -> str:
        """The end of a file, as text; empty where it cannot be had. Nothing is raised: who asks has a reason
        already, and this only adds to it. Two reads."""
        url = f"{self._url}/{name}?api-version={VERSION}"
        try:
            reply = self._clients.wire.send("HEAD", url, scope=BATCH_SCOPE)
            size = reply.headers.get("content-length", "") if reply.status == 200 else ""
            data = self.read(name, max(0, int(size) - LAST), LAST) if size.isdigit() and int(size) else b""
        except (Refused, Retry):
            return ""
        return (data or b"").decode(errors="replace").strip()[-WORDS:]


def last_words(streams: Streams) -> str:
    """The end of what was printed, errors last."""
    return "\n".join(filter(None, map(streams.last, STREAMS)))
